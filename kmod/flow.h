/* SPDX-License-Identifier: GPL-2.0 */
/* Flows tracked exactly, and the bounded table that holds them. */
#ifndef ANKUS_FLOW_H
#define ANKUS_FLOW_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/rbtree.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <uapi/linux/ankus.h>

#include "ask.h"
#include "packet.h"
#include "pair.h"
#include "rate.h"
#include "repath.h"

struct ankus_backend_ops;
struct ankus_flows;
struct ankus_rule;
struct sock;
struct tcp_congestion_ops;

/* A flow can be steered in four ways */
enum ankus_pin_kind {
	ANKUS_PIN_RXQ,
	ANKUS_PIN_TXQ,
	ANKUS_PIN_LINK,
	ANKUS_PIN_CPU,
	ANKUS_PIN_KINDS
};

#define ANKUS_NO_BIN (-1)

/* Backends for received flows, and types of flows that NICs tell apart */
#define ANKUS_RX_BACKENDS 2
#define ANKUS_FLOW_TYPES 6

/*
 * Longest hash chain.  There is a bucket for each flow: random keys make a
 * chain of this length in one table of 10^7 with a million flows, so a longer
 * one is the work of who has found out the secret.
 */
#define ANKUS_FLOW_CHAIN 16

/* A table that is full but for this fraction is crowded */
#define ANKUS_FLOW_ROOM_SHIFT 3

/**
 * struct ankus_tcp_marks - what tells of loss and reordering, since a connection
 *	began or between two readings
 * @retransmits: segments sent again
 * @reord_seen: times that reordering was seen, of a flow that is sent
 * @rcv_out_of_order: segments that came after later ones, of one that is received
 */
struct ankus_tcp_marks {
	u32 retransmits;
	u32 reord_seen;
	u32 rcv_out_of_order;
};

/**
 * struct ankus_watch - how a flow fares when it has been moved
 * @before: as its local TCP socket told last before that
 * @after: what has come from then on
 * @before_ns: when @before was read, 0 while there is nothing to tell
 * @due_ns: when to read again, 0 when not
 * @over_ns: from @before to @after, 0 before the end
 */
struct ankus_watch {
	struct ankus_tcp_marks before;
	struct ankus_tcp_marks after;
	u64 before_ns;
	u64 due_ns;
	u64 over_ns;
};

/**
 * struct ankus_pin - one steering of one flow
 * @want: bin wanted in force, or ANKUS_NO_BIN.  Written under ankus_net::lock,
 *	read by the packet path
 * @have: bin in force, or ANKUS_NO_BIN.  Written by the packet path, or under
 *	rtnl (RX queue)
 * @left: bin that @have was when it failed, until the next switch; else
 *	ANKUS_NO_BIN.  Packet path
 * @switches: times that @have took on a bin, written with it
 * @switched_ns: when it last did, likewise
 * @gap_ns: last packet seen while a change is waiting; CPU: when it was first seen
 *	to wait for a backlog.  Packet path
 * @left_ns: when @left was written
 * @waited_ns: time that the last switch had been wanted for, written with it
 * @from: bin of the switch before that, or ANKUS_NO_BIN, likewise
 * @to: bin of the last switch, likewise; ANKUS_NO_BIN behind the end of the pin
 * @went_why: enum ankus_move_reason of the last switch, likewise
 * @went_by: enum ankus_safe_point of it, likewise
 * @why: enum ankus_move_reason of @want; read by the packet path
 * @wanted_ns: when @want last changed
 * @retry_ns: not to be placed or tried again before this time
 * @again_ns: not to be taken back before this time, after that failed; RX
 * @moved_ns: when it was last given a new bin, for the cooldown
 * @latency_us: from the flow's first packet to the first pin in force
 * @proof_sent: bytes of the flow when the proof began, 0 before
 * @proof_bytes: bytes of the bin then; of RX, ankus_flow::seen_changes then
 * @watch: how the flow fares after the last switch
 * @reason: why the state is what it is, a string constant or NULL
 * @told: reason of the last failure that was told
 * @refused: why the packet path cannot put @want into force, a string constant
 *	or NULL; it writes the one, and the control loop the other
 * @strays: packets that did not take @have, packet path
 * @seen_strays: @strays at the last proof
 * @by: backend that has installed it or is to, RX; written while not @busy
 * @location: slot of the NIC rule, or bucket, RX, under rtnl
 * @seen_switches: @switches when the control loop last looked
 * @error: errno of a refusal, positive
 * @kind: enum ankus_pin_kind, constant
 * @state: enum ankus_pin_state
 * @failures: refusals or failed proofs in a row
 * @misses: looks in a row that spoke against the pin
 * @installed: the NIC has been told, RX, under rtnl
 * @recheck: ask the NIC whether the rule is still there, RX
 * @busy: the steer work has the flow in its hands, RX
 * @failed: a failure is to be told
 *
 * Where nothing else is said, under ankus_net::lock.
 */
struct ankus_pin {
	int want;
	int have;
	int left;
	u32 switches;
	u64 switched_ns;
	u64 gap_ns;
	u64 left_ns;
	u64 waited_ns;
	int from;
	int to;
	u8 went_why;
	u8 went_by;

	u8 why;
	u64 wanted_ns;
	u64 retry_ns;
	u64 again_ns;
	u64 moved_ns;
	u64 latency_us;
	u64 proof_sent;
	u64 proof_bytes;
	struct ankus_watch watch;
	const char *reason;
	const char *told;
	const char *refused;
	const struct ankus_backend_ops *by;
	u32 location;
	u32 seen_switches;
	u32 strays;
	u32 seen_strays;
	u16 error;
	u8 kind;
	u8 state;
	u8 failures;
	u8 misses;
	bool installed;
	bool recheck;
	bool busy;
	bool failed;
};

/**
 * struct ankus_rx_failure - why a backend did not do
 * @reason: a string constant, NULL when nothing is known against it
 * @error: errno of a refusal, positive
 */
struct ankus_rx_failure {
	const char *reason;
	u16 error;
};

/**
 * struct ankus_rx_try - how a flow fares with the backends of its device
 * @failed: by backend, what was last said against it; under ankus_net::lock
 * @trying: likewise, in the hands of the steer work while the pin is busy
 * @shared: id of the flow for which the bucket is pinned, which is why this one
 *	is not, or 0; under rtnl
 * @along: likewise, whatever the reason that it has no pin of its own; under
 *	ankus_net::lock
 * @along_bps: rates of those that go along with this one; control loop
 * @nic_hash: hash of its last packet as the NIC tells it, or 0; packet path,
 *	while a change of the pin is waiting
 * @tried: backends that failed since the pin was last wanted anew, a bit each;
 *	under ankus_net::lock
 * @swap: what is installed is to make room for the next backend; likewise
 */
struct ankus_rx_try {
	struct ankus_rx_failure failed[ANKUS_RX_BACKENDS];
	struct ankus_rx_failure trying[ANKUS_RX_BACKENDS];
	u64 shared;
	u64 along;
	u64 along_bps;
	u32 nic_hash;
	u8 tried;
	bool swap;
};

/**
 * struct ankus_acts - what is done to a flow beside steering
 * @ask: what is asked for, and maybe done
 * @repath: how its paths have fared
 * @sk: its local TCP socket, with a reference; NULL while there is none
 * @ca: congestion control of that when pacing was turned on, to compare only
 * @pace: bytes per second that the socket was given
 * @pace_own: what it had before
 * @packet_mark: bits to set in the marks of packets, their mask above them;
 *	read by the packet path
 * @packet_priority: of packets, likewise
 * @mark: mark that the socket was given
 * @mark_own: what it had before
 * @packet_dscp: of packets, read by the packet path
 * @set: what the socket has been given, a bit for each enum ankus_action
 * @own: what its application has set since, likewise
 * @paced: its pacing was turned on
 * @ending: all is to be undone, and waits for a safe point
 * @state: enum ankus_action_state of each enum ankus_action
 * @reason: why each is not done, or in part; string constants or NULL
 *
 * Where nothing else is said, under ankus_net::lock.
 */
struct ankus_acts {
	struct ankus_ask ask;
	struct ankus_repath repath;
	struct sock *sk;
	const struct tcp_congestion_ops *ca;
	unsigned long pace;
	unsigned long pace_own;
	u64 packet_mark;
	u32 packet_priority;
	u32 mark;
	u32 mark_own;
	u8 packet_dscp;
	u8 set;
	u8 own;
	bool paced;
	bool ending;
	u8 state[ANKUS_ACTIONS];
	const char *reason[ANKUS_ACTIONS];
};

/**
 * struct ankus_flow_ctl - what only flows worth steering need
 * @flow: the flow, constant
 * @node: in ankus_flows::active
 * @pin: by enum ankus_pin_kind
 * @rx: of a received flow
 * @cpu_place: of its last packet in the queue of a CPU, see cpu_queue.h; 0 when
 *	that went none of that way.  Packet path
 * @acts: what is done beside steering
 * @led: by which mark its socket is led over a link.  Written by the egress hook
 *	while that sees the flow, by the control loop when the link has failed or
 *	goes; a packet that comes in between is taken for one of a socket that its
 *	application has marked, and the pin is tried again later
 * @led_mask: of which bits that is, 0 while it is not; likewise
 */
struct ankus_flow_ctl {
	struct ankus_flow *flow;
	struct rb_node node;
	struct ankus_pin pin[ANKUS_PIN_KINDS];
	struct ankus_rx_try rx;
	u64 cpu_place;
	struct ankus_acts acts;
	u32 led;
	u32 led_mask;
};

/**
 * struct ankus_flow - a flow tracked exactly
 * @node: in its bucket; changed under ankus_flows::lock, read under RCU
 * @key: constant
 * @table: the table it is in, constant
 * @ctl: NULL while a mouse; set once, freed with the flow
 * @bytes: layer 3 bytes seen
 * @packets: packets seen
 * @kick_bytes: when @bytes pass this, the control loop is to look at once
 * @seen_jiffies: time of the last packet
 * @seen_bin: queue of the last packet, or ANKUS_NO_BIN; packet path
 * @seen_napi: NAPI id of the last packet, where the driver records no queue,
 *	else 0
 * @seen_changes: times that either was another than before
 * @mark: packet mark last seen
 * @seen_cpu: that received the last packet, where there is a control part
 * @dscp: last seen
 * @acts: what is done to its packets, a bit for each enum ankus_action; written
 *	under ankus_net::lock
 * @state: enum ankus_flow_state
 * @mode: enum ankus_pin_mode
 * @ignored: its rule says not to steer
 * @ruled: @rule_pref is set
 * @grouped: an elephant as part of @pair, not by a rate of its own
 * @rule_pref: the rule that decided
 * @id: for the user, never used twice in a network namespace
 * @first_ns: time of the first packet
 * @read_bytes: @bytes at the last reading, at first those of the first packet
 * @rate: averages
 * @rate_bps: elephant threshold that applies, from rule or device
 * @min_bytes: bytes the rule asks for
 * @over: the rate against the threshold
 * @rule: the rule that decided, valid while ankus_net::lock is held and
 *	@rule_gen is current
 * @rule_born: ankus_rule::born of the rule that counted the flow last
 * @rule_gen: ankus_net::rule_gen when it was matched
 * @pair: of its addresses; NULL before the first measurement, and where memory
 *	was short
 * @rcu: frees it
 *
 * The first group is the packet path's, written with WRITE_ONCE or atomics;
 * the second belongs to the control loop, under ankus_net::lock.
 */
struct ankus_flow {
	struct hlist_node node;
	struct ankus_key key;
	struct ankus_flows *table;
	struct ankus_flow_ctl *ctl;
	atomic64_t bytes;
	atomic64_t packets;
	u64 kick_bytes;
	unsigned long seen_jiffies;
	int seen_bin;
	u32 seen_napi;
	u32 seen_changes;
	u32 mark;
	u16 seen_cpu;
	u8 dscp;
	u8 acts;

	u8 state;
	u8 mode;
	bool ignored;
	bool ruled;
	bool grouped;
	u32 rule_pref;
	u64 id;
	u64 first_ns;
	u64 read_bytes;
	struct ankus_rate rate;
	u64 rate_bps;
	u64 min_bytes;
	struct ankus_over over;
	struct ankus_rule *rule;
	u32 rule_born;
	u32 rule_gen;
	struct ankus_pair *pair;
	struct rcu_head rcu;
};

/**
 * struct ankus_flows - the flow table of one device
 * @buckets: heads of hash chains, readers under RCU
 * @used: a bit for each that may hold flows; changed under @lock, read without
 * @mask: number of buckets - 1, a power of two
 * @max: most flows that are kept
 * @count: flows in it; under @lock
 * @added: flows that were ever in it; likewise
 * @active: those that have a control part, by id; under ankus_net::lock
 * @active_count: how many there are, likewise
 * @secret: of the hash
 * @lock: serialises insertion (packet path) and removal (control loop)
 */
struct ankus_flows {
	struct hlist_head *buckets;
	unsigned long *used;
	u32 mask;
	u32 max;
	u32 count;
	u64 added;
	struct rb_root active;
	u32 active_count;
	struct ankus_key_secret secret;
	spinlock_t lock;
};

int ankus_flow_init(void);
void ankus_flow_exit(void);
int ankus_flows_init(struct ankus_flows *flows, u32 max);
void ankus_flows_destroy(struct ankus_flows *flows);
struct ankus_flow *ankus_flow_insert(struct ankus_flows *flows,
				     const struct ankus_packet *pkt, u32 hash,
				     atomic64_t *ids);
void ankus_flow_remove(struct ankus_flows *flows, struct ankus_flow *flow);
int ankus_flow_activate(struct ankus_flow *flow);
struct ankus_flow *ankus_flow_next(const struct ankus_flows *flows, u64 id);
bool ankus_flow_find_key(const struct ankus_flows *flows, u64 id,
			 struct ankus_key *key);

/* Those that have a control part, by id; under ankus_net::lock all the while */
#define ankus_active_for_each(flows, flow)				\
	for ((flow) = ankus_flow_of_node(rb_first(&(flows)->active));	\
	     (flow);							\
	     (flow) = ankus_flow_of_node(rb_next(&(flow)->ctl->node)))

static inline struct ankus_flow *ankus_flow_of_node(const struct rb_node *node)
{
	return node ? rb_entry(node, struct ankus_flow_ctl, node)->flow : NULL;
}

/* The control part that a pin is in, and the flow that it is of */
static inline struct ankus_flow_ctl *ankus_pin_ctl(const struct ankus_pin *pin)
{
	return (struct ankus_flow_ctl *)
	       container_of(pin - pin->kind, struct ankus_flow_ctl, pin[0]);
}

static inline struct ankus_flow *ankus_pin_flow(const struct ankus_pin *pin)
{
	return ankus_pin_ctl(pin)->flow;
}

/* Where the packets of a flow were seen last: the bin, ANKUS_NO_BIN if unknown */
static inline int ankus_flow_seen(const struct ankus_flow *flow,
				  unsigned int kind)
{
	switch (kind) {
	case ANKUS_PIN_LINK:
		return ANKUS_NO_BIN;
	case ANKUS_PIN_CPU:
		return READ_ONCE(flow->seen_cpu);
	default:
		return READ_ONCE(flow->seen_bin);
	}
}

/**
 * ankus_flow_mark() - the mark by which rules judge a flow
 * @flow: the flow
 *
 * Bits that its socket was given count as its application set them: else a rule
 * that sets what it asks for would undo itself, and a link what chose it.
 *
 * Context: Under ankus_net::lock.
 * Return: the mark last seen, with these bits.
 */
static inline u32 ankus_flow_mark(const struct ankus_flow *flow)
{
	u32 mark = READ_ONCE(flow->mark);
	const struct ankus_acts *acts;

	if (!flow->ctl)
		return mark;
	mark &= ~READ_ONCE(flow->ctl->led_mask);
	acts = &flow->ctl->acts;
	if (!(acts->set & BIT(ANKUS_ACTION_SET_MARK)))
		return mark;
	return ankus_mark_set(mark, acts->mark_own, acts->ask.mark_mask);
}

/* Bucket by bucket, new flows may or may not be seen; may sleep in between */
#define ankus_flows_for_each(flows, i, flow, tmp, cond)			\
	for ((i) = find_first_bit((flows)->used, (flows)->mask + 1);	\
	     (i) <= (flows)->mask;					\
	     (i) = find_next_bit((flows)->used, (flows)->mask + 1, (i) + 1)) \
		ankus_bucket_for_each(flows, i, flow, tmp, cond)

#define ankus_bucket_for_each(flows, i, flow, tmp, cond)		\
	for ((flow) = hlist_entry_safe(					\
		rcu_dereference_check(hlist_first_rcu(&(flows)->buckets[i]), cond), \
		struct ankus_flow, node);				\
	     (flow) && ({ (tmp) = hlist_entry_safe(			\
		rcu_dereference_check(hlist_next_rcu(&(flow)->node), cond), \
		struct ankus_flow, node); 1; });			\
	     (flow) = (tmp))

/* Is there room only for flows that are heavy by themselves? */
static inline bool ankus_flows_crowded(const struct ankus_flows *flows)
{
	return READ_ONCE(flows->count) >
	       flows->max - (flows->max >> ANKUS_FLOW_ROOM_SHIFT);
}

/**
 * ankus_flow_lookup() - find a flow
 * @flows: the table
 * @key: the flow's key
 * @hash: ankus_key_hash() of it with the secret of the table
 *
 * Context: RCU read side, or ankus_flows::lock held.
 * Return: the flow, or NULL.
 */
static inline struct ankus_flow *
ankus_flow_lookup(const struct ankus_flows *flows, const struct ankus_key *key,
		  u32 hash)
{
	struct ankus_flow *flow;

	hlist_for_each_entry_rcu(flow, &flows->buckets[hash & flows->mask],
				 node, lockdep_is_held(&flows->lock))
		if (ankus_key_equal(&flow->key, key))
			return flow;
	return NULL;
}

#endif /* ANKUS_FLOW_H */
