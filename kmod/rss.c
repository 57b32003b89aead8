// SPDX-License-Identifier: GPL-2.0
/* What is known of a managed device's RSS: begins and ends with it. */
#include <linux/slab.h>

#include "rss.h"

/**
 * ankus_rss_alloc() - for a new device
 *
 * Context: May sleep.
 * Return: what nothing is known of yet, or NULL.
 */
struct ankus_rss *ankus_rss_alloc(void)
{
	struct ankus_rss *rss = kzalloc(sizeof(*rss), GFP_KERNEL_ACCOUNT);

	if (rss) {
		rss->fixed = "the driver has no RSS table";
		rss->reason = rss->fixed;
	}
	return rss;
}

/**
 * ankus_rss_free() - the device is freed
 * @rss: from ankus_rss_alloc(), or NULL
 *
 * Context: May sleep.
 */
void ankus_rss_free(struct ankus_rss *rss)
{
	if (!rss)
		return;
	ankus_rss_table_destroy(&rss->table);
	kfree(rss->key);
	kfree(rss);
}
