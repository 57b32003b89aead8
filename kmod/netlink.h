/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family, and what its handlers share. */
#ifndef ANKUS_NETLINK_H
#define ANKUS_NETLINK_H

#include <linux/netlink.h>
#include <net/genetlink.h>

#include "flow.h"

struct ankus_dev;
struct ankus_link;
struct ankus_net;
struct ankus_pair;
struct ankus_queues;
struct ankus_rule;

int ankus_netlink_init(void);
void ankus_netlink_exit(void);

/* Notifications: event.c */
bool ankus_nl_listening(struct net *net);
void ankus_nl_multicast(struct net *net, struct sk_buff *msg);
void *ankus_nl_put_header(struct sk_buff *msg, u32 portid, u32 seq, int flags,
			  u8 cmd);
void *ankus_nl_put_dump_header(struct sk_buff *msg, struct netlink_callback *cb,
			       u8 cmd);

/* One object into a message: 0 or -EMSGSIZE; under ankus_net::lock */
int ankus_nl_fill_dev(struct sk_buff *msg, struct ankus_dev *ad);
int ankus_nl_fill_link(struct sk_buff *msg, struct ankus_link *link);
int ankus_nl_fill_flow(struct sk_buff *msg, struct ankus_dev *ad,
		       struct ankus_flow *flow);
int ankus_nl_fill_pair(struct sk_buff *msg, const struct ankus_dev *ad,
		       const struct ankus_pair *pair);
int ankus_nl_put_flow_tcp(struct sk_buff *msg, const struct ankus_dev *ad,
			  const struct ankus_flow *flow);
struct ankus_nl_sums *ankus_nl_sums_new(unsigned int max);
int ankus_nl_put_link_tcp(struct sk_buff *msg, struct ankus_nl_sums *sums,
			  const struct ankus_link *link);
int ankus_nl_put_rule_tcp(struct sk_buff *msg, struct ankus_nl_sums *sums,
			  struct ankus_net *an, const struct ankus_rule *rule);
int ankus_nl_put_ask(struct sk_buff *msg, const struct ankus_ask *ask);
int ankus_nl_put_actions(struct sk_buff *msg, const struct ankus_flow *flow);
enum ankus_flow_state ankus_nl_pair_state(const struct ankus_pair *pair);

/* Parts of requests and replies */
struct net_device *ankus_nl_netdev(struct genl_info *info, int ifindex_attr,
				   int ifname_attr);
struct ankus_dev *ankus_nl_dev(struct genl_info *info, int ifindex_attr,
			       int ifname_attr);
int ankus_nl_dump_ifindex(struct netlink_callback *cb, struct sk_buff *skb,
			  int ifindex_attr, int ifname_attr);
int ankus_nl_no_filter(struct netlink_callback *cb, int attr);
int ankus_nl_get_queues(struct genl_info *info, int attr, unsigned int n_queues,
			struct ankus_queues *queues);
int ankus_nl_get_cpus(struct genl_info *info, int attr,
		      struct ankus_queues *cpus);
int ankus_nl_get_ask(struct genl_info *info, struct ankus_rule *rule);
int ankus_nl_put_queues(struct sk_buff *msg, int attr,
			const struct ankus_queues *queues);
typedef int (*ankus_nl_fill_dev_t)(struct sk_buff *msg, struct ankus_dev *ad);
int ankus_nl_get_dev(struct genl_info *info, u8 cmd, int ifindex_attr,
		     int ifname_attr, ankus_nl_fill_dev_t fill);
int ankus_nl_dump_devs(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd,
		       int ifindex, ankus_nl_fill_dev_t fill);
struct sk_buff *ankus_nl_reply_new(struct genl_info *info, u8 cmd, void **hdr);
int ankus_nl_reply(struct genl_info *info, struct sk_buff *msg, void *hdr,
		   int err);

#endif /* ANKUS_NETLINK_H */
