// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family "ankus": its registration and what the handlers
 * in netlink_*.c share.  Policies and the table of operations are generated
 * from Documentation/netlink/specs/ankus.yaml.
 *
 * A request is checked as a whole before anything is changed.
 */
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "dev.h"
#include "netlink.h"
#include "netlink_gen.h"

#define NETLINK_RANGES_MAX 64
#define NETLINK_CPU_RANGES_MAX 16

static const struct genl_multicast_group netlink_groups[] = {
	[ANKUS_NLGRP_EVENTS] = { .name = ANKUS_MCGRP_EVENTS, },
};

/* The family is registered: its group is ours to send to */
static bool netlink_serving;

static struct genl_family netlink_family __ro_after_init = {
	.name = ANKUS_FAMILY_NAME,
	.version = ANKUS_FAMILY_VERSION,
	.netnsok = true,
	/* what requests look at has locks of its own; dev-del takes its time */
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ankus_nl_ops,
	.n_ops = ARRAY_SIZE(ankus_nl_ops),
	/* validate all operations strictly */
	.resv_start_op = 1,
	.mcgrps = netlink_groups,
	.n_mcgrps = ARRAY_SIZE(netlink_groups),
};

/**
 * ankus_netlink_init() - begin to take requests
 *
 * Context: Module init.
 * Return: 0 or -errno.
 */
int ankus_netlink_init(void)
{
	int err = genl_register_family(&netlink_family);

	netlink_serving = !err;
	return err;
}

/**
 * ankus_netlink_exit() - take no more requests
 *
 * Waits for those under way.
 *
 * Context: Module exit.
 */
void ankus_netlink_exit(void)
{
	WRITE_ONCE(netlink_serving, false);
	genl_unregister_family(&netlink_family);
}

/**
 * ankus_nl_listening() - would anybody read a notification?
 * @net: namespace
 *
 * Context: Any.
 * Return: true if so.
 */
bool ankus_nl_listening(struct net *net)
{
	return READ_ONCE(netlink_serving) &&
	       genl_has_listeners(&netlink_family, net, ANKUS_NLGRP_EVENTS);
}

/**
 * ankus_nl_multicast() - send a notification
 * @net: namespace
 * @msg: finished message, consumed
 *
 * Context: May sleep.
 */
void ankus_nl_multicast(struct net *net, struct sk_buff *msg)
{
	genlmsg_multicast_netns(&netlink_family, net, msg, 0,
				ANKUS_NLGRP_EVENTS, GFP_KERNEL);
}

/**
 * ankus_nl_put_header() - begin a message
 * @msg: buffer
 * @portid: receiver, 0 for notifications
 * @seq: sequence number of the request, or 0
 * @flags: NLM_F_*
 * @cmd: ANKUS_CMD_*
 *
 * Context: Any.
 * Return: the header for genlmsg_end(), NULL when there is no room.
 */
void *ankus_nl_put_header(struct sk_buff *msg, u32 portid, u32 seq, int flags,
			  u8 cmd)
{
	return genlmsg_put(msg, portid, seq, &netlink_family, flags, cmd);
}

/**
 * ankus_nl_put_dump_header() - begin a message of a dump
 * @msg: buffer
 * @cb: the dump, its sequence number set
 * @cmd: ANKUS_CMD_*
 *
 * Context: Any.
 * Return: as ankus_nl_put_header().
 */
void *ankus_nl_put_dump_header(struct sk_buff *msg, struct netlink_callback *cb,
			       u8 cmd)
{
	void *hdr;

	hdr = genlmsg_put(msg, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &netlink_family, NLM_F_MULTI, cmd);
	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

/**
 * ankus_nl_netdev() - the network device a request names
 * @info: the request
 * @ifindex_attr: attribute with its index
 * @ifname_attr: attribute with its name
 *
 * Context: Under rtnl.
 * Return: the device; ERR_PTR(-EINVAL) when none is named or the two do not
 * agree, ERR_PTR(-ENODEV) when the namespace has no such device.
 */
struct net_device *ankus_nl_netdev(struct genl_info *info, int ifindex_attr,
				   int ifname_attr)
{
	struct nlattr *index = info->attrs[ifindex_attr];
	struct nlattr *name = info->attrs[ifname_attr];
	struct net *net = genl_info_net(info);
	struct net_device *netdev = NULL;

	ASSERT_RTNL();

	if (!index && !name) {
		NL_SET_ERR_MSG(info->extack, "no device named: ifname or ifindex is needed");
		return ERR_PTR(-EINVAL);
	}
	if (index)
		netdev = __dev_get_by_index(net, nla_get_u32(index));
	else
		netdev = __dev_get_by_name(net, nla_data(name));
	if (!netdev) {
		NL_SET_ERR_MSG_ATTR(info->extack, index ?: name, "no such device");
		return ERR_PTR(-ENODEV);
	}
	if (index && name && strcmp(netdev->name, nla_data(name))) {
		NL_SET_ERR_MSG_ATTR(info->extack, name,
				    "ifname and ifindex name two devices");
		return ERR_PTR(-EINVAL);
	}
	return netdev;
}

/**
 * ankus_nl_dev() - the managed device a request names
 * @info: the request
 * @ifindex_attr: attribute with its index
 * @ifname_attr: attribute with its name
 *
 * Context: Under rtnl and ankus_net::lock.
 * Return: the device, or ERR_PTR() as ankus_nl_netdev(), ERR_PTR(-ENOENT) when
 * it is not managed.
 */
struct ankus_dev *ankus_nl_dev(struct genl_info *info, int ifindex_attr,
			       int ifname_attr)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct net_device *netdev;
	struct ankus_dev *ad;

	netdev = ankus_nl_netdev(info, ifindex_attr, ifname_attr);
	if (IS_ERR(netdev))
		return ERR_CAST(netdev);
	ad = ankus_dev_find(an, netdev);
	if (!ad) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[ifindex_attr] ?:
				    info->attrs[ifname_attr],
				    "the device is not managed (ankus dev add)");
		return ERR_PTR(-ENOENT);
	}
	return ad;
}

/**
 * ankus_nl_dump_ifindex() - the device that a dump is restricted to
 * @cb: the dump
 * @skb: its buffer
 * @ifindex_attr: attribute with the index
 * @ifname_attr: attribute with the name
 *
 * Context: Any.
 * Return: its index, 0 for all devices, -ENODEV when there is no such device,
 * -EINVAL when name and index do not agree.
 */
int ankus_nl_dump_ifindex(struct netlink_callback *cb, struct sk_buff *skb,
			  int ifindex_attr, int ifname_attr)
{
	struct nlattr **attrs = ankus_dump_attrs(cb);
	struct nlattr *index = attrs[ifindex_attr];
	struct nlattr *name = attrs[ifname_attr];
	struct net *net = sock_net(skb->sk);
	struct net_device *netdev;
	bool agree = true;
	int ifindex = 0;

	if (!index && !name)
		return 0;
	rcu_read_lock();
	netdev = index ? dev_get_by_index_rcu(net, nla_get_u32(index)) :
			 dev_get_by_name_rcu(net, nla_data(name));
	if (netdev) {
		ifindex = netdev->ifindex;
		agree = !index || !name || !strcmp(netdev->name, nla_data(name));
	}
	rcu_read_unlock();
	if (!ifindex) {
		NL_SET_ERR_MSG_ATTR(cb->extack, index ?: name, "no such device");
		return -ENODEV;
	}
	if (!agree) {
		NL_SET_ERR_MSG_ATTR(cb->extack, name,
				    "ifname and ifindex name two devices");
		return -EINVAL;
	}
	return ifindex;
}

/**
 * ankus_nl_no_filter() - refuse a dump that asks for one object
 * @cb: the dump
 * @attr: attribute that names one object
 *
 * Context: Any.
 * Return: 0, or -EINVAL when the attribute is there.
 */
int ankus_nl_no_filter(struct netlink_callback *cb, int attr)
{
	struct nlattr *nla = ankus_dump_attrs(cb)[attr];

	if (!nla)
		return 0;
	NL_SET_ERR_MSG_ATTR(cb->extack, nla,
			    "names one object, which is to be asked for without NLM_F_DUMP");
	return -EINVAL;
}

/**
 * ankus_nl_get_queues() - read a set of queues from a request
 * @info: the request
 * @attr: the attribute, once for each range; one empty nest means all queues
 * @n_queues: queues that the device can have at most
 * @queues: filled in; left alone when the attribute is absent
 *
 * Context: Any.
 * Return: 0 or -errno.
 */
int ankus_nl_get_queues(struct genl_info *info, int attr, unsigned int n_queues,
			struct ankus_queues *queues)
{
	struct nlattr *tb[ANKUS_A_QUEUE_RANGE_MAX + 1];
	unsigned int ranges = 0;
	struct nlattr *nest;
	u32 first, last;
	int rem, err;

	if (!info->attrs[attr])
		return 0;
	memset(queues, 0, sizeof(*queues));

	nlmsg_for_each_attr(nest, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(nest) != attr)
			continue;
		if (!nla_len(nest)) {
			if (nest == info->attrs[attr] && !queues->some)
				continue;
			NL_SET_ERR_MSG_ATTR(info->extack, nest,
					    "an empty set means all queues and stands alone");
			return -EINVAL;
		}
		err = nla_parse_nested(tb, ANKUS_A_QUEUE_RANGE_MAX, nest,
				       ankus_queue_range_nl_policy,
				       info->extack);
		if (err)
			return err;
		if (!tb[ANKUS_A_QUEUE_RANGE_FIRST]) {
			NL_SET_ERR_MSG_ATTR(info->extack, nest,
					    "a range of queues needs its first");
			return -EINVAL;
		}
		first = nla_get_u32(tb[ANKUS_A_QUEUE_RANGE_FIRST]);
		last = tb[ANKUS_A_QUEUE_RANGE_LAST] ?
		       nla_get_u32(tb[ANKUS_A_QUEUE_RANGE_LAST]) : first;
		if (last < first) {
			NL_SET_ERR_MSG_ATTR(info->extack, nest,
					    "a range of queues ends before it begins");
			return -EINVAL;
		}
		if (last >= n_queues) {
			NL_SET_ERR_MSG_ATTR(info->extack, nest,
					    "the device has no such queue");
			return -ERANGE;
		}
		bitmap_set(queues->map, first, last - first + 1);
		queues->some = true;
	}
	/* what is taken must fit into an answer */
	for_each_set_bitrange(first, last, queues->map, ANKUS_MAX_QUEUES)
		ranges++;
	if (ranges > NETLINK_RANGES_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
				    "a set of queues has 64 ranges at most");
		return -E2BIG;
	}
	return 0;
}

/**
 * ankus_nl_get_cpus() - read a set of CPUs from a request
 * @info: the request
 * @attr: the attribute, as for ankus_nl_get_queues()
 * @cpus: filled in; left alone when the attribute is absent
 *
 * Context: Any.
 * Return: 0 or -errno.
 */
int ankus_nl_get_cpus(struct genl_info *info, int attr,
		      struct ankus_queues *cpus)
{
	unsigned int cpu, first, end, ranges = 0;
	int err;

	err = ankus_nl_get_queues(info, attr, ANKUS_MAX_QUEUES, cpus);
	if (err || !info->attrs[attr] || !cpus->some)
		return err;
	/* an answer has room for two sets of queues and this */
	for_each_set_bitrange(first, end, cpus->map, ANKUS_MAX_QUEUES)
		ranges++;
	if (ranges > NETLINK_CPU_RANGES_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
				    "a set of CPUs has 16 ranges at most");
		return -E2BIG;
	}
	for_each_set_bit(cpu, cpus->map, ANKUS_MAX_QUEUES) {
		if (cpu < nr_cpu_ids && cpu_possible(cpu))
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr],
				    "the machine has no such CPU");
		return -ERANGE;
	}
	return 0;
}

/**
 * ankus_nl_put_queues() - write a set of queues
 * @msg: buffer
 * @attr: the attribute, once for each range
 * @queues: the set; nothing is written for all queues
 *
 * Context: Any.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_put_queues(struct sk_buff *msg, int attr,
			const struct ankus_queues *queues)
{
	unsigned int first, end;
	struct nlattr *nest;

	if (!queues->some)
		return 0;
	for_each_set_bitrange(first, end, queues->map, ANKUS_MAX_QUEUES) {
		nest = nla_nest_start(msg, attr);
		if (!nest ||
		    nla_put_u32(msg, ANKUS_A_QUEUE_RANGE_FIRST, first) ||
		    nla_put_u32(msg, ANKUS_A_QUEUE_RANGE_LAST, end - 1))
			return -EMSGSIZE;
		nla_nest_end(msg, nest);
	}
	return 0;
}

/**
 * ankus_nl_reply_new() - begin the answer to a request
 * @info: the request
 * @cmd: ANKUS_CMD_*
 * @hdr: set to the header of the answer
 *
 * Context: May sleep.
 * Return: the answer, NULL when memory is short.
 */
struct sk_buff *ankus_nl_reply_new(struct genl_info *info, u8 cmd, void **hdr)
{
	struct sk_buff *msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!msg) {
		NL_SET_ERR_MSG(info->extack, "out of memory");
		return NULL;
	}
	*hdr = ankus_nl_put_header(msg, info->snd_portid, info->snd_seq, 0, cmd);
	return msg;
}

/**
 * ankus_nl_reply() - finish and send the answer to a request
 * @info: the request
 * @msg: the answer, consumed
 * @hdr: its header
 * @err: what filling it gave
 *
 * Context: May sleep.
 * Return: 0 or -errno.
 */
int ankus_nl_reply(struct genl_info *info, struct sk_buff *msg, void *hdr,
		   int err)
{
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}
