// SPDX-License-Identifier: GPL-2.0
/*
 * The control loop: measure, classify and match (classify.c), look whether
 * pins took effect (steer.c), place and rebalance (assign.c).
 *
 * It runs every tick and at once when a flow crosses the threshold.  What
 * needs driver calls is left to the steer work, which waits for rtnl while the
 * loop goes on measuring.
 */
#include <linux/rtnetlink.h>

#include "action.h"
#include "control.h"
#include "event.h"
#include "link.h"
#include "move.h"
#include "rx_cpu.h"
#include "steer.h"
#include "trace.h"
#include "tx_mark.h"

/* A run that is kicked follows a rest of so many times the one before */
#define CONTROL_REST 8
/* ankus_dev::kick_ns while the control loop runs */
#define CONTROL_RUNNING U64_MAX
/* Jiffies until the steer work asks again whether a flow pauses */
#define CONTROL_STEER_RETRY 1

/* Every work in the queue holds a reference to its device */
static void control_queue(struct ankus_dev *ad, struct delayed_work *work,
			  unsigned long delay)
{
	if (!kref_get_unless_zero(&ad->ref))
		return;
	if (mod_delayed_work(ankus_wq, work, delay))
		ankus_dev_put(ad);
}

/* Runs the control loop at once, or in the jiffy after @ns */
static void control_run_in(struct ankus_dev *ad, u64 ns)
{
	control_queue(ad, &ad->tick, ns ? nsecs_to_jiffies(ns) + 1 : 0);
}

/**
 * ankus_control_kick() - ask for a run of the control loop
 * @ad: the device
 * @flow: the flow that has carried so much
 *
 * The loop runs at once, unless kicks would then make it take more than an
 * eighth of the time.
 *
 * Context: Packet path; RCU read side.
 */
void ankus_control_kick(struct ankus_dev *ad, const struct ankus_flow *flow)
{
	bool first = !test_and_set_bit(0, &ad->kicked);
	/* Read after @kicked is set: see control_rest() */
	u64 next = READ_ONCE(ad->kick_ns);
	u64 now = ktime_get_ns();
	bool served = next <= now;

	trace_ankus_kick(flow, served);
	if (first)
		ankus_pcpu_add(ad, ANKUS_KICKS, 1);
	/* An earlier one may wait for a jiffy that is not here yet */
	if (served)
		control_run_in(ad, 0);
	else if (first && next != CONTROL_RUNNING)
		control_run_in(ad, next - now);
}

/*
 * A run that began at @now is over.  The next one has been queued; kicks may
 * bring it forward, but not before the loop has rested.
 */
static void control_rest(struct ankus_dev *ad, u64 now)
{
	u64 end = ktime_get_ns();
	u64 rest = min(CONTROL_REST * (end - now), ad->wake_ns - now);

	WRITE_ONCE(ad->kick_ns, end + rest);
	/*
	 * Either a kick sees that the run is over, or it is seen here.  Pairs
	 * with test_and_set_bit() in ankus_control_kick().
	 */
	smp_mb();
	if (test_bit(0, &ad->kicked))
		control_run_in(ad, max(rest, 1ULL));
}

/**
 * ankus_control_run_soon() - run the control loop now
 * @ad: the device
 *
 * Context: Under ankus_net::lock, device not gone.
 */
void ankus_control_run_soon(struct ankus_dev *ad)
{
	ad->soon = true;
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

/* Does neither the control loop nor an operator want the flow anywhere? */
static bool control_unasked(const struct ankus_dev *ad,
			    const struct ankus_flow *flow)
{
	if (flow->mode == ANKUS_PIN_MODE_AUTO)
		return flow->state != ANKUS_FLOW_STATE_ELEPHANT ||
		       flow->ignored || ad->cfg.mode != ANKUS_MODE_STEER;
	return flow->mode == ANKUS_PIN_MODE_OFF;
}

static void control_tell(struct ankus_dev *ad, struct ankus_flow *flow,
			 unsigned int kind, int event)
{
	if (event < 0)
		return;
	ad->an->seq++;
	ankus_event_flow(ad, flow, kind, event);
}

static void control_look(struct ankus_dev *ad, u64 now)
{
	unsigned int reads = ANKUS_MOVE_READS;
	struct ankus_flow *flow;
	unsigned int kind;

	ankus_active_for_each(&ad->flows, flow) {
		for (kind = 0; kind < ANKUS_PIN_KINDS; kind++) {
			struct ankus_pin *pin = &flow->ctl->pin[kind];

			if (control_unasked(ad, flow))
				ankus_steer_settle(pin);
			control_tell(ad, flow, kind,
				     ankus_steer_look(ad, flow, kind, now));
			control_tell(ad, flow, kind,
				     ankus_move_look(ad, pin, now, &reads));
		}
	}
}

/* What rules ask for beside steering */
static void control_act(struct ankus_dev *ad, u64 now)
{
	struct ankus_flow *flow;
	int event;

	ankus_active_for_each(&ad->flows, flow) {
		event = ankus_action_look(ad, flow, now);
		if (event >= 0)
			ankus_event_flow(ad, flow, ANKUS_EVENT_NO_KIND, event);
	}
}

static void control_tick(struct work_struct *work)
{
	struct ankus_dev *ad = container_of(to_delayed_work(work),
					    struct ankus_dev, tick);
	struct ankus_net *an = ad->an;
	bool whole, look;
	u64 now;

	mutex_lock(&an->lock);
	if (ad->gone)
		goto out;

	now = ktime_get_ns();
	ad->wake_ns = now + ad->cfg.tick_ms * NSEC_PER_MSEC;
	/* Proof is a matter of looks in a row, so kicks do not make them more */
	look = ad->soon ||
	       now - ad->look_ns >= ad->cfg.tick_ms * NSEC_PER_MSEC / 8;
	ad->soon = false;
	WRITE_ONCE(ad->kick_ns, CONTROL_RUNNING);
	clear_bit(0, &ad->kicked);
	/* What was kicked for until here is read below */
	smp_mb__after_atomic();
	WRITE_ONCE(ad->epoch, now / (ad->cfg.tick_ms * NSEC_PER_MSEC));
	ankus_links_check(ad, ankus_event_link);
	ankus_links_measure(ad, now - ad->last_ns);
	whole = ankus_control_measure(ad, ad->last_ns, now);
	if (ad->gone)
		goto out;
	ad->last_ns = now;
	if (look) {
		control_look(ad, now);
		ad->look_ns = now;
	}
	control_act(ad, now);
	if (whole)
		ankus_control_assign(ad, now);
	else
		ad->wake_ns = now;
	ankus_tx_mark_rescue(ad);
	if (ad->stale || ankus_steer_rx_pending(ad) || ankus_rx_cpu_pending(ad))
		ankus_control_steer_soon(ad);

	ad->count[ANKUS_TICKS]++;
	ad->count[ANKUS_TICK_MAX_NS] = max(ad->count[ANKUS_TICK_MAX_NS],
					   ktime_get_ns() - now);
	/* Earlier when a flow has kept its rate for the hold time before that */
	control_run_in(ad, max(ad->wake_ns - now, 1ULL));
	/* or when one crosses the threshold */
	control_rest(ad, now);
out:
	mutex_unlock(&an->lock);
	ankus_dev_put(ad);
}

/**
 * ankus_control_refresh() - look at backend and links anew
 * @ad: the device
 *
 * Context: Under rtnl, without ankus_net::lock, not in a notifier.
 */
void ankus_control_refresh(struct ankus_dev *ad)
{
	struct ankus_flow *flow;

	mutex_lock(&ad->an->lock);
	ad->stale = false;
	mutex_unlock(&ad->an->lock);
	ankus_rx_feature_keep(ad);
	ankus_steer_probe_rx(ad);
	ankus_links_discover(ad, ankus_event_link);

	mutex_lock(&ad->an->lock);
	ankus_active_for_each(&ad->flows, flow) {
		struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

		/* rules may have gone, and what was refused may be taken now */
		pin->recheck = pin->installed;
		pin->retry_ns = 0;
		pin->failures = 0;
		if (!pin->installed)
			flow->ctl->rx.tried = 0;
		else if (!ankus_rx_usable(ad, pin->by))
			ankus_steer_want(pin, ANKUS_NO_BIN,
					 ANKUS_MOVE_REASON_NONE,
					 ktime_get_ns());
	}
	mutex_unlock(&ad->an->lock);
}

static void control_steer_work(struct work_struct *work)
{
	struct ankus_dev *ad = container_of(to_delayed_work(work),
					    struct ankus_dev, steer);
	struct ankus_net *an = ad->an;
	enum ankus_steer_left left;
	bool ready, stale, cpus;

	mutex_lock(&an->lock);
	left = !ad->gone && ankus_steer_rx_pending(ad) ? ANKUS_STEER_WAITS :
							 ANKUS_STEER_DONE;
	cpus = !ad->gone && ankus_rx_cpu_pending(ad);
	ready = !ad->gone && (ad->stale || cpus || ankus_steer_rx_ready(ad));
	mutex_unlock(&an->lock);

	if (ready) {
		rtnl_lock();
		mutex_lock(&an->lock);
		ready = !ad->gone;
		stale = ready && ad->stale;
		mutex_unlock(&an->lock);
		if (stale)
			ankus_control_refresh(ad);
		if (ready && cpus)
			ankus_rx_cpu_start(ad);
		if (ready) {
			left = ankus_steer_rx_run(ad, false);
			ankus_rx_feature_keep(ad);
		}
		rtnl_unlock();
	}
	/* A flow that does not pause is asked again soon, the others at once */
	mutex_lock(&an->lock);
	if (left != ANKUS_STEER_DONE && !ad->gone)
		control_queue(ad, &ad->steer, left == ANKUS_STEER_MORE ?
					      0 : CONTROL_STEER_RETRY);
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
	ad->kick_bytes = U64_MAX;
	ad->admit_bytes = ad->cfg.sketch_bytes ? U32_MAX : 0;
	ad->pair_stride = ankus_pair_stride(U64_MAX);
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
