// SPDX-License-Identifier: GPL-2.0
/*
 * Link pins by marks: the local TCP socket of a flow gets the mark of the link,
 * and the operator's rules and routes lead what it sends to the link's device.
 *
 * The packet that makes the change is led there by hand: its route is looked up
 * with the new mark, so no later one overtakes it where the old device has a
 * backlog, and it is not lost with a device that has failed.  A mark that leads
 * somewhere else is taken back before anything follows it.
 *
 * Whoever runs the hook need not hold the socket's lock (a qdisc above may have
 * kept the packet), so a socket is changed by what takes none: compare and
 * exchange of the mark, and sk_dst_reset().  Bits that are not zero already are
 * the application's: such a socket is left alone.
 */
#include <net/dst.h>
#include <net/ip6_route.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/sock.h>

#include "compat.h"
#include "steer.h"
#include "tcp.h"
#include "tx_mark.h"

static const char mark_no_sock[] = "no local TCP socket";
static const char mark_own[] = "the application has marked its socket";
static const char mark_bound[] = "an offload binds the socket to its device";
static const char mark_astray[] = "routes lead the link's mark elsewhere";

/*
 * The flow's socket if that is what sends the packet, and not one that replies
 * for connections that are gone
 */
static struct sock *mark_sock(const struct ankus_flow *flow,
			      const struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	if (!sk || !sk_fullsock(sk) || !sk_is_tcp(sk) ||
	    inet_sk(sk)->inet_dport != flow->key.dport ||
	    inet_sk(sk)->inet_sport != flow->key.sport)
		return NULL;
	return sk;
}

/* The route of what the socket sends, by its mark; with a reference */
static struct dst_entry *mark_route(const struct ankus_flow *flow,
				    struct sock *sk, u8 tos)
{
	const struct ankus_key *key = &flow->key;
	struct net *net = sock_net(sk);
	struct flowi6 fl6 = {};
	struct flowi4 fl4;
	struct dst_entry *dst;
	struct rtable *rt;

	if (key->family == AF_INET) {
		rt = ip_route_output_ports(net, &fl4, sk,
					   key->dst.s6_addr32[0],
					   key->src.s6_addr32[0], key->dport,
					   key->sport, IPPROTO_TCP, tos,
					   sk->sk_bound_dev_if);
		return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
	}
	fl6.flowi6_proto = IPPROTO_TCP;
	fl6.daddr = key->dst;
	fl6.saddr = key->src;
	fl6.flowi6_oif = sk->sk_bound_dev_if;
	fl6.flowi6_mark = READ_ONCE(sk->sk_mark);
	fl6.fl6_dport = key->dport;
	fl6.fl6_sport = key->sport;
	dst = ip6_route_output(net, sk, &fl6);
	if (!dst->error)
		return dst;
	dst_release(dst);
	return ERR_PTR(-EHOSTUNREACH);
}

static bool mark_fits(const struct sk_buff *skb, const struct dst_entry *dst)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, dst_mtu(dst));
	return skb->len - skb_network_offset(skb) <= dst_mtu(dst);
}

/*
 * Send the packet the way of a route, whose reference is the packet's then.
 * Not when its neighbour is not known yet, or the packet is larger than what
 * goes there.
 */
static bool mark_send(struct ankus_dev *ad, struct sk_buff *skb,
		      const struct ankus_flow *flow, struct dst_entry *dst)
{
	struct neighbour *neigh;
	bool sent = false;

	if (skb_vlan_tag_present(skb) || !mark_fits(skb, dst) ||
	    skb_cow_head(skb, LL_RESERVED_SPACE(dst->dev)))
		return false;
	neigh = dst_neigh_lookup(dst, &flow->key.dst);
	if (!neigh)
		return false;
	if (READ_ONCE(neigh->nud_state) & NUD_VALID) {
		__skb_pull(skb, skb_network_offset(skb));
		skb_dst_drop(skb);
		skb_dst_set(skb, dst);
		skb->dev = dst->dev;
		this_cpu_write(ad->pcpu->led, skb);
		neigh_output(neigh, skb, false);
		this_cpu_write(ad->pcpu->led, NULL);
		sent = true;
	}
	neigh_release(neigh);
	return sent;
}

/*
 * Give the socket the mark of a link, NULL to take ours back, and the packet its
 * way.  Returns why it was not done, or NULL.
 */
static const char *mark_change(struct ankus_dev *ad, struct ankus_flow *flow,
			       const struct ankus_link *link,
			       struct sk_buff *skb, bool *sent)
{
	struct ankus_flow_ctl *ctl = flow->ctl;
	struct sock *sk = mark_sock(flow, skb);
	u32 is, base, mark;
	struct dst_entry *dst;

	if (!sk)
		return mark_no_sock;
	is = READ_ONCE(sk->sk_mark);
	base = (is & ctl->led_mask) == ctl->led ? is & ~ctl->led_mask : is;
	mark = base;
	if (link) {
		if (base & link->mark_mask)
			return mark_own;
		mark |= link->mark;
	}
	if (cmpxchg(&sk->sk_mark, is, mark) != is)
		return mark_own;
	dst = mark_route(flow, sk, flow->dscp << 2);
	if (link && (IS_ERR(dst) || dst->dev != link->lower)) {
		if (!IS_ERR(dst))
			dst_release(dst);
		cmpxchg(&sk->sk_mark, mark, is);
		return mark_astray;
	}
	WRITE_ONCE(ctl->led, link ? link->mark : 0);
	WRITE_ONCE(ctl->led_mask, link ? link->mark_mask : 0);
	sk_dst_reset(sk);
	if (IS_ERR(dst))
		return NULL;
	if (skb->mark == is)
		skb->mark = mark;
	*sent = dst->dev != skb->dev && mark_send(ad, skb, flow, dst);
	if (!*sent)
		dst_release(dst);
	return NULL;
}

static const struct ankus_link *mark_link(const struct ankus_dev *ad, int bin)
{
	const struct ankus_link *link;

	link = bin == ANKUS_NO_BIN ? NULL : rcu_dereference(ad->links[bin]);
	return link && READ_ONCE(link->usable) ? link : NULL;
}

/* To the wanted link, when that is safe; returns whether anything was done */
static bool mark_move(struct ankus_dev *ad, struct ankus_flow *flow,
		      struct ankus_pin *pin, struct sk_buff *skb, bool *sent)
{
	int want = READ_ONCE(pin->want);
	const struct ankus_link *link = mark_link(ad, want);
	enum ankus_safe_point safe;
	const char *reason;

	/* that one is gone, the control loop chooses another */
	if (want != ANKUS_NO_BIN && !link)
		return false;
	safe = ankus_steer_safe(&ankus_tx_link_ops, ad, pin, skb,
				ankus_tx_link_idle);
	if (!safe && mark_sock(flow, skb))
		return false;
	reason = link && ankus_tx_link_bound(skb) ? mark_bound :
		 mark_change(ad, flow, link, skb, sent);
	if (reason && link) {
		WRITE_ONCE(pin->refused, reason);
		return false;
	}
	ankus_steer_switch(pin, want, safe);
	return true;
}

/**
 * ankus_tx_mark_apply() - see to the link of a packet's flow
 * @ad: the device whose flow it is
 * @pin: the flow's pin, wanted or in force
 * @skb: the packet
 *
 * Context: Egress hook, of @ad or of a link's device.
 * Return: true if the packet was sent, false if it is to go on its own way.
 */
bool ankus_tx_mark_apply(struct ankus_dev *ad, struct ankus_pin *pin,
			 struct sk_buff *skb)
{
	struct ankus_flow *flow = ankus_pin_ctl(pin)->flow;
	int have = READ_ONCE(pin->have);
	const struct ankus_link *link;
	bool sent = false;

	if (unlikely(READ_ONCE(pin->want) != have) &&
	    !READ_ONCE(pin->refused) && mark_move(ad, flow, pin, skb, &sent))
		return sent;
	if (have == ANKUS_NO_BIN)
		return false;
	link = mark_link(ad, have);
	if (unlikely(!link)) {
		ankus_steer_leave(pin, have);
		ankus_pcpu_add(ad, ANKUS_LINK_BYPASSED, 1);
		mark_change(ad, flow, NULL, skb, &sent);
		return sent;
	}
	if (likely(skb->dev == link->lower)) {
		ankus_pcpu_add(ad, ANKUS_LINK_PACKETS, 1);
	} else {
		WRITE_ONCE(pin->strays, pin->strays + 1);
		ankus_pcpu_add(ad, ANKUS_LINK_BYPASSED, 1);
	}
	return false;
}

/* Change the mark of a flow's socket, wherever its packets are */
static void mark_set(struct ankus_dev *ad, struct ankus_flow *flow, u32 mark,
		     u32 mask)
{
	struct ankus_flow_ctl *ctl = flow->ctl;
	u32 was = READ_ONCE(ctl->led), was_mask = READ_ONCE(ctl->led_mask);
	struct sock *sk;
	u32 is;

	rcu_read_lock();
	sk = ankus_tcp_sock(ad, &flow->key);
	if (sk && sk_fullsock(sk)) {
		is = READ_ONCE(sk->sk_mark);
		if ((is & was_mask) == was &&
		    cmpxchg(&sk->sk_mark, is, (is & ~was_mask) | mark) == is)
			sk_dst_reset(sk);
	}
	if (sk)
		sock_gen_put(sk);
	rcu_read_unlock();
	WRITE_ONCE(ctl->led, mark);
	WRITE_ONCE(ctl->led_mask, mask);
}

/**
 * ankus_tx_mark_rescue() - lead flows off links that have failed
 * @ad: the device
 *
 * Without a neighbour behind it, what goes to such a link does not get as far as
 * the hook.  So the socket gets the mark of the wanted link here, and the pin
 * takes note of it with the next packet.
 *
 * Context: Control loop, under ankus_net::lock, flows have their places.
 */
void ankus_tx_mark_rescue(struct ankus_dev *ad)
{
	const struct ankus_link *from, *to;
	struct ankus_flow *flow;

	if (!ad->mark_mask)
		return;
	ankus_active_for_each(&ad->flows, flow) {
		const struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_LINK];
		int have = READ_ONCE(pin->have);

		if (!flow->ctl->led_mask)
			continue;
		rcu_read_lock();
		from = mark_link(ad, have);
		to = mark_link(ad, pin->want);
		if (!from && flow->ctl->led != (to ? to->mark : 0))
			mark_set(ad, flow, to ? to->mark : 0,
				 to ? to->mark_mask : 0);
		rcu_read_unlock();
	}
}

/**
 * ankus_tx_mark_end() - take back the mark of a flow's socket
 * @ad: the device
 * @flow: the flow
 *
 * Context: Under ankus_net::lock.
 */
void ankus_tx_mark_end(struct ankus_dev *ad, struct ankus_flow *flow)
{
	if (flow->ctl && READ_ONCE(flow->ctl->led_mask))
		mark_set(ad, flow, 0, 0);
}

/**
 * ankus_tx_mark_end_link() - take back the marks by which a link is chosen
 * @link: the link, about to go
 *
 * Context: Under ankus_net::lock.
 */
void ankus_tx_mark_end_link(struct ankus_link *link)
{
	struct ankus_dev *ad = link->ad;
	struct ankus_flow *flow;

	if (!link->mark_mask)
		return;
	WRITE_ONCE(link->usable, false);
	/* those that have found it usable are through then */
	synchronize_net();
	/* also those that have left it and are not yet led elsewhere */
	ankus_active_for_each(&ad->flows, flow)
		if (READ_ONCE(flow->ctl->led) == link->mark)
			ankus_tx_mark_end(ad, flow);
}

/**
 * ankus_tx_mark_end_all() - take back all marks of a device's flows
 * @ad: the device, its hooks gone
 *
 * Context: Under ankus_net::lock.
 */
void ankus_tx_mark_end_all(struct ankus_dev *ad)
{
	struct ankus_flow *flow;

	ankus_active_for_each(&ad->flows, flow)
		ankus_tx_mark_end(ad, flow);
}
