// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs of addresses: what all flows between two hosts carry together.
 *
 * A mesh of many small streams loads a few queues and links as elephants do,
 * while none of its flows is one.  So bytes are counted by pair as well: those
 * of tracked flows exactly, when the control loop reads them; those of all other
 * flows by samples of bytes, which costs the packet path a subtraction.  With
 * 256 samples in what the threshold carries within a tick, the rate of a pair at
 * the threshold is known to 3% over half a second (1 / sqrt(1280)).  What is
 * sampled earns its place in the table by a sketch, as flows do.
 *
 * The small flows of a pair are those that are no elephants by themselves: an
 * elephant makes no elephant of a login between the same hosts.  When together
 * they keep the threshold, the pair is grouped, and those that carry a 256th of
 * it are steered.  Smaller ones are so many that hashing spreads them.  Where
 * rules give flows thresholds of their own, each counts as the part that it is
 * of its own.
 */
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "dev.h"
#include "pair.h"

/* Samples within what the threshold carries in a tick, as a shift */
#define PAIR_SAMPLES_SHIFT	8
/* Packets that are shorter are not all looked at, whatever the threshold */
#define PAIR_STRIDE_MIN		1024
/* and not so few that a lower threshold takes long to be followed */
#define PAIR_STRIDE_MAX		0x100000
/* A threshold of fewer samples in an average is not judged by samples */
#define PAIR_SAMPLES_TRUSTED	64
/* So many samples on one CPU in about a tick earn a place in the table */
#define PAIR_SAMPLES_ENOUGH	4

static struct kmem_cache *pair_cache __ro_after_init;

static const struct rhashtable_params pair_params = {
	.key_len = sizeof(struct ankus_key),
	.key_offset = offsetof(struct ankus_pair, key),
	.head_offset = offsetof(struct ankus_pair, node),
	.automatic_shrinking = true,
};

/**
 * ankus_pair_init() - prepare for pairs
 *
 * Context: Module init.
 * Return: 0 or -ENOMEM.
 */
int ankus_pair_init(void)
{
	pair_cache = KMEM_CACHE(ankus_pair, SLAB_NO_MERGE);
	return pair_cache ? 0 : -ENOMEM;
}

/**
 * ankus_pair_exit() - undo ankus_pair_init()
 *
 * Context: Module exit, all pairs are freed.
 */
void ankus_pair_exit(void)
{
	kmem_cache_destroy(pair_cache);
}

/**
 * ankus_pairs_init() - set up an empty table
 * @pairs: the table
 * @max: most pairs to keep
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int ankus_pairs_init(struct ankus_pairs *pairs, u32 max)
{
	init_llist_head(&pairs->fresh);
	pairs->max = max;
	pairs->order = RB_ROOT;
	pairs->count = 0;
	pairs->grouped = 0;
	return rhashtable_init(&pairs->table, &pair_params);
}

static void pair_free(void *pair, void *arg)
{
	kmem_cache_free(pair_cache, pair);
}

static void pair_free_rcu(struct rcu_head *rcu)
{
	pair_free(container_of(rcu, struct ankus_pair, rcu), NULL);
}

/**
 * ankus_pairs_destroy() - free a table and all pairs in it
 * @pairs: the table, no longer reachable by the packet path, as are the flows
 *	that point to the pairs
 *
 * Context: May sleep.
 */
void ankus_pairs_destroy(struct ankus_pairs *pairs)
{
	rhashtable_free_and_destroy(&pairs->table, pair_free, NULL);
}

static struct ankus_key pair_key(const struct ankus_key *flow)
{
	struct ankus_key key = *flow;

	key.ports = 0;
	key.proto = 0;
	return key;
}

/* The pair of a key, a new one if need be; -ENOSPC or -ENOMEM as a pointer */
static struct ankus_pair *pair_get(struct ankus_pairs *pairs,
				   const struct ankus_key *key, u64 first_ns,
				   gfp_t gfp)
{
	struct ankus_pair *pair, *other;

	if (atomic_read(&pairs->table.nelems) >= pairs->max)
		return ERR_PTR(-ENOSPC);
	pair = kmem_cache_zalloc(pair_cache, gfp | __GFP_NOWARN);
	if (!pair)
		return ERR_PTR(-ENOMEM);
	pair->key = *key;
	pair->first_ns = first_ns;
	pair->seen_jiffies = jiffies;
	pair->idle_jiffies = jiffies;

	/* a pair that another CPU has put there stays for as long as RCU says */
	other = rhashtable_lookup_get_insert_fast(&pairs->table, &pair->node,
						  pair_params);
	if (other) {
		kmem_cache_free(pair_cache, pair);
		return other;
	}
	llist_add(&pair->fresh, &pairs->fresh);
	return pair;
}

/* Has a pair that is not in the table been sampled often enough? */
static bool pair_earned(struct ankus_dev *ad, const struct ankus_pcpu *pcpu,
			const struct ankus_key *key, u64 bytes, u32 stride)
{
	u32 hash;

	if (!pcpu->pair_sketch)
		return true;
	hash = ankus_key_hash(key, &ad->flows.secret);
	return ankus_sketch_add(&pcpu->pair_sketch[hash & ad->pair_sketch_mask],
				hash >> 16, min_t(u64, bytes, U32_MAX),
				READ_ONCE(ad->epoch),
				PAIR_SAMPLES_ENOUGH * stride) ==
	       ANKUS_SKETCH_ENOUGH;
}

/**
 * ankus_pair_stride() - bytes from one sample to the next
 * @tick_bytes: what the lowest threshold carries within a tick
 *
 * Context: Any.
 * Return: their mean number.
 */
u32 ankus_pair_stride(u64 tick_bytes)
{
	return clamp_t(u64, tick_bytes >> PAIR_SAMPLES_SHIFT, PAIR_STRIDE_MIN,
		       PAIR_STRIDE_MAX);
}

/**
 * ankus_pair_take() - take the samples that a packet is due for
 * @pcpu: of this CPU; @sample_left is below 0
 * @stride: mean number of bytes from one sample to the next
 *
 * Steps are random, half the mean to three halves: a packet is due in proportion
 * to its length, and no rhythm of packets is in step with them.
 *
 * Context: Packet path, softirqs off.
 * Return: bytes that the packet stands for.
 */
u64 ankus_pair_take(struct ankus_pcpu *pcpu, u32 stride)
{
	u64 bytes = 0;

	while (pcpu->sample_left < 0) {
		u64 random = prandom_u32_state(&pcpu->random);

		pcpu->sample_left += stride / 2 + (random * stride >> 32);
		bytes += stride;
	}
	return bytes;
}

/**
 * ankus_pair_sample() - count a sampled packet of a flow that is not tracked
 * @ad: the device
 * @flow: key of the flow
 *
 * Context: Packet path, softirqs off, RCU read side; ankus_pcpu::sample_left of
 * this CPU is below 0.
 * Return: true if the flow ought to be tracked for its pair's sake.
 */
bool ankus_pair_sample(struct ankus_dev *ad, const struct ankus_key *flow)
{
	struct ankus_pcpu *pcpu = this_cpu_ptr(ad->pcpu);
	u32 stride = READ_ONCE(ad->pair_stride);
	u64 bytes = ankus_pair_take(pcpu, stride);
	struct ankus_key key = pair_key(flow);
	struct ankus_pair *pair;

	pcpu->count[ANKUS_PAIR_SAMPLES]++;
	pair = rhashtable_lookup(&ad->pairs.table, &key, pair_params);
	if (pair) {
		atomic64_add(bytes, &pair->sampled);
		WRITE_ONCE(pair->seen_jiffies, jiffies);
		return READ_ONCE(pair->hot);
	}
	/* this sample ends a time that nobody has measured, and is not counted */
	if (pair_earned(ad, pcpu, &key, bytes, stride) &&
	    IS_ERR(pair_get(&ad->pairs, &key, ktime_get_ns(), GFP_ATOMIC)))
		pcpu->count[ANKUS_PAIRS_FULL]++;
	return false;
}

/**
 * ankus_pair_join() - let a tracked flow be part of its pair
 * @ad: the device
 * @flow: a flow that has no pair yet, and none if there is no room for it
 *
 * Context: Control loop, under ankus_net::lock.  May sleep.
 */
void ankus_pair_join(struct ankus_dev *ad, struct ankus_flow *flow)
{
	struct ankus_key key = pair_key(&flow->key);
	struct ankus_pair *pair;

	/* pairs are removed under the lock that is held */
	pair = rhashtable_lookup_fast(&ad->pairs.table, &key, pair_params);
	if (!pair)
		pair = pair_get(&ad->pairs, &key, flow->first_ns, GFP_KERNEL);
	if (IS_ERR(pair)) {
		ankus_pcpu_add(ad, ANKUS_PAIRS_FULL, 1);
		return;
	}
	flow->pair = pair;
	pair->flows++;
	pair->elephants += flow->state == ANKUS_FLOW_STATE_ELEPHANT;
	/* what is no part of any rate */
	pair->bytes += flow->read_bytes;
}

/**
 * ankus_pair_leave() - a flow is tracked no more
 * @flow: the flow, no elephant any more
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_pair_leave(struct ankus_flow *flow)
{
	if (flow->pair)
		flow->pair->flows--;
	flow->pair = NULL;
}

/* Bytes that are the same part of the device's threshold as these of another */
static u64 pair_load(const struct ankus_dev *ad, u64 bytes, u64 threshold_bps)
{
	u64 device_bps = ad->cfg.rate_bps;

	if (!threshold_bps || threshold_bps == device_bps)
		return bytes;
	/* keeps the quotient in 64 bits: x86 traps otherwise */
	return mul_u64_u64_div_u64(min_t(u64, bytes, 1ULL << 40), device_bps,
				   max(threshold_bps, (device_bps >> 20) + 1));
}

/**
 * ankus_pair_add() - add what a tracked flow has carried to its pair
 * @ad: the device
 * @flow: the flow, measured and classified
 * @bytes: since the last measurement
 *
 * What a rule says not to steer makes no elephant of others, and where rules
 * say what an elephant is, flows count in proportion.
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_pair_add(struct ankus_dev *ad, const struct ankus_flow *flow,
		    u64 bytes)
{
	struct ankus_pair *pair = flow->pair;

	if (!pair)
		return;
	pair->run_bytes += bytes;
	if (flow->ignored ||
	    (flow->state == ANKUS_FLOW_STATE_ELEPHANT && !flow->grouped) ||
	    flow->rate.fast_bps >= (flow->rate_bps ?: ad->cfg.rate_bps))
		return;
	pair->run_small += bytes;
	pair->run_load += pair_load(ad, bytes, flow->rate_bps);
}

static bool pair_older(struct rb_node *node, const struct rb_node *other)
{
	return rb_entry(node, struct ankus_pair, order)->id <
	       rb_entry(other, struct ankus_pair, order)->id;
}

/**
 * ankus_pairs_collect() - give new pairs their place in the order
 * @ad: the device
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_pairs_collect(struct ankus_dev *ad)
{
	struct ankus_pairs *pairs = &ad->pairs;
	struct ankus_pair *pair, *tmp;
	struct llist_node *fresh;

	lockdep_assert_held(&ad->an->lock);

	fresh = llist_reverse_order(llist_del_all(&pairs->fresh));
	llist_for_each_entry_safe(pair, tmp, fresh, fresh) {
		pair->id = ++ad->an->next_pair;
		rb_add(&pair->order, &pairs->order, pair_older);
		pairs->count++;
	}
}

static void pair_group(struct ankus_dev *ad, struct ankus_pair *pair,
		       bool grouped, ankus_pair_event_t event)
{
	if (pair->grouped == grouped)
		return;
	pair->grouped = grouped;
	pair->over.under_ns = 0;
	ad->pairs.grouped += grouped ? 1 : -1;
	ad->an->seq++;
	event(ad, pair, grouped ? ANKUS_EVENT_PAIR_ELEPHANT :
				  ANKUS_EVENT_PAIR_RELEASE);
}

/*
 * What stands against the device's threshold.  What is young counts as carried
 * in all of the averaging time: a few packets, or samples, say nothing of a
 * rate.  Where the threshold is so low that it takes few samples, they never do.
 */
static u64 pair_load_bps(const struct ankus_dev *ad,
			 const struct ankus_pair *pair)
{
	u64 enough = (u64)ad->pair_stride * PAIR_SAMPLES_TRUSTED;
	u64 load_bps = ankus_rate_recent(&pair->load);

	if (enough > ankus_rate_bytes(ad->cfg.rate_bps, ANKUS_RATE_FAST_NS))
		return load_bps;
	return load_bps + ankus_rate_recent(&pair->unseen);
}

static void pair_judge(struct ankus_dev *ad, struct ankus_pair *pair,
		       u64 since, u64 now, ankus_pair_event_t event)
{
	u64 hold_ns = ad->cfg.hold_ms * NSEC_PER_MSEC;
	u64 release_ns = ad->cfg.release_ms * NSEC_PER_MSEC;

	ankus_over_update(&pair->over, pair_load_bps(ad, pair),
			  ad->cfg.rate_bps, since, now);
	if (pair->grouped) {
		if (ankus_under_for(&pair->over, release_ns, now))
			pair_group(ad, pair, false, event);
	} else if (ankus_over_for(&pair->over, hold_ns, now)) {
		pair_group(ad, pair, true, event);
		/* its flows are to follow at once */
		ad->wake_ns = now;
	} else if (pair->over.over_ns) {
		ad->wake_ns = min(ad->wake_ns, pair->over.over_ns + hold_ns);
	}
}

static void pair_remove(struct ankus_dev *ad, struct ankus_pair *pair,
			ankus_pair_event_t event)
{
	pair_group(ad, pair, false, event);
	rb_erase(&pair->order, &ad->pairs.order);
	ad->pairs.count--;
	rhashtable_remove_fast(&ad->pairs.table, &pair->node, pair_params);
	call_rcu(&pair->rcu, pair_free_rcu);
}

/**
 * ankus_pair_measure() - bring a pair up to date
 * @ad: the device
 * @pair: the pair, which all of its tracked flows were added to; freed when
 *	nothing was seen of it for long
 * @lowest_bps: lowest threshold that a flow may have to pass
 * @last: time of the last measurement in ns
 * @now: time in ns
 * @event: told when the pair becomes an elephant, and when it is one no more
 *
 * Context: Control loop, under ankus_net::lock.
 * Return: true while there is such a pair.
 */
bool ankus_pair_measure(struct ankus_dev *ad, struct ankus_pair *pair,
			u64 lowest_bps, u64 last, u64 now,
			ankus_pair_event_t event)
{
	unsigned long idle = msecs_to_jiffies(max(ad->cfg.release_ms, 1000U));
	u64 sampled = atomic64_read(&pair->sampled) - pair->read_sampled;
	u64 since = max(last, pair->first_ns);
	u64 dt_ns = now > since ? now - since : 0;
	u64 bytes = pair->run_bytes + sampled;
	bool hot;

	ankus_rate_update(&pair->rate, bytes, dt_ns);
	ankus_rate_update(&pair->small, pair->run_small, dt_ns);
	ankus_rate_update(&pair->load, pair->run_load, dt_ns);
	ankus_rate_update(&pair->unseen, sampled, dt_ns);
	pair->read_sampled += sampled;
	pair->bytes += bytes;
	pair->run_bytes = 0;
	pair->run_small = 0;
	pair->run_load = 0;
	if (bytes)
		pair->idle_jiffies = jiffies;

	pair_judge(ad, pair, since, now, event);
	hot = pair->grouped ||
	      ankus_rate_recent(&pair->small) +
	      ankus_rate_recent(&pair->unseen) >= lowest_bps / 2;
	WRITE_ONCE(pair->hot, hot);

	if (pair->flows || time_before(jiffies, pair->idle_jiffies + idle) ||
	    time_before(jiffies, READ_ONCE(pair->seen_jiffies) + idle))
		return true;
	pair_remove(ad, pair, event);
	return false;
}

/**
 * ankus_pair_small_permille() - how near small flows are to be an elephant
 * @ad: the device
 * @pair: the pair
 *
 * Context: Under ankus_net::lock.
 * Return: the sum of what each is of its threshold; 1000 make the pair one.
 */
u64 ankus_pair_small_permille(const struct ankus_dev *ad,
			      const struct ankus_pair *pair)
{
	return mul_u64_u64_div_u64(min(pair_load_bps(ad, pair), 1ULL << 53),
				   1000, ad->cfg.rate_bps);
}

/**
 * ankus_pair_next() - the pair that comes after an identifier
 * @pairs: the table
 * @id: identifier, of a pair or not
 *
 * Context: Under ankus_net::lock.
 * Return: of the pairs whose identifier is greater, the one with the least;
 * NULL when there is none.
 */
struct ankus_pair *ankus_pair_next(const struct ankus_pairs *pairs, u64 id)
{
	struct rb_node *node = pairs->order.rb_node;
	struct ankus_pair *next = NULL;

	while (node) {
		struct ankus_pair *pair = rb_entry(node, struct ankus_pair,
						   order);

		if (pair->id > id) {
			next = pair;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return next;
}
