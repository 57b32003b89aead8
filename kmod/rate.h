/* SPDX-License-Identifier: GPL-2.0 */
/* Average rates from byte counts read at uneven times, and thresholds. */
#ifndef ANKUS_RATE_H
#define ANKUS_RATE_H

#include <linux/time64.h>
#include <linux/types.h>

/* Averaging times: short to detect, long to place */
#define ANKUS_RATE_FAST_NS	(500 * NSEC_PER_MSEC)
#define ANKUS_RATE_SLOW_NS	(4ULL * NSEC_PER_SEC)

/**
 * struct ankus_rate - two moving averages of one byte count
 * @fast_bps: over about half a second, follows changes; bits per second
 * @slow_bps: over about four seconds, steady enough to place by; likewise
 * @span_ns: time measured so far, or since the longer average began anew, up to
 *	the longer averaging time
 * @spread_permille: mean distance of samples from the longer average, in 1/1000
 *	of it, over the same time
 * @apart_ms: how long they have been farther off than that explains
 */
struct ankus_rate {
	u64 fast_bps;
	u64 slow_bps;
	u32 span_ns;
	u16 spread_permille;
	u16 apart_ms;
};

void ankus_rate_update(struct ankus_rate *rate, u64 bytes, u64 dt_ns);
void ankus_rate_follow(struct ankus_rate *rate, u64 bytes, u64 dt_ns);
u64 ankus_rate_bytes(u64 bps, u64 ns);
u64 ankus_rate_recent(const struct ankus_rate *rate);

/**
 * struct ankus_over - whether a rate keeps above a threshold
 * @over_ns: since when it is over it, 0 when it is not
 * @under_ns: since when it is well below, 0 when it is not
 */
struct ankus_over {
	u64 over_ns;
	u64 under_ns;
};

void ankus_over_update(struct ankus_over *over, u64 bps, u64 threshold_bps,
		       u64 since, u64 now);

/* Has the rate been over the threshold for a time? */
static inline bool ankus_over_for(const struct ankus_over *over, u64 ns,
				  u64 now)
{
	return over->over_ns && now >= over->over_ns + ns;
}

/* Has it been well below? */
static inline bool ankus_under_for(const struct ankus_over *over, u64 ns,
				   u64 now)
{
	return over->under_ns && now >= over->under_ns + ns;
}

#endif /* ANKUS_RATE_H */
