/* SPDX-License-Identifier: GPL-2.0 */
/* CPU pins: received packets of elephants are handed to the CPU of choice. */
#ifndef ANKUS_RX_CPU_H
#define ANKUS_RX_CPU_H

#include "steer.h"

bool ankus_rx_cpu_wanted(const struct ankus_dev *ad,
			 const struct ankus_flow *flow);
bool ankus_rx_cpu_pending(struct ankus_dev *ad);
void ankus_rx_cpu_start(struct ankus_dev *ad);
void ankus_rx_cpu_stop(struct ankus_dev *ad);
bool ankus_rx_cpu_apply(struct ankus_dev *ad, struct ankus_flow_ctl *ctl,
			struct sk_buff *skb);

#endif /* ANKUS_RX_CPU_H */
