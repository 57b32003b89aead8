// SPDX-License-Identifier: GPL-2.0
/* ankus stats: the counters of managed devices. */

#include <linux/ankus.h>

#include "print.h"
#include "words.h"

static const char help[] =
"Usage: ankus stats [ show ] [ dev NAME ]\n";

static const struct word show_words[] = {
	{ "dev", put_name, ANKUS_A_STATS_IFNAME },
	{}
};

/* All counters, by the names of the contract. */
static void text(const struct nl_view *v)
{
	u16 i;

	print_value(&stats_schema, v, ANKUS_A_STATS_IFNAME, "");
	print_text(":\n");
	for (i = ANKUS_A_STATS_RX_PACKETS; i < stats_schema.count; i++)
		if (nl_has(v, i))
			print_text("    %-28s %15llu\n",
				   stats_schema.attrs[i].name, nl_uint(v, i));
}

static enum status run(struct args *a)
{
	struct nl_req req;
	bool all;

	take_word(a, "show");
	all = !a->argc;
	nl_req_init(&req, &stats_schema, ANKUS_CMD_STATS_GET, 0);
	if (get_words(a, show_words, &req))
		return USAGE;
	return print_answer(&req, all, NULL, text);
}

const struct object stats_object = {
	.name = "stats",
	.run = run,
	.help = help,
};
