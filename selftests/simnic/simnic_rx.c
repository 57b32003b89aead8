// SPDX-License-Identifier: GPL-2.0
/* The RX queues: a bounded ring, a NAPI and a CPU each
 *
 * A sender chooses the queue, puts the packet into its ring and, where a real
 * NIC would raise the queue's interrupt, sends an IPI to the queue's CPU.
 * Only whoever wins NAPI's SCHED bit sends it, so one IPI at most is under
 * way, and napi_disable() waits for it as well.
 */
#include <linux/cpumask.h>
#include <linux/etherdevice.h>
#include <linux/ptr_ring.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "simnic.h"
#include "compat.h"

struct simnic_rxq {
	struct napi_struct napi;
	struct ptr_ring ring;
	call_single_data_t irq;
	int cpu;
	unsigned int index;
	struct simnic *nic;
};

struct simnic_rxqs {
	unsigned int n;
	struct simnic_rxq q[];
};

/* On the queue's CPU, in hard interrupt context */
static void rxq_irq(void *data)
{
	struct simnic_rxq *rxq = data;

	__napi_schedule(&rxq->napi);
}

/* Context: BH off.  A CPU that is offline takes no IPI: poll here then. */
static void rxq_kick(struct simnic_rxq *rxq)
{
	if (!napi_schedule_prep(&rxq->napi))
		return;
	if (rxq->cpu == smp_processor_id() ||
	    smp_call_function_single_async(rxq->cpu, &rxq->irq))
		__napi_schedule(&rxq->napi);
}

static int rxq_poll(struct napi_struct *napi, int budget)
{
	struct simnic_rxq *rxq = container_of(napi, struct simnic_rxq, napi);
	struct simnic_rxq_stats *stats = &rxq->nic->rx_stats[rxq->index];
	struct sk_buff *skb;
	int done = 0;

	/* NAPI makes this the only consumer, no need for the ring's lock. */
	while (done < budget && (skb = __ptr_ring_consume(&rxq->ring))) {
		u64_stats_update_begin(&stats->syncp);
		u64_stats_inc(&stats->packets);
		u64_stats_add(&stats->bytes, skb->len + ETH_HLEN);
		u64_stats_update_end(&stats->syncp);
		napi_gro_receive(napi, skb);
		done++;
	}
	if (done < budget)
		napi_complete_done(napi, done);
	return done;
}

static void rxq_drain(struct simnic_rxq *rxq)
{
	struct simnic_rxq_stats *stats = &rxq->nic->rx_stats[rxq->index];
	struct sk_buff *skb;

	while ((skb = ptr_ring_consume_bh(&rxq->ring))) {
		atomic64_inc(&stats->drops);
		kfree_skb(skb);
	}
}

struct simnic_rxqs *simnic_rxqs_alloc(struct simnic *nic, unsigned int n)
{
	struct simnic_rxqs *rxqs;
	unsigned int i;

	rxqs = kvzalloc(struct_size(rxqs, q, n), GFP_KERNEL);
	if (!rxqs)
		return NULL;

	for (i = 0; i < n; i++) {
		struct simnic_rxq *rxq = &rxqs->q[i];

		if (ptr_ring_init(&rxq->ring, nic->ring_size, GFP_KERNEL)) {
			simnic_rxqs_free(rxqs);
			return NULL;
		}
		INIT_CSD(&rxq->irq, rxq_irq, rxq);
		rxq->cpu = cpumask_local_spread(i, NUMA_NO_NODE);
		rxq->index = i;
		rxq->nic = nic;
		rxqs->n++;
	}
	return rxqs;
}

/* Stopped, or never started; NULL is fine */
void simnic_rxqs_free(struct simnic_rxqs *rxqs)
{
	unsigned int i;

	if (!rxqs)
		return;
	for (i = 0; i < rxqs->n; i++)
		ptr_ring_cleanup(&rxqs->q[i].ring, NULL);
	kvfree(rxqs);
}

/* Context: the lock of simnic::rxqs.  Takes packets from now on. */
void simnic_rx_start(struct simnic *nic, struct simnic_rxqs *rxqs)
{
	struct net_device *dev = nic->dev;
	unsigned int i;

	for (i = 0; i < rxqs->n; i++) {
		struct napi_struct *napi = &rxqs->q[i].napi;

		compat_napi_add(dev, napi, rxq_poll);
		compat_napi_enable(napi);
		compat_queue_set_napi(dev, i, napi);
	}
	rcu_assign_pointer(nic->rxqs, rxqs);
}

/* Context: the lock of simnic::rxqs, may sleep.  Returns what ran, for
 * simnic_rxqs_free() or another start.
 */
struct simnic_rxqs *simnic_rx_stop(struct simnic *nic)
{
	struct net_device *dev = nic->dev;
	struct simnic_rxqs *rxqs;
	unsigned int i;

	rxqs = rcu_dereference_protected(nic->rxqs, compat_dev_locked(dev));
	if (!rxqs)
		return NULL;

	/* After this no sender has a queue in hand. */
	RCU_INIT_POINTER(nic->rxqs, NULL);
	synchronize_net();

	for (i = 0; i < rxqs->n; i++) {
		struct simnic_rxq *rxq = &rxqs->q[i];

		compat_queue_set_napi(dev, i, NULL);
		compat_napi_disable(&rxq->napi);
		compat_napi_del(&rxq->napi);
		rxq_drain(rxq);
	}
	synchronize_net();
	return rxqs;
}

/* Context: the lock of simnic::rxqs, may sleep */
int simnic_rx_reset(struct simnic *nic)
{
	struct net_device *dev = nic->dev;

	if (netif_running(dev)) {
		struct simnic_rxqs *rxqs;

		rxqs = simnic_rxqs_alloc(nic, dev->real_num_rx_queues);
		if (!rxqs)
			return -ENOMEM;
		simnic_rxqs_free(simnic_rx_stop(nic));
		if (simnic_quirk(nic, SIMNIC_RSS_LOSE_ON_RESET))
			simnic_rss_spread(nic, dev->real_num_rx_queues);
		simnic_rx_start(nic, rxqs);
	}
	if (simnic_quirk(nic, SIMNIC_LOSE_ON_RESET))
		simnic_ntuple_flush(nic);

	mutex_lock(&nic->lock);
	nic->resets++;
	mutex_unlock(&nic->lock);
	return 0;
}

/* Returns the queue, or -1 to discard the packet. */
static int steer(struct simnic *nic, struct sk_buff *skb, unsigned int n)
{
	struct simnic_key key;
	unsigned int queue;
	u64 cookie;

	simnic_key_parse(skb, &key);
	queue = simnic_rss_select(nic, &key, skb);

	if ((nic->dev->features & NETIF_F_NTUPLE) &&
	    simnic_ntuple_match(nic, &key, &cookie)) {
		atomic64_inc(&nic->ntuple_hits);
		if (cookie == RX_CLS_FLOW_DISC) {
			atomic64_inc(&nic->ntuple_drops);
			return -1;
		}
		queue = cookie;
	}
	/* Tables may still name a queue that is just being removed. */
	return queue < n ? queue : 0;
}

/* Context: RCU read side, BH off.  Takes over a packet from the other end. */
void simnic_receive(struct simnic *nic, struct sk_buff *skb)
{
	struct simnic_rxqs *rxqs = rcu_dereference(nic->rxqs);
	struct net_device *dev = nic->dev;
	struct simnic_rxq *rxq;
	int queue;

	if (!rxqs) {
		atomic64_inc(&nic->rx_drops);
		dev_kfree_skb_any(skb);
		return;
	}
	/* Too long for the MTU and the like; the core frees and counts it. */
	if (__dev_forward_skb(dev, skb))
		return;

	/* What a wire does not carry.  The sending socket must not wait for
	 * this ring to be read either: a NIC's TX completion comes before.
	 * It may keep the packet to send it again, and GRO moves fragments
	 * out of packets: it must have its own.
	 */
	if (skb_unclone(skb, GFP_ATOMIC)) {
		atomic64_inc(&nic->rx_drops);
		dev_kfree_skb_any(skb);
		return;
	}
	skb_orphan(skb);
	skb->mark = 0;
	skb_clear_delivery_time(skb);
	skb->tstamp = 0;

	queue = steer(nic, skb, rxqs->n);
	if (queue < 0) {
		atomic64_inc(&nic->rx_drops);
		dev_kfree_skb_any(skb);
		return;
	}
	if (simnic_quirk(nic, SIMNIC_NO_RXQ_RECORD))
		skb_set_queue_mapping(skb, 0);
	else
		skb_record_rx_queue(skb, queue);

	rxq = &rxqs->q[queue];
	if (ptr_ring_produce(&rxq->ring, skb)) {
		atomic64_inc(&nic->rx_stats[queue].drops);
		dev_kfree_skb_any(skb);
	}
	rxq_kick(rxq);
}
