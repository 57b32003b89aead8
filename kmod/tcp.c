// SPDX-License-Identifier: GPL-2.0
/*
 * How flows fare, as their local TCP sockets tell.
 *
 * The sockets are looked up when somebody asks; the packet path knows nothing of
 * it.  They are read without their locks, each figure as it is at that moment, as
 * whoever holds such a lock may take long.
 */
#include <net/inet_connection_sock.h>

#include "compat.h"
#include "tcp.h"

/**
 * ankus_tcp_sock() - the socket that sends a flow, or receives it
 * @ad: the device
 * @key: the flow's key
 *
 * It may be bound to the device above, which is what its packets seem to come
 * from: a bond, a bridge, a VRF.
 *
 * Context: RCU read side.
 * Return: the local socket, of whatever state, with a reference; NULL when there
 * is none.
 */
struct sock *ankus_tcp_sock(const struct ankus_dev *ad,
			    const struct ankus_key *key)
{
	bool in = key->dir == ANKUS_DIR_IN;
	const struct in6_addr *local = in ? &key->dst : &key->src;
	const struct in6_addr *remote = in ? &key->src : &key->dst;
	__be16 sport = in ? key->sport : key->dport;
	u16 port = ntohs(in ? key->dport : key->sport);
	struct net *net = dev_net(ad->netdev);
	int dif = ad->netdev->ifindex, sdif = 0;
	struct net_device *master;

	if (key->proto != IPPROTO_TCP)
		return NULL;
	master = netdev_master_upper_dev_get_rcu(ad->netdev);
	if (master) {
		sdif = netif_is_l3_master(master) ? dif : 0;
		dif = master->ifindex;
	}
	if (key->family == AF_INET)
		return ankus_tcp_lookup(net, remote->s6_addr32[0], sport,
					local->s6_addr32[0], port, dif, sdif);
	return ankus_tcp6_lookup(net, remote, sport, local, port, dif, sdif);
}

static void tcp_add_sent(struct ankus_tcp *tcp, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 interval_us = READ_ONCE(tp->rate_interval_us);
	u64 delivered = READ_ONCE(tp->rate_delivered);

	tcp->srtt_us = max(tcp->srtt_us, READ_ONCE(tp->srtt_us) >> 3);
	tcp->min_rtt_us = min(tcp->min_rtt_us, tcp_min_rtt(tp));
	tcp->reordering = max(tcp->reordering, READ_ONCE(tp->reordering));
	tcp->cwnd += READ_ONCE(tp->snd_cwnd);
	tcp->bytes_sent += READ_ONCE(tp->bytes_sent);
	tcp->bytes_retrans += READ_ONCE(tp->bytes_retrans);
	tcp->retransmits += READ_ONCE(tp->total_retrans);
	tcp->lost += READ_ONCE(tp->lost);
	tcp->reord_seen += READ_ONCE(tp->reord_seen);
	if (interval_us)
		tcp->delivery_bps +=
			div_u64(delivered * READ_ONCE(tp->mss_cache) *
				BITS_PER_BYTE * USEC_PER_SEC, interval_us);
	/* it may be changed, but a module of it stays for a grace period */
	strscpy(tcp->congestion_control,
		READ_ONCE(inet_csk(sk)->icsk_ca_ops)->name,
		sizeof(tcp->congestion_control));
}

static void tcp_add_received(struct ankus_tcp *tcp, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	tcp->rcv_rtt_us = max(tcp->rcv_rtt_us,
			      READ_ONCE(tp->rcv_rtt_est.rtt_us) >> 3);
	tcp->rcv_out_of_order += READ_ONCE(tp->rcv_ooopack);
}

/**
 * ankus_tcp_init() - begin a sum
 * @tcp: of no flow then
 *
 * Context: Any.
 */
void ankus_tcp_init(struct ankus_tcp *tcp)
{
	*tcp = (struct ankus_tcp) { .min_rtt_us = U32_MAX };
}

/**
 * ankus_tcp_add() - add how a flow fares
 * @tcp: the sum
 * @ad: the device
 * @flow: the flow
 *
 * Context: Process.
 * Return: true if the flow is one of a local TCP socket.
 */
bool ankus_tcp_add(struct ankus_tcp *tcp, const struct ankus_dev *ad,
		   const struct ankus_flow *flow)
{
	struct sock *sk;
	bool full;

	rcu_read_lock();
	sk = ankus_tcp_sock(ad, &flow->key);
	full = sk && sk_fullsock(sk);
	if (full && flow->key.dir == ANKUS_DIR_IN)
		tcp_add_received(tcp, sk);
	else if (full)
		tcp_add_sent(tcp, sk);
	if (sk)
		sock_gen_put(sk);
	rcu_read_unlock();
	if (!full)
		return false;
	tcp->dirs |= BIT(flow->key.dir);
	tcp->flows++;
	return true;
}

/**
 * ankus_tcp_mark() - read what tells of loss and reordering
 * @marks: set to it
 * @ad: the device
 * @flow: the flow
 *
 * Context: Process.
 * Return: true if the flow is one of a local TCP socket.
 */
bool ankus_tcp_mark(struct ankus_tcp_marks *marks, const struct ankus_dev *ad,
		    const struct ankus_flow *flow)
{
	struct ankus_tcp tcp;

	ankus_tcp_init(&tcp);
	if (!ankus_tcp_add(&tcp, ad, flow))
		return false;
	*marks = (struct ankus_tcp_marks) {
		.retransmits = tcp.retransmits,
		.reord_seen = tcp.reord_seen,
		.rcv_out_of_order = tcp.rcv_out_of_order,
	};
	return true;
}

/* What a counter has counted; false when it is another one that began anew */
static bool tcp_counted(u32 *since, u32 before, u32 now)
{
	*since = now - before;
	return (s32)*since >= 0;
}

/**
 * ankus_tcp_since() - what has come between two readings
 * @since: set to it
 * @before: the first reading
 * @now: the second
 *
 * Context: Any.
 * Return: false when the second is of another connection.
 */
bool ankus_tcp_since(struct ankus_tcp_marks *since,
		     const struct ankus_tcp_marks *before,
		     const struct ankus_tcp_marks *now)
{
	return tcp_counted(&since->retransmits, before->retransmits,
			   now->retransmits) &&
	       tcp_counted(&since->reord_seen, before->reord_seen,
			   now->reord_seen) &&
	       tcp_counted(&since->rcv_out_of_order, before->rcv_out_of_order,
			   now->rcv_out_of_order);
}
