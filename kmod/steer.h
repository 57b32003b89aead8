/* SPDX-License-Identifier: GPL-2.0 */
/* Steering backends and the state of pins. */
#ifndef ANKUS_STEER_H
#define ANKUS_STEER_H

#include "dev.h"

/* What a look at the traffic says of a pin */
enum ankus_proof {
	ANKUS_PROOF_NONE,
	ANKUS_PROOF_FOR,
	ANKUS_PROOF_AGAINST,
};

/**
 * struct ankus_backend_ops - one way to steer
 * @name: for messages
 * @id: enum ankus_backend
 * @kind: enum ankus_pin_kind
 * @probe: can the device be steered so?  0, or -errno with the reason set.
 *	Under ankus_net::lock, for RX under rtnl instead
 * @bins: fill ankus_dev::bins of the kind: capacities and which are usable;
 *	loads are 0.  Returns how many there are.  Under ankus_net::lock
 * @allowed: is a bin open to a flow, by device and rule?  Takes the flow, as
 *	struct ankus_item asks for.  Under ankus_net::lock
 * @dead: a bin is no more, flows may leave it at once.  Packet path, RCU
 * @install: put a pin to a bin into force.  Returns 0, -ENOSPC when there is
 *	no room, or -errno, with the reason set; keeps ankus_pin::installed
 *	and location true.  Under rtnl, may sleep.  NULL when the packet path
 *	does it
 * @remove: take it back.  Returns 0 or -errno.  Likewise
 * @present: is what was installed still there?  Likewise
 * @verify: look whether the pin in force has its effect.  Under
 *	ankus_net::lock
 */
struct ankus_backend_ops {
	const char *name;
	u8 id;
	u8 kind;
	int (*probe)(struct ankus_dev *ad, const char **reason);
	unsigned int (*bins)(struct ankus_dev *ad);
	bool (*allowed)(const void *flow, unsigned int bin);
	bool (*dead)(const struct ankus_dev *ad, unsigned int bin);
	int (*install)(struct ankus_dev *ad, struct ankus_flow *flow,
		       struct ankus_pin *pin, unsigned int bin,
		       const char **reason);
	int (*remove)(struct ankus_dev *ad, struct ankus_flow *flow,
		      struct ankus_pin *pin);
	bool (*present)(struct ankus_dev *ad, struct ankus_flow *flow,
			struct ankus_pin *pin);
	enum ankus_proof (*verify)(struct ankus_dev *ad,
				   struct ankus_flow *flow,
				   struct ankus_pin *pin);
};

extern const struct ankus_backend_ops ankus_tx_queue_ops;
extern const struct ankus_backend_ops ankus_tx_link_ops;
extern const struct ankus_backend_ops ankus_rx_ntuple_ops;
extern const struct ankus_backend_ops ankus_rx_rss_ops;
extern const struct ankus_backend_ops ankus_rx_cpu_ops;

/* First pause after a failure */
#define ANKUS_BACKOFF_NS NSEC_PER_SEC
/* A pin is judged by what happened to this many bytes of its flow, or more */
#define ANKUS_PROOF_BYTES 16384

const struct ankus_backend_ops *ankus_steer_ops(struct ankus_dev *ad,
						unsigned int kind,
						const char **reason);
void ankus_steer_set(struct ankus_pin *pin, u8 state, int error,
		     const char *reason);
void ankus_steer_want(struct ankus_pin *pin, int bin,
		      enum ankus_move_reason why, u64 now_ns);
void ankus_steer_fail(struct ankus_pin *pin, u8 state, int error,
		      const char *reason, u64 now_ns);
void ankus_steer_settle(struct ankus_pin *pin);
int ankus_steer_look(struct ankus_dev *ad, struct ankus_flow *flow,
		     unsigned int kind, u64 now_ns);
enum ankus_proof ankus_steer_compare(struct ankus_pin *pin, u64 sent,
				     u64 bytes);
bool ankus_steer_idle(const struct ankus_flow *flow);

/* What a run of driver calls leaves: nothing, flows that do not pause, or more */
enum ankus_steer_left {
	ANKUS_STEER_DONE,
	ANKUS_STEER_WAITS,
	ANKUS_STEER_MORE,
};

/* rx_backend.c: which backend a flow is tried with */
unsigned int ankus_flow_type_bit(const struct ankus_key *key);
void ankus_steer_probe_rx(struct ankus_dev *ad);
unsigned int ankus_rx_order(const struct ankus_dev *ad,
			    const struct ankus_flow *flow, u64 now_ns,
			    u8 order[ANKUS_RX_BACKENDS]);
int ankus_rx_index(const struct ankus_dev *ad,
		   const struct ankus_backend_ops *ops);
bool ankus_rx_usable(const struct ankus_dev *ad,
		     const struct ankus_backend_ops *ops);
void ankus_rx_failed(struct ankus_dev *ad, struct ankus_flow *flow,
		     unsigned int n, const char *reason, int error, u64 now_ns);
void ankus_rx_works(struct ankus_dev *ad, struct ankus_flow *flow);
bool ankus_rx_next(struct ankus_dev *ad, struct ankus_flow *flow,
		   const char *reason, u64 now_ns);

/* steer_rx.c: the driver calls */
bool ankus_steer_rx_pending(struct ankus_dev *ad);
bool ankus_steer_rx_ready(struct ankus_dev *ad);
enum ankus_steer_left ankus_steer_rx_run(struct ankus_dev *ad, bool force);

/* rx_ntuple.c, rx_feature.c: ntuple itself */
u32 ankus_rx_ntuple_rules(struct net_device *dev);
int ankus_rx_feature_on(struct ankus_dev *ad, struct netlink_ext_ack *extack);
bool ankus_rx_feature_ends(const struct ankus_dev *ad);
void ankus_rx_feature_keep(struct ankus_dev *ad);
void ankus_rx_feature_end(struct ankus_dev *ad);

/* On the packet path */
enum ankus_safe_point
ankus_steer_safe(const struct ankus_backend_ops *ops, const struct ankus_dev *ad,
		 struct ankus_pin *pin, const struct sk_buff *skb,
		 bool (*idle)(const struct ankus_dev *ad, int bin));
void ankus_steer_switch(struct ankus_pin *pin, int bin,
			enum ankus_safe_point safe);
void ankus_steer_leave(struct ankus_pin *pin, int bin);
bool ankus_txq_idle(const struct netdev_queue *txq);
void ankus_tx_queue_apply(struct ankus_dev *ad, struct ankus_pin *pin,
			  struct sk_buff *skb);
bool ankus_tx_link_idle(const struct ankus_dev *ad, int bin);
bool ankus_tx_link_bound(const struct sk_buff *skb);
bool ankus_tx_link_apply(struct ankus_dev *ad, struct ankus_pin *pin,
			 struct sk_buff *skb);

#endif /* ANKUS_STEER_H */
