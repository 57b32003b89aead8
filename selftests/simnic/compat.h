/* SPDX-License-Identifier: GPL-2.0 */
/* The only file that knows kernel versions: the rest is written for the
 * newest API, which is made here out of what an older kernel has.
 */
#ifndef SIMNIC_COMPAT_H
#define SIMNIC_COMPAT_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/version.h>
#include <net/rtnetlink.h>

#include "simnic.h"

/* 6.15: control operations may run under the device's own lock */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#include <net/netdev_lock.h>

static inline void compat_request_ops_lock(struct net_device *dev)
{
	dev->request_ops_lock = true;
}

static inline void compat_lock_ops(struct net_device *dev)
{
	netdev_lock_ops(dev);
}

static inline void compat_unlock_ops(struct net_device *dev)
{
	netdev_unlock_ops(dev);
}

static inline bool compat_dev_locked(struct net_device *dev)
{
	return netdev_need_ops_lock(dev) ? lockdep_is_held(&dev->lock) :
					   lockdep_rtnl_is_held();
}

static inline void compat_napi_add(struct net_device *dev,
				   struct napi_struct *napi,
				   int (*poll)(struct napi_struct *, int))
{
	if (netdev_need_ops_lock(dev))
		netif_napi_add_locked(dev, napi, poll);
	else
		netif_napi_add(dev, napi, poll);
}

static inline void compat_napi_enable(struct napi_struct *napi)
{
	if (netdev_need_ops_lock(napi->dev))
		napi_enable_locked(napi);
	else
		napi_enable(napi);
}

static inline void compat_napi_disable(struct napi_struct *napi)
{
	if (netdev_need_ops_lock(napi->dev))
		napi_disable_locked(napi);
	else
		napi_disable(napi);
}

/* The caller waits for a grace period before it frees the NAPI. */
static inline void compat_napi_del(struct napi_struct *napi)
{
	if (netdev_need_ops_lock(napi->dev))
		__netif_napi_del_locked(napi);
	else
		__netif_napi_del(napi);
}

static inline int compat_newlink(struct net_device *dev,
				 struct rtnl_newlink_params *params,
				 struct netlink_ext_ack *extack)
{
	return simnic_link_create(dev, params->tb, extack);
}
#else
static inline void compat_request_ops_lock(struct net_device *dev)
{
}

static inline void compat_lock_ops(struct net_device *dev)
{
}

static inline void compat_unlock_ops(struct net_device *dev)
{
}

static inline bool compat_dev_locked(struct net_device *dev)
{
	return lockdep_rtnl_is_held();
}

static inline void compat_napi_add(struct net_device *dev,
				   struct napi_struct *napi,
				   int (*poll)(struct napi_struct *, int))
{
	netif_napi_add(dev, napi, poll);
}

static inline void compat_napi_enable(struct napi_struct *napi)
{
	napi_enable(napi);
}

static inline void compat_napi_disable(struct napi_struct *napi)
{
	napi_disable(napi);
}

static inline void compat_napi_del(struct napi_struct *napi)
{
	__netif_napi_del(napi);
}

static inline int compat_newlink(struct net *net, struct net_device *dev,
				 struct nlattr *tb[], struct nlattr *data[],
				 struct netlink_ext_ack *extack)
{
	return simnic_link_create(dev, tb, extack);
}
#endif

/* 6.8: a queue knows its NAPI */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
static inline void compat_queue_set_napi(struct net_device *dev,
					 unsigned int queue,
					 struct napi_struct *napi)
{
	netif_queue_set_napi(dev, queue, NETDEV_QUEUE_TYPE_RX, napi);
}

#define COMPAT_RXFH_OPS					\
	.get_rxfh		= simnic_get_rxfh,	\
	.set_rxfh		= simnic_set_rxfh
#else
/* Before, nothing in the core tells the NAPI of a queue.  The core's own
 * xdp_rxq_info has a member for it, which hardware drivers leave at 0.
 */
static inline void compat_queue_set_napi(struct net_device *dev,
					 unsigned int queue,
					 struct napi_struct *napi)
{
	dev->_rx[queue].xdp_rxq.napi_id = napi ? napi->napi_id : 0;
}

/* 6.8: RSS parameters come as one structure */
struct ethtool_rxfh_param {
	u8 hfunc;
	u32 *indir;
	u8 *key;
};

static inline int compat_get_rxfh(struct net_device *dev, u32 *indir, u8 *key,
				  u8 *hfunc)
{
	struct ethtool_rxfh_param rxfh = { .indir = indir, .key = key };
	int err = simnic_get_rxfh(dev, &rxfh);

	if (!err && hfunc)
		*hfunc = rxfh.hfunc;
	return err;
}

static inline int compat_set_rxfh(struct net_device *dev, const u32 *indir,
				  const u8 *key, const u8 hfunc)
{
	struct ethtool_rxfh_param rxfh = {
		.hfunc = hfunc,
		.indir = (u32 *)indir,
		.key = (u8 *)key,
	};

	return simnic_set_rxfh(dev, &rxfh, NULL);
}

#define COMPAT_RXFH_OPS					\
	.get_rxfh		= compat_get_rxfh,	\
	.set_rxfh		= compat_set_rxfh
#endif

/* 6.12: asm/unaligned.h moved */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

/* 6.17: hash fields have operations of their own.  Before, and for the number
 * of rings before 7.0, they are commands among those for rules.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
static inline int compat_get_rxfh_fields(struct net_device *dev,
					 struct ethtool_rxfh_fields *fields)
{
	return simnic_get_rxfh_fields(dev, fields->flow_type, &fields->data);
}

static inline int compat_set_rxfh_fields(struct net_device *dev,
					 const struct ethtool_rxfh_fields *fields,
					 struct netlink_ext_ack *extack)
{
	return simnic_set_rxfh_fields(dev, fields->flow_type, fields->data);
}

#define COMPAT_RXFH_FIELDS_OPS					\
	.get_rxfh_fields	= compat_get_rxfh_fields,	\
	.set_rxfh_fields	= compat_set_rxfh_fields,
#else
#define COMPAT_RXFH_FIELDS_OPS
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define COMPAT_RXNFC_OPS					\
	COMPAT_RXFH_FIELDS_OPS					\
	.get_rx_ring_count	= simnic_get_rx_ring_count,	\
	.get_rxnfc		= simnic_get_rxnfc,		\
	.set_rxnfc		= simnic_set_rxnfc
#else
static inline int compat_get_rxnfc(struct net_device *dev,
				   struct ethtool_rxnfc *nfc, u32 *locations)
{
	u32 data = 0;
	int err;

	switch (nfc->cmd) {
	case ETHTOOL_GRXRINGS:
		nfc->data = simnic_get_rx_ring_count(dev);
		return 0;
	case ETHTOOL_GRXFH:
		err = simnic_get_rxfh_fields(dev, nfc->flow_type, &data);
		nfc->data = data;
		return err;
	}
	return simnic_get_rxnfc(dev, nfc, locations);
}

static inline int compat_set_rxnfc(struct net_device *dev,
				   struct ethtool_rxnfc *nfc)
{
	if (nfc->cmd == ETHTOOL_SRXFH)
		return simnic_set_rxfh_fields(dev, nfc->flow_type, nfc->data);
	return simnic_set_rxnfc(dev, nfc);
}

#define COMPAT_RXNFC_OPS					\
	COMPAT_RXFH_FIELDS_OPS					\
	.get_rxnfc		= compat_get_rxnfc,		\
	.set_rxnfc		= compat_set_rxnfc
#endif

/* 7.3: the filter is set without a spinlock, which drivers with a lock of their
 * own are to use.  Nothing is filtered, but multicast must be possible.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
static inline int compat_set_rx_mode(struct net_device *dev,
				     struct netdev_hw_addr_list *uc,
				     struct netdev_hw_addr_list *mc)
{
	return 0;
}

#define COMPAT_RX_MODE_OPS					\
	.ndo_set_rx_mode_async	= compat_set_rx_mode
#else
static inline void compat_set_rx_mode(struct net_device *dev)
{
}

#define COMPAT_RX_MODE_OPS					\
	.ndo_set_rx_mode	= compat_set_rx_mode
#endif

/* 7.3: with the device's own lock alone, operations that need rtnl say so */
#ifdef ETHTOOL_OP_NEEDS_RTNL_SCHANNELS
#define COMPAT_RTNL_OPS						\
	.op_needs_rtnl		= ETHTOOL_OP_NEEDS_RTNL_SCHANNELS,
#else
#define COMPAT_RTNL_OPS
#endif

#endif
