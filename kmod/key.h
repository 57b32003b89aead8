/* SPDX-License-Identifier: GPL-2.0 */
/* The key of a flow: compared and hashed. */
#ifndef ANKUS_KEY_H
#define ANKUS_KEY_H

#include <linux/in6.h>
#include <linux/socket.h>
#include <linux/types.h>

/**
 * struct ankus_key - a 5-tuple in one direction
 * @src: source address; an IPv4 address fills the first word, the rest is 0
 * @dst: destination address, likewise
 * @sport: source port, network byte order
 * @dport: destination port, network byte order
 * @ports: both
 * @family: AF_INET or AF_INET6
 * @proto: IP protocol number
 * @dir: enum ankus_dir
 * @pad: 0, so that keys compare as words
 */
struct ankus_key {
	struct in6_addr src;
	struct in6_addr dst;
	union {
		struct {
			__be16 sport;
			__be16 dport;
		};
		__be32 ports;
	};
	u8 family;
	u8 proto;
	u8 dir;
	u8 pad;
} __aligned(8);

#define ANKUS_KEY_WORDS (sizeof(struct ankus_key) / sizeof(u64))

/**
 * struct ankus_key_secret - what makes a hash unpredictable
 * @k: random numbers, two for each word of a key and one to add
 */
struct ankus_key_secret {
	u64 k[2 * ANKUS_KEY_WORDS + 1];
};

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

/* 2^64 over the golden ratio: odd, and its bits have no pattern */
#define KEY_HASH_MIX	0x9e3779b97f4a7c15ULL

static inline u64 key_hash_word(u64 word, const u64 k[2])
{
	return (k[0] + (u32)word) * (k[1] + (word >> 32));
}

/**
 * ankus_key_hash() - keyed hash of a flow key
 * @key: the key
 * @secret: random, so that nobody outside can aim at one bucket
 *
 * Pair-multiply-shift (Thorup, "High Speed Hashing for Integers and Strings",
 * 2015, section 3.5): strongly universal, so any two keys, chosen by whoever
 * does not know the secret, collide as seldom as random numbers do.  That is
 * less than a pseudorandom function gives to who can watch collisions; chains
 * of the flow table are bounded for that.  It takes a quarter of the time of
 * hsiphash.  Of IPv4 keys only the words that differ are read.
 *
 * Alone, it gives keys in steps, such as ports one after the other, hashes in
 * steps, and one secret in a few hundred leads most of them to a few buckets.
 * So what it gives is mixed once more, its lower half included.
 *
 * Context: Any.
 * Return: 32 hash bits, each as good as the others.
 */
static inline u32 ankus_key_hash(const struct ankus_key *key,
				 const struct ankus_key_secret *secret)
{
	const u64 *w = (const u64 *)key;
	const u64 *k = secret->k;
	u64 sum = k[10];

	sum += key_hash_word(w[0], k) + key_hash_word(w[2], k + 4) +
	       key_hash_word(w[4], k + 8);
	if (key->family != AF_INET)
		sum += key_hash_word(w[1], k + 2) + key_hash_word(w[3], k + 6);
	sum ^= sum >> 32;
	sum *= KEY_HASH_MIX;
	return sum >> 32;
}

#endif /* ANKUS_KEY_H */
