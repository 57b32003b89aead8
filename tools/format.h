/* SPDX-License-Identifier: GPL-2.0 */
/* Values written for people. */
#ifndef ANKUS_FORMAT_H
#define ANKUS_FORMAT_H

#include <stddef.h>

#include "tool.h"

/* Returned by value, so that several fit into one printf. */
struct text {
	char s[64];
};

struct text fmt_rate(u64 bps);
struct text fmt_load(u64 bps);
struct text fmt_size(u64 bytes);
struct text fmt_milli(u64 thousandths);
struct text fmt_msec(u64 ms);
struct text fmt_usec(u64 us);
struct text fmt_age(u64 ms);
struct text fmt_address(const void *data, size_t len);
struct text fmt_percent(u64 part, u64 whole);

#endif
