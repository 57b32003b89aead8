// SPDX-License-Identifier: GPL-2.0
/*
 * The admission sketch: a flow is tracked exactly once it has carried enough.
 *
 * Space-Saving (Metwally, Agrawal, El Abbadi, "Efficient computation of
 * frequent and top-k elements in data streams", ICDT 2005) in sets of ten
 * counters, each set a cache line: a packet costs one cache miss at most, and
 * no more work with a million flows than with a thousand.  A flow that has no
 * counter takes the smallest of its line and inherits what stood there.  So a
 * count is never too low, no heavy flow is missed, and it is too high by what
 * the line's small flows carry, divided among ten.  A flow that is admitted too
 * early costs an entry for a second: in the table it is measured exactly.
 *
 * Compared at equal memory in selftests/bench with Space-Saving over one heap,
 * HeavyKeeper (Gong et al., ATC 2018), Elastic sketch (Yang et al., SIGCOMM
 * 2018) and count-min with conservative update (Estan, Varghese, SIGCOMM 2002).
 * With the default size all find the heavy flows of published workloads. Space-
 * Saving, Elastic sketch and count-min take more cache lines and time for a
 * packet, and are no better at keeping mice out of the table when memory is
 * short (Elastic sketch is by a third, at 256 KiB). HeavyKeeper lets in far
 * fewer, and these lines two fifths when a newcomer takes the smallest counter
 * only by chance (random admission, Ben Basat et al., INFOCOM 2017), at the
 * same cost; but by their nature both may miss a flow; here an elephant is
 * never missed.
 *
 * Old counts fade: each epoch that has passed halves a line when it is next
 * used, so nothing ever sweeps the whole.  A flow of a steady rate is counted
 * as what it carries in one to two epochs.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>

#include "sketch.h"

/* Halves the counters for each epoch that has passed */
static void sketch_fade(struct ankus_sketch_line *line, u32 epoch)
{
	unsigned int shift = min(epoch - line->epoch, 31U);
	u64 keep = (u64)(U32_MAX >> shift) << 32 | U32_MAX >> shift;
	u64 *pairs = (u64 *)line->bytes;
	unsigned int i;

	line->epoch = epoch;
	for (i = 0; i < ANKUS_SKETCH_WAYS / 2; i++)
		pairs[i] = pairs[i] >> shift & keep;
}

#define SKETCH_LANES(print) (0x0001000100010001ULL * (print))
#define SKETCH_HIGH SKETCH_LANES(0x8000ULL)

/*
 * The first of four 16-bit lanes that is 0, 4 when there is none.  (Warren,
 * "Hacker's Delight", 6-1; exact for the first one.)
 */
static unsigned int sketch_zero_lane(u64 lanes)
{
	u64 zero = (lanes - SKETCH_LANES(1ULL)) & ~lanes & SKETCH_HIGH;

	return zero ? __ffs64(zero) / 16 : 4;
}

/*
 * The slot of a fingerprint, ANKUS_SKETCH_WAYS when it has none.  Inline: a call
 * and what it takes to keep registers is 14 instructions a packet.
 */
static __always_inline unsigned int
sketch_find(const struct ankus_sketch_line *line, u16 print)
{
	const __le64 *prints = (const __le64 *)line->print;
	u64 lanes = SKETCH_LANES((u64)print);
	unsigned int i, slot;

	for (i = 0; i < ANKUS_SKETCH_WAYS / 4; i++) {
		slot = sketch_zero_lane(le64_to_cpu(prints[i]) ^ lanes);
		if (slot < 4)
			return 4 * i + slot;
	}
	for (slot = 4 * i; slot < ANKUS_SKETCH_WAYS; slot++)
		if (le16_to_cpu(line->print[slot]) == print)
			break;
	return slot;
}

/* The slot with the lowest count */
static unsigned int sketch_least(const struct ankus_sketch_line *line)
{
	/* counts are below 2^31 and leave room for the slot */
	u64 least = (u64)line->bytes[0] << 4;
	unsigned int i;

#pragma GCC unroll 10
	for (i = 1; i < ANKUS_SKETCH_WAYS; i++)
		least = min(least, (u64)line->bytes[i] << 4 | i);
	return least & 15;
}

/**
 * ankus_sketch_add() - count a packet
 * @line: the line that its flow has by hash
 * @print: its fingerprint, bits of the hash that do not choose the line
 * @bytes: length of the packet
 * @epoch: now, in units of the time in which a count is to lose half
 * @enough: bytes that earn an entry in the table; more than
 *	ANKUS_SKETCH_ENOUGH_MAX counts as that
 *
 * Flows of one line and fingerprint share a counter.  A slot that was freed
 * keeps its fingerprint, so a flow finds its old one again.
 *
 * Context: Packet path; the caller owns the line.
 * Return: ANKUS_SKETCH_ENOUGH when the flow has carried enough, and its counter
 * is free again; ANKUS_SKETCH_REPLACED when it took another flow's counter.
 */
enum ankus_sketch_result ankus_sketch_add(struct ankus_sketch_line *line,
					  u16 print, u32 bytes, u32 epoch,
					  u32 enough)
{
	enum ankus_sketch_result result = ANKUS_SKETCH_COUNTED;
	unsigned int slot;
	u32 count;

	BUILD_BUG_ON(sizeof(*line) != 64);
	BUILD_BUG_ON(offsetof(struct ankus_sketch_line, bytes) % 8);

	if (line->epoch != epoch)
		sketch_fade(line, epoch);
	slot = sketch_find(line, print);
	if (slot == ANKUS_SKETCH_WAYS) {
		slot = sketch_least(line);
		line->print[slot] = cpu_to_le16(print);
		if (line->bytes[slot])
			result = ANKUS_SKETCH_REPLACED;
	}
	count = line->bytes[slot] + min(bytes, ANKUS_SKETCH_ENOUGH_MAX);
	if (count >= min(enough, ANKUS_SKETCH_ENOUGH_MAX)) {
		count = 0;
		result = ANKUS_SKETCH_ENOUGH;
	}
	line->bytes[slot] = count;
	return result;
}

/**
 * ankus_sketch_count() - what stands for a flow
 * @line: the line that its flow has by hash, in which it was just counted
 * @print: its fingerprint
 *
 * Context: Packet path; the caller owns the line.
 * Return: its count in bytes.
 */
u32 ankus_sketch_count(const struct ankus_sketch_line *line, u16 print)
{
	unsigned int slot = sketch_find(line, print);

	return slot < ANKUS_SKETCH_WAYS ? line->bytes[slot] : 0;
}

/**
 * ankus_sketch_used() - counters in use
 * @line: a line
 * @epoch: now
 *
 * Context: Any; a reader that does not own the line gets about the truth.
 * Return: flows that have a counter which has not faded yet.
 */
unsigned int ankus_sketch_used(const struct ankus_sketch_line *line, u32 epoch)
{
	unsigned int shift = min(epoch - READ_ONCE(line->epoch), 31U);
	unsigned int i, n = 0;

	for (i = 0; i < ANKUS_SKETCH_WAYS; i++)
		n += !!(READ_ONCE(line->bytes[i]) >> shift);
	return n;
}
