// SPDX-License-Identifier: GPL-2.0
/* ankus doctor: what /sys and /proc tell. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

static void not_checked(const struct patient *p, const char *check,
			const char *what)
{
	doctor_say(p, SEVERITY_NOTE, check, NULL, "cannot read %s", what);
}

/* Anything but zeros, as in a mask of CPUs or a count. */
static bool is_set(const char *value)
{
	return value[strspn(value, "0, \t")];
}

/*
 * Which of @among have something in a file; false when one cannot be read.
 * A queue may have vanished meanwhile, and then does no harm.
 */
static bool queues_set(const struct patient *p, const char *dir,
		       const char *file, const struct set *among,
		       struct set *queues)
{
	char value[4096];
	int i;

	memset(queues, 0, sizeof(*queues));
	for (i = 0; i < SET_MAX; i++) {
		if (!set_has(among, i))
			continue;
		if (host_queue_file(&p->host, dir, i, file, value,
				    sizeof(value)) < 0)
			return false;
		if (is_set(value))
			set_add(queues, i);
	}
	return true;
}

/* The command that writes a zero into a file of each of these queues. */
static const char *zero(const struct patient *p, const char *dir,
			const struct set *queues, const char *file)
{
	static char remedy[8192];
	size_t len = 0;
	int i;

	if (set_count(queues) == 1) {
		snprintf(remedy, sizeof(remedy),
			 "echo 0 >/sys/class/net/%s/queues/%s-%d/%s",
			 p->word.s, dir, set_first(queues), file);
		return remedy;
	}
	len = snprintf(remedy, sizeof(remedy), "for q in");
	for (i = 0; i < SET_MAX && len < sizeof(remedy) - 256; i++)
		if (set_has(queues, i))
			len += snprintf(remedy + len, sizeof(remedy) - len,
					" %d", i);
	snprintf(remedy + len, sizeof(remedy) - len,
		 "; do echo 0 >/sys/class/net/%s/queues/%s-$q/%s; done",
		 p->word.s, dir, file);
	return remedy;
}

/* Those of connected local sockets hold whatever XPS says. */
static bool forwards(void)
{
	static const char *const files[] = {
		"/proc/sys/net/ipv4/ip_forward",
		"/proc/sys/net/ipv6/conf/all/forwarding",
	};
	char value[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (host_read(value, sizeof(value), files[i]) >= 0 &&
		    is_set(value))
			return true;
	return false;
}

static void check_xps(const struct patient *p)
{
	static const char *const files[] = { "xps_cpus", "xps_rxqs" };
	struct set all = {}, queues;
	size_t i;

	if (p->num_tx < 2 || (!p->steer && set_first(&p->tx) < 0) || !forwards())
		return;
	set_add_range(&all, 0, p->num_tx - 1);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!queues_set(p, "tx", files[i], &all, &queues))
			not_checked(p, "xps", files[i]);
		else if (set_first(&queues) >= 0)
			doctor_say(p, SEVERITY_WARNING, "xps",
				   zero(p, "tx", &queues, files[i]),
				   "%s of tx queue %s goes before the pins of forwarded flows (those of connected local sockets hold)",
				   files[i], fmt_set(&queues).s);
	}
}

static void check_arfs(const struct patient *p)
{
	struct set all = {}, queues;
	char value[64];

	if (p->num_rx < 2 || !host_ntuple_on(&p->host))
		return;
	set_add_range(&all, 0, p->num_rx - 1);
	if (!queues_set(p, "rx", "rps_flow_cnt", &all, &queues)) {
		not_checked(p, "arfs", "rps_flow_cnt");
		return;
	}
	if (set_first(&queues) < 0)
		return;
	/* Network namespaces but the first one do not show it. */
	if (host_read(value, sizeof(value),
		      "/proc/sys/net/core/rps_sock_flow_entries") < 0)
		not_checked(p, "arfs", "net.core.rps_sock_flow_entries");
	else if (is_set(value))
		doctor_say(p, SEVERITY_WARNING, "arfs",
			   zero(p, "rx", &queues, "rps_flow_cnt"),
			   "aRFS of rx queue %s puts rules of its own into the table and moves flows",
			   fmt_set(&queues).s);
}

static void check_rps(const struct patient *p)
{
	struct set queues;

	if (!p->steer && set_first(&p->rx) < 0)
		return;
	if (!queues_set(p, "rx", "rps_cpus", &p->open_rx, &queues))
		not_checked(p, "rps", "rps_cpus");
	else if (set_first(&queues) >= 0)
		doctor_say(p, SEVERITY_WARNING, "rps",
			   zero(p, "rx", &queues, "rps_cpus"),
			   "RPS of rx queue %s moves the packets of elephants to other CPUs once they arrived",
			   fmt_set(&queues).s);
}

/* The queues that elephants do not use and that one of @cpus serves too. */
static struct set shared_with(const struct patient *p,
			      const struct host_irqs *irqs,
			      const struct set *cpus, struct set *shared)
{
	struct set queues = {};
	size_t i;

	memset(shared, 0, sizeof(*shared));
	for (i = 0; i < irqs->n; i++) {
		struct set both = irqs->irq[i].cpus;

		if (set_has(&p->rx, irqs->irq[i].queue) ||
		    !set_meet(&both, cpus))
			continue;
		set_and(&both, cpus);
		set_or(shared, &both);
		set_add(&queues, irqs->irq[i].queue);
	}
	return queues;
}

/*
 * Without a CPU that serves none of the other queues, the last one is cleared
 * of them: the same for all that need it.
 */
static void clear_cpu(const struct patient *p, const struct host_irqs *irqs,
		      const struct set *online, u32 irq, char *buf, size_t size)
{
	struct set others = *online, last = {};
	size_t len, i;
	int cpu = set_first(online);

	for (i = 0; i < SET_MAX; i++)
		if (set_has(online, i))
			cpu = i;
	set_add(&last, cpu);
	set_remove(&others, &last);
	len = snprintf(buf, size, "for i in");
	for (i = 0; i < irqs->n && len < size - 256; i++)
		if (!set_has(&p->rx, irqs->irq[i].queue) &&
		    set_has(&irqs->irq[i].cpus, cpu))
			len += snprintf(buf + len, size - len, " %u",
					irqs->irq[i].irq);
	snprintf(buf + len, size - len,
		 "; do echo %d >/proc/irq/$i/smp_affinity_list; done; echo %d >/proc/irq/%u/smp_affinity_list",
		 set_first(&others), cpu, irq);
}

/*
 * Each queue of elephants that has to move gets a CPU of its own as long as
 * there are any, then one that other such queues have.
 */
static void check_irq_cpus(const struct patient *p,
			   const struct host_irqs *irqs)
{
	struct set online = {}, free_cpus, own_cpus;
	size_t i;

	if (!irqs->n)
		return;
	if (!host_cpus(&online)) {
		not_checked(p, "irq-shared", "/sys/devices/system/cpu/online");
		return;
	}
	if (set_count(&online) < 2)
		return;
	own_cpus = online;
	for (i = 0; i < irqs->n; i++)
		if (!set_has(&p->rx, irqs->irq[i].queue))
			set_remove(&own_cpus, &irqs->irq[i].cpus);
	free_cpus = own_cpus;
	for (i = 0; i < irqs->n; i++)
		set_remove(&free_cpus, &irqs->irq[i].cpus);

	for (i = 0; i < irqs->n; i++) {
		const struct host_irq *irq = &irqs->irq[i];
		struct set shared, queues, taken = {};
		char remedy[4096];
		int cpu;

		if (!set_has(&p->rx, irq->queue))
			continue;
		queues = shared_with(p, irqs, &irq->cpus, &shared);
		if (set_first(&queues) < 0)
			continue;
		cpu = set_first(&free_cpus);
		if (cpu < 0)
			cpu = set_first(&own_cpus);
		if (cpu >= 0) {
			set_add(&taken, cpu);
			set_remove(&free_cpus, &taken);
			snprintf(remedy, sizeof(remedy),
				 "echo %d >/proc/irq/%u/smp_affinity_list",
				 cpu, irq->irq);
		} else {
			clear_cpu(p, irqs, &online, irq->irq, remedy,
				  sizeof(remedy));
		}
		doctor_say(p, SEVERITY_WARNING, "irq-shared", remedy,
			   "IRQ %u of rx queue %u is for elephants, and CPU %s serves rx queue %s too",
			   irq->irq, irq->queue, fmt_set(&shared).s,
			   fmt_set(&queues).s);
	}
}

static void check_irqbalance(const struct patient *p,
			     const struct host_irqs *irqs)
{
	struct set banned, ours = {};
	char remedy[4096];
	size_t len, i;

	if (!host_irqbalance(&banned))
		return;
	for (i = 0; i < irqs->n; i++)
		if (set_has(&p->rx, irqs->irq[i].queue))
			set_add(&ours, irqs->irq[i].irq);
	len = snprintf(remedy, sizeof(remedy), "systemctl stop irqbalance");
	if (set_first(&ours) >= 0)
		len += snprintf(remedy + len, sizeof(remedy) - len,
				", or restart it with IRQBALANCE_ARGS=\"");
	for (i = 0; i < irqs->n && len < sizeof(remedy) - 64; i++)
		if (set_has(&p->rx, irqs->irq[i].queue))
			len += snprintf(remedy + len, sizeof(remedy) - len,
					"--banirq=%u ", irqs->irq[i].irq);
	if (set_first(&ours) >= 0)
		snprintf(remedy + len - 1, sizeof(remedy) - len + 1, "\"");
	set_remove(&ours, &banned);
	if (irqs->n && set_first(&ours) < 0)
		return;
	doctor_say(p, SEVERITY_WARNING, "irqbalance", remedy,
		   "irqbalance moves the interrupts of rx queue %s, which are for elephants",
		   fmt_set(&p->rx).s);
}

/* Queues of their own are worth it with CPUs of their own. */
static void check_irqs(const struct patient *p)
{
	struct host_irqs irqs = {};

	if (!p->dedicated)
		return;
	if (p->host.found && !host_irqs_of(&p->host, &irqs))
		not_checked(p, "irq-shared", "all of /proc/irq");
	else if (!irqs.n && irqs.other[0])
		doctor_say(p, SEVERITY_NOTE, "irq-shared", NULL,
			   "no interrupt has a name that tells its rx queue, such as \"%s\"",
			   irqs.other);
	else
		check_irq_cpus(p, &irqs);
	check_irqbalance(p, &irqs);
	free(irqs.irq);
}

void doctor_check_host(const struct patient *p)
{
	if (p->host.found) {
		check_xps(p);
		check_arfs(p);
		check_rps(p);
	} else {
		doctor_say(p, SEVERITY_NOTE, "sysfs", NULL,
			   "/sys does not show this device: irq-shared, xps, arfs, rps");
	}
	check_irqs(p);
}
