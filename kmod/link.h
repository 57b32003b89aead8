/* SPDX-License-Identifier: GPL-2.0 */
/* Links: the ways out of a managed device, or of several by routes. */
#ifndef ANKUS_LINK_H
#define ANKUS_LINK_H

#include <linux/netdevice.h>
#include <linux/netfilter.h>

#include "damp.h"
#include "dev.h"

/**
 * struct ankus_link - a way that flows may be sent
 * @lower: the lower device, or the one that routes lead to, held; readers under
 *	RCU may use it for as long as they see the link
 * @usable: flows may be sent over it; read by the packet path
 * @ad: the upper device, which owns the link
 * @index: slot in ankus_dev::links
 * @name: unique in the namespace
 * @found: discovered, not added by hand
 * @mark: sockets with it are routed over @lower
 * @mark_mask: bits of a mark that it is of; 0 for a lower device
 * @hook: sees what is sent over @lower, where that is not the device of @ad
 * @unhook: unregisters @hook, NULL while it is not registered; under rtnl, as @hook
 * @damp: when it may be used again
 * @state: enum ankus_link_state
 * @reason: why it is not up, a string constant or NULL
 * @capacity_bps: configured, 0 for the speed of @lower
 * @speed_bps: capacity in force, 0 when unknown
 * @rate: what @lower sends
 * @carried: what pinned flows send over it, averaged over the same time
 * @other_bps: what else it carries that stays there
 * @read_bytes: its byte counter at the last reading
 * @read: @read_bytes is set
 * @fresh: @rate was brought up to date by the last reading
 * @pinned_bps: sum of the rates of the flows pinned to it
 * @flows: how many
 * @sum_bps: @pinned_bps while it is summed up, the control loop's
 * @sum_flows: @flows, likewise
 * @sum_bytes: what @carried is of, likewise
 * @tracker: of the reference to @lower
 * @rcu: frees it
 *
 * All but @lower, @usable and what is constant (@mark, @mark_mask) under ankus_net::lock.
 */
struct ankus_link {
	struct net_device *lower;
	bool usable;
	struct ankus_dev *ad;
	unsigned int index;
	char name[ANKUS_NAME_MAX + 1];
	bool found;
	u32 mark;
	u32 mark_mask;
	struct nf_hook_ops hook;
	void (*unhook)(struct ankus_link *link);
	struct ankus_damp damp;
	u8 state;
	const char *reason;
	u64 capacity_bps;
	u64 speed_bps;
	struct ankus_rate rate;
	struct ankus_rate carried;
	u64 other_bps;
	u64 read_bytes;
	bool read;
	bool fresh;
	u64 pinned_bps;
	u32 flows;
	u64 sum_bps;
	u32 sum_flows;
	u64 sum_bytes;
	netdevice_tracker tracker;
	struct rcu_head rcu;
};

/* Slots under ankus_net::lock; empty ones give NULL */
#define ankus_link_slot(ad, i)						\
	rcu_dereference_protected((ad)->links[i],			\
				  lockdep_is_held(&(ad)->an->lock))

/* Told of what the functions below find changed */
typedef void (*ankus_link_event_t)(struct ankus_link *link,
				   enum ankus_event event);

struct ankus_link *ankus_link_find(struct ankus_net *an, const char *name);
struct ankus_link *ankus_link_of_lower(struct ankus_dev *ad,
				       const struct net_device *lower);
u64 ankus_link_speed(struct net_device *lower);
struct ankus_link *ankus_link_add(struct ankus_dev *ad,
				  struct net_device *lower, const char *name,
				  bool found, u64 speed_bps, u32 mark,
				  u32 mark_mask);
bool ankus_link_elsewhere(const struct ankus_flow *flow);
void ankus_link_del(struct ankus_link *link);
bool ankus_link_refresh(struct ankus_link *link);
void ankus_link_rename(struct ankus_link *link, ankus_link_event_t event);
bool ankus_links_prune(struct ankus_dev *ad, ankus_link_event_t event);
void ankus_links_discover(struct ankus_dev *ad, ankus_link_event_t event);
void ankus_links_check(struct ankus_dev *ad, ankus_link_event_t event);
void ankus_links_measure(struct ankus_dev *ad, u64 dt_ns);
void ankus_links_other(struct ankus_dev *ad, u64 loose_bytes, u64 dt_ns);
bool ankus_links_supported(const struct net_device *upper, const char **reason);

#endif /* ANKUS_LINK_H */
