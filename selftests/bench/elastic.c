// SPDX-License-Identifier: GPL-2.0
/*
 * Elastic sketch (Yang et al., "Elastic Sketch: Adaptive and Fast Network-wide
 * Measurements", SIGCOMM 2018): flows vote. In the heavy part a bucket has some
 * flows with their counts, the votes for them, and one count of the packets of
 * all others, the votes against; those are counted in the light part, a count-
 * min of one row of 8 bits. When there are eight times as many votes against as
 * for the least flow, it moves to the light part and the newcomer takes its
 * place, marked as having more in the light part.
 *
 * The paper counts packets, here are bytes; the light part counts in units of a
 * 128th of what is enough, rounded at random. As in the paper's version for
 * CPUs a bucket is a cache line of seven flows. A flow is known by its hash
 * value alone, which saves it memory. All counts are halved at once. Heavy is
 * who is in the heavy part and has enough.
 */
#include <stdlib.h>
#include <string.h>

#include "peer.h"

#define ELASTIC_FLOWS 7
#define ELASTIC_LAMBDA 8
#define ELASTIC_UNITS 128
/* Of the memory, the heavy part has one in so many */
#define ELASTIC_HEAVY_PART 4

struct bucket {
	u32 hash[ELASTIC_FLOWS];
	u32 votes[ELASTIC_FLOWS];	/* 0: nobody */
	u32 against;
	u8 more;	/* a bit for each: counted in the light part, too */
} __aligned(64);

struct elastic {
	u32 epoch;
	u32 n_heavy;
	u32 n_light;
	u64 dice;
	struct bucket *heavy;
	u8 *light;
};

static void elastic_destroy(void *p)
{
	struct elastic *self = p;

	free(self->heavy);
	free(self->light);
	free(self);
}

static void *elastic_create(size_t bytes)
{
	struct elastic *self = calloc(1, sizeof(*self));

	BUILD_BUG_ON(sizeof(struct bucket) != 64);
	if (!self)
		return NULL;
	self->dice = 0x9e3779b97f4a7c15ULL;
	self->n_heavy = bytes / ELASTIC_HEAVY_PART / sizeof(*self->heavy);
	self->n_light = bytes - self->n_heavy * sizeof(*self->heavy);
	self->heavy = aligned_alloc(64, self->n_heavy * sizeof(*self->heavy));
	self->light = calloc(self->n_light, 1);
	if (!self->heavy || !self->light) {
		elastic_destroy(self);
		return NULL;
	}
	memset(self->heavy, 0, self->n_heavy * sizeof(*self->heavy));
	return self;
}

static void elastic_fade(struct elastic *self, u32 epoch)
{
	u32 shift = min(epoch - self->epoch, 31U);
	u32 i, slot;

	for (i = 0; i < self->n_heavy; i++) {
		for (slot = 0; slot < ELASTIC_FLOWS; slot++)
			self->heavy[i].votes[slot] >>= shift;
		self->heavy[i].against >>= shift;
	}
	for (i = 0; i < self->n_light; i++)
		self->light[i] >>= min(shift, 7U);
	self->epoch = epoch;
}

static u8 *elastic_light(struct elastic *self, u32 hash)
{
	return &self->light[peer_scale(peer_hash(hash, 1), self->n_light)];
}

static void elastic_light_add(struct elastic *self, u32 hash, u32 bytes,
			      u32 enough)
{
	u64 units = (u64)bytes * ELASTIC_UNITS;
	u8 *light = elastic_light(self, hash);

	self->dice ^= self->dice << 13;
	self->dice ^= self->dice >> 7;
	self->dice ^= self->dice << 17;
	units = (units + peer_scale(self->dice >> 32, enough)) / enough;
	*light = min(*light + units, 255ULL);
}

static bool elastic_add(void *p, u32 hash, u32 bytes, u32 epoch, u32 enough)
{
	struct elastic *self = p;
	struct bucket *bucket;
	u32 slot, least = 0;
	u64 count;

	if (self->epoch != epoch)
		elastic_fade(self, epoch);
	bucket = &self->heavy[peer_scale(peer_hash(hash, 0), self->n_heavy)];
	for (slot = 0; slot < ELASTIC_FLOWS; slot++)
		if (bucket->hash[slot] == hash && bucket->votes[slot])
			goto found;
	for (slot = 1; slot < ELASTIC_FLOWS; slot++)
		if (bucket->votes[slot] < bucket->votes[least])
			least = slot;
	slot = least;
	if (bucket->votes[slot]) {
		bucket->against = min((u64)bucket->against + bytes, ~0U + 0ULL);
		if (bucket->against < (u64)ELASTIC_LAMBDA * bucket->votes[slot]) {
			elastic_light_add(self, hash, bytes, enough);
			return false;
		}
		elastic_light_add(self, bucket->hash[slot], bucket->votes[slot],
				  enough);
		bucket->against = bytes;
	}
	/* Where nobody was turned away, nothing is in the light part */
	bucket->more &= ~(1 << slot);
	bucket->more |= !!bucket->against << slot;
	bucket->hash[slot] = hash;
	bucket->votes[slot] = 0;
found:
	bucket->votes[slot] += bytes;
	count = bucket->votes[slot];
	if (bucket->more & 1 << slot)
		count += (u64)*elastic_light(self, hash) * enough / ELASTIC_UNITS;
	if (count < enough)
		return false;
	bucket->votes[slot] = 0;
	return true;
}

const struct peer peer_elastic = {
	.name = "Elastic",
	.create = elastic_create,
	.add = elastic_add,
	.destroy = elastic_destroy,
};
