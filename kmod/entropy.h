/* SPDX-License-Identifier: GPL-2.0 */
/* How many flows there are in effect, and what hashing would do to them. */
#ifndef ANKUS_ENTROPY_H
#define ANKUS_ENTROPY_H

#include <linux/bits.h>
#include <linux/types.h>

/* Logarithms and entropies have 16 fractional bits */
#define ANKUS_LOG_ONE BIT(16)

/**
 * struct ankus_entropy - sums from which the entropy of shares follows
 * @total: sum of the rates, in units of 2^-@scale bits per second
 * @sum: sum of rate * log2(rate) in that unit
 * @count: rates that are not 0
 * @scale: falls when the sums grow out of their bits
 */
struct ankus_entropy {
	u64 total;
	u64 sum;
	u64 count;
	int scale;
};

/* So many flows are looked at one by one, the others as one mass */
#define ANKUS_MIX_TOP 64

/**
 * struct ankus_mix - what of the rates decides how evenly they can be hashed
 * @top: the largest rates in falling order, bits per second
 * @n_top: how many
 * @rest_bps: sum of the others
 * @rest_squares: sum of their squares, in units of 4^@rest_shift
 * @rest_shift: grows when the squares grow out of their bits
 */
struct ankus_mix {
	u64 top[ANKUS_MIX_TOP];
	unsigned int n_top;
	u64 rest_bps;
	u64 rest_squares;
	unsigned int rest_shift;
};

u32 ankus_log2(u64 value);
u64 ankus_exp2(u32 log);

void ankus_entropy_init(struct ankus_entropy *entropy);
void ankus_entropy_add(struct ankus_entropy *entropy, u64 rate_bps);
void ankus_entropy_add_rest(struct ankus_entropy *entropy, u64 total_bps,
			    u64 largest_bps);
u32 ankus_entropy_bits(const struct ankus_entropy *entropy);
u32 ankus_entropy_evenness(const struct ankus_entropy *entropy);
u64 ankus_entropy_effective(const struct ankus_entropy *entropy);

void ankus_mix_init(struct ankus_mix *mix);
void ankus_mix_add(struct ankus_mix *mix, u64 rate_bps);
void ankus_mix_add_rest(struct ankus_mix *mix, u64 total_bps, u64 largest_bps);
u32 ankus_mix_imbalance(const struct ankus_mix *mix, unsigned int n_bins,
			s64 *loads);

#endif /* ANKUS_ENTROPY_H */
