// SPDX-License-Identifier: GPL-2.0
/*
 * A NIC's indirection table: as it was found, and as it is to be.
 *
 * What is to be is always made anew of what was found, so that without pins
 * and queues set apart it is that again, byte for byte.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "rss_table.h"

/**
 * ankus_rss_table_init() - make a table without pins
 * @table: to be set up
 * @size: buckets
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int ankus_rss_table_init(struct ankus_rss_table *table, u32 size)
{
	*table = (struct ankus_rss_table) {
		.size = size,
		.found = kvcalloc(size, 4 * sizeof(u32), GFP_KERNEL_ACCOUNT),
		.slot = kvcalloc(size, 2 * sizeof(*table->slot),
				 GFP_KERNEL_ACCOUNT),
	};
	if (!table->found || !table->slot) {
		ankus_rss_table_destroy(table);
		return -ENOMEM;
	}
	table->ours = table->found + size;
	table->want = table->ours + size;
	table->seen = table->want + size;
	table->kept = table->slot + size;
	return 0;
}

/**
 * ankus_rss_table_destroy() - free what a table has
 * @table: the table, set up or all 0
 *
 * Context: May sleep.
 */
void ankus_rss_table_destroy(struct ankus_rss_table *table)
{
	kvfree(table->found);
	kvfree(table->slot);
	*table = (struct ankus_rss_table) {};
}

static size_t table_bytes(const struct ankus_rss_table *table)
{
	return table->size * sizeof(*table->found);
}

/**
 * ankus_rss_table_is() - are two states of a table the same?
 * @table: the table
 * @a: one
 * @b: the other
 *
 * Context: Any.
 * Return: true if they are.
 */
bool ankus_rss_table_is(const struct ankus_rss_table *table, const u32 *a,
			const u32 *b)
{
	return !memcmp(a, b, table_bytes(table));
}

/**
 * ankus_rss_table_start() - begin with a table that is others' alone
 * @table: the table
 * @found: what the NIC has
 *
 * Context: Any.
 */
void ankus_rss_table_start(struct ankus_rss_table *table, const u32 *found)
{
	memcpy(table->found, found, table_bytes(table));
	memcpy(table->ours, found, table_bytes(table));
}

/**
 * ankus_rss_table_unpin() - forget all pins
 * @table: the table
 *
 * Context: Any.
 * Return: how many there were.
 */
u32 ankus_rss_table_unpin(struct ankus_rss_table *table)
{
	u32 i, n = 0;

	for (i = 0; i < table->size; i++)
		n += !!table->slot[i].flow;
	memset(table->slot, 0, table->size * sizeof(*table->slot));
	return n;
}

/**
 * ankus_rss_table_keep() - remember the pins for ankus_rss_table_undo()
 * @table: the table
 *
 * Context: Any.
 */
void ankus_rss_table_keep(struct ankus_rss_table *table)
{
	memcpy(table->kept, table->slot, table->size * sizeof(*table->slot));
}

/**
 * ankus_rss_table_undo() - take back what was changed of the pins since then
 * @table: the table
 *
 * Context: Any.
 */
void ankus_rss_table_undo(struct ankus_rss_table *table)
{
	memcpy(table->slot, table->kept, table->size * sizeof(*table->slot));
}

/* A queue for what loses its own: those that have buckets, one after another */
static u32 table_next(const unsigned long *open, u32 queues, u32 last)
{
	u32 next = find_next_bit(open, queues, last + 1);

	return next < queues ? next : find_first_bit(open, queues);
}

/**
 * ankus_rss_table_touched() - is anything of the table ours, or to be?
 * @table: the table
 *
 * Context: Any.
 * Return: true if a bucket is pinned, or the NIC's table is not the one found.
 */
bool ankus_rss_table_touched(const struct ankus_rss_table *table)
{
	u32 i;

	for (i = 0; i < table->size; i++)
		if (table->slot[i].flow)
			return true;
	return !ankus_rss_table_is(table, table->ours, table->found);
}

/**
 * ankus_rss_table_plan() - say how the table is to be
 * @table: the table, of which @want is set
 * @apart: queues to be kept for pins, NULL for none
 * @queues: how many there are
 *
 * The buckets of queues set apart go in turn to the other queues that the table
 * names; to all others, where it names none.  So do those of queues that are
 * gone, which some drivers leave in the table, and no user could write.
 *
 * Context: Any.
 * Return: how many buckets queues set apart have lost.
 */
u32 ankus_rss_table_plan(struct ankus_rss_table *table,
			 const struct ankus_queues *apart, u32 queues)
{
	bool touched = apart || ankus_rss_table_touched(table);
	DECLARE_BITMAP(open, ANKUS_MAX_QUEUES) = {};
	u32 i, moved = 0, next = U32_MAX, all = queues;

	queues = min_t(u32, queues, ANKUS_MAX_QUEUES);
	for (i = 0; i < table->size; i++)
		if (table->found[i] < queues &&
		    !(apart && ankus_queues_has(apart, table->found[i])))
			__set_bit(table->found[i], open);
	if (apart && apart->some && bitmap_empty(open, queues))
		bitmap_complement(open, apart->map, queues);
	if (bitmap_empty(open, queues)) {
		apart = NULL;
		bitmap_set(open, 0, queues);
	}

	for (i = 0; i < table->size; i++) {
		const struct ankus_rss_slot *slot = &table->slot[i];
		bool gone = touched && table->found[i] >= all;
		bool taken = apart && table->found[i] < all &&
			     ankus_queues_has(apart, table->found[i]);

		table->want[i] = table->found[i];
		if (gone || taken) {
			next = table_next(open, queues, next);
			table->want[i] = next;
			moved += taken;
		}
		if (slot->flow && slot->queue < queues)
			table->want[i] = slot->queue;
	}
	return moved;
}

/**
 * ankus_rss_table_written() - the NIC has the table that was wanted
 * @table: the table
 * @apart: queues are kept for pins
 *
 * What was found is known until nothing of ours is left, be it that queues that
 * were gone come back.
 *
 * Context: Any.
 * Return: true while the table is not as others have made it.
 */
bool ankus_rss_table_written(struct ankus_rss_table *table, bool apart)
{
	bool pinned = apart;
	u32 i;

	memcpy(table->ours, table->want, table_bytes(table));
	for (i = 0; i < table->size && !pinned; i++)
		pinned = table->slot[i].flow;
	if (!pinned)
		ankus_rss_table_start(table, table->want);
	return !ankus_rss_table_is(table, table->ours, table->found);
}
