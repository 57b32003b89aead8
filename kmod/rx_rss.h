/* SPDX-License-Identifier: GPL-2.0 */
/* RX queue pins by the RSS table, dedicated queues. */
#ifndef ANKUS_RX_RSS_H
#define ANKUS_RX_RSS_H

#include "rss.h"
#include "steer.h"

const char *ankus_rx_rss_fixed(struct net_device *dev);
const char *ankus_rx_rss_blocked(const struct ankus_dev *ad);
void ankus_rx_rss_discover(struct ankus_dev *ad);
void ankus_rx_rss_forgive(struct ankus_dev *ad);
bool ankus_rx_rss_due(const struct ankus_dev *ad, u64 now_ns);
void ankus_rx_rss_look(struct ankus_dev *ad);
void ankus_rx_rss_keep(struct ankus_dev *ad);
int ankus_rx_rss_commit(struct ankus_dev *ad, const char **reason);
void ankus_rx_rss_drop(struct ankus_dev *ad, const struct ankus_flow *flow);
bool ankus_rx_rss_clean(const struct ankus_dev *ad);

#endif /* ANKUS_RX_RSS_H */
