// SPDX-License-Identifier: GPL-2.0
/* Conditions of rules: each alone, all together, and their edges. */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/socket.h>

#include "../match.h"

/**
 * struct match_subject - what is matched
 * @key: the flow
 * @dscp: its differentiated services code point
 * @mark: its mark
 */
struct match_subject {
	struct ankus_key key;
	u8 dscp;
	u32 mark;
};

static const struct match_subject v4_subject = {
	.key = {
		.family = AF_INET,
		.proto = IPPROTO_TCP,
		.dir = ANKUS_DIR_OUT,
		.src.s6_addr = { 192, 0, 2, 129 },
		.dst.s6_addr = { 198, 51, 100, 2 },
		.sport = cpu_to_be16(443),
		.dport = cpu_to_be16(40000),
	},
	.dscp = 10,
	.mark = 0x1234,
};

static const struct match_subject v6_subject = {
	.key = {
		.family = AF_INET6,
		.proto = IPPROTO_UDP,
		.dir = ANKUS_DIR_IN,
		.src.s6_addr = { 0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4,
				 5, 6, 7, 8, 9, 10, 11, 12 },
		.dst.s6_addr = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0,
				 0xaa, 0x55, 0xaa, 0x55, 0xff, 0, 0xff, 1 },
		.sport = cpu_to_be16(1),
		.dport = cpu_to_be16(65535),
	},
	.dscp = 46,
	.mark = 0x80000001,
};

static bool match_subject(const struct ankus_match *match,
			  const struct match_subject *subject)
{
	return ankus_match_flow(match, &subject->key, subject->dscp,
				subject->mark);
}

/* Conditions that hold for a subject, and a subject for which one does not */
static void family_hold(struct ankus_match *match,
			const struct match_subject *subject)
{
	match->family = subject->key.family;
}

static void family_break(struct match_subject *subject)
{
	subject->key.family ^= AF_INET ^ AF_INET6;
}

static void proto_hold(struct ankus_match *match,
		       const struct match_subject *subject)
{
	match->has_proto = true;
	match->proto = subject->key.proto;
}

static void proto_break(struct match_subject *subject)
{
	subject->key.proto = IPPROTO_SCTP;
}

static void dir_hold(struct ankus_match *match,
		     const struct match_subject *subject)
{
	match->has_dir = true;
	match->dir = subject->key.dir;
}

static void dir_break(struct match_subject *subject)
{
	subject->key.dir ^= ANKUS_DIR_IN ^ ANKUS_DIR_OUT;
}

static void dscp_hold(struct ankus_match *match,
		      const struct match_subject *subject)
{
	match->has_dscp = true;
	match->dscp = subject->dscp;
}

static void dscp_break(struct match_subject *subject)
{
	subject->dscp = 0;
}

static void mark_hold(struct ankus_match *match,
		      const struct match_subject *subject)
{
	match->mark_mask = 0xf;
	match->mark = subject->mark & 0xf;
}

static void mark_break(struct match_subject *subject)
{
	subject->mark ^= 0x8;
}

static void src_hold(struct ankus_match *match,
		     const struct match_subject *subject)
{
	match->src_len = 9;
	match->src = subject->key.src;
	/* only what the prefix covers counts */
	match->src.s6_addr[2] ^= 0xff;
}

static void src_break(struct match_subject *subject)
{
	subject->key.src.s6_addr[0] ^= 0x01;
}

static void dst_hold(struct ankus_match *match,
		     const struct match_subject *subject)
{
	match->dst_len = 32;
	match->dst = subject->key.dst;
}

static void dst_break(struct match_subject *subject)
{
	subject->key.dst.s6_addr[3] ^= 0x01;
}

static void sport_hold(struct ankus_match *match,
		       const struct match_subject *subject)
{
	match->has_sport = true;
	match->sport[0] = ntohs(subject->key.sport);
	match->sport[1] = ntohs(subject->key.sport) + 1;
}

static void sport_break(struct match_subject *subject)
{
	subject->key.sport = htons(ntohs(subject->key.sport) - 1);
}

static void dport_hold(struct ankus_match *match,
		       const struct match_subject *subject)
{
	match->has_dport = true;
	match->dport[0] = ntohs(subject->key.dport) - 1;
	match->dport[1] = ntohs(subject->key.dport);
}

static void dport_break(struct match_subject *subject)
{
	subject->key.dport = htons(ntohs(subject->key.dport) + 1);
}

struct condition {
	const char *name;
	void (*hold)(struct ankus_match *match,
		     const struct match_subject *subject);
	void (*break_it)(struct match_subject *subject);
};

static const struct condition conditions[] = {
	{ "family", family_hold, family_break },
	{ "proto", proto_hold, proto_break },
	{ "dir", dir_hold, dir_break },
	{ "dscp", dscp_hold, dscp_break },
	{ "mark", mark_hold, mark_break },
	{ "src", src_hold, src_break },
	{ "dst", dst_hold, dst_break },
	{ "sport", sport_hold, sport_break },
	{ "dport", dport_hold, dport_break },
};

KUNIT_ARRAY_PARAM_DESC(condition, conditions, name);

static const struct match_subject *const subjects[] = {
	&v4_subject, &v6_subject,
};

static void match_nothing_asked(struct kunit *test)
{
	const struct ankus_match any = {};
	const struct match_subject zero = {};
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, match_subject(&any, &zero));
	for (i = 0; i < ARRAY_SIZE(subjects); i++)
		KUNIT_EXPECT_TRUE(test, match_subject(&any, subjects[i]));
}

static void match_alone(struct kunit *test)
{
	const struct condition *c = test->param_value;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(subjects); i++) {
		struct ankus_match match = {};

		c->hold(&match, subjects[i]);
		KUNIT_EXPECT_TRUE(test, match_subject(&match, subjects[i]));
		/* nothing else that is different matters */
		for (j = 0; j < ARRAY_SIZE(conditions); j++) {
			struct match_subject other = *subjects[i];

			conditions[j].break_it(&other);
			KUNIT_EXPECT_EQ_MSG(test, match_subject(&match, &other),
					    c != &conditions[j], "%s broken",
					    conditions[j].name);
		}
	}
}

/* Every set of conditions holds together, and fails with any one of them */
static void match_combined(struct kunit *test)
{
	unsigned int set, i, j;

	for (set = 0; set < BIT(ARRAY_SIZE(conditions)); set++) {
		const struct match_subject *subject = subjects[set % 2];
		struct ankus_match match = {};

		for (j = 0; j < ARRAY_SIZE(conditions); j++)
			if (set & BIT(j))
				conditions[j].hold(&match, subject);
		KUNIT_EXPECT_TRUE_MSG(test, match_subject(&match, subject),
				      "set %#x", set);
		for (i = 0; i < ARRAY_SIZE(conditions); i++) {
			struct match_subject other = *subject;

			conditions[i].break_it(&other);
			KUNIT_EXPECT_EQ_MSG(test, match_subject(&match, &other),
					    !(set & BIT(i)), "set %#x, %s",
					    set, conditions[i].name);
		}
	}
}

struct prefix_case {
	const char *name;
	const struct match_subject *subject;
	unsigned int bits;
	bool src;
};

static const struct prefix_case prefix_cases[] = {
	{ "IPv4 source", &v4_subject, 32, true },
	{ "IPv4 destination", &v4_subject, 32, false },
	{ "IPv6 source", &v6_subject, 128, true },
	{ "IPv6 destination", &v6_subject, 128, false },
};

KUNIT_ARRAY_PARAM_DESC(prefix, prefix_cases, name);

static void match_prefix(struct kunit *test)
{
	const struct prefix_case *c = test->param_value;
	unsigned int len, bit;

	for (len = 0; len <= c->bits; len++) {
		struct match_subject other = *c->subject;
		struct ankus_match match = { .family = c->subject->key.family };
		struct in6_addr *addr = c->src ? &other.key.src :
						 &other.key.dst;

		if (c->src) {
			match.src = *addr;
			match.src_len = len;
		} else {
			match.dst = *addr;
			match.dst_len = len;
		}
		KUNIT_EXPECT_TRUE_MSG(test, match_subject(&match, &other),
				      "/%u", len);
		for (bit = 0; bit < c->bits; bit++) {
			addr->s6_addr[bit / 8] ^= 0x80 >> bit % 8;
			KUNIT_EXPECT_EQ_MSG(test, match_subject(&match, &other),
					    bit >= len, "/%u, bit %u differs",
					    len, bit);
			addr->s6_addr[bit / 8] ^= 0x80 >> bit % 8;
		}
	}
}

struct mark_case {
	u32 mark;
	u32 mask;
	u32 packet;
	bool match;
};

static const struct mark_case mark_cases[] = {
	{ 0, 0, 0, true },
	{ 0, 0, 0xffffffff, true },
	{ 0, 0xffffffff, 0, true },
	{ 0, 0xffffffff, 1, false },
	{ 0, 0xffffffff, 0x80000000, false },
	{ 0xffffffff, 0xffffffff, 0xffffffff, true },
	{ 0xffffffff, 0xffffffff, 0x7fffffff, false },
	{ 0x10, 0xf0, 0x10, true },
	{ 0x10, 0xf0, 0xffffff1f, true },
	{ 0x10, 0xf0, 0x11, true },
	{ 0x10, 0xf0, 0x30, false },
	{ 0x10, 0xf0, 0, false },
	{ 0x80000000, 0x80000000, 0x80000000, true },
	{ 0x80000000, 0x80000000, 0x7fffffff, false },
};

static void mark_desc(const struct mark_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%#x/%#x and %#x", c->mark,
		 c->mask, c->packet);
}

KUNIT_ARRAY_PARAM(mark, mark_cases, mark_desc);

static void match_mark(struct kunit *test)
{
	const struct mark_case *c = test->param_value;
	const struct ankus_match match = {
		.mark = c->mark,
		.mark_mask = c->mask,
	};

	KUNIT_EXPECT_EQ(test, c->match,
			ankus_match_flow(&match, &v4_subject.key, 0, c->packet));
}

struct port_case {
	u16 first;
	u16 last;
};

static const struct port_case port_cases[] = {
	{ 0, 0 }, { 0, 1 }, { 0, 65535 }, { 1, 1 }, { 80, 80 }, { 255, 256 },
	{ 9000, 9010 }, { 32767, 32768 }, { 65534, 65535 }, { 65535, 65535 },
};

static void port_desc(const struct port_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u-%u", c->first, c->last);
}

KUNIT_ARRAY_PARAM(port, port_cases, port_desc);

static void match_ports(struct kunit *test)
{
	const struct port_case *c = test->param_value;
	const struct ankus_match sport = {
		.has_sport = true, .sport = { c->first, c->last },
	};
	const struct ankus_match dport = {
		.has_dport = true, .dport = { c->first, c->last },
	};
	unsigned int port;

	for (port = 0; port <= 65535; port++) {
		struct ankus_key key = v4_subject.key;
		bool in = port >= c->first && port <= c->last;

		key.sport = htons(port);
		key.dport = htons(~port);
		KUNIT_EXPECT_EQ_MSG(test, in,
				    ankus_match_flow(&sport, &key, 0, 0),
				    "source port %u", port);
		swap(key.sport, key.dport);
		KUNIT_EXPECT_EQ_MSG(test, in,
				    ankus_match_flow(&dport, &key, 0, 0),
				    "destination port %u", port);
	}
}

/* A rule without a family takes both; one with a family takes its own */
static void match_family(struct kunit *test)
{
	const struct ankus_match v4 = { .family = AF_INET };
	const struct ankus_match v6 = { .family = AF_INET6 };

	KUNIT_EXPECT_TRUE(test, match_subject(&v4, &v4_subject));
	KUNIT_EXPECT_FALSE(test, match_subject(&v4, &v6_subject));
	KUNIT_EXPECT_FALSE(test, match_subject(&v6, &v4_subject));
	KUNIT_EXPECT_TRUE(test, match_subject(&v6, &v6_subject));
}

/* Values that are 0 are asked for as any other */
static void match_zero_values(struct kunit *test)
{
	const struct ankus_match proto = { .has_proto = true };
	const struct ankus_match dscp = { .has_dscp = true };
	const struct ankus_match in = { .has_dir = true, .dir = ANKUS_DIR_IN };
	const struct ankus_match sport = { .has_sport = true };
	const struct match_subject zero = {};

	KUNIT_EXPECT_TRUE(test, match_subject(&proto, &zero));
	KUNIT_EXPECT_FALSE(test, match_subject(&proto, &v4_subject));
	KUNIT_EXPECT_TRUE(test, match_subject(&dscp, &zero));
	KUNIT_EXPECT_FALSE(test, match_subject(&dscp, &v4_subject));
	KUNIT_EXPECT_TRUE(test, match_subject(&in, &v6_subject));
	KUNIT_EXPECT_FALSE(test, match_subject(&in, &v4_subject));
	KUNIT_EXPECT_TRUE(test, match_subject(&sport, &zero));
	KUNIT_EXPECT_FALSE(test, match_subject(&sport, &v4_subject));
}

static void match_host_bits(struct kunit *test)
{
	struct in6_addr addr;
	unsigned int len, bit;

	for (len = 0; len <= 128; len++) {
		memset(&addr, 0, sizeof(addr));
		KUNIT_EXPECT_FALSE_MSG(test, ankus_match_host_bits(&addr, len),
				       "::/%u", len);
		for (bit = 0; bit < 128; bit++) {
			memset(&addr, 0, sizeof(addr));
			addr.s6_addr[bit / 8] = 0x80 >> bit % 8;
			KUNIT_EXPECT_EQ_MSG(test, bit >= len,
					    ankus_match_host_bits(&addr, len),
					    "bit %u, /%u", bit, len);
		}
	}
}

static void queues_has(struct kunit *test)
{
	static const unsigned int members[] = {
		0, 1, 63, 64, 500, ANKUS_MAX_QUEUES - 1,
	};
	struct ankus_queues set = {};
	unsigned int queue, i;

	/* all of them, whatever the map says */
	for (queue = 0; queue < ANKUS_MAX_QUEUES; queue++)
		KUNIT_EXPECT_TRUE(test, ankus_queues_has(&set, queue));

	set.some = true;
	for (i = 0; i < ARRAY_SIZE(members); i++)
		__set_bit(members[i], set.map);
	for (queue = 0; queue < ANKUS_MAX_QUEUES; queue++) {
		bool member = false;

		for (i = 0; i < ARRAY_SIZE(members); i++)
			member |= queue == members[i];
		KUNIT_EXPECT_EQ_MSG(test, ankus_queues_has(&set, queue), member,
				    "queue %u", queue);
	}
	/* outside of the map there is nothing to look at */
	KUNIT_EXPECT_FALSE(test, ankus_queues_has(&set, ANKUS_MAX_QUEUES));
	KUNIT_EXPECT_FALSE(test, ankus_queues_has(&set, U32_MAX));
}

static struct kunit_case match_cases[] = {
	KUNIT_CASE(match_nothing_asked),
	KUNIT_CASE_PARAM(match_alone, condition_gen_params),
	KUNIT_CASE(match_combined),
	KUNIT_CASE_PARAM(match_prefix, prefix_gen_params),
	KUNIT_CASE_PARAM(match_mark, mark_gen_params),
	KUNIT_CASE_PARAM(match_ports, port_gen_params),
	KUNIT_CASE(match_family),
	KUNIT_CASE(match_zero_values),
	KUNIT_CASE(match_host_bits),
	KUNIT_CASE(queues_has),
	{}
};

static struct kunit_suite match_suite = {
	.name = "ankus_match",
	.test_cases = match_cases,
};

kunit_test_suite(match_suite);
