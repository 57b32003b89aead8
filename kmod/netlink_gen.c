// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ankus.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: make regen */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/ankus.h>

/* Integer value ranges */
static const struct netlink_range_validation ankus_a_dev_hold_ms_range = {
	.max	= 60000ULL,
};

static const struct netlink_range_validation ankus_a_dev_release_ms_range = {
	.max	= 3600000ULL,
};

static const struct netlink_range_validation ankus_a_dev_flow_max_range = {
	.max	= 1048576ULL,
};

static const struct netlink_range_validation ankus_a_dev_sketch_bytes_range = {
	.max	= 4194304ULL,
};

static const struct netlink_range_validation ankus_a_dev_low_entropy_permille_range = {
	.max	= 1000000ULL,
};

/* Common nested types */
const struct nla_policy ankus_queue_range_nl_policy[ANKUS_A_QUEUE_RANGE_LAST + 1] = {
	[ANKUS_A_QUEUE_RANGE_FIRST] = NLA_POLICY_MAX(NLA_U32, 1023),
	[ANKUS_A_QUEUE_RANGE_LAST] = NLA_POLICY_MAX(NLA_U32, 1023),
};

/* ANKUS_CMD_DEV_GET - do */
const struct nla_policy ankus_dev_get_nl_policy[ANKUS_A_DEV_IFNAME + 1] = {
	[ANKUS_A_DEV_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_DEV_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* ANKUS_CMD_DEV_NEW - do */
const struct nla_policy ankus_dev_new_nl_policy[ANKUS_A_DEV_RX_CPUS + 1] = {
	[ANKUS_A_DEV_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_DEV_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_DEV_MODE] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_DEV_RX_QUEUES] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
	[ANKUS_A_DEV_TX_QUEUES] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
	[ANKUS_A_DEV_RATE_BPS] = { .type = NLA_U64, },
	[ANKUS_A_DEV_HOLD_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ankus_a_dev_hold_ms_range),
	[ANKUS_A_DEV_RELEASE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ankus_a_dev_release_ms_range),
	[ANKUS_A_DEV_BACKEND] = NLA_POLICY_MAX(NLA_U32, 4),
	[ANKUS_A_DEV_LINKS] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_DEV_TICK_MS] = NLA_POLICY_MAX(NLA_U32, 10000),
	[ANKUS_A_DEV_FLOW_MAX] = NLA_POLICY_FULL_RANGE(NLA_U32, &ankus_a_dev_flow_max_range),
	[ANKUS_A_DEV_SKETCH_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U32, &ankus_a_dev_sketch_bytes_range),
	[ANKUS_A_DEV_LOW_ENTROPY_PERMILLE] = NLA_POLICY_FULL_RANGE(NLA_U32, &ankus_a_dev_low_entropy_permille_range),
	[ANKUS_A_DEV_RX_DEDICATED] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_DEV_NTUPLE] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_DEV_RX_CPUS] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
};

/* ANKUS_CMD_DEV_SET - do */
const struct nla_policy ankus_dev_set_nl_policy[ANKUS_A_DEV_RX_CPUS + 1] = {
	[ANKUS_A_DEV_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_DEV_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_DEV_MODE] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_DEV_RX_QUEUES] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
	[ANKUS_A_DEV_TX_QUEUES] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
	[ANKUS_A_DEV_RATE_BPS] = { .type = NLA_U64, },
	[ANKUS_A_DEV_HOLD_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ankus_a_dev_hold_ms_range),
	[ANKUS_A_DEV_RELEASE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ankus_a_dev_release_ms_range),
	[ANKUS_A_DEV_BACKEND] = NLA_POLICY_MAX(NLA_U32, 4),
	[ANKUS_A_DEV_LINKS] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_DEV_TICK_MS] = NLA_POLICY_MAX(NLA_U32, 10000),
	[ANKUS_A_DEV_LOW_ENTROPY_PERMILLE] = NLA_POLICY_FULL_RANGE(NLA_U32, &ankus_a_dev_low_entropy_permille_range),
	[ANKUS_A_DEV_RX_DEDICATED] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_DEV_NTUPLE] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_DEV_RX_CPUS] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
};

/* ANKUS_CMD_DEV_DEL - do */
const struct nla_policy ankus_dev_del_nl_policy[ANKUS_A_DEV_IFNAME + 1] = {
	[ANKUS_A_DEV_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_DEV_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* ANKUS_CMD_RULE_GET - do */
const struct nla_policy ankus_rule_get_nl_policy[ANKUS_A_RULE_WITH_TCP + 1] = {
	[ANKUS_A_RULE_PREF] = { .type = NLA_U32, },
	[ANKUS_A_RULE_WITH_TCP] = { .type = NLA_FLAG, },
};

/* ANKUS_CMD_RULE_NEW - do */
const struct nla_policy ankus_rule_new_nl_policy[ANKUS_A_RULE_REPATH + 1] = {
	[ANKUS_A_RULE_PREF] = { .type = NLA_U32, },
	[ANKUS_A_RULE_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_RULE_DIR] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_RULE_FAMILY] = { .type = NLA_U16, },
	[ANKUS_A_RULE_PROTO] = { .type = NLA_U8, },
	[ANKUS_A_RULE_SRC] = NLA_POLICY_MAX_LEN(16),
	[ANKUS_A_RULE_SRC_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[ANKUS_A_RULE_DST] = NLA_POLICY_MAX_LEN(16),
	[ANKUS_A_RULE_DST_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
	[ANKUS_A_RULE_SPORT_FIRST] = { .type = NLA_U16, },
	[ANKUS_A_RULE_SPORT_LAST] = { .type = NLA_U16, },
	[ANKUS_A_RULE_DPORT_FIRST] = { .type = NLA_U16, },
	[ANKUS_A_RULE_DPORT_LAST] = { .type = NLA_U16, },
	[ANKUS_A_RULE_DSCP] = NLA_POLICY_MAX(NLA_U8, 63),
	[ANKUS_A_RULE_MARK] = { .type = NLA_U32, },
	[ANKUS_A_RULE_MARK_MASK] = { .type = NLA_U32, },
	[ANKUS_A_RULE_RATE_BPS] = { .type = NLA_U64, },
	[ANKUS_A_RULE_BYTES] = { .type = NLA_U64, },
	[ANKUS_A_RULE_VERDICT] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_RULE_RX_QUEUES] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
	[ANKUS_A_RULE_TX_QUEUES] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
	[ANKUS_A_RULE_LINK] = { .type = NLA_STRING, .len = 15, },
	[ANKUS_A_RULE_REPLACE] = { .type = NLA_FLAG, },
	[ANKUS_A_RULE_RX_CPUS] = NLA_POLICY_NESTED(ankus_queue_range_nl_policy),
	[ANKUS_A_RULE_PACE_BPS] = { .type = NLA_U64, },
	[ANKUS_A_RULE_PRIORITY] = NLA_POLICY_MAX(NLA_U32, 15),
	[ANKUS_A_RULE_SET_DSCP] = NLA_POLICY_MAX(NLA_U8, 63),
	[ANKUS_A_RULE_SET_MARK] = { .type = NLA_U32, },
	[ANKUS_A_RULE_SET_MARK_MASK] = { .type = NLA_U32, },
	[ANKUS_A_RULE_REPATH] = { .type = NLA_FLAG, },
};

/* ANKUS_CMD_RULE_DEL - do */
const struct nla_policy ankus_rule_del_nl_policy[ANKUS_A_RULE_PREF + 1] = {
	[ANKUS_A_RULE_PREF] = { .type = NLA_U32, },
};

/* ANKUS_CMD_RULE_FLUSH - do */
const struct nla_policy ankus_rule_flush_nl_policy[ANKUS_A_RULE_IFNAME + 1] = {
	[ANKUS_A_RULE_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* ANKUS_CMD_LINK_GET - do */
const struct nla_policy ankus_link_get_nl_policy[ANKUS_A_LINK_WITH_TCP + 1] = {
	[ANKUS_A_LINK_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_LINK_WITH_TCP] = { .type = NLA_FLAG, },
};

/* ANKUS_CMD_LINK_NEW - do */
const struct nla_policy ankus_link_new_nl_policy[ANKUS_A_LINK_MARK_MASK + 1] = {
	[ANKUS_A_LINK_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_LINK_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_LINK_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_LINK_UPPER_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_LINK_UPPER_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_LINK_CAPACITY_BPS] = { .type = NLA_U64, },
	[ANKUS_A_LINK_MARK] = { .type = NLA_U32, },
	[ANKUS_A_LINK_MARK_MASK] = { .type = NLA_U32, },
};

/* ANKUS_CMD_LINK_SET - do */
const struct nla_policy ankus_link_set_nl_policy[ANKUS_A_LINK_CAPACITY_BPS + 1] = {
	[ANKUS_A_LINK_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_LINK_CAPACITY_BPS] = { .type = NLA_U64, },
};

/* ANKUS_CMD_LINK_DEL - do */
const struct nla_policy ankus_link_del_nl_policy[ANKUS_A_LINK_NAME + 1] = {
	[ANKUS_A_LINK_NAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* ANKUS_CMD_FLOW_GET - do */
const struct nla_policy ankus_flow_get_nl_policy[ANKUS_A_FLOW_WITH_TCP + 1] = {
	[ANKUS_A_FLOW_ID] = { .type = NLA_U64, },
	[ANKUS_A_FLOW_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_FLOW_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_FLOW_DIR] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_FLOW_STATE] = NLA_POLICY_MAX(NLA_U32, 2),
	[ANKUS_A_FLOW_RATE_BPS] = { .type = NLA_U64, },
	[ANKUS_A_FLOW_LIMIT] = NLA_POLICY_MIN(NLA_U32, 1),
	[ANKUS_A_FLOW_WITH_TCP] = { .type = NLA_FLAG, },
};

/* ANKUS_CMD_FLOW_PIN - do */
const struct nla_policy ankus_flow_pin_nl_policy[ANKUS_A_FLOW_PIN_CPU + 1] = {
	[ANKUS_A_FLOW_ID] = { .type = NLA_U64, },
	[ANKUS_A_FLOW_PIN_QUEUE] = NLA_POLICY_MAX(NLA_U32, 1023),
	[ANKUS_A_FLOW_PIN_LINK] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_FLOW_PIN_CPU] = NLA_POLICY_MAX(NLA_U32, 1023),
};

/* ANKUS_CMD_FLOW_UNPIN - do */
const struct nla_policy ankus_flow_unpin_nl_policy[ANKUS_A_FLOW_ID + 1] = {
	[ANKUS_A_FLOW_ID] = { .type = NLA_U64, },
};

/* ANKUS_CMD_STATS_GET - do */
const struct nla_policy ankus_stats_get_nl_policy[ANKUS_A_STATS_IFNAME + 1] = {
	[ANKUS_A_STATS_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_STATS_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* ANKUS_CMD_CPU_GET - do */
const struct nla_policy ankus_cpu_get_nl_policy[ANKUS_A_CPU_CPU + 1] = {
	[ANKUS_A_CPU_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_CPU_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_CPU_CPU] = { .type = NLA_U32, },
};

/* ANKUS_CMD_QUEUE_GET - do */
const struct nla_policy ankus_queue_get_nl_policy[ANKUS_A_QUEUE_QUEUE + 1] = {
	[ANKUS_A_QUEUE_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_QUEUE_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_QUEUE_DIR] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_QUEUE_QUEUE] = NLA_POLICY_MAX(NLA_U32, 1023),
};

/* ANKUS_CMD_PAIR_GET - do */
const struct nla_policy ankus_pair_get_nl_policy[ANKUS_A_PAIR_LIMIT + 1] = {
	[ANKUS_A_PAIR_ID] = { .type = NLA_U64, },
	[ANKUS_A_PAIR_IFINDEX] = { .type = NLA_U32, },
	[ANKUS_A_PAIR_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[ANKUS_A_PAIR_DIR] = NLA_POLICY_MAX(NLA_U32, 1),
	[ANKUS_A_PAIR_STATE] = NLA_POLICY_MAX(NLA_U32, 2),
	[ANKUS_A_PAIR_RATE_BPS] = { .type = NLA_U64, },
	[ANKUS_A_PAIR_LIMIT] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* Ops table for ankus */
const struct genl_ops ankus_nl_ops[19] = {
	{
		.cmd		= ANKUS_CMD_DEV_GET,
		.doit		= ankus_nl_dev_get_doit,
		.dumpit		= ankus_nl_dev_get_dumpit,
		.policy		= ankus_dev_get_nl_policy,
		.maxattr	= ANKUS_A_DEV_IFNAME,
	},
	{
		.cmd		= ANKUS_CMD_DEV_NEW,
		.doit		= ankus_nl_dev_new_doit,
		.policy		= ankus_dev_new_nl_policy,
		.maxattr	= ANKUS_A_DEV_RX_CPUS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_DEV_SET,
		.doit		= ankus_nl_dev_set_doit,
		.policy		= ankus_dev_set_nl_policy,
		.maxattr	= ANKUS_A_DEV_RX_CPUS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_DEV_DEL,
		.doit		= ankus_nl_dev_del_doit,
		.policy		= ankus_dev_del_nl_policy,
		.maxattr	= ANKUS_A_DEV_IFNAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_RULE_GET,
		.doit		= ankus_nl_rule_get_doit,
		.dumpit		= ankus_nl_rule_get_dumpit,
		.policy		= ankus_rule_get_nl_policy,
		.maxattr	= ANKUS_A_RULE_WITH_TCP,
	},
	{
		.cmd		= ANKUS_CMD_RULE_NEW,
		.doit		= ankus_nl_rule_new_doit,
		.policy		= ankus_rule_new_nl_policy,
		.maxattr	= ANKUS_A_RULE_REPATH,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_RULE_DEL,
		.doit		= ankus_nl_rule_del_doit,
		.policy		= ankus_rule_del_nl_policy,
		.maxattr	= ANKUS_A_RULE_PREF,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_RULE_FLUSH,
		.doit		= ankus_nl_rule_flush_doit,
		.policy		= ankus_rule_flush_nl_policy,
		.maxattr	= ANKUS_A_RULE_IFNAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_LINK_GET,
		.doit		= ankus_nl_link_get_doit,
		.dumpit		= ankus_nl_link_get_dumpit,
		.policy		= ankus_link_get_nl_policy,
		.maxattr	= ANKUS_A_LINK_WITH_TCP,
	},
	{
		.cmd		= ANKUS_CMD_LINK_NEW,
		.doit		= ankus_nl_link_new_doit,
		.policy		= ankus_link_new_nl_policy,
		.maxattr	= ANKUS_A_LINK_MARK_MASK,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_LINK_SET,
		.doit		= ankus_nl_link_set_doit,
		.policy		= ankus_link_set_nl_policy,
		.maxattr	= ANKUS_A_LINK_CAPACITY_BPS,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_LINK_DEL,
		.doit		= ankus_nl_link_del_doit,
		.policy		= ankus_link_del_nl_policy,
		.maxattr	= ANKUS_A_LINK_NAME,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_FLOW_GET,
		.doit		= ankus_nl_flow_get_doit,
		.dumpit		= ankus_nl_flow_get_dumpit,
		.policy		= ankus_flow_get_nl_policy,
		.maxattr	= ANKUS_A_FLOW_WITH_TCP,
	},
	{
		.cmd		= ANKUS_CMD_FLOW_PIN,
		.doit		= ankus_nl_flow_pin_doit,
		.policy		= ankus_flow_pin_nl_policy,
		.maxattr	= ANKUS_A_FLOW_PIN_CPU,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_FLOW_UNPIN,
		.doit		= ankus_nl_flow_unpin_doit,
		.policy		= ankus_flow_unpin_nl_policy,
		.maxattr	= ANKUS_A_FLOW_ID,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ANKUS_CMD_STATS_GET,
		.doit		= ankus_nl_stats_get_doit,
		.dumpit		= ankus_nl_stats_get_dumpit,
		.policy		= ankus_stats_get_nl_policy,
		.maxattr	= ANKUS_A_STATS_IFNAME,
	},
	{
		.cmd		= ANKUS_CMD_CPU_GET,
		.doit		= ankus_nl_cpu_get_doit,
		.dumpit		= ankus_nl_cpu_get_dumpit,
		.policy		= ankus_cpu_get_nl_policy,
		.maxattr	= ANKUS_A_CPU_CPU,
	},
	{
		.cmd		= ANKUS_CMD_QUEUE_GET,
		.doit		= ankus_nl_queue_get_doit,
		.dumpit		= ankus_nl_queue_get_dumpit,
		.policy		= ankus_queue_get_nl_policy,
		.maxattr	= ANKUS_A_QUEUE_QUEUE,
	},
	{
		.cmd		= ANKUS_CMD_PAIR_GET,
		.doit		= ankus_nl_pair_get_doit,
		.dumpit		= ankus_nl_pair_get_dumpit,
		.policy		= ankus_pair_get_nl_policy,
		.maxattr	= ANKUS_A_PAIR_LIMIT,
	},
};

static const struct genl_multicast_group ankus_nl_mcgrps[] = {
	[ANKUS_NLGRP_EVENTS] = { "events", },
};
