// SPDX-License-Identifier: GPL-2.0
/*
 * Elephants by definition, from all the bytes of each flow, with nothing of the
 * module's: neither its averages nor its ticks.
 *
 * As usual for heavy hitters there is a margin on both sides of the threshold.
 * It is the error that rates may have, 1 %, and what is sent at once, which is
 * always between two readings: a packet, or a burst of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

#define TRUTH_MARGIN 0.01
#define NO_HISTORY (~0U)

static void *enough_memory(void *p)
{
	if (!p) {
		fprintf(stderr, "no memory\n");
		exit(1);
	}
	return p;
}

static double truth_bytes(const struct truth *truth, double ns)
{
	return truth->threshold_bps / 8e9 * ns;
}

void truth_init(struct truth *truth, const struct traffic *traffic,
		u64 threshold_bps, u64 hold_ns, u32 burst)
{
	u32 flows = traffic_flows(traffic);

	*truth = (struct truth){
		.traffic = traffic,
		.threshold_bps = threshold_bps,
		.hold_ns = hold_ns,
		.burst = burst,
		.history_of = enough_memory(malloc(flows * sizeof(u32))),
	};
	memset(truth->history_of, 0xff, flows * sizeof(u32));
}

static void history_advance(struct history *history, u64 bin)
{
	u64 steps = min_t(u64, bin - history->bin, TRUTH_BINS);

	while (steps--) {
		u32 *oldest = &history->bins[++history->bin % TRUTH_BINS];

		history->window_half -= history->bins[(history->bin + TRUTH_BINS / 2) %
						      TRUTH_BINS];
		history->window -= *oldest;
		*oldest = 0;
	}
	history->bin = bin;
}

/**
 * truth_packet() - note a packet
 * @truth: here
 * @packet: the next one of its traffic
 */
void truth_packet(struct truth *truth, const struct packet *packet)
{
	struct history *history;

	/* What carries less in all than half of it does not keep the rate. */
	if (!traffic_may_be_large(truth->traffic, packet->flow,
				  truth_bytes(truth, truth->hold_ns / 2)))
		return;
	if (truth->history_of[packet->flow] == NO_HISTORY) {
		if (truth->n == truth->room) {
			truth->room = 2 * truth->room + 1024;
			truth->histories = realloc(truth->histories,
						   truth->room * sizeof(*history));
			enough_memory(truth->histories);
		}
		truth->histories[truth->n] = (struct history){
			.first_ns = packet->ns,
			.bin = packet->ns * TRUTH_BINS / truth->hold_ns,
		};
		truth->history_of[packet->flow] = truth->n++;
	}
	history = &truth->histories[truth->history_of[packet->flow]];
	history_advance(history, packet->ns * TRUTH_BINS / truth->hold_ns);
	history->bins[history->bin % TRUTH_BINS] += packet->bytes;
	history->window += packet->bytes;
	history->window_half += packet->bytes;
	history->best = max(history->best, history->window);
	history->best_half = max(history->best_half, history->window_half);
	history->bytes += packet->bytes;
	history->largest = max(history->largest, packet->bytes);
	history->last_ns = packet->ns;
	if (!history->crossed_ns &&
	    packet->ns >= history->first_ns + truth->hold_ns &&
	    history->window >= truth_bytes(truth, truth->hold_ns))
		history->crossed_ns = packet->ns;
}

/**
 * truth_history() - what a flow did
 * @truth: by this
 * @flow: its number
 *
 * Return: its history, or NULL when it is far from being an elephant.
 */
const struct history *truth_history(const struct truth *truth, u32 flow)
{
	u32 i = truth->history_of[flow];

	return i == NO_HISTORY ? NULL : &truth->histories[i];
}

/**
 * truth_is_elephant() - must a flow be found?
 * @truth: by this
 * @history: of the flow
 * @factor: how many times the threshold its mean rate must be
 * @grace_ns: time after the crossing that it goes on for
 *
 * Return: true if its mean rate, less a burst at either end, is above that, and
 * it keeps it for the hold time and @grace_ns.
 */
bool truth_is_elephant(const struct truth *truth, const struct history *history,
		       double factor, u64 grace_ns)
{
	u64 ns = history->last_ns - history->first_ns;

	return history->crossed_ns && ns >= truth->hold_ns + grace_ns &&
	       history->last_ns >= history->crossed_ns + grace_ns &&
	       history->bytes >= 2 * truth->burst * history->largest +
				 truth_bytes(truth, ns) * factor *
				 (1 + TRUTH_MARGIN);
}

/**
 * truth_may_be_elephant() - may a flow be found?
 * @truth: by this
 * @history: of the flow
 *
 * Return: true if it has ever reached the threshold, measured over half of the
 * hold time, and kept three quarters of it for the hold time.
 */
bool truth_may_be_elephant(const struct truth *truth,
			   const struct history *history)
{
	double bytes = truth_bytes(truth, truth->hold_ns) * (1 - TRUTH_MARGIN);
	/* bins begin anywhere between two bursts */
	u64 burst = (truth->burst - 1) * history->largest;

	return history->best_half + burst >= bytes / 2 &&
	       history->best + burst >= bytes * 3 / 4;
}

void truth_free(struct truth *truth)
{
	free(truth->histories);
	free(truth->history_of);
}
