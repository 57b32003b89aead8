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

#include "nlraw.h"

#define STATE_SIZE	1048576

/* How often a state is read that changes while it is */
#define STATE_TRIES	100

struct outcome {
	int error;
	unsigned int parts;
	bool intr;
	char attr[80];
	char message[256];
};

typedef void (*message_fn)(const struct nlmsghdr *nlh, void *arg);

static struct mnl_socket *sock;
static __u32 event_group;
static __u64 answer[NLRAW_BUF / sizeof(__u64)];
static size_t receive = sizeof(answer);

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
			nlraw_locate(req, mnl_attr_get_u32(attr), out->attr,
				     sizeof(out->attr));
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			snprintf(out->attr, sizeof(out->attr), "%s",
				 nlraw_attr_name(nlraw_object, mnl_attr_get_u32(attr)));
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
		if (nlraw_object->drifts & 1ULL << mnl_attr_get_type(attr))
			continue;
		if (state->len + mnl_attr_get_len(attr) > sizeof(state->bytes))
			nlraw_die("the state is too large");
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
			ask(nlraw_build(lists[i]), &out, add_message, state);
			if (out.error)
				nlraw_die("%s: %s", lists[i], strerror(out.error));
		} while (out.intr && ++try < STATE_TRIES);
	}
}

static bool same_state(const struct state *a, const struct state *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* What could not be had at once is made up for by the control loop. */
static bool becomes(struct state *now, const struct state *wanted)
{
	unsigned int try;

	for (try = 0; try < STATE_TRIES; try++) {
		read_state(now);
		if (same_state(now, wanted))
			return true;
		usleep(100000);
	}
	return false;
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
		ask(nlraw_build(line), &out, NULL, NULL);
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

static void print_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct outcome *out = arg;
	const struct nlattr *attr;

	printf("%u %s", out->parts,
	       nlh->nlmsg_flags & NLM_F_DUMP_INTR ? "intr" : "-");
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		nlraw_print_attr(attr, nlraw_object, "");
	puts(" ");
}

static void run_dump(const char *text, const char *command)
{
	struct nlmsghdr *req = nlraw_build(text);
	struct outcome out = { .attr = "-", .message = "-" };
	bool complete;

	if (mnl_socket_sendto(sock, req, req->nlmsg_len) < 0)
		nlraw_die("send: %s", strerror(errno));
	complete = read_part(req, &out, print_message, &out);
	if (command && system(command))
		nlraw_die("failed: %s", command);
	while (!complete)
		complete = read_part(req, &out, print_message, &out);
	printf("%u %s end=%s %s\n", out.parts, out.intr ? "intr" : "-",
	       error_name(out.error), out.message);
}

static void write_nth(int fd, unsigned int nth)
{
	char text[16];

	sprintf(text, "%u", nth);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		nlraw_die("fail-nth: %s", strerror(errno));
}

/* Was there an allocation that failed? */
static bool took_place(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		nlraw_die("fail-nth: %s", strerror(errno));
	write_nth(fd, 0);
	return !atoi(text);
}

/* Sends a request while the nth allocation of this thread fails */
static bool ask_failing(int fd, unsigned int nth, const char *text,
			struct outcome *out)
{
	struct nlmsghdr *req = nlraw_build(text);
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

	ask(nlraw_build(text), &out, NULL, NULL);
	if (out.error)
		nlraw_die("%s: %s: %s", text, strerror(out.error), out.message);
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
		nlraw_die("\"%s\" does not undo \"%s\"", back, text);

	for (nth = 1; ask_failing(fd, nth, text, &out); nth++) {
		read_state(&now);
		if (!out.error) {
			done++;
			torn += !becomes(&now, &after);
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
		nlraw_die("fail-nth: %s", strerror(errno));
	/* events are for somebody, so that their allocations count as well */
	listener = mnl_socket_open(NETLINK_GENERIC);
	if (!listener || mnl_socket_bind(listener, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(listener, NETLINK_ADD_MEMBERSHIP, &event_group,
				  sizeof(event_group)) < 0)
		nlraw_die("events: %s", strerror(errno));
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
	__u32 *events = arg;
	const struct nlattr *attr, *group, *inner;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			nlraw_family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) != CTRL_ATTR_MCAST_GROUPS)
			continue;
		mnl_attr_for_each_nested(group, attr)
			mnl_attr_for_each_nested(inner, group)
				if (mnl_attr_get_type(inner) ==
				    CTRL_ATTR_MCAST_GRP_ID)
					*events = mnl_attr_get_u32(inner);
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
		nlraw_die("socket: %s", strerror(errno));
	mnl_socket_setsockopt(sock, NETLINK_EXT_ACK, &on, sizeof(on));
	/* an answer that never comes is told, not waited for */
	setsockopt(mnl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &limit,
		   sizeof(limit));
	nlh = nlraw_begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, ANKUS_FAMILY_NAME);
	ask(nlh, &out, read_family, &event_group);
	if (!nlraw_family)
		nlraw_die("no family " ANKUS_FAMILY_NAME ": %s", strerror(out.error));
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
			receive = nlraw_number(optarg);
			break;
		case 'c':
			command = optarg;
			break;
		default:
			nlraw_die("see the head of its source");
		}
	}
	if (receive > sizeof(answer))
		nlraw_die("no more than %zu bytes", sizeof(answer));
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
