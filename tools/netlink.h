/* SPDX-License-Identifier: GPL-2.0 */
/* The netlink side; beside it only route.c knows libmnl. */
#ifndef ANKUS_NETLINK_H
#define ANKUS_NETLINK_H

#include <stddef.h>

#include "tool.h"

struct schema;

/* A run of bytes: the attributes of a message, or what one attribute holds. */
struct nl_view {
	const char *data;
	size_t len;
};

/* A request, written by the nl_put functions. */
struct nl_req {
	const struct schema *schema;	/* names the attributes in errors */
	bool full;			/* something did not fit */
	u64 buf[65536 / sizeof(u64)];
};

void nl_req_init(struct nl_req *req, const struct schema *schema, u8 cmd,
		 u16 flags);
void nl_put_bin(struct nl_req *req, u16 attr, const void *data, size_t len);
void nl_put_u8(struct nl_req *req, u16 attr, u8 v);
void nl_put_u16(struct nl_req *req, u16 attr, u16 v);
void nl_put_u32(struct nl_req *req, u16 attr, u32 v);
void nl_put_u64(struct nl_req *req, u16 attr, u64 v);
void nl_put_str(struct nl_req *req, u16 attr, const char *s);
void nl_put_pair(struct nl_req *req, u16 attr, u16 attr1, u32 v1,
		 u16 attr2, u32 v2);
void nl_put_empty(struct nl_req *req, u16 attr);
struct nl_view nl_req_view(const struct nl_req *req);

bool nl_next(struct nl_view *rest, u16 *attr, struct nl_view *payload);
bool nl_find(const struct nl_view *v, u16 attr, struct nl_view *payload);
bool nl_has(const struct nl_view *v, u16 attr);
u64 nl_number(const struct nl_view *payload);
u64 nl_uint(const struct nl_view *v, u16 attr);

/* All the messages of one reply. */
struct nl_reply {
	char *buf;
	size_t len;
	size_t size;
	size_t pos;
	bool interrupted;
};

enum status nl_do(struct nl_req *req, struct nl_reply *reply);
enum status nl_dump(struct nl_req *req, struct nl_reply *reply);
bool nl_reply_next(struct nl_reply *reply, u8 *cmd, struct nl_view *v);
struct nl_view *nl_reply_views(struct nl_reply *reply, size_t *n);
void nl_reply_free(struct nl_reply *reply);

enum status nl_events_open(int *fd);
enum status nl_events_read(struct nl_reply *reply, bool *lost);
void nl_close(void);

/* For other families than generic netlink */
struct mnl_socket;
struct mnl_socket *nl_socket(int bus);

#endif
