// SPDX-License-Identifier: GPL-2.0
/* Where the code of the tracepoints is. */
#include <linux/in.h>
#include <linux/in6.h>

#include "link.h"

/* As a socket address, which TP_printk() has a format for */
static void trace_address(u8 *to, u8 family, const struct in6_addr *address,
			  __be16 port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	memset(in6, 0, sizeof(*in6));
	if (family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = port;
		in->sin_addr.s_addr = address->s6_addr32[0];
		return;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	in6->sin6_addr = *address;
}

/* What netlink calls a bin: slots of links are the module's own affair */
static int trace_bin(const struct ankus_pin *pin, int bin)
{
	const struct ankus_dev *ad = ankus_flow_dev(ankus_pin_flow(pin));
	const struct ankus_link *link;

	if (pin->kind != ANKUS_PIN_LINK || bin == ANKUS_NO_BIN)
		return bin;
	/* from the packet path, or under the lock */
	link = rcu_dereference_check(ad->links[bin],
				     lockdep_is_held(&ad->an->lock));
	return link ? link->lower->ifindex : ANKUS_NO_BIN;
}

#define CREATE_TRACE_POINTS
#include "trace.h"
