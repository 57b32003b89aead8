/* SPDX-License-Identifier: GPL-2.0 */
/* The hash by which NICs spread flows over queues. */
#ifndef ANKUS_TOEPLITZ_H
#define ANKUS_TOEPLITZ_H

#include <linux/types.h>

struct ankus_key;

/* Longest input: two IPv6 addresses and two ports */
#define ANKUS_TOEPLITZ_MAX 36

u32 ankus_toeplitz(const u8 *key, unsigned int key_len, const u8 *data,
		   unsigned int len);
u32 ankus_toeplitz_flow(const u8 *key, unsigned int key_len,
			const struct ankus_key *flow, bool ports);

#endif /* ANKUS_TOEPLITZ_H */
