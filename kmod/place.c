// SPDX-License-Identifier: GPL-2.0
/*
 * Placement.
 *
 * A new flow goes to the bin with the least relative load after adding it:
 * list scheduling (Graham 1969), and when the caller hands flows over in
 * falling order of rate, the LPT rule with its bound of 4/3.  Among bins that
 * are as good but for noise, it goes where there is least of its groups: so the
 * flows of a pair, or of a rule, do not gather on one link.  Rebalancing
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

static u64 place_groups(const struct ankus_groups *groups,
			const struct ankus_item *item, unsigned int bin)
{
	u64 load_bps = 0;
	unsigned int i;

	for (i = 0; i < ANKUS_ITEM_GROUPS; i++)
		if (item->group[i])
			load_bps += ankus_groups_load(groups, item->group[i],
						      bin);
	return load_bps;
}

/* Among the bins that are about as good, the one with least of its groups */
static int place_apart(const struct ankus_bin *bins, unsigned int n,
		       const struct ankus_item *item,
		       const struct ankus_groups *groups, int best,
		       u64 best_load)
{
	u64 noise_bps = item->rate_bps >> PLACE_NOISE_SHIFT;
	u64 least = place_groups(groups, item, best);
	unsigned int i;

	for (i = 0; i < n && least; i++) {
		u64 load, kin;

		if (!bins[i].usable || !item->allowed(item->flow, i))
			continue;
		load = place_relative(&bins[i],
				      bins[i].load_bps + item->rate_bps);
		if (load > best_load + place_relative(&bins[i], noise_bps))
			continue;
		kin = place_groups(groups, item, i);
		if (kin < least) {
			least = kin;
			best = i;
		}
	}
	return best;
}

/**
 * ankus_place_new() - choose the bin of a new flow
 * @bins: the bins, prepared; their loads do not contain the flow
 * @n: how many
 * @item: the flow; its bin is where it runs now and is kept when it is as good
 *	as any, ``n`` or more when that is not known
 * @groups: what the bins have of its groups, NULL when these do not matter
 *
 * Context: Any.
 * Return: index of the bin, or -1 when the flow is allowed on no usable bin.
 */
int ankus_place_new(const struct ankus_bin *bins, unsigned int n,
		    const struct ankus_item *item,
		    const struct ankus_groups *groups)
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
	if (best < 0 || !groups)
		return best;
	return place_apart(bins, n, item, groups, best, best_load);
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
	u64 load, mean, best, goal, best_there = 0;
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
			u64 there, after;

			if (to == from || !bins[to].usable ||
			    !item->allowed(item->flow, to))
				continue;
			there = place_relative(&bins[to], bins[to].load_bps +
						item->rate_bps);
			after = max(there, left);
			if (after > best || after + noise >= load ||
			    (after == best && there >= best_there))
				continue;
			best = after;
			best_there = there;
			moves[0] = (struct ankus_move){ i, to };
			count = 1;
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

/* Takes the items of a bin out of the first ones */
static unsigned int place_skip(struct ankus_item *items, unsigned int n_items,
			       unsigned int bin)
{
	unsigned int i = 0;

	while (i < n_items) {
		if (items[i].bin != bin) {
			i++;
			continue;
		}
		n_items--;
		swap(items[i], items[n_items]);
	}
	return n_items;
}

/**
 * ankus_place_even() - even the load, by one move out of each bin at most
 * @bins: the bins, prepared; their loads contain the items, and are brought up
 *	to date
 * @n: how many
 * @items: flows that may be moved now, in any order then, those that are to
 *	move with their new bins
 * @n_items: how many
 * @tolerance_permille: what each step must gain, as a part of the mean load
 *
 * Steps as ankus_place_rebalance() finds them, until one is an exchange.
 *
 * Context: Any.
 * Return: number of moves.
 */
unsigned int ankus_place_even(struct ankus_bin *bins, unsigned int n,
			      struct ankus_item *items, unsigned int n_items,
			      unsigned int tolerance_permille)
{
	struct ankus_move moves[ANKUS_MOVES_MAX];
	unsigned int count, from, i, done = 0;

	do {
		count = ankus_place_rebalance(bins, n, items, n_items,
					      tolerance_permille, moves);
		for (i = 0; i < count; i++) {
			struct ankus_item *item = &items[moves[i].item];

			from = item->bin;
			bins[from].load_bps = place_less(bins[from].load_bps,
							 item->rate_bps);
			bins[moves[i].to].load_bps += item->rate_bps;
			item->bin = moves[i].to;
		}
		done += count;
		if (count != 1)
			break;
		swap(items[moves[0].item], items[n_items - 1]);
		n_items = place_skip(items, n_items - 1, from);
	} while (n_items);
	return done;
}

/**
 * ankus_place_other() - how what cannot be placed is spread over the bins
 * @other_bps: what each bin carries beside the flows that were placed on it;
 *	set to what it would carry without those that are yet to be placed
 * @n: how many bins
 * @loose_bps: rate of those, on whatever bins
 *
 * They are somewhere in @other_bps, nobody knows where, so all of it counts for
 * as much less.
 *
 * Context: Any.
 */
void ankus_place_other(u64 *other_bps, unsigned int n, u64 loose_bps)
{
	u64 all_bps = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		other_bps[i] = min(other_bps[i], PLACE_LOAD_MAX);
		all_bps += other_bps[i];
	}
	loose_bps = min(loose_bps, all_bps);
	for (i = 0; i < n && all_bps; i++)
		other_bps[i] = mul_u64_u64_div_u64(other_bps[i],
						   all_bps - loose_bps,
						   all_bps);
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
