// SPDX-License-Identifier: GPL-2.0
/* Entropy against reference values, expected imbalance against simulation. */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/math64.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "../entropy.h"

#define MBPS 1000000ULL
#define GBPS 1000000000ULL

static void expect_near(struct kunit *test, u64 value, u64 wanted, u64 slack)
{
	KUNIT_EXPECT_GE(test, value + slack, wanted);
	KUNIT_EXPECT_LE(test, value, wanted + slack);
}

struct log_case {
	u64 value;
	u32 log;
};

/* floor(log2(value) * 65536) */
static const struct log_case log_cases[] = {
	{ 0, 0 }, { 1, 0 }, { 2, 65536 }, { 3, 103872 }, { 4, 131072 },
	{ 5, 152169 }, { 7, 183982 }, { 10, 217705 }, { 1000, 653117 },
	{ 12345678901ULL, 2196982 }, { BIT_ULL(54), 54 * 65536 },
	{ BIT_ULL(63), 63 * 65536 },
	{ U64_MAX, 64 * 65536 - 1 },
};

static void entropy_log2(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(log_cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, ankus_log2(log_cases[i].value),
				    log_cases[i].log, "log2(%llu)",
				    log_cases[i].value);
}

/* The two undo each other, and grow with their argument */
static void entropy_exp2(struct kunit *test)
{
	u64 value, last = 0;
	struct rnd_state rnd;
	unsigned int i;
	u32 log;

	KUNIT_EXPECT_EQ(test, ankus_exp2(0), 65536);
	KUNIT_EXPECT_EQ(test, ankus_exp2(65536), 2 * 65536);
	/* sqrt(2), 10 and the largest power there is room for */
	expect_near(test, ankus_exp2(32768), 92682, 1);
	expect_near(test, ankus_exp2(217706), 655361, 3);
	KUNIT_EXPECT_EQ(test, ankus_exp2(46 * 65536), BIT_ULL(62));
	KUNIT_EXPECT_GT(test, ankus_exp2(47 * 65536 - 1), BIT_ULL(63) - BIT_ULL(48));

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 1000; i++) {
		value = 1 + prandom_u32_state(&rnd);
		log = ankus_log2(value);
		KUNIT_EXPECT_LE(test, ankus_exp2(log), (value + 1) << 16);
		KUNIT_EXPECT_GE(test, ankus_exp2(log + 2) + 1, value << 16);
	}
	for (log = 0; log < 20 * 65536; log += 97) {
		value = ankus_exp2(log);
		KUNIT_ASSERT_GT(test, value, last);
		last = value;
	}
}

struct shares_case {
	const char *name;
	u64 rates[8];
	/* in thousandths */
	u32 bits;
	u32 evenness;
	u32 effective;
};

static const struct shares_case shares_cases[] = {
	{ "nothing", { 0 }, 0, 0, 0 },
	{ "silent flows", { 0, 0, 0 }, 0, 0, 0 },
	{ "one flow", { GBPS }, 0, 0, 1000 },
	{ "one bit", { 1 }, 0, 0, 1000 },
	{ "two equal", { GBPS, GBPS }, 1000, 1000, 2000 },
	{ "three equal, small", { 3, 3, 3 }, 1585, 1000, 3000 },
	{ "eight equal", { 7, 7, 7, 7, 7, 7, 7, 7 }, 3000, 1000, 8000 },
	{ "one to two", { GBPS, 2 * GBPS }, 918, 918, 1890 },
	{ "one to two, small", { 1, 2 }, 918, 918, 1890 },
	{ "50, 30, 20 percent", { 5 * GBPS, 3 * GBPS, 2 * GBPS },
	  1485, 937, 2800 },
	{ "90, 5, 3, 2 percent", { 90, 5, 3, 2 }, 618, 309, 1534 },
	{ "with silent ones", { 0, 90, 0, 5, 3, 0, 2 }, 618, 309, 1534 },
	{ "the largest", { BIT_ULL(54), BIT_ULL(54) }, 1000, 1000, 2000 },
	{ "any", { U64_MAX, U64_MAX, U64_MAX }, 1585, 1000, 3000 },
	{ "small, then the largest", { 1, 1000, BIT_ULL(54) }, 0, 0, 1000 },
	{ "the largest, then small", { BIT_ULL(54), 1000, 1 }, 0, 0, 1000 },
};

KUNIT_ARRAY_PARAM_DESC(shares, shares_cases, name);

static void entropy_shares(struct kunit *test)
{
	const struct shares_case *c = test->param_value;
	struct ankus_entropy e;
	unsigned int i;

	ankus_entropy_init(&e);
	for (i = 0; i < ARRAY_SIZE(c->rates); i++)
		ankus_entropy_add(&e, c->rates[i]);
	expect_near(test, ankus_entropy_bits(&e) * 1000ULL,
		    c->bits * 65536ULL, 40000);
	expect_near(test, ankus_entropy_evenness(&e), c->evenness, 1);
	expect_near(test, ankus_entropy_effective(&e), c->effective, 1);
}

/* 100 flows whose rates fall as 1/i: 5.31024 bits, 39.6772 flows */
static void entropy_zipf(struct kunit *test)
{
	struct ankus_entropy e;
	unsigned int i;

	ankus_entropy_init(&e);
	for (i = 1; i <= 100; i++)
		ankus_entropy_add(&e, div_u64(GBPS, i));
	expect_near(test, ankus_entropy_bits(&e), 348012, 4);
	expect_near(test, ankus_entropy_effective(&e), 39677, 3);
	/* log2(100) is 6.64386 */
	expect_near(test, ankus_entropy_evenness(&e), 799, 1);
}

/* A million flows: 19.93157 bits, at rates that no single sum can take */
static void entropy_many(struct kunit *test)
{
	static const u64 rates[] = { 1, 1000, GBPS, BIT_ULL(43), BIT_ULL(54) };
	struct ankus_entropy e;
	unsigned int i, j;

	for (j = 0; j < ARRAY_SIZE(rates); j++) {
		ankus_entropy_init(&e);
		for (i = 0; i < 1000000; i++)
			ankus_entropy_add(&e, rates[j]);
		expect_near(test, ankus_entropy_bits(&e), 1306235, 4);
		expect_near(test, ankus_entropy_effective(&e), 1000000000,
			    100000);
		KUNIT_EXPECT_EQ(test, ankus_entropy_evenness(&e), 1000);
	}
}

/* What is not tracked: as if it were flows of the largest size */
static void entropy_rest(struct kunit *test)
{
	struct ankus_entropy e, whole;
	unsigned int i;

	ankus_entropy_init(&whole);
	for (i = 0; i < 10; i++)
		ankus_entropy_add(&whole, 125 * MBPS);
	ankus_entropy_add(&whole, 50 * MBPS);
	ankus_entropy_init(&e);
	ankus_entropy_add_rest(&e, 1300 * MBPS, 125 * MBPS);
	expect_near(test, ankus_entropy_bits(&e), ankus_entropy_bits(&whole), 2);
	KUNIT_EXPECT_EQ(test, e.count, 11);

	/* a bound from below: the true flows are smaller, their number larger */
	ankus_entropy_init(&whole);
	for (i = 0; i < 130; i++)
		ankus_entropy_add(&whole, 10 * MBPS);
	KUNIT_EXPECT_LT(test, ankus_entropy_bits(&e), ankus_entropy_bits(&whole));

	ankus_entropy_init(&e);
	ankus_entropy_add_rest(&e, 0, 125 * MBPS);
	KUNIT_EXPECT_EQ(test, ankus_entropy_effective(&e), 0);
	/* no limit at all, and the largest numbers */
	ankus_entropy_add_rest(&e, 4, 0);
	KUNIT_EXPECT_EQ(test, ankus_entropy_effective(&e), 4000);
	ankus_entropy_init(&e);
	ankus_entropy_add_rest(&e, U64_MAX, 1);
	KUNIT_EXPECT_GT(test, ankus_entropy_effective(&e), 0);
}

#define BINS_MAX 1024
#define FLOWS_MAX 2000

/* Tests run one after the other */
static s64 bin_loads[BINS_MAX];

/* The mean imbalance of many draws, by another generator and flow by flow */
static u32 simulate(struct kunit *test, const u64 *rates, unsigned int flows,
		    unsigned int bins, unsigned int draws)
{
	u64 total = 0, sum = 0;
	struct rnd_state rnd;
	unsigned int draw, i;

	for (i = 0; i < flows; i++)
		total += rates[i];
	prandom_seed_state(&rnd, 99);
	for (draw = 0; draw < draws; draw++) {
		s64 most = 0;

		memset(bin_loads, 0, sizeof(bin_loads));
		for (i = 0; i < flows; i++)
			bin_loads[prandom_u32_state(&rnd) % bins] += rates[i];
		for (i = 0; i < bins; i++)
			most = max(most, bin_loads[i]);
		sum += mul_u64_u64_div_u64(most, 1000 * bins, total);
	}
	return div_u64(sum, draws);
}

static u32 expected(const u64 *rates, unsigned int flows, unsigned int bins)
{
	struct ankus_mix mix;
	unsigned int i;

	ankus_mix_init(&mix);
	for (i = 0; i < flows; i++)
		ankus_mix_add(&mix, rates[i]);
	return ankus_mix_imbalance(&mix, bins, bin_loads);
}

/* The mesh of the design: 40 flows at rates between 5 and 7 */
static void mix_mesh(struct kunit *test)
{
	static const struct {
		unsigned int bins;
		u32 permille;
	} known[] = { { 4, 1338 }, { 8, 1682 }, { 16, 2282 } };
	struct rnd_state rnd;
	u64 rates[40];
	unsigned int i, seed;

	for (seed = 1; seed <= 3; seed++) {
		prandom_seed_state(&rnd, seed);
		for (i = 0; i < ARRAY_SIZE(rates); i++)
			rates[i] = 5 * GBPS + prandom_u32_state(&rnd) % (2 * GBPS);
		for (i = 0; i < ARRAY_SIZE(known); i++) {
			u32 permille = expected(rates, ARRAY_SIZE(rates),
						known[i].bins);

			kunit_info(test, "%u bins: %u permille\n",
				   known[i].bins, permille);
			expect_near(test, permille, known[i].permille,
				    known[i].permille * 3 / 100);
		}
	}
}

struct mix_case {
	const char *name;
	unsigned int flows;
	unsigned int bins;
	/* equal, rates from 1 to 100, or falling as 1/i */
	enum { EQUAL, RANGE, ZIPF } kind;
};

static const struct mix_case mix_cases[] = {
	{ "1 flow, 1 bin", 1, 1, EQUAL },
	{ "1 flow, 4 bins", 1, 4, EQUAL },
	{ "2 flows, 2 bins", 2, 2, EQUAL },
	{ "5 flows, 16 bins", 5, 16, RANGE },
	{ "64 flows, 16 bins", 64, 16, RANGE },
	{ "65 flows, 16 bins", 65, 16, EQUAL },
	{ "70 flows, 2 bins", 70, 2, EQUAL },
	{ "300 flows, 4 bins", 300, 4, EQUAL },
	{ "300 flows, 64 bins", 300, 64, RANGE },
	{ "2000 flows, 8 bins", 2000, 8, EQUAL },
	{ "2000 flows, 64 bins", 2000, 64, RANGE },
	{ "200 flows as 1/i, 8 bins", 200, 8, ZIPF },
	{ "2000 flows as 1/i, 16 bins", 2000, 16, ZIPF },
	{ "2000 flows as 1/i, 64 bins", 2000, 64, ZIPF },
};

KUNIT_ARRAY_PARAM_DESC(mix, mix_cases, name);

static void mix_simulated(struct kunit *test)
{
	const struct mix_case *c = test->param_value;
	struct rnd_state rnd;
	u32 truth, permille;
	unsigned int i;
	u64 *rates;

	rates = kunit_kcalloc(test, FLOWS_MAX, sizeof(*rates), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rates);
	prandom_seed_state(&rnd, 7);
	for (i = 0; i < c->flows; i++)
		rates[i] = c->kind == EQUAL ? GBPS :
			   c->kind == RANGE ? MBPS * (1 + prandom_u32_state(&rnd) % 100) :
					      div_u64(10 * GBPS, i + 1);
	truth = simulate(test, rates, c->flows, c->bins,
			 c->flows > 100 ? 1000 : 10000);
	permille = expected(rates, c->flows, c->bins);
	kunit_info(test, "%s: %u permille, simulated %u\n", c->name, permille,
		   truth);
	/* chance, and that a mass of flows is not quite normal */
	expect_near(test, permille, truth, truth * 4 / 100);
	KUNIT_EXPECT_GE(test, permille, 1000);
	/* the order in which flows come does not matter, nor the run */
	for (i = 0; i < c->flows / 2; i++)
		swap(rates[i], rates[c->flows - 1 - i]);
	KUNIT_EXPECT_EQ(test, expected(rates, c->flows, c->bins), permille);
}

/* What is not tracked counts as flows of the largest size */
static void mix_rest(struct kunit *test)
{
	struct ankus_mix mix, pieces;
	unsigned int i;

	for (i = 0; i < 1000; i += 37) {
		unsigned int j;

		ankus_mix_init(&mix);
		ankus_mix_add(&mix, GBPS);
		ankus_mix_add_rest(&mix, i * 125 * MBPS, 125 * MBPS);
		ankus_mix_init(&pieces);
		ankus_mix_add(&pieces, GBPS);
		for (j = 0; j < i; j++)
			ankus_mix_add(&pieces, 125 * MBPS);
		KUNIT_EXPECT_EQ(test, mix.rest_bps, pieces.rest_bps);
		KUNIT_EXPECT_EQ(test, mix.rest_squares, pieces.rest_squares);
		KUNIT_EXPECT_EQ(test, ankus_mix_imbalance(&mix, 8, bin_loads),
				ankus_mix_imbalance(&pieces, 8, bin_loads));
	}
}

static void mix_extremes(struct kunit *test)
{
	struct ankus_mix mix;
	unsigned int i;

	ankus_mix_init(&mix);
	KUNIT_EXPECT_EQ(test, ankus_mix_imbalance(&mix, 4, bin_loads), 0);
	ankus_mix_add(&mix, 0);
	KUNIT_EXPECT_EQ(test, ankus_mix_imbalance(&mix, 4, bin_loads), 0);
	ankus_mix_add(&mix, 1);
	KUNIT_EXPECT_EQ(test, ankus_mix_imbalance(&mix, 0, bin_loads), 0);
	KUNIT_EXPECT_EQ(test, ankus_mix_imbalance(&mix, 1024, bin_loads), 1024000);
	/* 2^20 flows of any rate */
	ankus_mix_init(&mix);
	for (i = 0; i < BIT(20); i++)
		ankus_mix_add(&mix, U64_MAX);
	expect_near(test, ankus_mix_imbalance(&mix, 2, bin_loads), 1001, 1);
	expect_near(test, ankus_mix_imbalance(&mix, 1024, bin_loads), 1101, 5);
	ankus_mix_init(&mix);
	ankus_mix_add_rest(&mix, U64_MAX, 0);
	expect_near(test, ankus_mix_imbalance(&mix, 1024, bin_loads), 1000, 1);
}

static struct kunit_case entropy_cases[] = {
	KUNIT_CASE(entropy_log2),
	KUNIT_CASE(entropy_exp2),
	KUNIT_CASE_PARAM(entropy_shares, shares_gen_params),
	KUNIT_CASE(entropy_zipf),
	KUNIT_CASE(entropy_many),
	KUNIT_CASE(entropy_rest),
	KUNIT_CASE(mix_mesh),
	KUNIT_CASE_PARAM(mix_simulated, mix_gen_params),
	KUNIT_CASE(mix_rest),
	KUNIT_CASE(mix_extremes),
	{}
};

static struct kunit_suite entropy_suite = {
	.name = "ankus_entropy",
	.test_cases = entropy_cases,
};

kunit_test_suite(entropy_suite);
