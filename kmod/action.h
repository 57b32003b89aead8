/* SPDX-License-Identifier: GPL-2.0 */
/* What is done to flows beside steering: pace, priority, DSCP, mark, path. */
#ifndef ANKUS_ACTION_H
#define ANKUS_ACTION_H

#include "dev.h"

int ankus_action_look(struct ankus_dev *ad, struct ankus_flow *flow,
		      u64 now_ns);
bool ankus_action_end(struct ankus_flow *flow, bool force);
bool ankus_action_end_all(struct ankus_dev *ad, bool force);

/* On the packet path */
void ankus_action_apply(struct ankus_dev *ad, struct ankus_flow *flow,
			struct sk_buff *skb);

#endif /* ANKUS_ACTION_H */
