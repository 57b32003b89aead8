// SPDX-License-Identifier: GPL-2.0
/*
 * The tables by which simulations of data centre transports draw flow sizes.
 */
#include "sizes.h"

/*
 * Web search: measured by Alizadeh et al., "Data Center TCP (DCTCP)", SIGCOMM
 * 2010; tabulated in packets of 1460 bytes for "pFabric", SIGCOMM 2013.
 */
const struct sizes sizes_web_search = { {
	{ 8759, 0 }, { 8760, 0.15 }, { 18980, 0.2 }, { 27740, 0.3 },
	{ 48180, 0.4 }, { 77380, 0.53 }, { 194180, 0.6 }, { 973820, 0.7 },
	{ 1946180, 0.8 }, { 4866180, 0.9 }, { 9733820, 0.97 },
	{ 29200000, 1 },
} };

/*
 * Data mining: measured by Greenberg et al., "VL2", SIGCOMM 2009; tabulated
 * likewise.
 */
const struct sizes sizes_data_mining = { {
	{ 1459, 0 }, { 1460, 0.5 }, { 2920, 0.6 }, { 4380, 0.7 },
	{ 10220, 0.8 }, { 389820, 0.9 }, { 3076220, 0.95 },
	{ 97333820, 0.99 }, { 973333820, 1 },
} };

/*
 * Hadoop at Facebook: measured by Roy et al., "Inside the Social Network's
 * (Datacenter) Network", SIGCOMM 2015; tabulated for Li et al., "HPCC", SIGCOMM
 * 2019.
 */
const struct sizes sizes_hadoop = { {
	{ 1, 0 }, { 100, 0.01 }, { 200, 0.02 }, { 300, 0.05 }, { 350, 0.15 },
	{ 400, 0.2 }, { 500, 0.3 }, { 600, 0.4 }, { 700, 0.5 }, { 1000, 0.6 },
	{ 2000, 0.67 }, { 7000, 0.7 }, { 30000, 0.72 }, { 50000, 0.82 },
	{ 80000, 0.87 }, { 120000, 0.9 }, { 300000, 0.95 },
	{ 1000000, 0.975 }, { 2000000, 0.99 }, { 10000000, 1 },
} };

/**
 * sizes_draw() - draw a size
 * @sizes: of this distribution
 * @dice: random numbers
 *
 * Return: bytes.
 */
u64 sizes_draw(const struct sizes *sizes, struct dice *dice)
{
	double part = dice_fraction(dice);
	unsigned int i = 1;
	double low, high;

	while (sizes->points[i].part < part)
		i++;
	low = sizes->points[i - 1].bytes;
	high = sizes->points[i].bytes;
	part -= sizes->points[i - 1].part;
	part /= sizes->points[i].part - sizes->points[i - 1].part;
	return low + part * (high - low);
}

/**
 * sizes_mean() - the mean size
 * @sizes: of this distribution
 *
 * Return: bytes.
 */
double sizes_mean(const struct sizes *sizes)
{
	double sum = 0;
	unsigned int i;

	for (i = 1; sizes->points[i - 1].part < 1; i++)
		sum += (sizes->points[i].part - sizes->points[i - 1].part) *
		       (sizes->points[i].bytes + sizes->points[i - 1].bytes) / 2;
	return sum;
}
