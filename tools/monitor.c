// SPDX-License-Identifier: GPL-2.0
/* ankus monitor: events as they happen. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <linux/ankus.h>

#include "flow.h"
#include "format.h"
#include "pair.h"
#include "print.h"
#include "words.h"

static const char help[] =
"Usage: ankus [ -timestamp ] [ -json ] monitor [ dev ] [ rule ] [ link ] [ flow ] [ pair ]\n";

/* Events that are still taken in after a signal. */
#define LAST_EVENTS	10000

static void dev_text(const struct nl_view *v);
static void rule_text(const struct nl_view *v);
static void link_text(const struct nl_view *v);
static void flow_event_text(const struct nl_view *v);
static void pair_event_text(const struct nl_view *v);

static const struct source {
	const char *name;
	u8 cmd;
	u16 event;		/* the attribute that says what happened */
	const struct schema *schema;
	void (*text)(const struct nl_view *v);
} sources[] = {
	{ "dev", ANKUS_CMD_DEV_NTF, ANKUS_A_DEV_EVENT, &dev_schema, dev_text },
	{ "rule", ANKUS_CMD_RULE_NTF, ANKUS_A_RULE_EVENT, &rule_schema,
	  rule_text },
	{ "link", ANKUS_CMD_LINK_NTF, ANKUS_A_LINK_EVENT, &link_schema,
	  link_text },
	{ "flow", ANKUS_CMD_FLOW_NTF, ANKUS_A_FLOW_EVENT, &flow_schema,
	  flow_event_text },
	{ "pair", ANKUS_CMD_PAIR_NTF, ANKUS_A_PAIR_EVENT, &pair_schema,
	  pair_event_text },
};

static void dev_text(const struct nl_view *v)
{
	print_value(&dev_schema, v, ANKUS_A_DEV_IFNAME, " ");
	print_value(&dev_schema, v, ANKUS_A_DEV_MODE, " mode ");
	print_value(&dev_schema, v, ANKUS_A_DEV_DIR, " ");
	print_value(&dev_schema, v, ANKUS_A_DEV_EFFECTIVE_MILLIFLOWS,
		    " effective flows ");
	print_value(&dev_schema, v, ANKUS_A_DEV_BINS, " over ");
}

static void rule_text(const struct nl_view *v)
{
	print_value(&rule_schema, v, ANKUS_A_RULE_PREF, " pref ");
}

static void link_text(const struct nl_view *v)
{
	print_value(&link_schema, v, ANKUS_A_LINK_NAME, " ");
	print_value(&link_schema, v, ANKUS_A_LINK_IFNAME, " dev ");
	print_value(&link_schema, v, ANKUS_A_LINK_UPPER_IFNAME, " upper ");
	print_value(&link_schema, v, ANKUS_A_LINK_STATE, " state ");
	print_value(&link_schema, v, ANKUS_A_LINK_REASON, " reason: ");
}

/* A pin's event shows that pin, with the reason when it failed. */
static void flow_event_text(const struct nl_view *v)
{
	u16 kind = nl_uint(v, ANKUS_A_FLOW_PIN_KIND);
	const struct attr *a = attr_of(&flow_schema, kind);
	struct nl_view pin;

	print_value(&flow_schema, v, ANKUS_A_FLOW_ID, " ");
	print_value(&flow_schema, v, ANKUS_A_FLOW_IFNAME, " ");
	print_value(&flow_schema, v, ANKUS_A_FLOW_DIR, " ");
	if (nl_has(v, ANKUS_A_FLOW_SRC)) {
		print_text(" ");
		flow_text_tuple(v);
	}
	print_value(&flow_schema, v, ANKUS_A_FLOW_RATE_BPS, " rate ");
	if (!kind || !a || a->kind != KIND_NEST)
		return;
	if (!flow_text_pin(v, kind, " "))
		print_text(" %s", a->name);
	if (nl_uint(v, ANKUS_A_FLOW_EVENT) == ANKUS_EVENT_FLOW_MOVE ||
	    nl_uint(v, ANKUS_A_FLOW_EVENT) == ANKUS_EVENT_FLOW_AFTER_MOVE)
		flow_text_move(v, kind, ": ");
	if (nl_find(v, kind, &pin))
		print_value(a->nested, &pin, ANKUS_A_PIN_REASON, " reason: ");
}

static void pair_event_text(const struct nl_view *v)
{
	print_value(&pair_schema, v, ANKUS_A_PAIR_ID, " ");
	print_value(&pair_schema, v, ANKUS_A_PAIR_IFNAME, " ");
	print_value(&pair_schema, v, ANKUS_A_PAIR_DIR, " ");
	print_text(" ");
	pair_text_addresses(v);
	print_value(&pair_schema, v, ANKUS_A_PAIR_RATE_BPS, " rate ");
	print_value(&pair_schema, v, ANKUS_A_PAIR_SMALL_BPS, " small ");
	print_value(&pair_schema, v, ANKUS_A_PAIR_FLOWS, " flows ");
	print_value(&pair_schema, v, ANKUS_A_PAIR_ELEPHANTS, " elephants ");
}

/* ISO 8601 local time, as ip monitor -ts has it. */
static const char *timestamp(void)
{
	static char buf[64];
	struct timespec now;
	struct tm tm;
	size_t len;

	if (!options.timestamp)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	len = strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, sizeof(buf) - len, ".%06ld", now.tv_nsec / 1000);
	return buf;
}

static void print_event(const struct source *s, const struct nl_view *v)
{
	const char *when = timestamp();

	if (options.json) {
		print_event_json(s->schema, v, when);
		return;
	}
	if (when)
		print_text("[%s] ", when);
	print_value(s->schema, v, s->event, "");
	s->text(v);
	print_text("\n");
}

static void print_lost(void)
{
	if (options.json)
		print_lost_json(timestamp());
	warn("events were lost, they came faster than they were read");
}

static enum status read_events(unsigned int wanted)
{
	struct nl_reply reply = {};
	enum status status;
	struct nl_view v;
	u8 cmd;
	unsigned int i;
	bool lost;

	status = nl_events_read(&reply, &lost);
	if (lost)
		print_lost();
	while (nl_reply_next(&reply, &cmd, &v))
		for (i = 0; i < ARRAY_SIZE(sources); i++)
			if (sources[i].cmd == cmd && wanted & 1u << i)
				print_event(&sources[i], &v);
	nl_reply_free(&reply);
	if (!status)
		status = print_flush();
	return status;
}

static enum status get_wanted(struct args *a, unsigned int *wanted)
{
	unsigned int i;

	for (*wanted = 0; a->argc; next_word(a)) {
		for (i = 0; i < ARRAY_SIZE(sources); i++)
			if (!strcmp(a->argv[0], sources[i].name))
				break;
		if (i == ARRAY_SIZE(sources)) {
			error("unknown word \"%s\", expected dev, rule, link, flow, pair",
			      a->argv[0]);
			return USAGE;
		}
		*wanted |= 1u << i;
	}
	if (!*wanted)
		*wanted = ~0u;
	return DONE;
}

/* Signals that end the tool, to be waited for like events. */
static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* Until a signal ends it, or nobody reads what it prints. */
static enum status follow(int events, int signals, unsigned int wanted)
{
	struct pollfd fds[] = {
		{ .fd = events, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	enum status status = DONE;
	int left = LAST_EVENTS;

	while (!status && !fds[2].revents && left) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			error("cannot wait for events: %s", strerror(errno));
			return FAILED;
		}
		if (fds[0].revents)
			status = read_events(wanted);
		else if (fds[1].revents)
			break;
		/* What came before the signal is still shown. */
		if (fds[1].revents)
			left--;
	}
	return status;
}

static enum status run(struct args *a)
{
	int events, signals;
	unsigned int wanted;
	enum status status;

	if (get_wanted(a, &wanted))
		return USAGE;
	if (batch_running()) {
		error("monitor does not end, so a batch cannot have it");
		return USAGE;
	}
	status = nl_events_open(&events);
	if (status)
		return status;
	signals = open_signals();
	if (signals < 0) {
		error("cannot wait for signals: %s", strerror(errno));
		return FAILED;
	}
	status = follow(events, signals, wanted);
	close(signals);
	return status;
}

const struct object monitor_object = {
	.name = "monitor",
	.run = run,
	.help = help,
};
