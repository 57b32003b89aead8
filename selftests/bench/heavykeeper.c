// SPDX-License-Identifier: GPL-2.0
/*
 * HeavyKeeper (Gong et al., "HeavyKeeper: An Accurate Algorithm for Finding
 * Top-k Elephant Flows", USENIX ATC 2018): two rows of fingerprints with a
 * count. A packet of another flow lowers the count with a probability that
 * falls exponentially with it, 1.08^-count, and takes the place when it is 0.
 *
 * The paper counts packets. Here are bytes, and the exponent is the count in
 * units of a 64th of what is enough, so that a flow which has as much is as good
 * as safe. Counts say nothing of their age, so all are halved at once. Of the
 * paper's heap of the k largest nothing is needed: who has enough is told.
 */
#include <math.h>
#include <stdlib.h>

#include "peer.h"

#define HEAVY_KEEPER_ROWS 2
#define HEAVY_KEEPER_BASE 1.08
#define HEAVY_KEEPER_UNITS 64
#define HEAVY_KEEPER_EXPONENTS 256

struct bucket {
	u32 count;
	u16 print;
} __attribute__((__packed__));

struct heavy_keeper {
	u32 epoch;
	u32 columns;
	u64 dice;
	struct bucket *buckets;
	u32 chance[HEAVY_KEEPER_EXPONENTS];	/* of 2^32 */
};

static void *heavy_keeper_create(size_t bytes)
{
	struct heavy_keeper *self = calloc(1, sizeof(*self));
	u32 i;

	if (!self)
		return NULL;
	self->columns = bytes / sizeof(*self->buckets) / HEAVY_KEEPER_ROWS;
	self->buckets = calloc(HEAVY_KEEPER_ROWS * (size_t)self->columns,
			       sizeof(*self->buckets));
	if (!self->buckets) {
		free(self);
		return NULL;
	}
	self->dice = 0x9e3779b97f4a7c15ULL;
	for (i = 0; i < HEAVY_KEEPER_EXPONENTS; i++)
		self->chance[i] = pow(HEAVY_KEEPER_BASE, -1.0 * i) * ~0U;
	return self;
}

static bool heavy_keeper_decays(struct heavy_keeper *self, u32 count,
				u32 enough)
{
	u32 exponent = (u64)count * HEAVY_KEEPER_UNITS / enough;

	self->dice ^= self->dice << 13;
	self->dice ^= self->dice >> 7;
	self->dice ^= self->dice << 17;
	return exponent < HEAVY_KEEPER_EXPONENTS &&
	       (u32)(self->dice >> 32) <= self->chance[exponent];
}

static bool heavy_keeper_add(void *p, u32 hash, u32 bytes, u32 epoch,
			     u32 enough)
{
	struct heavy_keeper *self = p;
	bool heavy = false;
	u32 i;

	if (self->epoch != epoch) {
		for (i = 0; i < HEAVY_KEEPER_ROWS * self->columns; i++)
			self->buckets[i].count >>= min(epoch - self->epoch, 31U);
		self->epoch = epoch;
	}
	for (i = 0; i < HEAVY_KEEPER_ROWS; i++) {
		u32 column = peer_scale(peer_hash(hash, i), self->columns);
		struct bucket *bucket = &self->buckets[i * self->columns + column];

		if (bucket->print == (u16)hash) {
			bucket->count += bytes;
		} else if (bucket->count > bytes) {
			if (heavy_keeper_decays(self, bucket->count, enough))
				bucket->count -= bytes;
		} else if (heavy_keeper_decays(self, bucket->count, enough)) {
			bucket->print = hash;
			bucket->count = bytes;
		}
		if (bucket->print == (u16)hash && bucket->count >= enough) {
			bucket->count = 0;
			heavy = true;
		}
	}
	return heavy;
}

static void heavy_keeper_destroy(void *p)
{
	struct heavy_keeper *self = p;

	free(self->buckets);
	free(self);
}

const struct peer peer_heavy_keeper = {
	.name = "HeavyKeeper",
	.create = heavy_keeper_create,
	.add = heavy_keeper_add,
	.destroy = heavy_keeper_destroy,
};
