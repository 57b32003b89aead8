// SPDX-License-Identifier: GPL-2.0
/*
 * Space-Saving (Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent
 * and Top-k Elements in Data Streams", ICDT 2005): counters of single flows; one
 * that has none takes over the smallest, and what it counted.
 *
 * As packets differ in length, the smallest is found by a heap instead of the
 * paper's lists of equal counts; a hash table finds a flow's counter. A flow is
 * known by its hash value alone, which saves it memory. All counts are halved
 * at once.
 */
#include <stdlib.h>

#include "peer.h"

#define NOBODY (~0U)

struct counter {
	u32 hash;
	u32 count;
	u32 next;	/* in the bucket */
	u32 place;	/* in the heap */
};

struct space_saving {
	u32 epoch;
	u32 n;
	u32 max;
	struct counter *counters;
	u32 *heap;	/* the smallest first */
	u32 *buckets;
};

static void space_saving_destroy(void *p)
{
	struct space_saving *self = p;

	free(self->counters);
	free(self->heap);
	free(self->buckets);
	free(self);
}

static void *space_saving_create(size_t bytes)
{
	struct space_saving *self = calloc(1, sizeof(*self));
	u32 i;

	if (!self)
		return NULL;
	self->max = bytes / (sizeof(*self->counters) + 2 * sizeof(u32));
	self->counters = calloc(self->max, sizeof(*self->counters));
	self->heap = calloc(self->max, sizeof(u32));
	self->buckets = calloc(self->max, sizeof(u32));
	if (!self->counters || !self->heap || !self->buckets) {
		space_saving_destroy(self);
		return NULL;
	}
	for (i = 0; i < self->max; i++)
		self->buckets[i] = NOBODY;
	return self;
}

static u32 *space_saving_bucket(struct space_saving *self, u32 hash)
{
	return &self->buckets[peer_scale(peer_hash(hash, 0), self->max)];
}

static void heap_set(struct space_saving *self, u32 place, u32 i)
{
	self->heap[place] = i;
	self->counters[i].place = place;
}

static u32 heap_count(const struct space_saving *self, u32 place)
{
	return self->counters[self->heap[place]].count;
}

static void heap_up(struct space_saving *self, u32 i)
{
	u32 place = self->counters[i].place;
	u32 count = self->counters[i].count;

	while (place && heap_count(self, (place - 1) / 2) > count) {
		heap_set(self, place, self->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	heap_set(self, place, i);
}

static void heap_down(struct space_saving *self, u32 i)
{
	u32 place = self->counters[i].place, child;
	u32 count = self->counters[i].count;

	while ((child = 2 * place + 1) < self->n) {
		if (child + 1 < self->n &&
		    heap_count(self, child + 1) < heap_count(self, child))
			child++;
		if (heap_count(self, child) >= count)
			break;
		heap_set(self, place, self->heap[child]);
		place = child;
	}
	heap_set(self, place, i);
}

static u32 space_saving_counter(struct space_saving *self, u32 hash)
{
	u32 *bucket = space_saving_bucket(self, hash), *p, i;

	for (i = *bucket; i != NOBODY; i = self->counters[i].next)
		if (self->counters[i].hash == hash)
			return i;

	if (self->n < self->max) {
		i = self->n++;
		heap_set(self, i, i);
		heap_up(self, i);
	} else {
		i = self->heap[0];
		p = space_saving_bucket(self, self->counters[i].hash);
		while (*p != i)
			p = &self->counters[*p].next;
		*p = self->counters[i].next;
	}
	self->counters[i].hash = hash;
	self->counters[i].next = *bucket;
	*bucket = i;
	return i;
}

static bool space_saving_add(void *p, u32 hash, u32 bytes, u32 epoch, u32 enough)
{
	struct space_saving *self = p;
	struct counter *counter;
	u32 i;

	if (self->epoch != epoch) {
		for (i = 0; i < self->n; i++)
			self->counters[i].count >>= min(epoch - self->epoch, 31U);
		self->epoch = epoch;
	}
	i = space_saving_counter(self, hash);
	counter = &self->counters[i];
	counter->count += bytes;
	if (counter->count < enough) {
		heap_down(self, i);
		return false;
	}
	counter->count = 0;
	heap_up(self, i);
	return true;
}

const struct peer peer_space_saving = {
	.name = "Space-Saving",
	.create = space_saving_create,
	.add = space_saving_add,
	.destroy = space_saving_destroy,
};
