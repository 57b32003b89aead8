// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of flows and of pairs: those that a request asks for, without holding
 * up the control loop however many there are.
 *
 * Pairs have an order, by id.  So have candidates and elephants, which are few:
 * a list of them looks at nothing else.  A list with mice walks the table, in
 * which ids fall along a chain and newcomers stand first.  Either way the id
 * that was looked at last is a place to go on from: whatever comes or goes in
 * between, none is told of twice and none that stays is missed.
 *
 * The loop over devices, the filters, the limit and the pauses, in which others
 * get the lock, are the same for both.
 */
#include <net/sock.h>

#include "compat.h"
#include "dev.h"
#include "netlink.h"
#include "netlink_gen.h"

/* Who waits for ankus_net::lock, maybe under rtnl, waits so long at most */
#define DUMP_SLICE_NS (2 * NSEC_PER_MSEC)

/* Where a dump goes on, in netlink_callback::ctx */
struct dump_place {
	unsigned int dev;
	u32 bucket;
	u32 told;
	u64 last_id;
};

struct dump;

/**
 * struct dump_kind - what is listed
 * @cmd: command of the messages
 * @id: attribute that names one
 * @ifindex: attribute that asks for a device
 * @ifname: likewise
 * @dir: attribute that asks for a direction
 * @state: attribute that asks for a state and those above
 * @rate_bps: attribute that asks for a rate and more
 * @limit: attribute that asks for so many at most
 * @tcp: attribute that asks for what local sockets tell, 0 for none
 * @list: lists those of a device: 0, -errno of dump_end(), or -ENODEV when the
 *	device was let go meanwhile
 */
struct dump_kind {
	u8 cmd;
	u8 id;
	u8 ifindex;
	u8 ifname;
	u8 dir;
	u8 state;
	u8 rate_bps;
	u8 limit;
	u8 tcp;
	int (*list)(struct dump *dump, struct ankus_dev *ad);
};

/**
 * struct dump - a part of a dump
 * @kind: what is listed
 * @skb: its buffer
 * @cb: the dump
 * @place: where it is
 * @since: time at which the lock was taken
 * @rate_bps: least rate asked for
 * @limit: most asked for
 * @ifindex: device asked for, 0 for all
 * @dir: direction asked for, -1 for both
 * @state: lowest state asked for
 * @tcp: what local sockets tell is asked for
 */
struct dump {
	const struct dump_kind *kind;
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct dump_place *place;
	u64 since;
	u64 rate_bps;
	u32 limit;
	int ifindex;
	int dir;
	u8 state;
	bool tcp;
};

static bool dump_wanted(const struct dump *dump, u8 dir, u8 state, u64 rate_bps)
{
	return state >= dump->state && rate_bps >= dump->rate_bps &&
	       (dump->dir < 0 || dir == dump->dir);
}

static void *dump_begin(struct dump *dump)
{
	return ankus_nl_put_dump_header(dump->skb, dump->cb, dump->kind->cmd);
}

/* -ENOBUFS after the last one that was asked for, -EMSGSIZE for want of room */
static int dump_end(struct dump *dump, void *hdr, int err)
{
	if (err) {
		genlmsg_cancel(dump->skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(dump->skb, hdr);
	return ++dump->place->told == dump->limit ? -ENOBUFS : 0;
}

static u64 dump_held(struct dump *dump, struct ankus_dev *ad)
{
	u64 held = ktime_get_ns() - dump->since;

	ad->count[ANKUS_DUMP_MAX_NS] = max(ad->count[ANKUS_DUMP_MAX_NS], held);
	return held;
}

/* Lets others have the lock when this took long; false when the device went */
static bool dump_breathe(struct dump *dump, struct ankus_dev *ad)
{
	struct ankus_net *an = ad->an;

	cond_resched();
	if (dump_held(dump, ad) < DUMP_SLICE_NS)
		return true;
	mutex_unlock(&an->lock);
	mutex_lock(&an->lock);
	dump->since = ktime_get_ns();
	/* what has changed meanwhile is told of with the next message */
	dump->cb->seq = an->seq;
	return !ad->gone;
}

static int dump_flow(struct dump *dump, struct ankus_dev *ad,
		     struct ankus_flow *flow)
{
	void *hdr;
	int err;

	if (!dump_wanted(dump, flow->key.dir, flow->state, flow->rate.slow_bps))
		return 0;
	hdr = dump_begin(dump);
	err = hdr ? ankus_nl_fill_flow(dump->skb, ad, flow) : -EMSGSIZE;
	if (!err && dump->tcp)
		err = ankus_nl_put_flow_tcp(dump->skb, ad, flow);
	return dump_end(dump, hdr, err);
}

static int dump_active(struct dump *dump, struct ankus_dev *ad)
{
	struct dump_place *place = dump->place;
	struct ankus_flow *flow;
	unsigned int n = 0;
	int err;

	while ((flow = ankus_flow_next(&ad->flows, place->last_id))) {
		err = dump_flow(dump, ad, flow);
		if (err)
			return err;
		place->last_id = flow->id;
		if (!(n++ & 15) && !dump_breathe(dump, ad))
			return -ENODEV;
	}
	return 0;
}

static int dump_bucket(struct dump *dump, struct ankus_dev *ad)
{
	struct dump_place *place = dump->place;
	struct ankus_flow *flow, *tmp;
	int err;

	ankus_bucket_for_each(&ad->flows, place->bucket, flow, tmp,
			      lockdep_is_held(&ad->an->lock)) {
		if (place->last_id && flow->id >= place->last_id)
			continue;
		err = dump_flow(dump, ad, flow);
		if (err)
			return err;
		place->last_id = flow->id;
	}
	return 0;
}

static int dump_table(struct dump *dump, struct ankus_dev *ad)
{
	struct dump_place *place = dump->place;
	u32 bucket = place->bucket;
	unsigned int n = 0;
	int err;

	for_each_set_bit_from(bucket, ad->flows.used, ad->flows.mask + 1) {
		/* the one in which the last message ended may be empty now */
		if (place->bucket != bucket)
			place->last_id = 0;
		place->bucket = bucket;
		err = dump_bucket(dump, ad);
		if (err)
			return err;
		if (!(n++ & 15) && !dump_breathe(dump, ad))
			return -ENODEV;
	}
	return 0;
}

static int dump_flows(struct dump *dump, struct ankus_dev *ad)
{
	return dump->state == ANKUS_FLOW_STATE_MOUSE ? dump_table(dump, ad) :
						       dump_active(dump, ad);
}

static int dump_pair(struct dump *dump, struct ankus_dev *ad,
		     const struct ankus_pair *pair)
{
	void *hdr;

	if (!dump_wanted(dump, pair->key.dir, ankus_nl_pair_state(pair),
			 pair->rate.slow_bps))
		return 0;
	hdr = dump_begin(dump);
	return dump_end(dump, hdr, hdr ? ankus_nl_fill_pair(dump->skb, ad, pair) :
					 -EMSGSIZE);
}

static int dump_pairs(struct dump *dump, struct ankus_dev *ad)
{
	struct dump_place *place = dump->place;
	const struct ankus_pair *pair;
	unsigned int n = 0;
	int err;

	while ((pair = ankus_pair_next(&ad->pairs, place->last_id))) {
		err = dump_pair(dump, ad, pair);
		if (err)
			return err;
		place->last_id = pair->id;
		if (!(n++ & 15) && !dump_breathe(dump, ad))
			return -ENODEV;
	}
	return 0;
}

/* -ENODEV when the device was let go meanwhile */
static int dump_dev(struct dump *dump, struct ankus_dev *ad)
{
	int err;

	if (dump->ifindex && ad->netdev->ifindex != dump->ifindex)
		return 0;
	kref_get(&ad->ref);
	err = dump->kind->list(dump, ad);
	dump_held(dump, ad);
	ankus_dev_put(ad);
	return err;
}

static int dump_filter(struct dump *dump)
{
	struct nlattr **attrs = ankus_dump_attrs(dump->cb);
	const struct dump_kind *kind = dump->kind;

	dump->ifindex = ankus_nl_dump_ifindex(dump->cb, dump->skb,
					      kind->ifindex, kind->ifname);
	if (dump->ifindex < 0)
		return dump->ifindex;
	if (attrs[kind->dir])
		dump->dir = nla_get_u32(attrs[kind->dir]);
	if (attrs[kind->state])
		dump->state = nla_get_u32(attrs[kind->state]);
	if (attrs[kind->rate_bps])
		dump->rate_bps = nla_get_u64(attrs[kind->rate_bps]);
	if (attrs[kind->limit])
		dump->limit = nla_get_u32(attrs[kind->limit]);
	dump->tcp = kind->tcp && attrs[kind->tcp];
	return ankus_nl_no_filter(dump->cb, kind->id);
}

static int dump_all(const struct dump_kind *kind, struct sk_buff *skb,
		    struct netlink_callback *cb)
{
	struct ankus_net *an = ankus_net(sock_net(skb->sk));
	struct dump_place *place = (struct dump_place *)cb->ctx;
	struct dump dump = {
		.kind = kind,
		.skb = skb,
		.cb = cb,
		.place = place,
		.limit = U32_MAX,
		.dir = -1,
	};
	struct ankus_dev *ad;
	int err;

	BUILD_BUG_ON(sizeof(*place) > sizeof(cb->ctx));

	err = dump_filter(&dump);
	if (err || place->told == dump.limit)
		return err;

	mutex_lock(&an->lock);
	dump.since = ktime_get_ns();
	cb->seq = an->seq;
	while ((ad = ankus_dev_nth(an, place->dev))) {
		err = dump_dev(&dump, ad);
		if (err && err != -ENODEV)
			break;
		/* the next one takes the place of one that went */
		place->dev += !err;
		place->bucket = 0;
		place->last_id = 0;
	}
	mutex_unlock(&an->lock);
	return skb->len ?: (ad ? err : 0);
}

/**
 * ankus_nl_flow_get_dumpit() - ANKUS_CMD_FLOW_GET of all flows
 * @skb: buffer
 * @cb: the dump, whose attributes are filters
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_flow_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump_kind flows = {
		.cmd = ANKUS_CMD_FLOW_GET,
		.id = ANKUS_A_FLOW_ID,
		.ifindex = ANKUS_A_FLOW_IFINDEX,
		.ifname = ANKUS_A_FLOW_IFNAME,
		.dir = ANKUS_A_FLOW_DIR,
		.state = ANKUS_A_FLOW_STATE,
		.rate_bps = ANKUS_A_FLOW_RATE_BPS,
		.limit = ANKUS_A_FLOW_LIMIT,
		.tcp = ANKUS_A_FLOW_WITH_TCP,
		.list = dump_flows,
	};

	return dump_all(&flows, skb, cb);
}

/**
 * ankus_nl_pair_get_dumpit() - ANKUS_CMD_PAIR_GET of all pairs
 * @skb: buffer
 * @cb: the dump, whose attributes are filters
 *
 * Context: Process.
 * Return: length of the part written, 0 at the end, or -errno.
 */
int ankus_nl_pair_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct dump_kind pairs = {
		.cmd = ANKUS_CMD_PAIR_GET,
		.id = ANKUS_A_PAIR_ID,
		.ifindex = ANKUS_A_PAIR_IFINDEX,
		.ifname = ANKUS_A_PAIR_IFNAME,
		.dir = ANKUS_A_PAIR_DIR,
		.state = ANKUS_A_PAIR_STATE,
		.rate_bps = ANKUS_A_PAIR_RATE_BPS,
		.limit = ANKUS_A_PAIR_LIMIT,
		.list = dump_pairs,
	};

	return dump_all(&pairs, skb, cb);
}
