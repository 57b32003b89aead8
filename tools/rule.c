// SPDX-License-Identifier: GPL-2.0
/* ankus rule: which flows are steered, and where to. */

#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/ankus.h>
#include <linux/netlink.h>

#include "format.h"
#include "parse.h"
#include "print.h"
#include "tcp.h"
#include "words.h"

static const char help[] =
"Usage: ankus rule add|replace pref NUMBER [ dev NAME ] [ dir in|out ]\n"
"                  [ family inet|inet6 ] [ proto tcp|udp|sctp|NUMBER ]\n"
"                  [ src PREFIX ] [ dst PREFIX ] [ sport PORT[-PORT] ]\n"
"                  [ dport PORT[-PORT] ] [ dscp DSCP ] [ mark MARK[/MASK] ]\n"
"                  [ rate RATE ] [ bytes SIZE ] action ACTION\n"
"       ankus rule del pref NUMBER\n"
"       ankus rule show [ pref NUMBER ]\n"
"       ankus rule flush [ dev NAME ]\n"
"where  ACTION := ignore | auto [ ASK ] |\n"
"                 [ rx-queues QUEUES ] [ tx-queues QUEUES ] [ rx-cpus CPUS ]\n"
"                 [ links NAME,... ] [ ASK ]\n"
"       ASK := [ pace RATE ] [ priority 0-15 ] [ set-dscp DSCP ]\n"
"              [ set-mark MARK[/MASK] ] [ repath ]\n"
"       QUEUES := 12-15,3    RATE := 500mbit    SIZE := 10m    DSCP := cs1\n";

static const char *put_family(struct nl_req *req, const struct word *w,
			      const char *s)
{
	if (!strcmp(s, "inet"))
		nl_put_u16(req, w->attr, AF_INET);
	else if (!strcmp(s, "inet6"))
		nl_put_u16(req, w->attr, AF_INET6);
	else
		return "is unknown, expected inet, inet6";
	return NULL;
}

static const char *put_proto(struct nl_req *req, const struct word *w,
			     const char *s)
{
	const char *why;
	u8 proto;

	why = parse_proto(s, &proto);
	if (!why)
		nl_put_u8(req, w->attr, proto);
	return why;
}

static const char *put_prefix(struct nl_req *req, const struct word *w,
			      const char *s)
{
	struct prefix p;
	const char *why;

	why = parse_prefix(s, &p);
	if (why)
		return why;
	nl_put_bin(req, w->attr, p.addr, p.addr_len);
	nl_put_u8(req, w->attr2, p.prefix_len);
	return NULL;
}

static const char *put_ports(struct nl_req *req, const struct word *w,
			     const char *s)
{
	u16 first, last;
	const char *why;

	why = parse_ports(s, &first, &last);
	if (why)
		return why;
	nl_put_u16(req, w->attr, first);
	nl_put_u16(req, w->attr2, last);
	return NULL;
}

static const char *put_dscp(struct nl_req *req, const struct word *w,
			    const char *s)
{
	const char *why;
	u8 dscp;

	why = parse_dscp(s, &dscp);
	if (!why)
		nl_put_u8(req, w->attr, dscp);
	return why;
}

static const char *put_mark(struct nl_req *req, const struct word *w,
			    const char *s)
{
	u32 mark, mask;
	const char *why;

	why = parse_mark(s, &mark, &mask);
	if (why)
		return why;
	nl_put_u32(req, w->attr, mark);
	nl_put_u32(req, w->attr2, mask);
	return NULL;
}

/* Names with commas between them, one attribute each. */
static const char *put_links(struct nl_req *req, const struct word *w,
			     const char *s)
{
	char name[ANKUS_NAME_MAX + 1];
	const char *end, *why;

	for (;; s = end + 1) {
		size_t len;

		end = strchrnul(s, ',');
		len = end - s;
		if (len >= sizeof(name))
			return "has a name that is too long, 15 characters at most";
		memcpy(name, s, len);
		name[len] = 0;
		why = parse_name(name);
		if (why)
			return "is not a list of links, such as p0,p1";
		nl_put_str(req, w->attr, name);
		if (!*end)
			return NULL;
	}
}

static const char *put_pace(struct nl_req *req, const struct word *w,
			    const char *s)
{
	const char *why;
	u64 v;

	why = parse_rate(s, &v);
	if (!why && v < 8000)
		why = "is too slow, 8kbit at least";
	if (!why)
		nl_put_u64(req, w->attr, v);
	return why;
}

static const char *put_priority(struct nl_req *req, const struct word *w,
				const char *s)
{
	const char *why;
	u64 v;

	why = parse_number(s, 15, &v);
	if (why)
		return "is not a priority, 0 to 15";
	nl_put_u32(req, w->attr, v);
	return NULL;
}

/* Unlike a mark to be matched, one that sets no bits is a mistake. */
static const char *put_set_mark(struct nl_req *req, const struct word *w,
				const char *s)
{
	u32 mark, mask;
	const char *why;

	why = parse_mark(s, &mark, &mask);
	if (!why && !mask)
		why = "has a mask of 0, which sets nothing";
	return why ?: put_mark(req, w, s);
}

static bool action_seen;

static const struct word match_words[] = {
	{ "pref", put_number, ANKUS_A_RULE_PREF },
	{ "dev", put_name, ANKUS_A_RULE_IFNAME },
	{ "dir", put_enum, ANKUS_A_RULE_DIR, .names = &dir_names },
	{ "family", put_family, ANKUS_A_RULE_FAMILY },
	{ "proto", put_proto, ANKUS_A_RULE_PROTO },
	{ "src", put_prefix, ANKUS_A_RULE_SRC, ANKUS_A_RULE_SRC_LEN },
	{ "dst", put_prefix, ANKUS_A_RULE_DST, ANKUS_A_RULE_DST_LEN },
	{ "sport", put_ports, ANKUS_A_RULE_SPORT_FIRST,
	  ANKUS_A_RULE_SPORT_LAST },
	{ "dport", put_ports, ANKUS_A_RULE_DPORT_FIRST,
	  ANKUS_A_RULE_DPORT_LAST },
	{ "dscp", put_dscp, ANKUS_A_RULE_DSCP },
	{ "mark", put_mark, ANKUS_A_RULE_MARK, ANKUS_A_RULE_MARK_MASK },
	{ "rate", put_rate, ANKUS_A_RULE_RATE_BPS },
	{ "bytes", put_size, ANKUS_A_RULE_BYTES },
	{ "action", .last = &action_seen },
	{}
};

/* Where to, then what is done beside steering. */
static const struct word action_words[] = {
	{ "rx-queues", put_queues, ANKUS_A_RULE_RX_QUEUES },
	{ "tx-queues", put_queues, ANKUS_A_RULE_TX_QUEUES },
	{ "rx-cpus", put_queues, ANKUS_A_RULE_RX_CPUS },
	{ "links", put_links, ANKUS_A_RULE_LINK },
	{ "pace", put_pace, ANKUS_A_RULE_PACE_BPS },
	{ "priority", put_priority, ANKUS_A_RULE_PRIORITY },
	{ "set-dscp", put_dscp, ANKUS_A_RULE_SET_DSCP },
	{ "set-mark", put_set_mark, ANKUS_A_RULE_SET_MARK,
	  ANKUS_A_RULE_SET_MARK_MASK },
	{ "repath", .attr = ANKUS_A_RULE_REPATH, .flag = true },
	{}
};

/* Behind "auto", which leaves queues, CPUs and links open. */
static const struct word *const auto_words = &action_words[4];

static const struct word pref_words[] = {
	{ "pref", put_number, ANKUS_A_RULE_PREF },
	{}
};

static const struct word dev_words[] = {
	{ "dev", put_name, ANKUS_A_RULE_IFNAME },
	{}
};

static enum status no_word(const char *word)
{
	error("missing \"%s\"", word);
	return USAGE;
}

/* Addresses of two families match nothing. */
static enum status check_family(const struct nl_req *req)
{
	struct nl_view v = nl_req_view(req), addr;
	u64 family = nl_uint(&v, ANKUS_A_RULE_FAMILY);
	static const u16 attrs[] = { ANKUS_A_RULE_SRC, ANKUS_A_RULE_DST };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		u64 of_addr;

		if (!nl_find(&v, attrs[i], &addr))
			continue;
		of_addr = addr.len == 4 ? AF_INET : AF_INET6;
		if (family && family != of_addr) {
			error("%s: \"%s\" is of another address family",
			      i ? "dst" : "src",
			      fmt_address(addr.data, addr.len).s);
			return USAGE;
		}
		family = of_addr;
	}
	return DONE;
}

/* What is asked for that the rule's own conditions rule out. */
static enum status check_asks(const struct nl_req *req)
{
	struct nl_view v = nl_req_view(req);
	const struct word *w;

	for (w = auto_words; w->name; w++) {
		bool tcp = w->attr == ANKUS_A_RULE_PACE_BPS ||
			   w->attr == ANKUS_A_RULE_REPATH;

		if (!nl_has(&v, w->attr))
			continue;
		if (nl_has(&v, ANKUS_A_RULE_DIR) &&
		    nl_uint(&v, ANKUS_A_RULE_DIR) == ANKUS_DIR_IN) {
			error("\"%s\" is for flows that are sent, the rule is for dir in",
			      w->name);
			return USAGE;
		}
		if (tcp && nl_has(&v, ANKUS_A_RULE_PROTO) &&
		    nl_uint(&v, ANKUS_A_RULE_PROTO) != IPPROTO_TCP) {
			error("\"%s\" is for tcp, the rule is for another protocol",
			      w->name);
			return USAGE;
		}
	}
	return DONE;
}

static enum status new_rule(struct args *a, bool replace)
{
	u32 verdict = ANKUS_VERDICT_AUTO;
	const struct word *w;
	char names[128] = "";
	struct nl_req req;
	struct nl_view v;

	action_seen = false;
	nl_req_init(&req, &rule_schema, ANKUS_CMD_RULE_NEW, 0);
	if (get_words(a, match_words, &req))
		return USAGE;
	v = nl_req_view(&req);
	if (!nl_has(&v, ANKUS_A_RULE_PREF))
		return no_word("pref");
	if (!action_seen)
		return no_word("action");
	if (!a->argc) {
		for (w = action_words; w->name; w++)
			list_name(names, sizeof(names), w->name);
		error("\"action\" needs one of auto, ignore, %s", names);
		return USAGE;
	}
	if (take_word(a, "ignore"))
		verdict = ANKUS_VERDICT_IGNORE;
	else if (get_words(a, take_word(a, "auto") ? auto_words : action_words,
			   &req))
		return USAGE;
	if (no_more_words(a) || check_family(&req) || check_asks(&req))
		return USAGE;
	nl_put_u32(&req, ANKUS_A_RULE_VERDICT, verdict);
	if (replace)
		nl_put_bin(&req, ANKUS_A_RULE_REPLACE, "", 0);
	return nl_do(&req, NULL);
}

static enum status rule_add(struct args *a)
{
	return new_rule(a, false);
}

static enum status rule_replace(struct args *a)
{
	return new_rule(a, true);
}

static enum status rule_del(struct args *a)
{
	struct nl_req req;
	struct nl_view v;

	nl_req_init(&req, &rule_schema, ANKUS_CMD_RULE_DEL, 0);
	if (get_words(a, pref_words, &req))
		return USAGE;
	v = nl_req_view(&req);
	if (!nl_has(&v, ANKUS_A_RULE_PREF))
		return no_word("pref");
	return nl_do(&req, NULL);
}

static enum status rule_flush(struct args *a)
{
	struct nl_req req;

	nl_req_init(&req, &rule_schema, ANKUS_CMD_RULE_FLUSH, 0);
	if (get_words(a, dev_words, &req))
		return USAGE;
	return nl_do(&req, NULL);
}

static bool value(const struct nl_view *v, u16 attr, const char *before)
{
	return print_value(&rule_schema, v, attr, before);
}

static void prefix(const struct nl_view *v, u16 attr, u16 len_attr,
		   const char *name)
{
	struct nl_view addr;

	if (!nl_find(v, attr, &addr))
		return;
	value(v, attr, name);
	if (nl_has(v, len_attr) && nl_uint(v, len_attr) != addr.len * 8)
		value(v, len_attr, "/");
}

static void ports(const struct nl_view *v, u16 first, u16 last,
		  const char *name)
{
	if (value(v, first, name) && nl_has(v, last) &&
	    nl_uint(v, last) != nl_uint(v, first))
		value(v, last, "-");
}

static void mark(const struct nl_view *v, u16 attr, u16 mask_attr,
		 const char *name)
{
	if (value(v, attr, name) && nl_has(v, mask_attr) &&
	    nl_uint(v, mask_attr) != U32_MAX)
		value(v, mask_attr, "/");
}

/* One line, in the words of "rule add". */
static void text(const struct nl_view *v)
{
	bool ignore = nl_uint(v, ANKUS_A_RULE_VERDICT) == ANKUS_VERDICT_IGNORE;
	bool listed = false;

	value(v, ANKUS_A_RULE_PREF, "pref ");
	value(v, ANKUS_A_RULE_IFNAME, " dev ");
	value(v, ANKUS_A_RULE_DIR, " dir ");
	value(v, ANKUS_A_RULE_FAMILY, " family ");
	value(v, ANKUS_A_RULE_PROTO, " proto ");
	prefix(v, ANKUS_A_RULE_SRC, ANKUS_A_RULE_SRC_LEN, " src ");
	prefix(v, ANKUS_A_RULE_DST, ANKUS_A_RULE_DST_LEN, " dst ");
	ports(v, ANKUS_A_RULE_SPORT_FIRST, ANKUS_A_RULE_SPORT_LAST, " sport ");
	ports(v, ANKUS_A_RULE_DPORT_FIRST, ANKUS_A_RULE_DPORT_LAST, " dport ");
	value(v, ANKUS_A_RULE_DSCP, " dscp ");
	mark(v, ANKUS_A_RULE_MARK, ANKUS_A_RULE_MARK_MASK, " mark ");
	value(v, ANKUS_A_RULE_RATE_BPS, " rate ");
	value(v, ANKUS_A_RULE_BYTES, " bytes ");
	print_text(" action");
	if (!ignore) {
		listed |= value(v, ANKUS_A_RULE_RX_QUEUES, " rx-queues ");
		listed |= value(v, ANKUS_A_RULE_TX_QUEUES, " tx-queues ");
		listed |= value(v, ANKUS_A_RULE_RX_CPUS, " rx-cpus ");
		listed |= value(v, ANKUS_A_RULE_LINK, " links ");
	}
	if (!listed)
		value(v, ANKUS_A_RULE_VERDICT, " ");
	value(v, ANKUS_A_RULE_PACE_BPS, " pace ");
	value(v, ANKUS_A_RULE_PRIORITY, " priority ");
	value(v, ANKUS_A_RULE_SET_DSCP, " set-dscp ");
	mark(v, ANKUS_A_RULE_SET_MARK, ANKUS_A_RULE_SET_MARK_MASK,
	     " set-mark ");
	if (nl_has(v, ANKUS_A_RULE_REPATH))
		print_text(" repath");
	if (options.statistics)
		value(v, ANKUS_A_RULE_FLOWS, "\n    flows ");
	tcp_text(v, ANKUS_A_RULE_TCP, "\n    ");
	print_text("\n");
}

static enum status rule_show(struct args *a)
{
	bool all = !a->argc;
	struct nl_req req;

	nl_req_init(&req, &rule_schema, ANKUS_CMD_RULE_GET, 0);
	if (get_words(a, pref_words, &req))
		return USAGE;
	tcp_ask(&req, ANKUS_A_RULE_WITH_TCP);
	return print_answer(&req, all, NULL, text);
}

static const struct command commands[] = {
	{ "add", rule_add },
	{ "replace", rule_replace },
	{ "del", rule_del },
	{ "show", rule_show },
	{ "flush", rule_flush },
	{}
};

const struct object rule_object = {
	.name = "rule",
	.commands = commands,
	.help = help,
};
