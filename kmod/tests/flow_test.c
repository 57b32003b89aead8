// SPDX-License-Identifier: GPL-2.0
/* The flow table: what goes in comes out, no more than it may hold. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/bottom_half.h>
#include <linux/in.h>
#include <linux/prandom.h>
#include <linux/socket.h>

#include "../flow.h"

#define FLOW_MAX 64

/* What a namespace has: the last identifier that was given to a flow */
static atomic64_t flow_ids;

KUNIT_DEFINE_ACTION_WRAPPER(flows_destroy, ankus_flows_destroy,
			    struct ankus_flows *);

static struct ankus_flows *flows_new(struct kunit *test, u32 max)
{
	struct ankus_flows *flows;

	flows = kunit_kzalloc(test, sizeof(*flows), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, flows);
	KUNIT_ASSERT_EQ(test, ankus_flows_init(flows, max), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, flows_destroy,
							flows), 0);
	return flows;
}

static struct ankus_packet flow_packet(u32 n)
{
	return (struct ankus_packet) {
		.key = {
			.family = AF_INET,
			.proto = IPPROTO_UDP,
			.src.s6_addr32[0] = htonl(0x0a000000 + n),
			.dst.s6_addr32[0] = htonl(0x0a800000),
			.sport = htons(n),
			.dport = htons(9000),
		},
		.len = 1500,
		.dscp = n % 64,
	};
}

static struct ankus_flow *flow_insert_hash(struct ankus_flows *flows, u32 n,
					   u32 hash)
{
	struct ankus_packet pkt = flow_packet(n);
	struct ankus_flow *flow;

	/* as the packet path does */
	rcu_read_lock_bh();
	flow = ankus_flow_insert(flows, &pkt, hash, &flow_ids);
	rcu_read_unlock_bh();
	return flow;
}

static struct ankus_flow *flow_insert(struct ankus_flows *flows, u32 n)
{
	struct ankus_packet pkt = flow_packet(n);

	return flow_insert_hash(flows, n,
				ankus_key_hash(&pkt.key, &flows->secret));
}

static struct ankus_flow *flow_find_hash(struct ankus_flows *flows, u32 n,
					 u32 hash)
{
	struct ankus_packet pkt = flow_packet(n);
	struct ankus_flow *flow;

	rcu_read_lock_bh();
	flow = ankus_flow_lookup(flows, &pkt.key, hash);
	rcu_read_unlock_bh();
	return flow;
}

static struct ankus_flow *flow_lookup(struct ankus_flows *flows, u32 n)
{
	struct ankus_packet pkt = flow_packet(n);

	return flow_find_hash(flows, n,
			      ankus_key_hash(&pkt.key, &flows->secret));
}

static unsigned int flows_walk(struct ankus_flows *flows)
{
	struct ankus_flow *flow, *tmp;
	unsigned int n = 0;
	u32 i;

	ankus_flows_for_each(flows, i, flow, tmp, true)
		n++;
	return n;
}

struct size_case {
	u32 max;
	u32 buckets;
};

static const struct size_case size_cases[] = {
	{ 1, 1 }, { 2, 2 }, { 3, 4 }, { 64, 64 }, { 65, 128 }, { 16384, 16384 },
	{ 100000, 131072 },
};

static void size_desc(const struct size_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u flows", c->max);
}

KUNIT_ARRAY_PARAM(size, size_cases, size_desc);

static void flow_init(struct kunit *test)
{
	const struct size_case *c = test->param_value;
	struct ankus_flows *flows = flows_new(test, c->max);

	KUNIT_EXPECT_EQ(test, flows->max, c->max);
	KUNIT_EXPECT_EQ(test, flows->mask + 1, c->buckets);
	KUNIT_EXPECT_EQ(test, flows->count, 0);
	KUNIT_EXPECT_EQ(test, flows_walk(flows), 0);
	KUNIT_EXPECT_NULL(test, flow_lookup(flows, 1));
}

/* Nobody can know which bucket a flow of his goes to */
static void flow_secret(struct kunit *test)
{
	struct ankus_flows *a = flows_new(test, FLOW_MAX);
	struct ankus_flows *b = flows_new(test, FLOW_MAX);

	KUNIT_EXPECT_MEMNEQ(test, &a->secret, &b->secret, sizeof(a->secret));
}

static void flow_new(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_packet pkt = flow_packet(7);
	struct ankus_flow *flow = flow_insert(flows, 7);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow);
	KUNIT_EXPECT_TRUE(test, ankus_key_equal(&flow->key, &pkt.key));
	KUNIT_EXPECT_PTR_EQ(test, flow->table, flows);
	KUNIT_EXPECT_EQ(test, flow->id, atomic64_read(&flow_ids));
	KUNIT_EXPECT_EQ(test, flow->dscp, 7);
	KUNIT_EXPECT_EQ(test, flow->state, ANKUS_FLOW_STATE_MOUSE);
	KUNIT_EXPECT_EQ(test, flow->mode, ANKUS_PIN_MODE_AUTO);
	KUNIT_EXPECT_EQ(test, flow->seen_bin, ANKUS_NO_BIN);
	KUNIT_EXPECT_NULL(test, flow->ctl);
	/* what a packet carries is counted by who saw it */
	KUNIT_EXPECT_EQ(test, atomic64_read(&flow->bytes), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&flow->packets), 0);
}

static void flow_insert_lookup_remove(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow[FLOW_MAX];
	u32 i;

	for (i = 0; i < FLOW_MAX; i++) {
		KUNIT_EXPECT_NULL(test, flow_lookup(flows, i));
		flow[i] = flow_insert(flows, i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow[i]);
		KUNIT_EXPECT_EQ(test, flows->count, i + 1);
	}
	for (i = 0; i < FLOW_MAX; i++)
		KUNIT_EXPECT_PTR_EQ(test, flow_lookup(flows, i), flow[i]);
	KUNIT_EXPECT_NULL(test, flow_lookup(flows, FLOW_MAX));
	KUNIT_EXPECT_EQ(test, flows_walk(flows), FLOW_MAX);

	for (i = 0; i < FLOW_MAX; i += 2) {
		ankus_flow_remove(flows, flow[i]);
		KUNIT_EXPECT_NULL(test, flow_lookup(flows, i));
	}
	KUNIT_EXPECT_EQ(test, flows->count, FLOW_MAX / 2);
	KUNIT_EXPECT_EQ(test, flows_walk(flows), FLOW_MAX / 2);
	for (i = 1; i < FLOW_MAX; i += 2)
		KUNIT_EXPECT_PTR_EQ(test, flow_lookup(flows, i), flow[i]);
}

/* Two CPUs that see the first packets of a flow get one flow */
static void flow_duplicate(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow = flow_insert(flows, 3);
	u64 id;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow);
	id = flow->id;
	KUNIT_EXPECT_PTR_EQ(test, flow_insert(flows, 3), flow);
	KUNIT_EXPECT_EQ(test, flows->count, 1);
	KUNIT_EXPECT_EQ(test, flows_walk(flows), 1);
	KUNIT_EXPECT_EQ(test, flow->id, id);
}

/* Keys that differ in one field only are flows of their own */
static void flow_distinct(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_packet pkt = flow_packet(1);
	struct ankus_flow *in, *out, *udp;

	rcu_read_lock_bh();
	in = ankus_flow_insert(flows, &pkt, 5, &flow_ids);
	pkt.key.dir = ANKUS_DIR_OUT;
	out = ankus_flow_insert(flows, &pkt, 5, &flow_ids);
	pkt.key.proto = IPPROTO_TCP;
	udp = ankus_flow_insert(flows, &pkt, 5, &flow_ids);
	rcu_read_unlock_bh();

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, in);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, out);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, udp);
	KUNIT_EXPECT_PTR_NE(test, in, out);
	KUNIT_EXPECT_PTR_NE(test, out, udp);
	KUNIT_EXPECT_EQ(test, flows->count, 3);
}

static void flow_full(struct kunit *test)
{
	/* fewer flows than buckets */
	struct ankus_flows *flows = flows_new(test, FLOW_MAX - 1);
	struct ankus_flow *flow;
	u32 i;

	for (i = 0; i < FLOW_MAX - 1; i++)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow_insert(flows, i));
	for (i = FLOW_MAX; i < 2 * FLOW_MAX; i++)
		KUNIT_EXPECT_EQ(test, PTR_ERR(flow_insert(flows, i)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, flows->count, FLOW_MAX - 1);
	KUNIT_EXPECT_EQ(test, flows_walk(flows), FLOW_MAX - 1);

	/* those that are there are found, and one that goes makes room */
	flow = flow_lookup(flows, 5);
	KUNIT_ASSERT_NOT_NULL(test, flow);
	ankus_flow_remove(flows, flow);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, flow_insert(flows, FLOW_MAX));
	KUNIT_EXPECT_EQ(test, PTR_ERR(flow_insert(flows, 5)), -ENOSPC);
	KUNIT_EXPECT_NULL(test, flow_lookup(flows, 5));
	KUNIT_EXPECT_NOT_NULL(test, flow_lookup(flows, FLOW_MAX));
}

/* One bucket takes them all, and gives each of them back */
static void flow_collisions(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow[4];
	u32 i, gone;

	for (gone = 0; gone < 4; gone++) {
		for (i = 0; i < 4; i++) {
			/* above the mask all bits are the same to it */
			flow[i] = flow_insert_hash(flows, i, 9 + i * FLOW_MAX);
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow[i]);
		}
		ankus_flow_remove(flows, flow[gone]);
		for (i = 0; i < 4; i++)
			KUNIT_EXPECT_PTR_EQ(test, flow_find_hash(flows, i, 9),
					    i == gone ? NULL : flow[i]);
		for (i = 0; i < 4; i++)
			if (i != gone)
				ankus_flow_remove(flows, flow[i]);
		KUNIT_EXPECT_EQ(test, flows->count, 0);
		KUNIT_EXPECT_EQ(test, flows_walk(flows), 0);
	}
}

/* Nobody can make lookups slow, not even who can tell where flows go */
static void flow_chain(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	u32 i;

	for (i = 0; i < ANKUS_FLOW_CHAIN; i++)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow_insert_hash(flows, i, 9));
	KUNIT_EXPECT_EQ(test, PTR_ERR(flow_insert_hash(flows, i, 9)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, flows->count, ANKUS_FLOW_CHAIN);
	KUNIT_EXPECT_EQ(test, flows->added, ANKUS_FLOW_CHAIN);
	KUNIT_EXPECT_NULL(test, flow_find_hash(flows, i, 9));
	/* one of them is found, another bucket open, and room is room again */
	KUNIT_EXPECT_PTR_EQ(test, flow_insert_hash(flows, 3, 9),
			    flow_find_hash(flows, 3, 9));
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, flow_insert_hash(flows, i, 10));
	ankus_flow_remove(flows, flow_find_hash(flows, 0, 9));
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, flow_insert_hash(flows, i + 1, 9));
	KUNIT_EXPECT_EQ(test, flows->added, ANKUS_FLOW_CHAIN + 2);
}

/* Against a list of what should be there */
static void flow_random(struct kunit *test)
{
	enum { KEYS = 2 * FLOW_MAX };
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow **there;
	struct rnd_state rnd;
	unsigned int step, count = 0;

	there = kunit_kcalloc(test, KEYS, sizeof(*there), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, there);
	prandom_seed_state(&rnd, 7);
	for (step = 0; step < 2000; step++) {
		u32 n = prandom_u32_state(&rnd) % KEYS;
		struct ankus_flow *flow;

		KUNIT_ASSERT_PTR_EQ(test, flow_lookup(flows, n), there[n]);
		if (there[n] && prandom_u32_state(&rnd) % 2) {
			ankus_flow_remove(flows, there[n]);
			there[n] = NULL;
			count--;
		} else {
			flow = flow_insert(flows, n);
			if (there[n] && count < FLOW_MAX)
				KUNIT_ASSERT_PTR_EQ(test, flow, there[n]);
			if (!there[n] && count == FLOW_MAX)
				KUNIT_ASSERT_EQ(test, PTR_ERR(flow), -ENOSPC);
			if (!there[n] && count < FLOW_MAX) {
				KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow);
				there[n] = flow;
				count++;
			}
		}
		KUNIT_ASSERT_EQ(test, flows->count, count);
	}
	KUNIT_EXPECT_EQ(test, flows_walk(flows), count);
}

/* A walk may remove what it stands on */
static void flow_walk_remove(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow, *tmp;
	unsigned int seen = 0;
	u32 i;

	for (i = 0; i < FLOW_MAX; i++)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test,
					     flow_insert_hash(flows, i, i % 8));
	ankus_flows_for_each(flows, i, flow, tmp, true) {
		seen++;
		if (ntohs(flow->key.sport) % 3)
			ankus_flow_remove(flows, flow);
	}
	KUNIT_EXPECT_EQ(test, seen, FLOW_MAX);
	KUNIT_EXPECT_EQ(test, flows->count, DIV_ROUND_UP(FLOW_MAX, 3));
	KUNIT_EXPECT_EQ(test, flows_walk(flows), DIV_ROUND_UP(FLOW_MAX, 3));
}

/* Empty buckets cost a walk nothing, whatever the chains have been like */
static void flow_walk_used(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow[FLOW_MAX];
	u32 i, left;

	for (i = 0; i < FLOW_MAX; i++) {
		flow[i] = flow_insert_hash(flows, i, i % 8);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow[i]);
	}
	KUNIT_EXPECT_EQ(test, bitmap_weight(flows->used, flows->mask + 1), 8);
	/* first, middle and last ones of chains come and go */
	for (i = 0; i < FLOW_MAX; i++) {
		ankus_flow_remove(flows, flow[i * 29 % FLOW_MAX]);
		left = FLOW_MAX - 1 - i;
		KUNIT_EXPECT_EQ(test, flows_walk(flows), left);
		KUNIT_EXPECT_LE(test, bitmap_weight(flows->used,
						    flows->mask + 1),
				min(left, 8U));
	}
	KUNIT_EXPECT_TRUE(test, bitmap_empty(flows->used, flows->mask + 1));
}

/*
 * No two flows have one identifier, and along a chain they fall: a dump that
 * was interrupted goes on behind the last one that it told of.
 */
static void flow_identifiers(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	u64 first = atomic64_read(&flow_ids) + 1;
	struct ankus_flow *flow, *tmp;
	DECLARE_BITMAP(seen, FLOW_MAX);
	u32 i;

	bitmap_zero(seen, FLOW_MAX);
	for (i = 0; i < FLOW_MAX; i++)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test,
					     flow_insert_hash(flows, i, i * i));
	for (i = 0; i <= flows->mask; i++) {
		u64 last = U64_MAX;

		ankus_bucket_for_each(flows, i, flow, tmp, true) {
			KUNIT_EXPECT_LT(test, flow->id, last);
			last = flow->id;
			KUNIT_ASSERT_LT(test, last - first, FLOW_MAX);
			KUNIT_EXPECT_FALSE(test, test_and_set_bit(last - first,
								  seen));
		}
	}
	KUNIT_EXPECT_TRUE(test, bitmap_full(seen, FLOW_MAX));
}

/*
 * Flows with a control part have an order by identifier, in whatever order they
 * get it and go.
 */
static void flow_active_order(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow[FLOW_MAX];
	struct ankus_flow *next;
	u32 i, n = 0;

	KUNIT_EXPECT_NULL(test, ankus_flow_next(flows, 0));
	for (i = 0; i < FLOW_MAX; i++) {
		flow[i] = flow_insert(flows, i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow[i]);
	}
	/* every third is left a mouse, the others come from everywhere */
	for (i = 0; i < FLOW_MAX; i++)
		if (i * 29 % FLOW_MAX % 3)
			KUNIT_ASSERT_EQ(test, ankus_flow_activate(flow[i * 29 % FLOW_MAX]), 0);
	for (i = 0; i < FLOW_MAX; i++) {
		next = ankus_flow_next(flows, flow[i]->id - 1);
		if (i % 3)
			KUNIT_EXPECT_PTR_EQ(test, next, flow[i]);
		else
			KUNIT_EXPECT_PTR_EQ(test, next, i + 1 < FLOW_MAX ?
						      flow[i + 1] : NULL);
	}
	KUNIT_EXPECT_NULL(test, ankus_flow_next(flows, flow[FLOW_MAX - 1]->id));
	KUNIT_EXPECT_NULL(test, ankus_flow_next(flows, U64_MAX));

	/* and those that stay keep it */
	for (i = 0; i < FLOW_MAX; i++)
		if (i % 2)
			ankus_flow_remove(flows, flow[i]);
	for (next = ankus_flow_next(flows, 0); next;
	     next = ankus_flow_next(flows, next->id)) {
		i = ntohs(next->key.sport);
		KUNIT_EXPECT_TRUE(test, i % 3 && i % 2 == 0);
		KUNIT_EXPECT_PTR_EQ(test, next, flow[i]);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, FLOW_MAX / 3);
}

/* By the identifier alone, mouse or not */
static void flow_find_key(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow[8];
	struct ankus_key key;
	u64 gone;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(flow); i++) {
		flow[i] = flow_insert_hash(flows, i, i % 3);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow[i]);
	}
	KUNIT_ASSERT_EQ(test, ankus_flow_activate(flow[5]), 0);
	for (i = 0; i < ARRAY_SIZE(flow); i++) {
		memset(&key, 0, sizeof(key));
		KUNIT_EXPECT_TRUE(test, ankus_flow_find_key(flows, flow[i]->id, &key));
		KUNIT_EXPECT_TRUE(test, ankus_key_equal(&key, &flow[i]->key));
	}
	gone = flow[5]->id;
	ankus_flow_remove(flows, flow[5]);
	KUNIT_EXPECT_FALSE(test, ankus_flow_find_key(flows, gone, &key));
	KUNIT_EXPECT_FALSE(test, ankus_flow_find_key(flows, 0, &key));
}

static void flow_activate(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow = flow_insert(flows, 1);
	struct ankus_flow_ctl *ctl;
	unsigned int kind;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow);
	KUNIT_ASSERT_EQ(test, ankus_flow_activate(flow), 0);
	ctl = flow->ctl;
	KUNIT_ASSERT_NOT_NULL(test, ctl);
	for (kind = 0; kind < ANKUS_PIN_KINDS; kind++) {
		KUNIT_EXPECT_EQ(test, ctl->pin[kind].want, ANKUS_NO_BIN);
		KUNIT_EXPECT_EQ(test, ctl->pin[kind].have, ANKUS_NO_BIN);
		KUNIT_EXPECT_EQ(test, ctl->pin[kind].state,
				ANKUS_PIN_STATE_NONE);
	}
	/* once: what is pinned stays so */
	ctl->pin[ANKUS_PIN_TXQ].want = 3;
	KUNIT_EXPECT_EQ(test, ankus_flow_activate(flow), 0);
	KUNIT_EXPECT_PTR_EQ(test, flow->ctl, ctl);
	KUNIT_EXPECT_EQ(test, ctl->pin[ANKUS_PIN_TXQ].want, 3);
}

/*
 * The table is destroyed with mice and elephants in it: what is not freed is
 * found by kmemleak, what is freed too early or twice by KASAN.
 */
static void flow_destroy(struct kunit *test)
{
	struct ankus_flows *flows = flows_new(test, FLOW_MAX);
	struct ankus_flow *flow;
	u32 i;

	for (i = 0; i < FLOW_MAX; i++) {
		flow = flow_insert_hash(flows, i, i % 5);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, flow);
		if (i % 2)
			KUNIT_ASSERT_EQ(test, ankus_flow_activate(flow), 0);
		/* one that is on its way out already */
		if (i == 20)
			ankus_flow_remove(flows, flow);
	}
	KUNIT_EXPECT_EQ(test, flows_walk(flows), FLOW_MAX - 1);
	kunit_release_action(test, flows_destroy, flows);
	/* the callback of the removed one must not need the table */
	memset(flows, 0xee, sizeof(*flows));
	rcu_barrier();
}

static struct kunit_case flow_cases[] = {
	KUNIT_CASE_PARAM(flow_init, size_gen_params),
	KUNIT_CASE(flow_secret),
	KUNIT_CASE(flow_new),
	KUNIT_CASE(flow_insert_lookup_remove),
	KUNIT_CASE(flow_duplicate),
	KUNIT_CASE(flow_distinct),
	KUNIT_CASE(flow_full),
	KUNIT_CASE(flow_collisions),
	KUNIT_CASE(flow_chain),
	KUNIT_CASE(flow_random),
	KUNIT_CASE(flow_walk_remove),
	KUNIT_CASE(flow_walk_used),
	KUNIT_CASE(flow_identifiers),
	KUNIT_CASE(flow_active_order),
	KUNIT_CASE(flow_find_key),
	KUNIT_CASE(flow_activate),
	KUNIT_CASE(flow_destroy),
	{}
};

static struct kunit_suite flow_suite = {
	.name = "ankus_flow",
	.test_cases = flow_cases,
};

kunit_test_suite(flow_suite);
