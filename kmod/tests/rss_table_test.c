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

static struct kunit_case table_cases[] = {
	KUNIT_CASE(table_nothing),
	KUNIT_CASE(table_pins),
	KUNIT_CASE(table_apart),
	KUNIT_CASE(table_apart_all_found),
	{}
};

static struct kunit_suite table_suite = {
	.name = "rss_table",
	.init = table_init,
	.exit = table_exit,
	.test_cases = table_cases,
};

kunit_test_suite(table_suite);
