// SPDX-License-Identifier: GPL-2.0
/*
 * Average rates.
 *
 * An exponentially weighted moving average for samples of uneven length: a
 * sample of dt weighs dt / (dt + T), where T is the averaging time, or the
 * time measured so far while that is shorter.  So the first samples give the
 * plain mean and nothing is biased towards an initial 0.  The weight is the
 * first-order form of 1 - exp(-dt / T), exact for dt << T.
 */
#include <linux/math64.h>
#include <linux/minmax.h>

#include "rate.h"

/* What a rate that has changed differs by at least, and for how long */
#define RATE_CHANGE_PERMILLE	125
#define RATE_CHANGE_MS		300

static u64 rate_average(u64 old, u64 sample, u64 dt_ns, u64 time_ns)
{
	u64 step;

	if (sample >= old) {
		step = mul_u64_u64_div_u64(sample - old, dt_ns, dt_ns + time_ns);
		return old + step;
	}
	step = mul_u64_u64_div_u64(old - sample, dt_ns, dt_ns + time_ns);
	/* all the way down to 0, where rounding would stop short */
	return old - (old > sample ? max(step, 1ULL) : 0);
}

/* Distance from an average in 1/1000 of it */
static u32 rate_off(u64 bps, u64 average_bps)
{
	u64 off = bps > average_bps ? bps - average_bps : average_bps - bps;

	/* ten times is enough, also where there is nothing to divide by */
	if (off / 10 >= average_bps)
		return off ? 10000 : 0;
	return mul_u64_u64_div_u64(off, 1000, average_bps);
}

/* Returns the rate of the sample, and makes sure of *@dt_ns */
static u64 rate_add(struct ankus_rate *rate, u64 bytes, u64 *dt_ns)
{
	u64 sample, off, span_ns = rate->span_ns;

	/*
	 * 16 us to an hour and 2^44 bytes are far beyond any real sample, and
	 * keep the quotients in 64 bits: x86 traps when one is not.
	 */
	*dt_ns = clamp_t(u64, *dt_ns, 16384, 3600 * NSEC_PER_SEC);
	bytes = min_t(u64, bytes, 1ULL << 44);
	sample = mul_u64_u64_div_u64(bytes * 8, NSEC_PER_SEC, *dt_ns);

	/* the first sample is the average, and no distance from it */
	off = span_ns ? rate_off(sample, rate->slow_bps) : 0;
	rate->spread_permille = rate_average(rate->spread_permille, off, *dt_ns,
					     span_ns);
	rate->fast_bps = rate_average(rate->fast_bps, sample, *dt_ns,
				      min_t(u64, span_ns, ANKUS_RATE_FAST_NS));
	rate->slow_bps = rate_average(rate->slow_bps, sample, *dt_ns, span_ns);
	rate->span_ns = min_t(u64, span_ns + *dt_ns, ANKUS_RATE_SLOW_NS);
	return sample;
}

/**
 * ankus_rate_update() - add a sample
 * @rate: averages to bring up to date, all 0 before the first sample
 * @bytes: bytes counted since the last sample
 * @dt_ns: time since then; nothing happens when it is 0
 *
 * Context: Any; the caller serialises.
 */
void ankus_rate_update(struct ankus_rate *rate, u64 bytes, u64 dt_ns)
{
	if (dt_ns)
		rate_add(rate, bytes, &dt_ns);
}

/**
 * ankus_rate_follow() - add a sample to an average that is to follow changes
 * @rate: averages to bring up to date, all 0 before the first sample
 * @bytes: bytes counted since the last sample
 * @dt_ns: time since then; nothing happens when it is 0
 *
 * As ankus_rate_update(); but when samples and the shorter average are farther
 * from the longer one than is usual, and for three tenths of a second, the rate
 * has changed, and the longer average begins anew with the shorter one.  So what
 * was steady and doubles is known to within a twentieth after a second.  What
 * pauses and bursts in turn has samples far from their average all the time, and
 * keeps it.
 *
 * Context: Any; the caller serialises.
 */
void ankus_rate_follow(struct ankus_rate *rate, u64 bytes, u64 dt_ns)
{
	u64 sample, near_bps;
	u32 usual;

	if (!dt_ns)
		return;
	sample = rate_add(rate, bytes, &dt_ns);
	/* whichever of the two is nearer, when both are on one side */
	near_bps = rate->fast_bps > rate->slow_bps ?
		   max(min(sample, rate->fast_bps), rate->slow_bps) :
		   min(max(sample, rate->fast_bps), rate->slow_bps);
	usual = RATE_CHANGE_PERMILLE + rate->spread_permille;
	if (rate->span_ns < ANKUS_RATE_SLOW_NS ||
	    rate_off(near_bps, rate->slow_bps) <= usual) {
		rate->apart_ms = 0;
		return;
	}
	rate->apart_ms += (u32)min_t(u64, dt_ns, RATE_CHANGE_MS * NSEC_PER_MSEC) /
			  (u32)NSEC_PER_MSEC;
	if (rate->apart_ms < RATE_CHANGE_MS)
		return;
	/* most of which is of the time before, and not to count for long */
	rate->slow_bps = rate->fast_bps;
	rate->span_ns = ANKUS_RATE_FAST_NS / 5;
	rate->apart_ms = 0;
}

/**
 * ankus_rate_bytes() - bytes that a rate carries in a time
 * @bps: bits per second
 * @ns: nanoseconds, an hour at most
 *
 * Context: Any.
 * Return: bytes, 2^63 at most.
 */
u64 ankus_rate_bytes(u64 bps, u64 ns)
{
	ns = min_t(u64, ns, 3600 * NSEC_PER_SEC);
	bps = min_t(u64, bps, 1ULL << 54);
	return mul_u64_u64_div_u64(bps / 8, ns, NSEC_PER_SEC);
}

/**
 * ankus_rate_recent() - what was carried in the short averaging time
 * @rate: averages
 *
 * The average of what is young goes over its own time alone; this one always
 * over all of the averaging time.
 *
 * Context: Any.
 * Return: bits per second.
 */
u64 ankus_rate_recent(const struct ankus_rate *rate)
{
	if (rate->span_ns >= ANKUS_RATE_FAST_NS)
		return rate->fast_bps;
	return mul_u64_u64_div_u64(rate->fast_bps, rate->span_ns,
				   ANKUS_RATE_FAST_NS);
}

/**
 * ankus_over_update() - see where a rate stands
 * @over: all 0 before the first time
 * @bps: the rate
 * @threshold_bps: what it is to keep
 * @since: time in ns from which on it was measured
 * @now: time in ns
 *
 * Hysteresis: what has passed the threshold may fall a quarter below it.
 *
 * Context: Any; the caller serialises.
 */
void ankus_over_update(struct ankus_over *over, u64 bps, u64 threshold_bps,
		       u64 since, u64 now)
{
	if (bps >= threshold_bps) {
		over->under_ns = 0;
		if (!over->over_ns)
			over->over_ns = since;
	} else if (bps < threshold_bps - threshold_bps / 4) {
		over->over_ns = 0;
		if (!over->under_ns)
			over->under_ns = now;
	} else {
		over->under_ns = 0;
	}
}
