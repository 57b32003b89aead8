// SPDX-License-Identifier: GPL-2.0
/*
 * Why flows move, what they waited for, and how they fare afterwards.
 *
 * The one who puts a pin into force notes what is known at that moment.  What
 * comes of it a local TCP socket tells: it is read when the move is wanted, again
 * in each look while that waits, and once more a while after it was seen.
 */
#include <linux/in.h>

#include "move.h"
#include "tcp.h"

/* What a move does shows in so much time, some round trips of most networks */
#define MOVE_WATCH_NS NSEC_PER_SEC

/**
 * ankus_move_since() - since when has a bin been waited for?
 * @pin: the pin
 * @bin: the bin that is wanted
 *
 * Context: Any.
 * Return: time in ns.
 */
u64 ankus_move_since(const struct ankus_pin *pin, int bin)
{
	u64 wanted = READ_ONCE(pin->wanted_ns);

	/* one that failed meanwhile was in force until then */
	if (bin != ANKUS_NO_BIN && bin == READ_ONCE(pin->left))
		return max(wanted, READ_ONCE(pin->left_ns));
	return wanted;
}

/**
 * ankus_move_made() - note why and how a pin comes into force
 * @pin: the pin, its new bin not yet in force
 * @bin: that bin
 * @safe: what made it safe
 * @now_ns: time
 *
 * Should another bin be asked for at that very moment, its reason may be noted.
 *
 * Context: Ingress or egress hook; for RX queues under rtnl.
 */
void ankus_move_made(struct ankus_pin *pin, int bin,
		     enum ankus_safe_point safe, u64 now_ns)
{
	int last = READ_ONCE(pin->to);
	u64 since = ankus_move_since(pin, bin);

	WRITE_ONCE(pin->waited_ns, now_ns > since ? now_ns - since : 0);
	WRITE_ONCE(pin->went_why, bin == last ? ANKUS_MOVE_REASON_RESTORED :
						READ_ONCE(pin->why));
	WRITE_ONCE(pin->went_by, safe);
	WRITE_ONCE(pin->from, last);
	WRITE_ONCE(pin->to, bin);
}

/**
 * ankus_move_wanted() - note how a flow fares before it is moved
 * @pin: its pin
 * @now_ns: time
 *
 * While what came of the move before is still watched, the two are taken together.
 *
 * Context: Process, under ankus_net::lock.
 */
void ankus_move_wanted(struct ankus_pin *pin, u64 now_ns)
{
	struct ankus_flow *flow = ankus_pin_flow(pin);
	struct ankus_watch *watch = &pin->watch;

	if (watch->due_ns)
		return;
	watch->over_ns = 0;
	watch->before_ns = ankus_tcp_mark(&watch->before, ankus_flow_dev(flow),
					  flow) ? now_ns : 0;
}

/**
 * ankus_move_seen() - a pin was seen to have come into force
 * @ad: the device
 * @pin: the pin
 * @moves: how many of the times that it did were moves
 * @now_ns: time
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_move_seen(struct ankus_dev *ad, struct ankus_pin *pin, u32 moves,
		     u64 now_ns)
{
	struct ankus_watch *watch = &pin->watch;

	ad->count[ANKUS_MOVES] += moves;
	ad->count[ANKUS_MOVES_BY + READ_ONCE(pin->went_why)] += moves;
	watch->over_ns = 0;
	if (watch->before_ns)
		watch->due_ns = now_ns + MOVE_WATCH_NS;
}

static int move_over(struct ankus_dev *ad, struct ankus_pin *pin, u64 now_ns)
{
	struct ankus_watch *watch = &pin->watch;

	ad->count[ANKUS_WATCHED]++;
	ad->count[ANKUS_WATCHED_RETRANSMITS] += watch->after.retransmits;
	ad->count[ANKUS_WATCHED_REORD_SEEN] += watch->after.reord_seen;
	ad->count[ANKUS_WATCHED_OUT_OF_ORDER] += watch->after.rcv_out_of_order;
	watch->over_ns = now_ns - watch->before_ns;
	return pin->from == ANKUS_NO_BIN ? -1 : ANKUS_EVENT_FLOW_AFTER_MOVE;
}

/**
 * ankus_move_look() - look at the socket of a flow that moves, or has moved
 * @ad: the device
 * @pin: its pin
 * @now_ns: time
 * @reads: how many sockets may be looked at; the others wait
 *
 * Context: Control loop, under ankus_net::lock.
 * Return: enum ankus_event when there is something to tell, else -1.
 */
int ankus_move_look(struct ankus_dev *ad, struct ankus_pin *pin, u64 now_ns,
		    unsigned int *reads)
{
	const struct ankus_flow *flow = ankus_pin_flow(pin);
	struct ankus_watch *watch = &pin->watch;
	bool waits = pin->want != ANKUS_NO_BIN &&
		     pin->want != READ_ONCE(pin->have);
	bool unseen = READ_ONCE(pin->switches) != pin->seen_switches;
	struct ankus_tcp_marks now;
	int event = -1;
	bool known;

	if (flow->key.proto != IPPROTO_TCP || !*reads)
		return -1;
	if (watch->due_ns ? now_ns < watch->due_ns : !waits)
		return -1;
	--*reads;
	known = ankus_tcp_mark(&now, ad, flow);
	if (watch->due_ns) {
		if (known && ankus_tcp_since(&watch->after, &watch->before, &now))
			event = move_over(ad, pin, now_ns);
		watch->due_ns = 0;
		watch->before_ns = 0;
		/* the next move, if there is one, is watched from here on */
		if (!waits && !unseen)
			return event;
	} else if (unseen) {
		return event;
	}
	watch->before = now;
	watch->before_ns = known ? now_ns : 0;
	return event;
}
