// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/debug/simnic/NAME/: numbers of the fault injection, and a reset
 * that nobody asked ethtool for
 *
 * NAME is the one the device was created with, and has -IFINDEX added when
 * another network namespace has it already.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/rtnetlink.h>
#include <linux/sched/signal.h>

#include "simnic.h"
#include "compat.h"

static struct dentry *simnic_root;

/* Removal of the file waits for this under rtnl, so do not wait for rtnl. */
static ssize_t reset_write(struct file *file, const char __user *buf,
			   size_t size, loff_t *pos)
{
	struct simnic *nic = file->private_data;
	int err;

	if (!rtnl_trylock())
		return restart_syscall();
	compat_lock_ops(nic->dev);
	err = simnic_rx_reset(nic);
	compat_unlock_ops(nic->dev);
	rtnl_unlock();
	return err ?: size;
}

static const struct file_operations reset_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= reset_write,
	.llseek	= noop_llseek,
};

/* The device is there again, after insert_detaches. */
static ssize_t attach_write(struct file *file, const char __user *buf,
			    size_t size, loff_t *pos)
{
	struct simnic *nic = file->private_data;

	if (!rtnl_trylock())
		return restart_syscall();
	netif_device_attach(nic->dev);
	rtnl_unlock();
	return size;
}

static const struct file_operations attach_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= attach_write,
	.llseek	= noop_llseek,
};

/* Written: the name of a device in the same network namespace */
static ssize_t share_write(struct file *file, const char __user *buf,
			   size_t size, loff_t *pos)
{
	struct simnic *nic = file->private_data;
	struct net_device *other;
	char name[IFNAMSIZ + 1];
	ssize_t n;
	int err = -ENODEV;

	n = simple_write_to_buffer(name, sizeof(name) - 1, pos, buf, size);
	if (n < 0)
		return n;
	name[n] = '\0';
	if (!rtnl_trylock())
		return restart_syscall();
	other = __dev_get_by_name(dev_net(nic->dev), strim(name));
	if (other && simnic_is(other)) {
		compat_lock_ops(nic->dev);
		err = simnic_ntuple_share(nic, netdev_priv(other));
		compat_unlock_ops(nic->dev);
	}
	rtnl_unlock();
	return err ?: size;
}

static const struct file_operations share_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= share_write,
	.llseek	= noop_llseek,
};

/* Context: rtnl.  A failure leaves the device without the directory. */
void simnic_debugfs_add(struct simnic *nic)
{
	char name[IFNAMSIZ + 12];
	struct dentry *dir;

	strscpy(name, nic->dev->name, sizeof(name));
	dir = debugfs_lookup(name, simnic_root);
	if (dir) {
		dput(dir);
		snprintf(name, sizeof(name), "%s-%d", nic->dev->name,
			 nic->dev->ifindex);
	}

	dir = debugfs_create_dir(name, simnic_root);
	debugfs_create_u32("slots", 0600, dir, &nic->slots);
	debugfs_create_u32("report_slots", 0600, dir, &nic->report_slots);
	debugfs_create_u32("insert_delay_us", 0600, dir, &nic->insert_delay_us);
	debugfs_create_u32("insert_errno", 0600, dir, &nic->insert_errno);
	debugfs_create_u32("delete_errno", 0600, dir, &nic->delete_errno);
	debugfs_create_u32("fail_after", 0600, dir, &nic->fail_after);
	debugfs_create_u32("insert_channels", 0600, dir, &nic->insert_channels);
	debugfs_create_u32("insert_detaches", 0600, dir, &nic->insert_detaches);
	debugfs_create_file("attach", 0200, dir, nic, &attach_fops);
	debugfs_create_file("share_table", 0200, dir, nic, &share_fops);
	debugfs_create_file("reset", 0200, dir, nic, &reset_fops);
	nic->debugfs = dir;
}

void simnic_debugfs_remove(struct simnic *nic)
{
	debugfs_remove(nic->debugfs);
}

void simnic_debugfs_init(void)
{
	simnic_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
}

void simnic_debugfs_exit(void)
{
	debugfs_remove(simnic_root);
}
