/* SPDX-License-Identifier: GPL-2.0 */
/* Average rates from byte counts read at uneven times. */
#ifndef ANKUS_RATE_H
#define ANKUS_RATE_H

#include <linux/time64.h>
#include <linux/types.h>

/* Averaging times: short to detect, long to place */
#define ANKUS_RATE_FAST_NS	(500 * NSEC_PER_MSEC)
#define ANKUS_RATE_SLOW_NS	(4 * NSEC_PER_SEC)

/**
 * struct ankus_rate - two moving averages of one byte count
 * @fast_bps: over about half a second, follows changes; bits per second
 * @slow_bps: over about four seconds, steady enough to place by; likewise
 * @span_ns: time measured so far, up to the longer averaging time
 */
struct ankus_rate {
	u64 fast_bps;
	u64 slow_bps;
	u64 span_ns;
};

void ankus_rate_update(struct ankus_rate *rate, u64 bytes, u64 dt_ns);
u64 ankus_rate_bytes(u64 bps, u64 ns);

#endif /* ANKUS_RATE_H */
