// SPDX-License-Identifier: GPL-2.0
/* ankus flow: the tracked flows and their pins. */

#include <ctype.h>

#include <linux/ankus.h>

#include "flow.h"
#include "list.h"
#include "print.h"
#include "tcp.h"
#include "words.h"

static const char help[] =
"Usage: ankus flow show ID\n"
"       ankus flow show [ dev NAME ] [ state mouse|candidate|elephant ]\n"
"                       [ dir in|out ] [ rate RATE ]\n"
"                       [ sort rate|bytes|id|age|none ] [ limit NUMBER ]\n"
"       ankus flow pin ID [ queue NUMBER ] [ cpu NUMBER ] [ link NAME ]\n"
"       ankus flow pin ID auto\n"
"       ankus flow unpin ID\n"
"where  state and rate show flows at or above them\n";

static const char *const sort_list[] = {
	"rate", "bytes", "id", "age", "none"
};

static const u16 sort_keys[] = {
	ANKUS_A_FLOW_RATE_BPS, ANKUS_A_FLOW_BYTES, ANKUS_A_FLOW_ID,
	ANKUS_A_FLOW_AGE_MS, 0
};

static const struct names sort_names = { sort_list, ARRAY_SIZE(sort_list) };

static struct {
	int sort;
	u64 limit;
} filter;

static const struct word show_words[] = {
	{ "dev", put_name, ANKUS_A_FLOW_IFNAME },
	{ "state", put_enum, ANKUS_A_FLOW_STATE, .names = &flow_state_names },
	{ "dir", put_enum, ANKUS_A_FLOW_DIR, .names = &dir_names },
	{ "rate", put_rate, ANKUS_A_FLOW_RATE_BPS },
	{ "sort", set_enum, .names = &sort_names, .var = &filter.sort },
	{ "limit", set_number, .var = &filter.limit },
	{}
};

static const struct word pin_words[] = {
	{ "queue", put_number, ANKUS_A_FLOW_PIN_QUEUE },
	{ "cpu", put_number, ANKUS_A_FLOW_PIN_CPU },
	{ "link", put_name, ANKUS_A_FLOW_PIN_LINK },
	{}
};

static const char head[] = ">ID\tDEV\tDIR\tSTATE\t>RATE\tFLOW\t>RULE\tPINS";

/* Begin a request about the flow whose id is the next word. */
static enum status start(struct args *a, struct nl_req *req, u8 cmd)
{
	u64 id;

	if (get_number(a, "flow id", U64_MAX, &id))
		return USAGE;
	nl_req_init(req, &flow_schema, cmd, 0);
	nl_put_u64(req, ANKUS_A_FLOW_ID, id);
	return DONE;
}

static enum status flow_pin(struct args *a)
{
	struct nl_req req;

	if (start(a, &req, ANKUS_CMD_FLOW_PIN))
		return USAGE;
	if (!a->argc) {
		error("nowhere to pin to, expected queue, cpu, link, auto");
		return USAGE;
	}
	/* Without a target the flow is the control loop's again. */
	if (take_word(a, "auto") ? no_more_words(a) :
				   get_words(a, pin_words, &req))
		return USAGE;
	return nl_do(&req, NULL);
}

static enum status flow_unpin(struct args *a)
{
	struct nl_req req;

	if (start(a, &req, ANKUS_CMD_FLOW_UNPIN) || no_more_words(a))
		return USAGE;
	return nl_do(&req, NULL);
}

static enum status flow_show(struct args *a)
{
	struct list list = {
		.head = head,
		.text = flow_text,
		.id = ANKUS_A_FLOW_ID,
		.limit = ANKUS_A_FLOW_LIMIT,
	};
	struct nl_req req;

	if (a->argc && isdigit((unsigned char)a->argv[0][0])) {
		if (start(a, &req, ANKUS_CMD_FLOW_GET) || no_more_words(a))
			return USAGE;
		tcp_ask(&req, ANKUS_A_FLOW_WITH_TCP);
		return print_answer(&req, false, head, flow_text);
	}

	filter.sort = 0;
	filter.limit = U64_MAX;
	nl_req_init(&req, &flow_schema, ANKUS_CMD_FLOW_GET, 0);
	if (get_words(a, show_words, &req))
		return USAGE;
	tcp_ask(&req, ANKUS_A_FLOW_WITH_TCP);
	list.by = sort_keys[filter.sort];
	list.most = filter.limit;
	return list_print(&req, &list);
}

static const struct command commands[] = {
	{ "show", flow_show },
	{ "pin", flow_pin },
	{ "unpin", flow_unpin },
	{}
};

const struct object flow_object = {
	.name = "flow",
	.commands = commands,
	.help = help,
};
