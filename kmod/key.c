// SPDX-License-Identifier: GPL-2.0
/*
 * Flow keys from packets.
 *
 * TCP, UDP or SCTP over IPv4 or IPv6, read by hand: right behind the fixed
 * header, which costs tens of instructions, or behind VLAN tags in the data,
 * options and IPv6 extension headers.  Not by the flow dissector: it takes the
 * network header for where VLAN tags begin, keeps offsets in 16 bits, looks into
 * some tunnels, and a BPF program may take its place.
 *
 * Fragments have no flow of their own: only the first one carries ports, and
 * NICs neither hash nor match fragments by port, so a pin could not hold them.
 */
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "key.h"

/* RFC 8200, 4.1 has four in front of the upper layer, without fragments. */
#define KEY_EXT_MAX	8

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

/*
 * What is behind the VLAN tags in the data, and where.
 *
 * They begin where the Ethernet header ends.  At ingress that is where the
 * network header is.  At egress it is, too, or else that is behind the tags:
 * packet sockets, and bridges when a checksum is left to the device, put it
 * there and leave skb->protocol as it is.
 */
static __be16 key_skip_tags(const struct sk_buff *skb, int *offset)
{
	__be16 proto = skb->protocol;
	const struct vlan_hdr *vlan;
	struct vlan_hdr buf;
	unsigned int i;

	*offset = min_t(int, *offset, ETH_HLEN);
	for (i = 0; eth_type_vlan(proto); i++) {
		if (i == VLAN_MAX_DEPTH)
			return 0;
		vlan = skb_header_pointer(skb, *offset, sizeof(buf), &buf);
		if (!vlan)
			return 0;
		proto = vlan->h_vlan_encapsulated_proto;
		*offset += VLAN_HLEN;
	}
	return proto;
}

/*
 * What is behind IPv6 extension headers, and where.  Unlike ipv6_skip_exthdr()
 * this comes to an end whatever a packet holds, and ends at fragments.
 */
static u8 key_skip_exts(const struct sk_buff *skb, u8 proto, int *offset)
{
	const struct ipv6_opt_hdr *ext;
	struct ipv6_opt_hdr buf;
	unsigned int i;

	for (i = 0; i < KEY_EXT_MAX; i++) {
		if (proto != NEXTHDR_HOP && proto != NEXTHDR_ROUTING &&
		    proto != NEXTHDR_DEST)
			break;
		ext = skb_header_pointer(skb, *offset, sizeof(buf), &buf);
		if (!ext)
			return NEXTHDR_NONE;
		proto = ext->nexthdr;
		*offset += ipv6_optlen(ext);
	}
	return proto;
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
	u8 proto;

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!iph || iph->version != 6)
		return false;
	offset += sizeof(*iph);
	proto = iph->nexthdr;
	if (unlikely(!key_has_ports(proto)))
		proto = key_skip_exts(skb, proto, &offset);
	if (!key_has_ports(proto))
		return false;

	pkt->key.family = AF_INET6;
	pkt->key.src = iph->saddr;
	pkt->key.dst = iph->daddr;
	pkt->key.proto = proto;
	pkt->dscp = ipv6_get_dsfield(iph) >> 2;
	return key_read_ports(skb, offset, &pkt->key);
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
	__be16 proto = skb->protocol;

	if (unlikely(eth_type_vlan(proto)))
		proto = key_skip_tags(skb, &offset);
	pkt->key.dir = dir;
	pkt->key.pad = 0;
	pkt->len = skb->len - offset;

	switch (proto) {
	case htons(ETH_P_IP):
		return key_parse_v4(skb, offset, pkt);
	case htons(ETH_P_IPV6):
		return key_parse_v6(skb, offset, pkt);
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
