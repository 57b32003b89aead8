// SPDX-License-Identifier: GPL-2.0
/* Commands from a file, one a line. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "print.h"
#include "tool.h"

struct lines {
	FILE *file;
	char *buf;		/* one logical line */
	size_t size;
	char *part;		/* one physical line */
	size_t part_size;
	unsigned int read;	/* physical lines so far */
};

static const char *name;	/* of the file, while a batch runs */
static unsigned int number;	/* of the first line of the command */

bool batch_running(void)
{
	return name;
}

/* In messages: the place in the file. */
void batch_where(void)
{
	if (name && number)
		fprintf(stderr, "%s:%u: ", name, number);
}

/*
 * The next command in l->buf: a line, and those below while a backslash ends
 * them.  Returns false at the end of the file.
 */
static bool next_line(struct lines *l, enum status *status)
{
	size_t len = 0;

	*status = DONE;
	number = l->read + 1;
	for (;;) {
		ssize_t n = getline(&l->part, &l->part_size, l->file);
		bool more = false;

		if (n < 0) {
			if (ferror(l->file)) {
				error("cannot read: %s", strerror(errno));
				*status = FAILED;
				return false;
			}
			return len;
		}
		l->read++;
		if (memchr(l->part, 0, n)) {
			error("zero byte in the line");
			*status = USAGE;
		}
		if (n && l->part[n - 1] == '\n')
			n--;
		if (n && l->part[n - 1] == '\\') {
			n--;
			more = true;
		}
		if (len + n + 1 > l->size) {
			char *buf = realloc(l->buf, (len + n + 1) * 2);

			if (!buf) {
				error("out of memory");
				*status = FAILED;
				return false;
			}
			l->buf = buf;
			l->size = (len + n + 1) * 2;
		}
		memcpy(l->buf + len, l->part, n);
		len += n;
		l->buf[len] = 0;
		if (!more)
			return true;
	}
}

/*
 * Split @s in place.  Quotes of either kind keep white space in a word, # at
 * the start of a word begins a comment.  Returns the number of words, -1 when
 * a quote is not closed.
 */
static int split(char *s, char **words)
{
	char *out;
	int n = 0;

	for (;;) {
		while (isspace((unsigned char)*s))
			s++;
		if (!*s || *s == '#')
			return n;
		words[n++] = s;
		for (out = s; *s && !isspace((unsigned char)*s);) {
			char quote = *s;

			if (quote != '"' && quote != '\'') {
				*out++ = *s++;
				continue;
			}
			for (s++; *s != quote; *out++ = *s++)
				if (!*s)
					return -1;
			s++;
		}
		if (*s)
			s++;
		*out = 0;
	}
}

static enum status run_line(char *line)
{
	enum status status = DONE;
	char **words;
	int n;

	/* A line of n bytes has no more than n / 2 + 1 words. */
	words = calloc(strlen(line) / 2 + 2, sizeof(*words));
	if (!words) {
		error("out of memory");
		return FAILED;
	}
	n = split(line, words);
	if (n < 0) {
		error("a quote is not closed");
		status = USAGE;
	} else if (n) {
		status = run_words(n, words);
	}
	free(words);
	return status;
}

enum status run_batch(const char *path)
{
	enum status worst = DONE, status;
	bool std = !strcmp(path, "-");
	struct lines l = { .file = std ? stdin : fopen(path, "re") };

	if (!l.file) {
		error("cannot open batch file \"%s\": %s", path,
		      strerror(errno));
		return FAILED;
	}
	name = std ? "stdin" : path;
	while (next_line(&l, &status)) {
		if (!status)
			status = run_line(l.buf);
		if (status > worst)
			worst = status;
		/* What the doctor finds is an answer, not an error. */
		if (status && status != FOUND && !options.force)
			break;
	}
	if (status > worst)
		worst = status;
	name = NULL;
	free(l.buf);
	free(l.part);
	if (!std)
		fclose(l.file);
	return worst;
}
