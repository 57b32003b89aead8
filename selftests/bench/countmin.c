// SPDX-License-Identifier: GPL-2.0
/*
 * Count-min (Cormode, Muthukrishnan, "An Improved Data Stream Summary", 2005)
 * with conservative update (Estan, Varghese, "New Directions in Traffic
 * Measurement and Accounting", SIGCOMM 2002): four counters of a flow, of which
 * only those are raised that would otherwise be below the new estimate.
 *
 * What a flow has counted cannot be taken out, as others share its counters.
 * Counters say nothing of their age, so all are halved at once.
 */
#include <stdlib.h>

#include "peer.h"

#define COUNT_MIN_ROWS 4

struct count_min {
	u32 epoch;
	u32 columns;
	u32 *counters;
};

static void *count_min_create(size_t bytes)
{
	struct count_min *self = calloc(1, sizeof(*self));

	if (!self)
		return NULL;
	self->columns = bytes / sizeof(u32) / COUNT_MIN_ROWS;
	self->counters = calloc(COUNT_MIN_ROWS * (size_t)self->columns,
				sizeof(u32));
	if (!self->counters) {
		free(self);
		return NULL;
	}
	return self;
}

static bool count_min_add(void *p, u32 hash, u32 bytes, u32 epoch, u32 enough)
{
	struct count_min *self = p;
	u32 *counter[COUNT_MIN_ROWS], count = ~0U;
	u32 i;

	if (self->epoch != epoch) {
		for (i = 0; i < COUNT_MIN_ROWS * self->columns; i++)
			self->counters[i] >>= min(epoch - self->epoch, 31U);
		self->epoch = epoch;
	}
	for (i = 0; i < COUNT_MIN_ROWS; i++) {
		u32 column = peer_scale(peer_hash(hash, i), self->columns);

		counter[i] = &self->counters[i * self->columns + column];
		count = min(count, *counter[i]);
	}
	count += bytes;
	for (i = 0; i < COUNT_MIN_ROWS; i++)
		*counter[i] = max(*counter[i], count);
	return count >= enough;
}

static void count_min_destroy(void *p)
{
	struct count_min *self = p;

	free(self->counters);
	free(self);
}

const struct peer peer_count_min = {
	.name = "count-min",
	.create = count_min_create,
	.add = count_min_add,
	.destroy = count_min_destroy,
};
