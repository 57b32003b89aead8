// SPDX-License-Identifier: GPL-2.0
/*
 * Sends requests to the netlink family ankus exactly as they are written, good
 * or bad, and says what the kernel answered.
 *
 *	nlraw [-s]		requests on standard input, a line each; prints
 *				"ERRNO ATTRIBUTE STATE MESSAGE", tabs between
 *	nlraw -f		"REQUEST / UNDO" on standard input; each request
 *				once for every allocation that it makes, which
 *				then fails; "!REQUEST" is sent just so.  Prints
 *				"OPERATION ALLOCATIONS REFUSED DONE LOST MUTE
 *				TORN": how often it was refused, done, its
 *				answer lost, without a message, and neither
 *				done nor refused but something in between
 *	nlraw -d [-b BYTES] [-c COMMAND] REQUEST...
 *				a dump, a line for each message; COMMAND is run
 *				when the first part has been read
 *
 * A request is OPERATION[+dump] and attributes by the names of the
 * specification: mode=u32:1 ifname=s:eth0 rx-queues={first=u32:0,last=u32:3}.
 * Values are u8: u16: u32: u64: s: (text), t: (text without its zero), x:
 * (bytes in hex), flag or {nested}.  ATTR may be #NUMBER, and ~ATTR has the
 * nested bit whatever its value.  @reserved=, @tail= (bytes in hex behind the
 * last attribute) and @cut= (bytes missing at the end) spoil the message.
 *
 * ATTRIBUTE is the one that the kernel objects to; STATE with -s is whether
 * devices, rules and links are the same as before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include <linux/ankus.h>

#define BUF_SIZE	65536
#define STATE_SIZE	1048576

/* How often a state is read that changes while it is */
#define STATE_TRIES	100

struct name {
	const char *name;
	__u16 value;
	/* changes without anybody's doing, no part of the state */
	bool drifts;
};

#define OP(name)	{ #name, ANKUS_CMD_##name }
#define ATTR(name)	{ #name, ANKUS_A_##name }
#define DRIFTS(name)	{ #name, ANKUS_A_##name, true }

static const struct name ops[] = {
	OP(DEV_GET), OP(DEV_NEW), OP(DEV_SET), OP(DEV_DEL), OP(DEV_NTF),
	OP(RULE_GET), OP(RULE_NEW), OP(RULE_DEL), OP(RULE_FLUSH), OP(RULE_NTF),
	OP(LINK_GET), OP(LINK_NEW), OP(LINK_SET), OP(LINK_DEL), OP(LINK_NTF),
	OP(FLOW_GET), OP(FLOW_PIN), OP(FLOW_UNPIN), OP(FLOW_NTF),
	OP(STATS_GET), {}
};

static const struct name attrs[] = {
	ATTR(DEV_PAD), ATTR(DEV_IFINDEX), ATTR(DEV_IFNAME), ATTR(DEV_MODE),
	ATTR(DEV_RX_QUEUES), ATTR(DEV_TX_QUEUES), ATTR(DEV_RATE_BPS),
	ATTR(DEV_HOLD_MS), ATTR(DEV_RELEASE_MS), ATTR(DEV_BACKEND),
	ATTR(DEV_LINKS), ATTR(DEV_TICK_MS), ATTR(DEV_FLOW_MAX),
	ATTR(DEV_NUM_RX_QUEUES), ATTR(DEV_NUM_TX_QUEUES), DRIFTS(DEV_FLOWS),
	DRIFTS(DEV_ELEPHANTS), ATTR(DEV_RX_BACKEND), ATTR(DEV_RX_SLOTS),
	DRIFTS(DEV_RX_RULES), ATTR(DEV_RX_REASON), ATTR(DEV_EVENT),

	ATTR(RULE_PAD), ATTR(RULE_PREF), ATTR(RULE_IFNAME), ATTR(RULE_DIR),
	ATTR(RULE_FAMILY), ATTR(RULE_PROTO), ATTR(RULE_SRC), ATTR(RULE_SRC_LEN),
	ATTR(RULE_DST), ATTR(RULE_DST_LEN), ATTR(RULE_SPORT_FIRST),
	ATTR(RULE_SPORT_LAST), ATTR(RULE_DPORT_FIRST), ATTR(RULE_DPORT_LAST),
	ATTR(RULE_DSCP), ATTR(RULE_MARK), ATTR(RULE_MARK_MASK),
	ATTR(RULE_RATE_BPS), ATTR(RULE_BYTES), ATTR(RULE_VERDICT),
	ATTR(RULE_RX_QUEUES), ATTR(RULE_TX_QUEUES), ATTR(RULE_LINK),
	ATTR(RULE_REPLACE), DRIFTS(RULE_FLOWS), ATTR(RULE_EVENT),

	ATTR(LINK_PAD), ATTR(LINK_NAME), ATTR(LINK_IFINDEX), ATTR(LINK_IFNAME),
	ATTR(LINK_UPPER_IFINDEX), ATTR(LINK_UPPER_IFNAME),
	ATTR(LINK_CAPACITY_BPS), ATTR(LINK_AUTO), DRIFTS(LINK_STATE),
	DRIFTS(LINK_REASON), ATTR(LINK_SPEED_BPS), DRIFTS(LINK_FLOWS),
	DRIFTS(LINK_PINNED_BPS), DRIFTS(LINK_TX_BPS), ATTR(LINK_EVENT),

	ATTR(FLOW_PAD), ATTR(FLOW_ID), ATTR(FLOW_IFINDEX), ATTR(FLOW_IFNAME),
	ATTR(FLOW_DIR), ATTR(FLOW_FAMILY), ATTR(FLOW_PROTO), ATTR(FLOW_SRC),
	ATTR(FLOW_DST), ATTR(FLOW_SPORT), ATTR(FLOW_DPORT), ATTR(FLOW_DSCP),
	ATTR(FLOW_MARK), ATTR(FLOW_STATE), ATTR(FLOW_BYTES),
	ATTR(FLOW_PACKETS), ATTR(FLOW_RATE_BPS), ATTR(FLOW_AGE_MS),
	ATTR(FLOW_IDLE_MS), ATTR(FLOW_RULE_PREF), ATTR(FLOW_IGNORED),
	ATTR(FLOW_PIN_MODE), ATTR(FLOW_RX_QUEUE), ATTR(FLOW_TX_QUEUE),
	ATTR(FLOW_LINK), ATTR(FLOW_PIN_QUEUE), ATTR(FLOW_PIN_LINK),
	ATTR(FLOW_PIN_KIND), ATTR(FLOW_EVENT),

	ATTR(STATS_PAD), ATTR(STATS_IFINDEX), ATTR(STATS_IFNAME),
	ATTR(STATS_RX_PACKETS), ATTR(STATS_RX_BYTES), ATTR(STATS_TX_PACKETS),
	ATTR(STATS_TX_BYTES), ATTR(STATS_UNTRACKED_PACKETS),
	ATTR(STATS_FLOWS), ATTR(STATS_FLOWS_ADDED), ATTR(STATS_FLOWS_EXPIRED),
	ATTR(STATS_TABLE_FULL), ATTR(STATS_NO_MEMORY), ATTR(STATS_CANDIDATES),
	ATTR(STATS_ELEPHANTS), ATTR(STATS_ELEPHANTS_SEEN),
	ATTR(STATS_PINS_TX_QUEUE), ATTR(STATS_PINS_LINK),
	ATTR(STATS_PINS_RX_QUEUE), ATTR(STATS_VERIFIED),
	ATTR(STATS_INEFFECTIVE), ATTR(STATS_REFUSED), ATTR(STATS_PARKED),
	ATTR(STATS_MOVES), ATTR(STATS_MOVES_WAITING), ATTR(STATS_FAILOVERS),
	ATTR(STATS_LINK_PACKETS), ATTR(STATS_LINK_BYPASSED),
	ATTR(STATS_RULES_INSTALLED), ATTR(STATS_RULES_REMOVED),
	ATTR(STATS_RULES_LOST), ATTR(STATS_TICKS), ATTR(STATS_KICKS),
	ATTR(STATS_TICK_MAX_NS), ATTR(STATS_RTNL_MAX_NS),

	ATTR(QUEUE_RANGE_FIRST), ATTR(QUEUE_RANGE_LAST), {}
};

struct outcome {
	int error;
	unsigned int parts;
	bool intr;
	char attr[80];
	char message[256];
};

typedef void (*message_fn)(const struct nlmsghdr *nlh, void *arg);

static struct mnl_socket *sock;
static __u16 family;
static __u32 events;
static __u64 request[BUF_SIZE / sizeof(__u64)];
static __u64 answer[BUF_SIZE / sizeof(__u64)];
static char object[16];
static size_t receive = sizeof(answer);

static void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("nlraw: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

/* Is "RX_QUEUES" what the specification calls "rx-queues"? */
static bool same_name(const char *upper, const char *lower)
{
	for (; *upper && *lower; upper++, lower++)
		if (*lower != (*upper == '_' ? '-' : *upper | 0x20))
			return false;
	return *upper == *lower;
}

static const struct name *find_name(const struct name *list, const char *name)
{
	for (; list->name; list++)
		if (same_name(list->name, name))
			return list;
	return NULL;
}

/* Attributes of an object are listed as OBJECT_NAME */
static const struct name *find_attr(const char *of, __u16 type)
{
	size_t len = strlen(of);
	const struct name *attr;

	for (attr = attrs; attr->name; attr++) {
		char set[sizeof(object)];

		if (strlen(attr->name) <= len || attr->name[len] != '_')
			continue;
		snprintf(set, sizeof(set), "%.*s", (int)len, attr->name);
		if (same_name(set, of) && attr->value == type)
			return attr;
	}
	return NULL;
}

static void put_attr_name(char *to, size_t size, const char *of, __u16 type)
{
	const struct name *attr = find_attr(of, type);
	const char *from;

	if (!attr) {
		snprintf(to, size, "#%u", type);
		return;
	}
	for (from = attr->name + strlen(of) + 1; *from && --size; from++)
		*to++ = *from == '_' ? '-' : *from | 0x20;
	*to = 0;
}

static unsigned long long to_number(const char *text)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		die("\"%s\" is not a number", text);
	return value;
}

static size_t hex(const char *text, unsigned char *to)
{
	size_t len = strlen(text) / 2;
	char byte[3] = "";
	size_t i;

	for (i = 0; i < len; i++) {
		memcpy(byte, text + 2 * i, 2);
		to[i] = strtoul(byte, NULL, 16);
	}
	return len;
}

static void put_attrs(struct nlmsghdr *nlh, const char *of, char *list,
		      const char *between);

static void put_value(struct nlmsghdr *nlh, __u16 type, char *value)
{
	unsigned char bytes[BUF_SIZE / 4];
	char *text = strchr(value, ':');
	struct nlattr *nest;

	if (*value == '{') {
		value[strlen(value) - 1] = 0;
		nest = mnl_attr_nest_start(nlh, type);
		put_attrs(nlh, "queue-range", value + 1, ",");
		mnl_attr_nest_end(nlh, nest);
		return;
	}
	if (!strcmp(value, "flag")) {
		mnl_attr_put(nlh, type, 0, NULL);
		return;
	}
	if (!text)
		die("\"%s\" has no type", value);
	*text++ = 0;
	if (!strcmp(value, "u8"))
		mnl_attr_put_u8(nlh, type, to_number(text));
	else if (!strcmp(value, "u16"))
		mnl_attr_put_u16(nlh, type, to_number(text));
	else if (!strcmp(value, "u32"))
		mnl_attr_put_u32(nlh, type, to_number(text));
	else if (!strcmp(value, "u64"))
		mnl_attr_put_u64(nlh, type, to_number(text));
	else if (!strcmp(value, "s"))
		mnl_attr_put_strz(nlh, type, text);
	else if (!strcmp(value, "t"))
		mnl_attr_put_str(nlh, type, text);
	else if (!strcmp(value, "x"))
		mnl_attr_put(nlh, type, hex(text, bytes), bytes);
	else
		die("\"%s\" is not a type", value);
}

static void put_special(struct nlmsghdr *nlh, const char *word,
			const char *value)
{
	struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	if (!strcmp(word, "reserved"))
		genl->reserved = to_number(value);
	else if (!strcmp(word, "cut"))
		nlh->nlmsg_len -= to_number(value);
	else if (!strcmp(word, "tail"))
		nlh->nlmsg_len += hex(value, mnl_nlmsg_get_payload_tail(nlh));
	else
		die("unknown word \"@%s\"", word);
}

static void put_attrs(struct nlmsghdr *nlh, const char *of, char *list,
		      const char *between)
{
	char *rest = list, *word, *value;

	while ((word = strsep(&rest, between))) {
		const struct name *attr;
		char name[64];
		__u16 type = 0;

		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value)
			die("\"%s\" has no value", word);
		*value++ = 0;
		if (*word == '@') {
			put_special(nlh, word + 1, value);
			continue;
		}
		if (*word == '~') {
			type = NLA_F_NESTED;
			word++;
		}
		snprintf(name, sizeof(name), "%s-%s", of, word);
		attr = find_name(attrs, name);
		if (!attr && *word != '#')
			die("no attribute \"%s\"", name);
		type |= attr ? attr->value : to_number(word + 1);
		put_value(nlh, type, value);
	}
}

static struct nlmsghdr *begin(__u16 type, __u8 cmd, __u16 flags)
{
	static unsigned int seq;
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;

	memset(request, 0, sizeof(request));
	nlh = mnl_nlmsg_put_header(request);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

/* Makes a request of what was written, which is left as it is */
static struct nlmsghdr *build(const char *text)
{
	char *copy = strdup(text), *rest = copy, *word, *flag;
	const struct name *op;
	struct nlmsghdr *nlh;
	__u16 flags = 0;

	do
		word = strsep(&rest, "\n ");
	while (word && !*word);
	if (!word)
		die("an empty request");
	flag = strchr(word, '+');
	while (flag) {
		*flag++ = 0;
		if (!strncmp(flag, "dump", 4))
			flags |= NLM_F_DUMP;
		else
			die("unknown flag \"%s\"", flag);
		flag = strchr(flag, '+');
	}
	if (!(flags & NLM_F_DUMP))
		flags |= NLM_F_ACK;
	op = find_name(ops, word);
	if (!op && *word != '#')
		die("no operation \"%s\"", word);
	nlh = begin(family, op ? op->value : to_number(word + 1), flags);
	snprintf(object, sizeof(object), "%.*s",
		 (int)strcspn(word, "-"), word);
	if (rest)
		put_attrs(nlh, object, rest, "\n ");
	free(copy);
	return nlh;
}

/* Which of the request's attributes stands there? */
static void locate(const struct nlmsghdr *nlh, __u32 offset, char *to,
		   size_t size)
{
	const char *at = (const char *)nlh + offset;
	const struct nlattr *attr, *inner;
	size_t len;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		const char *start = (const char *)attr;

		if (at < start || at >= start + mnl_attr_get_len(attr))
			continue;
		put_attr_name(to, size, object, mnl_attr_get_type(attr));
		if (at == start)
			return;
		mnl_attr_for_each_nested(inner, attr) {
			if ((const char *)inner != at)
				continue;
			len = strlen(to);
			to[len++] = '.';
			put_attr_name(to + len, size - len, "queue-range",
				      mnl_attr_get_type(inner));
			return;
		}
	}
	snprintf(to, size, "@%u", offset);
}

static void read_ack(const struct nlmsghdr *nlh, const struct nlmsghdr *req,
		     struct outcome *out)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	size_t skip;

	if (nlh->nlmsg_type == NLMSG_DONE) {
		out->error = -*(int *)mnl_nlmsg_get_payload(nlh);
		skip = sizeof(int);
	} else {
		out->error = -err->error;
		skip = sizeof(*err);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			skip += mnl_nlmsg_get_payload_len(&err->msg);
	}
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	mnl_attr_for_each(attr, nlh, skip) {
		switch (mnl_attr_get_type(attr)) {
		case NLMSGERR_ATTR_MSG:
			snprintf(out->message, sizeof(out->message), "%s",
				 mnl_attr_get_str(attr));
			break;
		case NLMSGERR_ATTR_OFFS:
			locate(req, mnl_attr_get_u32(attr), out->attr,
			       sizeof(out->attr));
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			put_attr_name(out->attr, sizeof(out->attr), object,
				      mnl_attr_get_u32(attr));
			break;
		}
	}
}

/* Reads the messages of one part; true when the answer is complete */
static bool read_part(const struct nlmsghdr *req, struct outcome *out,
		      message_fn message, void *arg)
{
	const struct nlmsghdr *nlh = (struct nlmsghdr *)answer;
	int len = mnl_socket_recvfrom(sock, answer, receive);

	if (len < 0) {
		out->error = errno;
		return true;
	}
	out->parts++;
	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		/* what is left of a request whose answer got lost */
		if (nlh->nlmsg_seq != req->nlmsg_seq)
			continue;
		out->intr |= nlh->nlmsg_flags & NLM_F_DUMP_INTR;
		if (nlh->nlmsg_type == NLMSG_ERROR ||
		    nlh->nlmsg_type == NLMSG_DONE) {
			read_ack(nlh, req, out);
			return true;
		}
		if (message)
			message(nlh, arg);
	}
	return false;
}

static void ask(const struct nlmsghdr *req, struct outcome *out,
		message_fn message, void *arg)
{
	*out = (struct outcome) { .attr = "-", .message = "-" };
	if (mnl_socket_sendto(sock, req, req->nlmsg_len) < 0) {
		out->error = errno;
		return;
	}
	while (!read_part(req, out, message, arg))
		;
}

struct state {
	size_t len;
	char bytes[STATE_SIZE];
};

static void add_message(const struct nlmsghdr *nlh, void *arg)
{
	struct state *state = arg;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		const struct name *name;

		name = find_attr(object, mnl_attr_get_type(attr));
		if (name && name->drifts)
			continue;
		if (state->len + mnl_attr_get_len(attr) > sizeof(state->bytes))
			die("the state is too large");
		memcpy(state->bytes + state->len, attr, mnl_attr_get_len(attr));
		state->len += mnl_attr_get_len(attr);
	}
}

static void read_state(struct state *state)
{
	static const char *const lists[] = {
		"dev-get+dump", "rule-get+dump", "link-get+dump"
	};
	struct outcome out;
	unsigned int i, try = 0;

	state->len = 0;
	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		size_t len = state->len;

		do {
			state->len = len;
			ask(build(lists[i]), &out, add_message, state);
			if (out.error)
				die("%s: %s", lists[i], strerror(out.error));
		} while (out.intr && ++try < STATE_TRIES);
	}
}

static bool same_state(const struct state *a, const struct state *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

static const char *error_name(int error)
{
	return error ? strerrorname_np(error) : "0";
}

static void run_requests(bool with_state)
{
	static struct state before, after;
	const char *state = "-";
	struct outcome out;
	size_t size = 0;
	char *line = NULL;

	if (with_state)
		read_state(&before);
	while (getline(&line, &size, stdin) > 0) {
		ask(build(line), &out, NULL, NULL);
		if (with_state) {
			read_state(&after);
			state = same_state(&before, &after) ? "same" : "changed";
			before = after;
		}
		printf("%s\t%s\t%s\t%s\n", error_name(out.error), out.attr,
		       state, out.message);
	}
	free(line);
}

struct dump {
	const struct outcome *out;
};

static void print_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct dump *dump = arg;
	const struct nlattr *attr;

	printf("%u %s", dump->out->parts,
	       nlh->nlmsg_flags & NLM_F_DUMP_INTR ? "intr" : "-");
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		const void *value = mnl_attr_get_payload(attr);
		char name[64];

		put_attr_name(name, sizeof(name), object,
			      mnl_attr_get_type(attr));
		switch (mnl_attr_get_payload_len(attr)) {
		case sizeof(__u8):
			printf(" %s=%u", name, *(const __u8 *)value);
			break;
		case sizeof(__u16):
			printf(" %s=%u", name, *(const __u16 *)value);
			break;
		case sizeof(__u32):
			printf(" %s=%u", name, *(const __u32 *)value);
			break;
		case sizeof(__u64):
			printf(" %s=%llu", name,
			       (unsigned long long)mnl_attr_get_u64(attr));
			break;
		}
	}
	putchar('\n');
}

static void run_dump(const char *text, const char *command)
{
	struct nlmsghdr *req = build(text);
	struct outcome out = { .attr = "-", .message = "-" };
	struct dump dump = { .out = &out };
	bool complete;

	if (mnl_socket_sendto(sock, req, req->nlmsg_len) < 0)
		die("send: %s", strerror(errno));
	complete = read_part(req, &out, print_message, &dump);
	if (command && system(command))
		die("failed: %s", command);
	while (!complete)
		complete = read_part(req, &out, print_message, &dump);
	printf("%u %s end=%s %s\n", out.parts, out.intr ? "intr" : "-",
	       error_name(out.error), out.message);
}

static void write_nth(int fd, unsigned int nth)
{
	char text[16];

	sprintf(text, "%u", nth);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		die("fail-nth: %s", strerror(errno));
}

/* Was there an allocation that failed? */
static bool took_place(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		die("fail-nth: %s", strerror(errno));
	write_nth(fd, 0);
	return !atoi(text);
}

/* Sends a request while the nth allocation of this thread fails */
static bool ask_failing(int fd, unsigned int nth, const char *text,
			struct outcome *out)
{
	struct nlmsghdr *req = build(text);
	bool failed, sent;

	*out = (struct outcome) { .attr = "-", .message = "-" };
	write_nth(fd, nth);
	sent = mnl_socket_sendto(sock, req, req->nlmsg_len) >= 0;
	out->error = sent ? 0 : errno;
	failed = took_place(fd);
	while (sent && !read_part(req, out, NULL, NULL))
		;
	return failed;
}

static void must(const char *text)
{
	struct outcome out;

	ask(build(text), &out, NULL, NULL);
	if (out.error)
		die("%s: %s: %s", text, strerror(out.error), out.message);
}

/* Each allocation in turn; says how many failed and what came of it */
static void run_one_failing(int fd, const char *text, const char *back)
{
	static struct state before, after, now;
	unsigned int nth, refused = 0, done = 0, lost = 0, mute = 0, torn = 0;
	struct outcome out;

	read_state(&before);
	must(text);
	read_state(&after);
	if (back)
		must(back);
	read_state(&now);
	if (!same_state(&now, &before))
		die("\"%s\" does not undo \"%s\"", back, text);

	for (nth = 1; ask_failing(fd, nth, text, &out); nth++) {
		read_state(&now);
		if (!out.error) {
			done++;
			torn += !same_state(&now, &after);
		} else if (out.error == ENOBUFS) {
			/* the answer was lost, or the request never came */
			lost++;
			torn += !same_state(&now, &after) &&
				!same_state(&now, &before);
		} else {
			refused++;
			mute += out.message[0] == '-';
			torn += !same_state(&now, &before);
		}
		if (back && !same_state(&now, &before))
			must(back);
	}
	/* what did not fail in the end has done its work */
	if (back)
		must(back);
	printf("%.*s\t%u\t%u\t%u\t%u\t%u\t%u\n", (int)strcspn(text, " "), text,
	       nth - 1, refused, done, lost, mute, torn);
}

static void run_failing(void)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR);
	struct mnl_socket *listener;
	size_t size = 0;
	char *line = NULL, *back;

	if (fd < 0)
		die("fail-nth: %s", strerror(errno));
	/* events are for somebody, so that their allocations count as well */
	listener = mnl_socket_open(NETLINK_GENERIC);
	if (!listener || mnl_socket_bind(listener, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(listener, NETLINK_ADD_MEMBERSHIP, &events,
				  sizeof(events)) < 0)
		die("events: %s", strerror(errno));
	while (getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (*line == '!') {
			must(line + 1);
			continue;
		}
		back = strstr(line, " / ");
		if (back) {
			*back = 0;
			back += 3;
		}
		run_one_failing(fd, line, back);
	}
	free(line);
	mnl_socket_close(listener);
	close(fd);
}

static void read_family(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr, *group, *inner;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) != CTRL_ATTR_MCAST_GROUPS)
			continue;
		mnl_attr_for_each_nested(group, attr)
			mnl_attr_for_each_nested(inner, group)
				if (mnl_attr_get_type(inner) ==
				    CTRL_ATTR_MCAST_GRP_ID)
					events = mnl_attr_get_u32(inner);
	}
}

static void connect_family(void)
{
	struct timeval limit = { .tv_sec = 60 };
	struct outcome out;
	struct nlmsghdr *nlh;
	int on = 1;

	sock = mnl_socket_open(NETLINK_GENERIC);
	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0)
		die("socket: %s", strerror(errno));
	mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &on, sizeof(on));
	/* an answer that never comes is told, not waited for */
	setsockopt(mnl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &limit,
		   sizeof(limit));
	nlh = begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, ANKUS_FAMILY_NAME);
	ask(nlh, &out, read_family, NULL);
	if (!family)
		die("no family " ANKUS_FAMILY_NAME ": %s", strerror(out.error));
}

int main(int argc, char **argv)
{
	const char *command = NULL;
	char mode = 0;
	int c;

	while ((c = getopt(argc, argv, "sfdb:c:")) != -1) {
		switch (c) {
		case 's':
		case 'f':
		case 'd':
			mode = c;
			break;
		case 'b':
			receive = to_number(optarg);
			break;
		case 'c':
			command = optarg;
			break;
		default:
			die("see the head of its source");
		}
	}
	if (receive > sizeof(answer))
		die("no more than %zu bytes", sizeof(answer));
	setvbuf(stdout, NULL, _IOLBF, 0);
	connect_family();
	if (mode == 'f')
		run_failing();
	else if (mode != 'd')
		run_requests(mode == 's');
	for (; mode == 'd' && optind < argc; optind++)
		run_dump(argv[optind], command);
	return 0;
}
