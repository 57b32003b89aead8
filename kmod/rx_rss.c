// SPDX-License-Identifier: GPL-2.0
/*
 * RX queue pins by buckets of the RSS indirection table (ethtool -X), as RSS++
 * moves them (Barbette et al., CoNEXT 2019), and queues kept out of it.
 *
 * A flow's bucket is known from the driver's key and the fields that it says
 * are hashed.  All flows of a bucket move together, so a bucket is pinned for
 * one flow, and whoever shares it is told so.
 *
 * Others may change the table: theirs stays, and nothing of ours is written
 * again before an operator says a word or sets the default.  Drivers change it
 * too, with the number of queues or at a reset: that is the new table to begin
 * with.  The two differ in whether the table counts as set by a user.
 */
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "compat.h"
#include "nic.h"
#include "rx_queue.h"
#include "rx_rss.h"
#include "toeplitz.h"

/* Larger tables are not believed */
#define RSS_SIZE_MAX	65536
/* Looks at a table of ours that nothing else gives a reason for */
#define RSS_LOOK_NS	NSEC_PER_SEC

#define RSS_IP		(RXH_IP_SRC | RXH_IP_DST)
#define RSS_L4		(RSS_IP | RXH_L4_B_0_1 | RXH_L4_B_2_3)

enum { RSS_HASHED_UNKNOWN, RSS_HASHED_IP, RSS_HASHED_L4 };

static const char rss_foreign[] =
	"somebody else has changed the RSS table (ethtool -X)";

static const char *rss_no_ops(const struct net_device *dev)
{
	const struct ethtool_ops *ops = dev->ethtool_ops;

	if (!ops || !ops->get_rxfh_indir_size || !ops->get_rxfh ||
	    !ops->set_rxfh)
		return "the driver has no RSS table";
	if (dev->real_num_rx_queues < 2)
		return "the device has one RX queue";
	return NULL;
}

static u32 rss_size(struct net_device *dev)
{
	u32 size = dev->ethtool_ops->get_rxfh_indir_size(dev);

	return size > RSS_SIZE_MAX ? 0 : size;
}

/**
 * ankus_rx_rss_fixed() - can the RSS table of a device be changed?
 * @dev: the device
 *
 * Context: Under rtnl.  May sleep.
 * Return: NULL if it can, else why not, a string constant.
 */
const char *ankus_rx_rss_fixed(struct net_device *dev)
{
	const char *reason = rss_no_ops(dev);
	u32 size;

	if (reason)
		return reason;
	if (ankus_nic_begin(dev))
		return "the device is not present";
	size = rss_size(dev);
	ankus_nic_end(dev);
	return size ? NULL : "the driver has no RSS table";
}

static u32 rss_key_len(struct net_device *dev)
{
	return dev->ethtool_ops->get_rxfh_key_size ?
	       dev->ethtool_ops->get_rxfh_key_size(dev) : 0;
}

/* Reads table and key into their places for that */
static int rss_read(struct net_device *dev, struct ankus_rss *rss,
		    struct ethtool_rxfh_param *rxfh)
{
	int err;

	if (rss_size(dev) != rss->table.size || rss_key_len(dev) != rss->key_len)
		return -ESTALE;
	*rxfh = (struct ethtool_rxfh_param) {
		.indir = rss->table.seen,
		.indir_size = rss->table.size,
		.key = rss->key_len ? rss->key + rss->key_len : NULL,
		.key_size = rss->key_len,
	};
	ankus_rss_lock(dev);
	err = ankus_get_rxfh(dev, rxfh);
	ankus_rss_unlock(dev);
	return err > 0 ? -EIO : err;
}

/* Pins of buckets that are not ours any more: the steer work is to see to it */
static void rss_lost(struct ankus_dev *ad)
{
	struct ankus_rss *rss = ad->rx.rss;
	struct ankus_flow *flow;

	mutex_lock(&ad->an->lock);
	ankus_active_for_each(&ad->flows, flow) {
		struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];

		if (pin->installed && pin->by == &ankus_rx_rss_ops)
			pin->recheck = true;
	}
	ad->count[ANKUS_RULES_LOST] += rss->apart;
	mutex_unlock(&ad->an->lock);
	WRITE_ONCE(rss->apart, false);
	WRITE_ONCE(rss->dirty, true);
}

/* The NIC has another key: what packets carried before is no use */
static void rss_forget_hashes(struct ankus_dev *ad)
{
	struct ankus_flow *flow;

	mutex_lock(&ad->an->lock);
	ankus_active_for_each(&ad->flows, flow)
		WRITE_ONCE(flow->ctl->rx.nic_hash, 0);
	mutex_unlock(&ad->an->lock);
}

/*
 * With another number of queues, drivers make a new table, or see to it that the
 * NIC goes by the old one.  virtio_net did neither before 6.13: the device hashes
 * no more until it is given a table.
 */
static void rss_count_queues(struct ankus_dev *ad)
{
	u32 queues = ad->netdev->real_num_rx_queues;
	struct ankus_rss *rss = ad->rx.rss;

	if (rss->queues && rss->queues != queues)
		WRITE_ONCE(rss->again, true);
	WRITE_ONCE(rss->queues, queues);
}

/* Is what was read what is known?  If not, it is the table to begin with. */
static void rss_compare(struct ankus_dev *ad)
{
	struct ankus_rss *rss = ad->rx.rss;
	bool theirs = netif_is_rxfh_configured(ad->netdev);
	struct ankus_rss_table *table = &rss->table;
	bool lost = false;

	if (!theirs)
		WRITE_ONCE(rss->foreign, false);
	if (!ankus_rss_table_is(table, table->seen, table->ours)) {
		lost = ankus_rss_table_unpin(table) || rss->active;
		ankus_rss_table_start(table, table->seen);
		WRITE_ONCE(rss->active, false);
		if (lost)
			WRITE_ONCE(rss->foreign, theirs);
	}
	if (rss->key_len &&
	    memcmp(rss->key, rss->key + rss->key_len, rss->key_len)) {
		memcpy(rss->key, rss->key + rss->key_len, rss->key_len);
		lost |= !!ankus_rss_table_unpin(table);
		rss_forget_hashes(ad);
	}
	rss_count_queues(ad);
	WRITE_ONCE(rss->look_ns, ktime_get_ns());
	if (lost)
		rss_lost(ad);
}

/* Room for a table and a key of other sizes than before */
static int rss_resize(struct ankus_dev *ad, u32 size, u32 key_len)
{
	struct ankus_rss *rss = ad->rx.rss;
	bool lost = rss->active;
	u8 *key = NULL;

	if (size == rss->table.size && key_len == rss->key_len)
		return 0;
	if (rss->table.size)
		lost |= !!ankus_rss_table_unpin(&rss->table);
	ankus_rss_table_destroy(&rss->table);
	kfree(rss->key);
	rss->key = NULL;
	rss->key_len = 0;
	WRITE_ONCE(rss->active, false);
	if (lost)
		rss_lost(ad);
	if (key_len) {
		key = kcalloc(2, key_len, GFP_KERNEL_ACCOUNT);
		if (!key)
			return -ENOMEM;
	}
	if (size && ankus_rss_table_init(&rss->table, size)) {
		kfree(key);
		return -ENOMEM;
	}
	rss->key = key;
	rss->key_len = key_len;
	return 0;
}

/* In the order of enum ankus_flow_type's bits */
static const u32 rss_ethtool_type[ANKUS_FLOW_TYPES] = {
	TCP_V4_FLOW, UDP_V4_FLOW, SCTP_V4_FLOW,
	TCP_V6_FLOW, UDP_V6_FLOW, SCTP_V6_FLOW,
};

static void rss_read_fields(struct net_device *dev, struct ankus_rss *rss)
{
	unsigned int i;
	u64 data;

	for (i = 0; i < ANKUS_FLOW_TYPES; i++) {
		data = 0;
		if (ankus_get_rxfh_fields(dev, rss_ethtool_type[i], &data))
			data = 0;
		rss->hashed[i] = data == RSS_IP ? RSS_HASHED_IP :
				 data == RSS_L4 ? RSS_HASHED_L4 :
						  RSS_HASHED_UNKNOWN;
	}
}

static const char *rss_discover(struct ankus_dev *ad, const char **fixed)
{
	struct net_device *dev = ad->netdev;
	struct ankus_rss *rss = ad->rx.rss;
	struct ethtool_rxfh_param rxfh;
	u32 size = rss_size(dev);
	int err;

	*fixed = "out of memory";
	if (rss_resize(ad, size, rss_key_len(dev)))
		return *fixed;
	*fixed = "the driver has no RSS table";
	if (!size)
		return *fixed;
	*fixed = "the driver does not tell its RSS table";
	err = rss_read(dev, rss, &rxfh);
	if (err)
		return *fixed;
	*fixed = NULL;
	rss_read_fields(dev, rss);
	if (!is_power_of_2(size))
		return "the size of the RSS table is no power of two";
	if (rxfh.hfunc != ETH_RSS_HASH_TOP)
		return "the NIC does not hash by Toeplitz";
	if (rxfh.input_xfrm && rxfh.input_xfrm != RXH_XFRM_NO_CHANGE)
		return "the NIC hashes both directions alike";
	return NULL;
}

/**
 * ankus_rx_rss_discover() - look anew at what a device's RSS is
 * @ad: the device
 *
 * Context: Under rtnl, without ankus_net::lock, not in a notifier.
 */
void ankus_rx_rss_discover(struct ankus_dev *ad)
{
	struct ankus_rss *rss = ad->rx.rss;
	const char *fixed, *reason;

	ASSERT_RTNL();

	fixed = rss_no_ops(ad->netdev);
	reason = fixed;
	if (!fixed && ankus_nic_begin(ad->netdev)) {
		/* what was known is looked at when it is back */
		fixed = "the device is not present";
		reason = fixed;
	} else if (!fixed) {
		reason = rss_discover(ad, &fixed);
		ankus_nic_end(ad->netdev);
		if (!fixed)
			rss_compare(ad);
	}
	WRITE_ONCE(rss->fixed, fixed);
	WRITE_ONCE(rss->reason, reason);
	WRITE_ONCE(rss->dirty, true);
}

/**
 * ankus_rx_rss_blocked() - is the table left to somebody else?
 * @ad: the device
 *
 * Context: Any.
 * Return: why nothing is pinned by it for now, a string constant, or NULL.
 */
const char *ankus_rx_rss_blocked(const struct ankus_dev *ad)
{
	return READ_ONCE(ad->rx.rss->foreign) ? rss_foreign : NULL;
}

/**
 * ankus_rx_rss_forgive() - an operator speaks: whose the table was is forgotten
 * @ad: the device
 *
 * Context: Under rtnl.
 */
void ankus_rx_rss_forgive(struct ankus_dev *ad)
{
	WRITE_ONCE(ad->rx.rss->foreign, false);
	WRITE_ONCE(ad->rx.rss->error, 0);
}

/* Are the queues for elephants to be theirs alone? */
static bool rss_apart(const struct ankus_dev *ad)
{
	return ad->cfg.rx_dedicated && ad->cfg.mode == ANKUS_MODE_STEER &&
	       !ad->draining && !READ_ONCE(ad->rx.rss->foreign);
}

/**
 * ankus_rx_rss_due() - is the table to be looked at?
 * @ad: the device
 * @now_ns: time
 *
 * Context: Under ankus_net::lock.
 * Return: true if the steer work is to do so.
 */
bool ankus_rx_rss_due(const struct ankus_dev *ad, u64 now_ns)
{
	const struct ankus_rss *rss = ad->rx.rss;
	bool again = now_ns >= READ_ONCE(rss->look_ns) + RSS_LOOK_NS;

	if (READ_ONCE(rss->fixed))
		return false;
	if (READ_ONCE(rss->active) || READ_ONCE(rss->foreign))
		return again || READ_ONCE(rss->queues) !=
				READ_ONCE(ad->netdev->real_num_rx_queues) ||
		       (READ_ONCE(rss->apart) != rss_apart(ad) &&
			!READ_ONCE(rss->error));
	return rss_apart(ad) && (again || READ_ONCE(rss->dirty));
}

static u32 rss_compute(const struct ankus_rss *rss,
		       const struct ankus_flow *flow)
{
	bool l4 = rss->hashed[ankus_flow_type_bit(&flow->key)] == RSS_HASHED_L4;
	u8 common[NETDEV_RSS_KEY_LEN];

	if (rss->key_len)
		return ankus_toeplitz_flow(rss->key, rss->key_len, &flow->key,
					   l4);
	/* drivers that tell no key mostly use the kernel's own */
	netdev_rss_key_fill(common, sizeof(common));
	return ankus_toeplitz_flow(common, sizeof(common), &flow->key, l4);
}

/*
 * The flows that go where their bucket goes, although it is pinned for another.
 * Whoever plans where that one goes has to know, also of those that may not be
 * pinned.  A look a second is enough: what was placed stays for longer.
 */
static void rss_go_along(struct ankus_dev *ad)
{
	struct ankus_rss *rss = ad->rx.rss;
	struct ankus_flow *flow;
	bool pinned;

	pinned = rss->table.size && ankus_rss_table_touched(&rss->table);
	mutex_lock(&ad->an->lock);
	ankus_active_for_each(&ad->flows, flow) {
		struct ankus_rx_try *try = &flow->ctl->rx;
		u32 hash = READ_ONCE(try->nic_hash);

		try->along = 0;
		if (!pinned || flow->ctl->pin[ANKUS_PIN_RXQ].installed ||
		    rss->hashed[ankus_flow_type_bit(&flow->key)] ==
		    RSS_HASHED_UNKNOWN)
			continue;
		hash = (hash ?: rss_compute(rss, flow)) & (rss->table.size - 1);
		try->along = rss->table.slot[hash].flow;
	}
	mutex_unlock(&ad->an->lock);
}

/**
 * ankus_rx_rss_look() - does the NIC still have the table that it was given?
 * @ad: the device
 *
 * Context: Under rtnl, without ankus_net::lock.  May sleep.
 */
void ankus_rx_rss_look(struct ankus_dev *ad)
{
	struct ankus_rss *rss = ad->rx.rss;
	struct ethtool_rxfh_param rxfh;
	int err;

	ASSERT_RTNL();

	if (rss->fixed)
		return;
	/* what comes back is looked at then */
	WRITE_ONCE(rss->look_ns, ktime_get_ns());
	rss_count_queues(ad);
	if (ankus_nic_begin(ad->netdev))
		return;
	err = rss_read(ad->netdev, rss, &rxfh);
	ankus_nic_end(ad->netdev);
	if (err == -ESTALE)
		ankus_rx_rss_discover(ad);
	else if (!err)
		rss_compare(ad);
	rss_go_along(ad);
}

/**
 * ankus_rx_rss_keep() - a batch of changes begins
 * @ad: the device
 *
 * Context: Under rtnl.
 */
void ankus_rx_rss_keep(struct ankus_dev *ad)
{
	if (ad->rx.rss->table.size)
		ankus_rss_table_keep(&ad->rx.rss->table);
}

/* In between nobody else writes: read, compare, write, read again */
static int rss_write(struct ankus_dev *ad, const char **reason)
{
	struct ankus_rss_table *table = &ad->rx.rss->table;
	struct net_device *dev = ad->netdev;
	struct ethtool_rxfh_param rxfh;
	int err;

	err = rss_read(dev, ad->rx.rss, &rxfh);
	*reason = "the driver does not tell its RSS table";
	if (err)
		return err;
	*reason = rss_foreign;
	if (!ankus_rss_table_is(table, table->seen, table->ours))
		return -EAGAIN;
	*reason = "the device refused the RSS table";
	ankus_rss_lock(dev);
	err = ankus_set_rxfh_indir(dev, table->want, table->size);
	ankus_rss_unlock(dev);
	if (err)
		return err > 0 || err < -MAX_ERRNO || err == -EAGAIN ? -EIO : err;
	if (rss_read(dev, ad->rx.rss, &rxfh) ||
	    ankus_rss_table_is(table, table->seen, table->want))
		return 0;
	/* a table that is not the one asked for is no better than none */
	ankus_rss_lock(dev);
	ankus_set_rxfh_indir(dev, table->ours, table->size);
	ankus_rss_unlock(dev);
	*reason = "the device did not take the RSS table as it is";
	return -EIO;
}

/**
 * ankus_rx_rss_commit() - give the NIC the table that pins and queues ask for
 * @ad: the device
 * @reason: set to what went wrong
 *
 * Context: Under rtnl, without ankus_net::lock.  May sleep.
 * Return: 0; -EAGAIN when the table had been changed, of which nothing is ours
 * then; or -errno, then the pins are as at ankus_rx_rss_keep().
 */
int ankus_rx_rss_commit(struct ankus_dev *ad, const char **reason)
{
	struct ankus_rss *rss = ad->rx.rss;
	struct ankus_rss_table *table = &rss->table;
	bool apart = rss_apart(ad);
	bool again;
	u32 moved;
	int err;

	if (rss->fixed || !table->size)
		return 0;
	moved = ankus_rss_table_plan(table, apart ? &ad->cfg.rx : NULL,
				     ad->netdev->real_num_rx_queues);
	WRITE_ONCE(rss->dirty, false);
	again = READ_ONCE(rss->again) && ankus_rss_table_touched(table);
	WRITE_ONCE(rss->again, false);
	if (again || !ankus_rss_table_is(table, table->want, table->ours)) {
		*reason = "the device is not present";
		err = ankus_nic_begin(ad->netdev);
		if (!err) {
			err = rss_write(ad, reason);
			ankus_nic_end(ad->netdev);
		}
		WRITE_ONCE(rss->error, err == -EAGAIN ? 0 : err);
		if (err == -EAGAIN)
			rss_compare(ad);
		else if (err)
			ankus_rss_table_undo(table);
		if (err)
			return err;
	}
	WRITE_ONCE(rss->active, ankus_rss_table_written(table, apart));
	WRITE_ONCE(rss->apart, apart);
	WRITE_ONCE(rss->moved, moved);
	return 0;
}

/**
 * ankus_rx_rss_drop() - let go of the bucket of a flow, whatever it is
 * @ad: the device
 * @flow: the flow
 *
 * Context: Under rtnl.
 */
void ankus_rx_rss_drop(struct ankus_dev *ad, const struct ankus_flow *flow)
{
	struct ankus_rss_table *table = &ad->rx.rss->table;
	u32 i;

	for (i = 0; i < table->size; i++)
		if (table->slot[i].flow == flow->id)
			table->slot[i] = (struct ankus_rss_slot) {};
}

/**
 * ankus_rx_rss_clean() - is nothing of ours in the device's RSS table?
 * @ad: the device
 *
 * Context: Any.
 * Return: true if it is as others have made it.
 */
bool ankus_rx_rss_clean(const struct ankus_dev *ad)
{
	return !READ_ONCE(ad->rx.rss->active);
}

static int rx_rss_probe(struct ankus_dev *ad, const char **reason)
{
	/* found by ankus_rx_rss_discover() before */
	*reason = ad->rx.rss->reason;
	return *reason ? -EOPNOTSUPP : 0;
}

/* The hash of the flow's packets, as the NIC has it */
static int rss_hash(struct ankus_dev *ad, const struct ankus_flow *flow,
		    u32 *hash, const char **reason)
{
	u32 told = READ_ONCE(flow->ctl->rx.nic_hash);
	struct ankus_rss *rss = ad->rx.rss;
	int err;

	*reason = "the driver does not tell what is hashed of such flows";
	if (rss->hashed[ankus_flow_type_bit(&flow->key)] == RSS_HASHED_UNKNOWN)
		return -EOPNOTSUPP;
	*hash = told;
	if (told && !rss->key_len)
		return 0;
	*hash = rss_compute(rss, flow);
	if (!told || told == *hash)
		return 0;
	/* may other fields be hashed than when it was last asked? */
	*reason = "the device is not present";
	err = ankus_nic_begin(ad->netdev);
	if (err)
		return err;
	rss_read_fields(ad->netdev, rss);
	ankus_nic_end(ad->netdev);
	*hash = rss_compute(rss, flow);
	*reason = "the NIC hashes otherwise than its driver tells";
	return told == *hash ? 0 : -EOPNOTSUPP;
}

static int rx_rss_install(struct ankus_dev *ad, struct ankus_flow *flow,
			  struct ankus_pin *pin, unsigned int bin,
			  const char **reason)
{
	struct ankus_rss *rss = ad->rx.rss;
	struct ankus_rss_slot *slot;
	u32 hash, bucket;
	int err;

	*reason = rss->reason;
	if (rss->reason)
		return -EOPNOTSUPP;
	*reason = rss_foreign;
	if (rss->foreign)
		return -EBUSY;
	*reason = "the device has no such queue";
	if (bin >= ad->netdev->real_num_rx_queues)
		return -ERANGE;
	bucket = pin->location;
	if (!pin->installed) {
		err = rss_hash(ad, flow, &hash, reason);
		if (err)
			return err;
		bucket = hash & (rss->table.size - 1);
	}
	slot = &rss->table.slot[bucket];
	if (slot->flow && slot->flow != flow->id) {
		WRITE_ONCE(flow->ctl->rx.shared, slot->flow);
		*reason = "its RSS bucket is pinned for another flow";
		return -ENOSPC;
	}
	*slot = (struct ankus_rss_slot) { .flow = flow->id, .queue = bin };
	pin->location = bucket;
	pin->installed = true;
	return 0;
}

static int rx_rss_remove(struct ankus_dev *ad, struct ankus_flow *flow,
			 struct ankus_pin *pin)
{
	ankus_rx_rss_drop(ad, flow);
	return 0;
}

static bool rx_rss_present(struct ankus_dev *ad, struct ankus_flow *flow,
			   struct ankus_pin *pin)
{
	const struct ankus_rss_table *table = &ad->rx.rss->table;

	return pin->location < table->size &&
	       table->slot[pin->location].flow == flow->id;
}

static enum ankus_proof rx_rss_verify(struct ankus_dev *ad,
				      struct ankus_flow *flow,
				      struct ankus_pin *pin)
{
	enum ankus_proof proof = ankus_rx_queue_verify(ad, flow, pin);

	/* Does the NIC go by the table?  The next look for it will write it. */
	if (proof == ANKUS_PROOF_AGAINST && pin->misses == 1)
		WRITE_ONCE(ad->rx.rss->again, true);
	return proof;
}

const struct ankus_backend_ops ankus_rx_rss_ops = {
	.name = "rx_rss",
	.id = ANKUS_BACKEND_RSS,
	.kind = ANKUS_PIN_RXQ,
	.probe = rx_rss_probe,
	.bins = ankus_rx_queue_bins,
	.allowed = ankus_rx_queue_allowed,
	.dead = ankus_rx_queue_dead,
	.install = rx_rss_install,
	.remove = rx_rss_remove,
	.present = rx_rss_present,
	.verify = rx_rss_verify,
};
