// SPDX-License-Identifier: GPL-2.0
/* ethtool: channels, rings, counters, private flags; the rest of the table
 * of operations is with the subjects themselves
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>

#include "simnic.h"
#include "compat.h"

static const char simnic_priv_flags[SIMNIC_QUIRKS][ETH_GSTRING_LEN] = {
	[SIMNIC_LOC_ANY_REFUSED]	= "loc-any-refused",
	[SIMNIC_LOC_ANY_ONLY]		= "loc-any-only",
	[SIMNIC_COUNT_ZERO]		= "count-zero",
	[SIMNIC_TABLE_FULL]		= "table-full",
	[SIMNIC_NO_STEER]		= "no-steer",
	[SIMNIC_NO_STEER_V6]		= "no-steer-v6",
	[SIMNIC_NTUPLE_OFF_ACCEPTS]	= "ntuple-off-accepts",
	[SIMNIC_LOSE_ON_RESET]		= "lose-on-reset",
	[SIMNIC_LOSE_ON_DOWN]		= "lose-on-down",
	[SIMNIC_NO_RXQ_RECORD]		= "no-rxq-record",
	[SIMNIC_IGNORE_MASK]		= "ignore-mask",
	[SIMNIC_INSERT_EIO]		= "insert-eio",
	[SIMNIC_DELETE_EIO]		= "delete-eio",
	[SIMNIC_DUP_RULES]		= "dup-rules",
	[SIMNIC_LOC_ANY_ENOSPC]		= "loc-any-enospc",
	[SIMNIC_LOC_ANY_UNTOLD]		= "loc-any-untold",
	[SIMNIC_FULL_EINVAL]		= "full-einval",
	[SIMNIC_FULL_EBUSY]		= "full-ebusy",
	[SIMNIC_MISS_EXTRAS]		= "miss-extras",
	[SIMNIC_IGNORE_PROTO]		= "ignore-proto",
	[SIMNIC_STRAY_OUTSIDE_RSS]	= "stray-outside-rss",
	[SIMNIC_LOSE_INSERTS]		= "lose-inserts",
	[SIMNIC_RSS_REFUSED]		= "rss-refused",
	[SIMNIC_RSS_IGNORED]		= "rss-ignored",
	[SIMNIC_RSS_RESET_ON_CHANNELS]	= "rss-reset-on-channels",
	[SIMNIC_RSS_LOSE_ON_RESET]	= "rss-lose-on-reset",
	[SIMNIC_RSS_NO_KEY]		= "rss-no-key",
	[SIMNIC_RSS_XOR]		= "rss-xor",
	[SIMNIC_KEEP_RULES]		= "keep-rules",
	[SIMNIC_XDP_NO_STEER]		= "xdp-no-steer",
};

static const char simnic_rx_stats[][ETH_GSTRING_LEN] = {
	"packets", "bytes", "drops",
};

static const char simnic_tx_stats[][ETH_GSTRING_LEN] = {
	"packets", "bytes",
};

static const char simnic_nic_stats[][ETH_GSTRING_LEN] = {
	"ntuple_hits", "ntuple_drops", "rules_inserted", "rules_deleted", "resets",
};

static void simnic_get_drvinfo(struct net_device *dev,
			       struct ethtool_drvinfo *info)
{
	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
}

static u32 simnic_get_link(struct net_device *dev)
{
	return netif_carrier_ok(dev);
}

static int simnic_get_sset_count(struct net_device *dev, int set)
{
	switch (set) {
	case ETH_SS_STATS:
		return ARRAY_SIZE(simnic_rx_stats) * dev->num_rx_queues +
		       ARRAY_SIZE(simnic_tx_stats) * dev->num_tx_queues +
		       ARRAY_SIZE(simnic_nic_stats);
	case ETH_SS_PRIV_FLAGS:
		return SIMNIC_QUIRKS;
	}
	return -EOPNOTSUPP;
}

static void simnic_get_strings(struct net_device *dev, u32 set, u8 *p)
{
	unsigned int i, j;

	if (set == ETH_SS_PRIV_FLAGS)
		memcpy(p, simnic_priv_flags, sizeof(simnic_priv_flags));
	if (set != ETH_SS_STATS)
		return;

	for (i = 0; i < dev->num_rx_queues; i++)
		for (j = 0; j < ARRAY_SIZE(simnic_rx_stats); j++)
			ethtool_sprintf(&p, "rx_queue_%u_%s", i, simnic_rx_stats[j]);
	for (i = 0; i < dev->num_tx_queues; i++)
		for (j = 0; j < ARRAY_SIZE(simnic_tx_stats); j++)
			ethtool_sprintf(&p, "tx_queue_%u_%s", i, simnic_tx_stats[j]);
	memcpy(p, simnic_nic_stats, sizeof(simnic_nic_stats));
}

static void simnic_get_ethtool_stats(struct net_device *dev,
				     struct ethtool_stats *stats, u64 *data)
{
	struct simnic *nic = netdev_priv(dev);
	unsigned int i, start;

	for (i = 0; i < dev->num_rx_queues; i++) {
		struct simnic_rxq_stats *rx = &nic->rx_stats[i];

		do {
			start = u64_stats_fetch_begin(&rx->syncp);
			data[0] = u64_stats_read(&rx->packets);
			data[1] = u64_stats_read(&rx->bytes);
		} while (u64_stats_fetch_retry(&rx->syncp, start));
		data[2] = atomic64_read(&rx->drops);
		data += ARRAY_SIZE(simnic_rx_stats);
	}
	for (i = 0; i < dev->num_tx_queues; i++) {
		struct simnic_txq_stats *tx = &nic->tx_stats[i];

		do {
			start = u64_stats_fetch_begin(&tx->syncp);
			data[0] = u64_stats_read(&tx->packets);
			data[1] = u64_stats_read(&tx->bytes);
		} while (u64_stats_fetch_retry(&tx->syncp, start));
		data += ARRAY_SIZE(simnic_tx_stats);
	}
	data[0] = atomic64_read(&nic->ntuple_hits);
	data[1] = atomic64_read(&nic->ntuple_drops);
	simnic_ntuple_totals(nic, &data[2], &data[3]);
	mutex_lock(&nic->lock);
	data[4] = nic->resets;
	mutex_unlock(&nic->lock);
}

static u32 simnic_get_priv_flags(struct net_device *dev)
{
	struct simnic *nic = netdev_priv(dev);

	return READ_ONCE(nic->quirks);
}

static int simnic_set_priv_flags(struct net_device *dev, u32 flags)
{
	struct simnic *nic = netdev_priv(dev);

	WRITE_ONCE(nic->quirks, flags);
	return 0;
}

/* As many combined channels as there are pairs of queues; queues without a
 * partner, when the numbers differ, are RX or TX channels.
 */
static void simnic_get_channels(struct net_device *dev,
				struct ethtool_channels *ch)
{
	ch->max_combined = min(dev->num_rx_queues, dev->num_tx_queues);
	ch->max_rx = dev->num_rx_queues - ch->max_combined;
	ch->max_tx = dev->num_tx_queues - ch->max_combined;
	ch->combined_count = min(dev->real_num_rx_queues, dev->real_num_tx_queues);
	ch->rx_count = dev->real_num_rx_queues - ch->combined_count;
	ch->tx_count = dev->real_num_tx_queues - ch->combined_count;
}

/* On failure everything is as before, the packets on their way excepted. */
int simnic_set_queues(struct simnic *nic, unsigned int tx, unsigned int rx)
{
	struct simnic_rxqs *rxqs = NULL, *old;
	struct net_device *dev = nic->dev;
	int err;

	if (netif_running(dev)) {
		rxqs = simnic_rxqs_alloc(nic, rx);
		if (!rxqs)
			return -ENOMEM;
	}

	old = simnic_rx_stop(nic);
	err = netif_set_real_num_queues(dev, tx, rx);
	if (err)
		swap(rxqs, old);
	else if (!netif_is_rxfh_configured(dev) ||
		 simnic_quirk(nic, SIMNIC_RSS_RESET_ON_CHANNELS))
		simnic_rss_spread(nic, rx);
	if (rxqs)
		simnic_rx_start(nic, rxqs);
	simnic_rxqs_free(old);
	return err;
}

static int simnic_set_channels(struct net_device *dev,
			       struct ethtool_channels *ch)
{
	unsigned int rx = ch->combined_count + ch->rx_count;
	unsigned int tx = ch->combined_count + ch->tx_count;
	struct simnic *nic = netdev_priv(dev);
	int err;

	if (!rx || !tx || rx > dev->num_rx_queues || tx > dev->num_tx_queues)
		return -EINVAL;
	if (simnic_ntuple_uses_queue(nic, rx))
		return -EBUSY;

	err = simnic_set_queues(nic, tx, rx);
	if (!err && simnic_quirk(nic, SIMNIC_LOSE_ON_RESET))
		simnic_ntuple_flush(nic);
	return err;
}

static void simnic_get_ringparam(struct net_device *dev,
				 struct ethtool_ringparam *ring,
				 struct kernel_ethtool_ringparam *kernel_ring,
				 struct netlink_ext_ack *extack)
{
	struct simnic *nic = netdev_priv(dev);

	ring->rx_max_pending = SIMNIC_RING_MAX;
	ring->rx_pending = nic->ring_size;
}

static int simnic_set_ringparam(struct net_device *dev,
				struct ethtool_ringparam *ring,
				struct kernel_ethtool_ringparam *kernel_ring,
				struct netlink_ext_ack *extack)
{
	struct simnic *nic = netdev_priv(dev);
	unsigned int old = nic->ring_size;
	int err;

	if (!ring->rx_pending || ring->rx_pending > SIMNIC_RING_MAX)
		return -EINVAL;
	nic->ring_size = ring->rx_pending;
	err = simnic_rx_reset(nic);
	if (err)
		nic->ring_size = old;
	return err;
}

static int simnic_reset(struct net_device *dev, u32 *flags)
{
	int err = simnic_rx_reset(netdev_priv(dev));

	if (!err)
		*flags = 0;
	return err;
}

static int simnic_get_link_ksettings(struct net_device *dev,
				     struct ethtool_link_ksettings *cmd)
{
	struct simnic *nic = netdev_priv(dev);

	cmd->base.speed = nic->speed;
	cmd->base.duplex = nic->duplex;
	cmd->base.port = PORT_OTHER;
	return 0;
}

static int simnic_set_link_ksettings(struct net_device *dev,
				     const struct ethtool_link_ksettings *cmd)
{
	struct simnic *nic = netdev_priv(dev);

	return ethtool_virtdev_set_link_ksettings(dev, cmd, &nic->speed,
						  &nic->duplex);
}

u32 simnic_get_rx_ring_count(struct net_device *dev)
{
	return dev->real_num_rx_queues;
}

const struct ethtool_ops simnic_ethtool_ops = {
	COMPAT_RTNL_OPS
	COMPAT_RXNFC_OPS,
	COMPAT_RXFH_OPS,
	.get_rxfh_key_size	= simnic_get_rxfh_key_size,
	.get_rxfh_indir_size	= simnic_get_rxfh_indir_size,
	.get_drvinfo		= simnic_get_drvinfo,
	.get_link		= simnic_get_link,
	.get_ts_info		= ethtool_op_get_ts_info,
	.get_sset_count		= simnic_get_sset_count,
	.get_strings		= simnic_get_strings,
	.get_ethtool_stats	= simnic_get_ethtool_stats,
	.get_priv_flags		= simnic_get_priv_flags,
	.set_priv_flags		= simnic_set_priv_flags,
	.get_channels		= simnic_get_channels,
	.set_channels		= simnic_set_channels,
	.get_ringparam		= simnic_get_ringparam,
	.set_ringparam		= simnic_set_ringparam,
	.reset			= simnic_reset,
	.get_link_ksettings	= simnic_get_link_ksettings,
	.set_link_ksettings	= simnic_set_link_ksettings,
};
