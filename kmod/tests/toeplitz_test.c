// SPDX-License-Identifier: GPL-2.0
/*
 * The Toeplitz hash against the vectors that Microsoft publishes ("Verifying
 * the RSS Hash Calculation").
 */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/inet.h>
#include <linux/socket.h>

#include "../key.h"
#include "../toeplitz.h"

static const u8 toeplitz_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
	0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
	0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
	0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
	0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

struct toeplitz_vector {
	const char *dst;
	u16 dport;
	const char *src;
	u16 sport;
	u32 ip;
	u32 tcp;
};

static const struct toeplitz_vector toeplitz_vectors[] = {
	{ "161.142.100.80", 1766, "66.9.149.187", 2794, 0x323e8fc2, 0x51ccc178 },
	{ "65.69.140.83", 4739, "199.92.111.2", 14230, 0xd718262a, 0xc626b0ea },
	{ "12.22.207.184", 38024, "24.19.198.95", 12898, 0xd2d0a5de, 0x5c2b394a },
	{ "209.142.163.6", 2217, "38.27.205.30", 48228, 0x82989176, 0xafc7327f },
	{ "202.188.127.2", 1303, "153.39.163.191", 44251, 0x5d1809c5, 0x10e828a2 },
	{ "3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794,
	  0x2cc18cd5, 0x40207d3d },
	{ "ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230,
	  0x0f0c461c, 0xdde51bbf },
	{ "fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
	  44251, 0x4b61e985, 0x02d1feef },
};

static void toeplitz_address(struct kunit *test, struct ankus_key *key,
			     struct in6_addr *to, const char *text)
{
	if (strchr(text, ':')) {
		key->family = AF_INET6;
		KUNIT_ASSERT_EQ(test, in6_pton(text, -1, to->s6_addr, -1, NULL),
				1);
	} else {
		key->family = AF_INET;
		KUNIT_ASSERT_EQ(test, in4_pton(text, -1, to->s6_addr, -1, NULL),
				1);
	}
}

static void toeplitz_published(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(toeplitz_vectors); i++) {
		const struct toeplitz_vector *v = &toeplitz_vectors[i];
		struct ankus_key key = {
			.proto = IPPROTO_TCP,
			.sport = htons(v->sport),
			.dport = htons(v->dport),
		};

		toeplitz_address(test, &key, &key.src, v->src);
		toeplitz_address(test, &key, &key.dst, v->dst);
		KUNIT_EXPECT_EQ(test, v->ip,
				ankus_toeplitz_flow(toeplitz_key,
						    sizeof(toeplitz_key), &key,
						    false));
		KUNIT_EXPECT_EQ(test, v->tcp,
				ankus_toeplitz_flow(toeplitz_key,
						    sizeof(toeplitz_key), &key,
						    true));
	}
}

/* A key that ends before the input does */
static void toeplitz_short_key(struct kunit *test)
{
	static const u8 long_key[8] = { 0x80, 0, 0, 1 };
	static const u8 data[4] = { 0xff, 0xff, 0xff, 0xff };

	KUNIT_EXPECT_EQ(test, ankus_toeplitz(long_key, 4, data, sizeof(data)),
			ankus_toeplitz(long_key, 8, data, sizeof(data)));
	KUNIT_EXPECT_EQ(test, ankus_toeplitz(long_key, 0, data, sizeof(data)),
			0);
	KUNIT_EXPECT_EQ(test, ankus_toeplitz(long_key, 8, data, 0), 0);
}

static struct kunit_case toeplitz_cases[] = {
	KUNIT_CASE(toeplitz_published),
	KUNIT_CASE(toeplitz_short_key),
	{}
};

static struct kunit_suite toeplitz_suite = {
	.name = "toeplitz",
	.test_cases = toeplitz_cases,
};

kunit_test_suite(toeplitz_suite);
