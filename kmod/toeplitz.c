// SPDX-License-Identifier: GPL-2.0
/*
 * The Toeplitz hash as NICs compute it: "RSS Hashing Functions" in Microsoft's
 * documentation of Windows drivers, which also has the vectors it is tested by.
 */
#include <linux/bits.h>
#include <linux/socket.h>
#include <linux/string.h>

#include "key.h"
#include "toeplitz.h"

/**
 * ankus_toeplitz() - the hash of some bytes
 * @key: random key
 * @key_len: its length; what the input needs beyond it is taken as 0
 * @data: input
 * @len: its length
 *
 * Context: Any.
 * Return: the hash.
 */
u32 ankus_toeplitz(const u8 *key, unsigned int key_len, const u8 *data,
		   unsigned int len)
{
	u32 hash = 0, window = 0;
	unsigned int i;
	int bit;

	for (i = 0; i < 4; i++)
		window = window << 8 | (i < key_len ? key[i] : 0);
	for (i = 0; i < len; i++) {
		u8 next = i + 4 < key_len ? key[i + 4] : 0;

		for (bit = 7; bit >= 0; bit--) {
			if (data[i] & BIT(bit))
				hash ^= window;
			window = window << 1 | (next >> bit & 1);
		}
	}
	return hash;
}

/**
 * ankus_toeplitz_flow() - the hash of a flow's packets
 * @key: the NIC's key
 * @key_len: its length
 * @flow: the flow
 * @ports: they are hashed as well, not only the addresses
 *
 * Context: Any.
 * Return: the hash.
 */
u32 ankus_toeplitz_flow(const u8 *key, unsigned int key_len,
			const struct ankus_key *flow, bool ports)
{
	unsigned int n = flow->family == AF_INET ? 4 : 16;
	u8 data[ANKUS_TOEPLITZ_MAX];

	memcpy(data, &flow->src, n);
	memcpy(data + n, &flow->dst, n);
	memcpy(data + 2 * n, &flow->sport, 2);
	memcpy(data + 2 * n + 2, &flow->dport, 2);
	return ankus_toeplitz(key, key_len, data, 2 * n + (ports ? 4 : 0));
}
