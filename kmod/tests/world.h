/* SPDX-License-Identifier: GPL-2.0 */
/* Bins and flows to place on them, and what must hold of every decision. */
#ifndef ANKUS_TESTS_WORLD_H
#define ANKUS_TESTS_WORLD_H

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "../place.h"

#define GBPS 1000000000ULL

#define WORLD_BINS 16
#define WORLD_ITEMS 128
#define ALL (~0UL)

/**
 * struct world - bins and the flows on them
 * @tolerance: of rebalancing, thousandths of the mean load
 * @n: bins
 * @n_items: flows
 * @bins: their loads are @other and the rates of the items on them
 * @other: load that is no item's
 * @items: flows
 * @open: bins open to each item
 */
struct world {
	unsigned int tolerance;
	unsigned int n;
	unsigned int n_items;
	struct ankus_bin bins[WORLD_BINS];
	u64 other[WORLD_BINS];
	struct ankus_item items[WORLD_ITEMS];
	unsigned long open[WORLD_ITEMS];
};

static inline bool world_allowed(const void *flow, unsigned int bin)
{
	const unsigned long *open = flow;

	return *open & BIT(bin);
}

/* Usable bins with nothing on them */
static inline struct world *world_new(struct kunit *test, unsigned int n,
				      const u64 *capacities)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->tolerance = 20;
	w->n = n;
	for (i = 0; i < n; i++) {
		w->bins[i].usable = true;
		w->bins[i].capacity_bps = capacities ? capacities[i] : 0;
	}
	ankus_place_prepare(w->bins, n);
	return w;
}

static inline struct ankus_item *
world_add(struct world *w, u64 rate_bps, unsigned int bin, unsigned long open)
{
	struct ankus_item *item = &w->items[w->n_items];

	w->open[w->n_items] = open;
	*item = (struct ankus_item) {
		.rate_bps = rate_bps,
		.bin = bin,
		.allowed = world_allowed,
		.flow = &w->open[w->n_items],
	};
	if (bin < w->n)
		w->bins[bin].load_bps += rate_bps;
	w->n_items++;
	return item;
}

/* The last item takes the place of one that leaves */
static inline void world_remove(struct world *w, unsigned int i)
{
	if (w->items[i].bin < w->n)
		w->bins[w->items[i].bin].load_bps -= w->items[i].rate_bps;
	w->n_items--;
	w->items[i] = w->items[w->n_items];
	w->open[i] = w->open[w->n_items];
	w->items[i].flow = &w->open[i];
}

static inline int world_place(struct world *w, unsigned int i)
{
	struct ankus_item *item = &w->items[i];
	int bin;

	if (item->bin < w->n)
		w->bins[item->bin].load_bps -= item->rate_bps;
	bin = ankus_place_new(w->bins, w->n, item, NULL);
	item->bin = bin < 0 ? U32_MAX : bin;
	if (bin >= 0)
		w->bins[bin].load_bps += item->rate_bps;
	return bin;
}

static inline void world_move(struct world *w, const struct ankus_move *move)
{
	struct ankus_item *item = &w->items[move->item];

	w->bins[item->bin].load_bps -= item->rate_bps;
	w->bins[move->to].load_bps += item->rate_bps;
	item->bin = move->to;
}

/* Millionths of its capacity that a bin is loaded with */
static inline u64 load_ppm(const struct ankus_bin *bin, u64 load_bps)
{
	return div64_u64(load_bps * 1000000, bin->capacity_bps);
}

static inline u64 world_max(const struct world *w)
{
	u64 most = 0;
	unsigned int i;

	for (i = 0; i < w->n; i++)
		if (w->bins[i].usable)
			most = max(most, load_ppm(&w->bins[i],
						  w->bins[i].load_bps));
	return most;
}

static inline u64 world_mean(const struct world *w)
{
	u64 load = 0, capacity = 0;
	unsigned int i;

	for (i = 0; i < w->n; i++) {
		if (!w->bins[i].usable)
			continue;
		load += w->bins[i].load_bps;
		capacity += w->bins[i].capacity_bps;
	}
	return capacity ? div64_u64(load * 1000000, capacity) : 0;
}

/* A choice of a bin must be open to the flow, and no other must be better */
static inline void expect_placed(struct kunit *test, const struct world *w,
				 const struct ankus_item *item, int bin)
{
	u64 after;
	unsigned int i;

	if (bin < 0) {
		for (i = 0; i < w->n; i++)
			KUNIT_EXPECT_FALSE(test, w->bins[i].usable &&
					   item->allowed(item->flow, i));
		return;
	}
	KUNIT_ASSERT_LT(test, bin, w->n);
	KUNIT_EXPECT_TRUE(test, w->bins[bin].usable);
	KUNIT_EXPECT_TRUE(test, item->allowed(item->flow, bin));
	after = load_ppm(&w->bins[bin], w->bins[bin].load_bps);
	for (i = 0; i < w->n; i++) {
		if (i == bin || !w->bins[i].usable ||
		    !item->allowed(item->flow, i))
			continue;
		/* what the two ways to round differ by */
		KUNIT_EXPECT_LE(test, after, 2 +
				load_ppm(&w->bins[i], w->bins[i].load_bps +
						      item->rate_bps));
	}
}

/*
 * One decision: legal, and the fuller one of the bins it concerns is less full
 * after it.  So the sorted loads fall with each, and no state comes twice.
 */
static inline unsigned int world_rebalance(struct kunit *test, struct world *w)
{
	struct ankus_move moves[ANKUS_MOVES_MAX];
	u64 most = world_max(w), mean = world_mean(w);
	unsigned int count, i, from = 0;
	u64 after = 0;

	count = ankus_place_rebalance(w->bins, w->n, w->items, w->n_items,
				      w->tolerance, moves);
	if (!count)
		return 0;
	KUNIT_ASSERT_LE(test, count, ANKUS_MOVES_MAX);
	for (i = 0; i < count; i++) {
		const struct ankus_item *item;

		KUNIT_ASSERT_LT(test, moves[i].item, w->n_items);
		KUNIT_ASSERT_LT(test, moves[i].to, w->n);
		item = &w->items[moves[i].item];
		KUNIT_ASSERT_LT(test, item->bin, w->n);
		KUNIT_EXPECT_NE(test, item->bin, moves[i].to);
		KUNIT_EXPECT_TRUE(test, w->bins[moves[i].to].usable);
		KUNIT_EXPECT_TRUE(test, item->allowed(item->flow, moves[i].to));
		if (!i)
			from = item->bin;
	}
	/* out of the fullest */
	KUNIT_EXPECT_GE(test, 2 + load_ppm(&w->bins[from],
					   w->bins[from].load_bps), most);
	if (count == 2) {
		KUNIT_EXPECT_NE(test, moves[0].item, moves[1].item);
		KUNIT_EXPECT_EQ(test, moves[1].to, from);
		KUNIT_EXPECT_EQ(test, moves[0].to, w->items[moves[1].item].bin);
	}
	for (i = 0; i < count; i++)
		world_move(w, &moves[i]);
	after = max(load_ppm(&w->bins[from], w->bins[from].load_bps),
		    load_ppm(&w->bins[moves[0].to],
			     w->bins[moves[0].to].load_bps));
	/* by more than the tolerance, but for what rounding takes */
	KUNIT_EXPECT_LT(test, after + mean * w->tolerance / 1000, most + 3);
	KUNIT_EXPECT_LT(test, after, most);
	KUNIT_EXPECT_LE(test, world_max(w), most);
	return count;
}

/*
 * Where it ends, the fullest bin is about as full as all of them together, or
 * no single move gains much more than what is asked for.
 */
static inline void expect_settled(struct kunit *test, const struct world *w)
{
	u64 most = world_max(w), mean = world_mean(w);
	u64 goal = mean * w->tolerance / 1000 + 3;
	unsigned int i, from, to;
	u64 slack;

	if (most <= mean + goal)
		return;

	for (i = 0; i < w->n_items; i++) {
		const struct ankus_item *item = &w->items[i];

		from = item->bin;
		if (from >= w->n || !w->bins[from].usable ||
		    load_ppm(&w->bins[from], w->bins[from].load_bps) < most)
			continue;
		slack = goal + load_ppm(&w->bins[from], item->rate_bps / 4);
		for (to = 0; to < w->n; to++) {
			u64 after;

			if (to == from || !w->bins[to].usable ||
			    !item->allowed(item->flow, to))
				continue;
			after = max(load_ppm(&w->bins[from],
					     w->bins[from].load_bps -
					     item->rate_bps),
				    load_ppm(&w->bins[to],
					     w->bins[to].load_bps +
					     item->rate_bps));
			KUNIT_EXPECT_GE(test, after + slack, most);
		}
	}
}

static inline unsigned int world_settle(struct kunit *test, struct world *w)
{
	unsigned int rounds = 0;

	while (world_rebalance(test, w)) {
		rounds++;
		KUNIT_ASSERT_LE(test, rounds, 4 * WORLD_ITEMS);
	}
	expect_settled(test, w);
	return rounds;
}

#endif /* ANKUS_TESTS_WORLD_H */
