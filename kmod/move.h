/* SPDX-License-Identifier: GPL-2.0 */
/* Why flows move, what they waited for, and how they fare afterwards. */
#ifndef ANKUS_MOVE_H
#define ANKUS_MOVE_H

#include "dev.h"

/* Sockets that are looked at in one look at the pins of a device */
#define ANKUS_MOVE_READS 256

u64 ankus_move_since(const struct ankus_pin *pin, int bin);
void ankus_move_made(struct ankus_pin *pin, int bin,
		     enum ankus_safe_point safe, u64 now_ns);
void ankus_move_wanted(struct ankus_pin *pin, u64 now_ns);
void ankus_move_seen(struct ankus_dev *ad, struct ankus_pin *pin, u32 moves,
		     u64 now_ns);
int ankus_move_look(struct ankus_dev *ad, struct ankus_pin *pin, u64 now_ns,
		    unsigned int *reads);

#endif /* ANKUS_MOVE_H */
