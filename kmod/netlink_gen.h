/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ankus.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: make regen */

#ifndef _LINUX_ANKUS_GEN_H
#define _LINUX_ANKUS_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/ankus.h>

/* Common nested types */
extern const struct nla_policy ankus_queue_range_nl_policy[ANKUS_A_QUEUE_RANGE_LAST + 1];

extern const struct nla_policy ankus_dev_get_nl_policy[ANKUS_A_DEV_IFNAME + 1];

extern const struct nla_policy ankus_dev_new_nl_policy[ANKUS_A_DEV_RX_CPUS + 1];

extern const struct nla_policy ankus_dev_set_nl_policy[ANKUS_A_DEV_RX_CPUS + 1];

extern const struct nla_policy ankus_dev_del_nl_policy[ANKUS_A_DEV_IFNAME + 1];

extern const struct nla_policy ankus_rule_get_nl_policy[ANKUS_A_RULE_WITH_TCP + 1];

extern const struct nla_policy ankus_rule_new_nl_policy[ANKUS_A_RULE_REPATH + 1];

extern const struct nla_policy ankus_rule_del_nl_policy[ANKUS_A_RULE_PREF + 1];

extern const struct nla_policy ankus_rule_flush_nl_policy[ANKUS_A_RULE_IFNAME + 1];

extern const struct nla_policy ankus_link_get_nl_policy[ANKUS_A_LINK_WITH_TCP + 1];

extern const struct nla_policy ankus_link_new_nl_policy[ANKUS_A_LINK_MARK_MASK + 1];

extern const struct nla_policy ankus_link_set_nl_policy[ANKUS_A_LINK_CAPACITY_BPS + 1];

extern const struct nla_policy ankus_link_del_nl_policy[ANKUS_A_LINK_NAME + 1];

extern const struct nla_policy ankus_flow_get_nl_policy[ANKUS_A_FLOW_WITH_TCP + 1];

extern const struct nla_policy ankus_flow_pin_nl_policy[ANKUS_A_FLOW_PIN_CPU + 1];

extern const struct nla_policy ankus_flow_unpin_nl_policy[ANKUS_A_FLOW_ID + 1];

extern const struct nla_policy ankus_stats_get_nl_policy[ANKUS_A_STATS_IFNAME + 1];

extern const struct nla_policy ankus_cpu_get_nl_policy[ANKUS_A_CPU_CPU + 1];

extern const struct nla_policy ankus_queue_get_nl_policy[ANKUS_A_QUEUE_QUEUE + 1];

extern const struct nla_policy ankus_pair_get_nl_policy[ANKUS_A_PAIR_LIMIT + 1];

/* Ops table for ankus */
extern const struct genl_ops ankus_nl_ops[19];

int ankus_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ankus_nl_dev_new_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_dev_set_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_dev_del_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_rule_get_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_rule_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ankus_nl_rule_new_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_rule_del_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_rule_flush_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_link_get_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_link_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ankus_nl_link_new_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_link_set_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_link_del_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_flow_get_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ankus_nl_flow_pin_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_flow_unpin_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_stats_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ankus_nl_cpu_get_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_cpu_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ankus_nl_queue_get_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_queue_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ankus_nl_pair_get_doit(struct sk_buff *skb, struct genl_info *info);
int ankus_nl_pair_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

enum {
	ANKUS_NLGRP_EVENTS,
};

#endif /* _LINUX_ANKUS_GEN_H */
