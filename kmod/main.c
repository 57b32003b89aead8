// SPDX-License-Identifier: GPL-2.0
/* Module init and exit: the order, and its reverse. */
#include <linux/module.h>

#include "dev.h"
#include "manage.h"
#include "netlink.h"

static int __init ankus_init(void)
{
	int err;

	err = ankus_flow_init();
	if (err)
		return err;
	err = ankus_pair_init();
	if (err)
		goto err_flow;
	err = ankus_dev_init();
	if (err)
		goto err_pair;
	err = ankus_manage_init();
	if (err)
		goto err_dev;
	err = ankus_netlink_init();
	if (err)
		goto err_manage;
	return 0;

err_manage:
	ankus_manage_exit();
err_dev:
	ankus_dev_exit();
err_pair:
	ankus_pair_exit();
err_flow:
	ankus_flow_exit();
	return err;
}

static void __exit ankus_exit(void)
{
	ankus_netlink_exit();
	ankus_manage_exit();
	ankus_dev_exit();
	ankus_pair_exit();
	ankus_flow_exit();
}

module_init(ankus_init);
module_exit(ankus_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(ANKUS_VERSION);
MODULE_DESCRIPTION("Finds elephant flows and pins them to NIC queues and links");
MODULE_AUTHOR("The ankus authors");
MODULE_ALIAS_GENL_FAMILY("ankus");
