/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of nlraw share. */
#ifndef NLRAW_H
#define NLRAW_H

#include <stddef.h>

#include <linux/types.h>

struct nlattr;
struct nlmsghdr;

/* Longest message in bytes */
#define NLRAW_BUF	65536

/*
 * The attributes of a kind of object; those that drift change without anybody's
 * doing and are no part of the state.
 */
struct set {
	const char *name;
	const char *const *attrs;
	unsigned int n;
	__u64 drifts;
};

/* Names: nlraw_names.c */
extern const struct set nlraw_sets[];
extern const struct set nlraw_queue_range;
extern const struct set nlraw_pin;

const char *nlraw_attr_name(const struct set *set, __u16 type);
unsigned int nlraw_op(const char *name);
unsigned int nlraw_attr(const struct set *set, const char *name);

/* Messages: nlraw_message.c.  There is one request at a time, about one object */
extern __u16 nlraw_family;
extern const struct set *nlraw_object;

void nlraw_die(const char *format, ...);
unsigned long long nlraw_number(const char *text);
struct nlmsghdr *nlraw_begin(__u16 type, __u8 cmd, __u16 flags);
struct nlmsghdr *nlraw_build(const char *text);
void nlraw_locate(const struct nlmsghdr *nlh, __u32 offset, char *to,
		  size_t size);
void nlraw_print_attr(const struct nlattr *attr, const struct set *set,
		      const char *before);

#endif /* NLRAW_H */
