/* SPDX-License-Identifier: GPL-2.0 */
/* Beginning and end of managing a device. */
#ifndef ANKUS_MANAGE_H
#define ANKUS_MANAGE_H

#include "dev.h"

int ankus_manage_init(void);
void ankus_manage_exit(void);
int ankus_manage_add(struct ankus_net *an, struct net_device *netdev,
		     const struct ankus_config *cfg,
		     struct netlink_ext_ack *extack);
int ankus_manage_ntuple(struct ankus_dev *ad, const struct ankus_config *cfg,
			struct netlink_ext_ack *extack);
void ankus_manage_drain(struct ankus_dev *ad);
void ankus_manage_del(struct ankus_dev *ad);
void ankus_manage_names(struct ankus_net *an);

#endif /* ANKUS_MANAGE_H */
