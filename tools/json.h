/* SPDX-License-Identifier: GPL-2.0 */
/* JSON, written piece by piece. */
#ifndef ANKUS_JSON_H
#define ANKUS_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "tool.h"

void json_start(bool pretty);
void json_name(const char *name);
void json_name_value(const char *name);
void json_open(char bracket);
void json_close(char bracket);
void json_number(u64 v);
void json_bool(bool v);
void json_string(const char *s, size_t max);

#endif
