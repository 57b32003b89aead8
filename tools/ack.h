/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel says of a request, in words for a person. */
#ifndef ANKUS_ACK_H
#define ANKUS_ACK_H

#include "netlink.h"

void ack_print(const struct nl_req *req, int err, const struct nl_view *tlvs);

#endif
