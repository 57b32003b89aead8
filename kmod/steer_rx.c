// SPDX-License-Identifier: GPL-2.0
/*
 * The receive half of steering: which backend a device has, and the driver
 * calls that make the NIC's rules what the pins ask for.
 *
 * The calls are made under rtnl in batches, without ankus_net::lock; what they
 * work on is marked busy meanwhile.
 */
#include <linux/rtnetlink.h>
#include <linux/sort.h>

#include "steer.h"
#include "trace.h"

/* A pause in a received flow, above the interrupt moderation of most NICs */
#define STEER_RX_GAP_NS		(50 * NSEC_PER_USEC)
/* Flows in one rtnl section, and for how long none is begun in one */
#define STEER_RX_BATCH		32
#define STEER_RX_HOLD_NS	(5 * NSEC_PER_MSEC)

/* In the order in which backend auto tries them */
static const struct ankus_backend_ops *const steer_rx_backends[] = {
	&ankus_rx_ntuple_ops,
};

/**
 * ankus_steer_probe_rx() - choose the receive backend of a device
 * @ad: the device
 *
 * Context: Under rtnl, without ankus_net::lock, not in a notifier.
 */
void ankus_steer_probe_rx(struct ankus_dev *ad)
{
	const struct ankus_backend_ops *ops = NULL;
	const char *reason = "backend none";
	unsigned int i;

	ASSERT_RTNL();

	for (i = 0; i < ARRAY_SIZE(steer_rx_backends) && !ops; i++) {
		ops = steer_rx_backends[i];
		if ((ad->cfg.backend != ANKUS_BACKEND_AUTO &&
		     ad->cfg.backend != ops->id) || ops->probe(ad, &reason))
			ops = NULL;
	}
	mutex_lock(&ad->an->lock);
	ad->rx.ops = ops;
	ad->rx.reason = ops ? NULL : reason;
	mutex_unlock(&ad->an->lock);
}

static bool steer_rx_differs(const struct ankus_pin *pin, u64 now_ns)
{
	if (pin->want == ANKUS_NO_BIN)
		return pin->installed && now_ns >= pin->again_ns;
	return (pin->want != pin->have || pin->recheck) &&
	       now_ns >= pin->retry_ns;
}

/* The flow pauses, so what comes next cannot overtake what came before */
static bool steer_rx_safe(const struct ankus_pin *pin, u64 now_ns)
{
	u64 last = max(READ_ONCE(pin->gap_ns), READ_ONCE(pin->wanted_ns));

	return now_ns >= last + STEER_RX_GAP_NS;
}

static bool steer_rx_due(struct ankus_dev *ad, bool safe)
{
	u64 now = ktime_get_ns();
	struct ankus_flow *flow;

	lockdep_assert_held(&ad->an->lock);

	ankus_active_for_each(&ad->flows, flow) {
		const struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

		if (steer_rx_differs(pin, now) &&
		    (!safe || steer_rx_safe(pin, now)))
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

static void steer_rx_have(struct ankus_pin *pin, int bin)
{
	if (pin->have == bin)
		return;
	if (bin != ANKUS_NO_BIN) {
		pin->switches++;
		pin->switched_ns = ktime_get_ns();
	}
	WRITE_ONCE(pin->have, bin);
	trace_ankus_pin(pin);
}

/* One flow in the hands of the steer work: what is to be done, what came of it */
struct steer_rx_op {
	struct ankus_flow *flow;
	u64 rate_bps;
	int want;
	int error;
	bool had;
	bool called;
	bool lost;
	bool left;
	const char *reason;
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

/* A full table is asked once in a run, not once for each flow that waits */
static void steer_rx_call(struct ankus_dev *ad, struct steer_rx_op *op,
			  bool *full)
{
	struct ankus_pin *pin = &op->flow->ctl->pin[ANKUS_PIN_RXQ];
	const struct ankus_backend_ops *ops = pin->by;

	op->called = true;
	/* Did somebody else take the rule away? */
	if (pin->installed && !ops->present(ad, op->flow, pin)) {
		pin->installed = false;
		op->lost = true;
	}
	if (op->want != ANKUS_NO_BIN) {
		/* The flow is where the hash sends it: to go back is a move */
		op->left = op->lost;
		if (op->lost)
			return;
		if (*full && !pin->installed) {
			op->error = -ENOSPC;
			op->reason = "the rule table is full";
		} else if (!ops) {
			op->error = -EOPNOTSUPP;
			op->reason = ad->rx.reason;
		} else if (!pin->installed || pin->have != op->want) {
			op->error = ops->install(ad, op->flow, pin, op->want,
						 &op->reason);
			*full = op->error == -ENOSPC;
		}
	} else if (pin->installed) {
		op->error = ops->remove(ad, op->flow, pin);
		if (op->error == -ENOENT)
			op->error = 0;
		if (!op->error)
			pin->installed = false;
		else
			op->reason = "the device refused to remove the rule";
	}
}

static void steer_rx_done(struct ankus_dev *ad, const struct steer_rx_op *op)
{
	struct ankus_pin *pin = &op->flow->ctl->pin[ANKUS_PIN_RXQ];
	u64 now = ktime_get_ns();

	pin->busy = false;
	if (op->left && !op->lost)
		return;
	pin->recheck = false;
	ad->count[ANKUS_RULES_LOST] += op->lost;
	ad->rx.rules += pin->installed - op->had;
	if (pin->installed && (!op->had || op->lost))
		ad->count[ANKUS_RULES_INSTALLED]++;
	if (!pin->installed && op->had && !op->lost)
		ad->count[ANKUS_RULES_REMOVED]++;
	ad->rx.room += op->had && !pin->installed;

	if (op->left) {
		steer_rx_have(pin, ANKUS_NO_BIN);
		/* a pause is one that comes after this */
		WRITE_ONCE(pin->wanted_ns, now);
		if (pin->want == op->want)
			ankus_steer_set(pin, ANKUS_PIN_STATE_WANTED, 0,
					"the rule was gone");
		return;
	}
	if (!op->error) {
		steer_rx_have(pin, op->want);
		return;
	}
	if (!pin->installed)
		steer_rx_have(pin, ANKUS_NO_BIN);
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
	if (op->error == -ENOSPC) {
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
	bool full = false;
	struct ankus_flow *flow;
	unsigned int failed = 0;
	unsigned int i, n, skip;
	enum ankus_steer_left left;
	u64 start, now;

	ASSERT_RTNL();

	do {
		n = 0;
		/* what has failed stands first among what still differs */
		skip = failed;
		left = ANKUS_STEER_DONE;
		start = ktime_get_ns();
		mutex_lock(&ad->an->lock);
		ankus_active_for_each(&ad->flows, flow) {
			struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

			if (!steer_rx_differs(pin, force ? U64_MAX : start))
				continue;
			if (force && skip) {
				skip--;
				continue;
			}
			if (!force && !steer_rx_safe(pin, start)) {
				left = max(left, ANKUS_STEER_WAITS);
				continue;
			}
			if (n == STEER_RX_BATCH) {
				left = ANKUS_STEER_MORE;
				continue;
			}
			/* what has installed it takes it back */
			if (!pin->installed)
				pin->by = ad->rx.ops;
			pin->busy = true;
			ops[n++] = (struct steer_rx_op) {
				.flow = flow,
				.rate_bps = flow->rate.slow_bps,
				.want = pin->want,
				.had = pin->installed,
			};
		}
		mutex_unlock(&ad->an->lock);

		sort(ops, n, sizeof(*ops), steer_rx_order, NULL);
		for (i = 0; i < n; i++) {
			struct ankus_pin *pin;

			/*
			 * Rtnl is held up for others meanwhile, so a slow driver
			 * is given less in one go.  Does the flow pause still?
			 */
			pin = &ops[i].flow->ctl->pin[ANKUS_PIN_RXQ];
			now = ktime_get_ns();
			if (!force && now - start >= STEER_RX_HOLD_NS)
				left = ANKUS_STEER_MORE;
			else if (force || steer_rx_safe(pin, now))
				steer_rx_call(ad, &ops[i], &full);
			ops[i].left |= !ops[i].called;
		}

		mutex_lock(&ad->an->lock);
		for (i = 0; i < n; i++) {
			steer_rx_done(ad, &ops[i]);
			failed += !!ops[i].error;
			if (ops[i].left)
				left = max(left, ANKUS_STEER_WAITS);
		}
		ad->count[ANKUS_RTNL_MAX_NS] = max(ad->count[ANKUS_RTNL_MAX_NS],
						   ktime_get_ns() - start);
		mutex_unlock(&ad->an->lock);
		/* a forced run goes on while it gets anywhere */
	} while (force && left && n);
	return left;
}
