/* SPDX-License-Identifier: GPL-2.0 */
/* Long lists: those of flows and of pairs. */
#ifndef ANKUS_LIST_H
#define ANKUS_LIST_H

#include "netlink.h"
#include "tool.h"

/* What the kernel does not do: an order, and an end of what is in order. */
struct list {
	const char *head;
	void (*text)(const struct nl_view *item);
	u16 id;			/* attribute: equal ones are sorted by it */
	u16 limit;		/* attribute: most items, in no order */
	u16 by;			/* largest first, but rising ids; 0: as they come */
	u64 most;
};

enum status list_print(struct nl_req *req, const struct list *list);

#endif
