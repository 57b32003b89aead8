// SPDX-License-Identifier: GPL-2.0
/* ankus dev: the managed devices. */

#include <string.h>

#include <linux/ankus.h>

#include "parse.h"
#include "link.h"
#include "print.h"
#include "words.h"

static const char help[] =
"Usage: ankus dev add NAME [ mode observe|steer ] [ rx-queues QUEUES|all ]\n"
"                          [ tx-queues QUEUES|all ] [ rx-cpus CPUS|all ]\n"
"                          [ rate RATE ] [ hold TIME ] [ release TIME ]\n"
"                          [ tick TIME ] [ flows NUMBER ] [ sketch SIZE ]\n"
"                          [ backend auto|ntuple|rss|cpu|none ]\n"
"                          [ ntuple on|off ] [ rx-dedicated on|off ]\n"
"                          [ links auto|none ] [ low-entropy NUMBER|off ]\n"
"       ankus dev set NAME ...       the same words, but for flows and sketch\n"
"       ankus dev del NAME\n"
"       ankus dev show [ NAME ]\n"
"where  QUEUES, CPUS := 12-15,3    RATE := 1gbit    TIME := 200ms    SIZE := 256k\n";

static const char *put_sketch(struct nl_req *req, const struct word *w,
			      const char *s)
{
	const char *why;
	u64 v;

	why = parse_size(s, &v);
	if (why)
		return why;
	if (v > U32_MAX)
		return "is too large";
	nl_put_u32(req, w->attr, v);
	return NULL;
}

/* A multiple of the queues or links; none is 0. */
static const char *put_low_entropy(struct nl_req *req, const struct word *w,
				   const char *s)
{
	const char *why = NULL;
	u32 v = 0;

	if (strcmp(s, "off")) {
		why = parse_milli(s, &v);
		if (!why && !v)
			why = "is not above 0";
	}
	if (!why)
		nl_put_u32(req, w->attr, v);
	return why;
}

/* The sizes of flow table and sketch are fixed once a device is added. */
static const struct word add_words[] = {
	{ "flows", put_number, ANKUS_A_DEV_FLOW_MAX },
	{ "sketch", put_sketch, ANKUS_A_DEV_SKETCH_BYTES },
	{ "mode", put_enum, ANKUS_A_DEV_MODE, .names = &mode_names },
	{ "rx-queues", put_queues_or_all, ANKUS_A_DEV_RX_QUEUES },
	{ "tx-queues", put_queues_or_all, ANKUS_A_DEV_TX_QUEUES },
	{ "rx-cpus", put_queues_or_all, ANKUS_A_DEV_RX_CPUS },
	{ "rate", put_rate, ANKUS_A_DEV_RATE_BPS },
	{ "hold", put_msec, ANKUS_A_DEV_HOLD_MS },
	{ "release", put_msec, ANKUS_A_DEV_RELEASE_MS },
	{ "tick", put_msec, ANKUS_A_DEV_TICK_MS },
	{ "backend", put_enum, ANKUS_A_DEV_BACKEND, .names = &backend_names },
	{ "rx-dedicated", put_enum, ANKUS_A_DEV_RX_DEDICATED,
	  .names = &switch_names },
	{ "ntuple", put_enum, ANKUS_A_DEV_NTUPLE, .names = &switch_names },
	{ "links", put_enum, ANKUS_A_DEV_LINKS, .names = &links_names },
	{ "low-entropy", put_low_entropy, ANKUS_A_DEV_LOW_ENTROPY_PERMILLE },
	{}
};

static const struct word *const set_words = add_words + 2;

/* Begin a request about the device that the next word names. */
static enum status start(struct args *a, struct nl_req *req, u8 cmd)
{
	const char *name;

	if (get_name(a, "device name", &name))
		return USAGE;
	nl_req_init(req, &dev_schema, cmd, 0);
	nl_put_str(req, ANKUS_A_DEV_IFNAME, name);
	return DONE;
}

static enum status dev_add(struct args *a)
{
	struct nl_req req;

	if (start(a, &req, ANKUS_CMD_DEV_NEW) || get_words(a, add_words, &req))
		return USAGE;
	return nl_do(&req, NULL);
}

static enum status dev_set(struct args *a)
{
	struct nl_req req;

	if (start(a, &req, ANKUS_CMD_DEV_SET))
		return USAGE;
	if (!a->argc) {
		error("nothing to set, see \"ankus dev help\"");
		return USAGE;
	}
	if (get_words(a, set_words, &req))
		return USAGE;
	return nl_do(&req, NULL);
}

static enum status dev_del(struct args *a)
{
	struct nl_view v, name;
	enum status status;
	struct nl_req req;
	u32 mask;

	if (start(a, &req, ANKUS_CMD_DEV_DEL) || no_more_words(a))
		return USAGE;
	v = nl_req_view(&req);
	nl_find(&v, ANKUS_A_DEV_IFNAME, &name);
	if (link_mask_read(name.data, &mask))
		return FAILED;
	status = nl_do(&req, NULL);
	return status ? status : link_mask_end(mask);
}

static bool value(const struct nl_view *v, u16 attr, const char *before)
{
	return print_value(&dev_schema, v, attr, before);
}

static void queues(const struct nl_view *v, u16 attr, const char *name)
{
	print_text("%s ", name);
	if (!value(v, attr, ""))
		print_text("all");
}

/* "\n      rss: 3 of 128 buckets, works for tcp4,tcp6" */
static void backend_text(const struct nl_view *b)
{
	const struct schema *schema = &rx_backend_schema;
	bool rss = nl_uint(b, ANKUS_A_RX_BACKEND_BACKEND) == ANKUS_BACKEND_RSS;

	print_value(schema, b, ANKUS_A_RX_BACKEND_BACKEND, "\n      ");
	print_value(schema, b, ANKUS_A_RX_BACKEND_USED, ": ");
	if (nl_uint(b, ANKUS_A_RX_BACKEND_SIZE))
		print_value(schema, b, ANKUS_A_RX_BACKEND_SIZE, " of ");
	print_text(rss ? " buckets" : " rules");
	if (nl_uint(b, ANKUS_A_RX_BACKEND_DEDICATED))
		print_value(schema, b, ANKUS_A_RX_BACKEND_DEDICATED,
			    ", taken from dedicated queues ");
	if (nl_uint(b, ANKUS_A_RX_BACKEND_WORKS))
		print_value(schema, b, ANKUS_A_RX_BACKEND_WORKS,
			    ", works for ");
	if (nl_uint(b, ANKUS_A_RX_BACKEND_LAST))
		print_value(schema, b, ANKUS_A_RX_BACKEND_LAST, ", last for ");
	if (nl_uint(b, ANKUS_A_RX_BACKEND_ERROR))
		print_text(", table refused: error %llu (%s)",
			   nl_uint(b, ANKUS_A_RX_BACKEND_ERROR),
			   strerror(nl_uint(b, ANKUS_A_RX_BACKEND_ERROR)));
	print_value(schema, b, ANKUS_A_RX_BACKEND_REASON, "\n        not used: ");
}

static void backends(const struct nl_view *v)
{
	struct nl_view rest = *v, payload;
	u16 type;

	while (nl_next(&rest, &type, &payload))
		if (type == ANKUS_A_DEV_RX_BACKENDS)
			backend_text(&payload);
}

/* What was configured in the words of "dev add", then what is. */
static void text(const struct nl_view *v)
{
	value(v, ANKUS_A_DEV_IFNAME, "");
	value(v, ANKUS_A_DEV_MODE, ": mode ");
	value(v, ANKUS_A_DEV_RATE_BPS, " rate ");
	value(v, ANKUS_A_DEV_HOLD_MS, " hold ");
	value(v, ANKUS_A_DEV_RELEASE_MS, " release ");
	value(v, ANKUS_A_DEV_TICK_MS, " tick ");
	value(v, ANKUS_A_DEV_FLOW_MAX, " flows ");
	value(v, ANKUS_A_DEV_SKETCH_BYTES, " sketch ");
	queues(v, ANKUS_A_DEV_RX_QUEUES, "\n    rx-queues");
	queues(v, ANKUS_A_DEV_TX_QUEUES, " tx-queues");
	queues(v, ANKUS_A_DEV_RX_CPUS, " rx-cpus");
	value(v, ANKUS_A_DEV_BACKEND, " backend ");
	value(v, ANKUS_A_DEV_NTUPLE, " ntuple ");
	value(v, ANKUS_A_DEV_RX_DEDICATED, " rx-dedicated ");
	value(v, ANKUS_A_DEV_LINKS, " links ");
	print_text(" low-entropy ");
	if (nl_uint(v, ANKUS_A_DEV_LOW_ENTROPY_PERMILLE))
		value(v, ANKUS_A_DEV_LOW_ENTROPY_PERMILLE, "");
	else
		print_text("off");
	value(v, ANKUS_A_DEV_ELEPHANTS, "\n    now: elephants ");
	value(v, ANKUS_A_DEV_FLOWS, " of ");
	value(v, ANKUS_A_DEV_NUM_RX_QUEUES, " flows, device queues rx ");
	value(v, ANKUS_A_DEV_NUM_TX_QUEUES, " tx ");
	value(v, ANKUS_A_DEV_RX_BACKEND, ", rx-backend ");
	value(v, ANKUS_A_DEV_RX_RULES, " rules ");
	if (nl_uint(v, ANKUS_A_DEV_RX_SLOTS))
		value(v, ANKUS_A_DEV_RX_SLOTS, " of ");
	value(v, ANKUS_A_DEV_RX_REASON, "\n    rx not steered to queues: ");
	value(v, ANKUS_A_DEV_CPU_REASON, "\n    rx not steered to CPUs: ");
	if (options.details)
		backends(v);
	print_text("\n");
}

static enum status dev_show(struct args *a)
{
	bool all = !a->argc;
	struct nl_req req;

	if (all)
		nl_req_init(&req, &dev_schema, ANKUS_CMD_DEV_GET, 0);
	else if (start(a, &req, ANKUS_CMD_DEV_GET) || no_more_words(a))
		return USAGE;
	return print_answer(&req, all, NULL, text);
}

static const struct command commands[] = {
	{ "add", dev_add },
	{ "set", dev_set },
	{ "del", dev_del },
	{ "show", dev_show },
	{}
};

const struct object dev_object = {
	.name = "dev",
	.commands = commands,
	.help = help,
};
