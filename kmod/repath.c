// SPDX-License-Identifier: GPL-2.0
/*
 * When a path loses so much that another one is worth a try.
 *
 * In the manner of PLB (Qureshi et al., SIGCOMM 2022; net/ipv4/tcp_plb.c): what
 * a sender sees is judged in windows, and bad ones in a row are the sign.  PLB
 * asks for marks of congestion; here it is losses, as fabrics without ECN have
 * nothing else to tell, and what has to be gone around is a link that corrupts
 * or a switch that drops.  Timeouts are TCP's own: it rehashes then by itself
 * (PRR, Wetherall et al., SIGCOMM 2023), and the path that comes of it is given
 * its time.
 */
#include <linux/minmax.h>
#include <linux/time64.h>

#include "repath.h"

/* A window is so long at least, and not shorter than a round trip */
#define REPATH_WINDOW_NS	(50 * NSEC_PER_MSEC)
/* It has so many segments at least: fewer would say little */
#define REPATH_SEGMENTS		64
/* It is bad when one in so many of them had to be sent again */
#define REPATH_SHARE		32
/* So many bad ones in a row are the sign */
#define REPATH_BAD		3
/* The pause after a change, which doubles so many times */
#define REPATH_PAUSE_NS		NSEC_PER_SEC
#define REPATH_PAUSE_SHIFT	4

static void repath_begin(struct ankus_repath *repath,
			 const struct ankus_path *path, u64 now_ns)
{
	repath->from = *path;
	repath->from_ns = now_ns;
}

/**
 * ankus_repath_due() - is another path worth a try?
 * @repath: how the paths of the flow have fared
 * @path: what its sender knows now
 * @now_ns: time, not 0
 *
 * To be asked now and then; what happens in between is one window.
 *
 * Context: Any.
 * Return: true if so, until ankus_repath_done() is called or a window is good.
 */
bool ankus_repath_due(struct ankus_repath *repath,
		      const struct ankus_path *path, u64 now_ns)
{
	u32 delivered = path->delivered - repath->from.delivered;
	u32 retrans = path->retrans - repath->from.retrans;
	u64 window_ns = max_t(u64, REPATH_WINDOW_NS,
			      path->rtt_us * (u64)NSEC_PER_USEC);

	if (repath->count >= ANKUS_REPATH_MAX)
		return false;
	if (!repath->from_ns || now_ns < repath->pause_ns) {
		repath_begin(repath, path, now_ns);
		return false;
	}
	if (path->rehashed != repath->from.rehashed) {
		repath_begin(repath, path, now_ns);
		repath->pause_ns = now_ns + REPATH_PAUSE_NS;
		repath->bad = 0;
		return false;
	}
	if (now_ns - repath->from_ns < window_ns ||
	    (u64)delivered + retrans < REPATH_SEGMENTS)
		return repath->bad >= REPATH_BAD;

	if ((u64)retrans * REPATH_SHARE >= (u64)delivered + retrans)
		repath->bad = min(repath->bad + 1, REPATH_BAD);
	else
		repath->bad = 0;
	repath_begin(repath, path, now_ns);
	return repath->bad >= REPATH_BAD;
}

/**
 * ankus_repath_done() - the path was changed
 * @repath: how the paths of the flow have fared
 * @now_ns: time
 *
 * Context: Any.
 */
void ankus_repath_done(struct ankus_repath *repath, u64 now_ns)
{
	repath->pause_ns = now_ns + ((u64)REPATH_PAUSE_NS <<
				     min_t(u8, repath->count, REPATH_PAUSE_SHIFT));
	repath->bad = 0;
	repath->count++;
}
