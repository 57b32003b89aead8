// SPDX-License-Identifier: GPL-2.0
/*
 * Links of a managed device: the lower devices of a bond or a team, or devices
 * that routes lead to, by marks of sockets.
 *
 * Bonds and teams tell others that a lower device may transmit by a notification only, so
 * the state that holds before the first one is read from themselves
 * (net/bonding.h, bond_slave_can_tx(); linux/if_team.h, team_port_txable()).
 */
#include <linux/ethtool.h>
#include <linux/if_team.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/bonding.h>

#include "compat.h"
#include "link.h"

/**
 * ankus_link_find() - find a link by name
 * @an: state of the namespace
 * @name: its name
 *
 * Context: Under ankus_net::lock.
 * Return: the link, or NULL.
 */
struct ankus_link *ankus_link_find(struct ankus_net *an, const char *name)
{
	struct ankus_dev *ad;
	unsigned int i;

	list_for_each_entry(ad, &an->devs, list) {
		for (i = 0; i < ANKUS_LINKS_MAX; i++) {
			struct ankus_link *link = ankus_link_slot(ad, i);

			if (link && !strcmp(link->name, name))
				return link;
		}
	}
	return NULL;
}

/**
 * ankus_link_of_lower() - find the link over a lower device
 * @ad: upper device
 * @lower: lower device
 *
 * Context: Under ankus_net::lock.
 * Return: the link, or NULL.
 */
struct ankus_link *ankus_link_of_lower(struct ankus_dev *ad,
				       const struct net_device *lower)
{
	unsigned int i;

	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		struct ankus_link *link = ankus_link_slot(ad, i);

		if (link && link->lower == lower)
			return link;
	}
	return NULL;
}

static const char *link_bond_places(const struct net_device *upper)
{
	switch (BOND_MODE((struct bonding *)netdev_priv(upper))) {
	case BOND_MODE_8023AD:
	case BOND_MODE_XOR:
	case BOND_MODE_ROUNDROBIN:
		return NULL;
	case BOND_MODE_ACTIVEBACKUP:
		return "bond mode active-backup sends over one link at a time";
	case BOND_MODE_BROADCAST:
		return "bond mode broadcast sends over all links at once";
	default:
		return "bond modes balance-tlb and balance-alb place flows themselves";
	}
}

/* The mode of a team stays the same for as long as it has lower devices */
static const char *link_team_places(const struct net_device *upper)
{
	const struct team *team = netdev_priv(upper);

	switch (READ_ONCE(team->mode)->lag_tx_type) {
	case NETDEV_LAG_TX_TYPE_HASH:
	case NETDEV_LAG_TX_TYPE_RANDOM:
	case NETDEV_LAG_TX_TYPE_ROUNDROBIN:
		return NULL;
	case NETDEV_LAG_TX_TYPE_ACTIVEBACKUP:
		return "team mode activebackup sends over one link at a time";
	case NETDEV_LAG_TX_TYPE_BROADCAST:
		return "team mode broadcast sends over all links at once";
	default:
		return "the team has no mode";
	}
}

/**
 * ankus_links_supported() - can flows be spread over the lower devices?
 * @upper: the device
 * @reason: set to why not
 *
 * Context: Under rtnl or RCU.
 * Return: true if so.
 */
bool ankus_links_supported(const struct net_device *upper, const char **reason)
{
	if (netif_is_bond_master(upper))
		*reason = link_bond_places(upper);
	else if (netif_is_team_master(upper))
		*reason = link_team_places(upper);
	else
		*reason = "neither a bond nor a team";
	return !*reason;
}

/* Is there something on the upper device that a redirect would bypass? */
static const char *link_bypasses(struct net_device *upper)
{
	const char *reason = NULL;
	struct Qdisc *qdisc;

	rcu_read_lock();
	qdisc = rcu_dereference(netdev_get_tx_queue(upper, 0)->qdisc);
	if (qdisc && qdisc->enqueue)
		reason = "a qdisc on the upper device would be bypassed";
	else if (ankus_dev_has_tc_egress(upper))
		reason = "a tc egress filter on the upper device would be bypassed";
	rcu_read_unlock();
	return reason;
}

/* Why the upper device sends nothing over a lower one; under RCU */
static const char *link_disabled(const struct net_device *lower)
{
	void *port = rcu_dereference(lower->rx_handler_data);

	if (port && netif_is_bond_slave(lower))
		return bond_slave_can_tx(port) ? NULL : "not enabled by the bond";
	if (port && netif_is_team_port(lower))
		return team_port_txable(port) ? NULL : "not enabled by the team";
	return "not a lower device of a bond or team";
}

static u8 link_state(const struct ankus_link *link, const char **reason)
{
	struct net_device *lower = link->lower;
	u8 state = ANKUS_LINK_STATE_DOWN;

	if (!netif_running(lower)) {
		*reason = "administratively down";
		return state;
	}
	if (!netif_carrier_ok(lower)) {
		*reason = "no carrier";
		return state;
	}
	/* whether a route leads there is seen by the flows */
	*reason = NULL;
	if (link->mark_mask)
		return ANKUS_LINK_STATE_UP;
	rcu_read_lock();
	*reason = link_disabled(lower);
	if (*reason)
		state = ANKUS_LINK_STATE_DOWN;
	else if (!ankus_links_supported(link->ad->netdev, reason))
		state = ANKUS_LINK_STATE_BLOCKED;
	else
		state = ANKUS_LINK_STATE_UP;
	rcu_read_unlock();

	if (state == ANKUS_LINK_STATE_UP) {
		*reason = link_bypasses(link->ad->netdev);
		if (*reason)
			state = ANKUS_LINK_STATE_BLOCKED;
	}
	return state;
}

/**
 * ankus_link_refresh() - bring the state of a link up to date
 * @link: the link
 *
 * Context: Under ankus_net::lock.
 * Return: true if the state has changed.
 */
bool ankus_link_refresh(struct ankus_link *link)
{
	const char *reason = NULL;
	u8 state = link_state(link, &reason);
	bool changed;

	if (!ankus_damp(&link->damp, state != ANKUS_LINK_STATE_DOWN,
			ktime_get_ns()) &&
	    state == ANKUS_LINK_STATE_UP) {
		state = ANKUS_LINK_STATE_DOWN;
		reason = "not up for long enough after it was down";
	}
	changed = state != link->state;
	link->state = state;
	link->reason = reason;
	WRITE_ONCE(link->usable, state == ANKUS_LINK_STATE_UP);
	if (changed)
		link->ad->an->seq++;
	return changed;
}

/**
 * ankus_link_speed() - ask a driver for the speed of its device
 * @lower: the device
 *
 * Context: Under rtnl, without ankus_net::lock, not in a notifier.
 * Return: bits per second, 0 when the driver tells none.
 */
u64 ankus_link_speed(struct net_device *lower)
{
	struct ethtool_link_ksettings ks;

	ASSERT_RTNL();

	if (__ethtool_get_link_ksettings(lower, &ks) ||
	    ks.base.speed == (u32)SPEED_UNKNOWN)
		return 0;
	return (u64)ks.base.speed * 1000000;
}

/**
 * ankus_link_add() - add a link
 * @ad: upper device
 * @lower: lower device, no link of @ad yet
 * @name: unused name
 * @found: discovered, not added by hand
 * @speed_bps: ankus_link_speed() of @lower
 * @mark: by which sockets are routed over it
 * @mark_mask: its bits; 0 for a lower device
 *
 * Context: Under rtnl and ankus_net::lock.
 * Return: the link; ERR_PTR(-ENOSPC) when the device has no slot for it,
 * ERR_PTR(-ENOMEM).
 */
struct ankus_link *ankus_link_add(struct ankus_dev *ad,
				  struct net_device *lower, const char *name,
				  bool found, u64 speed_bps, u32 mark,
				  u32 mark_mask)
{
	struct ankus_link *link;
	unsigned int i, n;

	ASSERT_RTNL();

	/*
	 * Not the slot that was left last: flows of a link that is gone find
	 * it empty until the control loop has moved them.
	 */
	for (n = 0; n < ANKUS_LINKS_MAX; n++) {
		i = (ad->next_link + n) % ANKUS_LINKS_MAX;
		if (!ankus_link_slot(ad, i))
			break;
	}
	if (n == ANKUS_LINKS_MAX)
		return ERR_PTR(-ENOSPC);
	ad->next_link = i + 1;
	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!link)
		return ERR_PTR(-ENOMEM);

	strscpy(link->name, name, sizeof(link->name));
	link->ad = ad;
	link->index = i;
	link->found = found;
	link->mark = mark;
	link->mark_mask = mark_mask;
	link->lower = lower;
	link->speed_bps = speed_bps;
	link->state = ANKUS_LINK_STATE_DOWN;
	netdev_hold(lower, &link->tracker, GFP_KERNEL);
	ankus_link_refresh(link);
	rcu_assign_pointer(ad->links[i], link);
	if (mark_mask)
		WRITE_ONCE(ad->mark_mask, mark_mask);
	ad->an->seq++;
	return link;
}

/**
 * ankus_link_del() - remove a link
 * @link: the link, freed after a grace period
 *
 * Flows pinned to it find its slot empty and go the upper device's own way
 * until the control loop has moved them.
 *
 * Context: Under rtnl and ankus_net::lock.
 */
void ankus_link_del(struct ankus_link *link)
{
	struct ankus_dev *ad = link->ad;
	unsigned int i;

	ASSERT_RTNL();
	lockdep_assert_held(&ad->an->lock);

	WRITE_ONCE(link->usable, false);
	if (link->unhook)
		link->unhook(link);
	RCU_INIT_POINTER(ad->links[link->index], NULL);
	for (i = 0; i < ANKUS_LINKS_MAX && !ankus_link_slot(ad, i); i++)
		;
	if (i == ANKUS_LINKS_MAX)
		WRITE_ONCE(ad->mark_mask, 0);
	/*
	 * The last users of @lower are RCU readers that found the link before:
	 * unregistering a device waits for them before it is freed.
	 */
	netdev_put(link->lower, &link->tracker);
	ad->an->seq++;
	kfree_rcu(link, rcu);
}

/**
 * ankus_link_elsewhere() - does a flow leave by another device than its own?
 * @flow: the flow, with a control part
 *
 * Context: Under ankus_net::lock.
 * Return: true if its link is to lead, or leads, it to another one.
 */
bool ankus_link_elsewhere(const struct ankus_flow *flow)
{
	const struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_LINK];
	struct ankus_dev *ad = ankus_flow_dev(flow);
	int bin = pin->want == ANKUS_NO_BIN ? READ_ONCE(pin->have) : pin->want;
	const struct ankus_link *link;

	link = bin == ANKUS_NO_BIN ? NULL : ankus_link_slot(ad, bin);
	return link && link->mark_mask && link->lower != ad->netdev;
}

static bool link_is_lower(struct net_device *upper, struct net_device *lower)
{
	return netdev_master_upper_dev_get(lower) == upper;
}

static void link_tell(struct ankus_link *link, ankus_link_event_t event)
{
	static const enum ankus_event events[] = {
		[ANKUS_LINK_STATE_UP] = ANKUS_EVENT_LINK_UP,
		[ANKUS_LINK_STATE_DOWN] = ANKUS_EVENT_LINK_DOWN,
		[ANKUS_LINK_STATE_BLOCKED] = ANKUS_EVENT_LINK_BLOCKED,
	};

	if (ankus_link_refresh(link))
		event(link, events[link->state]);
}

/**
 * ankus_links_prune() - drop the links that are no more, refresh the others
 * @ad: upper device
 * @event: told of each link that goes or changes
 *
 * Makes no driver call, so it serves in notifiers, where 7.x may hold the
 * instance lock of a lower device.
 *
 * Context: Under rtnl and ankus_net::lock.
 * Return: true if a link has gone, and its name with it.
 */
bool ankus_links_prune(struct ankus_dev *ad, ankus_link_event_t event)
{
	bool pruned = false;
	unsigned int i;

	ASSERT_RTNL();

	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		struct ankus_link *link = ankus_link_slot(ad, i);

		if (!link)
			continue;
		if ((link->mark_mask || link_is_lower(ad->netdev, link->lower)) &&
		    link->lower->reg_state == NETREG_REGISTERED &&
		    (!link->found || ad->cfg.links == ANKUS_LINKS_AUTO)) {
			link_tell(link, event);
			continue;
		}
		event(link, ANKUS_EVENT_LINK_DEL);
		ankus_link_del(link);
		pruned = true;
	}
	return pruned;
}

/**
 * ankus_link_rename() - give a link the name of its device
 * @link: the link
 * @event: told if it has got that
 *
 * Links of the operator's keep theirs, and so does one whose device's name
 * another link has, until that is gone.
 *
 * Context: Under rtnl and ankus_net::lock.
 */
void ankus_link_rename(struct ankus_link *link, ankus_link_event_t event)
{
	struct ankus_net *an = link->ad->an;

	ASSERT_RTNL();

	if (!link->found || ankus_link_find(an, link->lower->name))
		return;
	strscpy(link->name, link->lower->name, sizeof(link->name));
	/* rules name links */
	an->rule_gen++;
	an->seq++;
	event(link, ANKUS_EVENT_LINK_SET);
}

static void link_discover(struct ankus_dev *ad, struct net_device *lower,
			  u64 speed_bps, ankus_link_event_t event)
{
	struct ankus_link *link = ankus_link_of_lower(ad, lower);

	if (link) {
		link->speed_bps = speed_bps;
		ankus_link_rename(link, event);
		return;
	}
	if (ad->cfg.links != ANKUS_LINKS_AUTO ||
	    lower->reg_state != NETREG_REGISTERED)
		return;
	if (ankus_link_find(ad->an, lower->name)) {
		if (net_ratelimit())
			netdev_warn(ad->netdev,
				    "ankus: %s is not used, another link has its name\n",
				    lower->name);
		return;
	}
	link = ankus_link_add(ad, lower, lower->name, true, speed_bps, 0, 0);
	if (PTR_ERR_OR_ZERO(link) == -ENOMEM) {
		/* tried again by the control loop */
		ad->stale = true;
		return;
	}
	if (IS_ERR(link)) {
		if (net_ratelimit())
			netdev_warn(ad->netdev, "ankus: %s is not used: %pe\n",
				    lower->name, link);
		return;
	}
	event(link, ANKUS_EVENT_LINK_ADD);
}

/**
 * ankus_links_discover() - make the links match the lower devices
 * @ad: upper device
 * @event: told of each link that comes, goes or changes
 *
 * Context: Under rtnl, without ankus_net::lock, not in a notifier.
 */
void ankus_links_discover(struct ankus_dev *ad, ankus_link_event_t event)
{
	struct net_device *lower;
	struct list_head *iter;
	u64 speed_bps;

	mutex_lock(&ad->an->lock);
	ankus_links_prune(ad, event);
	mutex_unlock(&ad->an->lock);
	if (!netif_is_lag_master(ad->netdev))
		return;

	netdev_for_each_lower_dev(ad->netdev, lower, iter) {
		speed_bps = ankus_link_speed(lower);
		mutex_lock(&ad->an->lock);
		link_discover(ad, lower, speed_bps, event);
		mutex_unlock(&ad->an->lock);
	}
}

/**
 * ankus_links_check() - notice what nobody announces: a qdisc, a tc filter
 * @ad: upper device
 * @event: told of each link whose state changes
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_links_check(struct ankus_dev *ad, ankus_link_event_t event)
{
	unsigned int i;

	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		struct ankus_link *link = ankus_link_slot(ad, i);

		if (link)
			link_tell(link, event);
	}
}

/**
 * ankus_links_measure() - read what the lower devices send
 * @ad: upper device
 * @dt_ns: time since the last reading
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_links_measure(struct ankus_dev *ad, u64 dt_ns)
{
	unsigned int i;

	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		struct ankus_link *link = ankus_link_slot(ad, i);
		struct rtnl_link_stats64 stats;

		if (!link)
			continue;
		/* drivers free their rings a grace period after hiding them */
		rcu_read_lock();
		dev_get_stats(link->lower, &stats);
		rcu_read_unlock();
		/* a counter that ran backwards was reset by its driver */
		link->fresh = link->read && stats.tx_bytes >= link->read_bytes;
		if (link->fresh)
			ankus_rate_update(&link->rate,
					  stats.tx_bytes - link->read_bytes,
					  dt_ns);
		link->read_bytes = stats.tx_bytes;
		link->read = true;
	}
}

/**
 * ankus_links_other() - find out what links carry beside pinned flows
 * @ad: upper device, flows measured: ankus_link::sum_bytes is complete
 * @loose_bytes: what elephants without a link have sent meanwhile
 * @dt_ns: time since the last measurement
 *
 * Both averages of a link, and that of the loose elephants, are of the same
 * samples in time.  So a flow that moves is never part of the rest.
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_links_other(struct ankus_dev *ad, u64 loose_bytes, u64 dt_ns)
{
	u64 other_bps[ANKUS_LINKS_MAX] = {};
	struct ankus_link *link;
	unsigned int i;

	ankus_rate_update(&ad->loose, loose_bytes, dt_ns);
	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		link = ankus_link_slot(ad, i);
		if (!link)
			continue;
		if (link->fresh)
			ankus_rate_update(&link->carried, link->sum_bytes,
					  dt_ns);
		/*
		 * The lower device counts headers of segments and of the link
		 * as well: what is less than a sixteenth is none.
		 */
		if (link->rate.slow_bps - link->rate.slow_bps / 16 >
		    link->carried.slow_bps)
			other_bps[i] = link->rate.slow_bps -
				      link->carried.slow_bps;
	}
	ankus_place_other(other_bps, ANKUS_LINKS_MAX, ad->loose.slow_bps);
	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		link = ankus_link_slot(ad, i);
		if (link)
			link->other_bps = other_bps[i];
	}
}
