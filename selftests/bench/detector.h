/* SPDX-License-Identifier: GPL-2.0 */
/* Sketch, exact table and classification together. */
#ifndef BENCH_DETECTOR_H
#define BENCH_DETECTOR_H

#include "peer.h"
#include "rate.h"
#include "workload.h"

/* The module's defaults */
#define DETECTOR_TICK_NS	(100 * NSEC_PER_MSEC)
#define DETECTOR_HOLD_NS	(200 * NSEC_PER_MSEC)
#define DETECTOR_RELEASE_NS	(2 * NSEC_PER_SEC)
#define DETECTOR_TABLE_MAX	16384
#define DETECTOR_ADMIT_SHIFT	3
/* What a run takes, and for each flow, as `make bench` counts instructions */
#define DETECTOR_RUN_NS		(300 * 1000L)
#define DETECTOR_FLOW_NS	600
#define DETECTOR_JIFFY_NS	(4 * NSEC_PER_MSEC)

#define DETECTOR_TRACKED 1
#define DETECTOR_NEVER (~0ULL)
#define DETECTOR_NO_ENTRY (~0U)

/* struct ankus_flow, as far as it matters */
struct entry {
	u32 flow;
	bool elephant;
	bool candidate;
	u64 bytes;
	u64 read_bytes;
	u64 kick_bytes;
	u64 first_ns;
	u64 seen_ns;
	u64 over_ns;
	u64 under_ns;
	struct ankus_rate rate;
};

/**
 * struct detector - what finds elephants
 * @peer: what decides who gets an entry; NULL for the truth, in which every
 *	flow that might become an elephant has one with its first packet
 * @sketch: the peer's own
 * @traffic: what is looked at
 * @threshold_bps: rate of an elephant
 * @table_max: most entries
 * @entries: the table
 * @n: entries in it
 * @room: entries for which there is memory
 * @entry_of: index into it by flow, or DETECTOR_NO_ENTRY
 * @found_ns: by flow, when it was an elephant for the first time; else
 *	DETECTOR_TRACKED if it had an entry, else 0
 * @kick_bytes: ankus_dev::kick_bytes
 * @admit_bytes: ankus_dev::admit_bytes
 * @tick_ns: when the control loop runs next by its period
 * @wake_ns: when it does earlier
 * @last_ns: when it last ran
 * @peak: most entries there were
 * @admitted: flows that got an entry
 * @refused: packets that earned one, for which there was no room
 * @lost: times that an elephant was missed in the table
 */
struct detector {
	const struct peer *peer;
	void *sketch;
	const struct traffic *traffic;
	u64 threshold_bps;
	u32 table_max;
	struct entry *entries;
	u32 n;
	u32 room;
	u32 *entry_of;
	u64 *found_ns;
	u64 kick_bytes;
	u64 admit_bytes;
	u64 tick_ns;
	u64 wake_ns;
	u64 last_ns;
	u32 peak;
	u64 admitted;
	u64 refused;
	u32 lost;
};

void detector_init(struct detector *detector, const struct peer *peer,
		   size_t bytes, const struct traffic *traffic,
		   u64 threshold_bps);
void detector_packet(struct detector *detector, const struct packet *packet,
		     u32 hash);
const struct entry *detector_entry(const struct detector *detector, u32 flow);
void detector_free(struct detector *detector);

#endif /* BENCH_DETECTOR_H */
