/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Output: the same items as text or as JSON, and messages.  JSON is written
 * from the schema, so it has every attribute; text is what a callback prints.
 */
#ifndef ANKUS_PRINT_H
#define ANKUS_PRINT_H

#include "netlink.h"
#include "schema.h"
#include "tool.h"

void error(const char *fmt, ...) __printf(1, 2);
void warn(const char *fmt, ...) __printf(1, 2);

void print_text(const char *fmt, ...) __printf(1, 2);
bool print_value(const struct schema *schema, const struct nl_view *v,
		 u16 attr, const char *before);
enum status print_flush(void);

enum status print_items(const struct schema *schema,
			const struct nl_view *items, size_t n, const char *head,
			void (*text)(const struct nl_view *item));
enum status print_answer(struct nl_req *req, bool dump, const char *head,
			 void (*text)(const struct nl_view *item));
void print_event_json(const struct schema *schema, const struct nl_view *event,
		      const char *timestamp);
void print_lost_json(const char *timestamp);

#endif
