// SPDX-License-Identifier: GPL-2.0
/*
 * speed [-q]: nanoseconds that a packet takes of this machine's own CPU, cache
 * misses included, in the module's hash, a table like the module's, and the
 * sketch or a peer in its place.
 *
 * Each has the same packets, and gets at them from the same memory, which is
 * too much for the caches, as a NIC's is.  The turns of all are interleaved,
 * and the best of each counts: what disturbs a turn makes it longer.
 *
 * Prints lines "NAME; FLOWS; NS".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peer.h"
#include "workload.h"

#define KIB 1024
#define SPEED_SKETCH_BYTES (256 * KIB)
#define SPEED_PACKETS 1000000
/* A turn is short, so that some are not disturbed */
#define SPEED_TURN_PACKETS 50000
#define SPEED_TURNS 200
#define SPEED_BUCKETS 16384
#define SPEED_TICK_PACKETS 500000
/* Far above what comes: nobody is admitted, all are counted */
#define SPEED_ENOUGH 1000000000

/* As large as struct ankus_flow, and as far apart */
struct flow {
	struct flow *next;
	struct ankus_key key;
	u64 bytes;
	u64 packets;
} __aligned(256);

static struct ankus_key *keys;
static struct ankus_key_secret secret;
static struct flow *buckets[SPEED_BUCKETS];
/* So that nothing is left out whose result nobody asks for */
static u64 sum;

static double now_ns(void)
{
	struct timespec now;

	/* without what others run in between */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static struct flow *speed_lookup(const struct ankus_key *key, u32 hash)
{
	struct flow *flow;

	for (flow = buckets[hash % SPEED_BUCKETS]; flow; flow = flow->next)
		if (ankus_key_equal(&flow->key, key))
			return flow;
	return NULL;
}

static void speed_insert(const struct ankus_key *key)
{
	u32 hash = ankus_key_hash(key, &secret);
	struct flow *flow;

	if (speed_lookup(key, hash))
		return;
	flow = aligned_alloc(256, sizeof(*flow));
	if (!flow)
		exit(1);
	*flow = (struct flow){ .next = buckets[hash % SPEED_BUCKETS],
			       .key = *key };
	buckets[hash % SPEED_BUCKETS] = flow;
}

/* Only what reading the packets costs */
static double turn_nothing(u32 first)
{
	double began = now_ns();
	u32 i;

	for (i = first; i < first + SPEED_TURN_PACKETS; i++) {
		const u64 *words = (const u64 *)&keys[i];

		sum += words[0] ^ words[2] ^ words[4];
	}
	return now_ns() - began;
}

static double turn_lookup(u32 first)
{
	double began = now_ns();
	u32 i;

	for (i = first; i < first + SPEED_TURN_PACKETS; i++) {
		struct flow *flow = speed_lookup(&keys[i],
						 ankus_key_hash(&keys[i], &secret));

		if (flow) {
			flow->bytes += 1500;
			flow->packets++;
		}
	}
	return now_ns() - began;
}

static double turn_peer(u32 first, const struct peer *peer, void *self,
			u32 *packets)
{
	double began = now_ns();
	u32 i;

	for (i = first; i < first + SPEED_TURN_PACKETS; i++) {
		u32 hash = ankus_key_hash(&keys[i], &secret);
		struct flow *flow = speed_lookup(&keys[i], hash);

		if (flow) {
			flow->bytes += 1500;
			flow->packets++;
			continue;
		}
		sum += peer->add(self, hash, 1500,
				 ++*packets / SPEED_TICK_PACKETS,
				 SPEED_ENOUGH);
	}
	return now_ns() - began;
}

static void key_random(struct ankus_key *key, u32 flow)
{
	memset(key, 0, sizeof(*key));
	key->src.s6_addr32[0] = htonl(0x0a000000 + flow / 50000);
	key->dst.s6_addr32[0] = htonl(0xc0a80001);
	key->sport = htons(1024 + flow % 50000);
	key->dport = htons(443);
	key->family = AF_INET;
	key->proto = IPPROTO_TCP;
}

static void print(const char *name, u32 flows, double ns)
{
	printf("%s; %u; %.2f\n", name, flows, ns / SPEED_TURN_PACKETS);
}

static void speed(u32 flows, bool tracked)
{
	static const struct peer *const peers[] = {
		&peer_ankus, &peer_random_admission, &peer_space_saving,
		&peer_heavy_keeper, &peer_elastic, &peer_count_min,
	};
	enum { N_PEERS = ARRAY_SIZE(peers) };
	double nothing = 1e18, lookup = 1e18, best[N_PEERS];
	struct dice dice = { 1 };
	u32 packets[N_PEERS] = { 0 };
	void *self[N_PEERS];
	unsigned int i, turn;

	for (i = 0; i < SPEED_PACKETS; i++)
		key_random(&keys[i], dice_roll(&dice) % flows);
	if (tracked)
		for (i = 0; i < SPEED_PACKETS; i++)
			speed_insert(&keys[i]);
	for (i = 0; i < N_PEERS; i++) {
		best[i] = 1e18;
		self[i] = peers[i]->create(SPEED_SKETCH_BYTES);
		if (!self[i])
			exit(1);
	}
	for (turn = 0; turn < SPEED_TURNS; turn++) {
		u32 first = turn * SPEED_TURN_PACKETS % SPEED_PACKETS;

		nothing = min(nothing, turn_nothing(first));
		lookup = min(lookup, turn_lookup(first));
		for (i = 0; i < N_PEERS && !tracked; i++) {
			double ns = turn_peer(first, peers[i], self[i], &packets[i]);

			/* the first packets of all find room, others do not */
			if (packets[i] > SPEED_PACKETS)
				best[i] = min(best[i], ns);
		}
	}
	print("packets alone", flows, nothing);
	print(tracked ? "tracked" : "hash and table", flows, lookup);
	for (i = 0; i < N_PEERS; i++) {
		if (!tracked)
			print(peers[i]->name, flows, best[i]);
		peers[i]->destroy(self[i]);
	}
}

int main(void)
{
	struct dice dice = { 20261126 };
	unsigned int i;

	keys = calloc(SPEED_PACKETS, sizeof(*keys));
	if (!keys)
		return 1;
	for (i = 0; i < ARRAY_SIZE(secret.k); i++)
		secret.k[i] = dice_roll(&dice);
	speed(1000, false);
	speed(1000000, false);
	speed(40, true);
	return sum == 0;
}
