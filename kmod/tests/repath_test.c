// SPDX-License-Identifier: GPL-2.0
/* When a flow is given another path: after losses that last, and not too often. */
#include <kunit/test.h>
#include <linux/time64.h>

#include "../repath.h"

#define TICK_NS (100 * NSEC_PER_MSEC)

/**
 * struct sender - a flow whose path is looked at every tick
 * @repath: how its paths have fared
 * @path: what it knows of them
 * @now_ns: time
 * @last_ns: when it was given another path
 * @paths: how often it was
 */
struct sender {
	struct ankus_repath repath;
	struct ankus_path path;
	u64 now_ns;
	u64 last_ns;
	unsigned int paths;
};

static struct sender sender_new(void)
{
	/* not from 0, so that all counters wrap */
	return (struct sender) {
		.path = {
			.delivered = U32_MAX - 500,
			.retrans = U32_MAX - 5,
			.rehashed = 7,
			.rtt_us = 200,
		},
		.now_ns = 1,
	};
}

/* A tick with so many segments and losses; true when another path is due */
static bool sender_tick(struct sender *s, u32 delivered, u32 retrans)
{
	s->now_ns += TICK_NS;
	s->path.delivered += delivered;
	s->path.retrans += retrans;
	if (!ankus_repath_due(&s->repath, &s->path, s->now_ns))
		return false;
	ankus_repath_done(&s->repath, s->now_ns);
	s->last_ns = s->now_ns;
	s->paths++;
	return true;
}

static void sender_ticks(struct sender *s, unsigned int n, u32 delivered,
			 u32 retrans)
{
	while (n--)
		sender_tick(s, delivered, retrans);
}

static void repath_clean(struct kunit *test)
{
	struct sender s = sender_new();

	sender_ticks(&s, 10000, 1000, 0);
	KUNIT_EXPECT_EQ(test, s.paths, 0);
	/* what congestion makes of one */
	sender_ticks(&s, 10000, 1000, 20);
	KUNIT_EXPECT_EQ(test, s.paths, 0);
}

static void repath_losses(struct kunit *test)
{
	struct sender s = sender_new();

	/* what was before the first look does not count */
	KUNIT_EXPECT_FALSE(test, sender_tick(&s, 100, 100));
	KUNIT_EXPECT_FALSE(test, sender_tick(&s, 1000, 100));
	KUNIT_EXPECT_FALSE(test, sender_tick(&s, 1000, 100));
	KUNIT_EXPECT_TRUE(test, sender_tick(&s, 1000, 100));
}

/* The share from which a window is bad, to the segment */
static void repath_share(struct kunit *test)
{
	struct sender s = sender_new();

	sender_ticks(&s, 100, 31 * 32, 31);
	KUNIT_EXPECT_EQ(test, s.paths, 0);
	sender_ticks(&s, 3, 31 * 32, 32);
	KUNIT_EXPECT_EQ(test, s.paths, 1);
}

/* A good window in between, and the count begins anew */
static void repath_in_a_row(struct kunit *test)
{
	struct sender s = sender_new();
	unsigned int i;

	sender_tick(&s, 0, 0);
	for (i = 0; i < 100; i++) {
		sender_ticks(&s, 2, 1000, 500);
		sender_tick(&s, 1000, 0);
	}
	KUNIT_EXPECT_EQ(test, s.paths, 0);
}

/* Ticks with few segments are one window together */
static void repath_few_segments(struct kunit *test)
{
	struct sender s = sender_new();

	sender_tick(&s, 0, 0);
	sender_ticks(&s, 6, 20, 2);
	KUNIT_EXPECT_EQ(test, s.paths, 0);
	sender_ticks(&s, 2, 20, 2);
	KUNIT_EXPECT_EQ(test, s.paths, 0);
	sender_tick(&s, 20, 2);
	KUNIT_EXPECT_EQ(test, s.paths, 1);
	/* nothing at all is no trouble of the path */
	sender_ticks(&s, 1000, 0, 0);
	KUNIT_EXPECT_EQ(test, s.paths, 1);
}

/* A window is a round trip at least: one loss is not to count several times */
static void repath_round_trips(struct kunit *test)
{
	struct sender s = sender_new();

	s.path.rtt_us = 250000;
	sender_tick(&s, 0, 0);
	sender_ticks(&s, 8, 1000, 100);
	KUNIT_EXPECT_EQ(test, s.paths, 0);
	sender_tick(&s, 1000, 100);
	KUNIT_EXPECT_EQ(test, s.paths, 1);
}

static void repath_bounded(struct kunit *test)
{
	static const unsigned int pause_s[] = { 1, 2, 4, 8, 16, 16, 16 };
	struct sender s = sender_new();
	unsigned int i;
	u64 before;

	while (!s.paths)
		sender_tick(&s, 1000, 500);
	for (i = 0; i < ARRAY_SIZE(pause_s); i++) {
		before = s.last_ns;
		while (s.paths == i + 1)
			sender_tick(&s, 1000, 500);
		KUNIT_EXPECT_GE(test, s.last_ns - before,
				pause_s[i] * NSEC_PER_SEC);
		KUNIT_EXPECT_LE(test, s.last_ns - before,
				pause_s[i] * NSEC_PER_SEC + 5 * TICK_NS);
	}
	KUNIT_EXPECT_EQ(test, s.paths, ANKUS_REPATH_MAX);
	sender_ticks(&s, 100000, 1000, 500);
	KUNIT_EXPECT_EQ(test, s.paths, ANKUS_REPATH_MAX);
}

/* A path that TCP has changed itself has its time */
static void repath_timeout(struct kunit *test)
{
	struct sender s = sender_new();

	sender_tick(&s, 0, 0);
	sender_ticks(&s, 2, 1000, 500);
	s.path.rehashed++;
	sender_ticks(&s, 10, 1000, 500);
	KUNIT_EXPECT_EQ(test, s.paths, 0);
	sender_ticks(&s, 4, 1000, 500);
	KUNIT_EXPECT_EQ(test, s.paths, 1);
}

/* What could not be done at once is due until it is, or all is well */
static void repath_put_off(struct kunit *test)
{
	struct sender s = sender_new();
	unsigned int i;

	sender_tick(&s, 0, 0);
	sender_ticks(&s, 2, 1000, 500);
	s.path.delivered += 1000;
	s.path.retrans += 500;
	s.now_ns += TICK_NS;
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_TRUE(test, ankus_repath_due(&s.repath, &s.path,
							 s.now_ns));
		s.now_ns++;
	}
	s.path.delivered += 1000;
	s.now_ns += TICK_NS;
	KUNIT_EXPECT_FALSE(test, ankus_repath_due(&s.repath, &s.path, s.now_ns));
}

static struct kunit_case repath_cases[] = {
	KUNIT_CASE(repath_clean),
	KUNIT_CASE(repath_losses),
	KUNIT_CASE(repath_share),
	KUNIT_CASE(repath_in_a_row),
	KUNIT_CASE(repath_few_segments),
	KUNIT_CASE(repath_round_trips),
	KUNIT_CASE(repath_bounded),
	KUNIT_CASE(repath_timeout),
	KUNIT_CASE(repath_put_off),
	{}
};

static struct kunit_suite repath_suite = {
	.name = "ankus_repath",
	.test_cases = repath_cases,
};

kunit_test_suite(repath_suite);
