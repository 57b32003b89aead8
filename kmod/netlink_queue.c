// SPDX-License-Identifier: GPL-2.0
/* Netlink requests for the queues of managed devices. */
#include <linux/rtnetlink.h>
#include <net/sock.h>

#include "balance.h"
#include "compat.h"
#include "netlink.h"
#include "netlink_gen.h"

static int queue_fill(struct sk_buff *msg, const struct ankus_dev *ad,
		      enum ankus_dir dir, unsigned int queue)
{
	bool in = dir == ANKUS_DIR_IN;
	const struct ankus_queue_load *queues = ad->balance->traffic[dir].queues;
	const struct ankus_queue_load *load = &queues[queue];
	const struct ankus_queues *open = in ? &ad->cfg.rx : &ad->cfg.tx;
	const struct ankus_bin_balance *all;
	unsigned int i, n = ankus_balance_queues(ad, dir);
	u64 sum = 0, share = 0;

	all = &ad->balance->kind[in ? ANKUS_PIN_RXQ : ANKUS_PIN_TXQ];
	for (i = 0; i < n; i++)
		sum += queues[i].load_bps;
	/* the device may have got fewer queues since the caller looked */
	if (sum)
		share = min_t(u64, mul_u64_u64_div_u64(load->load_bps, 1000,
						       sum), 1000);

	if (nla_put_u32(msg, ANKUS_A_QUEUE_IFINDEX, ad->netdev->ifindex) ||
	    nla_put_string(msg, ANKUS_A_QUEUE_IFNAME, ad->netdev->name) ||
	    nla_put_u32(msg, ANKUS_A_QUEUE_DIR, dir) ||
	    nla_put_u32(msg, ANKUS_A_QUEUE_QUEUE, queue) ||
	    nla_put_u64_64bit(msg, ANKUS_A_QUEUE_LOAD_BPS, load->load_bps,
			      ANKUS_A_QUEUE_PAD) ||
	    nla_put_u32(msg, ANKUS_A_QUEUE_SHARE_PERMILLE, share) ||
	    nla_put_u32(msg, ANKUS_A_QUEUE_FLOWS, load->pinned) ||
	    nla_put_u64_64bit(msg, ANKUS_A_QUEUE_PINNED_BPS, load->pinned_bps,
			      ANKUS_A_QUEUE_PAD) ||
	    (ankus_queues_has(open, queue) &&
	     nla_put_flag(msg, ANKUS_A_QUEUE_OPEN)) ||
	    nla_put_u32(msg, ANKUS_A_QUEUE_IMBALANCE_PERMILLE,
			all->actual_permille) ||
	    nla_put_u32(msg, ANKUS_A_QUEUE_EXPECTED_PERMILLE,
			all->expected_permille))
		return -EMSGSIZE;
	return 0;
}

/* Describes the queue that a request names */
static int queue_answer(struct genl_info *info, struct sk_buff *msg)
{
	struct nlattr *dir = info->attrs[ANKUS_A_QUEUE_DIR];
	struct nlattr *queue = info->attrs[ANKUS_A_QUEUE_QUEUE];
	struct ankus_dev *ad;

	ad = ankus_nl_dev(info, ANKUS_A_QUEUE_IFINDEX, ANKUS_A_QUEUE_IFNAME);
	if (IS_ERR(ad))
		return PTR_ERR(ad);
	if (!dir || !queue) {
		NL_SET_ERR_MSG(info->extack,
			       "no queue named: dir and queue are needed");
		return -EINVAL;
	}
	if (nla_get_u32(queue) >= ankus_balance_queues(ad, nla_get_u32(dir))) {
		NL_SET_ERR_MSG_ATTR(info->extack, queue,
				    "the device has no such queue");
		return -ERANGE;
	}
	return queue_fill(msg, ad, nla_get_u32(dir), nla_get_u32(queue));
}

/**
 * ankus_nl_queue_get_doit() - ANKUS_CMD_QUEUE_GET of one queue
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_queue_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = ankus_nl_reply_new(info, ANKUS_CMD_QUEUE_GET, &hdr);
	if (!msg)
		return -ENOMEM;
	rtnl_lock();
	mutex_lock(&an->lock);
	err = queue_answer(info, msg);
	mutex_unlock(&an->lock);
	rtnl_unlock();
	return ankus_nl_reply(info, msg, hdr, err);
}

/**
 * ankus_nl_queue_get_dumpit() - ANKUS_CMD_QUEUE_GET of all queues
 * @skb: buffer
 * @cb: the dump; counts queues over all devices and directions
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_queue_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nlattr *only = ankus_dump_attrs(cb)[ANKUS_A_QUEUE_DIR];
	struct ankus_net *an = ankus_net(sock_net(skb->sk));
	unsigned long at = 0;
	struct ankus_dev *ad;
	unsigned int dir, i;
	int ifindex, err;
	void *hdr;

	err = ankus_nl_no_filter(cb, ANKUS_A_QUEUE_QUEUE);
	if (err)
		return err;
	ifindex = ankus_nl_dump_ifindex(cb, skb, ANKUS_A_QUEUE_IFINDEX,
					ANKUS_A_QUEUE_IFNAME);
	if (ifindex < 0)
		return ifindex;
	mutex_lock(&an->lock);
	cb->seq = an->seq;
	list_for_each_entry(ad, &an->devs, list) {
		if (ifindex && ad->netdev->ifindex != ifindex)
			continue;
		for (dir = 0; dir < ANKUS_DIRS; dir++) {
			unsigned int n = ankus_balance_queues(ad, dir);

			if (only && nla_get_u32(only) != dir)
				continue;
			for (i = 0; i < n; i++, at++) {
				if (at < cb->args[0])
					continue;
				hdr = ankus_nl_put_dump_header(skb, cb,
							       ANKUS_CMD_QUEUE_GET);
				err = hdr ? queue_fill(skb, ad, dir, i) :
					    -EMSGSIZE;
				if (err) {
					if (hdr)
						genlmsg_cancel(skb, hdr);
					goto out;
				}
				genlmsg_end(skb, hdr);
				cb->args[0] = at + 1;
			}
		}
	}
out:
	mutex_unlock(&an->lock);
	return skb->len ?: err;
}
