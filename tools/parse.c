// SPDX-License-Identifier: GPL-2.0
/* Values as people type them, in the notation of tc(8) and ip(8). */

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>

#include "parse.h"
#include "tool.h"

/* Decimals that a scaled value may have, so that the sum fits 64 bits. */
#define MAX_DECIMALS	6

static const char too_large[] = "is too large";
static const char negative[] = "is negative";

/* Digits from *s on in @base; *s is moved behind them. */
static const char *digits(const char **s, unsigned int base, u64 *v)
{
	const char *start = *s;

	*v = 0;
	for (; isxdigit((unsigned char)**s); ++*s) {
		int c = tolower((unsigned char)**s);
		unsigned int digit = isdigit(c) ? c - '0' : c - 'a' + 10;

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(*v, base, v) ||
		    __builtin_add_overflow(*v, digit, v))
			return too_large;
	}
	return *s == start ? "is not a number" : NULL;
}

/* A number at *s, decimal or 0x and hexadecimal. */
static const char *number_at(const char **s, u64 max, u64 *v)
{
	unsigned int base = 10;
	const char *why;

	if (**s == '-')
		return negative;
	if ((*s)[0] == '0' && ((*s)[1] == 'x' || (*s)[1] == 'X')) {
		base = 16;
		*s += 2;
	}
	why = digits(s, base, v);
	if (!why && *v > max)
		why = too_large;
	return why;
}

const char *parse_number(const char *s, u64 max, u64 *v)
{
	const char *why = number_at(&s, max, v);

	return !why && *s ? "is not a number" : why;
}

struct unit {
	const char *name;
	u64 num;
	u64 den;
};

/*
 * A decimal number and a unit, exactly: what does not come to a whole number
 * of the smallest unit is rounded down, as tc does.
 */
static const char *scaled(const char *s, const struct unit *units, size_t n,
			  const char *syntax, u64 *v)
{
	u64 whole, part = 0, scale = 1, rest;
	const struct unit *u;
	const char *why;

	if (*s == '-')
		return negative;
	if (!isdigit((unsigned char)*s))
		return syntax;
	why = digits(&s, 10, &whole);
	if (why)
		return why;
	if (*s == '.') {
		const char *start = ++s;
		const char *end;

		while (isdigit((unsigned char)*s))
			s++;
		if (s == start)
			return syntax;
		for (end = s; end > start && end[-1] == '0'; end--)
			;
		if (end - start > MAX_DECIMALS)
			return "has too many decimals, 6 at most";
		for (; start < end; start++) {
			part = part * 10 + (*start - '0');
			scale *= 10;
		}
	}

	for (u = units; u < units + n; u++)
		if (!strcasecmp(s, u->name))
			break;
	if (u == units + n)
		return syntax;
	if (__builtin_mul_overflow(whole, u->num, v))
		return too_large;
	rest = *v % u->den;
	*v /= u->den;
	if (__builtin_add_overflow(*v, (part * u->num / scale + rest) / u->den, v))
		return too_large;
	return NULL;
}

#define K	1000ULL
#define KI	1024ULL

const char *parse_rate(const char *s, u64 *bps)
{
	static const struct unit units[] = {
		{ "", 1, 1 }, { "bit", 1, 1 },
		{ "kbit", K, 1 }, { "kibit", KI, 1 },
		{ "mbit", K * K, 1 }, { "mibit", KI * KI, 1 },
		{ "gbit", K * K * K, 1 }, { "gibit", KI * KI * KI, 1 },
		{ "tbit", K * K * K * K, 1 }, { "tibit", KI * KI * KI * KI, 1 },
		{ "bps", 8, 1 },
		{ "kbps", 8 * K, 1 }, { "kibps", 8 * KI, 1 },
		{ "mbps", 8 * K * K, 1 }, { "mibps", 8 * KI * KI, 1 },
		{ "gbps", 8 * K * K * K, 1 }, { "gibps", 8 * KI * KI * KI, 1 },
		{ "tbps", 8 * K * K * K * K, 1 },
		{ "tibps", 8 * KI * KI * KI * KI, 1 },
	};

	return scaled(s, units, ARRAY_SIZE(units),
		      "is not a rate, such as 500mbit, 1.5gbit or 100mbps (bytes)",
		      bps);
}

const char *parse_size(const char *s, u64 *bytes)
{
	static const struct unit units[] = {
		{ "", 1, 1 }, { "b", 1, 1 },
		{ "k", KI, 1 }, { "kb", KI, 1 }, { "kbit", KI, 8 },
		{ "m", KI * KI, 1 }, { "mb", KI * KI, 1 }, { "mbit", KI * KI, 8 },
		{ "g", KI * KI * KI, 1 }, { "gb", KI * KI * KI, 1 },
		{ "gbit", KI * KI * KI, 8 },
		{ "t", KI * KI * KI * KI, 1 }, { "tb", KI * KI * KI * KI, 1 },
	};

	return scaled(s, units, ARRAY_SIZE(units),
		      "is not a size, such as 64k, 10m or 1.5g", bytes);
}

const char *parse_milli(const char *s, u32 *thousandths)
{
	static const struct unit units[] = { { "", K, 1 } };
	const char *why;
	u64 v;

	why = scaled(s, units, ARRAY_SIZE(units),
		     "is not a number, such as 2 or 1.5", &v);
	if (why)
		return why;
	if (v > U32_MAX)
		return too_large;
	*thousandths = v;
	return NULL;
}

/* A bare number is microseconds to tc and something else to many: not taken. */
const char *parse_msec(const char *s, u32 *ms)
{
	static const struct unit units[] = {
		{ "us", 1, 1 }, { "usec", 1, 1 }, { "usecs", 1, 1 },
		{ "ms", K, 1 }, { "msec", K, 1 }, { "msecs", K, 1 },
		{ "s", K * K, 1 }, { "sec", K * K, 1 }, { "secs", K * K, 1 },
	};
	const char *why;
	u64 us;

	why = scaled(s, units, ARRAY_SIZE(units),
		     "is not a time with its unit, such as 200ms or 2s", &us);
	if (why)
		return why;
	if (us % 1000)
		return "is not a whole number of milliseconds";
	if (us / 1000 > U32_MAX)
		return too_large;
	*ms = us / 1000;
	return NULL;
}

const char *parse_queues(const char *s, struct queue_set *set)
{
	static const char syntax[] =
		"is not a list of queues, such as 12-15,3";
	u64 first, last;

	memset(set, 0, sizeof(*set));
	for (;;) {
		if (!isdigit((unsigned char)*s))
			return *s == '-' ? negative : syntax;
		if (digits(&s, 10, &first))
			return too_large;
		last = first;
		if (*s == '-') {
			s++;
			if (!isdigit((unsigned char)*s))
				return syntax;
			if (digits(&s, 10, &last))
				return too_large;
		}
		if (first >= ANKUS_MAX_QUEUES || last >= ANKUS_MAX_QUEUES)
			return "has a queue number that is too large";
		if (first > last)
			return "has a range whose end is before its start";
		for (; first <= last; first++) {
			u64 bit = 1ULL << first % 64;

			if (set->bits[first / 64] & bit)
				return "has a queue twice";
			set->bits[first / 64] |= bit;
		}
		if (!*s)
			return NULL;
		if (*s++ != ',')
			return syntax;
	}
}

const char *parse_prefix(const char *s, struct prefix *p)
{
	static const char syntax[] =
		"is not an address or prefix, such as 10.0.0.0/8 or 2001:db8::/32";
	const char *slash = strchr(s, '/');
	char addr[INET6_ADDRSTRLEN];
	size_t len = slash ? (size_t)(slash - s) : strlen(s);
	u64 bits;
	int i;

	if (len >= sizeof(addr))
		return syntax;
	memcpy(addr, s, len);
	addr[len] = 0;
	if (inet_pton(AF_INET, addr, p->addr) == 1)
		p->addr_len = 4;
	else if (inet_pton(AF_INET6, addr, p->addr) == 1)
		p->addr_len = 16;
	else
		return syntax;

	bits = p->addr_len * 8;
	if (slash) {
		s = slash + 1;
		if (!isdigit((unsigned char)*s) || digits(&s, 10, &bits) || *s ||
		    bits > p->addr_len * 8u)
			return "has no valid prefix length";
	}
	p->prefix_len = bits;
	for (i = 0; i < p->addr_len * 8; i++)
		if (i >= (int)bits && p->addr[i / 8] & 0x80 >> i % 8)
			return "has address bits behind the prefix length";
	return NULL;
}

const char *parse_ports(const char *s, u16 *first, u16 *last)
{
	static const char syntax[] =
		"is not a port or range of ports, such as 443 or 9000-9010";
	u64 a, b;

	if (*s == '-')
		return negative;
	if (!isdigit((unsigned char)*s))
		return syntax;
	if (digits(&s, 10, &a))
		return too_large;
	b = a;
	if (*s == '-') {
		s++;
		if (!isdigit((unsigned char)*s))
			return syntax;
		if (digits(&s, 10, &b))
			return too_large;
	}
	if (*s)
		return syntax;
	if (a > U16_MAX || b > U16_MAX)
		return "is too large, ports end at 65535";
	if (a > b)
		return "has its end before its start";
	*first = a;
	*last = b;
	return NULL;
}

const char *parse_mark(const char *s, u32 *mark, u32 *mask)
{
	static const char syntax[] =
		"is not a mark, such as 0x1 or 0x10/0xf0";
	u64 v, m = U32_MAX;
	const char *why;

	why = number_at(&s, U32_MAX, &v);
	if (!why && *s == '/') {
		s++;
		why = number_at(&s, U32_MAX, &m);
	}
	if (why == negative || why == too_large)
		return why;
	if (why || *s)
		return syntax;
	if (v & ~m)
		return "has bits that its mask leaves out";
	*mark = v;
	*mask = m;
	return NULL;
}

const char *parse_dscp(const char *s, u8 *dscp)
{
	int named = dscp_number(s);
	const char *why;
	u64 v;

	if (named >= 0) {
		*dscp = named;
		return NULL;
	}
	why = parse_number(s, 63, &v);
	if (why == too_large)
		return "is too large, 63 at most";
	if (why)
		return "is not a DSCP, such as cs1, af21, ef or 0 to 63";
	*dscp = v;
	return NULL;
}

const char *parse_proto(const char *s, u8 *proto)
{
	int named = proto_number(s);
	const char *why;
	u64 v;

	if (named >= 0) {
		*proto = named;
		return NULL;
	}
	why = parse_number(s, U8_MAX, &v);
	if (why == too_large)
		return "is too large, 255 at most";
	if (why)
		return "is not a protocol: tcp, udp, sctp or a number";
	*proto = v;
	return NULL;
}

/* Names of devices and links, by the kernel's own rule for device names. */
const char *parse_name(const char *s)
{
	const char *c;

	if (!*s)
		return "is an empty name";
	if (strlen(s) > ANKUS_NAME_MAX)
		return "is too long, 15 characters at most";
	for (c = s; *c; c++)
		if (*c == '/' || *c == ':' || isspace((unsigned char)*c))
			return "is not a valid name";
	if (!strcmp(s, ".") || !strcmp(s, ".."))
		return "is not a valid name";
	return NULL;
}
