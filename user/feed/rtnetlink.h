/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the feed `rtnetlink`, for rtnetlink*.c: messages of the kernel parsed to structs
 * (rtnetlink_parse.c, no I/O), and the image of one route table that they make
 * (rtnetlink_image.c, rtnetlink_publish.c, no I/O either).
 */
#ifndef SAMEWAY_FEED_RTNETLINK_H
#define SAMEWAY_FEED_RTNETLINK_H

#include "core/prefix.h"
#include "core/rib.h"

#define RTNL_LEGS_MAX 256

struct nlmsghdr;

/* One next hop of a route. */
struct rtnl_leg {
	struct ip_addr via; /* family 0: on the link */
	uint32_t oif;	    /* 0: none */
	bool dead;
};

struct rtnl_route {
	struct prefix prefix;
	uint32_t table, metric;
	uint32_t nexthop; /* id of a nexthop object, 0: none, the legs count */
	uint8_t tos, type, protocol;
	bool gone, replace, append;
	size_t n_legs;
	struct rtnl_leg legs[RTNL_LEGS_MAX];
};

/* A nexthop object: one leg, or a group of others, or neither (a blackhole). */
struct rtnl_nexthop {
	uint32_t id;
	bool gone;
	struct rtnl_leg leg; /* oif 0: none */
	size_t n_members;
	uint32_t members[RTNL_LEGS_MAX];
};

struct rtnl_link {
	uint32_t ifindex;
	char name[16];
	/*
	 * running: the kernel has drawn the consequences of `carrier`, some time after. Gone, it
	 * has flushed the link's nexthop objects, with their routes, without a word.
	 */
	bool up, carrier, running;
};

/*
 * 0 with *out filled; -ENOENT: well formed, but none of ours (a cache entry, a route by source, a
 * bridge port); -EINVAL: malformed. The message's length is that of its buffer, or less.
 */
int rtnl_parse_route(const struct nlmsghdr *nlh, struct rtnl_route *out);
int rtnl_parse_nexthop(const struct nlmsghdr *nlh, struct rtnl_nexthop *out);
int rtnl_parse_link(const struct nlmsghdr *nlh, struct rtnl_link *out);

/* A candidate as it is told; `sub` identifies it within its prefix. */
struct rtnl_candidate {
	uint32_t sub;
	struct ip_addr via;
	char interface[16];
	unsigned int place; /* 0: of the route that the kernel uses, 1: of the next by metric ... */
	bool refused;	    /* it belongs to no path: the RIB does not have it */
};

struct rtnl_ops {
	void *arg;
	/* again: it was refused before */
	enum rib_result (*announce)(void *arg, const struct prefix *prefix,
				    const struct rtnl_candidate *c, bool again);
	void (*withdraw)(void *arg, const struct prefix *prefix, uint32_t sub);
};

/*
 * The image: what a dump said, brought up to date by the news since. What comes between load and
 * commit is a dump and makes a new image beside the one that stands; commit puts it in its place
 * and tells only the differences (all: everything), abort forgets it. Calls return 0, -ENOMEM, or
 * RTNL_UNCLEAR: the kernel's table can't be told from the news alone, dump it again.
 */
#define RTNL_UNCLEAR 1
struct rtnl_image;
/* cfg: its table and protocols; must outlive the image. */
struct rtnl_image *rtnl_image_new(const struct config_feed *cfg, const struct rtnl_ops *ops);
void rtnl_image_free(struct rtnl_image *image);
void rtnl_image_load(struct rtnl_image *image);
int rtnl_image_commit(struct rtnl_image *image, bool all);
void rtnl_image_abort(struct rtnl_image *image);
int rtnl_image_route(struct rtnl_image *image, const struct rtnl_route *route);
int rtnl_image_nexthop(struct rtnl_image *image, const struct rtnl_nexthop *nexthop);
int rtnl_image_link(struct rtnl_image *image, const struct rtnl_link *link);
/* Tells what the news since have changed. */
int rtnl_image_publish(struct rtnl_image *image);
/* Routes of the table, as last published, that are no way: blackhole, unreachable, prohibit, throw.
 */
size_t rtnl_image_no_way(const struct rtnl_image *image);

#endif
