/* SPDX-License-Identifier: GPL-2.0 */
/* What /sys and /proc tell of devices, their queues and interrupts. */
#ifndef ANKUS_HOST_H
#define ANKUS_HOST_H

#include <stddef.h>

#include "set.h"
#include "tool.h"

/* A device whose files in /sys are asked for. */
struct host_dev {
	const char *name;
	bool found;		/* they are there, and not another device's */
};

/* An interrupt of an RX queue. */
struct host_irq {
	u32 irq;
	u32 queue;
	struct set cpus;
};

struct host_irqs {
	struct host_irq *irq;
	size_t n;
	bool unread;		/* not all could be told */
	char other[256];		/* the name of one that is of no RX queue */
};

enum status host_enter_sysfs(void);
bool host_find(struct host_dev *dev, const char *name, u32 ifindex);
int host_read(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int host_queue_file(const struct host_dev *dev, const char *dir, u32 queue,
		    const char *file, char *buf, size_t size);
bool host_ntuple_on(const struct host_dev *dev);

int irq_rx_queue(const char *name);
bool host_irqs_of(const struct host_dev *dev, struct host_irqs *irqs);
bool host_cpus(struct set *cpus);

/* Whether irqbalance runs, and the interrupts that it leaves alone. */
bool host_irqbalance(struct set *banned);

#endif
