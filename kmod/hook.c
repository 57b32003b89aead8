// SPDX-License-Identifier: GPL-2.0
/*
 * The packet path.
 *
 * Both hooks see packets after GRO and before segmentation, so what they cost
 * is paid once per 64 KiB of an elephant.  They come last among the hooks of a
 * device: what others drop or redirect is not counted, and a packet that is
 * handed to its CPU or sent over its link skips nobody.  Where links are chosen by
 * marks, the egress hook is on all their devices.
 *
 * Everything runs under RCU with softirqs off and takes no lock, except that a
 * flow is inserted under the table's.  What is not in the table goes through the
 * CPU's own sketch, which tells when a flow has earned its entry, and is sampled
 * for its pair of addresses.
 */
#include <linux/netfilter_netdev.h>
#include <net/sock.h>

#include "action.h"
#include "compat.h"
#include "control.h"
#include "hook.h"
#include "link.h"
#include "rx_cpu.h"
#include "steer.h"
#include "trace.h"

/* Has the flow carried enough to be tracked? */
static bool hook_is_heavy(struct ankus_dev *ad, u32 hash, u32 bytes)
{
	struct ankus_pcpu *pcpu = this_cpu_ptr(ad->pcpu);

	if (!pcpu->sketch)
		return true;
	pcpu->count[ANKUS_SKETCHED]++;
	switch (ankus_sketch_add(&pcpu->sketch[hash & ad->sketch_mask],
				 hash >> 16, bytes, READ_ONCE(ad->epoch),
				 READ_ONCE(ad->admit_bytes))) {
	case ANKUS_SKETCH_ENOUGH:
		return true;
	case ANKUS_SKETCH_REPLACED:
		pcpu->count[ANKUS_SKETCH_REPLACES]++;
		return false;
	default:
		return false;
	}
}

/*
 * Is the flow part of a heavy pair?  Of all bytes a few are asked.  One packet
 * is no flow to steer, and what is left of a table that is nearly full is for
 * flows that are heavy by themselves.
 */
static bool hook_is_member(struct ankus_dev *ad, const struct ankus_packet *pkt,
			   u32 hash)
{
	struct ankus_pcpu *pcpu = this_cpu_ptr(ad->pcpu);
	u32 count;

	pcpu->sample_left -= pkt->len;
	if (likely(pcpu->sample_left >= 0))
		return false;
	if (!ankus_pair_sample(ad, &pkt->key) ||
	    ankus_flows_crowded(&ad->flows))
		return false;
	if (!pcpu->sketch)
		return true;
	count = ankus_sketch_count(&pcpu->sketch[hash & ad->sketch_mask],
				   hash >> 16);
	return count > pkt->len &&
	       count >= READ_ONCE(ad->kick_bytes) >> ANKUS_PAIR_MEMBER_SHIFT;
}

static struct ankus_flow *
hook_admit(struct ankus_dev *ad, const struct ankus_packet *pkt, u32 hash)
{
	struct ankus_flow *flow;

	flow = ankus_flow_insert(&ad->flows, pkt, hash, &ad->an->next_flow);
	if (IS_ERR(flow)) {
		ankus_pcpu_add(ad, PTR_ERR(flow) == -ENOMEM ?
				   ANKUS_NO_MEMORY : ANKUS_TABLE_FULL, 1);
		trace_ankus_flow_admit_fail(ad, &pkt->key, pkt->len,
					    PTR_ERR(flow));
		return NULL;
	}
	ankus_pcpu_add(ad, ANKUS_ADMITTED, 1);
	trace_ankus_flow_admit(flow, pkt->len);
	/* The sketch has seen more of it, at most twice what it counted */
	WRITE_ONCE(flow->kick_bytes,
		   READ_ONCE(ad->kick_bytes) - 2ULL * READ_ONCE(ad->admit_bytes));
	return flow;
}

/* A packet of a flow that is not tracked; the flow if it is from now on */
static noinline struct ankus_flow *
hook_miss(struct ankus_dev *ad, const struct ankus_packet *pkt, u32 hash)
{
	struct ankus_flow *flow = NULL;

	if (hook_is_heavy(ad, hash, pkt->len))
		flow = hook_admit(ad, pkt, hash);
	if (!flow && hook_is_member(ad, pkt, hash))
		flow = hook_admit(ad, pkt, hash);
	return flow;
}

static __always_inline struct ankus_flow *
hook_account(struct ankus_dev *ad, const struct sk_buff *skb, u8 dir)
{
	struct ankus_pcpu __percpu *pcpu = ad->pcpu;
	struct ankus_packet pkt __uninitialized;
	struct ankus_flow *flow;
	u64 bytes;
	u32 hash;

	this_cpu_inc(pcpu->count[dir == ANKUS_DIR_IN ? ANKUS_RX_PACKETS :
						       ANKUS_TX_PACKETS]);
	this_cpu_add(pcpu->count[dir == ANKUS_DIR_IN ? ANKUS_RX_BYTES :
						       ANKUS_TX_BYTES],
		     skb->len - skb_network_offset(skb));
	if (unlikely(!ankus_packet_parse(skb, dir, &pkt))) {
		this_cpu_inc(pcpu->count[ANKUS_UNTRACKED]);
		return NULL;
	}
	hash = ankus_key_hash(&pkt.key, &ad->flows.secret);
	flow = ankus_flow_lookup(&ad->flows, &pkt.key, hash);
	if (!flow) {
		flow = hook_miss(ad, &pkt, hash);
		if (likely(!flow))
			return NULL;
	}

	bytes = atomic64_add_return_relaxed(pkt.len, &flow->bytes);
	atomic64_inc(&flow->packets);
	WRITE_ONCE(flow->seen_jiffies, jiffies);
	if (unlikely(flow->dscp != pkt.dscp))
		WRITE_ONCE(flow->dscp, pkt.dscp);
	if (unlikely(flow->mark != skb->mark))
		WRITE_ONCE(flow->mark, skb->mark);
	if (unlikely(bytes > READ_ONCE(flow->kick_bytes))) {
		WRITE_ONCE(flow->kick_bytes, U64_MAX);
		ankus_control_kick(ad, flow);
	}
	return flow;
}

/* Either a queue or a NAPI is known, so a change of the one ends the other */
static noinline void hook_seen_change(struct ankus_flow *flow, int bin, u32 napi)
{
	WRITE_ONCE(flow->seen_bin, bin);
	WRITE_ONCE(flow->seen_napi, napi);
	WRITE_ONCE(flow->seen_changes, flow->seen_changes + 1);
}

static __always_inline void hook_seen(struct ankus_flow *flow, int bin)
{
	if (unlikely(READ_ONCE(flow->seen_bin) != bin))
		hook_seen_change(flow, bin, 0);
}

/* Where the driver records no queue: a queue has a NAPI */
static __always_inline void hook_seen_napi(struct ankus_flow *flow, u32 napi)
{
	if (unlikely(READ_ONCE(flow->seen_napi) != napi))
		hook_seen_change(flow, ANKUS_NO_BIN, napi);
}

/* Are both bins of a pin ANKUS_NO_BIN?  In one comparison: they are all ones. */
static __always_inline bool hook_unpinned(const struct ankus_pin *pin)
{
	BUILD_BUG_ON(offsetof(struct ankus_pin, want) % sizeof(u64));
	BUILD_BUG_ON(offsetof(struct ankus_pin, have) !=
		     offsetof(struct ankus_pin, want) + sizeof(u32));
	return READ_ONCE(*(const u64 *)&pin->want) == U64_MAX;
}

/*
 * Does an RX queue pin wait for a change, is a CPU wanted or in force, or was
 * one?
 */
static __always_inline bool hook_steers(const struct ankus_flow_ctl *ctl)
{
	const struct ankus_pin *rx = &ctl->pin[ANKUS_PIN_RXQ];

	return READ_ONCE(rx->want) != READ_ONCE(rx->have) ||
	       !hook_unpinned(&ctl->pin[ANKUS_PIN_CPU]) ||
	       READ_ONCE(ctl->cpu_place);
}

/* Out of the way of all other packets */
static noinline unsigned int hook_steer_in(struct ankus_dev *ad,
					   struct ankus_flow_ctl *ctl,
					   struct sk_buff *skb)
{
	struct ankus_pin *pin = &ctl->pin[ANKUS_PIN_RXQ];

	if (READ_ONCE(pin->want) != READ_ONCE(pin->have)) {
		WRITE_ONCE(pin->gap_ns, ktime_get_ns());
		WRITE_ONCE(ctl->rx.nic_hash, skb->sw_hash ? 0 : skb->hash);
	}
	return ankus_rx_cpu_apply(ad, ctl, skb) ? NF_STOLEN : NF_ACCEPT;
}

static unsigned int hook_ingress(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct ankus_dev *ad = priv;
	struct ankus_flow_ctl *ctl;
	struct ankus_flow *flow;
	int bin;

	flow = hook_account(ad, skb, ANKUS_DIR_IN);
	if (!flow)
		return NF_ACCEPT;

	/* As skb_get_rx_queue(); ANKUS_NO_BIN when none is recorded */
	bin = (int)skb_get_queue_mapping(skb) - 1;
	if (likely(bin >= 0))
		hook_seen(flow, bin);
	else
		hook_seen_napi(flow, skb_napi_id(skb));

	/* Pairs with smp_store_release() in ankus_flow_activate() */
	ctl = smp_load_acquire(&flow->ctl);
	if (!ctl)
		return NF_ACCEPT;
	/* in the line that every packet writes to */
	WRITE_ONCE(flow->seen_cpu, smp_processor_id());
	if (unlikely(hook_steers(ctl)))
		return hook_steer_in(ad, ctl, skb);
	return NF_ACCEPT;
}

/* Is there anything to do or to count?  No bin is all ones. */
static bool hook_pinned(const struct ankus_pin *pin)
{
	return (READ_ONCE(pin->want) & READ_ONCE(pin->have) &
		READ_ONCE(pin->left)) != ANKUS_NO_BIN;
}

static unsigned int hook_egress(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	struct ankus_dev *ad = priv;
	struct ankus_flow_ctl *ctl;
	struct ankus_flow *flow;
	struct ankus_pin *pin;
	bool own;

	/* led to another device by this one's hook, which has counted it */
	if (unlikely(this_cpu_read(ad->pcpu->led) == skb))
		return NF_ACCEPT;
	flow = hook_account(ad, skb, ANKUS_DIR_OUT);
	if (!flow)
		return NF_ACCEPT;
	own = skb->dev == ad->netdev;
	hook_seen(flow, skb->sk && sk_fullsock(skb->sk) && own ?
			sk_tx_queue_get(skb->sk) : ANKUS_NO_BIN);

	/* Pairs with smp_store_release() in ankus_flow_activate() */
	ctl = smp_load_acquire(&flow->ctl);
	if (!ctl)
		return NF_ACCEPT;
	/* in the line that every packet writes to */
	if (unlikely(READ_ONCE(flow->acts)))
		ankus_action_apply(ad, flow, skb);
	pin = &ctl->pin[ANKUS_PIN_LINK];
	if (hook_pinned(pin) && ankus_tx_link_apply(ad, pin, skb))
		return NF_STOLEN;
	pin = &ctl->pin[ANKUS_PIN_TXQ];
	if (hook_pinned(pin) && own)
		ankus_tx_queue_apply(ad, pin, skb);
	return NF_ACCEPT;
}

/**
 * ankus_hook_register() - begin to see the packets of a device
 * @ad: the device
 *
 * Context: Under rtnl.  May sleep.
 * Return: 0 or -errno.
 */
int ankus_hook_register(struct ankus_dev *ad)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ad->hooks); i++) {
		ad->hooks[i].pf = NFPROTO_NETDEV;
		ad->hooks[i].dev = ad->netdev;
		ad->hooks[i].priv = ad;
		ad->hooks[i].priority = INT_MAX;
	}
	ad->hooks[0].hooknum = NF_NETDEV_INGRESS;
	ad->hooks[0].hook = hook_ingress;
	ad->hooks[1].hooknum = NF_NETDEV_EGRESS;
	ad->hooks[1].hook = hook_egress;
	return nf_register_net_hooks(ad->an->net, ad->hooks,
				     ARRAY_SIZE(ad->hooks));
}

/**
 * ankus_hook_unregister() - see no more packets
 * @ad: the device
 *
 * Packets may be inside the hooks until a grace period has passed.
 *
 * Context: Under rtnl.  May sleep.
 */
void ankus_hook_unregister(struct ankus_dev *ad)
{
	nf_unregister_net_hooks(ad->an->net, ad->hooks, ARRAY_SIZE(ad->hooks));
}

static void hook_link_end(struct ankus_link *link)
{
	nf_unregister_net_hook(link->ad->an->net, &link->hook);
	link->unhook = NULL;
}

/**
 * ankus_hook_link() - see what is sent over the device of a link
 * @link: a link by mark, new
 *
 * It ends with the link.
 *
 * Context: Under rtnl.  May sleep.
 * Return: 0 or -errno.
 */
int ankus_hook_link(struct ankus_link *link)
{
	int err;

	if (link->lower == link->ad->netdev)
		return 0;
	link->hook = (struct nf_hook_ops) {
		.hook = hook_egress,
		.dev = link->lower,
		.priv = link->ad,
		.pf = NFPROTO_NETDEV,
		.hooknum = NF_NETDEV_EGRESS,
		.priority = INT_MAX,
	};
	err = nf_register_net_hook(link->ad->an->net, &link->hook);
	if (!err)
		link->unhook = hook_link_end;
	return err;
}
