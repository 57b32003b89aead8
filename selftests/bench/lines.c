// SPDX-License-Identifier: GPL-2.0
/* Memory for detectors that look at one cache line a packet. */
#include <stdlib.h>
#include <string.h>

#include "lines.h"

void *lines_create(size_t bytes)
{
	struct lines *self = calloc(1, sizeof(*self));
	u32 n = 1;

	if (!self)
		return NULL;
	while (2 * n * sizeof(*self->line) <= bytes)
		n *= 2;
	self->mask = n - 1;
	self->dice = 0x9e3779b97f4a7c15ULL;
	self->line = aligned_alloc(64, n * sizeof(*self->line));
	if (!self->line) {
		free(self);
		return NULL;
	}
	memset(self->line, 0, n * sizeof(*self->line));
	return self;
}

void lines_destroy(void *p)
{
	struct lines *self = p;

	free(self->line);
	free(self);
}
