/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: a stream of netlink messages to the feed's image. NLMSG_NOOP begins a dump,
 * NLMSG_DONE commits it, NLMSG_ERROR aborts it; each message is in memory of its own. Next hops
 * whose last byte is 0xff belong to no path. What is withdrawn must have been told, what is told
 * be well formed, and after an empty dump nothing may be left. Inputs of every third length take
 * BIRD's routes only.
 */
#include "feed/rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TOLD 4096

static struct told {
	struct prefix prefix;
	uint32_t sub;
} told[MAX_TOLD];
static size_t n_told;
static bool loading;

static void require(bool ok)
{
	if (!ok)
		abort();
}

static size_t find(const struct prefix *p, uint32_t sub)
{
	size_t i = 0;

	while (i < n_told && !(told[i].sub == sub && prefix_equal(&told[i].prefix, p)))
		i++;
	return i;
}

static enum rib_result on_announce(void *arg, const struct prefix *p,
				   const struct rtnl_candidate *c, bool again)
{
	struct prefix copy = *p;
	size_t i = find(p, c->sub);

	(void)arg;
	(void)again;
	require(p->family == 4 || p->family == 6);
	require(p->len <= prefix_max_len(p->family) && !prefix_mask(&copy));
	require(c->sub && c->interface[0] && memchr(c->interface, 0, sizeof(c->interface)));
	if (c->via.family && c->via.bytes[c->via.family == 4 ? 3 : 15] == 0xff)
		return RIB_UNKNOWN_PATH;
	if (i == n_told) {
		require(n_told < MAX_TOLD);
		told[n_told++] = (struct told){*p, c->sub};
	}
	return RIB_OK;
}

static void on_withdraw(void *arg, const struct prefix *p, uint32_t sub)
{
	size_t i = find(p, sub);

	(void)arg;
	require(i < n_told);
	told[i] = told[--n_told];
}

static void check(int ret)
{
	require(ret == 0 || ret == RTNL_UNCLEAR);
}

static void control(struct rtnl_image *image, uint16_t type)
{
	if (type == NLMSG_NOOP) {
		rtnl_image_load(image);
		loading = true;
	} else if (loading && type == NLMSG_DONE) {
		check(rtnl_image_commit(image, false));
		loading = false;
	} else if (loading && type == NLMSG_ERROR) {
		rtnl_image_abort(image);
		loading = false;
	}
}

static void message(struct rtnl_image *image, const struct nlmsghdr *nlh)
{
	static struct rtnl_nexthop nexthop;
	static struct rtnl_route route;
	struct rtnl_link link;

	if (!rtnl_parse_route(nlh, &route)) {
		require(route.n_legs <= RTNL_LEGS_MAX);
		if (nlh->nlmsg_type == RTM_NEWROUTE || nlh->nlmsg_type == RTM_DELROUTE)
			check(rtnl_image_route(image, &route));
	}
	if (!rtnl_parse_nexthop(nlh, &nexthop) &&
	    (nlh->nlmsg_type == RTM_NEWNEXTHOP || nlh->nlmsg_type == RTM_DELNEXTHOP))
		check(rtnl_image_nexthop(image, &nexthop));
	if (!rtnl_parse_link(nlh, &link) && nlh->nlmsg_type == RTM_NEWLINK)
		check(rtnl_image_link(image, &link));
	control(image, nlh->nlmsg_type);
	if (!loading)
		check(rtnl_image_publish(image));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rtnl_ops ops = {NULL, on_announce, on_withdraw};
	const struct config_feed cfg = {.table = 254,
					.protocols = {size % 3 ? 0 : 1 << RTPROT_BIRD}};
	struct rtnl_image *image = rtnl_image_new(&cfg, &ops);

	require(image != NULL);
	n_told = 0;
	loading = false;
	while (size >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr head, *nlh;
		size_t step;

		memcpy(&head, data, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > size)
			break;
		nlh = calloc(1, MNL_ALIGN(head.nlmsg_len));
		require(nlh != NULL);
		memcpy(nlh, data, head.nlmsg_len);
		message(image, nlh);
		free(nlh);
		step = MNL_ALIGN(head.nlmsg_len) < size ? MNL_ALIGN(head.nlmsg_len) : size;
		data += step;
		size -= step;
	}
	rtnl_image_load(image);
	check(rtnl_image_commit(image, false));
	require(n_told == 0 && rtnl_image_no_way(image) == 0);
	rtnl_image_free(image);
	return 0;
}
