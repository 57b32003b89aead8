// SPDX-License-Identifier: GPL-2.0
/* Flows in text, for lists and events. */

#include <errno.h>
#include <string.h>

#include <linux/ankus.h>

#include "flow.h"
#include "format.h"
#include "print.h"
#include "schema.h"
#include "tcp.h"

static const struct {
	u16 attr;
	const char *name;
} pins[] = {
	{ ANKUS_A_FLOW_RX_QUEUE, "rxq" },
	{ ANKUS_A_FLOW_CPU, "cpu" },
	{ ANKUS_A_FLOW_TX_QUEUE, "txq" },
	{ ANKUS_A_FLOW_LINK, "link" },
};

static bool value(const struct nl_view *v, u16 attr, const char *before)
{
	return print_value(&flow_schema, v, attr, before);
}

static void cell(const struct nl_view *v, u16 attr)
{
	if (!value(v, attr, ""))
		print_text("-");
	print_text("\t");
}

static void end_point(const struct nl_view *v, u16 addr, u16 port)
{
	struct nl_view payload;
	bool inet6;

	inet6 = nl_find(v, addr, &payload) && payload.len == 16;
	value(v, addr, inet6 ? "[" : "");
	if (inet6)
		print_text("]");
	value(v, port, ":");
}

/* "tcp 10.0.0.1:443 > 10.1.0.1:40000" */
void flow_text_tuple(const struct nl_view *v)
{
	value(v, ANKUS_A_FLOW_PROTO, "");
	print_text(" ");
	end_point(v, ANKUS_A_FLOW_SRC, ANKUS_A_FLOW_SPORT);
	print_text(" > ");
	end_point(v, ANKUS_A_FLOW_DST, ANKUS_A_FLOW_DPORT);
}

/* A pin that was never more than thought of is not worth a word. */
static bool get_pin(const struct nl_view *v, u16 attr, struct nl_view *pin)
{
	return nl_find(v, attr, pin) &&
	       nl_uint(pin, ANKUS_A_PIN_STATE) != ANKUS_PIN_STATE_NONE;
}

static const char *pin_name(u16 attr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pins); i++)
		if (pins[i].attr == attr)
			return pins[i].name;
	return "pin";
}

/* "txq 3 verified", and "txq 3>5 wanted" when it is about to move. */
bool flow_text_pin(const struct nl_view *v, u16 attr, const char *before)
{
	const struct schema *schema = flow_schema.attrs[ANKUS_A_FLOW_LINK].nested;
	struct nl_view pin;

	if (!get_pin(v, attr, &pin))
		return false;
	print_text("%s%s", before, pin_name(attr));
	if (attr == ANKUS_A_FLOW_LINK) {
		print_value(schema, &pin, ANKUS_A_PIN_LINK, " ");
	} else {
		bool moving = nl_has(&pin, ANKUS_A_PIN_TARGET) &&
			      nl_has(&pin, ANKUS_A_PIN_CURRENT) &&
			      nl_uint(&pin, ANKUS_A_PIN_TARGET) !=
			      nl_uint(&pin, ANKUS_A_PIN_CURRENT);

		if (moving)
			print_value(schema, &pin, ANKUS_A_PIN_CURRENT, " ");
		print_value(schema, &pin, ANKUS_A_PIN_TARGET, moving ? ">" : " ");
	}
	print_value(schema, &pin, ANKUS_A_PIN_STATE, " ");
	return true;
}

/* "pace 20Gbit" */
static void action_value(const struct nl_view *action)
{
	const struct schema *schema = &action_schema;

	print_value(schema, action, ANKUS_A_ACTION_ACTION, "");
	print_value(schema, action, ANKUS_A_ACTION_PACE_BPS, " ");
	print_value(schema, action, ANKUS_A_ACTION_PRIORITY, " ");
	print_value(schema, action, ANKUS_A_ACTION_DSCP, " ");
	print_value(schema, action, ANKUS_A_ACTION_MARK, " ");
	if (nl_has(action, ANKUS_A_ACTION_MARK_MASK) &&
	    nl_uint(action, ANKUS_A_ACTION_MARK_MASK) != U32_MAX)
		print_value(schema, action, ANKUS_A_ACTION_MARK_MASK, "/");
	if (nl_uint(action, ANKUS_A_ACTION_COUNT))
		print_value(schema, action, ANKUS_A_ACTION_COUNT, " ");
}

/* What is done beside steering, and "repath none" for what is not. */
static const char *action_list(const struct nl_view *v, const char *before)
{
	struct nl_view rest = *v, action;
	u16 type;

	while (nl_next(&rest, &type, &action)) {
		if (type != ANKUS_A_FLOW_ACTIONS)
			continue;
		print_text("%s", before);
		action_value(&action);
		if (nl_uint(&action, ANKUS_A_ACTION_STATE) !=
		    ANKUS_ACTION_STATE_IN_FORCE)
			print_value(&action_schema, &action,
				    ANKUS_A_ACTION_STATE, " ");
		before = ", ";
	}
	return before;
}

static void action_details(const struct nl_view *v)
{
	struct nl_view rest = *v, action;
	u16 type;

	while (nl_next(&rest, &type, &action)) {
		if (type != ANKUS_A_FLOW_ACTIONS)
			continue;
		print_text("\n      ");
		action_value(&action);
		print_value(&action_schema, &action, ANKUS_A_ACTION_STATE, " ");
		print_value(&action_schema, &action, ANKUS_A_ACTION_REASON,
			    "\n        reason: ");
	}
}

void flow_text_pins(const struct nl_view *v)
{
	u64 mode = nl_uint(v, ANKUS_A_FLOW_PIN_MODE);
	const char *before = "";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pins); i++)
		if (flow_text_pin(v, pins[i].attr, before))
			before = ", ";
	before = action_list(v, before);
	if (mode == ANKUS_PIN_MODE_MANUAL)
		print_text("%sby hand", before);
	else if (mode == ANKUS_PIN_MODE_OFF)
		print_text("%sunpinned by hand", before);
	else if (nl_has(v, ANKUS_A_FLOW_IGNORED))
		print_text("%signored", before);
	else if (!*before)
		print_text("-");
}

/* "\n        ntuple: the rule table is full" */
static void pin_failures(const struct nl_view *pin)
{
	const struct schema *schema = &pin_failure_schema;
	struct nl_view rest = *pin, payload;
	u16 type;

	while (nl_next(&rest, &type, &payload)) {
		u64 err;

		if (type != ANKUS_A_PIN_FAILED)
			continue;
		err = nl_uint(&payload, ANKUS_A_PIN_FAILURE_ERROR);
		print_value(schema, &payload, ANKUS_A_PIN_FAILURE_BACKEND,
			    "\n        ");
		print_value(schema, &payload, ANKUS_A_PIN_FAILURE_REASON, ": ");
		if (err)
			print_text(" (%s)", strerror(err));
	}
}

/* "rebalance from eth1, waited 1.2ms until tcp-idle; in 1100ms retransmits 0 ..." */
void flow_text_move(const struct nl_view *v, u16 attr, const char *before)
{
	const struct schema *schema = flow_schema.attrs[attr].nested;
	struct nl_view pin, after;

	if (!get_pin(v, attr, &pin) ||
	    !print_value(schema, &pin, ANKUS_A_PIN_MOVE_REASON, before))
		return;
	if (!print_value(schema, &pin, ANKUS_A_PIN_FROM_LINK, " from "))
		print_value(schema, &pin, ANKUS_A_PIN_FROM, " from ");
	print_value(schema, &pin, ANKUS_A_PIN_WAITED_US, ", waited ");
	if (nl_uint(&pin, ANKUS_A_PIN_SAFE_POINT) != ANKUS_SAFE_POINT_DEAD)
		print_value(schema, &pin, ANKUS_A_PIN_SAFE_POINT, " until ");
	if (!nl_find(&pin, ANKUS_A_PIN_AFTER, &after))
		return;
	print_value(schema, &pin, ANKUS_A_PIN_AFTER_MS, "; in ");
	print_value(&tcp_schema, &after, ANKUS_A_TCP_RETRANSMITS,
		    " retransmits ");
	print_value(&tcp_schema, &after, ANKUS_A_TCP_REORD_SEEN,
		    " reord-seen ");
	print_value(&tcp_schema, &after, ANKUS_A_TCP_RCV_OUT_OF_ORDER,
		    " rcv-out-of-order ");
}

static void pin_details(const struct nl_view *v, u16 attr)
{
	const struct schema *schema = flow_schema.attrs[attr].nested;
	struct nl_view pin;
	bool moves;

	if (!get_pin(v, attr, &pin))
		return;
	moves = nl_uint(&pin, ANKUS_A_PIN_TARGET) !=
		nl_uint(&pin, ANKUS_A_PIN_CURRENT) ||
		!nl_has(&pin, ANKUS_A_PIN_CURRENT);
	print_text("\n      %s", pin_name(attr));
	print_value(schema, &pin, ANKUS_A_PIN_LINK, " ");
	print_value(schema, &pin, ANKUS_A_PIN_TARGET, " target ");
	print_value(schema, &pin, ANKUS_A_PIN_CURRENT, " current ");
	print_value(schema, &pin, ANKUS_A_PIN_OBSERVED, " observed ");
	print_value(schema, &pin, ANKUS_A_PIN_BACKEND, " backend ");
	print_value(schema, &pin, ANKUS_A_PIN_LOCATION, " location ");
	print_value(schema, &pin, ANKUS_A_PIN_MOVES, " moves ");
	print_value(schema, &pin, ANKUS_A_PIN_LATENCY_US, " latency ");
	if (nl_uint(&pin, ANKUS_A_PIN_ERROR))
		print_text(" error %llu (%s)",
			   nl_uint(&pin, ANKUS_A_PIN_ERROR),
			   strerror(nl_uint(&pin, ANKUS_A_PIN_ERROR)));
	flow_text_move(v, attr, moves ? "\n        waits: " :
					"\n        last move: ");
	print_value(schema, &pin, ANKUS_A_PIN_REASON, "\n        reason: ");
	print_value(schema, &pin, ANKUS_A_PIN_SHARED_WITH, ": flow ");
	pin_failures(&pin);
}

/* A row of the table, and the lines below it that the options ask for. */
void flow_text(const struct nl_view *v)
{
	unsigned int i;

	cell(v, ANKUS_A_FLOW_ID);
	cell(v, ANKUS_A_FLOW_IFNAME);
	cell(v, ANKUS_A_FLOW_DIR);
	cell(v, ANKUS_A_FLOW_STATE);
	cell(v, ANKUS_A_FLOW_RATE_BPS);
	flow_text_tuple(v);
	print_text("\t");
	cell(v, ANKUS_A_FLOW_RULE_PREF);
	flow_text_pins(v);
	if (options.statistics) {
		value(v, ANKUS_A_FLOW_BYTES, "\n      bytes ");
		value(v, ANKUS_A_FLOW_PACKETS, " packets ");
		value(v, ANKUS_A_FLOW_AGE_MS, " age ");
		value(v, ANKUS_A_FLOW_IDLE_MS, " idle ");
		tcp_text(v, ANKUS_A_FLOW_TCP, "\n      ");
	}
	if (options.details) {
		value(v, ANKUS_A_FLOW_DSCP, "\n      dscp ");
		value(v, ANKUS_A_FLOW_MARK, " mark ");
		value(v, ANKUS_A_FLOW_PIN_MODE, " pin-mode ");
		value(v, ANKUS_A_FLOW_PAIR, " pair ");
		if (nl_has(v, ANKUS_A_FLOW_GROUPED))
			print_text(" grouped");
		for (i = 0; i < ARRAY_SIZE(pins); i++)
			pin_details(v, pins[i].attr);
		action_details(v);
	}
	print_text("\n");
}
