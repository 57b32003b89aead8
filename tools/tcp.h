/* SPDX-License-Identifier: GPL-2.0 */
/* How connections fare, asked for and shown with the option -s. */
#ifndef ANKUS_TCP_H
#define ANKUS_TCP_H

#include "netlink.h"

void tcp_ask(struct nl_req *req, u16 attr);
void tcp_text(const struct nl_view *v, u16 attr, const char *before);

#endif
