/* SPDX-License-Identifier: GPL-2.0 */
/* Columns as wide as what is in them. */
#ifndef ANKUS_TABLE_H
#define ANKUS_TABLE_H

#include <stdio.h>

#include "tool.h"

#define TABLE_COLUMNS	12

struct table {
	const char *head;
	char *rows;
	size_t size;
	FILE *file;
};

FILE *table_open(struct table *t, const char *head);
enum status table_print(struct table *t);

#endif
