/* SPDX-License-Identifier: GPL-2.0 */
/* The packet path: netfilter hooks on managed devices. */
#ifndef ANKUS_HOOK_H
#define ANKUS_HOOK_H

struct ankus_dev;
struct ankus_link;

int ankus_hook_register(struct ankus_dev *ad);
void ankus_hook_unregister(struct ankus_dev *ad);
int ankus_hook_link(struct ankus_link *link);

#endif /* ANKUS_HOOK_H */
