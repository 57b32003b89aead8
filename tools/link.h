/* SPDX-License-Identifier: GPL-2.0 */
/* The links of a device by mark, whose rules and routes go with it. */
#ifndef ANKUS_LINK_H
#define ANKUS_LINK_H

#include "tool.h"

/* By which bits the links of a device are chosen, 0 when by none. */
enum status link_mask_read(const char *dev, u32 *mask);
enum status link_mask_end(u32 mask);

#endif
