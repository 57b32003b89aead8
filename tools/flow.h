/* SPDX-License-Identifier: GPL-2.0 */
/* Flows in text, for lists and events. */
#ifndef ANKUS_FLOW_H
#define ANKUS_FLOW_H

#include "netlink.h"

void flow_text_tuple(const struct nl_view *v);
void flow_text_move(const struct nl_view *v, u16 attr, const char *before);
void flow_text_pins(const struct nl_view *v);
bool flow_text_pin(const struct nl_view *v, u16 attr, const char *before);
void flow_text(const struct nl_view *v);

#endif
