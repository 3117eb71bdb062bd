/* SPDX-License-Identifier: GPL-2.0-only */
/* Who objects to which path: usable.c, bfd.c, carrier.c. Part of daemon_impl.h. */
#ifndef SAMEWAY_DAEMON_USABLE_H
#define SAMEWAY_DAEMON_USABLE_H

#include "core/rib.h"

struct daemon;

/* A path's bit in a word that programs read: what it guards is written before it is set. */
static inline void word_set(__u64 *word, unsigned int id, bool set)
{
	if (set)
		__atomic_or_fetch(word, 1ULL << id, __ATOMIC_RELEASE);
	else
		__atomic_and_fetch(word, ~(1ULL << id), __ATOMIC_RELEASE);
}

void usable_init(struct daemon *d);
/* Looks at path `id` again after something of it changed. */
void usable_update(struct daemon *d, unsigned int id);
/* Looks again at which families path `id` can carry. */
void usable_families(struct daemon *d, unsigned int id);
/* until_ns: when it ends by itself, 0: by hand. */
void usable_drain(struct daemon *d, unsigned int id, bool drained, uint64_t until_ns);
void usable_peer(struct daemon *d, feed_id feed, const struct ip_addr *peer, bool down);
/* What `said` (1 + a feed, or PEER_EARLIER) told of peers that are down holds no longer. */
void usable_peers_forget(struct daemon *d, uint16_t said);
/* mac: NULL while it is not resolved. */
void usable_neighbor(struct daemon *d, uint32_t ifindex, const struct ip_addr *addr,
		     const uint8_t mac[6]);
/* Looks each few ms at what the kernel's timer has changed. 0, or -ENOMEM. */
int usable_start(struct daemon *d);
void usable_stop(struct daemon *d);
/* Ends holds that are over, or that the far side's packets have ended. */
void usable_holds(struct daemon *d);

/* bfd.c. start: after usable_init; a session that an earlier daemon had watched goes on. */
void bfd_start(struct daemon *d);
/* Why the path is down by BFD, or up again, for the log. */
void bfd_why(struct daemon *d, unsigned int id, char *buf, size_t size);
bool bfd_is_up(struct daemon *d, unsigned int id); /* any session of the path */

/* carrier.c. start: after usable_init; what an earlier daemon's timer holds it holds on. */
void carrier_start(struct daemon *d);
/* The paths' devices as they are now. 0, or -ENOMEM: netlink alone tells. */
int carrier_watch(struct daemon *d);
/* The kernel's timer has path `id`: it found no carrier, or holds the path back since. */
bool carrier_cut(struct daemon *d, unsigned int id);
/* It is ours now: word `link` is to say that it is down. */
void carrier_take(struct daemon *d, unsigned int id);

#endif
