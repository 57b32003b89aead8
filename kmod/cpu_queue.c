// SPDX-License-Identifier: GPL-2.0
/*
 * Packets on their way to one CPU.
 *
 * Any CPU adds to the queue.  Any CPU may work it off, one at a time: who does
 * holds the token, takes all that came out of the input and delivers it in
 * order.  So packets keep their order whoever works, and who comes too late
 * for the token does not wait.
 */
#include "cpu_queue.h"

/**
 * ankus_cpu_queue_init() - set up an empty queue
 * @queue: the queue
 *
 * Context: Any.
 */
void ankus_cpu_queue_init(struct ankus_cpu_queue *queue)
{
	spin_lock_init(&queue->lock);
	__skb_queue_head_init(&queue->input);
	__skb_queue_head_init(&queue->work);
	queue->added = 0;
	queue->token = 0;
	queue->done = 0;
}

/**
 * ankus_cpu_queue_add() - add a packet
 * @queue: the queue
 * @cpu: its CPU, for the place
 * @skb: the packet; the queue's, unless there is no room
 * @limit: the queue is full then, but takes as many again, and some, so that
 *	who is called to help has the time to come
 * @place: set to the flow's place; under the lock, so that of two packets of a
 *	flow the later one counts
 *
 * Context: Packet path, softirqs off.
 * Return: what became of the packet.
 */
enum ankus_cpu_add ankus_cpu_queue_add(struct ankus_cpu_queue *queue,
				       unsigned int cpu, struct sk_buff *skb,
				       u64 limit, u64 *place)
{
	enum ankus_cpu_add result = ANKUS_CPU_ADDED;

	spin_lock(&queue->lock);
	if (unlikely(ankus_cpu_queue_len(queue) >=
		     2 * limit + ANKUS_CPU_QUEUE_SLACK)) {
		spin_unlock(&queue->lock);
		return ANKUS_CPU_FULL;
	}
	if (skb_queue_empty(&queue->input))
		result = ANKUS_CPU_FIRST;
	__skb_queue_tail(&queue->input, skb);
	WRITE_ONCE(queue->added, queue->added + 1);
	WRITE_ONCE(*place, queue->added << ANKUS_PLACE_CPU_BITS | cpu);
	spin_unlock(&queue->lock);
	return result;
}

/* The next packet, by who holds the token */
static struct sk_buff *cpu_queue_next(struct ankus_cpu_queue *queue)
{
	struct sk_buff *skb = __skb_dequeue(&queue->work);

	if (skb)
		return skb;
	spin_lock(&queue->lock);
	skb_queue_splice_tail_init(&queue->input, &queue->work);
	spin_unlock(&queue->lock);
	return __skb_dequeue(&queue->work);
}

/**
 * ankus_cpu_queue_work() - work the queue off
 * @queue: the queue
 * @budget: most packets to deliver
 * @deliver: takes each of them
 *
 * A full memory barrier follows: see ankus_cpu_queue_forsaken().
 *
 * Context: Softirqs off.
 * Return: packets delivered; 0 also when another CPU is at it.
 */
unsigned int ankus_cpu_queue_work(struct ankus_cpu_queue *queue,
				  unsigned int budget,
				  ankus_cpu_deliver_t deliver)
{
	struct sk_buff *skb;
	unsigned int n = 0;

	if (test_and_set_bit_lock(0, &queue->token))
		return 0;
	while (n < budget && (skb = cpu_queue_next(queue))) {
		deliver(queue, skb);
		n++;
		/* Pairs with smp_load_acquire() in ankus_cpu_queue_passed() */
		smp_store_release(&queue->done, queue->done + 1);
	}
	clear_bit_unlock(0, &queue->token);
	/* Before the caller asks ankus_cpu_queue_forsaken() */
	smp_mb__after_atomic();
	return n;
}
