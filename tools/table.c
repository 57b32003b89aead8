// SPDX-License-Identifier: GPL-2.0
/*
 * Columns as wide as what is in them.  Rows are lines with tabs between the
 * cells; a line that begins with a space belongs to the row above and is
 * printed as it is.  A heading that begins with > is aligned to the right.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "table.h"

/* Without memory the rows are printed as they come, unaligned. */
FILE *table_open(struct table *t, const char *head)
{
	t->head = head;
	t->rows = NULL;
	t->size = 0;
	t->file = open_memstream(&t->rows, &t->size);
	return t->file;
}

/* Width on the terminal: continuation bytes of UTF-8 take no column. */
static int width(const char *s, size_t len)
{
	int columns = 0;

	for (; len; s++, len--)
		columns += (*s & 0xc0) != 0x80;
	return columns;
}

static void pad(int columns)
{
	printf("%*s", columns, "");
}

/* Measure one line, or print it when @columns are known. */
static void line(const char *s, size_t len, bool head, const bool *right,
		 int *widths, bool print)
{
	const char *end = s + len;
	int i;

	for (i = 0; i < TABLE_COLUMNS; i++) {
		const char *cell = s;
		const char *stop = memchr(s, '\t', end - s);
		int columns;

		if (!stop)
			stop = end;
		if (head && *cell == '>')
			cell++;
		columns = width(cell, stop - cell);
		if (!print) {
			if (columns > widths[i])
				widths[i] = columns;
		} else {
			if (i)
				pad(2);
			if (right[i])
				pad(widths[i] - columns);
			fwrite(cell, 1, stop - cell, stdout);
			if (!right[i] && stop < end)
				pad(widths[i] - columns);
		}
		if (stop == end)
			break;
		s = stop + 1;
	}
	if (print)
		putchar('\n');
}

static void each_line(const struct table *t, const bool *right, int *widths,
		      bool print)
{
	const char *s, *end;

	line(t->head, strlen(t->head), true, right, widths, print);
	for (s = t->rows; *s; s = end + 1) {
		end = strchrnul(s, '\n');
		if (*s != ' ')
			line(s, end - s, false, right, widths, print);
		else if (print)
			printf("%.*s\n", (int)(end - s), s);
		if (!*end)
			break;
	}
}

enum status table_print(struct table *t)
{
	bool right[TABLE_COLUMNS] = {};
	int widths[TABLE_COLUMNS] = {};
	const char *s = t->head;
	int i;

	if (fclose(t->file)) {
		error("out of memory");
		free(t->rows);
		return FAILED;
	}
	for (i = 0; s && i < TABLE_COLUMNS; i++) {
		right[i] = *s == '>';
		s = strchr(s, '\t');
		if (s)
			s++;
	}
	each_line(t, right, widths, false);
	each_line(t, right, widths, true);
	free(t->rows);
	return DONE;
}
