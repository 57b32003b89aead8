// SPDX-License-Identifier: GPL-2.0
/*
 * Beginning and end of managing a device: by request, because the device or
 * its namespace goes away, or because the module does.
 *
 * Whatever the cause, the end is the same: pins are taken back, the NIC's
 * rules removed, the hooks unregistered, packets on their way to other CPUs
 * delivered, then the device is let go.
 */
#include <linux/delay.h>
#include <linux/rtnetlink.h>

#include "action.h"
#include "control.h"
#include "event.h"
#include "hook.h"
#include "link.h"
#include "manage.h"
#include "rule.h"
#include "rx_cpu.h"
#include "rx_rss.h"
#include "steer.h"
#include "tx_mark.h"

/* How long a request to let go waits for the flows' safe points, and its step */
#define MANAGE_DRAIN_MS		500
#define MANAGE_DRAIN_STEP_MS	20

/**
 * ankus_manage_add() - begin to manage a device
 * @an: state of its namespace
 * @netdev: the device
 * @cfg: its configuration
 * @extack: why not
 *
 * Context: Under rtnl, without ankus_net::lock.
 * Return: 0 or -errno.
 */
int ankus_manage_add(struct ankus_net *an, struct net_device *netdev,
		     const struct ankus_config *cfg,
		     struct netlink_ext_ack *extack)
{
	struct ankus_dev *ad;
	int err;

	ASSERT_RTNL();

	if (netdev->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG(extack, "a loopback device has nothing to steer");
		return -EOPNOTSUPP;
	}
	if (netdev->reg_state != NETREG_REGISTERED) {
		NL_SET_ERR_MSG(extack, "the device is going away");
		return -ENODEV;
	}

	mutex_lock(&an->lock);
	err = -EEXIST;
	if (ankus_dev_find(an, netdev)) {
		NL_SET_ERR_MSG(extack, "the device is managed already");
		goto err_unlock;
	}
	ad = ankus_dev_create(an, netdev, cfg);
	if (IS_ERR(ad)) {
		err = PTR_ERR(ad);
		NL_SET_ERR_MSG(extack, "out of memory");
		goto err_unlock;
	}
	ankus_control_init(ad);
	err = ankus_hook_register(ad);
	if (err) {
		NL_SET_ERR_MSG(extack, "netfilter refused the hooks");
		goto err_release;
	}
	list_add_tail(&ad->list, &an->devs);
	an->seq++;
	ankus_event_dev(ad, ANKUS_EVENT_DEV_ADD);
	mutex_unlock(&an->lock);

	err = ankus_manage_ntuple(ad, cfg, extack);
	if (err) {
		ankus_manage_del(ad);
		return err;
	}
	ankus_control_refresh(ad);
	mutex_lock(&an->lock);
	ankus_control_start(ad);
	mutex_unlock(&an->lock);
	return 0;

err_release:
	ankus_dev_release(ad);
err_unlock:
	mutex_unlock(&an->lock);
	return err;
}

static void manage_drain_begin(struct ankus_dev *ad)
{
	mutex_lock(&ad->an->lock);
	ad->draining = true;
	ankus_control_release_all(ad);
	if (!ad->gone)
		ankus_control_steer_soon(ad);
	mutex_unlock(&ad->an->lock);
}

/* Under ankus_net::lock */
static bool manage_drained(struct ankus_dev *ad)
{
	unsigned long silent = msecs_to_jiffies(MANAGE_DRAIN_MS);
	struct ankus_flow *flow;

	if (!ankus_action_end_all(ad, false))
		return false;
	ankus_active_for_each(&ad->flows, flow) {
		const struct ankus_pin *pin = flow->ctl->pin;

		if (pin[ANKUS_PIN_RXQ].installed)
			return false;
		/* a silent flow has nothing that could be overtaken */
		if (time_before(jiffies, READ_ONCE(flow->seen_jiffies) + silent) &&
		    (READ_ONCE(pin[ANKUS_PIN_TXQ].have) != ANKUS_NO_BIN ||
		     READ_ONCE(pin[ANKUS_PIN_CPU].have) != ANKUS_NO_BIN ||
		     READ_ONCE(pin[ANKUS_PIN_LINK].have) != ANKUS_NO_BIN))
			return false;
	}
	return ankus_rx_rss_clean(ad);
}

/**
 * ankus_manage_drain() - let flows leave their pins at safe points
 * @ad: the device, a reference to it held
 *
 * Once the hooks are gone, pins end at once, wherever the packets of a flow
 * are.  So where there is time, flows are asked to leave before.
 *
 * Context: No lock held.  Sleeps for half a second at most.
 */
void ankus_manage_drain(struct ankus_dev *ad)
{
	unsigned int i;
	bool done = false;

	manage_drain_begin(ad);
	for (i = 0; i < MANAGE_DRAIN_MS / MANAGE_DRAIN_STEP_MS && !done; i++) {
		msleep(MANAGE_DRAIN_STEP_MS);
		mutex_lock(&ad->an->lock);
		done = ad->gone || manage_drained(ad);
		mutex_unlock(&ad->an->lock);
	}
}

static void manage_report_rules(struct ankus_dev *ad)
{
	struct ankus_flow *flow;

	ankus_active_for_each(&ad->flows, flow) {
		const struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

		if (pin->installed && pin->by != &ankus_rx_rss_ops)
			netdev_err(ad->netdev,
				   "ankus: the driver does not let go of rule %u (error %d)\n",
				   pin->location, pin->error);
	}
	if (!ankus_rx_rss_clean(ad))
		netdev_err(ad->netdev,
			   "ankus: the driver does not take its RSS table back (error %d)\n",
			   -ad->rx.rss->error);
}

/* Something about the device itself: backend, rules, queues */
static void manage_stale(struct ankus_dev *ad)
{
	ad->stale = true;
	ankus_control_steer_soon(ad);
}

/**
 * ankus_manage_names() - names of links may be free that others wait for
 * @an: state of the namespace
 *
 * Context: Under ankus_net::lock.
 */
void ankus_manage_names(struct ankus_net *an)
{
	struct ankus_dev *ad;

	list_for_each_entry(ad, &an->devs, list)
		if (netif_is_lag_master(ad->netdev))
			manage_stale(ad);
}

/**
 * ankus_manage_del() - end to manage a device
 * @ad: the device, on the list
 *
 * Context: Under rtnl, without ankus_net::lock.
 */
void ankus_manage_del(struct ankus_dev *ad)
{
	struct ankus_net *an = ad->an;
	unsigned int i;
	bool marked;

	ASSERT_RTNL();

	mutex_lock(&an->lock);
	ad->draining = true;
	ankus_control_release_all(ad);
	ankus_action_end_all(ad, true);
	mutex_unlock(&an->lock);
	ankus_steer_rx_run(ad, true);
	ankus_rx_feature_end(ad);
	ankus_hook_unregister(ad);
	ankus_rx_cpu_stop(ad);

	mutex_lock(&an->lock);
	ad->gone = true;
	manage_report_rules(ad);
	marked = ad->mark_mask;
	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		struct ankus_link *link = ankus_link_slot(ad, i);

		if (!link)
			continue;
		ankus_event_link(link, ANKUS_EVENT_LINK_DEL);
		ankus_link_del(link);
	}
	if (marked) {
		/* no packet is in the hooks any more */
		synchronize_net();
		ankus_tx_mark_end_all(ad);
	}
	ankus_control_stop(ad);
	list_del(&ad->list);
	ankus_manage_names(an);
	an->seq++;
	ankus_event_dev(ad, ANKUS_EVENT_DEV_DEL);
	mutex_unlock(&an->lock);
	ankus_dev_release(ad);
}

/**
 * ankus_manage_ntuple() - turn ntuple on if a configuration says so
 * @ad: the device
 * @cfg: what is to hold
 * @extack: for the reason when it cannot be
 *
 * What it turned on goes off by itself when that does not hold any more.
 *
 * Context: Under rtnl, without ankus_net::lock.  May sleep.
 * Return: 0 or -errno.
 */
int ankus_manage_ntuple(struct ankus_dev *ad, const struct ankus_config *cfg,
			struct netlink_ext_ack *extack)
{
	if (!cfg->ntuple || cfg->mode != ANKUS_MODE_STEER)
		return 0;
	return ankus_rx_feature_on(ad, extack);
}

static void manage_del_all(struct ankus_net *an)
{
	struct ankus_dev *ad;

	/* rtnl keeps the list as it is: devices come and go under it */
	while ((ad = list_first_entry_or_null(&an->devs, struct ankus_dev, list)))
		ankus_manage_del(ad);
}

/* A bond, one of its lower devices, or one that was one until now */
static void manage_links_changed(struct ankus_net *an, struct net_device *netdev)
{
	struct net_device *master = netdev_master_upper_dev_get(netdev);
	struct ankus_dev *ad;
	bool pruned = false;

	list_for_each_entry(ad, &an->devs, list) {
		bool below = ankus_link_of_lower(ad, netdev);

		if (!below && (!netif_is_lag_master(ad->netdev) ||
			       (netdev != ad->netdev && master != ad->netdev)))
			continue;
		pruned |= ankus_links_prune(ad, ankus_event_link);
		manage_stale(ad);
		/* flows leave dead links at once, not at the next tick */
		ankus_control_run_soon(ad);
	}
	if (pruned)
		ankus_manage_names(an);
}

/* It goes, or moves to another namespace: nothing leads there any more */
static void manage_lower_gone(struct ankus_net *an,
			      const struct net_device *netdev)
{
	struct ankus_link *link;
	struct ankus_dev *ad;

	list_for_each_entry(ad, &an->devs, list) {
		link = ankus_link_of_lower(ad, netdev);
		if (!link || !link->mark_mask)
			continue;
		ankus_tx_mark_end_link(link);
		ankus_event_link(link, ANKUS_EVENT_LINK_DEL);
		ankus_link_del(link);
		ankus_control_run_soon(ad);
	}
}

static void manage_renamed(struct ankus_net *an, struct net_device *netdev)
{
	struct ankus_link *link;
	struct ankus_dev *ad;

	/* rules name devices and links */
	an->rule_gen++;
	an->seq++;
	list_for_each_entry(ad, &an->devs, list) {
		link = ankus_link_of_lower(ad, netdev);
		if (!link)
			continue;
		ankus_link_rename(link, ankus_event_link);
		ankus_manage_names(an);
	}
}

static int manage_netdev_event(struct notifier_block *nb, unsigned long event,
			       void *ptr)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(ptr);
	struct ankus_net *an = ankus_net(dev_net(netdev));
	struct ankus_dev *ad;

	mutex_lock(&an->lock);
	ad = ankus_dev_find(an, netdev);
	switch (event) {
	case NETDEV_UNREGISTER:
		manage_lower_gone(an, netdev);
		manage_links_changed(an, netdev);
		mutex_unlock(&an->lock);
		if (ad)
			ankus_manage_del(ad);
		return NOTIFY_DONE;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEUPPER:
	case NETDEV_CHANGELOWERSTATE:
		manage_links_changed(an, netdev);
		fallthrough;
	case NETDEV_FEAT_CHANGE:
		if (ad)
			manage_stale(ad);
		break;
	case NETDEV_CHANGENAME:
		manage_renamed(an, netdev);
		break;
	}
	mutex_unlock(&an->lock);
	return NOTIFY_DONE;
}

static struct notifier_block manage_notifier = {
	.notifier_call = manage_netdev_event,
};

static int __net_init manage_net_init(struct net *net)
{
	ankus_net_setup(ankus_net(net), net);
	return 0;
}

/* Before the namespace's devices are moved or destroyed */
static void __net_exit manage_net_pre_exit(struct net *net)
{
	struct ankus_net *an = ankus_net(net);

	rtnl_lock();
	manage_del_all(an);
	rtnl_unlock();

	mutex_lock(&an->lock);
	ankus_rule_flush(an, NULL);
	mutex_unlock(&an->lock);
}

/* A grace period later: no packet in a hook can ask for a work any more */
static void __net_exit manage_net_exit(struct net *net)
{
	ankus_net_wait(ankus_net(net));
}

static struct pernet_operations manage_net_ops = {
	.init = manage_net_init,
	.pre_exit = manage_net_pre_exit,
	.exit = manage_net_exit,
	.id = &ankus_net_id,
	.size = sizeof(struct ankus_net),
};

/**
 * ankus_manage_init() - follow namespaces and devices
 *
 * Context: Module init.
 * Return: 0 or -errno.
 */
int ankus_manage_init(void)
{
	int err = register_pernet_subsys(&manage_net_ops);

	if (err)
		return err;
	err = register_netdevice_notifier(&manage_notifier);
	if (err)
		unregister_pernet_subsys(&manage_net_ops);
	return err;
}

/* Asks all devices to drain, or whether all have */
static bool manage_drain_all(bool begin)
{
	struct ankus_dev *ad;
	bool done = true;
	struct net *net;

	rtnl_lock();
	down_read(&net_rwsem);
	for_each_net(net) {
		struct ankus_net *an = ankus_net(net);

		list_for_each_entry(ad, &an->devs, list) {
			if (begin)
				manage_drain_begin(ad);
			mutex_lock(&an->lock);
			done &= manage_drained(ad);
			mutex_unlock(&an->lock);
		}
	}
	up_read(&net_rwsem);
	rtnl_unlock();
	return done;
}

/**
 * ankus_manage_exit() - let all devices of all namespaces go
 *
 * Context: Module exit, no more requests come in.
 */
void ankus_manage_exit(void)
{
	bool done = manage_drain_all(true);
	unsigned int i;

	for (i = 0; i < MANAGE_DRAIN_MS / MANAGE_DRAIN_STEP_MS && !done; i++) {
		msleep(MANAGE_DRAIN_STEP_MS);
		done = manage_drain_all(false);
	}
	unregister_netdevice_notifier(&manage_notifier);
	unregister_pernet_subsys(&manage_net_ops);
}
