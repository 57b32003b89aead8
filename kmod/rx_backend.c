// SPDX-License-Identifier: GPL-2.0
/*
 * Which backend a received flow is tried with.
 *
 * Each flow goes through those that its device has, one after the other, until
 * one is not refused and not without effect.  What fails for several flows of
 * a type and never worked for one is tried last for a while.
 */
#include <linux/in.h>
#include <linux/rtnetlink.h>

#include "rx_rss.h"
#include "steer.h"

/* Flows in a row after which a backend is put last, and for how long at first */
#define RX_FAILURES_MAX		3
#define RX_WAIT_NS		(30 * NSEC_PER_SEC)
/* That doubles so many times */
#define RX_WAIT_SHIFT		6

/* In the order in which backend auto tries them */
static const struct ankus_backend_ops *const rx_backends[] = {
	&ankus_rx_ntuple_ops,
	&ankus_rx_rss_ops,
};

/**
 * ankus_flow_type_bit() - the type of a flow
 * @key: its key
 *
 * Context: Any.
 * Return: number of its bit in enum ankus_flow_type.
 */
unsigned int ankus_flow_type_bit(const struct ankus_key *key)
{
	BUILD_BUG_ON(ANKUS_FLOW_TYPE_SCTP6 != 1 << (ANKUS_FLOW_TYPES - 1));

	return (key->proto == IPPROTO_TCP ? 0 : key->proto == IPPROTO_UDP ? 1 : 2) +
	       (key->family == AF_INET ? 0 : 3);
}

/**
 * ankus_steer_probe_rx() - find out which receive backends a device has
 * @ad: the device
 *
 * What was learned of them is forgotten: the device may have changed.
 *
 * Context: Under rtnl, without ankus_net::lock, not in a notifier.
 */
void ankus_steer_probe_rx(struct ankus_dev *ad)
{
	const char *reasons[ANKUS_RX_BACKENDS] = {};
	const struct ankus_backend_ops *ops = NULL;
	const char *reason = ad->cfg.backend == ANKUS_BACKEND_CPU ?
			     "backend cpu" : "backend none";
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(rx_backends) != ANKUS_RX_BACKENDS);
	ASSERT_RTNL();

	ankus_rx_rss_discover(ad);
	for (i = 0; i < ANKUS_RX_BACKENDS; i++) {
		bool named = ad->cfg.backend == rx_backends[i]->id;

		if (!named && ad->cfg.backend != ANKUS_BACKEND_AUTO)
			reasons[i] = "another backend was asked for";
		else if (!rx_backends[i]->probe(ad, &reasons[i]))
			reasons[i] = NULL;
		if (!reasons[i] && !ops)
			ops = rx_backends[i];
		/* of several, what the best one lacks */
		if (named || (!i && ad->cfg.backend == ANKUS_BACKEND_AUTO))
			reason = reasons[i];
	}
	mutex_lock(&ad->an->lock);
	for (i = 0; i < ANKUS_RX_BACKENDS; i++)
		ad->rx.backend[i] = (struct ankus_rx_backend) {
			.ops = rx_backends[i],
			.reason = reasons[i],
		};
	ad->rx.ops = ops;
	ad->rx.reason = ops ? NULL : reason;
	mutex_unlock(&ad->an->lock);
}

/**
 * ankus_rx_order() - the backends that a flow is to be tried with
 * @ad: the device
 * @flow: a flow of it, with a control part
 * @now_ns: time
 * @order: set to their numbers, the first one first
 *
 * Context: Under ankus_net::lock.
 * Return: how many there are.
 */
unsigned int ankus_rx_order(const struct ankus_dev *ad,
			    const struct ankus_flow *flow, u64 now_ns,
			    u8 order[ANKUS_RX_BACKENDS])
{
	unsigned int type = ankus_flow_type_bit(&flow->key);
	unsigned int i, n = 0, last;

	for (last = 0; last < 2; last++) {
		for (i = 0; i < ANKUS_RX_BACKENDS; i++) {
			const struct ankus_rx_backend *b = &ad->rx.backend[i];
			bool put_last = now_ns < b->type[type].retry_ns;

			if (b->ops && !b->reason && put_last == last &&
			    !(flow->ctl->rx.tried & BIT(i)))
				order[n++] = i;
		}
	}
	return n;
}

/**
 * ankus_rx_index() - number of a backend
 * @ad: the device
 * @ops: the backend
 *
 * Context: Under ankus_net::lock or rtnl.
 * Return: its number, or -1.
 */
int ankus_rx_index(const struct ankus_dev *ad,
		   const struct ankus_backend_ops *ops)
{
	int i;

	for (i = 0; i < ANKUS_RX_BACKENDS; i++)
		if (ad->rx.backend[i].ops == ops)
			return i;
	return -1;
}

/**
 * ankus_rx_usable() - is a backend of use for the device now?
 * @ad: the device
 * @ops: the backend
 *
 * Context: Under ankus_net::lock or rtnl.
 * Return: true if so.
 */
bool ankus_rx_usable(const struct ankus_dev *ad,
		     const struct ankus_backend_ops *ops)
{
	int n = ankus_rx_index(ad, ops);

	return n >= 0 && !ad->rx.backend[n].reason;
}

/**
 * ankus_rx_failed() - a backend did not do for a flow
 * @ad: the device
 * @flow: the flow
 * @n: number of the backend
 * @reason: why, a string constant
 * @error: errno of a refusal, negative, or 0 when it had no effect
 * @now_ns: time
 *
 * Context: Under ankus_net::lock.
 */
void ankus_rx_failed(struct ankus_dev *ad, struct ankus_flow *flow,
		     unsigned int n, const char *reason, int error, u64 now_ns)
{
	unsigned int bit = ankus_flow_type_bit(&flow->key);
	struct ankus_rx_type *type = &ad->rx.backend[n].type[bit];
	struct ankus_rx_try *try = &flow->ctl->rx;

	lockdep_assert_held(&ad->an->lock);

	try->tried |= BIT(n);
	try->failed[n] = (struct ankus_rx_failure) {
		.reason = reason,
		.error = -error,
	};
	/* no room, or a driver in trouble, says nothing about the type */
	if ((error && error != -EOPNOTSUPP && error != -EINVAL) || type->works)
		return;
	if (++type->failures < RX_FAILURES_MAX)
		return;
	type->failures = 0;
	type->retry_ns = now_ns + (RX_WAIT_NS << type->waits);
	if (type->waits < RX_WAIT_SHIFT)
		type->waits++;
}

/**
 * ankus_rx_works() - a flow was seen to be steered by its backend
 * @ad: the device
 * @flow: the flow
 *
 * Context: Under ankus_net::lock.
 */
void ankus_rx_works(struct ankus_dev *ad, struct ankus_flow *flow)
{
	const struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];
	unsigned int bit = ankus_flow_type_bit(&flow->key);
	int n = ankus_rx_index(ad, pin->by);

	lockdep_assert_held(&ad->an->lock);

	if (n < 0)
		return;
	ad->rx.backend[n].type[bit] = (struct ankus_rx_type) { .works = true };
	flow->ctl->rx.failed[n] = (struct ankus_rx_failure) {};
}

/**
 * ankus_rx_next() - what is installed has no effect: is there another way?
 * @ad: the device
 * @flow: the flow, its RX pin not in the hands of the steer work
 * @reason: how it is known, a string constant
 * @now_ns: time
 *
 * Context: Under ankus_net::lock.
 * Return: true if another backend is about to be tried.
 */
bool ankus_rx_next(struct ankus_dev *ad, struct ankus_flow *flow,
		   const char *reason, u64 now_ns)
{
	struct ankus_pin *pin = &flow->ctl->pin[ANKUS_PIN_RXQ];
	int n = ankus_rx_index(ad, pin->by);
	u8 order[ANKUS_RX_BACKENDS];

	if (!pin->installed || n < 0)
		return false;
	ankus_rx_failed(ad, flow, n, reason, 0, now_ns);
	flow->ctl->rx.swap = ankus_rx_order(ad, flow, now_ns, order);
	return flow->ctl->rx.swap;
}
