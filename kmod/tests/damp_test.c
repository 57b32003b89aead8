// SPDX-License-Identifier: GPL-2.0
/* Damping: late enough, later each time, and never for good. */
#include <kunit/test.h>
#include <linux/prandom.h>

#include "../damp.h"

#define MS NSEC_PER_MSEC

/* How long it takes from coming up to being used, looked at each millisecond */
static u64 damp_wait(struct ankus_damp *damp, u64 *now)
{
	u64 up = *now;

	while (!ankus_damp(damp, true, *now) && *now - up < 100 * NSEC_PER_SEC)
		*now += MS;
	return *now - up;
}

static void damp_first(struct kunit *test)
{
	struct ankus_damp damp = {};
	u64 now = 5;

	/* nobody knows for how long it has been up */
	KUNIT_EXPECT_TRUE(test, ankus_damp(&damp, true, now));
	KUNIT_EXPECT_FALSE(test, ankus_damp(&damp, false, now + 1));
	KUNIT_EXPECT_FALSE(test, ankus_damp(&damp, false, now + NSEC_PER_SEC));

	damp = (struct ankus_damp) {};
	KUNIT_EXPECT_FALSE(test, ankus_damp(&damp, false, now));
	now += 3600 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, damp_wait(&damp, &now), ANKUS_DAMP_MIN_NS);
}

static void damp_flaps(struct kunit *test)
{
	struct ankus_damp damp = {};
	u64 now = 1, wanted = ANKUS_DAMP_MIN_NS;
	unsigned int i;

	ankus_damp(&damp, false, now);
	for (i = 0; i < 10; i++) {
		now += MS;
		KUNIT_EXPECT_EQ(test, damp_wait(&damp, &now), wanted);
		now += ANKUS_DAMP_STABLE_NS - MS;
		KUNIT_EXPECT_TRUE(test, ankus_damp(&damp, true, now));
		KUNIT_EXPECT_FALSE(test, ankus_damp(&damp, false, now));
		wanted = min(2 * wanted, ANKUS_DAMP_MAX_NS);
	}
	KUNIT_EXPECT_EQ(test, wanted, ANKUS_DAMP_MAX_NS);

	/* stable again */
	damp_wait(&damp, &now);
	now += ANKUS_DAMP_STABLE_NS;
	ankus_damp(&damp, false, now);
	KUNIT_EXPECT_EQ(test, damp_wait(&damp, &now), ANKUS_DAMP_MIN_NS);
}

/* One that fails before it is used */
static void damp_early(struct kunit *test)
{
	struct ankus_damp damp = {};
	u64 now = 1;

	ankus_damp(&damp, false, now);
	ankus_damp(&damp, true, now);
	KUNIT_EXPECT_FALSE(test, ankus_damp(&damp, true, now + 900 * MS));
	ankus_damp(&damp, false, now + 900 * MS);
	now += 950 * MS;
	KUNIT_EXPECT_EQ(test, damp_wait(&damp, &now), 2 * ANKUS_DAMP_MIN_NS);
}

/* However it flaps: not while it is down, nor too early, nor too late */
static void damp_random(struct kunit *test)
{
	struct ankus_damp damp = {};
	struct rnd_state rnd;
	u64 now = 1, since = 0;
	bool was = false;
	unsigned int i;

	prandom_seed_state(&rnd, 1);
	ankus_damp(&damp, false, now);
	for (i = 0; i < 100000; i++) {
		bool up = was != !(prandom_u32_state(&rnd) % 20);
		bool used;

		now += prandom_u32_state(&rnd) % NSEC_PER_SEC;
		used = ankus_damp(&damp, up, now);
		if (up && !was)
			since = now;
		was = up;
		if (used)
			KUNIT_ASSERT_TRUE_MSG(test, up &&
					      now - since >= ANKUS_DAMP_MIN_NS,
					      "step %u", i);
		else
			KUNIT_ASSERT_TRUE_MSG(test, !up ||
					      now - since < ANKUS_DAMP_MAX_NS,
					      "step %u", i);
	}
}

static struct kunit_case damp_cases[] = {
	KUNIT_CASE(damp_first),
	KUNIT_CASE(damp_flaps),
	KUNIT_CASE(damp_early),
	KUNIT_CASE(damp_random),
	{}
};

static struct kunit_suite damp_suite = {
	.name = "ankus_damp",
	.test_cases = damp_cases,
};

kunit_test_suite(damp_suite);
