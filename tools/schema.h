/* SPDX-License-Identifier: GPL-2.0 */
/* What the attributes of the contract are called and how they are shown. */
#ifndef ANKUS_SCHEMA_H
#define ANKUS_SCHEMA_H

#include <stddef.h>

#include "tool.h"

/* How a value is written: in JSON, and for people. */
enum kind {
	KIND_NONE,	/* never in a reply */
	KIND_NUM,
	KIND_RATE,	/* configured bits per second, exact */
	KIND_LOAD,	/* measured bits per second, rounded for people */
	KIND_SIZE,	/* bytes */
	KIND_MILLI,	/* thousandths, a decimal number for people */
	KIND_MSEC,
	KIND_USEC,
	KIND_AGE,	/* measured milliseconds, rounded for people */
	KIND_ENUM,
	KIND_FAMILY,	/* AF_INET, AF_INET6 */
	KIND_PROTO,
	KIND_DSCP,
	KIND_HEX,
	KIND_STRING,
	KIND_STRINGS,	/* one per attribute */
	KIND_FLAG,
	KIND_ADDRESS,
	KIND_QUEUES,	/* nested ranges, one per attribute */
	KIND_NEST,
	KIND_NESTS,	/* one per attribute */
	KIND_BITS,	/* a set, named by the numbers of its bits */
	KIND_ATTR,	/* number of an attribute of the same schema */
};

/* Names of the values of an enum, from 0; NULL for one that there is not. */
struct names {
	const char *const *name;
	u32 count;
};

struct attr {
	const char *name;	/* as in the netlink specification */
	enum kind kind;
	const struct names *names;
	const struct schema *nested;
};

/* Attributes by number. */
struct schema {
	const struct attr *attrs;
	u16 count;
};

extern const struct schema dev_schema;
extern const struct schema rx_backend_schema;
extern const struct schema rule_schema;
extern const struct schema link_schema;
extern const struct schema flow_schema;
extern const struct schema pin_failure_schema;
extern const struct schema action_schema;
extern const struct schema tcp_schema;
extern const struct schema pair_schema;
extern const struct schema stats_schema;
extern const struct schema cpu_schema;
extern const struct schema queue_schema;

extern const struct names mode_names;
extern const struct names backend_names;
extern const struct names switch_names;
extern const struct names links_names;
extern const struct names dir_names;
extern const struct names flow_state_names;
extern const struct names pair_state_names;
extern const struct names verdict_names;
extern const struct names pin_state_names;
extern const struct names event_names;

const char *name_of(const struct names *names, u32 value);
const struct attr *attr_of(const struct schema *schema, u16 number);

const char *proto_name(u8 proto);
int proto_number(const char *name);
const char *dscp_name(u8 dscp);
int dscp_number(const char *name);

#endif
