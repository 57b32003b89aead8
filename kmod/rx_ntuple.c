// SPDX-License-Identifier: GPL-2.0
/*
 * RX queue pins by the NIC's exact-match rules (ethtool -N).
 *
 * Drivers differ, and say little of it: some take RX_CLS_LOC_ANY only, some
 * refuse it without saying so in RX_CLS_LOC_SPECIAL, some tell no table size,
 * some accept a rule and do not steer.  So slots are chosen from what the
 * driver lists as free, and whether a rule has its effect is left to
 * ankus_rx_queue_verify(), which looks at where packets arrive.
 *
 * A rule is removed only after reading it back: if it is not ours any more,
 * its slot belongs to somebody else.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "nic.h"
#include "rx_queue.h"
#include "steer.h"

/* More rules than this are not looked through for a free slot */
#define RX_NTUPLE_RULES_MAX 65536

/* Reads the size of the table and, by ANY, who chooses the slot */
static int rx_ntuple_count(struct net_device *dev, u32 *slots, u32 *used,
			   bool *any)
{
	struct ethtool_rxnfc nfc = { .cmd = ETHTOOL_GRXCLSRLCNT };
	int err;

	if (!dev->ethtool_ops->get_rxnfc)
		return -EOPNOTSUPP;
	err = dev->ethtool_ops->get_rxnfc(dev, &nfc, NULL);
	if (err)
		return err;
	*any = nfc.data & RX_CLS_LOC_SPECIAL;
	*slots = nfc.data & ~RX_CLS_LOC_SPECIAL;
	*used = nfc.rule_cnt;
	return 0;
}

/**
 * ankus_rx_ntuple_rules() - how many rules there are, whoever made them
 * @dev: the device
 *
 * Context: Under rtnl.  May sleep.
 * Return: as many as the driver tells.
 */
u32 ankus_rx_ntuple_rules(struct net_device *dev)
{
	u32 slots, used = 0;
	bool any;

	if (!dev->ethtool_ops || ankus_nic_begin(dev))
		return 0;
	if (rx_ntuple_count(dev, &slots, &used, &any))
		used = 0;
	ankus_nic_end(dev);
	return used;
}

static int rx_ntuple_probe(struct ankus_dev *ad, const char **reason)
{
	struct net_device *dev = ad->netdev;
	u32 slots, used;
	int err;

	if (!dev->ethtool_ops || !dev->ethtool_ops->set_rxnfc) {
		*reason = "the driver has no ntuple rules";
		return -EOPNOTSUPP;
	}
	if (!(dev->features & NETIF_F_NTUPLE) || ankus_rx_feature_ends(ad)) {
		*reason = dev->hw_features & NETIF_F_NTUPLE ?
			  "ntuple is off (ankus dev set DEV ntuple on)" :
			  "the driver has no ntuple rules";
		return -EOPNOTSUPP;
	}
	if (dev->real_num_rx_queues < 2) {
		*reason = "the device has one RX queue";
		return -EOPNOTSUPP;
	}
	err = ankus_nic_begin(dev);
	if (err) {
		*reason = "the device is not present";
		return err;
	}
	/* Drivers that cannot count their rules take them all the same */
	if (rx_ntuple_count(dev, &slots, &used, &ad->rx.any)) {
		slots = 0;
		ad->rx.any = true;
	}
	ankus_nic_end(dev);
	WRITE_ONCE(ad->rx.slots, slots);
	return 0;
}

static void rx_ntuple_spec_v4(const struct ankus_key *key,
			      struct ethtool_rx_flow_spec *fs)
{
	struct ethtool_tcpip4_spec *h = &fs->h_u.tcp_ip4_spec;
	struct ethtool_tcpip4_spec *m = &fs->m_u.tcp_ip4_spec;

	fs->flow_type = key->proto == IPPROTO_TCP ? TCP_V4_FLOW :
			key->proto == IPPROTO_UDP ? UDP_V4_FLOW : SCTP_V4_FLOW;
	h->ip4src = key->src.s6_addr32[0];
	h->ip4dst = key->dst.s6_addr32[0];
	h->psrc = key->sport;
	h->pdst = key->dport;
	m->ip4src = cpu_to_be32(~0U);
	m->ip4dst = cpu_to_be32(~0U);
	m->psrc = cpu_to_be16(0xffff);
	m->pdst = cpu_to_be16(0xffff);
}

static void rx_ntuple_spec_v6(const struct ankus_key *key,
			      struct ethtool_rx_flow_spec *fs)
{
	struct ethtool_tcpip6_spec *h = &fs->h_u.tcp_ip6_spec;
	struct ethtool_tcpip6_spec *m = &fs->m_u.tcp_ip6_spec;

	fs->flow_type = key->proto == IPPROTO_TCP ? TCP_V6_FLOW :
			key->proto == IPPROTO_UDP ? UDP_V6_FLOW : SCTP_V6_FLOW;
	memcpy(h->ip6src, &key->src, sizeof(h->ip6src));
	memcpy(h->ip6dst, &key->dst, sizeof(h->ip6dst));
	h->psrc = key->sport;
	h->pdst = key->dport;
	memset(m->ip6src, 0xff, sizeof(m->ip6src));
	memset(m->ip6dst, 0xff, sizeof(m->ip6dst));
	m->psrc = cpu_to_be16(0xffff);
	m->pdst = cpu_to_be16(0xffff);
}

static void rx_ntuple_spec(const struct ankus_key *key, unsigned int queue,
			   u32 location, struct ethtool_rxnfc *nfc)
{
	*nfc = (struct ethtool_rxnfc) { .cmd = ETHTOOL_SRXCLSRLINS };
	if (key->family == AF_INET)
		rx_ntuple_spec_v4(key, &nfc->fs);
	else
		rx_ntuple_spec_v6(key, &nfc->fs);
	nfc->fs.ring_cookie = queue;
	nfc->fs.location = location;
}

static int rx_ntuple_insert(struct ankus_dev *ad, struct ankus_flow *flow,
			    unsigned int queue, u32 *location)
{
	struct ethtool_rxnfc nfc;
	int err;

	rx_ntuple_spec(&flow->key, queue, *location, &nfc);
	err = ad->netdev->ethtool_ops->set_rxnfc(ad->netdev, &nfc);
	if (!err)
		*location = nfc.fs.location;
	/* a positive or odd code must not pass for success or for no error */
	return err > 0 || err < -MAX_ERRNO ? -EIO : err;
}

static int rx_ntuple_delete(struct net_device *dev, u32 location)
{
	struct ethtool_rxnfc nfc = {
		.cmd = ETHTOOL_SRXCLSRLDEL,
		.fs.location = location,
	};
	int err;

	/* drivers may change their operations with the mode they are in */
	if (!dev->ethtool_ops->set_rxnfc)
		return -EOPNOTSUPP;
	err = dev->ethtool_ops->set_rxnfc(dev, &nfc);
	return err > 0 || err < -MAX_ERRNO ? -EIO : err;
}

/* The slots with rules, whoever made them; to be freed when there is no error */
static u32 *rx_ntuple_list(struct net_device *dev, u32 *slots, u32 *used)
{
	struct ethtool_rxnfc nfc = { .cmd = ETHTOOL_GRXCLSRLALL };
	u32 *locations;
	bool any;
	int err;

	err = rx_ntuple_count(dev, slots, used, &any);
	if (err)
		return ERR_PTR(err);
	if (*used > RX_NTUPLE_RULES_MAX)
		return ERR_PTR(-E2BIG);
	locations = kvcalloc(max(*used, 1U), sizeof(*locations), GFP_KERNEL);
	if (!locations)
		return ERR_PTR(-ENOMEM);
	nfc.rule_cnt = *used;
	err = *used ? dev->ethtool_ops->get_rxnfc(dev, &nfc, locations) : 0;
	if (err) {
		kvfree(locations);
		return ERR_PTR(err);
	}
	*used = min(*used, nfc.rule_cnt);
	return locations;
}

/*
 * The free slot of lowest priority, where ethtool puts its rules too.
 * A table whose size is unknown or absurd is searched above the rules it has.
 */
static int rx_ntuple_free_slot(struct ankus_dev *ad, u32 *location)
{
	u32 slots, used, size, i;
	unsigned long *taken;
	u32 *locations;
	int err = -ENOSPC;

	locations = rx_ntuple_list(ad->netdev, &slots, &used);
	if (IS_ERR(locations))
		return PTR_ERR(locations);
	if (slots && used >= slots)
		goto out_list;
	size = slots && slots <= RX_NTUPLE_RULES_MAX ? slots : used + 1;
	taken = bitmap_zalloc(size, GFP_KERNEL);
	if (!taken) {
		err = -ENOMEM;
		goto out_list;
	}
	for (i = 0; i < used; i++)
		if (locations[i] < size)
			__set_bit(locations[i], taken);
	for (i = size; i-- > 0;) {
		if (!test_bit(i, taken)) {
			*location = i;
			err = 0;
			break;
		}
	}
	bitmap_free(taken);
out_list:
	kvfree(locations);
	return err;
}

/* Is what the driver tells the rule of a flow? */
static bool rx_ntuple_is_of(const struct ethtool_rx_flow_spec *fs,
			    const struct ankus_key *key)
{
	struct ethtool_rxnfc want;

	rx_ntuple_spec(key, 0, 0, &want);
	if ((fs->flow_type & ~(FLOW_EXT | FLOW_MAC_EXT | FLOW_RSS)) !=
	    want.fs.flow_type)
		return false;
	/* addresses and ports lead in both, then comes what we never set */
	return !memcmp(&fs->h_u, &want.fs.h_u, key->family == AF_INET ?
		       offsetof(struct ethtool_tcpip4_spec, tos) :
		       offsetof(struct ethtool_tcpip6_spec, tclass));
}

/*
 * Where a driver has put the rule that it was to find a slot for, and does not
 * tell: the one rule of the flow in the table.  When there is not just one, it
 * is nobody's, and the log has what to look for.
 */
static int rx_ntuple_locate(struct net_device *dev, const struct ankus_key *key,
			    u32 *location)
{
	u32 slots, used, i, found = 0;
	u32 *locations;

	locations = rx_ntuple_list(dev, &slots, &used);
	if (IS_ERR(locations))
		return PTR_ERR(locations);
	for (i = 0; i < used; i++) {
		struct ethtool_rxnfc nfc = {
			.cmd = ETHTOOL_GRXCLSRULE,
			.fs.location = locations[i],
		};

		if (!dev->ethtool_ops->get_rxnfc(dev, &nfc, NULL) &&
		    rx_ntuple_is_of(&nfc.fs, key)) {
			*location = locations[i];
			found++;
		}
	}
	kvfree(locations);
	return found == 1 ? 0 : -EPROTO;
}

static bool rx_ntuple_is_full(int err)
{
	return err == -ENOSPC || err == -EBUSY || err == -E2BIG;
}

/* The driver chooses the slot */
static int rx_ntuple_insert_any(struct ankus_dev *ad, struct ankus_flow *flow,
				unsigned int queue, u32 *location)
{
	int err;

	*location = RX_CLS_LOC_ANY;
	err = rx_ntuple_insert(ad, flow, queue, location);
	if (err || !(*location & RX_CLS_LOC_SPECIAL))
		return err;
	err = rx_ntuple_locate(ad->netdev, &flow->key, location);
	if (err)
		netdev_warn_once(ad->netdev,
				 "ankus: the driver does not tell where it put a rule; see ethtool -n\n");
	return err ? -EPROTO : 0;
}

static int rx_ntuple_add(struct ankus_dev *ad, struct ankus_flow *flow,
			 unsigned int queue, u32 *location)
{
	int any_err = -ENOSPC;
	int err;

	if (ad->rx.any) {
		any_err = rx_ntuple_insert_any(ad, flow, queue, location);
		if (!any_err || any_err == -EPROTO || rx_ntuple_is_full(any_err))
			return any_err;
	}
	err = rx_ntuple_free_slot(ad, location);
	if (!err)
		err = rx_ntuple_insert(ad, flow, queue, location);
	if (!err || ad->rx.any)
		return err && !rx_ntuple_is_full(err) ? any_err : err;
	if (err == -ENOSPC)
		return err;

	/* Some take nothing but RX_CLS_LOC_ANY without saying so */
	any_err = rx_ntuple_insert_any(ad, flow, queue, location);
	if (any_err)
		return any_err == -EPROTO ? any_err : err;
	ad->rx.any = true;
	return 0;
}

static int rx_ntuple_install(struct ankus_dev *ad, struct ankus_flow *flow,
			     struct ankus_pin *pin, unsigned int bin,
			     const char **reason)
{
	u32 location = pin->location;
	int err = -EOPNOTSUPP;

	*reason = "the driver has no ntuple rules";
	if (!ad->netdev->ethtool_ops->set_rxnfc)
		return err;
	if (!(ad->netdev->features & NETIF_F_NTUPLE)) {
		*reason = "ntuple is off (ankus dev set DEV ntuple on)";
		return err;
	}
	*reason = "the device is not present";
	err = ankus_nic_begin(ad->netdev);
	if (err)
		return err;

	/* A rule in a known slot is updated in place, if the driver does that */
	if (pin->installed) {
		err = rx_ntuple_insert(ad, flow, bin, &location);
		if (err) {
			err = rx_ntuple_delete(ad->netdev, pin->location);
			if (err && err != -ENOENT)
				goto out;
			pin->installed = false;
		}
	}
	if (!pin->installed)
		err = rx_ntuple_add(ad, flow, bin, &location);
	if (!err) {
		pin->installed = true;
		pin->location = location;
	}
out:
	ankus_nic_end(ad->netdev);
	if (rx_ntuple_is_full(err)) {
		*reason = "the rule table is full";
		return -ENOSPC;
	}
	*reason = "the device refused the rule";
	return err;
}

/* What drivers say of a slot without a rule */
static bool rx_ntuple_is_gone(int err)
{
	return err == -ENOENT || err == -EINVAL || err == -ERANGE;
}

/* Read the rule back: the same flow at the same place? */
static bool rx_ntuple_ours(struct ankus_dev *ad, struct ankus_flow *flow,
			   struct ankus_pin *pin)
{
	struct ethtool_rxnfc nfc = {
		.cmd = ETHTOOL_GRXCLSRULE,
		.fs.location = pin->location,
	};
	int err = ad->netdev->ethtool_ops->get_rxnfc(ad->netdev, &nfc, NULL);

	/* Without an answer, a driver that took the rule is taken at its word */
	if (err)
		return !rx_ntuple_is_gone(err);
	return rx_ntuple_is_of(&nfc.fs, &flow->key);
}

static bool rx_ntuple_present(struct ankus_dev *ad, struct ankus_flow *flow,
			      struct ankus_pin *pin)
{
	bool off = !(ad->netdev->features & NETIF_F_NTUPLE);
	bool ours = true;
	int err;

	if (ankus_nic_begin(ad->netdev))
		return true;
	if (ad->netdev->ethtool_ops->get_rxnfc)
		ours = rx_ntuple_ours(ad, flow, pin);
	/*
	 * Turning ntuple off is to flush the table.  Some drivers keep the
	 * rules, and steer by them, now or when it is on again: what is left
	 * of ours goes.
	 */
	if (off && ours) {
		err = rx_ntuple_delete(ad->netdev, pin->location);
		ours = err && !rx_ntuple_is_gone(err) && err != -EOPNOTSUPP;
	}
	ankus_nic_end(ad->netdev);
	return ours;
}

static int rx_ntuple_remove(struct ankus_dev *ad, struct ankus_flow *flow,
			    struct ankus_pin *pin)
{
	int err = ankus_nic_begin(ad->netdev);

	if (err)
		return err;
	err = rx_ntuple_delete(ad->netdev, pin->location);
	ankus_nic_end(ad->netdev);
	return err;
}

const struct ankus_backend_ops ankus_rx_ntuple_ops = {
	.name = "rx_ntuple",
	.id = ANKUS_BACKEND_NTUPLE,
	.kind = ANKUS_PIN_RXQ,
	.probe = rx_ntuple_probe,
	.bins = ankus_rx_queue_bins,
	.allowed = ankus_rx_queue_allowed,
	.dead = ankus_rx_queue_dead,
	.install = rx_ntuple_install,
	.remove = rx_ntuple_remove,
	.present = rx_ntuple_present,
	.verify = ankus_rx_queue_verify,
};
