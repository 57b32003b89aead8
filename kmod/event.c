// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications.  An event that finds no listener or no memory is lost: the
 * state it tells of can be read at any time.
 */
#include "balance.h"
#include "event.h"
#include "link.h"
#include "netlink.h"

/* Begins a notification; NULL when nobody listens or memory is short */
static struct sk_buff *event_begin(struct ankus_net *an, u8 cmd, void **hdr)
{
	struct sk_buff *msg;

	lockdep_assert_held(&an->lock);

	if (!ankus_nl_listening(an->net))
		return NULL;
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return NULL;
	*hdr = ankus_nl_put_header(msg, 0, 0, 0, cmd);
	if (*hdr)
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static void event_send(struct ankus_net *an, struct sk_buff *msg, void *hdr,
		       int err)
{
	if (err) {
		nlmsg_free(msg);
		return;
	}
	genlmsg_end(msg, hdr);
	ankus_nl_multicast(an->net, msg);
}

/**
 * ankus_event_dev() - tell of a device
 * @ad: the device
 * @event: what happened
 *
 * Context: Under ankus_net::lock.
 */
void ankus_event_dev(struct ankus_dev *ad, enum ankus_event event)
{
	struct sk_buff *msg;
	void *hdr;

	msg = event_begin(ad->an, ANKUS_CMD_DEV_NTF, &hdr);
	if (msg)
		event_send(ad->an, msg, hdr,
			   nla_put_u32(msg, ANKUS_A_DEV_EVENT, event) ?:
			   ankus_nl_fill_dev(msg, ad));
}

/**
 * ankus_event_entropy() - tell that a device has few flows in effect, or enough
 * @ad: the device
 * @dir: direction of the flows
 * @event: what happened
 *
 * Context: Under ankus_net::lock.
 */
void ankus_event_entropy(struct ankus_dev *ad, enum ankus_dir dir,
			 enum ankus_event event)
{
	const struct ankus_traffic *traffic = &ad->balance->traffic[dir];
	struct sk_buff *msg;
	void *hdr;

	msg = event_begin(ad->an, ANKUS_CMD_DEV_NTF, &hdr);
	if (msg)
		event_send(ad->an, msg, hdr,
			   nla_put_u32(msg, ANKUS_A_DEV_EVENT, event) ?:
			   nla_put_u32(msg, ANKUS_A_DEV_DIR, dir) ?:
			   nla_put_u64_64bit(msg,
					     ANKUS_A_DEV_EFFECTIVE_MILLIFLOWS,
					     traffic->effective_milliflows,
					     ANKUS_A_DEV_PAD) ?:
			   nla_put_u32(msg, ANKUS_A_DEV_BINS,
				       ankus_balance_bins(ad, dir)) ?:
			   ankus_nl_fill_dev(msg, ad));
}

/**
 * ankus_event_rule() - tell of a rule
 * @an: state of the namespace
 * @pref: its preference
 * @event: what happened
 *
 * Context: Under ankus_net::lock.
 */
void ankus_event_rule(struct ankus_net *an, u32 pref, enum ankus_event event)
{
	struct sk_buff *msg;
	void *hdr;

	msg = event_begin(an, ANKUS_CMD_RULE_NTF, &hdr);
	if (msg)
		event_send(an, msg, hdr,
			   nla_put_u32(msg, ANKUS_A_RULE_EVENT, event) ?:
			   nla_put_u32(msg, ANKUS_A_RULE_PREF, pref));
}

/**
 * ankus_event_link() - tell of a link
 * @link: the link
 * @event: what happened
 *
 * Context: Under ankus_net::lock.
 */
void ankus_event_link(struct ankus_link *link, enum ankus_event event)
{
	struct ankus_net *an = link->ad->an;
	struct sk_buff *msg;
	void *hdr;

	msg = event_begin(an, ANKUS_CMD_LINK_NTF, &hdr);
	if (msg)
		event_send(an, msg, hdr,
			   nla_put_u32(msg, ANKUS_A_LINK_EVENT, event) ?:
			   ankus_nl_fill_link(msg, link));
}

/**
 * ankus_event_flow() - tell of a flow or one of its pins
 * @ad: the device
 * @flow: the flow
 * @kind: enum ankus_pin_kind, or ANKUS_EVENT_NO_KIND
 * @event: what happened
 *
 * Context: Under ankus_net::lock.
 */
void ankus_event_flow(struct ankus_dev *ad, struct ankus_flow *flow, int kind,
		      enum ankus_event event)
{
	static const u16 attrs[ANKUS_PIN_KINDS] = {
		[ANKUS_PIN_RXQ] = ANKUS_A_FLOW_RX_QUEUE,
		[ANKUS_PIN_TXQ] = ANKUS_A_FLOW_TX_QUEUE,
		[ANKUS_PIN_LINK] = ANKUS_A_FLOW_LINK,
		[ANKUS_PIN_CPU] = ANKUS_A_FLOW_CPU,
	};
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = event_begin(ad->an, ANKUS_CMD_FLOW_NTF, &hdr);
	if (!msg)
		return;
	err = nla_put_u32(msg, ANKUS_A_FLOW_EVENT, event);
	if (!err && kind >= 0)
		err = nla_put_u32(msg, ANKUS_A_FLOW_PIN_KIND, attrs[kind]);
	event_send(ad->an, msg, hdr, err ?: ankus_nl_fill_flow(msg, ad, flow));
}

/**
 * ankus_event_pair() - tell of a pair
 * @ad: the device
 * @pair: the pair
 * @event: what happened
 *
 * Context: Under ankus_net::lock.
 */
void ankus_event_pair(struct ankus_dev *ad, struct ankus_pair *pair,
		      enum ankus_event event)
{
	struct sk_buff *msg;
	void *hdr;

	msg = event_begin(ad->an, ANKUS_CMD_PAIR_NTF, &hdr);
	if (msg)
		event_send(ad->an, msg, hdr,
			   nla_put_u32(msg, ANKUS_A_PAIR_EVENT, event) ?:
			   ankus_nl_fill_pair(msg, ad, pair));
}
