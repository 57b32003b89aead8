/* SPDX-License-Identifier: GPL-2.0 */
/* Policy rules and routes that lead marked sockets over a link (rtnetlink). */
#ifndef ANKUS_ROUTE_H
#define ANKUS_ROUTE_H

#include "tool.h"

/* One of IPv4, one of IPv6 */
#define ROUTE_FAMILIES 2

/* What is between a mark and a device. */
struct route_path {
	u32 mark;
	u32 mask;
	u32 table;			/* 0: one of its own */
	const char *dev;
	bool has[ROUTE_FAMILIES];	/* a gateway of this family */
	u8 via[ROUTE_FAMILIES][16];
};

const char *route_gateway(struct route_path *path, const char *s);
enum status route_check(const struct route_path *path);
enum status route_add(const struct route_path *path);
enum status route_del(u32 mark, u32 mask);

#endif
