// SPDX-License-Identifier: GPL-2.0
/* ankus link: the ways out of a device, such as those of a bond. */

#include <string.h>

#include <linux/ankus.h>

#include "format.h"
#include "print.h"
#include "tcp.h"
#include "words.h"

static const char help[] =
"Usage: ankus link add NAME dev NAME [ bond|team NAME ] [ capacity RATE|auto ]\n"
"       ankus link set NAME capacity RATE|auto\n"
"       ankus link del NAME\n"
"       ankus link show [ NAME ]\n"
"where  RATE := 100gbit\n";

/* The speed that the device tells is the capacity when none is set. */
static const char *put_capacity(struct nl_req *req, const struct word *w,
				const char *s)
{
	if (strcmp(s, "auto"))
		return put_rate(req, w, s);
	nl_put_u64(req, w->attr, 0);
	return NULL;
}

/* One of two words */
static const char *put_upper(struct nl_req *req, const struct word *w,
			     const char *s)
{
	struct nl_view v = nl_req_view(req);

	if (nl_has(&v, w->attr))
		return "either a bond or a team";
	return put_name(req, w, s);
}

static const struct word add_words[] = {
	{ "dev", put_name, ANKUS_A_LINK_IFNAME },
	{ "bond", put_upper, ANKUS_A_LINK_UPPER_IFNAME },
	{ "team", put_upper, ANKUS_A_LINK_UPPER_IFNAME },
	{ "capacity", put_capacity, ANKUS_A_LINK_CAPACITY_BPS },
	{}
};

static const struct word set_words[] = {
	{ "capacity", put_capacity, ANKUS_A_LINK_CAPACITY_BPS },
	{}
};

/* Begin a request about the link that the next word names. */
static enum status start(struct args *a, struct nl_req *req, u8 cmd)
{
	const char *name;

	if (get_name(a, "link name", &name))
		return USAGE;
	nl_req_init(req, &link_schema, cmd, 0);
	nl_put_str(req, ANKUS_A_LINK_NAME, name);
	return DONE;
}

static enum status link_add(struct args *a)
{
	struct nl_req req;
	struct nl_view v;

	if (start(a, &req, ANKUS_CMD_LINK_NEW) || get_words(a, add_words, &req))
		return USAGE;
	v = nl_req_view(&req);
	if (!nl_has(&v, ANKUS_A_LINK_IFNAME)) {
		error("missing \"dev\"");
		return USAGE;
	}
	return nl_do(&req, NULL);
}

static enum status link_set(struct args *a)
{
	struct nl_req req;

	if (start(a, &req, ANKUS_CMD_LINK_SET))
		return USAGE;
	if (!a->argc) {
		error("missing \"capacity\"");
		return USAGE;
	}
	if (get_words(a, set_words, &req))
		return USAGE;
	return nl_do(&req, NULL);
}

static enum status link_del(struct args *a)
{
	struct nl_req req;

	if (start(a, &req, ANKUS_CMD_LINK_DEL) || no_more_words(a))
		return USAGE;
	return nl_do(&req, NULL);
}

static void cell(const struct nl_view *v, u16 attr)
{
	if (!print_value(&link_schema, v, attr, ""))
		print_text("-");
	print_text("\t");
}

/* The device whose links come now. */
static u64 device;

/* How evenly the links of a device are used, once above the first of them. */
static void balance(const struct nl_view *v)
{
	u64 upper = nl_uint(v, ANKUS_A_LINK_UPPER_IFINDEX);

	if (upper == device)
		return;
	device = upper;
	if (!nl_uint(v, ANKUS_A_LINK_IMBALANCE_PERMILLE))
		return;
	print_value(&link_schema, v, ANKUS_A_LINK_UPPER_IFNAME, "    ");
	print_value(&link_schema, v, ANKUS_A_LINK_IMBALANCE_PERMILLE,
		    ": imbalance ");
	print_value(&link_schema, v, ANKUS_A_LINK_EXPECTED_PERMILLE,
		    ", to expect of hashing ");
	print_text("\n");
}

/* Load is all that the lower device sends, pinned what ankus sent there. */
static void text(const struct nl_view *v)
{
	u64 speed = nl_uint(v, ANKUS_A_LINK_SPEED_BPS);

	balance(v);
	cell(v, ANKUS_A_LINK_NAME);
	cell(v, ANKUS_A_LINK_IFNAME);
	cell(v, ANKUS_A_LINK_UPPER_IFNAME);
	print_text("%s\t", nl_has(v, ANKUS_A_LINK_AUTO) ? "auto" : "hand");
	cell(v, ANKUS_A_LINK_STATE);
	print_text("%s\t", speed ? fmt_rate(speed).s : "-");
	cell(v, ANKUS_A_LINK_TX_BPS);
	print_text("%s\t",
		   fmt_percent(nl_uint(v, ANKUS_A_LINK_TX_BPS), speed).s);
	cell(v, ANKUS_A_LINK_PINNED_BPS);
	print_value(&link_schema, v, ANKUS_A_LINK_FLOWS, "");
	print_value(&link_schema, v, ANKUS_A_LINK_REASON, "\n    reason: ");
	if (options.details && nl_uint(v, ANKUS_A_LINK_CAPACITY_BPS))
		print_value(&link_schema, v, ANKUS_A_LINK_CAPACITY_BPS,
			    "\n    configured capacity ");
	if (options.details)
		print_value(&link_schema, v, ANKUS_A_LINK_OTHER_BPS,
			    "\n    beside pinned flows ");
	tcp_text(v, ANKUS_A_LINK_TCP, "\n    ");
	print_text("\n");
}

static enum status link_show(struct args *a)
{
	static const char head[] =
		"LINK\tDEV\tUPPER\tADDED\tSTATE\t>CAPACITY\t>LOAD\t>USED\t>PINNED\t>FLOWS";
	bool all = !a->argc;
	struct nl_req req;

	device = 0;
	if (all)
		nl_req_init(&req, &link_schema, ANKUS_CMD_LINK_GET, 0);
	else if (start(a, &req, ANKUS_CMD_LINK_GET) || no_more_words(a))
		return USAGE;
	tcp_ask(&req, ANKUS_A_LINK_WITH_TCP);
	return print_answer(&req, all, head, text);
}

static const struct command commands[] = {
	{ "add", link_add },
	{ "set", link_set },
	{ "del", link_del },
	{ "show", link_show },
	{}
};

const struct object link_object = {
	.name = "link",
	.commands = commands,
	.help = help,
};
