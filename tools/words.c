// SPDX-License-Identifier: GPL-2.0
/* Commands are words: positional ones, then "WORD VALUE" in any order. */

#include <stdio.h>
#include <string.h>

#include <linux/ankus.h>

#include "parse.h"
#include "print.h"
#include "words.h"

const char *next_word(struct args *a)
{
	if (!a->argc)
		return NULL;
	a->argc--;
	return *a->argv++;
}

/* Take the next word if it is @name. */
bool take_word(struct args *a, const char *name)
{
	if (!a->argc || strcmp(a->argv[0], name))
		return false;
	next_word(a);
	return true;
}

enum status no_more_words(const struct args *a)
{
	if (!a->argc)
		return DONE;
	error("unexpected word \"%s\" at the end", a->argv[0]);
	return USAGE;
}

/* A name of a device or link, the next word. */
enum status get_name(struct args *a, const char *what, const char **name)
{
	const char *why;

	*name = next_word(a);
	if (!*name) {
		error("missing %s", what);
		return USAGE;
	}
	why = parse_name(*name);
	if (!why)
		return DONE;
	error("%s: \"%s\" %s", what, *name, why);
	return USAGE;
}

enum status get_number(struct args *a, const char *what, u64 max,
		       u64 *v)
{
	const char *word = next_word(a);
	const char *why;

	if (!word) {
		error("missing %s", what);
		return USAGE;
	}
	why = parse_number(word, max, v);
	if (!why)
		return DONE;
	error("%s: \"%s\" %s", what, word, why);
	return USAGE;
}

/* Add one name to a list in @buf. */
void list_name(char *buf, size_t size, const char *name)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s", len ? ", " : "", name);
}

static void expected_words(const char *got, const struct word *w)
{
	char buf[256] = "";

	for (; w->name; w++)
		list_name(buf, sizeof(buf), w->name);
	error("unknown word \"%s\", expected %s", got, buf);
}

/*
 * Words with their values, each once at most, until the end or behind a word
 * marked as the last.
 */
enum status get_words(struct args *a, const struct word *words,
		      struct nl_req *req)
{
	unsigned int seen = 0;

	while (a->argc) {
		const char *name = next_word(a);
		const struct word *w = words;
		const char *value, *why;

		while (w->name && strcmp(w->name, name))
			w++;
		if (!w->name) {
			expected_words(name, words);
			return USAGE;
		}
		if (w->last) {
			*w->last = true;
			return DONE;
		}
		if (seen & 1u << (w - words)) {
			error("\"%s\" is given twice", name);
			return USAGE;
		}
		seen |= 1u << (w - words);
		if (w->flag) {
			nl_put_bin(req, w->attr, "", 0);
			continue;
		}
		value = next_word(a);
		if (!value) {
			error("\"%s\" needs a value", name);
			return USAGE;
		}
		why = w->put(req, w, value);
		if (why) {
			error("%s: \"%s\" %s", name, value, why);
			return USAGE;
		}
	}
	return DONE;
}

/* Run the command that the next word names, "show" without one. */
enum status run_command(const struct object *o, struct args *a)
{
	const struct command *c;
	char buf[256] = "";
	const char *name;

	if (take_word(a, "help")) {
		if (no_more_words(a))
			return USAGE;
		fputs(o->help, stdout);
		return DONE;
	}
	if (o->run)
		return o->run(a);
	name = a->argc ? next_word(a) : "show";
	for (c = o->commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c->run(a);
	for (c = o->commands; c->name; c++)
		list_name(buf, sizeof(buf), c->name);
	error("unknown command \"%s %s\", expected %s or help", o->name, name,
	      buf);
	return USAGE;
}

const char *put_name(struct nl_req *req, const struct word *w, const char *s)
{
	const char *why = parse_name(s);

	if (!why)
		nl_put_str(req, w->attr, s);
	return why;
}

static const char *find_enum(const struct names *names, const char *s,
			     u32 *v)
{
	static char why[128];
	char buf[96] = "";

	for (*v = 0; *v < names->count; ++*v)
		if (names->name[*v] && !strcmp(names->name[*v], s))
			return NULL;
	for (*v = 0; *v < names->count; ++*v)
		if (names->name[*v])
			list_name(buf, sizeof(buf), names->name[*v]);
	snprintf(why, sizeof(why), "is unknown, expected %s", buf);
	return why;
}

const char *put_enum(struct nl_req *req, const struct word *w, const char *s)
{
	const char *why;
	u32 v;

	why = find_enum(w->names, s, &v);
	if (!why)
		nl_put_u32(req, w->attr, v);
	return why;
}

const char *put_number(struct nl_req *req, const struct word *w, const char *s)
{
	const char *why;
	u64 v;

	why = parse_number(s, U32_MAX, &v);
	if (!why)
		nl_put_u32(req, w->attr, v);
	return why;
}

const char *put_rate(struct nl_req *req, const struct word *w, const char *s)
{
	const char *why;
	u64 v;

	why = parse_rate(s, &v);
	if (!why && !v)
		why = "is not above 0";
	if (!why)
		nl_put_u64(req, w->attr, v);
	return why;
}

const char *put_size(struct nl_req *req, const struct word *w, const char *s)
{
	const char *why;
	u64 v;

	why = parse_size(s, &v);
	if (!why)
		nl_put_u64(req, w->attr, v);
	return why;
}

const char *put_msec(struct nl_req *req, const struct word *w, const char *s)
{
	const char *why;
	u32 v;

	why = parse_msec(s, &v);
	if (!why)
		nl_put_u32(req, w->attr, v);
	return why;
}

static bool has_queue(const struct queue_set *set, unsigned int queue)
{
	return queue < ANKUS_MAX_QUEUES &&
	       set->bits[queue / 64] >> queue % 64 & 1;
}

/* One attribute a range. */
const char *put_queues(struct nl_req *req, const struct word *w, const char *s)
{
	struct queue_set set;
	unsigned int first, last;
	const char *why;

	why = parse_queues(s, &set);
	if (why)
		return why;
	for (first = 0; first < ANKUS_MAX_QUEUES; first = last + 1) {
		last = first;
		if (!has_queue(&set, first))
			continue;
		while (has_queue(&set, last + 1))
			last++;
		nl_put_pair(req, w->attr, ANKUS_A_QUEUE_RANGE_FIRST, first,
			    ANKUS_A_QUEUE_RANGE_LAST, last);
	}
	return NULL;
}

/* The absence of ranges is said by an empty one. */
const char *put_queues_or_all(struct nl_req *req, const struct word *w,
			      const char *s)
{
	if (strcmp(s, "all"))
		return put_queues(req, w, s);
	nl_put_empty(req, w->attr);
	return NULL;
}

/* For what the tool itself evaluates. */
const char *set_enum(struct nl_req *req, const struct word *w, const char *s)
{
	const char *why;
	u32 v;

	(void)req;
	why = find_enum(w->names, s, &v);
	if (!why)
		*(int *)w->var = v;
	return why;
}

const char *set_number(struct nl_req *req, const struct word *w, const char *s)
{
	const char *why;
	u64 v;

	(void)req;
	why = parse_number(s, U32_MAX, &v);
	if (!why)
		*(u64 *)w->var = v;
	return why;
}
