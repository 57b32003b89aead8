/* SPDX-License-Identifier: GPL-2.0 */
/* Which flows are heavy enough to be tracked: the admission sketch. */
#ifndef ANKUS_SKETCH_H
#define ANKUS_SKETCH_H

#include <linux/cache.h>
#include <linux/types.h>

#define ANKUS_SKETCH_WAYS	10

/* Estimates stay below twice this, whatever is asked for */
#define ANKUS_SKETCH_ENOUGH_MAX	0x40000000U

/**
 * struct ankus_sketch_line - the flows of one hash value, one cache line
 * @print: fingerprint of the flow of each slot
 * @epoch: when the counters were last halved
 * @bytes: what the flow of each slot has carried, recent bytes counting more;
 *	never less than that, and 0 in a free slot
 *
 * Both arrays begin at a multiple of 8 bytes, to be read by words.  Of one CPU;
 * written with softirqs off.
 */
struct ankus_sketch_line {
	__le16 print[ANKUS_SKETCH_WAYS];
	u32 epoch;
	u32 bytes[ANKUS_SKETCH_WAYS];
} __aligned(64);

/* What ankus_sketch_add() did */
enum ankus_sketch_result {
	ANKUS_SKETCH_COUNTED,
	ANKUS_SKETCH_REPLACED,
	ANKUS_SKETCH_ENOUGH,
};

enum ankus_sketch_result ankus_sketch_add(struct ankus_sketch_line *line,
					  u16 print, u32 bytes, u32 epoch,
					  u32 enough);
u32 ankus_sketch_count(const struct ankus_sketch_line *line, u16 print);
unsigned int ankus_sketch_used(const struct ankus_sketch_line *line, u32 epoch);

#endif /* ANKUS_SKETCH_H */
