// SPDX-License-Identifier: GPL-2.0
/* What the kernel says of a request, in words for a person. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netlink.h>

#include "ack.h"
#include "print.h"
#include "schema.h"

/* The name of the attribute at @target, with those around it: "a.b". */
static bool name_at(const struct schema *schema, struct nl_view rest,
		    const char *target, char *buf, size_t size)
{
	struct nl_view payload;
	u16 type;

	while (nl_next(&rest, &type, &payload)) {
		const struct attr *a = attr_of(schema, type);
		const char *at = payload.data - NLA_HDRLEN;
		size_t len;

		if (target < at || target >= payload.data + payload.len)
			continue;
		if (!a)
			return false;
		len = strlen(buf);
		snprintf(buf + len, size - len, "%s%s", len ? "." : "", a->name);
		return target == at || !a->nested ||
		       name_at(a->nested, payload, target, buf, size);
	}
	return false;
}

/* What the device's policy allows for the attribute, when it tells. */
static void policy_limits(const struct nl_view *tlvs, char *buf, size_t size)
{
	struct nl_view policy;

	if (!nl_find(tlvs, NLMSGERR_ATTR_POLICY, &policy))
		return;
	if (nl_has(&policy, NL_POLICY_TYPE_ATTR_MAX_VALUE_U))
		/* what the handler itself checks, the policy does not tell */
		snprintf(buf, size, ", %llu at most",
			 nl_uint(&policy, NL_POLICY_TYPE_ATTR_MAX_VALUE_U));
	else if (nl_has(&policy, NL_POLICY_TYPE_ATTR_MAX_LENGTH))
		snprintf(buf, size, ", %llu bytes at most",
			 nl_uint(&policy, NL_POLICY_TYPE_ATTR_MAX_LENGTH));
}

/* The attribute that the message is about: " (attribute NAME, limits)". */
static void about(const struct nl_req *req, const struct nl_view *tlvs,
		  char *buf, size_t size)
{
	char limits[80] = "";
	char name[64] = "";
	const struct attr *a;

	if (nl_has(tlvs, NLMSGERR_ATTR_OFFS)) {
		u64 offset = nl_uint(tlvs, NLMSGERR_ATTR_OFFS);

		if (offset >= sizeof(req->buf) ||
		    !name_at(req->schema, nl_req_view(req), (const char *)req->buf + offset,
			     name, sizeof(name)))
			return;
		policy_limits(tlvs, limits, sizeof(limits));
		snprintf(buf, size, " (attribute %s%s)", name, limits);
	} else if (nl_has(tlvs, NLMSGERR_ATTR_MISS_TYPE)) {
		a = attr_of(req->schema,
			    nl_uint(tlvs, NLMSGERR_ATTR_MISS_TYPE));
		if (a)
			snprintf(buf, size, " (missing attribute %s)", a->name);
	}
}

static const char *explain(int err)
{
	switch (err) {
	case EPERM:
		return "no permission, this needs CAP_NET_ADMIN";
	case EOPNOTSUPP:
		return "the loaded kernel module does not support this";
	default:
		return strerror(err);
	}
}

/* Print what came with the end of a request; @err is a negative errno or 0. */
void ack_print(const struct nl_req *req, int err, const struct nl_view *tlvs)
{
	struct nl_view msg;
	char where[160] = "";
	int len = 0;

	if (nl_find(tlvs, NLMSGERR_ATTR_MSG, &msg))
		len = strnlen(msg.data, msg.len);
	if (!err) {
		if (len)
			warn("%.*s", len, msg.data);
		return;
	}
	about(req, tlvs, where, sizeof(where));
	if (len)
		error("%.*s%s", len, msg.data, where);
	else
		error("%s%s", explain(-err), where);
}
