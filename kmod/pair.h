/* SPDX-License-Identifier: GPL-2.0 */
/* Pairs of addresses, and when their small flows together are an elephant. */
#ifndef ANKUS_PAIR_H
#define ANKUS_PAIR_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/rbtree.h>
#include <linux/rhashtable-types.h>
#include <uapi/linux/ankus.h>

#include "key.h"
#include "rate.h"

/* In a heavy pair, flows count from this fraction of their threshold on */
#define ANKUS_PAIR_MEMBER_SHIFT	8

struct ankus_dev;
struct ankus_flow;
struct ankus_pcpu;

/**
 * struct ankus_pair - all flows of one device and direction between two hosts
 * @node: in ankus_pairs::table
 * @key: of the flows, without protocol and ports; constant
 * @fresh: in ankus_pairs::fresh, until it has an identifier
 * @first_ns: when it was first seen; constant
 * @sampled: bytes of flows that are not tracked, by samples
 * @seen_jiffies: time of the last sample
 * @hot: flows of it that are sampled are to be tracked
 * @order: in ankus_pairs::order
 * @id: for the user, never used twice in a network namespace
 * @bytes: what was measured of it
 * @read_sampled: @sampled at the last reading
 * @run_bytes: bytes of tracked flows, while a run measures them
 * @run_small: those of them of flows that are no elephants by themselves
 * @run_load: the same, each flow's in proportion to its threshold: as many as
 *	would be that part of the device's
 * @rate: averages of all it carries
 * @small: averages of what tracked flows carry that are no elephants by
 *	themselves
 * @load: the same, as @run_load
 * @unseen: averages of @sampled
 * @over: @load and @unseen against the device's threshold
 * @idle_jiffies: when something of it was last measured
 * @flows: tracked flows that point to it
 * @elephants: elephants among them
 * @grouped: its small flows together are an elephant
 * @rcu: frees it
 *
 * @sampled and @seen_jiffies are the packet path's, which also reads @hot; the
 * rest belongs to the control loop, under ankus_net::lock.
 */
struct ankus_pair {
	struct rhash_head node;
	struct ankus_key key;
	struct llist_node fresh;
	u64 first_ns;
	atomic64_t sampled;
	unsigned long seen_jiffies;
	bool hot;

	bool grouped;
	u32 flows;
	u32 elephants;
	struct rb_node order;
	u64 id;
	u64 bytes;
	u64 read_sampled;
	u64 run_bytes;
	u64 run_small;
	u64 run_load;
	struct ankus_rate rate;
	struct ankus_rate small;
	struct ankus_rate load;
	struct ankus_rate unseen;
	struct ankus_over over;
	unsigned long idle_jiffies;
	struct rcu_head rcu;
};

/**
 * struct ankus_pairs - the pairs of one device
 * @table: by key; the packet path and the control loop insert, the control loop
 *	removes
 * @fresh: those that were inserted and have no identifier yet
 * @max: most pairs that are kept
 * @order: by identifier; under ankus_net::lock
 * @count: pairs in @order, likewise
 * @grouped: grouped pairs, likewise
 */
struct ankus_pairs {
	struct rhashtable table;
	struct llist_head fresh;
	u32 max;
	struct rb_root order;
	u32 count;
	u32 grouped;
};

/* Told when a pair becomes an elephant, and when it is one no more */
typedef void (*ankus_pair_event_t)(struct ankus_dev *ad,
				   struct ankus_pair *pair,
				   enum ankus_event event);

int ankus_pair_init(void);
void ankus_pair_exit(void);
int ankus_pairs_init(struct ankus_pairs *pairs, u32 max);
void ankus_pairs_destroy(struct ankus_pairs *pairs);

u32 ankus_pair_stride(u64 tick_bytes);
u64 ankus_pair_take(struct ankus_pcpu *pcpu, u32 stride);
bool ankus_pair_sample(struct ankus_dev *ad, const struct ankus_key *flow);

void ankus_pair_join(struct ankus_dev *ad, struct ankus_flow *flow);
void ankus_pair_leave(struct ankus_flow *flow);
void ankus_pair_add(struct ankus_dev *ad, const struct ankus_flow *flow,
		    u64 bytes);
void ankus_pairs_collect(struct ankus_dev *ad);
bool ankus_pair_measure(struct ankus_dev *ad, struct ankus_pair *pair,
			u64 lowest_bps, u64 last, u64 now,
			ankus_pair_event_t event);
u64 ankus_pair_small_permille(const struct ankus_dev *ad,
			      const struct ankus_pair *pair);
struct ankus_pair *ankus_pair_next(const struct ankus_pairs *pairs, u64 id);

#endif /* ANKUS_PAIR_H */
