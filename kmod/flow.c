// SPDX-License-Identifier: GPL-2.0
/*
 * The exact flow table: a fixed number of RCU hash chains, bounded by a count.
 *
 * The packet path looks up and inserts, the control loop alone removes.  So
 * the control loop may walk the chains without RCU and without the lock.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "flow.h"

/*
 * Caches of their own: a control part is well below the next size of the
 * allocator, an operator sees what flows take, and what is left when the module
 * goes is told.
 */
static struct kmem_cache *flow_cache __ro_after_init;
static struct kmem_cache *flow_ctl_cache __ro_after_init;

/**
 * ankus_flow_init() - prepare for flows
 *
 * Context: Module init.
 * Return: 0 or -ENOMEM.
 */
int ankus_flow_init(void)
{
	flow_cache = KMEM_CACHE(ankus_flow, SLAB_NO_MERGE);
	if (!flow_cache)
		return -ENOMEM;
	flow_ctl_cache = KMEM_CACHE(ankus_flow_ctl, SLAB_NO_MERGE);
	if (!flow_ctl_cache) {
		kmem_cache_destroy(flow_cache);
		return -ENOMEM;
	}
	return 0;
}

/**
 * ankus_flow_exit() - undo ankus_flow_init()
 *
 * Context: Module exit, all flows are freed.
 */
void ankus_flow_exit(void)
{
	kmem_cache_destroy(flow_ctl_cache);
	kmem_cache_destroy(flow_cache);
}

/**
 * ankus_flows_init() - set up an empty table
 * @flows: the table
 * @max: most flows to keep
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int ankus_flows_init(struct ankus_flows *flows, u32 max)
{
	u32 n = roundup_pow_of_two(max);

	flows->buckets = kvcalloc(n, sizeof(*flows->buckets),
				  GFP_KERNEL_ACCOUNT);
	if (!flows->buckets)
		return -ENOMEM;
	flows->used = kvcalloc(BITS_TO_LONGS(n), sizeof(*flows->used),
			       GFP_KERNEL_ACCOUNT);
	if (!flows->used) {
		kvfree(flows->buckets);
		return -ENOMEM;
	}
	flows->mask = n - 1;
	flows->max = max;
	flows->count = 0;
	flows->added = 0;
	flows->active = RB_ROOT;
	flows->active_count = 0;
	get_random_bytes(&flows->secret, sizeof(flows->secret));
	spin_lock_init(&flows->lock);
	return 0;
}

static void flow_free(struct ankus_flow *flow)
{
	if (flow->ctl)
		kmem_cache_free(flow_ctl_cache, flow->ctl);
	kmem_cache_free(flow_cache, flow);
}

static void flow_free_rcu(struct rcu_head *rcu)
{
	flow_free(container_of(rcu, struct ankus_flow, rcu));
}

/**
 * ankus_flows_destroy() - free a table and all flows in it
 * @flows: the table, no longer reachable by the packet path: a grace period
 *	has passed since its hooks were unregistered
 *
 * Context: May sleep.
 */
void ankus_flows_destroy(struct ankus_flows *flows)
{
	struct ankus_flow *flow, *tmp;
	u32 i;

	ankus_flows_for_each(flows, i, flow, tmp, true)
		flow_free(flow);
	kvfree(flows->used);
	kvfree(flows->buckets);
}

static bool flow_chain_full(const struct ankus_flows *flows, u32 bucket)
{
	unsigned int n = 0;
	struct ankus_flow *flow;

	hlist_for_each_entry(flow, &flows->buckets[bucket], node)
		n++;
	return n >= ANKUS_FLOW_CHAIN;
}

/**
 * ankus_flow_insert() - track a flow
 * @flows: the table
 * @pkt: its first packet
 * @hash: as for ankus_flow_lookup()
 * @ids: last identifier that was given to a flow
 *
 * Context: Packet path, softirqs off; RCU read side.
 * Return: the flow, which another CPU may have inserted; ERR_PTR(-ENOSPC) when
 * the table or the hash chain is full, ERR_PTR(-ENOMEM).
 */
struct ankus_flow *ankus_flow_insert(struct ankus_flows *flows,
				     const struct ankus_packet *pkt, u32 hash,
				     atomic64_t *ids)
{
	u32 bucket = hash & flows->mask;
	struct ankus_flow *flow, *other;

	/* A million of them: the next size of the allocator is twice as large */
	BUILD_BUG_ON(sizeof(*flow) > 256);

	/* Ahead of the lock, so that a flood is turned away cheaply */
	if (READ_ONCE(flows->count) >= flows->max)
		return ERR_PTR(-ENOSPC);

	flow = kmem_cache_zalloc(flow_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!flow)
		return ERR_PTR(-ENOMEM);
	flow->key = pkt->key;
	flow->table = flows;
	flow->dscp = pkt->dscp;
	flow->first_ns = ktime_get_ns();
	/* it ends a time that nobody has measured: rates are of what follows */
	flow->read_bytes = pkt->len;
	flow->seen_jiffies = jiffies;
	flow->seen_bin = ANKUS_NO_BIN;
	flow->kick_bytes = U64_MAX;

	spin_lock_bh(&flows->lock);
	other = ankus_flow_lookup(flows, &pkt->key, hash);
	if (!other &&
	    (flows->count >= flows->max || flow_chain_full(flows, bucket)))
		other = ERR_PTR(-ENOSPC);
	if (!other) {
		WRITE_ONCE(flows->count, flows->count + 1);
		WRITE_ONCE(flows->added, flows->added + 1);
		/* under the lock, so that ids fall along a chain */
		flow->id = atomic64_inc_return(ids);
		hlist_add_head_rcu(&flow->node, &flows->buckets[bucket]);
		set_bit(bucket, flows->used);
	}
	spin_unlock_bh(&flows->lock);

	if (other) {
		kmem_cache_free(flow_cache, flow);
		return other;
	}
	return flow;
}

/* Takes a flow out of its chain, by which alone the bucket is known */
static void flow_unlink(struct ankus_flows *flows, struct ankus_flow *flow)
{
	struct hlist_node **pprev = flow->node.pprev;
	struct hlist_head *bucket = container_of(pprev, struct hlist_head,
						 first);

	hlist_del_rcu(&flow->node);
	if (bucket >= flows->buckets &&
	    bucket <= flows->buckets + flows->mask && hlist_empty(bucket))
		clear_bit(bucket - flows->buckets, flows->used);
}

/**
 * ankus_flow_remove() - stop tracking a flow and free it
 * @flows: the table
 * @flow: the flow
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_flow_remove(struct ankus_flows *flows, struct ankus_flow *flow)
{
	if (flow->ctl) {
		rb_erase(&flow->ctl->node, &flows->active);
		flows->active_count--;
	}
	spin_lock_bh(&flows->lock);
	flow_unlink(flows, flow);
	WRITE_ONCE(flows->count, flows->count - 1);
	spin_unlock_bh(&flows->lock);
	call_rcu(&flow->rcu, flow_free_rcu);
}

static bool flow_older(struct rb_node *node, const struct rb_node *other)
{
	return ankus_flow_of_node(node)->id < ankus_flow_of_node(other)->id;
}

/**
 * ankus_flow_activate() - give a flow what it needs to be steered
 * @flow: the flow
 *
 * Context: Control loop, under ankus_net::lock.  May sleep.
 * Return: 0, also when it had it already, or -ENOMEM.
 */
int ankus_flow_activate(struct ankus_flow *flow)
{
	struct ankus_flow_ctl *ctl;
	unsigned int kind;

	if (flow->ctl)
		return 0;
	ctl = kmem_cache_zalloc(flow_ctl_cache, GFP_KERNEL);
	if (!ctl)
		return -ENOMEM;
	ctl->flow = flow;
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++) {
		ctl->pin[kind].kind = kind;
		ctl->pin[kind].want = ANKUS_NO_BIN;
		ctl->pin[kind].have = ANKUS_NO_BIN;
		ctl->pin[kind].left = ANKUS_NO_BIN;
		ctl->pin[kind].from = ANKUS_NO_BIN;
		ctl->pin[kind].to = ANKUS_NO_BIN;
	}
	rb_add(&ctl->node, &flow->table->active, flow_older);
	flow->table->active_count++;
	/* Pairs with smp_load_acquire() on the packet path */
	smp_store_release(&flow->ctl, ctl);
	return 0;
}

/**
 * ankus_flow_next() - the flow with a control part that comes after an id
 * @flows: the table
 * @id: identifier, of a flow or not
 *
 * Context: Under ankus_net::lock.
 * Return: of the flows with a control part whose id is greater, the one with
 * the least; NULL when there is none.
 */
struct ankus_flow *ankus_flow_next(const struct ankus_flows *flows, u64 id)
{
	struct rb_node *node = flows->active.rb_node;
	struct ankus_flow *next = NULL;

	while (node) {
		struct ankus_flow *flow = ankus_flow_of_node(node);

		if (flow->id > id) {
			next = flow;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return next;
}

/**
 * ankus_flow_find_key() - find a flow by its id alone
 * @flows: the table
 * @id: identifier
 * @key: set to the flow's key
 *
 * The whole table is searched, with no lock held.
 *
 * Context: May sleep.
 * Return: true if there was such a flow.  It may be gone meanwhile.
 */
bool ankus_flow_find_key(const struct ankus_flows *flows, u64 id,
			 struct ankus_key *key)
{
	struct ankus_flow *flow;
	bool found = false;
	u32 i;

	for_each_set_bit(i, flows->used, flows->mask + 1) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(flow, &flows->buckets[i], node) {
			found = flow->id == id;
			if (found) {
				*key = flow->key;
				break;
			}
		}
		rcu_read_unlock();
		if (found)
			break;
		cond_resched();
	}
	return found;
}
