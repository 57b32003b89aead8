/* SPDX-License-Identifier: GPL-2.0 */
/* How evenly the traffic of a device spreads over its queues and links. */
#ifndef ANKUS_BALANCE_H
#define ANKUS_BALANCE_H

#include "dev.h"
#include "entropy.h"

#define ANKUS_DIRS (ANKUS_DIR_OUT + 1)
/* Hashing spreads over queues and links; CPUs follow from the queues */
#define ANKUS_BALANCE_KINDS (ANKUS_PIN_LINK + 1)

/**
 * struct ankus_queue_load - what the tracked flows are to a queue
 * @load_bps: rate of those that run over it
 * @pinned_bps: rate of those that are pinned to it
 * @pinned: how many
 */
struct ankus_queue_load {
	u64 load_bps;
	u64 pinned_bps;
	u32 pinned;
};

/**
 * struct ankus_traffic - the traffic of a device in one direction
 * @rate: all that its hook sees
 * @read_bytes: the hook's count at the last reading
 * @tracked_bps: rate of the tracked flows, while it is summed up
 * @shares: of the flows, likewise
 * @pair_bps: rate of the pairs, likewise
 * @pair_shares: of the pairs, likewise
 * @mix: likewise
 * @sums: load of the queues, likewise
 * @queues: load of the queues, with all flows in it
 * @entropy_millibits: of the byte shares of the flows
 * @evenness_permille: the same as a part of the most for so many flows
 * @effective_milliflows: number of equal flows with that entropy
 * @effective_millipairs: likewise of pairs
 * @low: there are too few effective flows
 * @low_ns: since when @low ought to be otherwise, 0 when it is as it ought to be
 */
struct ankus_traffic {
	struct ankus_rate rate;
	u64 read_bytes;
	u64 tracked_bps;
	struct ankus_entropy shares;
	u64 pair_bps;
	struct ankus_entropy pair_shares;
	struct ankus_mix mix;
	struct ankus_queue_load *sums;
	struct ankus_queue_load *queues;

	u32 entropy_millibits;
	u32 evenness_permille;
	u64 effective_milliflows;
	u64 effective_millipairs;
	bool low;
	u64 low_ns;
};

/**
 * struct ankus_bin_balance - balance of the queues of a direction, or the links
 * @n_bins: those that elephants may be given
 * @actual_permille: busiest / mean, 0 without load
 * @expected_permille: the same, to expect if the flows were hashed
 * @expected_ns: when that was computed
 */
struct ankus_bin_balance {
	unsigned int n_bins;
	u32 actual_permille;
	u32 expected_permille;
	u64 expected_ns;
};

/**
 * struct ankus_balance - how evenly the traffic of a device spreads
 * @traffic: by enum ankus_dir
 * @kind: by enum ankus_pin_kind, but for CPUs
 * @turn: kind that is next to be given its expected imbalance
 * @bins: room for the computation of an imbalance
 * @loads: likewise
 *
 * Under ankus_net::lock.
 */
struct ankus_balance {
	struct ankus_traffic traffic[ANKUS_DIRS];
	struct ankus_bin_balance kind[ANKUS_BALANCE_KINDS];
	unsigned int turn;
	struct ankus_bin *bins;
	s64 *loads;
};

/* Told when there are too few flows in effect, and when there are enough */
typedef void (*ankus_balance_event_t)(struct ankus_dev *ad, enum ankus_dir dir,
				      enum ankus_event event);

struct ankus_balance *ankus_balance_alloc(unsigned int bins_max);
void ankus_balance_begin(struct ankus_dev *ad, u64 last, u64 now);
void ankus_balance_add(struct ankus_dev *ad, const struct ankus_flow *flow);
void ankus_balance_add_pair(struct ankus_dev *ad, const struct ankus_pair *pair);
void ankus_balance_end(struct ankus_dev *ad, u64 largest_bps, u64 now,
		       ankus_balance_event_t event);
unsigned int ankus_balance_queues(const struct ankus_dev *ad,
				  enum ankus_dir dir);
unsigned int ankus_balance_bins(const struct ankus_dev *ad, enum ankus_dir dir);

#endif /* ANKUS_BALANCE_H */
