// SPDX-License-Identifier: GPL-2.0
/* simnic - a pair of virtual multi-queue NICs with RSS and ntuple steering
 *
 * A test NIC: what is sent on one end arrives on the RX queue of the other end
 * that its ntuple table or its RSS hash says.  Drivers differ, and misbehave,
 * in many ways; each way is a switch here.  See README.rst.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/rtnetlink.h>

#include "simnic.h"
#include "compat.h"

#define SIMNIC_FEATURES	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | \
			 NETIF_F_HW_CSUM | NETIF_F_RXCSUM |		   \
			 NETIF_F_SCTP_CRC | NETIF_F_GSO_SOFTWARE |	   \
			 NETIF_F_GSO_ENCAP_ALL | NETIF_F_RXHASH)
#define SIMNIC_VLAN	(NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_CTAG_RX | \
			 NETIF_F_HW_VLAN_STAG_TX | NETIF_F_HW_VLAN_STAG_RX)

static bool ops_lock;
module_param(ops_lock, bool, 0444);
MODULE_PARM_DESC(ops_lock, "have operations called under the device's own lock (since Linux 6.15)");

static struct rtnl_link_ops simnic_link_ops;

static netdev_tx_t simnic_start_xmit(struct sk_buff *skb,
				     struct net_device *dev)
{
	struct simnic *nic = netdev_priv(dev);
	struct simnic_txq_stats *stats;
	struct net_device *peer;

	stats = &nic->tx_stats[skb_get_queue_mapping(skb)];
	rcu_read_lock();
	peer = rcu_dereference(nic->peer);
	if (unlikely(!peer || !pskb_may_pull(skb, ETH_HLEN))) {
		atomic64_inc(&nic->tx_drops);
		dev_kfree_skb_any(skb);
	} else {
		u64_stats_update_begin(&stats->syncp);
		u64_stats_inc(&stats->packets);
		u64_stats_add(&stats->bytes, skb->len);
		u64_stats_update_end(&stats->syncp);
		skb_tx_timestamp(skb);
		simnic_receive(netdev_priv(peer), skb);
	}
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

static void simnic_get_stats64(struct net_device *dev,
			       struct rtnl_link_stats64 *sum)
{
	struct simnic *nic = netdev_priv(dev);
	unsigned int i, start;
	u64 packets, bytes;

	for (i = 0; i < dev->num_rx_queues; i++) {
		struct simnic_rxq_stats *rx = &nic->rx_stats[i];

		do {
			start = u64_stats_fetch_begin(&rx->syncp);
			packets = u64_stats_read(&rx->packets);
			bytes = u64_stats_read(&rx->bytes);
		} while (u64_stats_fetch_retry(&rx->syncp, start));
		sum->rx_packets += packets;
		sum->rx_bytes += bytes;
		sum->rx_dropped += atomic64_read(&rx->drops);
	}
	for (i = 0; i < dev->num_tx_queues; i++) {
		struct simnic_txq_stats *tx = &nic->tx_stats[i];

		do {
			start = u64_stats_fetch_begin(&tx->syncp);
			packets = u64_stats_read(&tx->packets);
			bytes = u64_stats_read(&tx->bytes);
		} while (u64_stats_fetch_retry(&tx->syncp, start));
		sum->tx_packets += packets;
		sum->tx_bytes += bytes;
	}
	sum->rx_dropped += atomic64_read(&nic->rx_drops);
	sum->tx_dropped += atomic64_read(&nic->tx_drops);
}

/* Context: rtnl.  There is a link while both ends are up. */
static void carrier_update(struct simnic *nic)
{
	struct net_device *peer = rtnl_dereference(nic->peer);

	if (peer && netif_running(nic->dev) && netif_running(peer)) {
		netif_carrier_on(nic->dev);
		netif_carrier_on(peer);
	} else {
		netif_carrier_off(nic->dev);
		if (peer)
			netif_carrier_off(peer);
	}
}

static int simnic_open(struct net_device *dev)
{
	struct simnic *nic = netdev_priv(dev);
	struct simnic_rxqs *rxqs;

	rxqs = simnic_rxqs_alloc(nic, dev->real_num_rx_queues);
	if (!rxqs)
		return -ENOMEM;
	simnic_rx_start(nic, rxqs);
	netif_tx_start_all_queues(dev);
	carrier_update(nic);
	return 0;
}

static int simnic_stop(struct net_device *dev)
{
	struct simnic *nic = netdev_priv(dev);

	carrier_update(nic);
	netif_tx_stop_all_queues(dev);
	simnic_rxqs_free(simnic_rx_stop(nic));
	if (simnic_quirk(nic, SIMNIC_LOSE_ON_DOWN) ||
	    simnic_quirk(nic, SIMNIC_LOSE_ON_RESET))
		simnic_ntuple_flush(nic);
	return 0;
}

static int simnic_set_features(struct net_device *dev,
			       netdev_features_t features)
{
	/* The table is a resource that the feature stands for. */
	if (!(features & NETIF_F_NTUPLE) && (dev->features & NETIF_F_NTUPLE))
		simnic_ntuple_flush(netdev_priv(dev));
	return 0;
}

static void stats_free(struct simnic *nic)
{
	kvfree(nic->rx_stats);
	kvfree(nic->tx_stats);
}

static int simnic_dev_init(struct net_device *dev)
{
	struct simnic *nic = netdev_priv(dev);
	unsigned int i;

	nic->rx_stats = kvcalloc(dev->num_rx_queues, sizeof(*nic->rx_stats),
				 GFP_KERNEL);
	nic->tx_stats = kvcalloc(dev->num_tx_queues, sizeof(*nic->tx_stats),
				 GFP_KERNEL);
	if (!nic->rx_stats || !nic->tx_stats || simnic_rss_init(nic)) {
		stats_free(nic);
		return -ENOMEM;
	}
	if (simnic_ntuple_init(nic)) {
		simnic_rss_free(nic);
		stats_free(nic);
		return -ENOMEM;
	}
	for (i = 0; i < dev->num_rx_queues; i++)
		u64_stats_init(&nic->rx_stats[i].syncp);
	for (i = 0; i < dev->num_tx_queues; i++)
		u64_stats_init(&nic->tx_stats[i].syncp);
	netdev_lockdep_set_classes(dev);
	simnic_debugfs_add(nic);
	return 0;
}

static void simnic_dev_uninit(struct net_device *dev)
{
	struct simnic *nic = netdev_priv(dev);

	simnic_debugfs_remove(nic);
	simnic_ntuple_uninit(nic);
}

/* The last user is gone, or the device was never registered to the end. */
static void simnic_dev_free(struct net_device *dev)
{
	struct simnic *nic = netdev_priv(dev);

	simnic_ntuple_free(nic);
	simnic_rss_free(nic);
	stats_free(nic);
}

static const struct net_device_ops simnic_netdev_ops = {
	.ndo_init		= simnic_dev_init,
	.ndo_uninit		= simnic_dev_uninit,
	.ndo_open		= simnic_open,
	.ndo_stop		= simnic_stop,
	.ndo_start_xmit		= simnic_start_xmit,
	.ndo_get_stats64	= simnic_get_stats64,
	.ndo_set_features	= simnic_set_features,
	.ndo_features_check	= passthru_features_check,
	COMPAT_RX_MODE_OPS,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

bool simnic_is(const struct net_device *dev)
{
	return dev->netdev_ops == &simnic_netdev_ops;
}

static void simnic_setup(struct net_device *dev)
{
	struct simnic *nic = netdev_priv(dev);

	ether_setup(dev);
	dev->netdev_ops = &simnic_netdev_ops;
	dev->ethtool_ops = &simnic_ethtool_ops;
	dev->priv_destructor = simnic_dev_free;
	dev->needs_free_netdev = true;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ETH_MAX_MTU;
	/* The receiver owns a packet once it is sent. */
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->hw_features = SIMNIC_FEATURES | SIMNIC_VLAN | NETIF_F_NTUPLE;
	dev->features = SIMNIC_FEATURES | SIMNIC_VLAN;
	dev->vlan_features = SIMNIC_FEATURES;
	dev->hw_enc_features = SIMNIC_FEATURES;
	dev->mpls_features = NETIF_F_HW_CSUM | NETIF_F_GSO_SOFTWARE;
	if (ops_lock)
		compat_request_ops_lock(dev);

	nic->dev = dev;
	mutex_init(&nic->lock);
	nic->ring_size = SIMNIC_RING;
	nic->speed = SPEED_100000;
	nic->duplex = DUPLEX_FULL;
	nic->slots = SIMNIC_SLOTS;
	nic->report_slots = U32_MAX;
}

static int simnic_validate(struct nlattr *tb[], struct nlattr *data[],
			   struct netlink_ext_ack *extack)
{
	static const int queue_attrs[] = { IFLA_NUM_RX_QUEUES, IFLA_NUM_TX_QUEUES };
	unsigned int i;

	if (tb[IFLA_ADDRESS] &&
	    (nla_len(tb[IFLA_ADDRESS]) != ETH_ALEN ||
	     !is_valid_ether_addr(nla_data(tb[IFLA_ADDRESS])))) {
		NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_ADDRESS],
				    "not an Ethernet unicast address");
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(queue_attrs); i++) {
		const struct nlattr *attr = tb[queue_attrs[i]];

		if (attr && nla_get_u32(attr) > SIMNIC_QUEUES_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "at most 64 queues");
			return -ERANGE;
		}
	}
	return 0;
}

static struct net_device *peer_create(struct net_device *dev,
				      struct nlattr *tb[],
				      struct netlink_ext_ack *extack)
{
	struct nlattr *peer_tb[IFLA_MAX + 1] = {
		[IFLA_NUM_RX_QUEUES] = tb[IFLA_NUM_RX_QUEUES],
		[IFLA_NUM_TX_QUEUES] = tb[IFLA_NUM_TX_QUEUES],
		[IFLA_MTU] = tb[IFLA_MTU],
	};
	struct net_device *peer;
	char name[IFNAMSIZ + 1];
	int err;

	if (snprintf(name, sizeof(name), "%sp", dev->name) >= IFNAMSIZ) {
		NL_SET_ERR_MSG(extack, "no room for the 'p' of the peer's name");
		return ERR_PTR(-EINVAL);
	}
	peer = rtnl_create_link(dev_net(dev), name, NET_NAME_USER,
				&simnic_link_ops, peer_tb, extack);
	if (IS_ERR(peer))
		return peer;

	eth_hw_addr_random(peer);
	netif_carrier_off(peer);
	err = register_netdevice(peer);
	if (err) {
		free_netdev(peer);
		return ERR_PTR(err);
	}
	return peer;
}

static void simnic_dellink(struct net_device *dev, struct list_head *head)
{
	struct simnic *nic = netdev_priv(dev);
	struct net_device *peer = rtnl_dereference(nic->peer);

	RCU_INIT_POINTER(nic->peer, NULL);
	unregister_netdevice_queue(dev, head);
	if (peer) {
		nic = netdev_priv(peer);
		RCU_INIT_POINTER(nic->peer, NULL);
		unregister_netdevice_queue(peer, head);
	}
}

/* Context: rtnl.  On failure the caller frees @dev. */
int simnic_link_create(struct net_device *dev, struct nlattr *tb[],
		       struct netlink_ext_ack *extack)
{
	struct simnic *nic = netdev_priv(dev), *peer_nic;
	struct net_device *peer;
	LIST_HEAD(kill);
	int err;

	if (!tb[IFLA_ADDRESS])
		eth_hw_addr_random(dev);
	netif_carrier_off(dev);
	err = register_netdevice(dev);
	if (err)
		return err;

	peer = peer_create(dev, tb, extack);
	if (IS_ERR(peer)) {
		unregister_netdevice(dev);
		return PTR_ERR(peer);
	}
	peer_nic = netdev_priv(peer);
	rcu_assign_pointer(nic->peer, peer);
	rcu_assign_pointer(peer_nic->peer, dev);

	/* Announces the peer; the caller does so for the device. */
	err = rtnl_configure_link(peer, NULL, 0, NULL);
	if (err) {
		simnic_dellink(dev, &kill);
		unregister_netdevice_many(&kill);
	}
	return err;
}

static unsigned int simnic_num_queues(void)
{
	return SIMNIC_QUEUES;
}

static struct rtnl_link_ops simnic_link_ops = {
	.kind			= KBUILD_MODNAME,
	.priv_size		= sizeof(struct simnic),
	.setup			= simnic_setup,
	.validate		= simnic_validate,
	.newlink		= compat_newlink,
	.dellink		= simnic_dellink,
	.get_num_tx_queues	= simnic_num_queues,
	.get_num_rx_queues	= simnic_num_queues,
};

module_param_named(netns_refund, simnic_link_ops.netns_refund, bool, 0644);
MODULE_PARM_DESC(netns_refund, "outlive a network namespace, in the initial one, as hardware does");

static int __init simnic_init(void)
{
	int err;

	simnic_debugfs_init();
	err = rtnl_link_register(&simnic_link_ops);
	if (err)
		simnic_debugfs_exit();
	return err;
}

static void __exit simnic_exit(void)
{
	rtnl_link_unregister(&simnic_link_ops);
	simnic_debugfs_exit();
	simnic_ntuple_forget();
}

module_init(simnic_init);
module_exit(simnic_exit);
MODULE_DESCRIPTION("Virtual multi-queue NIC pair with RSS, ntuple steering and driver quirks");
MODULE_LICENSE("GPL");
MODULE_ALIAS_RTNL_LINK(KBUILD_MODNAME);
