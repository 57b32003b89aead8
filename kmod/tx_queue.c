// SPDX-License-Identifier: GPL-2.0
/*
 * TX queue pins.
 *
 * netdev_pick_tx() keeps to the queue that a socket remembers for as long as
 * skb->ooo_okay is clear, so setting the one and clearing the other at egress
 * sends a local flow through the queue of choice.  A forwarded packet has no
 * socket: there the recorded RX queue, which skb_tx_hash() turns into a TX
 * queue, is set; XPS, where configured, goes before that.  The same is done for
 * a socket that is not connected: it may send many flows, and nothing would
 * make it forget the queue of one of them.
 */
#include <linux/rtnetlink.h>
#include <net/sch_generic.h>
#include <net/sock.h>

#include "compat.h"
#include "rule.h"
#include "steer.h"

static int tx_queue_probe(struct ankus_dev *ad, const char **reason)
{
	if (netif_is_lag_master(ad->netdev)) {
		*reason = "the queues belong to the lower devices";
		return -EOPNOTSUPP;
	}
	if (READ_ONCE(ad->netdev->real_num_tx_queues) < 2) {
		*reason = "the device has one TX queue";
		return -EOPNOTSUPP;
	}
	return 0;
}

static unsigned int tx_queue_bins(struct ankus_dev *ad)
{
	struct ankus_bin *bins = ad->bins[ANKUS_PIN_TXQ];
	unsigned int i, n;

	n = min(READ_ONCE(ad->netdev->real_num_tx_queues), ad->bins_max);
	for (i = 0; i < n; i++)
		bins[i] = (struct ankus_bin) {
			.usable = ankus_queues_has(&ad->cfg.tx, i),
		};
	return n;
}

static bool tx_queue_allowed(const void *arg, unsigned int bin)
{
	const struct ankus_flow *flow = arg;

	return !flow->rule || ankus_queues_has(&flow->rule->tx, bin);
}

static bool tx_queue_dead(const struct ankus_dev *ad, unsigned int bin)
{
	return bin >= READ_ONCE(ad->netdev->real_num_tx_queues);
}

static bool tx_queue_idle(const struct ankus_dev *ad, int bin)
{
	unsigned int i;

	if (bin != ANKUS_NO_BIN)
		return ankus_txq_idle(netdev_get_tx_queue(ad->netdev, bin));
	for (i = 0; i < READ_ONCE(ad->netdev->real_num_tx_queues); i++)
		if (!ankus_txq_idle(netdev_get_tx_queue(ad->netdev, i)))
			return false;
	return true;
}

/* Bytes that went through one queue, where its qdisc counts them */
static bool tx_queue_bytes(const struct ankus_dev *ad, unsigned int bin,
			   u64 *bytes)
{
	const struct gnet_stats_basic_sync *bstats;
	const struct Qdisc *qdisc;
	bool counted = false;
	int cpu;

	rcu_read_lock();
	qdisc = rcu_dereference(netdev_get_tx_queue(ad->netdev, bin)->qdisc);
	if (qdisc && qdisc->enqueue && (qdisc->flags & TCQ_F_ONETXQUEUE)) {
		counted = true;
		*bytes = u64_stats_read(&qdisc->bstats.bytes);
		if (qdisc_is_percpu_stats(qdisc)) {
			for_each_possible_cpu(cpu) {
				bstats = per_cpu_ptr(qdisc->cpu_bstats, cpu);
				*bytes += u64_stats_read(&bstats->bytes);
			}
		}
	}
	rcu_read_unlock();
	return counted;
}

static enum ankus_proof tx_queue_verify(struct ankus_dev *ad,
					struct ankus_flow *flow,
					struct ankus_pin *pin)
{
	u64 sent = atomic64_read(&flow->bytes);
	int have = READ_ONCE(pin->have);
	u64 bytes = 0;
	bool counted;

	/* ANKUS_NO_BIN, which the packet path may just have written, is dead */
	if (tx_queue_dead(ad, have))
		return ANKUS_PROOF_NONE;
	counted = tx_queue_bytes(ad, have, &bytes);
	if (!counted) {
		/* No qdisc to ask; without a say of the driver the choice holds */
		if (!ad->netdev->netdev_ops->ndo_select_queue &&
		    READ_ONCE(flow->seen_bin) == have)
			return ANKUS_PROOF_FOR;
		return ANKUS_PROOF_NONE;
	}
	return ankus_steer_compare(pin, sent, bytes);
}

const struct ankus_backend_ops ankus_tx_queue_ops = {
	.name = "tx_queue",
	.id = ANKUS_BACKEND_AUTO,
	.kind = ANKUS_PIN_TXQ,
	.probe = tx_queue_probe,
	.bins = tx_queue_bins,
	.allowed = tx_queue_allowed,
	.dead = tx_queue_dead,
	.verify = tx_queue_verify,
};

/* Does the stack let the socket remember a queue?  As in netdev_pick_tx() */
static bool tx_queue_remembered(const struct sock *sk)
{
	return rcu_access_pointer(sk->sk_dst_cache);
}

/* The queue that the packet is to take, the wanted one when that is safe */
static int tx_queue_move(struct ankus_dev *ad, struct ankus_pin *pin,
			 struct sk_buff *skb, int want, int have)
{
	enum ankus_safe_point safe;
	struct sock *sk = skb->sk;

	safe = ankus_steer_safe(&ankus_tx_queue_ops, ad, pin, skb,
				tx_queue_idle);
	if (!safe)
		return have;
	ankus_steer_switch(pin, want, safe);
	/* the stack chooses anew; without TCP it never would by itself */
	if (want == ANKUS_NO_BIN && sk && sk_fullsock(sk))
		sk_tx_queue_clear(sk);
	return want;
}

/**
 * ankus_tx_queue_apply() - send a packet through the queue of its flow
 * @ad: the device
 * @pin: the flow's pin, wanted or in force
 * @skb: the packet
 *
 * Context: Egress hook.
 */
void ankus_tx_queue_apply(struct ankus_dev *ad, struct ankus_pin *pin,
			  struct sk_buff *skb)
{
	int want = READ_ONCE(pin->want);
	int have = READ_ONCE(pin->have);
	struct sock *sk = skb->sk;

	if (unlikely(want != have))
		have = tx_queue_move(ad, pin, skb, want, have);
	if (have == ANKUS_NO_BIN)
		return;
	if (unlikely(tx_queue_dead(ad, have))) {
		ankus_steer_leave(pin, have);
		return;
	}

	if (sk && !sk_fullsock(sk))
		return;
	if (!sk || !tx_queue_remembered(sk)) {
		skb_record_rx_queue(skb, have);
		return;
	}
	/* 7.x lets a mapping grow old; setting another value makes it new */
	if (sk_tx_queue_get(sk) != have) {
		sk_tx_queue_clear(sk);
		sk_tx_queue_set(sk, have);
	}
	skb->ooo_okay = 0;
}
