// SPDX-License-Identifier: GPL-2.0
/*
 * Which queue, CPU and link each elephant of a device goes to: new ones are placed,
 * those on dead or closed bins leave them, and when there is nothing of that
 * to do, moves even the load, one out of each bin at most.
 */
#include <linux/slab.h>
#include <linux/sort.h>

#include "control.h"
#include "group.h"
#include "link.h"
#include "rule.h"
#include "rx_cpu.h"
#include "steer.h"

/* A flow that was moved stays where it is for so long */
#define ASSIGN_COOLDOWN_NS	(2 * NSEC_PER_SEC)
/* Who is to take another's place in a full table has more than its rate twice */
#define ASSIGN_LARGER_SHIFT	1
/* A move must gain more than so many thousandths of the mean load */
#define ASSIGN_TOLERANCE	10
/* Groups that are rules; the others are pairs */
#define ASSIGN_RULE_GROUP	BIT_ULL(63)

static bool assign_steerable(const struct ankus_dev *ad,
			     const struct ankus_flow *flow, unsigned int kind)
{
	bool in = flow->key.dir == ANKUS_DIR_IN;

	return flow->state == ANKUS_FLOW_STATE_ELEPHANT && !flow->ignored &&
	       flow->mode == ANKUS_PIN_MODE_AUTO &&
	       in == (kind == ANKUS_PIN_RXQ || kind == ANKUS_PIN_CPU) &&
	       (kind != ANKUS_PIN_CPU || ankus_rx_cpu_wanted(ad, flow)) &&
	       !(kind == ANKUS_PIN_TXQ && ankus_link_elsewhere(flow));
}

static int assign_by_rate(const void *a, const void *b)
{
	const struct ankus_item *x = a, *y = b;

	return x->rate_bps < y->rate_bps ? 1 : x->rate_bps > y->rate_bps ? -1 : 0;
}

/* Why has the flow to go somewhere else?  None when it may stay. */
static enum ankus_move_reason assign_why(struct ankus_dev *ad,
					 const struct ankus_flow *flow,
					 const struct ankus_backend_ops *ops)
{
	int want = flow->ctl->pin[ops->kind].want;
	bool dead;

	if (want == ANKUS_NO_BIN)
		return ANKUS_MOVE_REASON_PLACED;
	rcu_read_lock();
	dead = ops->dead(ad, want);
	rcu_read_unlock();
	if (dead)
		return ANKUS_MOVE_REASON_DEAD;
	if (want >= ad->n_bins[ops->kind] ||
	    !ad->bins[ops->kind][want].usable || !ops->allowed(flow, want))
		return ANKUS_MOVE_REASON_CLOSED;
	return ANKUS_MOVE_REASON_NONE;
}

/*
 * Flows in a bucket of the RSS table go where the one goes for which it is
 * pinned: moving that one moves them all.
 */
static void assign_along(struct ankus_dev *ad)
{
	struct ankus_flow *flow, *owner;

	ankus_active_for_each(&ad->flows, flow)
		flow->ctl->rx.along_bps = 0;
	ankus_active_for_each(&ad->flows, flow) {
		u64 along = flow->ctl->rx.along;

		if (!along || flow->ctl->pin[ANKUS_PIN_RXQ].installed)
			continue;
		owner = ankus_flow_next(&ad->flows, along - 1);
		if (owner && owner->id == along)
			owner->ctl->rx.along_bps += flow->rate.slow_bps;
	}
}

static u64 assign_rate(const struct ankus_flow *flow, unsigned int kind)
{
	return flow->rate.slow_bps +
	       (kind == ANKUS_PIN_RXQ ? flow->ctl->rx.along_bps : 0);
}

/* Flows of a pair belong together, and those that a rule decides about */
static struct ankus_item assign_item(const struct ankus_flow *flow,
				     const struct ankus_backend_ops *ops,
				     int bin)
{
	return (struct ankus_item) {
		.rate_bps = assign_rate(flow, ops->kind),
		.bin = bin == ANKUS_NO_BIN ? U32_MAX : bin,
		.allowed = ops->allowed,
		.flow = flow,
		.group = {
			flow->pair ? flow->pair->id : 0,
			flow->rule ? ASSIGN_RULE_GROUP | flow->rule->pref : 0,
		},
	};
}

/* The flows that need a place, as items in the order of ankus_flows::active */
static unsigned int assign_unplaced(struct ankus_dev *ad,
				    const struct ankus_backend_ops *ops,
				    struct ankus_item *items, u64 now)
{
	struct ankus_flow *flow;
	unsigned int n = 0;

	ankus_active_for_each(&ad->flows, flow) {
		struct ankus_pin *pin = &flow->ctl->pin[ops->kind];
		enum ankus_move_reason why;
		int bin = pin->want;

		if (flow->mode == ANKUS_PIN_MODE_AUTO &&
		    (flow->ignored || (ops->kind == ANKUS_PIN_TXQ &&
				       ankus_link_elsewhere(flow))))
			ankus_steer_want(pin, ANKUS_NO_BIN,
					 ANKUS_MOVE_REASON_NONE, now);
		if (!assign_steerable(ad, flow, ops->kind))
			continue;
		why = assign_why(ad, flow, ops);
		ad->count[ANKUS_FAILOVERS] += why == ANKUS_MOVE_REASON_DEAD;
		if (bin == ANKUS_NO_BIN) {
			/* a rule on its way out makes room first */
			if (now < pin->retry_ns || pin->installed)
				continue;
			bin = ankus_flow_seen(flow, ops->kind);
		} else if (!why) {
			continue;
		}
		items[n++] = assign_item(flow, ops, bin);
	}
	return n;
}

/* The flows that may be moved: theirs is in force and has been for a while */
static unsigned int assign_movable(struct ankus_dev *ad,
				   const struct ankus_backend_ops *ops,
				   struct ankus_item *items, u64 now)
{
	struct ankus_flow *flow;
	unsigned int n = 0;

	ankus_active_for_each(&ad->flows, flow) {
		const struct ankus_pin *pin = &flow->ctl->pin[ops->kind];

		if (!assign_steerable(ad, flow, ops->kind) ||
		    pin->want == ANKUS_NO_BIN ||
		    pin->want != READ_ONCE(pin->have) ||
		    now - pin->moved_ns < ASSIGN_COOLDOWN_NS)
			continue;
		items[n++] = assign_item(flow, ops, pin->want);
	}
	return n;
}

static const char *const assign_no_bin[ANKUS_PIN_KINDS] = {
	[ANKUS_PIN_RXQ] = "no usable queue",
	[ANKUS_PIN_TXQ] = "no usable queue",
	[ANKUS_PIN_LINK] = "no usable link",
	[ANKUS_PIN_CPU] = "no usable CPU",
};

static void assign_group(struct ankus_groups *groups,
			 const struct ankus_item *item, unsigned int bin,
			 u64 rate_bps)
{
	unsigned int i;

	for (i = 0; groups && i < ANKUS_ITEM_GROUPS; i++)
		if (item->group[i])
			ankus_groups_add(groups, item->group[i], bin, rate_bps);
}

/* What the bins have of each group; without memory groups do not matter */
static struct ankus_groups *assign_groups(struct ankus_dev *ad,
					  const struct ankus_backend_ops *ops)
{
	struct ankus_groups *groups;
	struct ankus_flow *flow;

	/* each elephant stands where it is, and where it will be */
	groups = ankus_groups_alloc(2 * ANKUS_ITEM_GROUPS * ad->elephants);
	if (!groups)
		return NULL;
	ankus_active_for_each(&ad->flows, flow) {
		int bin = flow->ctl->pin[ops->kind].want;
		struct ankus_item item;

		if (flow->state != ANKUS_FLOW_STATE_ELEPHANT ||
		    bin == ANKUS_NO_BIN)
			continue;
		item = assign_item(flow, ops, bin);
		assign_group(groups, &item, bin, item.rate_bps);
	}
	return groups;
}

/* Returns how many found a place */
static unsigned int assign_place(struct ankus_dev *ad,
				 const struct ankus_backend_ops *ops,
				 struct ankus_item *items, unsigned int n,
				 u64 now)
{
	struct ankus_bin *bins = ad->bins[ops->kind];
	unsigned int n_bins = ad->n_bins[ops->kind];
	struct ankus_groups *groups = assign_groups(ad, ops);
	unsigned int i, placed = 0;

	/* The largest first: the small ones then fill the gaps (LPT) */
	sort(items, n, sizeof(*items), assign_by_rate, NULL);
	for (i = 0; i < n; i++) {
		struct ankus_item *item = &items[i];
		struct ankus_flow *flow = (struct ankus_flow *)item->flow;
		struct ankus_pin *pin = &flow->ctl->pin[ops->kind];
		int bin;

		if (!(i & 63))
			cond_resched();
		if (item->bin < n_bins)
			bins[item->bin].load_bps -=
				min(bins[item->bin].load_bps, item->rate_bps);
		if (pin->want != ANKUS_NO_BIN)
			assign_group(groups, item, pin->want, -item->rate_bps);
		bin = ankus_place_new(bins, n_bins, item, groups);
		if (bin < 0) {
			ankus_steer_fail(pin, ANKUS_PIN_STATE_PARKED, 0,
					 assign_no_bin[ops->kind], now);
			/* costs nothing to try again, at the next tick */
			pin->retry_ns = 0;
			pin->failures = 0;
			if (item->bin < n_bins)
				bins[item->bin].load_bps += item->rate_bps;
			continue;
		}
		bins[bin].load_bps += item->rate_bps;
		assign_group(groups, item, bin, item->rate_bps);
		ankus_steer_want(pin, bin, assign_why(ad, flow, ops), now);
		placed++;
	}
	kvfree(groups);
	return placed;
}

static void assign_rebalance(struct ankus_dev *ad,
			     const struct ankus_backend_ops *ops,
			     struct ankus_item *items, unsigned int n, u64 now)
{
	unsigned int i;

	if (!ankus_place_even(ad->bins[ops->kind], ad->n_bins[ops->kind], items,
			      n, ASSIGN_TOLERANCE))
		return;
	for (i = 0; i < n; i++) {
		struct ankus_flow *flow = (struct ankus_flow *)items[i].flow;
		struct ankus_pin *pin = &flow->ctl->pin[ops->kind];

		if (items[i].bin != pin->want)
			ankus_steer_want(pin, items[i].bin,
					 ANKUS_MOVE_REASON_REBALANCE, now);
	}
}

/* Waits for room in the NIC's table of rules */
static bool assign_waits(const struct ankus_pin *pin)
{
	return pin->state == ANKUS_PIN_STATE_PARKED && pin->error == ENOSPC &&
	       !pin->installed && !pin->busy;
}

/*
 * A table that is full is for the largest flows.  As many of those that wait
 * as rules have gone are tried again, the largest first.  Those for whom no rule
 * is on its way out get the place of the smallest one that has one, when they
 * are clearly larger: else flows of about the same rate would drive each other
 * out.
 */
static void assign_room(struct ankus_dev *ad, struct ankus_item *items, u64 now)
{
	unsigned int waiting = 0, pinned = 0, leaving = 0;
	unsigned int room = ad->rx.room;
	struct ankus_flow *flow;
	struct ankus_pin *pin;
	unsigned int i;
	bool rule;

	ad->rx.room = 0;
	ankus_active_for_each(&ad->flows, flow) {
		struct ankus_item item = {
			.rate_bps = flow->rate.slow_bps,
			.flow = flow,
		};

		pin = &flow->ctl->pin[ANKUS_PIN_RXQ];
		rule = pin->installed && pin->by == &ankus_rx_ntuple_ops;
		if (pin->want == ANKUS_NO_BIN && rule) {
			leaving++;
		} else if (!assign_steerable(ad, flow, ANKUS_PIN_RXQ)) {
			continue;
		} else if (assign_waits(pin)) {
			items[waiting + pinned] = items[waiting];
			items[waiting++] = item;
		} else if (rule && pin->want == READ_ONCE(pin->have)) {
			items[waiting + pinned++] = item;
		}
	}
	if (!waiting)
		return;
	sort(items, waiting, sizeof(*items), assign_by_rate, NULL);
	for (i = 0; i < min(room, waiting); i++) {
		flow = (struct ankus_flow *)items[i].flow;
		flow->ctl->pin[ANKUS_PIN_RXQ].retry_ns = 0;
	}

	sort(&items[waiting], pinned, sizeof(*items), assign_by_rate, NULL);
	for (i = room + leaving; i < waiting && pinned; i++) {
		struct ankus_item *smallest = &items[waiting + --pinned];

		if (items[i].rate_bps >> ASSIGN_LARGER_SHIFT <=
		    smallest->rate_bps)
			break;
		flow = (struct ankus_flow *)smallest->flow;
		ankus_steer_fail(&flow->ctl->pin[ANKUS_PIN_RXQ],
				 ANKUS_PIN_STATE_PARKED, -ENOSPC,
				 "made room for a larger flow", now);
	}
}

static void assign_kind(struct ankus_dev *ad, unsigned int kind,
			struct ankus_item *items, u64 now)
{
	const struct ankus_backend_ops *ops;
	const char *reason;
	unsigned int n;

	ops = ankus_steer_ops(ad, kind, &reason);
	/* one that came while flows were measured has its turn the next time */
	if (!ops || !ad->n_bins[kind])
		return;
	ankus_place_prepare(ad->bins[kind], ad->n_bins[kind]);
	if (kind == ANKUS_PIN_RXQ)
		assign_room(ad, items, now);
	n = assign_unplaced(ad, ops, items, now);
	/* those that nothing is open to do not keep others from moving */
	if (n && assign_place(ad, ops, items, n, now))
		return;
	n = assign_movable(ad, ops, items, now);
	assign_rebalance(ad, ops, items, n, now);
}

/* Without a backend nothing is steered, not even by hand. */
static void assign_none(struct ankus_dev *ad, unsigned int kind, u64 now)
{
	struct ankus_flow *flow;
	const char *reason;

	if (ankus_steer_ops(ad, kind, &reason))
		return;
	ankus_active_for_each(&ad->flows, flow)
		ankus_steer_want(&flow->ctl->pin[kind], ANKUS_NO_BIN,
				 ANKUS_MOVE_REASON_NONE, now);
}

/* A flow whose RX queue was seen to be the right one has no CPU beside that. */
static void assign_spare_cpus(struct ankus_dev *ad, u64 now)
{
	struct ankus_flow *flow;

	ankus_active_for_each(&ad->flows, flow)
		if (flow->mode == ANKUS_PIN_MODE_AUTO &&
		    !ankus_rx_cpu_wanted(ad, flow))
			ankus_steer_want(&flow->ctl->pin[ANKUS_PIN_CPU],
					 ANKUS_NO_BIN, ANKUS_MOVE_REASON_NONE,
					 now);
}

/* A flow pinned by hand does not follow its link's slot to another link. */
static void assign_orphans(struct ankus_dev *ad, u64 now)
{
	struct ankus_flow *flow;

	ankus_active_for_each(&ad->flows, flow) {
		struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_LINK];

		if (flow->mode == ANKUS_PIN_MODE_MANUAL &&
		    pin->want != ANKUS_NO_BIN && !ankus_link_slot(ad, pin->want))
			ankus_steer_fail(pin, ANKUS_PIN_STATE_PARKED, 0,
					 "the link is gone", now);
	}
}

/**
 * ankus_control_assign() - give the elephants of a device their places
 * @ad: the device
 * @now: time in ns
 *
 * Context: Control loop, under ankus_net::lock, flows measured.  May sleep.
 */
void ankus_control_assign(struct ankus_dev *ad, u64 now)
{
	struct ankus_item *items;
	unsigned int kind;

	if (ad->cfg.mode != ANKUS_MODE_STEER || ad->draining)
		return;
	assign_orphans(ad, now);
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++)
		assign_none(ad, kind, now);
	assign_spare_cpus(ad, now);
	if (!ad->elephants)
		return;
	/* without memory the flows stay where they are until the next tick */
	items = kvmalloc_array(ad->elephants, sizeof(*items), GFP_KERNEL);
	if (!items)
		return;
	assign_along(ad);
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++)
		assign_kind(ad, kind, items, now);
	kvfree(items);
}
