/* SPDX-License-Identifier: GPL-2.0-only */
/* Fuzz target: a text of the feed `frr`. */
#include "fuzz_snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config_feed cfg = {.type = FEED_FRR};

	return fuzz_snapshot(&frr_snapshot, &cfg, data, size);
}
