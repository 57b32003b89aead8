/* SPDX-License-Identifier: GPL-2.0 */
/* Damping: what came up is not used before it has been up for a while. */
#ifndef ANKUS_DAMP_H
#define ANKUS_DAMP_H

#include <linux/time64.h>
#include <linux/types.h>

/* What failed for the first time in a long while waits so long, and at most */
#define ANKUS_DAMP_MIN_NS	NSEC_PER_SEC
#define ANKUS_DAMP_MAX_NS	(32ULL * NSEC_PER_SEC)
/* What was used for so long before it failed has been stable */
#define ANKUS_DAMP_STABLE_NS	(10ULL * NSEC_PER_SEC)

/**
 * struct ankus_damp - something that goes up and down
 * @up: it was up when last seen
 * @up_ns: since when
 * @wait_ns: how long after that it is not used yet
 */
struct ankus_damp {
	bool up;
	u64 up_ns;
	u64 wait_ns;
};

bool ankus_damp(struct ankus_damp *damp, bool up, u64 now_ns);

#endif /* ANKUS_DAMP_H */
