// SPDX-License-Identifier: GPL-2.0
/*
 * Placement.
 *
 * A new flow goes to the bin with the least relative load after adding it:
 * list scheduling (Graham 1969), and when the caller hands flows over in
 * falling order of rate, the LPT rule with its bound of 4/3.  Rebalancing
 * looks for the one move out of the fullest bin that lowers the maximum most;
 * when none does, for the one exchange of two flows, which single moves cannot
 * reach once all bins are within one flow of each other.  Rates are measured,
 * so what depends on an eighth of a flow's rate or less is left alone: else
 * flows would follow the noise to and fro.
 *
 * A relative load is load * 2^20 / capacity: with loads below 2^43 bit/s this
 * stays within 64 bits and resolves a millionth of the capacity.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "place.h"

#define PLACE_LOAD_MAX BIT_ULL(43)
#define PLACE_EXCHANGE_ITEMS 1024
#define PLACE_NOISE_SHIFT 3

static u64 place_relative(const struct ankus_bin *bin, u64 load_bps)
{
	return div64_u64(min_t(u64, load_bps, PLACE_LOAD_MAX) << 20,
			 bin->capacity_bps);
}

static u64 place_less(u64 load_bps, u64 rate_bps)
{
	return load_bps > rate_bps ? load_bps - rate_bps : 0;
}

/**
 * ankus_place_prepare() - make capacities comparable
 * @bins: the bins
 * @n: how many
 *
 * When the capacity of a usable bin is unknown, all count as equal.  To be
 * called before the other functions.
 *
 * Context: Any.
 */
void ankus_place_prepare(struct ankus_bin *bins, unsigned int n)
{
	bool unknown = false;
	unsigned int i;

	for (i = 0; i < n; i++)
		unknown |= bins[i].usable && !bins[i].capacity_bps;
	for (i = 0; i < n; i++) {
		if (unknown || !bins[i].capacity_bps)
			bins[i].capacity_bps = 1000000000;
		/* keeps all quotients here in 64 bits: x86 traps otherwise */
		bins[i].capacity_bps = clamp_t(u64, bins[i].capacity_bps, 1000,
					       PLACE_LOAD_MAX);
	}
}

/**
 * ankus_place_new() - choose the bin of a new flow
 * @bins: the bins, prepared; their loads do not contain the flow
 * @n: how many
 * @item: the flow; its bin is where it runs now and is kept when it is as good
 *	as any, ``n`` or more when that is not known
 *
 * Context: Any.
 * Return: index of the bin, or -1 when the flow is allowed on no usable bin.
 */
int ankus_place_new(const struct ankus_bin *bins, unsigned int n,
		    const struct ankus_item *item)
{
	u64 best_load = U64_MAX;
	unsigned int i;
	int best = -1;

	for (i = 0; i < n; i++) {
		u64 load;

		if (!bins[i].usable || !item->allowed(item->flow, i))
			continue;
		load = place_relative(&bins[i],
				      bins[i].load_bps + item->rate_bps);
		if (load < best_load || (load == best_load && i == item->bin)) {
			best_load = load;
			best = i;
		}
	}
	return best;
}

static int place_fullest(const struct ankus_bin *bins, unsigned int n,
			 u64 *load, u64 *mean)
{
	u64 total = 0, capacity = 0;
	unsigned int i;
	int max = -1;

	*load = 0;
	for (i = 0; i < n; i++) {
		u64 relative = place_relative(&bins[i], bins[i].load_bps);

		if (!bins[i].usable)
			continue;
		total += min_t(u64, bins[i].load_bps, PLACE_LOAD_MAX);
		capacity += bins[i].capacity_bps;
		if (max < 0 || relative > *load) {
			max = i;
			*load = relative;
		}
	}
	*mean = capacity ? mul_u64_u64_div_u64(total, 1 << 20, capacity) : 0;
	return max;
}

/**
 * ankus_place_rebalance() - choose a move that lowers the fullest bin
 * @bins: the bins, prepared; their loads contain the items
 * @n: how many
 * @items: flows that may be moved now
 * @n_items: how many
 * @tolerance_permille: the gain must be more than this part of the mean load
 * @moves: filled in; two moves are one exchange
 *
 * Context: Any.
 * Return: number of moves, 0 when the load is spread as well as it can be.
 */
unsigned int ankus_place_rebalance(const struct ankus_bin *bins, unsigned int n,
				   const struct ankus_item *items,
				   unsigned int n_items,
				   unsigned int tolerance_permille,
				   struct ankus_move moves[ANKUS_MOVES_MAX])
{
	u64 load, mean, best, goal;
	unsigned int count = 0;
	unsigned int i, j, to;
	int from;

	from = place_fullest(bins, n, &load, &mean);
	if (from < 0)
		return 0;
	goal = mul_u64_u64_div_u64(mean, tolerance_permille, 1000);
	if (load <= mean + goal)
		return 0;
	best = load - goal;

	for (i = 0; i < n_items; i++) {
		const struct ankus_item *item = &items[i];
		u64 left, noise;

		if (item->bin != from)
			continue;
		left = place_relative(&bins[from],
				      place_less(bins[from].load_bps,
						 item->rate_bps));
		noise = place_relative(&bins[from],
				       item->rate_bps >> PLACE_NOISE_SHIFT);
		for (to = 0; to < n; to++) {
			u64 after;

			if (to == from || !bins[to].usable ||
			    !item->allowed(item->flow, to))
				continue;
			after = place_relative(&bins[to], bins[to].load_bps +
						item->rate_bps);
			after = max(after, left);
			if (after < best && after + noise < load) {
				best = after;
				moves[0] = (struct ankus_move){ i, to };
				count = 1;
			}
		}
	}
	/* With very many flows single moves get close, and pairs are too many */
	if (count || n_items > PLACE_EXCHANGE_ITEMS)
		return count;

	for (i = 0; i < n_items; i++) {
		const struct ankus_item *a = &items[i];
		u64 most = a->rate_bps - (a->rate_bps >> PLACE_NOISE_SHIFT);

		if (a->bin != from)
			continue;
		for (j = 0; j < n_items; j++) {
			const struct ankus_item *b = &items[j];
			u64 after_a, after_b;

			to = b->bin;
			if (to == from || to >= n || !bins[to].usable ||
			    b->rate_bps >= most ||
			    !a->allowed(a->flow, to) ||
			    !b->allowed(b->flow, from))
				continue;
			after_a = place_relative(&bins[to],
						 place_less(bins[to].load_bps,
							    b->rate_bps) +
						 a->rate_bps);
			after_b = place_relative(&bins[from],
						 place_less(bins[from].load_bps,
							    a->rate_bps) +
						 b->rate_bps);
			after_a = max(after_a, after_b);
			if (after_a < best) {
				best = after_a;
				moves[0] = (struct ankus_move){ i, to };
				moves[1] = (struct ankus_move){ j, from };
				count = 2;
			}
		}
	}
	return count;
}

/**
 * ankus_place_imbalance() - how unevenly the bins are loaded
 * @bins: the bins, prepared
 * @n: how many
 *
 * Context: Any.
 * Return: relative load of the fullest usable bin / that of all usable bins
 * together, in thousandths; 0 when there is no load.
 */
u32 ankus_place_imbalance(const struct ankus_bin *bins, unsigned int n)
{
	u64 load, mean;

	if (place_fullest(bins, n, &load, &mean) < 0 || !mean)
		return 0;
	return min_t(u64, mul_u64_u64_div_u64(load, 1000, mean), U32_MAX);
}
