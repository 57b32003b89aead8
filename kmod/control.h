/* SPDX-License-Identifier: GPL-2.0 */
/* The control loop of a device. */
#ifndef ANKUS_CONTROL_H
#define ANKUS_CONTROL_H

#include "dev.h"

void ankus_control_init(struct ankus_dev *ad);
void ankus_control_start(struct ankus_dev *ad);
void ankus_control_stop(struct ankus_dev *ad);
void ankus_control_kick(struct ankus_dev *ad, const struct ankus_flow *flow);
void ankus_control_run_soon(struct ankus_dev *ad);
void ankus_control_steer_soon(struct ankus_dev *ad);
void ankus_control_refresh(struct ankus_dev *ad);

/* classify.c and assign.c */
void ankus_control_release_all(struct ankus_dev *ad);
bool ankus_control_measure(struct ankus_dev *ad, u64 last, u64 now);
void ankus_control_assign(struct ankus_dev *ad, u64 now);

#endif /* ANKUS_CONTROL_H */
