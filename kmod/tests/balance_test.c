// SPDX-License-Identifier: GPL-2.0
/* What the flows of a device add up to, and when there are too few of them. */
#include <kunit/test.h>

#include "../balance.h"
#include "device.h"

#define GBPS 1000000000ULL
#define TICK_NS (100 * NSEC_PER_MSEC)

/* Events by direction, and the time of the last run */
static unsigned int lows[ANKUS_DIRS], normals[ANKUS_DIRS];
static u64 balance_now;

static void balance_event(struct ankus_dev *ad, enum ankus_dir dir,
			  enum ankus_event event)
{
	lows[dir] += event == ANKUS_EVENT_LOW_ENTROPY;
	normals[dir] += event == ANKUS_EVENT_ENTROPY_NORMAL;
}

static int balance_test_init(struct kunit *test)
{
	memset(lows, 0, sizeof(lows));
	memset(normals, 0, sizeof(normals));
	balance_now = NSEC_PER_SEC;
	return device_test_init(test);
}

static void balance_flows(struct kunit *test, struct ankus_flow **flows,
			  unsigned int n)
{
	struct device_test *st = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++) {
		flows[i] = device_test_flow(st, 2 + i);
		KUNIT_ASSERT_NOT_NULL(test, flows[i]);
		flows[i]->seen_bin = i % DEVICE_QUEUES;
	}
}

/* One run in which all flows have a rate, and the hook saw another one */
static void balance_run(struct device_test *st, struct ankus_flow **flows,
			unsigned int n, u64 flow_bps, u64 seen_bps)
{
	u64 last = balance_now;
	unsigned int i;

	/* as it is when nothing has changed for long */
	st->ad->balance->traffic[ANKUS_DIR_IN].rate = (struct ankus_rate) {
		.fast_bps = seen_bps,
		.slow_bps = seen_bps,
		.span_ns = ANKUS_RATE_SLOW_NS,
	};
	balance_now += TICK_NS;
	ankus_pcpu_add(st->ad, ANKUS_RX_BYTES,
		       ankus_rate_bytes(seen_bps, TICK_NS));
	mutex_lock(&st->an.lock);
	ankus_balance_begin(st->ad, last, balance_now);
	for (i = 0; i < n; i++) {
		flows[i]->rate = (struct ankus_rate) {
			.fast_bps = flow_bps,
			.slow_bps = flow_bps,
			.span_ns = ANKUS_RATE_SLOW_NS,
		};
		ankus_balance_add(st->ad, flows[i]);
	}
	ankus_balance_end(st->ad, GBPS / 8, balance_now, balance_event);
	mutex_unlock(&st->an.lock);
}

static void balance_runs(struct device_test *st, struct ankus_flow **flows,
			 unsigned int n, u64 flow_bps, u64 seen_bps,
			 unsigned int runs)
{
	while (runs--)
		balance_run(st, flows, n, flow_bps, seen_bps);
}

static void balance_figures(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_balance *balance = st->ad->balance;
	struct ankus_traffic *in = &balance->traffic[ANKUS_DIR_IN];
	struct ankus_bin_balance *rxq = &balance->kind[ANKUS_PIN_RXQ];
	struct ankus_flow *flows[8];

	balance_flows(test, flows, 8);
	balance_runs(st, flows, 8, GBPS, 8 * GBPS, 3);
	KUNIT_EXPECT_EQ(test, in->rate.fast_bps, 8 * GBPS);
	KUNIT_EXPECT_EQ(test, in->entropy_millibits, 3000);
	KUNIT_EXPECT_EQ(test, in->evenness_permille, 1000);
	KUNIT_EXPECT_EQ(test, in->effective_milliflows, 8000);
	KUNIT_EXPECT_EQ(test, in->queues[3].load_bps, 2 * GBPS);
	KUNIT_EXPECT_EQ(test, in->queues[3].pinned, 0);
	KUNIT_EXPECT_EQ(test, rxq->n_bins, DEVICE_QUEUES);
	KUNIT_EXPECT_EQ(test, rxq->actual_permille, 1000);
	/* of 8 balls 3.538 are in the fullest of 4 bins, over all 4^8 throws */
	KUNIT_EXPECT_GE(test, rxq->expected_permille, 1769 - 53);
	KUNIT_EXPECT_LE(test, rxq->expected_permille, 1769 + 53);
	KUNIT_EXPECT_EQ(test, balance->traffic[ANKUS_DIR_OUT].entropy_millibits, 0);
	KUNIT_EXPECT_EQ(test, balance->kind[ANKUS_PIN_TXQ].actual_permille, 0);

	/* all on one queue, one of them pinned there */
	flows[0]->ctl->pin[ANKUS_PIN_RXQ].want = 2;
	flows[1]->seen_bin = 2;
	balance_run(st, flows, 2, GBPS, 2 * GBPS);
	KUNIT_EXPECT_EQ(test, in->queues[2].load_bps, 2 * GBPS);
	KUNIT_EXPECT_EQ(test, in->queues[2].pinned_bps, GBPS);
	KUNIT_EXPECT_EQ(test, in->queues[2].pinned, 1);
	KUNIT_EXPECT_EQ(test, in->queues[3].load_bps, 0);
	KUNIT_EXPECT_EQ(test, rxq->actual_permille, 4000);

	/* of the queues that elephants may be given */
	st->ad->cfg.rx.some = true;
	bitmap_set(st->ad->cfg.rx.map, 1, 2);
	balance_run(st, flows, 2, GBPS, 2 * GBPS);
	KUNIT_EXPECT_EQ(test, rxq->n_bins, 2);
	KUNIT_EXPECT_EQ(test, rxq->actual_permille, 2000);

	/* a flow whose queue nobody knows, one on a queue that there is not */
	flows[0]->ctl->pin[ANKUS_PIN_RXQ].want = ANKUS_NO_BIN;
	flows[0]->seen_bin = ANKUS_NO_BIN;
	flows[1]->seen_bin = 1 << 20;
	balance_run(st, flows, 2, GBPS, 2 * GBPS);
	KUNIT_EXPECT_EQ(test, rxq->actual_permille, 0);
	KUNIT_EXPECT_EQ(test, in->effective_milliflows, 2000);
}

/* What is seen and not tracked counts as flows of an eighth of a Gbit/s */
static void balance_untracked(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_traffic *in = &st->ad->balance->traffic[ANKUS_DIR_IN];
	struct ankus_flow *flows[8];

	balance_flows(test, flows, 8);
	balance_runs(st, flows, 8, GBPS / 8, 2 * GBPS, 1);
	KUNIT_EXPECT_EQ(test, in->effective_milliflows, 16000);
	KUNIT_EXPECT_EQ(test, in->evenness_permille, 1000);
	balance_runs(st, flows, 0, 0, GBPS / 2, 1);
	KUNIT_EXPECT_EQ(test, in->effective_milliflows, 4000);
	/* a hundredth is what comes between the two readings */
	balance_runs(st, flows, 8, GBPS, 8 * GBPS + GBPS / 13, 1);
	KUNIT_EXPECT_EQ(test, in->effective_milliflows, 8000);
	balance_runs(st, flows, 0, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, in->effective_milliflows, 0);
}

/* A flow counts for the part of the averaging time that it has been there */
static void balance_young(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_traffic *in = &st->ad->balance->traffic[ANKUS_DIR_IN];
	struct ankus_flow *flow = st->flow;

	balance_now += TICK_NS;
	flow->rate = (struct ankus_rate) {
		.fast_bps = 50 * GBPS,
		.slow_bps = 50 * GBPS,
		.span_ns = ANKUS_RATE_FAST_NS / 50,
	};
	mutex_lock(&st->an.lock);
	ankus_balance_begin(st->ad, balance_now - TICK_NS, balance_now);
	ankus_balance_add(st->ad, flow);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_EQ(test, in->tracked_bps, GBPS);
}

static void balance_low_entropy(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_traffic *in = &st->ad->balance->traffic[ANKUS_DIR_IN];
	struct ankus_flow *flows[8];

	st->ad->cfg.rate_bps = GBPS;
	st->ad->cfg.hold_ms = 300;
	st->ad->cfg.release_ms = 500;
	balance_flows(test, flows, 8);
	/* as many flows as queues are enough */
	balance_runs(st, flows, 4, GBPS, 4 * GBPS, 50);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 0);
	/* one less is not, when it lasts */
	balance_runs(st, flows, 3, GBPS, 3 * GBPS, 3);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 0);
	balance_runs(st, flows, 4, GBPS, 4 * GBPS, 1);
	balance_runs(st, flows, 3, GBPS, 3 * GBPS, 3);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 0);
	balance_runs(st, flows, 3, GBPS, 3 * GBPS, 1);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 1);
	KUNIT_EXPECT_TRUE(test, in->low);
	/* told once, and not taken back before there are more than enough */
	balance_runs(st, flows, 3, GBPS, 3 * GBPS, 50);
	balance_runs(st, flows, 4, GBPS, 4 * GBPS, 50);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 1);
	KUNIT_EXPECT_EQ(test, normals[ANKUS_DIR_IN], 0);
	balance_runs(st, flows, 5, GBPS, 5 * GBPS, 5);
	KUNIT_EXPECT_EQ(test, normals[ANKUS_DIR_IN], 0);
	balance_runs(st, flows, 5, GBPS, 5 * GBPS, 1);
	KUNIT_EXPECT_EQ(test, normals[ANKUS_DIR_IN], 1);
	KUNIT_EXPECT_FALSE(test, in->low);

	/* another multiple */
	st->ad->cfg.low_entropy_permille = 1500;
	balance_runs(st, flows, 5, GBPS, 5 * GBPS, 10);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 2);
	/* less than three quarters of an elephant is nothing to spread */
	balance_runs(st, flows, 5, GBPS / 100, GBPS / 20, 20);
	KUNIT_EXPECT_EQ(test, normals[ANKUS_DIR_IN], 2);
	balance_runs(st, flows, 5, GBPS / 6, GBPS * 5 / 6, 50);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 2);
	/* off */
	balance_runs(st, flows, 5, GBPS, 5 * GBPS, 50);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 3);
	st->ad->cfg.low_entropy_permille = 0;
	balance_runs(st, flows, 5, GBPS, 5 * GBPS, 50);
	KUNIT_EXPECT_EQ(test, normals[ANKUS_DIR_IN], 3);
	/* one queue takes what there is */
	st->ad->cfg.low_entropy_permille = 1000000;
	st->ad->cfg.rx.some = true;
	bitmap_set(st->ad->cfg.rx.map, 0, 1);
	balance_runs(st, flows, 5, GBPS, 5 * GBPS, 50);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_IN], 3);
	KUNIT_EXPECT_EQ(test, lows[ANKUS_DIR_OUT], 0);
	KUNIT_EXPECT_EQ(test, normals[ANKUS_DIR_OUT], 0);
}

static struct kunit_case balance_cases[] = {
	KUNIT_CASE(balance_figures),
	KUNIT_CASE(balance_untracked),
	KUNIT_CASE(balance_young),
	KUNIT_CASE(balance_low_entropy),
	{}
};

static struct kunit_suite balance_suite = {
	.name = "ankus_balance",
	.suite_init = device_test_suite_init,
	.suite_exit = device_test_suite_exit,
	.init = balance_test_init,
	.test_cases = balance_cases,
};

kunit_test_suite(balance_suite);
