// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about links. */
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "compat.h"
#include "balance.h"
#include "control.h"
#include "event.h"
#include "hook.h"
#include "link.h"
#include "manage.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "rule.h"
#include "tx_mark.h"

/**
 * ankus_nl_fill_link() - describe a link
 * @msg: buffer
 * @link: the link
 *
 * Context: Under ankus_net::lock.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_fill_link(struct sk_buff *msg, struct ankus_link *link)
{
	const struct ankus_bin_balance *links =
		&link->ad->balance->kind[ANKUS_PIN_LINK];
	struct net_device *upper = link->ad->netdev;

	if (nla_put_string(msg, ANKUS_A_LINK_NAME, link->name) ||
	    nla_put_u32(msg, ANKUS_A_LINK_IFINDEX, link->lower->ifindex) ||
	    nla_put_string(msg, ANKUS_A_LINK_IFNAME, link->lower->name) ||
	    nla_put_u32(msg, ANKUS_A_LINK_UPPER_IFINDEX, upper->ifindex) ||
	    nla_put_string(msg, ANKUS_A_LINK_UPPER_IFNAME, upper->name) ||
	    nla_put_u64_64bit(msg, ANKUS_A_LINK_CAPACITY_BPS,
			      link->capacity_bps, ANKUS_A_LINK_PAD) ||
	    (link->found && nla_put_flag(msg, ANKUS_A_LINK_AUTO)) ||
	    nla_put_u32(msg, ANKUS_A_LINK_STATE, link->state) ||
	    (link->reason &&
	     nla_put_string(msg, ANKUS_A_LINK_REASON, link->reason)) ||
	    nla_put_u64_64bit(msg, ANKUS_A_LINK_SPEED_BPS,
			      link->capacity_bps ?: link->speed_bps,
			      ANKUS_A_LINK_PAD) ||
	    nla_put_u32(msg, ANKUS_A_LINK_FLOWS, link->flows) ||
	    nla_put_u64_64bit(msg, ANKUS_A_LINK_PINNED_BPS, link->pinned_bps,
			      ANKUS_A_LINK_PAD) ||
	    nla_put_u64_64bit(msg, ANKUS_A_LINK_TX_BPS, link->rate.fast_bps,
			      ANKUS_A_LINK_PAD) ||
	    nla_put_u32(msg, ANKUS_A_LINK_IMBALANCE_PERMILLE,
			links->actual_permille) ||
	    nla_put_u32(msg, ANKUS_A_LINK_EXPECTED_PERMILLE,
			links->expected_permille) ||
	    nla_put_u64_64bit(msg, ANKUS_A_LINK_OTHER_BPS, link->other_bps,
			      ANKUS_A_LINK_PAD) ||
	    (link->mark_mask &&
	     (nla_put_u32(msg, ANKUS_A_LINK_MARK, link->mark) ||
	      nla_put_u32(msg, ANKUS_A_LINK_MARK_MASK, link->mark_mask))))
		return -EMSGSIZE;
	return 0;
}

/* The link a request names */
static struct ankus_link *link_named(struct ankus_net *an,
				     struct genl_info *info)
{
	struct nlattr *name = info->attrs[ANKUS_A_LINK_NAME];
	struct ankus_link *link;

	if (!name) {
		NL_SET_ERR_MSG(info->extack, "no link named: name is needed");
		return ERR_PTR(-EINVAL);
	}
	link = ankus_link_find(an, nla_data(name));
	if (link)
		return link;
	NL_SET_ERR_MSG_ATTR(info->extack, name, "no link with this name");
	return ERR_PTR(-ENOENT);
}

/* The attribute that names the lower device of a request */
static const struct nlattr *link_device(const struct genl_info *info)
{
	return info->attrs[ANKUS_A_LINK_IFINDEX] ?:
	       info->attrs[ANKUS_A_LINK_IFNAME];
}

/* The managed device above a lower device, named by the request or found */
static struct ankus_dev *link_upper(struct ankus_net *an,
				    struct genl_info *info,
				    struct net_device *lower)
{
	struct net_device *master = netdev_master_upper_dev_get(lower);
	struct ankus_dev *ad;
	const char *reason;

	if (info->attrs[ANKUS_A_LINK_UPPER_IFINDEX] ||
	    info->attrs[ANKUS_A_LINK_UPPER_IFNAME]) {
		ad = ankus_nl_dev(info, ANKUS_A_LINK_UPPER_IFINDEX,
				  ANKUS_A_LINK_UPPER_IFNAME);
		if (IS_ERR(ad))
			return ad;
	} else {
		ad = master ? ankus_dev_find(an, master) : NULL;
		if (!ad) {
			NL_SET_ERR_MSG_ATTR(info->extack, link_device(info),
					    "no managed bond or team above the device (ankus dev add)");
			return ERR_PTR(-ENOENT);
		}
	}
	if (!ankus_links_supported(ad->netdev, &reason)) {
		/* the macros take literals only; this is a constant too */
		info->extack->_msg = reason;
		NL_SET_BAD_ATTR(info->extack, info->attrs[ANKUS_A_LINK_UPPER_IFINDEX] ?:
				info->attrs[ANKUS_A_LINK_UPPER_IFNAME] ?: link_device(info));
		return ERR_PTR(-EOPNOTSUPP);
	}
	if (master != ad->netdev) {
		NL_SET_ERR_MSG_ATTR(info->extack, link_device(info),
				    "it is not a lower device of that bond or team");
		return ERR_PTR(-EINVAL);
	}
	return ad;
}

/*
 * The device whose flows may be led to another by a mark: the one that the
 * request names, the one that has such links already, or else the link's own.
 */
static struct ankus_dev *link_leader(struct ankus_net *an,
				     struct genl_info *info,
				     const struct net_device *lower)
{
	struct ankus_dev *ad, *leader = NULL;
	unsigned int n = 0;

	if (info->attrs[ANKUS_A_LINK_UPPER_IFINDEX] ||
	    info->attrs[ANKUS_A_LINK_UPPER_IFNAME]) {
		leader = ankus_nl_dev(info, ANKUS_A_LINK_UPPER_IFINDEX,
				      ANKUS_A_LINK_UPPER_IFNAME);
		if (IS_ERR(leader))
			return leader;
	} else {
		list_for_each_entry(ad, &an->devs, list) {
			if (!ad->mark_mask)
				continue;
			leader = ad;
			n++;
		}
		if (n > 1) {
			NL_SET_ERR_MSG(info->extack,
				       "several devices have links by mark: upper-ifname is needed");
			return ERR_PTR(-EINVAL);
		}
		if (!leader)
			leader = ankus_dev_find(an, lower);
		if (!leader) {
			NL_SET_ERR_MSG_ATTR(info->extack, link_device(info),
					    "not managed (ankus dev add), and no other device is named whose flows may take the link");
			return ERR_PTR(-ENOENT);
		}
	}
	if (netif_is_lag_master(leader->netdev)) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[ANKUS_A_LINK_MARK],
				    "a bond or team has the links of its lower devices");
		return ERR_PTR(-EOPNOTSUPP);
	}
	return leader;
}

/* A mark is one link's, and of bits that nobody else sets */
static int link_check_mark(struct ankus_net *an, struct genl_info *info,
			   const struct ankus_dev *leader, u32 mark, u32 mask)
{
	struct nlattr *attr = info->attrs[ANKUS_A_LINK_MARK];
	const struct ankus_rule *rule;
	struct ankus_dev *ad;
	unsigned int i;

	if (!mark || mark & ~mask) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "a mark has bits of its mask alone, and one at least");
		return -EINVAL;
	}
	list_for_each_entry(rule, &an->rules, list) {
		if (ankus_asks(&rule->ask, ANKUS_ACTION_SET_MARK) &&
		    rule->ask.mark_mask & mask) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "a rule sets bits of this mask (ankus rule show)");
			return -EEXIST;
		}
	}
	list_for_each_entry(ad, &an->devs, list) {
		if (!(ad->mark_mask & mask))
			continue;
		if (ad != leader || ad->mark_mask != mask) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "other links have bits of this mask");
			return -EEXIST;
		}
		for (i = 0; i < ANKUS_LINKS_MAX; i++) {
			struct ankus_link *link = ankus_link_slot(ad, i);

			if (!link || link->mark != mark)
				continue;
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "another link has this mark");
			return -EEXIST;
		}
	}
	if (leader->mark_mask && leader->mark_mask != mask) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the links of a device have one mask");
		return -EINVAL;
	}
	return 0;
}

static int link_create(struct ankus_net *an, struct genl_info *info,
		       struct net_device *lower, u64 speed_bps)
{
	struct nlattr *name = info->attrs[ANKUS_A_LINK_NAME];
	struct ankus_link *link, *other;
	bool marked = info->attrs[ANKUS_A_LINK_MARK_MASK];
	u32 mark = 0, mask = 0;
	struct ankus_dev *ad;
	int err;

	if (marked) {
		mark = nla_get_u32(info->attrs[ANKUS_A_LINK_MARK]);
		mask = nla_get_u32(info->attrs[ANKUS_A_LINK_MARK_MASK]);
	}

	ad = marked ? link_leader(an, info, lower) : link_upper(an, info, lower);
	if (IS_ERR(ad))
		return PTR_ERR(ad);
	err = marked ? link_check_mark(an, info, ad, mark, mask) : 0;
	if (err)
		return err;

	other = ankus_link_of_lower(ad, lower);
	link = ankus_link_find(an, nla_data(name));
	if (link && link != other) {
		NL_SET_ERR_MSG_ATTR(info->extack, name,
				    "a link with this name exists");
		return -EEXIST;
	}
	if (other && !other->found) {
		NL_SET_ERR_MSG_ATTR(info->extack, link_device(info),
				    "the device is a link already");
		return -EEXIST;
	}
	/* One that was found turns into one of the operator's */
	if (other) {
		link = other;
		link->found = false;
		nla_strscpy(link->name, name, sizeof(link->name));
	} else {
		link = ankus_link_add(ad, lower, nla_data(name), false,
				      speed_bps, mark, mask);
		if (link == ERR_PTR(-ENOSPC))
			NL_SET_ERR_MSG(info->extack,
				       "a device has 32 links at most");
		if (link == ERR_PTR(-ENOMEM))
			NL_SET_ERR_MSG(info->extack, "out of memory");
		if (IS_ERR(link))
			return PTR_ERR(link);
		err = marked ? ankus_hook_link(link) : 0;
		if (err) {
			NL_SET_ERR_MSG(info->extack,
				       "netfilter refused the hook");
			ankus_link_del(link);
			return err;
		}
	}
	if (info->attrs[ANKUS_A_LINK_CAPACITY_BPS])
		link->capacity_bps =
			nla_get_u64(info->attrs[ANKUS_A_LINK_CAPACITY_BPS]);
	/* rules name links */
	an->rule_gen++;
	an->seq++;
	ankus_event_link(link, ANKUS_EVENT_LINK_ADD);
	ankus_control_run_soon(ad);
	return 0;
}

/**
 * ankus_nl_link_new_doit() - ANKUS_CMD_LINK_NEW
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_link_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct nlattr *name = info->attrs[ANKUS_A_LINK_NAME];
	struct net_device *lower;
	u64 speed_bps;
	int err;

	if (!name || !nla_len(name) || !*(char *)nla_data(name)) {
		NL_SET_ERR_MSG(info->extack, "a link needs a name");
		return -EINVAL;
	}
	if (!info->attrs[ANKUS_A_LINK_MARK] !=
	    !info->attrs[ANKUS_A_LINK_MARK_MASK]) {
		NL_SET_ERR_MSG(info->extack, "a mark needs a mask");
		return -EINVAL;
	}
	rtnl_lock();
	lower = ankus_nl_netdev(info, ANKUS_A_LINK_IFINDEX, ANKUS_A_LINK_IFNAME);
	err = PTR_ERR_OR_ZERO(lower);
	if (!err) {
		speed_bps = ankus_link_speed(lower);
		mutex_lock(&an->lock);
		err = link_create(an, info, lower, speed_bps);
		mutex_unlock(&an->lock);
	}
	rtnl_unlock();
	return err;
}

/**
 * ankus_nl_link_set_doit() - ANKUS_CMD_LINK_SET
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_link_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_link *link;
	int err;

	if (!info->attrs[ANKUS_A_LINK_CAPACITY_BPS]) {
		NL_SET_ERR_MSG(info->extack, "nothing to set: capacity-bps is needed");
		return -EINVAL;
	}
	mutex_lock(&an->lock);
	link = link_named(an, info);
	err = PTR_ERR_OR_ZERO(link);
	if (!err) {
		link->capacity_bps =
			nla_get_u64(info->attrs[ANKUS_A_LINK_CAPACITY_BPS]);
		an->seq++;
		ankus_event_link(link, ANKUS_EVENT_LINK_SET);
		ankus_control_run_soon(link->ad);
	}
	mutex_unlock(&an->lock);
	return err;
}

/**
 * ankus_nl_link_del_doit() - ANKUS_CMD_LINK_DEL
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_link_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_link *link;
	struct ankus_dev *ad;
	int err;

	rtnl_lock();
	mutex_lock(&an->lock);
	link = link_named(an, info);
	err = PTR_ERR_OR_ZERO(link);
	if (!err && link->found) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[ANKUS_A_LINK_NAME],
				    "the link was found by itself (ankus dev set DEV links none)");
		err = -EBUSY;
	}
	if (!err) {
		ad = link->ad;
		ankus_tx_mark_end_link(link);
		ankus_event_link(link, ANKUS_EVENT_LINK_DEL);
		ankus_link_del(link);
	}
	mutex_unlock(&an->lock);
	if (!err) {
		/* with links auto it is found again, under its own name */
		ankus_links_discover(ad, ankus_event_link);
		mutex_lock(&an->lock);
		ankus_manage_names(an);
		ankus_control_run_soon(ad);
		mutex_unlock(&an->lock);
	}
	rtnl_unlock();
	return err;
}

/**
 * ankus_nl_link_get_doit() - ANKUS_CMD_LINK_GET of one link
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_link_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_nl_sums *sums = NULL;
	struct ankus_link *link;
	struct sk_buff *msg;
	void *hdr;
	int err;

	if (info->attrs[ANKUS_A_LINK_WITH_TCP]) {
		sums = ankus_nl_sums_new(ANKUS_LINKS_MAX);
		if (!sums)
			return -ENOMEM;
	}
	msg = ankus_nl_reply_new(info, ANKUS_CMD_LINK_GET, &hdr);
	if (!msg) {
		kfree(sums);
		return -ENOMEM;
	}
	mutex_lock(&an->lock);
	link = link_named(an, info);
	err = IS_ERR(link) ? PTR_ERR(link) : ankus_nl_fill_link(msg, link);
	if (!err && sums)
		err = ankus_nl_put_link_tcp(msg, sums, link);
	mutex_unlock(&an->lock);
	kfree(sums);
	return ankus_nl_reply(info, msg, hdr, err);
}

/**
 * ankus_nl_link_get_dumpit() - ANKUS_CMD_LINK_GET of all links
 * @skb: buffer
 * @cb: the dump; counts slots over all devices
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_link_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ankus_net *an = ankus_net(sock_net(skb->sk));
	struct ankus_nl_sums *sums = NULL;
	unsigned long at = 0;
	struct ankus_dev *ad;
	unsigned int i;
	void *hdr;
	bool tcp;
	int err;

	tcp = ankus_dump_attrs(cb)[ANKUS_A_LINK_WITH_TCP];
	err = ankus_nl_no_filter(cb, ANKUS_A_LINK_NAME);
	if (err)
		return err;
	if (tcp) {
		sums = ankus_nl_sums_new(ANKUS_LINKS_MAX);
		if (!sums)
			return -ENOMEM;
	}
	mutex_lock(&an->lock);
	cb->seq = an->seq;
	list_for_each_entry(ad, &an->devs, list) {
		for (i = 0; i < ANKUS_LINKS_MAX; i++, at++) {
			struct ankus_link *link = ankus_link_slot(ad, i);

			if (!link || at < cb->args[0])
				continue;
			hdr = ankus_nl_put_dump_header(skb, cb,
						       ANKUS_CMD_LINK_GET);
			err = hdr ? ankus_nl_fill_link(skb, link) : -EMSGSIZE;
			if (!err && tcp)
				err = ankus_nl_put_link_tcp(skb, sums, link);
			if (err) {
				if (hdr)
					genlmsg_cancel(skb, hdr);
				goto out;
			}
			genlmsg_end(skb, hdr);
			cb->args[0] = at + 1;
		}
	}
out:
	mutex_unlock(&an->lock);
	kfree(sums);
	return skb->len ?: err;
}
