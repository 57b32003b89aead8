// SPDX-License-Identifier: GPL-2.0
/*
 * The receive half of steering: what becomes of pins that cannot be had, of
 * rules that are gone, and of flows that do not pause.  The device takes no
 * rules, unless rx_nic_use() puts a NIC that does in its place; what real
 * drivers do with rules is left to tests with such a driver.
 */
#include <kunit/test.h>
#include <linux/rtnetlink.h>

#include "device.h"

/* Far away, and nothing for anybody to wait for */
#define RX_LATER_NS (1000ULL * NSEC_PER_SEC)

static struct ankus_pin *rx_pin(struct ankus_flow *flow)
{
	return &flow->ctl->pin[ANKUS_PIN_RXQ];
}

/* The only backend that the device has, or none */
static void rx_use(struct device_test *st, const struct ankus_backend_ops *ops)
{
	st->ad->rx.ops = ops;
	st->ad->rx.backend[0] = (struct ankus_rx_backend) { .ops = ops };
}

static void rx_want(struct device_test *st, struct ankus_flow *flow, int bin)
{
	mutex_lock(&st->an.lock);
	/* long enough ago for a flow that is silent to have paused since */
	ankus_steer_want(rx_pin(flow), bin, ANKUS_MOVE_REASON_PLACED,
			 ktime_get_ns() - NSEC_PER_SEC);
	mutex_unlock(&st->an.lock);
}

static bool rx_run(struct device_test *st, bool force)
{
	bool left;

	rtnl_lock();
	left = ankus_steer_rx_run(st->ad, force);
	rtnl_unlock();
	return left;
}

static int rx_look(struct device_test *st)
{
	int event;

	mutex_lock(&st->an.lock);
	event = ankus_steer_look(st->ad, st->flow, ANKUS_PIN_RXQ,
				 ktime_get_ns());
	mutex_unlock(&st->an.lock);
	return event;
}

static void expect_work(struct kunit *test, bool pending, bool ready)
{
	struct device_test *st = test->priv;
	bool is_pending, is_ready;

	mutex_lock(&st->an.lock);
	is_pending = ankus_steer_rx_pending(st->ad);
	is_ready = ankus_steer_rx_ready(st->ad);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_EQ(test, is_pending, pending);
	KUNIT_EXPECT_EQ(test, is_ready, ready);
}

static void rx_probe(struct kunit *test)
{
	struct device_test *st = test->priv;

	rtnl_lock();
	ankus_steer_probe_rx(st->ad);
	KUNIT_EXPECT_NULL(test, st->ad->rx.ops);
	KUNIT_EXPECT_STREQ(test, st->ad->rx.reason,
			   "the driver has no ntuple rules");
	st->ad->cfg.backend = ANKUS_BACKEND_NONE;
	ankus_steer_probe_rx(st->ad);
	rtnl_unlock();
	KUNIT_EXPECT_NULL(test, st->ad->rx.ops);
	KUNIT_EXPECT_STREQ(test, st->ad->rx.reason, "backend none");
}

static void rx_nothing(struct kunit *test)
{
	struct device_test *st = test->priv;

	expect_work(test, false, false);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_FALSE(test, rx_run(st, true));
	KUNIT_EXPECT_EQ(test, rx_pin(st->flow)->state, ANKUS_PIN_STATE_NONE);
}

static void rx_refused(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_want(st, st->flow, 2);
	expect_work(test, true, true);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_FALSE(test, pin->busy);
	KUNIT_EXPECT_FALSE(test, pin->installed);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->want, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_REFUSED);
	KUNIT_EXPECT_EQ(test, pin->error, EOPNOTSUPP);
	KUNIT_EXPECT_NOT_NULL(test, pin->reason);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_REFUSED], 1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_INSTALLED], 0);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 0);
	KUNIT_EXPECT_EQ(test, rx_look(st), ANKUS_EVENT_FLOW_FAIL);
	KUNIT_EXPECT_EQ(test, rx_look(st), -1);
	expect_work(test, false, false);

	/* not again before its time, and then it is no news */
	rx_want(st, st->flow, 1);
	expect_work(test, false, false);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	pin->retry_ns = 0;
	expect_work(test, true, true);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_REFUSED);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_REFUSED], 2);
	KUNIT_EXPECT_EQ(test, rx_look(st), -1);
}

/* As if a rule had been installed, and somebody had taken it away */
static void rx_pretend(struct device_test *st, int bin)
{
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_want(st, st->flow, bin);
	ankus_steer_switch(pin, bin, ANKUS_SAFE_POINT_PAUSE);
	pin->installed = true;
	pin->by = &ankus_rx_ntuple_ops;
	st->ad->rx.rules++;
	st->ad->rx.swept_ns = ktime_get_ns();
	rx_look(st);
}

/* By the time a pin is due, what was to install it may be gone */
static void rx_no_backend(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_use(st, NULL);
	st->ad->rx.reason = "for a test";
	rx_want(st, st->flow, 2);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_FALSE(test, pin->installed);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_REFUSED);
	KUNIT_EXPECT_EQ(test, pin->error, EOPNOTSUPP);
	KUNIT_EXPECT_STREQ(test, pin->reason, "for a test");
}

/* A flow that does not pause waits, unless nobody has the time */
static void rx_waits_for_pause(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_want(st, st->flow, 2);
	pin->gap_ns = ktime_get_ns() + RX_LATER_NS;
	expect_work(test, true, false);
	KUNIT_EXPECT_TRUE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	KUNIT_EXPECT_FALSE(test, pin->busy);
	KUNIT_EXPECT_FALSE(test, rx_run(st, true));
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_REFUSED);
}

static void rx_lost(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_pretend(st, 3);
	expect_work(test, false, false);
	pin->recheck = true;
	expect_work(test, true, true);
	KUNIT_EXPECT_TRUE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_LOST], 1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_REMOVED], 0);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 0);
	KUNIT_EXPECT_FALSE(test, pin->recheck);
	/* the flow is where the hash sends it, and does not pause there */
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->want, 3);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	pin->gap_ns = ktime_get_ns() + RX_LATER_NS;
	expect_work(test, true, false);
	KUNIT_EXPECT_TRUE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	/* now it does, and the rule could not be put back */
	pin->gap_ns = 0;
	pin->wanted_ns = 0;
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_FALSE(test, pin->installed);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_REFUSED);
	KUNIT_EXPECT_EQ(test, rx_look(st), ANKUS_EVENT_FLOW_FAIL);
}

/* What is gone already has not to be removed */
static void rx_remove_lost(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_pretend(st, 3);
	rx_want(st, st->flow, ANKUS_NO_BIN);
	expect_work(test, true, true);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_LOST], 1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_REFUSED], 0);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 0);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, rx_look(st), ANKUS_EVENT_FLOW_UNPIN);
	expect_work(test, false, false);
}

/**
 * struct rx_nic - a NIC that takes rules
 * @installs: rules that it took
 * @removes: rules that were removed
 * @disturbed: a flow that has a packet during the next call
 * @wanted: a flow that is wanted elsewhere during the next call
 * @error: what that call ends with
 * @lost: it has no rule any more
 */
static struct rx_nic {
	unsigned int installs;
	unsigned int removes;
	struct ankus_pin *disturbed;
	struct ankus_pin *wanted;
	int error;
	bool lost;
} rx_nic;

static int rx_nic_install(struct ankus_dev *ad, struct ankus_flow *flow,
			  struct ankus_pin *pin, unsigned int bin,
			  const char **reason)
{
	if (rx_nic.disturbed)
		rx_nic.disturbed->gap_ns = ktime_get_ns() + RX_LATER_NS;
	if (rx_nic.wanted) {
		mutex_lock(&ad->an->lock);
		ankus_steer_want(rx_nic.wanted, 1, ANKUS_MOVE_REASON_PLACED,
				 ktime_get_ns());
		mutex_unlock(&ad->an->lock);
	}
	*reason = "for a test";
	if (rx_nic.error)
		return rx_nic.error;
	rx_nic.installs++;
	pin->installed = true;
	return 0;
}

static int rx_nic_remove(struct ankus_dev *ad, struct ankus_flow *flow,
			 struct ankus_pin *pin)
{
	rx_nic.removes++;
	return rx_nic.error;
}

static bool rx_nic_present(struct ankus_dev *ad, struct ankus_flow *flow,
			   struct ankus_pin *pin)
{
	return !rx_nic.lost;
}

static const struct ankus_backend_ops rx_nic_ops = {
	.name = "a NIC",
	.kind = ANKUS_PIN_RXQ,
	.install = rx_nic_install,
	.remove = rx_nic_remove,
	.present = rx_nic_present,
};

static void rx_nic_use(struct device_test *st)
{
	rx_nic = (struct rx_nic) {};
	rx_use(st, &rx_nic_ops);
}

/* A rule is looked for now and then, also when nothing speaks against it */
static void rx_swept(struct kunit *test)
{
	struct device_test *st = test->priv;

	rx_nic_use(st);
	rx_want(st, st->flow, 2);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, rx_look(st), ANKUS_EVENT_FLOW_PIN);
	expect_work(test, false, false);
	st->ad->rx.swept_ns = 0;
	expect_work(test, true, true);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_LOST], 0);
	expect_work(test, false, false);

	/* which takes no pause in the flow */
	rx_nic.lost = true;
	rx_pin(st->flow)->gap_ns = ktime_get_ns() + RX_LATER_NS;
	st->ad->rx.swept_ns = 0;
	expect_work(test, true, true);
	KUNIT_EXPECT_TRUE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_LOST], 1);
	/* all others are looked for, too, but not at once */
	KUNIT_EXPECT_TRUE(test, st->ad->rx.sweep);
}

/* From the first rule to the last, one that was lost in between */
static void rx_life(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_nic_use(st);
	rx_want(st, st->flow, 2);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_EQ(test, rx_look(st), ANKUS_EVENT_FLOW_PIN);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 1);

	rx_nic.lost = true;
	pin->recheck = true;
	KUNIT_EXPECT_TRUE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 0);
	rx_nic.lost = false;
	pin->wanted_ns = 0;
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_EQ(test, rx_nic.installs, 2);
	KUNIT_EXPECT_EQ(test, rx_nic.removes, 0);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_LOST], 1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_INSTALLED], 2);

	/* taken back by what has installed it, whatever is in use now */
	rx_use(st, NULL);
	rx_want(st, st->flow, ANKUS_NO_BIN);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, rx_nic.removes, 1);
	KUNIT_EXPECT_FALSE(test, pin->installed);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_REMOVED], 1);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 0);
}

/* Another way to steer, which always does */
static unsigned int rx_other_installs;

static int rx_other_install(struct ankus_dev *ad, struct ankus_flow *flow,
			    struct ankus_pin *pin, unsigned int bin,
			    const char **reason)
{
	rx_other_installs++;
	pin->installed = true;
	return 0;
}

static const struct ankus_backend_ops rx_other_ops = {
	.name = "another NIC",
	.kind = ANKUS_PIN_RXQ,
	.install = rx_other_install,
	.remove = rx_nic_remove,
	.present = rx_nic_present,
};

/* What one backend refuses, the next takes, in the same run */
static void rx_next_refused(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);
	struct ankus_rx_try *try = &st->flow->ctl->rx;

	rx_nic_use(st);
	st->ad->rx.backend[1].ops = &rx_other_ops;
	rx_other_installs = 0;
	rx_nic.error = -EOPNOTSUPP;
	rx_want(st, st->flow, 2);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, rx_other_installs, 1);
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_PTR_EQ(test, pin->by, &rx_other_ops);
	KUNIT_EXPECT_STREQ(test, try->failed[0].reason, "for a test");
	KUNIT_EXPECT_EQ(test, try->failed[0].error, EOPNOTSUPP);
	KUNIT_EXPECT_NULL(test, try->failed[1].reason);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_REFUSED], 1);
	KUNIT_EXPECT_EQ(test, rx_look(st), ANKUS_EVENT_FLOW_PIN);
	/* taken back by the one that has installed it */
	rx_nic.error = 0;
	rx_want(st, st->flow, ANKUS_NO_BIN);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, rx_nic.removes, 1);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 0);
}

/* A rule without effect is removed, and the next backend is tried */
static void rx_next_ineffective(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);
	bool next;

	rx_nic_use(st);
	st->ad->rx.backend[1].ops = &rx_other_ops;
	rx_other_installs = 0;
	rx_want(st, st->flow, 2);
	rx_run(st, false);
	KUNIT_EXPECT_EQ(test, rx_nic.installs, 1);
	mutex_lock(&st->an.lock);
	next = ankus_rx_next(st->ad, st->flow, "for a test", 1);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_TRUE(test, next);
	expect_work(test, true, true);
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, rx_nic.removes, 1);
	KUNIT_EXPECT_EQ(test, rx_other_installs, 1);
	KUNIT_EXPECT_PTR_EQ(test, pin->by, &rx_other_ops);
	KUNIT_EXPECT_EQ(test, pin->have, 2);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_INSTALLED], 2);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_REMOVED], 1);
	/* after the last one, there is none */
	mutex_lock(&st->an.lock);
	next = ankus_rx_next(st->ad, st->flow, "for a test", 2);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_FALSE(test, next);
}

/* What fails for several flows of a type is tried last, until it is time */
static void rx_learned(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_flow *flow = st->flow;
	u8 order[ANKUS_RX_BACKENDS];
	unsigned int i;
	u64 retry;

	rx_nic_use(st);
	st->ad->rx.backend[1].ops = &rx_other_ops;
	mutex_lock(&st->an.lock);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, ankus_rx_order(st->ad, flow, 1, order), 2);
		KUNIT_EXPECT_EQ(test, order[0], 0);
		/* trouble of the driver is none of it */
		ankus_rx_failed(st->ad, flow, 0, "for a test", -EIO, 1);
		ankus_rx_failed(st->ad, flow, 0, "for a test", -ENOSPC, 1);
		ankus_rx_failed(st->ad, flow, 0, "for a test",
				i ? -EINVAL : 0, 1);
		flow->ctl->rx.tried = 0;
	}
	retry = st->ad->rx.backend[0].type[ankus_flow_type_bit(&flow->key)].retry_ns;
	KUNIT_EXPECT_GT(test, retry, 1);
	KUNIT_EXPECT_EQ(test, ankus_rx_order(st->ad, flow, 1, order), 2);
	KUNIT_EXPECT_EQ(test, order[0], 1);
	KUNIT_EXPECT_EQ(test, order[1], 0);
	KUNIT_EXPECT_EQ(test, ankus_rx_order(st->ad, flow, retry, order), 2);
	KUNIT_EXPECT_EQ(test, order[0], 0);
	/* and once it has worked, always */
	rx_pin(flow)->by = &rx_nic_ops;
	ankus_rx_works(st->ad, flow);
	for (i = 0; i < 9; i++)
		ankus_rx_failed(st->ad, flow, 0, "for a test", 0, 1);
	flow->ctl->rx.tried = 0;
	ankus_rx_order(st->ad, flow, 1, order);
	KUNIT_EXPECT_EQ(test, order[0], 0);
	mutex_unlock(&st->an.lock);
}

/* A rule that the NIC does not let go of is not forgotten */
static void rx_kept(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_nic_use(st);
	rx_want(st, st->flow, 2);
	rx_run(st, false);
	rx_nic.error = -EIO;
	rx_want(st, st->flow, ANKUS_NO_BIN);
	KUNIT_EXPECT_FALSE(test, rx_run(st, true));
	KUNIT_EXPECT_EQ(test, rx_nic.removes, 1);
	KUNIT_EXPECT_TRUE(test, pin->installed);
	KUNIT_EXPECT_EQ(test, pin->error, EIO);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_RULES_REMOVED], 0);
	rx_nic.error = 0;
	KUNIT_EXPECT_FALSE(test, rx_run(st, true));
	KUNIT_EXPECT_FALSE(test, pin->installed);
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 0);
}

/* While the NIC is busy with one flow, another one ceases to pause */
static void rx_pause_ends(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_flow *other = device_test_flow(st, 2);
	struct ankus_pin *pin;

	KUNIT_ASSERT_NOT_NULL(test, other);
	pin = rx_pin(other);
	rx_nic_use(st);
	rx_nic.disturbed = pin;
	st->flow->rate.slow_bps = 1000;
	rx_want(st, st->flow, 2);
	rx_want(st, other, 3);
	KUNIT_EXPECT_TRUE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, rx_nic.installs, 1);
	KUNIT_EXPECT_EQ(test, rx_pin(st->flow)->have, 2);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	KUNIT_EXPECT_FALSE(test, pin->busy);
	expect_work(test, true, false);
	pin->gap_ns = 0;
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->have, 3);
}

/* What fails is not what is wanted by then */
static void rx_superseded(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = rx_pin(st->flow);

	rx_nic_use(st);
	rx_nic.wanted = pin;
	rx_nic.error = -EIO;
	rx_want(st, st->flow, 2);
	rx_run(st, false);
	KUNIT_EXPECT_EQ(test, pin->want, 1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_REFUSED], 1);
	rx_nic_use(st);
	pin->wanted_ns = 0;
	KUNIT_EXPECT_FALSE(test, rx_run(st, false));
	KUNIT_EXPECT_EQ(test, pin->have, 1);
}

/* More flows than one section under rtnl may keep others waiting for */
static void rx_batches(struct kunit *test)
{
	enum { FLOWS = 100 };
	struct device_test *st = test->priv;
	struct ankus_flow **flow;
	unsigned int i, runs = 1;

	flow = kunit_kcalloc(test, FLOWS, sizeof(*flow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, flow);
	for (i = 0; i < FLOWS; i++) {
		flow[i] = device_test_flow(st, 100 + i);
		KUNIT_ASSERT_NOT_NULL(test, flow[i]);
		rx_want(st, flow[i], i % DEVICE_QUEUES);
	}
	/* those that do not pause keep nobody else waiting */
	for (i = 0; i < FLOWS; i += 2)
		rx_pin(flow[i])->gap_ns = ktime_get_ns() + RX_LATER_NS;
	while (rx_run(st, false) && runs < FLOWS) {
		runs++;
		if (st->ad->count[ANKUS_REFUSED] == FLOWS / 2)
			break;
	}
	KUNIT_EXPECT_GT(test, runs, 1);
	KUNIT_EXPECT_LT(test, runs, FLOWS);
	for (i = 0; i < FLOWS; i++) {
		KUNIT_EXPECT_FALSE(test, rx_pin(flow[i])->busy);
		KUNIT_EXPECT_EQ(test, rx_pin(flow[i])->state, i % 2 ?
				ANKUS_PIN_STATE_REFUSED :
				ANKUS_PIN_STATE_WANTED);
	}
	expect_work(test, true, false);
}

/* In one go, all of it: the end of management does not come back */
static void rx_forced(struct kunit *test)
{
	enum { FLOWS = 100 };
	struct device_test *st = test->priv;
	struct ankus_flow **flow;
	unsigned int i;

	flow = kunit_kcalloc(test, FLOWS, sizeof(*flow), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, flow);
	for (i = 0; i < FLOWS; i++) {
		struct ankus_pin *pin;

		flow[i] = device_test_flow(st, 100 + i);
		KUNIT_ASSERT_NOT_NULL(test, flow[i]);
		pin = rx_pin(flow[i]);
		rx_want(st, flow[i], i % DEVICE_QUEUES);
		ankus_steer_switch(pin, i % DEVICE_QUEUES,
				   ANKUS_SAFE_POINT_PAUSE);
		pin->installed = true;
		pin->by = &ankus_rx_ntuple_ops;
		st->ad->rx.rules++;
		rx_want(st, flow[i], ANKUS_NO_BIN);
		pin->gap_ns = ktime_get_ns() + RX_LATER_NS;
		pin->again_ns = pin->gap_ns;
	}
	KUNIT_EXPECT_FALSE(test, rx_run(st, true));
	for (i = 0; i < FLOWS; i++) {
		KUNIT_EXPECT_FALSE(test, rx_pin(flow[i])->installed);
		KUNIT_EXPECT_EQ(test, rx_pin(flow[i])->have, ANKUS_NO_BIN);
	}
	KUNIT_EXPECT_EQ(test, st->ad->rx.rules, 0);
	expect_work(test, false, false);
}

static struct kunit_case rx_cases[] = {
	KUNIT_CASE(rx_probe),
	KUNIT_CASE(rx_nothing),
	KUNIT_CASE(rx_refused),
	KUNIT_CASE(rx_no_backend),
	KUNIT_CASE(rx_waits_for_pause),
	KUNIT_CASE(rx_lost),
	KUNIT_CASE(rx_remove_lost),
	KUNIT_CASE(rx_swept),
	KUNIT_CASE(rx_life),
	KUNIT_CASE(rx_next_refused),
	KUNIT_CASE(rx_next_ineffective),
	KUNIT_CASE(rx_learned),
	KUNIT_CASE(rx_kept),
	KUNIT_CASE(rx_pause_ends),
	KUNIT_CASE(rx_superseded),
	KUNIT_CASE(rx_batches),
	KUNIT_CASE(rx_forced),
	{}
};

static int rx_init(struct kunit *test)
{
	int err = device_test_init(test);
	struct device_test *st = test->priv;

	/* as if the driver had lost what it was chosen for */
	if (!err)
		rx_use(st, &ankus_rx_ntuple_ops);
	return err;
}

static struct kunit_suite rx_suite = {
	.name = "ankus_steer_rx",
	.suite_init = device_test_suite_init,
	.suite_exit = device_test_suite_exit,
	.init = rx_init,
	.test_cases = rx_cases,
};

kunit_test_suite(rx_suite);
