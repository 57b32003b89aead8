// SPDX-License-Identifier: GPL-2.0
/*
 * Flow keys from unusual packets.
 *
 * Options, headers outside of the linear part: read by hand.  The flow
 * dissector does the rest (IPv6 extension headers, VLAN tags in the header).
 * Fragments have no flow of their own: only the first one carries ports, and
 * NICs neither hash nor match fragments by port, so a pin could not hold them.
 */
#include <net/flow_dissector.h>

#include "packet.h"

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

static bool packet_dissect(const struct sk_buff *skb, struct ankus_packet *pkt)
{
	struct ankus_key *key = &pkt->key;
	struct flow_keys keys;

	if (!skb_flow_dissect_flow_keys(skb, &keys,
					FLOW_DISSECTOR_F_STOP_AT_ENCAP))
		return false;
	if (keys.control.flags & (FLOW_DIS_IS_FRAGMENT | FLOW_DIS_ENCAPSULATION))
		return false;
	if (!packet_has_ports(keys.basic.ip_proto))
		return false;

	switch (keys.control.addr_type) {
	case FLOW_DISSECTOR_KEY_IPV4_ADDRS:
		packet_set_v4(key, keys.addrs.v4addrs.src, keys.addrs.v4addrs.dst);
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
	return packet_read_ports(skb, keys.control.thoff, key);
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

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!iph || iph->version != 6)
		return false;
	pkt->dscp = ipv6_get_dsfield(iph) >> 2;
	if (!packet_has_ports(iph->nexthdr))
		return packet_dissect(skb, pkt);

	pkt->key.family = AF_INET6;
	pkt->key.src = iph->saddr;
	pkt->key.dst = iph->daddr;
	pkt->key.proto = iph->nexthdr;
	return packet_read_ports(skb, offset + sizeof(*iph), &pkt->key);
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
	int offset = skb_network_offset(skb);

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return packet_read_v4(skb, offset, pkt);
	case htons(ETH_P_IPV6):
		return packet_read_v6(skb, offset, pkt);
	case htons(ETH_P_8021Q):
	case htons(ETH_P_8021AD):
		pkt->dscp = 0;
		return packet_dissect(skb, pkt);
	default:
		return false;
	}
}
