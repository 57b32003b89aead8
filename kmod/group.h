/* SPDX-License-Identifier: GPL-2.0 */
/* What the flows of a workload put on each queue or link. */
#ifndef ANKUS_GROUP_H
#define ANKUS_GROUP_H

#include <linux/types.h>

/**
 * struct ankus_group_load - the part of a group that is on a bin
 * @group: identifier, 0 in an empty slot
 * @bin: number of the bin
 * @load_bps: rate of its flows there
 */
struct ankus_group_load {
	u64 group;
	unsigned int bin;
	u64 load_bps;
};

/**
 * struct ankus_groups - loads by group and bin, a hash table
 * @mask: slots - 1
 * @slot: a group and bin stand in the first slot that is free for them
 */
struct ankus_groups {
	unsigned int mask;
	struct ankus_group_load slot[];
};

struct ankus_groups *ankus_groups_alloc(unsigned int n);
void ankus_groups_add(struct ankus_groups *groups, u64 group, unsigned int bin,
		      u64 load_bps);
u64 ankus_groups_load(const struct ankus_groups *groups, u64 group,
		      unsigned int bin);

#endif /* ANKUS_GROUP_H */
