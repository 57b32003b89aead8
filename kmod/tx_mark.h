/* SPDX-License-Identifier: GPL-2.0 */
/* Link pins by marks of sockets, which routes follow. */
#ifndef ANKUS_TX_MARK_H
#define ANKUS_TX_MARK_H

#include "link.h"

void ankus_tx_mark_rescue(struct ankus_dev *ad);
void ankus_tx_mark_end(struct ankus_dev *ad, struct ankus_flow *flow);
void ankus_tx_mark_end_link(struct ankus_link *link);
void ankus_tx_mark_end_all(struct ankus_dev *ad);

/* On the packet path */
bool ankus_tx_mark_apply(struct ankus_dev *ad, struct ankus_pin *pin,
			 struct sk_buff *skb);

#endif /* ANKUS_TX_MARK_H */
