// SPDX-License-Identifier: GPL-2.0
/* Pairs: what is sampled of them, and when their small flows are an elephant. */
#include <kunit/test.h>
#include <linux/jiffies.h>

#include "../balance.h"
#include "../control.h"
#include "device.h"

#define GBPS 1000000000ULL
#define MBPS 1000000ULL
#define TICK_NS (100 * NSEC_PER_MSEC)
#define PAIR_FLOWS_MAX 64

/**
 * struct pair_test - flows of a device, and the rate of each
 * @now: time of the last run
 * @last: time of the run before
 * @n: flows
 * @flow: the flows
 * @bps: what each carries
 */
struct pair_test {
	u64 now;
	u64 last;
	unsigned int n;
	struct ankus_flow *flow[PAIR_FLOWS_MAX];
	u64 bps[PAIR_FLOWS_MAX];
};

static struct pair_test of;

static int pair_test_init(struct kunit *test)
{
	int err = device_test_init(test);

	memset(&of, 0, sizeof(of));
	/* flows begin now */
	of.now = ktime_get_ns() + NSEC_PER_SEC;
	of.last = of.now;
	return err;
}

static struct ankus_key pair_test_key(u32 host, u16 port)
{
	return (struct ankus_key) {
		.src.s6_addr32[0] = htonl(0x0a000001),
		.dst.s6_addr32[0] = htonl(0x0a010000 + host),
		.sport = htons(port),
		.dport = htons(4791),
		.family = AF_INET,
		.proto = IPPROTO_UDP,
		.dir = ANKUS_DIR_OUT,
	};
}

static void pair_flows(struct kunit *test, u32 host, unsigned int n, u64 bps)
{
	struct device_test *st = test->priv;

	while (n--) {
		struct ankus_packet pkt = {
			.key = pair_test_key(host, 1000 + of.n),
		};
		struct ankus_flow *flow;
		u32 hash = ankus_key_hash(&pkt.key, &st->ad->flows.secret);

		KUNIT_ASSERT_LT(test, of.n, PAIR_FLOWS_MAX);
		rcu_read_lock_bh();
		flow = ankus_flow_insert(&st->ad->flows, &pkt, hash,
					 &st->an.next_flow);
		rcu_read_unlock_bh();
		KUNIT_ASSERT_FALSE(test, IS_ERR(flow));
		flow->first_ns = of.now;
		of.flow[of.n] = flow;
		of.bps[of.n] = bps;
		of.n++;
	}
}

/* The control loop looks, so many times, a tick between them */
static void pair_runs(struct kunit *test, unsigned int n)
{
	struct device_test *st = test->priv;
	unsigned int i;

	while (n--) {
		of.last = of.now;
		of.now += TICK_NS;
		for (i = 0; i < of.n; i++) {
			of.flow[i]->seen_jiffies = jiffies;
			atomic64_add(ankus_rate_bytes(of.bps[i], TICK_NS),
				     &of.flow[i]->bytes);
		}
		mutex_lock(&st->an.lock);
		st->ad->wake_ns = U64_MAX;
		ankus_control_measure(st->ad, of.last, of.now);
		mutex_unlock(&st->an.lock);
	}
}

static unsigned int pair_elephants(unsigned int from, unsigned int to)
{
	unsigned int i, n = 0;

	for (i = from; i < to; i++)
		n += of.flow[i]->state == ANKUS_FLOW_STATE_ELEPHANT;
	return n;
}

static unsigned int pair_grouped(unsigned int from, unsigned int to)
{
	unsigned int i, n = 0;

	for (i = from; i < to; i++)
		n += of.flow[i]->grouped;
	return n;
}

/* Each flow below the threshold, all together above */
static void pair_mesh(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pair *pair;

	pair_flows(test, 1, 10, 150 * MBPS);
	pair_flows(test, 2, 5, 150 * MBPS);
	pair_runs(test, 1);
	pair = of.flow[0]->pair;
	KUNIT_ASSERT_NOT_NULL(test, pair);
	KUNIT_EXPECT_PTR_EQ(test, of.flow[9]->pair, pair);
	KUNIT_EXPECT_PTR_NE(test, of.flow[10]->pair, pair);
	KUNIT_EXPECT_EQ(test, pair->flows, 10);
	KUNIT_EXPECT_EQ(test, pair->rate.fast_bps, 1500 * MBPS);
	KUNIT_EXPECT_EQ(test, pair->small.fast_bps, 1500 * MBPS);
	KUNIT_EXPECT_EQ(test, pair->over.over_ns, 0);
	/* two thirds of the averaging time make it as much as the threshold */
	pair_runs(test, 3);
	KUNIT_EXPECT_FALSE(test, pair->grouped);
	/* it has to last, and the loop comes back for it */
	KUNIT_EXPECT_EQ(test, pair->over.over_ns, of.last);
	KUNIT_EXPECT_EQ(test, st->ad->wake_ns, pair->over.over_ns +
			      st->ad->cfg.hold_ms * NSEC_PER_MSEC);

	pair_runs(test, 2);
	KUNIT_EXPECT_TRUE(test, pair->grouped);
	KUNIT_EXPECT_EQ(test, st->ad->pairs.grouped, 1);
	/* and its flows are looked at again at once */
	pair_runs(test, 3);
	KUNIT_EXPECT_EQ(test, pair_elephants(0, 10), 10);
	KUNIT_EXPECT_EQ(test, pair_grouped(0, 10), 10);
	KUNIT_EXPECT_EQ(test, pair->elephants, 10);
	KUNIT_EXPECT_EQ(test, st->ad->elephants, 10);
	/* the other pair has three quarters of it */
	KUNIT_EXPECT_EQ(test, pair_elephants(10, 15), 0);
	KUNIT_EXPECT_FALSE(test, of.flow[10]->pair->grouped);
	KUNIT_EXPECT_EQ(test, of.flow[10]->pair->elephants, 0);
}

/* What passed the threshold may fall a quarter, and has to stay below */
static void pair_release(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pair *pair;
	unsigned int i;

	pair_flows(test, 1, 10, 150 * MBPS);
	pair_runs(test, 10);
	pair = of.flow[0]->pair;
	KUNIT_ASSERT_EQ(test, pair_grouped(0, 10), 10);
	for (i = 0; i < 10; i++)
		of.bps[i] = 80 * MBPS;
	pair_runs(test, 100);
	KUNIT_EXPECT_TRUE(test, pair->grouped);
	KUNIT_EXPECT_EQ(test, pair_elephants(0, 10), 10);

	for (i = 0; i < 10; i++)
		of.bps[i] = 70 * MBPS;
	pair_runs(test, 10);
	KUNIT_EXPECT_TRUE(test, pair->grouped);
	pair_runs(test, 50);
	KUNIT_EXPECT_FALSE(test, pair->grouped);
	KUNIT_EXPECT_EQ(test, st->ad->pairs.grouped, 0);
	KUNIT_EXPECT_EQ(test, pair_elephants(0, 10), 0);
	KUNIT_EXPECT_EQ(test, pair_grouped(0, 10), 0);
	KUNIT_EXPECT_EQ(test, pair->elephants, 0);
	KUNIT_EXPECT_EQ(test, st->ad->elephants, 0);
}

/* An elephant makes none of a login between the same hosts */
static void pair_elephant_and_mice(struct kunit *test)
{
	struct ankus_pair *pair;

	pair_flows(test, 1, 1, 5 * GBPS);
	pair_flows(test, 1, 6, 100 * MBPS);
	pair_runs(test, 60);
	pair = of.flow[0]->pair;
	KUNIT_EXPECT_EQ(test, pair->rate.fast_bps, 5600 * MBPS);
	KUNIT_EXPECT_GE(test, pair->small.fast_bps, 599 * MBPS);
	KUNIT_EXPECT_LE(test, pair->small.fast_bps, 601 * MBPS);
	KUNIT_EXPECT_EQ(test, pair->elephants, 1);
	KUNIT_EXPECT_FALSE(test, pair->grouped);
	KUNIT_EXPECT_EQ(test, pair_elephants(0, 1), 1);
	KUNIT_EXPECT_FALSE(test, of.flow[0]->grouped);
	KUNIT_EXPECT_EQ(test, pair_elephants(1, 7), 0);
}

/* Also while it is no elephant yet, for want of time */
static void pair_elephant_grows(struct kunit *test)
{
	struct device_test *st = test->priv;

	st->ad->cfg.hold_ms = 1000;
	pair_flows(test, 1, 1, 5 * GBPS);
	pair_flows(test, 1, 6, 100 * MBPS);
	pair_runs(test, 9);
	KUNIT_EXPECT_EQ(test, of.flow[0]->state, ANKUS_FLOW_STATE_CANDIDATE);
	KUNIT_EXPECT_EQ(test, of.flow[0]->pair->over.over_ns, 0);
	pair_runs(test, 9);
	KUNIT_EXPECT_EQ(test, of.flow[0]->state, ANKUS_FLOW_STATE_ELEPHANT);
	KUNIT_EXPECT_FALSE(test, of.flow[0]->pair->grouped);
}

/* A flow may leave the group for an elephant of its own, and come back */
static void pair_member_grows(struct kunit *test)
{
	struct ankus_pair *pair;

	pair_flows(test, 1, 12, 150 * MBPS);
	pair_runs(test, 10);
	pair = of.flow[0]->pair;
	KUNIT_ASSERT_EQ(test, pair_grouped(0, 12), 12);
	of.bps[0] = 3 * GBPS;
	pair_runs(test, 60);
	KUNIT_EXPECT_EQ(test, pair_elephants(0, 12), 12);
	KUNIT_EXPECT_EQ(test, pair_grouped(0, 12), 11);
	KUNIT_EXPECT_FALSE(test, of.flow[0]->grouped);
	KUNIT_EXPECT_GE(test, pair->small.fast_bps, 1640 * MBPS);
	KUNIT_EXPECT_LE(test, pair->small.fast_bps, 1660 * MBPS);
	/* in between it is what it was */
	of.bps[0] = 850 * MBPS;
	pair_runs(test, 60);
	KUNIT_EXPECT_EQ(test, pair_grouped(0, 12), 11);
	of.bps[0] = 150 * MBPS;
	pair_runs(test, 60);
	KUNIT_EXPECT_EQ(test, pair_grouped(0, 12), 12);
	KUNIT_EXPECT_EQ(test, pair->elephants, 12);
}

/* Too small to be worth a rule */
static void pair_dust(struct kunit *test)
{
	pair_flows(test, 1, 10, 150 * MBPS);
	pair_flows(test, 1, 10, 3 * MBPS);
	pair_runs(test, 20);
	KUNIT_EXPECT_TRUE(test, of.flow[0]->pair->grouped);
	KUNIT_EXPECT_EQ(test, pair_elephants(0, 10), 10);
	KUNIT_EXPECT_EQ(test, pair_elephants(10, 20), 0);
}

/* What is not to be steered makes no elephant of others */
static void pair_ignored(struct kunit *test)
{
	struct device_test *st = test->priv;
	unsigned int i;

	pair_flows(test, 1, 10, 150 * MBPS);
	for (i = 0; i < 5; i++) {
		/* as a rule would */
		of.flow[i]->rule_gen = st->an.rule_gen;
		of.flow[i]->rate_bps = st->ad->cfg.rate_bps;
		of.flow[i]->ignored = true;
	}
	pair_runs(test, 30);
	KUNIT_EXPECT_EQ(test, of.flow[0]->pair->rate.fast_bps, 1500 * MBPS);
	KUNIT_EXPECT_EQ(test, of.flow[0]->pair->small.fast_bps, 750 * MBPS);
	KUNIT_EXPECT_FALSE(test, of.flow[0]->pair->grouped);
	KUNIT_EXPECT_EQ(test, pair_elephants(0, 10), 0);
}

/* A rule's threshold is that of its flows, and each counts as its part of it */
static void pair_thresholds(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pair *pair;
	unsigned int i;

	pair_flows(test, 1, 5, 180 * MBPS);
	pair_flows(test, 1, 1, 500 * MBPS);
	for (i = 0; i < of.n; i++)
		of.flow[i]->rule_gen = st->an.rule_gen;
	for (i = 0; i < 5; i++)
		of.flow[i]->rate_bps = GBPS;
	/* a twentieth of what a rule asks of it */
	of.flow[5]->rate_bps = 10 * GBPS;
	pair_runs(test, 30);
	pair = of.flow[0]->pair;
	KUNIT_EXPECT_EQ(test, pair->small.fast_bps, 1400 * MBPS);
	KUNIT_EXPECT_GE(test, ankus_pair_small_permille(st->ad, pair), 949);
	KUNIT_EXPECT_LE(test, ankus_pair_small_permille(st->ad, pair), 950);
	KUNIT_EXPECT_FALSE(test, pair->grouped);
	/* and one that is nine tenths */
	of.flow[4]->rate_bps = 200 * MBPS;
	pair_runs(test, 30);
	KUNIT_EXPECT_GE(test, ankus_pair_small_permille(st->ad, pair), 1640);
	KUNIT_EXPECT_LE(test, ankus_pair_small_permille(st->ad, pair), 1670);
	KUNIT_EXPECT_TRUE(test, pair->grouped);
	KUNIT_EXPECT_EQ(test, pair_grouped(0, 6), 6);
}

/* Exactly what its flows have carried, first packets and all */
static void pair_bytes(struct kunit *test)
{
	u64 sum = 0;
	unsigned int i;

	pair_flows(test, 1, 7, 123456789);
	for (i = 0; i < 7; i++) {
		atomic64_set(&of.flow[i]->bytes, 1000 + i);
		of.flow[i]->read_bytes = 1000 + i;
	}
	pair_runs(test, 13);
	for (i = 0; i < 7; i++)
		sum += atomic64_read(&of.flow[i]->bytes);
	KUNIT_EXPECT_EQ(test, of.flow[0]->pair->bytes, sum);
}

/* Everything is a pair's: so many effective ones */
static void pair_effective(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_traffic *traffic;
	u32 host;

	for (host = 1; host <= 8; host++)
		pair_flows(test, host, 4, 100 * MBPS);
	pair_runs(test, 10);
	traffic = &st->ad->balance->traffic[ANKUS_DIR_OUT];
	KUNIT_EXPECT_EQ(test, st->ad->pairs.count, 9);
	KUNIT_EXPECT_GE(test, traffic->effective_millipairs, 7990);
	KUNIT_EXPECT_LE(test, traffic->effective_millipairs, 8010);
	KUNIT_EXPECT_GE(test, traffic->effective_milliflows, 31900);
	KUNIT_EXPECT_LE(test, traffic->effective_milliflows, 32100);
}

static void pair_stride(struct kunit *test)
{
	/* 1 Gbit/s, 100 ms */
	KUNIT_EXPECT_EQ(test, ankus_pair_stride(12500000), 48828);
	KUNIT_EXPECT_EQ(test, ankus_pair_stride(0), 1024);
	KUNIT_EXPECT_EQ(test, ankus_pair_stride(U64_MAX), 1048576);
}

struct take_case {
	const char *name;
	u32 stride;
	u32 sizes[4];
};

/* In turn, so in step with each other */
static const struct take_case take_cases[] = {
	{ "small", 48828, { 64, 64, 64, 64 } },
	{ "full", 48828, { 1500, 1500, 1500, 1500 } },
	{ "mixed", 6000, { 1500, 1500, 1500, 1500 } },
	{ "in step", 6000, { 3000, 3000, 3000, 3000 } },
	{ "uneven", 4096, { 40, 1500, 9000, 65535 } },
	{ "longer than the step", 4096, { 524280, 65535, 60000, 100000 } },
};

KUNIT_ARRAY_PARAM_DESC(take, take_cases, name);

/* A flow gets what it has carried, whatever others send */
static void pair_take(struct kunit *test)
{
	const struct take_case *c = test->param_value;
	struct ankus_pcpu *pcpu = kunit_kzalloc(test, sizeof(*pcpu), GFP_KERNEL);
	u64 sent[4] = {}, taken[4] = {};
	unsigned int i, k;

	KUNIT_ASSERT_NOT_NULL(test, pcpu);
	prandom_seed_state(&pcpu->random, 4711);
	for (i = 0; i < 1000000; i++) {
		k = i % 4;
		sent[k] += c->sizes[k];
		pcpu->sample_left -= c->sizes[k];
		if (pcpu->sample_left < 0)
			taken[k] += ankus_pair_take(pcpu, c->stride);
		if (!(i & 0xffff))
			cond_resched();
	}
	for (k = 0; k < 4; k++) {
		u64 samples = max(sent[k] / c->stride, 1ULL);
		/* four standard deviations of a binomial at most */
		u64 error = 4 * int_sqrt64(samples) * c->stride + c->stride;

		KUNIT_EXPECT_LE(test, sent[k], taken[k] + error);
		KUNIT_EXPECT_LE(test, taken[k], sent[k] + error);
	}
}

static bool pair_sample(struct kunit *test, u32 host, u16 port)
{
	struct device_test *st = test->priv;
	struct ankus_key key = pair_test_key(host, port);
	bool wanted;

	rcu_read_lock_bh();
	this_cpu_ptr(st->ad->pcpu)->sample_left = -1;
	wanted = ankus_pair_sample(st->ad, &key);
	rcu_read_unlock_bh();
	return wanted;
}

/* Flows that are not tracked: known after a few samples, and what follows */
static void pair_sampled(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pair *pair;
	u32 stride;
	unsigned int i, k;

	st->ad->epoch = 1;
	pair_runs(test, 1);
	stride = st->ad->pair_stride;
	migrate_disable();
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_FALSE(test, pair_sample(test, 1, i));
	KUNIT_EXPECT_EQ(test, atomic_read(&st->ad->pairs.table.nelems), 1);
	KUNIT_EXPECT_FALSE(test, pair_sample(test, 1, 3));
	migrate_enable();
	pair_runs(test, 1);
	/* the other one is that of the device's own flow */
	KUNIT_ASSERT_EQ(test, st->ad->pairs.count, 2);
	pair = ankus_pair_next(&st->ad->pairs, 1);
	KUNIT_ASSERT_NOT_NULL(test, pair);
	KUNIT_EXPECT_EQ(test, pair->bytes, 0);
	KUNIT_EXPECT_EQ(test, pair->flows, 0);
	KUNIT_EXPECT_EQ(test, pair->key.ports, 0);
	KUNIT_EXPECT_EQ(test, pair->key.proto, 0);

	/* 256 samples a tick are the threshold, half of it is hot */
	for (i = 0; i < 20; i++) {
		for (k = 0; k < 160; k++)
			pair_sample(test, 1, k);
		pair_runs(test, 1);
	}
	KUNIT_EXPECT_EQ(test, pair->bytes, 20 * 160ULL * stride);
	KUNIT_EXPECT_GE(test, pair->unseen.fast_bps, 600 * MBPS);
	KUNIT_EXPECT_LE(test, pair->unseen.fast_bps, 630 * MBPS);
	KUNIT_EXPECT_FALSE(test, pair->grouped);
	KUNIT_EXPECT_TRUE(test, pair_sample(test, 1, 7));
	KUNIT_EXPECT_FALSE(test, pair_sample(test, 2, 7));
	for (i = 0; i < 20; i++) {
		for (k = 0; k < 270; k++)
			pair_sample(test, 1, k);
		pair_runs(test, 1);
	}
	KUNIT_EXPECT_TRUE(test, pair->grouped);
	KUNIT_EXPECT_EQ(test, st->ad->pairs.grouped, 1);

	/* and when nothing is seen of it any more */
	WRITE_ONCE(pair->seen_jiffies, jiffies - 10 * HZ);
	pair->idle_jiffies = jiffies - 10 * HZ;
	pair_runs(test, 1);
	KUNIT_EXPECT_EQ(test, st->ad->pairs.count, 1);
	KUNIT_EXPECT_EQ(test, st->ad->pairs.grouped, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&st->ad->pairs.table.nelems), 1);
}

/* One sample after another says nothing of a rate, however little time it is */
static void pair_few_samples(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pair *pair;
	unsigned int i;

	st->ad->cfg.hold_ms = 0;
	pair_runs(test, 1);
	for (i = 0; i < 8; i++)
		pair_sample(test, 1, i);
	pair_runs(test, 1);
	pair = ankus_pair_next(&st->ad->pairs, 1);
	KUNIT_ASSERT_NOT_NULL(test, pair);
	/* a ms that has seen a tenth of what makes it an elephant in a tick */
	pair->first_ns = of.now;
	pair->unseen = (struct ankus_rate){};
	for (i = 0; i < 25; i++)
		pair_sample(test, 1, i);
	mutex_lock(&st->an.lock);
	ankus_control_measure(st->ad, of.now, of.now + NSEC_PER_MSEC);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_GE(test, pair->unseen.fast_bps, GBPS);
	KUNIT_EXPECT_FALSE(test, pair->grouped);
	KUNIT_EXPECT_FALSE(test, pair->hot);

	/* nor where the threshold is less than samples can tell, however long */
	st->ad->cfg.rate_bps = MBPS;
	pair_runs(test, 100);
	for (i = 0; i < 20; i++) {
		unsigned int k;

		for (k = 0; k < 15; k++)
			pair_sample(test, 1, k);
		pair_runs(test, 1);
	}
	KUNIT_EXPECT_GE(test, pair->unseen.fast_bps, MBPS);
	KUNIT_EXPECT_FALSE(test, pair->grouped);
	/* but its flows are looked at closely then */
	KUNIT_EXPECT_TRUE(test, pair->hot);
}

/* There is room for so many, and what does not fit is counted */
static void pair_full(struct kunit *test)
{
	struct device_test *st = test->priv;
	unsigned int max = st->ad->pairs.max, i;

	pair_runs(test, 1);
	for (i = 0; i < 4 * (max + 10); i++)
		pair_sample(test, i / 4, 1);
	pair_runs(test, 1);
	KUNIT_EXPECT_EQ(test, st->ad->pairs.count, max);
	KUNIT_EXPECT_GE(test, ankus_dev_stat(st->ad, ANKUS_PAIRS_FULL), 10);
	/* a flow without a pair is a flow all the same */
	pair_flows(test, 100000, 1, 5 * GBPS);
	pair_runs(test, 10);
	KUNIT_EXPECT_NULL(test, of.flow[0]->pair);
	KUNIT_EXPECT_EQ(test, of.flow[0]->state, ANKUS_FLOW_STATE_ELEPHANT);
	KUNIT_EXPECT_FALSE(test, of.flow[0]->grouped);
}

static struct kunit_case pair_test_cases[] = {
	KUNIT_CASE(pair_mesh),
	KUNIT_CASE(pair_release),
	KUNIT_CASE(pair_elephant_and_mice),
	KUNIT_CASE(pair_elephant_grows),
	KUNIT_CASE(pair_member_grows),
	KUNIT_CASE(pair_dust),
	KUNIT_CASE(pair_ignored),
	KUNIT_CASE(pair_thresholds),
	KUNIT_CASE(pair_bytes),
	KUNIT_CASE(pair_effective),
	KUNIT_CASE(pair_stride),
	KUNIT_CASE_PARAM(pair_take, take_gen_params),
	KUNIT_CASE(pair_sampled),
	KUNIT_CASE(pair_few_samples),
	KUNIT_CASE(pair_full),
	{}
};

static struct kunit_suite pair_test_suite = {
	.name = "ankus_pair",
	.suite_init = device_test_suite_init,
	.suite_exit = device_test_suite_exit,
	.init = pair_test_init,
	.test_cases = pair_test_cases,
};

kunit_test_suite(pair_test_suite);
