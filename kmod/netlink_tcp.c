// SPDX-License-Identifier: GPL-2.0
/* What local TCP sockets tell, as a part of flows, rules and links. */
#include <linux/slab.h>

#include "dev.h"
#include "link.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "rule.h"
#include "tcp.h"

static int tcp_put_sent(struct sk_buff *msg, const struct ankus_tcp *tcp)
{
	int err;

	err = nla_put_u32(msg, ANKUS_A_TCP_SRTT_US, tcp->srtt_us) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_TCP_CWND, tcp->cwnd,
				ANKUS_A_TCP_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_TCP_BYTES_SENT, tcp->bytes_sent,
				ANKUS_A_TCP_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_TCP_BYTES_RETRANS,
				tcp->bytes_retrans, ANKUS_A_TCP_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_TCP_RETRANSMITS, tcp->retransmits,
				ANKUS_A_TCP_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_TCP_LOST, tcp->lost,
				ANKUS_A_TCP_PAD) ?:
	      nla_put_u32(msg, ANKUS_A_TCP_REORDERING, tcp->reordering) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_TCP_REORD_SEEN, tcp->reord_seen,
				ANKUS_A_TCP_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_TCP_DELIVERY_BPS,
				tcp->delivery_bps, ANKUS_A_TCP_PAD);
	if (!err && tcp->min_rtt_us != U32_MAX)
		err = nla_put_u32(msg, ANKUS_A_TCP_MIN_RTT_US, tcp->min_rtt_us);
	return err;
}

static int tcp_put_received(struct sk_buff *msg, const struct ankus_tcp *tcp)
{
	int err = 0;

	if (tcp->rcv_rtt_us)
		err = nla_put_u32(msg, ANKUS_A_TCP_RCV_RTT_US, tcp->rcv_rtt_us);
	return err ?: nla_put_u64_64bit(msg, ANKUS_A_TCP_RCV_OUT_OF_ORDER,
					tcp->rcv_out_of_order, ANKUS_A_TCP_PAD);
}

/* Of one flow or of several */
static int tcp_put(struct sk_buff *msg, int attr, const struct ankus_tcp *tcp,
		   bool sum)
{
	struct nlattr *nest = nla_nest_start(msg, attr);
	int err = nest ? 0 : -EMSGSIZE;

	if (!err && sum)
		err = nla_put_u32(msg, ANKUS_A_TCP_FLOWS, tcp->flows);
	if (!err && tcp->dirs & BIT(ANKUS_DIR_OUT))
		err = tcp_put_sent(msg, tcp);
	if (!err && tcp->dirs & BIT(ANKUS_DIR_IN))
		err = tcp_put_received(msg, tcp);
	if (!err && !sum && tcp->congestion_control[0])
		err = nla_put_string(msg, ANKUS_A_TCP_CONGESTION_CONTROL,
				     tcp->congestion_control);
	if (!err)
		nla_nest_end(msg, nest);
	return err;
}

/**
 * ankus_nl_put_flow_tcp() - how a flow fares
 * @msg: buffer
 * @ad: its device
 * @flow: the flow
 *
 * Context: Under ankus_net::lock.
 * Return: 0, also when no local socket has it, or -EMSGSIZE.
 */
int ankus_nl_put_flow_tcp(struct sk_buff *msg, const struct ankus_dev *ad,
			  const struct ankus_flow *flow)
{
	struct ankus_tcp tcp;

	ankus_tcp_init(&tcp);
	if (!ankus_tcp_add(&tcp, ad, flow))
		return 0;
	return tcp_put(msg, ANKUS_A_FLOW_TCP, &tcp, false);
}

/**
 * struct ankus_nl_sums - how the flows of rules fare, or those of links
 * @ad: of links, the device
 * @max: room for so many
 * @n: how many there are
 * @of: rules in rising order of pref, or links by slot
 *
 * Under ankus_net::lock all the while.
 */
struct ankus_nl_sums {
	const struct ankus_dev *ad;
	unsigned int max;
	unsigned int n;
	struct {
		u32 pref;
		struct ankus_tcp tcp;
	} of[];
};

/**
 * ankus_nl_sums_new() - room for sums
 * @max: of so many rules or links
 *
 * Context: Process.
 * Return: the room, to be given to kfree(), or NULL.
 */
struct ankus_nl_sums *ankus_nl_sums_new(unsigned int max)
{
	struct ankus_nl_sums *sums;

	sums = kzalloc(struct_size(sums, of, max), GFP_KERNEL);
	if (sums)
		sums->max = max;
	return sums;
}

static void tcp_sum_links(struct ankus_nl_sums *sums, struct ankus_dev *ad)
{
	struct ankus_flow *flow;
	unsigned int i, n = 0;

	for (i = 0; i < sums->max; i++)
		ankus_tcp_init(&sums->of[i].tcp);
	ankus_active_for_each(&ad->flows, flow) {
		/* ANKUS_NO_BIN is none of them */
		i = READ_ONCE(flow->ctl->pin[ANKUS_PIN_LINK].have);
		if (i < sums->max)
			ankus_tcp_add(&sums->of[i].tcp, ad, flow);
		if (!(++n & 63))
			cond_resched();
	}
	sums->ad = ad;
}

/**
 * ankus_nl_put_link_tcp() - how the flows fare that are pinned to a link
 * @msg: buffer
 * @sums: room for ANKUS_LINKS_MAX; one walk over the flows serves all links of
 *	a device
 * @link: the link
 *
 * Context: Under ankus_net::lock, without a break between links.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_put_link_tcp(struct sk_buff *msg, struct ankus_nl_sums *sums,
			  const struct ankus_link *link)
{
	if (sums->ad != link->ad)
		tcp_sum_links(sums, link->ad);
	return tcp_put(msg, ANKUS_A_LINK_TCP, &sums->of[link->index].tcp, true);
}

/* The sum of a rule, or NULL */
static struct ankus_tcp *tcp_of_rule(struct ankus_nl_sums *sums, u32 pref)
{
	unsigned int low = 0, high = sums->n;

	while (low < high) {
		unsigned int i = (low + high) / 2;

		if (sums->of[i].pref == pref)
			return &sums->of[i].tcp;
		if (sums->of[i].pref < pref)
			low = i + 1;
		else
			high = i;
	}
	return NULL;
}

/* Of as many rules as there is room for, from one on */
static void tcp_sum_rules(struct ankus_nl_sums *sums, struct ankus_net *an,
			  const struct ankus_rule *rule)
{
	struct ankus_flow *flow;
	struct ankus_tcp *tcp;
	struct ankus_dev *ad;
	unsigned int n = 0;

	sums->n = 0;
	list_for_each_entry_from(rule, &an->rules, list) {
		if (sums->n == sums->max)
			break;
		sums->of[sums->n].pref = rule->pref;
		ankus_tcp_init(&sums->of[sums->n++].tcp);
	}
	list_for_each_entry(ad, &an->devs, list) {
		ankus_active_for_each(&ad->flows, flow) {
			tcp = flow->ruled ? tcp_of_rule(sums, flow->rule_pref) :
					    NULL;
			if (tcp)
				ankus_tcp_add(tcp, ad, flow);
			if (!(++n & 63))
				cond_resched();
		}
	}
}

/**
 * ankus_nl_put_rule_tcp() - how the flows fare that a rule decided about
 * @msg: buffer
 * @sums: room; one walk over the flows serves as many rules, in rising order
 * @an: the network namespace
 * @rule: the rule
 *
 * Context: Under ankus_net::lock, without a break between rules.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_put_rule_tcp(struct sk_buff *msg, struct ankus_nl_sums *sums,
			  struct ankus_net *an, const struct ankus_rule *rule)
{
	struct ankus_tcp *tcp = tcp_of_rule(sums, rule->pref);

	if (!tcp) {
		tcp_sum_rules(sums, an, rule);
		tcp = &sums->of[0].tcp;
	}
	return tcp_put(msg, ANKUS_A_RULE_TCP, tcp, true);
}
