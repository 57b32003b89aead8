// SPDX-License-Identifier: GPL-2.0
/* What sockets have counted between two readings. */
#include <kunit/test.h>

#include "../tcp.h"

static void tcp_since(struct kunit *test)
{
	struct ankus_tcp_marks before = {
		.retransmits = U32_MAX - 1,
		.reord_seen = 7,
		.rcv_out_of_order = 0,
	};
	struct ankus_tcp_marks now = {
		.retransmits = 3,
		.reord_seen = 7,
		.rcv_out_of_order = 9,
	};
	struct ankus_tcp_marks since;

	KUNIT_EXPECT_TRUE(test, ankus_tcp_since(&since, &before, &now));
	KUNIT_EXPECT_EQ(test, since.retransmits, 5);
	KUNIT_EXPECT_EQ(test, since.reord_seen, 0);
	KUNIT_EXPECT_EQ(test, since.rcv_out_of_order, 9);

	/* the connection is another one, whichever counter shows it */
	now.reord_seen = 6;
	KUNIT_EXPECT_FALSE(test, ankus_tcp_since(&since, &before, &now));
	now.reord_seen = 7;
	before.rcv_out_of_order = 10;
	KUNIT_EXPECT_FALSE(test, ankus_tcp_since(&since, &before, &now));
	before.rcv_out_of_order = 9;
	before.retransmits = 4;
	KUNIT_EXPECT_FALSE(test, ankus_tcp_since(&since, &before, &now));
}

static struct kunit_case tcp_cases[] = {
	KUNIT_CASE(tcp_since),
	{}
};

static struct kunit_suite tcp_suite = {
	.name = "ankus_tcp",
	.test_cases = tcp_cases,
};

kunit_test_suite(tcp_suite);
