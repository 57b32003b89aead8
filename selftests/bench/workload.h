/* SPDX-License-Identifier: GPL-2.0 */
/* Traffic of which everything is known. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "shim.h"

#include "key.h"

/* Pseudorandom numbers that are the same in every run (xorshift64*) */
struct dice {
	u64 state;
};

u64 dice_roll(struct dice *dice);
double dice_fraction(struct dice *dice);

/* Packets between those of the flows that come and go by themselves */
enum filler {
	FILLER_NONE,
	FILLER_ZIPF,	/* flows drawn independently, by a power law */
	FILLER_MICE,	/* all flows by turns, all the same */
	FILLER_FRESH,	/* each packet a flow of its own */
};

struct sizes;

/**
 * struct workload - what is sent
 * @name: in the results
 * @sizes: distribution of flow sizes, or NULL
 * @flows: number of flows that have one of these sizes
 * @burst: packets that a flow sends back to back
 * @filler: other packets
 * @filler_flows: number of flows that these belong to
 * @filler_packets: how many there are
 * @filler_gbps: their rate
 * @filler_bytes: their length
 * @filler_crafted: their keys collide for who knows another secret
 * @skew: exponent of FILLER_ZIPF
 * @steady: flows of steady rates from a quarter to four times the threshold;
 *	half of them come later
 * @threshold_bps: rate that makes an elephant
 * @link_bps: mean load by the flows of @sizes
 */
struct workload {
	const char *name;
	const struct sizes *sizes;
	u32 flows;
	u32 burst;
	enum filler filler;
	u32 filler_flows;
	u64 filler_packets;
	double filler_gbps;
	u32 filler_bytes;
	bool filler_crafted;
	double skew;
	u32 steady;
	u64 threshold_bps;
	u64 link_bps;
};

/**
 * struct packet - what is seen of the traffic
 * @ns: when
 * @flow: which flow, from 0
 * @bytes: length
 */
struct packet {
	u64 ns;
	u32 flow;
	u32 bytes;
};

extern const struct workload workloads[];
extern const unsigned int n_workloads;

struct traffic;

struct traffic *traffic_start(const struct workload *workload);
bool traffic_next(struct traffic *traffic, struct packet *packet);
u32 traffic_flows(const struct traffic *traffic);
void traffic_key(const struct traffic *traffic, u32 flow, struct ankus_key *key);
bool traffic_may_be_large(const struct traffic *traffic, u32 flow, u64 bytes);
u64 traffic_flow_bytes(const struct traffic *traffic, u32 flow);
void traffic_end(struct traffic *traffic);

#endif /* BENCH_WORKLOAD_H */
