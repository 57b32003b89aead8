/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only file that knows kernel versions: the rest of the module is
 * written against one API and finds it here on every supported kernel.
 */
#ifndef ANKUS_COMPAT_H
#define ANKUS_COMPAT_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <net/genetlink.h>
#if __has_include(<net/gso.h>)
#include <net/gso.h>
#endif
#if __has_include(<net/hotdata.h>)
#include <net/hotdata.h>
#endif
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/ipv6.h>
#include <net/netlink.h>
#include <net/sch_generic.h>

#if BITS_PER_LONG != 64
#error "ankus supports 64-bit kernels only"
#endif

#if !IS_ENABLED(CONFIG_NETFILTER_INGRESS) || !IS_ENABLED(CONFIG_NETFILTER_EGRESS)
#error "ankus needs CONFIG_NETFILTER_INGRESS and CONFIG_NETFILTER_EGRESS"
#endif

/* 6.6 moved the attributes of a dump request into struct genl_info */
static inline struct nlattr **ankus_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* Since 6.10 an event knows from __string() what __assign_str() copies */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define ankus_assign_str(field, string) __assign_str(field)
#else
#define ankus_assign_str(field, string) __assign_str(field, string)
#endif

/* Before 6.5 a cache may be one with others of the same size */
#ifndef SLAB_NO_MERGE
#define SLAB_NO_MERGE 0
#endif

#ifndef NLA_POLICY_MAX_LEN
#define NLA_POLICY_MAX_LEN(_len) NLA_POLICY_MAX(NLA_BINARY, _len)
#endif

/* Netdev instance lock: driver operations of some devices need it (6.15) */
#if __has_include(<net/netdev_lock.h>)
#include <net/netdev_lock.h>
#else
static inline void netdev_lock_ops(struct net_device *dev)
{
}

static inline void netdev_unlock_ops(struct net_device *dev)
{
}
#endif

/*
 * NAPI id behind an RX queue, 0 when the driver tells none.  Since 6.8 drivers
 * can name the NAPI of a queue; before, the core's XDP info is all there is,
 * and few drivers fill it.
 */
#if __has_include(<net/netdev_rx_queue.h>)
#include <net/netdev_rx_queue.h>
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
static inline unsigned int ankus_rxq_napi_id(struct net_device *dev,
					     unsigned int queue)
{
	struct napi_struct *napi;
	unsigned int id = 0;

	rcu_read_lock();
	napi = READ_ONCE(__netif_get_rx_queue(dev, queue)->napi);
	if (napi)
		id = READ_ONCE(napi->napi_id);
	rcu_read_unlock();
	return id;
}
#else
static inline unsigned int ankus_rxq_napi_id(struct net_device *dev,
					     unsigned int queue)
{
	return READ_ONCE(dev->_rx[queue].xdp_rxq.napi_id);
}
#endif

/* 6.8: what RSS is made of comes as one structure, for get and set */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define RXH_XFRM_NO_CHANGE 0xff

struct ethtool_rxfh_param {
	u8 hfunc;
	u32 indir_size;
	u32 *indir;
	u32 key_size;
	u8 *key;
	u8 input_xfrm;
};
#endif

/*
 * Since mid-2025 (6.17) the core holds a lock for the default RSS context too,
 * and drivers may count on it.  Before, it is for others only, and they may
 * take it by themselves.
 */
static inline void ankus_rss_lock(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	mutex_lock(&dev->ethtool->rss_lock);
#endif
}

static inline void ankus_rss_unlock(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	mutex_unlock(&dev->ethtool->rss_lock);
#endif
}

static inline int ankus_get_rxfh(struct net_device *dev,
				 struct ethtool_rxfh_param *rxfh)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	return dev->ethtool_ops->get_rxfh(dev, rxfh);
#else
	return dev->ethtool_ops->get_rxfh(dev, rxfh->indir, rxfh->key,
					  &rxfh->hfunc);
#endif
}

/* The indirection table alone */
static inline int ankus_set_rxfh_indir(struct net_device *dev, u32 *indir,
				       u32 size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	struct ethtool_rxfh_param rxfh = {
		.hfunc = ETH_RSS_HASH_NO_CHANGE,
		.indir = indir,
		.indir_size = size,
		.input_xfrm = RXH_XFRM_NO_CHANGE,
	};

	return dev->ethtool_ops->set_rxfh(dev, &rxfh, NULL);
#else
	return dev->ethtool_ops->set_rxfh(dev, indir, NULL,
					  ETH_RSS_HASH_NO_CHANGE);
#endif
}

/*
 * What is hashed of a type of flow.  6.17 has an operation of its own for it,
 * which some older series have taken over (see Kbuild); before, it is a command
 * among those for rules.
 */
static inline int ankus_get_rxfh_fields(struct net_device *dev, u32 flow_type,
					u64 *data)
{
	struct ethtool_rxnfc nfc = {
		.cmd = ETHTOOL_GRXFH,
		.flow_type = flow_type,
	};
	int err;

#ifdef ANKUS_HAVE_RXFH_FIELDS
	struct ethtool_rxfh_fields fields = { .flow_type = flow_type };

	if (dev->ethtool_ops->get_rxfh_fields) {
		err = dev->ethtool_ops->get_rxfh_fields(dev, &fields);
		*data = fields.data;
		return err;
	}
#endif
	if (!dev->ethtool_ops->get_rxnfc)
		return -EOPNOTSUPP;
	err = dev->ethtool_ops->get_rxnfc(dev, &nfc, NULL);
	*data = nfc.data;
	return err;
}

/* Does tc (clsact, tcx) look at what @dev sends?  tcx came with 6.6. */
static inline bool ankus_dev_has_tc_egress(const struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#ifdef CONFIG_NET_XGRESS
	return rcu_access_pointer(dev->tcx_egress);
#else
	return false;
#endif
#else
#ifdef CONFIG_NET_CLS_ACT
	return rcu_access_pointer(dev->miniq_egress);
#else
	return false;
#endif
#endif
}

/* Let the core take a packet up behind taps, tc and netfilter's ingress hooks */
static inline void ankus_skb_skip_ingress(struct sk_buff *skb)
{
#ifdef CONFIG_NET_CLS_ACT
	skb->tc_skip_classify = 1;
#endif
}

/* The sysctl net.core.netdev_max_backlog moved in 6.9 */
static inline unsigned int ankus_max_backlog(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	return max(READ_ONCE(net_hotdata.max_backlog), 1);
#else
	return max(READ_ONCE(netdev_max_backlog), 1);
#endif
}

/*
 * How many packets were ever put into the backlog of a CPU (by veth and other
 * software devices, RPS), and how many have been received out of it.
 */
static inline unsigned int ankus_backlog_added(unsigned int cpu)
{
#ifdef CONFIG_RPS
	return READ_ONCE(per_cpu(softnet_data, cpu).input_queue_tail);
#else
	return 0;
#endif
}

static inline unsigned int ankus_backlog_done(unsigned int cpu)
{
#ifdef CONFIG_RPS
	return READ_ONCE(per_cpu(softnet_data, cpu).input_queue_head);
#else
	return 0;
#endif
}

/*
 * The local socket of a connection, with a reference.  6.18 has one table for all
 * namespaces that look anything up in it.
 * Context: RCU read side.
 */
static inline struct sock *ankus_tcp_lookup(struct net *net, __be32 saddr,
					    __be16 sport, __be32 daddr,
					    u16 dport, int dif, int sdif)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	return __inet_lookup_established(net, saddr, sport, daddr, dport, dif, sdif);
#else
	return __inet_lookup_established(net, net->ipv4.tcp_death_row.hashinfo,
					 saddr, sport, daddr, dport, dif, sdif);
#endif
}

static inline struct sock *ankus_tcp6_lookup(struct net *net,
					     const struct in6_addr *saddr,
					     __be16 sport,
					     const struct in6_addr *daddr,
					     u16 dport, int dif, int sdif)
{
#if !IS_ENABLED(CONFIG_IPV6)
	return NULL;
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	return __inet6_lookup_established(net, saddr, sport, daddr, dport, dif, sdif);
#else
	return __inet6_lookup_established(net, net->ipv4.tcp_death_row.hashinfo,
					  saddr, sport, daddr, dport, dif, sdif);
#endif
}

/*
 * Is the flow label of what an IPv6 socket sends made by the kernel, from the
 * socket's hash?  As ip6_autoflowlabel(), which modules cannot call.
 */
static inline bool ankus_sk_autoflowlabel(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	struct net *net = sock_net(sk);
	bool set, on;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	set = inet6_test_bit(AUTOFLOWLABEL_SET, sk);
	on = inet6_test_bit(AUTOFLOWLABEL, sk);
#else
	set = inet6_sk(sk)->autoflowlabel_set;
	on = inet6_sk(sk)->autoflowlabel;
#endif
	switch (READ_ONCE(net->ipv6.sysctl.auto_flowlabels)) {
	case IP6_AUTO_FLOW_LABEL_OFF:
		return false;
	case IP6_AUTO_FLOW_LABEL_FORCED:
		return true;
	case IP6_AUTO_FLOW_LABEL_OPTIN:
		return set && on;
	default:
		return !set || on;
	}
#else
	return false;
#endif
}

/*
 * Give what a TCP socket sends another hash, and so another IPv6 flow label; the
 * route as well where that goes by it.  False when the socket is not to have
 * another one.
 * Context: The socket's lock held, and not by a user.
 */
static inline bool ankus_sk_rehash(struct sock *sk)
{
#ifdef ANKUS_HAVE_REHASH_DST
	return __sk_rethink_txhash_reset_dst(sk);
#else
	return sk_rethink_txhash(sk);
#endif
}

/*
 * A device that NAPIs of nobody's belong to.  Since 6.10 the core allocates it;
 * its instance lock (6.14) is taken while that of another device is held.
 */
static inline struct net_device *ankus_dummy_alloc(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	struct net_device *dev = alloc_netdev_dummy(0);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
	static struct lock_class_key ankus_dummy_key;

	if (dev)
		lockdep_set_class(&dev->lock, &ankus_dummy_key);
#endif
	return dev;
#else
	struct net_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL_ACCOUNT);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
#endif
}

static inline void ankus_dummy_free(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	free_netdev(dev);
#else
	kfree(dev);
#endif
}

#endif /* ANKUS_COMPAT_H */
