// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about flows. */
#include <linux/jiffies.h>

#include "compat.h"
#include "control.h"
#include "event.h"
#include "link.h"
#include "move.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "steer.h"

static int flow_put_bin(struct sk_buff *msg, struct ankus_dev *ad,
			unsigned int kind, int attr, int bin)
{
	if (bin == ANKUS_NO_BIN)
		return 0;
	if (kind == ANKUS_PIN_LINK) {
		struct ankus_link *link = ankus_link_slot(ad, bin);

		/* the link is gone, and soon the pin leaves it */
		if (!link)
			return 0;
		bin = link->lower->ifindex;
		if (attr == ANKUS_A_PIN_TARGET &&
		    nla_put_string(msg, ANKUS_A_PIN_LINK, link->name))
			return -EMSGSIZE;
		if (attr == ANKUS_A_PIN_FROM &&
		    nla_put_string(msg, ANKUS_A_PIN_FROM_LINK, link->name))
			return -EMSGSIZE;
	}
	return nla_put_u32(msg, attr, bin);
}

/* The backends that could not do it, and who has the bucket */
static int flow_put_try(struct sk_buff *msg, const struct ankus_dev *ad,
			const struct ankus_rx_try *try)
{
	u64 shared = READ_ONCE(try->shared);
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; i < ANKUS_RX_BACKENDS; i++) {
		const struct ankus_rx_failure *f = &try->failed[i];

		if (!f->reason)
			continue;
		nest = nla_nest_start(msg, ANKUS_A_PIN_FAILED);
		if (!nest ||
		    nla_put_u32(msg, ANKUS_A_PIN_FAILURE_BACKEND,
				ad->rx.backend[i].ops->id) ||
		    (f->error &&
		     nla_put_u32(msg, ANKUS_A_PIN_FAILURE_ERROR, f->error)) ||
		    nla_put_string(msg, ANKUS_A_PIN_FAILURE_REASON, f->reason))
			return -EMSGSIZE;
		nla_nest_end(msg, nest);
	}
	return shared ? nla_put_u64_64bit(msg, ANKUS_A_PIN_SHARED_WITH, shared,
					  ANKUS_A_PIN_PAD) : 0;
}

static int flow_put_wait(struct sk_buff *msg, enum ankus_move_reason why,
			 u64 waited_ns)
{
	if (!why)
		return 0;
	return nla_put_u32(msg, ANKUS_A_PIN_MOVE_REASON, why) ?:
	       nla_put_u64_64bit(msg, ANKUS_A_PIN_WAITED_US,
				 div_u64(waited_ns, NSEC_PER_USEC),
				 ANKUS_A_PIN_PAD);
}

/* How the flow has fared behind the move, as part of its direction */
static int flow_put_after(struct sk_buff *msg, const struct ankus_flow *flow,
			  const struct ankus_watch *watch)
{
	const struct ankus_tcp_marks *after = &watch->after;
	struct nlattr *nest;
	int err;

	if (!watch->over_ns)
		return 0;
	nest = nla_nest_start(msg, ANKUS_A_PIN_AFTER);
	if (!nest)
		return -EMSGSIZE;
	if (flow->key.dir == ANKUS_DIR_IN)
		err = nla_put_u64_64bit(msg, ANKUS_A_TCP_RCV_OUT_OF_ORDER,
					after->rcv_out_of_order, ANKUS_A_TCP_PAD);
	else
		err = nla_put_u64_64bit(msg, ANKUS_A_TCP_RETRANSMITS,
					after->retransmits, ANKUS_A_TCP_PAD) ?:
		      nla_put_u64_64bit(msg, ANKUS_A_TCP_REORD_SEEN,
					after->reord_seen, ANKUS_A_TCP_PAD);
	if (err)
		return err;
	nla_nest_end(msg, nest);
	return nla_put_u32(msg, ANKUS_A_PIN_AFTER_MS,
			   div_u64(watch->over_ns, NSEC_PER_MSEC));
}

/* The move that waits, or else the last one */
static int flow_put_move(struct sk_buff *msg, struct ankus_dev *ad,
			 const struct ankus_flow *flow,
			 const struct ankus_pin *pin)
{
	int have = READ_ONCE(pin->have);
	u8 safe = READ_ONCE(pin->went_by);
	u64 since;
	int err;

	if (pin->want == ANKUS_NO_BIN)
		return 0;
	if (pin->want != have) {
		since = ankus_move_since(pin, pin->want);
		return flow_put_wait(msg, pin->want == READ_ONCE(pin->to) ?
					  ANKUS_MOVE_REASON_RESTORED : pin->why,
				     max(ktime_get_ns(), since) - since);
	}
	err = flow_put_wait(msg, READ_ONCE(pin->went_why),
			    READ_ONCE(pin->waited_ns)) ?:
	      flow_put_bin(msg, ad, pin->kind, ANKUS_A_PIN_FROM,
			   READ_ONCE(pin->from));
	if (!err && safe)
		err = nla_put_u32(msg, ANKUS_A_PIN_SAFE_POINT, safe);
	return err ?: flow_put_after(msg, flow, &pin->watch);
}

static int flow_put_pin(struct sk_buff *msg, struct ankus_dev *ad,
			const struct ankus_flow *flow, unsigned int kind,
			int attr)
{
	const struct ankus_pin *pin = &flow->ctl->pin[kind];
	int seen = ankus_flow_seen(flow, kind);
	struct nlattr *nest;
	int err;

	nest = nla_nest_start(msg, attr);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(msg, ANKUS_A_PIN_STATE, pin->state) ?:
	      flow_put_bin(msg, ad, kind, ANKUS_A_PIN_TARGET, pin->want) ?:
	      flow_put_bin(msg, ad, kind, ANKUS_A_PIN_CURRENT,
			   READ_ONCE(pin->have)) ?:
	      nla_put_u32(msg, ANKUS_A_PIN_MOVES,
			  max(READ_ONCE(pin->switches), 1U) - 1);
	if (!err)
		err = flow_put_bin(msg, ad, kind, ANKUS_A_PIN_OBSERVED, seen);
	if (!err && pin->installed)
		err = nla_put_u32(msg, ANKUS_A_PIN_BACKEND, pin->by->id) ?:
		      nla_put_u32(msg, ANKUS_A_PIN_LOCATION, pin->location);
	if (!err && pin->error)
		err = nla_put_u32(msg, ANKUS_A_PIN_ERROR, pin->error);
	if (!err && pin->reason)
		err = nla_put_string(msg, ANKUS_A_PIN_REASON, pin->reason);
	if (!err && pin->latency_us)
		err = nla_put_u64_64bit(msg, ANKUS_A_PIN_LATENCY_US,
					pin->latency_us, ANKUS_A_PIN_PAD);
	if (!err && kind == ANKUS_PIN_RXQ)
		err = flow_put_try(msg, ad, &flow->ctl->rx);
	if (!err)
		err = flow_put_move(msg, ad, flow, pin);
	nla_nest_end(msg, nest);
	return err;
}

static int flow_put_key(struct sk_buff *msg, const struct ankus_key *key)
{
	int len = key->family == AF_INET ? 4 : 16;

	return nla_put_u32(msg, ANKUS_A_FLOW_DIR, key->dir) ?:
	       nla_put_u16(msg, ANKUS_A_FLOW_FAMILY, key->family) ?:
	       nla_put_u8(msg, ANKUS_A_FLOW_PROTO, key->proto) ?:
	       nla_put(msg, ANKUS_A_FLOW_SRC, len, &key->src) ?:
	       nla_put(msg, ANKUS_A_FLOW_DST, len, &key->dst) ?:
	       nla_put_u16(msg, ANKUS_A_FLOW_SPORT, ntohs(key->sport)) ?:
	       nla_put_u16(msg, ANKUS_A_FLOW_DPORT, ntohs(key->dport));
}

/**
 * ankus_nl_fill_flow() - describe a flow
 * @msg: buffer
 * @ad: its device
 * @flow: the flow
 *
 * Context: Under ankus_net::lock.
 * Return: 0 or -EMSGSIZE.
 */
int ankus_nl_fill_flow(struct sk_buff *msg, struct ankus_dev *ad,
		       struct ankus_flow *flow)
{
	bool in = flow->key.dir == ANKUS_DIR_IN;
	/* a packet may come between the two readings */
	long idle = max(0L, (long)(jiffies - READ_ONCE(flow->seen_jiffies)));
	u64 age_ns = ktime_get_ns() - flow->first_ns;
	int err;

	err = nla_put_u64_64bit(msg, ANKUS_A_FLOW_ID, flow->id,
				ANKUS_A_FLOW_PAD) ?:
	      nla_put_u32(msg, ANKUS_A_FLOW_IFINDEX, ad->netdev->ifindex) ?:
	      nla_put_string(msg, ANKUS_A_FLOW_IFNAME, ad->netdev->name) ?:
	      flow_put_key(msg, &flow->key) ?:
	      nla_put_u8(msg, ANKUS_A_FLOW_DSCP, READ_ONCE(flow->dscp)) ?:
	      nla_put_u32(msg, ANKUS_A_FLOW_MARK, READ_ONCE(flow->mark)) ?:
	      nla_put_u32(msg, ANKUS_A_FLOW_STATE, flow->state) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_FLOW_BYTES,
				atomic64_read(&flow->bytes),
				ANKUS_A_FLOW_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_FLOW_PACKETS,
				atomic64_read(&flow->packets),
				ANKUS_A_FLOW_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_FLOW_RATE_BPS, flow->rate.slow_bps,
				ANKUS_A_FLOW_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_FLOW_AGE_MS,
				div_u64(age_ns, NSEC_PER_MSEC),
				ANKUS_A_FLOW_PAD) ?:
	      nla_put_u64_64bit(msg, ANKUS_A_FLOW_IDLE_MS,
				jiffies_to_msecs(idle), ANKUS_A_FLOW_PAD) ?:
	      nla_put_u32(msg, ANKUS_A_FLOW_PIN_MODE, flow->mode);
	if (!err && flow->ruled)
		err = nla_put_u32(msg, ANKUS_A_FLOW_RULE_PREF, flow->rule_pref);
	if (!err && flow->ignored)
		err = nla_put_flag(msg, ANKUS_A_FLOW_IGNORED);
	/* a new pair has its id with the next run of the control loop */
	if (!err && flow->pair && flow->pair->id)
		err = nla_put_u64_64bit(msg, ANKUS_A_FLOW_PAIR, flow->pair->id,
					ANKUS_A_FLOW_PAD);
	if (!err && flow->grouped)
		err = nla_put_flag(msg, ANKUS_A_FLOW_GROUPED);
	if (err || !flow->ctl)
		return err;
	if (in)
		return flow_put_pin(msg, ad, flow, ANKUS_PIN_RXQ,
				    ANKUS_A_FLOW_RX_QUEUE) ?:
		       flow_put_pin(msg, ad, flow, ANKUS_PIN_CPU,
				    ANKUS_A_FLOW_CPU);
	return flow_put_pin(msg, ad, flow, ANKUS_PIN_TXQ,
			    ANKUS_A_FLOW_TX_QUEUE) ?:
	       flow_put_pin(msg, ad, flow, ANKUS_PIN_LINK, ANKUS_A_FLOW_LINK) ?:
	       ankus_nl_put_actions(msg, flow);
}

/* A flow that has a control part */
static struct ankus_flow *flow_find_active(struct ankus_net *an, u64 id,
					   struct ankus_dev **dev)
{
	struct ankus_flow *flow;
	struct ankus_dev *ad;

	list_for_each_entry(ad, &an->devs, list) {
		flow = ankus_flow_next(&ad->flows, id - 1);
		if (flow && flow->id == id) {
			*dev = ad;
			return flow;
		}
	}
	return NULL;
}

/*
 * Any other takes a search of whole tables.  The lock is let go meanwhile, as
 * that holds up whoever waits for it, and no flow is lost to the search: one
 * that stays is in the chain in which it was.
 */
static struct ankus_flow *flow_find(struct ankus_net *an, u64 id,
				    struct ankus_dev **dev)
{
	struct ankus_flow *flow = NULL;
	struct ankus_key key;
	struct ankus_dev *ad;
	unsigned int i = 0;
	bool found;

	while (!flow && (ad = ankus_dev_nth(an, i))) {
		kref_get(&ad->ref);
		mutex_unlock(&an->lock);
		found = ankus_flow_find_key(&ad->flows, id, &key);
		mutex_lock(&an->lock);
		if (ad->gone) {
			/* the list is not what it was */
			i = 0;
		} else if (found) {
			rcu_read_lock();
			flow = ankus_flow_lookup(&ad->flows, &key,
						 ankus_key_hash(&key, &ad->flows.secret));
			rcu_read_unlock();
			if (!flow || flow->id != id)
				flow = ERR_PTR(-ENOENT);
			*dev = ad;
		} else {
			i++;
		}
		ankus_dev_put(ad);
	}
	return flow ?: ERR_PTR(-ENOENT);
}

/* The flow a request names, and its device; may let the lock go and take it */
static struct ankus_flow *flow_named(struct ankus_net *an,
				     struct genl_info *info,
				     struct ankus_dev **dev)
{
	struct nlattr *nla = info->attrs[ANKUS_A_FLOW_ID];
	struct ankus_flow *flow;

	if (!nla) {
		NL_SET_ERR_MSG(info->extack, "no flow named: id is needed");
		return ERR_PTR(-EINVAL);
	}
	flow = flow_find_active(an, nla_get_u64(nla), dev) ?:
	       flow_find(an, nla_get_u64(nla), dev);
	if (IS_ERR(flow))
		NL_SET_ERR_MSG_ATTR(info->extack, nla, "no flow with this id");
	return flow;
}

/* Where an operator wants a flow */
struct flow_target {
	unsigned int queue_kind;
	int queue;
	int link;
	int cpu;
};

static int flow_get_cpu(struct genl_info *info, struct ankus_dev *ad,
			const struct ankus_flow *flow, struct flow_target *to)
{
	struct nlattr *cpu = info->attrs[ANKUS_A_FLOW_PIN_CPU];
	const struct ankus_backend_ops *ops;
	const char *reason;

	to->cpu = ANKUS_NO_BIN;
	if (!cpu)
		return 0;
	if (flow->key.dir != ANKUS_DIR_IN) {
		NL_SET_ERR_MSG_ATTR(info->extack, cpu,
				    "sent flows are not handed to a CPU");
		return -EOPNOTSUPP;
	}
	ops = ankus_steer_ops(ad, ANKUS_PIN_CPU, &reason);
	if (!ops) {
		info->extack->_msg = reason;
		NL_SET_BAD_ATTR(info->extack, cpu);
		return -EOPNOTSUPP;
	}
	to->cpu = nla_get_u32(cpu);
	if (ops->dead(ad, to->cpu)) {
		NL_SET_ERR_MSG_ATTR(info->extack, cpu,
				    "no such CPU is online");
		return -ERANGE;
	}
	return 0;
}

static int flow_get_target(struct genl_info *info, struct ankus_dev *ad,
			   struct ankus_flow *flow, struct flow_target *to)
{
	struct nlattr *queue = info->attrs[ANKUS_A_FLOW_PIN_QUEUE];
	struct nlattr *name = info->attrs[ANKUS_A_FLOW_PIN_LINK];
	bool in = flow->key.dir == ANKUS_DIR_IN;
	const struct ankus_backend_ops *ops;
	struct ankus_link *link;
	const char *reason;

	to->queue_kind = in ? ANKUS_PIN_RXQ : ANKUS_PIN_TXQ;
	to->queue = ANKUS_NO_BIN;
	to->link = ANKUS_NO_BIN;
	if (queue) {
		ops = ankus_steer_ops(ad, to->queue_kind, &reason);
		if (!ops) {
			/* the macros take literals only; this is a constant too */
			info->extack->_msg = reason;
			NL_SET_BAD_ATTR(info->extack, queue);
			return -EOPNOTSUPP;
		}
		to->queue = nla_get_u32(queue);
		if (ops->dead(ad, to->queue)) {
			NL_SET_ERR_MSG_ATTR(info->extack, queue,
					    "the device has no such queue");
			return -ERANGE;
		}
	}
	if (name) {
		if (in) {
			NL_SET_ERR_MSG_ATTR(info->extack, name,
					    "received flows have no link");
			return -EOPNOTSUPP;
		}
		link = ankus_link_find(ad->an, nla_data(name));
		if (!link || link->ad != ad) {
			NL_SET_ERR_MSG_ATTR(info->extack, name,
					    "the device has no link with this name");
			return -ENOENT;
		}
		to->link = link->index;
	}
	return flow_get_cpu(info, ad, flow, to);
}

static int flow_set_mode(struct ankus_dev *ad, struct ankus_flow *flow, u8 mode,
			 const struct flow_target *to,
			 struct netlink_ext_ack *extack)
{
	u64 now = ktime_get_ns();
	unsigned int kind;

	if (ankus_flow_activate(flow)) {
		NL_SET_ERR_MSG(extack, "out of memory");
		return -ENOMEM;
	}
	flow->mode = mode;
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++) {
		struct ankus_pin *pin = &flow->ctl->pin[kind];
		int bin = ANKUS_NO_BIN;

		/* what failed before may work now */
		pin->retry_ns = 0;
		pin->failures = 0;
		/* the control loop places elephants, and no others */
		if (mode == ANKUS_PIN_MODE_AUTO &&
		    flow->state == ANKUS_FLOW_STATE_ELEPHANT)
			continue;
		if (to && kind == to->queue_kind)
			bin = to->queue;
		if (to && kind == ANKUS_PIN_LINK)
			bin = to->link;
		if (to && kind == ANKUS_PIN_CPU)
			bin = to->cpu;
		ankus_steer_want(pin, bin, bin == ANKUS_NO_BIN ?
				 ANKUS_MOVE_REASON_NONE :
				 ANKUS_MOVE_REASON_MANUAL, now);
	}
	ad->an->seq++;
	ankus_control_run_soon(ad);
	return 0;
}

/**
 * ankus_nl_flow_pin_doit() - ANKUS_CMD_FLOW_PIN
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_flow_pin_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	bool manual = info->attrs[ANKUS_A_FLOW_PIN_QUEUE] ||
		      info->attrs[ANKUS_A_FLOW_PIN_LINK] ||
		      info->attrs[ANKUS_A_FLOW_PIN_CPU];
	struct flow_target to;
	struct ankus_flow *flow;
	struct ankus_dev *ad;
	int err;

	mutex_lock(&an->lock);
	flow = flow_named(an, info, &ad);
	err = PTR_ERR_OR_ZERO(flow);
	if (err)
		goto out;
	if (ad->cfg.mode != ANKUS_MODE_STEER || ad->draining) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[ANKUS_A_FLOW_ID],
				    "the device is not in mode steer (ankus dev set)");
		err = -EOPNOTSUPP;
		goto out;
	}
	err = flow_get_target(info, ad, flow, &to);
	if (!err)
		err = flow_set_mode(ad, flow, manual ? ANKUS_PIN_MODE_MANUAL :
						       ANKUS_PIN_MODE_AUTO, &to,
				    info->extack);
out:
	mutex_unlock(&an->lock);
	return err;
}

/**
 * ankus_nl_flow_unpin_doit() - ANKUS_CMD_FLOW_UNPIN
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_flow_unpin_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_flow *flow;
	struct ankus_dev *ad;
	int err;

	mutex_lock(&an->lock);
	flow = flow_named(an, info, &ad);
	err = IS_ERR(flow) ? PTR_ERR(flow) :
			     flow_set_mode(ad, flow, ANKUS_PIN_MODE_OFF, NULL,
					   info->extack);
	mutex_unlock(&an->lock);
	return err;
}

/**
 * ankus_nl_flow_get_doit() - ANKUS_CMD_FLOW_GET of one flow
 * @skb: the request
 * @info: the request, parsed
 *
 * Context: Process.
 * Return: 0 or -errno.
 */
int ankus_nl_flow_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ankus_net *an = ankus_net(genl_info_net(info));
	struct ankus_flow *flow;
	struct ankus_dev *ad;
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = ankus_nl_reply_new(info, ANKUS_CMD_FLOW_GET, &hdr);
	if (!msg)
		return -ENOMEM;
	mutex_lock(&an->lock);
	flow = flow_named(an, info, &ad);
	err = IS_ERR(flow) ? PTR_ERR(flow) : ankus_nl_fill_flow(msg, ad, flow);
	if (!err && info->attrs[ANKUS_A_FLOW_WITH_TCP])
		err = ankus_nl_put_flow_tcp(msg, ad, flow);
	mutex_unlock(&an->lock);
	return ankus_nl_reply(info, msg, hdr, err);
}
