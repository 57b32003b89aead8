// SPDX-License-Identifier: GPL-2.0
/* Placement: the choice of a bin, and single steps of rebalancing. */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "world.h"

static void place_least_loaded(struct kunit *test)
{
	struct world *w = world_new(test, 4, NULL);
	unsigned int i;

	w->bins[0].load_bps = 7 * GBPS;
	w->bins[1].load_bps = 5 * GBPS;
	w->bins[2].load_bps = 6 * GBPS;
	w->bins[3].load_bps = 8 * GBPS;
	world_add(w, 3 * GBPS, U32_MAX, ALL);
	KUNIT_EXPECT_EQ(test, world_place(w, 0), 1);

	/* many flows of one rate: no bin has two more than another */
	w = world_new(test, 4, NULL);
	for (i = 0; i < 42; i++) {
		world_add(w, 6 * GBPS, U32_MAX, ALL);
		expect_placed(test, w, &w->items[i], world_place(w, i));
	}
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_GE(test, w->bins[i].load_bps, 60 * GBPS);
		KUNIT_EXPECT_LE(test, w->bins[i].load_bps, 66 * GBPS);
	}
}

/* A flow stays where it is unless another bin is better */
static void place_keeps_bin(struct kunit *test)
{
	struct world *w;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		w = world_new(test, 4, NULL);
		world_add(w, 3 * GBPS, i, ALL);
		KUNIT_EXPECT_EQ(test, world_place(w, 0), i);
	}
	/* not when it is worse */
	w = world_new(test, 4, NULL);
	w->bins[2].load_bps = GBPS;
	world_add(w, 3 * GBPS, 2, ALL);
	KUNIT_EXPECT_NE(test, world_place(w, 0), 2);
	/* not when it is closed, or there is none such */
	w = world_new(test, 4, NULL);
	w->bins[2].usable = false;
	world_add(w, 3 * GBPS, 2, ALL);
	world_add(w, 3 * GBPS, 3, ALL & ~BIT(3));
	world_add(w, 3 * GBPS, 4, ALL);
	for (i = 0; i < 3; i++)
		expect_placed(test, w, &w->items[i], world_place(w, i));
}

static void place_forbidden(struct kunit *test)
{
	struct world *w = world_new(test, 4, NULL);
	unsigned long open;

	w->bins[0].load_bps = 4 * GBPS;
	w->bins[1].load_bps = 3 * GBPS;
	w->bins[2].load_bps = 2 * GBPS;
	w->bins[3].load_bps = 1 * GBPS;
	for (open = 0; open < 16; open++) {
		world_add(w, GBPS, U32_MAX, open);
		/* the last one of the open bins */
		KUNIT_EXPECT_EQ(test, world_place(w, 0),
				(int)fls(open) - 1);
		world_remove(w, 0);
	}
}

static void place_unusable(struct kunit *test)
{
	struct world *w = world_new(test, 4, NULL);
	unsigned int i;

	for (i = 0; i < 4; i++)
		w->bins[i].load_bps = (4 - i) * GBPS;
	for (i = 4; i-- > 0;) {
		world_add(w, GBPS, U32_MAX, ALL);
		KUNIT_EXPECT_EQ(test, world_place(w, 0), i);
		world_remove(w, 0);
		w->bins[i].usable = false;
	}
	world_add(w, GBPS, 2, ALL);
	KUNIT_EXPECT_EQ(test, world_place(w, 0), -1);
	KUNIT_EXPECT_EQ(test, -1, ankus_place_new(w->bins, 0, &w->items[0],
						  NULL));
}

#define PAIR	7ULL
#define RULE	8ULL

/* On bins that are about as good, flows of a group keep apart */
static void place_apart(struct kunit *test)
{
	struct world *w = world_new(test, 4, NULL);
	struct ankus_groups *groups = ankus_groups_alloc(16);
	struct ankus_item *item;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, groups);
	for (i = 0; i < 3; i++)
		w->bins[i].load_bps = (100 + i) * GBPS;
	w->bins[3].load_bps = 104 * GBPS;
	item = world_add(w, 16 * GBPS, U32_MAX, ALL);
	item->group[0] = PAIR;
	/* no other of it: the least loaded */
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, groups), 0);
	ankus_groups_add(groups, PAIR, 0, 5 * GBPS);
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, groups), 1);
	ankus_groups_add(groups, PAIR, 1, 4 * GBPS);
	/* two more than the least is an eighth of the flow, four is not */
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, groups), 2);
	ankus_groups_add(groups, PAIR, 2, 6 * GBPS);
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, groups), 1);
	/* both groups count */
	item->group[1] = RULE;
	ankus_groups_add(groups, RULE, 1, 3 * GBPS);
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, groups), 0);
	/* not where it is closed, or unusable, or without groups */
	w->open[0] = ALL & ~BIT(0);
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, groups), 2);
	w->bins[2].usable = false;
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, groups), 1);
	w->open[0] = ALL;
	w->bins[2].usable = true;
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, NULL), 0);
	/* one that is not part of any */
	item->group[0] = 0;
	item->group[1] = 0;
	KUNIT_EXPECT_EQ(test, ankus_place_new(w->bins, 4, item, groups), 0);
	kvfree(groups);
}

/* What remains when those are taken off that are on nobody knows which bin */
static void place_other(struct kunit *test)
{
	u64 other[4] = { 4 * GBPS, 0, 2 * GBPS, 2 * GBPS };

	ankus_place_other(other, 4, 0);
	KUNIT_EXPECT_EQ(test, other[0], 4 * GBPS);
	KUNIT_EXPECT_EQ(test, other[2], 2 * GBPS);
	ankus_place_other(other, 4, 6 * GBPS);
	KUNIT_EXPECT_EQ(test, other[0], GBPS);
	KUNIT_EXPECT_EQ(test, other[1], 0);
	KUNIT_EXPECT_EQ(test, other[2], GBPS / 2);
	KUNIT_EXPECT_EQ(test, other[3], GBPS / 2);
	/* measured later than the others, it may be more than all */
	ankus_place_other(other, 4, 3 * GBPS);
	KUNIT_EXPECT_EQ(test, other[0] + other[2] + other[3], 0);
	ankus_place_other(other, 4, GBPS);
	KUNIT_EXPECT_EQ(test, other[0], 0);
	other[0] = U64_MAX;
	other[1] = U64_MAX;
	ankus_place_other(other, 4, U64_MAX);
	KUNIT_EXPECT_EQ(test, other[0], 0);
	ankus_place_other(other, 0, GBPS);
}

/* Bins after one tick of evening flows of 1 Gbit/s, which are all on the first */
struct even_case {
	const char *name;
	unsigned int flows[4];
	unsigned int moves;
	unsigned int after[4];
};

static const struct even_case even_cases[] = {
	{ "nothing", {}, 0, {} },
	{ "even", { 3, 3, 3, 3 }, 0, { 3, 3, 3, 3 } },
	{ "one out of the fullest", { 9, 3, 3, 3 }, 1, { 8, 4, 3, 3 } },
	{ "one out of each", { 7, 7, 7, 0 }, 3, { 6, 6, 6, 3 } },
	{ "not out of what is not the fullest", { 9, 6, 3, 3 }, 1,
	  { 8, 6, 4, 3 } },
	{ "until it is even", { 5, 5, 3, 3 }, 2, { 4, 4, 4, 4 } },
};

KUNIT_ARRAY_PARAM_DESC(even, even_cases, name);

static void place_even(struct kunit *test)
{
	const struct even_case *c = test->param_value;
	struct world *w = world_new(test, 4, NULL);
	unsigned int i, k, n = 0, at[4] = {};

	for (i = 0; i < 4; i++)
		for (k = 0; k < c->flows[i]; k++, n++)
			world_add(w, GBPS, i, ALL);
	KUNIT_EXPECT_EQ(test, c->moves, ankus_place_even(w->bins, 4, w->items,
							 n, w->tolerance));
	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_LT(test, w->items[i].bin, 4);
		at[w->items[i].bin]++;
	}
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, w->bins[i].load_bps, at[i] * GBPS);
		/* which of two that are equally empty is no matter */
		if (c->moves != 1 || c->flows[i] > 3)
			KUNIT_EXPECT_EQ(test, at[i], c->after[i]);
	}
}

struct capacity_case {
	const char *name;
	unsigned int n;
	u64 capacities[4];
	/* of 24 flows of 1 Gbit/s, on each bin */
	unsigned int flows[4];
};

static const struct capacity_case capacity_cases[] = {
	{ "equal", 4,
	  { 25 * GBPS, 25 * GBPS, 25 * GBPS, 25 * GBPS }, { 6, 6, 6, 6 } },
	{ "unequal", 3,
	  { 10 * GBPS, 20 * GBPS, 30 * GBPS }, { 4, 8, 12 } },
	{ "one small", 2, { 1 * GBPS, 100 * GBPS }, { 0, 24 } },
	{ "all unknown", 3, { 0, 0, 0 }, { 8, 8, 8 } },
	{ "one unknown", 3, { 10 * GBPS, 100 * GBPS, 0 }, { 8, 8, 8 } },
	{ "tiny", 3, { 1, 2, 1000 }, { 8, 8, 8 } },
	{ "tiny beside a real one", 2, { 1, 100 * GBPS }, { 0, 24 } },
	{ "huge", 4,
	  { U64_MAX, U64_MAX, U64_MAX, U64_MAX }, { 6, 6, 6, 6 } },
	{ "sum wraps", 2, { 1ULL << 63, (1ULL << 63) + 1 }, { 12, 12 } },
	{ "huge beside a real one", 2, { 100 * GBPS, U64_MAX }, { 0, 24 } },
};

KUNIT_ARRAY_PARAM_DESC(capacity, capacity_cases, name);

static void place_capacities(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct world *w = world_new(test, c->n, c->capacities);
	unsigned int i, spread = 1;

	for (i = 0; i < 24; i++) {
		world_add(w, GBPS, U32_MAX, ALL);
		world_place(w, i);
	}
	for (i = 0; i < c->n; i++) {
		u64 flows = div64_u64(w->bins[i].load_bps, GBPS);

		KUNIT_EXPECT_LE_MSG(test, flows, c->flows[i] + spread,
				    "bin %u", i);
		KUNIT_EXPECT_GE_MSG(test, flows + spread, c->flows[i],
				    "bin %u", i);
	}
}

/* All flows on the first bin: rebalancing spreads them as well */
static void place_capacities_rebalance(struct kunit *test)
{
	const struct capacity_case *c = test->param_value;
	struct world *w = world_new(test, c->n, c->capacities);
	unsigned int i, rounds = 0;

	for (i = 0; i < 24; i++)
		world_add(w, GBPS, 0, ALL);
	while (rounds < 100) {
		struct ankus_move moves[ANKUS_MOVES_MAX];
		unsigned int count;

		count = ankus_place_rebalance(w->bins, w->n, w->items,
					      w->n_items, w->tolerance, moves);
		if (!count)
			break;
		for (i = 0; i < count; i++)
			world_move(w, &moves[i]);
		rounds++;
	}
	KUNIT_EXPECT_LT(test, rounds, 100);
	for (i = 0; i < c->n; i++) {
		u64 flows = div64_u64(w->bins[i].load_bps, GBPS);

		KUNIT_EXPECT_LE_MSG(test, flows, c->flows[i] + 1, "bin %u", i);
		KUNIT_EXPECT_GE_MSG(test, flows + 1, c->flows[i], "bin %u", i);
	}
}

/* A bin nobody may use does not make the others' capacities unknown */
static void place_prepare(struct kunit *test)
{
	struct ankus_bin bins[3] = {
		{ .usable = true, .capacity_bps = 10 * GBPS },
		{ .usable = false, .capacity_bps = 0 },
		{ .usable = true, .capacity_bps = 40 * GBPS },
	};

	ankus_place_prepare(bins, ARRAY_SIZE(bins));
	KUNIT_EXPECT_EQ(test, bins[2].capacity_bps, 4 * bins[0].capacity_bps);
	KUNIT_EXPECT_NE(test, bins[1].capacity_bps, 0);
	bins[1].capacity_bps = 0;
	bins[1].usable = true;
	ankus_place_prepare(bins, ARRAY_SIZE(bins));
	KUNIT_EXPECT_EQ(test, bins[0].capacity_bps, bins[1].capacity_bps);
	KUNIT_EXPECT_EQ(test, bins[0].capacity_bps, bins[2].capacity_bps);
	KUNIT_EXPECT_NE(test, bins[0].capacity_bps, 0);
}

#define MAX_FLOWS 8

/**
 * struct rebalance_case - flows on bins of 100 Gbit/s, and what is to be done
 * @name: of the case
 * @n: bins
 * @unusable: bins that flows may not be placed on
 * @rate: of the flows in Gbit/s, 0 ends
 * @bin: where they are
 * @closed: bins closed to each of them
 * @count: moves expected
 * @item: the flows moved
 * @to: and where to
 */
struct rebalance_case {
	const char *name;
	unsigned int n;
	unsigned long unusable;
	unsigned int rate[MAX_FLOWS];
	unsigned int bin[MAX_FLOWS];
	unsigned long closed[MAX_FLOWS];
	unsigned int count;
	unsigned int item[ANKUS_MOVES_MAX];
	unsigned int to[ANKUS_MOVES_MAX];
};

static const struct rebalance_case rebalance_cases[] = {
	{ .name = "nothing", .n = 4 },
	{ .name = "no bin", .n = 0 },
	{ .name = "balanced", .n = 2, .rate = { 5, 5 }, .bin = { 0, 1 } },
	{ .name = "one flow", .n = 4, .rate = { 50 }, .bin = { 2 } },
	{ .name = "no usable bin", .n = 2, .unusable = 3, .rate = { 5, 5 },
	  .bin = { 0, 0 } },
	{ .name = "the better one of two moves", .n = 2, .rate = { 20, 12, 8 },
	  .bin = { 0, 0, 0 }, .count = 1, .item = { 0 }, .to = { 1 } },
	{ .name = "to the emptiest bin", .n = 3, .rate = { 20, 20, 10 },
	  .bin = { 0, 0, 1 }, .count = 1, .item = { 0 }, .to = { 2 } },
	{ .name = "out of the fullest bin", .n = 3,
	  .rate = { 10, 10, 20, 20 }, .bin = { 0, 0, 1, 1 },
	  .count = 1, .item = { 2 }, .to = { 2 } },
	{ .name = "not where it is closed", .n = 3, .rate = { 20, 20, 5 },
	  .bin = { 0, 0, 1 }, .closed = { 1 << 2, 1 << 2 },
	  .count = 1, .item = { 0 }, .to = { 1 } },
	{ .name = "the one that may go", .n = 2, .rate = { 20, 20 },
	  .bin = { 0, 0 }, .closed = { 1 << 1, 0 },
	  .count = 1, .item = { 1 }, .to = { 1 } },
	{ .name = "nobody may go", .n = 2, .rate = { 20, 20 },
	  .bin = { 0, 0 }, .closed = { 1 << 1, 1 << 1 } },
	{ .name = "not to an unusable bin", .n = 3, .unusable = 1 << 1,
	  .rate = { 20, 20, 10 }, .bin = { 0, 0, 2 },
	  .count = 1, .item = { 0 }, .to = { 2 } },
	{ .name = "an unusable bin is not the fullest", .n = 3,
	  .unusable = 1 << 0, .rate = { 50, 40, 10, 10 },
	  .bin = { 0, 0, 1, 1 }, .count = 1, .item = { 2 }, .to = { 2 } },
	/* 12 and 8: any move makes it worse, the exchange gives 10 and 10 */
	{ .name = "an exchange where no move helps", .n = 2,
	  .rate = { 6, 6, 4, 4 }, .bin = { 0, 0, 1, 1 },
	  .count = 2, .item = { 0, 2 }, .to = { 1, 0 } },
	{ .name = "no exchange with a closed bin", .n = 2,
	  .rate = { 6, 6, 4, 4 }, .bin = { 0, 0, 1, 1 },
	  .closed = { 0, 0, 1 << 0, 1 << 0 } },
	{ .name = "the exchange that both may do", .n = 2,
	  .rate = { 6, 6, 4, 4 }, .bin = { 0, 0, 1, 1 },
	  .closed = { 1 << 1, 0, 1 << 0, 0 },
	  .count = 2, .item = { 1, 3 }, .to = { 1, 0 } },
	{ .name = "no exchange with an unusable bin", .n = 3,
	  .unusable = 1 << 1, .rate = { 6, 6, 4, 4, 12 },
	  .bin = { 0, 0, 1, 1, 2 } },
	/* 5 against 2 would give 9 and 9, but to move 2 costs one flow less */
	{ .name = "a move rather than an exchange", .n = 2,
	  .rate = { 5, 5, 2, 2, 4 }, .bin = { 0, 0, 0, 1, 1 },
	  .count = 1, .item = { 2 }, .to = { 1 } },
	/* 101 and 99: within 20 permille of 100 */
	{ .name = "within the tolerance", .n = 2, .rate = { 99, 2, 99 },
	  .bin = { 0, 0, 1 } },
	/* 10 to be gained of a mean of 2000/3 Gbit/s */
	{ .name = "a gain below the tolerance", .n = 3,
	  .rate = { 690, 10, 650, 650 }, .bin = { 0, 0, 1, 2 } },
	/* equal flows: an exchange changes nothing */
	{ .name = "as even as it can be", .n = 2, .rate = { 5, 5, 5 },
	  .bin = { 0, 0, 1 } },
};

KUNIT_ARRAY_PARAM_DESC(rebalance, rebalance_cases, name);

static void place_rebalance(struct kunit *test)
{
	const struct rebalance_case *c = test->param_value;
	static const u64 capacities[] = { 100 * GBPS, 100 * GBPS, 100 * GBPS,
					  100 * GBPS };
	struct world *w = world_new(test, c->n, capacities);
	struct ankus_move moves[ANKUS_MOVES_MAX];
	unsigned int i, count;

	for (i = 0; i < c->n; i++)
		w->bins[i].usable = !(c->unusable & BIT(i));
	for (i = 0; i < MAX_FLOWS && c->rate[i]; i++)
		world_add(w, c->rate[i] * GBPS, c->bin[i], ~c->closed[i]);
	count = ankus_place_rebalance(w->bins, w->n, w->items, w->n_items,
				      w->tolerance, moves);
	KUNIT_ASSERT_EQ(test, count, c->count);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_EQ(test, moves[i].item, c->item[i]);
		KUNIT_EXPECT_EQ(test, moves[i].to, c->to[i]);
	}
	world_settle(test, w);
}

/* Load that cannot be moved counts, and stays */
static void place_rebalance_other_load(struct kunit *test)
{
	static const u64 capacities[] = { 100 * GBPS, 100 * GBPS };
	struct world *w = world_new(test, 2, capacities);
	struct ankus_move moves[ANKUS_MOVES_MAX];

	w->bins[0].load_bps = 50 * GBPS;
	KUNIT_EXPECT_EQ(test, ankus_place_rebalance(w->bins, 2, NULL, 0,
						    w->tolerance, moves), 0);
	world_add(w, 20 * GBPS, 0, ALL);
	KUNIT_EXPECT_EQ(test, world_rebalance(test, w), 1);
	KUNIT_EXPECT_EQ(test, w->items[0].bin, 1);
	KUNIT_EXPECT_EQ(test, world_rebalance(test, w), 0);
}

/* Capacities weigh: half the load on half the capacity is even */
static void place_rebalance_relative(struct kunit *test)
{
	static const u64 capacities[] = { 10 * GBPS, 20 * GBPS };
	struct world *w = world_new(test, 2, capacities);
	unsigned int i;

	for (i = 0; i < 12; i++)
		world_add(w, GBPS, i % 3 == 0 ? 0 : 1, ALL);
	KUNIT_EXPECT_EQ(test, world_rebalance(test, w), 0);

	for (i = 0; i < 12; i++)
		world_remove(w, 0);
	for (i = 0; i < 12; i++)
		world_add(w, GBPS, i % 2, ALL);
	world_settle(test, w);
	KUNIT_EXPECT_EQ(test, w->bins[0].load_bps, 4 * GBPS);
	KUNIT_EXPECT_EQ(test, w->bins[1].load_bps, 8 * GBPS);
}

struct imbalance_case {
	const char *name;
	u64 capacities[4];
	u64 loads[4];
	unsigned long unusable;
	u32 permille;
};

static const struct imbalance_case imbalance_cases[] = {
	{ "no load", { GBPS, GBPS, GBPS, GBPS }, {}, 0, 0 },
	{ "even", { 9 * GBPS, 9 * GBPS, 9 * GBPS, 9 * GBPS },
	  { GBPS, GBPS, GBPS, GBPS }, 0, 1000 },
	{ "all on one", { 9 * GBPS, 9 * GBPS, 9 * GBPS, 9 * GBPS },
	  { 0, 0, GBPS, 0 }, 0, 4000 },
	{ "half more", { 9 * GBPS, 9 * GBPS, 9 * GBPS, 9 * GBPS },
	  { 2 * GBPS, 1 * GBPS, 1 * GBPS, 0 }, 0, 2000 },
	{ "even by capacity", { 10 * GBPS, 20 * GBPS, 30 * GBPS, 40 * GBPS },
	  { 1 * GBPS, 2 * GBPS, 3 * GBPS, 4 * GBPS }, 0, 1000 },
	{ "unknown capacities", { 0, 0, 0, 0 },
	  { 3 * GBPS, 3 * GBPS, 1 * GBPS, 1 * GBPS }, 0, 1500 },
	{ "unusable ones do not count",
	  { 9 * GBPS, 9 * GBPS, 9 * GBPS, 9 * GBPS },
	  { 3 * GBPS, 1 * GBPS, 8 * GBPS, 0 }, 0xc, 1500 },
	{ "no usable one", { GBPS, GBPS, GBPS, GBPS },
	  { GBPS, GBPS, GBPS, GBPS }, 0xf, 0 },
};

KUNIT_ARRAY_PARAM_DESC(imbalance, imbalance_cases, name);

static void place_imbalance(struct kunit *test)
{
	const struct imbalance_case *c = test->param_value;
	struct world *w = world_new(test, 4, c->capacities);
	unsigned int i;
	u32 permille;

	for (i = 0; i < 4; i++) {
		w->bins[i].usable = !(c->unusable & BIT(i));
		w->bins[i].load_bps = c->loads[i];
	}
	permille = ankus_place_imbalance(w->bins, 4);
	KUNIT_EXPECT_LE(test, permille, c->permille + 1);
	KUNIT_EXPECT_GE(test, permille + 1, c->permille);
}

static u64 place_extreme(struct rnd_state *rnd, unsigned int bits)
{
	u64 value = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
	u32 kind = prandom_u32_state(rnd);

	switch (kind % 8) {
	case 0:
		return 0;
	case 1:
		return U64_MAX >> (64 - bits);
	default:
		return value >> (64 - bits) >> (kind >> 3) % bits;
	}
}

/*
 * Loads and capacities without measure: no trap, no endless loop, nothing
 * illegal.  Sums of loads must not wrap, which real ones cannot.
 */
static void place_extremes(struct kunit *test)
{
	struct world *w = world_new(test, 8, NULL);
	struct rnd_state rnd;
	unsigned int draw, i;

	prandom_seed_state(&rnd, 4);
	for (draw = 0; draw < 500; draw++) {
		struct ankus_move moves[ANKUS_MOVES_MAX];
		unsigned int count;

		memset(w, 0, sizeof(*w));
		w->n = 1 + prandom_u32_state(&rnd) % 8;
		for (i = 0; i < w->n; i++) {
			w->bins[i].capacity_bps = place_extreme(&rnd, 64);
			w->bins[i].load_bps = place_extreme(&rnd, 60);
			w->bins[i].usable = prandom_u32_state(&rnd) % 4;
		}
		ankus_place_prepare(w->bins, w->n);
		for (i = 0; i < 12; i++) {
			int bin;

			world_add(w, place_extreme(&rnd, 59),
				  prandom_u32_state(&rnd) % w->n,
				  prandom_u32_state(&rnd));
			bin = ankus_place_new(w->bins, w->n, &w->items[i],
					      NULL);
			if (bin < 0)
				continue;
			KUNIT_EXPECT_LT(test, bin, w->n);
			KUNIT_EXPECT_TRUE(test, w->bins[bin].usable);
			KUNIT_EXPECT_TRUE(test, w->open[i] & BIT(bin));
		}
		count = ankus_place_rebalance(w->bins, w->n, w->items, 12,
					      place_extreme(&rnd, 10), moves);
		KUNIT_ASSERT_LE(test, count, ANKUS_MOVES_MAX);
		for (i = 0; i < count; i++) {
			KUNIT_ASSERT_LT(test, moves[i].item, 12);
			KUNIT_ASSERT_LT(test, moves[i].to, w->n);
			KUNIT_EXPECT_TRUE(test, w->bins[moves[i].to].usable);
			KUNIT_EXPECT_TRUE(test, w->open[moves[i].item] &
						BIT(moves[i].to));
		}
		/* with any load it is 1 at least; all of it on one bin is most */
		count = ankus_place_imbalance(w->bins, w->n);
		if (count)
			KUNIT_EXPECT_GE(test, count, 990);
	}
}

static struct kunit_case place_cases[] = {
	KUNIT_CASE(place_least_loaded),
	KUNIT_CASE(place_keeps_bin),
	KUNIT_CASE(place_forbidden),
	KUNIT_CASE(place_unusable),
	KUNIT_CASE(place_apart),
	KUNIT_CASE(place_other),
	KUNIT_CASE_PARAM(place_even, even_gen_params),
	KUNIT_CASE_PARAM(place_capacities, capacity_gen_params),
	KUNIT_CASE_PARAM(place_capacities_rebalance, capacity_gen_params),
	KUNIT_CASE(place_prepare),
	KUNIT_CASE_PARAM(place_rebalance, rebalance_gen_params),
	KUNIT_CASE(place_rebalance_other_load),
	KUNIT_CASE(place_rebalance_relative),
	KUNIT_CASE_PARAM(place_imbalance, imbalance_gen_params),
	KUNIT_CASE(place_extremes),
	{}
};

static struct kunit_suite place_suite = {
	.name = "ankus_place",
	.test_cases = place_cases,
};

kunit_test_suite(place_suite);
