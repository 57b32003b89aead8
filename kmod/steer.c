// SPDX-License-Identifier: GPL-2.0
/*
 * The state of pins: what is wanted, what is in force, what was proved.
 *
 * The control loop says what it wants (ankus_steer_want()).  The packet path puts
 * it into force at a safe point; for RX queues the steer work does, by driver
 * calls under rtnl.  ankus_steer_look() then compares the two
 * and looks for proof.  So each side writes its own half of a pin, and a pin
 * converges whatever happens in between.
 */
#include <net/sock.h>

#include "compat.h"
#include "move.h"
#include "steer.h"
#include "trace.h"

/* A pause in a flow without TCP's own word that nothing of it is queued */
#define STEER_TX_GAP_NS		(1 * NSEC_PER_MSEC)
/* Looks in a row against a pin before it is doubted, and given up */
#define STEER_MISSES_DOUBT	3
#define STEER_MISSES_MAX	8
/* The pause after a failure doubles so many times */
#define STEER_BACKOFF_SHIFT	6

/**
 * ankus_steer_ops() - backend of a kind of pin
 * @ad: the device
 * @kind: enum ankus_pin_kind
 * @reason: set to why there is none, a string constant
 *
 * Context: Under ankus_net::lock.
 * Return: the backend, or NULL when the device cannot be steered so.
 */
const struct ankus_backend_ops *ankus_steer_ops(struct ankus_dev *ad,
						unsigned int kind,
						const char **reason)
{
	const struct ankus_backend_ops *ops;

	switch (kind) {
	case ANKUS_PIN_RXQ:
		*reason = ad->rx.reason;
		return ad->rx.ops;
	case ANKUS_PIN_TXQ:
		ops = &ankus_tx_queue_ops;
		break;
	case ANKUS_PIN_CPU:
		ops = &ankus_rx_cpu_ops;
		break;
	default:
		ops = &ankus_tx_link_ops;
		break;
	}
	return ops->probe(ad, reason) ? NULL : ops;
}

/**
 * ankus_steer_set() - change the state of a pin
 * @pin: the pin
 * @state: enum ankus_pin_state
 * @error: errno of a refusal, negative, or 0
 * @reason: why, a string constant or NULL
 *
 * Context: Under ankus_net::lock.
 */
void ankus_steer_set(struct ankus_pin *pin, u8 state, int error,
		     const char *reason)
{
	bool same = pin->state == state && pin->error == -error &&
		    pin->reason == reason;

	pin->state = state;
	pin->error = -error;
	pin->reason = reason;
	if (!same)
		trace_ankus_pin(pin);
}

/**
 * ankus_steer_want() - say where a flow is to go
 * @pin: the pin
 * @bin: queue, CPU or link slot, ANKUS_NO_BIN to take the pin back
 * @why: reason for that bin; none to take the pin back
 * @now_ns: time
 *
 * Context: Process, under ankus_net::lock.
 */
void ankus_steer_want(struct ankus_pin *pin, int bin,
		      enum ankus_move_reason why, u64 now_ns)
{
	if (pin->want == bin)
		return;
	/* what is wanted anew is tried in every way */
	if (pin->kind == ANKUS_PIN_RXQ && pin->want == ANKUS_NO_BIN)
		ankus_pin_ctl(pin)->rx.tried = 0;
	WRITE_ONCE(pin->wanted_ns, now_ns);
	if (bin != ANKUS_NO_BIN) {
		ankus_move_wanted(pin, now_ns);
		WRITE_ONCE(pin->why, why);
	}
	WRITE_ONCE(pin->want, bin);
	WRITE_ONCE(pin->refused, NULL);
	if (bin == ANKUS_NO_BIN) {
		if (pin->kind == ANKUS_PIN_RXQ)
			ankus_pin_ctl(pin)->rx.swap = false;
		if (pin->state == ANKUS_PIN_STATE_INSTALLED ||
		    pin->state == ANKUS_PIN_STATE_VERIFIED) {
			pin->state = ANKUS_PIN_STATE_WANTED;
			pin->reason = "being taken back";
		}
	} else {
		pin->moved_ns = now_ns;
		pin->state = ANKUS_PIN_STATE_WANTED;
		pin->reason = NULL;
		pin->error = 0;
		pin->misses = 0;
		pin->proof_sent = 0;
	}
	trace_ankus_pin(pin);
}

/**
 * ankus_steer_fail() - give a pin up for a while
 * @pin: the pin
 * @state: enum ankus_pin_state to show
 * @error: errno, negative, or 0
 * @reason: why, a string constant
 * @now_ns: time
 *
 * Context: Under ankus_net::lock.
 */
void ankus_steer_fail(struct ankus_pin *pin, u8 state, int error,
		      const char *reason, u64 now_ns)
{
	int bin = pin->want;

	/* What fails again for the same reason is told of once */
	pin->failed = pin->told != reason;
	pin->told = reason;
	ankus_steer_want(pin, ANKUS_NO_BIN, ANKUS_MOVE_REASON_NONE, now_ns);
	ankus_steer_set(pin, state, error, reason);
	if (state != ANKUS_PIN_STATE_PARKED)
		trace_ankus_verify(pin, bin);
	pin->retry_ns = now_ns + (ANKUS_BACKOFF_NS <<
				  min_t(u8, pin->failures, STEER_BACKOFF_SHIFT));
	if (pin->failures < U8_MAX)
		pin->failures++;
}

/**
 * ankus_steer_settle() - forget why a pin failed that nobody asks for any more
 * @pin: the pin
 *
 * Nothing happens while it is wanted, in force, or its failure is to be told.
 *
 * Context: Under ankus_net::lock.
 */
void ankus_steer_settle(struct ankus_pin *pin)
{
	if (pin->want != ANKUS_NO_BIN || READ_ONCE(pin->have) != ANKUS_NO_BIN ||
	    pin->installed || pin->busy || pin->failed)
		return;
	switch (pin->state) {
	case ANKUS_PIN_STATE_PARKED:
	case ANKUS_PIN_STATE_REFUSED:
	case ANKUS_PIN_STATE_INEFFECTIVE:
		pin->told = NULL;
		if (pin->kind == ANKUS_PIN_RXQ)
			ankus_pin_ctl(pin)->rx = (struct ankus_rx_try) {};
		ankus_steer_set(pin, ANKUS_PIN_STATE_NONE, 0, NULL);
		break;
	}
}

/**
 * ankus_steer_compare() - does a bin carry what the flow sends?
 * @pin: the pin, with the counts at the last verdict
 * @sent: bytes of the flow
 * @bytes: bytes that went through the bin
 *
 * What the flow sent is part of what went through, so too little speaks
 * against the pin.  Between the two there is room for what is queued.
 *
 * Context: Under ankus_net::lock.
 * Return: the verdict on what was sent since the last one.
 */
enum ankus_proof ankus_steer_compare(struct ankus_pin *pin, u64 sent, u64 bytes)
{
	enum ankus_proof proof = ANKUS_PROOF_NONE;
	u64 gone = sent - pin->proof_sent;
	u64 seen = bytes - pin->proof_bytes;

	/* the first look, or a counter that began anew */
	if (!pin->proof_sent || bytes < pin->proof_bytes)
		goto restart;
	if (gone < ANKUS_PROOF_BYTES)
		return proof;
	if (seen >= gone - gone / 8)
		proof = ANKUS_PROOF_FOR;
	else if (seen < gone / 2)
		proof = ANKUS_PROOF_AGAINST;
	else
		return proof;
restart:
	pin->proof_sent = sent;
	pin->proof_bytes = bytes;
	return proof;
}

/**
 * ankus_steer_idle() - is nothing of a flow in force or under way?
 * @flow: the flow
 *
 * Context: Under ankus_net::lock.
 * Return: true if the flow may be forgotten.
 */
bool ankus_steer_idle(const struct ankus_flow *flow)
{
	const struct ankus_pin *rx;

	if (!flow->ctl)
		return true;
	rx = &flow->ctl->pin[ANKUS_PIN_RXQ];
	return !rx->busy && !rx->installed;
}

static int steer_in_force(struct ankus_dev *ad, struct ankus_flow *flow,
			  struct ankus_pin *pin, u64 now_ns)
{
	bool first = !pin->seen_switches;
	u32 switches = READ_ONCE(pin->switches);

	ankus_move_seen(ad, pin, first ? 0 : switches - pin->seen_switches,
			now_ns);
	pin->seen_switches = switches;
	if (!pin->latency_us)
		pin->latency_us = div_u64(READ_ONCE(pin->switched_ns) -
					  flow->first_ns, NSEC_PER_USEC);
	pin->proof_sent = 0;
	pin->misses = 0;
	pin->told = NULL;
	if (READ_ONCE(pin->have) == pin->want)
		ankus_steer_set(pin, ANKUS_PIN_STATE_INSTALLED, 0, NULL);
	return first ? ANKUS_EVENT_FLOW_PIN : ANKUS_EVENT_FLOW_MOVE;
}

/* A rule without effect makes way for the next backend, when the flow pauses */
static bool steer_prove_next(struct ankus_dev *ad, struct ankus_flow *flow,
			     struct ankus_pin *pin, u64 now_ns)
{
	static const char reason[] = "accepted, but packets were seen elsewhere";

	if (pin->kind != ANKUS_PIN_RXQ || pin->busy ||
	    !ankus_rx_next(ad, flow, reason, now_ns))
		return false;
	ad->count[ANKUS_INEFFECTIVE]++;
	ankus_steer_set(pin, ANKUS_PIN_STATE_INEFFECTIVE, 0, reason);
	trace_ankus_verify(pin, pin->want);
	pin->misses = 0;
	WRITE_ONCE(pin->have, ANKUS_NO_BIN);
	/* a pause is one that comes after this */
	WRITE_ONCE(pin->wanted_ns, now_ns);
	ankus_steer_set(pin, ANKUS_PIN_STATE_WANTED, 0, reason);
	return true;
}

static int steer_prove(struct ankus_dev *ad, struct ankus_flow *flow,
		       struct ankus_pin *pin,
		       const struct ankus_backend_ops *ops, u64 now_ns)
{
	switch (ops->verify(ad, flow, pin)) {
	case ANKUS_PROOF_FOR:
		pin->misses = 0;
		if (pin->state == ANKUS_PIN_STATE_VERIFIED)
			return -1;
		pin->failures = 0;
		if (pin->kind == ANKUS_PIN_RXQ)
			ankus_rx_works(ad, flow);
		ankus_steer_set(pin, ANKUS_PIN_STATE_VERIFIED, 0, NULL);
		trace_ankus_verify(pin, pin->want);
		return ANKUS_EVENT_FLOW_VERIFY;
	case ANKUS_PROOF_AGAINST:
		pin->misses++;
		/* to ask costs little: a rule that is gone is soon back */
		if (pin->misses == 1)
			pin->recheck = pin->installed;
		if (pin->misses == STEER_MISSES_DOUBT) {
			ankus_steer_set(pin, ANKUS_PIN_STATE_INSTALLED, 0,
					"packets are seen elsewhere");
			pin->recheck = pin->installed;
		}
		if (pin->misses < STEER_MISSES_MAX ||
		    steer_prove_next(ad, flow, pin, now_ns))
			return -1;
		ankus_steer_fail(pin, ANKUS_PIN_STATE_INEFFECTIVE, 0,
				 "accepted, but packets were seen elsewhere",
				 now_ns);
		pin->failed = false;
		ad->count[ANKUS_INEFFECTIVE]++;
		return ANKUS_EVENT_FLOW_FAIL;
	default:
		return -1;
	}
}

/**
 * ankus_steer_look() - bring the state of a pin up to date
 * @ad: the device
 * @flow: the flow, with a control part
 * @kind: enum ankus_pin_kind
 * @now_ns: time
 *
 * Context: Control loop, under ankus_net::lock.
 * Return: enum ankus_event when there is something to tell, else -1.
 */
int ankus_steer_look(struct ankus_dev *ad, struct ankus_flow *flow,
		     unsigned int kind, u64 now_ns)
{
	struct ankus_pin *pin = &flow->ctl->pin[kind];
	const struct ankus_backend_ops *ops;
	int have = READ_ONCE(pin->have);
	const char *reason;
	int event;

	if (pin->failed) {
		pin->failed = false;
		return ANKUS_EVENT_FLOW_FAIL;
	}
	if (READ_ONCE(pin->switches) != pin->seen_switches)
		return steer_in_force(ad, flow, pin, now_ns);

	if (pin->want == ANKUS_NO_BIN) {
		/* in a slow driver's hands it may still come into force */
		if (have != ANKUS_NO_BIN || pin->busy)
			return -1;
		/* whatever it left, the flow goes the kernel's way now */
		WRITE_ONCE(pin->left, ANKUS_NO_BIN);
		event = -1;
		switch (pin->state) {
		case ANKUS_PIN_STATE_WANTED:
		case ANKUS_PIN_STATE_INSTALLED:
		case ANKUS_PIN_STATE_VERIFIED:
			event = pin->seen_switches ? ANKUS_EVENT_FLOW_UNPIN : -1;
			ankus_steer_set(pin, ANKUS_PIN_STATE_NONE, 0, NULL);
			break;
		}
		/* the next pin is a first one again */
		pin->seen_switches = 0;
		WRITE_ONCE(pin->to, ANKUS_NO_BIN);
		WRITE_ONCE(pin->switches, 0);
		return event;
	}
	if (kind == ANKUS_PIN_RXQ && flow->ctl->rx.swap)
		return -1;
	if (have != pin->want) {
		reason = READ_ONCE(pin->refused);
		if (reason) {
			ankus_steer_fail(pin, ANKUS_PIN_STATE_REFUSED, 0,
					 reason, now_ns);
			return -1;
		}
		/* it was in force, and its bin failed */
		if (pin->state == ANKUS_PIN_STATE_INSTALLED ||
		    pin->state == ANKUS_PIN_STATE_VERIFIED)
			ankus_steer_set(pin, ANKUS_PIN_STATE_WANTED, 0,
					kind == ANKUS_PIN_CPU ?
					"the CPU is offline" :
					"the queue or link failed");
		return -1;
	}
	if (pin->state == ANKUS_PIN_STATE_WANTED)
		ankus_steer_set(pin, ANKUS_PIN_STATE_INSTALLED, 0, pin->reason);
	ops = ankus_steer_ops(ad, kind, &reason);
	if (ops && kind == ANKUS_PIN_RXQ && pin->installed && pin->by)
		ops = pin->by;
	return ops ? steer_prove(ad, flow, pin, ops, now_ns) : -1;
}

/**
 * ankus_txq_idle() - has a TX queue nothing to send?
 * @txq: the queue
 *
 * Context: RCU read side.
 * Return: true if its qdisc is empty and, where the driver counts (BQL), the
 * NIC has completed all that it was given.
 */
bool ankus_txq_idle(const struct netdev_queue *txq)
{
	const struct Qdisc *qdisc = rcu_dereference(txq->qdisc);

	if (qdisc && !qdisc_is_empty(qdisc))
		return false;
#ifdef CONFIG_BQL
	if (READ_ONCE(txq->dql.num_queued) != READ_ONCE(txq->dql.num_completed))
		return false;
#endif
	return true;
}

/**
 * ankus_steer_safe() - may the flow change its way with this packet?
 * @ops: TX backend
 * @ad: the device
 * @pin: the flow's pin, its wanted bin not in force
 * @skb: the packet
 * @idle: is a bin, or every bin for ANKUS_NO_BIN, without a packet?
 *
 * Local TCP says so itself: skb->ooo_okay is set when none of the socket's
 * packets is queued on this host.  For everything else a pause of the flow
 * and an empty old bin are asked for.  A dead bin is left for another at once,
 * and not entered.
 *
 * Context: Egress hook.
 * Return: why nothing can be overtaken, none (0) when something can.
 */
enum ankus_safe_point
ankus_steer_safe(const struct ankus_backend_ops *ops, const struct ankus_dev *ad,
		 struct ankus_pin *pin, const struct sk_buff *skb,
		 bool (*idle)(const struct ankus_dev *ad, int bin))
{
	int want = READ_ONCE(pin->want);
	int have = READ_ONCE(pin->have);
	int from = have == ANKUS_NO_BIN ? READ_ONCE(pin->left) : have;
	struct sock *sk = skb->sk;
	u64 last, now;

	if (want != ANKUS_NO_BIN && ops->dead(ad, want))
		return ANKUS_SAFE_POINT_NONE;
	if (from != ANKUS_NO_BIN && ops->dead(ad, from))
		return ANKUS_SAFE_POINT_DEAD;
	if (sk && sk_fullsock(sk) && sk_is_tcp(sk))
		return skb->ooo_okay ? ANKUS_SAFE_POINT_TCP_IDLE :
				       ANKUS_SAFE_POINT_NONE;

	now = ktime_get_ns();
	last = READ_ONCE(pin->gap_ns);
	WRITE_ONCE(pin->gap_ns, now);
	if (last < READ_ONCE(pin->wanted_ns) || now - last < STEER_TX_GAP_NS ||
	    !idle(ad, have))
		return ANKUS_SAFE_POINT_NONE;
	return ANKUS_SAFE_POINT_PAUSE;
}

/**
 * ankus_steer_switch() - put a pin into force
 * @pin: the pin
 * @bin: its wanted bin
 * @safe: the safe point
 *
 * Context: Ingress or egress hook, at a safe point.
 */
void ankus_steer_switch(struct ankus_pin *pin, int bin,
			enum ankus_safe_point safe)
{
	u64 now;

	if (bin != ANKUS_NO_BIN) {
		now = ktime_get_ns();
		/* another CPU may be doing the same */
		if (READ_ONCE(pin->have) != bin)
			ankus_move_made(pin, bin, safe, now);
		WRITE_ONCE(pin->switched_ns, now);
	}
	WRITE_ONCE(pin->left, ANKUS_NO_BIN);
	WRITE_ONCE(pin->have, bin);
	if (bin != ANKUS_NO_BIN)
		WRITE_ONCE(pin->switches, pin->switches + 1);
	trace_ankus_pin(pin);
}

/**
 * ankus_steer_leave() - let the kernel choose, as the bin in force is dead
 * @pin: the pin
 * @bin: its bin in force
 *
 * Packets go other ways from here on.  So when the bin works again, to come
 * back to it takes a safe point.
 *
 * Context: Ingress or egress hook.
 */
void ankus_steer_leave(struct ankus_pin *pin, int bin)
{
	/* another CPU may have found the way to another bin meanwhile */
	if (cmpxchg(&pin->have, bin, ANKUS_NO_BIN) != bin)
		return;
	WRITE_ONCE(pin->left_ns, ktime_get_ns());
	WRITE_ONCE(pin->left, bin);
	trace_ankus_pin(pin);
}
