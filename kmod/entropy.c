// SPDX-License-Identifier: GPL-2.0
/*
 * How many flows there are in effect, and what hashing would do to them.
 *
 * The entropy of byte shares p is H = -sum(p * log2(p)) bits (Shannon 1948);
 * 2^H is the number of equal flows that would have the same entropy (Hill
 * 1973, order 1).  With rates r and their sum R it is
 *
 *	H = log2(R) - sum(r * log2(r)) / R,
 *
 * so rates can be added one by one.  The imbalance to expect of hashing has no
 * closed form: it is the mean over draws in which each flow is thrown into a
 * bin at random, all bins being equally likely.  The draws come from a fixed
 * seed: the same rates give the same figure.
 *
 * No floating point: logarithms have 16 fractional bits.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "entropy.h"

/* Sums stay below this, so that sum * log2(sum) has room in 64 bits */
#define ENTROPY_TOTAL_BITS	57
/* Small rates are not rounded for as long as the total has room for that */
#define ENTROPY_SCALE		16
/* exp2() of more does not fit; no count of flows has a larger logarithm */
#define ENTROPY_LOG_MAX		((u32)(40 * ANKUS_LOG_ONE))

/* A rate above is none; 2^20 of them fit into 64 bits */
#define MIX_RATE_MAX		BIT_ULL(43)
/* For some 40 flows the mean of so many is within about 1 % of that of all */
#define MIX_DRAWS		512
#define MIX_SEED		0x616e6b7573ULL

/* 2^(2^-k) for k from 1, with 31 fractional bits */
static const u32 exp2_roots[] = {
	0xb504f334, 0x9837f052, 0x8b95c1e4, 0x85aac368,
	0x82cd8699, 0x8164d1f4, 0x80b1ed50, 0x8058d7d3,
	0x802c6437, 0x8016302f, 0x800b179d, 0x80058baf,
	0x8002c5d0, 0x800162e6, 0x8000b173, 0x800058b9,
};

/**
 * ankus_log2() - binary logarithm
 * @value: its argument; 0 counts as 1
 *
 * Bit by bit, by squaring: Turner, "A Fast Binary Logarithm Algorithm", IEEE
 * Signal Processing Magazine 27(5), 2010.
 *
 * Context: Any.
 * Return: the logarithm with 16 fractional bits, less than 2^-15 too small.
 */
u32 ankus_log2(u64 value)
{
	u32 bit = 16, log, over;
	u64 m;

	if (!value)
		return 0;
	log = fls64(value) - 1;
	/* 1 <= m < 2 with 31 fractional bits */
	m = log > 31 ? value >> (log - 31) : value << (31 - log);
	log *= ANKUS_LOG_ONE;
	while (bit--) {
		m = m * m >> 31;
		/* no branch: nobody can foretell it */
		over = m >> 32;
		m >>= over;
		log |= over << bit;
	}
	return log;
}

/**
 * ankus_exp2() - power of 2
 * @log: exponent with 16 fractional bits, below 47 * ANKUS_LOG_ONE
 *
 * A product of roots of 2, one for each bit (Knuth, The Art of Computer
 * Programming 1, 1.2.2).
 *
 * Context: Any.
 * Return: 2^log with 16 fractional bits, to 30 significant ones.
 */
u64 ankus_exp2(u32 log)
{
	unsigned int k, n = log / ANKUS_LOG_ONE;
	u64 m = BIT_ULL(31);

	for (k = 0; k < ARRAY_SIZE(exp2_roots); k++)
		if (log & (ANKUS_LOG_ONE / 2 >> k))
			m = m * exp2_roots[k] >> 31;
	return n > 15 ? m << (n - 15) : m >> (15 - n);
}

/**
 * ankus_entropy_init() - begin a sum
 * @entropy: set to that of no rates
 *
 * Context: Any.
 */
void ankus_entropy_init(struct ankus_entropy *entropy)
{
	*entropy = (struct ankus_entropy){ .scale = ENTROPY_SCALE };
}

static u64 entropy_scaled(const struct ankus_entropy *entropy, u64 rate_bps)
{
	return entropy->scale >= 0 ? rate_bps << entropy->scale :
				     rate_bps >> -entropy->scale;
}

/* Has the total room for so many such rates? */
static bool entropy_fits(const struct ankus_entropy *entropy, u64 rate_bps,
			 u64 count)
{
	u64 room = BIT_ULL(ENTROPY_TOTAL_BITS) - entropy->total;
	u64 rate;

	if (fls64(rate_bps) + entropy->scale > ENTROPY_TOTAL_BITS)
		return false;
	rate = entropy_scaled(entropy, rate_bps);
	if (count == 1)
		return rate <= room;
	return !rate || count <= div64_u64(room, rate);
}

/* sum(r/2 * log2(r/2)) is (sum(r * log2(r)) - sum(r)) / 2 */
static void entropy_halve(struct ankus_entropy *entropy)
{
	entropy->sum -= min(entropy->sum, entropy->total);
	entropy->sum /= 2;
	entropy->total /= 2;
	entropy->scale--;
}

static void entropy_add(struct ankus_entropy *entropy, u64 rate_bps, u64 count)
{
	u64 rate;

	if (!rate_bps || !count)
		return;
	while (!entropy_fits(entropy, rate_bps, count))
		entropy_halve(entropy);
	rate = entropy_scaled(entropy, rate_bps);
	entropy->count += count;
	entropy->total += rate * count;
	entropy->sum += mul_u64_u32_shr(rate * count, ankus_log2(rate), 16);
}

/**
 * ankus_entropy_add() - add a flow
 * @entropy: the sum
 * @rate_bps: its rate, any; one of 0 does not count
 *
 * Context: Any; the caller serialises.
 */
void ankus_entropy_add(struct ankus_entropy *entropy, u64 rate_bps)
{
	entropy_add(entropy, rate_bps, 1);
}

/**
 * ankus_entropy_add_rest() - add flows of which only the sum is known
 * @entropy: the sum
 * @total_bps: rate of all of them; more than 2^54 count as that
 * @largest_bps: none of them has more
 *
 * They are taken to be as few as they can be, so what follows is the least
 * entropy that there may be.
 *
 * Context: Any; the caller serialises.
 */
void ankus_entropy_add_rest(struct ankus_entropy *entropy, u64 total_bps,
			    u64 largest_bps)
{
	u64 left;

	total_bps = min_t(u64, total_bps, BIT_ULL(54));
	largest_bps = max(largest_bps, 1ULL);
	entropy_add(entropy, largest_bps,
		    div64_u64_rem(total_bps, largest_bps, &left));
	entropy_add(entropy, left, 1);
}

/**
 * ankus_entropy_bits() - entropy of what was added
 * @entropy: the sum
 *
 * Context: Any.
 * Return: bits with 16 fractional ones, 0 of nothing.  With up to 2^20 rates
 * of up to 2^54 bit/s it is within 2^-14 of the truth.
 */
u32 ankus_entropy_bits(const struct ankus_entropy *entropy)
{
	u32 all, mean;

	if (!entropy->total)
		return 0;
	all = ankus_log2(entropy->total);
	mean = mul_u64_u64_div_u64(entropy->sum, ANKUS_LOG_ONE, entropy->total);
	return all - min(all, mean);
}

/**
 * ankus_entropy_evenness() - entropy as a part of the most that so many flows
 * could have
 * @entropy: the sum
 *
 * Context: Any.
 * Return: thousandths, 1000 when all are equal; 0 of less than two flows.
 */
u32 ankus_entropy_evenness(const struct ankus_entropy *entropy)
{
	u64 bits = ankus_entropy_bits(entropy);

	if (entropy->count < 2)
		return 0;
	return min_t(u64, DIV_ROUND_CLOSEST_ULL(bits * 1000,
						ankus_log2(entropy->count)),
		     1000);
}

/**
 * ankus_entropy_effective() - effective number of flows
 * @entropy: the sum
 *
 * Context: Any.
 * Return: how many equal flows have that entropy, in thousandths; 0 of nothing.
 */
u64 ankus_entropy_effective(const struct ankus_entropy *entropy)
{
	u32 bits = min(ankus_entropy_bits(entropy), ENTROPY_LOG_MAX);

	if (!entropy->total)
		return 0;
	return (ankus_exp2(bits) * 1000 + ANKUS_LOG_ONE / 2) / ANKUS_LOG_ONE;
}

/**
 * ankus_mix_init() - begin a mix
 * @mix: set to that of no flows
 *
 * Context: Any.
 */
void ankus_mix_init(struct ankus_mix *mix)
{
	mix->n_top = 0;
	mix->rest_bps = 0;
	mix->rest_squares = 0;
	mix->rest_shift = 0;
}

/* Adds to the flows that are not looked at one by one */
static void mix_add_mass(struct ankus_mix *mix, u64 rate_bps, u64 count)
{
	u64 rate, square;

	mix->rest_bps += rate_bps * count;
	for (;;) {
		rate = rate_bps >> mix->rest_shift;
		square = rate * rate;
		if (rate < BIT_ULL(31) &&
		    (!square || count <= div64_u64(BIT_ULL(63) - mix->rest_squares,
						   square)))
			break;
		mix->rest_squares >>= 2;
		mix->rest_shift++;
	}
	mix->rest_squares += square * count;
}

/**
 * ankus_mix_add() - add a flow
 * @mix: the mix, which takes 2^20 flows
 * @rate_bps: its rate; more than 2^43 count as that
 *
 * Context: Any; the caller serialises.
 */
void ankus_mix_add(struct ankus_mix *mix, u64 rate_bps)
{
	unsigned int i = mix->n_top;
	u64 least;

	rate_bps = min_t(u64, rate_bps, MIX_RATE_MAX);
	if (!rate_bps)
		return;
	if (i == ANKUS_MIX_TOP) {
		least = min(rate_bps, mix->top[--i]);
		mix_add_mass(mix, least, 1);
		if (least == rate_bps)
			return;
	} else {
		mix->n_top++;
	}
	for (; i && mix->top[i - 1] < rate_bps; i--)
		mix->top[i] = mix->top[i - 1];
	mix->top[i] = rate_bps;
}

/**
 * ankus_mix_add_rest() - add flows of which only the sum is known
 * @mix: the mix
 * @total_bps: rate of all of them; more than 2^43 count as that
 * @largest_bps: none of them has more
 *
 * Context: Any; the caller serialises.
 */
void ankus_mix_add_rest(struct ankus_mix *mix, u64 total_bps, u64 largest_bps)
{
	u64 count, left;
	unsigned int i;

	total_bps = min_t(u64, total_bps, MIX_RATE_MAX);
	largest_bps = max(largest_bps, 1ULL);
	/* a few may be among the largest, more are a mass whatever they are */
	for (i = 0; total_bps && i < ANKUS_MIX_TOP; i++) {
		u64 rate_bps = min(total_bps, largest_bps);

		ankus_mix_add(mix, rate_bps);
		total_bps -= rate_bps;
	}
	count = div64_u64_rem(total_bps, largest_bps, &left);
	mix_add_mass(mix, largest_bps, count);
	mix_add_mass(mix, left, 1);
}

/* xorshift64*: Vigna, ACM Transactions on Mathematical Software 42(4), 2016 */
static u64 mix_random(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* Four times a normal variable */
static int mix_normal(u64 *state)
{
	return (int)hweight64(mix_random(state)) - 32;
}

/**
 * ankus_mix_imbalance() - imbalance to expect when flows are hashed
 * @mix: the flows
 * @n_bins: queues or links, all equally likely; 1024 at most
 * @loads: room for as many
 *
 * The mean of 512 draws.  In each, the largest flows are thrown one by one.  The
 * load of the others is near to a normal distribution in each bin: with rates r
 * and N bins its variance is sum(r^2) / N * (1 - 1/N), its correlation between
 * bins -1/(N - 1).  The largest of N such variables is, on average, that of
 * independent ones without the factor 1 - 1/N, so these are drawn: the number
 * of ones in a random word, with mean 32 and deviation 4.  With a handful of
 * such flows in a bin the result is some 3 % too small.
 *
 * The time is that of 512 * (64 + 2 * @n_bins) steps of some ns: a few tenths
 * of a ms with 64 bins.
 *
 * Context: Any; the caller serialises the use of @loads.
 * Return: busiest bin / mean bin in thousandths, 0 of nothing.
 */
u32 ankus_mix_imbalance(const struct ankus_mix *mix, unsigned int n_bins,
			s64 *loads)
{
	u64 total = mix->rest_bps, state = MIX_SEED, sum = 0;
	s64 base, deviation;
	unsigned int draw, i;

	for (i = 0; i < mix->n_top; i++)
		total += mix->top[i];
	if (!total || !n_bins)
		return 0;

	base = div_u64(mix->rest_bps, n_bins);
	deviation = int_sqrt64(div_u64(mix->rest_squares, n_bins));
	deviation <<= mix->rest_shift;
	for (draw = 0; draw < MIX_DRAWS; draw++) {
		s64 most = 0;

		for (i = 0; i < n_bins; i++) {
			loads[i] = base;
			if (deviation)
				loads[i] += deviation * mix_normal(&state) / 4;
		}
		/* a random number below n: Lemire, ACM TOMACS 29(1), 2019 */
		for (i = 0; i < mix->n_top; i++)
			loads[(mix_random(&state) >> 32) * n_bins >> 32] +=
				mix->top[i];
		for (i = 0; i < n_bins; i++)
			most = max(most, loads[i]);
		sum += mul_u64_u64_div_u64(most, 1000 * n_bins, total);
	}
	return min_t(u64, sum / MIX_DRAWS, U32_MAX);
}
