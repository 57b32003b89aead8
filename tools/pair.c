// SPDX-License-Identifier: GPL-2.0
/* ankus pair: what all flows between two addresses carry together. */

#include <ctype.h>

#include <linux/ankus.h>

#include "list.h"
#include "pair.h"
#include "print.h"
#include "words.h"

static const char help[] =
"Usage: ankus pair show ID\n"
"       ankus pair show [ dev NAME ] [ state mouse|elephant ]\n"
"                       [ dir in|out ] [ rate RATE ]\n"
"                       [ sort rate|small|flows|bytes|id|age|none ]\n"
"                       [ limit NUMBER ]\n"
"where  state and rate show pairs at or above them\n";

static const char *const sort_list[] = {
	"rate", "small", "flows", "bytes", "id", "age", "none"
};

static const u16 sort_keys[] = {
	ANKUS_A_PAIR_RATE_BPS, ANKUS_A_PAIR_SMALL_BPS, ANKUS_A_PAIR_FLOWS,
	ANKUS_A_PAIR_BYTES, ANKUS_A_PAIR_ID, ANKUS_A_PAIR_AGE_MS, 0
};

static const struct names sort_names = { sort_list, ARRAY_SIZE(sort_list) };

static struct {
	int sort;
	u64 limit;
} filter;

static const struct word show_words[] = {
	{ "dev", put_name, ANKUS_A_PAIR_IFNAME },
	{ "state", put_enum, ANKUS_A_PAIR_STATE, .names = &pair_state_names },
	{ "dir", put_enum, ANKUS_A_PAIR_DIR, .names = &dir_names },
	{ "rate", put_rate, ANKUS_A_PAIR_RATE_BPS },
	{ "sort", set_enum, .names = &sort_names, .var = &filter.sort },
	{ "limit", set_number, .var = &filter.limit },
	{}
};

static bool value(const struct nl_view *v, u16 attr, const char *before)
{
	return print_value(&pair_schema, v, attr, before);
}

static void cell(const struct nl_view *v, u16 attr)
{
	value(v, attr, "");
	print_text("\t");
}

/* "10.0.0.1 > 10.1.0.1" */
void pair_text_addresses(const struct nl_view *v)
{
	value(v, ANKUS_A_PAIR_SRC, "");
	value(v, ANKUS_A_PAIR_DST, " > ");
}

static void text(const struct nl_view *v)
{
	cell(v, ANKUS_A_PAIR_ID);
	cell(v, ANKUS_A_PAIR_IFNAME);
	cell(v, ANKUS_A_PAIR_DIR);
	if (nl_has(v, ANKUS_A_PAIR_GROUPED))
		print_text("grouped\t");
	else
		cell(v, ANKUS_A_PAIR_STATE);
	cell(v, ANKUS_A_PAIR_RATE_BPS);
	cell(v, ANKUS_A_PAIR_SMALL_BPS);
	cell(v, ANKUS_A_PAIR_FLOWS);
	cell(v, ANKUS_A_PAIR_ELEPHANTS);
	pair_text_addresses(v);
	if (options.statistics) {
		value(v, ANKUS_A_PAIR_BYTES, "\n      bytes ");
		value(v, ANKUS_A_PAIR_AGE_MS, " age ");
		value(v, ANKUS_A_PAIR_IDLE_MS, " idle ");
	}
	if (options.details)
		value(v, ANKUS_A_PAIR_SMALL_PERMILLE,
		      "\n      small flows / threshold ");
	print_text("\n");
}

static enum status pair_show(struct args *a)
{
	struct list list = {
		.head = ">ID\tDEV\tDIR\tSTATE\t>RATE\t>SMALL\t>FLOWS\t>ELEPHANTS\tPAIR",
		.text = text,
		.id = ANKUS_A_PAIR_ID,
		.limit = ANKUS_A_PAIR_LIMIT,
	};
	struct nl_req req;
	u64 id;

	nl_req_init(&req, &pair_schema, ANKUS_CMD_PAIR_GET, 0);
	if (a->argc && isdigit((unsigned char)a->argv[0][0])) {
		if (get_number(a, "pair id", U64_MAX, &id) || no_more_words(a))
			return USAGE;
		nl_put_u64(&req, ANKUS_A_PAIR_ID, id);
		return print_answer(&req, false, list.head, text);
	}

	filter.sort = 0;
	filter.limit = U64_MAX;
	if (get_words(a, show_words, &req))
		return USAGE;
	list.by = sort_keys[filter.sort];
	list.most = filter.limit;
	return list_print(&req, &list);
}

static const struct command commands[] = {
	{ "show", pair_show },
	{}
};

const struct object pair_object = {
	.name = "pair",
	.commands = commands,
	.help = help,
};
