// SPDX-License-Identifier: GPL-2.0
/*
 * The receive half of steering: the driver calls that make the NIC's rules and
 * its RSS table what the pins ask for.
 *
 * The calls are made under rtnl in batches, without ankus_net::lock; what they
 * work on is marked busy meanwhile.
 */
#include <linux/rtnetlink.h>
#include <linux/sort.h>

#include "compat.h"
#include "move.h"
#include "rx_queue.h"
#include "rx_rss.h"
#include "steer.h"
#include "trace.h"

/* A pause in a received flow, above the interrupt moderation of most NICs */
#define STEER_RX_GAP_NS		(50 * NSEC_PER_USEC)
/* So long a move waits for its old queue to be empty as well */
#define STEER_RX_IDLE_NS	(100 * NSEC_PER_MSEC)
/* Flows in one rtnl section, and for how long none is begun in one */
#define STEER_RX_BATCH		16
#define STEER_RX_HOLD_NS	(5 * NSEC_PER_MSEC)
/* Between looks at a rule that nothing speaks against, or at all of them */
#define STEER_RX_SWEEP_NS	NSEC_PER_SEC

static bool steer_rx_differs(const struct ankus_pin *pin, u64 now_ns)
{
	if (pin->want == ANKUS_NO_BIN)
		return pin->installed && now_ns >= pin->again_ns;
	return (pin->want != pin->have || pin->recheck ||
		ankus_pin_ctl(pin)->rx.swap) && now_ns >= pin->retry_ns;
}

/* The NAPI by which the flow comes, 0 where no driver tells */
static u32 steer_rx_napi(const struct ankus_dev *ad,
			 const struct ankus_flow *flow)
{
	int queue = READ_ONCE(flow->seen_bin);

	if (queue == ANKUS_NO_BIN)
		return READ_ONCE(flow->seen_napi);
	if (ankus_rx_queue_dead(ad, queue))
		return 0;
	return ankus_rxq_napi_id(ad->netdev, queue);
}

/* Is that NAPI at work, or about to be? */
static bool steer_rx_polled(const struct ankus_dev *ad,
			    const struct ankus_flow *flow)
{
	u32 id = steer_rx_napi(ad, flow);
	const struct napi_struct *napi;
	bool polled = false;

	if (!id)
		return false;
	rcu_read_lock();
	list_for_each_entry_rcu(napi, &ad->netdev->napi_list, dev_list) {
		if (napi->napi_id != id)
			continue;
		polled = test_bit(NAPI_STATE_SCHED, &napi->state);
		break;
	}
	rcu_read_unlock();
	return polled;
}

/*
 * The flow pauses, so what comes next cannot overtake what came before, unless
 * that still waits in its queue.  A queue that is never empty is left all the same.
 */
static enum ankus_safe_point steer_rx_safe(const struct ankus_dev *ad,
					   const struct ankus_flow *flow,
					   u64 now_ns)
{
	const struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];
	u64 wanted = READ_ONCE(pin->wanted_ns);
	u64 last = max(READ_ONCE(pin->gap_ns), wanted);

	/* to read back what is in force moves nothing */
	if (pin->want != ANKUS_NO_BIN && pin->want == READ_ONCE(pin->have) &&
	    !flow->ctl->rx.swap)
		return ANKUS_SAFE_POINT_PAUSE;
	if (now_ns < last + STEER_RX_GAP_NS)
		return ANKUS_SAFE_POINT_NONE;
	if (!steer_rx_polled(ad, flow))
		return ANKUS_SAFE_POINT_PAUSE;
	return now_ns >= wanted + STEER_RX_IDLE_NS ? ANKUS_SAFE_POINT_TIMEOUT :
						     ANKUS_SAFE_POINT_NONE;
}

/*
 * Flows show nothing of a rule that is gone when the hash sends them to the same
 * queue.  So now and then one is looked for, in turn; and all of them after one
 * was gone, as what took it, a reset or a hand, may have taken others.
 */
static bool steer_rx_sweep_due(const struct ankus_dev *ad, u64 now)
{
	return (ad->rx.sweep || ad->rx.rules) &&
	       now >= ad->rx.swept_ns + STEER_RX_SWEEP_NS;
}

static void steer_rx_sweep(struct ankus_dev *ad, u64 now)
{
	struct ankus_pin *first = NULL, *next = NULL;
	struct ankus_flow *flow;

	ankus_active_for_each(&ad->flows, flow) {
		struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

		if (!pin->installed || pin->by == &ankus_rx_rss_ops)
			continue;
		pin->recheck |= ad->rx.sweep;
		if (!first || flow->id < ankus_pin_flow(first)->id)
			first = pin;
		if (flow->id > ad->rx.swept_id &&
		    (!next || flow->id < ankus_pin_flow(next)->id))
			next = pin;
	}
	next = next ?: first;
	if (next) {
		next->recheck = true;
		ad->rx.swept_id = ankus_pin_flow(next)->id;
	}
	ad->rx.sweep = false;
	ad->rx.swept_ns = now;
}

static bool steer_rx_due(struct ankus_dev *ad, bool safe)
{
	u64 now = ktime_get_ns();
	struct ankus_flow *flow;

	lockdep_assert_held(&ad->an->lock);

	if (ankus_rx_rss_due(ad, now) || steer_rx_sweep_due(ad, now))
		return true;
	ankus_active_for_each(&ad->flows, flow) {
		const struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

		if (steer_rx_differs(pin, now) &&
		    (!safe || steer_rx_safe(ad, flow, now)))
			return true;
	}
	return false;
}

/**
 * ankus_steer_rx_pending() - is there work for ankus_steer_rx_run()?
 * @ad: the device
 *
 * Context: Under ankus_net::lock.
 * Return: true if so.
 */
bool ankus_steer_rx_pending(struct ankus_dev *ad)
{
	return steer_rx_due(ad, false);
}

/**
 * ankus_steer_rx_ready() - is some of that work at its safe point?
 * @ad: the device
 *
 * Asked before waiting for rtnl.
 *
 * Context: Under ankus_net::lock.
 * Return: true if so.
 */
bool ankus_steer_rx_ready(struct ankus_dev *ad)
{
	return steer_rx_due(ad, true);
}

static void steer_rx_have(struct ankus_pin *pin, int bin,
			  enum ankus_safe_point safe)
{
	if (pin->have == bin)
		return;
	if (bin != ANKUS_NO_BIN) {
		pin->switched_ns = ktime_get_ns();
		ankus_move_made(pin, bin, safe, pin->switched_ns);
		pin->switches++;
	}
	WRITE_ONCE(pin->have, bin);
	trace_ankus_pin(pin);
}

/**
 * struct steer_rx_op - one flow in the hands of the steer work
 * @flow: the flow
 * @had: backend that its pin was installed by, or NULL
 * @reason: of @error
 * @rate_bps: its rate
 * @want: bin to be had
 * @error: what came of it, negative
 * @order: backends to try
 * @n_order: how many
 * @failed: those that were tried in vain, a bit each
 * @safe: enum ankus_safe_point at which it was done
 * @called: the driver was asked
 * @lost: somebody else has taken the rule away
 * @left: nothing was done yet
 * @rss: a bucket was changed, which counts once the table is written
 * @was: the bucket was pinned before
 */
struct steer_rx_op {
	struct ankus_flow *flow;
	const struct ankus_backend_ops *had;
	const char *reason;
	u64 rate_bps;
	int want;
	int error;
	u8 order[ANKUS_RX_BACKENDS];
	u8 n_order;
	u8 failed;
	u8 safe;
	bool called;
	bool lost;
	bool left;
	bool rss;
	bool was;
};

/* What makes room goes first, then the largest flows, should room be scarce */
static int steer_rx_order(const void *a, const void *b)
{
	const struct steer_rx_op *x = a, *y = b;
	bool x_frees = x->want == ANKUS_NO_BIN;
	bool y_frees = y->want == ANKUS_NO_BIN;

	if (x_frees != y_frees)
		return x_frees ? -1 : 1;
	return x->rate_bps < y->rate_bps ? 1 : x->rate_bps > y->rate_bps ? -1 : 0;
}

static void steer_rx_take_back(struct ankus_dev *ad, struct steer_rx_op *op)
{
	struct ankus_pin *pin = &op->flow->ctl->pin[ANKUS_PIN_RXQ];

	op->error = pin->by->remove(ad, op->flow, pin);
	if (op->error == -ENOENT)
		op->error = 0;
	if (op->error) {
		op->reason = "the device refused to remove the rule";
		return;
	}
	pin->installed = false;
	op->rss = pin->by == &ankus_rx_rss_ops;
	op->was = op->rss;
}

static void steer_rx_install(struct ankus_dev *ad, struct steer_rx_op *op)
{
	struct ankus_pin *pin = &op->flow->ctl->pin[ANKUS_PIN_RXQ];
	bool was = pin->installed;

	op->error = pin->by->install(ad, op->flow, pin, op->want, &op->reason);
	if (!op->error && pin->by == &ankus_rx_rss_ops) {
		op->rss = true;
		op->was = was;
	}
}

/* A full table is asked once in a run, not once for each flow that waits */
static void steer_rx_try(struct ankus_dev *ad, struct steer_rx_op *op, u8 *full)
{
	struct ankus_pin *pin = &op->flow->ctl->pin[ANKUS_PIN_RXQ];
	struct ankus_rx_try *try = &op->flow->ctl->rx;
	unsigned int i, n;

	op->error = -EOPNOTSUPP;
	op->reason = ad->rx.reason ?: "no backend is left to try";
	for (i = 0; i < op->n_order; i++) {
		n = op->order[i];
		WRITE_ONCE(try->shared, 0);
		if (*full & BIT(n)) {
			op->error = -ENOSPC;
			op->reason = "the rule table is full";
		} else {
			pin->by = ad->rx.backend[n].ops;
			steer_rx_install(ad, op);
		}
		if (!op->error)
			return;
		if (op->error == -ENOSPC && !try->shared)
			*full |= BIT(n);
		op->failed |= BIT(n);
		try->trying[n] = (struct ankus_rx_failure) {
			.reason = op->reason,
			.error = -op->error,
		};
	}
}

static void steer_rx_call(struct ankus_dev *ad, struct steer_rx_op *op,
			  u8 *full)
{
	struct ankus_pin *pin = &op->flow->ctl->pin[ANKUS_PIN_RXQ];

	op->called = true;
	/* Did somebody else take the rule away? */
	if (pin->installed && !pin->by->present(ad, op->flow, pin)) {
		pin->installed = false;
		op->lost = true;
	}
	if (op->want == ANKUS_NO_BIN) {
		if (pin->installed)
			steer_rx_take_back(ad, op);
		return;
	}
	/* The flow is where the hash sends it: to go back is a move */
	op->left = op->lost;
	if (op->lost)
		return;
	if (pin->installed && op->flow->ctl->rx.swap) {
		steer_rx_take_back(ad, op);
		if (op->error)
			return;
	}
	if (!pin->installed)
		steer_rx_try(ad, op, full);
	else if (pin->have != op->want)
		steer_rx_install(ad, op);
}

/* The RSS table was not written: nothing has become of what it was for */
static void steer_rx_undo(struct ankus_dev *ad, struct steer_rx_op *op, int err,
			  const char *reason)
{
	struct ankus_pin *pin = &op->flow->ctl->pin[ANKUS_PIN_RXQ];
	int n = ankus_rx_index(ad, &ankus_rx_rss_ops);

	if (!op->rss)
		return;
	/* it was somebody else's by then: for the next run to see to */
	if (err == -EAGAIN) {
		if (op->want != ANKUS_NO_BIN) {
			pin->installed = op->was;
			op->left = true;
		}
		return;
	}
	if (op->want != ANKUS_NO_BIN && pin->by != &ankus_rx_rss_ops) {
		/* by another backend now, and the bucket goes the next time */
		ankus_rx_rss_drop(ad, op->flow);
		return;
	}
	pin->installed = op->was;
	op->error = err;
	op->reason = reason;
	if (op->was)
		return;
	op->failed |= BIT(n);
	op->flow->ctl->rx.trying[n] = (struct ankus_rx_failure) {
		.reason = reason,
		.error = -err,
	};
}

static void steer_rx_count(struct ankus_dev *ad, const struct steer_rx_op *op,
			   const struct ankus_pin *pin)
{
	const struct ankus_backend_ops *has = pin->installed ? pin->by : NULL;
	const struct ankus_backend_ops *rss = &ankus_rx_rss_ops;

	/* a rule that is new is not looked for yet */
	if (!ad->rx.rules)
		ad->rx.swept_ns = ktime_get_ns();
	ad->count[ANKUS_RULES_LOST] += op->lost;
	ad->rx.rules += (has && has != rss) - (op->had && op->had != rss);
	ad->rx.buckets += (has == rss) - (op->had == rss);
	if (has && (has != op->had || op->lost))
		ad->count[ANKUS_RULES_INSTALLED]++;
	if (op->had && has != op->had && !op->lost)
		ad->count[ANKUS_RULES_REMOVED]++;
}

/* What the backends said of the flow */
static void steer_rx_told(struct ankus_dev *ad, const struct steer_rx_op *op,
			  u64 now)
{
	struct ankus_rx_try *try = &op->flow->ctl->rx;
	unsigned int n;

	for (n = 0; n < ANKUS_RX_BACKENDS; n++) {
		const struct ankus_rx_failure *f = &try->trying[n];

		if (!(op->failed & BIT(n)))
			continue;
		ankus_rx_failed(ad, op->flow, n, f->reason, -f->error, now);
		/* the last one is counted with the pin */
		ad->count[ANKUS_REFUSED] += !op->error && f->error != ENOSPC;
	}
}

static void steer_rx_done(struct ankus_dev *ad, const struct steer_rx_op *op)
{
	struct ankus_pin *pin = &op->flow->ctl->pin[ANKUS_PIN_RXQ];
	u64 now = ktime_get_ns();

	pin->busy = false;
	if (op->left && !op->lost && pin->installed == !!op->had)
		return;
	pin->recheck = false;
	ad->rx.room += op->had && op->had != &ankus_rx_rss_ops &&
		       !(pin->installed && pin->by == op->had);
	steer_rx_count(ad, op, pin);
	steer_rx_told(ad, op, now);
	/* what was asked for meanwhile is tried in every way */
	if (pin->want != op->want)
		op->flow->ctl->rx.tried = 0;
	if (!pin->installed || pin->by != op->had)
		op->flow->ctl->rx.swap = false;

	if (op->left) {
		steer_rx_have(pin, ANKUS_NO_BIN, ANKUS_SAFE_POINT_NONE);
		/* a pause is one that comes after this */
		WRITE_ONCE(pin->wanted_ns, now);
		if (pin->want == op->want)
			ankus_steer_set(pin, ANKUS_PIN_STATE_WANTED, 0,
					"the rule was gone");
		return;
	}
	if (!op->error) {
		steer_rx_have(pin, op->want, op->safe);
		return;
	}
	if (!pin->installed)
		steer_rx_have(pin, ANKUS_NO_BIN, ANKUS_SAFE_POINT_NONE);
	/* What was asked for meanwhile has not failed */
	if (pin->want != op->want) {
		ad->count[ANKUS_REFUSED] += op->want != ANKUS_NO_BIN &&
					    op->error != -ENOSPC;
		return;
	}
	if (op->want == ANKUS_NO_BIN) {
		/* Tried again later; the rule still steers, harmlessly */
		ankus_steer_set(pin, pin->state, op->error, op->reason);
		pin->again_ns = now + ANKUS_BACKOFF_NS;
		return;
	}
	if (op->flow->ctl->rx.shared) {
		ankus_steer_fail(pin, ANKUS_PIN_STATE_PARKED, 0, op->reason,
				 now);
		/* the other one may go at any time, and to ask costs little */
		pin->failures = 0;
	} else if (op->error == -ENOSPC) {
		ankus_steer_fail(pin, ANKUS_PIN_STATE_PARKED, op->error,
				 op->reason, now);
	} else {
		ad->count[ANKUS_REFUSED]++;
		ankus_steer_fail(pin, ANKUS_PIN_STATE_REFUSED, op->error,
				 op->reason, now);
	}
}

/**
 * ankus_steer_rx_run() - make the NIC's rules what they ought to be
 * @ad: the device, not gone
 * @force: now, whether the flows pause or not; everything, in one go
 *
 * Context: Under rtnl, without ankus_net::lock.  May sleep: the driver does.
 * Return: what is left to do.
 */
enum ankus_steer_left ankus_steer_rx_run(struct ankus_dev *ad, bool force)
{
	struct steer_rx_op ops[STEER_RX_BATCH];
	struct ankus_flow *flow;
	unsigned int failed = 0;
	unsigned int i, n, skip;
	enum ankus_steer_left left;
	const char *reason;
	u8 full = 0;
	u64 start, now;
	int err;

	ASSERT_RTNL();

	do {
		ankus_rx_rss_look(ad);
		ankus_rx_rss_keep(ad);
		n = 0;
		/* what has failed stands first among what still differs */
		skip = failed;
		left = ANKUS_STEER_DONE;
		start = ktime_get_ns();
		mutex_lock(&ad->an->lock);
		if (steer_rx_sweep_due(ad, start))
			steer_rx_sweep(ad, start);
		ankus_active_for_each(&ad->flows, flow) {
			struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

			if (!steer_rx_differs(pin, force ? U64_MAX : start))
				continue;
			if (force && skip) {
				skip--;
				continue;
			}
			if (!force && !steer_rx_safe(ad, flow, start)) {
				left = max(left, ANKUS_STEER_WAITS);
				continue;
			}
			if (n == STEER_RX_BATCH) {
				left = ANKUS_STEER_MORE;
				continue;
			}
			pin->busy = true;
			ops[n] = (struct steer_rx_op) {
				.flow = flow,
				.rate_bps = flow->rate.slow_bps,
				.want = pin->want,
				/* what has installed it takes it back */
				.had = pin->installed ? pin->by : NULL,
			};
			ops[n].n_order = ankus_rx_order(ad, flow, start,
							ops[n].order);
			n++;
		}
		mutex_unlock(&ad->an->lock);

		sort(ops, n, sizeof(*ops), steer_rx_order, NULL);
		for (i = 0; i < n; i++) {
			/*
			 * Rtnl is held up for others meanwhile, so a slow driver
			 * is given less in one go.  Does the flow pause still?
			 */
			now = ktime_get_ns();
			if (!force && now - start >= STEER_RX_HOLD_NS)
				left = ANKUS_STEER_MORE;
			else
				ops[i].safe = steer_rx_safe(ad, ops[i].flow, now);
			if (force || ops[i].safe)
				steer_rx_call(ad, &ops[i], &full);
			ops[i].left |= !ops[i].called;
		}
		err = ankus_rx_rss_commit(ad, &reason);
		for (i = 0; err && i < n; i++)
			steer_rx_undo(ad, &ops[i], err, reason);

		mutex_lock(&ad->an->lock);
		for (i = 0; i < n; i++) {
			steer_rx_done(ad, &ops[i]);
			failed += !!ops[i].error;
			ad->rx.sweep |= ops[i].lost;
			if (ops[i].left)
				left = max(left, ANKUS_STEER_WAITS);
		}
		if (steer_rx_sweep_due(ad, start))
			left = ANKUS_STEER_MORE;
		ad->count[ANKUS_RTNL_MAX_NS] = max(ad->count[ANKUS_RTNL_MAX_NS],
						   ktime_get_ns() - start);
		mutex_unlock(&ad->an->lock);
		/* a forced run goes on while it gets anywhere */
	} while (force && left && n);
	return left;
}
