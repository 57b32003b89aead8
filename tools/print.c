// SPDX-License-Identifier: GPL-2.0
/* Output: the same items as text or as JSON, and messages. */

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ankus.h>

#include "format.h"
#include "json.h"
#include "print.h"
#include "table.h"

/* Where text goes: standard output, or the rows of a table. */
static FILE *text_out;

static void message(const char *kind, const char *fmt, va_list ap)
{
	/* Keep the order of what was printed, should both go to one place. */
	fflush(stdout);
	fputs("ankus: ", stderr);
	batch_where();
	fputs(kind, stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("", fmt, ap);
	va_end(ap);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message("warning: ", fmt, ap);
	va_end(ap);
}

/* Output that did not reach its place is an error. */
enum status print_flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return DONE;
	error("cannot write the output: %s", strerror(errno));
	clearerr(stdout);
	return FAILED;
}

void print_text(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(text_out ? text_out : stdout, fmt, ap);
	va_end(ap);
}

static void text_number(const char *name, u64 number)
{
	if (name)
		print_text("%s", name);
	else
		print_text("%llu", number);
}

/* A device name may hold what would confuse a terminal or a table. */
static void text_string(const struct nl_view *p)
{
	size_t n = strnlen(p->data, p->len);
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = p->data[i];

		print_text("%c", c < 0x20 || c == 0x7f ? '?' : c);
	}
}

static const char *family_name(u64 family)
{
	if (family == AF_INET)
		return "inet";
	return family == AF_INET6 ? "inet6" : NULL;
}

/* Calls @print with the name, or the number, of each bit that is set. */
static void each_bit(const struct names *names, u64 bits,
		     void (*print)(const char *name, u64 bit, bool first))
{
	u64 all = bits;
	u32 i;

	for (i = 0; i < 64; i++)
		if (bits >> i & 1)
			print(name_of(names, i), i, !(all & ((1ULL << i) - 1)));
}

static void text_bit(const char *name, u64 bit, bool first)
{
	if (!first)
		print_text(",");
	text_number(name, bit);
}

static void text_value(const struct attr *a, const struct nl_view *p)
{
	u64 n = nl_number(p);
	u64 last;

	switch (a->kind) {
	case KIND_RATE:
		print_text("%s", fmt_rate(n).s);
		break;
	case KIND_LOAD:
		print_text("%s", fmt_load(n).s);
		break;
	case KIND_SIZE:
		print_text("%s", fmt_size(n).s);
		break;
	case KIND_MILLI:
		print_text("%s", fmt_milli(n).s);
		break;
	case KIND_MSEC:
		print_text("%s", fmt_msec(n).s);
		break;
	case KIND_USEC:
		print_text("%s", fmt_usec(n).s);
		break;
	case KIND_AGE:
		print_text("%s", fmt_age(n).s);
		break;
	case KIND_ENUM:
		text_number(name_of(a->names, n), n);
		break;
	case KIND_FAMILY:
		text_number(family_name(n), n);
		break;
	case KIND_PROTO:
		text_number(proto_name(n), n);
		break;
	case KIND_DSCP:
		text_number(dscp_name(n), n);
		break;
	case KIND_HEX:
		print_text("0x%llx", n);
		break;
	case KIND_BITS:
		each_bit(a->names, n, text_bit);
		break;
	case KIND_ADDRESS:
		print_text("%s", fmt_address(p->data, p->len).s);
		break;
	case KIND_STRING:
	case KIND_STRINGS:
		text_string(p);
		break;
	case KIND_QUEUES:
		n = nl_uint(p, ANKUS_A_QUEUE_RANGE_FIRST);
		last = nl_uint(p, ANKUS_A_QUEUE_RANGE_LAST);
		print_text("%llu", n);
		if (last != n)
			print_text("-%llu", last);
		break;
	default:
		print_text("%llu", n);
	}
}

/*
 * Print @before and the value, of every attribute of that number with commas
 * between them.  Nothing is printed, and false returned, when there is none.
 */
bool print_value(const struct schema *schema, const struct nl_view *v,
		 u16 attr, const char *before)
{
	const struct attr *a = attr_of(schema, attr);
	struct nl_view rest = *v, payload;
	bool found = false;
	u16 type;

	while (nl_next(&rest, &type, &payload)) {
		if (type != attr || (a->kind == KIND_QUEUES && !payload.len))
			continue;
		print_text("%s", found ? "," : before);
		text_value(a, &payload);
		found = true;
	}
	return found;
}

static void json_attrs(const struct schema *schema, const struct nl_view *v,
		       bool complete);

static void json_named(const char *name, u64 number)
{
	char digits[24];

	if (!name) {
		snprintf(digits, sizeof(digits), "%llu", number);
		name = digits;
	}
	json_string(name, SIZE_MAX);
}

static void json_bit(const char *name, u64 bit,
		     bool first __attribute__((unused)))
{
	json_named(name, bit);
}

static void json_value(const struct schema *schema, const struct attr *a,
		       const struct nl_view *p)
{
	u64 n = nl_number(p);

	switch (a->kind) {
	case KIND_ENUM:
		json_named(name_of(a->names, n), n);
		break;
	case KIND_FAMILY:
		json_named(family_name(n), n);
		break;
	case KIND_ADDRESS:
		json_string(fmt_address(p->data, p->len).s, SIZE_MAX);
		break;
	case KIND_STRING:
	case KIND_STRINGS:
		json_string(p->data, p->len);
		break;
	case KIND_QUEUES:
	case KIND_NEST:
	case KIND_NESTS:
		json_open('{');
		json_attrs(a->nested, p, true);
		json_close('}');
		break;
	case KIND_BITS:
		json_open('[');
		each_bit(a->names, n, json_bit);
		json_close(']');
		break;
	case KIND_ATTR:
		a = attr_of(schema, n);
		if (a)
			json_name_value(a->name);
		else
			json_number(n);
		break;
	default:
		json_number(n);
	}
}

/* All attributes of one number, as an array. */
static void json_multi(const struct schema *schema, const struct nl_view *v,
		       u16 attr)
{
	const struct attr *a = &schema->attrs[attr];
	struct nl_view rest = *v, payload;
	u16 type;

	json_open('[');
	while (nl_next(&rest, &type, &payload))
		if (type == attr && payload.len)
			json_value(schema, a, &payload);
	json_close(']');
}

/*
 * A complete object always has its flags and arrays; one that tells of a
 * change has only what the kernel sent.
 */
static void json_attrs(const struct schema *schema, const struct nl_view *v,
		       bool complete)
{
	struct nl_view payload;
	u16 i;

	for (i = 0; i < schema->count; i++) {
		const struct attr *a = attr_of(schema, i);
		bool found;

		if (!a || a->kind == KIND_NONE)
			continue;
		found = nl_find(v, i, &payload);
		if (a->kind == KIND_FLAG && (found || complete)) {
			json_name(a->name);
			json_bool(found);
		} else if ((a->kind == KIND_QUEUES ||
			    a->kind == KIND_STRINGS ||
			    a->kind == KIND_NESTS) &&
			   (found || complete)) {
			json_name(a->name);
			json_multi(schema, v, i);
		} else if (found) {
			json_name(a->name);
			json_value(schema, a, &payload);
		}
	}
}

/*
 * Print a list.  With @head the text is a table: @text prints a row of cells
 * with tabs between them, and below it lines that begin with a space.
 */
enum status print_items(const struct schema *schema,
			const struct nl_view *items, size_t n, const char *head,
			void (*text)(const struct nl_view *item))
{
	enum status status = DONE;
	struct table table;
	size_t i;

	if (options.json) {
		json_start(options.pretty);
		json_open('[');
		for (i = 0; i < n; i++) {
			json_open('{');
			json_attrs(schema, &items[i], true);
			json_close('}');
		}
		json_close(']');
		return DONE;
	}

	if (head && n)
		text_out = table_open(&table, head);
	for (i = 0; i < n; i++)
		text(&items[i]);
	if (text_out)
		status = table_print(&table);
	text_out = NULL;
	return status;
}

/* Send a request and print what comes. */
enum status print_answer(struct nl_req *req, bool dump, const char *head,
			 void (*text)(const struct nl_view *item))
{
	struct nl_reply reply = {};
	struct nl_view *items;
	enum status status;
	size_t n;

	status = dump ? nl_dump(req, &reply) : nl_do(req, &reply);
	if (status)
		goto out;
	items = nl_reply_views(&reply, &n);
	if (items) {
		status = print_items(req->schema, items, n, head, text);
	} else {
		error("out of memory");
		status = FAILED;
	}
	free(items);
out:
	nl_reply_free(&reply);
	return status;
}

static void json_event_open(const char *timestamp)
{
	json_start(false);
	json_open('{');
	if (timestamp) {
		json_name("timestamp");
		json_string(timestamp, SIZE_MAX);
	}
}

/* Events are one object a line. */
void print_event_json(const struct schema *schema, const struct nl_view *event,
		      const char *timestamp)
{
	json_event_open(timestamp);
	json_attrs(schema, event, false);
	json_close('}');
}

void print_lost_json(const char *timestamp)
{
	json_event_open(timestamp);
	json_name("event");
	json_string("lost", SIZE_MAX);
	json_close('}');
}
