// SPDX-License-Identifier: GPL-2.0
/* Receive side scaling: Toeplitz hash, its key, the indirection table */
#include <linux/bitops.h>
#include <linux/in.h>
#include <linux/slab.h>

#include "simnic.h"
#include "compat.h"

#define SIMNIC_HASH_IP	(RXH_IP_SRC | RXH_IP_DST)
#define SIMNIC_HASH_L4	(SIMNIC_HASH_IP | RXH_L4_B_0_1 | RXH_L4_B_2_3)

/* Flow types whose ports may take part in the hash */
enum { HASH_TCP4, HASH_UDP4, HASH_TCP6, HASH_UDP6 };

/* Replaced as a whole, so that a reader sees one generation */
struct simnic_rss {
	struct rcu_head rcu;
	u8 key[SIMNIC_KEY_SIZE];
	u8 ports;			/* BIT(HASH_...): ports are hashed */
	u32 indir[SIMNIC_INDIR_SIZE];
};

/* "RSS Hashing Functions" of the Windows driver documentation.  The key is
 * 4 bytes longer than the longest input.
 */
static u32 toeplitz(const u8 *key, const void *input, unsigned int len)
{
	u32 hash = 0, window = get_unaligned_be32(key);
	const u8 *data = input;
	unsigned int i;
	int bit;

	BUILD_BUG_ON(offsetofend(struct simnic_key, dport) + 4 > SIMNIC_KEY_SIZE);

	for (i = 0; i < len; i++) {
		for (bit = 7; bit >= 0; bit--) {
			if (data[i] & BIT(bit))
				hash ^= window;
			window = window << 1 | (key[i + 4] >> bit & 1);
		}
	}
	return hash;
}

static int hash_type(u8 ip_version, u8 proto)
{
	if (proto == IPPROTO_TCP)
		return ip_version == 4 ? HASH_TCP4 : HASH_TCP6;
	if (proto == IPPROTO_UDP)
		return ip_version == 4 ? HASH_UDP4 : HASH_UDP6;
	return -1;
}

/* Whether the table names a queue.  Context: RCU read side */
bool simnic_rss_has(struct simnic *nic, unsigned int queue)
{
	const struct simnic_rss *rss = rcu_dereference(nic->rss);
	unsigned int i;

	for (i = 0; i < SIMNIC_INDIR_SIZE; i++)
		if (rss->indir[i] == queue)
			return true;
	return false;
}

/* Context: RCU read side.  Sets the packet's hash, returns its queue. */
unsigned int simnic_rss_select(struct simnic *nic, const struct simnic_key *key,
			       struct sk_buff *skb)
{
	const struct simnic_rss *rss = rcu_dereference(nic->rss);
	int type = hash_type(key->ip_version, key->proto);
	bool l4 = type >= 0 && !key->fragment && (rss->ports & BIT(type));
	u32 hash;

	skb_clear_hash(skb);
	if (!key->ip_version)
		return 0;

	if (key->ip_version == 6) {
		hash = toeplitz(rss->key, key->src,
				l4 ? offsetofend(struct simnic_key, dport) :
				     offsetofend(struct simnic_key, dst));
	} else {
		__be16 ports[2] = { key->sport, key->dport };
		u8 input[12];

		memcpy(input, key->src, 4);
		memcpy(input + 4, key->dst, 4);
		memcpy(input + 8, ports, 4);
		hash = toeplitz(rss->key, input, l4 ? 12 : 8);
	}

	if (nic->dev->features & NETIF_F_RXHASH)
		skb_set_hash(skb, hash,
			     l4 ? PKT_HASH_TYPE_L4 : PKT_HASH_TYPE_L3);
	if (simnic_quirk(nic, SIMNIC_RSS_IGNORED))
		return 0;
	return rss->indir[hash % SIMNIC_INDIR_SIZE];
}

static struct simnic_rss *rss_locked(struct simnic *nic)
{
	return rcu_dereference_protected(nic->rss,
					 lockdep_is_held(&nic->lock));
}

/* A copy to change and give to rss_replace(), both under nic->lock */
static struct simnic_rss *rss_dup(struct simnic *nic)
{
	return kmemdup(rss_locked(nic), sizeof(struct simnic_rss), GFP_KERNEL);
}

static void rss_replace(struct simnic *nic, struct simnic_rss *rss)
{
	struct simnic_rss *old = rss_locked(nic);

	rcu_assign_pointer(nic->rss, rss);
	kfree_rcu(old, rcu);
}

static void rss_default(struct simnic_rss *rss, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < SIMNIC_INDIR_SIZE; i++)
		rss->indir[i] = ethtool_rxfh_indir_default(i, n);
}

int simnic_rss_init(struct simnic *nic)
{
	struct simnic_rss *rss = kzalloc(sizeof(*rss), GFP_KERNEL);

	if (!rss)
		return -ENOMEM;
	netdev_rss_key_fill(rss->key, sizeof(rss->key));
	rss->ports = BIT(HASH_TCP4) | BIT(HASH_UDP4) |
		     BIT(HASH_TCP6) | BIT(HASH_UDP6);
	rss_default(rss, nic->dev->real_num_rx_queues);
	RCU_INIT_POINTER(nic->rss, rss);
	return 0;
}

/* The device is gone for readers */
void simnic_rss_free(struct simnic *nic)
{
	kfree(rcu_dereference_protected(nic->rss, true));
}

/* Spread over the first @n queues again.  In place, as it must not fail: no
 * queue runs, so no packet looks at the table.
 */
void simnic_rss_spread(struct simnic *nic, unsigned int n)
{
	mutex_lock(&nic->lock);
	rss_default(rss_locked(nic), n);
	mutex_unlock(&nic->lock);
}

u32 simnic_get_rxfh_key_size(struct net_device *dev)
{
	return simnic_quirk(netdev_priv(dev), SIMNIC_RSS_NO_KEY) ? 0 :
	       SIMNIC_KEY_SIZE;
}

u32 simnic_get_rxfh_indir_size(struct net_device *dev)
{
	return SIMNIC_INDIR_SIZE;
}

int simnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh)
{
	struct simnic *nic = netdev_priv(dev);
	const struct simnic_rss *rss;

	rxfh->hfunc = simnic_quirk(nic, SIMNIC_RSS_XOR) ? ETH_RSS_HASH_XOR :
							  ETH_RSS_HASH_TOP;
	mutex_lock(&nic->lock);
	rss = rss_locked(nic);
	if (rxfh->indir)
		memcpy(rxfh->indir, rss->indir, sizeof(rss->indir));
	if (rxfh->key)
		memcpy(rxfh->key, rss->key, sizeof(rss->key));
	mutex_unlock(&nic->lock);
	return 0;
}

int simnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh,
		    struct netlink_ext_ack *extack)
{
	struct simnic *nic = netdev_priv(dev);
	struct simnic_rss *rss;
	unsigned int i;

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    rxfh->hfunc != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	if (simnic_quirk(nic, SIMNIC_RSS_REFUSED))
		return -EINVAL;
	for (i = 0; rxfh->indir && i < SIMNIC_INDIR_SIZE; i++)
		if (rxfh->indir[i] >= dev->real_num_rx_queues)
			return -EINVAL;

	mutex_lock(&nic->lock);
	rss = rss_dup(nic);
	if (rss) {
		if (rxfh->indir)
			memcpy(rss->indir, rxfh->indir, sizeof(rss->indir));
		if (rxfh->key)
			memcpy(rss->key, rxfh->key, sizeof(rss->key));
		rss_replace(nic, rss);
	}
	mutex_unlock(&nic->lock);
	return rss ? 0 : -ENOMEM;
}

/* Returns HASH_..., -1 for types that are hashed by address alone, or an
 * error below that.
 */
static int hash_type_of_flow(u32 flow_type)
{
	switch (flow_type) {
	case TCP_V4_FLOW:
		return HASH_TCP4;
	case UDP_V4_FLOW:
		return HASH_UDP4;
	case TCP_V6_FLOW:
		return HASH_TCP6;
	case UDP_V6_FLOW:
		return HASH_UDP6;
	case SCTP_V4_FLOW:
	case SCTP_V6_FLOW:
	case AH_ESP_V4_FLOW:
	case AH_ESP_V6_FLOW:
	case AH_V4_FLOW:
	case AH_V6_FLOW:
	case ESP_V4_FLOW:
	case ESP_V6_FLOW:
	case IPV4_FLOW:
	case IPV6_FLOW:
		return -1;
	}
	return -EINVAL;
}

int simnic_get_rxfh_fields(struct net_device *dev, u32 flow_type, u32 *data)
{
	struct simnic *nic = netdev_priv(dev);
	int type = hash_type_of_flow(flow_type);

	if (type < -1)
		return type;
	*data = SIMNIC_HASH_IP;
	rcu_read_lock();
	if (type >= 0 && (rcu_dereference(nic->rss)->ports & BIT(type)))
		*data = SIMNIC_HASH_L4;
	rcu_read_unlock();
	return 0;
}

int simnic_set_rxfh_fields(struct net_device *dev, u32 flow_type, u64 data)
{
	struct simnic *nic = netdev_priv(dev);
	int type = hash_type_of_flow(flow_type);
	struct simnic_rss *rss;

	if (type < -1)
		return type;
	if (data != SIMNIC_HASH_IP && (type < 0 || data != SIMNIC_HASH_L4))
		return -EINVAL;
	if (type < 0)
		return 0;

	mutex_lock(&nic->lock);
	rss = rss_dup(nic);
	if (rss) {
		if (data == SIMNIC_HASH_L4)
			rss->ports |= BIT(type);
		else
			rss->ports &= ~BIT(type);
		rss_replace(nic, rss);
	}
	mutex_unlock(&nic->lock);
	return rss ? 0 : -ENOMEM;
}
