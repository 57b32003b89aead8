// SPDX-License-Identifier: GPL-2.0
/*
 * The module's way from packets to elephants, without the kernel around it:
 * kmod/hook.c, the table of kmod/flow.c, and kmod/classify.c with its ticks,
 * kicks and wake-ups.  Rates are kmod/rate.c itself, the sketch is
 * kmod/sketch.c or a peer in its place.
 */
#include <stdio.h>
#include <stdlib.h>

#include "detector.h"

static void *enough_memory(void *p)
{
	if (!p) {
		fprintf(stderr, "no memory\n");
		exit(1);
	}
	return p;
}

/**
 * detector_init() - make one
 * @detector: where to
 * @peer: what decides who is tracked, or NULL for the truth
 * @bytes: memory of that
 * @traffic: what will be looked at
 * @threshold_bps: rate of an elephant
 */
void detector_init(struct detector *detector, const struct peer *peer,
		   size_t bytes, const struct traffic *traffic,
		   u64 threshold_bps)
{
	u32 flows = traffic_flows(traffic), i;

	*detector = (struct detector){
		.peer = peer,
		.traffic = traffic,
		.threshold_bps = threshold_bps,
		.table_max = peer ? DETECTOR_TABLE_MAX : ~0U,
		.tick_ns = DETECTOR_TICK_NS,
		.wake_ns = DETECTOR_NEVER,
	};
	if (peer)
		detector->sketch = enough_memory(peer->create(bytes));
	detector->entry_of = enough_memory(malloc(flows * sizeof(u32)));
	for (i = 0; i < flows; i++)
		detector->entry_of[i] = DETECTOR_NO_ENTRY;
	detector->found_ns = enough_memory(calloc(flows, sizeof(u64)));
	detector->kick_bytes = ankus_rate_bytes(threshold_bps, DETECTOR_TICK_NS);
	detector->admit_bytes = detector->kick_bytes >> DETECTOR_ADMIT_SHIFT;
}

/* What a flow carries until it kicks; the sketch has seen more of it */
static u64 detector_first_kick(const struct detector *detector)
{
	return detector->kick_bytes -
	       (detector->peer ? 2 * detector->admit_bytes : 0);
}

static void detector_remove(struct detector *detector, u32 i)
{
	struct entry *entry = &detector->entries[i];

	detector->entry_of[entry->flow] = DETECTOR_NO_ENTRY;
	if (i != --detector->n) {
		*entry = detector->entries[detector->n];
		detector->entry_of[entry->flow] = i;
	}
}

/* classify_is_over() */
static bool detector_is_over(const struct detector *detector,
			     const struct entry *entry, u64 now)
{
	return entry->rate.fast_bps >= detector->threshold_bps &&
	       (now - entry->first_ns >= DETECTOR_TICK_NS ||
		entry->read_bytes >= detector_first_kick(detector));
}

/* classify_flow() */
static void detector_classify(struct detector *detector, struct entry *entry,
			      u64 since, u64 now)
{
	u64 admit_bps = detector->threshold_bps >> DETECTOR_ADMIT_SHIFT;
	u64 rate = entry->rate.fast_bps;

	if (!entry->candidate) {
		if (rate < admit_bps)
			return;
		entry->candidate = true;
	}
	if (detector_is_over(detector, entry, now)) {
		entry->under_ns = 0;
		if (!entry->over_ns)
			entry->over_ns = since - entry->first_ns <
							 DETECTOR_TICK_NS ?
						 entry->first_ns : since;
	} else if (rate < detector->threshold_bps - detector->threshold_bps / 4) {
		entry->over_ns = 0;
		if (!entry->under_ns)
			entry->under_ns = now;
	} else {
		entry->under_ns = 0;
	}

	if (entry->elephant) {
		if (entry->under_ns && now - entry->under_ns >= DETECTOR_RELEASE_NS)
			entry->elephant = false;
		return;
	}
	if (entry->over_ns && now >= entry->over_ns + DETECTOR_HOLD_NS) {
		entry->elephant = true;
		if (detector->found_ns[entry->flow] <= DETECTOR_TRACKED)
			detector->found_ns[entry->flow] = now;
	} else if (entry->over_ns) {
		detector->wake_ns = min(detector->wake_ns,
					entry->over_ns + DETECTOR_HOLD_NS);
	} else if (rate < admit_bps / 2) {
		entry->candidate = false;
	}
}

/* classify_in_the_way() */
static bool detector_in_the_way(const struct detector *detector,
				const struct entry *entry)
{
	u64 admit_bps = detector->threshold_bps >> DETECTOR_ADMIT_SHIFT;

	return !entry->candidate && entry->rate.fast_bps < admit_bps / 2 &&
	       detector->n > detector->table_max - detector->table_max / 8;
}

/* ankus_control_kick(): when the loop has rested, and then by the jiffy */
static u64 detector_kick(const struct detector *detector, u64 now)
{
	u64 next = detector->last_ns + 9 * (DETECTOR_RUN_NS +
					    detector->n * DETECTOR_FLOW_NS);

	if (next <= now)
		return now;
	return (next / DETECTOR_JIFFY_NS + 1) * DETECTOR_JIFFY_NS;
}

/* ankus_control_measure() */
static void detector_run(struct detector *detector, u64 now)
{
	u32 i = 0;

	detector->wake_ns = DETECTOR_NEVER;
	while (i < detector->n) {
		struct entry *entry = &detector->entries[i];
		u64 since = max(detector->last_ns, entry->first_ns);

		ankus_rate_update(&entry->rate, entry->bytes - entry->read_bytes,
				  now > since ? now - since : 0);
		entry->read_bytes = entry->bytes;
		detector_classify(detector, entry, since, now);
		if (entry->elephant || entry->over_ns)
			entry->kick_bytes = DETECTOR_NEVER;
		else if (now - entry->first_ns >= DETECTOR_TICK_NS ||
			 entry->kick_bytes == DETECTOR_NEVER)
			entry->kick_bytes = entry->bytes + detector->kick_bytes;
		if (!entry->elephant &&
		    (now > entry->seen_ns + DETECTOR_RELEASE_NS ||
		     detector_in_the_way(detector, entry)))
			detector_remove(detector, i);
		else
			i++;
	}
	detector->last_ns = now;
}

static void detector_advance(struct detector *detector, u64 now)
{
	u64 next;

	while ((next = min(detector->tick_ns, detector->wake_ns)) <= now) {
		if (next == detector->tick_ns)
			detector->tick_ns += DETECTOR_TICK_NS;
		detector_run(detector, next);
	}
}

static bool detector_admits(struct detector *detector,
			    const struct packet *packet, u32 hash)
{
	/* An elephant keeps three quarters of its rate for the hold time */
	if (!detector->peer)
		return traffic_may_be_large(detector->traffic, packet->flow,
					    detector->kick_bytes);
	return detector->peer->add(detector->sketch, hash, packet->bytes,
				   packet->ns / DETECTOR_TICK_NS,
				   detector->admit_bytes);
}

/* ankus_flow_insert() */
static void detector_insert(struct detector *detector,
			    const struct packet *packet)
{
	if (detector->n >= detector->table_max) {
		detector->refused++;
		return;
	}
	if (detector->n == detector->room) {
		detector->room = 2 * detector->room + 1024;
		detector->entries = realloc(detector->entries,
					    detector->room *
					    sizeof(*detector->entries));
		enough_memory(detector->entries);
	}
	detector->entries[detector->n] = (struct entry){
		.flow = packet->flow,
		.first_ns = packet->ns,
		.read_bytes = packet->bytes,
		.kick_bytes = detector_first_kick(detector),
	};
	detector->entry_of[packet->flow] = detector->n++;
	if (!detector->found_ns[packet->flow])
		detector->found_ns[packet->flow] = DETECTOR_TRACKED;
	detector->peak = max(detector->peak, detector->n);
	detector->admitted++;
}

/**
 * detector_packet() - show it a packet
 * @detector: to this one
 * @packet: of its traffic, the next one
 * @hash: of its flow
 */
void detector_packet(struct detector *detector, const struct packet *packet,
		     u32 hash)
{
	struct entry *entry;
	u32 i;

	detector_advance(detector, packet->ns);
	i = detector->entry_of[packet->flow];
	if (i == DETECTOR_NO_ENTRY) {
		if (!detector_admits(detector, packet, hash))
			return;
		detector_insert(detector, packet);
		i = detector->entry_of[packet->flow];
		if (i == DETECTOR_NO_ENTRY)
			return;
	}
	entry = &detector->entries[i];
	entry->bytes += packet->bytes;
	entry->seen_ns = packet->ns;
	if (entry->bytes > entry->kick_bytes) {
		entry->kick_bytes = DETECTOR_NEVER;
		detector->wake_ns = min(detector->wake_ns,
					detector_kick(detector, packet->ns));
		detector_advance(detector, packet->ns);
	}
}

/**
 * detector_entry() - what is known of a flow
 * @detector: here
 * @flow: of this one
 *
 * Return: its entry, or NULL.
 */
const struct entry *detector_entry(const struct detector *detector, u32 flow)
{
	u32 i = detector->entry_of[flow];

	return i == DETECTOR_NO_ENTRY ? NULL : &detector->entries[i];
}

void detector_free(struct detector *detector)
{
	if (detector->peer)
		detector->peer->destroy(detector->sketch);
	free(detector->entries);
	free(detector->entry_of);
	free(detector->found_ns);
}
