// SPDX-License-Identifier: GPL-2.0
/* The RSS table: what is changed of it, and that all of it comes back. */
#include <kunit/test.h>

#include "../rss_table.h"

#define TABLE_SIZE	16
#define TABLE_QUEUES	4

static int table_init(struct kunit *test)
{
	struct ankus_rss_table *table;
	u32 found[TABLE_SIZE];
	unsigned int i;

	table = kunit_kzalloc(test, sizeof(*table), GFP_KERNEL);
	if (!table || ankus_rss_table_init(table, TABLE_SIZE))
		return -ENOMEM;
	test->priv = table;
	for (i = 0; i < TABLE_SIZE; i++)
		found[i] = i % TABLE_QUEUES;
	ankus_rss_table_start(table, found);
	return 0;
}

static void table_exit(struct kunit *test)
{
	if (test->priv)
		ankus_rss_table_destroy(test->priv);
}

static bool table_same(const struct ankus_rss_table *table)
{
	return ankus_rss_table_is(table, table->want, table->found);
}

static void table_nothing(struct kunit *test)
{
	struct ankus_rss_table *table = test->priv;

	KUNIT_EXPECT_EQ(test, ankus_rss_table_plan(table, NULL, TABLE_QUEUES),
			0);
	KUNIT_EXPECT_TRUE(test, table_same(table));
	KUNIT_EXPECT_TRUE(test, ankus_rss_table_is(table, table->ours,
						   table->found));
}

static void table_pins(struct kunit *test)
{
	struct ankus_rss_table *table = test->priv;
	unsigned int i;

	table->slot[5] = (struct ankus_rss_slot) { .flow = 1, .queue = 3 };
	ankus_rss_table_keep(table);
	table->slot[6] = (struct ankus_rss_slot) { .flow = 2, .queue = 0 };
	ankus_rss_table_plan(table, NULL, TABLE_QUEUES);
	for (i = 0; i < TABLE_SIZE; i++)
		KUNIT_EXPECT_EQ(test, table->want[i], i == 5 ? 3 : i == 6 ? 0 :
				i % TABLE_QUEUES);
	/* what could not be written is as before */
	ankus_rss_table_undo(table);
	ankus_rss_table_plan(table, NULL, TABLE_QUEUES);
	KUNIT_EXPECT_EQ(test, table->want[5], 3);
	KUNIT_EXPECT_EQ(test, table->want[6], 2);
	/* a queue that is gone has no bucket */
	ankus_rss_table_plan(table, NULL, 3);
	KUNIT_EXPECT_EQ(test, table->want[5], 1);
	KUNIT_EXPECT_EQ(test, ankus_rss_table_unpin(table), 1);
	ankus_rss_table_plan(table, NULL, TABLE_QUEUES);
	KUNIT_EXPECT_TRUE(test, table_same(table));
}

static void table_apart(struct kunit *test)
{
	struct ankus_rss_table *table = test->priv;
	struct ankus_queues apart = { .some = true };
	unsigned int i, count[TABLE_QUEUES] = {};

	__set_bit(3, apart.map);
	table->slot[7] = (struct ankus_rss_slot) { .flow = 1, .queue = 3 };
	KUNIT_EXPECT_EQ(test, ankus_rss_table_plan(table, &apart, TABLE_QUEUES),
			4);
	for (i = 0; i < TABLE_SIZE; i++)
		count[table->want[i]]++;
	/* the pinned bucket alone is there, the others are spread evenly */
	KUNIT_EXPECT_EQ(test, table->want[7], 3);
	KUNIT_EXPECT_EQ(test, count[3], 1);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_LE(test, count[i], 6);
	for (i = 0; i < TABLE_SIZE; i++)
		if (table->found[i] != 3)
			KUNIT_EXPECT_EQ(test, table->want[i], table->found[i]);
	/* no queue would be left: the table stays as it is */
	bitmap_fill(apart.map, TABLE_QUEUES);
	ankus_rss_table_unpin(table);
	KUNIT_EXPECT_EQ(test, ankus_rss_table_plan(table, &apart, TABLE_QUEUES),
			0);
	KUNIT_EXPECT_TRUE(test, table_same(table));
}

/* Others than the queues set apart have no buckets: they get them */
static void table_apart_all_found(struct kunit *test)
{
	struct ankus_rss_table *table = test->priv;
	struct ankus_queues apart = { .some = true };
	u32 found[TABLE_SIZE] = {};
	unsigned int i;

	ankus_rss_table_start(table, found);
	__set_bit(0, apart.map);
	KUNIT_EXPECT_EQ(test, ankus_rss_table_plan(table, &apart, TABLE_QUEUES),
			TABLE_SIZE);
	for (i = 0; i < TABLE_SIZE; i++)
		KUNIT_EXPECT_EQ(test, table->want[i], 1 + i % 3);
}

/* Queues are gone that the table still names, as some drivers leave it */
static void table_queues_gone(struct kunit *test)
{
	struct ankus_rss_table *table = test->priv;
	unsigned int i, count[2] = {};

	/* it is not ours to mend */
	KUNIT_EXPECT_FALSE(test, ankus_rss_table_touched(table));
	ankus_rss_table_plan(table, NULL, 2);
	KUNIT_EXPECT_TRUE(test, table_same(table));

	/* but nothing of the kind is written */
	table->slot[4] = (struct ankus_rss_slot) { .flow = 1, .queue = 1 };
	KUNIT_EXPECT_TRUE(test, ankus_rss_table_touched(table));
	KUNIT_EXPECT_EQ(test, ankus_rss_table_plan(table, NULL, 2), 0);
	for (i = 0; i < TABLE_SIZE; i++) {
		KUNIT_ASSERT_LT(test, table->want[i], 2);
		count[table->want[i]]++;
		if (i != 4 && table->found[i] < 2)
			KUNIT_EXPECT_EQ(test, table->want[i], table->found[i]);
	}
	KUNIT_EXPECT_EQ(test, table->want[4], 1);
	KUNIT_EXPECT_EQ(test, count[0], TABLE_SIZE / 2 - 1);
	KUNIT_EXPECT_TRUE(test, ankus_rss_table_written(table, false));

	/* they come back, and so does what was found */
	ankus_rss_table_plan(table, NULL, TABLE_QUEUES);
	for (i = 0; i < TABLE_SIZE; i++)
		KUNIT_EXPECT_EQ(test, table->want[i],
				i == 4 ? 1 : table->found[i]);
	KUNIT_EXPECT_TRUE(test, ankus_rss_table_written(table, false));

	/* or they do not: what is left behind names none that is gone */
	ankus_rss_table_unpin(table);
	ankus_rss_table_plan(table, NULL, 2);
	for (i = 0; i < TABLE_SIZE; i++)
		KUNIT_EXPECT_LT(test, table->want[i], 2);
	KUNIT_EXPECT_FALSE(test, ankus_rss_table_written(table, false));
	KUNIT_EXPECT_FALSE(test, ankus_rss_table_touched(table));
	KUNIT_EXPECT_TRUE(test, table_same(table));
}

/* A table without pins is not others' while queues are set apart */
static void table_written(struct kunit *test)
{
	struct ankus_rss_table *table = test->priv;
	struct ankus_queues apart = { .some = true };

	__set_bit(3, apart.map);
	ankus_rss_table_plan(table, &apart, TABLE_QUEUES);
	KUNIT_EXPECT_TRUE(test, ankus_rss_table_written(table, true));
	KUNIT_EXPECT_TRUE(test, ankus_rss_table_touched(table));
	ankus_rss_table_plan(table, NULL, TABLE_QUEUES);
	KUNIT_EXPECT_TRUE(test, table_same(table));
	KUNIT_EXPECT_FALSE(test, ankus_rss_table_written(table, false));
	KUNIT_EXPECT_FALSE(test, ankus_rss_table_touched(table));
	/* a pin that asks for what is there leaves it as it is */
	table->slot[1] = (struct ankus_rss_slot) { .flow = 1, .queue = 1 };
	ankus_rss_table_plan(table, NULL, TABLE_QUEUES);
	KUNIT_EXPECT_FALSE(test, ankus_rss_table_written(table, false));
	KUNIT_EXPECT_TRUE(test, ankus_rss_table_touched(table));
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE(table_nothing),
	KUNIT_CASE(table_pins),
	KUNIT_CASE(table_apart),
	KUNIT_CASE(table_apart_all_found),
	KUNIT_CASE(table_queues_gone),
	KUNIT_CASE(table_written),
	{}
};

static struct kunit_suite table_suite = {
	.name = "rss_table",
	.init = table_init,
	.exit = table_exit,
	.test_cases = table_cases,
};

kunit_test_suite(table_suite);
