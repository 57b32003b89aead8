// SPDX-License-Identifier: GPL-2.0
/* ankus stats: the counters of managed devices. */

#include <linux/ankus.h>

#include "print.h"
#include "words.h"

static const char help[] =
"Usage: ankus stats [ show ] [ dev NAME ]\n"
"       ankus stats cpus [ dev NAME ]\n";

static const struct word show_words[] = {
	{ "dev", put_name, ANKUS_A_STATS_IFNAME },
	{}
};

static const struct word cpus_words[] = {
	{ "dev", put_name, ANKUS_A_CPU_IFNAME },
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

static void cell(const struct nl_view *v, u16 attr, const char *end)
{
	if (!print_value(&cpu_schema, v, attr, ""))
		print_text("-");
	print_text("%s", end);
}

static void cpu_text(const struct nl_view *v)
{
	cell(v, ANKUS_A_CPU_IFNAME, "\t");
	cell(v, ANKUS_A_CPU_CPU, "\t");
	cell(v, ANKUS_A_CPU_RX_PACKETS, "\t");
	cell(v, ANKUS_A_CPU_RX_BYTES, "\t");
	cell(v, ANKUS_A_CPU_TX_PACKETS, "\t");
	cell(v, ANKUS_A_CPU_TX_BYTES, "\t");
	cell(v, ANKUS_A_CPU_FLOWS_ADMITTED, "\t");
	cell(v, ANKUS_A_CPU_SKETCH_PACKETS, "\t");
	cell(v, ANKUS_A_CPU_SKETCH_REPLACED, "\t");
	cell(v, ANKUS_A_CPU_SKETCH_USED, "");
	print_value(&cpu_schema, v, ANKUS_A_CPU_SKETCH_COUNTERS, " of ");
	print_text("\t");
	cell(v, ANKUS_A_CPU_STEERED_PACKETS, "\t");
	cell(v, ANKUS_A_CPU_OVERFLOW_PACKETS, "\n");
}

static enum status cpus(struct args *a)
{
	static const char head[] =
		"DEV\t>CPU\t>RX-PACKETS\t>RX\t>TX-PACKETS\t>TX\t"
		">ADMITTED\t>SKETCHED\t>REPLACED\t>USED\t"
		">STEERED\t>OVERFLOW";
	struct nl_req req;

	nl_req_init(&req, &cpu_schema, ANKUS_CMD_CPU_GET, 0);
	if (get_words(a, cpus_words, &req))
		return USAGE;
	return print_answer(&req, true, head, cpu_text);
}

static enum status run(struct args *a)
{
	struct nl_req req;
	bool all;

	if (take_word(a, "cpus"))
		return cpus(a);
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
