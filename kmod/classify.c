// SPDX-License-Identifier: GPL-2.0
/*
 * Measuring the flows of a device, and what they are: mice, candidates,
 * elephants.
 */
#include "action.h"
#include "balance.h"
#include "control.h"
#include "event.h"
#include "link.h"
#include "rule.h"
#include "steer.h"
#include "trace.h"
#include "tx_mark.h"

/* A flow is a candidate from this fraction of the lowest threshold on */
#define CLASSIFY_ADMIT_SHIFT 3
/* Who waits for ankus_net::lock, maybe under rtnl, waits so long at most */
#define CLASSIFY_SLICE_NS (2 * NSEC_PER_MSEC)

/* Takes a flow's pins back, at safe points */
static void classify_release(struct ankus_flow *flow, u64 now)
{
	unsigned int kind;

	if (!flow->ctl)
		return;
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++)
		ankus_steer_want(&flow->ctl->pin[kind], ANKUS_NO_BIN,
				 ANKUS_MOVE_REASON_NONE, now);
}

/**
 * ankus_control_release_all() - take all pins and actions of a device back
 * @ad: the device
 *
 * Context: Under ankus_net::lock.
 */
void ankus_control_release_all(struct ankus_dev *ad)
{
	u64 now = ktime_get_ns();
	struct ankus_flow *flow;

	lockdep_assert_held(&ad->an->lock);

	ankus_active_for_each(&ad->flows, flow) {
		classify_release(flow, now);
		/* what an operator said of the flow ends with the steering */
		flow->mode = ANKUS_PIN_MODE_AUTO;
	}
	/* what has to wait is tried again by the control loop */
	ankus_action_end_all(ad, false);
}

static void classify_set_state(struct ankus_dev *ad, struct ankus_flow *flow,
			       u8 state)
{
	u8 old = flow->state;

	if (old == state)
		return;
	ad->candidates += (state == ANKUS_FLOW_STATE_CANDIDATE) -
			  (old == ANKUS_FLOW_STATE_CANDIDATE);
	ad->elephants += (state == ANKUS_FLOW_STATE_ELEPHANT) -
			 (old == ANKUS_FLOW_STATE_ELEPHANT);
	if (flow->pair)
		flow->pair->elephants += (state == ANKUS_FLOW_STATE_ELEPHANT) -
					 (old == ANKUS_FLOW_STATE_ELEPHANT);
	flow->state = state;
	flow->over.under_ns = 0;
	flow->grouped = false;
	trace_ankus_flow_state(flow, old);
	if (state == ANKUS_FLOW_STATE_ELEPHANT) {
		ad->count[ANKUS_ELEPHANTS_SEEN]++;
		ad->an->seq++;
		ankus_event_flow(ad, flow, ANKUS_EVENT_NO_KIND,
				 ANKUS_EVENT_FLOW_ELEPHANT);
	} else if (old == ANKUS_FLOW_STATE_ELEPHANT) {
		ad->an->seq++;
		if (flow->mode == ANKUS_PIN_MODE_AUTO)
			classify_release(flow, ktime_get_ns());
		ankus_event_flow(ad, flow, ANKUS_EVENT_NO_KIND,
				 ANKUS_EVENT_FLOW_RELEASE);
	}
}

/* A flow of a heavy pair is worth a look much earlier */
static u64 classify_admit_bps(const struct ankus_flow *flow, u64 lowest_bps)
{
	if (flow->pair && flow->pair->hot)
		return lowest_bps >> ANKUS_PAIR_MEMBER_SHIFT;
	return lowest_bps >> CLASSIFY_ADMIT_SHIFT;
}

static bool classify_by_pair(const struct ankus_flow *flow)
{
	return flow->pair && flow->pair->grouped;
}

/* The rate that makes the flow an elephant, by itself or as part of its pair */
static u64 classify_threshold(const struct ankus_flow *flow)
{
	u64 rate_bps = classify_by_pair(flow) ?
		       flow->rate_bps >> ANKUS_PAIR_MEMBER_SHIFT :
		       flow->rate_bps;

	/* one that is held back is not released for that */
	if (flow->ctl && flow->ctl->acts.set & BIT(ANKUS_ACTION_PACE))
		rate_bps = min(rate_bps, flow->ctl->acts.ask.pace_bps);
	return rate_bps;
}

/* Is an elephant one by itself?  With the hysteresis that all thresholds have. */
static void classify_group(struct ankus_flow *flow)
{
	u64 rate = flow->rate.fast_bps;

	if (rate >= flow->rate_bps)
		flow->grouped = false;
	else if (classify_by_pair(flow) &&
		 rate < flow->rate_bps - flow->rate_bps / 4)
		flow->grouped = true;
}

/*
 * The rate to judge a flow by.  What was measured for less than a tick says
 * little: it counts as what was carried in a tick, what the sketch saw included.
 */
static u64 classify_rate(const struct ankus_dev *ad,
			 const struct ankus_flow *flow, u64 now)
{
	u64 tick_ns = ad->cfg.tick_ms * NSEC_PER_MSEC;
	u64 bytes = min(flow->read_bytes + 2ULL * ad->admit_bytes, 1ULL << 44);

	if (now - flow->first_ns >= tick_ns)
		return flow->rate.fast_bps;
	return min(flow->rate.fast_bps,
		   mul_u64_u64_div_u64(bytes * 8, NSEC_PER_SEC, tick_ns));
}

static void classify_flow(struct ankus_dev *ad, struct ankus_flow *flow,
			  u64 lowest_bps, u64 since, u64 now)
{
	u64 admit_bps = classify_admit_bps(flow, lowest_bps);
	u64 hold_ns = ad->cfg.hold_ms * NSEC_PER_MSEC;
	u64 release_ns = ad->cfg.release_ms * NSEC_PER_MSEC;
	u64 rate = flow->rate.fast_bps;

	if (flow->state == ANKUS_FLOW_STATE_MOUSE) {
		if (rate < admit_bps)
			return;
		/* without memory it stays a mouse until the next look */
		if (ankus_flow_activate(flow))
			return;
		classify_set_state(ad, flow, ANKUS_FLOW_STATE_CANDIDATE);
	}
	if (flow->rule_gen != ad->an->rule_gen)
		ankus_rule_apply(ad, flow);

	/* a young flow's mean is that of its whole life */
	if (since - flow->first_ns < ad->cfg.tick_ms * NSEC_PER_MSEC)
		since = flow->first_ns;
	ankus_over_update(&flow->over, classify_rate(ad, flow, now),
			  classify_threshold(flow), since, now);
	if (flow->state == ANKUS_FLOW_STATE_ELEPHANT) {
		if (ankus_under_for(&flow->over, release_ns, now))
			classify_set_state(ad, flow, ANKUS_FLOW_STATE_CANDIDATE);
		else
			classify_group(flow);
		return;
	}
	if (ankus_over_for(&flow->over, hold_ns, now)) {
		if (atomic64_read(&flow->bytes) < flow->min_bytes)
			return;
		classify_set_state(ad, flow, ANKUS_FLOW_STATE_ELEPHANT);
		flow->grouped = classify_by_pair(flow) && rate < flow->rate_bps;
	} else if (flow->over.over_ns) {
		ad->wake_ns = min(ad->wake_ns, flow->over.over_ns + hold_ns);
	} else if (rate < admit_bps / 2) {
		classify_set_state(ad, flow, ANKUS_FLOW_STATE_MOUSE);
	}
}

/*
 * Has the flow to make room for newcomers?  Not when it is worth steering, nor
 * when the sketch would not go on counting it.
 */
static bool classify_in_the_way(const struct ankus_dev *ad,
				const struct ankus_flow *flow, u64 lowest_bps)
{
	return ad->cfg.sketch_bytes && flow->state == ANKUS_FLOW_STATE_MOUSE &&
	       flow->mode == ANKUS_PIN_MODE_AUTO &&
	       flow->rate.fast_bps < lowest_bps >> (CLASSIFY_ADMIT_SHIFT + 1) &&
	       ankus_flows_crowded(&ad->flows);
}

/* Returns whether it is gone */
static bool classify_forget(struct ankus_dev *ad, struct ankus_flow *flow,
			    u64 now)
{
	/* An elephant that falls silent is released first */
	if (flow->state == ANKUS_FLOW_STATE_ELEPHANT)
		return false;
	classify_release(flow, now);
	/* what an operator said of the flow ends here, too */
	flow->mode = ANKUS_PIN_MODE_AUTO;
	if (!ankus_steer_idle(flow))
		return false;
	classify_set_state(ad, flow, ANKUS_FLOW_STATE_MOUSE);
	/* a silent flow has nothing queued */
	ankus_action_end(flow, true);
	ankus_tx_mark_end(ad, flow);
	ankus_pair_leave(flow);
	ankus_flow_remove(&ad->flows, flow);
	return true;
}

/* Empty bins, for the flows to fill */
static void classify_bins(struct ankus_dev *ad)
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
			link->sum_bps = 0;
			link->sum_flows = 0;
			link->sum_bytes = 0;
		}
	}
	ad->loose_bytes = 0;
}

/* What others see of links has all flows in it; what is none is load as well */
static void classify_publish(struct ankus_dev *ad, u64 dt_ns)
{
	unsigned int i;

	ankus_links_other(ad, ad->loose_bytes, dt_ns);

	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		struct ankus_link *link = ankus_link_slot(ad, i);

		if (link) {
			link->pinned_bps = link->sum_bps;
			link->flows = link->sum_flows;
			if (i < ad->n_bins[ANKUS_PIN_LINK])
				ad->bins[ANKUS_PIN_LINK][i].load_bps +=
					link->other_bps;
		}
	}
}

/* Where it is wanted, else where it was seen */
static void classify_load_kind(struct ankus_dev *ad,
			       const struct ankus_flow *flow, unsigned int kind)
{
	int bin = ankus_flow_seen(flow, kind);

	if (flow->ctl && flow->ctl->pin[kind].want != ANKUS_NO_BIN)
		bin = flow->ctl->pin[kind].want;
	if (bin >= 0 && bin < ad->n_bins[kind])
		ad->bins[kind][bin].load_bps += flow->rate.slow_bps;
}

/* Adds a flow to the load of the bins that it runs over */
static void classify_load(struct ankus_dev *ad, const struct ankus_flow *flow)
{
	bool in = flow->key.dir == ANKUS_DIR_IN;
	int bin;

	ankus_balance_add(ad, flow);
	classify_load_kind(ad, flow, in ? ANKUS_PIN_RXQ : ANKUS_PIN_TXQ);
	if (!flow->ctl)
		return;
	if (in)
		classify_load_kind(ad, flow, ANKUS_PIN_CPU);
	bin = flow->ctl->pin[ANKUS_PIN_LINK].want;
	if (bin >= 0 && bin < ad->n_bins[ANKUS_PIN_LINK]) {
		struct ankus_link *link = ankus_link_slot(ad, bin);

		ad->bins[ANKUS_PIN_LINK][bin].load_bps += flow->rate.slow_bps;
		if (link) {
			link->sum_bps += flow->rate.slow_bps;
			link->sum_flows++;
		}
	}
}

/*
 * What a flow has sent is carried by its link, or by one that the device chose.
 * The latter is not what the link will carry if the flow may yet be given one.
 */
static void classify_sent(struct ankus_dev *ad, const struct ankus_flow *flow,
			  u64 bytes)
{
	struct ankus_link *link;
	int have = ANKUS_NO_BIN;

	if (flow->key.dir != ANKUS_DIR_OUT)
		return;
	if (flow->ctl)
		have = READ_ONCE(flow->ctl->pin[ANKUS_PIN_LINK].have);
	link = have == ANKUS_NO_BIN ? NULL : ankus_link_slot(ad, have);
	if (link)
		link->sum_bytes += bytes;
	else if (flow->mode == ANKUS_PIN_MODE_AUTO && !flow->ignored &&
		 (flow->state == ANKUS_FLOW_STATE_ELEPHANT ||
		  flow->over.over_ns))
		ad->loose_bytes += bytes;
}

static void classify_measure(struct ankus_dev *ad, struct ankus_flow *flow,
			     u64 lowest_bps, u64 last, u64 now)
{
	/* the first packet is read, and maybe not yet added */
	u64 bytes = max_t(u64, atomic64_read(&flow->bytes), flow->read_bytes);
	u64 since = max(last, flow->first_ns);
	u64 more = bytes - flow->read_bytes;
	u64 kick = U64_MAX;

	/* One that came during this run is for the next, with all its bytes */
	if (now <= since)
		return;
	if (!flow->pair)
		ankus_pair_join(ad, flow);
	ankus_rate_follow(&flow->rate, more, now - since);
	flow->read_bytes = bytes;
	classify_flow(ad, flow, lowest_bps, since, now);
	classify_sent(ad, flow, more);
	ankus_pair_add(ad, flow, more);
	if (flow->state != ANKUS_FLOW_STATE_ELEPHANT && !flow->over.over_ns) {
		/* A young flow goes on to count from its beginning */
		if (now - flow->first_ns < ad->cfg.tick_ms * NSEC_PER_MSEC &&
		    READ_ONCE(flow->kick_bytes) != U64_MAX)
			return;
		kick = bytes + ad->kick_bytes;
	}
	WRITE_ONCE(flow->kick_bytes, kick);
}

/* Lets others have the lock when this took long; false when the device went */
static bool classify_breathe(struct ankus_dev *ad, u64 *since)
{
	cond_resched();
	if (ktime_get_ns() - *since < CLASSIFY_SLICE_NS)
		return true;
	mutex_unlock(&ad->an->lock);
	mutex_lock(&ad->an->lock);
	*since = ktime_get_ns();
	return !ad->gone;
}

/* All flows were added to their pairs; false when the device went */
static bool classify_pairs(struct ankus_dev *ad, u64 lowest_bps, u64 last,
			   u64 now, u64 *held)
{
	struct ankus_pair *pair;
	unsigned int n = 0;
	u64 id = 0;

	ankus_pairs_collect(ad);
	while ((pair = ankus_pair_next(&ad->pairs, id))) {
		id = pair->id;
		if (ankus_pair_measure(ad, pair, lowest_bps, last, now,
				       ankus_event_pair))
			ankus_balance_add_pair(ad, pair);
		if (!(n++ & 15) && !classify_breathe(ad, held))
			return false;
	}
	return true;
}

/**
 * ankus_control_measure() - bring flows and the load of the bins up to date
 * @ad: the device
 * @last: time of the last measurement in ns
 * @now: time in ns
 *
 * With very many flows and rules this takes long, and lets the lock go now and
 * then.
 *
 * Context: Control loop, under ankus_net::lock.  May sleep.
 * Return: true if all is up to date; false when the device was let go
 * meanwhile, or what was measured is out of date: bins, or the rules of flows.
 */
bool ankus_control_measure(struct ankus_dev *ad, u64 last, u64 now)
{
	unsigned long idle = msecs_to_jiffies(max(ad->cfg.release_ms, 1000U));
	u64 lowest_bps = ankus_rule_lowest_rate(ad);
	u32 rule_gen = ad->an->rule_gen;
	struct ankus_flow *flow, *tmp;
	u64 held = ktime_get_ns();
	unsigned int n = 0;
	u32 i;

	classify_bins(ad);
	ankus_balance_begin(ad, last, now);

	/* So many bytes within a tick are a rate above the threshold */
	WRITE_ONCE(ad->kick_bytes,
		   ankus_rate_bytes(lowest_bps,
				    ad->cfg.tick_ms * NSEC_PER_MSEC));
	if (ad->cfg.sketch_bytes)
		WRITE_ONCE(ad->admit_bytes,
			   min(ad->kick_bytes >> CLASSIFY_ADMIT_SHIFT,
			       ANKUS_SKETCH_ENOUGH_MAX + 0ULL));
	WRITE_ONCE(ad->pair_stride, ankus_pair_stride(ad->kick_bytes));

	for_each_set_bit(i, ad->flows.used, ad->flows.mask + 1) {
		ankus_bucket_for_each(&ad->flows, i, flow, tmp,
				      lockdep_is_held(&ad->an->lock)) {
			classify_measure(ad, flow, lowest_bps, last, now);
			if (time_after(jiffies,
				       READ_ONCE(flow->seen_jiffies) + idle))
				ad->count[ANKUS_FLOWS_EXPIRED] +=
					classify_forget(ad, flow, now);
			else if (classify_in_the_way(ad, flow, lowest_bps))
				ad->count[ANKUS_FLOWS_EVICTED] +=
					classify_forget(ad, flow, now);
			else
				classify_load(ad, flow);
		}
		if (!(n++ & 15) && !classify_breathe(ad, &held))
			return false;
	}
	classify_publish(ad, now - last);
	if (!classify_pairs(ad, lowest_bps, last, now, &held))
		return false;
	ankus_balance_end(ad, lowest_bps >> CLASSIFY_ADMIT_SHIFT, now,
			  ankus_event_entropy);
	return rule_gen == ad->an->rule_gen && !ad->soon;
}
