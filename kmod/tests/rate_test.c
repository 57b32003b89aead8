// SPDX-License-Identifier: GPL-2.0
/* Average rates: exact, unbiased, and without a trap at the edges. */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/prandom.h>

#include "../rate.h"

#define GBPS 1000000000ULL

/* What the samples are clamped to */
#define RATE_DT_MIN_NS	16384ULL
#define RATE_DT_MAX_NS	(3600 * NSEC_PER_SEC)
#define RATE_BYTES_MAX	BIT_ULL(44)

static void expect_near(struct kunit *test, u64 value, u64 low, u64 high)
{
	KUNIT_EXPECT_GE(test, value, low);
	KUNIT_EXPECT_LE(test, value, high);
}

/* Several samples of one rate */
static void rate_run(struct ankus_rate *rate, u64 bps, u64 dt_ns,
		     unsigned int samples)
{
	while (samples--)
		ankus_rate_update(rate, ankus_rate_bytes(bps, dt_ns), dt_ns);
}

struct steady_case {
	const char *name;
	u64 bps;
	u64 dt_ns;
};

/* Rates that are whole bytes in their time */
static const struct steady_case steady_cases[] = {
	{ "8 bit/s, seconds", 8, NSEC_PER_SEC },
	{ "80 bit/s, ticks", 80, 100 * NSEC_PER_MSEC },
	{ "1 Mbit/s, ticks", 1000000, 100 * NSEC_PER_MSEC },
	{ "6 Gbit/s, short ticks", 6 * GBPS, 10 * NSEC_PER_MSEC },
	{ "6 Gbit/s, ticks", 6 * GBPS, 100 * NSEC_PER_MSEC },
	{ "6 Gbit/s, long ticks", 6 * GBPS, 10 * NSEC_PER_SEC },
	{ "400 Gbit/s, ticks", 400 * GBPS, 100 * NSEC_PER_MSEC },
	{ "8 Tbit/s, microseconds", 8000 * GBPS, 20 * NSEC_PER_USEC },
};

KUNIT_ARRAY_PARAM_DESC(steady, steady_cases, name);

static void rate_steady(struct kunit *test)
{
	const struct steady_case *c = test->param_value;
	struct ankus_rate rate = {};
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		rate_run(&rate, c->bps, c->dt_ns, 1);
		KUNIT_ASSERT_EQ_MSG(test, rate.fast_bps, c->bps, "sample %u", i);
		KUNIT_ASSERT_EQ_MSG(test, rate.slow_bps, c->bps, "sample %u", i);
	}
}

/* Samples of uneven length say the same when the rate is the same */
static void rate_uneven(struct kunit *test)
{
	struct ankus_rate rate = {};
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 2000; i++) {
		/* 20 us to 2 s; 8 Gbit/s are a byte each ns */
		u64 dt = 20 * NSEC_PER_USEC *
			 (1 + prandom_u32_state(&rnd) % (i % 3 ? 100 : 100000));

		ankus_rate_update(&rate, dt, dt);
		KUNIT_ASSERT_EQ_MSG(test, rate.fast_bps, 8 * GBPS, "sample %u", i);
		KUNIT_ASSERT_EQ_MSG(test, rate.slow_bps, 8 * GBPS, "sample %u", i);
	}
}

/* No sample but the first counts while the first is all there is */
static void rate_first_sample(struct kunit *test)
{
	static const u64 dts[] = {
		NSEC_PER_MSEC, 100 * NSEC_PER_MSEC, 10 * NSEC_PER_SEC,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dts); i++) {
		struct ankus_rate rate = {};

		rate_run(&rate, 5 * GBPS, dts[i], 1);
		KUNIT_EXPECT_EQ(test, rate.fast_bps, 5 * GBPS);
		KUNIT_EXPECT_EQ(test, rate.slow_bps, 5 * GBPS);
	}
}

/*
 * Until the averaging time has passed the average is the mean of what was
 * measured: not drawn to 0, and no sample counts more than its time.
 */
static void rate_first_unbiased(struct kunit *test)
{
	struct rnd_state rnd;
	unsigned int draw;

	prandom_seed_state(&rnd, 2);
	for (draw = 0; draw < 200; draw++) {
		struct ankus_rate rate = {};
		u64 bytes = 0, span = 0, mean;

		while (true) {
			u64 dt = (1 + prandom_u32_state(&rnd) % 100) *
				 NSEC_PER_MSEC;
			u64 n = prandom_u32_state(&rnd) % 100000000;

			if (span + dt > ANKUS_RATE_SLOW_NS)
				break;
			ankus_rate_update(&rate, n, dt);
			bytes += n;
			span += dt;
			mean = div64_u64(8 * bytes, span / NSEC_PER_MSEC) *
			       MSEC_PER_SEC;
			/* each step rounds by a bit at most, mean by 1000 */
			if (span <= ANKUS_RATE_FAST_NS)
				expect_near(test, rate.fast_bps,
					    max(mean, 1200) - 1200, mean + 1200);
			expect_near(test, rate.slow_bps,
				    max(mean, 1200) - 1200, mean + 1200);
		}
	}
}

/* Nothing but the bits of a burst and their age count, not how it was cut up */
static void rate_follows(struct kunit *test)
{
	struct ankus_rate rate = {};

	rate_run(&rate, 1 * GBPS, 100 * NSEC_PER_MSEC, 100);
	/* half a second at nine times the rate more */
	rate_run(&rate, 10 * GBPS, 100 * NSEC_PER_MSEC, 5);
	/* (5/6)^5 and (40/41)^5 of the difference are left */
	expect_near(test, rate.fast_bps, 6383000000ULL, 6383200000ULL);
	expect_near(test, rate.slow_bps, 2045300000ULL, 2045500000ULL);
	KUNIT_EXPECT_GT(test, rate.fast_bps, rate.slow_bps);

	rate_run(&rate, 10 * GBPS, 100 * NSEC_PER_MSEC, 1000);
	expect_near(test, rate.fast_bps, 10 * GBPS - 100, 10 * GBPS);
	expect_near(test, rate.slow_bps, 10 * GBPS - 100, 10 * GBPS);
}

static void rate_decay(struct kunit *test)
{
	struct ankus_rate rate = {};
	u64 fast, slow;
	unsigned int i;

	rate_run(&rate, 10 * GBPS, 100 * NSEC_PER_MSEC, 100);
	rate_run(&rate, 0, 100 * NSEC_PER_MSEC, 10);
	/* (5/6)^10 and (40/41)^10 */
	expect_near(test, rate.fast_bps, 1615000000ULL, 1615100000ULL);
	expect_near(test, rate.slow_bps, 7811900000ULL, 7812100000ULL);

	for (i = 0; i < 2000; i++) {
		fast = rate.fast_bps;
		slow = rate.slow_bps;
		rate_run(&rate, 0, 100 * NSEC_PER_MSEC, 1);
		KUNIT_ASSERT_LE(test, rate.fast_bps, fast);
		KUNIT_ASSERT_LE(test, rate.slow_bps, slow);
	}
	/* and rounding does not keep it above 0 */
	KUNIT_EXPECT_EQ(test, rate.fast_bps, 0);
	KUNIT_EXPECT_EQ(test, rate.slow_bps, 0);
}

/* Less often measured is as much decayed, within what first order means */
static void rate_decay_uneven(struct kunit *test)
{
	struct ankus_rate often = {}, seldom = {};

	rate_run(&often, 10 * GBPS, 100 * NSEC_PER_MSEC, 100);
	seldom = often;
	rate_run(&often, 0, 5 * NSEC_PER_MSEC, 200);
	rate_run(&seldom, 0, 20 * NSEC_PER_MSEC, 50);
	/* exp(-2) and exp(-1/4) of 10 Gbit/s are 1353 and 7788 Mbit/s */
	expect_near(test, often.fast_bps, 1353000000ULL, 1380000000ULL);
	expect_near(test, seldom.fast_bps, 1353000000ULL, 1430000000ULL);
	expect_near(test, often.slow_bps, 7788000000ULL, 7795000000ULL);
	expect_near(test, seldom.slow_bps, 7788000000ULL, 7800000000ULL);
}

struct change_case {
	const char *name;
	unsigned int noise;
	unsigned int percent;
};

/* Noise is what each sample may be off by, in percent of it */
static const struct change_case change_cases[] = {
	{ "twice as much", 0, 200 },
	{ "twice as much, 10 % noise", 10, 200 },
	{ "half, 10 % noise", 10, 50 },
	{ "nothing, 10 % noise", 10, 0 },
	{ "nothing, 50 % noise", 50, 0 },
};

KUNIT_ARRAY_PARAM_DESC(change, change_cases, name);

/* Samples of @bps with so much noise; returns how often an average began anew */
static unsigned int rate_run_noisy(struct ankus_rate *rate, u64 bps,
				   unsigned int noise, unsigned int samples,
				   struct rnd_state *rnd)
{
	const u64 dt_ns = 100 * NSEC_PER_MSEC;
	unsigned int anew = 0;
	u32 span_ns;

	while (samples--) {
		u64 percent = 100 - noise;

		percent += prandom_u32_state(rnd) % (2 * noise + 1);
		span_ns = rate->span_ns;
		ankus_rate_follow(rate, ankus_rate_bytes(bps, dt_ns) / 100 *
					percent, dt_ns);
		anew += rate->span_ns < span_ns;
	}
	return anew;
}

/* A change is known a second later, and noise is none */
static void rate_change(struct kunit *test)
{
	const struct change_case *c = test->param_value;
	u64 after = 10 * GBPS / 100 * c->percent;
	struct rnd_state rnd;
	unsigned int draw;

	prandom_seed_state(&rnd, 11);
	for (draw = 0; draw < 200; draw++) {
		struct ankus_rate rate = {};

		KUNIT_ASSERT_EQ(test, 0, rate_run_noisy(&rate, 10 * GBPS,
							c->noise, 1000, &rnd));
		KUNIT_ASSERT_EQ(test, 1, rate_run_noisy(&rate, after, c->noise,
							10, &rnd));
		KUNIT_ASSERT_LE(test, rate.slow_bps, after + GBPS * 5 / 2);
		KUNIT_ASSERT_GE(test, rate.slow_bps + GBPS * 5 / 2, after);
		/* and is no other one later */
		KUNIT_ASSERT_EQ(test, 0, rate_run_noisy(&rate, after, c->noise,
							1000, &rnd));
	}
}

/* What bursts has one rate, whatever the length of bursts and pauses */
static void rate_bursts(struct kunit *test)
{
	unsigned int ticks, i;

	for (ticks = 1; ticks <= 10; ticks++) {
		struct ankus_rate rate = {};
		unsigned int anew = 0;

		for (i = 0; i < 1000; i++) {
			u32 span_ns = rate.span_ns;

			ankus_rate_follow(&rate, i / ticks % 2 ? 0 : 250000000,
					  100 * NSEC_PER_MSEC);
			anew += rate.span_ns < span_ns;
			if (i >= 100)
				expect_near(test, rate.slow_bps, 8500000000ULL,
					    11500000000ULL);
		}
		KUNIT_EXPECT_EQ_MSG(test, anew, 0, "%u ticks", ticks);
	}
}

/* A pause of two ticks is not the end */
static void rate_pause(struct kunit *test)
{
	struct ankus_rate rate = {};
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		ankus_rate_follow(&rate, i % 50 < 2 ? 0 : 125000000,
				  100 * NSEC_PER_MSEC);
		if (i >= 100)
			expect_near(test, rate.slow_bps, 9 * GBPS, 10 * GBPS);
	}
}

static void rate_no_time(struct kunit *test)
{
	const struct ankus_rate zero = {};
	struct ankus_rate rate = {}, before;

	ankus_rate_update(&rate, 1000000, 0);
	KUNIT_EXPECT_MEMEQ(test, &rate, &zero, sizeof(rate));

	rate_run(&rate, GBPS, 100 * NSEC_PER_MSEC, 3);
	before = rate;
	ankus_rate_update(&rate, U64_MAX, 0);
	KUNIT_EXPECT_MEMEQ(test, &rate, &before, sizeof(rate));
}

struct clamp_case {
	const char *name;
	u64 bytes;
	u64 dt_ns;
	u64 bps;
};

static const struct clamp_case clamp_cases[] = {
	{ "nothing in no time", 0, 1, 0 },
	{ "nothing for ever", 0, U64_MAX, 0 },
	/* the shortest time is 16384 ns */
	{ "a byte in 1 ns", 1, 1, 488281 },
	{ "a byte in 16383 ns", 1, 16383, 488281 },
	{ "a byte in 16384 ns", 1, 16384, 488281 },
	{ "a byte in 16 ms", 1, 16384000, 488 },
	/* the longest is an hour */
	{ "an hour", 3600000000000ULL, 3600 * NSEC_PER_SEC, 8 * GBPS },
	{ "more than an hour", 3600000000000ULL, 3601 * NSEC_PER_SEC, 8 * GBPS },
	{ "for ever", 3600000000000ULL, U64_MAX, 8 * GBPS },
	/* the most bytes are 2^44; * 8 * 10^9 / 2^14 */
	{ "all bytes at once", U64_MAX, 1, 8589934592000000000ULL },
	{ "2^44 bytes at once", 1ULL << 44, 1, 8589934592000000000ULL },
	{ "2^61 bytes at once", 1ULL << 61, 1, 8589934592000000000ULL },
	{ "all bytes for ever", U64_MAX, U64_MAX, 39093746765ULL },
};

KUNIT_ARRAY_PARAM_DESC(clamp, clamp_cases, name);

static void rate_clamped(struct kunit *test)
{
	const struct clamp_case *c = test->param_value;
	struct ankus_rate rate = {};
	unsigned int i;

	ankus_rate_update(&rate, c->bytes, c->dt_ns);
	KUNIT_EXPECT_EQ(test, rate.fast_bps, c->bps);
	KUNIT_EXPECT_EQ(test, rate.slow_bps, c->bps);
	/* and again, now that there is an average */
	for (i = 0; i < 10; i++)
		ankus_rate_update(&rate, c->bytes, c->dt_ns);
	KUNIT_EXPECT_EQ(test, rate.fast_bps, c->bps);
	KUNIT_EXPECT_EQ(test, rate.slow_bps, c->bps);
}

static u64 rate_extreme(struct rnd_state *rnd)
{
	u64 value = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
	u32 kind = prandom_u32_state(rnd);

	switch (kind % 8) {
	case 0:
		return 0;
	case 1:
		return U64_MAX;
	case 2:
		return 1ULL << (kind >> 3) % 64;
	default:
		return value >> (kind >> 3) % 64;
	}
}

/* Whatever comes, an average lies between what came */
static void rate_bounded(struct kunit *test)
{
	struct rnd_state rnd;
	unsigned int draw, i;

	prandom_seed_state(&rnd, 3);
	for (draw = 0; draw < 100; draw++) {
		u64 low = U64_MAX, high = 0;
		struct ankus_rate rate = {};

		for (i = 0; i < 100; i++) {
			u64 bytes = rate_extreme(&rnd);
			u64 dt = rate_extreme(&rnd);
			u64 sample;

			ankus_rate_update(&rate, bytes, dt);
			if (!dt)
				continue;
			dt = clamp(dt, RATE_DT_MIN_NS, RATE_DT_MAX_NS);
			sample = mul_u64_u64_div_u64(8 * min(bytes, RATE_BYTES_MAX),
						     NSEC_PER_SEC, dt);
			low = min(low, sample);
			high = max(high, sample);
			KUNIT_ASSERT_GE(test, rate.fast_bps, low);
			KUNIT_ASSERT_LE(test, rate.fast_bps, high);
			KUNIT_ASSERT_GE(test, rate.slow_bps, low);
			KUNIT_ASSERT_LE(test, rate.slow_bps, high);
		}
	}
}

struct bytes_case {
	u64 bps;
	u64 ns;
	u64 bytes;
};

static const struct bytes_case bytes_cases[] = {
	{ 0, 0, 0 },
	{ 0, U64_MAX, 0 },
	{ U64_MAX, 0, 0 },
	{ 8, NSEC_PER_SEC, 1 },
	{ 8, NSEC_PER_SEC - 1, 0 },
	{ 1000000000, 100 * NSEC_PER_MSEC, 12500000 },
	{ 400 * GBPS, 10 * NSEC_PER_SEC, 500000000000ULL },
	{ 8 * GBPS, 1, 1 },
	{ 8 * GBPS, 3600 * NSEC_PER_SEC, 3600000000000ULL },
	{ 8 * GBPS, U64_MAX, 3600000000000ULL },
	{ 1ULL << 54, NSEC_PER_SEC, 1ULL << 51 },
	{ U64_MAX, NSEC_PER_SEC, 1ULL << 51 },
	{ U64_MAX, U64_MAX, 3600ULL << 51 },
};

static void bytes_desc(const struct bytes_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%llu bit/s for %llu ns", c->bps,
		 c->ns);
}

KUNIT_ARRAY_PARAM(bytes, bytes_cases, bytes_desc);

static void rate_bytes(struct kunit *test)
{
	const struct bytes_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, ankus_rate_bytes(c->bps, c->ns), c->bytes);
}

static struct kunit_case rate_cases[] = {
	KUNIT_CASE_PARAM(rate_steady, steady_gen_params),
	KUNIT_CASE(rate_uneven),
	KUNIT_CASE(rate_first_sample),
	KUNIT_CASE(rate_first_unbiased),
	KUNIT_CASE(rate_follows),
	KUNIT_CASE(rate_decay),
	KUNIT_CASE(rate_decay_uneven),
	KUNIT_CASE_PARAM(rate_change, change_gen_params),
	KUNIT_CASE(rate_bursts),
	KUNIT_CASE(rate_pause),
	KUNIT_CASE(rate_no_time),
	KUNIT_CASE_PARAM(rate_clamped, clamp_gen_params),
	KUNIT_CASE(rate_bounded),
	KUNIT_CASE_PARAM(rate_bytes, bytes_gen_params),
	{}
};

static struct kunit_suite rate_suite = {
	.name = "ankus_rate",
	.test_cases = rate_cases,
};

kunit_test_suite(rate_suite);
