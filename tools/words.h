/* SPDX-License-Identifier: GPL-2.0 */
/* Commands are words: positional ones, then "WORD VALUE" in any order. */
#ifndef ANKUS_WORDS_H
#define ANKUS_WORDS_H

#include "netlink.h"
#include "schema.h"
#include "tool.h"

/* A word and how its value gets into the request. */
struct word {
	const char *name;
	/* Returns what is wrong with the value, see parse.h. */
	const char *(*put)(struct nl_req *req, const struct word *w,
			   const char *value);
	u16 attr;
	u16 attr2;			/* for values that fill two */
	const struct names *names;	/* of put_enum */
	void *var;			/* of set_enum and set_number */
	bool flag;			/* has no value: put as a flag */
	bool *last;			/* ends the list: set, has no value */
};

const char *next_word(struct args *a);
bool take_word(struct args *a, const char *name);

void list_name(char *buf, size_t size, const char *name);

enum status no_more_words(const struct args *a);
enum status get_name(struct args *a, const char *what, const char **name);
enum status get_number(struct args *a, const char *what, u64 max,
		       u64 *v);
enum status get_words(struct args *a, const struct word *words,
		      struct nl_req *req);
enum status run_command(const struct object *o, struct args *a);

const char *put_name(struct nl_req *req, const struct word *w, const char *s);
const char *put_enum(struct nl_req *req, const struct word *w, const char *s);
const char *put_number(struct nl_req *req, const struct word *w, const char *s);
const char *put_rate(struct nl_req *req, const struct word *w, const char *s);
const char *put_size(struct nl_req *req, const struct word *w, const char *s);
const char *put_msec(struct nl_req *req, const struct word *w, const char *s);
const char *put_queues(struct nl_req *req, const struct word *w, const char *s);
const char *put_queues_or_all(struct nl_req *req, const struct word *w,
			      const char *s);
const char *set_enum(struct nl_req *req, const struct word *w, const char *s);
const char *set_number(struct nl_req *req, const struct word *w, const char *s);

#endif
