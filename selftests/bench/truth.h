/* SPDX-License-Identifier: GPL-2.0 */
/* Which flows are elephants, and from when on, by all of their bytes. */
#ifndef BENCH_TRUTH_H
#define BENCH_TRUTH_H

#include "workload.h"

#define TRUTH_BINS 40

/**
 * struct history - what a flow did
 * @first_ns: its first packet
 * @last_ns: its last one
 * @crossed_ns: when, after the hold time, it first had carried what the
 *	threshold does in the hold time; 0 if never
 * @bytes: all
 * @largest: packet
 * @best: most bytes within the hold time
 * @best_half: and within half of it
 * @window: bytes of the bins, which are the last hold time
 * @window_half: bytes of the newer half of them
 * @bin: number of the newest one
 * @bins: bytes of each
 */
struct history {
	u64 first_ns;
	u64 last_ns;
	u64 crossed_ns;
	u64 bytes;
	u32 largest;
	u64 best;
	u64 best_half;
	u64 window;
	u64 window_half;
	u64 bin;
	u32 bins[TRUTH_BINS];
};

/**
 * struct truth - what all flows did that may be elephants
 * @traffic: whose flows
 * @threshold_bps: rate of an elephant
 * @hold_ns: time that it keeps it
 * @burst: packets that are sent at once
 * @histories: of these flows
 * @n: how many
 * @room: for how many there is memory
 * @history_of: index by flow
 */
struct truth {
	const struct traffic *traffic;
	u64 threshold_bps;
	u64 hold_ns;
	u32 burst;
	struct history *histories;
	u32 n;
	u32 room;
	u32 *history_of;
};

void truth_init(struct truth *truth, const struct traffic *traffic,
		u64 threshold_bps, u64 hold_ns, u32 burst);
void truth_packet(struct truth *truth, const struct packet *packet);
const struct history *truth_history(const struct truth *truth, u32 flow);
bool truth_is_elephant(const struct truth *truth, const struct history *history,
		       double factor, u64 grace_ns);
bool truth_may_be_elephant(const struct truth *truth,
			   const struct history *history);
void truth_free(struct truth *truth);

#endif /* BENCH_TRUTH_H */
