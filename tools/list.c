// SPDX-License-Identifier: GPL-2.0
/* Long lists: those of flows and of pairs. */

#include <stdlib.h>

#include "list.h"
#include "print.h"

static int compare(const void *left, const void *right, void *arg)
{
	const struct list *list = arg;
	u64 l, r;

	if (list->by != list->id) {
		l = nl_uint(left, list->by);
		r = nl_uint(right, list->by);
		if (l != r)
			return l < r ? 1 : -1;
	}
	l = nl_uint(left, list->id);
	r = nl_uint(right, list->id);
	return l < r ? -1 : l > r;
}

/* Ask for all that the request's filters leave, and print the first ones. */
enum status list_print(struct nl_req *req, const struct list *list)
{
	struct nl_reply reply = {};
	struct nl_view *items;
	enum status status;
	size_t n;

	/* The first ones in an order are known when all are. */
	if (!list->by && list->most && list->most <= U32_MAX)
		nl_put_u32(req, list->limit, list->most);
	status = nl_dump(req, &reply);
	if (status)
		goto out;
	items = nl_reply_views(&reply, &n);
	if (!items) {
		error("out of memory");
		status = FAILED;
		goto out;
	}
	if (list->by)
		qsort_r(items, n, sizeof(*items), compare, (void *)list);
	if (n > list->most)
		n = list->most;
	status = print_items(req->schema, items, n, list->head, list->text);
	free(items);
out:
	nl_reply_free(&reply);
	return status;
}
