// SPDX-License-Identifier: GPL-2.0
/* Flow keys compared and hashed. */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/prandom.h>
#include <linux/socket.h>
#include <uapi/linux/ankus.h>

#include "../key.h"

static struct ankus_key key_of(u8 family, u8 dir)
{
	struct ankus_key key = {
		.sport = htons(40000), .dport = htons(443), .family = family,
		.proto = IPPROTO_TCP, .dir = dir,
	};
	unsigned int i;

	for (i = 0; i < (family == AF_INET ? 4 : 16); i++) {
		key.src.s6_addr[i] = 0x20 + 3 * i;
		key.dst.s6_addr[i] = 0xc0 + 5 * i;
	}
	return key;
}

/* Repeatable, and with no pattern */
static struct ankus_key_secret key_secret(u64 seed)
{
	struct ankus_key_secret secret;
	struct rnd_state state;

	prandom_seed_state(&state, seed);
	prandom_bytes_state(&state, &secret, sizeof(secret));
	return secret;
}

static const u8 families[] = { AF_INET, AF_INET6 };

static void family_desc(const u8 *family, char *desc)
{
	strscpy(desc, *family == AF_INET ? "IPv4" : "IPv6",
		KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(family, families, family_desc);

static void key_hash_secret(struct kunit *test)
{
	const struct ankus_key_secret one = key_secret(1), two = key_secret(2);
	const u8 *family = test->param_value;
	struct ankus_key key = key_of(*family, ANKUS_DIR_IN);
	u32 hash = ankus_key_hash(&key, &one);

	KUNIT_EXPECT_EQ(test, hash, ankus_key_hash(&key, &one));
	KUNIT_EXPECT_NE(test, hash, ankus_key_hash(&key, &two));
}

static void key_hash_direction(struct kunit *test)
{
	const struct ankus_key_secret secret = key_secret(1);
	const u8 *family = test->param_value;
	struct ankus_key in = key_of(*family, ANKUS_DIR_IN);
	struct ankus_key out = key_of(*family, ANKUS_DIR_OUT);
	struct ankus_key back = in;

	KUNIT_EXPECT_FALSE(test, ankus_key_equal(&in, &out));
	KUNIT_EXPECT_NE(test, ankus_key_hash(&in, &secret),
			ankus_key_hash(&out, &secret));

	/* the other half of the connection */
	swap(back.src, back.dst);
	swap(back.sport, back.dport);
	KUNIT_EXPECT_FALSE(test, ankus_key_equal(&in, &back));
	KUNIT_EXPECT_NE(test, ankus_key_hash(&in, &secret),
			ankus_key_hash(&back, &secret));
}

/* Every bit that may differ between two flows counts */
static void key_hash_bits(struct kunit *test)
{
	const struct ankus_key_secret secret = key_secret(1);
	const u8 *family = test->param_value;
	struct ankus_key key = key_of(*family, ANKUS_DIR_IN), other;
	u32 hash = ankus_key_hash(&key, &secret);
	u8 *bytes = (u8 *)&other;
	unsigned int bit;

	for (bit = 0; bit < 8 * sizeof(key); bit++) {
		unsigned int byte = bit / 8;

		/* the padding, and behind an IPv4 address, is always 0 */
		if (byte == offsetof(struct ankus_key, pad) ||
		    (*family == AF_INET &&
		     byte < offsetof(struct ankus_key, sport) && byte % 16 > 3))
			continue;
		/* the two families are hashed in two ways */
		if (byte == offsetof(struct ankus_key, family))
			continue;
		other = key;
		bytes[byte] ^= BIT(bit % 8);
		KUNIT_EXPECT_NE_MSG(test, ankus_key_hash(&other, &secret), hash,
				    "bit %u", bit);
	}
}

static u32 key_bits(u32 hash, unsigned int shift)
{
	return hash >> shift & 63;
}

/*
 * What busy hosts see, neighbouring ports or addresses, fills buckets evenly,
 * whichever bits choose them.
 */
static void key_hash_spread(struct kunit *test)
{
	enum { BUCKETS = 64, KEYS = 64 * BUCKETS };
	const struct ankus_key_secret secret = key_secret(7);
	const u8 *family = test->param_value;
	struct ankus_key key = key_of(*family, ANKUS_DIR_IN);
	unsigned int last = *family == AF_INET ? 3 : 15;
	unsigned int count[BUCKETS];
	unsigned int what, shift, i;

	for (what = 0; what < 2; what++) {
		for (shift = 0; shift <= 26; shift += 13) {
			memset(count, 0, sizeof(count));
			for (i = 0; i < KEYS; i++) {
				if (what) {
					key.sport = htons(32768 + i);
				} else {
					key.src.s6_addr[last] = i;
					key.src.s6_addr[last - 1] = i >> 8;
				}
				count[key_bits(ankus_key_hash(&key, &secret),
					       shift)]++;
			}
			/* 64 expected; random ones deviate by 8 */
			for (i = 0; i < BUCKETS; i++) {
				KUNIT_EXPECT_GE_MSG(test, count[i], 16,
						    "bucket %u from bit %u", i, shift);
				KUNIT_EXPECT_LE_MSG(test, count[i], 128,
						    "bucket %u from bit %u", i, shift);
			}
		}
	}
}

/* Where no secret makes many neighbouring ports or addresses share a bucket */
static void key_hash_chains(struct kunit *test)
{
	enum { BUCKETS = 64, SECRETS = 4000, CHAIN = 16 };
	const u8 *family = test->param_value;
	struct ankus_key key = key_of(*family, ANKUS_DIR_IN);
	unsigned int last = *family == AF_INET ? 3 : 15;
	u8 count[BUCKETS];
	unsigned int full = 0, seed, i;

	for (seed = 0; seed < SECRETS; seed++) {
		const struct ankus_key_secret secret = key_secret(seed);

		memset(count, 0, sizeof(count));
		for (i = 0; i < BUCKETS; i++) {
			if (seed % 2)
				key.sport = htons(32768 + i);
			else
				key.src.s6_addr[last] = i;
			full += ++count[ankus_key_hash(&key, &secret) %
					BUCKETS] == CHAIN;
		}
	}
	/* with random hashes, one run in 10^8 */
	KUNIT_EXPECT_EQ(test, full, 0);
}

/*
 * The promise of strong universality: over random secrets, two keys collide in
 * k bits with a probability of 2^-k, however alike they are.
 */
static void key_hash_universal(struct kunit *test)
{
	enum { SECRETS = 8192 };
	const u8 *family = test->param_value;
	struct ankus_key a = key_of(*family, ANKUS_DIR_IN), b = a;
	unsigned int low = 0, high = 0, i;

	b.sport ^= htons(1);
	b.src.s6_addr[0] ^= 1;
	for (i = 0; i < SECRETS; i++) {
		const struct ankus_key_secret secret = key_secret(i);
		u32 diff = ankus_key_hash(&a, &secret) ^
			   ankus_key_hash(&b, &secret);

		low += !(diff & 63);
		high += !(diff >> 26);
	}
	/* 128 expected; random ones deviate by 11 */
	KUNIT_EXPECT_GE(test, low, 73);
	KUNIT_EXPECT_LE(test, low, 183);
	KUNIT_EXPECT_GE(test, high, 73);
	KUNIT_EXPECT_LE(test, high, 183);
}

static void key_equal(struct kunit *test)
{
	const u8 *family = test->param_value;
	struct ankus_key key = key_of(*family, ANKUS_DIR_OUT), other = key;
	u8 *bytes = (u8 *)&other;
	unsigned int bit;

	KUNIT_EXPECT_TRUE(test, ankus_key_equal(&key, &other));
	for (bit = 0; bit < 8 * sizeof(key); bit++) {
		bytes[bit / 8] ^= BIT(bit % 8);
		KUNIT_EXPECT_FALSE_MSG(test, ankus_key_equal(&key, &other),
				       "bit %u", bit);
		KUNIT_EXPECT_FALSE_MSG(test, ankus_key_equal(&other, &key),
				       "bit %u", bit);
		bytes[bit / 8] ^= BIT(bit % 8);
	}
}

static struct kunit_case key_cases[] = {
	KUNIT_CASE_PARAM(key_hash_secret, family_gen_params),
	KUNIT_CASE_PARAM(key_hash_direction, family_gen_params),
	KUNIT_CASE_PARAM(key_hash_bits, family_gen_params),
	KUNIT_CASE_PARAM(key_hash_spread, family_gen_params),
	KUNIT_CASE_PARAM(key_hash_chains, family_gen_params),
	KUNIT_CASE_PARAM(key_hash_universal, family_gen_params),
	KUNIT_CASE_PARAM(key_equal, family_gen_params),
	{}
};

static struct kunit_suite key_suite = {
	.name = "ankus_key",
	.test_cases = key_cases,
};

kunit_test_suite(key_suite);
