// SPDX-License-Identifier: GPL-2.0
/*
 * CPU pins: a received packet of the flow is taken from the device at ingress
 * and handed to the CPU of choice, as RPS does for all packets.
 *
 * Each device has a queue for each CPU, with two NAPIs that work it off: one is
 * woken on that CPU by an interrupt, the other on whatever CPU fills the queue
 * faster than that CPU empties it.  Delivery goes on behind the point at which
 * the packet was taken: taps, tc and netfilter have seen it and do not again.
 *
 * A flow changes its CPU when nothing of it is queued any more; nor behind that,
 * where packets for a container wait once more, in the backlog of the CPU.
 */
#include <linux/cpumask.h>
#include <linux/rtnetlink.h>
#include <linux/sched/isolation.h>
#include <linux/smp.h>
#include <net/sock.h>

#include "compat.h"
#include "cpu_queue.h"
#include "rule.h"
#include "rx_cpu.h"

/* Packets delivered at a stretch when the device is let go */
#define RX_CPU_BATCH 64
/* So long a flow waits for the backlog of its CPU, which may be full for good */
#define RX_CPU_BACKLOG_NS NSEC_PER_SEC

/**
 * struct rx_cpu_queue - what is on its way to one CPU
 * @queue: the packets
 * @ad: the device
 * @cpu: the CPU
 * @napi: works off on @cpu
 * @help: works off on a CPU that filled the queue up
 * @csd: wakes @napi; in use by who made it scheduled
 * @backlog: ankus_backlog_added() of @cpu behind the last packet delivered there;
 *	by who works off
 */
struct rx_cpu_queue {
	struct ankus_cpu_queue queue;
	struct ankus_dev *ad;
	unsigned int cpu;
	struct napi_struct napi;
	struct napi_struct help;
	call_single_data_t csd;
	unsigned int backlog;
};

/**
 * struct ankus_rx_cpu - the queues of a device
 * @dummy: what the NAPIs belong to
 * @n: length of @queues
 * @queues: by CPU, NULL for those that cannot be
 */
struct ankus_rx_cpu {
	struct net_device *dummy;
	unsigned int n;
	struct rx_cpu_queue *queues[];
};

/* Is it one whose packets have been through the hook of another one? */
static bool rx_cpu_is_upper(const struct ankus_dev *ad)
{
	const struct ankus_dev *lower;
	bool upper = false;

	lockdep_assert_held(&ad->an->lock);

	rcu_read_lock();
	list_for_each_entry(lower, &ad->an->devs, list)
		upper |= lower->cfg.mode == ANKUS_MODE_STEER &&
			 netdev_has_upper_dev_all_rcu(lower->netdev, ad->netdev);
	rcu_read_unlock();
	return upper;
}

static int rx_cpu_probe(struct ankus_dev *ad, const char **reason)
{
	if (!IS_ENABLED(CONFIG_NET_CLS_ACT)) {
		*reason = "the kernel has no CONFIG_NET_CLS_ACT";
		return -EOPNOTSUPP;
	}
	switch (ad->cfg.backend) {
	case ANKUS_BACKEND_AUTO:
		/* once is enough */
		if (rx_cpu_is_upper(ad)) {
			*reason = "a device below it steers its flows";
			return -EOPNOTSUPP;
		}
		break;
	case ANKUS_BACKEND_CPU:
		break;
	case ANKUS_BACKEND_NONE:
		*reason = "backend none";
		return -EOPNOTSUPP;
	default:
		*reason = "the backend is one of the NIC";
		return -EOPNOTSUPP;
	}
	if (num_online_cpus() < 2) {
		*reason = "one CPU is online";
		return -EOPNOTSUPP;
	}
	if (rcu_access_pointer(ad->netdev->xdp_prog)) {
		*reason = "generic XDP is attached, it would run twice";
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Isolated CPUs are left alone unless they were asked for */
static bool rx_cpu_open(const struct ankus_dev *ad, unsigned int cpu)
{
	if (!cpu_online(cpu))
		return false;
	return ad->cfg.cpus.some ? ankus_queues_has(&ad->cfg.cpus, cpu) :
				   housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN);
}

static unsigned int rx_cpu_bins(struct ankus_dev *ad)
{
	struct ankus_bin *bins = ad->bins[ANKUS_PIN_CPU];
	unsigned int i, n = min(nr_cpu_ids, ad->bins_max);

	for (i = 0; i < n; i++)
		bins[i] = (struct ankus_bin) { .usable = rx_cpu_open(ad, i) };
	return n;
}

static bool rx_cpu_allowed(const void *arg, unsigned int bin)
{
	const struct ankus_flow *flow = arg;

	return !flow->rule || ankus_queues_has(&flow->rule->cpus, bin);
}

static bool rx_cpu_dead(const struct ankus_dev *ad, unsigned int bin)
{
	return bin >= nr_cpu_ids || !cpu_online(bin);
}

static enum ankus_proof rx_cpu_verify(struct ankus_dev *ad,
				      struct ankus_flow *flow,
				      struct ankus_pin *pin)
{
	u64 bytes = atomic64_read(&flow->bytes);
	int have = READ_ONCE(pin->have);

	/* ANKUS_NO_BIN, which the packet path may just have written, is dead */
	if (rx_cpu_dead(ad, have))
		return ANKUS_PROOF_NONE;
	return ankus_steer_compare(pin, bytes,
				   ankus_dev_cpu_stat(ad, have,
						      ANKUS_CPU_BYTES));
}

const struct ankus_backend_ops ankus_rx_cpu_ops = {
	.name = "rx_cpu",
	.id = ANKUS_BACKEND_CPU,
	.kind = ANKUS_PIN_CPU,
	.probe = rx_cpu_probe,
	.bins = rx_cpu_bins,
	.allowed = rx_cpu_allowed,
	.dead = rx_cpu_dead,
	.verify = rx_cpu_verify,
};

/**
 * ankus_rx_cpu_wanted() - is a flow to be given a CPU?
 * @ad: the device
 * @flow: a received elephant, with a control part
 *
 * Where a queue of the NIC can be chosen, only when that has failed for this
 * flow, and until it is seen to work: what is tried again is in force for a
 * while, works or not.
 *
 * Context: Under ankus_net::lock.
 * Return: true if so.
 */
bool ankus_rx_cpu_wanted(const struct ankus_dev *ad,
			 const struct ankus_flow *flow)
{
	const struct ankus_pin *rx = &flow->ctl->pin[ANKUS_PIN_RXQ];

	if (ad->cfg.backend == ANKUS_BACKEND_CPU || !ad->rx.ops)
		return true;
	switch (rx->state) {
	case ANKUS_PIN_STATE_REFUSED:
	case ANKUS_PIN_STATE_INEFFECTIVE:
		return true;
	case ANKUS_PIN_STATE_PARKED:
		/* a full table or another's bucket, not that nothing is open */
		return rx->error || READ_ONCE(flow->ctl->rx.shared);
	case ANKUS_PIN_STATE_VERIFIED:
		return false;
	default:
		return flow->ctl->pin[ANKUS_PIN_CPU].want != ANKUS_NO_BIN;
	}
}

/* --- packets --------------------------------------------------------------- */

static void rx_cpu_count(struct ankus_dev *ad, const struct sk_buff *skb)
{
	ankus_pcpu_add(ad, ANKUS_CPU_PACKETS, 1);
	ankus_pcpu_add(ad, ANKUS_CPU_BYTES,
		       skb->len - skb_network_offset(skb));
}

static void rx_cpu_deliver(struct ankus_cpu_queue *queue, struct sk_buff *skb)
{
	struct rx_cpu_queue *q = container_of(queue, struct rx_cpu_queue, queue);

	rx_cpu_count(q->ad, skb);
	ankus_skb_skip_ingress(skb);
	/* not again by RPS */
	netif_receive_skb_core(skb);
	if (likely(smp_processor_id() == q->cpu))
		WRITE_ONCE(q->backlog, ankus_backlog_added(q->cpu));
	else
		ankus_pcpu_add(q->ad, ANKUS_CPU_OVERFLOW, 1);
}

/* The NAPI's owner makes it run: here, when the CPU of choice is not online */
static void rx_cpu_wake(struct rx_cpu_queue *q)
{
	if (!napi_schedule_prep(&q->napi))
		return;
	if (q->cpu == smp_processor_id() ||
	    smp_call_function_single_async(q->cpu, &q->csd))
		__napi_schedule(&q->napi);
}

static void rx_cpu_woken(void *arg)
{
	struct rx_cpu_queue *q = arg;

	__napi_schedule(&q->napi);
}

static int rx_cpu_poll(struct napi_struct *napi, int budget)
{
	struct rx_cpu_queue *q = container_of(napi, struct rx_cpu_queue, napi);
	int n = ankus_cpu_queue_work(&q->queue, budget, rx_cpu_deliver);

	if (n < budget) {
		napi_complete_done(napi, n);
		if (ankus_cpu_queue_forsaken(&q->queue))
			rx_cpu_wake(q);
	}
	return n;
}

/* Gives a hand until the queue is half empty */
static int rx_cpu_help(struct napi_struct *napi, int budget)
{
	struct rx_cpu_queue *q = container_of(napi, struct rx_cpu_queue, help);
	int n = ankus_cpu_queue_work(&q->queue, budget, rx_cpu_deliver);

	if (n == budget &&
	    ankus_cpu_queue_len(&q->queue) > ankus_max_backlog() / 2)
		return budget;
	n = min(n, budget - 1);
	napi_complete_done(napi, n);
	if (ankus_cpu_queue_forsaken(&q->queue))
		rx_cpu_wake(q);
	return n;
}

/*
 * What cannot wait: memory that the receiver is short of, a socket that tc chose
 * (without a reference), what somebody else holds too.  And what generic XDP
 * would see again.
 */
static bool rx_cpu_takes(const struct sk_buff *skb)
{
	return !skb_pfmemalloc(skb) && !skb_shared(skb) &&
	       !(skb->sk && skb_sk_is_prefetched((struct sk_buff *)skb)) &&
	       !rcu_access_pointer(skb->dev->xdp_prog);
}

static bool rx_cpu_hand_over(struct ankus_dev *ad, struct rx_cpu_queue *q,
			     struct ankus_flow_ctl *ctl, struct sk_buff *skb)
{
	unsigned int limit = ankus_max_backlog();

	if (unlikely(!rx_cpu_takes(skb))) {
		ankus_pcpu_add(ad, ANKUS_CPU_BYPASSED, 1);
		return false;
	}
	skb_dst_force(skb);
	/* the core does this behind the hooks */
	skb_reset_redirect(skb);
	switch (ankus_cpu_queue_add(&q->queue, q->cpu, skb, limit,
				    &ctl->cpu_place)) {
	case ANKUS_CPU_FULL:
		ankus_pcpu_add(ad, ANKUS_CPU_BYPASSED, 1);
		return false;
	case ANKUS_CPU_FIRST:
		rx_cpu_wake(q);
		break;
	case ANKUS_CPU_ADDED:
		break;
	}
	ankus_pcpu_add(ad, ANKUS_CPU_QUEUED, 1);
	if (unlikely(ankus_cpu_queue_len(&q->queue) >= limit))
		napi_schedule(&q->help);
	return true;
}

/*
 * May the flow leave the queue that its last packet took?  It stays while packets
 * of it are on their way; also, if it is to go elsewhere, in the backlog of the
 * CPU.  That is seen by what all flows of the queue have put there.
 */
static enum ankus_safe_point rx_cpu_safe(const struct rx_cpu_queue *q,
					 struct ankus_pin *pin, u64 place)
{
	u64 now, since;

	if (!ankus_cpu_queue_passed(&q->queue, place))
		return ANKUS_SAFE_POINT_NONE;
	if (likely(READ_ONCE(pin->want) == q->cpu &&
		   READ_ONCE(pin->have) == q->cpu))
		return ANKUS_SAFE_POINT_DRAINED;
	if ((int)(ankus_backlog_done(q->cpu) - READ_ONCE(q->backlog)) >= 0)
		return ANKUS_SAFE_POINT_DRAINED;
	now = ktime_get_ns();
	since = READ_ONCE(pin->gap_ns);
	if (since < READ_ONCE(pin->wanted_ns)) {
		WRITE_ONCE(pin->gap_ns, now);
		return ANKUS_SAFE_POINT_NONE;
	}
	return now - since < RX_CPU_BACKLOG_NS ? ANKUS_SAFE_POINT_NONE :
						 ANKUS_SAFE_POINT_TIMEOUT;
}

/*
 * The CPU whose queue the packet is to take, ANKUS_NO_BIN to go on here.
 *
 * What went on here before may still wait in a list: the core takes packets
 * through the hooks several at a time, and hands them to IP afterwards.  So a
 * flow leaves for another CPU by way of this CPU's own queue, which is worked
 * off when the lists are.
 */
static int rx_cpu_route(struct ankus_dev *ad, struct ankus_pin *pin, u64 place,
			enum ankus_safe_point safe)
{
	int want = READ_ONCE(pin->want);
	int have = READ_ONCE(pin->have);
	int here = smp_processor_id();

	if (unlikely(want != have) &&
	    (want == ANKUS_NO_BIN || !rx_cpu_dead(ad, want))) {
		if (!place && want != ANKUS_NO_BIN && want != here)
			return have == ANKUS_NO_BIN ? here : have;
		ankus_steer_switch(pin, want, safe);
		have = want;
	}
	if (have == ANKUS_NO_BIN)
		return ANKUS_NO_BIN;
	if (unlikely(rx_cpu_dead(ad, have))) {
		ankus_steer_leave(pin, have);
		return ANKUS_NO_BIN;
	}
	return have == here ? ANKUS_NO_BIN : have;
}

/**
 * ankus_rx_cpu_apply() - hand a packet to the CPU of its flow
 * @ad: the device
 * @ctl: control part of the flow: its pin is wanted or in force, or its last
 *	packet went through a queue
 * @skb: the packet
 *
 * Context: Ingress hook.
 * Return: true if the packet was taken, false if it is to go on here.
 */
bool ankus_rx_cpu_apply(struct ankus_dev *ad, struct ankus_flow_ctl *ctl,
			struct sk_buff *skb)
{
	/* Pairs with smp_store_release() in ankus_rx_cpu_start() */
	struct ankus_rx_cpu *rc = smp_load_acquire(&ad->rx_cpu);
	struct ankus_pin *pin = &ctl->pin[ANKUS_PIN_CPU];
	enum ankus_safe_point safe = ANKUS_SAFE_POINT_DRAINED;
	u64 place = READ_ONCE(ctl->cpu_place);
	int cpu = ankus_place_cpu(place);

	if (unlikely(!rc))
		return false;
	if (place)
		safe = rx_cpu_safe(rc->queues[cpu], pin, place);
	if (safe)
		cpu = rx_cpu_route(ad, pin, place, safe);
	if (cpu != ANKUS_NO_BIN && likely(cpu < rc->n))
		return rx_cpu_hand_over(ad, rc->queues[cpu], ctl, skb);

	if (place)
		WRITE_ONCE(ctl->cpu_place, 0);
	if (READ_ONCE(pin->have) == smp_processor_id())
		rx_cpu_count(ad, skb);
	return false;
}

/* --- beginning and end ------------------------------------------------------ */

/**
 * ankus_rx_cpu_pending() - is ankus_rx_cpu_start() to be called?
 * @ad: the device
 *
 * Context: Under ankus_net::lock.
 * Return: true if a flow wants a CPU and there are no queues yet.
 */
bool ankus_rx_cpu_pending(struct ankus_dev *ad)
{
	struct ankus_flow *flow;

	if (ad->rx_cpu)
		return false;
	ankus_active_for_each(&ad->flows, flow)
		if (flow->ctl->pin[ANKUS_PIN_CPU].want != ANKUS_NO_BIN)
			return true;
	return false;
}

static void rx_cpu_destroy(struct ankus_rx_cpu *rc)
{
	unsigned int i;

	for (i = 0; i < rc->n; i++)
		kfree(rc->queues[i]);
	kfree(rc);
}

static struct rx_cpu_queue *rx_cpu_queue_new(struct ankus_dev *ad,
					     unsigned int cpu)
{
	struct rx_cpu_queue *q;

	q = kzalloc_node(sizeof(*q), GFP_KERNEL_ACCOUNT, cpu_to_node(cpu));
	if (!q)
		return NULL;
	ankus_cpu_queue_init(&q->queue);
	q->ad = ad;
	q->cpu = cpu;
	INIT_CSD(&q->csd, rx_cpu_woken, q);
	return q;
}

/* No driver's, so nobody is to poll them while he waits for a device of his */
static void rx_cpu_napi_add(struct net_device *dummy, struct napi_struct *napi,
			    int (*poll)(struct napi_struct *, int))
{
	set_bit(NAPI_STATE_NO_BUSY_POLL, &napi->state);
	netif_napi_add(dummy, napi, poll);
	napi_enable(napi);
}

/**
 * ankus_rx_cpu_start() - make the queues, when a flow wants a CPU
 * @ad: the device, not gone
 *
 * Without memory it is tried again in the next tick.
 *
 * Context: Under rtnl, without ankus_net::lock, not in a notifier.  May sleep.
 */
void ankus_rx_cpu_start(struct ankus_dev *ad)
{
	unsigned int cpu, n = min_t(unsigned int, nr_cpu_ids, ANKUS_MAX_QUEUES);
	struct ankus_rx_cpu *rc;

	ASSERT_RTNL();
	BUILD_BUG_ON(ANKUS_MAX_QUEUES > 1 << ANKUS_PLACE_CPU_BITS);

	if (ad->rx_cpu)
		return;
	rc = kzalloc(struct_size(rc, queues, n), GFP_KERNEL_ACCOUNT);
	if (!rc)
		return;
	rc->n = n;
	for (cpu = 0; cpu < n; cpu++) {
		if (!cpu_possible(cpu))
			continue;
		rc->queues[cpu] = rx_cpu_queue_new(ad, cpu);
		if (!rc->queues[cpu])
			goto err_free;
	}
	rc->dummy = ankus_dummy_alloc();
	if (!rc->dummy)
		goto err_free;
	for (cpu = 0; cpu < n; cpu++) {
		if (!rc->queues[cpu])
			continue;
		rx_cpu_napi_add(rc->dummy, &rc->queues[cpu]->napi, rx_cpu_poll);
		rx_cpu_napi_add(rc->dummy, &rc->queues[cpu]->help, rx_cpu_help);
	}
	/* Pairs with smp_load_acquire() on the packet path */
	smp_store_release(&ad->rx_cpu, rc);
	return;

err_free:
	rx_cpu_destroy(rc);
}

static void rx_cpu_drop(struct ankus_cpu_queue *queue, struct sk_buff *skb)
{
	kfree_skb(skb);
}

/*
 * Nobody adds to the queue any more, and no NAPI works it off.  What is left for
 * a device that is being unregistered has nobody to go to; there the core drops
 * its own backlog, too.
 */
static void rx_cpu_drain(struct rx_cpu_queue *q)
{
	bool registered = q->ad->netdev->reg_state == NETREG_REGISTERED;

	while (ankus_cpu_queue_len(&q->queue)) {
		local_bh_disable();
		ankus_cpu_queue_work(&q->queue, RX_CPU_BATCH,
				     registered ? rx_cpu_deliver : rx_cpu_drop);
		local_bh_enable();
		cond_resched();
	}
}

/**
 * ankus_rx_cpu_stop() - deliver what is queued, before the device goes away
 * @ad: the device, its hooks unregistered
 *
 * Packets in the queues hold no reference to the device.
 *
 * Context: Under rtnl, without ankus_net::lock.  May sleep.
 */
void ankus_rx_cpu_stop(struct ankus_dev *ad)
{
	struct ankus_rx_cpu *rc = ad->rx_cpu;
	unsigned int i;

	ASSERT_RTNL();

	if (!rc)
		return;
	/* the last packets leave the hooks */
	synchronize_net();
	for (i = 0; i < rc->n; i++) {
		struct rx_cpu_queue *q = rc->queues[i];

		if (!q)
			continue;
		napi_disable(&q->help);
		napi_disable(&q->napi);
		rx_cpu_drain(q);
		__netif_napi_del(&q->help);
		__netif_napi_del(&q->napi);
	}
	/* others may be walking the list of NAPIs */
	synchronize_net();
	ankus_dummy_free(rc->dummy);
	rx_cpu_destroy(rc);
	ad->rx_cpu = NULL;
}
