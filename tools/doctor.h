/* SPDX-License-Identifier: GPL-2.0 */
/* What the doctor knows of a device, and how it tells what is wrong. */
#ifndef ANKUS_DOCTOR_H
#define ANKUS_DOCTOR_H

#include "host.h"
#include "netlink.h"
#include "set.h"

/* A name as a word of a shell, whatever is in it. */
struct word_text {
	char s[64];
};

struct patient {
	struct nl_view dev;		/* its answer of "dev show" */
	char name[16];
	struct word_text word;		/* the name, for commands */
	bool steer;
	u32 num_rx;
	u32 num_tx;
	struct set rx;			/* configured, empty: all */
	struct set tx;
	struct set open_rx;		/* what elephants may use, of these */
	bool dedicated;			/* not all of the RX queues */
	struct host_dev host;
};

enum severity {
	SEVERITY_NOTE,			/* not checked */
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};

void doctor_say(const struct patient *p, enum severity level,
		const char *check, const char *remedy, const char *fmt, ...)
	__printf(5, 6);

/* doctor_host.c: what /sys and /proc tell */
void doctor_check_host(const struct patient *p);

#endif
