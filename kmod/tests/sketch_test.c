// SPDX-License-Identifier: GPL-2.0
/* The admission sketch against exact counts. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/prandom.h>

#include "../sketch.h"

#define ENOUGH 100000

static enum ankus_sketch_result add(struct ankus_sketch_line *line, u16 print,
				    u32 bytes, u32 epoch)
{
	return ankus_sketch_add(line, print, bytes, epoch, ENOUGH);
}

/* A flow alone is admitted by the packet that makes it enough, no earlier */
static void sketch_alone(struct kunit *test)
{
	struct ankus_sketch_line line = {};
	unsigned int round;

	for (round = 0; round < 3; round++) {
		KUNIT_EXPECT_EQ(test, add(&line, 7, ENOUGH - 1, 5),
				ANKUS_SKETCH_COUNTED);
		KUNIT_EXPECT_EQ(test, ankus_sketch_used(&line, 5), 1);
		KUNIT_EXPECT_EQ(test, add(&line, 7, 1, 5), ANKUS_SKETCH_ENOUGH);
		/* and begins anew */
		KUNIT_EXPECT_EQ(test, ankus_sketch_used(&line, 5), 0);
	}
}

/* Every slot is found again, whatever its fingerprint and its neighbours' */
static void sketch_slots(struct kunit *test)
{
	static const u16 prints[ANKUS_SKETCH_WAYS] = {
		0, 1, 0x8000, 0xffff, 0x7fff, 0x0100, 0x00ff, 0xff00, 0x8001, 2,
	};
	struct ankus_sketch_line line = {};
	unsigned int i, j;

	for (i = 0; i < ANKUS_SKETCH_WAYS; i++) {
		KUNIT_EXPECT_EQ(test, add(&line, prints[i], 1000 + i, 1),
				ANKUS_SKETCH_COUNTED);
		KUNIT_EXPECT_EQ(test, ankus_sketch_used(&line, 1), i + 1);
	}
	for (i = 0; i < ANKUS_SKETCH_WAYS; i++) {
		KUNIT_EXPECT_EQ(test, add(&line, prints[i], 500, 1),
				ANKUS_SKETCH_COUNTED);
		for (j = 0; j < ANKUS_SKETCH_WAYS; j++)
			KUNIT_EXPECT_EQ(test, line.bytes[j],
					1000 + j + (j <= i ? 500 : 0));
	}
}

/* A newcomer takes the lowest counter and inherits it; no other is touched */
static void sketch_replace(struct kunit *test)
{
	struct ankus_sketch_line line = {};
	unsigned int i, lowest;

	for (lowest = 0; lowest < ANKUS_SKETCH_WAYS; lowest++) {
		memset(&line, 0, sizeof(line));
		for (i = 0; i < ANKUS_SKETCH_WAYS; i++)
			add(&line, i, i == lowest ? 50 : 1000, 1);
		KUNIT_EXPECT_EQ(test, add(&line, 99, 10, 1),
				ANKUS_SKETCH_REPLACED);
		for (i = 0; i < ANKUS_SKETCH_WAYS; i++)
			KUNIT_EXPECT_EQ(test, line.bytes[i],
					i == lowest ? 60 : 1000);
		KUNIT_EXPECT_EQ(test, add(&line, 99, 10, 1),
				ANKUS_SKETCH_COUNTED);
		KUNIT_EXPECT_EQ(test, line.bytes[lowest], 70);
	}
}

/* A half for each epoch, whenever the line is next looked at */
static void sketch_fade(struct kunit *test)
{
	static const u32 steps[] = { 1, 2, 5, 30, 31, 32, 64, 1U << 31, U32_MAX };
	unsigned int i, s;

	for (s = 0; s < ARRAY_SIZE(steps); s++) {
		struct ankus_sketch_line line = {};
		u32 epoch = 0xfffffffe;

		for (i = 0; i < ANKUS_SKETCH_WAYS; i++)
			ankus_sketch_add(&line, i, 0x3fffffff - i, epoch,
					 U32_MAX);
		epoch += steps[s];
		KUNIT_EXPECT_EQ(test, ankus_sketch_used(&line, epoch),
				steps[s] < 30 ? ANKUS_SKETCH_WAYS : 0);
		ankus_sketch_add(&line, 0, 1, epoch, U32_MAX);
		for (i = 0; i < ANKUS_SKETCH_WAYS; i++)
			KUNIT_EXPECT_EQ(test, line.bytes[i], !i +
					(steps[s] < 32 ?
					 (0x3fffffff - i) >> steps[s] : 0));
	}
}

/* What was counted can be read, of flows that have a counter */
static void sketch_count(struct kunit *test)
{
	struct ankus_sketch_line line = {};
	unsigned int i;

	for (i = 1; i <= ANKUS_SKETCH_WAYS; i++) {
		ankus_sketch_add(&line, i, 100, 1, U32_MAX);
		ankus_sketch_add(&line, i, i, 1, U32_MAX);
	}
	for (i = 1; i <= ANKUS_SKETCH_WAYS; i++)
		KUNIT_EXPECT_EQ(test, ankus_sketch_count(&line, i), 100 + i);
	KUNIT_EXPECT_EQ(test, ankus_sketch_count(&line, i), 0);
	/* one that earns its entry begins anew */
	ankus_sketch_add(&line, 1, 100, 1, 150);
	KUNIT_EXPECT_EQ(test, ankus_sketch_count(&line, 1), 0);
}

/* No packet and no threshold makes a counter overflow */
static void sketch_huge(struct kunit *test)
{
	struct ankus_sketch_line line = {};

	KUNIT_EXPECT_EQ(test, ankus_sketch_add(&line, 1, U32_MAX, 1, U32_MAX),
			ANKUS_SKETCH_ENOUGH);
	KUNIT_EXPECT_EQ(test,
			ankus_sketch_add(&line, 1, ANKUS_SKETCH_ENOUGH_MAX - 1,
					 1, U32_MAX),
			ANKUS_SKETCH_COUNTED);
	KUNIT_EXPECT_EQ(test, ankus_sketch_add(&line, 1, U32_MAX, 1, U32_MAX),
			ANKUS_SKETCH_ENOUGH);
	KUNIT_EXPECT_EQ(test, ankus_sketch_add(&line, 1, 0, 1, 0),
			ANKUS_SKETCH_ENOUGH);
}

/*
 * The bounds of Space-Saving, for any order of packets: no count is below what
 * the flow has carried, and none above it by more than all packets of the line
 * divided by the number of counters.
 */
static void sketch_bounds(struct kunit *test)
{
	enum { FLOWS = 40, PACKETS = 4000, ROUNDS = 20 };
	struct ankus_sketch_line line;
	unsigned int round, n, i;
	struct rnd_state state;
	u32 exact[FLOWS];

	prandom_seed_state(&state, 42);
	for (round = 0; round < ROUNDS; round++) {
		u32 total = 0;

		memset(&line, 0, sizeof(line));
		memset(exact, 0, sizeof(exact));
		for (n = 0; n < PACKETS; n++) {
			u32 flow = prandom_u32_state(&state) % FLOWS;
			u32 bytes = prandom_u32_state(&state) % 1500 + 1;

			/* some flows are heavier than others */
			if (flow < round / 2)
				bytes *= 8;
			exact[flow] += bytes;
			total += bytes;
			ankus_sketch_add(&line, flow, bytes, 3, U32_MAX);
		}
		for (i = 0; i < ANKUS_SKETCH_WAYS; i++) {
			u32 flow = le16_to_cpu(line.print[i]);

			KUNIT_ASSERT_LT(test, flow, FLOWS);
			KUNIT_EXPECT_GE(test, line.bytes[i], exact[flow]);
			KUNIT_EXPECT_LE(test, line.bytes[i], exact[flow] +
					total / ANKUS_SKETCH_WAYS);
			exact[flow] = 0;
		}
		/* whoever has no counter is lighter than any that is there */
		for (n = 0; n < FLOWS; n++)
			KUNIT_EXPECT_LE(test, exact[n],
					total / ANKUS_SKETCH_WAYS);
	}
}

static struct kunit_case sketch_cases[] = {
	KUNIT_CASE(sketch_alone),
	KUNIT_CASE(sketch_slots),
	KUNIT_CASE(sketch_replace),
	KUNIT_CASE(sketch_fade),
	KUNIT_CASE(sketch_count),
	KUNIT_CASE(sketch_huge),
	KUNIT_CASE(sketch_bounds),
	{}
};

static struct kunit_suite sketch_suite = {
	.name = "ankus_sketch",
	.test_cases = sketch_cases,
};

kunit_test_suite(sketch_suite);
