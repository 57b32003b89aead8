// SPDX-License-Identifier: GPL-2.0
/*
 * Flow keys from unusual packets: behind VLAN tags in the data, options and IPv6
 * extension headers, or with headers outside of the linear part.
 *
 * By hand and not by the flow dissector: that takes the network header for where
 * VLAN tags begin, keeps offsets in 16 bits, looks into some tunnels, and a BPF
 * program may take its place.
 *
 * Fragments have no flow of their own: only the first one carries ports, and
 * NICs neither hash nor match fragments by port, so a pin could not hold them.
 */
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <net/ipv6.h>

#include "packet.h"

/* RFC 8200, 4.1 has four in front of the upper layer, without fragments. */
#define PACKET_EXT_MAX	8

static bool packet_read_ports(const struct sk_buff *skb, int offset,
			      struct ankus_key *key)
{
	const __be16 *ports;
	__be16 buf[2];

	ports = skb_header_pointer(skb, offset, sizeof(buf), buf);
	if (!ports)
		return false;
	packet_set_ports(key, ports);
	return true;
}

/*
 * What is behind the VLAN tags in the data, and where.
 *
 * They begin where the Ethernet header ends.  At ingress that is where the
 * network header is.  At egress it is, too, or else that is behind the tags:
 * packet sockets, and bridges when a checksum is left to the device, put it
 * there and leave skb->protocol as it is.
 */
static __be16 packet_skip_tags(const struct sk_buff *skb, int *offset)
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
static u8 packet_skip_exts(const struct sk_buff *skb, u8 proto, int *offset)
{
	const struct ipv6_opt_hdr *ext;
	struct ipv6_opt_hdr buf;
	unsigned int i;

	for (i = 0; i < PACKET_EXT_MAX; i++) {
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

static bool packet_read_v4(const struct sk_buff *skb, int offset,
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
	    !packet_has_ports(iph->protocol))
		return false;

	packet_set_v4(&pkt->key, iph->saddr, iph->daddr);
	pkt->key.proto = iph->protocol;
	pkt->dscp = ipv4_get_dsfield(iph) >> 2;
	return packet_read_ports(skb, offset + hlen, &pkt->key);
}

static bool packet_read_v6(const struct sk_buff *skb, int offset,
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
	if (!packet_has_ports(proto))
		proto = packet_skip_exts(skb, proto, &offset);
	if (!packet_has_ports(proto))
		return false;

	pkt->key.family = AF_INET6;
	pkt->key.src = iph->saddr;
	pkt->key.dst = iph->daddr;
	pkt->key.proto = proto;
	pkt->dscp = ipv6_get_dsfield(iph) >> 2;
	return packet_read_ports(skb, offset, &pkt->key);
}

/**
 * ankus_packet_network() - find the network header of a packet that is sent
 * @skb: the packet
 * @proto: set to what it is of
 *
 * Context: Any.
 * Return: its offset, behind VLAN tags in the data.
 */
int ankus_packet_network(const struct sk_buff *skb, __be16 *proto)
{
	int offset = skb_network_offset(skb);

	*proto = skb->protocol;
	if (eth_type_vlan(*proto))
		*proto = packet_skip_tags(skb, &offset);
	return offset;
}

/**
 * ankus_packet_parse_slow() - the rest of ankus_packet_parse()
 * @skb: the packet
 * @pkt: direction and length are filled in
 *
 * Context: Any.
 * Return: true if the packet belongs to a flow.
 */
bool ankus_packet_parse_slow(const struct sk_buff *skb,
			     struct ankus_packet *pkt)
{
	__be16 proto;
	int offset = ankus_packet_network(skb, &proto);

	pkt->len = skb->len - offset;
	switch (proto) {
	case htons(ETH_P_IP):
		return packet_read_v4(skb, offset, pkt);
	case htons(ETH_P_IPV6):
		return packet_read_v6(skb, offset, pkt);
	default:
		return false;
	}
}
