/* SPDX-License-Identifier: GPL-2.0 */
/* The key of a flow: read from a packet, hashed, compared. */
#ifndef ANKUS_KEY_H
#define ANKUS_KEY_H

#include <linux/in6.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <linux/types.h>

/**
 * struct ankus_key - a 5-tuple in one direction
 * @src: source address; an IPv4 address fills the first word, the rest is 0
 * @dst: destination address, likewise
 * @sport: source port, network byte order
 * @dport: destination port, network byte order
 * @family: AF_INET or AF_INET6
 * @proto: IP protocol number
 * @dir: enum ankus_dir
 * @pad: 0, so that keys compare as words
 */
struct ankus_key {
	struct in6_addr src;
	struct in6_addr dst;
	__be16 sport;
	__be16 dport;
	u8 family;
	u8 proto;
	u8 dir;
	u8 pad;
} __aligned(8);

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

bool ankus_key_parse(const struct sk_buff *skb, u8 dir,
		     struct ankus_packet *pkt);
u32 ankus_key_hash(const struct ankus_key *key, const hsiphash_key_t *secret);

/**
 * ankus_key_equal() - compare two keys
 * @a: a key
 * @b: another
 *
 * Context: Any.
 * Return: true if they name the same flow.
 */
static inline bool ankus_key_equal(const struct ankus_key *a,
				   const struct ankus_key *b)
{
	const u64 *x = (const u64 *)a;
	const u64 *y = (const u64 *)b;

	BUILD_BUG_ON(sizeof(struct ankus_key) != 5 * sizeof(u64));
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) |
		 (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

#endif /* ANKUS_KEY_H */
