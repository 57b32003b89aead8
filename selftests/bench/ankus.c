// SPDX-License-Identifier: GPL-2.0
/* The module's own sketch, as kmod/hook.c uses it. */
#include "lines.h"
#include "peer.h"

static bool ankus_add(void *p, u32 hash, u32 bytes, u32 epoch, u32 enough)
{
	return ankus_sketch_add(lines_of(p, hash), hash >> 16, bytes, epoch,
				enough) == ANKUS_SKETCH_ENOUGH;
}

const struct peer peer_ankus = {
	.name = "ankus",
	.create = lines_create,
	.add = ankus_add,
	.destroy = lines_destroy,
};
