// SPDX-License-Identifier: GPL-2.0
/* Packets on their way to a CPU: in order, bounded, seen when nobody works. */
#include <kunit/test.h>
#include <linux/bottom_half.h>

#include "../cpu_queue.h"

#define LIMIT 8
#define HARD (2 * LIMIT + ANKUS_CPU_QUEUE_SLACK)
#define CPU 5

/**
 * struct queue_test - a queue and what came out of it
 * @queue: the queue
 * @place: of the last packet that was added
 * @added: packets that were added
 * @delivered: packets that came out
 * @disorder: how many of these at the wrong time
 * @nested: what whoever came while one was delivered could do
 * @more: packets that come while the next one is delivered
 */
struct queue_test {
	struct ankus_cpu_queue queue;
	u64 place;
	u32 added;
	u32 delivered;
	u32 disorder;
	unsigned int nested;
	unsigned int more;
};

static enum ankus_cpu_add queue_add(struct queue_test *qt)
{
	struct sk_buff *skb = alloc_skb(0, GFP_ATOMIC);
	enum ankus_cpu_add result;

	if (!skb)
		return ANKUS_CPU_FULL;
	skb->mark = qt->added;
	local_bh_disable();
	result = ankus_cpu_queue_add(&qt->queue, CPU, skb, LIMIT, &qt->place);
	local_bh_enable();
	if (result == ANKUS_CPU_FULL)
		kfree_skb(skb);
	else
		qt->added++;
	return result;
}

static void queue_deliver(struct ankus_cpu_queue *queue, struct sk_buff *skb)
{
	struct queue_test *qt = container_of(queue, struct queue_test, queue);

	qt->disorder += skb->mark != qt->delivered++;
	kfree_skb(skb);
	/* the token is taken, so nobody else gets anything */
	qt->nested += ankus_cpu_queue_work(queue, 1, queue_deliver);
	/* nor is the queue anybody's business */
	qt->nested += ankus_cpu_queue_forsaken(queue);
	while (qt->more) {
		qt->more--;
		queue_add(qt);
	}
}

static unsigned int queue_run(struct queue_test *qt, unsigned int budget)
{
	unsigned int n;

	local_bh_disable();
	n = ankus_cpu_queue_work(&qt->queue, budget, queue_deliver);
	local_bh_enable();
	return n;
}

static bool queue_passed(const struct queue_test *qt, u64 place)
{
	return ankus_cpu_queue_passed(&qt->queue, place);
}

static void queue_order(struct kunit *test)
{
	struct queue_test *qt = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, queue_run(qt, 64), 0);
	KUNIT_EXPECT_EQ(test, queue_add(qt), ANKUS_CPU_FIRST);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, queue_add(qt), ANKUS_CPU_ADDED);
	KUNIT_EXPECT_EQ(test, ankus_cpu_queue_len(&qt->queue), 6);
	KUNIT_EXPECT_TRUE(test, ankus_cpu_queue_forsaken(&qt->queue));

	/* no more than asked for; what is left stays in front of what comes */
	KUNIT_EXPECT_EQ(test, queue_run(qt, 2), 2);
	KUNIT_EXPECT_TRUE(test, ankus_cpu_queue_forsaken(&qt->queue));
	KUNIT_EXPECT_EQ(test, queue_add(qt), ANKUS_CPU_FIRST);
	KUNIT_EXPECT_EQ(test, queue_run(qt, 64), 5);
	KUNIT_EXPECT_EQ(test, ankus_cpu_queue_len(&qt->queue), 0);
	KUNIT_EXPECT_FALSE(test, ankus_cpu_queue_forsaken(&qt->queue));
	KUNIT_EXPECT_EQ(test, qt->delivered, 7);
	KUNIT_EXPECT_EQ(test, qt->disorder, 0);
	KUNIT_EXPECT_EQ(test, qt->nested, 0);
}

/* What comes while packets are delivered is delivered too */
static void queue_refill(struct kunit *test)
{
	struct queue_test *qt = test->priv;

	queue_add(qt);
	qt->more = 3;
	KUNIT_EXPECT_EQ(test, queue_run(qt, 64), 4);
	KUNIT_EXPECT_EQ(test, qt->disorder, 0);
	KUNIT_EXPECT_EQ(test, ankus_cpu_queue_len(&qt->queue), 0);
}

static void queue_place(struct kunit *test)
{
	struct queue_test *qt = test->priv;
	u64 first, second;

	queue_add(qt);
	first = qt->place;
	queue_add(qt);
	second = qt->place;
	KUNIT_EXPECT_EQ(test, ankus_place_cpu(first), CPU);
	KUNIT_EXPECT_GT(test, second, first);
	KUNIT_EXPECT_FALSE(test, queue_passed(qt, first));
	queue_run(qt, 1);
	KUNIT_EXPECT_TRUE(test, queue_passed(qt, first));
	KUNIT_EXPECT_FALSE(test, queue_passed(qt, second));
	/* also when another flow's packets are behind it */
	queue_add(qt);
	queue_run(qt, 1);
	KUNIT_EXPECT_TRUE(test, queue_passed(qt, second));
	KUNIT_EXPECT_FALSE(test, queue_passed(qt, qt->place));
}

/* After as many packets as there may ever be, but for some */
static void queue_place_late(struct kunit *test)
{
	struct queue_test *qt = test->priv;

	qt->queue.added = BIT_ULL(64 - ANKUS_PLACE_CPU_BITS) - 3;
	qt->queue.done = qt->queue.added;
	queue_add(qt);
	KUNIT_EXPECT_EQ(test, ankus_place_cpu(qt->place), CPU);
	KUNIT_EXPECT_FALSE(test, queue_passed(qt, qt->place));
	queue_run(qt, 1);
	KUNIT_EXPECT_TRUE(test, queue_passed(qt, qt->place));
}

static void queue_full(struct kunit *test)
{
	struct queue_test *qt = test->priv;
	u64 place;
	unsigned int i;

	for (i = 0; i < HARD; i++)
		KUNIT_ASSERT_NE(test, queue_add(qt), ANKUS_CPU_FULL);
	place = qt->place;
	KUNIT_EXPECT_EQ(test, queue_add(qt), ANKUS_CPU_FULL);
	KUNIT_EXPECT_EQ(test, qt->place, place);
	KUNIT_EXPECT_EQ(test, ankus_cpu_queue_len(&qt->queue), HARD);
	/* one goes, one may come; those at work count, too */
	KUNIT_EXPECT_EQ(test, queue_run(qt, 1), 1);
	KUNIT_EXPECT_NE(test, queue_add(qt), ANKUS_CPU_FULL);
	KUNIT_EXPECT_EQ(test, queue_add(qt), ANKUS_CPU_FULL);
	KUNIT_EXPECT_EQ(test, queue_run(qt, 2 * HARD), HARD);
	KUNIT_EXPECT_EQ(test, qt->delivered, HARD + 1);
	KUNIT_EXPECT_EQ(test, qt->disorder, 0);
}

static int queue_test_init(struct kunit *test)
{
	struct queue_test *qt = kunit_kzalloc(test, sizeof(*qt), GFP_KERNEL);

	if (!qt)
		return -ENOMEM;
	ankus_cpu_queue_init(&qt->queue);
	test->priv = qt;
	return 0;
}

static void queue_test_exit(struct kunit *test)
{
	struct queue_test *qt = test->priv;

	if (qt)
		queue_run(qt, 2 * HARD);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(queue_order),
	KUNIT_CASE(queue_refill),
	KUNIT_CASE(queue_place),
	KUNIT_CASE(queue_place_late),
	KUNIT_CASE(queue_full),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "ankus_cpu_queue",
	.init = queue_test_init,
	.exit = queue_test_exit,
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
