// SPDX-License-Identifier: GPL-2.0
/* Netlink requests for the counters of managed devices. */
#include <net/sock.h>

#include "balance.h"
#include "netlink.h"
#include "netlink_gen.h"

struct stats_map {
	u16 attr;
	u16 stat;
};

static const struct stats_map stats_pcpu[] = {
	{ ANKUS_A_STATS_RX_PACKETS, ANKUS_RX_PACKETS },
	{ ANKUS_A_STATS_RX_BYTES, ANKUS_RX_BYTES },
	{ ANKUS_A_STATS_TX_PACKETS, ANKUS_TX_PACKETS },
	{ ANKUS_A_STATS_TX_BYTES, ANKUS_TX_BYTES },
	{ ANKUS_A_STATS_UNTRACKED_PACKETS, ANKUS_UNTRACKED },
	{ ANKUS_A_STATS_TABLE_FULL, ANKUS_TABLE_FULL },
	{ ANKUS_A_STATS_NO_MEMORY, ANKUS_NO_MEMORY },
	{ ANKUS_A_STATS_LINK_PACKETS, ANKUS_LINK_PACKETS },
	{ ANKUS_A_STATS_LINK_BYPASSED, ANKUS_LINK_BYPASSED },
	{ ANKUS_A_STATS_KICKS, ANKUS_KICKS },
	{ ANKUS_A_STATS_SKETCH_PACKETS, ANKUS_SKETCHED },
	{ ANKUS_A_STATS_SKETCH_REPLACED, ANKUS_SKETCH_REPLACES },
	{ ANKUS_A_STATS_PAIRS_FULL, ANKUS_PAIRS_FULL },
	{ ANKUS_A_STATS_PAIR_SAMPLES, ANKUS_PAIR_SAMPLES },
	{ ANKUS_A_STATS_CPU_PACKETS, ANKUS_CPU_QUEUED },
	{ ANKUS_A_STATS_CPU_OVERFLOW, ANKUS_CPU_OVERFLOW },
	{ ANKUS_A_STATS_CPU_BYPASSED, ANKUS_CPU_BYPASSED },
	{ ANKUS_A_STATS_ACTION_PACKETS, ANKUS_ACTED_PACKETS },
	{ ANKUS_A_STATS_ACTION_PACKETS_FAILED, ANKUS_ACTED_FAILED },
};

static const struct stats_map stats_control[] = {
	{ ANKUS_A_STATS_FLOWS_EXPIRED, ANKUS_FLOWS_EXPIRED },
	{ ANKUS_A_STATS_ELEPHANTS_SEEN, ANKUS_ELEPHANTS_SEEN },
	{ ANKUS_A_STATS_INEFFECTIVE, ANKUS_INEFFECTIVE },
	{ ANKUS_A_STATS_REFUSED, ANKUS_REFUSED },
	{ ANKUS_A_STATS_MOVES, ANKUS_MOVES },
	{ ANKUS_A_STATS_FAILOVERS, ANKUS_FAILOVERS },
	{ ANKUS_A_STATS_RULES_INSTALLED, ANKUS_RULES_INSTALLED },
	{ ANKUS_A_STATS_RULES_REMOVED, ANKUS_RULES_REMOVED },
	{ ANKUS_A_STATS_RULES_LOST, ANKUS_RULES_LOST },
	{ ANKUS_A_STATS_TICKS, ANKUS_TICKS },
	{ ANKUS_A_STATS_TICK_MAX_NS, ANKUS_TICK_MAX_NS },
	{ ANKUS_A_STATS_RTNL_MAX_NS, ANKUS_RTNL_MAX_NS },
	{ ANKUS_A_STATS_FLOWS_EVICTED, ANKUS_FLOWS_EVICTED },
	{ ANKUS_A_STATS_DUMP_MAX_NS, ANKUS_DUMP_MAX_NS },
	{ ANKUS_A_STATS_MOVES_PLACED,
	  ANKUS_MOVES_BY + ANKUS_MOVE_REASON_PLACED },
	{ ANKUS_A_STATS_MOVES_REBALANCE,
	  ANKUS_MOVES_BY + ANKUS_MOVE_REASON_REBALANCE },
	{ ANKUS_A_STATS_MOVES_DEAD, ANKUS_MOVES_BY + ANKUS_MOVE_REASON_DEAD },
	{ ANKUS_A_STATS_MOVES_CLOSED,
	  ANKUS_MOVES_BY + ANKUS_MOVE_REASON_CLOSED },
	{ ANKUS_A_STATS_MOVES_MANUAL,
	  ANKUS_MOVES_BY + ANKUS_MOVE_REASON_MANUAL },
	{ ANKUS_A_STATS_MOVES_RESTORED,
	  ANKUS_MOVES_BY + ANKUS_MOVE_REASON_RESTORED },
	{ ANKUS_A_STATS_WATCHED, ANKUS_WATCHED },
	{ ANKUS_A_STATS_WATCHED_RETRANSMITS, ANKUS_WATCHED_RETRANSMITS },
	{ ANKUS_A_STATS_WATCHED_REORD_SEEN, ANKUS_WATCHED_REORD_SEEN },
	{ ANKUS_A_STATS_WATCHED_OUT_OF_ORDER, ANKUS_WATCHED_OUT_OF_ORDER },
	{ ANKUS_A_STATS_ACTIONS_DONE, ANKUS_ACTS_DONE },
	{ ANKUS_A_STATS_ACTIONS_FAILED, ANKUS_ACTS_FAILED },
	{ ANKUS_A_STATS_ACTIONS_OVERRIDDEN, ANKUS_ACTS_OVERRIDDEN },
	{ ANKUS_A_STATS_REPATHS, ANKUS_REPATHS },
};

static int stats_put(struct sk_buff *msg, int attr, u64 value)
{
	return nla_put_u64_64bit(msg, attr, value, ANKUS_A_STATS_PAD);
}

/* Pins and actions in force or under way, counted from the flows */
static int stats_put_pins(struct sk_buff *msg, struct ankus_dev *ad)
{
	u64 in_force[ANKUS_PIN_KINDS] = {};
	u64 verified = 0, parked = 0, waiting = 0, actions = 0;
	struct ankus_flow *flow;
	unsigned int kind, i;

	ankus_active_for_each(&ad->flows, flow) {
		for (kind = 0; kind < ANKUS_PIN_KINDS; kind++) {
			const struct ankus_pin *pin = &flow->ctl->pin[kind];
			int have = READ_ONCE(pin->have);

			in_force[kind] += have != ANKUS_NO_BIN;
			waiting += have != ANKUS_NO_BIN && have != pin->want;
			verified += pin->state == ANKUS_PIN_STATE_VERIFIED;
			parked += pin->state == ANKUS_PIN_STATE_PARKED;
		}
		for (i = 0; i < ANKUS_ACTIONS; i++)
			actions += flow->ctl->acts.state[i] ==
				   ANKUS_ACTION_STATE_IN_FORCE;
	}
	return stats_put(msg, ANKUS_A_STATS_PINS_RX_QUEUE,
			 in_force[ANKUS_PIN_RXQ]) ?:
	       stats_put(msg, ANKUS_A_STATS_PINS_TX_QUEUE,
			 in_force[ANKUS_PIN_TXQ]) ?:
	       stats_put(msg, ANKUS_A_STATS_PINS_LINK,
			 in_force[ANKUS_PIN_LINK]) ?:
	       stats_put(msg, ANKUS_A_STATS_PINS_CPU,
			 in_force[ANKUS_PIN_CPU]) ?:
	       stats_put(msg, ANKUS_A_STATS_VERIFIED, verified) ?:
	       stats_put(msg, ANKUS_A_STATS_PARKED, parked) ?:
	       stats_put(msg, ANKUS_A_STATS_MOVES_WAITING, waiting) ?:
	       stats_put(msg, ANKUS_A_STATS_ACTIONS, actions);
}

static int stats_put_sketch(struct sk_buff *msg, struct ankus_dev *ad)
{
	u64 lines;

	if (!ad->cfg.sketch_bytes)
		return 0;
	lines = (ad->sketch_mask + 1ULL) * num_possible_cpus();
	return stats_put(msg, ANKUS_A_STATS_SKETCH_BYTES,
			 lines * sizeof(struct ankus_sketch_line)) ?:
	       stats_put(msg, ANKUS_A_STATS_SKETCH_COUNTERS,
			 lines * ANKUS_SKETCH_WAYS) ?:
	       stats_put(msg, ANKUS_A_STATS_ADMIT_BYTES, ad->admit_bytes);
}

/* What the flows take, without what the allocator needs to keep them */
static int stats_put_memory(struct sk_buff *msg, const struct ankus_flows *flows)
{
	return stats_put(msg, ANKUS_A_STATS_MEMORY_TABLE,
			 (flows->mask + 1ULL) * sizeof(*flows->buckets) +
			 BITS_TO_LONGS(flows->mask + 1) *
			 sizeof(*flows->used)) ?:
	       stats_put(msg, ANKUS_A_STATS_MEMORY_FLOWS,
			 (u64)READ_ONCE(flows->count) *
			 sizeof(struct ankus_flow)) ?:
	       stats_put(msg, ANKUS_A_STATS_MEMORY_CONTROL,
			 (u64)flows->active_count *
			 sizeof(struct ankus_flow_ctl));
}

static int stats_put_pairs(struct sk_buff *msg, const struct ankus_pairs *pairs)
{
	return stats_put(msg, ANKUS_A_STATS_PAIRS, pairs->count) ?:
	       stats_put(msg, ANKUS_A_STATS_PAIRS_GROUPED, pairs->grouped) ?:
	       stats_put(msg, ANKUS_A_STATS_MEMORY_PAIRS,
			 (u64)pairs->count * sizeof(struct ankus_pair));
}

/* The two directions have the same attributes, one set behind the other */
#define STATS_OF_DIR(dir, attr)						\
	((dir) == ANKUS_DIR_IN ? ANKUS_A_STATS_IN_##attr :		\
				 ANKUS_A_STATS_OUT_##attr)

static int stats_put_traffic(struct sk_buff *msg, const struct ankus_dev *ad,
			     enum ankus_dir dir)
{
	const struct ankus_traffic *traffic = &ad->balance->traffic[dir];

	return stats_put(msg, STATS_OF_DIR(dir, BPS), traffic->rate.fast_bps) ?:
	       stats_put(msg, STATS_OF_DIR(dir, ENTROPY_MILLIBITS),
			 traffic->entropy_millibits) ?:
	       stats_put(msg, STATS_OF_DIR(dir, EVENNESS_PERMILLE),
			 traffic->evenness_permille) ?:
	       stats_put(msg, STATS_OF_DIR(dir, EFFECTIVE_MILLIFLOWS),
			 traffic->effective_milliflows) ?:
	       stats_put(msg, STATS_OF_DIR(dir, EFFECTIVE_MILLIPAIRS),
			 traffic->effective_millipairs) ?:
	       stats_put(msg, STATS_OF_DIR(dir, LOW_ENTROPY), traffic->low);
}

static int stats_put_balance(struct sk_buff *msg, const struct ankus_dev *ad)
{
	static const struct {
		u16 actual;
		u16 expected;
	} attrs[ANKUS_BALANCE_KINDS] = {
		[ANKUS_PIN_RXQ] = {
			ANKUS_A_STATS_RX_QUEUES_IMBALANCE_PERMILLE,
			ANKUS_A_STATS_RX_QUEUES_EXPECTED_PERMILLE,
		},
		[ANKUS_PIN_TXQ] = {
			ANKUS_A_STATS_TX_QUEUES_IMBALANCE_PERMILLE,
			ANKUS_A_STATS_TX_QUEUES_EXPECTED_PERMILLE,
		},
		[ANKUS_PIN_LINK] = {
			ANKUS_A_STATS_LINKS_IMBALANCE_PERMILLE,
			ANKUS_A_STATS_LINKS_EXPECTED_PERMILLE,
		},
	};
	unsigned int kind;
	int err = 0;

	for (kind = 0; !err && kind < ANKUS_BALANCE_KINDS; kind++) {
		const struct ankus_bin_balance *of = &ad->balance->kind[kind];

		err = stats_put(msg, attrs[kind].actual, of->actual_permille) ?:
		      stats_put(msg, attrs[kind].expected,
				of->expected_permille);
	}
	return err;
}

static int stats_fill(struct sk_buff *msg, struct ankus_dev *ad)
{
	unsigned int i;
	int err;

	err = nla_put_u32(msg, ANKUS_A_STATS_IFINDEX, ad->netdev->ifindex) ?:
	      nla_put_string(msg, ANKUS_A_STATS_IFNAME, ad->netdev->name) ?:
	      stats_put(msg, ANKUS_A_STATS_FLOWS, READ_ONCE(ad->flows.count)) ?:
	      stats_put(msg, ANKUS_A_STATS_FLOWS_ADDED,
			READ_ONCE(ad->flows.added)) ?:
	      stats_put(msg, ANKUS_A_STATS_CANDIDATES, ad->candidates) ?:
	      stats_put(msg, ANKUS_A_STATS_ELEPHANTS, ad->elephants) ?:
	      stats_put_pins(msg, ad) ?:
	      stats_put_sketch(msg, ad) ?:
	      stats_put_memory(msg, &ad->flows) ?:
	      stats_put_pairs(msg, &ad->pairs);
	for (i = 0; !err && i < ARRAY_SIZE(stats_pcpu); i++)
		err = stats_put(msg, stats_pcpu[i].attr,
				ankus_dev_stat(ad, stats_pcpu[i].stat));
	for (i = 0; !err && i < ARRAY_SIZE(stats_control); i++)
		err = stats_put(msg, stats_control[i].attr,
				ad->count[stats_control[i].stat]);
	return err ?: stats_put_traffic(msg, ad, ANKUS_DIR_IN) ?:
	       stats_put_traffic(msg, ad, ANKUS_DIR_OUT) ?:
	       stats_put_balance(msg, ad);
}

/**
 * ankus_nl_stats_get_doit() - ANKUS_CMD_STATS_GET of one device
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return ankus_nl_get_dev(info, ANKUS_CMD_STATS_GET,
				ANKUS_A_STATS_IFINDEX, ANKUS_A_STATS_IFNAME,
				stats_fill);
}

/**
 * ankus_nl_stats_get_dumpit() - ANKUS_CMD_STATS_GET of all devices
 * @skb: buffer
 * @cb: the dump
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	int ifindex = ankus_nl_dump_ifindex(cb, skb, ANKUS_A_STATS_IFINDEX,
					    ANKUS_A_STATS_IFNAME);

	if (ifindex < 0)
		return ifindex;
	return ankus_nl_dump_devs(skb, cb, ANKUS_CMD_STATS_GET, ifindex,
				  stats_fill);
}
