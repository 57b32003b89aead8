// SPDX-License-Identifier: GPL-2.0
/* The interrupts of a device's RX queues, and the CPUs that serve them. */

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

/* What stands before the number, at the end of the name, in small letters. */
static const char *const queue_marks[] = {
	"txrx-",	/* eth0-TxRx-3, i40e-eth0-TxRx-3, ice-eth0-TxRx-3 */
	"rxtx-",	/* eth0-rxtx-3 */
	"rx-",		/* eth0-rx-3, eth0-Tx-Rx-3 */
	"rx",		/* eth0-Rx3 */
	"fp-",		/* eth0-fp-3 */
	"-input.",	/* virtio1-input.3 */
	"_comp",	/* mlx5_comp3@pci:0000:3b:00.0 */
};

/*
 * The RX queue of an interrupt, by the name that its driver gave it; -1 when
 * it is none, such as one of a TX queue or of the device's events.
 */
int irq_rx_queue(const char *name)
{
	size_t len = strcspn(name, "@");
	size_t digits = len;
	unsigned int i;

	while (digits && isdigit((unsigned char)name[digits - 1]))
		digits--;
	if (digits == len || len - digits > 4)
		return -1;
	for (i = 0; i < ARRAY_SIZE(queue_marks); i++) {
		size_t mark = strlen(queue_marks[i]);
		const char *s = name + digits - mark;

		if (digits < mark || strncasecmp(s, queue_marks[i], mark))
			continue;
		/* A mark is a whole word: not in the name of a device. */
		if (!isalnum((unsigned char)*s) ||
		    (s > name && strchr("-:", s[-1])))
			return atoi(name + digits);
	}
	return -1;
}

/* An action has a folder of its name below that of the interrupt. */
static int queue_of(u32 irq, const char *dev, bool *named,
		    struct host_irqs *irqs)
{
	struct dirent *entry;
	char path[64];
	int queue = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/irq/%u", irq);
	dir = opendir(path);
	while (dir && queue < 0 && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		queue = irq_rx_queue(entry->d_name);
		*named = strstr(entry->d_name, dev);
		if (queue < 0)
			snprintf(irqs->other, sizeof(irqs->other), "%s",
				 entry->d_name);
	}
	if (dir)
		closedir(dir);
	return queue;
}

static bool list_of(u32 irq, const char *file, struct set *cpus)
{
	char buf[4096];

	memset(cpus, 0, sizeof(*cpus));
	return host_read(buf, sizeof(buf), "/proc/irq/%u/%s", irq, file) > 0 &&
	       set_parse(cpus, buf);
}

/*
 * Where it is served; or may be, when the kernel does not tell, or when it has
 * been told of other CPUs and moves it with the next interrupt.
 */
static bool cpus_of(u32 irq, struct set *cpus)
{
	bool effective = list_of(irq, "effective_affinity_list", cpus);
	struct set allowed;

	if (!list_of(irq, "smp_affinity_list", &allowed))
		return effective;
	if (!effective || !set_meet(cpus, &allowed))
		*cpus = allowed;
	return true;
}

/*
 * Functions of one PCI device may share its interrupts: if any bears the
 * device's name, those that do not are another's.
 */
static bool add_irq(struct host_irqs *irqs, u32 number, const char *dev,
		    bool *all_named)
{
	struct host_irq *irq;
	bool named = false;
	int queue;

	queue = queue_of(number, dev, &named, irqs);
	if (queue < 0 || (*all_named && !named))
		return true;
	if (named && !*all_named) {
		*all_named = true;
		irqs->n = 0;
	}
	irq = realloc(irqs->irq, (irqs->n + 1) * sizeof(*irq));
	if (!irq)
		return false;
	irqs->irq = irq;
	irq += irqs->n;
	memset(irq, 0, sizeof(*irq));
	irq->irq = number;
	irq->queue = queue;
	if (cpus_of(number, &irq->cpus))
		irqs->n++;
	else
		irqs->unread = true;
	return true;
}

static int by_queue(const void *left, const void *right)
{
	const struct host_irq *l = left, *r = right;

	return (l->queue > r->queue) - (l->queue < r->queue);
}

/*
 * All of the device, sorted by queue; none of a device that has no interrupts.
 * False: they cannot be told.
 */
bool host_irqs_of(const struct host_dev *dev, struct host_irqs *irqs)
{
	/* A virtio device has those of the PCI device that it is on. */
	static const char *const places[] = { "device", "device/.." };
	bool all_named = false, ok = true;
	struct dirent *entry;
	char path[128];
	DIR *dir = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places) && !dir; i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/%s/msi_irqs",
			 dev->name, places[i]);
		dir = opendir(path);
	}
	if (!dir)
		return true;
	while (ok && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			ok = add_irq(irqs, strtoul(entry->d_name, NULL, 10),
				     dev->name, &all_named);
	closedir(dir);
	if (irqs->n)
		qsort(irqs->irq, irqs->n, sizeof(*irqs->irq), by_queue);
	return ok && !irqs->unread;
}
