// SPDX-License-Identifier: GPL-2.0
/* The module's own sketch, as kmod/hook.c uses it. */
#include <stdlib.h>

#include "peer.h"
#include "sketch.h"

struct ankus {
	u32 mask;
	struct ankus_sketch_line *lines;
};

static void *ankus_create(size_t bytes)
{
	struct ankus *self = calloc(1, sizeof(*self));
	u32 n = 1;

	if (!self)
		return NULL;
	while (2 * n * sizeof(*self->lines) <= bytes)
		n *= 2;
	self->mask = n - 1;
	self->lines = aligned_alloc(64, n * sizeof(*self->lines));
	if (!self->lines) {
		free(self);
		return NULL;
	}
	while (n--)
		self->lines[n] = (struct ankus_sketch_line){ 0 };
	return self;
}

static bool ankus_add(void *p, u32 hash, u32 bytes, u32 epoch, u32 enough)
{
	struct ankus *self = p;

	return ankus_sketch_add(&self->lines[hash & self->mask], hash >> 16,
				bytes, epoch, enough) == ANKUS_SKETCH_ENOUGH;
}

static void ankus_destroy(void *p)
{
	struct ankus *self = p;

	free(self->lines);
	free(self);
}

const struct peer peer_ankus = {
	.name = "ankus",
	.create = ankus_create,
	.add = ankus_add,
	.destroy = ankus_destroy,
};
