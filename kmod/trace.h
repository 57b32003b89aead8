/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: what becomes of flows and of their pins.
 *
 * This is read several times, see include/trace/define_trace.h.  Numbers of
 * queues and links are those that netlink tells of: a link is the ifindex of
 * its lower device, and -1 is none.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ankus

#if !defined(ANKUS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ANKUS_TRACE_H

#include <linux/in6.h>
#include <linux/tracepoint.h>
#include <uapi/linux/ankus.h>

#include "compat.h"
#include "dev.h"

/* For each enum E(value, its name in netlink), EL() the last one */
#define ANKUS_TRACE_KINDS						\
	E(ANKUS_PIN_RXQ, "rx-queue")					\
	E(ANKUS_PIN_TXQ, "tx-queue")					\
	E(ANKUS_PIN_LINK, "link")					\
	EL(ANKUS_PIN_CPU, "cpu")

#define ANKUS_TRACE_FLOW_STATES						\
	E(ANKUS_FLOW_STATE_MOUSE, "mouse")				\
	E(ANKUS_FLOW_STATE_CANDIDATE, "candidate")			\
	EL(ANKUS_FLOW_STATE_ELEPHANT, "elephant")

#define ANKUS_TRACE_PIN_STATES						\
	E(ANKUS_PIN_STATE_NONE, "none")					\
	E(ANKUS_PIN_STATE_WANTED, "wanted")				\
	E(ANKUS_PIN_STATE_INSTALLED, "installed")			\
	E(ANKUS_PIN_STATE_VERIFIED, "verified")				\
	E(ANKUS_PIN_STATE_INEFFECTIVE, "ineffective")			\
	E(ANKUS_PIN_STATE_REFUSED, "refused")				\
	EL(ANKUS_PIN_STATE_PARKED, "parked")

#define ANKUS_TRACE_DIRS						\
	E(ANKUS_DIR_IN, "in")						\
	EL(ANKUS_DIR_OUT, "out")

/* Let perf and others, which do not know the enums, print the names */
#undef E
#undef EL
#define E(value, name) TRACE_DEFINE_ENUM(value);
#define EL(value, name) TRACE_DEFINE_ENUM(value);

ANKUS_TRACE_KINDS
ANKUS_TRACE_FLOW_STATES
ANKUS_TRACE_PIN_STATES
ANKUS_TRACE_DIRS

#undef E
#undef EL
#define E(value, name) { value, name },
#define EL(value, name) { value, name }

/* What each event begins with: the device, and the flow in one direction */
#define ANKUS_TRACE_FLOW(ad)						\
	__string(dev, (ad)->netdev->name)				\
	__field(u64, id)						\
	__field(u8, dir)						\
	__field(u8, proto)						\
	__field(u16, family)						\
	__field(u16, sport)						\
	__field(u16, dport)						\
	__array(u8, src, sizeof(struct sockaddr_in6))			\
	__array(u8, dst, sizeof(struct sockaddr_in6))

#define ANKUS_TRACE_ASSIGN(ad, key, flow_id)				\
	do {								\
		ankus_assign_str(dev, (ad)->netdev->name);		\
		__entry->id = flow_id;					\
		__entry->dir = (key)->dir;				\
		__entry->proto = (key)->proto;				\
		__entry->family = (key)->family;			\
		__entry->sport = ntohs((key)->sport);			\
		__entry->dport = ntohs((key)->dport);			\
		trace_address(__entry->src, (key)->family, &(key)->src,	\
			      (key)->sport);				\
		trace_address(__entry->dst, (key)->family, &(key)->dst,	\
			      (key)->dport);				\
	} while (0)

#define ANKUS_TRACE_PIN_ASSIGN(pin)					\
	do {								\
		const struct ankus_flow *flow = ankus_pin_flow(pin);	\
									\
		ANKUS_TRACE_ASSIGN(ankus_flow_dev(flow), &flow->key,	\
				   flow->id);				\
	} while (0)

#define ANKUS_TRACE_FORMAT "dev=%s id=%llu dir=%s proto=%u src=%pISpc dst=%pISpc"

#define ANKUS_TRACE_ARGS						\
	__get_str(dev), __entry->id,					\
	__print_symbolic(__entry->dir, ANKUS_TRACE_DIRS),		\
	__entry->proto, __entry->src, __entry->dst

TRACE_EVENT(ankus_flow_admit,
	TP_PROTO(const struct ankus_flow *flow, u64 bytes),
	TP_ARGS(flow, bytes),
	TP_STRUCT__entry(
		ANKUS_TRACE_FLOW(ankus_flow_dev(flow))
		__field(u64, bytes)
	),
	TP_fast_assign(
		ANKUS_TRACE_ASSIGN(ankus_flow_dev(flow), &flow->key, flow->id);
		__entry->bytes = bytes;
	),
	TP_printk(ANKUS_TRACE_FORMAT " bytes=%llu",
		  ANKUS_TRACE_ARGS, __entry->bytes)
);

TRACE_EVENT(ankus_flow_admit_fail,
	TP_PROTO(const struct ankus_dev *ad, const struct ankus_key *key, u64 bytes,
		 int error),
	TP_ARGS(ad, key, bytes, error),
	TP_STRUCT__entry(
		ANKUS_TRACE_FLOW(ad)
		__field(u64, bytes)
		__field(int, error)
	),
	TP_fast_assign(
		ANKUS_TRACE_ASSIGN(ad, key, 0);
		__entry->bytes = bytes;
		__entry->error = -error;
	),
	TP_printk(ANKUS_TRACE_FORMAT " bytes=%llu error=%d reason=%s",
		  ANKUS_TRACE_ARGS, __entry->bytes, __entry->error,
		  __print_symbolic(__entry->error, { ENOSPC, "table-full" },
				   { ENOMEM, "no-memory" }))
);

TRACE_EVENT(ankus_kick,
	TP_PROTO(const struct ankus_flow *flow, bool served),
	TP_ARGS(flow, served),
	TP_STRUCT__entry(
		ANKUS_TRACE_FLOW(ankus_flow_dev(flow))
		__field(u64, bytes)
		__field(bool, served)
	),
	TP_fast_assign(
		ANKUS_TRACE_ASSIGN(ankus_flow_dev(flow), &flow->key, flow->id);
		__entry->bytes = atomic64_read(&flow->bytes);
		__entry->served = served;
	),
	TP_printk(ANKUS_TRACE_FORMAT " bytes=%llu served=%u",
		  ANKUS_TRACE_ARGS, __entry->bytes, __entry->served)
);

TRACE_EVENT(ankus_flow_state,
	TP_PROTO(const struct ankus_flow *flow, u8 old),
	TP_ARGS(flow, old),
	TP_STRUCT__entry(
		ANKUS_TRACE_FLOW(ankus_flow_dev(flow))
		__field(u8, old)
		__field(u8, new)
		__field(u64, rate_bps)
		__field(u64, threshold_bps)
		__field(u64, bytes)
	),
	TP_fast_assign(
		ANKUS_TRACE_ASSIGN(ankus_flow_dev(flow), &flow->key, flow->id);
		__entry->old = old;
		__entry->new = flow->state;
		__entry->rate_bps = flow->rate.fast_bps;
		__entry->threshold_bps = flow->rate_bps;
		__entry->bytes = atomic64_read(&flow->bytes);
	),
	TP_printk(ANKUS_TRACE_FORMAT " old=%s new=%s rate_bps=%llu threshold_bps=%llu bytes=%llu",
		  ANKUS_TRACE_ARGS,
		  __print_symbolic(__entry->old, ANKUS_TRACE_FLOW_STATES),
		  __print_symbolic(__entry->new, ANKUS_TRACE_FLOW_STATES),
		  __entry->rate_bps, __entry->threshold_bps, __entry->bytes)
);

TRACE_EVENT(ankus_pin,
	TP_PROTO(const struct ankus_pin *pin),
	TP_ARGS(pin),
	TP_STRUCT__entry(
		ANKUS_TRACE_FLOW(ankus_flow_dev(ankus_pin_flow(pin)))
		__field(u8, kind)
		__field(u8, state)
		__field(int, want)
		__field(int, have)
		__field(int, error)
		__string(reason, pin->reason ?: "")
	),
	TP_fast_assign(
		ANKUS_TRACE_PIN_ASSIGN(pin);
		__entry->kind = pin->kind;
		__entry->state = pin->state;
		__entry->want = trace_bin(pin, READ_ONCE(pin->want));
		__entry->have = trace_bin(pin, READ_ONCE(pin->have));
		__entry->error = pin->error;
		ankus_assign_str(reason, pin->reason ?: "");
	),
	TP_printk(ANKUS_TRACE_FORMAT " kind=%s want=%d have=%d state=%s error=%d reason=%s",
		  ANKUS_TRACE_ARGS,
		  __print_symbolic(__entry->kind, ANKUS_TRACE_KINDS),
		  __entry->want, __entry->have,
		  __print_symbolic(__entry->state, ANKUS_TRACE_PIN_STATES),
		  __entry->error, __get_str(reason))
);

TRACE_EVENT(ankus_verify,
	TP_PROTO(const struct ankus_pin *pin, int bin),
	TP_ARGS(pin, bin),
	TP_STRUCT__entry(
		ANKUS_TRACE_FLOW(ankus_flow_dev(ankus_pin_flow(pin)))
		__field(u8, kind)
		__field(u8, result)
		__field(int, bin)
		__field(int, error)
		__string(reason, pin->reason ?: "")
	),
	TP_fast_assign(
		ANKUS_TRACE_PIN_ASSIGN(pin);
		__entry->kind = pin->kind;
		__entry->result = pin->state;
		__entry->bin = trace_bin(pin, bin);
		__entry->error = pin->error;
		ankus_assign_str(reason, pin->reason ?: "");
	),
	TP_printk(ANKUS_TRACE_FORMAT " kind=%s bin=%d result=%s error=%d reason=%s",
		  ANKUS_TRACE_ARGS,
		  __print_symbolic(__entry->kind, ANKUS_TRACE_KINDS),
		  __entry->bin,
		  __print_symbolic(__entry->result, ANKUS_TRACE_PIN_STATES),
		  __entry->error, __get_str(reason))
);

#endif /* ANKUS_TRACE_H */

/* Found by -I of the root of the tree, as the names here have no others there */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH kmod
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
