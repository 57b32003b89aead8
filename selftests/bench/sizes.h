/* SPDX-License-Identifier: GPL-2.0 */
/* Distributions of flow sizes that were measured in data centres. */
#ifndef BENCH_SIZES_H
#define BENCH_SIZES_H

#include "workload.h"

/**
 * struct sizes - a distribution function
 * @points: size in bytes, and the fraction of flows up to it; linear in
 *	between
 */
struct sizes {
	struct {
		double bytes;
		double part;
	} points[20];
};

extern const struct sizes sizes_web_search;
extern const struct sizes sizes_data_mining;
extern const struct sizes sizes_hadoop;

u64 sizes_draw(const struct sizes *sizes, struct dice *dice);
double sizes_mean(const struct sizes *sizes);

#endif /* BENCH_SIZES_H */
