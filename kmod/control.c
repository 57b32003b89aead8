// SPDX-License-Identifier: GPL-2.0
/*
 * The control loop: measure, classify, match, place, verify, rebalance.
 *
 * It runs every tick and at once when a flow crosses the threshold.  What
 * needs driver calls is left to the steer work, which waits for rtnl while the
 * loop goes on measuring.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "control.h"
#include "event.h"
#include "link.h"
#include "rule.h"
#include "steer.h"

/* A flow is a candidate from this fraction of the lowest threshold on */
#define CONTROL_ADMIT_SHIFT	3
/* A flow that was moved stays where it is for so long */
#define CONTROL_COOLDOWN_NS	(2 * NSEC_PER_SEC)
/* A move must gain more than this part of the mean load */
#define CONTROL_TOLERANCE	20
/* Jiffies until the steer work asks again whether a flow pauses */
#define CONTROL_STEER_RETRY	1

/* Every work in the queue holds a reference to its device */
static void control_queue(struct ankus_dev *ad, struct delayed_work *work,
			  unsigned long delay)
{
	if (!kref_get_unless_zero(&ad->ref))
		return;
	if (mod_delayed_work(ankus_wq, work, delay))
		ankus_dev_put(ad);
}

/**
 * ankus_control_kick() - ask for a run of the control loop
 * @ad: the device
 *
 * Several flows may cross the threshold at once; runs are kept an eighth of a
 * tick apart.
 *
 * Context: Packet path; RCU read side.
 */
void ankus_control_kick(struct ankus_dev *ad)
{
	unsigned long next = READ_ONCE(ad->last_jiffies) +
			     msecs_to_jiffies(READ_ONCE(ad->cfg.tick_ms) / 8);

	if (test_and_set_bit(0, &ad->kicked))
		return;
	ankus_pcpu_add(ad, ANKUS_KICKS, 1);
	control_queue(ad, &ad->tick,
		      time_after(next, jiffies) ? next - jiffies : 0);
}

/**
 * ankus_control_run_soon() - run the control loop now
 * @ad: the device
 *
 * Context: Under ankus_net::lock, device not gone.
 */
void ankus_control_run_soon(struct ankus_dev *ad)
{
	control_queue(ad, &ad->tick, 0);
}

/**
 * ankus_control_steer_soon() - run the steer work now
 * @ad: the device
 *
 * Context: Under ankus_net::lock, device not gone.
 */
void ankus_control_steer_soon(struct ankus_dev *ad)
{
	control_queue(ad, &ad->steer, 0);
}

/* Takes a flow's pins back, at safe points */
static void control_release(struct ankus_flow *flow, u64 now)
{
	unsigned int kind;

	if (!flow->ctl)
		return;
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++)
		ankus_steer_want(&flow->ctl->pin[kind], ANKUS_NO_BIN, now);
}

/**
 * ankus_control_release_all() - take all pins of a device back
 * @ad: the device
 *
 * Context: Under ankus_net::lock.
 */
void ankus_control_release_all(struct ankus_dev *ad)
{
	u64 now = ktime_get_ns();
	struct ankus_flow *flow;

	lockdep_assert_held(&ad->an->lock);

	list_for_each_entry(flow, &ad->active, active) {
		control_release(flow, now);
		/* what an operator said of the flow ends with the steering */
		flow->mode = ANKUS_PIN_MODE_AUTO;
	}
}

static void control_set_state(struct ankus_dev *ad, struct ankus_flow *flow,
			      u8 state)
{
	u8 old = flow->state;

	if (old == state)
		return;
	ad->candidates += (state == ANKUS_FLOW_STATE_CANDIDATE) -
			  (old == ANKUS_FLOW_STATE_CANDIDATE);
	ad->elephants += (state == ANKUS_FLOW_STATE_ELEPHANT) -
			 (old == ANKUS_FLOW_STATE_ELEPHANT);
	flow->state = state;
	flow->under_ns = 0;
	if (state == ANKUS_FLOW_STATE_ELEPHANT) {
		ad->count[ANKUS_ELEPHANTS_SEEN]++;
		ad->an->seq++;
		ankus_event_flow(ad, flow, ANKUS_EVENT_NO_KIND,
				 ANKUS_EVENT_FLOW_ELEPHANT);
	} else if (old == ANKUS_FLOW_STATE_ELEPHANT) {
		ad->an->seq++;
		if (flow->mode == ANKUS_PIN_MODE_AUTO)
			control_release(flow, ktime_get_ns());
		ankus_event_flow(ad, flow, ANKUS_EVENT_NO_KIND,
				 ANKUS_EVENT_FLOW_RELEASE);
	}
}

static void control_classify(struct ankus_dev *ad, struct ankus_flow *flow,
			     u64 admit_bps, u64 since, u64 now)
{
	u64 rate = flow->rate.fast_bps;
	u64 floor, hold_ns;

	if (flow->state == ANKUS_FLOW_STATE_MOUSE) {
		if (rate < admit_bps)
			return;
		/* without memory it stays a mouse until the next look */
		if (ankus_flow_activate(flow))
			return;
		if (list_empty(&flow->active))
			list_add_tail(&flow->active, &ad->active);
		control_set_state(ad, flow, ANKUS_FLOW_STATE_CANDIDATE);
	}
	if (flow->rule_gen != ad->an->rule_gen)
		ankus_rule_apply(ad, flow);

	/* Hysteresis: what passed the threshold may fall a quarter below it */
	floor = flow->rate_bps - flow->rate_bps / 4;
	if (rate >= flow->rate_bps) {
		flow->under_ns = 0;
		if (!flow->over_ns)
			flow->over_ns = since;
	} else if (rate < floor) {
		flow->over_ns = 0;
		if (!flow->under_ns)
			flow->under_ns = now;
	} else {
		flow->under_ns = 0;
	}

	if (flow->state == ANKUS_FLOW_STATE_ELEPHANT) {
		if (flow->under_ns && now - flow->under_ns >=
				      ad->cfg.release_ms * NSEC_PER_MSEC)
			control_set_state(ad, flow, ANKUS_FLOW_STATE_CANDIDATE);
		return;
	}
	hold_ns = flow->over_ns + ad->cfg.hold_ms * NSEC_PER_MSEC;
	if (flow->over_ns && now >= hold_ns &&
	    atomic64_read(&flow->bytes) >= flow->min_bytes)
		control_set_state(ad, flow, ANKUS_FLOW_STATE_ELEPHANT);
	else if (flow->over_ns && now < hold_ns)
		ad->wake_ns = min(ad->wake_ns, hold_ns);
	else if (rate < admit_bps / 2)
		control_set_state(ad, flow, ANKUS_FLOW_STATE_MOUSE);
}

static void control_forget(struct ankus_dev *ad, struct ankus_flow *flow,
			   u64 now)
{
	/* An elephant that falls silent is released first */
	if (flow->state == ANKUS_FLOW_STATE_ELEPHANT)
		return;
	control_release(flow, now);
	if (!ankus_steer_idle(flow))
		return;
	control_set_state(ad, flow, ANKUS_FLOW_STATE_MOUSE);
	list_del_init(&flow->active);
	ankus_flow_remove(&ad->flows, flow);
	ad->count[ANKUS_FLOWS_EXPIRED]++;
}

/* Adds a flow to the load of the bins that it runs over */
static void control_load(struct ankus_dev *ad, const struct ankus_flow *flow)
{
	unsigned int kind = flow->key.dir == ANKUS_DIR_IN ? ANKUS_PIN_RXQ :
							    ANKUS_PIN_TXQ;
	int bin = READ_ONCE(flow->seen_bin);

	if (flow->ctl && flow->ctl->pin[kind].want != ANKUS_NO_BIN)
		bin = flow->ctl->pin[kind].want;
	if (bin >= 0 && bin < ad->n_bins[kind])
		ad->bins[kind][bin].load_bps += flow->rate.slow_bps;

	if (!flow->ctl)
		return;
	bin = flow->ctl->pin[ANKUS_PIN_LINK].want;
	if (bin >= 0 && bin < ad->n_bins[ANKUS_PIN_LINK]) {
		struct ankus_link *link = ankus_link_slot(ad, bin);

		ad->bins[ANKUS_PIN_LINK][bin].load_bps += flow->rate.slow_bps;
		if (link) {
			link->pinned_bps += flow->rate.slow_bps;
			link->flows++;
		}
	}
}

static void control_measure(struct ankus_dev *ad, u64 now)
{
	unsigned long idle = msecs_to_jiffies(max(ad->cfg.release_ms, 1000U));
	u64 admit_bps = ankus_rule_lowest_rate(ad) >> CONTROL_ADMIT_SHIFT;
	struct ankus_flow *flow, *tmp;
	u64 bytes, since;
	u32 i;

	/* So many bytes within a tick are a rate above the threshold */
	WRITE_ONCE(ad->kick_bytes,
		   ankus_rate_bytes(admit_bps << CONTROL_ADMIT_SHIFT,
				    ad->cfg.tick_ms * NSEC_PER_MSEC));

	for (i = 0; i <= ad->flows.mask; i++) {
		ankus_bucket_for_each(&ad->flows, i, flow, tmp,
				      lockdep_is_held(&ad->an->lock)) {
			bytes = atomic64_read(&flow->bytes);
			since = flow->read_ns;
			ankus_rate_update(&flow->rate, bytes - flow->read_bytes,
					  now > since ? now - since : 0);
			flow->read_bytes = bytes;
			flow->read_ns = now;
			control_classify(ad, flow, admit_bps, since, now);
			WRITE_ONCE(flow->kick_bytes,
				   flow->state == ANKUS_FLOW_STATE_ELEPHANT ||
				   flow->over_ns ? U64_MAX :
						   bytes + ad->kick_bytes);
			if (time_after(jiffies,
				       READ_ONCE(flow->seen_jiffies) + idle))
				control_forget(ad, flow, now);
			else
				control_load(ad, flow);
		}
		if (!(i & 255))
			cond_resched();
	}
}

static bool control_steerable(const struct ankus_dev *ad,
			      const struct ankus_flow *flow, unsigned int kind)
{
	bool in = flow->key.dir == ANKUS_DIR_IN;

	return flow->state == ANKUS_FLOW_STATE_ELEPHANT && !flow->ignored &&
	       flow->mode == ANKUS_PIN_MODE_AUTO &&
	       in == (kind == ANKUS_PIN_RXQ);
}

static int control_by_rate(const void *a, const void *b)
{
	const struct ankus_item *x = a, *y = b;

	return x->rate_bps < y->rate_bps ? 1 : x->rate_bps > y->rate_bps ? -1 : 0;
}

/* Is the flow's queue or link gone, or not open to it any more? */
static bool control_must_leave(struct ankus_dev *ad,
			       const struct ankus_flow *flow,
			       const struct ankus_backend_ops *ops)
{
	int want = flow->ctl->pin[ops->kind].want;

	bool dead;

	rcu_read_lock();
	dead = ops->dead(ad, want);
	rcu_read_unlock();
	ad->count[ANKUS_FAILOVERS] += dead;
	return dead || want >= ad->n_bins[ops->kind] ||
	       !ad->bins[ops->kind][want].usable || !ops->allowed(flow, want);
}

/* The flows that need a place, as items in the order of ankus_dev::active */
static unsigned int control_unplaced(struct ankus_dev *ad,
				     const struct ankus_backend_ops *ops,
				     struct ankus_item *items, u64 now)
{
	struct ankus_flow *flow;
	unsigned int n = 0;

	list_for_each_entry(flow, &ad->active, active) {
		struct ankus_pin *pin = &flow->ctl->pin[ops->kind];
		int bin = pin->want;

		if (flow->ignored && flow->mode == ANKUS_PIN_MODE_AUTO)
			ankus_steer_want(pin, ANKUS_NO_BIN, now);
		if (!control_steerable(ad, flow, ops->kind))
			continue;
		if (bin == ANKUS_NO_BIN) {
			/* a rule on its way out makes room first */
			if (now < pin->retry_ns || pin->installed)
				continue;
			if (ops->kind != ANKUS_PIN_LINK)
				bin = READ_ONCE(flow->seen_bin);
		} else if (!control_must_leave(ad, flow, ops)) {
			continue;
		}
		items[n++] = (struct ankus_item) {
			.rate_bps = flow->rate.slow_bps,
			.bin = bin == ANKUS_NO_BIN ? U32_MAX : bin,
			.allowed = ops->allowed,
			.flow = flow,
		};
	}
	return n;
}

/* The flows that may be moved: theirs is in force and has been for a while */
static unsigned int control_movable(struct ankus_dev *ad,
				    const struct ankus_backend_ops *ops,
				    struct ankus_item *items, u64 now)
{
	struct ankus_flow *flow;
	unsigned int n = 0;

	list_for_each_entry(flow, &ad->active, active) {
		const struct ankus_pin *pin = &flow->ctl->pin[ops->kind];

		if (!control_steerable(ad, flow, ops->kind) ||
		    pin->want == ANKUS_NO_BIN ||
		    pin->want != READ_ONCE(pin->have) ||
		    now - pin->moved_ns < CONTROL_COOLDOWN_NS)
			continue;
		items[n++] = (struct ankus_item) {
			.rate_bps = flow->rate.slow_bps,
			.bin = pin->want,
			.allowed = ops->allowed,
			.flow = flow,
		};
	}
	return n;
}

static void control_place(struct ankus_dev *ad,
			  const struct ankus_backend_ops *ops,
			  struct ankus_item *items, unsigned int n, u64 now)
{
	struct ankus_bin *bins = ad->bins[ops->kind];
	unsigned int n_bins = ad->n_bins[ops->kind];
	unsigned int i;

	/* The largest first: the small ones then fill the gaps (LPT) */
	sort(items, n, sizeof(*items), control_by_rate, NULL);
	for (i = 0; i < n; i++) {
		struct ankus_item *item = &items[i];
		struct ankus_flow *flow = (struct ankus_flow *)item->flow;
		struct ankus_pin *pin = &flow->ctl->pin[ops->kind];
		int bin;

		if (item->bin < n_bins)
			bins[item->bin].load_bps -=
				min(bins[item->bin].load_bps, item->rate_bps);
		bin = ankus_place_new(bins, n_bins, item);
		if (bin < 0) {
			ankus_steer_fail(pin, ANKUS_PIN_STATE_PARKED, 0,
					 ops->kind == ANKUS_PIN_LINK ?
					 "no usable link" : "no usable queue",
					 now);
			/* costs nothing to try again, at the next tick */
			pin->retry_ns = 0;
			pin->failures = 0;
			if (item->bin < n_bins)
				bins[item->bin].load_bps += item->rate_bps;
			continue;
		}
		bins[bin].load_bps += item->rate_bps;
		ankus_steer_want(pin, bin, now);
	}
}

static void control_rebalance(struct ankus_dev *ad,
			      const struct ankus_backend_ops *ops,
			      struct ankus_item *items, unsigned int n, u64 now)
{
	struct ankus_move moves[ANKUS_MOVES_MAX];
	unsigned int i, count;

	count = ankus_place_rebalance(ad->bins[ops->kind],
				      ad->n_bins[ops->kind], items, n,
				      CONTROL_TOLERANCE, moves);
	for (i = 0; i < count; i++) {
		struct ankus_flow *flow;

		flow = (struct ankus_flow *)items[moves[i].item].flow;
		ankus_steer_want(&flow->ctl->pin[ops->kind], moves[i].to, now);
	}
}

static void control_steer_kind(struct ankus_dev *ad, unsigned int kind,
			       struct ankus_item *items, u64 now)
{
	const struct ankus_backend_ops *ops;
	struct ankus_flow *flow;
	const char *reason;
	unsigned int n;

	ops = ankus_steer_ops(ad, kind, &reason);
	if (!ops) {
		list_for_each_entry(flow, &ad->active, active)
			ankus_steer_want(&flow->ctl->pin[kind], ANKUS_NO_BIN,
					 now);
		return;
	}
	ankus_place_prepare(ad->bins[kind], ad->n_bins[kind]);
	n = control_unplaced(ad, ops, items, now);
	if (n) {
		control_place(ad, ops, items, n, now);
		return;
	}
	n = control_movable(ad, ops, items, now);
	control_rebalance(ad, ops, items, n, now);
}

static void control_look(struct ankus_dev *ad, u64 now)
{
	struct ankus_flow *flow;
	unsigned int kind;
	int event;

	list_for_each_entry(flow, &ad->active, active) {
		for (kind = 0; kind < ANKUS_PIN_KINDS; kind++) {
			event = ankus_steer_look(ad, flow, kind, now);
			if (event < 0)
				continue;
			ad->an->seq++;
			ankus_event_flow(ad, flow, kind, event);
		}
	}
}

static void control_steer(struct ankus_dev *ad, u64 now)
{
	struct ankus_item *items;
	unsigned int kind;

	if (ad->cfg.mode != ANKUS_MODE_STEER || ad->draining || !ad->elephants)
		return;
	/* without memory the flows stay where they are until the next tick */
	items = kvmalloc_array(ad->elephants, sizeof(*items), GFP_KERNEL);
	if (!items)
		return;
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++)
		control_steer_kind(ad, kind, items, now);
	kvfree(items);
}

static void control_bins(struct ankus_dev *ad)
{
	unsigned int kind, i;

	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++) {
		const struct ankus_backend_ops *ops;
		const char *reason;

		ops = ankus_steer_ops(ad, kind, &reason);
		ad->n_bins[kind] = ops ? ops->bins(ad) : 0;
	}
	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		struct ankus_link *link = ankus_link_slot(ad, i);

		if (link) {
			link->pinned_bps = 0;
			link->flows = 0;
		}
	}
}

static void control_tick(struct work_struct *work)
{
	struct ankus_dev *ad = container_of(to_delayed_work(work),
					    struct ankus_dev, tick);
	struct ankus_net *an = ad->an;
	unsigned long delay;
	u64 now;

	mutex_lock(&an->lock);
	if (ad->gone)
		goto out;

	now = ktime_get_ns();
	ad->wake_ns = now + ad->cfg.tick_ms * NSEC_PER_MSEC;
	clear_bit(0, &ad->kicked);
	WRITE_ONCE(ad->last_jiffies, jiffies);
	ankus_links_check(ad, ankus_event_link);
	ankus_links_measure(ad, now - ad->last_ns);
	ad->last_ns = now;
	control_bins(ad);
	control_measure(ad, now);
	control_look(ad, now);
	control_steer(ad, now);
	if (ad->stale || ankus_steer_rx_pending(ad))
		ankus_control_steer_soon(ad);

	ad->count[ANKUS_TICKS]++;
	ad->count[ANKUS_TICK_MAX_NS] = max(ad->count[ANKUS_TICK_MAX_NS],
					   ktime_get_ns() - now);
	/* Earlier when a flow has kept its rate for the hold time before that */
	delay = nsecs_to_jiffies(ad->wake_ns - now) + 1;
	/* or when one crossed the threshold while this run was under way */
	if (test_bit(0, &ad->kicked))
		delay = min(delay, msecs_to_jiffies(ad->cfg.tick_ms) / 8 + 1);
	control_queue(ad, &ad->tick, delay);
out:
	mutex_unlock(&an->lock);
	ankus_dev_put(ad);
}

/**
 * ankus_control_refresh() - look at backend and links anew
 * @ad: the device
 *
 * Context: Under rtnl and ankus_net::lock, not in a notifier.
 */
void ankus_control_refresh(struct ankus_dev *ad)
{
	struct ankus_flow *flow;

	ad->stale = false;
	ankus_steer_probe_rx(ad);
	ankus_links_discover(ad, ankus_event_link);
	list_for_each_entry(flow, &ad->active, active) {
		struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

		/* rules may have gone, and what was refused may be taken now */
		pin->recheck = pin->installed;
		pin->retry_ns = 0;
		pin->failures = 0;
	}
}

static void control_steer_work(struct work_struct *work)
{
	struct ankus_dev *ad = container_of(to_delayed_work(work),
					    struct ankus_dev, steer);
	struct ankus_net *an = ad->an;
	bool ready, pending;

	mutex_lock(&an->lock);
	pending = !ad->gone && ankus_steer_rx_pending(ad);
	ready = !ad->gone && (ad->stale || ankus_steer_rx_ready(ad));
	mutex_unlock(&an->lock);

	if (ready) {
		rtnl_lock();
		mutex_lock(&an->lock);
		ready = !ad->gone;
		if (ready && ad->stale)
			ankus_control_refresh(ad);
		mutex_unlock(&an->lock);
		if (ready)
			pending = ankus_steer_rx_run(ad, false);
		rtnl_unlock();
	}
	/* A flow that does not pause is asked again soon */
	mutex_lock(&an->lock);
	if (pending && !ad->gone)
		control_queue(ad, &ad->steer, CONTROL_STEER_RETRY);
	mutex_unlock(&an->lock);
	ankus_dev_put(ad);
}

/**
 * ankus_control_init() - prepare the control loop of a new device
 * @ad: the device, its hooks not registered yet
 *
 * Context: Any.
 */
void ankus_control_init(struct ankus_dev *ad)
{
	INIT_DELAYED_WORK(&ad->tick, control_tick);
	INIT_DELAYED_WORK(&ad->steer, control_steer_work);
	ad->last_ns = ktime_get_ns();
	ad->last_jiffies = jiffies;
	ad->kick_bytes = U64_MAX;
}

/**
 * ankus_control_start() - start the control loop of a device
 * @ad: the device
 *
 * Context: Under ankus_net::lock.
 */
void ankus_control_start(struct ankus_dev *ad)
{
	control_queue(ad, &ad->tick, 0);
}

/**
 * ankus_control_stop() - let the control loop of a device end
 * @ad: the device, marked gone
 *
 * A run that waits for the lock sees the mark and ends.
 *
 * Context: Under ankus_net::lock.
 */
void ankus_control_stop(struct ankus_dev *ad)
{
	lockdep_assert_held(&ad->an->lock);

	if (cancel_delayed_work(&ad->tick))
		ankus_dev_put(ad);
	if (cancel_delayed_work(&ad->steer))
		ankus_dev_put(ad);
}
