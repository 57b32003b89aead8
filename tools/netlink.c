// SPDX-License-Identifier: GPL-2.0
/* Requests, replies, dumps and events of the ankus netlink family. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include <linux/ankus.h>

#include "ack.h"
#include "netlink.h"
#include "print.h"

/* How often a dump that changes interrupted is asked for. */
#define DUMP_TRIES	8

/* Room for a burst of events while the reader is busy. */
#define EVENT_BUFFER	1048576

static struct mnl_socket *sock;
static struct mnl_socket *event_sock;
static u16 family;
static u32 group;
static u32 seq;
static u64 rcvbuf[65536 / sizeof(u64)];

static struct nlmsghdr *req_hdr(const struct nl_req *req)
{
	return (struct nlmsghdr *)req->buf;
}

static void put_genl(void *buf, u16 flags, u8 cmd, u8 version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
}

void nl_req_init(struct nl_req *req, const struct schema *schema, u8 cmd,
		 u16 flags)
{
	/* Libmnl leaves the padding between attributes as it is. */
	memset(req->buf, 0, sizeof(req->buf));
	put_genl(req->buf, flags, cmd, ANKUS_FAMILY_VERSION);
	req->schema = schema;
	req->full = false;
}

void nl_put_bin(struct nl_req *req, u16 attr, const void *data, size_t len)
{
	if (!mnl_attr_put_check(req_hdr(req), sizeof(req->buf), attr, len, data))
		req->full = true;
}

void nl_put_u8(struct nl_req *req, u16 attr, u8 v)
{
	nl_put_bin(req, attr, &v, sizeof(v));
}

void nl_put_u16(struct nl_req *req, u16 attr, u16 v)
{
	nl_put_bin(req, attr, &v, sizeof(v));
}

void nl_put_u32(struct nl_req *req, u16 attr, u32 v)
{
	nl_put_bin(req, attr, &v, sizeof(v));
}

void nl_put_u64(struct nl_req *req, u16 attr, u64 v)
{
	nl_put_bin(req, attr, &v, sizeof(v));
}

void nl_put_str(struct nl_req *req, u16 attr, const char *s)
{
	nl_put_bin(req, attr, s, strlen(s) + 1);
}

/* One attribute with two numbers inside, such as a range of queues. */
void nl_put_pair(struct nl_req *req, u16 attr, u16 attr1, u32 v1,
		 u16 attr2, u32 v2)
{
	struct nlmsghdr *nlh = req_hdr(req);
	struct nlattr *nest;

	nest = mnl_attr_nest_start_check(nlh, sizeof(req->buf), attr);
	if (!nest) {
		req->full = true;
		return;
	}
	nl_put_u32(req, attr1, v1);
	nl_put_u32(req, attr2, v2);
	mnl_attr_nest_end(nlh, nest);
}

void nl_put_empty(struct nl_req *req, u16 attr)
{
	nl_put_bin(req, attr | NLA_F_NESTED, "", 0);
}

static struct nl_view payload_after(const struct nlmsghdr *nlh, size_t head)
{
	struct nl_view v = { .data = "" };

	head = MNL_ALIGN(head);
	if (mnl_nlmsg_get_payload_len(nlh) > head) {
		v.data = mnl_nlmsg_get_payload_offset(nlh, head);
		v.len = mnl_nlmsg_get_payload_len(nlh) - head;
	}
	return v;
}

struct nl_view nl_req_view(const struct nl_req *req)
{
	return payload_after(req_hdr(req), sizeof(struct genlmsghdr));
}

/* Take the first attribute off @rest. */
bool nl_next(struct nl_view *rest, u16 *attr, struct nl_view *payload)
{
	const struct nlattr *a = (const struct nlattr *)rest->data;
	size_t step;

	if (rest->len > INT32_MAX || !mnl_attr_ok(a, rest->len))
		return false;
	*attr = mnl_attr_get_type(a);
	payload->data = mnl_attr_get_payload(a);
	payload->len = mnl_attr_get_payload_len(a);

	step = MNL_ALIGN(mnl_attr_get_len(a));
	if (step > rest->len)
		step = rest->len;
	rest->data += step;
	rest->len -= step;
	return true;
}

bool nl_find(const struct nl_view *v, u16 attr, struct nl_view *payload)
{
	struct nl_view rest = *v;
	u16 type;

	while (nl_next(&rest, &type, payload))
		if (type == attr)
			return true;
	return false;
}

bool nl_has(const struct nl_view *v, u16 attr)
{
	struct nl_view payload;

	return nl_find(v, attr, &payload);
}

/* A number of whatever width the kernel sent. */
u64 nl_number(const struct nl_view *payload)
{
	u64 n64;
	u32 n32;
	u16 n16;

	switch (payload->len) {
	case sizeof(n64):
		memcpy(&n64, payload->data, sizeof(n64));
		return n64;
	case sizeof(n32):
		memcpy(&n32, payload->data, sizeof(n32));
		return n32;
	case sizeof(n16):
		memcpy(&n16, payload->data, sizeof(n16));
		return n16;
	case sizeof(u8):
		return (u8)payload->data[0];
	default:
		return 0;
	}
}

u64 nl_uint(const struct nl_view *v, u16 attr)
{
	struct nl_view payload;

	return nl_find(v, attr, &payload) ? nl_number(&payload) : 0;
}

static int reply_add(struct nl_reply *reply, const struct nlmsghdr *nlh)
{
	size_t len = MNL_ALIGN(nlh->nlmsg_len);

	if (reply->len + len > reply->size) {
		size_t size = (reply->len + len) * 2;
		char *buf = realloc(reply->buf, size);

		if (!buf)
			return -ENOMEM;
		reply->buf = buf;
		reply->size = size;
	}
	memset(reply->buf + reply->len, 0, len);
	memcpy(reply->buf + reply->len, nlh, nlh->nlmsg_len);
	reply->len += len;
	return 0;
}

bool nl_reply_next(struct nl_reply *reply, u8 *cmd, struct nl_view *v)
{
	const struct nlmsghdr *nlh;
	const struct genlmsghdr *genl;

	if (reply->pos >= reply->len)
		return false;
	nlh = (const struct nlmsghdr *)(reply->buf + reply->pos);
	reply->pos += MNL_ALIGN(nlh->nlmsg_len);
	genl = mnl_nlmsg_get_payload(nlh);
	*cmd = genl->cmd;
	*v = payload_after(nlh, sizeof(*genl));
	return true;
}

/* All messages of @reply at once, in an array to be freed; NULL: no memory. */
struct nl_view *nl_reply_views(struct nl_reply *reply, size_t *n)
{
	struct nl_view *views;
	struct nl_view v;
	u8 cmd;

	for (*n = 0; nl_reply_next(reply, &cmd, &v); ++*n)
		;
	views = calloc(*n + 1, sizeof(*views));
	reply->pos = 0;
	for (*n = 0; views && nl_reply_next(reply, &cmd, &v); ++*n)
		views[*n] = v;
	return views;
}

void nl_reply_free(struct nl_reply *reply)
{
	free(reply->buf);
	memset(reply, 0, sizeof(*reply));
}

/* The end of a request: an errno (0 for success) and what goes with it. */
static int end_of_request(const struct nlmsghdr *nlh, const struct nl_req *req)
{
	const bool error = nlh->nlmsg_type == NLMSG_ERROR;
	size_t head = error ? sizeof(struct nlmsgerr) : sizeof(int);
	struct nl_view tlvs = { .data = "" };
	int err = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= head)
		memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
	else if (error)
		err = -EBADMSG;

	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		/* Unless capped, the request comes before the attributes. */
		if (error && !(nlh->nlmsg_flags & NLM_F_CAPPED)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			head += mnl_nlmsg_get_payload_len(&e->msg);
		}
		tlvs = payload_after(nlh, head);
	}
	if (req)
		ack_print(req, err, &tlvs);
	return err;
}

/*
 * Send one request and take in all of its answer.  Errors of the kernel are
 * printed when @req tells how to name the attributes.
 */
static int transact(struct nlmsghdr *nlh, const struct nl_req *req,
		    struct nl_reply *reply)
{
	int err = 0;

	nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = ++seq;
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0) {
		error("cannot send to the kernel: %s", strerror(errno));
		return -EIO;
	}

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(sock, rcvbuf, sizeof(rcvbuf));
		int len = n;

		if (n < 0) {
			error("cannot receive from the kernel: %s",
			      strerror(errno));
			return -EIO;
		}
		for (nlh = (struct nlmsghdr *)rcvbuf; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				reply->interrupted = true;
			if (nlh->nlmsg_type == NLMSG_ERROR ||
			    nlh->nlmsg_type == NLMSG_DONE)
				return err ? err : end_of_request(nlh, req);
			if (nlh->nlmsg_type < NLMSG_MIN_TYPE || err ||
			    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
				continue;
			err = reply_add(reply, nlh);
			if (err)
				error("out of memory");
		}
	}
}

/* A socket of a netlink family, bound; NULL: an error was printed */
struct mnl_socket *nl_socket(int bus)
{
	struct mnl_socket *s = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int on = 1;

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		error("cannot open a netlink socket: %s", strerror(errno));
		if (s)
			mnl_socket_close(s);
		return NULL;
	}
	/* Both only improve messages and checks; all goes without them. */
	mnl_socket_setsockopt(s, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(s, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return s;
}

static void find_group(const struct nl_view *family_view)
{
	struct nl_view groups, entry, name;
	u16 index;

	if (!nl_find(family_view, CTRL_ATTR_MCAST_GROUPS, &groups))
		return;
	while (nl_next(&groups, &index, &entry))
		if (nl_find(&entry, CTRL_ATTR_MCAST_GRP_NAME, &name) &&
		    name.len == sizeof(ANKUS_MCGRP_EVENTS) &&
		    !memcmp(name.data, ANKUS_MCGRP_EVENTS, name.len))
			group = nl_uint(&entry, CTRL_ATTR_MCAST_GRP_ID);
}

/* Nothing is opened before the words of a command were understood. */
static enum status connect_family(void)
{
	u64 buf[32] = {};
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	struct nl_reply reply = {};
	struct nl_view v;
	u8 cmd;
	int err;

	if (family)
		return DONE;
	if (!sock)
		sock = nl_socket(NETLINK_GENERIC);
	if (!sock)
		return FAILED;

	put_genl(buf, 0, CTRL_CMD_GETFAMILY, 1);
	nlh->nlmsg_type = GENL_ID_CTRL;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, ANKUS_FAMILY_NAME);
	err = transact(nlh, NULL, &reply);
	if (!err && nl_reply_next(&reply, &cmd, &v)) {
		family = nl_uint(&v, CTRL_ATTR_FAMILY_ID);
		find_group(&v);
	}
	nl_reply_free(&reply);
	if (family)
		return DONE;
	if (err == -ENOENT)
		error("kernel module is not loaded (modprobe ankus)");
	else if (err != -EIO && err != -ENOMEM)
		error("cannot look up the netlink family: %s", strerror(-err));
	return FAILED;
}

static enum status send_request(struct nl_req *req, struct nl_reply *reply,
				u16 flags)
{
	struct nlmsghdr *nlh = req_hdr(req);

	if (req->full) {
		error("the request is too long");
		return USAGE;
	}
	if (connect_family())
		return FAILED;
	nlh->nlmsg_type = family;
	nlh->nlmsg_flags |= flags;
	return transact(nlh, req, reply) ? FAILED : DONE;
}

enum status nl_do(struct nl_req *req, struct nl_reply *reply)
{
	struct nl_reply none = {};
	enum status status;

	status = send_request(req, reply ? reply : &none, 0);
	nl_reply_free(&none);
	return status;
}

enum status nl_dump(struct nl_req *req, struct nl_reply *reply)
{
	enum status status = DONE;
	int i;

	for (i = 0; i < DUMP_TRIES; i++) {
		reply->len = 0;
		reply->interrupted = false;
		status = send_request(req, reply, NLM_F_DUMP);
		if (status || !reply->interrupted)
			return status;
	}
	warn("things changed while they were listed, some may be missing or twice");
	return status;
}

/* Join the event group; @fd is for poll. */
enum status nl_events_open(int *fd)
{
	int size = EVENT_BUFFER;
	enum status status = connect_family();

	if (status)
		return status;
	if (!group) {
		error("the kernel module has no events");
		return FAILED;
	}
	event_sock = nl_socket(NETLINK_GENERIC);
	if (!event_sock)
		return FAILED;
	*fd = mnl_socket_get_fd(event_sock);
	if (setsockopt(*fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (mnl_socket_setsockopt(event_sock, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0) {
		error("cannot listen to events: %s", strerror(errno));
		return FAILED;
	}
	return DONE;
}

/* Take in the events that are there; @lost when some were dropped. */
enum status nl_events_read(struct nl_reply *reply, bool *lost)
{
	ssize_t n = mnl_socket_recvfrom(event_sock, rcvbuf, sizeof(rcvbuf));
	struct nlmsghdr *nlh = (struct nlmsghdr *)rcvbuf;
	int len = n;

	*lost = n < 0 && errno == ENOBUFS;
	if (*lost || (n < 0 && errno == EINTR))
		return DONE;
	if (n < 0) {
		error("cannot receive events: %s", strerror(errno));
		return FAILED;
	}
	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type != family ||
		    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
			continue;
		if (reply_add(reply, nlh)) {
			error("out of memory");
			return FAILED;
		}
	}
	return DONE;
}

void nl_close(void)
{
	if (event_sock)
		mnl_socket_close(event_sock);
	if (sock)
		mnl_socket_close(sock);
	event_sock = NULL;
	sock = NULL;
	family = 0;
}
