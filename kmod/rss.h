/* SPDX-License-Identifier: GPL-2.0 */
/* What is known of a managed device's RSS. */
#ifndef ANKUS_RSS_H
#define ANKUS_RSS_H

#include "flow.h"
#include "rss_table.h"

/**
 * struct ankus_rss - what is known of a device's RSS
 * @table: the indirection table, without buckets where there is none
 * @key: the hash key; behind it, room to read it
 * @key_len: its length, 0 when the driver does not tell the key
 * @hashed: by type of flow: 0 unknown, 1 addresses, 2 ports as well
 * @reason: why no bucket can be pinned, a string constant or NULL
 * @fixed: why the table cannot be changed, likewise
 * @active: the NIC has a table of ours
 * @foreign: somebody else has changed the table that was ours
 * @apart: the dedicated queues are out of it
 * @dirty: it may have to be written
 * @again: the NIC may have forgotten it, so it is written as it is
 * @queues: RX queues when last looked
 * @look_ns: when that was
 * @moved: buckets taken from dedicated queues
 * @error: of the last write, negative
 *
 * Written under rtnl; single words are read without.
 */
struct ankus_rss {
	struct ankus_rss_table table;
	u8 *key;
	u32 key_len;
	u8 hashed[ANKUS_FLOW_TYPES];
	const char *reason;
	const char *fixed;
	bool active;
	bool foreign;
	bool apart;
	bool dirty;
	bool again;
	u32 queues;
	u64 look_ns;
	u32 moved;
	int error;
};

struct ankus_rss *ankus_rss_alloc(void);
void ankus_rss_free(struct ankus_rss *rss);

#endif /* ANKUS_RSS_H */
