/* SPDX-License-Identifier: GPL-2.0 */
/* What a rule asks of a flow's key, and the sets of queues and CPUs it names. */
#ifndef ANKUS_MATCH_H
#define ANKUS_MATCH_H

#include <linux/bitmap.h>
#include <uapi/linux/ankus.h>

#include "key.h"

/**
 * struct ankus_queues - a set of queue or CPU numbers
 * @some: false for "all queues", then @map is not looked at
 * @map: bit q is set when queue q is in the set
 */
struct ankus_queues {
	bool some;
	DECLARE_BITMAP(map, ANKUS_MAX_QUEUES);
};

/**
 * ankus_queues_has() - is a queue in the set?
 * @set: the set
 * @queue: queue number
 *
 * Context: Any.
 * Return: true if it is.
 */
static inline bool ankus_queues_has(const struct ankus_queues *set,
				    unsigned int queue)
{
	return !set->some || (queue < ANKUS_MAX_QUEUES &&
			      test_bit(queue, set->map));
}

/**
 * struct ankus_match - conditions on a flow; those not set match everything
 * @family: AF_INET, AF_INET6 or 0
 * @proto: IP protocol, where @has_proto
 * @dir: enum ankus_dir, where @has_dir
 * @dscp: where @has_dscp
 * @src_len: prefix length of @src, 0 for any address
 * @dst_len: prefix length of @dst, 0 for any address
 * @src: source prefix, laid out as in struct ankus_key
 * @dst: destination prefix, likewise
 * @sport: first and last source port, host byte order, where @has_sport
 * @dport: first and last destination port, where @has_dport
 * @mark: value of the packet mark under @mark_mask
 * @mark_mask: 0 for any mark
 * @has_proto: @proto counts
 * @has_dir: @dir counts
 * @has_dscp: @dscp counts
 * @has_sport: @sport counts
 * @has_dport: @dport counts
 */
struct ankus_match {
	u8 family;
	u8 proto;
	u8 dir;
	u8 dscp;
	u8 src_len;
	u8 dst_len;
	struct in6_addr src;
	struct in6_addr dst;
	u16 sport[2];
	u16 dport[2];
	u32 mark;
	u32 mark_mask;
	bool has_proto;
	bool has_dir;
	bool has_dscp;
	bool has_sport;
	bool has_dport;
};

bool ankus_match_flow(const struct ankus_match *match,
		      const struct ankus_key *key, u8 dscp, u32 mark);
bool ankus_match_host_bits(const struct in6_addr *addr, unsigned int len);

#endif /* ANKUS_MATCH_H */
