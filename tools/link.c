// SPDX-License-Identifier: GPL-2.0
/* ankus link: the ways out of a device, such as those of a bond. */

#include <string.h>

#include <linux/ankus.h>

#include "format.h"
#include "link.h"
#include "parse.h"
#include "print.h"
#include "route.h"
#include "tcp.h"
#include "words.h"

static const char help[] =
"Usage: ankus link add NAME dev NAME [ bond|team NAME ] [ capacity RATE|auto ]\n"
"       ankus link add NAME dev NAME { via ADDRESS[,ADDRESS] | mark MARK }\n"
"                      [ of NAME ] [ table NUMBER ] [ capacity RATE|auto ]\n"
"       ankus link set NAME capacity RATE|auto\n"
"       ankus link del NAME\n"
"       ankus link show [ NAME ]\n"
"where  RATE := 100gbit\n"
"       MARK := 0x10/0xf0\n";

/* The bits of marks that links have when nothing else is said */
#define LINK_MARK_MASK 0xf0

/* How the link that is being added is routed, with a mark or "via" */
static struct route_path path;

/* One gateway, or one of each address family with a comma between them */
static const char *put_via(struct nl_req *req, const struct word *w,
			   const char *s)
{
	char copy[128], *save, *one;
	const char *why = NULL;

	(void)req;
	(void)w;
	if (strlen(s) >= sizeof(copy))
		return "is too long";
	strcpy(copy, s);
	for (one = strtok_r(copy, ",", &save); one && !why;
	     one = strtok_r(NULL, ",", &save))
		why = route_gateway(&path, one);
	if (!why && !path.has[0] && !path.has[1])
		why = "is no address";
	return why;
}

/* Are rules and routes to be made, or does an operator see to them? */
static bool routed(void)
{
	return path.has[0] || path.has[1];
}

static const char *put_link_mark(struct nl_req *req, const struct word *w,
				 const char *s)
{
	const char *why = parse_mark(s, &path.mark, &path.mask);

	(void)req;
	(void)w;
	if (!why && !path.mark)
		why = "is none: a link has a bit of its own at least";
	return why;
}

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
		return "either a bond or a team, or the device whose flows take a link";
	return put_name(req, w, s);
}

static u64 table;

static const struct word add_words[] = {
	{ "dev", put_name, ANKUS_A_LINK_IFNAME },
	{ "bond", put_upper, ANKUS_A_LINK_UPPER_IFNAME },
	{ "team", put_upper, ANKUS_A_LINK_UPPER_IFNAME },
	{ "of", put_upper, ANKUS_A_LINK_UPPER_IFNAME },
	{ "via", put_via },
	{ "mark", put_link_mark },
	{ "table", set_number, .var = &table },
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

/* The links that there are. */
static enum status read_links(struct nl_reply *reply)
{
	struct nl_req req;

	nl_req_init(&req, &link_schema, ANKUS_CMD_LINK_GET, 0);
	return nl_dump(&req, reply);
}

/* Before a device goes: by which marks its flows are led. */
enum status link_mask_read(const char *dev, u32 *mask)
{
	struct nl_reply reply = {};
	struct nl_view v, upper;
	u8 cmd;

	*mask = 0;
	if (read_links(&reply))
		return FAILED;
	while (nl_reply_next(&reply, &cmd, &v))
		if (nl_find(&v, ANKUS_A_LINK_UPPER_IFNAME, &upper) &&
		    !strcmp(upper.data, dev))
			*mask |= nl_uint(&v, ANKUS_A_LINK_MARK_MASK);
	nl_reply_free(&reply);
	return DONE;
}

/* When it has gone: so do rules and routes, also of links that went before. */
enum status link_mask_end(u32 mask)
{
	return mask ? route_del(0, mask) : DONE;
}

/* A mark that no link has, of the bits that links have, for a new one. */
static enum status choose_mark(void)
{
	u32 mask = LINK_MARK_MASK, step, mark;
	struct nl_reply reply = {};
	struct nl_view v;
	u64 used = 0;
	u8 cmd;

	if (read_links(&reply))
		return FAILED;
	while (nl_reply_next(&reply, &cmd, &v))
		if (nl_has(&v, ANKUS_A_LINK_MARK_MASK))
			mask = nl_uint(&v, ANKUS_A_LINK_MARK_MASK);
	step = mask & -mask;
	reply.pos = 0;
	while (nl_reply_next(&reply, &cmd, &v)) {
		mark = nl_uint(&v, ANKUS_A_LINK_MARK) / step;
		if (mark < 64)
			used |= 1ULL << mark;
	}
	nl_reply_free(&reply);
	for (mark = 1; mark < 64 && mark <= mask / step; mark++)
		if (!(used >> mark & 1) && !(mark * step & ~mask)) {
			path.mark = mark * step;
			path.mask = mask;
			return DONE;
		}
	error("all marks of mask %#x are in use; choose one (\"mark\")", mask);
	return FAILED;
}

/* Rules and routes of a mark are one link's: not to be made anew for another. */
static enum status mark_is_free(void)
{
	struct nl_reply reply = {};
	enum status status = DONE;
	struct nl_view v, name;
	u8 cmd;

	if (read_links(&reply))
		return FAILED;
	while (nl_reply_next(&reply, &cmd, &v)) {
		if (nl_uint(&v, ANKUS_A_LINK_MARK) != path.mark ||
		    nl_uint(&v, ANKUS_A_LINK_MARK_MASK) != path.mask ||
		    !nl_find(&v, ANKUS_A_LINK_NAME, &name))
			continue;
		error("mark %#x/%#x is that of link \"%s\"", path.mark,
		      path.mask, name.data);
		status = FAILED;
	}
	nl_reply_free(&reply);
	return status;
}

/* What the kernel refuses must not leave rules and routes behind. */
static enum status add_routed(struct nl_req *req)
{
	struct nl_view v = nl_req_view(req);
	enum status status;
	struct nl_view dev;

	nl_find(&v, ANKUS_A_LINK_IFNAME, &dev);
	path.dev = dev.data;
	if (path.mark ? mark_is_free() : choose_mark())
		return FAILED;
	nl_put_u32(req, ANKUS_A_LINK_MARK, path.mark);
	nl_put_u32(req, ANKUS_A_LINK_MARK_MASK, path.mask);
	if (route_check(&path) || (routed() && route_add(&path)))
		return FAILED;
	status = nl_do(req, NULL);
	if (status && routed())
		route_del(path.mark, path.mask);
	return status;
}

static enum status link_add(struct args *a)
{
	struct nl_req req;
	struct nl_view v;

	memset(&path, 0, sizeof(path));
	table = 0;
	if (start(a, &req, ANKUS_CMD_LINK_NEW) || get_words(a, add_words, &req))
		return USAGE;
	v = nl_req_view(&req);
	if (!nl_has(&v, ANKUS_A_LINK_IFNAME)) {
		error("missing \"dev\"");
		return USAGE;
	}
	path.table = table;
	if (table && !routed()) {
		error("\"table\" is for the routes of \"via\"");
		return USAGE;
	}
	if (path.mark || routed())
		return add_routed(&req);
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

/* The rules and routes that were made with a link go behind it. */
static enum status link_del(struct args *a)
{
	struct nl_reply reply = {};
	enum status status;
	struct nl_req req;
	struct nl_view v;
	u32 mark, mask;
	u8 cmd;

	if (start(a, &req, ANKUS_CMD_LINK_GET) || no_more_words(a))
		return USAGE;
	status = nl_do(&req, &reply);
	if (status)
		return status;
	if (!nl_reply_next(&reply, &cmd, &v))
		memset(&v, 0, sizeof(v));
	mark = nl_uint(&v, ANKUS_A_LINK_MARK);
	mask = nl_uint(&v, ANKUS_A_LINK_MARK_MASK);
	nl_find(&v, ANKUS_A_LINK_NAME, &v);
	nl_req_init(&req, &link_schema, ANKUS_CMD_LINK_DEL, 0);
	nl_put_str(&req, ANKUS_A_LINK_NAME, v.data);
	status = nl_do(&req, NULL);
	nl_reply_free(&reply);
	if (!status && mask)
		status = route_del(mark, mask);
	return status;
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
	if (options.details && print_value(&link_schema, v, ANKUS_A_LINK_MARK,
					   "\n    mark "))
		print_value(&link_schema, v, ANKUS_A_LINK_MARK_MASK, "/");
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
