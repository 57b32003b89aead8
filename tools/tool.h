/* SPDX-License-Identifier: GPL-2.0 */
/* What every part of the tool shares: options, exit status, messages. */
#ifndef ANKUS_TOOL_H
#define ANKUS_TOOL_H

#include <stdbool.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(f, a)	__attribute__((format(printf, f, a)))

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define U8_MAX		((u8)~0)
#define U16_MAX		((u16)~0)
#define U32_MAX		((u32)~0)
#define U64_MAX		((u64)~0)

/* Exit status; a batch ends with the worst of its lines. */
enum status {
	DONE,		/* all done */
	USAGE,		/* the words make no sense, nothing was sent */
	FAILED,		/* the kernel or the system refused */
	FOUND,		/* all done, and the doctor found something */
};

struct options {
	bool json;
	bool pretty;
	bool statistics;
	bool details;
	bool timestamp;
	bool force;
	const char *netns;	/* NULL: the one we are in */
};

extern struct options options;

/* The words that are still to be read. */
struct args {
	int argc;
	char **argv;
};

/* One command of an object; the one named "show" is the default. */
struct command {
	const char *name;
	enum status (*run)(struct args *a);
};

/* One object of the command line: ankus NAME COMMAND ... */
struct object {
	const char *name;
	const struct command *commands;	/* ends with an empty one */
	enum status (*run)(struct args *a);	/* when there are none */
	const char *help;
};

extern const struct object dev_object;
extern const struct object rule_object;
extern const struct object link_object;
extern const struct object flow_object;
extern const struct object pair_object;
extern const struct object queue_object;
extern const struct object stats_object;
extern const struct object doctor_object;
extern const struct object monitor_object;

/* main.c */
enum status run_words(int argc, char **argv);

/* batch.c */
enum status run_batch(const char *path);
bool batch_running(void);
void batch_where(void);

#endif
