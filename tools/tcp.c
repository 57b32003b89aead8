// SPDX-License-Identifier: GPL-2.0
/* How connections fare, asked for and shown with the option -s. */

#include <linux/ankus.h>

#include "print.h"
#include "schema.h"
#include "tcp.h"

/* Have the kernel look at the sockets; ATTR asks for it. */
void tcp_ask(struct nl_req *req, u16 attr)
{
	if (options.statistics)
		nl_put_bin(req, attr, "", 0);
}

static bool value(const struct nl_view *v, u16 attr, const char *before)
{
	return print_value(&tcp_schema, v, attr, before);
}

/* What was sent again, as a part of what was sent */
static void retransmitted(const struct nl_view *tcp)
{
	u64 again = nl_uint(tcp, ANKUS_A_TCP_BYTES_RETRANS);
	u64 sent = nl_uint(tcp, ANKUS_A_TCP_BYTES_SENT);

	value(tcp, ANKUS_A_TCP_RETRANSMITS, " retransmits ");
	if (again && sent)
		print_text(" (%.2g%%)", 100.0 * again / sent);
	value(tcp, ANKUS_A_TCP_LOST, " lost ");
}

/* "tcp rtt 210us least 90us cwnd 40 delivery 94Mbit retransmits 0 lost 0 ..." */
void tcp_text(const struct nl_view *v, u16 attr, const char *before)
{
	struct nl_view tcp;

	if (!nl_find(v, attr, &tcp))
		return;
	print_text("%stcp", before);
	value(&tcp, ANKUS_A_TCP_FLOWS, " flows ");
	value(&tcp, ANKUS_A_TCP_CONGESTION_CONTROL, " ");
	value(&tcp, ANKUS_A_TCP_SRTT_US, " rtt ");
	value(&tcp, ANKUS_A_TCP_MIN_RTT_US, " least ");
	value(&tcp, ANKUS_A_TCP_CWND, " cwnd ");
	value(&tcp, ANKUS_A_TCP_DELIVERY_BPS, " delivery ");
	retransmitted(&tcp);
	value(&tcp, ANKUS_A_TCP_REORD_SEEN, " reord-seen ");
	value(&tcp, ANKUS_A_TCP_REORDERING, " reordering ");
	value(&tcp, ANKUS_A_TCP_RCV_RTT_US, " rcv-rtt ");
	value(&tcp, ANKUS_A_TCP_RCV_OUT_OF_ORDER, " rcv-out-of-order ");
}
