/* SPDX-License-Identifier: GPL-2.0 */
/* How flows fare, as their local TCP sockets tell. */
#ifndef ANKUS_TCP_H
#define ANKUS_TCP_H

#include <net/tcp.h>

#include "dev.h"

/**
 * struct ankus_tcp - how a connection fares, or several together
 * @flows: how many have a local socket
 * @dirs: bits of enum ankus_dir
 * @srtt_us: smoothed round-trip time, the greatest
 * @min_rtt_us: the least of late, U32_MAX for none
 * @rcv_rtt_us: the receiver's estimate, the greatest, 0 for none
 * @reordering: distance up to which the path reorders, the greatest
 * @cwnd: congestion window in segments
 * @bytes_sent: payload, what was sent again included
 * @bytes_retrans: payload sent again
 * @retransmits: segments sent again
 * @lost: segments taken for lost
 * @reord_seen: times that reordering was seen
 * @delivery_bps: latest rate of delivery
 * @rcv_out_of_order: segments received after later ones
 * @congestion_control: algorithm of the one that was read last
 */
struct ankus_tcp {
	u32 flows;
	u32 dirs;
	u32 srtt_us;
	u32 min_rtt_us;
	u32 rcv_rtt_us;
	u32 reordering;
	u64 cwnd;
	u64 bytes_sent;
	u64 bytes_retrans;
	u64 retransmits;
	u64 lost;
	u64 reord_seen;
	u64 delivery_bps;
	u64 rcv_out_of_order;
	char congestion_control[TCP_CA_NAME_MAX];
};

struct sock *ankus_tcp_sock(const struct ankus_dev *ad,
			    const struct ankus_key *key);
void ankus_tcp_init(struct ankus_tcp *tcp);
bool ankus_tcp_add(struct ankus_tcp *tcp, const struct ankus_dev *ad,
		   const struct ankus_flow *flow);
bool ankus_tcp_mark(struct ankus_tcp_marks *marks, const struct ankus_dev *ad,
		    const struct ankus_flow *flow);
bool ankus_tcp_since(struct ankus_tcp_marks *since,
		     const struct ankus_tcp_marks *before,
		     const struct ankus_tcp_marks *now);

#endif /* ANKUS_TCP_H */
