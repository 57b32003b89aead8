// SPDX-License-Identifier: GPL-2.0
/*
 * Flow keys from packets.
 *
 * IPv4 and IPv6 with TCP, UDP or SCTP right behind the fixed header are read
 * by hand, which costs tens of instructions; the flow dissector does the rest
 * (IPv6 extension headers, VLAN tags in the header).  Fragments have no flow
 * of their own: only the first one carries ports, and NICs neither hash nor
 * match fragments by port, so a pin could not hold them.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dsfield.h>
#include <net/flow_dissector.h>
#include <net/ip.h>

#include "key.h"

static bool key_has_ports(u8 proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP ||
	       proto == IPPROTO_SCTP;
}

static bool key_read_ports(const struct sk_buff *skb, int offset,
			   struct ankus_key *key)
{
	const __be16 *ports;
	__be16 buf[2];

	ports = skb_header_pointer(skb, offset, sizeof(buf), buf);
	if (!ports)
		return false;
	key->sport = ports[0];
	key->dport = ports[1];
	return true;
}

static void key_set_v4(struct ankus_key *key, __be32 src, __be32 dst)
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

static bool key_dissect(const struct sk_buff *skb, struct ankus_packet *pkt)
{
	struct ankus_key *key = &pkt->key;
	struct flow_keys keys;

	if (!skb_flow_dissect_flow_keys(skb, &keys,
					FLOW_DISSECTOR_F_STOP_AT_ENCAP))
		return false;
	if (keys.control.flags & (FLOW_DIS_IS_FRAGMENT | FLOW_DIS_ENCAPSULATION))
		return false;
	if (!key_has_ports(keys.basic.ip_proto))
		return false;

	switch (keys.control.addr_type) {
	case FLOW_DISSECTOR_KEY_IPV4_ADDRS:
		key_set_v4(key, keys.addrs.v4addrs.src, keys.addrs.v4addrs.dst);
		break;
	case FLOW_DISSECTOR_KEY_IPV6_ADDRS:
		key->family = AF_INET6;
		key->src = keys.addrs.v6addrs.src;
		key->dst = keys.addrs.v6addrs.dst;
		break;
	default:
		return false;
	}
	key->proto = keys.basic.ip_proto;
	/* keys.ports are 0 when the packet is cut before them: read again */
	return key_read_ports(skb, keys.control.thoff, key);
}

static bool key_parse_v4(const struct sk_buff *skb, int offset,
			 struct ankus_packet *pkt)
{
	const struct iphdr *iph;
	struct iphdr buf;
	int hlen;

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!iph || iph->version != 4)
		return false;
	hlen = iph->ihl * 4;
	if (hlen < (int)sizeof(*iph) || ip_is_fragment(iph) ||
	    !key_has_ports(iph->protocol))
		return false;

	key_set_v4(&pkt->key, iph->saddr, iph->daddr);
	pkt->key.proto = iph->protocol;
	pkt->dscp = ipv4_get_dsfield(iph) >> 2;
	return key_read_ports(skb, offset + hlen, &pkt->key);
}

static bool key_parse_v6(const struct sk_buff *skb, int offset,
			 struct ankus_packet *pkt)
{
	const struct ipv6hdr *iph;
	struct ipv6hdr buf;

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!iph || iph->version != 6)
		return false;
	pkt->dscp = ipv6_get_dsfield(iph) >> 2;
	if (!key_has_ports(iph->nexthdr))
		return key_dissect(skb, pkt);

	pkt->key.family = AF_INET6;
	pkt->key.src = iph->saddr;
	pkt->key.dst = iph->daddr;
	pkt->key.proto = iph->nexthdr;
	return key_read_ports(skb, offset + sizeof(*iph), &pkt->key);
}

/**
 * ankus_key_parse() - find the flow of a packet
 * @skb: the packet, its network header set; it is not changed
 * @dir: enum ankus_dir
 * @pkt: filled in when true is returned
 *
 * Context: Any.
 * Return: true if the packet belongs to a flow: TCP, UDP or SCTP over IPv4 or
 * IPv6, whole, not inside a tunnel, its headers intact.
 */
bool ankus_key_parse(const struct sk_buff *skb, u8 dir,
		     struct ankus_packet *pkt)
{
	int offset = skb_network_offset(skb);

	pkt->key.dir = dir;
	pkt->key.pad = 0;
	pkt->len = skb->len - offset;

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return key_parse_v4(skb, offset, pkt);
	case htons(ETH_P_IPV6):
		return key_parse_v6(skb, offset, pkt);
	case htons(ETH_P_8021Q):
	case htons(ETH_P_8021AD):
		pkt->dscp = 0;
		return key_dissect(skb, pkt);
	default:
		return false;
	}
}

/**
 * ankus_key_hash() - keyed hash of a flow key
 * @key: the key
 * @secret: random, so that nobody outside can aim at one bucket
 *
 * HalfSipHash on 32-bit, SipHash-1-3 on 64-bit kernels (linux/siphash.h).
 *
 * Context: Any.
 * Return: 32 hash bits.
 */
u32 ankus_key_hash(const struct ankus_key *key, const hsiphash_key_t *secret)
{
	const u32 *tail = (const u32 *)&key->sport;

	if (key->family == AF_INET)
		return hsiphash_4u32((__force u32)key->src.s6_addr32[0],
				     (__force u32)key->dst.s6_addr32[0],
				     tail[0], tail[1], secret);
	return hsiphash(key, sizeof(*key), secret);
}
