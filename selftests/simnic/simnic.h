/* SPDX-License-Identifier: GPL-2.0 */
/* simnic - a pair of virtual multi-queue NICs with RSS and ntuple steering */
#ifndef SIMNIC_H
#define SIMNIC_H

#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>

#define SIMNIC_QUEUES		8	/* default, of each direction */
#define SIMNIC_QUEUES_MAX	64
#define SIMNIC_RING		1024	/* default, in packets */
#define SIMNIC_RING_MAX		8192
#define SIMNIC_SLOTS		64	/* default size of the ntuple table */
#define SIMNIC_KEY_SIZE		40
#define SIMNIC_INDIR_SIZE	128

/* Driver misbehaviour, one ethtool private flag each.  The order is that of
 * simnic_priv_flags[].
 */
enum simnic_quirk {
	SIMNIC_LOC_ANY_REFUSED,
	SIMNIC_LOC_ANY_ONLY,
	SIMNIC_COUNT_ZERO,
	SIMNIC_TABLE_FULL,
	SIMNIC_NO_STEER,
	SIMNIC_NO_STEER_V6,
	SIMNIC_NTUPLE_OFF_ACCEPTS,
	SIMNIC_LOSE_ON_RESET,
	SIMNIC_LOSE_ON_DOWN,
	SIMNIC_NO_RXQ_RECORD,
	SIMNIC_IGNORE_MASK,
	SIMNIC_INSERT_EIO,
	SIMNIC_DELETE_EIO,
	SIMNIC_DUP_RULES,
	SIMNIC_LOC_ANY_ENOSPC,
	SIMNIC_LOC_ANY_UNTOLD,
	SIMNIC_FULL_EINVAL,
	SIMNIC_FULL_EBUSY,
	SIMNIC_MISS_EXTRAS,
	SIMNIC_IGNORE_PROTO,
	SIMNIC_STRAY_OUTSIDE_RSS,
	SIMNIC_LOSE_INSERTS,
	SIMNIC_RSS_REFUSED,
	SIMNIC_RSS_IGNORED,
	SIMNIC_RSS_RESET_ON_CHANNELS,
	SIMNIC_RSS_LOSE_ON_RESET,
	SIMNIC_RSS_NO_KEY,
	SIMNIC_RSS_XOR,
	SIMNIC_KEEP_RULES,
	SIMNIC_XDP_NO_STEER,
	SIMNIC_QUIRKS
};

/**
 * struct simnic_key - what the NIC's parser sees of a packet
 * @src: source address; IPv4 in the first word
 * @dst: destination address; follows @src, as in the Toeplitz input
 * @sport: first two bytes of the L4 header, 0 in fragments
 * @dport: next two bytes of the L4 header, 0 in fragments
 * @smac: source MAC address
 * @dmac: destination MAC address
 * @ethertype: of the payload, after one VLAN tag
 * @ip_version: 4, 6, or 0 when the packet is not IP
 * @proto: IP protocol, after extension headers
 * @tos: TOS or traffic class
 * @fragment: 1 for every fragment, the first one included
 * @extras: 1 when a VLAN tag or IP options precede the ports
 * @pad: zero
 *
 * Compared as an array of u32 under a mask, hence no holes.
 */
struct simnic_key {
	__be32 src[4];
	__be32 dst[4];
	__be16 sport;
	__be16 dport;
	u8 smac[ETH_ALEN];
	u8 dmac[ETH_ALEN];
	__be16 ethertype;
	u8 ip_version;
	u8 proto;
	u8 tos;
	u8 fragment;
	u8 extras;
	u8 pad;
};

/**
 * struct simnic_table - an ntuple table, of one device or of several
 * @kref: a user each, and one while simnic_kept has it
 * @rcu: readers may hold a table that has no user any more
 * @kept: in the list of those whose device is gone; locked as that
 * @name: of the device that it was kept of
 * @lock: guards what follows; innermost
 * @rules: struct simnic_rule in ascending location; also read under RCU
 * @n_rules: entries of @rules
 * @inserted: rules ever
 * @deleted: rules ever, by whatever reason
 */
struct simnic_table {
	struct kref kref;
	struct rcu_head rcu;
	struct list_head kept;
	char name[IFNAMSIZ];
	struct mutex lock;
	struct list_head rules;
	u32 n_rules;
	u64 inserted;
	u64 deleted;
};

struct simnic_rxq_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;	/* written by the queue's NAPI alone */
	u64_stats_t bytes;
	atomic64_t drops;	/* written by any sender */
};

struct simnic_txq_stats {
	struct u64_stats_sync syncp;
	u64_stats_t packets;	/* written under the TX queue's lock */
	u64_stats_t bytes;
};

/**
 * struct simnic - private data of one of the two devices
 * @dev: the device itself
 * @peer: the other end; read under RCU, written under rtnl
 * @rxqs: the RX queues, NULL while down; read under RCU, written under rtnl
 *	or, where the device asked for it, its instance lock
 * @rss: hash key and indirection table; read under RCU, written under @lock
 * @table: its ntuple rules; read under RCU, written under rtnl and, where the
 *	device asked for it, its instance lock
 * @quirks: bits of enum simnic_quirk; a single word, read anywhere
 * @rx_stats: by queue, num_rx_queues of them
 * @tx_stats: by queue, num_tx_queues of them
 * @tx_drops: packets with nowhere to go
 * @rx_drops: packets that no queue was asked to take: device down, or
 *	discarded by a rule
 * @ntuple_hits: packets that matched a rule
 * @ntuple_drops: packets that matched a rule which discards
 * @lock: guards what says so here; nests inside rtnl and instance lock
 * @resets: ever; under @lock
 * @ring_size: of each RX queue started from now on; as @rxqs
 * @speed: reported link speed in Mbit/s; under rtnl or instance lock
 * @duplex: reported duplex mode; as @speed
 * @debugfs: this device's directory
 * @slots: size of the ntuple table; written by debugfs, as the words below
 * @report_slots: size reported to ethtool, U32_MAX for the true one
 * @insert_delay_us: time an insert takes
 * @insert_errno: error inserts fail with, 0 for none
 * @delete_errno: error deletes fail with, 0 for none
 * @fail_after: inserts that still succeed before @insert_errno applies
 * @insert_channels: queues of each direction that the next insert leaves the
 *	device with, as if its firmware had changed; then 0
 * @insert_detaches: the next insert finds the device gone; then 0
 */
struct simnic {
	struct net_device *dev;
	struct net_device __rcu *peer;
	struct simnic_rxqs __rcu *rxqs;
	struct simnic_rss __rcu *rss;
	struct simnic_table __rcu *table;
	u32 quirks;
	struct simnic_rxq_stats *rx_stats;
	struct simnic_txq_stats *tx_stats;

	atomic64_t tx_drops;
	atomic64_t rx_drops;
	atomic64_t ntuple_hits;
	atomic64_t ntuple_drops;

	struct mutex lock;
	u64 resets;

	unsigned int ring_size;
	u32 speed;
	u8 duplex;

	struct dentry *debugfs;
	u32 slots;
	u32 report_slots;
	u32 insert_delay_us;
	u32 insert_errno;
	u32 delete_errno;
	u32 fail_after;
	u32 insert_channels;
	u32 insert_detaches;
};

static inline bool simnic_quirk(const struct simnic *nic, enum simnic_quirk q)
{
	return READ_ONCE(nic->quirks) & BIT(q);
}

/* simnic_main.c */
bool simnic_is(const struct net_device *dev);
int simnic_link_create(struct net_device *dev, struct nlattr *tb[],
		       struct netlink_ext_ack *extack);

/* simnic_rx.c */
struct simnic_rxqs *simnic_rxqs_alloc(struct simnic *nic, unsigned int n);
void simnic_rxqs_free(struct simnic_rxqs *rxqs);
void simnic_rx_start(struct simnic *nic, struct simnic_rxqs *rxqs);
struct simnic_rxqs *simnic_rx_stop(struct simnic *nic);
int simnic_rx_reset(struct simnic *nic);
void simnic_receive(struct simnic *nic, struct sk_buff *skb);

/* simnic_key.c */
void simnic_key_parse(const struct sk_buff *skb, struct simnic_key *key);

/* simnic_rss.c */
int simnic_rss_init(struct simnic *nic);
void simnic_rss_free(struct simnic *nic);
unsigned int simnic_rss_select(struct simnic *nic, const struct simnic_key *key,
			       struct sk_buff *skb);
bool simnic_rss_has(struct simnic *nic, unsigned int queue);
void simnic_rss_spread(struct simnic *nic, unsigned int n);
struct ethtool_rxfh_param;
u32 simnic_get_rxfh_key_size(struct net_device *dev);
u32 simnic_get_rxfh_indir_size(struct net_device *dev);
int simnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh);
int simnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh,
		    struct netlink_ext_ack *extack);
int simnic_get_rxfh_fields(struct net_device *dev, u32 flow_type, u32 *data);
int simnic_set_rxfh_fields(struct net_device *dev, u32 flow_type, u64 data);

/* simnic_ntuple.c */
bool simnic_ntuple_match(struct simnic *nic, const struct simnic_key *key,
			 u64 *cookie);
int simnic_ntuple_init(struct simnic *nic);
void simnic_ntuple_uninit(struct simnic *nic);
void simnic_ntuple_free(struct simnic *nic);
void simnic_ntuple_forget(void);
int simnic_ntuple_share(struct simnic *nic, struct simnic *other);
void simnic_ntuple_totals(struct simnic *nic, u64 *inserted, u64 *deleted);
void simnic_ntuple_flush(struct simnic *nic);
bool simnic_ntuple_uses_queue(struct simnic *nic, unsigned int first);
int simnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *nfc,
		     u32 *locations);
int simnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *nfc);

/* simnic_ethtool.c */
int simnic_set_queues(struct simnic *nic, unsigned int tx, unsigned int rx);
u32 simnic_get_rx_ring_count(struct net_device *dev);
extern const struct ethtool_ops simnic_ethtool_ops;

/* simnic_debugfs.c */
void simnic_debugfs_init(void);
void simnic_debugfs_exit(void);
void simnic_debugfs_add(struct simnic *nic);
void simnic_debugfs_remove(struct simnic *nic);

#endif
