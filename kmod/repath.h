/* SPDX-License-Identifier: GPL-2.0 */
/* When a path loses so much that another one is worth a try. */
#ifndef ANKUS_REPATH_H
#define ANKUS_REPATH_H

#include <linux/types.h>

/* A flow is given another path so many times at most */
#define ANKUS_REPATH_MAX 8

/**
 * struct ankus_path - what a sender knows of its path, counted since it began
 * @delivered: segments that arrived
 * @retrans: segments sent again
 * @rehashed: times that TCP itself changed the path, after a timeout
 * @rtt_us: smoothed round-trip time
 */
struct ankus_path {
	u32 delivered;
	u32 retrans;
	u32 rehashed;
	u32 rtt_us;
};

/**
 * struct ankus_repath - how the paths of a flow have fared
 * @from: what was known when the window began that is judged next
 * @from_ns: when that was, 0 before the first
 * @pause_ns: nothing is judged before this time
 * @bad: windows in a row with losses
 * @count: times that the path was changed
 */
struct ankus_repath {
	struct ankus_path from;
	u64 from_ns;
	u64 pause_ns;
	u8 bad;
	u8 count;
};

bool ankus_repath_due(struct ankus_repath *repath,
		      const struct ankus_path *path, u64 now_ns);
void ankus_repath_done(struct ankus_repath *repath, u64 now_ns);

#endif /* ANKUS_REPATH_H */
