/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What select should choose, as one would say it: a naive oracle over random groups, weights and
 * what is usable; and how a test sees which path a program took.
 */
#ifndef TESTS_PROG_CHOICE_H
#define TESTS_PROG_CHOICE_H

#include "explain.h"
#include "flow_oracle.h"

static inline uint64_t random64(void)
{
	return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
}

/* A text address in the prefix, in one of a few buffers: for a moment. */
static inline const char *host(const char *format, unsigned int n)
{
	static char text[8][32];
	static unsigned int next;
	char *at = text[next++ % 8];

	snprintf(at, sizeof(text[0]), format, n);
	return at;
}

/* The path a packet from inside is sent by, told by the MAC of its next hop; NO_DEVICE: none. */
static inline enum device sent_by(enum hook hook, const struct packet *p)
{
	struct frame f = frame_at(LAN0, p);
	int ret = edge_run(hook, LAN0, &f);

	if (ret != (hook == XDP ? XDP_REDIRECT : TC_REDIRECT))
		return NO_DEVICE;
	for (enum device dev = ER0; dev < LAN0; dev++)
		if (dev != TUN && !memcmp(f.data, device_next_mac(dev), 6))
			return dev;
	return TUN;
}

/* Random disjoint tiers, some empty of usable paths; ranks do not decrease. */
static inline void random_group(struct sw_group *g)
{
	uint64_t left = ~0ULL;

	memset(g, 0, sizeof(*g));
	g->kind = SW_GROUP_ROUTE;
	g->degraded = SW_NO_RANK;
	g->tiers = (uint8_t)(rand() % (SW_MAX_TIERS + 1));
	for (int i = 0; i < g->tiers; i++) {
		g->tier[i] = left & random64() & random64() & random64();
		left &= ~g->tier[i];
		g->members |= g->tier[i];
		g->rank[i] = (uint8_t)(i / 3);
	}
}

struct answer {
	int tier; /* -1: none */
	uint64_t members, usable;
	bool last_resort;
};

static inline int oracle_tier(const struct sw_group *g, uint64_t mask, struct answer *out)
{
	for (int i = 0; i < g->tiers; i++) {
		if (g->tier[i] & mask) {
			*out = (struct answer){i, g->tier[i] & mask, out->usable, false};
			return 1;
		}
	}
	return 0;
}

/* design.md, select, as one would say it. */
static inline struct answer oracle(const struct sw_group *g, const struct sw_group *last,
				   int family, uint64_t down)
{
	const struct sw_usable *u = edge.usable;
	uint64_t can = family == 4 ? edge.ctl->can4 : edge.ctl->can6;
	struct answer out = {.tier = -1};

	out.usable = u->link & (family == 4 ? u->peers4 : u->peers6) & u->bfd & u->probe &
		     u->admin & u->failback & u->neighbor & can & ~down;
	if (oracle_tier(g, out.usable, &out) || (last && oracle_tier(last, out.usable, &out)))
		return out;
	if (oracle_tier(g, u->link & u->admin & can & ~down, &out))
		out.last_resort = true;
	return out;
}

static inline void random_liveness(void)
{
	uint64_t *word = (uint64_t *)edge.usable;
	bool all_down = rand() % 4 == 0;

	for (size_t i = 0; i < sizeof(*edge.usable) / 8; i++)
		word[i] = random64() | random64() | random64();
	edge.usable->peers4 &= all_down ? 0 : ~0ULL;
	edge.usable->peers6 &= all_down ? 0 : ~0ULL;
	edge.ctl->can4 = random64() | random64();
	edge.ctl->can6 = random64() | random64();
}

static inline void weight_write(unsigned int path, unsigned int weight)
{
	edge.paths[path].weight = (uint8_t)weight;
	if (weight > 1)
		edge.ctl->weighted |= BIT(path);
	else
		edge.ctl->weighted &= ~BIT(path);
}

/* Most weigh 1, as is usual; of some tests none does. */
static inline void random_weights(void)
{
	int heavy = rand() % 4;

	for (unsigned int i = 0; i < SW_MAX_PATHS; i++)
		weight_write(i, rand() % 4 < heavy ? 1u + (unsigned int)rand() % SW_MAX_WEIGHT : 1);
}

static inline uint32_t choice_hash(const struct packet *p)
{
	struct sw_flow_key key = oracle_key(p);

	return (uint32_t)oracle_hash(&key, edge.ctl->seed);
}

/* Of the members the one with the highest of all draws, `weight` of them each. */
static inline unsigned int oracle_member(uint64_t members, uint32_t hash)
{
	unsigned int winner = 0;
	uint64_t best = 0;

	for (unsigned int path = 0; path < SW_MAX_PATHS; path++) {
		for (unsigned int n = 0; members >> path & 1 && (!n || n < edge.paths[path].weight);
		     n++) {
			uint64_t x =
				(path * 64 + n) * 0x9e3779b97f4a7c15 ^ hash * 0xd6e8feb86659fd93;

			x = (x ^ x >> 32) * 0xff51afd7ed558ccd;
			x -= x % 64;
			if (x + path > best) {
				best = x + path;
				winner = path;
			}
		}
	}
	return winner;
}

#endif
