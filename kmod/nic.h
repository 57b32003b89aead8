/* SPDX-License-Identifier: GPL-2.0 */
/* What surrounds the calls of a driver's ethtool operations. */
#ifndef ANKUS_NIC_H
#define ANKUS_NIC_H

struct net_device;

int ankus_nic_begin(struct net_device *dev);
void ankus_nic_end(struct net_device *dev);

#endif /* ANKUS_NIC_H */
