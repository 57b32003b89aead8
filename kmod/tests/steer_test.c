// SPDX-License-Identifier: GPL-2.0
/* Pins: wanted, put into force, proved, doubted, given up, taken back. */
#include <kunit/test.h>
#include <linux/rtnetlink.h>

#include "../move.h"
#include "device.h"

/* More looks against a pin than it takes to give it up */
#define STEER_LOOKS 100

static enum ankus_proof steer_stub_verify(struct ankus_dev *ad,
					  struct ankus_flow *flow,
					  struct ankus_pin *pin)
{
	return container_of(ad->an, struct device_test, an)->proof;
}

/* An RX backend of which only the proof is asked for */
static const struct ankus_backend_ops steer_stub_ops = {
	.name = "stub",
	.kind = ANKUS_PIN_RXQ,
	.verify = steer_stub_verify,
};

static struct ankus_pin *steer_pin(struct device_test *st, unsigned int kind)
{
	return &st->flow->ctl->pin[kind];
}

static int steer_look(struct device_test *st, unsigned int kind)
{
	int event;

	mutex_lock(&st->an.lock);
	event = ankus_steer_look(st->ad, st->flow, kind, ktime_get_ns());
	mutex_unlock(&st->an.lock);
	return event;
}

static void steer_want(struct device_test *st, unsigned int kind, int bin)
{
	mutex_lock(&st->an.lock);
	ankus_steer_want(steer_pin(st, kind), bin,
			 ANKUS_MOVE_REASON_PLACED, ktime_get_ns());
	mutex_unlock(&st->an.lock);
}

static void steer_fail(struct device_test *st, struct ankus_pin *pin, int error,
		       const char *reason, u64 now)
{
	mutex_lock(&st->an.lock);
	ankus_steer_fail(pin, ANKUS_PIN_STATE_PARKED, error, reason, now);
	mutex_unlock(&st->an.lock);
}

/* As the packet path does, and the steer work for RX queues */
static void steer_switch(struct device_test *st, unsigned int kind, int bin)
{
	ankus_steer_switch(steer_pin(st, kind), bin, ANKUS_SAFE_POINT_PAUSE);
	if (kind == ANKUS_PIN_RXQ)
		steer_pin(st, kind)->installed = bin != ANKUS_NO_BIN;
}

/* Wanted, in force, and seen to be */
static void steer_pinned(struct kunit *test, unsigned int kind, int bin)
{
	struct device_test *st = test->priv;

	st->proof = ANKUS_PROOF_NONE;
	steer_want(st, kind, bin);
	steer_switch(st, kind, bin);
	KUNIT_ASSERT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_PIN);
	KUNIT_ASSERT_EQ(test, steer_pin(st, kind)->state,
			ANKUS_PIN_STATE_INSTALLED);
}

static const unsigned int kinds[] = {
	ANKUS_PIN_RXQ, ANKUS_PIN_TXQ, ANKUS_PIN_LINK, ANKUS_PIN_CPU,
};

/* Those that the packet path puts into force */
static const unsigned int path_kinds[] = {
	ANKUS_PIN_TXQ, ANKUS_PIN_LINK, ANKUS_PIN_CPU,
};

static void kind_desc(const unsigned int *kind, char *desc)
{
	static const char *const names[ANKUS_PIN_KINDS] = {
		[ANKUS_PIN_RXQ] = "RX queue",
		[ANKUS_PIN_TXQ] = "TX queue",
		[ANKUS_PIN_LINK] = "link",
		[ANKUS_PIN_CPU] = "CPU",
	};

	strscpy(desc, names[*kind], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(kind, kinds, kind_desc);
KUNIT_ARRAY_PARAM(path_kind, path_kinds, kind_desc);

static void steer_backend(struct kunit *test)
{
	struct device_test *st = test->priv;
	const struct ankus_backend_ops *ops[ANKUS_PIN_KINDS];
	const char *reason[ANKUS_PIN_KINDS] = {};
	unsigned int kind;

	st->ad->rx.ops = NULL;
	st->ad->rx.reason = "for a test";
	mutex_lock(&st->an.lock);
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++)
		ops[kind] = ankus_steer_ops(st->ad, kind, &reason[kind]);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_NULL(test, ops[ANKUS_PIN_RXQ]);
	KUNIT_EXPECT_STREQ(test, reason[ANKUS_PIN_RXQ], "for a test");
	KUNIT_EXPECT_PTR_EQ(test, ops[ANKUS_PIN_TXQ], &ankus_tx_queue_ops);
	/* it has no lower devices */
	KUNIT_EXPECT_NULL(test, ops[ANKUS_PIN_LINK]);
	KUNIT_EXPECT_NOT_NULL(test, reason[ANKUS_PIN_LINK]);
	KUNIT_EXPECT_EQ(test, !ops[ANKUS_PIN_CPU], num_online_cpus() < 2);
	KUNIT_EXPECT_EQ(test, !reason[ANKUS_PIN_CPU], num_online_cpus() > 1);

	/* nor, then, a choice of queues */
	rtnl_lock();
	netif_set_real_num_tx_queues(st->netdev, 1);
	rtnl_unlock();
	mutex_lock(&st->an.lock);
	ops[0] = ankus_steer_ops(st->ad, ANKUS_PIN_TXQ, &reason[ANKUS_PIN_TXQ]);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_NULL(test, ops[0]);
	KUNIT_EXPECT_NOT_NULL(test, reason[ANKUS_PIN_TXQ]);
}

static void steer_wanted(struct kunit *test)
{
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);
	u64 wanted, moved;

	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_NONE);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_NONE);

	pin->reason = "old";
	pin->error = 5;
	steer_want(st, kind, 2);
	KUNIT_EXPECT_EQ(test, pin->want, 2);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	KUNIT_EXPECT_NULL(test, pin->reason);
	KUNIT_EXPECT_EQ(test, pin->error, 0);
	wanted = pin->wanted_ns;
	moved = pin->moved_ns;
	KUNIT_EXPECT_NE(test, wanted, 0);
	KUNIT_EXPECT_EQ(test, moved, wanted);
	/* nothing to tell before it is in force */
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);

	/* to want it again is to want it still */
	pin->state = ANKUS_PIN_STATE_VERIFIED;
	steer_want(st, kind, 2);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_VERIFIED);
	KUNIT_EXPECT_EQ(test, pin->wanted_ns, wanted);
	KUNIT_EXPECT_EQ(test, pin->moved_ns, moved);
}

static void steer_in_force(struct kunit *test)
{
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);

	steer_want(st, kind, 1);
	steer_switch(st, kind, 1);
	pin->switched_ns = st->flow->first_ns + 7500000;
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_PIN);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INSTALLED);
	KUNIT_EXPECT_EQ(test, pin->latency_us, 7500);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_MOVES], 0);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);

	/* a move is one when it is in force, not when it is wanted */
	steer_want(st, kind, 3);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_MOVES], 0);
	steer_switch(st, kind, 3);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_MOVE);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INSTALLED);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_MOVES], 1);
	KUNIT_EXPECT_EQ(test, pin->latency_us, 7500);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);

	/* two switches between two looks */
	steer_want(st, kind, 1);
	steer_switch(st, kind, 1);
	steer_want(st, kind, 2);
	steer_switch(st, kind, 2);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_MOVE);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_MOVES], 3);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
}

/* Of each time that a pin comes into force: why, from where, by what */
static void steer_moved(struct kunit *test)
{
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);
	const u64 *by = &st->ad->count[ANKUS_MOVES_BY];
	u64 now;

	steer_pinned(test, kind, 1);
	KUNIT_EXPECT_EQ(test, pin->from, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->went_why, ANKUS_MOVE_REASON_PLACED);
	KUNIT_EXPECT_EQ(test, pin->went_by, ANKUS_SAFE_POINT_PAUSE);
	/* it is no move */
	KUNIT_EXPECT_EQ(test, by[ANKUS_MOVE_REASON_PLACED], 0);

	now = ktime_get_ns();
	mutex_lock(&st->an.lock);
	ankus_steer_want(pin, 3, ANKUS_MOVE_REASON_REBALANCE,
			 now - NSEC_PER_SEC);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_EQ(test, pin->went_why, ANKUS_MOVE_REASON_PLACED);
	ankus_steer_switch(pin, 3, ANKUS_SAFE_POINT_TCP_IDLE);
	KUNIT_EXPECT_EQ(test, pin->from, 1);
	KUNIT_EXPECT_EQ(test, pin->went_why, ANKUS_MOVE_REASON_REBALANCE);
	KUNIT_EXPECT_EQ(test, pin->went_by, ANKUS_SAFE_POINT_TCP_IDLE);
	KUNIT_EXPECT_GE(test, pin->waited_ns, NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_MOVE);
	KUNIT_EXPECT_EQ(test, by[ANKUS_MOVE_REASON_REBALANCE], 1);

	/* it fails and works again, which is waited for from then on */
	ankus_steer_leave(pin, 3);
	KUNIT_EXPECT_EQ(test, ankus_move_since(pin, 3), pin->left_ns);
	KUNIT_EXPECT_EQ(test, ankus_move_since(pin, 2), pin->wanted_ns);
	ankus_steer_switch(pin, 3, ANKUS_SAFE_POINT_PAUSE);
	KUNIT_EXPECT_EQ(test, pin->from, 3);
	KUNIT_EXPECT_EQ(test, pin->went_why, ANKUS_MOVE_REASON_RESTORED);
	KUNIT_EXPECT_LE(test, pin->waited_ns, ktime_get_ns() - now);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_MOVE);
	KUNIT_EXPECT_EQ(test, by[ANKUS_MOVE_REASON_RESTORED], 1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_MOVES], 2);

	/* another packet at the same moment changes nothing of it */
	ankus_steer_switch(pin, 3, ANKUS_SAFE_POINT_TCP_IDLE);
	KUNIT_EXPECT_EQ(test, pin->went_by, ANKUS_SAFE_POINT_PAUSE);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_MOVE);

	/* behind its end it is a first one again */
	steer_want(st, kind, ANKUS_NO_BIN);
	steer_switch(st, kind, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_UNPIN);
	steer_pinned(test, kind, 3);
	KUNIT_EXPECT_EQ(test, pin->from, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->went_why, ANKUS_MOVE_REASON_PLACED);
	/* no TCP socket has the flow */
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_WATCHED], 0);
}

static void steer_unpin(struct kunit *test)
{
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);
	unsigned int i;

	/* told of each time it comes into force, and each time it goes */
	for (i = 0; i < 3; i++) {
		steer_pinned(test, kind, 1);
		steer_want(st, kind, ANKUS_NO_BIN);
		KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
		KUNIT_EXPECT_EQ(test, pin->have, 1);
		steer_switch(st, kind, ANKUS_NO_BIN);
		KUNIT_EXPECT_EQ(test, steer_look(st, kind),
				ANKUS_EVENT_FLOW_UNPIN);
		KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_NONE);
		KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	}
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_MOVES], 0);

	/* what never was in force does not go either */
	steer_want(st, kind, 1);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	steer_want(st, kind, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_NONE);

	/* unless it came and went between two looks */
	steer_want(st, kind, 1);
	steer_switch(st, kind, 1);
	steer_want(st, kind, ANKUS_NO_BIN);
	steer_switch(st, kind, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_PIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_UNPIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
}

static void steer_failed(struct kunit *test)
{
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);
	u64 now = ktime_get_ns();

	steer_want(st, kind, 1);
	steer_fail(st, pin, -ENOSPC, "no room", now);
	KUNIT_EXPECT_EQ(test, pin->want, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_PARKED);
	KUNIT_EXPECT_EQ(test, pin->error, ENOSPC);
	KUNIT_EXPECT_STREQ(test, pin->reason, "no room");
	KUNIT_EXPECT_GT(test, pin->retry_ns, now);
	/* told of once, and shown for as long as it lasts */
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_FAIL);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_PARKED);
	KUNIT_EXPECT_STREQ(test, pin->reason, "no room");

	/* the next try wipes it off */
	steer_want(st, kind, 2);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	KUNIT_EXPECT_EQ(test, pin->error, 0);
	KUNIT_EXPECT_NULL(test, pin->reason);
}

/* What failed is shown for as long as somebody asks for it */
static void steer_settle(struct kunit *test)
{
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);

	/* what is in force, or may be, is not forgotten */
	steer_pinned(test, kind, 1);
	ankus_steer_settle(pin);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INSTALLED);
	steer_fail(st, pin, -EIO, "refused", ktime_get_ns());
	ankus_steer_settle(pin);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_PARKED);
	steer_switch(st, kind, ANKUS_NO_BIN);
	/* nor is what was not told yet */
	ankus_steer_settle(pin);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_PARKED);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_FAIL);
	pin->busy = true;
	ankus_steer_settle(pin);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_PARKED);
	pin->busy = false;
	ankus_steer_settle(pin);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_NONE);
	KUNIT_EXPECT_NULL(test, pin->reason);
	KUNIT_EXPECT_EQ(test, pin->error, 0);
	/* should it fail again, that is news */
	steer_fail(st, pin, -EIO, "refused", ktime_get_ns());
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_FAIL);
}

/* What comes into force after all is told, and so is its end */
static void steer_late(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, ANKUS_PIN_RXQ);

	steer_want(st, ANKUS_PIN_RXQ, 2);
	pin->busy = true;
	steer_want(st, ANKUS_PIN_RXQ, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	pin->busy = false;
	steer_switch(st, ANKUS_PIN_RXQ, 2);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_PIN);
	KUNIT_EXPECT_NE(test, pin->state, ANKUS_PIN_STATE_NONE);
	steer_switch(st, ANKUS_PIN_RXQ, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_UNPIN);
}

/* A queue or link that fails is left by the packet path, and may come back */
static void steer_dead(struct kunit *test)
{
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);

	steer_pinned(test, kind, 1);
	/* not that one: the flow has gone elsewhere already */
	ankus_steer_leave(pin, 2);
	KUNIT_EXPECT_EQ(test, pin->have, 1);
	ankus_steer_leave(pin, 1);
	KUNIT_EXPECT_EQ(test, pin->have, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->left, 1);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	KUNIT_EXPECT_NOT_NULL(test, pin->reason);
	steer_switch(st, kind, 1);
	KUNIT_EXPECT_EQ(test, pin->left, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_MOVE);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INSTALLED);
	KUNIT_EXPECT_NULL(test, pin->reason);

	/* nor is it remembered for longer than the pin is asked for */
	ankus_steer_leave(pin, 1);
	steer_want(st, kind, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_UNPIN);
	KUNIT_EXPECT_EQ(test, pin->left, ANKUS_NO_BIN);
}

/* A pin that comes into force behind a failure is a first one */
static void steer_failed_first(struct kunit *test)
{
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);

	steer_pinned(test, kind, 1);
	steer_fail(st, pin, 0, "ineffective", ktime_get_ns());
	steer_switch(st, kind, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_FAIL);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);
	steer_pinned(test, kind, 2);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_MOVES], 0);
}

/* What fails again for the same reason is no news, for another reason it is */
static void steer_failed_told_once(struct kunit *test)
{
	static const char no_room[] = "no room", refused[] = "refused";
	unsigned int kind = *(const unsigned int *)test->param_value;
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, kind);
	unsigned int i;

	for (i = 0; i < 5; i++) {
		/* without and with a try in between */
		if (i % 2)
			steer_want(st, kind, 1);
		steer_fail(st, pin, -ENOSPC, no_room, ktime_get_ns());
		KUNIT_EXPECT_EQ(test, steer_look(st, kind),
				i ? -1 : ANKUS_EVENT_FLOW_FAIL);
	}
	steer_fail(st, pin, -EIO, refused, ktime_get_ns());
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_FAIL);
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), -1);

	/* nor is it old when it had come into force meanwhile */
	steer_want(st, kind, 1);
	steer_switch(st, kind, 1);
	steer_look(st, kind);
	steer_fail(st, pin, -EIO, refused, ktime_get_ns());
	KUNIT_EXPECT_EQ(test, steer_look(st, kind), ANKUS_EVENT_FLOW_FAIL);
}

static void steer_backoff(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, ANKUS_PIN_RXQ);
	u64 now = ktime_get_ns(), pause, last = 0, first = 0;
	unsigned int i;

	/* twice as long each time, up to a limit; also after very many */
	for (i = 0; i < 600; i++) {
		steer_fail(st, pin, -EIO, "refused", now);
		pause = pin->retry_ns - now;
		if (!i)
			first = pause;
		else
			KUNIT_EXPECT_EQ(test, pause, min(2 * last, 64 * first));
		last = pause;
	}
	KUNIT_EXPECT_EQ(test, first, ANKUS_BACKOFF_NS);

	/* what was proved has earned a short pause */
	st->ad->rx.ops = &steer_stub_ops;
	steer_pinned(test, ANKUS_PIN_RXQ, 1);
	st->proof = ANKUS_PROOF_FOR;
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_VERIFY);
	steer_fail(st, pin, -EIO, "refused", now);
	KUNIT_EXPECT_EQ(test, pin->retry_ns - now, first);
}

static void steer_verify(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, ANKUS_PIN_RXQ);

	st->ad->rx.ops = &steer_stub_ops;
	st->proof = ANKUS_PROOF_FOR;
	steer_want(st, ANKUS_PIN_RXQ, 1);
	/* what is not in force is not proved, whatever is seen */
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);

	steer_switch(st, ANKUS_PIN_RXQ, 1);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_PIN);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INSTALLED);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_VERIFY);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_VERIFIED);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	st->proof = ANKUS_PROOF_NONE;
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_VERIFIED);

	/* a move has to be proved anew, and is not while it is under way */
	st->proof = ANKUS_PROOF_FOR;
	steer_want(st, ANKUS_PIN_RXQ, 2);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_WANTED);
	steer_switch(st, ANKUS_PIN_RXQ, 2);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_MOVE);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_VERIFY);
	/* without a backend nobody can say */
	st->ad->rx.ops = NULL;
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
}

/* Looks against a pin until it is given up; when it was doubted goes to DOUBT */
static unsigned int steer_misses(struct kunit *test, unsigned int *doubt)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, ANKUS_PIN_RXQ);
	unsigned int i;

	*doubt = 0;
	st->proof = ANKUS_PROOF_AGAINST;
	for (i = 1; i < STEER_LOOKS; i++) {
		int event = steer_look(st, ANKUS_PIN_RXQ);

		if (event == ANKUS_EVENT_FLOW_FAIL)
			return i;
		KUNIT_ASSERT_EQ(test, event, -1);
		if (!*doubt && pin->reason) {
			*doubt = i;
			KUNIT_EXPECT_EQ(test, pin->state,
					ANKUS_PIN_STATE_INSTALLED);
			/* is the rule still there? */
			KUNIT_EXPECT_TRUE(test, pin->recheck);
		}
	}
	return i;
}

static void steer_ineffective(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, ANKUS_PIN_RXQ);
	unsigned int looks, doubt;
	bool pending;

	st->ad->rx.ops = &steer_stub_ops;
	steer_pinned(test, ANKUS_PIN_RXQ, 1);
	st->proof = ANKUS_PROOF_FOR;
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_VERIFY);
	looks = steer_misses(test, &doubt);
	/* not by one packet that came late, nor without a second look */
	KUNIT_EXPECT_GT(test, doubt, 1);
	KUNIT_EXPECT_GT(test, looks, doubt + 1);
	KUNIT_EXPECT_LT(test, looks, STEER_LOOKS);

	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INEFFECTIVE);
	KUNIT_EXPECT_EQ(test, pin->want, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, pin->error, 0);
	KUNIT_EXPECT_NOT_NULL(test, pin->reason);
	KUNIT_EXPECT_GT(test, pin->retry_ns, ktime_get_ns());
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_INEFFECTIVE], 1);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	KUNIT_EXPECT_EQ(test, st->ad->count[ANKUS_INEFFECTIVE], 1);

	/* the rule goes at once, not when the next try is due */
	mutex_lock(&st->an.lock);
	pending = ankus_steer_rx_pending(st->ad);
	mutex_unlock(&st->an.lock);
	KUNIT_EXPECT_TRUE(test, pending);

	/* and what is shown stays when it is gone */
	steer_switch(st, ANKUS_PIN_RXQ, ANKUS_NO_BIN);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INEFFECTIVE);
}

/* Only looks in a row count, and only of one bin */
static void steer_misses_in_a_row(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, ANKUS_PIN_RXQ);
	unsigned int looks, doubt, i;

	st->ad->rx.ops = &steer_stub_ops;
	steer_pinned(test, ANKUS_PIN_RXQ, 1);
	looks = steer_misses(test, &doubt);
	KUNIT_ASSERT_LT(test, looks, STEER_LOOKS);
	steer_switch(st, ANKUS_PIN_RXQ, ANKUS_NO_BIN);
	pin->switches = 0;
	pin->seen_switches = 0;

	steer_pinned(test, ANKUS_PIN_RXQ, 2);
	st->proof = ANKUS_PROOF_AGAINST;
	for (i = 1; i < looks; i++)
		KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	st->proof = ANKUS_PROOF_NONE;
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	KUNIT_EXPECT_EQ(test, pin->state, ANKUS_PIN_STATE_INSTALLED);

	/* one for it and the count begins anew; it had been doubted, too */
	st->proof = ANKUS_PROOF_FOR;
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_VERIFY);
	KUNIT_EXPECT_NULL(test, pin->reason);
	st->proof = ANKUS_PROOF_AGAINST;
	for (i = 1; i < looks; i++)
		KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);

	/* as it does with a move */
	steer_want(st, ANKUS_PIN_RXQ, 3);
	steer_switch(st, ANKUS_PIN_RXQ, 3);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_MOVE);
	for (i = 1; i < looks; i++)
		KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ), -1);
	KUNIT_EXPECT_EQ(test, steer_look(st, ANKUS_PIN_RXQ),
			ANKUS_EVENT_FLOW_FAIL);
}

/* A flow may be forgotten when the NIC has no rule of it */
static void steer_idle(struct kunit *test)
{
	struct device_test *st = test->priv;
	struct ankus_pin *pin = steer_pin(st, ANKUS_PIN_RXQ);
	struct ankus_flow mouse = {};

	KUNIT_EXPECT_TRUE(test, ankus_steer_idle(&mouse));
	KUNIT_EXPECT_TRUE(test, ankus_steer_idle(st->flow));
	pin->busy = true;
	KUNIT_EXPECT_FALSE(test, ankus_steer_idle(st->flow));
	pin->installed = true;
	pin->busy = false;
	KUNIT_EXPECT_FALSE(test, ankus_steer_idle(st->flow));
	pin->installed = false;
	KUNIT_EXPECT_TRUE(test, ankus_steer_idle(st->flow));
}

struct compare_case {
	const char *name;
	/* at the last verdict */
	u64 proof_sent;
	u64 proof_bytes;
	/* now */
	u64 sent;
	u64 bytes;
	enum ankus_proof proof;
};

#define MIB 1048576

static const struct compare_case compare_cases[] = {
	{ "the first look", 0, 0, 5 * MIB, 5 * MIB, ANKUS_PROOF_NONE },
	{ "nothing new", MIB, MIB, MIB, MIB, ANKUS_PROOF_NONE },
	{ "too little to tell", MIB, MIB, MIB + ANKUS_PROOF_BYTES - 1, 9 * MIB,
	  ANKUS_PROOF_NONE },
	{ "all of it", MIB, MIB, MIB + ANKUS_PROOF_BYTES,
	  MIB + ANKUS_PROOF_BYTES, ANKUS_PROOF_FOR },
	{ "others as well", MIB, 3 * MIB, 2 * MIB, 9 * MIB, ANKUS_PROOF_FOR },
	{ "an eighth is queued", MIB, 0, 9 * MIB, 7 * MIB, ANKUS_PROOF_FOR },
	{ "more than an eighth is", MIB, 0, 9 * MIB, 7 * MIB - 1,
	  ANKUS_PROOF_NONE },
	{ "half of it", MIB, 0, 9 * MIB, 4 * MIB, ANKUS_PROOF_NONE },
	{ "less than half", MIB, 0, 9 * MIB, 4 * MIB - 1, ANKUS_PROOF_AGAINST },
	{ "nothing", MIB, 7 * MIB, 2 * MIB, 7 * MIB, ANKUS_PROOF_AGAINST },
	{ "the counter began anew", MIB, 7 * MIB, 2 * MIB, 100,
	  ANKUS_PROOF_NONE },
};

KUNIT_ARRAY_PARAM_DESC(compare, compare_cases, name);

static void steer_compare(struct kunit *test)
{
	const struct compare_case *c = test->param_value;
	struct ankus_pin pin = {
		.proof_sent = c->proof_sent,
		.proof_bytes = c->proof_bytes,
	};

	KUNIT_EXPECT_EQ(test, ankus_steer_compare(&pin, c->sent, c->bytes),
			c->proof);
	/* a verdict is on what was sent since: what comes next starts here */
	if (c->proof == ANKUS_PROOF_NONE && pin.proof_sent != c->sent)
		return;
	KUNIT_EXPECT_EQ(test, ankus_steer_compare(&pin, c->sent + MIB,
						  c->bytes + MIB),
			ANKUS_PROOF_FOR);
	KUNIT_EXPECT_EQ(test, ankus_steer_compare(&pin, c->sent + 2 * MIB,
						  c->bytes + MIB),
			ANKUS_PROOF_AGAINST);
}

static struct kunit_case steer_cases[] = {
	KUNIT_CASE(steer_backend),
	KUNIT_CASE_PARAM(steer_wanted, kind_gen_params),
	KUNIT_CASE_PARAM(steer_in_force, kind_gen_params),
	KUNIT_CASE_PARAM(steer_moved, kind_gen_params),
	KUNIT_CASE_PARAM(steer_unpin, kind_gen_params),
	KUNIT_CASE_PARAM(steer_failed, kind_gen_params),
	KUNIT_CASE_PARAM(steer_settle, kind_gen_params),
	KUNIT_CASE(steer_late),
	KUNIT_CASE_PARAM(steer_dead, path_kind_gen_params),
	KUNIT_CASE_PARAM(steer_failed_first, kind_gen_params),
	KUNIT_CASE_PARAM(steer_failed_told_once, kind_gen_params),
	KUNIT_CASE(steer_backoff),
	KUNIT_CASE(steer_verify),
	KUNIT_CASE(steer_ineffective),
	KUNIT_CASE(steer_misses_in_a_row),
	KUNIT_CASE(steer_idle),
	KUNIT_CASE_PARAM(steer_compare, compare_gen_params),
	{}
};

static struct kunit_suite steer_suite = {
	.name = "ankus_steer",
	.suite_init = device_test_suite_init,
	.suite_exit = device_test_suite_exit,
	.init = device_test_init,
	.test_cases = steer_cases,
};

kunit_test_suite(steer_suite);
