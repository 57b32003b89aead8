// SPDX-License-Identifier: GPL-2.0
/*
 * Random admission (Ben Basat et al., "Randomized Admission Policy for
 * Efficient Top-k and Frequency Estimation", INFOCOM 2017) in the lines of the
 * module's sketch: a flow that has no counter takes over the least of its line
 * only with the probability of its bytes in the sum of both. Else it is not
 * counted, so a count may be too low.
 */
#include "lines.h"
#include "peer.h"

/* What looks at a line is the module's, and static there */
#define ankus_sketch_add random_admission_not
#define ankus_sketch_count random_admission_count
#define ankus_sketch_used random_admission_used
#include "sketch.c"

static bool random_admission_admits(struct lines *self, u32 bytes,
				    u32 least)
{
	self->dice ^= self->dice << 13;
	self->dice ^= self->dice >> 7;
	self->dice ^= self->dice << 17;
	return (self->dice >> 32) * ((u64)least + bytes) < (u64)bytes << 32;
}

static bool random_admission_add(void *p, u32 hash, u32 bytes, u32 epoch,
				 u32 enough)
{
	struct lines *self = p;
	struct ankus_sketch_line *line = lines_of(self, hash);
	u16 print = hash >> 16;
	unsigned int slot;
	u32 count;

	if (line->epoch != epoch)
		sketch_fade(line, epoch);
	slot = sketch_find(line, print);
	if (slot == ANKUS_SKETCH_WAYS) {
		slot = sketch_least(line);
		if (!random_admission_admits(self, bytes, line->bytes[slot]))
			return false;
		line->print[slot] = cpu_to_le16(print);
	}
	count = line->bytes[slot] + min(bytes, ANKUS_SKETCH_ENOUGH_MAX);
	line->bytes[slot] = count < enough ? count : 0;
	return count >= enough;
}

const struct peer peer_random_admission = {
	.name = "random admission",
	.create = lines_create,
	.add = random_admission_add,
	.destroy = lines_destroy,
};
