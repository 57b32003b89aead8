// SPDX-License-Identifier: GPL-2.0
/* Sets of small numbers: queues, CPUs. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "set.h"

void set_add(struct set *set, unsigned int n)
{
	if (n < SET_MAX)
		set->bits[n / 64] |= 1ull << n % 64;
}

void set_add_range(struct set *set, unsigned int first, unsigned int last)
{
	for (; first <= last && first < SET_MAX; first++)
		set_add(set, first);
}

bool set_has(const struct set *set, unsigned int n)
{
	return n < SET_MAX && set->bits[n / 64] >> n % 64 & 1;
}

unsigned int set_count(const struct set *set)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		n += __builtin_popcountll(set->bits[i]);
	return n;
}

bool set_meet(const struct set *a, const struct set *b)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(a->bits); i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

void set_and(struct set *set, const struct set *other)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		set->bits[i] &= other->bits[i];
}

void set_or(struct set *set, const struct set *other)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		set->bits[i] |= other->bits[i];
}

void set_remove(struct set *set, const struct set *other)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		set->bits[i] &= ~other->bits[i];
}

/* The smallest number, -1 of an empty set. */
int set_first(const struct set *set)
{
	unsigned int n;

	for (n = 0; n < SET_MAX; n++)
		if (set_has(set, n))
			return n;
	return -1;
}

/* Add a list as the kernel writes it, "0-3,7"; false when it is none. */
bool set_parse(struct set *set, const char *list)
{
	while (*list) {
		unsigned long first, last;
		char *end;

		if (!isdigit((unsigned char)*list))
			return false;
		first = strtoul(list, &end, 10);
		last = first;
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (last < first || last >= SET_MAX)
			return false;
		set_add_range(set, first, last);
		if (*end && *end != ',')
			return false;
		list = end + (*end == ',');
	}
	return true;
}

/* The same notation. */
struct set_text fmt_set(const struct set *set)
{
	struct set_text text = {};
	size_t len = 0;
	unsigned int first, last;

	for (first = 0; first < SET_MAX; first = last + 1) {
		last = first;
		if (!set_has(set, first))
			continue;
		while (set_has(set, last + 1))
			last++;
		if (len + 16 > sizeof(text.s))
			break;
		len += snprintf(text.s + len, sizeof(text.s) - len, "%s%u",
				len ? "," : "", first);
		if (last > first)
			len += snprintf(text.s + len, sizeof(text.s) - len,
					"-%u", last);
	}
	return text;
}
