// SPDX-License-Identifier: GPL-2.0
/*
 * How evenly the traffic of a device spreads over its queues and links.
 *
 * While the control loop measures the flows, they are added up here: their
 * entropy by direction and the load of each queue.  From that follow the
 * imbalance there is and the one that hashing would be expected to give.
 *
 * Shares are those of the last half second (ankus_rate::fast_bps): what no
 * tracked flow carries is a difference of averages, and a flow that ended would
 * remain in it for as long as they reach back.  Loads are those that flows are
 * placed by (slow_bps), and add up to what "flow show" says.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "balance.h"
#include "link.h"

/* What is not tracked is noise of the measurement below this part of all */
#define BALANCE_NOISE_SHIFT	6
/* One kind of bin has its expected imbalance computed so often at most */
#define BALANCE_EXPECT_NS	NSEC_PER_SEC

/**
 * ankus_balance_alloc() - make room for the figures of a device
 * @bins_max: most queues or links of a kind
 *
 * Context: May sleep.
 * Return: the figures, all 0, to be freed by kvfree(); NULL without memory.
 */
struct ankus_balance *ankus_balance_alloc(unsigned int bins_max)
{
	size_t queues = array_size(bins_max, sizeof(struct ankus_queue_load));
	size_t bins = array_size(bins_max, sizeof(struct ankus_bin));
	size_t loads = array_size(bins_max, sizeof(s64));
	struct ankus_balance *balance;
	unsigned int dir;
	void *room;

	/* one allocation, the arrays behind the structure */
	balance = kvzalloc(sizeof(*balance) + 2 * ANKUS_DIRS * queues + bins +
			   loads, GFP_KERNEL_ACCOUNT);
	if (!balance)
		return NULL;
	room = balance + 1;
	for (dir = 0; dir < ANKUS_DIRS; dir++) {
		balance->traffic[dir].sums = room;
		balance->traffic[dir].queues = room + queues;
		room += 2 * queues;
	}
	balance->bins = room;
	balance->loads = room + bins;
	return balance;
}

/**
 * ankus_balance_queues() - the queues that a device has now
 * @ad: the device
 * @dir: RX or TX queues
 *
 * Context: Any.
 * Return: their number, as many as figures are kept of.
 */
unsigned int ankus_balance_queues(const struct ankus_dev *ad,
				  enum ankus_dir dir)
{
	return min(dir == ANKUS_DIR_IN ?
		   READ_ONCE(ad->netdev->real_num_rx_queues) :
		   READ_ONCE(ad->netdev->real_num_tx_queues), ad->bins_max);
}

/**
 * ankus_balance_bins() - over what the flows of a direction are to spread
 * @ad: the device
 * @dir: direction
 *
 * Context: Under ankus_net::lock.
 * Return: number of links if there are any and the flows are sent, else of
 * queues; of those that elephants may be given.
 */
unsigned int ankus_balance_bins(const struct ankus_dev *ad, enum ankus_dir dir)
{
	const struct ankus_bin_balance *kind = ad->balance->kind;

	if (dir == ANKUS_DIR_IN)
		return kind[ANKUS_PIN_RXQ].n_bins;
	return kind[ANKUS_PIN_LINK].n_bins ?: kind[ANKUS_PIN_TXQ].n_bins;
}

/**
 * ankus_balance_begin() - begin to add up the flows
 * @ad: the device
 * @last: time of the last measurement in ns
 * @now: time in ns
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_balance_begin(struct ankus_dev *ad, u64 last, u64 now)
{
	unsigned int dir;

	for (dir = 0; dir < ANKUS_DIRS; dir++) {
		struct ankus_traffic *traffic = &ad->balance->traffic[dir];
		u64 bytes = ankus_dev_stat(ad, dir == ANKUS_DIR_IN ?
					       ANKUS_RX_BYTES : ANKUS_TX_BYTES);

		/* before the flows are read, whose sum is not to be less then */
		ankus_rate_update(&traffic->rate, bytes - traffic->read_bytes,
				  now - last);
		traffic->read_bytes = bytes;
		traffic->tracked_bps = 0;
		ankus_entropy_init(&traffic->shares);
		traffic->pair_bps = 0;
		ankus_entropy_init(&traffic->pair_shares);
		ankus_mix_init(&traffic->mix);
		memset(traffic->sums, 0, ad->bins_max * sizeof(*traffic->sums));
	}
}

/**
 * ankus_balance_add() - add a flow
 * @ad: the device
 * @flow: the flow, measured
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_balance_add(struct ankus_dev *ad, const struct ankus_flow *flow)
{
	struct ankus_traffic *traffic = &ad->balance->traffic[flow->key.dir];
	unsigned int kind = flow->key.dir == ANKUS_DIR_IN ? ANKUS_PIN_RXQ :
							    ANKUS_PIN_TXQ;
	int want = flow->ctl ? flow->ctl->pin[kind].want : ANKUS_NO_BIN;
	int bin = want == ANKUS_NO_BIN ? READ_ONCE(flow->seen_bin) : want;
	u64 rate_bps = ankus_rate_recent(&flow->rate);

	traffic->tracked_bps += rate_bps;
	ankus_entropy_add(&traffic->shares, rate_bps);
	ankus_mix_add(&traffic->mix, rate_bps);

	if (bin < 0 || bin >= ad->bins_max)
		return;
	traffic->sums[bin].load_bps += flow->rate.slow_bps;
	if (want != ANKUS_NO_BIN) {
		traffic->sums[bin].pinned_bps += flow->rate.slow_bps;
		traffic->sums[bin].pinned++;
	}
}

/**
 * ankus_balance_add_pair() - add a pair
 * @ad: the device
 * @pair: the pair, measured
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_balance_add_pair(struct ankus_dev *ad, const struct ankus_pair *pair)
{
	struct ankus_traffic *traffic = &ad->balance->traffic[pair->key.dir];
	u64 rate_bps = ankus_rate_recent(&pair->rate);

	traffic->pair_bps += rate_bps;
	ankus_entropy_add(&traffic->pair_shares, rate_bps);
}

static void balance_pairs(struct ankus_traffic *traffic, u64 largest_bps)
{
	u64 all = ankus_rate_recent(&traffic->rate);
	u64 rest = all - min(all, traffic->pair_bps);

	if (rest > all >> BALANCE_NOISE_SHIFT)
		ankus_entropy_add_rest(&traffic->pair_shares, rest,
				       largest_bps);
	/* what is not known may be cut into more pairs than flows */
	traffic->effective_millipairs =
		min(ankus_entropy_effective(&traffic->pair_shares),
		    traffic->effective_milliflows);
}

static void balance_shares(struct ankus_traffic *traffic, u64 largest_bps)
{
	u64 all = ankus_rate_recent(&traffic->rate);
	u64 rest = all - min(all, traffic->tracked_bps);

	if (rest > all >> BALANCE_NOISE_SHIFT) {
		ankus_entropy_add_rest(&traffic->shares, rest, largest_bps);
		ankus_mix_add_rest(&traffic->mix, rest, largest_bps);
	}
	traffic->entropy_millibits =
		DIV_ROUND_CLOSEST_ULL(ankus_entropy_bits(&traffic->shares) *
				      1000ULL, ANKUS_LOG_ONE);
	traffic->evenness_permille = ankus_entropy_evenness(&traffic->shares);
	traffic->effective_milliflows =
		ankus_entropy_effective(&traffic->shares);
	swap(traffic->queues, traffic->sums);
}

/* Fills ankus_balance::bins; returns how many */
static unsigned int balance_fill(struct ankus_dev *ad, unsigned int kind)
{
	enum ankus_dir dir = kind == ANKUS_PIN_RXQ ? ANKUS_DIR_IN : ANKUS_DIR_OUT;
	const struct ankus_queues *open = kind == ANKUS_PIN_RXQ ? &ad->cfg.rx :
								  &ad->cfg.tx;
	struct ankus_bin *bins = ad->balance->bins;
	unsigned int i, n;

	if (kind == ANKUS_PIN_LINK) {
		for (i = 0; i < ANKUS_LINKS_MAX; i++) {
			struct ankus_link *link = ankus_link_slot(ad, i);

			bins[i] = (struct ankus_bin){ .usable = false };
			if (!link)
				continue;
			/* all that it sends, not just what is pinned to it */
			bins[i].load_bps = link->rate.fast_bps;
			bins[i].capacity_bps = link->capacity_bps ?:
					       link->speed_bps;
			bins[i].usable = link->usable;
		}
		return ANKUS_LINKS_MAX;
	}
	n = ankus_balance_queues(ad, dir);
	for (i = 0; i < n; i++)
		bins[i] = (struct ankus_bin){
			.load_bps = ad->balance->traffic[dir].queues[i].load_bps,
			.usable = ankus_queues_has(open, i),
		};
	return n;
}

static void balance_actual(struct ankus_dev *ad, unsigned int kind)
{
	struct ankus_bin_balance *of = &ad->balance->kind[kind];
	unsigned int i, n = balance_fill(ad, kind);

	of->n_bins = 0;
	for (i = 0; i < n; i++)
		of->n_bins += ad->balance->bins[i].usable;
	ankus_place_prepare(ad->balance->bins, n);
	of->actual_permille = ankus_place_imbalance(ad->balance->bins, n);
}

/*
 * One kind of bin a run, and each once a second at most: that takes a few
 * tenths of a ms, some 2 ms with 1024 queues.
 */
static void balance_expect(struct ankus_balance *balance, u64 now)
{
	struct ankus_bin_balance *of = &balance->kind[balance->turn];
	enum ankus_dir dir = balance->turn == ANKUS_PIN_RXQ ? ANKUS_DIR_IN :
							      ANKUS_DIR_OUT;

	if (of->expected_ns && now - of->expected_ns < BALANCE_EXPECT_NS)
		return;
	of->expected_ns = now;
	of->expected_permille = ankus_mix_imbalance(&balance->traffic[dir].mix,
						    of->n_bins, balance->loads);
	balance->turn = (balance->turn + 1) % ANKUS_BALANCE_KINDS;
}

/*
 * Are there too few flows in effect for the bins?  An eighth more than enough
 * is asked for to end that, and a quarter less traffic; and each has to last,
 * as with elephants.
 */
static bool balance_low(const struct ankus_dev *ad, enum ankus_dir dir)
{
	const struct ankus_traffic *traffic = &ad->balance->traffic[dir];
	u64 bins = ankus_balance_bins(ad, dir);
	u64 limit = ad->cfg.low_entropy_permille * bins;
	u64 rate_bps = ad->cfg.rate_bps;

	if (traffic->low) {
		limit += limit / 8;
		rate_bps -= rate_bps / 4;
	}
	/* nothing to spread: one bin, or less than an elephant */
	return bins > 1 && traffic->rate.fast_bps >= rate_bps &&
	       traffic->effective_milliflows < limit;
}

static void balance_judge(struct ankus_dev *ad, enum ankus_dir dir, u64 now,
			  ankus_balance_event_t event)
{
	struct ankus_traffic *traffic = &ad->balance->traffic[dir];
	u32 wait_ms = traffic->low ? ad->cfg.release_ms : ad->cfg.hold_ms;

	if (balance_low(ad, dir) == traffic->low) {
		traffic->low_ns = 0;
		return;
	}
	if (!traffic->low_ns)
		traffic->low_ns = now;
	if (now - traffic->low_ns < wait_ms * NSEC_PER_MSEC)
		return;
	traffic->low = !traffic->low;
	traffic->low_ns = 0;
	event(ad, dir, traffic->low ? ANKUS_EVENT_LOW_ENTROPY :
				      ANKUS_EVENT_ENTROPY_NORMAL);
}

/**
 * ankus_balance_end() - all flows were added
 * @ad: the device
 * @largest_bps: a flow that is not tracked has no more
 * @now: time in ns
 * @event: told when the effective flows get too few, or enough again
 *
 * Context: Control loop, under ankus_net::lock.
 */
void ankus_balance_end(struct ankus_dev *ad, u64 largest_bps, u64 now,
		       ankus_balance_event_t event)
{
	unsigned int dir, kind;

	for (dir = 0; dir < ANKUS_DIRS; dir++) {
		balance_shares(&ad->balance->traffic[dir], largest_bps);
		balance_pairs(&ad->balance->traffic[dir], largest_bps);
	}
	for (kind = 0; kind < ANKUS_BALANCE_KINDS; kind++)
		balance_actual(ad, kind);
	balance_expect(ad->balance, now);
	for (dir = 0; dir < ANKUS_DIRS; dir++)
		balance_judge(ad, dir, now, event);
}
