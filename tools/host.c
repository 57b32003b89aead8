// SPDX-License-Identifier: GPL-2.0
/* What /sys and /proc tell of devices and processes. */

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>

#include "host.h"
#include "parse.h"

/*
 * /sys shows the network namespace it was mounted in.  As ip-netns(8) does it:
 * another one, which nobody else sees.
 */
enum status host_enter_sysfs(void)
{
	static bool done;

	if (done)
		return DONE;
	if (unshare(CLONE_NEWNS) ||
	    mount("", "/", "none", MS_SLAVE | MS_REC, NULL) ||
	    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return FAILED;
	done = true;
	return DONE;
}

/*
 * Read a file, less than @size bytes of it and nothing of the line's end.
 * Returns its length or a negative error.
 */
int host_read(char *buf, size_t size, const char *fmt, ...)
{
	char path[256];
	va_list ap;
	ssize_t len;
	int fd, n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	n = len < 0 ? -errno : (int)len;
	close(fd);
	if (n < 0)
		return n;
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = 0;
	return n;
}

static bool ask_device(const char *name, unsigned long request,
		       struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd < 0)
		return false;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	ok = !ioctl(fd, request, ifr);
	close(fd);
	return ok;
}

/*
 * Another network namespace may have a device of the same name, even with the
 * same number: so the address has to be the same too.
 */
bool host_find(struct host_dev *dev, const char *name, u32 ifindex)
{
	unsigned char mac[6];
	struct ifreq ifr = {};
	char buf[128];

	dev->name = name;
	dev->found = false;
	if (parse_name(name) ||
	    host_read(buf, sizeof(buf), "/sys/class/net/%s/ifindex", name) < 0 ||
	    strtoul(buf, NULL, 10) != ifindex ||
	    host_read(buf, sizeof(buf), "/sys/class/net/%s/address", name) < 0 ||
	    !ask_device(name, SIOCGIFHWADDR, &ifr))
		return false;
	if (sscanf(buf, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1],
		   &mac[2], &mac[3], &mac[4], &mac[5]) == 6 &&
	    memcmp(mac, ifr.ifr_hwaddr.sa_data, sizeof(mac)))
		return false;
	dev->found = true;
	return true;
}

/* A file of a queue; @dir is "rx" or "tx". */
int host_queue_file(const struct host_dev *dev, const char *dir, u32 queue,
		    const char *file, char *buf, size_t size)
{
	return host_read(buf, size, "/sys/class/net/%s/queues/%s-%u/%s",
			 dev->name, dir, queue, file);
}

bool host_ntuple_on(const struct host_dev *dev)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq ifr = { .ifr_data = (void *)&v };

	return ask_device(dev->name, SIOCETHTOOL, &ifr) &&
	       v.data & ETH_FLAG_NTUPLE;
}

bool host_cpus(struct set *cpus)
{
	char buf[4096];

	return host_read(buf, sizeof(buf), "/sys/devices/system/cpu/online") > 0 &&
	       set_parse(cpus, buf);
}

/* --banirq=45, --banirq 45, -i45, -i 45 */
static void banned_irqs(const char *args, size_t len, struct set *banned)
{
	const char *end = args + len;
	bool value = false;

	for (; args < end; args += strlen(args) + 1) {
		const char *number = args;

		if (!value && !strncmp(args, "--banirq", 8))
			number = args + 8 + (args[8] == '=');
		else if (!value && !strncmp(args, "-i", 2))
			number = args + 2;
		else if (!value)
			continue;
		value = !value && !*number;
		if (*number)
			set_add(banned, strtoul(number, NULL, 10));
	}
}

/* One that runs is enough: the kernel says by its name which it is. */
bool host_irqbalance(struct set *banned)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool runs = false;
	char buf[8192];
	int len;

	memset(banned, 0, sizeof(*banned));
	while (proc && !runs && (entry = readdir(proc))) {
		u32 pid = strtoul(entry->d_name, NULL, 10);

		if (!pid || host_read(buf, sizeof(buf), "/proc/%u/comm", pid) < 0 ||
		    strcmp(buf, "irqbalance"))
			continue;
		runs = true;
		len = host_read(buf, sizeof(buf), "/proc/%u/cmdline", pid);
		if (len > 0)
			banned_irqs(buf, len, banned);
	}
	if (proc)
		closedir(proc);
	return runs;
}
