/* SPDX-License-Identifier: GPL-2.0 */
/* RX queues as bins, and the proof of their pins: the same for every backend. */
#ifndef ANKUS_RX_QUEUE_H
#define ANKUS_RX_QUEUE_H

#include "steer.h"

unsigned int ankus_rx_queue_bins(struct ankus_dev *ad);
bool ankus_rx_queue_allowed(const void *arg, unsigned int bin);
bool ankus_rx_queue_dead(const struct ankus_dev *ad, unsigned int bin);
enum ankus_proof ankus_rx_queue_verify(struct ankus_dev *ad,
				       struct ankus_flow *flow,
				       struct ankus_pin *pin);

#endif /* ANKUS_RX_QUEUE_H */
