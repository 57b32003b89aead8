/* SPDX-License-Identifier: GPL-2.0 */
/* Packets on their way to one CPU: in order, bounded, one at a time at work. */
#ifndef ANKUS_CPU_QUEUE_H
#define ANKUS_CPU_QUEUE_H

#include <linux/skbuff.h>
#include <linux/spinlock.h>

/* A flow's place is a position in the queue of a CPU, and that CPU */
#define ANKUS_PLACE_CPU_BITS	10
#define ANKUS_PLACE_CPU_MASK	(BIT_ULL(ANKUS_PLACE_CPU_BITS) - 1)

/*
 * Beyond the limit as much again is taken while who could help is busy, and what
 * a CPU takes from its NICs before it comes to help.
 */
#define ANKUS_CPU_QUEUE_SLACK	512

/**
 * enum ankus_cpu_add - what became of a packet
 * @ANKUS_CPU_ADDED: it is in the queue
 * @ANKUS_CPU_FIRST: likewise, and whoever works the queue off is to be woken
 * @ANKUS_CPU_FULL: there was no room
 */
enum ankus_cpu_add {
	ANKUS_CPU_ADDED,
	ANKUS_CPU_FIRST,
	ANKUS_CPU_FULL,
};

/**
 * struct ankus_cpu_queue - packets on their way to one CPU
 * @lock: of @input and @added, with softirqs off
 * @input: packets that came since the last look
 * @added: packets that ever came
 * @work: packets that were taken out of @input; for who holds the token
 * @token: bit 0 is held by who works the queue off
 * @done: packets that were delivered; written by who holds the token
 *
 * The packet that was the nth to come is at position n.  It has been delivered
 * when @done has reached n, as packets are in order.
 */
struct ankus_cpu_queue {
	spinlock_t lock;
	struct sk_buff_head input;
	u64 added;
	struct sk_buff_head work ____cacheline_aligned_in_smp;
	unsigned long token;
	u64 done;
};

/* Told of each packet in order, with softirqs off; it is the callee's then */
typedef void (*ankus_cpu_deliver_t)(struct ankus_cpu_queue *queue,
				    struct sk_buff *skb);

void ankus_cpu_queue_init(struct ankus_cpu_queue *queue);
enum ankus_cpu_add ankus_cpu_queue_add(struct ankus_cpu_queue *queue,
				       unsigned int cpu, struct sk_buff *skb,
				       u64 limit, u64 *place);
unsigned int ankus_cpu_queue_work(struct ankus_cpu_queue *queue,
				  unsigned int budget,
				  ankus_cpu_deliver_t deliver);

/**
 * ankus_cpu_queue_len() - packets that are not delivered yet
 * @queue: the queue
 *
 * Context: Any.
 * Return: how many, of the moment.
 */
static inline u64 ankus_cpu_queue_len(const struct ankus_cpu_queue *queue)
{
	/* in this order, so that it is never negative */
	u64 done = smp_load_acquire(&queue->done);

	return READ_ONCE(queue->added) - done;
}

/**
 * ankus_cpu_queue_forsaken() - are there packets, and nobody at work on them?
 * @queue: the queue
 *
 * Who finds the token taken goes away; who gives it back asks this then, and so
 * does who went away, after that can be seen.  So one of the two sees it.
 *
 * Context: Any, after a full memory barrier.
 * Return: true if so.
 */
static inline bool ankus_cpu_queue_forsaken(const struct ankus_cpu_queue *queue)
{
	return ankus_cpu_queue_len(queue) && !test_bit(0, &queue->token);
}

/**
 * ankus_cpu_queue_passed() - has a flow nothing in the queue any more?
 * @queue: the queue of the CPU of the place
 * @place: of the flow's last packet
 *
 * Context: Any.
 * Return: true if what comes next cannot overtake it.
 */
static inline bool ankus_cpu_queue_passed(const struct ankus_cpu_queue *queue,
					  u64 place)
{
	/* Pairs with smp_store_release() in ankus_cpu_queue_work() */
	return smp_load_acquire(&queue->done) >= place >> ANKUS_PLACE_CPU_BITS;
}

static inline unsigned int ankus_place_cpu(u64 place)
{
	return place & ANKUS_PLACE_CPU_MASK;
}

#endif /* ANKUS_CPU_QUEUE_H */
