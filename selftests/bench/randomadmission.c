// SPDX-License-Identifier: GPL-2.0
/*
 * Random admission (Ben Basat et al., "Randomized Admission Policy for
 * Efficient Top-k and Frequency Estimation", INFOCOM 2017) in the lines of the
 * module's sketch: a flow that has no counter takes over the least of its line
 * only with the probability of its bytes in the sum of both. Else it is not
 * counted, so a count may be too low.
 */
#include <stdlib.h>

#include "peer.h"

/* What looks at a line is the module's, and static there */
#define ankus_sketch_add random_admission_not
#define ankus_sketch_used random_admission_used
#include "sketch.c"

struct random_admission {
	u32 mask;
	u64 dice;
	struct ankus_sketch_line *lines;
};

static void *random_admission_create(size_t bytes)
{
	struct random_admission *self = calloc(1, sizeof(*self));
	u32 n = 1;

	if (!self)
		return NULL;
	while (2 * n * sizeof(*self->lines) <= bytes)
		n *= 2;
	self->mask = n - 1;
	self->dice = 0x9e3779b97f4a7c15ULL;
	self->lines = aligned_alloc(64, n * sizeof(*self->lines));
	if (!self->lines) {
		free(self);
		return NULL;
	}
	while (n--)
		self->lines[n] = (struct ankus_sketch_line){ 0 };
	return self;
}

static bool random_admission_admits(struct random_admission *self, u32 bytes,
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
	struct random_admission *self = p;
	struct ankus_sketch_line *line = &self->lines[hash & self->mask];
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

static void random_admission_destroy(void *p)
{
	struct random_admission *self = p;

	free(self->lines);
	free(self);
}

const struct peer peer_random_admission = {
	.name = "random admission",
	.create = random_admission_create,
	.add = random_admission_add,
	.destroy = random_admission_destroy,
};
