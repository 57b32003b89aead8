// SPDX-License-Identifier: GPL-2.0
/*
 * Groups: flows that belong together, of a pair of addresses or of a rule.
 *
 * Placement asks how much of a flow's group each bin has, for as many flows as
 * there are to place.  So the loads are added up once, in a hash table that is
 * at most half full.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "group.h"

/* The slot of a group and bin, or the one that is free for them */
static unsigned int group_slot(const struct ankus_groups *groups, u64 group,
			       unsigned int bin)
{
	unsigned int i = hash_64(group + ((u64)bin << 44), 32) & groups->mask;

	while (groups->slot[i].group &&
	       (groups->slot[i].group != group || groups->slot[i].bin != bin))
		i = (i + 1) & groups->mask;
	return i;
}

/**
 * ankus_groups_alloc() - make room
 * @n: calls of ankus_groups_add() at most
 *
 * Context: May sleep.
 * Return: no loads, to be freed by kvfree(); NULL without memory.
 */
struct ankus_groups *ankus_groups_alloc(unsigned int n)
{
	size_t slots = roundup_pow_of_two(2UL * max(n, 1U));
	struct ankus_groups *groups;

	groups = kvzalloc(struct_size(groups, slot, slots), GFP_KERNEL);
	if (groups)
		groups->mask = slots - 1;
	return groups;
}

/**
 * ankus_groups_add() - add a flow
 * @groups: the loads
 * @group: its group, not 0
 * @bin: where it is
 * @load_bps: its rate
 *
 * Context: Any.
 */
void ankus_groups_add(struct ankus_groups *groups, u64 group, unsigned int bin,
		      u64 load_bps)
{
	struct ankus_group_load *slot;

	slot = &groups->slot[group_slot(groups, group, bin)];
	slot->group = group;
	slot->bin = bin;
	slot->load_bps += load_bps;
}

/**
 * ankus_groups_load() - what a bin has of a group
 * @groups: the loads
 * @group: the group, not 0
 * @bin: number of the bin
 *
 * Context: Any.
 * Return: bits per second.
 */
u64 ankus_groups_load(const struct ankus_groups *groups, u64 group,
		      unsigned int bin)
{
	return groups->slot[group_slot(groups, group, bin)].load_bps;
}
