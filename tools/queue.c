// SPDX-License-Identifier: GPL-2.0
/* ankus queue: the queues of managed devices. */

#include <linux/ankus.h>

#include "format.h"
#include "print.h"
#include "words.h"

static const char help[] =
"Usage: ankus queue [ show ] [ dev NAME ] [ dir in|out ]\n";

static const struct word show_words[] = {
	{ "dev", put_name, ANKUS_A_QUEUE_IFNAME },
	{ "dir", put_enum, ANKUS_A_QUEUE_DIR, .names = &dir_names },
	{}
};

/* The device and direction whose queues come now. */
static u64 group;

static void cell(const struct nl_view *v, u16 attr)
{
	print_value(&queue_schema, v, attr, "");
	print_text("\t");
}

/* How evenly the queues are used, once above the first of them. */
static void balance(const struct nl_view *v)
{
	u64 this = nl_uint(v, ANKUS_A_QUEUE_IFINDEX) << 1 |
		   nl_uint(v, ANKUS_A_QUEUE_DIR);

	if (this == group)
		return;
	group = this;
	if (!nl_uint(v, ANKUS_A_QUEUE_IMBALANCE_PERMILLE))
		return;
	print_value(&queue_schema, v, ANKUS_A_QUEUE_IFNAME, "    ");
	print_value(&queue_schema, v, ANKUS_A_QUEUE_DIR, " ");
	print_value(&queue_schema, v, ANKUS_A_QUEUE_IMBALANCE_PERMILLE,
		    ": imbalance ");
	print_value(&queue_schema, v, ANKUS_A_QUEUE_EXPECTED_PERMILLE,
		    ", to expect of hashing ");
	print_text("\n");
}

static void text(const struct nl_view *v)
{
	balance(v);
	cell(v, ANKUS_A_QUEUE_IFNAME);
	cell(v, ANKUS_A_QUEUE_DIR);
	cell(v, ANKUS_A_QUEUE_QUEUE);
	print_text("%s\t", nl_has(v, ANKUS_A_QUEUE_OPEN) ? "yes" : "no");
	cell(v, ANKUS_A_QUEUE_LOAD_BPS);
	print_text("%s\t",
		   fmt_percent(nl_uint(v, ANKUS_A_QUEUE_SHARE_PERMILLE), 1000).s);
	cell(v, ANKUS_A_QUEUE_PINNED_BPS);
	print_value(&queue_schema, v, ANKUS_A_QUEUE_FLOWS, "");
	print_text("\n");
}

static enum status run(struct args *a)
{
	static const char head[] =
		"DEV\tDIR\t>QUEUE\tOPEN\t>LOAD\t>SHARE\t>PINNED\t>FLOWS";
	struct nl_req req;

	group = 0;
	take_word(a, "show");
	nl_req_init(&req, &queue_schema, ANKUS_CMD_QUEUE_GET, 0);
	if (get_words(a, show_words, &req))
		return USAGE;
	return print_answer(&req, true, head, text);
}

const struct object queue_object = {
	.name = "queue",
	.run = run,
	.help = help,
};
