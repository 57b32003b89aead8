// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about pairs; netlink_dump.c lists them. */
#include <linux/jiffies.h>

#include "dev.h"
#include "netlink.h"
#include "netlink_gen.h"

/**
 * ankus_nl_pair_state() - what a pair is to the user
 * @pair: the pair
 *
 * Context: Under ankus_net::lock.
 * Return: ANKUS_FLOW_STATE_ELEPHANT when its small flows together are one, or
 * one of its flows is; else ANKUS_FLOW_STATE_MOUSE.
 */
enum ankus_flow_state ankus_nl_pair_state(const struct ankus_pair *pair)
{
	return pair->grouped || pair->elephants ? ANKUS_FLOW_STATE_ELEPHANT :
						  ANKUS_FLOW_STATE_MOUSE;
}

static int pair_put_key(struct sk_buff *msg, const struct ankus_key *key)
{
	int len = key->family == AF_INET ? 4 : 16;

	return nla_put_u32(msg, ANKUS_A_PAIR_DIR, key->dir) ?:
	       nla_put_u16(msg, ANKUS_A_PAIR_FAMILY, key->family) ?:
	       nla_put(msg, ANKUS_A_PAIR_SRC, len, &key->src) ?:
	       nla_put(msg, ANKUS_A_PAIR_DST, len, &key->dst);
}

static int pair_put(struct sk_buff *msg, int attr, u64 value)
{
	return nla_put_u64_64bit(msg, attr, value, ANKUS_A_PAIR_PAD);
}

/**
 * ankus_nl_fill_pair() - describe a pair
 * @msg: buffer
 * @ad: its device
 * @pair: the pair
 *
 * Context: Under ankus_net::lock.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_fill_pair(struct sk_buff *msg, const struct ankus_dev *ad,
		       const struct ankus_pair *pair)
{
	u64 age_ns = ktime_get_ns() - pair->first_ns;
	int err;

	err = pair_put(msg, ANKUS_A_PAIR_ID, pair->id) ?:
	      nla_put_u32(msg, ANKUS_A_PAIR_IFINDEX, ad->netdev->ifindex) ?:
	      nla_put_string(msg, ANKUS_A_PAIR_IFNAME, ad->netdev->name) ?:
	      pair_put_key(msg, &pair->key) ?:
	      nla_put_u32(msg, ANKUS_A_PAIR_STATE, ankus_nl_pair_state(pair)) ?:
	      pair_put(msg, ANKUS_A_PAIR_BYTES, pair->bytes) ?:
	      pair_put(msg, ANKUS_A_PAIR_RATE_BPS, pair->rate.slow_bps) ?:
	      pair_put(msg, ANKUS_A_PAIR_SMALL_BPS,
		       pair->small.slow_bps + pair->unseen.slow_bps) ?:
	      pair_put(msg, ANKUS_A_PAIR_SMALL_PERMILLE,
		       ankus_pair_small_permille(ad, pair)) ?:
	      nla_put_u32(msg, ANKUS_A_PAIR_FLOWS, pair->flows) ?:
	      nla_put_u32(msg, ANKUS_A_PAIR_ELEPHANTS, pair->elephants) ?:
	      pair_put(msg, ANKUS_A_PAIR_AGE_MS,
		       div_u64(age_ns, NSEC_PER_MSEC)) ?:
	      pair_put(msg, ANKUS_A_PAIR_IDLE_MS,
		       jiffies_to_msecs(jiffies - pair->idle_jiffies));
	if (!err && pair->grouped)
		err = nla_put_flag(msg, ANKUS_A_PAIR_GROUPED);
	return err;
}

/* Describes the pair that a request names */
static int pair_answer(struct genl_info *info, struct sk_buff *msg)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct nlattr *nla = info->attrs[ANKUS_A_PAIR_ID];
	const struct ankus_pair *pair;
	struct ankus_dev *ad;

	if (!nla) {
		NL_SET_ERR_MSG(info->extack, "no pair named: id is needed");
		return -EINVAL;
	}
	list_for_each_entry(ad, &an->devs, list) {
		pair = ankus_pair_next(&ad->pairs, nla_get_u64(nla) - 1);
		if (pair && pair->id == nla_get_u64(nla))
			return ankus_nl_fill_pair(msg, ad, pair);
	}
	NL_SET_ERR_MSG_ATTR(info->extack, nla, "no pair with this id");
	return -ENOENT;
}

/**
 * ankus_nl_pair_get_doit() - ANKUS_CMD_PAIR_GET of one pair
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_pair_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = ankus_nl_reply_new(info, ANKUS_CMD_PAIR_GET, &hdr);
	if (!msg)
		return -ENOMEM;
	mutex_lock(&an->lock);
	err = pair_answer(info, msg);
	mutex_unlock(&an->lock);
	return ankus_nl_reply(info, msg, hdr, err);
}
