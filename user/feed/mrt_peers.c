/* SPDX-License-Identifier: GPL-2.0-only */
/* An array of the peers, and a hash of open addressing into it that is never more than half full.
 */
#include "feed/mrt_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t peer_hash(const struct mrt_peer *peer)
{
	uint64_t a, b;

	memcpy(&a, peer->address.bytes, 8);
	memcpy(&b, peer->address.bytes + 8, 8);
	a = (a ^ b * 0x9e3779b97f4a7c15ULL ^ peer->as) * 0x9e3779b97f4a7c15ULL;
	return (size_t)(a >> 32);
}

/* Where the peer is, or is to be. There is always a free place. */
static uint32_t *peer_slot(const struct mrt_peers *peers, const struct mrt_peer *peer)
{
	size_t mask = peers->max * 2 - 1, i = peer_hash(peer) & mask;

	for (;; i = (i + 1) & mask) {
		const struct mrt_peer *at;

		if (!peers->hash[i])
			return &peers->hash[i];
		at = &peers->v[peers->hash[i] - 1].peer;
		if (at->as == peer->as && ip_equal(&at->address, &peer->address))
			return &peers->hash[i];
	}
}

static int grow(struct mrt_peers *peers)
{
	size_t max = peers->max ? peers->max * 2 : 16;
	struct mrt_source *v = realloc(peers->v, max * sizeof(*v));
	uint32_t *hash = v ? calloc(max * 2, sizeof(*hash)) : NULL;

	if (v)
		peers->v = v;
	if (!hash)
		return -ENOMEM;
	free(peers->hash);
	peers->hash = hash;
	peers->max = max;
	for (size_t i = 0; i < peers->n; i++)
		*peer_slot(peers, &peers->v[i].peer) = (uint32_t)i + 1;
	return 0;
}

int mrt_peer_number(struct mrt_peers *peers, const struct mrt_peer *peer)
{
	static const uint8_t none[16];
	uint32_t *slot;

	if (peers->max) {
		slot = peer_slot(peers, peer);
		if (*slot)
			return (int)*slot - 1;
	}
	if (peers->n == MRT_PEERS_MAX)
		return -ENOSPC;
	if (peers->n == peers->max && grow(peers))
		return -ENOMEM;
	peers->v[peers->n] = (struct mrt_source){
		.peer = *peer, .self = memcmp(peer->address.bytes, none, sizeof(none)) == 0};
	*peer_slot(peers, peer) = (uint32_t)++peers->n;
	return (int)peers->n - 1;
}

void mrt_peers_free(struct mrt_peers *peers)
{
	free(peers->v);
	free(peers->hash);
	memset(peers, 0, sizeof(*peers));
}
