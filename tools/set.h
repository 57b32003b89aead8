/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of small numbers: queues, CPUs. */
#ifndef ANKUS_SET_H
#define ANKUS_SET_H

#include "tool.h"

#define SET_MAX		8192

struct set {
	u64 bits[SET_MAX / 64];
};

/* Room for every second of the numbers that a queue can have. */
struct set_text {
	char s[4096];
};

void set_add(struct set *set, unsigned int n);
void set_add_range(struct set *set, unsigned int first, unsigned int last);
bool set_has(const struct set *set, unsigned int n);
unsigned int set_count(const struct set *set);
bool set_meet(const struct set *a, const struct set *b);
void set_and(struct set *set, const struct set *other);
void set_or(struct set *set, const struct set *other);
void set_remove(struct set *set, const struct set *other);
int set_first(const struct set *set);
bool set_parse(struct set *set, const char *list);
struct set_text fmt_set(const struct set *set);

#endif
