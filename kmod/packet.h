/* SPDX-License-Identifier: GPL-2.0 */
/* The flow that a packet belongs to. */
#ifndef ANKUS_PACKET_H
#define ANKUS_PACKET_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/dsfield.h>
#include <net/ip.h>

#include "key.h"

/**
 * struct ankus_packet - what the packet path wants to know of a packet
 * @key: the flow that it belongs to
 * @len: layer 3 length in bytes, as handed over (before segmentation)
 * @dscp: differentiated services code point
 */
struct ankus_packet {
	struct ankus_key key;
	u32 len;
	u8 dscp;
};

int ankus_packet_network(const struct sk_buff *skb, __be16 *proto);
bool ankus_packet_parse_slow(const struct sk_buff *skb,
			     struct ankus_packet *pkt);

static inline bool packet_has_ports(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return true;
	default:
		return false;
	}
}

static inline void packet_set_v4(struct ankus_key *key, __be32 src, __be32 dst)
{
	key->family = AF_INET;
	key->src.s6_addr32[0] = src;
	key->src.s6_addr32[1] = 0;
	key->src.s6_addr32[2] = 0;
	key->src.s6_addr32[3] = 0;
	key->dst.s6_addr32[0] = dst;
	key->dst.s6_addr32[1] = 0;
	key->dst.s6_addr32[2] = 0;
	key->dst.s6_addr32[3] = 0;
}

static inline void packet_set_ports(struct ankus_key *key, const void *ports)
{
	key->ports = *(const __be32 *)ports;
}

/* No options, no fragment, headers and ports in the linear part */
static inline bool packet_parse_v4(const void *data, int len,
				   struct ankus_packet *pkt)
{
	const struct iphdr *iph = data;

	if (len < (int)sizeof(*iph) + 4 || *(const u8 *)data != 0x45 ||
	    ip_is_fragment(iph) || !packet_has_ports(iph->protocol))
		return false;
	packet_set_v4(&pkt->key, iph->saddr, iph->daddr);
	pkt->key.proto = iph->protocol;
	pkt->dscp = iph->tos >> 2;
	packet_set_ports(&pkt->key, iph + 1);
	return true;
}

/* No extension headers, headers and ports in the linear part */
static inline bool packet_parse_v6(const void *data, int len,
				   struct ankus_packet *pkt)
{
	const struct ipv6hdr *iph = data;

	if (len < (int)sizeof(*iph) + 4 || iph->version != 6 ||
	    !packet_has_ports(iph->nexthdr))
		return false;
	pkt->key.family = AF_INET6;
	pkt->key.src = iph->saddr;
	pkt->key.dst = iph->daddr;
	pkt->key.proto = iph->nexthdr;
	pkt->dscp = ipv6_get_dsfield(iph) >> 2;
	packet_set_ports(&pkt->key, iph + 1);
	return true;
}

/**
 * ankus_packet_parse() - find the flow of a packet
 * @skb: the packet, its network header set; it is not changed
 * @dir: enum ankus_dir
 * @pkt: its length is filled in, the rest when true is returned
 *
 * The usual packet is read here, all others out of line.
 *
 * Context: Any.
 * Return: true if the packet belongs to a flow: TCP, UDP or SCTP over IPv4 or
 * IPv6, whole, not inside a tunnel, its headers intact.
 */
static __always_inline bool ankus_packet_parse(const struct sk_buff *skb,
					       u8 dir, struct ankus_packet *pkt)
{
	const void *data = skb_network_header(skb);
	/* negative when it is not in the linear part */
	int linear = skb_tail_pointer(skb) - (const unsigned char *)data;

	pkt->key.dir = dir;
	pkt->key.pad = 0;
	pkt->len = skb->len - skb_network_offset(skb);
	if (likely(skb->protocol == htons(ETH_P_IP))) {
		if (likely(packet_parse_v4(data, linear, pkt)))
			return true;
	} else if (skb->protocol == htons(ETH_P_IPV6)) {
		if (likely(packet_parse_v6(data, linear, pkt)))
			return true;
	}
	return ankus_packet_parse_slow(skb, pkt);
}

#endif /* ANKUS_PACKET_H */
