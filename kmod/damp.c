// SPDX-License-Identifier: GPL-2.0
/*
 * Damping.
 *
 * The two ends of a link do not agree at once that it is up: with LACP, one
 * sends before the other one receives, and what it sends is lost.  A link that
 * flaps loses packets each time.  So what comes up is used a second later, and
 * with each failure soon after that twice as late as the time before.
 */
#include <linux/minmax.h>

#include "damp.h"

/**
 * ankus_damp() - may something be used?
 * @damp: the thing; zeroed, it is used at once when it is first seen to be up
 * @up: is it up now?
 * @now_ns: time
 *
 * Context: Any; the caller's lock for @damp.
 * Return: true if it is up and has been for as long as it has to.
 */
bool ankus_damp(struct ankus_damp *damp, bool up, u64 now_ns)
{
	if (!up) {
		if (damp->up && now_ns - damp->up_ns >=
				damp->wait_ns + ANKUS_DAMP_STABLE_NS)
			damp->wait_ns = ANKUS_DAMP_MIN_NS;
		else if (damp->up)
			damp->wait_ns *= 2;
		damp->wait_ns = clamp(damp->wait_ns, ANKUS_DAMP_MIN_NS,
				      ANKUS_DAMP_MAX_NS);
	} else if (!damp->up) {
		damp->up_ns = now_ns;
	}
	damp->up = up;
	return up && now_ns - damp->up_ns >= damp->wait_ns;
}
