// SPDX-License-Identifier: GPL-2.0
/* The NIC's packet parser */
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "simnic.h"

static_assert(sizeof(struct simnic_key) % sizeof(u32) == 0);
static_assert(offsetof(struct simnic_key, pad) + 1 == sizeof(struct simnic_key));

/* Returns the offset of the L4 header, or -1. */
static int parse_ipv4(const struct sk_buff *skb, int offset,
		      struct simnic_key *key)
{
	const struct iphdr *iph;
	struct iphdr buf;

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!iph || iph->version != 4 || iph->ihl < 5)
		return -1;

	key->ip_version = 4;
	key->src[0] = iph->saddr;
	key->dst[0] = iph->daddr;
	key->proto = iph->protocol;
	key->tos = iph->tos;
	key->fragment = ip_is_fragment(iph);
	key->extras |= iph->ihl > 5;
	return offset + iph->ihl * 4;
}

static int parse_ipv6(const struct sk_buff *skb, int offset,
		      struct simnic_key *key)
{
	const struct ipv6hdr *iph;
	struct ipv6hdr buf;
	__be16 frag = 0;

	iph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!iph || iph->version != 6)
		return -1;

	key->ip_version = 6;
	memcpy(key->src, &iph->saddr, sizeof(key->src));
	memcpy(key->dst, &iph->daddr, sizeof(key->dst));
	key->proto = iph->nexthdr;
	key->tos = ipv6_get_dsfield(iph);
	key->extras |= ipv6_ext_hdr(key->proto);
	offset = ipv6_skip_exthdr(skb, offset + sizeof(buf), &key->proto, &frag);
	key->fragment = !!frag;
	return offset;
}

/* The packet starts at its L3 header, or at a VLAN tag before it. */
void simnic_key_parse(const struct sk_buff *skb, struct simnic_key *key)
{
	const struct ethhdr *eth = eth_hdr(skb);
	const struct vlan_hdr *vlan;
	const __be16 *ports;
	struct vlan_hdr vbuf;
	int offset = 0;
	__be16 pbuf[2];

	memset(key, 0, sizeof(*key));
	ether_addr_copy(key->smac, eth->h_source);
	ether_addr_copy(key->dmac, eth->h_dest);
	key->ethertype = eth->h_proto;

	key->extras = skb_vlan_tag_present(skb);
	if (eth_type_vlan(key->ethertype)) {
		vlan = skb_header_pointer(skb, 0, sizeof(vbuf), &vbuf);
		if (!vlan)
			return;
		key->ethertype = vlan->h_vlan_encapsulated_proto;
		offset = VLAN_HLEN;
		key->extras = 1;
	}

	if (key->ethertype == htons(ETH_P_IP))
		offset = parse_ipv4(skb, offset, key);
	else if (key->ethertype == htons(ETH_P_IPV6))
		offset = parse_ipv6(skb, offset, key);
	else
		return;
	if (offset < 0 || key->fragment)
		return;

	ports = skb_header_pointer(skb, offset, sizeof(pbuf), pbuf);
	if (!ports)
		return;
	key->sport = ports[0];
	key->dport = ports[1];
}
