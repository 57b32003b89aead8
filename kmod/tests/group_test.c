// SPDX-License-Identifier: GPL-2.0
/* Groups: the sums by group and bin against a list of what was added. */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/prandom.h>

#include "../group.h"

#define ADDS 512

static void group_sums(struct kunit *test)
{
	static const unsigned int bins = 1024;
	struct ankus_group_load *added;
	struct ankus_groups *groups;
	struct rnd_state rnd;
	unsigned int i, k;

	added = kunit_kcalloc(test, ADDS, sizeof(*added), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, added);
	groups = ankus_groups_alloc(ADDS);
	KUNIT_ASSERT_NOT_NULL(test, groups);
	KUNIT_EXPECT_GE(test, groups->mask + 1, 2 * ADDS);

	prandom_seed_state(&rnd, 21);
	for (i = 0; i < ADDS; i++) {
		/* few groups and many, low and high ones, and bins up to the last */
		added[i].group = 1 + prandom_u32_state(&rnd) % (i < 256 ? 4 : 200);
		if (prandom_u32_state(&rnd) % 2)
			added[i].group |= BIT_ULL(63);
		added[i].bin = prandom_u32_state(&rnd) % (i % 3 ? bins : 4);
		added[i].load_bps = prandom_u32_state(&rnd);
		ankus_groups_add(groups, added[i].group, added[i].bin,
				 added[i].load_bps);
	}
	for (i = 0; i < ADDS; i++) {
		u64 sum = 0;

		for (k = 0; k < ADDS; k++)
			if (added[k].group == added[i].group &&
			    added[k].bin == added[i].bin)
				sum += added[k].load_bps;
		KUNIT_EXPECT_EQ(test, sum,
				ankus_groups_load(groups, added[i].group,
						  added[i].bin));
	}
	KUNIT_EXPECT_EQ(test, ankus_groups_load(groups, 1000, 0), 0);
	/* taken off again, nothing is left */
	for (i = 0; i < ADDS; i++)
		ankus_groups_add(groups, added[i].group, added[i].bin,
				 -added[i].load_bps);
	for (i = 0; i < ADDS; i++)
		KUNIT_EXPECT_EQ(test, 0, ankus_groups_load(groups, added[i].group,
							   added[i].bin));
	kvfree(groups);
}

/* The least there is: full of what it was made for, it still ends a search */
static void group_small(struct kunit *test)
{
	struct ankus_groups *groups;
	unsigned int n, i;

	for (n = 0; n < 6; n++) {
		groups = ankus_groups_alloc(n);
		KUNIT_ASSERT_NOT_NULL(test, groups);
		for (i = 0; i < n; i++)
			ankus_groups_add(groups, i + 1, i, i + 1);
		for (i = 0; i < n; i++)
			KUNIT_EXPECT_EQ(test, i + 1,
					ankus_groups_load(groups, i + 1, i));
		KUNIT_EXPECT_EQ(test, 0, ankus_groups_load(groups, n + 1, 0));
		kvfree(groups);
	}
}

static struct kunit_case group_cases[] = {
	KUNIT_CASE(group_sums),
	KUNIT_CASE(group_small),
	{}
};

static struct kunit_suite group_suite = {
	.name = "ankus_group",
	.test_cases = group_cases,
};

kunit_test_suite(group_suite);
