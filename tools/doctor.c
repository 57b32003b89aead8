// SPDX-License-Identifier: GPL-2.0
/* ankus doctor: what works against it on managed devices. */

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/ankus.h>

#include "doctor.h"
#include "json.h"
#include "print.h"
#include "words.h"

static const char help[] =
"Usage: ankus doctor [ show ] [ dev NAME ]\n"
"Exit status 3: something was found.\n";

static const char *const severities[] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

static bool found;		/* anything of any device */
static bool said;		/* anything of this one */

/* Names may hold what a terminal takes for more than text. */
static void text_line(const char *s)
{
	for (; *s; s++)
		print_text("%c", (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

/* Tell what is wrong, and the command that mends it; a note has none. */
void doctor_say(const struct patient *p, enum severity level,
		const char *check, const char *remedy, const char *fmt, ...)
{
	char message[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (level != SEVERITY_NOTE) {
		found = true;
		said = true;
	}
	if (options.json) {
		json_open('{');
		json_name("dev");
		json_string(p->name, SIZE_MAX);
		json_name("severity");
		json_string(severities[level], SIZE_MAX);
		json_name("check");
		json_string(check, SIZE_MAX);
		json_name("message");
		json_string(message, SIZE_MAX);
		if (remedy) {
			json_name("remedy");
			json_string(remedy, SIZE_MAX);
		}
		json_close('}');
		return;
	}
	text_line(p->name);
	print_text(": %s: ", level == SEVERITY_NOTE ? "not checked" :
						       severities[level]);
	print_text("%s: ", check);
	text_line(message);
	if (remedy) {
		print_text("; to mend: ");
		text_line(remedy);
	}
	print_text("\n");
}

/* A command is copied into a root shell: quote what is not plain. */
static struct word_text fmt_word(const char *name)
{
	struct word_text text = {};
	size_t len = 0;
	const char *c;

	for (c = name; isalnum((unsigned char)*c) || (*c && strchr("._-@%+=", *c)); c++)
		;
	if (!*c) {
		snprintf(text.s, sizeof(text.s), "%s", name);
		return text;
	}
	/* At most 15 characters, each of them a quote. */
	text.s[len++] = '\'';
	for (c = name; *c && len + 6 < sizeof(text.s); c++) {
		if (*c == '\'') {
			memcpy(text.s + len, "'\\''", 4);
			len += 4;
		} else {
			text.s[len++] = *c;
		}
	}
	text.s[len] = '\'';
	return text;
}

static void add_ranges(struct set *set, const struct nl_view *v, u16 attr)
{
	struct nl_view rest = *v, range;
	u16 type;

	while (nl_next(&rest, &type, &range))
		if (type == attr && range.len)
			set_add_range(set,
				      nl_uint(&range, ANKUS_A_QUEUE_RANGE_FIRST),
				      nl_uint(&range, ANKUS_A_QUEUE_RANGE_LAST));
}

static struct set present(u32 num)
{
	struct set all = {};

	if (num)
		set_add_range(&all, 0, num - 1);
	return all;
}

static bool string_is(const struct nl_view *v, u16 attr, const char *s)
{
	struct nl_view p;

	return nl_find(v, attr, &p) && strnlen(p.data, p.len) == strlen(s) &&
	       !memcmp(p.data, s, strlen(s));
}

static bool applies(const struct nl_view *rule, const struct patient *p)
{
	return nl_uint(rule, ANKUS_A_RULE_VERDICT) == ANKUS_VERDICT_AUTO &&
	       (!nl_has(rule, ANKUS_A_RULE_IFNAME) ||
		string_is(rule, ANKUS_A_RULE_IFNAME, p->name));
}

/* The queues that something names, against those that are there now. */
static void check_queues(const struct patient *p, const struct nl_view *rule,
			 const char *kind, const struct set *named, u32 num)
{
	struct set there = present(num), missing = *named, left = *named;
	char remedy[4352], who[32] = "";
	bool none;

	set_remove(&missing, &there);
	if (!num || set_first(&missing) < 0)
		return;
	set_and(&left, &there);
	none = set_first(&left) < 0;
	if (none && rule)
		left = there;
	if (rule) {
		u64 pref = nl_uint(rule, ANKUS_A_RULE_PREF);

		snprintf(who, sizeof(who), " of rule pref %llu", pref);
		snprintf(remedy, sizeof(remedy),
			 "ankus rule replace pref %llu ... %s %s (the other words as in ankus rule show pref %llu)",
			 pref, kind, fmt_set(&left).s, pref);
	} else {
		snprintf(remedy, sizeof(remedy), "ankus dev set %s %s %s",
			 p->word.s, kind, none ? "all" : fmt_set(&left).s);
	}
	doctor_say(p, none ? SEVERITY_ERROR : SEVERITY_WARNING, "queue-missing",
		   remedy, "%s%s: no queue %s, the device has %u now%s", kind,
		   who, fmt_set(&missing).s, num,
		   none ? ", none of those named" : "");
}

static void check_rules(const struct patient *p, const struct nl_view *rules,
			size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct set rx = {}, tx = {};

		if (!applies(&rules[i], p))
			continue;
		add_ranges(&rx, &rules[i], ANKUS_A_RULE_RX_QUEUES);
		add_ranges(&tx, &rules[i], ANKUS_A_RULE_TX_QUEUES);
		check_queues(p, &rules[i], "rx-queues", &rx, p->num_rx);
		check_queues(p, &rules[i], "tx-queues", &tx, p->num_tx);
	}
}

/* Does the reason of a backend begin so? */
static bool begins(const struct nl_view *reason, const char *with)
{
	return strnlen(reason->data, reason->len) >= strlen(with) &&
	       !memcmp(reason->data, with, strlen(with));
}

/* Is ntuple of use for the device, and turned off? */
static bool ntuple_is_off(const struct patient *p)
{
	struct nl_view rest = p->dev, backend, reason;
	u16 type;

	while (nl_next(&rest, &type, &backend))
		if (type == ANKUS_A_DEV_RX_BACKENDS &&
		    nl_uint(&backend, ANKUS_A_RX_BACKEND_BACKEND) ==
			    ANKUS_BACKEND_NTUPLE &&
		    nl_find(&backend, ANKUS_A_RX_BACKEND_REASON, &reason))
			return begins(&reason, "ntuple is off");
	return false;
}

/* Why received flows are not steered, or not as well as they could be. */
static void check_reason(const struct patient *p)
{
	u64 backend = nl_uint(&p->dev, ANKUS_A_DEV_BACKEND);
	u64 by = nl_uint(&p->dev, ANKUS_A_DEV_RX_BACKEND);
	struct nl_view reason;
	char remedy[128];

	if (!p->steer || p->num_rx < 2 || backend == ANKUS_BACKEND_NONE)
		return;
	if (ntuple_is_off(p)) {
		snprintf(remedy, sizeof(remedy), "ankus dev set %s ntuple on",
			 p->word.s);
		if (by == ANKUS_BACKEND_NONE)
			doctor_say(p, SEVERITY_ERROR, "ntuple-off", remedy,
				   "received flows are not steered, ntuple is off");
		else
			doctor_say(p, SEVERITY_WARNING, "ntuple-off", remedy,
				   "ntuple is off, received flows are steered by %s",
				   by == ANKUS_BACKEND_RSS ? "RSS" : "CPU");
		return;
	}
	if (by != ANKUS_BACKEND_NONE ||
	    !nl_find(&p->dev, ANKUS_A_DEV_RX_REASON, &reason))
		return;
	/* There is nothing to turn on: then say that it is meant. */
	snprintf(remedy, sizeof(remedy), "ankus dev set %s backend none",
		 p->word.s);
	doctor_say(p, SEVERITY_WARNING, "rx-not-steered", remedy,
		   "received flows are not steered, %.*s",
		   (int)strnlen(reason.data, reason.len), reason.data);
}

static void admit(struct patient *p, const struct nl_view *dev,
		  const struct nl_view *rules, size_t n)
{
	struct set all;
	struct nl_view name = {};
	size_t i;

	memset(p, 0, sizeof(*p));
	p->dev = *dev;
	nl_find(dev, ANKUS_A_DEV_IFNAME, &name);
	snprintf(p->name, sizeof(p->name), "%.*s", (int)name.len,
		 name.len ? name.data : "");
	p->word = fmt_word(p->name);
	p->steer = nl_uint(dev, ANKUS_A_DEV_MODE) == ANKUS_MODE_STEER;
	p->num_rx = nl_uint(dev, ANKUS_A_DEV_NUM_RX_QUEUES);
	p->num_tx = nl_uint(dev, ANKUS_A_DEV_NUM_TX_QUEUES);
	add_ranges(&p->rx, dev, ANKUS_A_DEV_RX_QUEUES);
	add_ranges(&p->tx, dev, ANKUS_A_DEV_TX_QUEUES);

	all = present(p->num_rx);
	p->open_rx = set_first(&p->rx) < 0 ? all : p->rx;
	set_and(&p->open_rx, &all);
	i = set_count(&p->open_rx);
	p->dedicated = i && i < p->num_rx;
	for (i = 0; i < n; i++)
		if (applies(&rules[i], p))
			add_ranges(&p->open_rx, &rules[i],
				   ANKUS_A_RULE_RX_QUEUES);
	set_and(&p->open_rx, &all);
}

static void examine(const struct nl_view *dev, const struct nl_view *rules,
		    size_t n, bool sysfs)
{
	struct patient p;
	struct set rx, tx;

	admit(&p, dev, rules, n);
	said = false;
	rx = p.rx;
	tx = p.tx;
	check_queues(&p, NULL, "rx-queues", &rx, p.num_rx);
	check_queues(&p, NULL, "tx-queues", &tx, p.num_tx);
	check_rules(&p, rules, n);
	check_reason(&p);
	if (sysfs)
		host_find(&p.host, p.name, nl_uint(dev, ANKUS_A_DEV_IFINDEX));
	else
		p.host.name = p.name;
	doctor_check_host(&p);
	if (!said && !options.json) {
		text_line(p.name);
		print_text(": nothing found\n");
	}
}

static enum status views_of(struct nl_req *req, bool dump,
			    struct nl_reply *reply, struct nl_view **views,
			    size_t *n)
{
	enum status status = dump ? nl_dump(req, reply) : nl_do(req, reply);

	if (status)
		return status;
	*views = nl_reply_views(reply, n);
	if (*views)
		return DONE;
	error("out of memory");
	return FAILED;
}

static const struct word show_words[] = {
	{ "dev", put_name, ANKUS_A_DEV_IFNAME },
	{}
};

static enum status run(struct args *a)
{
	struct nl_reply devs_reply = {}, rules_reply = {};
	struct nl_view *devs = NULL, *rules = NULL;
	size_t n_devs = 0, n_rules = 0, i;
	enum status status;
	struct nl_req req;
	bool all, sysfs;

	take_word(a, "show");
	all = !a->argc;
	nl_req_init(&req, &dev_schema, ANKUS_CMD_DEV_GET, 0);
	if (get_words(a, show_words, &req))
		return USAGE;
	status = views_of(&req, all, &devs_reply, &devs, &n_devs);
	if (status)
		goto out;
	nl_req_init(&req, &rule_schema, ANKUS_CMD_RULE_GET, 0);
	status = views_of(&req, true, &rules_reply, &rules, &n_rules);
	if (status)
		goto out;

	sysfs = !options.netns || !host_enter_sysfs();
	found = false;
	if (options.json) {
		json_start(options.pretty);
		json_open('[');
	}
	for (i = 0; i < n_devs; i++)
		examine(&devs[i], rules, n_rules, sysfs);
	if (options.json)
		json_close(']');
	status = found ? FOUND : DONE;
out:
	free(rules);
	free(devs);
	nl_reply_free(&rules_reply);
	nl_reply_free(&devs_reply);
	return status;
}

const struct object doctor_object = {
	.name = "doctor",
	.run = run,
	.help = help,
};
