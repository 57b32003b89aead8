// SPDX-License-Identifier: GPL-2.0
/*
 * Link pins: a packet of the flow is taken from the upper device at egress and
 * sent on the lower device of choice.  Links by mark are left to tx_mark.c.
 *
 * The bond's transmit function is not run, which is what makes this possible:
 * it would hash.  What it does beside that is done here (taps), or is a reason
 * to let the packet go the bond's own way (offloads bound to the bond).
 */
#include <linux/netdevice.h>
#include <net/dst_metadata.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "compat.h"
#include "link.h"
#include "rule.h"
#include "steer.h"
#include "tx_mark.h"

static int tx_link_probe(struct ankus_dev *ad, const char **reason)
{
	unsigned int i, n = 0;

	for (i = 0; i < ANKUS_LINKS_MAX; i++)
		n += !!ankus_link_slot(ad, i);
	if (n)
		return 0;
	*reason = "the device has no links";
	return -EOPNOTSUPP;
}

static unsigned int tx_link_bins(struct ankus_dev *ad)
{
	struct ankus_bin *bins = ad->bins[ANKUS_PIN_LINK];
	unsigned int i;

	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		struct ankus_link *link = ankus_link_slot(ad, i);

		bins[i] = (struct ankus_bin) { .usable = false };
		if (!link)
			continue;
		bins[i].usable = link->usable;
		bins[i].capacity_bps = link->capacity_bps ?: link->speed_bps;
	}
	return ANKUS_LINKS_MAX;
}

static bool tx_link_allowed(const void *arg, unsigned int bin)
{
	const struct ankus_flow *flow = arg;
	struct ankus_link *link = ankus_link_slot(ankus_flow_dev(flow), bin);

	if (!link)
		return false;
	/* a mark takes a socket, and one rule's mark is enough for that */
	if (link->mark_mask &&
	    (flow->key.proto != IPPROTO_TCP ||
	     (flow->rule && ankus_asks(&flow->rule->ask, ANKUS_ACTION_SET_MARK))))
		return false;
	return !flow->rule || ankus_rule_has_link(flow->rule, link->name);
}

static bool tx_link_dead(const struct ankus_dev *ad, unsigned int bin)
{
	const struct ankus_link *link = rcu_dereference(ad->links[bin]);

	return !link || !READ_ONCE(link->usable);
}

/**
 * ankus_tx_link_idle() - has nothing that was sent over a link still to leave?
 * @ad: the device
 * @bin: slot of the link, ANKUS_NO_BIN for all links
 *
 * Context: RCU read side.
 * Return: true if so, as far as drivers count (BQL).
 */
bool ankus_tx_link_idle(const struct ankus_dev *ad, int bin)
{
	const struct ankus_link *link;
	unsigned int i, q;

	for (i = 0; i < ANKUS_LINKS_MAX; i++) {
		if (bin != ANKUS_NO_BIN && i != bin)
			continue;
		link = rcu_dereference(ad->links[i]);
		if (!link)
			continue;
		for (q = 0; q < READ_ONCE(link->lower->real_num_tx_queues); q++)
			if (!ankus_txq_idle(netdev_get_tx_queue(link->lower, q)))
				return false;
	}
	return true;
}

static enum ankus_proof tx_link_verify(struct ankus_dev *ad,
				       struct ankus_flow *flow,
				       struct ankus_pin *pin)
{
	int have = READ_ONCE(pin->have);
	struct ankus_link *link;
	enum ankus_proof proof;

	link = have == ANKUS_NO_BIN ? NULL : ankus_link_slot(ad, have);
	if (!link)
		return ANKUS_PROOF_NONE;
	if (READ_ONCE(pin->strays) != pin->seen_strays) {
		pin->seen_strays = READ_ONCE(pin->strays);
		return ANKUS_PROOF_AGAINST;
	}
	/*
	 * The packet path hands the packets over itself, or sees them leave
	 * by another device than the link's.  So all there is to
	 * prove is that the lower device sends them.  A shaper or a dead
	 * driver may hold them back; that is not the pin's failure.
	 */
	proof = ankus_steer_compare(pin, atomic64_read(&flow->bytes),
				    link->read_bytes);
	return proof == ANKUS_PROOF_FOR ? proof : ANKUS_PROOF_NONE;
}

const struct ankus_backend_ops ankus_tx_link_ops = {
	.name = "tx_link",
	.id = ANKUS_BACKEND_AUTO,
	.kind = ANKUS_PIN_LINK,
	.probe = tx_link_probe,
	.bins = tx_link_bins,
	.allowed = tx_link_allowed,
	.dead = tx_link_dead,
	.verify = tx_link_verify,
};

/**
 * ankus_tx_link_bound() - does an offload bind a packet to a device?
 * @skb: the packet
 *
 * A bond hands such packets to one lower device of its own choice.
 *
 * Context: Egress hook.
 * Return: true if so.
 */
bool ankus_tx_link_bound(const struct sk_buff *skb)
{
#ifdef CONFIG_SOCK_VALIDATE_XMIT
	/* TLS or PSP in the device; software TLS leaves it NULL */
	if (skb->sk && sk_fullsock(skb->sk) && skb->sk->sk_validate_xmit_skb)
		return true;
#endif
#ifdef CONFIG_XFRM
	if (skb_sec_path(skb))
		return true;
#endif
	return false;
}

/*
 * What a link sends came back to be sent: something below redirects or tunnels
 * to the upper device.  Links would take it again until the stack is used up,
 * while the kernel counts how deep the upper device's own way goes.
 */
static void tx_link_looped(const struct ankus_dev *ad,
			   const struct ankus_link *link)
{
	if (net_ratelimit())
		netdev_warn(ad->netdev,
			    "ankus: what is sent over link %s comes back to be sent\n",
			    link->name);
}

/* The link that the packet is to take, the wanted one when that is safe */
static int tx_link_move(struct ankus_dev *ad, struct ankus_pin *pin,
			const struct sk_buff *skb, int want, int have)
{
	enum ankus_safe_point safe;

	safe = ankus_steer_safe(&ankus_tx_link_ops, ad, pin, skb,
				ankus_tx_link_idle);
	if (!safe)
		return have;
	ankus_steer_switch(pin, want, safe);
	return want;
}

/**
 * ankus_tx_link_apply() - send a packet over the link of its flow
 * @ad: the upper device
 * @pin: the flow's pin, wanted or in force
 * @skb: the packet
 *
 * Context: Egress hook.
 * Return: true if the packet was sent, false if it is to go on its own way.
 */
bool ankus_tx_link_apply(struct ankus_dev *ad, struct ankus_pin *pin,
			 struct sk_buff *skb)
{
	int want = READ_ONCE(pin->want);
	int have = READ_ONCE(pin->have);
	struct net_device *upper = skb->dev;
	struct ankus_pcpu *pcpu;
	struct ankus_link *link;

	if (READ_ONCE(ad->mark_mask) || READ_ONCE(ankus_pin_ctl(pin)->led_mask))
		return ankus_tx_mark_apply(ad, pin, skb);
	if (unlikely(want != have))
		have = tx_link_move(ad, pin, skb, want, have);
	if (have == ANKUS_NO_BIN) {
		/* it waits for the link to work again, or for another */
		if (unlikely(READ_ONCE(pin->left) != ANKUS_NO_BIN))
			ankus_pcpu_add(ad, ANKUS_LINK_BYPASSED, 1);
		return false;
	}

	link = rcu_dereference(ad->links[have]);
	if (unlikely(!link || !READ_ONCE(link->usable))) {
		ankus_steer_leave(pin, have);
		ankus_pcpu_add(ad, ANKUS_LINK_BYPASSED, 1);
		return false;
	}
	if (unlikely(ankus_tx_link_bound(skb))) {
		ankus_pcpu_add(ad, ANKUS_LINK_BYPASSED, 1);
		return false;
	}

	pcpu = this_cpu_ptr(ad->pcpu);
	if (unlikely(pcpu->sending)) {
		tx_link_looped(ad, pcpu->sending);
		ankus_pcpu_add(ad, ANKUS_LINK_BYPASSED, 1);
		return false;
	}

	/* The upper device's transmit path would have shown it to its taps */
	if (unlikely(dev_nit_active(upper)))
		dev_queue_xmit_nit(skb, upper);
	ankus_pcpu_add(ad, ANKUS_LINK_PACKETS, 1);
	skb->dev = link->lower;
	pcpu->sending = link;
	dev_queue_xmit(skb);
	pcpu->sending = NULL;
	return true;
}
