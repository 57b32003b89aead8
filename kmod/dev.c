// SPDX-License-Identifier: GPL-2.0
/* Life of the managed devices: created, found, counted, freed. */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "balance.h"
#include "rss.h"

/* Index of struct ankus_net in a namespace, constant after module init */
unsigned int ankus_net_id;

/* Control loops, driver calls and frees; lives as long as the module */
struct workqueue_struct *ankus_wq;

/* Devices not yet freed; the last one wakes who waits to unload */
/* Pairs have so many times less of the admission sketch than flows */
#define DEV_PAIR_SKETCH_PART	16

static atomic_t dev_count = ATOMIC_INIT(0);
/* Told of that, and of a namespace that has no users any more */
static DECLARE_WAIT_QUEUE_HEAD(dev_wait);

/**
 * ankus_dev_init() - get what all devices share
 *
 * Context: Module init.
 * Return: 0 or -ENOMEM.
 */
int ankus_dev_init(void)
{
	/*
	 * Unbound: a control loop must not wait for the CPU that an elephant
	 * keeps busy in softirq.
	 */
	ankus_wq = alloc_workqueue("ankus", WQ_UNBOUND, 0);
	return ankus_wq ? 0 : -ENOMEM;
}

/**
 * ankus_dev_exit() - give it back
 *
 * Waits until the last device and the last flow are freed.
 *
 * Context: Module exit, no device is left in any namespace.
 */
void ankus_dev_exit(void)
{
	/* Works, also those that a last packet asked for, hold their device */
	wait_event(dev_wait, !atomic_read(&dev_count));
	/* Flows are freed by callbacks of ours */
	rcu_barrier();
	destroy_workqueue(ankus_wq);
}

/**
 * ankus_net_setup() - initialise the state of a namespace
 * @an: to be set up, all 0
 * @net: its namespace
 *
 * Context: Namespace init.
 */
void ankus_net_setup(struct ankus_net *an, struct net *net)
{
	an->net = net;
	mutex_init(&an->lock);
	INIT_LIST_HEAD(&an->devs);
	INIT_LIST_HEAD(&an->rules);
	atomic64_set(&an->next_flow, 0);
	atomic_set(&an->users, 0);
	/* 0 means "no sequence" to the dump code */
	an->seq = 1;
	an->rule_gen = 1;
}

/**
 * ankus_net_wait() - wait until no work looks at the state of a namespace
 * @an: the state, of which no device is managed any more
 *
 * A work that was running when its device was let go, or that a last packet
 * asked for, finds the device gone, but only after it took ankus_net::lock.
 *
 * Context: Namespace exit, a grace period after the last device was let go.
 * Without rtnl: works wait for it.
 */
void ankus_net_wait(struct ankus_net *an)
{
	wait_event(dev_wait, !atomic_read(&an->users));
}

/**
 * ankus_config_default() - configuration of a device nobody said a word about
 * @cfg: filled in
 *
 * Context: Any.
 */
void ankus_config_default(struct ankus_config *cfg)
{
	*cfg = (struct ankus_config) {
		.mode = ANKUS_MODE_OBSERVE,
		.backend = ANKUS_BACKEND_AUTO,
		.links = ANKUS_LINKS_AUTO,
		.rate_bps = 1000000000,
		.hold_ms = 200,
		.release_ms = 2000,
		.tick_ms = 100,
		.flow_max = 16384,
		.sketch_bytes = 256 * 1024,
		.low_entropy_permille = 1000,
	};
}

/**
 * ankus_dev_find() - is a device managed?
 * @an: state of its namespace
 * @netdev: the device
 *
 * Context: Under ankus_net::lock.
 * Return: the managed device, or NULL.
 */
struct ankus_dev *ankus_dev_find(struct ankus_net *an,
				 const struct net_device *netdev)
{
	struct ankus_dev *ad;

	lockdep_assert_held(&an->lock);

	list_for_each_entry(ad, &an->devs, list)
		if (ad->netdev == netdev)
			return ad;
	return NULL;
}

static void dev_sketch_destroy(struct ankus_dev *ad)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kvfree(per_cpu_ptr(ad->pcpu, cpu)->sketch);
}

/* One on each CPU, in its memory; @bytes a power of two, or 0 for none */
static int dev_sketch_init(struct ankus_dev *ad, u32 bytes)
{
	u32 lines = bytes / sizeof(struct ankus_sketch_line);
	u32 pair_lines = lines / DEV_PAIR_SKETCH_PART;
	size_t size = array_size(lines + pair_lines,
				 sizeof(struct ankus_sketch_line));
	int cpu;

	if (!bytes)
		return 0;
	ad->sketch_mask = lines - 1;
	ad->pair_sketch_mask = pair_lines - 1;
	for_each_possible_cpu(cpu) {
		struct ankus_pcpu *pcpu = per_cpu_ptr(ad->pcpu, cpu);

		pcpu->sketch = kvzalloc_node(size, GFP_KERNEL_ACCOUNT,
					     cpu_to_node(cpu));
		if (!pcpu->sketch)
			return -ENOMEM;
		pcpu->pair_sketch = pcpu->sketch + lines;
	}
	return 0;
}

/**
 * ankus_dev_nth() - a managed device by its place in the list
 * @an: state of its namespace
 * @n: its place, from 0
 *
 * For who lets the lock go in between.
 *
 * Context: Under ankus_net::lock.
 * Return: the device, or NULL when there are not so many.
 */
struct ankus_dev *ankus_dev_nth(struct ankus_net *an, unsigned int n)
{
	struct ankus_dev *ad;

	lockdep_assert_held(&an->lock);

	list_for_each_entry(ad, &an->devs, list)
		if (!n--)
			return ad;
	return NULL;
}

/**
 * ankus_dev_create() - make a managed device
 * @an: state of its namespace
 * @netdev: the device, not managed yet
 * @cfg: its configuration
 *
 * The device is not on the list and sees no packets yet.
 *
 * Context: Under rtnl.  May sleep.
 * Return: the device, or ERR_PTR(-ENOMEM).
 */
struct ankus_dev *ankus_dev_create(struct ankus_net *an,
				   struct net_device *netdev,
				   const struct ankus_config *cfg)
{
	struct ankus_dev *ad;
	unsigned int kind;
	int cpu;

	ASSERT_RTNL();

	ad = kzalloc(sizeof(*ad), GFP_KERNEL_ACCOUNT);
	if (!ad)
		return ERR_PTR(-ENOMEM);
	ad->pcpu = alloc_percpu_gfp(struct ankus_pcpu, GFP_KERNEL_ACCOUNT);
	if (!ad->pcpu)
		goto err_free;
	for_each_possible_cpu(cpu)
		prandom_seed_state(&per_cpu_ptr(ad->pcpu, cpu)->random,
				   get_random_u64());
	if (dev_sketch_init(ad, cfg->sketch_bytes))
		goto err_sketch;
	ad->bins_max = max3(netdev->num_rx_queues, netdev->num_tx_queues,
			    (unsigned int)ANKUS_LINKS_MAX);
	ad->bins_max = max_t(unsigned int, ad->bins_max, nr_cpu_ids);
	ad->bins_max = min_t(unsigned int, ad->bins_max, ANKUS_MAX_QUEUES);
	/* one allocation, the same for each kind */
	ad->bins[0] = kvcalloc(ad->bins_max, ANKUS_PIN_KINDS * sizeof(**ad->bins),
			       GFP_KERNEL_ACCOUNT);
	if (!ad->bins[0])
		goto err_sketch;
	for (kind = 1; kind < ANKUS_PIN_KINDS; kind++)
		ad->bins[kind] = ad->bins[0] + kind * ad->bins_max;
	ad->balance = ankus_balance_alloc(ad->bins_max);
	if (!ad->balance)
		goto err_bins;
	ad->rx.rss = ankus_rss_alloc();
	if (!ad->rx.rss)
		goto err_balance;
	if (ankus_flows_init(&ad->flows, cfg->flow_max))
		goto err_rss;
	if (ankus_pairs_init(&ad->pairs, cfg->flow_max))
		goto err_flows;

	ad->an = an;
	ad->cfg = *cfg;
	ad->netdev = netdev;
	netdev_hold(netdev, &ad->tracker, GFP_KERNEL);
	INIT_LIST_HEAD(&ad->list);
	kref_init(&ad->ref);
	atomic_inc(&dev_count);
	atomic_inc(&an->users);
	return ad;

err_flows:
	ankus_flows_destroy(&ad->flows);
err_rss:
	ankus_rss_free(ad->rx.rss);
err_balance:
	kvfree(ad->balance);
err_bins:
	kvfree(ad->bins[0]);
err_sketch:
	dev_sketch_destroy(ad);
	free_percpu(ad->pcpu);
err_free:
	kfree(ad);
	return ERR_PTR(-ENOMEM);
}

static void dev_free_work(struct work_struct *work)
{
	struct ankus_dev *ad = container_of(to_rcu_work(work),
					    struct ankus_dev, free);

	ankus_flows_destroy(&ad->flows);
	ankus_pairs_destroy(&ad->pairs);
	ankus_rss_free(ad->rx.rss);
	kvfree(ad->balance);
	kvfree(ad->bins[0]);
	dev_sketch_destroy(ad);
	free_percpu(ad->pcpu);
	kfree(ad);
	if (atomic_dec_and_test(&dev_count))
		wake_up_all(&dev_wait);
}

static void dev_last_put(struct kref *ref)
{
	struct ankus_dev *ad = container_of(ref, struct ankus_dev, ref);
	struct ankus_net *an = ad->an;

	INIT_RCU_WORK(&ad->free, dev_free_work);
	queue_rcu_work(ankus_wq, &ad->free);
	/* after this the namespace may go */
	if (atomic_dec_and_test(&an->users))
		wake_up_all(&dev_wait);
}

/**
 * ankus_dev_put() - drop a reference
 * @ad: the device
 *
 * Context: Any.
 */
void ankus_dev_put(struct ankus_dev *ad)
{
	kref_put(&ad->ref, dev_last_put);
}

/**
 * ankus_dev_release() - let the network device go and drop the first reference
 * @ad: the device, off the list, its hooks unregistered, its pins taken back
 *
 * Context: Under rtnl.
 */
void ankus_dev_release(struct ankus_dev *ad)
{
	ASSERT_RTNL();

	netdev_put(ad->netdev, &ad->tracker);
	ankus_dev_put(ad);
}

/**
 * ankus_dev_cpu_stat() - a packet path counter of one CPU
 * @ad: the device
 * @cpu: the CPU, a possible one
 * @stat: which
 *
 * Context: Any.
 * Return: what it stands at.
 */
u64 ankus_dev_cpu_stat(const struct ankus_dev *ad, int cpu,
		       enum ankus_pcpu_stat stat)
{
	return READ_ONCE(per_cpu_ptr(ad->pcpu, cpu)->count[stat]);
}

/**
 * ankus_dev_stat() - sum of a packet path counter
 * @ad: the device
 * @stat: which
 *
 * Context: Any.
 * Return: the sum over all CPUs.
 */
u64 ankus_dev_stat(const struct ankus_dev *ad, enum ankus_pcpu_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += ankus_dev_cpu_stat(ad, cpu, stat);
	return sum;
}
