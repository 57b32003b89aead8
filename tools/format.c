// SPDX-License-Identifier: GPL-2.0
/* Values written for people. */

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "format.h"
#include "tool.h"

struct unit {
	const char *name;
	u64 size;
};

static const struct unit rate_units[] = {
	{ "Tbit", 1000000000000 }, { "Gbit", 1000000000 },
	{ "Mbit", 1000000 }, { "Kbit", 1000 },
};

/* Exact, so that what is shown can be typed in again. */
struct text fmt_rate(u64 bps)
{
	const struct unit *u = rate_units;
	struct text t;

	for (; u < rate_units + ARRAY_SIZE(rate_units); u++) {
		u64 thousandths = bps % u->size / (u->size / 1000);
		int digits = 3;

		if (bps < u->size || bps % (u->size / 1000))
			continue;
		for (; digits && thousandths % 10 == 0; digits--)
			thousandths /= 10;
		if (digits)
			snprintf(t.s, sizeof(t.s), "%llu.%0*llu%s",
				 bps / u->size, digits, thousandths, u->name);
		else
			snprintf(t.s, sizeof(t.s), "%llu%s",
				 bps / u->size, u->name);
		return t;
	}
	snprintf(t.s, sizeof(t.s), "%llubit", bps);
	return t;
}

/* Three digits are enough for what was measured. */
struct text fmt_load(u64 bps)
{
	const struct unit *u = rate_units;
	struct text t;

	for (; u < rate_units + ARRAY_SIZE(rate_units); u++) {
		double v = (double)bps / u->size;
		int decimals;

		/* 999.6 is written with the next larger unit. */
		if (v < 0.9995)
			continue;
		decimals = v < 9.995 ? 2 : v < 99.95 ? 1 : 0;
		snprintf(t.s, sizeof(t.s), "%.*f", decimals, v);
		if (decimals) {
			char *end = t.s + strlen(t.s);

			while (end[-1] == '0')
				*--end = 0;
			if (end[-1] == '.')
				*--end = 0;
		}
		strcat(t.s, u->name);
		return t;
	}
	snprintf(t.s, sizeof(t.s), "%llubit", bps);
	return t;
}

struct text fmt_size(u64 bytes)
{
	static const char units[] = "tgmk";
	struct text t;
	int shift = 40;
	int i;

	for (i = 0; i < 4; i++, shift -= 10) {
		if (!bytes || bytes % (1ULL << shift))
			continue;
		snprintf(t.s, sizeof(t.s), "%llu%c", bytes >> shift,
			 units[i]);
		return t;
	}
	snprintf(t.s, sizeof(t.s), "%llu", bytes);
	return t;
}

struct text fmt_milli(u64 thousandths)
{
	struct text t;
	char *end;

	snprintf(t.s, sizeof(t.s), "%llu.%03llu", thousandths / 1000,
		 thousandths % 1000);
	end = t.s + strlen(t.s);
	while (end[-1] == '0')
		*--end = 0;
	if (end[-1] == '.')
		*--end = 0;
	return t;
}

/* Exact, like fmt_rate(). */
struct text fmt_msec(u64 ms)
{
	struct text t;

	if (ms && ms % 1000 == 0)
		snprintf(t.s, sizeof(t.s), "%llus", ms / 1000);
	else
		snprintf(t.s, sizeof(t.s), "%llums", ms);
	return t;
}

struct text fmt_usec(u64 us)
{
	struct text t;

	if (us < 1000)
		snprintf(t.s, sizeof(t.s), "%lluus", us);
	else if (us < 1000000)
		snprintf(t.s, sizeof(t.s), "%.1fms", us / 1e3);
	else
		snprintf(t.s, sizeof(t.s), "%.2fs", us / 1e6);
	return t;
}

struct text fmt_age(u64 ms)
{
	u64 s = ms / 1000;
	struct text t;

	if (ms < 1000)
		snprintf(t.s, sizeof(t.s), "%llums", ms);
	else if (s < 60)
		snprintf(t.s, sizeof(t.s), "%llu.%llus", s, ms % 1000 / 100);
	else if (s < 3600)
		snprintf(t.s, sizeof(t.s), "%llum%02llus", s / 60, s % 60);
	else
		snprintf(t.s, sizeof(t.s), "%lluh%02llum", s / 3600,
			 s / 60 % 60);
	return t;
}

struct text fmt_address(const void *data, size_t len)
{
	struct text t = { "?" };

	if (len == sizeof(struct in_addr))
		inet_ntop(AF_INET, data, t.s, sizeof(t.s));
	else if (len == sizeof(struct in6_addr))
		inet_ntop(AF_INET6, data, t.s, sizeof(t.s));
	return t;
}

struct text fmt_percent(u64 part, u64 whole)
{
	struct text t = { "-" };

	if (whole)
		snprintf(t.s, sizeof(t.s), "%.1f%%", 100.0 * part / whole);
	return t;
}
