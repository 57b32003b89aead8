// SPDX-License-Identifier: GPL-2.0
/* RX queues as bins, and the proof of their pins: the same for every backend. */
#include "compat.h"
#include "rule.h"
#include "rx_queue.h"

/**
 * ankus_rx_queue_bins() - the RX queues of a device, as bins
 * @ad: the device
 *
 * Context: Under ankus_net::lock.
 * Return: how many there are.
 */
unsigned int ankus_rx_queue_bins(struct ankus_dev *ad)
{
	struct ankus_bin *bins = ad->bins[ANKUS_PIN_RXQ];
	unsigned int i, n;

	n = min(READ_ONCE(ad->netdev->real_num_rx_queues), ad->bins_max);
	for (i = 0; i < n; i++)
		bins[i] = (struct ankus_bin) {
			.usable = ankus_queues_has(&ad->cfg.rx, i),
		};
	return n;
}

/**
 * ankus_rx_queue_allowed() - is a queue open to a flow?
 * @arg: the flow
 * @bin: the queue
 *
 * Context: Under ankus_net::lock.
 * Return: true unless the flow's rule names others.
 */
bool ankus_rx_queue_allowed(const void *arg, unsigned int bin)
{
	const struct ankus_flow *flow = arg;

	return !flow->rule || ankus_queues_has(&flow->rule->rx, bin);
}

/**
 * ankus_rx_queue_dead() - is there no such queue any more?
 * @ad: the device
 * @bin: the queue
 *
 * Context: Any.
 * Return: true if there is none.
 */
bool ankus_rx_queue_dead(const struct ankus_dev *ad, unsigned int bin)
{
	return bin >= READ_ONCE(ad->netdev->real_num_rx_queues);
}

/**
 * ankus_rx_queue_verify() - do the packets of a flow arrive where they should?
 * @ad: the device
 * @flow: the flow
 * @pin: its RX pin, in force
 *
 * Context: Under ankus_net::lock.
 * Return: the verdict on what came since the last one.
 */
enum ankus_proof ankus_rx_queue_verify(struct ankus_dev *ad,
				       struct ankus_flow *flow,
				       struct ankus_pin *pin)
{
	u64 bytes = atomic64_read(&flow->bytes);
	int have = READ_ONCE(pin->have);
	int seen = READ_ONCE(flow->seen_bin);
	u32 napi = READ_ONCE(flow->seen_napi);
	u32 changes = READ_ONCE(flow->seen_changes);
	u64 since = pin->proof_sent;
	unsigned int want_napi;
	bool same;

	/* Each look wants news; the first only starts the count */
	if (since && bytes - since < ANKUS_PROOF_BYTES)
		return ANKUS_PROOF_NONE;
	same = changes == (u32)pin->proof_bytes;
	pin->proof_sent = bytes;
	pin->proof_bytes = changes;
	if (!since)
		return ANKUS_PROOF_NONE;
	/* What comes by several queues may come by the right one now and then */
	if (!same)
		return ANKUS_PROOF_AGAINST;
	if (seen != ANKUS_NO_BIN)
		return seen == have ? ANKUS_PROOF_FOR : ANKUS_PROOF_AGAINST;

	/* The driver records no queue: is it the NAPI of the queue? */
	if (ankus_rx_queue_dead(ad, have))
		return ANKUS_PROOF_NONE;
	want_napi = ankus_rxq_napi_id(ad->netdev, have);
	if (!napi || !want_napi)
		return ANKUS_PROOF_NONE;
	return napi == want_napi ? ANKUS_PROOF_FOR : ANKUS_PROOF_AGAINST;
}
