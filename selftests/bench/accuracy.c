// SPDX-License-Identifier: GPL-2.0
/*
 * accuracy [-q] [-s] [WORKLOAD]: who finds which elephants, beside the truth.
 *
 * All see the same packets at the same time, each with a table of its own.  What
 * is right is known from all the bytes of all flows (truth.c); rates are compared
 * with those of a twin that tracks all elephants from their first packets on.
 *
 *	-q	workloads of 10^5 flows alone, and ankus alone
 *	-s	instead, one workload with sketches of several sizes
 *
 * Prints lines "WORKLOAD; PEER; BYTES; NAME=VALUE ...".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detector.h"
#include "truth.h"

#define KIB 1024
/* What a device has on each CPU unless told otherwise */
#define SKETCH_BYTES (256 * KIB)

static const struct peer *const peers[] = {
	&peer_ankus, &peer_random_admission, &peer_space_saving,
	&peer_heavy_keeper, &peer_elastic, &peer_count_min,
};

#define N_PEERS (ARRAY_SIZE(peers))

/* Errors and delays, of which percentiles are wanted */
struct samples {
	double *value;
	u32 n;
	u32 room;
};

static void samples_add(struct samples *samples, double value)
{
	if (samples->n == samples->room) {
		samples->room = 2 * samples->room + 1024;
		samples->value = realloc(samples->value, samples->room *
							 sizeof(double));
		if (!samples->value)
			exit(1);
	}
	samples->value[samples->n++] = value;
}

static int samples_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double samples_part(struct samples *samples, double part)
{
	if (!samples->n)
		return 0;
	qsort(samples->value, samples->n, sizeof(double), samples_order);
	return samples->value[(u32)(part * (samples->n - 1))];
}

struct run {
	struct traffic *traffic;
	struct truth truth;
	struct detector twin;	/* tracks all from their first packets on */
	struct detector detector[N_PEERS];
	struct samples errors[N_PEERS];
	unsigned int n;
};

/* Rates of those that the twin, too, has long taken for elephants, at a tick */
static void run_compare(struct run *run, u64 now)
{
	unsigned int d;
	u32 i;

	for (i = 0; i < run->twin.n; i++) {
		const struct entry *right = &run->twin.entries[i];

		/* and that are not just dying away */
		if (!right->elephant || now < right->first_ns + NSEC_PER_SEC ||
		    now > right->seen_ns + DETECTOR_TICK_NS)
			continue;
		for (d = 0; d < run->n; d++) {
			const struct entry *entry =
				detector_entry(&run->detector[d], right->flow);
			u64 found = run->detector[d].found_ns[right->flow];

			if (found > DETECTOR_TRACKED && !entry)
				run->detector[d].lost++;
			if (entry && entry->elephant)
				samples_add(&run->errors[d],
					    fabs(1.0 * entry->rate.slow_bps /
						 right->rate.slow_bps - 1));
		}
	}
}

static void run_print(struct run *run, unsigned int d, const char *name,
		      size_t bytes)
{
	struct detector *detector = &run->detector[d];
	u32 flows = traffic_flows(run->traffic), flow;
	u32 elephants = 0, elephants_found = 0, found_all = 0, found_right = 0;
	u32 twice = 0, twice_found = 0, needless = 0;
	const struct truth *truth = &run->truth;
	const struct history *history;
	struct samples delay = { 0 };

	for (flow = 0; flow < flows; flow++) {
		bool found = detector->found_ns[flow] > DETECTOR_TRACKED;

		if (detector->found_ns[flow] &&
		    traffic_flow_bytes(run->traffic, flow) < detector->admit_bytes)
			needless++;
		found_all += found;
		history = truth_history(truth, flow);
		if (!history)
			continue;
		found_right += found && truth_may_be_elephant(truth, history);
		/* One that ends within a tick may be overlooked. */
		if (truth_is_elephant(truth, history, 1, DETECTOR_TICK_NS)) {
			elephants++;
			elephants_found += found;
		}
		if (truth_is_elephant(truth, history, 2, DETECTOR_TICK_NS)) {
			twice++;
			twice_found += found;
		}
		/* Close to the threshold the moment is a matter of chance. */
		if (found && truth_is_elephant(truth, history, 1.1,
					       DETECTOR_TICK_NS))
			samples_add(&delay, ((double)detector->found_ns[flow] -
					     history->crossed_ns) / 1e6);
	}
	printf("%s; %s; %zu; flows=%u elephants=%u elephants_found=%u ", name,
	       detector->peer->name, bytes, flows, elephants, elephants_found);
	printf("found=%u found_right=%u twice=%u twice_found=%u ", found_all,
	       found_right, twice, twice_found);
	printf("delay_p99_ms=%.3f delay_max_ms=%.3f ",
	       samples_part(&delay, 0.99), samples_part(&delay, 1));
	printf("rate_error_p99=%.5f rate_error_max=%.5f lost=%u ",
	       samples_part(&run->errors[d], 0.99),
	       samples_part(&run->errors[d], 1), detector->lost);
	printf("tracked=%llu needless=%u refused=%llu peak=%u\n",
	       (unsigned long long)detector->admitted, needless,
	       (unsigned long long)detector->refused, detector->peak);
	fflush(stdout);
	free(delay.value);
}

/* Secrets of the module are random; here they are not, for the same figures */
static void secret_init(struct ankus_key_secret *secret)
{
	struct dice dice = { 20261126 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(secret->k); i++)
		secret->k[i] = dice_roll(&dice);
}

static void run_workload(const struct workload *workload,
			 const struct peer *const *of, const size_t *bytes,
			 unsigned int n)
{
	u64 compare_ns = 10 * DETECTOR_TICK_NS;
	struct ankus_key_secret secret;
	struct run run = { .n = n };
	struct packet packet;
	unsigned int d;

	secret_init(&secret);
	run.traffic = traffic_start(workload);
	truth_init(&run.truth, run.traffic, workload->threshold_bps,
		   DETECTOR_HOLD_NS, max(workload->burst, 1U));
	detector_init(&run.twin, NULL, 0, run.traffic, workload->threshold_bps);
	for (d = 0; d < n; d++)
		detector_init(&run.detector[d], of[d], bytes[d], run.traffic,
			      workload->threshold_bps);

	while (traffic_next(run.traffic, &packet)) {
		struct ankus_key key;
		u32 hash;

		traffic_key(run.traffic, packet.flow, &key);
		hash = ankus_key_hash(&key, &secret);
		truth_packet(&run.truth, &packet);
		detector_packet(&run.twin, &packet, hash);
		for (d = 0; d < n; d++)
			detector_packet(&run.detector[d], &packet, hash);
		if (packet.ns >= compare_ns) {
			run_compare(&run, packet.ns);
			compare_ns += DETECTOR_TICK_NS;
		}
	}

	for (d = 0; d < n; d++) {
		run_print(&run, d, workload->name, bytes[d]);
		detector_free(&run.detector[d]);
		free(run.errors[d].value);
	}
	detector_free(&run.twin);
	truth_free(&run.truth);
	traffic_end(run.traffic);
}

/* Many flows, and a threshold of a ten-thousandth of what comes */
static const struct workload sweep = {
	.name = "sweep", .filler = FILLER_ZIPF, .skew = 1,
	.filler_flows = 1000000, .filler_packets = 8000000,
	.filler_gbps = 100, .filler_bytes = 1500,
	.threshold_bps = 10000000,
};

static void run_sweep(void)
{
	size_t bytes[N_PEERS];
	unsigned int i, kib;

	for (kib = 16; kib <= 1024; kib *= 2) {
		for (i = 0; i < N_PEERS; i++)
			bytes[i] = kib * KIB;
		run_workload(&sweep, peers, bytes, N_PEERS);
	}
}

int main(int argc, char **argv)
{
	size_t bytes[N_PEERS];
	unsigned int i, n = N_PEERS;
	u32 most = ~0U;
	int option;

	while ((option = getopt(argc, argv, "qs")) != -1) {
		switch (option) {
		case 's':
			run_sweep();
			return 0;
		case 'q':
			most = 100000;
			n = 1;
			break;
		default:
			return 2;
		}
	}
	for (i = 0; i < N_PEERS; i++)
		bytes[i] = SKETCH_BYTES;
	for (i = 0; i < n_workloads; i++)
		if (workloads[i].flows + workloads[i].filler_flows <= most &&
		    (optind == argc || strstr(workloads[i].name, argv[optind])))
			run_workload(&workloads[i], peers, bytes, n);
	return 0;
}
