// SPDX-License-Identifier: GPL-2.0
/* The ntuple table: rules by location, the lowest that matches wins */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/in.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "simnic.h"
#include "compat.h"

#define SIMNIC_DELAY_MAX_US	(10 * USEC_PER_SEC)

/**
 * struct simnic_rule - one slot in use
 * @list: in simnic_table::rules; locked as it
 * @rcu: readers may hold a deleted rule
 * @fs: as it was inserted
 * @value: to compare with, zero where @mask is
 * @mask: bits that are compared
 * @lax: @mask without the fields that it covers in part
 * @dead: never matches: inserted while the feature was off
 */
struct simnic_rule {
	struct list_head list;
	struct rcu_head rcu;
	struct ethtool_rx_flow_spec fs;
	struct simnic_key value;
	struct simnic_key mask;
	struct simnic_key lax;
	bool dead;
};

/* Tables of devices that are gone, for devices of the same name: as of hardware
 * that keeps them while nobody drives it.
 */
static LIST_HEAD(simnic_kept);	/* under rtnl */

/* Context: that of the driver's operations */
static struct simnic_table *table_of(struct simnic *nic)
{
	return rcu_dereference_protected(nic->table, compat_dev_locked(nic->dev));
}

static bool key_match(const struct simnic_key *key,
		      const struct simnic_key *value,
		      const struct simnic_key *mask)
{
	const u32 *k = (const u32 *)key, *v = (const u32 *)value;
	const u32 *m = (const u32 *)mask;
	unsigned int i;

	for (i = 0; i < sizeof(*key) / sizeof(*k); i++)
		if ((k[i] & m[i]) != (v[i] & m[i]))
			return false;
	return true;
}

/* Where a rule sends what it matches.  Context: RCU read side */
static u64 rule_cookie(struct simnic *nic, const struct simnic_rule *rule)
{
	u64 cookie = rule->fs.ring_cookie;

	if (simnic_quirk(nic, SIMNIC_STRAY_OUTSIDE_RSS) &&
	    cookie != RX_CLS_FLOW_DISC && !simnic_rss_has(nic, cookie))
		return get_random_u32() % READ_ONCE(nic->dev->real_num_rx_queues);
	return cookie;
}

/* Context: RCU read side */
bool simnic_ntuple_match(struct simnic *nic, const struct simnic_key *key,
			 u64 *cookie)
{
	bool lax = simnic_quirk(nic, SIMNIC_IGNORE_MASK);
	bool any_proto = simnic_quirk(nic, SIMNIC_IGNORE_PROTO);
	const struct simnic_table *table = rcu_dereference(nic->table);
	const struct simnic_rule *rule;
	struct simnic_key without;

	if (simnic_quirk(nic, SIMNIC_NO_STEER) ||
	    (key->extras && simnic_quirk(nic, SIMNIC_MISS_EXTRAS)) ||
	    (rcu_access_pointer(nic->dev->xdp_prog) &&
	     simnic_quirk(nic, SIMNIC_XDP_NO_STEER)))
		return false;

	list_for_each_entry_rcu(rule, &table->rules, list) {
		const struct simnic_key *mask = lax ? &rule->lax : &rule->mask;

		if (rule->dead)
			continue;
		if (rule->value.ip_version == 6 &&
		    simnic_quirk(nic, SIMNIC_NO_STEER_V6))
			continue;
		if (any_proto) {
			without = *mask;
			without.proto = 0;
			mask = &without;
		}
		if (!key_match(key, &rule->value, mask))
			continue;
		*cookie = rule_cookie(nic, rule);
		return true;
	}
	return false;
}

static void spec_ip4(struct simnic_key *key, const struct ethtool_tcpip4_spec *s)
{
	key->src[0] = s->ip4src;
	key->dst[0] = s->ip4dst;
	key->sport = s->psrc;
	key->dport = s->pdst;
	key->tos = s->tos;
}

static void spec_usr_ip4(struct simnic_key *key,
			 const struct ethtool_usrip4_spec *s)
{
	key->src[0] = s->ip4src;
	key->dst[0] = s->ip4dst;
	memcpy(&key->sport, &s->l4_4_bytes, sizeof(key->sport));
	memcpy(&key->dport, (const u8 *)&s->l4_4_bytes + sizeof(key->sport),
	       sizeof(key->dport));
	key->tos = s->tos;
	key->proto = s->proto;
}

static void spec_ip6(struct simnic_key *key, const struct ethtool_tcpip6_spec *s)
{
	memcpy(key->src, s->ip6src, sizeof(key->src));
	memcpy(key->dst, s->ip6dst, sizeof(key->dst));
	key->sport = s->psrc;
	key->dport = s->pdst;
	key->tos = s->tclass;
}

static void spec_usr_ip6(struct simnic_key *key,
			 const struct ethtool_usrip6_spec *s)
{
	memcpy(key->src, s->ip6src, sizeof(key->src));
	memcpy(key->dst, s->ip6dst, sizeof(key->dst));
	memcpy(&key->sport, &s->l4_4_bytes, sizeof(key->sport));
	memcpy(&key->dport, (const u8 *)&s->l4_4_bytes + sizeof(key->sport),
	       sizeof(key->dport));
	key->tos = s->tclass;
	key->proto = s->l4_proto;
}

static void spec_ether(struct simnic_key *key, const struct ethhdr *s)
{
	ether_addr_copy(key->smac, s->h_source);
	ether_addr_copy(key->dmac, s->h_dest);
	key->ethertype = s->h_proto;
}

static int spec_parse(const struct ethtool_rx_flow_spec *fs,
		      struct simnic_key *value, struct simnic_key *mask)
{
	u8 ip_version = 0, proto = 0;

	switch (fs->flow_type) {
	case TCP_V4_FLOW:
	case UDP_V4_FLOW:
	case SCTP_V4_FLOW:
		spec_ip4(value, &fs->h_u.tcp_ip4_spec);
		spec_ip4(mask, &fs->m_u.tcp_ip4_spec);
		ip_version = 4;
		proto = fs->flow_type == TCP_V4_FLOW ? IPPROTO_TCP :
			fs->flow_type == UDP_V4_FLOW ? IPPROTO_UDP :
						       IPPROTO_SCTP;
		break;
	case TCP_V6_FLOW:
	case UDP_V6_FLOW:
	case SCTP_V6_FLOW:
		spec_ip6(value, &fs->h_u.tcp_ip6_spec);
		spec_ip6(mask, &fs->m_u.tcp_ip6_spec);
		ip_version = 6;
		proto = fs->flow_type == TCP_V6_FLOW ? IPPROTO_TCP :
			fs->flow_type == UDP_V6_FLOW ? IPPROTO_UDP :
						       IPPROTO_SCTP;
		break;
	case IPV4_USER_FLOW:
		if (fs->h_u.usr_ip4_spec.ip_ver != ETH_RX_NFC_IP4)
			return -EINVAL;
		spec_usr_ip4(value, &fs->h_u.usr_ip4_spec);
		spec_usr_ip4(mask, &fs->m_u.usr_ip4_spec);
		ip_version = 4;
		break;
	case IPV6_USER_FLOW:
		spec_usr_ip6(value, &fs->h_u.usr_ip6_spec);
		spec_usr_ip6(mask, &fs->m_u.usr_ip6_spec);
		ip_version = 6;
		break;
	case ETHER_FLOW:
		spec_ether(value, &fs->h_u.ether_spec);
		spec_ether(mask, &fs->m_u.ether_spec);
		break;
	default:
		/* other protocols; VLAN, MAC and RSS extensions */
		return -EOPNOTSUPP;
	}

	if (ip_version) {
		value->ip_version = ip_version;
		mask->ip_version = 0xff;
	}
	if (proto) {
		value->proto = proto;
		mask->proto = 0xff;
	}
	/* A fragment's ports are not known, so it matches no port. */
	if (mask->sport || mask->dport)
		mask->fragment = 0xff;
	return 0;
}

static void lax_field(void *mask, size_t size)
{
	if (memchr_inv(mask, 0xff, size))
		memset(mask, 0, size);
}

static void lax_mask(const struct simnic_rule *rule, struct simnic_key *lax)
{
	size_t addr_size = rule->value.ip_version == 4 ? 4 : 16;

	*lax = rule->mask;
	lax_field(lax->src, addr_size);
	lax_field(lax->dst, addr_size);
	lax_field(&lax->sport, sizeof(lax->sport));
	lax_field(&lax->dport, sizeof(lax->dport));
	lax_field(lax->smac, sizeof(lax->smac));
	lax_field(lax->dmac, sizeof(lax->dmac));
	lax_field(&lax->ethertype, sizeof(lax->ethertype));
	lax_field(&lax->proto, sizeof(lax->proto));
	lax_field(&lax->tos, sizeof(lax->tos));
}

static struct simnic_rule *rule_create(const struct ethtool_rx_flow_spec *fs)
{
	struct simnic_rule *rule;
	const u32 *m;
	unsigned int i;
	u32 *v;
	int err;

	rule = kzalloc(sizeof(*rule), GFP_KERNEL);
	if (!rule)
		return ERR_PTR(-ENOMEM);
	rule->fs = *fs;
	err = spec_parse(fs, &rule->value, &rule->mask);
	if (err) {
		kfree(rule);
		return ERR_PTR(err);
	}
	v = (u32 *)&rule->value;
	m = (const u32 *)&rule->mask;
	for (i = 0; i < sizeof(rule->value) / sizeof(*v); i++)
		v[i] &= m[i];
	lax_mask(rule, &rule->lax);
	return rule;
}

static bool rule_same_match(struct simnic *nic, const struct simnic_rule *a,
			    const struct simnic_rule *b)
{
	struct simnic_key value = a->value;

	if (simnic_quirk(nic, SIMNIC_IGNORE_PROTO))
		value.proto = b->value.proto;
	else if (a->fs.flow_type != b->fs.flow_type)
		return false;
	return !memcmp(&value, &b->value, sizeof(value)) &&
	       !memcmp(&a->mask, &b->mask, sizeof(a->mask));
}

/* What drivers say when there is no room */
static int full_errno(struct simnic *nic, int err)
{
	if (simnic_quirk(nic, SIMNIC_FULL_EINVAL))
		return -EINVAL;
	return simnic_quirk(nic, SIMNIC_FULL_EBUSY) ? -EBUSY : err;
}

/* Gives the rule its location and its place in the list. */
static int rule_place(struct simnic *nic, struct simnic_table *table,
		      struct simnic_rule *rule)
{
	bool any = rule->fs.location == RX_CLS_LOC_ANY;
	u32 slots = READ_ONCE(nic->slots), location;
	struct list_head *place = &table->rules;
	struct simnic_rule *other;

	lockdep_assert_held(&table->lock);

	if (simnic_quirk(nic, any ? SIMNIC_LOC_ANY_REFUSED : SIMNIC_LOC_ANY_ONLY))
		return -EINVAL;
	if (any && simnic_quirk(nic, SIMNIC_LOC_ANY_ENOSPC))
		return -ENOSPC;
	if (simnic_quirk(nic, SIMNIC_TABLE_FULL))
		return full_errno(nic, -ENOSPC);
	location = any ? 0 : rule->fs.location;
	if (location & RX_CLS_LOC_SPECIAL)
		return -EINVAL;

	list_for_each_entry(other, &table->rules, list) {
		if (!simnic_quirk(nic, SIMNIC_DUP_RULES) &&
		    rule_same_match(nic, rule, other))
			return -EEXIST;
		if (other->fs.location == location) {
			if (!any)
				return -EBUSY;
			location++;
		}
		if (other->fs.location > location && place == &table->rules)
			place = &other->list;
	}
	if (location >= slots)
		return any ? full_errno(nic, -ENOSPC) : -EINVAL;

	rule->fs.location = location;
	list_add_tail_rcu(&rule->list, place);
	return 0;
}

static int injected_error(struct simnic *nic)
{
	if (simnic_quirk(nic, SIMNIC_INSERT_EIO))
		return -EIO;
	if (!READ_ONCE(nic->insert_errno))
		return 0;
	if (READ_ONCE(nic->fail_after)) {
		WRITE_ONCE(nic->fail_after, nic->fail_after - 1);
		return 0;
	}
	return -(int)min_t(u32, READ_ONCE(nic->insert_errno), MAX_ERRNO);
}

static void rule_delete(struct simnic_table *table, struct simnic_rule *rule)
{
	lockdep_assert_held(&table->lock);

	list_del_rcu(&rule->list);
	kfree_rcu(rule, rcu);
	table->n_rules--;
	table->deleted++;
}

/* What happens to a device while it is asked for something, once.
 * Context: the locks of the driver's operations
 */
static int happen(struct simnic *nic)
{
	u32 channels = READ_ONCE(nic->insert_channels);

	if (channels) {
		WRITE_ONCE(nic->insert_channels, 0);
		return simnic_set_queues(nic, min(channels, nic->dev->num_tx_queues),
					 min(channels, nic->dev->num_rx_queues));
	}
	if (READ_ONCE(nic->insert_detaches)) {
		WRITE_ONCE(nic->insert_detaches, 0);
		netif_device_detach(nic->dev);
		return -ENODEV;
	}
	return 0;
}

static int insert(struct simnic *nic, struct ethtool_rx_flow_spec *fs)
{
	bool on = nic->dev->features & NETIF_F_NTUPLE;
	struct simnic_table *table = table_of(nic);
	struct simnic_rule *rule;
	u32 delay_us;
	int err;

	if (!on && !simnic_quirk(nic, SIMNIC_NTUPLE_OFF_ACCEPTS))
		return -EOPNOTSUPP;
	if (fs->ring_cookie != RX_CLS_FLOW_DISC &&
	    fs->ring_cookie >= nic->dev->real_num_rx_queues)
		return -EINVAL;

	rule = rule_create(fs);
	if (IS_ERR(rule))
		return PTR_ERR(rule);
	rule->dead = !on;

	/* The caller's locks are held meanwhile, as by slow firmware. */
	delay_us = min_t(u32, READ_ONCE(nic->insert_delay_us), SIMNIC_DELAY_MAX_US);
	if (delay_us)
		fsleep(delay_us);

	err = happen(nic);
	if (err) {
		kfree(rule);
		return err;
	}

	mutex_lock(&table->lock);
	err = injected_error(nic);
	if (!err)
		err = rule_place(nic, table, rule);
	if (!err) {
		if (fs->location != RX_CLS_LOC_ANY ||
		    !simnic_quirk(nic, SIMNIC_LOC_ANY_UNTOLD))
			fs->location = rule->fs.location;
		table->n_rules++;
		/* every second one is forgotten at once */
		if (table->inserted++ & 1 &&
		    simnic_quirk(nic, SIMNIC_LOSE_INSERTS))
			rule_delete(table, rule);
		rule = NULL;
	}
	mutex_unlock(&table->lock);
	kfree(rule);
	return err;
}

static struct simnic_rule *rule_find(struct simnic_table *table, u32 location)
{
	struct simnic_rule *rule;

	lockdep_assert_held(&table->lock);

	list_for_each_entry(rule, &table->rules, list)
		if (rule->fs.location == location)
			return rule;
	return NULL;
}

static int delete(struct simnic *nic, u32 location)
{
	u32 injected = READ_ONCE(nic->delete_errno);
	struct simnic_table *table = table_of(nic);
	struct simnic_rule *rule;
	int err = 0;

	if (simnic_quirk(nic, SIMNIC_DELETE_EIO))
		return -EIO;
	if (injected)
		return -(int)min_t(u32, injected, MAX_ERRNO);

	mutex_lock(&table->lock);
	rule = rule_find(table, location);
	if (rule)
		rule_delete(table, rule);
	else
		err = -ENOENT;
	mutex_unlock(&table->lock);
	return err;
}

static void table_flush(struct simnic_table *table)
{
	struct simnic_rule *rule, *next;

	mutex_lock(&table->lock);
	list_for_each_entry_safe(rule, next, &table->rules, list)
		rule_delete(table, rule);
	mutex_unlock(&table->lock);
}

static void table_release(struct kref *kref)
{
	struct simnic_table *table = container_of(kref, struct simnic_table, kref);

	table_flush(table);
	mutex_destroy(&table->lock);
	kfree_rcu(table, rcu);
}

static void table_put(struct simnic_table *table)
{
	kref_put(&table->kref, table_release);
}

static struct simnic_table *table_kept(const char *name)
{
	struct simnic_table *table;

	list_for_each_entry(table, &simnic_kept, kept) {
		if (!strcmp(table->name, name)) {
			list_del(&table->kept);
			return table;
		}
	}
	return NULL;
}

/* Context: rtnl */
int simnic_ntuple_init(struct simnic *nic)
{
	struct simnic_table *table = table_kept(nic->dev->name);

	if (!table) {
		table = kzalloc(sizeof(*table), GFP_KERNEL);
		if (!table)
			return -ENOMEM;
		kref_init(&table->kref);
		mutex_init(&table->lock);
		INIT_LIST_HEAD(&table->rules);
	}
	rcu_assign_pointer(nic->table, table);
	return 0;
}

/* Context: rtnl.  Rules go with their device, or wait for the next one. */
void simnic_ntuple_uninit(struct simnic *nic)
{
	struct simnic_table *table = rtnl_dereference(nic->table);

	if (simnic_quirk(nic, SIMNIC_KEEP_RULES)) {
		kref_get(&table->kref);
		strscpy(table->name, nic->dev->name, sizeof(table->name));
		list_add(&table->kept, &simnic_kept);
	} else if (kref_read(&table->kref) == 1) {
		table_flush(table);
	}
}

/* The device is not there any more. */
void simnic_ntuple_free(struct simnic *nic)
{
	struct simnic_table *table = rcu_dereference_protected(nic->table, true);

	if (table)
		table_put(table);
}

/* The module goes: no hardware keeps anything. */
void simnic_ntuple_forget(void)
{
	struct simnic_table *table, *next;

	list_for_each_entry_safe(table, next, &simnic_kept, kept)
		table_put(table);
}

/* One table for two devices, as functions of one adapter may have; the rules
 * that @nic had are gone.
 * Context: rtnl and instance locks
 */
int simnic_ntuple_share(struct simnic *nic, struct simnic *other)
{
	struct simnic_table *old = rtnl_dereference(nic->table);
	struct simnic_table *table = rtnl_dereference(other->table);

	if (old == table)
		return -EALREADY;
	kref_get(&table->kref);
	rcu_assign_pointer(nic->table, table);
	table_put(old);
	return 0;
}

void simnic_ntuple_totals(struct simnic *nic, u64 *inserted, u64 *deleted)
{
	struct simnic_table *table = table_of(nic);

	mutex_lock(&table->lock);
	*inserted = table->inserted;
	*deleted = table->deleted;
	mutex_unlock(&table->lock);
}

void simnic_ntuple_flush(struct simnic *nic)
{
	table_flush(table_of(nic));
}

/* Whether a rule points to queue @first or beyond */
bool simnic_ntuple_uses_queue(struct simnic *nic, unsigned int first)
{
	struct simnic_table *table = table_of(nic);
	struct simnic_rule *rule;
	bool used = false;

	mutex_lock(&table->lock);
	list_for_each_entry(rule, &table->rules, list)
		if (rule->fs.ring_cookie != RX_CLS_FLOW_DISC &&
		    rule->fs.ring_cookie >= first)
			used = true;
	mutex_unlock(&table->lock);
	return used;
}

static u32 reported_slots(struct simnic *nic)
{
	u32 reported = READ_ONCE(nic->report_slots);

	if (simnic_quirk(nic, SIMNIC_COUNT_ZERO))
		return 0;
	return reported == U32_MAX ? READ_ONCE(nic->slots) : reported;
}

static int list_locations(struct simnic *nic, struct ethtool_rxnfc *nfc,
			  u32 *locations)
{
	struct simnic_table *table = table_of(nic);
	struct simnic_rule *rule;
	u32 n = 0;

	mutex_lock(&table->lock);
	nfc->data = reported_slots(nic);
	if (nfc->rule_cnt < table->n_rules) {
		mutex_unlock(&table->lock);
		return -EMSGSIZE;
	}
	list_for_each_entry(rule, &table->rules, list)
		locations[n++] = rule->fs.location;
	nfc->rule_cnt = n;
	mutex_unlock(&table->lock);
	return 0;
}

int simnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *nfc,
		     u32 *locations)
{
	struct simnic *nic = netdev_priv(dev);
	struct simnic_table *table = table_of(nic);
	const struct simnic_rule *rule;

	switch (nfc->cmd) {
	case ETHTOOL_GRXCLSRLCNT:
		mutex_lock(&table->lock);
		nfc->rule_cnt = table->n_rules;
		mutex_unlock(&table->lock);
		nfc->data = reported_slots(nic);
		if (!simnic_quirk(nic, SIMNIC_LOC_ANY_REFUSED) &&
		    !simnic_quirk(nic, SIMNIC_LOC_ANY_ENOSPC))
			nfc->data |= RX_CLS_LOC_SPECIAL;
		return 0;
	case ETHTOOL_GRXCLSRULE:
		mutex_lock(&table->lock);
		rule = rule_find(table, nfc->fs.location);
		if (rule)
			nfc->fs = rule->fs;
		mutex_unlock(&table->lock);
		return rule ? 0 : -ENOENT;
	case ETHTOOL_GRXCLSRLALL:
		return list_locations(nic, nfc, locations);
	}
	return -EOPNOTSUPP;
}

int simnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *nfc)
{
	struct simnic *nic = netdev_priv(dev);

	switch (nfc->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		return insert(nic, &nfc->fs);
	case ETHTOOL_SRXCLSRLDEL:
		return delete(nic, nfc->fs.location);
	}
	return -EOPNOTSUPP;
}
