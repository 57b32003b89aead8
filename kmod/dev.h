/* SPDX-License-Identifier: GPL-2.0 */
/* Managed devices and the state of a network namespace. */
#ifndef ANKUS_DEV_H
#define ANKUS_DEV_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/prandom.h>
#include <linux/workqueue.h>
#include <net/netns/generic.h>

#include "flow.h"
#include "match.h"
#include "pair.h"
#include "place.h"
#include "sketch.h"

/**
 * DOC: locking
 *
 * Lock order: rtnl, then the instance locks of network devices (7.x), then
 * ankus_net::lock, then ankus_flows::lock.
 *
 * ankus_net::lock (a mutex) guards configuration and everything the control
 * loop decides: devices, rules, links, the control part of flows.  Driver
 * calls are made under rtnl but without it: a slow driver holds up neither
 * measuring nor dumps, and notifiers, which take it, may run under the
 * instance lock that driver calls take.  Flows they work on are marked busy.
 *
 * Whoever starts or ends the management of a device holds rtnl, so the steer
 * work, which runs under rtnl, never meets a device that is going away.
 *
 * The packet path takes no lock but ankus_flows::lock, to insert a flow.
 * Everything it follows is freed after a grace period.
 */

#define ANKUS_LINKS_MAX 32

struct ankus_balance;
struct ankus_link;
struct ankus_rss;
struct ankus_rx_cpu;
struct ankus_backend_ops;

/* Counted per CPU on the packet path */
enum ankus_pcpu_stat {
	ANKUS_RX_PACKETS,
	ANKUS_RX_BYTES,
	ANKUS_TX_PACKETS,
	ANKUS_TX_BYTES,
	ANKUS_UNTRACKED,
	ANKUS_SKETCHED,
	ANKUS_SKETCH_REPLACES,
	ANKUS_ADMITTED,
	ANKUS_TABLE_FULL,
	ANKUS_NO_MEMORY,
	ANKUS_LINK_PACKETS,
	ANKUS_LINK_BYPASSED,
	ANKUS_KICKS,
	ANKUS_PAIR_SAMPLES,
	ANKUS_PAIRS_FULL,
	ANKUS_CPU_QUEUED,
	ANKUS_CPU_BYPASSED,
	ANKUS_CPU_PACKETS,
	ANKUS_CPU_BYTES,
	ANKUS_CPU_OVERFLOW,
	ANKUS_ACTED_PACKETS,
	ANKUS_ACTED_FAILED,
	ANKUS_PCPU_STATS
};

/**
 * struct ankus_pcpu - what the packet path has of its own on each CPU
 * @count: counters
 * @sketch: lines of the admission sketch, NULL when there is none
 * @pair_sketch: those behind them, for pairs
 * @sample_left: bytes of flows that are not tracked until the next sample
 * @random: where the steps of the samples come from
 * @sending: the link that takes a packet at this moment, NULL when none does
 * @led: packet that is being led to another device, NULL for none
 *
 * Written with softirqs off.
 */
struct ankus_pcpu {
	u64 count[ANKUS_PCPU_STATS];
	struct ankus_sketch_line *sketch;
	struct ankus_sketch_line *pair_sketch;
	s64 sample_left;
	struct rnd_state random;
	const struct ankus_link *sending;
	const struct sk_buff *led;
};

/* Counted by the control loop, under ankus_net::lock */
enum ankus_stat {
	ANKUS_FLOWS_EXPIRED,
	ANKUS_FLOWS_EVICTED,
	ANKUS_ELEPHANTS_SEEN,
	ANKUS_INEFFECTIVE,
	ANKUS_REFUSED,
	ANKUS_MOVES,
	ANKUS_FAILOVERS,
	ANKUS_RULES_INSTALLED,
	ANKUS_RULES_REMOVED,
	ANKUS_RULES_LOST,
	ANKUS_TICKS,
	ANKUS_TICK_MAX_NS,
	ANKUS_RTNL_MAX_NS,
	ANKUS_DUMP_MAX_NS,
	ANKUS_WATCHED,
	ANKUS_WATCHED_RETRANSMITS,
	ANKUS_WATCHED_REORD_SEEN,
	ANKUS_WATCHED_OUT_OF_ORDER,
	/* ANKUS_MOVES by enum ankus_move_reason */
	ANKUS_MOVES_BY,
	ANKUS_MOVES_BY_LAST = ANKUS_MOVES_BY + ANKUS_MOVE_REASON_RESTORED,
	ANKUS_ACTS_DONE,
	ANKUS_ACTS_FAILED,
	ANKUS_ACTS_OVERRIDDEN,
	ANKUS_REPATHS,
	ANKUS_STATS
};

/**
 * struct ankus_net - ankus in one network namespace
 * @net: the namespace
 * @lock: see DOC: locking
 * @devs: managed devices
 * @rules: rules in rising order of pref
 * @rule_count: how many
 * @rule_gen: changes with the rules
 * @seq: changes with whatever a dump may show, for NLM_F_DUMP_INTR
 * @next_flow: last flow id that was given out
 * @next_pair: last pair id, likewise
 * @users: managed devices, and those let go whose works may still be under way
 */
struct ankus_net {
	struct net *net;
	struct mutex lock;
	struct list_head devs;
	struct list_head rules;
	u32 rule_count;
	u32 rule_gen;
	u32 seq;
	atomic64_t next_flow;
	u64 next_pair;
	atomic_t users;
};

/**
 * struct ankus_config - what an operator says of a device
 * @mode: enum ankus_mode
 * @backend: enum ankus_backend
 * @links: enum ankus_links
 * @rate_bps: elephant threshold
 * @hold_ms: time over it before a flow is an elephant
 * @release_ms: time under it before it is one no more
 * @tick_ms: period of the control loop
 * @flow_max: size of the flow table
 * @sketch_bytes: memory of the admission sketch on each CPU, 0 for none
 * @low_entropy_permille: multiple of the bins below which effective flows are
 *	too few; 0 when nobody asks
 * @rx_dedicated: these queues are taken out of the RSS table
 * @ntuple: turn the feature on, as long as the mode is to steer
 * @rx: queues open to received elephants
 * @tx: queues open to sent elephants
 * @cpus: CPUs open to received elephants
 */
struct ankus_config {
	u8 mode;
	u8 backend;
	u8 links;
	u64 rate_bps;
	u32 hold_ms;
	u32 release_ms;
	u32 tick_ms;
	u32 flow_max;
	u32 sketch_bytes;
	u32 low_entropy_permille;
	bool rx_dedicated;
	bool ntuple;
	struct ankus_queues rx;
	struct ankus_queues tx;
	struct ankus_queues cpus;
};

/**
 * struct ankus_rx_type - how a backend does with a type of flow
 * @failures: flows in a row for which it was no use, up to the next @retry_ns
 * @waits: times that it was put last, for the back-off
 * @works: it was seen to steer one
 * @retry_ns: it is put last until then
 */
struct ankus_rx_type {
	u8 failures;
	u8 waits;
	bool works;
	u64 retry_ns;
};

/**
 * struct ankus_rx_backend - one way to steer the received flows of a device
 * @ops: how
 * @reason: why it is no use for the device, a string constant or NULL
 * @type: what was learned of it, by type of flow
 */
struct ankus_rx_backend {
	const struct ankus_backend_ops *ops;
	const char *reason;
	struct ankus_rx_type type[ANKUS_FLOW_TYPES];
};

/**
 * struct ankus_rx - the receive backends of a device
 * @ops: the first that is of use, NULL when there is none
 * @reason: why there is none, a string constant
 * @backend: all that there are, in the order in which they are tried
 * @rss: its RSS table, rx_rss.c's; constant
 * @slots: size of the rule table, 0 when the driver tells none
 * @any: the driver chooses the slot (RX_CLS_LOC_SPECIAL)
 * @rules: our rules in the table
 * @room: how many have gone since the control loop last looked for flows that
 *	wait for room; under ankus_net::lock
 * @sweep: one was gone, and all are to be looked for; under ankus_net::lock
 * @swept_ns: when one or all were last looked for; likewise
 * @swept_id: flow of the one; likewise
 * @buckets: buckets of the RSS table that are pinned
 * @feature: ntuple was off, and is on because of ankus; under rtnl
 *
 * Slots and any are written under rtnl; what was learned, under
 * ankus_net::lock; the others under both, so either serves to read.
 */
struct ankus_rx {
	const struct ankus_backend_ops *ops;
	const char *reason;
	struct ankus_rx_backend backend[ANKUS_RX_BACKENDS];
	struct ankus_rss *rss;
	u32 slots;
	bool any;
	u32 rules;
	u32 room;
	bool sweep;
	u64 swept_ns;
	u64 swept_id;
	u32 buckets;
	bool feature;
};

/**
 * struct ankus_dev - a managed device
 * @netdev: the device, held until the device is let go (under rtnl)
 * @an: its namespace's state
 * @flows: its flows
 * @pairs: of their addresses
 * @pcpu: what the packet path has on each CPU
 * @sketch_mask: lines of each sketch - 1, a power of two
 * @pair_sketch_mask: likewise, of those for pairs
 * @pair_stride: mean number of bytes from one sample to the next
 * @epoch: number of the tick, for the sketches to fade
 * @admit_bytes: a flow that has carried so many in about a tick is tracked; 0
 *	without a sketch
 * @links: ways out; slots written under ankus_net::lock, read under RCU
 * @mark_mask: bits of marks by which all of them are chosen, 0 for lower devices;
 *	read by the packet path
 * @rx_cpu: queues to CPUs, rx_cpu.c's; NULL before they are needed.  Written under
 *	rtnl, read by the packet path
 * @hooks: netfilter hooks, hook.c's
 * @next_link: slot to try first for a new link; under ankus_net::lock
 * @list: in ankus_net::devs
 * @tracker: of the reference to @netdev
 * @ref: one for the list, one for each work while queued or running
 * @gone: no longer managed; under ankus_net::lock
 * @draining: being let go, pins are on their way back; likewise
 * @cfg: configuration; written under rtnl and ankus_net::lock
 * @rx: receive backends
 * @elephants: how many there are now; under ankus_net::lock
 * @candidates: likewise
 * @count: counters, likewise
 * @bins: queues, CPUs and links by kind, as the control loop sees them, likewise
 * @n_bins: how many there are now
 * @bins_max: how many fit
 * @balance: how evenly the traffic spreads, likewise; balance.c's
 * @loose: what elephants send that are to be given a link and have none, likewise
 * @loose_bytes: the same while it is summed up, the control loop's
 * @stale: the steer work is to look at backend, links and rules anew
 * @soon: a run of the control loop was asked for under ankus_net::lock, and the
 *	last one has not seen why
 * @kick_bytes: bytes after which a flow that is no candidate yet is looked at;
 *	read by the packet path
 * @kicked: a run of the control loop is asked for; set by the packet path,
 *	cleared by the control loop
 * @kick_ns: no run because of that before this time; written by the control
 *	loop, read by the packet path
 * @wake_ns: when the control loop is to run next, its own
 * @last_ns: when the control loop last measured
 * @look_ns: when it last looked at the pins
 * @tick: the control loop, control.c's
 * @steer: driver calls, control.c's
 * @free: frees all after a grace period
 */
struct ankus_dev {
	struct net_device *netdev;
	struct ankus_net *an;
	struct ankus_flows flows;
	struct ankus_pairs pairs;
	struct ankus_pcpu __percpu *pcpu;
	u32 sketch_mask;
	u32 pair_sketch_mask;
	u32 pair_stride;
	u32 epoch;
	u32 admit_bytes;
	struct ankus_link __rcu *links[ANKUS_LINKS_MAX];
	u32 mark_mask;
	struct ankus_rx_cpu *rx_cpu;
	struct nf_hook_ops hooks[2];

	unsigned int next_link;
	struct list_head list;
	netdevice_tracker tracker;
	struct kref ref;
	bool gone;
	bool draining;
	struct ankus_config cfg;
	struct ankus_rx rx;
	u32 elephants;
	u32 candidates;
	u64 count[ANKUS_STATS];
	struct ankus_bin *bins[ANKUS_PIN_KINDS];
	unsigned int n_bins[ANKUS_PIN_KINDS];
	unsigned int bins_max;
	struct ankus_balance *balance;
	struct ankus_rate loose;
	u64 loose_bytes;
	bool stale;
	bool soon;
	u64 kick_bytes;
	unsigned long kicked;
	u64 kick_ns;
	u64 wake_ns;
	u64 last_ns;
	u64 look_ns;
	struct delayed_work tick;
	struct delayed_work steer;
	struct rcu_work free;
};

extern unsigned int ankus_net_id;
extern struct workqueue_struct *ankus_wq;

static inline struct ankus_net *ankus_net(const struct net *net)
{
	return net_generic(net, ankus_net_id);
}

static inline struct ankus_dev *ankus_flow_dev(const struct ankus_flow *flow)
{
	return container_of(flow->table, struct ankus_dev, flows);
}

static inline void ankus_pcpu_add(struct ankus_dev *ad,
				  enum ankus_pcpu_stat stat, u64 n)
{
	this_cpu_add(ad->pcpu->count[stat], n);
}

int ankus_dev_init(void);
void ankus_dev_exit(void);
void ankus_net_setup(struct ankus_net *an, struct net *net);
void ankus_net_wait(struct ankus_net *an);
struct ankus_dev *ankus_dev_find(struct ankus_net *an,
				 const struct net_device *netdev);
struct ankus_dev *ankus_dev_nth(struct ankus_net *an, unsigned int n);
struct ankus_dev *ankus_dev_create(struct ankus_net *an,
				   struct net_device *netdev,
				   const struct ankus_config *cfg);
void ankus_dev_release(struct ankus_dev *ad);
void ankus_dev_put(struct ankus_dev *ad);
u64 ankus_dev_cpu_stat(const struct ankus_dev *ad, int cpu,
		       enum ankus_pcpu_stat stat);
u64 ankus_dev_stat(const struct ankus_dev *ad, enum ankus_pcpu_stat stat);
void ankus_config_default(struct ankus_config *cfg);

#endif /* ANKUS_DEV_H */
