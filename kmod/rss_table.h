/* SPDX-License-Identifier: GPL-2.0 */
/* A NIC's indirection table: as it was found, and as it is to be. */
#ifndef ANKUS_RSS_TABLE_H
#define ANKUS_RSS_TABLE_H

#include <linux/types.h>

#include "match.h"

/**
 * struct ankus_rss_slot - a bucket that was pinned
 * @flow: id of the flow for which it was, 0 for none
 * @queue: where it is to point
 */
struct ankus_rss_slot {
	u64 flow;
	u32 queue;
};

/**
 * struct ankus_rss_table - an indirection table
 * @size: buckets, a power of two
 * @found: as others have made it, and get it back
 * @ours: as the NIC has it by what is known
 * @want: as it is to be
 * @seen: as it was read
 * @slot: the pinned buckets
 * @kept: @slot as it was at ankus_rss_table_keep()
 */
struct ankus_rss_table {
	u32 size;
	u32 *found;
	u32 *ours;
	u32 *want;
	u32 *seen;
	struct ankus_rss_slot *slot;
	struct ankus_rss_slot *kept;
};

int ankus_rss_table_init(struct ankus_rss_table *table, u32 size);
void ankus_rss_table_destroy(struct ankus_rss_table *table);
void ankus_rss_table_start(struct ankus_rss_table *table, const u32 *found);
u32 ankus_rss_table_unpin(struct ankus_rss_table *table);
void ankus_rss_table_keep(struct ankus_rss_table *table);
void ankus_rss_table_undo(struct ankus_rss_table *table);
u32 ankus_rss_table_plan(struct ankus_rss_table *table,
			 const struct ankus_queues *apart, u32 queues);
bool ankus_rss_table_touched(const struct ankus_rss_table *table);
bool ankus_rss_table_written(struct ankus_rss_table *table, bool apart);
bool ankus_rss_table_is(const struct ankus_rss_table *table, const u32 *a,
			const u32 *b);

#endif /* ANKUS_RSS_TABLE_H */
