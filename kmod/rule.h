/* SPDX-License-Identifier: GPL-2.0 */
/* Rules: which flows are steered, from what rate on, and where to. */
#ifndef ANKUS_RULE_H
#define ANKUS_RULE_H

#include <linux/list.h>
#include <linux/types.h>

#include "ask.h"
#include "match.h"

struct ankus_flow;
struct ankus_net;
struct ankus_dev;

#define ANKUS_RULES_MAX 16384
#define ANKUS_RULE_LINKS_MAX 16

/**
 * struct ankus_rule - one rule, under ankus_net::lock
 * @list: in ankus_net::rules, in rising order of @pref
 * @pref: unique in the namespace
 * @ifname: managed device, empty for any
 * @match: conditions on the flow
 * @rate_bps: elephant threshold, 0 for the device's
 * @bytes: bytes a flow must have carried
 * @verdict: enum ankus_verdict
 * @rx: queues for received flows
 * @tx: queues for sent flows
 * @cpus: CPUs for received flows
 * @links: names of the links, empty strings behind the last
 * @n_links: how many; 0 for any link
 * @ask: what is done beside steering
 * @flows: flows matched so far
 * @born: ankus_net::rule_gen when it was added, unlike that of any other rule
 */
struct ankus_rule {
	struct list_head list;
	u32 pref;
	char ifname[ANKUS_NAME_MAX + 1];
	struct ankus_match match;
	u64 rate_bps;
	u64 bytes;
	u8 verdict;
	struct ankus_queues rx;
	struct ankus_queues tx;
	struct ankus_queues cpus;
	char links[ANKUS_RULE_LINKS_MAX][ANKUS_NAME_MAX + 1];
	unsigned int n_links;
	struct ankus_ask ask;
	u64 flows;
	u32 born;
};

struct ankus_rule *ankus_rule_find(struct ankus_net *an, u32 pref);
int ankus_rule_add(struct ankus_net *an, struct ankus_rule *rule, bool replace,
		   bool *replaced);
void ankus_rule_del(struct ankus_net *an, struct ankus_rule *rule);
unsigned int ankus_rule_flush(struct ankus_net *an, const char *ifname);
void ankus_rule_apply(struct ankus_dev *ad, struct ankus_flow *flow);
u64 ankus_rule_lowest_rate(struct ankus_dev *ad);
bool ankus_rule_has_link(const struct ankus_rule *rule, const char *name);

#endif /* ANKUS_RULE_H */
