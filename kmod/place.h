/* SPDX-License-Identifier: GPL-2.0 */
/* Which queue or link a flow goes to. */
#ifndef ANKUS_PLACE_H
#define ANKUS_PLACE_H

#include <linux/types.h>

#include "group.h"

/* Groups that a flow may be part of */
#define ANKUS_ITEM_GROUPS 2

/**
 * struct ankus_bin - a queue or link that flows are placed on
 * @load_bps: what it carries, elephants and all else; bits per second
 * @capacity_bps: what it can carry; 0 when unknown
 * @usable: may flows be placed on it
 */
struct ankus_bin {
	u64 load_bps;
	u64 capacity_bps;
	bool usable;
};

/**
 * struct ankus_item - a flow that may be moved
 * @rate_bps: its rate, part of the load of @bin
 * @bin: where it is
 * @allowed: is bin number @bin open to the flow?  Called with @flow
 * @flow: whatever @allowed knows the flow by
 * @group: groups that it is part of, 0 for none
 */
struct ankus_item {
	u64 rate_bps;
	unsigned int bin;
	bool (*allowed)(const void *flow, unsigned int bin);
	const void *flow;
	u64 group[ANKUS_ITEM_GROUPS];
};

/**
 * struct ankus_move - a decision of ankus_place_rebalance()
 * @item: index of the item
 * @to: its new bin
 */
struct ankus_move {
	unsigned int item;
	unsigned int to;
};

#define ANKUS_MOVES_MAX 2

void ankus_place_prepare(struct ankus_bin *bins, unsigned int n);
int ankus_place_new(const struct ankus_bin *bins, unsigned int n,
		    const struct ankus_item *item,
		    const struct ankus_groups *groups);
unsigned int ankus_place_rebalance(const struct ankus_bin *bins, unsigned int n,
				   const struct ankus_item *items,
				   unsigned int n_items,
				   unsigned int tolerance_permille,
				   struct ankus_move moves[ANKUS_MOVES_MAX]);
unsigned int ankus_place_even(struct ankus_bin *bins, unsigned int n,
			      struct ankus_item *items, unsigned int n_items,
			      unsigned int tolerance_permille);
void ankus_place_other(u64 *other_bps, unsigned int n, u64 loose_bps);
u32 ankus_place_imbalance(const struct ankus_bin *bins, unsigned int n);

#endif /* ANKUS_PLACE_H */
