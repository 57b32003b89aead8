// SPDX-License-Identifier: GPL-2.0
/* What surrounds the calls of a driver's ethtool operations. */
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/pm_runtime.h>
#include <linux/rtnetlink.h>

#include "compat.h"
#include "nic.h"

static void nic_unlock(struct net_device *dev)
{
	netdev_unlock_ops(dev);
	if (dev->dev.parent)
		pm_runtime_put(dev->dev.parent);
}

/**
 * ankus_nic_begin() - prepare for calls of ethtool operations
 * @dev: the device, with ethtool operations
 *
 * What ethtool does before it calls a driver (net/ethtool/netlink.c).
 *
 * Context: Under rtnl.  May sleep.
 * Return: 0, then ankus_nic_end() has to follow, or -errno.
 */
int ankus_nic_begin(struct net_device *dev)
{
	int err = -ENODEV;

	ASSERT_RTNL();

	if (dev->dev.parent)
		pm_runtime_get_sync(dev->dev.parent);
	netdev_lock_ops(dev);
	if (netif_device_present(dev))
		err = dev->ethtool_ops->begin ? dev->ethtool_ops->begin(dev) : 0;
	if (err)
		nic_unlock(dev);
	return err;
}

/**
 * ankus_nic_end() - the calls are made
 * @dev: the device
 *
 * Context: After ankus_nic_begin().
 */
void ankus_nic_end(struct net_device *dev)
{
	if (dev->ethtool_ops->complete)
		dev->ethtool_ops->complete(dev);
	nic_unlock(dev);
}
