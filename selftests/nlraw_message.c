// SPDX-License-Identifier: GPL-2.0
/* Messages: made of what was written, and written out. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "nlraw.h"

/* Longest value in bytes */
#define VALUE_MAX	16384

__u16 nlraw_family;
const struct set *nlraw_object;

static __u64 request[NLRAW_BUF / sizeof(__u64)];

void nlraw_die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("nlraw: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

unsigned long long nlraw_number(const char *text)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		nlraw_die("\"%s\" is not a number", text);
	return value;
}

static size_t hex(const char *text, unsigned char *to)
{
	size_t len = strlen(text) / 2;
	char byte[3] = "";
	size_t i;

	for (i = 0; i < len; i++) {
		memcpy(byte, text + 2 * i, 2);
		to[i] = strtoul(byte, NULL, 16);
	}
	return len;
}

static void put_attrs(struct nlmsghdr *nlh, const struct set *set, char *list,
		      const char *between);

static void put_value(struct nlmsghdr *nlh, __u16 type, char *value)
{
	unsigned char bytes[VALUE_MAX];
	char *text = strchr(value, ':');
	struct nlattr *nest;

	if (*value == '{') {
		value[strlen(value) - 1] = 0;
		nest = mnl_attr_nest_start(nlh, type);
		put_attrs(nlh, &nlraw_queue_range, value + 1, ",");
		mnl_attr_nest_end(nlh, nest);
		return;
	}
	if (!strcmp(value, "flag")) {
		mnl_attr_put(nlh, type, 0, NULL);
		return;
	}
	if (!text)
		nlraw_die("\"%s\" has no type", value);
	*text++ = 0;
	if (!strcmp(value, "u8"))
		mnl_attr_put_u8(nlh, type, nlraw_number(text));
	else if (!strcmp(value, "u16"))
		mnl_attr_put_u16(nlh, type, nlraw_number(text));
	else if (!strcmp(value, "u32"))
		mnl_attr_put_u32(nlh, type, nlraw_number(text));
	else if (!strcmp(value, "u64"))
		mnl_attr_put_u64(nlh, type, nlraw_number(text));
	else if (!strcmp(value, "s"))
		mnl_attr_put_strz(nlh, type, text);
	else if (!strcmp(value, "t"))
		mnl_attr_put_str(nlh, type, text);
	else if (!strcmp(value, "x"))
		mnl_attr_put(nlh, type, hex(text, bytes), bytes);
	else
		nlraw_die("\"%s\" is not a type", value);
}

static void put_special(struct nlmsghdr *nlh, const char *word,
			const char *value)
{
	struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	if (!strcmp(word, "reserved"))
		genl->reserved = nlraw_number(value);
	else if (!strcmp(word, "cut"))
		nlh->nlmsg_len -= nlraw_number(value);
	else if (!strcmp(word, "tail"))
		nlh->nlmsg_len += hex(value, mnl_nlmsg_get_payload_tail(nlh));
	else
		nlraw_die("unknown word \"@%s\"", word);
}

static void put_attrs(struct nlmsghdr *nlh, const struct set *set, char *list,
		      const char *between)
{
	char *rest = list, *word, *value;

	while ((word = strsep(&rest, between))) {
		__u16 type, nested = 0;

		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value)
			nlraw_die("\"%s\" has no value", word);
		*value++ = 0;
		if (*word == '@') {
			put_special(nlh, word + 1, value);
			continue;
		}
		if (*word == '~') {
			nested = NLA_F_NESTED;
			word++;
		}
		type = nlraw_attr(set, word);
		if (!type && *word != '#')
			nlraw_die("no attribute \"%s\" of %s", word, set->name);
		if (!type)
			type = nlraw_number(word + 1);
		put_value(nlh, type | nested, value);
	}
}

struct nlmsghdr *nlraw_begin(__u16 type, __u8 cmd, __u16 flags)
{
	static unsigned int seq;
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;

	memset(request, 0, sizeof(request));
	nlh = mnl_nlmsg_put_header(request);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

/* Makes a request of what was written, which is left as it is */
struct nlmsghdr *nlraw_build(const char *text)
{
	char *copy = strdup(text), *rest = copy, *word, *flag;
	__u16 flags = NLM_F_ACK;
	struct nlmsghdr *nlh;
	unsigned int op;

	do
		word = strsep(&rest, "\n ");
	while (word && !*word);
	if (!word)
		nlraw_die("an empty request");
	flag = strchr(word, '+');
	if (flag) {
		*flag++ = 0;
		if (strcmp(flag, "dump"))
			nlraw_die("unknown flag \"%s\"", flag);
		flags = NLM_F_DUMP;
	}
	op = nlraw_op(word);
	if (!op && *word != '#')
		nlraw_die("no operation \"%s\"", word);
	nlh = nlraw_begin(nlraw_family, op ?: nlraw_number(word + 1), flags);

	/* its first word is the object */
	for (nlraw_object = nlraw_sets; nlraw_object->n; nlraw_object++)
		if (!strncmp(word, nlraw_object->name,
			     strlen(nlraw_object->name)))
			break;
	if (rest)
		put_attrs(nlh, nlraw_object, rest, "\n ");
	free(copy);
	return nlh;
}

/* Which of the request's attributes stands there? */
void nlraw_locate(const struct nlmsghdr *nlh, __u32 offset, char *to,
		  size_t size)
{
	const char *at = (const char *)nlh + offset;
	const struct nlattr *attr, *inner;
	int len;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		const char *start = (const char *)attr;

		if (at < start || at >= start + mnl_attr_get_len(attr))
			continue;
		len = snprintf(to, size, "%s",
			       nlraw_attr_name(nlraw_object, mnl_attr_get_type(attr)));
		if (at == start)
			return;
		mnl_attr_for_each_nested(inner, attr) {
			if ((const char *)inner != at)
				continue;
			snprintf(to + len, size - len, ".%s",
				 nlraw_attr_name(&nlraw_queue_range,
						 mnl_attr_get_type(inner)));
			return;
		}
	}
	snprintf(to, size, "@%u", offset);
}

static bool is_text(const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, "link") ||
	       (len >= 4 && !strcmp(name + len - 4, "name")) ||
	       (len >= 6 && !strcmp(name + len - 6, "reason"));
}

void nlraw_print_attr(const struct nlattr *attr, const struct set *set,
		      const char *before)
{
	const char *name = nlraw_attr_name(set, mnl_attr_get_type(attr));
	const void *value = mnl_attr_get_payload(attr);
	const struct nlattr *inner;
	char path[64];

	if (attr->nla_type & NLA_F_NESTED) {
		snprintf(path, sizeof(path), "%s.", name);
		set = strstr(name, "queues") ? &nlraw_queue_range : &nlraw_pin;
		mnl_attr_for_each_nested(inner, attr)
			nlraw_print_attr(inner, set, path);
		return;
	}
	if (!strcmp(name, "pad"))
		return;
	printf(" %s%s", before, name);
	if (is_text(name)) {
		printf("=\"%s\"", (const char *)value);
		return;
	}
	switch (mnl_attr_get_payload_len(attr)) {
	case sizeof(__u8):
		printf("=%u", mnl_attr_get_u8(attr));
		break;
	case sizeof(__u16):
		printf("=%u", mnl_attr_get_u16(attr));
		break;
	case sizeof(__u32):
		printf("=%u", mnl_attr_get_u32(attr));
		break;
	case sizeof(__u64):
		printf("=%llu", (unsigned long long)mnl_attr_get_u64(attr));
		break;
	}
}
