// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about managed devices. */
#include <linux/log2.h>
#include <linux/rtnetlink.h>
#include <net/sock.h>

#include "control.h"
#include "event.h"
#include "manage.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "rx_rss.h"
#include "steer.h"

#define DEV_TICK_MIN_MS		10
#define DEV_FLOW_MIN		64
/* Flows are not charged to who asks for them, nor is the time to look at them */
#define DEV_FLOW_MAX_USER_NS	16384
#define DEV_SKETCH_MIN_BYTES	4096
/* Sketches are charged, but by no more than on each CPU of a large machine */
#define DEV_SKETCH_MAX_USER_NS	(256 * 1024)

/* What was learned of a backend, as two sets of enum ankus_flow_type */
static int dev_put_types(struct sk_buff *msg, const struct ankus_rx_backend *b)
{
	u32 works = 0, last = 0;
	u64 now = ktime_get_ns();
	unsigned int i;

	for (i = 0; i < ANKUS_FLOW_TYPES; i++) {
		works |= b->type[i].works << i;
		last |= (now < b->type[i].retry_ns) << i;
	}
	return nla_put_u32(msg, ANKUS_A_RX_BACKEND_WORKS, works) ?:
	       nla_put_u32(msg, ANKUS_A_RX_BACKEND_LAST, last);
}

static int dev_put_rss(struct sk_buff *msg, const struct ankus_dev *ad)
{
	const struct ankus_rss *rss = ad->rx.rss;
	int error = READ_ONCE(rss->error);

	return nla_put_u32(msg, ANKUS_A_RX_BACKEND_SIZE,
			   READ_ONCE(rss->table.size)) ?:
	       nla_put_u32(msg, ANKUS_A_RX_BACKEND_USED, ad->rx.buckets) ?:
	       nla_put_u32(msg, ANKUS_A_RX_BACKEND_DEDICATED,
			   READ_ONCE(rss->moved)) ?:
	       (error ? nla_put_u32(msg, ANKUS_A_RX_BACKEND_ERROR, -error) : 0);
}

static int dev_put_backend(struct sk_buff *msg, const struct ankus_dev *ad,
			   const struct ankus_rx_backend *b)
{
	const char *reason = b->reason ?: b->ops == &ankus_rx_rss_ops ?
			     ankus_rx_rss_blocked(ad) : NULL;
	struct nlattr *nest = nla_nest_start(msg, ANKUS_A_DEV_RX_BACKENDS);
	int err;

	if (!nest || nla_put_u32(msg, ANKUS_A_RX_BACKEND_BACKEND, b->ops->id))
		return -EMSGSIZE;
	if (reason && nla_put_string(msg, ANKUS_A_RX_BACKEND_REASON, reason))
		return -EMSGSIZE;
	err = b->ops == &ankus_rx_rss_ops ? dev_put_rss(msg, ad) :
	      nla_put_u32(msg, ANKUS_A_RX_BACKEND_SIZE,
			  READ_ONCE(ad->rx.slots)) ?:
	      nla_put_u32(msg, ANKUS_A_RX_BACKEND_USED, ad->rx.rules);
	if (err || dev_put_types(msg, b))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/**
 * ankus_nl_fill_dev() - describe a device
 * @msg: buffer
 * @ad: the device
 *
 * Context: Under ankus_net::lock.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_fill_dev(struct sk_buff *msg, struct ankus_dev *ad)
{
	const struct ankus_backend_ops *rx = ad->rx.ops;
	const struct ankus_config *cfg = &ad->cfg;
	struct net_device *netdev = ad->netdev;
	const char *cpu_reason = NULL;
	unsigned int i;
	bool cpu;

	cpu = ankus_steer_ops(ad, ANKUS_PIN_CPU, &cpu_reason);
	if (nla_put_u32(msg, ANKUS_A_DEV_IFINDEX, netdev->ifindex) ||
	    nla_put_string(msg, ANKUS_A_DEV_IFNAME, netdev->name) ||
	    nla_put_u32(msg, ANKUS_A_DEV_MODE, cfg->mode) ||
	    ankus_nl_put_queues(msg, ANKUS_A_DEV_RX_QUEUES, &cfg->rx) ||
	    ankus_nl_put_queues(msg, ANKUS_A_DEV_TX_QUEUES, &cfg->tx) ||
	    ankus_nl_put_queues(msg, ANKUS_A_DEV_RX_CPUS, &cfg->cpus) ||
	    nla_put_u64_64bit(msg, ANKUS_A_DEV_RATE_BPS, cfg->rate_bps,
			      ANKUS_A_DEV_PAD) ||
	    nla_put_u32(msg, ANKUS_A_DEV_HOLD_MS, cfg->hold_ms) ||
	    nla_put_u32(msg, ANKUS_A_DEV_RELEASE_MS, cfg->release_ms) ||
	    nla_put_u32(msg, ANKUS_A_DEV_BACKEND, cfg->backend) ||
	    nla_put_u32(msg, ANKUS_A_DEV_LINKS, cfg->links) ||
	    nla_put_u32(msg, ANKUS_A_DEV_TICK_MS, cfg->tick_ms) ||
	    nla_put_u32(msg, ANKUS_A_DEV_FLOW_MAX, cfg->flow_max) ||
	    nla_put_u32(msg, ANKUS_A_DEV_SKETCH_BYTES, cfg->sketch_bytes) ||
	    nla_put_u32(msg, ANKUS_A_DEV_NUM_RX_QUEUES,
			READ_ONCE(netdev->real_num_rx_queues)) ||
	    nla_put_u32(msg, ANKUS_A_DEV_NUM_TX_QUEUES,
			READ_ONCE(netdev->real_num_tx_queues)) ||
	    nla_put_u32(msg, ANKUS_A_DEV_FLOWS, READ_ONCE(ad->flows.count)) ||
	    nla_put_u32(msg, ANKUS_A_DEV_ELEPHANTS, ad->elephants) ||
	    nla_put_u32(msg, ANKUS_A_DEV_RX_BACKEND,
			rx ? rx->id :
			cpu ? ANKUS_BACKEND_CPU : ANKUS_BACKEND_NONE) ||
	    nla_put_u32(msg, ANKUS_A_DEV_RX_SLOTS,
			READ_ONCE(ad->rx.slots)) ||
	    nla_put_u32(msg, ANKUS_A_DEV_RX_RULES, ad->rx.rules) ||
	    nla_put_u32(msg, ANKUS_A_DEV_LOW_ENTROPY_PERMILLE,
			cfg->low_entropy_permille) ||
	    nla_put_u32(msg, ANKUS_A_DEV_RX_DEDICATED,
			cfg->rx_dedicated ? ANKUS_SWITCH_ON : ANKUS_SWITCH_OFF) ||
	    nla_put_u32(msg, ANKUS_A_DEV_NTUPLE,
			cfg->ntuple ? ANKUS_SWITCH_ON : ANKUS_SWITCH_OFF))
		return -EMSGSIZE;
	if (ad->rx.reason &&
	    nla_put_string(msg, ANKUS_A_DEV_RX_REASON, ad->rx.reason))
		return -EMSGSIZE;
	for (i = 0; i < ANKUS_RX_BACKENDS; i++)
		if (ad->rx.backend[i].ops &&
		    dev_put_backend(msg, ad, &ad->rx.backend[i]))
			return -EMSGSIZE;
	if (!cpu && nla_put_string(msg, ANKUS_A_DEV_CPU_REASON, cpu_reason))
		return -EMSGSIZE;
	return 0;
}

/* The attribute by which a request names its device */
static const struct nlattr *dev_named(const struct genl_info *info)
{
	return info->attrs[ANKUS_A_DEV_IFINDEX] ?:
	       info->attrs[ANKUS_A_DEV_IFNAME];
}

/* Can queues be taken out of the RSS table, and are there others? */
static int dev_check_dedicated(struct genl_info *info,
			       struct net_device *netdev,
			       const struct ankus_config *cfg)
{
	struct nlattr *nla = info->attrs[ANKUS_A_DEV_RX_DEDICATED] ?:
			     info->attrs[ANKUS_A_DEV_RX_QUEUES];
	const char *reason;

	if (!cfg->rx_dedicated)
		return 0;
	if (!cfg->rx.some ||
	    find_first_zero_bit(cfg->rx.map, netdev->real_num_rx_queues) ==
	    netdev->real_num_rx_queues) {
		NL_SET_ERR_MSG_ATTR(info->extack, nla,
				    "all queues cannot be dedicated: rx-queues is to leave some to the other flows");
		return -EINVAL;
	}
	/* what was accepted once is not asked for again */
	if (!info->attrs[ANKUS_A_DEV_RX_DEDICATED])
		return 0;
	reason = ankus_rx_rss_fixed(netdev);
	if (!reason)
		return 0;
	/* the macros take literals only; this is a constant too */
	info->extack->_msg = reason;
	NL_SET_BAD_ATTR(info->extack, nla);
	return -EOPNOTSUPP;
}

/* What a request says goes over what holds so far */
static int dev_parse(struct genl_info *info, struct net_device *netdev,
		     struct ankus_config *cfg)
{
	struct nlattr **attrs = info->attrs;
	int err;

	if (attrs[ANKUS_A_DEV_MODE])
		cfg->mode = nla_get_u32(attrs[ANKUS_A_DEV_MODE]);
	if (attrs[ANKUS_A_DEV_BACKEND])
		cfg->backend = nla_get_u32(attrs[ANKUS_A_DEV_BACKEND]);
	if (attrs[ANKUS_A_DEV_LINKS])
		cfg->links = nla_get_u32(attrs[ANKUS_A_DEV_LINKS]);
	if (attrs[ANKUS_A_DEV_HOLD_MS])
		cfg->hold_ms = nla_get_u32(attrs[ANKUS_A_DEV_HOLD_MS]);
	if (attrs[ANKUS_A_DEV_RELEASE_MS])
		cfg->release_ms = nla_get_u32(attrs[ANKUS_A_DEV_RELEASE_MS]);
	if (attrs[ANKUS_A_DEV_RATE_BPS])
		cfg->rate_bps = nla_get_u64(attrs[ANKUS_A_DEV_RATE_BPS]);
	if (attrs[ANKUS_A_DEV_TICK_MS])
		cfg->tick_ms = nla_get_u32(attrs[ANKUS_A_DEV_TICK_MS]);
	if (attrs[ANKUS_A_DEV_LOW_ENTROPY_PERMILLE])
		cfg->low_entropy_permille =
			nla_get_u32(attrs[ANKUS_A_DEV_LOW_ENTROPY_PERMILLE]);

	if (attrs[ANKUS_A_DEV_NTUPLE])
		cfg->ntuple = nla_get_u32(attrs[ANKUS_A_DEV_NTUPLE]) ==
			      ANKUS_SWITCH_ON;
	if (attrs[ANKUS_A_DEV_RX_DEDICATED])
		cfg->rx_dedicated = nla_get_u32(attrs[ANKUS_A_DEV_RX_DEDICATED]) ==
				    ANKUS_SWITCH_ON;

	if (!cfg->rate_bps) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[ANKUS_A_DEV_RATE_BPS],
				    "a rate of 0 would make every flow an elephant");
		return -ERANGE;
	}
	if (cfg->tick_ms < DEV_TICK_MIN_MS) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[ANKUS_A_DEV_TICK_MS],
				    "a tick takes 10 ms at least");
		return -ERANGE;
	}
	err = ankus_nl_get_queues(info, ANKUS_A_DEV_RX_QUEUES,
				  min(netdev->num_rx_queues, ANKUS_MAX_QUEUES + 0U),
				  &cfg->rx) ?:
	      dev_check_dedicated(info, netdev, cfg);
	if (err)
		return err;
	err = ankus_nl_get_queues(info, ANKUS_A_DEV_TX_QUEUES,
				  min(netdev->num_tx_queues, ANKUS_MAX_QUEUES + 0U),
				  &cfg->tx);
	if (err)
		return err;
	return ankus_nl_get_cpus(info, ANKUS_A_DEV_RX_CPUS, &cfg->cpus);
}

/* What is fixed when a device is added */
static int dev_parse_sizes(struct genl_info *info, struct ankus_config *cfg)
{
	bool privileged = genl_info_net(info)->user_ns == &init_user_ns;
	struct nlattr *flows = info->attrs[ANKUS_A_DEV_FLOW_MAX];
	struct nlattr *sketch = info->attrs[ANKUS_A_DEV_SKETCH_BYTES];

	if (flows)
		cfg->flow_max = nla_get_u32(flows);
	if (cfg->flow_max < DEV_FLOW_MIN) {
		NL_SET_ERR_MSG_ATTR(info->extack, flows,
				    "a flow table holds 64 flows at least");
		return -ERANGE;
	}
	if (cfg->flow_max > DEV_FLOW_MAX_USER_NS && !privileged) {
		NL_SET_ERR_MSG_ATTR(info->extack, flows,
				    "a flow table of a user namespace holds 16384 flows at most");
		return -EPERM;
	}
	if (sketch)
		cfg->sketch_bytes = nla_get_u32(sketch);
	if (cfg->sketch_bytes && (cfg->sketch_bytes < DEV_SKETCH_MIN_BYTES ||
				  !is_power_of_2(cfg->sketch_bytes))) {
		NL_SET_ERR_MSG_ATTR(info->extack, sketch,
				    "the size of a sketch is a power of two, 4096 bytes at least, or 0 for none");
		return -ERANGE;
	}
	if (cfg->sketch_bytes > DEV_SKETCH_MAX_USER_NS && !privileged) {
		NL_SET_ERR_MSG_ATTR(info->extack, sketch,
				    "a sketch of a user namespace takes 262144 bytes at most");
		return -EPERM;
	}
	return 0;
}

/**
 * ankus_nl_dev_new_doit() - ANKUS_CMD_DEV_NEW
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_dev_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct net_device *netdev;
	struct ankus_config cfg;
	int err;

	ankus_config_default(&cfg);
	err = dev_parse_sizes(info, &cfg);
	if (err)
		return err;

	rtnl_lock();
	netdev = ankus_nl_netdev(info, ANKUS_A_DEV_IFINDEX, ANKUS_A_DEV_IFNAME);
	err = PTR_ERR_OR_ZERO(netdev);
	if (!err)
		err = dev_parse(info, netdev, &cfg);
	if (!err) {
		err = ankus_manage_add(an, netdev, &cfg, info->extack);
		if (err)
			NL_SET_BAD_ATTR(info->extack, dev_named(info));
	}
	rtnl_unlock();
	return err;
}

/**
 * ankus_nl_dev_set_doit() - ANKUS_CMD_DEV_SET
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_dev_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_config cfg;
	struct ankus_dev *ad;
	int err;

	rtnl_lock();
	mutex_lock(&an->lock);
	ad = ankus_nl_dev(info, ANKUS_A_DEV_IFINDEX, ANKUS_A_DEV_IFNAME);
	err = PTR_ERR_OR_ZERO(ad);
	if (err)
		goto out;
	err = -EBUSY;
	if (ad->draining) {
		NL_SET_ERR_MSG_ATTR(info->extack, dev_named(info),
				    "the device is being let go");
		goto out;
	}
	cfg = ad->cfg;
	err = dev_parse(info, ad->netdev, &cfg);
	if (err)
		goto out;
	/* rtnl keeps the device; to turn a feature tells everybody */
	mutex_unlock(&an->lock);
	err = ankus_manage_ntuple(ad, &cfg, info->extack);
	mutex_lock(&an->lock);
	if (!err && ad->draining) {
		err = -EBUSY;
		NL_SET_ERR_MSG(info->extack, "the device is being let go");
	}
	if (err) {
		NL_SET_BAD_ATTR(info->extack, info->attrs[ANKUS_A_DEV_NTUPLE]);
		goto out;
	}

	ad->cfg = cfg;
	/* flows take their threshold and queues anew, as if rules had changed */
	an->rule_gen++;
	an->seq++;
	if (cfg.mode == ANKUS_MODE_OBSERVE)
		ankus_control_release_all(ad);
	mutex_unlock(&an->lock);
	ankus_rx_rss_forgive(ad);
	ankus_control_refresh(ad);
	mutex_lock(&an->lock);
	ankus_control_run_soon(ad);
	ankus_event_dev(ad, ANKUS_EVENT_DEV_SET);
out:
	mutex_unlock(&an->lock);
	rtnl_unlock();
	return err;
}

/**
 * ankus_nl_dev_del_doit() - ANKUS_CMD_DEV_DEL
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_dev_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_dev *ad;
	int err;

	rtnl_lock();
	mutex_lock(&an->lock);
	ad = ankus_nl_dev(info, ANKUS_A_DEV_IFINDEX, ANKUS_A_DEV_IFNAME);
	err = PTR_ERR_OR_ZERO(ad);
	if (!err && ad->draining) {
		NL_SET_ERR_MSG(info->extack, "the device is being let go");
		err = -EBUSY;
	}
	if (!err)
		kref_get(&ad->ref);
	mutex_unlock(&an->lock);
	rtnl_unlock();
	if (err)
		return err;

	ankus_manage_drain(ad);

	/* gone only changes under rtnl as well */
	rtnl_lock();
	if (!ad->gone)
		ankus_manage_del(ad);
	rtnl_unlock();
	ankus_dev_put(ad);
	return 0;
}

/**
 * ankus_nl_get_dev() - answer with one message about one device
 * @info: the request
 * @cmd: command of the answer
 * @ifindex_attr: attribute with the index of the device
 * @ifname_attr: attribute with its name
 * @fill: describes the device, under ankus_net::lock
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_get_dev(struct genl_info *info, u8 cmd, int ifindex_attr,
		     int ifname_attr, ankus_nl_fill_dev_t fill)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_dev *ad;
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = ankus_nl_reply_new(info, cmd, &hdr);
	if (!msg)
		return -ENOMEM;

	rtnl_lock();
	mutex_lock(&an->lock);
	ad = ankus_nl_dev(info, ifindex_attr, ifname_attr);
	err = IS_ERR(ad) ? PTR_ERR(ad) : fill(msg, ad);
	mutex_unlock(&an->lock);
	rtnl_unlock();
	return ankus_nl_reply(info, msg, hdr, err);
}

/**
 * ankus_nl_dump_devs() - a message about each device
 * @skb: buffer
 * @cb: the dump
 * @cmd: command of the messages
 * @ifindex: only this device, 0 for all
 * @fill: describes a device, under ankus_net::lock
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_dump_devs(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		       int ifindex, ankus_nl_fill_dev_t fill)
{
	struct ankus_net *an = ankus_net(sock_net(skb->sk));
	unsigned int skip = cb->args[0], i = 0;
	struct ankus_dev *ad;
	void *hdr;
	int err = 0;

	mutex_lock(&an->lock);
	cb->seq = an->seq;
	list_for_each_entry(ad, &an->devs, list) {
		if (i < skip || (ifindex && ad->netdev->ifindex != ifindex)) {
			i++;
			continue;
		}
		hdr = ankus_nl_put_dump_header(skb, cb, cmd);
		err = hdr ? fill(skb, ad) : -EMSGSIZE;
		if (err) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		i++;
	}
	mutex_unlock(&an->lock);
	cb->args[0] = i;
	return skb->len ?: err;
}

/**
 * ankus_nl_dev_get_doit() - ANKUS_CMD_DEV_GET of one device
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return ankus_nl_get_dev(info, ANKUS_CMD_DEV_GET, ANKUS_A_DEV_IFINDEX,
				ANKUS_A_DEV_IFNAME, ankus_nl_fill_dev);
}

/**
 * ankus_nl_dev_get_dumpit() - ANKUS_CMD_DEV_GET of all devices
 * @skb: buffer
 * @cb: the dump
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	int ifindex = ankus_nl_dump_ifindex(cb, skb, ANKUS_A_DEV_IFINDEX,
					    ANKUS_A_DEV_IFNAME);

	if (ifindex < 0)
		return ifindex;
	return ankus_nl_dump_devs(skb, cb, ANKUS_CMD_DEV_GET, ifindex,
				  ankus_nl_fill_dev);
}

