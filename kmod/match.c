// SPDX-License-Identifier: GPL-2.0
/* Does a flow meet the conditions of a rule? */
#include <net/ipv6.h>

#include "match.h"

static bool match_ports(const u16 range[2], __be16 port)
{
	return ntohs(port) >= range[0] && ntohs(port) <= range[1];
}

/**
 * ankus_match_flow() - check a flow against the conditions of a rule
 * @match: the conditions
 * @key: the flow
 * @dscp: its differentiated services code point
 * @mark: its packet mark
 *
 * Context: Any.
 * Return: true if all conditions hold.
 */
bool ankus_match_flow(const struct ankus_match *match,
		      const struct ankus_key *key, u8 dscp, u32 mark)
{
	if (match->family && match->family != key->family)
		return false;
	if (match->has_proto && match->proto != key->proto)
		return false;
	if (match->has_dir && match->dir != key->dir)
		return false;
	if (match->has_dscp && match->dscp != dscp)
		return false;
	if ((mark & match->mark_mask) != match->mark)
		return false;
	if (match->has_sport && !match_ports(match->sport, key->sport))
		return false;
	if (match->has_dport && !match_ports(match->dport, key->dport))
		return false;
	/* IPv4 sits in the first word, so a prefix of either family compares */
	return ipv6_prefix_equal(&match->src, &key->src, match->src_len) &&
	       ipv6_prefix_equal(&match->dst, &key->dst, match->dst_len);
}

/**
 * ankus_match_host_bits() - are bits set behind a prefix?
 * @addr: address, laid out as in struct ankus_key
 * @len: prefix length
 *
 * Context: Any.
 * Return: true if so, which is most likely a mistake of the one who typed it.
 */
bool ankus_match_host_bits(const struct in6_addr *addr, unsigned int len)
{
	struct in6_addr prefix;

	ipv6_addr_prefix(&prefix, addr, len);
	return !ipv6_addr_equal(&prefix, addr);
}
