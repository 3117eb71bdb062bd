/* SPDX-License-Identifier: GPL-2.0-only */
/* Fuzz target: a text of the feed `azure`. */
#include "fuzz_snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_circuit circuit = {.name = "er1"};
	const struct config_feed cfg = {.type = FEED_AZURE, .circuits = &circuit, .n_circuits = 1};

	ip_parse("10.10.30.132", &circuit.peer);
	return fuzz_snapshot(&azure_snapshot, &cfg, data, size);
}
