// SPDX-License-Identifier: GPL-2.0
/* What local TCP sockets tell, as a part of flows, rules and links. */
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
 * ankus_nl_put_link_tcp() - how the flows fare that are pinned to a link
 * @msg: buffer
 * @link: the link
 *
 * Context: Under ankus_net::lock.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_put_link_tcp(struct sk_buff *msg, const struct ankus_link *link)
{
	struct ankus_dev *ad = link->ad;
	struct ankus_flow *flow;
	struct ankus_tcp tcp;

	ankus_tcp_init(&tcp);
	ankus_active_for_each(&ad->flows, flow)
		if (READ_ONCE(flow->ctl->pin[ANKUS_PIN_LINK].have) == link->index)
			ankus_tcp_add(&tcp, ad, flow);
	return tcp_put(msg, ANKUS_A_LINK_TCP, &tcp, true);
}

/**
 * ankus_nl_put_rule_tcp() - how the flows fare that a rule decided about
 * @msg: buffer
 * @an: the network namespace
 * @rule: the rule
 *
 * Context: Under ankus_net::lock.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_put_rule_tcp(struct sk_buff *msg, struct ankus_net *an,
			  const struct ankus_rule *rule)
{
	struct ankus_flow *flow;
	struct ankus_tcp tcp;
	struct ankus_dev *ad;

	ankus_tcp_init(&tcp);
	list_for_each_entry(ad, &an->devs, list)
		ankus_active_for_each(&ad->flows, flow)
			if (flow->rule == rule)
				ankus_tcp_add(&tcp, ad, flow);
	return tcp_put(msg, ANKUS_A_RULE_TCP, &tcp, true);
}
