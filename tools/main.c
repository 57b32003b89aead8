// SPDX-License-Identifier: GPL-2.0
/* ankus: options, and which object a command is about. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netlink.h"
#include "print.h"
#include "words.h"

#ifndef ANKUS_VERSION
#error "ANKUS_VERSION comes from the Makefile"
#endif

#define NETNS_DIR "/run/netns"

struct options options;

static const char *batch_file;
static bool want_version;
static bool want_help;

static const char help[] =
"Usage: ankus [ OPTIONS ] OBJECT COMMAND\n"
"       ankus [ OPTIONS ] -batch FILE [ -force ]\n"
"where  OBJECT := dev | rule | link | flow | pair | queue | stats | doctor |\n"
"                  monitor\n"
"       OPTIONS := -j[son] | -p[retty] | -s[tatistics] | -d[etails] |\n"
"                  -t[imestamp] | -n[etns] NAME | -V[ersion] | -h[elp]\n"
"\"ankus OBJECT help\" lists the commands of an object.\n";

static const struct object *const objects[] = {
	&dev_object,
	&rule_object,
	&link_object,
	&flow_object,
	&pair_object,
	&queue_object,
	&stats_object,
	&doctor_object,
	&monitor_object,
};

/* Run one command, from the command line or from a line of a batch. */
enum status run_words(int argc, char **argv)
{
	struct args a = { .argc = argc, .argv = argv };
	enum status status, flushed;
	const char *name = next_word(&a);
	char expected[128] = "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(objects); i++)
		if (!strcmp(objects[i]->name, name))
			break;
	if (i < ARRAY_SIZE(objects)) {
		status = run_command(objects[i], &a);
	} else if (!strcmp(name, "help")) {
		status = no_more_words(&a);
		if (!status)
			fputs(help, stdout);
	} else {
		for (i = 0; i < ARRAY_SIZE(objects); i++)
			list_name(expected, sizeof(expected), objects[i]->name);
		error("unknown object \"%s\", expected %s or help", name,
		      expected);
		return USAGE;
	}
	flushed = print_flush();
	return status ? status : flushed;
}

/* As ip(8): a name in /run/netns, or a path. */
static enum status enter_netns(const char *name)
{
	char path[4096];
	int fd = -1;
	int err;

	errno = ENAMETOOLONG;
	if (snprintf(path, sizeof(path), "%s%s",
		     strchr(name, '/') ? "" : NETNS_DIR "/", name) <
	    (int)sizeof(path))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !setns(fd, CLONE_NEWNET)) {
		close(fd);
		return DONE;
	}
	err = errno;
	if (fd >= 0)
		close(fd);
	error("cannot enter network namespace \"%s\": %s", name,
	      strerror(err));
	return FAILED;
}

static const struct option {
	char letter;		/* 0: the long form alone */
	const char *name;
	bool *flag;
	const char **value;
} known[] = {
	{ 'j', "json", .flag = &options.json },
	{ 'p', "pretty", .flag = &options.pretty },
	{ 's', "statistics", .flag = &options.statistics },
	{ 'd', "details", .flag = &options.details },
	{ 't', "timestamp", .flag = &options.timestamp },
	{ 0, "force", .flag = &options.force },
	{ 'V', "Version", .flag = &want_version },
	{ 'h', "help", .flag = &want_help },
	{ 'n', "netns", .value = &options.netns },
	{ 'b', "batch", .value = &batch_file },
	{}
};

/* One dash or two, the letter or the whole word. */
static const struct option *find_option(const char *word)
{
	const struct option *o;

	word += word[1] == '-' ? 2 : 1;
	for (o = known; o->name; o++)
		if (!strcmp(o->name, word) ||
		    (o->letter && word[0] == o->letter && !word[1]))
			return o;
	return NULL;
}

/* Several letters behind one dash, all of options without a value. */
static bool set_letters(const char *word)
{
	const struct option *o;
	const char *c;

	for (c = word + 1; *c; c++) {
		for (o = known; o->name && o->letter != *c; o++)
			;
		if (!o->flag)
			return false;
	}
	for (c = word + 1; *c; c++)
		for (o = known; o->name; o++)
			if (o->letter == *c)
				*o->flag = true;
	return c > word + 1;
}

static enum status get_options(struct args *a)
{
	while (a->argc && a->argv[0][0] == '-') {
		const char *word = next_word(a);
		const struct option *o = find_option(word);

		if (o && o->flag) {
			*o->flag = true;
		} else if (o) {
			*o->value = next_word(a);
			if (!*o->value) {
				error("\"%s\" needs a value", word);
				return USAGE;
			}
		} else if (!set_letters(word)) {
			error("unknown option \"%s\", see ankus -help", word);
			return USAGE;
		}
	}
	return DONE;
}

static enum status run(struct args *a)
{
	if (get_options(a))
		return USAGE;
	if (want_version || want_help) {
		if (no_more_words(a))
			return USAGE;
		fputs(want_version ? "ankus " ANKUS_VERSION "\n" : help, stdout);
		return print_flush();
	}
	if (!a->argc && !batch_file) {
		fputs(help, stderr);
		return USAGE;
	}
	if (batch_file && no_more_words(a))
		return USAGE;
	if (options.force && !batch_file) {
		error("-force is for -batch");
		return USAGE;
	}
	if (options.netns && enter_netns(options.netns))
		return FAILED;
	return batch_file ? run_batch(batch_file) : run_words(a->argc, a->argv);
}

int main(int argc, char **argv)
{
	struct args a = { .argc = argc, .argv = argv };
	enum status status;

	/* A reader that went away shows as an error of the output. */
	signal(SIGPIPE, SIG_IGN);
	next_word(&a);
	status = run(&a);
	nl_close();
	return status;
}
