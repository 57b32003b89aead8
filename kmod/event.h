/* SPDX-License-Identifier: GPL-2.0 */
/* Notifications to the multicast group "events". */
#ifndef ANKUS_EVENT_H
#define ANKUS_EVENT_H

#include <uapi/linux/ankus.h>

#include "flow.h"

struct ankus_dev;
struct ankus_link;
struct ankus_net;
struct ankus_pair;

/* No single pin */
#define ANKUS_EVENT_NO_KIND (-1)

void ankus_event_dev(struct ankus_dev *ad, enum ankus_event event);
void ankus_event_entropy(struct ankus_dev *ad, enum ankus_dir dir,
			 enum ankus_event event);
void ankus_event_rule(struct ankus_net *an, u32 pref, enum ankus_event event);
void ankus_event_link(struct ankus_link *link, enum ankus_event event);
void ankus_event_flow(struct ankus_dev *ad, struct ankus_flow *flow, int kind,
		      enum ankus_event event);
void ankus_event_pair(struct ankus_dev *ad, struct ankus_pair *pair,
		      enum ankus_event event);

#endif /* ANKUS_EVENT_H */
