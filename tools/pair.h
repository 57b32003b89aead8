/* SPDX-License-Identifier: GPL-2.0 */
/* Pairs in text, for lists and events. */
#ifndef ANKUS_PAIR_H
#define ANKUS_PAIR_H

#include "netlink.h"

void pair_text_addresses(const struct nl_view *v);

#endif
