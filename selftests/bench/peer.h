/* SPDX-License-Identifier: GPL-2.0 */
/* What decides which flows are heavy: ankus's sketch and its peers. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "shim.h"

/**
 * struct peer - one way to find heavy flows
 * @name: in the results
 * @create: make one of so many bytes at most
 * @add: count a packet of the flow with this hash; true when the flow has, by
 *	estimate, carried @enough bytes, and its count begins anew where it can.
 *	With each epoch counts lose half
 * @destroy: free it
 */
struct peer {
	const char *name;
	void *(*create)(size_t bytes);
	bool (*add)(void *self, u32 hash, u32 bytes, u32 epoch, u32 enough);
	void (*destroy)(void *self);
};

extern const struct peer peer_ankus;
extern const struct peer peer_space_saving;
extern const struct peer peer_heavy_keeper;
extern const struct peer peer_count_min;
extern const struct peer peer_elastic;
extern const struct peer peer_random_admission;

/* Further hash values of a flow (finalizer of MurmurHash3) */
static inline u32 peer_hash(u32 hash, u32 number)
{
	u64 x = (hash + 1 + ((u64)number << 32)) * 0xff51afd7ed558ccdULL;

	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x >> 32;
}

/* A number below @n, for hash values of 32 bits (Lemire) */
static inline u32 peer_scale(u32 hash, u32 n)
{
	return (u64)hash * n >> 32;
}

#endif /* BENCH_PEER_H */
