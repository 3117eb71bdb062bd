/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The peers of an MRT file. One is known by address and AS, so that the messages behind a table go
 * on with its routes; its number is the `source` of them.
 */
#ifndef SAMEWAY_FEED_MRT_PEERS_H
#define SAMEWAY_FEED_MRT_PEERS_H

#include "feed/mrt.h"

#define MRT_PEERS_MAX 65536 /* struct route has 16 bits for them */

struct mrt_source {
	struct mrt_peer peer;
	bool self;  /* address 0: the router's own routes */
	bool begun; /* its table, which has not ended */
};

struct mrt_peers {
	struct mrt_source *v;
	size_t n, max;
	uint32_t *hash; /* number + 1, 0: free; twice as many as max */
};

/* The peer's number, a new one where it is not known; -ENOMEM, or -ENOSPC: MRT_PEERS_MAX are. */
int mrt_peer_number(struct mrt_peers *peers, const struct mrt_peer *peer);
void mrt_peers_free(struct mrt_peers *peers);

#endif
