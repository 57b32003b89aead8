// SPDX-License-Identifier: GPL-2.0
/* What rules ask for: marks set and restored bit by bit, and what is the same. */
#include <kunit/test.h>

#include "../ask.h"

struct mark_case {
	const char *name;
	u32 mark;
	u32 value;
	u32 mask;
	u32 want;
};

static const struct mark_case mark_cases[] = {
	{ "all bits", 0x12345678, 0xdeadbeef, ~0U, 0xdeadbeef },
	{ "no bits", 0x12345678, 0xdeadbeef, 0, 0x12345678 },
	{ "some of none", 0, 0x10, 0xf0, 0x10 },
	{ "others stay", 0xffff0f0f, 0x10, 0xf0, 0xffff0f1f },
	{ "bits are cleared", 0xff, 0, 0xf0, 0x0f },
	{ "no bits from outside of the mask", 0, 0xff, 0xf0, 0xf0 },
	{ "the highest", 0x7fffffff, 0x80000000, 0x80000000, 0xffffffff },
};

KUNIT_ARRAY_PARAM_DESC(mark, mark_cases, name);

static void ask_mark(struct kunit *test)
{
	const struct mark_case *c = test->param_value;
	u32 set = ankus_mark_set(c->mark, c->value, c->mask);

	KUNIT_EXPECT_EQ(test, set, c->want);
	/* to set what was there puts it back */
	KUNIT_EXPECT_EQ(test, ankus_mark_set(set, c->mark, c->mask), c->mark);
}

/* Two rules with masks that overlap: the latter one's bits, and what was there */
static void ask_mark_overlap(struct kunit *test)
{
	u32 first = ankus_mark_set(0x5, 0x30, 0xf0);
	u32 second = ankus_mark_set(first, 0xc0, 0x3c0);

	KUNIT_EXPECT_EQ(test, first, 0x35);
	KUNIT_EXPECT_EQ(test, second, 0xf5);
	KUNIT_EXPECT_EQ(test, ankus_mark_set(second, first, 0x3c0), first);
}

static void ask_equal(struct kunit *test)
{
	const struct ankus_ask whole = {
		.pace_bps = 1000000,
		.priority = 3,
		.mark = 0x10,
		.mark_mask = 0xf0,
		.dscp = 8,
		.what = BIT(ANKUS_ACTIONS) - 1,
	};
	struct ankus_ask other = whole;
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, ankus_ask_equal(&whole, &other));
	for (i = 0; i < ANKUS_ACTIONS; i++) {
		KUNIT_EXPECT_TRUE(test, ankus_asks(&whole, i));
		other.what = whole.what & ~BIT(i);
		KUNIT_EXPECT_FALSE(test, ankus_asks(&other, i));
		KUNIT_EXPECT_FALSE(test, ankus_ask_equal(&whole, &other));
	}
	other = whole;
	other.pace_bps++;
	KUNIT_EXPECT_FALSE(test, ankus_ask_equal(&whole, &other));
	other = whole;
	other.priority = 0;
	KUNIT_EXPECT_FALSE(test, ankus_ask_equal(&whole, &other));
	other = whole;
	other.mark = 0;
	KUNIT_EXPECT_FALSE(test, ankus_ask_equal(&whole, &other));
	other = whole;
	other.mark_mask = ~0U;
	KUNIT_EXPECT_FALSE(test, ankus_ask_equal(&whole, &other));
	other = whole;
	other.dscp = 0;
	KUNIT_EXPECT_FALSE(test, ankus_ask_equal(&whole, &other));
}

static struct kunit_case ask_cases[] = {
	KUNIT_CASE_PARAM(ask_mark, mark_gen_params),
	KUNIT_CASE(ask_mark_overlap),
	KUNIT_CASE(ask_equal),
	{}
};

static struct kunit_suite ask_suite = {
	.name = "ankus_ask",
	.test_cases = ask_cases,
};

kunit_test_suite(ask_suite);
