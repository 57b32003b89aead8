// SPDX-License-Identifier: GPL-2.0
/* The names of the contract, in its order: the first of a list is number 1. */
#include <stdio.h>
#include <string.h>

#include <linux/ankus.h>

#include "nlraw.h"

static const char *const ops[] = {
	"dev-get", "dev-new", "dev-set", "dev-del", "dev-ntf", "rule-get",
	"rule-new", "rule-del", "rule-flush", "rule-ntf", "link-get",
	"link-new", "link-set", "link-del", "link-ntf", "flow-get", "flow-pin",
	"flow-unpin", "flow-ntf", "stats-get", "cpu-get",
	"queue-get", "pair-get", "pair-ntf"
};

static const char *const queue_range_attrs[] = {
	"first", "last"
};

static const char *const dev_attrs[] = {
	"pad", "ifindex", "ifname", "mode", "rx-queues", "tx-queues",
	"rate-bps", "hold-ms", "release-ms", "backend", "links", "tick-ms",
	"flow-max", "num-rx-queues", "num-tx-queues", "flows", "elephants",
	"rx-backend", "rx-slots", "rx-rules", "rx-reason", "event",
	"sketch-bytes",
	"low-entropy-permille", "dir", "effective-milliflows", "bins",
	"rx-dedicated", "rx-backends", "ntuple", "rx-cpus",
	"cpu-reason"
};

static const char *const rule_attrs[] = {
	"pad", "pref", "ifname", "dir", "family", "proto", "src", "src-len",
	"dst", "dst-len", "sport-first", "sport-last", "dport-first",
	"dport-last", "dscp", "mark", "mark-mask", "rate-bps", "bytes",
	"verdict", "rx-queues", "tx-queues", "link", "replace", "flows",
	"event", "rx-cpus", "tcp", "with-tcp", "pace-bps", "priority",
	"set-dscp", "set-mark", "set-mark-mask", "repath"
};

static const char *const link_attrs[] = {
	"pad", "name", "ifindex", "ifname", "upper-ifindex", "upper-ifname",
	"capacity-bps", "auto", "state", "reason", "speed-bps", "flows",
	"pinned-bps", "tx-bps", "event", "imbalance-permille",
	"expected-permille", "other-bps", "tcp", "with-tcp", "mark", "mark-mask"
};

static const char *const pin_attrs[] = {
	"pad", "state", "target", "current", "link", "observed", "backend",
	"location", "error", "reason", "moves", "latency-us",
	"failed", "shared-with",
	"move-reason", "from", "from-link", "waited-us", "safe-point", "after",
	"after-ms"
};

static const char *const flow_attrs[] = {
	"pad", "id", "ifindex", "ifname", "dir", "family", "proto", "src",
	"dst", "sport", "dport", "dscp", "mark", "state", "bytes", "packets",
	"rate-bps", "age-ms", "idle-ms", "rule-pref", "ignored", "pin-mode",
	"rx-queue", "tx-queue", "link", "pin-queue", "pin-link", "pin-kind",
	"event", "limit", "pair", "grouped", "cpu", "pin-cpu", "tcp",
	"with-tcp", "actions"
};

static const char *const pair_attrs[] = {
	"pad", "id", "ifindex", "ifname", "dir", "family", "src", "dst",
	"state", "grouped", "bytes", "rate-bps", "small-bps", "small-permille",
	"flows", "elephants", "age-ms", "idle-ms", "event", "limit"
};

static const char *const stats_attrs[] = {
	"pad", "ifindex", "ifname", "rx-packets", "rx-bytes", "tx-packets",
	"tx-bytes", "untracked-packets", "flows", "flows-added",
	"flows-expired", "table-full", "no-memory", "candidates", "elephants",
	"elephants-seen", "pins-tx-queue", "pins-link", "pins-rx-queue",
	"verified", "ineffective", "refused", "parked", "moves",
	"moves-waiting", "failovers", "link-packets", "link-bypassed",
	"rules-installed", "rules-removed", "rules-lost", "ticks", "kicks",
	"tick-max-ns", "rtnl-max-ns", "flows-evicted", "sketch-packets",
	"sketch-replaced", "sketch-bytes", "sketch-counters", "admit-bytes",
	"dump-max-ns", "memory-table", "memory-flows", "memory-control",
	"in-bps", "in-entropy-millibits", "in-evenness-permille",
	"in-effective-milliflows", "in-low-entropy", "out-bps",
	"out-entropy-millibits", "out-evenness-permille",
	"out-effective-milliflows", "out-low-entropy",
	"rx-queues-imbalance-permille", "rx-queues-expected-permille",
	"tx-queues-imbalance-permille", "tx-queues-expected-permille",
	"links-imbalance-permille", "links-expected-permille", "pairs",
	"pairs-grouped", "pairs-full", "pair-samples", "memory-pairs",
	"in-effective-millipairs", "out-effective-millipairs", "pins-cpu",
	"cpu-packets", "cpu-overflow", "cpu-bypassed", "moves-placed",
	"moves-rebalance", "moves-dead", "moves-closed", "moves-manual",
	"moves-restored", "watched", "watched-retransmits",
	"watched-reord-seen", "watched-out-of-order", "actions",
	"actions-done", "actions-failed", "actions-overridden",
	"action-packets", "action-packets-failed", "repaths"
};

static const char *const cpu_attrs[] = {
	"pad", "ifindex", "ifname", "cpu", "rx-packets", "rx-bytes",
	"tx-packets", "tx-bytes", "flows-admitted", "sketch-packets",
	"sketch-replaced", "sketch-counters", "sketch-used",
	"steered-packets", "steered-bytes", "overflow-packets"
};

static const char *const queue_attrs[] = {
	"pad", "ifindex", "ifname", "dir", "queue", "load-bps",
	"share-permille", "flows", "pinned-bps", "open", "imbalance-permille",
	"expected-permille"
};

#define COUNT(list)	(sizeof(list) / sizeof(*(list)))
#define DRIFTS(attr)	(1ULL << ANKUS_A_##attr)

const struct set nlraw_sets[] = {
	{
		.name = "dev",
		.attrs = dev_attrs,
		.n = COUNT(dev_attrs),
		.drifts = DRIFTS(DEV_FLOWS) | DRIFTS(DEV_ELEPHANTS) |
			  DRIFTS(DEV_RX_RULES),
	}, {
		.name = "rule",
		.attrs = rule_attrs,
		.n = COUNT(rule_attrs),
		.drifts = DRIFTS(RULE_FLOWS),
	}, {
		.name = "link",
		.attrs = link_attrs,
		.n = COUNT(link_attrs),
		.drifts = DRIFTS(LINK_STATE) | DRIFTS(LINK_REASON) |
			  DRIFTS(LINK_FLOWS) | DRIFTS(LINK_PINNED_BPS) |
			  DRIFTS(LINK_TX_BPS) | DRIFTS(LINK_OTHER_BPS) |
			  DRIFTS(LINK_IMBALANCE_PERMILLE) |
			  DRIFTS(LINK_EXPECTED_PERMILLE),
	}, {
		.name = "flow",
		.attrs = flow_attrs,
		.n = COUNT(flow_attrs),
	}, {
		.name = "stats",
		.attrs = stats_attrs,
		.n = COUNT(stats_attrs),
	}, {
		.name = "cpu",
		.attrs = cpu_attrs,
		.n = COUNT(cpu_attrs),
	}, {
		.name = "queue",
		.attrs = queue_attrs,
		.n = COUNT(queue_attrs),
	}, {
		.name = "pair",
		.attrs = pair_attrs,
		.n = COUNT(pair_attrs),
	}, {
		.name = "none",
	},
};

const struct set nlraw_queue_range = {
	.name = "queue-range",
	.attrs = queue_range_attrs,
	.n = COUNT(queue_range_attrs),
};

const struct set nlraw_pin = {
	.name = "pin",
	.attrs = pin_attrs,
	.n = COUNT(pin_attrs),
};

_Static_assert(COUNT(ops) == ANKUS_CMD_MAX &&
	       COUNT(queue_range_attrs) == ANKUS_A_QUEUE_RANGE_MAX &&
	       COUNT(dev_attrs) == ANKUS_A_DEV_MAX &&
	       COUNT(rule_attrs) == ANKUS_A_RULE_MAX &&
	       COUNT(link_attrs) == ANKUS_A_LINK_MAX &&
	       COUNT(flow_attrs) == ANKUS_A_FLOW_MAX &&
	       COUNT(pin_attrs) == ANKUS_A_PIN_MAX &&
	       COUNT(stats_attrs) == ANKUS_A_STATS_MAX &&
	       COUNT(cpu_attrs) == ANKUS_A_CPU_MAX &&
	       COUNT(queue_attrs) == ANKUS_A_QUEUE_MAX &&
	       COUNT(pair_attrs) == ANKUS_A_PAIR_MAX,
	       "the names are not those of the contract");

/* The value of a name, 0 when there is none */
static unsigned int find_name(const char *const *list, unsigned int n,
			      const char *name)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!strcmp(list[i], name))
			return i + 1;
	return 0;
}

const char *nlraw_attr_name(const struct set *set, __u16 type)
{
	static char text[16];

	if (type && type <= set->n)
		return set->attrs[type - 1];
	sprintf(text, "#%u", type);
	return text;
}

/* The number of an operation, 0 when there is none of that name */
unsigned int nlraw_op(const char *name)
{
	return find_name(ops, COUNT(ops), name);
}

/* The number of an attribute, likewise */
unsigned int nlraw_attr(const struct set *set, const char *name)
{
	return find_name(set->attrs, set->n, name);
}
