// SPDX-License-Identifier: GPL-2.0
/*
 * The feature ntuple of a device: on because an operator asked for it, and off
 * again, as it was, when nobody wants it any more.
 *
 * To turn it off takes everybody's rules away.  So it stays on while there are
 * rules of others, and where an operator has changed it meanwhile it is theirs.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

#include "compat.h"
#include "steer.h"

static bool rx_feature_is_on(const struct ankus_dev *ad)
{
	return ad->netdev->features & NETIF_F_NTUPLE;
}

static void rx_feature_set(struct net_device *dev, bool on)
{
	ASSERT_RTNL();

	netdev_lock_ops(dev);
	if (on)
		dev->wanted_features |= NETIF_F_NTUPLE;
	else
		dev->wanted_features &= ~NETIF_F_NTUPLE;
	netdev_update_features(dev);
	netdev_unlock_ops(dev);
}

/**
 * ankus_rx_feature_on() - turn ntuple on if it is off
 * @ad: the device
 * @extack: for the reason when it cannot be
 *
 * Context: Under rtnl, without ankus_net::lock.  May sleep.
 * Return: 0 or -errno, then it is off as before.
 */
int ankus_rx_feature_on(struct ankus_dev *ad, struct netlink_ext_ack *extack)
{
	if (rx_feature_is_on(ad))
		return 0;
	if (!(ad->netdev->hw_features & NETIF_F_NTUPLE)) {
		NL_SET_ERR_MSG(extack, "the device has no ntuple rules to turn on");
		return -EOPNOTSUPP;
	}
	rx_feature_set(ad->netdev, true);
	if (!rx_feature_is_on(ad)) {
		rx_feature_set(ad->netdev, false);
		NL_SET_ERR_MSG(extack, "the device did not turn ntuple on");
		return -EIO;
	}
	ad->rx.feature = true;
	return 0;
}

/**
 * ankus_rx_feature_ends() - is ntuple on its way off?
 * @ad: the device
 *
 * Context: Under rtnl.
 * Return: true when ankus has turned it on, and nobody wants it any more.
 */
bool ankus_rx_feature_ends(const struct ankus_dev *ad)
{
	return ad->rx.feature &&
	       (!ad->cfg.ntuple || ad->cfg.mode != ANKUS_MODE_STEER ||
		ad->draining);
}

/**
 * ankus_rx_feature_keep() - turn ntuple off when it is wanted no more
 * @ad: the device
 *
 * Not before our own rules are gone.
 *
 * Context: Under rtnl, without ankus_net::lock.  May sleep.
 */
void ankus_rx_feature_keep(struct ankus_dev *ad)
{
	ASSERT_RTNL();

	if (ad->rx.feature && !rx_feature_is_on(ad))
		ad->rx.feature = false;
	if (!ankus_rx_feature_ends(ad) || ad->rx.rules ||
	    ankus_rx_ntuple_rules(ad->netdev))
		return;
	ad->rx.feature = false;
	rx_feature_set(ad->netdev, false);
}

/**
 * ankus_rx_feature_end() - give ntuple back
 * @ad: the device, about to be let go, our rules removed as far as can be
 *
 * Context: Under rtnl, without ankus_net::lock.  May sleep.
 */
void ankus_rx_feature_end(struct ankus_dev *ad)
{
	/* a device that goes away takes its features along */
	if (ad->netdev->reg_state != NETREG_REGISTERED)
		return;
	ankus_rx_feature_keep(ad);
	if (ad->rx.feature)
		netdev_info(ad->netdev,
			    "ankus: ntuple stays on, there are rules of others\n");
}
