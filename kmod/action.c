// SPDX-License-Identifier: GPL-2.0
/*
 * What rules ask for beside steering, of the elephants that a device sends.
 *
 * Priority, DSCP and mark of packets are set in the egress hook, whoever they
 * are of.  Pace, the mark by which routes are chosen and the IPv6 flow label are
 * settings of the local TCP socket.  The control loop makes them, by compare and
 * exchange, and takes them back in the same way: so a value is only ever
 * replaced that is known, and what an application sets meanwhile stays.
 *
 * The socket is held as long as it has anything of ours, so it is found again
 * whatever becomes of addresses and devices; and by one device alone, so that
 * what was there before is the application's and not another rule's.
 *
 * A socket's lock is taken for what changes its route, and never waited for
 * while a user has it: that may take long.
 */
#include <linux/ipv6.h>
#include <net/dsfield.h>
#include <net/inet_connection_sock.h>

#include "action.h"
#include "compat.h"
#include "rule.h"
#include "tcp.h"

/* Done to packets; the rest takes a socket */
#define ACTION_PACKET	(BIT(ANKUS_ACTION_PRIORITY) | \
			 BIT(ANKUS_ACTION_SET_DSCP) | BIT(ANKUS_ACTION_SET_MARK))
#define ACTION_SOCKET	(BIT(ANKUS_ACTION_PACE) | BIT(ANKUS_ACTION_SET_MARK) | \
			 BIT(ANKUS_ACTION_REPATH))

static const char action_taken[] = "done on another device";
static const char action_no_sock[] = "no local TCP socket";
static const char action_returns[] = "being taken back";

static void action_tell(struct ankus_dev *ad, struct ankus_flow *flow,
			enum ankus_action action, u8 state, const char *reason)
{
	struct ankus_acts *acts = &flow->ctl->acts;

	if (acts->state[action] == state && acts->reason[action] == reason)
		return;
	if (state == ANKUS_ACTION_STATE_NONE &&
	    acts->state[action] != ANKUS_ACTION_STATE_IN_FORCE)
		ad->count[ANKUS_ACTS_FAILED]++;
	else if (state == ANKUS_ACTION_STATE_IN_FORCE &&
		 acts->state[action] != state)
		ad->count[ANKUS_ACTS_DONE]++;
	acts->state[action] = state;
	acts->reason[action] = reason;
	ad->an->seq++;
}

/* Its application has said otherwise, and that holds until the rule changes */
static void action_override(struct ankus_dev *ad, struct ankus_flow *flow,
			    enum ankus_action action)
{
	struct ankus_acts *acts = &flow->ctl->acts;

	acts->set &= ~BIT(action);
	acts->own |= BIT(action);
	ad->count[ANKUS_ACTS_OVERRIDDEN]++;
	action_tell(ad, flow, action, ANKUS_ACTION_STATE_NONE,
		    "the application has set its own");
}

/* --- packets -------------------------------------------------------------- */

static bool action_write_dscp(struct sk_buff *skb, u8 dscp)
{
	__be16 proto;
	int offset = ankus_packet_network(skb, &proto);
	u8 value = dscp << 2;
	struct ipv6hdr *ip6h;
	struct iphdr *iph;

	/* to write may take a copy, which those who share it would not see */
	if (skb_shared(skb))
		return false;
	switch (proto) {
	case htons(ETH_P_IP):
		if (skb_ensure_writable(skb, offset + sizeof(*iph)))
			return false;
		iph = (struct iphdr *)(skb->data + offset);
		if (ipv4_get_dsfield(iph) >> 2 != dscp)
			ipv4_change_dsfield(iph, INET_ECN_MASK, value);
		return true;
	case htons(ETH_P_IPV6):
		if (skb_ensure_writable(skb, offset + sizeof(*ip6h)))
			return false;
		ip6h = (struct ipv6hdr *)(skb->data + offset);
		/* a sum over all that is there would not be right any more */
		skb_forward_csum(skb);
		if (ipv6_get_dsfield(ip6h) >> 2 != dscp)
			ipv6_change_dsfield(ip6h, INET_ECN_MASK, value);
		return true;
	default:
		return false;
	}
}

/**
 * ankus_action_apply() - do to a packet what is asked for
 * @ad: the device
 * @flow: the packet's flow, ankus_flow::acts not 0
 * @skb: the packet
 *
 * Context: Egress hook.
 */
void ankus_action_apply(struct ankus_dev *ad, struct ankus_flow *flow,
			struct sk_buff *skb)
{
	/* Pairs with smp_store_release() in action_packets() */
	u8 what = smp_load_acquire(&flow->acts);
	const struct ankus_acts *acts = &flow->ctl->acts;
	u64 mark;

	if (what & BIT(ANKUS_ACTION_PRIORITY))
		skb->priority = READ_ONCE(acts->packet_priority);
	if (what & BIT(ANKUS_ACTION_SET_MARK)) {
		mark = READ_ONCE(acts->packet_mark);
		skb->mark = ankus_mark_set(skb->mark, mark, mark >> 32);
	}
	if (what & BIT(ANKUS_ACTION_SET_DSCP) &&
	    !action_write_dscp(skb, READ_ONCE(acts->packet_dscp)))
		ankus_pcpu_add(ad, ANKUS_ACTED_FAILED, 1);
	ankus_pcpu_add(ad, ANKUS_ACTED_PACKETS, 1);
}

static void action_packets(struct ankus_flow *flow, u8 what)
{
	/* Pairs with smp_load_acquire() in ankus_action_apply() */
	smp_store_release(&flow->acts, what);
}

/* --- sockets -------------------------------------------------------------- */

/* The same flow as another device sees it, if it has a control part there */
static struct ankus_acts *action_acts_of(const struct ankus_dev *other,
					 const struct ankus_key *key)
{
	struct ankus_flow *same;

	rcu_read_lock();
	same = ankus_flow_lookup(&other->flows, key,
				 ankus_key_hash(key, &other->flows.secret));
	rcu_read_unlock();
	/* whoever removes it takes ankus_net::lock */
	return same && same->ctl ? &same->ctl->acts : NULL;
}

/* Has another device the socket in its hands, which sees the same flow? */
static bool action_elsewhere(const struct ankus_dev *ad,
			     const struct ankus_flow *flow,
			     const struct sock *sk)
{
	const struct ankus_dev *other;
	const struct ankus_acts *acts;

	list_for_each_entry(other, &ad->an->devs, list) {
		if (other == ad)
			continue;
		acts = action_acts_of(other, &flow->key);
		if (acts && acts->sk == sk)
			return true;
	}
	return false;
}

/*
 * A mark may lead a flow to another device.  When that asks for the same, what
 * the socket was given is for that one to undo: to undo it here would lead the
 * flow back.
 */
static void action_hand_over(const struct ankus_dev *ad,
			     struct ankus_flow *flow)
{
	struct ankus_acts *from = &flow->ctl->acts;
	const struct ankus_dev *other;
	struct ankus_acts *to;

	if (!from->set || from->ending)
		return;
	list_for_each_entry(other, &ad->an->devs, list) {
		if (other == ad)
			continue;
		to = action_acts_of(other, &flow->key);
		if (!to || to->sk || to->ending ||
		    !ankus_ask_equal(&to->ask, &from->ask))
			continue;
		to->sk = from->sk;
		to->ca = from->ca;
		to->pace = from->pace;
		to->pace_own = from->pace_own;
		to->mark = from->mark;
		to->mark_own = from->mark_own;
		to->set = from->set;
		to->own = from->own;
		to->paced = from->paced;
		to->repath = from->repath;
		from->sk = NULL;
		from->set = 0;
		return;
	}
}

/* The flow's socket from now on, or why there is none */
static const char *action_hold(struct ankus_dev *ad, struct ankus_flow *flow)
{
	struct ankus_acts *acts = &flow->ctl->acts;
	const char *reason = NULL;
	struct sock *sk;

	rcu_read_lock();
	sk = ankus_tcp_sock(ad, &flow->key);
	rcu_read_unlock();
	if (!sk)
		return action_no_sock;
	if (!sk_fullsock(sk) || inet_sk_state_load(sk) == TCP_CLOSE)
		reason = action_no_sock;
	else if (action_elsewhere(ad, flow, sk))
		reason = action_taken;
	if (reason)
		sock_gen_put(sk);
	if (reason)
		return reason;
	acts->sk = sk;
	/* another connection's figures say nothing */
	acts->repath.from_ns = 0;
	acts->repath.bad = 0;
	return NULL;
}

static void action_let_go(struct ankus_acts *acts)
{
	if (acts->sk)
		sock_put(acts->sk);
	acts->sk = NULL;
	acts->set = 0;
	acts->own = 0;
	acts->paced = false;
}

/* TCP paces itself without fq, as after SO_MAX_PACING_RATE */
static void action_pacing_on(struct ankus_acts *acts)
{
	acts->ca = READ_ONCE(inet_csk(acts->sk)->icsk_ca_ops);
	acts->paced = cmpxchg(&acts->sk->sk_pacing_status, SK_PACING_NONE,
			      SK_PACING_NEEDED) == SK_PACING_NONE;
}

/* Unless a limit was set or another congestion control chosen, which needs it */
static void action_pacing_off(struct ankus_acts *acts)
{
	struct sock *sk = acts->sk;

	if (acts->paced && READ_ONCE(sk->sk_max_pacing_rate) == ~0UL &&
	    READ_ONCE(inet_csk(sk)->icsk_ca_ops) == acts->ca)
		cmpxchg(&sk->sk_pacing_status, SK_PACING_NEEDED, SK_PACING_NONE);
	acts->paced = false;
}

static void action_pace(struct ankus_dev *ad, struct ankus_flow *flow)
{
	struct ankus_acts *acts = &flow->ctl->acts;
	unsigned long rate = div_u64(acts->ask.pace_bps, BITS_PER_BYTE);
	unsigned long is = READ_ONCE(acts->sk->sk_max_pacing_rate);

	if (acts->set & BIT(ANKUS_ACTION_PACE)) {
		if (is == acts->pace) {
			action_tell(ad, flow, ANKUS_ACTION_PACE,
				    ANKUS_ACTION_STATE_IN_FORCE, NULL);
			return;
		}
		action_pacing_off(acts);
		action_override(ad, flow, ANKUS_ACTION_PACE);
		return;
	}
	if (acts->own & BIT(ANKUS_ACTION_PACE))
		return;
	if (is <= rate) {
		action_tell(ad, flow, ANKUS_ACTION_PACE, ANKUS_ACTION_STATE_NONE,
			    "the application's own rate is no higher");
		return;
	}
	action_pacing_on(acts);
	if (cmpxchg(&acts->sk->sk_max_pacing_rate, is, rate) != is) {
		/* set just now; it is looked at in the next run */
		action_pacing_off(acts);
		return;
	}
	acts->pace = rate;
	acts->pace_own = is;
	acts->set |= BIT(ANKUS_ACTION_PACE);
	action_tell(ad, flow, ANKUS_ACTION_PACE, ANKUS_ACTION_STATE_IN_FORCE,
		    NULL);
}

/* As TCP has it for skb->ooo_okay; under the socket's lock */
static bool action_at_rest(const struct sock *sk)
{
	return sk_wmem_alloc_get(sk) < SKB_TRUESIZE(1) ||
	       tcp_rtx_queue_empty(sk);
}

/*
 * Change the mark of a socket if it is as we know it.  Another mark may mean
 * another route, so it waits until nothing of the socket is queued on this host.
 * By force nothing is waited for: while a user has the socket it then keeps the
 * route that it has.  Returns false when it has to be tried again.
 */
static bool action_remark(struct sock *sk, u32 from, u32 to, bool force)
{
	bool owned, done = true;

	if (READ_ONCE(sk->sk_mark) != from || from == to)
		return true;
	local_bh_disable();
	bh_lock_sock(sk);
	owned = sock_owned_by_user(sk);
	if (!force && (owned || !action_at_rest(sk)))
		done = false;
	else if (cmpxchg(&sk->sk_mark, from, to) == from && !owned)
		__sk_dst_reset(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
	return done;
}

static void action_mark(struct ankus_dev *ad, struct ankus_flow *flow)
{
	struct ankus_acts *acts = &flow->ctl->acts;
	u32 is = READ_ONCE(acts->sk->sk_mark);
	u32 want = ankus_mark_set(is, acts->ask.mark, acts->ask.mark_mask);

	if (acts->set & BIT(ANKUS_ACTION_SET_MARK)) {
		if (is == acts->mark) {
			action_tell(ad, flow, ANKUS_ACTION_SET_MARK,
				    ANKUS_ACTION_STATE_IN_FORCE, NULL);
			return;
		}
		action_packets(flow, flow->acts & ~BIT(ANKUS_ACTION_SET_MARK));
		action_override(ad, flow, ANKUS_ACTION_SET_MARK);
		return;
	}
	if (acts->own & BIT(ANKUS_ACTION_SET_MARK))
		return;
	if (!action_remark(acts->sk, is, want, false)) {
		action_tell(ad, flow, ANKUS_ACTION_SET_MARK,
			    ANKUS_ACTION_STATE_WAITING,
			    "the socket's, until nothing of it is queued");
		return;
	}
	if (READ_ONCE(acts->sk->sk_mark) != want)
		return;
	acts->mark = want;
	acts->mark_own = is;
	acts->set |= BIT(ANKUS_ACTION_SET_MARK);
	action_tell(ad, flow, ANKUS_ACTION_SET_MARK,
		    ANKUS_ACTION_STATE_IN_FORCE, NULL);
}

/* Why another hash of the socket is no other path, or NULL */
static const char *action_no_repath(const struct ankus_flow *flow)
{
	const struct sock *sk = flow->ctl->acts.sk;

	if (flow->key.family != AF_INET6)
		return "IPv4 has no flow label";
	if (READ_ONCE(sk->sk_txrehash) != SOCK_TXREHASH_ENABLED)
		return "it is to keep its path (SO_TXREHASH, net.core.txrehash)";
	if (!ankus_sk_autoflowlabel(sk))
		return "its flow label is not automatic (net.ipv6.auto_flowlabels)";
	if (flow->ctl->acts.repath.count >= ANKUS_REPATH_MAX)
		return "its path was changed 8 times, and each lost packets";
	return NULL;
}

static bool action_rehash(struct sock *sk)
{
	bool done;

	local_bh_disable();
	bh_lock_sock(sk);
	done = !sock_owned_by_user(sk) && ankus_sk_rehash(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
	return done;
}

/* Returns whether the path was changed */
static bool action_repath(struct ankus_dev *ad, struct ankus_flow *flow,
			  u64 now_ns)
{
	struct ankus_acts *acts = &flow->ctl->acts;
	const char *reason = action_no_repath(flow);
	const struct tcp_sock *tp = tcp_sk(acts->sk);
	const struct ankus_path path = {
		.delivered = READ_ONCE(tp->delivered),
		.retrans = READ_ONCE(tp->total_retrans),
		.rehashed = READ_ONCE(tp->timeout_rehash),
		.rtt_us = READ_ONCE(tp->srtt_us) >> 3,
	};

	action_tell(ad, flow, ANKUS_ACTION_REPATH,
		    reason ? ANKUS_ACTION_STATE_NONE :
			     ANKUS_ACTION_STATE_IN_FORCE, reason);
	if (reason || !ankus_repath_due(&acts->repath, &path, now_ns) ||
	    !action_rehash(acts->sk))
		return false;
	ankus_repath_done(&acts->repath, now_ns);
	ad->count[ANKUS_REPATHS]++;
	ad->an->seq++;
	return true;
}

/* --- both ----------------------------------------------------------------- */

/* What is asked for; NULL while rules have changed and the flow's is not known */
static const struct ankus_ask *action_asked(const struct ankus_dev *ad,
					    const struct ankus_flow *flow)
{
	static const struct ankus_ask nothing;

	if (flow->key.dir != ANKUS_DIR_OUT ||
	    flow->state != ANKUS_FLOW_STATE_ELEPHANT ||
	    flow->mode == ANKUS_PIN_MODE_OFF ||
	    ad->cfg.mode != ANKUS_MODE_STEER || ad->draining)
		return &nothing;
	if (flow->rule_gen != ad->an->rule_gen)
		return NULL;
	return flow->rule ? &flow->rule->ask : &nothing;
}

static void action_begin(struct ankus_dev *ad, struct ankus_flow *flow,
			 const struct ankus_ask *ask)
{
	struct ankus_acts *acts = &flow->ctl->acts;
	unsigned int i;

	acts->ask = *ask;
	acts->ending = false;
	WRITE_ONCE(acts->packet_priority, ask->priority);
	WRITE_ONCE(acts->packet_dscp, ask->dscp);
	WRITE_ONCE(acts->packet_mark, (u64)ask->mark_mask << 32 | ask->mark);
	action_packets(flow, ask->what & ACTION_PACKET);
	for (i = 0; i < ANKUS_ACTIONS; i++)
		if (ask->what & ACTION_PACKET & ~ACTION_SOCKET & BIT(i))
			action_tell(ad, flow, i, ANKUS_ACTION_STATE_IN_FORCE,
				    NULL);
}

/* Without a socket only packets can be marked */
static void action_without(struct ankus_dev *ad, struct ankus_flow *flow,
			   const char *reason)
{
	const struct ankus_ask *ask = &flow->ctl->acts.ask;

	if (ankus_asks(ask, ANKUS_ACTION_PACE))
		action_tell(ad, flow, ANKUS_ACTION_PACE,
			    ANKUS_ACTION_STATE_NONE, reason);
	if (ankus_asks(ask, ANKUS_ACTION_REPATH))
		action_tell(ad, flow, ANKUS_ACTION_REPATH,
			    ANKUS_ACTION_STATE_NONE, reason);
	if (ankus_asks(ask, ANKUS_ACTION_SET_MARK))
		action_tell(ad, flow, ANKUS_ACTION_SET_MARK,
			    ANKUS_ACTION_STATE_IN_FORCE,
			    reason == action_taken ?
			    "of packets alone: the socket's is done on another device" :
			    "of packets alone: no local TCP socket");
}

/**
 * ankus_action_look() - do to a flow what is asked for, and undo what is not
 * @ad: the device
 * @flow: the flow, with a control part
 * @now_ns: time
 *
 * Context: Control loop, under ankus_net::lock.
 * Return: enum ankus_event when there is something to tell, else -1.
 */
int ankus_action_look(struct ankus_dev *ad, struct ankus_flow *flow,
		      u64 now_ns)
{
	const struct ankus_ask *ask = action_asked(ad, flow);
	struct ankus_acts *acts = &flow->ctl->acts;
	const char *reason;
	bool moved = false;

	lockdep_assert_held(&ad->an->lock);

	if (!ask)
		return -1;
	if (acts->ending || !ankus_ask_equal(ask, &acts->ask)) {
		if (!ask->what && !ad->draining)
			action_hand_over(ad, flow);
		if (!ankus_action_end(flow, false) || !ask->what)
			return -1;
		action_begin(ad, flow, ask);
	}
	if (!(acts->ask.what & ACTION_SOCKET))
		return -1;

	/* what it was given has gone with a socket that is closed */
	if (acts->sk && inet_sk_state_load(acts->sk) == TCP_CLOSE)
		action_let_go(acts);
	reason = acts->sk ? NULL : action_hold(ad, flow);
	if (reason) {
		action_without(ad, flow, reason);
		return -1;
	}
	if (ankus_asks(&acts->ask, ANKUS_ACTION_PACE))
		action_pace(ad, flow);
	if (ankus_asks(&acts->ask, ANKUS_ACTION_SET_MARK))
		action_mark(ad, flow);
	if (ankus_asks(&acts->ask, ANKUS_ACTION_REPATH))
		moved = action_repath(ad, flow, now_ns);
	return moved ? ANKUS_EVENT_FLOW_REPATH : -1;
}

/**
 * ankus_action_end() - undo all that was done to a flow
 * @flow: the flow
 * @force: do not wait for a safe point
 *
 * What is not as it was made is not ours any more, and stays.
 *
 * Context: Under ankus_net::lock.
 * Return: false when the socket's mark waits for a safe point.
 */
bool ankus_action_end(struct ankus_flow *flow, bool force)
{
	struct ankus_acts *acts;

	if (!flow->ctl || !flow->ctl->acts.ask.what)
		return true;
	acts = &flow->ctl->acts;
	action_packets(flow, 0);
	if (acts->set & BIT(ANKUS_ACTION_PACE)) {
		cmpxchg(&acts->sk->sk_max_pacing_rate, acts->pace,
			acts->pace_own);
		action_pacing_off(acts);
		acts->set &= ~BIT(ANKUS_ACTION_PACE);
	}
	if (acts->set & BIT(ANKUS_ACTION_SET_MARK) &&
	    !action_remark(acts->sk, acts->mark, acts->mark_own, force)) {
		acts->ending = true;
		acts->ask.what = BIT(ANKUS_ACTION_SET_MARK);
		acts->state[ANKUS_ACTION_SET_MARK] = ANKUS_ACTION_STATE_WAITING;
		acts->reason[ANKUS_ACTION_SET_MARK] = action_returns;
		return false;
	}
	action_let_go(acts);
	acts->ending = false;
	acts->ask = (struct ankus_ask) {};
	memset(acts->state, 0, sizeof(acts->state));
	memset(acts->reason, 0, sizeof(acts->reason));
	return true;
}

/**
 * ankus_action_end_all() - undo all that was done to the flows of a device
 * @ad: the device
 * @force: do not wait for safe points
 *
 * Context: Under ankus_net::lock.
 * Return: false when something waits for a safe point.
 */
bool ankus_action_end_all(struct ankus_dev *ad, bool force)
{
	struct ankus_flow *flow;
	bool done = true;

	lockdep_assert_held(&ad->an->lock);

	ankus_active_for_each(&ad->flows, flow)
		done &= ankus_action_end(flow, force);
	return done;
}
