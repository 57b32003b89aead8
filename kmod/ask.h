/* SPDX-License-Identifier: GPL-2.0 */
/* What a rule asks for beside steering, of the flows that are sent. */
#ifndef ANKUS_ASK_H
#define ANKUS_ASK_H

#include <linux/bits.h>
#include <linux/types.h>
#include <uapi/linux/ankus.h>

/* How many actions there are */
#define ANKUS_ACTIONS (ANKUS_ACTION_REPATH + 1)

/* A pace below this would let a large packet wait for a minute */
#define ANKUS_PACE_MIN_BPS 8000

/**
 * struct ankus_ask - the actions that a rule asks for
 * @pace_bps: the most that TCP is to send
 * @priority: of packets
 * @mark: bits to set in marks, none outside of @mark_mask
 * @mark_mask: which bits are set
 * @dscp: of packets
 * @what: a bit for each enum ankus_action that is asked for; the others' values
 *	are 0
 */
struct ankus_ask {
	u64 pace_bps;
	u32 priority;
	u32 mark;
	u32 mark_mask;
	u8 dscp;
	u8 what;
};

/**
 * ankus_asks() - is an action asked for?
 * @ask: what is asked for
 * @action: the action
 *
 * Context: Any.
 * Return: true if so.
 */
static inline bool ankus_asks(const struct ankus_ask *ask,
			      enum ankus_action action)
{
	return ask->what & BIT(action);
}

/**
 * ankus_ask_equal() - is the same asked for?
 * @a: one
 * @b: the other
 *
 * Context: Any.
 * Return: true if so.
 */
static inline bool ankus_ask_equal(const struct ankus_ask *a,
				   const struct ankus_ask *b)
{
	return a->what == b->what && a->pace_bps == b->pace_bps &&
	       a->priority == b->priority && a->mark == b->mark &&
	       a->mark_mask == b->mark_mask && a->dscp == b->dscp;
}

/**
 * ankus_mark_set() - set some bits of a mark
 * @mark: the mark
 * @value: where the bits are taken from
 * @mask: which ones
 *
 * Context: Any.
 * Return: the mark with these bits.
 */
static inline u32 ankus_mark_set(u32 mark, u32 value, u32 mask)
{
	return (mark & ~mask) | (value & mask);
}

#endif /* ANKUS_ASK_H */
