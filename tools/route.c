// SPDX-License-Identifier: GPL-2.0
/*
 * Policy rules and routes that lead marked sockets over a link (rtnetlink).
 *
 * Of each address family with a gateway a link has
 *
 *	ip rule add pref N fwmark MARK/MASK lookup main suppress_prefixlength 0
 *	ip rule add pref N+1 fwmark MARK/MASK lookup TABLE
 *	ip route add default via GATEWAY dev DEV table TABLE
 *
 * so that a marked socket keeps whatever route it has but a default one.  All
 * bear a protocol number of their own, by which they are found again; what
 * others have made is only read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

#include "format.h"
#include "netlink.h"
#include "print.h"
#include "route.h"

/* Whose rules and routes these are; none of rtnetlink.h, nor of iproute2 */
#define ROUTE_PROTO	97
/* Below all that users have, above what a VRF and the local table need */
#define ROUTE_PREF	24000
#define ROUTE_TABLE	24000

static const int families[ROUTE_FAMILIES] = { AF_INET, AF_INET6 };
static const size_t addr_len[ROUTE_FAMILIES] = { 4, 16 };

/* A message, and what is done with those of a dump */
union message {
	struct nlmsghdr nlh;
	char buf[1024];
};

/* A rule that looks at marks, as far as it matters here */
struct rule {
	u32 pref;
	u32 mark;
	u32 mask;
	u32 table;
	u8 proto;
	int family;
};

struct rules {
	struct rule *list;
	size_t n;
	bool failed;
};

/* Send a request and take in the answer; an errno, 0 for success. */
static int route_send(struct mnl_socket *s, struct nlmsghdr *nlh,
		      mnl_cb_t cb, void *data)
{
	unsigned int port = mnl_socket_get_portid(s);
	static u64 buf[65536 / sizeof(u64)];
	static u32 seq;
	ssize_t n;
	int rc;

	nlh->nlmsg_seq = ++seq;
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return errno;
	do {
		n = mnl_socket_recvfrom(s, buf, sizeof(buf));
		if (n < 0)
			return errno;
		rc = mnl_cb_run(buf, n, seq, port, cb, data);
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? errno : 0;
}

static void *message_begin(union message *m, u16 type, u16 flags, size_t head)
{
	memset(m, 0, sizeof(*m));
	mnl_nlmsg_put_header(m);
	m->nlh.nlmsg_type = type;
	m->nlh.nlmsg_flags = NLM_F_REQUEST | flags;
	return mnl_nlmsg_put_extra_header(&m->nlh, head);
}

static void rule_begin(union message *m, u16 type, u16 flags, int family)
{
	struct fib_rule_hdr *hdr = message_begin(m, type, flags, sizeof(*hdr));

	hdr->family = family;
	hdr->action = type == RTM_GETRULE ? 0 : FR_ACT_TO_TBL;
}

static void rule_fill(union message *m, const struct rule *r)
{
	mnl_attr_put_u32(&m->nlh, FRA_PRIORITY, r->pref);
	mnl_attr_put_u32(&m->nlh, FRA_FWMARK, r->mark);
	mnl_attr_put_u32(&m->nlh, FRA_FWMASK, r->mask);
	mnl_attr_put_u32(&m->nlh, FRA_TABLE, r->table);
	mnl_attr_put_u8(&m->nlh, FRA_PROTOCOL, ROUTE_PROTO);
	if (r->table == RT_TABLE_MAIN)
		mnl_attr_put_u32(&m->nlh, FRA_SUPPRESS_PREFIXLEN, 0);
}

static int rule_seen(const struct nlmsghdr *nlh, void *data)
{
	const struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	struct rule r = { .family = hdr->family, .table = hdr->table };
	struct rules *rules = data;
	const struct nlattr *a;
	bool masked = false;

	mnl_attr_for_each(a, nlh, sizeof(*hdr)) {
		switch (mnl_attr_get_type(a)) {
		case FRA_PRIORITY:
			r.pref = mnl_attr_get_u32(a);
			break;
		case FRA_FWMARK:
			r.mark = mnl_attr_get_u32(a);
			break;
		case FRA_FWMASK:
			r.mask = mnl_attr_get_u32(a);
			masked = true;
			break;
		case FRA_TABLE:
			r.table = mnl_attr_get_u32(a);
			break;
		case FRA_PROTOCOL:
			r.proto = mnl_attr_get_u8(a);
			break;
		}
	}
	/* as the kernel has it: a mark without a mask is of all bits */
	if (r.mark && !masked)
		r.mask = U32_MAX;
	if (!r.mask)
		return MNL_CB_OK;
	if (!(rules->n & (rules->n - 1))) {
		struct rule *list = realloc(rules->list, (2 * rules->n + 1) *
					    sizeof(*list));

		if (!list) {
			errno = ENOMEM;
			return MNL_CB_ERROR;
		}
		rules->list = list;
	}
	rules->list[rules->n++] = r;
	return MNL_CB_OK;
}

static enum status rules_read(struct mnl_socket *s, struct rules *rules)
{
	union message m;
	size_t i;
	int err;

	for (i = 0; i < ROUTE_FAMILIES; i++) {
		rule_begin(&m, RTM_GETRULE, NLM_F_DUMP, families[i]);
		err = route_send(s, &m.nlh, rule_seen, rules);
		/* a kernel without rules of that family has none that matter */
		if (err && err != EAFNOSUPPORT && err != EOPNOTSUPP) {
			error("cannot list the routing rules: %s", strerror(err));
			return FAILED;
		}
	}
	return DONE;
}

static bool rule_is_ours(const struct rule *r, u32 mark, u32 mask)
{
	return r->proto == ROUTE_PROTO && r->mask == mask &&
	       (!mark || r->mark == mark);
}

/*
 * Does the mark of a link change whether a rule of somebody else matches?  A
 * socket that gets it has none of the mask's bits before.
 */
static bool rule_collides(const struct rule *r, u32 mark, u32 mask)
{
	u32 theirs = r->mark & mask, ours = mark & r->mask;

	return r->proto != ROUTE_PROTO && ours &&
	       (!theirs || theirs == ours);
}

/* A routing table that holds anything of others */
struct table {
	u32 id;
	bool others;
};

static int route_seen(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct table *table = data;
	const struct nlattr *a;
	u32 id = rtm->rtm_table;

	mnl_attr_for_each(a, nlh, sizeof(*rtm))
		if (mnl_attr_get_type(a) == RTA_TABLE)
			id = mnl_attr_get_u32(a);
	if (id == table->id && rtm->rtm_protocol != ROUTE_PROTO)
		table->others = true;
	return MNL_CB_OK;
}

static void route_begin(union message *m, u16 type, u16 flags, int family)
{
	struct rtmsg *rtm = message_begin(m, type, flags, sizeof(*rtm));

	rtm->rtm_family = family;
	if (type == RTM_GETROUTE)
		return;
	rtm->rtm_protocol = ROUTE_PROTO;
	rtm->rtm_scope = type == RTM_NEWROUTE ? RT_SCOPE_UNIVERSE :
						RT_SCOPE_NOWHERE;
	rtm->rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : 0;
}

static u32 path_table(const struct route_path *path)
{
	return path->table ? path->table :
	       ROUTE_TABLE + (path->mark >> __builtin_ctz(path->mask));
}

static u32 path_pref(u32 mark, u32 mask)
{
	return ROUTE_PREF + 2 * ((mark >> __builtin_ctz(mask)) & 0xff);
}

/* Take a gateway in; NULL, or what is wrong with it. */
const char *route_gateway(struct route_path *path, const char *s)
{
	size_t i;

	for (i = 0; i < ROUTE_FAMILIES; i++) {
		if (inet_pton(families[i], s, path->via[i]) != 1)
			continue;
		if (path->has[i])
			return "is the second gateway of its address family";
		path->has[i] = true;
		return NULL;
	}
	return "is no IPv4 or IPv6 address";
}

static enum status check_rules(struct mnl_socket *s,
			       const struct route_path *path)
{
	struct rules rules = {};
	enum status status = rules_read(s, &rules);
	size_t i;

	for (i = 0; !status && i < rules.n; i++) {
		const struct rule *r = &rules.list[i];

		if (!rule_collides(r, path->mark, path->mask))
			continue;
		error("mark %#x/%#x collides with an IPv%d rule, \"%u: fwmark %#x/%#x lookup %u\"",
		      path->mark, path->mask, r->family == AF_INET ? 4 : 6,
		      r->pref, r->mark, r->mask, r->table);
		status = FAILED;
	}
	free(rules.list);
	return status;
}

static enum status check_table(struct mnl_socket *s,
			       const struct route_path *path)
{
	struct table table = { .id = path_table(path) };
	union message m;
	size_t i;
	int err;

	for (i = 0; i < ROUTE_FAMILIES; i++) {
		if (!path->has[i])
			continue;
		route_begin(&m, RTM_GETROUTE, NLM_F_DUMP, families[i]);
		err = route_send(s, &m.nlh, route_seen, &table);
		if (err) {
			error("cannot list the routes: %s", strerror(err));
			return FAILED;
		}
	}
	if (!table.others)
		return DONE;
	error("routing table %u has routes of others; choose another (\"table\")",
	      table.id);
	return FAILED;
}

/* Would the mark of a link get in the way of what others have set up? */
enum status route_check(const struct route_path *path)
{
	struct mnl_socket *s = nl_socket(NETLINK_ROUTE);
	enum status status;

	if (!s)
		return FAILED;
	status = check_rules(s, path);
	if (!status && (path->has[0] || path->has[1]))
		status = check_table(s, path);
	mnl_socket_close(s);
	return status;
}

static enum status add_route(struct mnl_socket *s, const struct route_path *path,
			     size_t i)
{
	char gateway[INET6_ADDRSTRLEN];
	union message m;
	int err;

	route_begin(&m, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
		    families[i]);
	mnl_attr_put_u32(&m.nlh, RTA_TABLE, path_table(path));
	mnl_attr_put(&m.nlh, RTA_GATEWAY, addr_len[i], path->via[i]);
	mnl_attr_put_u32(&m.nlh, RTA_OIF, if_nametoindex(path->dev));
	err = route_send(s, &m.nlh, NULL, NULL);
	if (!err)
		return DONE;
	error("cannot add a route via %s dev %s: %s",
	      inet_ntop(families[i], path->via[i], gateway, sizeof(gateway)),
	      path->dev, strerror(err));
	return FAILED;
}

static enum status add_rules(struct mnl_socket *s, const struct route_path *path,
			     size_t i)
{
	u32 pref = path_pref(path->mark, path->mask);
	struct rule rules[] = {
		{ pref, path->mark, path->mask, RT_TABLE_MAIN },
		{ pref + 1, path->mark, path->mask, path_table(path) },
	};
	union message m;
	size_t j;
	int err;

	for (j = 0; j < ARRAY_SIZE(rules); j++) {
		rule_begin(&m, RTM_NEWRULE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
			   families[i]);
		rule_fill(&m, &rules[j]);
		err = route_send(s, &m.nlh, NULL, NULL);
		if (!err)
			continue;
		error("cannot add routing rule %u: %s", rules[j].pref,
		      strerror(err));
		return FAILED;
	}
	return DONE;
}

/* Lead what has the mark over its gateways: all of it, or nothing. */
enum status route_add(const struct route_path *path)
{
	enum status status = DONE;
	struct mnl_socket *s;
	size_t i;

	/* left by a link that has gone with its device */
	if (route_del(path->mark, path->mask))
		return FAILED;
	s = nl_socket(NETLINK_ROUTE);
	if (!s)
		return FAILED;
	for (i = 0; i < ROUTE_FAMILIES && !status; i++) {
		if (!path->has[i])
			continue;
		status = add_route(s, path, i);
		if (!status)
			status = add_rules(s, path, i);
	}
	mnl_socket_close(s);
	if (status)
		route_del(path->mark, path->mask);
	return status;
}

static int del_rule(struct mnl_socket *s, const struct rule *r)
{
	union message m;
	int err;

	rule_begin(&m, RTM_DELRULE, NLM_F_ACK, r->family);
	rule_fill(&m, r);
	err = route_send(s, &m.nlh, NULL, NULL);
	if (err && err != ENOENT)
		return err;
	if (r->table == RT_TABLE_MAIN)
		return 0;
	route_begin(&m, RTM_DELROUTE, NLM_F_ACK, r->family);
	mnl_attr_put_u32(&m.nlh, RTA_TABLE, r->table);
	err = route_send(s, &m.nlh, NULL, NULL);
	/* it may have gone with its device */
	return err == ESRCH ? 0 : err;
}

/* Take back what route_add() has made for a mark, if anything; 0: for all. */
enum status route_del(u32 mark, u32 mask)
{
	struct mnl_socket *s = nl_socket(NETLINK_ROUTE);
	struct rules rules = {};
	enum status status;
	size_t i;
	int err;

	if (!s)
		return FAILED;
	status = rules_read(s, &rules);
	for (i = 0; i < rules.n; i++) {
		if (!rule_is_ours(&rules.list[i], mark, mask))
			continue;
		err = del_rule(s, &rules.list[i]);
		if (!err)
			continue;
		error("cannot remove routing rule %u: %s", rules.list[i].pref,
		      strerror(err));
		status = FAILED;
	}
	free(rules.list);
	mnl_socket_close(s);
	return status;
}
