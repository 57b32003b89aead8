// SPDX-License-Identifier: GPL-2.0
/* The attributes of Documentation/netlink/specs/ankus.yaml, named and typed. */

#include <string.h>

#include <netinet/in.h>

#include <linux/ankus.h>

#include "schema.h"
#include "tool.h"

static const char *const mode_list[] = {
	[ANKUS_MODE_OBSERVE] = "observe",
	[ANKUS_MODE_STEER] = "steer",
};

const struct names mode_names = { mode_list, ARRAY_SIZE(mode_list) };

static const char *const backend_list[] = {
	[ANKUS_BACKEND_AUTO] = "auto",
	[ANKUS_BACKEND_NTUPLE] = "ntuple",
	[ANKUS_BACKEND_NONE] = "none",
	[ANKUS_BACKEND_RSS] = "rss",
	[ANKUS_BACKEND_CPU] = "cpu",
};

const struct names backend_names = { backend_list, ARRAY_SIZE(backend_list) };

static const char *const switch_list[] = {
	[ANKUS_SWITCH_OFF] = "off",
	[ANKUS_SWITCH_ON] = "on",
};

const struct names switch_names = { switch_list, ARRAY_SIZE(switch_list) };

/* By number of the bit. */
static const char *const flow_type_list[] = {
	"tcp4", "udp4", "sctp4", "tcp6", "udp6", "sctp6",
};

static const struct names flow_type_names = {
	flow_type_list, ARRAY_SIZE(flow_type_list)
};

static const char *const links_list[] = {
	[ANKUS_LINKS_AUTO] = "auto",
	[ANKUS_LINKS_NONE] = "none",
};

const struct names links_names = { links_list, ARRAY_SIZE(links_list) };

static const char *const dir_list[] = {
	[ANKUS_DIR_IN] = "in",
	[ANKUS_DIR_OUT] = "out",
};

const struct names dir_names = { dir_list, ARRAY_SIZE(dir_list) };

static const char *const flow_state_list[] = {
	[ANKUS_FLOW_STATE_MOUSE] = "mouse",
	[ANKUS_FLOW_STATE_CANDIDATE] = "candidate",
	[ANKUS_FLOW_STATE_ELEPHANT] = "elephant",
};

const struct names flow_state_names = { flow_state_list, ARRAY_SIZE(flow_state_list) };

/* No pair is a candidate. */
static const char *const pair_state_list[] = {
	[ANKUS_FLOW_STATE_MOUSE] = "mouse",
	[ANKUS_FLOW_STATE_ELEPHANT] = "elephant",
};

const struct names pair_state_names = { pair_state_list, ARRAY_SIZE(pair_state_list) };

static const char *const verdict_list[] = {
	[ANKUS_VERDICT_AUTO] = "auto",
	[ANKUS_VERDICT_IGNORE] = "ignore",
};

const struct names verdict_names = { verdict_list, ARRAY_SIZE(verdict_list) };

static const char *const pin_mode_list[] = {
	[ANKUS_PIN_MODE_AUTO] = "auto",
	[ANKUS_PIN_MODE_MANUAL] = "manual",
	[ANKUS_PIN_MODE_OFF] = "off",
};

static const struct names pin_mode_names = {
	pin_mode_list, ARRAY_SIZE(pin_mode_list)
};

static const char *const pin_state_list[] = {
	[ANKUS_PIN_STATE_NONE] = "none",
	[ANKUS_PIN_STATE_WANTED] = "wanted",
	[ANKUS_PIN_STATE_INSTALLED] = "installed",
	[ANKUS_PIN_STATE_VERIFIED] = "verified",
	[ANKUS_PIN_STATE_INEFFECTIVE] = "ineffective",
	[ANKUS_PIN_STATE_REFUSED] = "refused",
	[ANKUS_PIN_STATE_PARKED] = "parked",
};

const struct names pin_state_names = { pin_state_list, ARRAY_SIZE(pin_state_list) };

static const char *const move_reason_list[] = {
	[ANKUS_MOVE_REASON_NONE] = "none",
	[ANKUS_MOVE_REASON_PLACED] = "placed",
	[ANKUS_MOVE_REASON_REBALANCE] = "rebalance",
	[ANKUS_MOVE_REASON_DEAD] = "dead",
	[ANKUS_MOVE_REASON_CLOSED] = "closed",
	[ANKUS_MOVE_REASON_MANUAL] = "manual",
	[ANKUS_MOVE_REASON_RESTORED] = "restored",
};

static const struct names move_reason_names = {
	move_reason_list, ARRAY_SIZE(move_reason_list)
};

static const char *const safe_point_list[] = {
	[ANKUS_SAFE_POINT_NONE] = "none",
	[ANKUS_SAFE_POINT_TCP_IDLE] = "tcp-idle",
	[ANKUS_SAFE_POINT_PAUSE] = "pause",
	[ANKUS_SAFE_POINT_TIMEOUT] = "timeout",
	[ANKUS_SAFE_POINT_DRAINED] = "drained",
	[ANKUS_SAFE_POINT_DEAD] = "dead",
};

static const struct names safe_point_names = {
	safe_point_list, ARRAY_SIZE(safe_point_list)
};

static const char *const link_state_list[] = {
	[ANKUS_LINK_STATE_UP] = "up",
	[ANKUS_LINK_STATE_DOWN] = "down",
	[ANKUS_LINK_STATE_BLOCKED] = "blocked",
};

static const struct names link_state_names = {
	link_state_list, ARRAY_SIZE(link_state_list)
};

static const char *const event_list[] = {
	[ANKUS_EVENT_DEV_ADD] = "dev-add",
	[ANKUS_EVENT_DEV_SET] = "dev-set",
	[ANKUS_EVENT_DEV_DEL] = "dev-del",
	[ANKUS_EVENT_RULE_ADD] = "rule-add",
	[ANKUS_EVENT_RULE_REPLACE] = "rule-replace",
	[ANKUS_EVENT_RULE_DEL] = "rule-del",
	[ANKUS_EVENT_LINK_ADD] = "link-add",
	[ANKUS_EVENT_LINK_SET] = "link-set",
	[ANKUS_EVENT_LINK_DEL] = "link-del",
	[ANKUS_EVENT_LINK_UP] = "link-up",
	[ANKUS_EVENT_LINK_DOWN] = "link-down",
	[ANKUS_EVENT_LINK_BLOCKED] = "link-blocked",
	[ANKUS_EVENT_FLOW_ELEPHANT] = "flow-elephant",
	[ANKUS_EVENT_FLOW_RELEASE] = "flow-release",
	[ANKUS_EVENT_FLOW_PIN] = "flow-pin",
	[ANKUS_EVENT_FLOW_MOVE] = "flow-move",
	[ANKUS_EVENT_FLOW_VERIFY] = "flow-verify",
	[ANKUS_EVENT_FLOW_FAIL] = "flow-fail",
	[ANKUS_EVENT_FLOW_UNPIN] = "flow-unpin",
	[ANKUS_EVENT_LOW_ENTROPY] = "low-entropy",
	[ANKUS_EVENT_ENTROPY_NORMAL] = "entropy-normal",
	[ANKUS_EVENT_PAIR_ELEPHANT] = "pair-elephant",
	[ANKUS_EVENT_PAIR_RELEASE] = "pair-release",
	[ANKUS_EVENT_FLOW_AFTER_MOVE] = "flow-after-move",
	[ANKUS_EVENT_FLOW_REPATH] = "flow-repath",
};

const struct names event_names = { event_list, ARRAY_SIZE(event_list) };

static const char *const action_list[] = {
	[ANKUS_ACTION_PACE] = "pace",
	[ANKUS_ACTION_PRIORITY] = "priority",
	[ANKUS_ACTION_SET_DSCP] = "set-dscp",
	[ANKUS_ACTION_SET_MARK] = "set-mark",
	[ANKUS_ACTION_REPATH] = "repath",
};

static const struct names action_names = {
	action_list, ARRAY_SIZE(action_list)
};

static const char *const action_state_list[] = {
	[ANKUS_ACTION_STATE_NONE] = "none",
	[ANKUS_ACTION_STATE_WAITING] = "waiting",
	[ANKUS_ACTION_STATE_IN_FORCE] = "in-force",
};

static const struct names action_state_names = {
	action_state_list, ARRAY_SIZE(action_state_list)
};

static const struct attr queue_range_attrs[] = {
	[ANKUS_A_QUEUE_RANGE_FIRST] = { "first", KIND_NUM },
	[ANKUS_A_QUEUE_RANGE_LAST] = { "last", KIND_NUM },
};

static const struct schema queue_range_schema = {
	queue_range_attrs, ARRAY_SIZE(queue_range_attrs)
};

static const struct attr rx_backend_attrs[] = {
	[ANKUS_A_RX_BACKEND_BACKEND] = { "backend", KIND_ENUM, &backend_names },
	[ANKUS_A_RX_BACKEND_REASON] = { "reason", KIND_STRING },
	[ANKUS_A_RX_BACKEND_ERROR] = { "error", KIND_NUM },
	[ANKUS_A_RX_BACKEND_SIZE] = { "size", KIND_NUM },
	[ANKUS_A_RX_BACKEND_USED] = { "used", KIND_NUM },
	[ANKUS_A_RX_BACKEND_WORKS] = { "works", KIND_BITS, &flow_type_names },
	[ANKUS_A_RX_BACKEND_LAST] = { "last", KIND_BITS, &flow_type_names },
	[ANKUS_A_RX_BACKEND_DEDICATED] = { "dedicated", KIND_NUM },
};

const struct schema rx_backend_schema = {
	rx_backend_attrs, ARRAY_SIZE(rx_backend_attrs)
};

static const struct attr dev_attrs[] = {
	[ANKUS_A_DEV_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_DEV_IFINDEX] = { "ifindex", KIND_NUM },
	[ANKUS_A_DEV_IFNAME] = { "ifname", KIND_STRING },
	[ANKUS_A_DEV_MODE] = { "mode", KIND_ENUM, &mode_names },
	[ANKUS_A_DEV_RX_QUEUES] = { "rx-queues", KIND_QUEUES,
				    .nested = &queue_range_schema },
	[ANKUS_A_DEV_TX_QUEUES] = { "tx-queues", KIND_QUEUES,
				    .nested = &queue_range_schema },
	[ANKUS_A_DEV_RATE_BPS] = { "rate-bps", KIND_RATE },
	[ANKUS_A_DEV_HOLD_MS] = { "hold-ms", KIND_MSEC },
	[ANKUS_A_DEV_RELEASE_MS] = { "release-ms", KIND_MSEC },
	[ANKUS_A_DEV_BACKEND] = { "backend", KIND_ENUM, &backend_names },
	[ANKUS_A_DEV_LINKS] = { "links", KIND_ENUM, &links_names },
	[ANKUS_A_DEV_TICK_MS] = { "tick-ms", KIND_MSEC },
	[ANKUS_A_DEV_FLOW_MAX] = { "flow-max", KIND_NUM },
	[ANKUS_A_DEV_NUM_RX_QUEUES] = { "num-rx-queues", KIND_NUM },
	[ANKUS_A_DEV_NUM_TX_QUEUES] = { "num-tx-queues", KIND_NUM },
	[ANKUS_A_DEV_FLOWS] = { "flows", KIND_NUM },
	[ANKUS_A_DEV_ELEPHANTS] = { "elephants", KIND_NUM },
	[ANKUS_A_DEV_RX_BACKEND] = { "rx-backend", KIND_ENUM, &backend_names },
	[ANKUS_A_DEV_RX_SLOTS] = { "rx-slots", KIND_NUM },
	[ANKUS_A_DEV_RX_RULES] = { "rx-rules", KIND_NUM },
	[ANKUS_A_DEV_RX_REASON] = { "rx-reason", KIND_STRING },
	[ANKUS_A_DEV_EVENT] = { "event", KIND_ENUM, &event_names },
	[ANKUS_A_DEV_SKETCH_BYTES] = { "sketch-bytes", KIND_SIZE },
	[ANKUS_A_DEV_LOW_ENTROPY_PERMILLE] = { "low-entropy-permille",
					       KIND_MILLI },
	[ANKUS_A_DEV_DIR] = { "dir", KIND_ENUM, &dir_names },
	[ANKUS_A_DEV_EFFECTIVE_MILLIFLOWS] = { "effective-milliflows",
					       KIND_MILLI },
	[ANKUS_A_DEV_BINS] = { "bins", KIND_NUM },
	[ANKUS_A_DEV_RX_DEDICATED] = { "rx-dedicated", KIND_ENUM, &switch_names },
	[ANKUS_A_DEV_NTUPLE] = { "ntuple", KIND_ENUM, &switch_names },
	[ANKUS_A_DEV_RX_BACKENDS] = { "rx-backends", KIND_NESTS,
				      .nested = &rx_backend_schema },
	[ANKUS_A_DEV_RX_CPUS] = { "rx-cpus", KIND_QUEUES,
				  .nested = &queue_range_schema },
	[ANKUS_A_DEV_CPU_REASON] = { "cpu-reason", KIND_STRING },
};

const struct schema dev_schema = { dev_attrs, ARRAY_SIZE(dev_attrs) };

static const struct attr tcp_attrs[] = {
	[ANKUS_A_TCP_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_TCP_FLOWS] = { "flows", KIND_NUM },
	[ANKUS_A_TCP_SRTT_US] = { "srtt-us", KIND_USEC },
	[ANKUS_A_TCP_MIN_RTT_US] = { "min-rtt-us", KIND_USEC },
	[ANKUS_A_TCP_CWND] = { "cwnd", KIND_NUM },
	[ANKUS_A_TCP_BYTES_SENT] = { "bytes-sent", KIND_SIZE },
	[ANKUS_A_TCP_BYTES_RETRANS] = { "bytes-retrans", KIND_SIZE },
	[ANKUS_A_TCP_RETRANSMITS] = { "retransmits", KIND_NUM },
	[ANKUS_A_TCP_LOST] = { "lost", KIND_NUM },
	[ANKUS_A_TCP_REORDERING] = { "reordering", KIND_NUM },
	[ANKUS_A_TCP_REORD_SEEN] = { "reord-seen", KIND_NUM },
	[ANKUS_A_TCP_DELIVERY_BPS] = { "delivery-bps", KIND_LOAD },
	[ANKUS_A_TCP_RCV_RTT_US] = { "rcv-rtt-us", KIND_USEC },
	[ANKUS_A_TCP_RCV_OUT_OF_ORDER] = { "rcv-out-of-order", KIND_NUM },
	[ANKUS_A_TCP_CONGESTION_CONTROL] = { "congestion-control", KIND_STRING },
};

const struct schema tcp_schema = { tcp_attrs, ARRAY_SIZE(tcp_attrs) };

static const struct attr rule_attrs[] = {
	[ANKUS_A_RULE_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_RULE_PREF] = { "pref", KIND_NUM },
	[ANKUS_A_RULE_IFNAME] = { "ifname", KIND_STRING },
	[ANKUS_A_RULE_DIR] = { "dir", KIND_ENUM, &dir_names },
	[ANKUS_A_RULE_FAMILY] = { "family", KIND_FAMILY },
	[ANKUS_A_RULE_PROTO] = { "proto", KIND_PROTO },
	[ANKUS_A_RULE_SRC] = { "src", KIND_ADDRESS },
	[ANKUS_A_RULE_SRC_LEN] = { "src-len", KIND_NUM },
	[ANKUS_A_RULE_DST] = { "dst", KIND_ADDRESS },
	[ANKUS_A_RULE_DST_LEN] = { "dst-len", KIND_NUM },
	[ANKUS_A_RULE_SPORT_FIRST] = { "sport-first", KIND_NUM },
	[ANKUS_A_RULE_SPORT_LAST] = { "sport-last", KIND_NUM },
	[ANKUS_A_RULE_DPORT_FIRST] = { "dport-first", KIND_NUM },
	[ANKUS_A_RULE_DPORT_LAST] = { "dport-last", KIND_NUM },
	[ANKUS_A_RULE_DSCP] = { "dscp", KIND_DSCP },
	[ANKUS_A_RULE_MARK] = { "mark", KIND_HEX },
	[ANKUS_A_RULE_MARK_MASK] = { "mark-mask", KIND_HEX },
	[ANKUS_A_RULE_RATE_BPS] = { "rate-bps", KIND_RATE },
	[ANKUS_A_RULE_BYTES] = { "bytes", KIND_SIZE },
	[ANKUS_A_RULE_VERDICT] = { "verdict", KIND_ENUM, &verdict_names },
	[ANKUS_A_RULE_RX_QUEUES] = { "rx-queues", KIND_QUEUES,
				     .nested = &queue_range_schema },
	[ANKUS_A_RULE_TX_QUEUES] = { "tx-queues", KIND_QUEUES,
				     .nested = &queue_range_schema },
	[ANKUS_A_RULE_LINK] = { "link", KIND_STRINGS },
	[ANKUS_A_RULE_REPLACE] = { "replace", KIND_NONE },
	[ANKUS_A_RULE_FLOWS] = { "flows", KIND_NUM },
	[ANKUS_A_RULE_EVENT] = { "event", KIND_ENUM, &event_names },
	[ANKUS_A_RULE_RX_CPUS] = { "rx-cpus", KIND_QUEUES,
				   .nested = &queue_range_schema },
	[ANKUS_A_RULE_TCP] = { "tcp", KIND_NEST, .nested = &tcp_schema },
	[ANKUS_A_RULE_WITH_TCP] = { "with-tcp", KIND_NONE },
	[ANKUS_A_RULE_PACE_BPS] = { "pace-bps", KIND_RATE },
	[ANKUS_A_RULE_PRIORITY] = { "priority", KIND_NUM },
	[ANKUS_A_RULE_SET_DSCP] = { "set-dscp", KIND_DSCP },
	[ANKUS_A_RULE_SET_MARK] = { "set-mark", KIND_HEX },
	[ANKUS_A_RULE_SET_MARK_MASK] = { "set-mark-mask", KIND_HEX },
	[ANKUS_A_RULE_REPATH] = { "repath", KIND_FLAG },
};

const struct schema rule_schema = { rule_attrs, ARRAY_SIZE(rule_attrs) };

static const struct attr link_attrs[] = {
	[ANKUS_A_LINK_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_LINK_NAME] = { "name", KIND_STRING },
	[ANKUS_A_LINK_IFINDEX] = { "ifindex", KIND_NUM },
	[ANKUS_A_LINK_IFNAME] = { "ifname", KIND_STRING },
	[ANKUS_A_LINK_UPPER_IFINDEX] = { "upper-ifindex", KIND_NUM },
	[ANKUS_A_LINK_UPPER_IFNAME] = { "upper-ifname", KIND_STRING },
	[ANKUS_A_LINK_CAPACITY_BPS] = { "capacity-bps", KIND_RATE },
	[ANKUS_A_LINK_AUTO] = { "auto", KIND_FLAG },
	[ANKUS_A_LINK_STATE] = { "state", KIND_ENUM, &link_state_names },
	[ANKUS_A_LINK_REASON] = { "reason", KIND_STRING },
	[ANKUS_A_LINK_SPEED_BPS] = { "speed-bps", KIND_RATE },
	[ANKUS_A_LINK_FLOWS] = { "flows", KIND_NUM },
	[ANKUS_A_LINK_PINNED_BPS] = { "pinned-bps", KIND_LOAD },
	[ANKUS_A_LINK_TX_BPS] = { "tx-bps", KIND_LOAD },
	[ANKUS_A_LINK_EVENT] = { "event", KIND_ENUM, &event_names },
	[ANKUS_A_LINK_IMBALANCE_PERMILLE] = { "imbalance-permille", KIND_MILLI },
	[ANKUS_A_LINK_EXPECTED_PERMILLE] = { "expected-permille", KIND_MILLI },
	[ANKUS_A_LINK_OTHER_BPS] = { "other-bps", KIND_LOAD },
	[ANKUS_A_LINK_TCP] = { "tcp", KIND_NEST, .nested = &tcp_schema },
	[ANKUS_A_LINK_WITH_TCP] = { "with-tcp", KIND_NONE },
	[ANKUS_A_LINK_MARK] = { "mark", KIND_HEX },
	[ANKUS_A_LINK_MARK_MASK] = { "mark-mask", KIND_HEX },
};

const struct schema link_schema = { link_attrs, ARRAY_SIZE(link_attrs) };

static const struct attr pin_failure_attrs[] = {
	[ANKUS_A_PIN_FAILURE_BACKEND] = { "backend", KIND_ENUM, &backend_names },
	[ANKUS_A_PIN_FAILURE_ERROR] = { "error", KIND_NUM },
	[ANKUS_A_PIN_FAILURE_REASON] = { "reason", KIND_STRING },
};

const struct schema pin_failure_schema = {
	pin_failure_attrs, ARRAY_SIZE(pin_failure_attrs)
};

static const struct attr pin_attrs[] = {
	[ANKUS_A_PIN_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_PIN_STATE] = { "state", KIND_ENUM, &pin_state_names },
	[ANKUS_A_PIN_TARGET] = { "target", KIND_NUM },
	[ANKUS_A_PIN_CURRENT] = { "current", KIND_NUM },
	[ANKUS_A_PIN_LINK] = { "link", KIND_STRING },
	[ANKUS_A_PIN_OBSERVED] = { "observed", KIND_NUM },
	[ANKUS_A_PIN_BACKEND] = { "backend", KIND_ENUM, &backend_names },
	[ANKUS_A_PIN_LOCATION] = { "location", KIND_NUM },
	[ANKUS_A_PIN_ERROR] = { "error", KIND_NUM },
	[ANKUS_A_PIN_REASON] = { "reason", KIND_STRING },
	[ANKUS_A_PIN_MOVES] = { "moves", KIND_NUM },
	[ANKUS_A_PIN_LATENCY_US] = { "latency-us", KIND_USEC },
	[ANKUS_A_PIN_FAILED] = { "failed", KIND_NESTS,
				 .nested = &pin_failure_schema },
	[ANKUS_A_PIN_SHARED_WITH] = { "shared-with", KIND_NUM },
	[ANKUS_A_PIN_MOVE_REASON] = { "move-reason", KIND_ENUM,
				      &move_reason_names },
	[ANKUS_A_PIN_FROM] = { "from", KIND_NUM },
	[ANKUS_A_PIN_FROM_LINK] = { "from-link", KIND_STRING },
	[ANKUS_A_PIN_WAITED_US] = { "waited-us", KIND_USEC },
	[ANKUS_A_PIN_SAFE_POINT] = { "safe-point", KIND_ENUM,
				     &safe_point_names },
	[ANKUS_A_PIN_AFTER] = { "after", KIND_NEST, .nested = &tcp_schema },
	[ANKUS_A_PIN_AFTER_MS] = { "after-ms", KIND_MSEC },
};

static const struct schema pin_schema = {
	pin_attrs, ARRAY_SIZE(pin_attrs)
};

static const struct attr action_attrs[] = {
	[ANKUS_A_ACTION_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_ACTION_ACTION] = { "action", KIND_ENUM, &action_names },
	[ANKUS_A_ACTION_STATE] = { "state", KIND_ENUM, &action_state_names },
	[ANKUS_A_ACTION_REASON] = { "reason", KIND_STRING },
	[ANKUS_A_ACTION_PACE_BPS] = { "pace-bps", KIND_RATE },
	[ANKUS_A_ACTION_PRIORITY] = { "priority", KIND_NUM },
	[ANKUS_A_ACTION_DSCP] = { "dscp", KIND_DSCP },
	[ANKUS_A_ACTION_MARK] = { "mark", KIND_HEX },
	[ANKUS_A_ACTION_MARK_MASK] = { "mark-mask", KIND_HEX },
	[ANKUS_A_ACTION_COUNT] = { "count", KIND_NUM },
};

const struct schema action_schema = {
	action_attrs, ARRAY_SIZE(action_attrs)
};

static const struct attr flow_attrs[] = {
	[ANKUS_A_FLOW_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_FLOW_ID] = { "id", KIND_NUM },
	[ANKUS_A_FLOW_IFINDEX] = { "ifindex", KIND_NUM },
	[ANKUS_A_FLOW_IFNAME] = { "ifname", KIND_STRING },
	[ANKUS_A_FLOW_DIR] = { "dir", KIND_ENUM, &dir_names },
	[ANKUS_A_FLOW_FAMILY] = { "family", KIND_FAMILY },
	[ANKUS_A_FLOW_PROTO] = { "proto", KIND_PROTO },
	[ANKUS_A_FLOW_SRC] = { "src", KIND_ADDRESS },
	[ANKUS_A_FLOW_DST] = { "dst", KIND_ADDRESS },
	[ANKUS_A_FLOW_SPORT] = { "sport", KIND_NUM },
	[ANKUS_A_FLOW_DPORT] = { "dport", KIND_NUM },
	[ANKUS_A_FLOW_DSCP] = { "dscp", KIND_DSCP },
	[ANKUS_A_FLOW_MARK] = { "mark", KIND_HEX },
	[ANKUS_A_FLOW_STATE] = { "state", KIND_ENUM, &flow_state_names },
	[ANKUS_A_FLOW_BYTES] = { "bytes", KIND_NUM },
	[ANKUS_A_FLOW_PACKETS] = { "packets", KIND_NUM },
	[ANKUS_A_FLOW_RATE_BPS] = { "rate-bps", KIND_LOAD },
	[ANKUS_A_FLOW_AGE_MS] = { "age-ms", KIND_AGE },
	[ANKUS_A_FLOW_IDLE_MS] = { "idle-ms", KIND_AGE },
	[ANKUS_A_FLOW_RULE_PREF] = { "rule-pref", KIND_NUM },
	[ANKUS_A_FLOW_IGNORED] = { "ignored", KIND_FLAG },
	[ANKUS_A_FLOW_PIN_MODE] = { "pin-mode", KIND_ENUM, &pin_mode_names },
	[ANKUS_A_FLOW_RX_QUEUE] = { "rx-queue", KIND_NEST,
				    .nested = &pin_schema },
	[ANKUS_A_FLOW_TX_QUEUE] = { "tx-queue", KIND_NEST,
				    .nested = &pin_schema },
	[ANKUS_A_FLOW_LINK] = { "link", KIND_NEST, .nested = &pin_schema },
	[ANKUS_A_FLOW_PIN_QUEUE] = { "pin-queue", KIND_NUM },
	[ANKUS_A_FLOW_PIN_LINK] = { "pin-link", KIND_STRING },
	[ANKUS_A_FLOW_PIN_KIND] = { "pin-kind", KIND_ATTR },
	[ANKUS_A_FLOW_EVENT] = { "event", KIND_ENUM, &event_names },
	[ANKUS_A_FLOW_LIMIT] = { "limit", KIND_NONE },
	[ANKUS_A_FLOW_PAIR] = { "pair", KIND_NUM },
	[ANKUS_A_FLOW_GROUPED] = { "grouped", KIND_FLAG },
	[ANKUS_A_FLOW_CPU] = { "cpu", KIND_NEST, .nested = &pin_schema },
	[ANKUS_A_FLOW_PIN_CPU] = { "pin-cpu", KIND_NUM },
	[ANKUS_A_FLOW_TCP] = { "tcp", KIND_NEST, .nested = &tcp_schema },
	[ANKUS_A_FLOW_WITH_TCP] = { "with-tcp", KIND_NONE },
	[ANKUS_A_FLOW_ACTIONS] = { "actions", KIND_NESTS,
				   .nested = &action_schema },
};

const struct schema flow_schema = { flow_attrs, ARRAY_SIZE(flow_attrs) };

static const struct attr pair_attrs[] = {
	[ANKUS_A_PAIR_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_PAIR_ID] = { "id", KIND_NUM },
	[ANKUS_A_PAIR_IFINDEX] = { "ifindex", KIND_NUM },
	[ANKUS_A_PAIR_IFNAME] = { "ifname", KIND_STRING },
	[ANKUS_A_PAIR_DIR] = { "dir", KIND_ENUM, &dir_names },
	[ANKUS_A_PAIR_FAMILY] = { "family", KIND_FAMILY },
	[ANKUS_A_PAIR_SRC] = { "src", KIND_ADDRESS },
	[ANKUS_A_PAIR_DST] = { "dst", KIND_ADDRESS },
	[ANKUS_A_PAIR_STATE] = { "state", KIND_ENUM, &pair_state_names },
	[ANKUS_A_PAIR_GROUPED] = { "grouped", KIND_FLAG },
	[ANKUS_A_PAIR_BYTES] = { "bytes", KIND_NUM },
	[ANKUS_A_PAIR_RATE_BPS] = { "rate-bps", KIND_LOAD },
	[ANKUS_A_PAIR_SMALL_BPS] = { "small-bps", KIND_LOAD },
	[ANKUS_A_PAIR_SMALL_PERMILLE] = { "small-permille", KIND_MILLI },
	[ANKUS_A_PAIR_FLOWS] = { "flows", KIND_NUM },
	[ANKUS_A_PAIR_ELEPHANTS] = { "elephants", KIND_NUM },
	[ANKUS_A_PAIR_AGE_MS] = { "age-ms", KIND_AGE },
	[ANKUS_A_PAIR_IDLE_MS] = { "idle-ms", KIND_AGE },
	[ANKUS_A_PAIR_EVENT] = { "event", KIND_ENUM, &event_names },
	[ANKUS_A_PAIR_LIMIT] = { "limit", KIND_NONE },
};

const struct schema pair_schema = { pair_attrs, ARRAY_SIZE(pair_attrs) };

static const struct attr stats_attrs[] = {
	[ANKUS_A_STATS_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_STATS_IFINDEX] = { "ifindex", KIND_NUM },
	[ANKUS_A_STATS_IFNAME] = { "ifname", KIND_STRING },
	[ANKUS_A_STATS_RX_PACKETS] = { "rx-packets", KIND_NUM },
	[ANKUS_A_STATS_RX_BYTES] = { "rx-bytes", KIND_NUM },
	[ANKUS_A_STATS_TX_PACKETS] = { "tx-packets", KIND_NUM },
	[ANKUS_A_STATS_TX_BYTES] = { "tx-bytes", KIND_NUM },
	[ANKUS_A_STATS_UNTRACKED_PACKETS] = { "untracked-packets", KIND_NUM },
	[ANKUS_A_STATS_FLOWS] = { "flows", KIND_NUM },
	[ANKUS_A_STATS_FLOWS_ADDED] = { "flows-added", KIND_NUM },
	[ANKUS_A_STATS_FLOWS_EXPIRED] = { "flows-expired", KIND_NUM },
	[ANKUS_A_STATS_TABLE_FULL] = { "table-full", KIND_NUM },
	[ANKUS_A_STATS_NO_MEMORY] = { "no-memory", KIND_NUM },
	[ANKUS_A_STATS_CANDIDATES] = { "candidates", KIND_NUM },
	[ANKUS_A_STATS_ELEPHANTS] = { "elephants", KIND_NUM },
	[ANKUS_A_STATS_ELEPHANTS_SEEN] = { "elephants-seen", KIND_NUM },
	[ANKUS_A_STATS_PINS_TX_QUEUE] = { "pins-tx-queue", KIND_NUM },
	[ANKUS_A_STATS_PINS_LINK] = { "pins-link", KIND_NUM },
	[ANKUS_A_STATS_PINS_RX_QUEUE] = { "pins-rx-queue", KIND_NUM },
	[ANKUS_A_STATS_VERIFIED] = { "verified", KIND_NUM },
	[ANKUS_A_STATS_INEFFECTIVE] = { "ineffective", KIND_NUM },
	[ANKUS_A_STATS_REFUSED] = { "refused", KIND_NUM },
	[ANKUS_A_STATS_PARKED] = { "parked", KIND_NUM },
	[ANKUS_A_STATS_MOVES] = { "moves", KIND_NUM },
	[ANKUS_A_STATS_MOVES_WAITING] = { "moves-waiting", KIND_NUM },
	[ANKUS_A_STATS_FAILOVERS] = { "failovers", KIND_NUM },
	[ANKUS_A_STATS_LINK_PACKETS] = { "link-packets", KIND_NUM },
	[ANKUS_A_STATS_LINK_BYPASSED] = { "link-bypassed", KIND_NUM },
	[ANKUS_A_STATS_RULES_INSTALLED] = { "rules-installed", KIND_NUM },
	[ANKUS_A_STATS_RULES_REMOVED] = { "rules-removed", KIND_NUM },
	[ANKUS_A_STATS_RULES_LOST] = { "rules-lost", KIND_NUM },
	[ANKUS_A_STATS_TICKS] = { "ticks", KIND_NUM },
	[ANKUS_A_STATS_KICKS] = { "kicks", KIND_NUM },
	[ANKUS_A_STATS_TICK_MAX_NS] = { "tick-max-ns", KIND_NUM },
	[ANKUS_A_STATS_RTNL_MAX_NS] = { "rtnl-max-ns", KIND_NUM },
	[ANKUS_A_STATS_FLOWS_EVICTED] = { "flows-evicted", KIND_NUM },
	[ANKUS_A_STATS_SKETCH_PACKETS] = { "sketch-packets", KIND_NUM },
	[ANKUS_A_STATS_SKETCH_REPLACED] = { "sketch-replaced", KIND_NUM },
	[ANKUS_A_STATS_SKETCH_BYTES] = { "sketch-bytes", KIND_NUM },
	[ANKUS_A_STATS_SKETCH_COUNTERS] = { "sketch-counters", KIND_NUM },
	[ANKUS_A_STATS_ADMIT_BYTES] = { "admit-bytes", KIND_NUM },
	[ANKUS_A_STATS_DUMP_MAX_NS] = { "dump-max-ns", KIND_NUM },
	[ANKUS_A_STATS_MEMORY_TABLE] = { "memory-table", KIND_NUM },
	[ANKUS_A_STATS_MEMORY_FLOWS] = { "memory-flows", KIND_NUM },
	[ANKUS_A_STATS_MEMORY_CONTROL] = { "memory-control", KIND_NUM },
	[ANKUS_A_STATS_IN_BPS] = { "in-bps", KIND_NUM },
	[ANKUS_A_STATS_IN_ENTROPY_MILLIBITS] = {
		"in-entropy-millibits", KIND_NUM
	},
	[ANKUS_A_STATS_IN_EVENNESS_PERMILLE] = {
		"in-evenness-permille", KIND_NUM
	},
	[ANKUS_A_STATS_IN_EFFECTIVE_MILLIFLOWS] = {
		"in-effective-milliflows", KIND_NUM
	},
	[ANKUS_A_STATS_IN_LOW_ENTROPY] = { "in-low-entropy", KIND_NUM },
	[ANKUS_A_STATS_OUT_BPS] = { "out-bps", KIND_NUM },
	[ANKUS_A_STATS_OUT_ENTROPY_MILLIBITS] = {
		"out-entropy-millibits", KIND_NUM
	},
	[ANKUS_A_STATS_OUT_EVENNESS_PERMILLE] = {
		"out-evenness-permille", KIND_NUM
	},
	[ANKUS_A_STATS_OUT_EFFECTIVE_MILLIFLOWS] = {
		"out-effective-milliflows", KIND_NUM
	},
	[ANKUS_A_STATS_OUT_LOW_ENTROPY] = { "out-low-entropy", KIND_NUM },
	[ANKUS_A_STATS_RX_QUEUES_IMBALANCE_PERMILLE] = {
		"rx-queues-imbalance-permille", KIND_NUM
	},
	[ANKUS_A_STATS_RX_QUEUES_EXPECTED_PERMILLE] = {
		"rx-queues-expected-permille", KIND_NUM
	},
	[ANKUS_A_STATS_TX_QUEUES_IMBALANCE_PERMILLE] = {
		"tx-queues-imbalance-permille", KIND_NUM
	},
	[ANKUS_A_STATS_TX_QUEUES_EXPECTED_PERMILLE] = {
		"tx-queues-expected-permille", KIND_NUM
	},
	[ANKUS_A_STATS_LINKS_IMBALANCE_PERMILLE] = {
		"links-imbalance-permille", KIND_NUM
	},
	[ANKUS_A_STATS_LINKS_EXPECTED_PERMILLE] = {
		"links-expected-permille", KIND_NUM
	},
	[ANKUS_A_STATS_PAIRS] = { "pairs", KIND_NUM },
	[ANKUS_A_STATS_PAIRS_GROUPED] = { "pairs-grouped", KIND_NUM },
	[ANKUS_A_STATS_PAIRS_FULL] = { "pairs-full", KIND_NUM },
	[ANKUS_A_STATS_PAIR_SAMPLES] = { "pair-samples", KIND_NUM },
	[ANKUS_A_STATS_MEMORY_PAIRS] = { "memory-pairs", KIND_NUM },
	[ANKUS_A_STATS_IN_EFFECTIVE_MILLIPAIRS] = {
		"in-effective-millipairs", KIND_NUM
	},
	[ANKUS_A_STATS_OUT_EFFECTIVE_MILLIPAIRS] = {
		"out-effective-millipairs", KIND_NUM
	},
	[ANKUS_A_STATS_PINS_CPU] = { "pins-cpu", KIND_NUM },
	[ANKUS_A_STATS_CPU_PACKETS] = { "cpu-packets", KIND_NUM },
	[ANKUS_A_STATS_CPU_OVERFLOW] = { "cpu-overflow", KIND_NUM },
	[ANKUS_A_STATS_CPU_BYPASSED] = { "cpu-bypassed", KIND_NUM },
	[ANKUS_A_STATS_MOVES_PLACED] = { "moves-placed", KIND_NUM },
	[ANKUS_A_STATS_MOVES_REBALANCE] = { "moves-rebalance", KIND_NUM },
	[ANKUS_A_STATS_MOVES_DEAD] = { "moves-dead", KIND_NUM },
	[ANKUS_A_STATS_MOVES_CLOSED] = { "moves-closed", KIND_NUM },
	[ANKUS_A_STATS_MOVES_MANUAL] = { "moves-manual", KIND_NUM },
	[ANKUS_A_STATS_MOVES_RESTORED] = { "moves-restored", KIND_NUM },
	[ANKUS_A_STATS_WATCHED] = { "watched", KIND_NUM },
	[ANKUS_A_STATS_WATCHED_RETRANSMITS] = {
		"watched-retransmits", KIND_NUM
	},
	[ANKUS_A_STATS_WATCHED_REORD_SEEN] = { "watched-reord-seen", KIND_NUM },
	[ANKUS_A_STATS_WATCHED_OUT_OF_ORDER] = {
		"watched-out-of-order", KIND_NUM
	},
	[ANKUS_A_STATS_ACTIONS] = { "actions", KIND_NUM },
	[ANKUS_A_STATS_ACTIONS_DONE] = { "actions-done", KIND_NUM },
	[ANKUS_A_STATS_ACTIONS_FAILED] = { "actions-failed", KIND_NUM },
	[ANKUS_A_STATS_ACTIONS_OVERRIDDEN] = { "actions-overridden", KIND_NUM },
	[ANKUS_A_STATS_ACTION_PACKETS] = { "action-packets", KIND_NUM },
	[ANKUS_A_STATS_ACTION_PACKETS_FAILED] = {
		"action-packets-failed", KIND_NUM
	},
	[ANKUS_A_STATS_REPATHS] = { "repaths", KIND_NUM },
};

const struct schema stats_schema = { stats_attrs, ARRAY_SIZE(stats_attrs) };

static const struct attr cpu_attrs[] = {
	[ANKUS_A_CPU_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_CPU_IFINDEX] = { "ifindex", KIND_NUM },
	[ANKUS_A_CPU_IFNAME] = { "ifname", KIND_STRING },
	[ANKUS_A_CPU_CPU] = { "cpu", KIND_NUM },
	[ANKUS_A_CPU_RX_PACKETS] = { "rx-packets", KIND_NUM },
	[ANKUS_A_CPU_RX_BYTES] = { "rx-bytes", KIND_SIZE },
	[ANKUS_A_CPU_TX_PACKETS] = { "tx-packets", KIND_NUM },
	[ANKUS_A_CPU_TX_BYTES] = { "tx-bytes", KIND_SIZE },
	[ANKUS_A_CPU_FLOWS_ADMITTED] = { "flows-admitted", KIND_NUM },
	[ANKUS_A_CPU_SKETCH_PACKETS] = { "sketch-packets", KIND_NUM },
	[ANKUS_A_CPU_SKETCH_REPLACED] = { "sketch-replaced", KIND_NUM },
	[ANKUS_A_CPU_SKETCH_COUNTERS] = { "sketch-counters", KIND_NUM },
	[ANKUS_A_CPU_SKETCH_USED] = { "sketch-used", KIND_NUM },
	[ANKUS_A_CPU_STEERED_PACKETS] = { "steered-packets", KIND_NUM },
	[ANKUS_A_CPU_STEERED_BYTES] = { "steered-bytes", KIND_SIZE },
	[ANKUS_A_CPU_OVERFLOW_PACKETS] = { "overflow-packets", KIND_NUM },
};

const struct schema cpu_schema = { cpu_attrs, ARRAY_SIZE(cpu_attrs) };

static const struct attr queue_attrs[] = {
	[ANKUS_A_QUEUE_PAD] = { "pad", KIND_NONE },
	[ANKUS_A_QUEUE_IFINDEX] = { "ifindex", KIND_NUM },
	[ANKUS_A_QUEUE_IFNAME] = { "ifname", KIND_STRING },
	[ANKUS_A_QUEUE_DIR] = { "dir", KIND_ENUM, &dir_names },
	[ANKUS_A_QUEUE_QUEUE] = { "queue", KIND_NUM },
	[ANKUS_A_QUEUE_LOAD_BPS] = { "load-bps", KIND_LOAD },
	[ANKUS_A_QUEUE_SHARE_PERMILLE] = { "share-permille", KIND_MILLI },
	[ANKUS_A_QUEUE_FLOWS] = { "flows", KIND_NUM },
	[ANKUS_A_QUEUE_PINNED_BPS] = { "pinned-bps", KIND_LOAD },
	[ANKUS_A_QUEUE_OPEN] = { "open", KIND_FLAG },
	[ANKUS_A_QUEUE_IMBALANCE_PERMILLE] = { "imbalance-permille", KIND_MILLI },
	[ANKUS_A_QUEUE_EXPECTED_PERMILLE] = { "expected-permille", KIND_MILLI },
};

const struct schema queue_schema = { queue_attrs, ARRAY_SIZE(queue_attrs) };

const char *name_of(const struct names *names, u32 value)
{
	return value < names->count ? names->name[value] : NULL;
}

/* NULL for attributes that the tool does not know. */
const struct attr *attr_of(const struct schema *schema, u16 number)
{
	if (number >= schema->count || !schema->attrs[number].name)
		return NULL;
	return &schema->attrs[number];
}

struct numbered {
	const char *name;
	u8 number;
};

static const struct numbered protos[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP },
	{ "sctp", IPPROTO_SCTP },
	{}
};

/* RFC 2474, 2597, 3246, 5865 and 8622. */
static const struct numbered dscps[] = {
	{ "cs0", 0 }, { "le", 1 }, { "cs1", 8 }, { "af11", 10 },
	{ "af12", 12 }, { "af13", 14 }, { "cs2", 16 }, { "af21", 18 },
	{ "af22", 20 }, { "af23", 22 }, { "cs3", 24 }, { "af31", 26 },
	{ "af32", 28 }, { "af33", 30 }, { "cs4", 32 }, { "af41", 34 },
	{ "af42", 36 }, { "af43", 38 }, { "cs5", 40 }, { "voice-admit", 44 },
	{ "ef", 46 }, { "cs6", 48 }, { "cs7", 56 },
	{}
};

static const char *by_number(const struct numbered *n, u8 number)
{
	for (; n->name; n++)
		if (n->number == number)
			return n->name;
	return NULL;
}

static int by_name(const struct numbered *n, const char *name)
{
	for (; n->name; n++)
		if (!strcmp(n->name, name))
			return n->number;
	return -1;
}

const char *proto_name(u8 proto)
{
	return by_number(protos, proto);
}

int proto_number(const char *name)
{
	return by_name(protos, name);
}

const char *dscp_name(u8 dscp)
{
	return by_number(dscps, dscp);
}

int dscp_number(const char *name)
{
	return by_name(dscps, name);
}
