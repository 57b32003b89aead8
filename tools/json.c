// SPDX-License-Identifier: GPL-2.0
/* JSON, written piece by piece. */

#include <stdio.h>
#include <string.h>

#include "json.h"

static bool pretty;
static bool first;	/* nothing yet in this array or object */
static bool named;	/* a name was just written */
static int depth;

static void newline(void)
{
	if (pretty)
		printf("\n%*s", depth * 4, "");
}

/* What comes before a name, or before a value in an array. */
static void separate(void)
{
	if (named) {
		named = false;
		return;
	}
	if (!depth)
		return;
	if (!first)
		putchar(',');
	first = false;
	newline();
}

/* Length of the UTF-8 sequence at @s, 0 when it is none. */
static size_t utf8_length(const unsigned char *s, size_t max)
{
	static const u32 smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	u32 c;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc0 && s[0] < 0xe0)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] < 0xf0)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] < 0xf8)
		len = 4;
	else
		return 0;
	if (len > max)
		return 0;

	c = s[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

/* Device names may hold any byte, JSON may not. */
static void quoted(const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	size_t len;

	putchar('"');
	for (; n; s += len, n -= len) {
		len = utf8_length((const unsigned char *)s, n);
		if (!len) {
			fputs("\\ufffd", stdout);
			len = 1;
		} else if (*s == '"' || *s == '\\') {
			printf("\\%c", *s);
		} else if ((unsigned char)*s < 0x20 || *s == 0x7f) {
			printf("\\u%04x", *s);
		} else {
			fwrite(s, 1, len, stdout);
		}
	}
	putchar('"');
}

void json_start(bool want_pretty)
{
	pretty = want_pretty;
	first = true;
	named = false;
	depth = 0;
}

/* Names are those of the specification, with _ for -. */
static void quoted_name(const char *name)
{
	putchar('"');
	for (; *name; name++)
		putchar(*name == '-' ? '_' : *name);
	putchar('"');
}

void json_name(const char *name)
{
	separate();
	quoted_name(name);
	fputs(pretty ? ": " : ":", stdout);
	named = true;
}

/* The name of a member as a value. */
void json_name_value(const char *name)
{
	separate();
	quoted_name(name);
}

void json_open(char bracket)
{
	separate();
	putchar(bracket);
	first = true;
	depth++;
}

void json_close(char bracket)
{
	depth--;
	if (!first)
		newline();
	putchar(bracket);
	first = false;
	if (!depth)
		putchar('\n');
}

void json_number(u64 v)
{
	separate();
	printf("%llu", v);
}

void json_bool(bool v)
{
	separate();
	fputs(v ? "true" : "false", stdout);
}

void json_string(const char *s, size_t max)
{
	separate();
	quoted(s, max);
}
