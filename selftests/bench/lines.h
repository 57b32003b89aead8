/* SPDX-License-Identifier: GPL-2.0 */
/* Memory for detectors that look at one cache line a packet. */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include "shim.h"
#include "sketch.h"

/**
 * struct lines - as many of the module's sketch lines as fit
 * @mask: their number, a power of two, less one
 * @dice: state of a random number generator, for who needs one
 * @line: zeroed
 */
struct lines {
	u32 mask;
	u64 dice;
	struct ankus_sketch_line *line;
};

void *lines_create(size_t bytes);
void lines_destroy(void *p);

static inline struct ankus_sketch_line *lines_of(struct lines *self, u32 hash)
{
	return &self->line[hash & self->mask];
}

#endif /* BENCH_LINES_H */
