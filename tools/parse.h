/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Values as people type them.  Each function returns NULL, or what is wrong
 * with the value: the end of a sentence that begins with the value.
 */
#ifndef ANKUS_PARSE_H
#define ANKUS_PARSE_H

#include <linux/ankus.h>

#include "schema.h"
#include "tool.h"

struct prefix {
	u8 addr[16];
	u8 addr_len;	/* 4 or 16 */
	u8 prefix_len;
};

struct queue_set {
	u64 bits[ANKUS_MAX_QUEUES / 64];
};

const char *parse_number(const char *s, u64 max, u64 *v);
const char *parse_rate(const char *s, u64 *bps);
const char *parse_size(const char *s, u64 *bytes);
const char *parse_milli(const char *s, u32 *thousandths);
const char *parse_msec(const char *s, u32 *ms);
const char *parse_queues(const char *s, struct queue_set *set);
const char *parse_prefix(const char *s, struct prefix *p);
const char *parse_ports(const char *s, u16 *first, u16 *last);
const char *parse_mark(const char *s, u32 *mark, u32 *mask);
const char *parse_dscp(const char *s, u8 *dscp);
const char *parse_proto(const char *s, u8 *proto);
const char *parse_name(const char *s);

#endif
