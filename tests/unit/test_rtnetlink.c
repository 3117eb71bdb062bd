/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `rtnetlink` without a kernel: its messages, whole and cut short, and the image they
 * make. What the kernel really sends is tests/prog/test_rtnetlink.c's.
 */
#include "feed/rtnetlink.h"
#include "rtnetlink_message.h"
#include "sameway/abi.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define UP	(1U)
#define RUNNING (1U << 6)
#define LOWER	(1U << 16)
#define D0	3
#define D1	4
#define NEW	RTM_NEWROUTE
#define DEL	RTM_DELROUTE
#define CREATE	NLM_F_CREATE

static struct rtnl_image *image;
static struct rtnl_route route;
static struct rtnl_nexthop nexthop;
static char told[4096];
static enum rib_result answer;

static enum rib_result on_announce(void *arg, const struct prefix *p,
				   const struct rtnl_candidate *c, bool again)
{
	char prefix[PREFIX_STRLEN], via[IP_STRLEN];
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "+%s%s#%u %s %s %u\n", again ? "again " : "",
		 prefix_format(p, prefix), c->sub, c->via.family ? ip_format(&c->via, via) : "-",
		 c->interface, c->place);
	return answer;
}

static void on_withdraw(void *arg, const struct prefix *p, uint32_t sub)
{
	char prefix[PREFIX_STRLEN];
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "-%s#%u\n", prefix_format(p, prefix), sub);
}

static int add_route(const struct nlmsghdr *nlh)
{
	assert_int_equal(rtnl_parse_route(nlh, &route), 0);
	return rtnl_image_route(image, &route);
}

static int add_link(uint32_t ifindex, const char *name, unsigned int flags)
{
	struct rtnl_link link;

	assert_int_equal(rtnl_parse_link(link_new(ifindex, name, flags), &link), 0);
	return rtnl_image_link(image, &link);
}

static int add_nexthop(const struct nlmsghdr *nlh)
{
	assert_int_equal(rtnl_parse_nexthop(nlh, &nexthop), 0);
	return rtnl_image_nexthop(image, &nexthop);
}

/* What publishing tells now. */
static void tells(const char *want)
{
	told[0] = '\0';
	assert_int_equal(rtnl_image_publish(image), 0);
	assert_string_equal(told, want);
}

static void load(void)
{
	rtnl_image_load(image);
	assert_int_equal(add_link(D1, "d1", UP | LOWER), 0);
	assert_int_equal(add_link(D0, "d0", UP | LOWER), 0);
}

static void commit(bool all, const char *want)
{
	told[0] = '\0';
	assert_int_equal(rtnl_image_commit(image, all), 0);
	assert_string_equal(told, want);
}

static int set_up(void **state)
{
	static const struct config_feed cfg = {.table = 254};
	const struct rtnl_ops ops = {NULL, on_announce, on_withdraw};

	(void)state;
	answer = RIB_OK;
	image = rtnl_image_new(&cfg, &ops);
	return image ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	rtnl_image_free(image);
	return 0;
}

/* --- Messages. --- */

static void test_parse(void **state)
{
	struct nlmsghdr *nlh = route_via(NEW, NLM_F_REPLACE, "10.1.0.0/16", "10.9.0.9", D0, 20);
	struct nlattr *nest;
	char ip[IP_STRLEN];

	(void)state;
	mnl_attr_put_u32(nlh, RTA_TABLE, 1000);
	assert_int_equal(rtnl_parse_route(nlh, &route), 0);
	assert_true(route.replace && !route.gone && !route.append);
	assert_int_equal(route.table, 1000);
	assert_int_equal(route.metric, 20);
	assert_int_equal(route.n_legs, 1);
	assert_int_equal(route.legs[0].oif, D0);
	assert_string_equal(ip_format(&route.legs[0].via, ip), "10.9.0.9");

	nlh = route_new(DEL, 0, "fd00:a::/48");
	nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	put_leg(nlh, "fd00::9", D0, RTNH_F_LINKDOWN);
	put_leg(nlh, NULL, D1, RTNH_F_DEAD);
	mnl_attr_nest_end(nlh, nest);
	assert_int_equal(rtnl_parse_route(nlh, &route), 0);
	assert_true(route.gone);
	assert_int_equal(route.n_legs, 2);
	assert_false(route.legs[0].dead);
	assert_true(route.legs[1].dead);
	assert_int_equal(route.legs[1].via.family, 0);
	assert_int_equal(route.legs[1].oif, D1);

	/* a nexthop object's number says it all; its legs may be old */
	nlh = route_via(NEW, CREATE, "10.1.0.0/16", "10.9.0.9", D0, 0);
	mnl_attr_put_u32(nlh, RTA_NH_ID, 7);
	assert_int_equal(rtnl_parse_route(nlh, &route), 0);
	assert_int_equal(route.nexthop, 7);
	assert_int_equal(route.n_legs, 0);
}

static void test_not_ours(void **state)
{
	struct nlmsghdr *nlh = route_via(NEW, 0, "10.1.0.0/16", "10.9.0.9", D0, 0);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct rtnl_link link;

	(void)state;
	rtm->rtm_flags = RTM_F_CLONED;
	assert_int_equal(rtnl_parse_route(nlh, &route), -ENOENT);
	rtm->rtm_flags = 0;
	rtm->rtm_protocol = SW_RTPROT; /* sameway's own */
	assert_int_equal(rtnl_parse_route(nlh, &route), -ENOENT);
	rtm->rtm_protocol = 0;
	rtm->rtm_src_len = 8;
	assert_int_equal(rtnl_parse_route(nlh, &route), -ENOENT);
	rtm->rtm_src_len = 0;
	rtm->rtm_family = AF_MPLS;
	assert_int_equal(rtnl_parse_route(nlh, &route), -ENOENT);
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 33;
	assert_int_equal(rtnl_parse_route(nlh, &route), -EINVAL);
	nlh = link_new(D0, "d0", UP);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_family = AF_BRIDGE;
	assert_int_equal(rtnl_parse_link(nlh, &link), -ENOENT);
	assert_int_equal(rtnl_parse_link(link_new(0, "d0", UP), &link), -EINVAL);
	assert_int_equal(rtnl_parse_nexthop(nexthop_new(RTM_NEWNEXTHOP, 0, NULL, 0), &nexthop),
			 -EINVAL);
}

/* Cut at each length, in memory of that length: an error or less, never a read beyond. */
static void cut_everywhere(const struct nlmsghdr *whole)
{
	for (uint32_t len = sizeof(*whole); len <= whole->nlmsg_len; len++) {
		struct nlmsghdr *cut = calloc(1, MNL_ALIGN(len));
		struct rtnl_link link;

		assert_non_null(cut);
		memcpy(cut, whole, len);
		cut->nlmsg_len = len;
		rtnl_parse_route(cut, &route);
		assert_true(route.n_legs <= RTNL_LEGS_MAX);
		rtnl_parse_nexthop(cut, &nexthop);
		assert_true(nexthop.n_members <= RTNL_LEGS_MAX);
		rtnl_parse_link(cut, &link);
		free(cut);
	}
}

static void test_cut_short(void **state)
{
	struct nexthop_grp members[3] = {{.id = 1}, {.id = 2}, {.id = 3}};
	struct nlattr *nest;
	struct nlmsghdr *nlh;

	(void)state;
	nlh = route_new(NEW, 0, "10.1.0.0/16");
	nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	put_leg(nlh, "10.9.0.9", D0, 0);
	put_leg(nlh, "10.9.1.9", D1, 0);
	mnl_attr_nest_end(nlh, nest);
	cut_everywhere(nlh);
	nlh = route_new(NEW, 0, "10.1.0.0/16");
	mnl_attr_put(nlh, RTA_VIA, 18, "\x0a\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x09");
	cut_everywhere(nlh);
	nlh = nexthop_new(RTM_NEWNEXTHOP, 10, NULL, 0);
	mnl_attr_put(nlh, NHA_GROUP, sizeof(members), members);
	cut_everywhere(nlh);
	cut_everywhere(link_new(D0, "d0123456789abcde", UP));
	/* lengths that lie */
	nlh = route_new(NEW, 0, "10.1.0.0/16");
	mnl_attr_put(nlh, RTA_GATEWAY, 16, "0123456789abcdef");
	assert_int_equal(rtnl_parse_route(nlh, &route), -EINVAL);
	nlh = route_new(NEW, 0, "10.1.0.0/16");
	mnl_attr_put(nlh, RTA_MULTIPATH, 8, "\xff\0\0\0\3\0\0\0");
	assert_int_equal(rtnl_parse_route(nlh, &route), -EINVAL);
	nlh = route_new(NEW, 0, "10.1.0.0/16");
	mnl_attr_put(nlh, RTA_MULTIPATH, 8, "\4\0\0\0\3\0\0\0");
	assert_int_equal(rtnl_parse_route(nlh, &route), -EINVAL);
}

/* --- The image. --- */

static void test_replace(void **state)
{
	(void)state;
	load();
	assert_int_equal(add_route(route_via(NEW, 0, "10.1.0.0/16", "10.9.0.9", D0, 0)), 0);
	commit(true, "+10.1.0.0/16#1 10.9.0.9 d0 0\n");
	/* the new before the old: no gap */
	assert_int_equal(add_route(route_via(NEW, NLM_F_REPLACE, "10.1.0.0/16", "10.9.1.9", D1, 0)),
			 0);
	tells("+10.1.0.0/16#2 10.9.1.9 d1 0\n-10.1.0.0/16#1\n");
	assert_int_equal(add_route(route_via(NEW, NLM_F_REPLACE, "10.1.0.0/16", "10.9.1.9", D1, 0)),
			 0);
	tells("");
	assert_int_equal(add_route(route_via(DEL, 0, "10.1.0.0/16", "10.9.1.9", D1, 0)), 0);
	tells("-10.1.0.0/16#2\n");
	assert_int_equal(add_route(route_via(DEL, 0, "10.1.0.0/16", "10.9.1.9", D1, 0)), 0);
	tells("");
}

static void test_metrics(void **state)
{
	(void)state;
	load();
	commit(true, "");
	assert_int_equal(add_route(route_via(NEW, CREATE, "10.1.0.0/16", "10.9.0.9", D0, 20)), 0);
	tells("+10.1.0.0/16#1 10.9.0.9 d0 0\n");
	assert_int_equal(add_route(route_via(NEW, CREATE, "10.1.0.0/16", "10.9.1.9", D1, 10)), 0);
	tells("+10.1.0.0/16#2 10.9.1.9 d1 0\n+10.1.0.0/16#1 10.9.0.9 d0 1\n");
	/* the same next hop twice is one candidate, at its best place */
	assert_int_equal(add_route(route_via(NEW, CREATE, "10.1.0.0/16", "10.9.0.9", D0, 0)), 0);
	tells("+10.1.0.0/16#1 10.9.0.9 d0 0\n+10.1.0.0/16#2 10.9.1.9 d1 1\n");
	assert_int_equal(add_route(route_via(DEL, 0, "10.1.0.0/16", "10.9.0.9", D0, 20)), 0);
	tells("");
	/* among several of one metric the news do not say which is left */
	assert_int_equal(add_route(route_via(NEW, CREATE, "10.1.0.0/16", "10.9.0.8", D0, 10)), 0);
	assert_int_equal(
		add_route(route_via(NEW, NLM_F_REPLACE, "10.1.0.0/16", "10.9.0.7", D0, 10)),
		RTNL_UNCLEAR);
	assert_int_equal(add_route(route_via(DEL, 0, "10.1.0.0/16", "10.9.0.6", D0, 10)),
			 RTNL_UNCLEAR);
}

static void test_no_candidates(void **state)
{
	struct nlmsghdr *nlh;

	(void)state;
	load();
	assert_int_equal(add_link(9, "down", LOWER), 0);
	assert_int_equal(add_link(10, "nocarrier", UP), 0);
	for (uint8_t type = RTN_LOCAL; type <= RTN_PROHIBIT; type++) {
		nlh = route_via(NEW, 0, "10.1.0.0/16", NULL, D0, type);
		((struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_type = type;
		add_route(nlh);
	}
	nlh = route_via(NEW, 0, "10.2.0.0/16", "10.9.0.9", D0, 0);
	((struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_tos = 0x10;
	add_route(nlh);
	nlh = route_via(NEW, 0, "10.3.0.0/16", "10.9.0.9", D0, 0);
	((struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_flags = RTNH_F_DEAD;
	add_route(nlh);
	add_route(route_via(NEW, 0, "fe80::/64", NULL, D0, 0));
	add_route(route_via(NEW, 0, "ff00::/8", NULL, D0, 0));
	add_route(route_via(NEW, 0, "169.254.0.0/16", NULL, D0, 0));
	add_route(route_via(NEW, 0, "224.0.0.0/4", NULL, D0, 0));
	add_route(route_via(NEW, 0, "10.4.0.0/16", "10.9.0.9", 9, 0));
	add_route(route_via(NEW, 0, "10.5.0.0/16", "10.9.0.9", 99, 0));
	nlh = route_via(NEW, 0, "10.6.0.0/16", "10.9.0.9", D0, 0);
	mnl_attr_put_u32(nlh, RTA_TABLE, 100);
	add_route(nlh);
	/* carrier gone: still there, the path's link says it */
	add_route(route_via(NEW, 0, "10.7.0.0/16", "10.9.0.9", 10, 0));
	add_route(route_via(NEW, 0, "0.0.0.0/0", "10.9.0.9", D0, 0));
	add_route(route_via(NEW, 0, "::/0", "fe80::9", D0, 0));
	commit(true, "+::/0#1 fe80::9 d0 0\n+10.7.0.0/16#1 10.9.0.9 nocarrier 0\n"
		     "+0.0.0.0/0#1 10.9.0.9 d0 0\n");
	assert_int_equal(rtnl_image_no_way(image), 3); /* blackhole, unreachable, prohibit */
	nlh = route_via(DEL, 0, "10.1.0.0/16", NULL, D0, RTN_BLACKHOLE);
	((struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_type = RTN_BLACKHOLE;
	add_route(nlh);
	tells("");
	assert_int_equal(rtnl_image_no_way(image), 2);
}

static void test_dump_again(void **state)
{
	(void)state;
	load();
	add_route(route_via(NEW, 0, "10.1.0.0/16", "10.9.0.9", D0, 0));
	add_route(route_via(NEW, 0, "10.2.0.0/16", "10.9.0.9", D0, 0));
	commit(true, "+10.2.0.0/16#1 10.9.0.9 d0 0\n+10.1.0.0/16#1 10.9.0.9 d0 0\n");
	/* one that failed changes nothing */
	load();
	rtnl_image_abort(image);
	tells("");
	/* one that says the same tells nothing, or all when asked */
	load();
	add_route(route_via(NEW, 0, "10.1.0.0/16", "10.9.0.9", D0, 0));
	add_route(route_via(NEW, 0, "10.2.0.0/16", "10.9.0.9", D0, 0));
	commit(false, "");
	load();
	add_route(route_via(NEW, 0, "10.1.0.0/16", "10.9.0.9", D0, 0));
	commit(true, "-10.2.0.0/16#1\n+10.1.0.0/16#1 10.9.0.9 d0 0\n");
	/* a link that is not as it was: its routes may be gone without a word */
	assert_int_equal(add_link(D0, "d0", UP | LOWER), 0);
	assert_int_equal(add_link(D0, "d0", LOWER), RTNL_UNCLEAR);
	assert_int_equal(add_link(D0, "e0", UP | LOWER), RTNL_UNCLEAR);
	/* the carrier's loss was seen by a dump before the kernel flushed nexthop objects for it */
	assert_int_equal(add_link(D0, "d0", UP | LOWER | RUNNING), RTNL_UNCLEAR);
	assert_int_equal(add_link(99, "d9", UP), RTNL_UNCLEAR);
	rtnl_image_load(image);
	add_link(D0, "d0", LOWER);
	add_route(route_via(NEW, 0, "10.1.0.0/16", "10.9.0.9", D0, 0));
	commit(false, "-10.1.0.0/16#1\n");
}

/* Both legs of the route, told as IPv6's news of one more leg are. */
static int add_legs6(void)
{
	struct nlmsghdr *nlh = route_new(NEW, NLM_F_APPEND, "fd00:a::/48");
	struct nlattr *nest;

	mnl_attr_put_u32(nlh, RTA_PRIORITY, 1024);
	nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	put_leg(nlh, "fd00::9", D0, 0);
	put_leg(nlh, "fd00:1::9", D1, 0);
	mnl_attr_nest_end(nlh, nest);
	return add_route(nlh);
}

static void test_multipath6(void **state)
{
	(void)state;
	load();
	add_route(route_via(NEW, 0, "fd00:a::/48", "fd00::9", D0, 1024));
	commit(true, "+fd00:a::/48#1 fd00::9 d0 0\n");
	assert_int_equal(add_legs6(), RTNL_UNCLEAR);
	tells("+fd00:a::/48#2 fd00:1::9 d1 0\n");
	/* the first leg's protocol was told, the second's is not known */
	assert_int_equal(add_route(route_via(DEL, 0, "fd00:a::/48", "fd00::9", D0, 1024)),
			 RTNL_UNCLEAR);
	tells("-fd00:a::/48#1\n");
	assert_int_equal(add_legs6(), RTNL_UNCLEAR);
	tells("+fd00:a::/48#1 fd00::9 d0 0\n");
	assert_int_equal(add_route(route_via(DEL, 0, "fd00:a::/48", "fd00:1::9", D1, 1024)), 0);
	tells("-fd00:a::/48#2\n");
}

static void test_nexthops(void **state)
{
	struct nexthop_grp members[2] = {{.id = 2}, {.id = 1}};
	struct nlmsghdr *nlh;

	(void)state;
	load();
	add_nexthop(nexthop_new(RTM_NEWNEXTHOP, 2, "10.9.1.9", D1));
	add_nexthop(nexthop_new(RTM_NEWNEXTHOP, 1, "10.9.0.9", D0));
	nlh = nexthop_new(RTM_NEWNEXTHOP, 10, NULL, 0);
	mnl_attr_put(nlh, NHA_GROUP, sizeof(members), members);
	add_nexthop(nlh);
	nlh = route_new(NEW, 0, "10.1.0.0/16");
	mnl_attr_put_u32(nlh, RTA_NH_ID, 10);
	add_route(nlh);
	commit(true, "+10.1.0.0/16#1 10.9.1.9 d1 0\n+10.1.0.0/16#2 10.9.0.9 d0 0\n");
	assert_int_equal(add_nexthop(nexthop_new(RTM_NEWNEXTHOP, 1, "10.9.0.8", D0)), 0);
	tells("+10.1.0.0/16#3 10.9.0.8 d0 0\n-10.1.0.0/16#2\n");
	/* it takes routes along, and groups, without a word */
	assert_int_equal(add_nexthop(nexthop_new(RTM_DELNEXTHOP, 2, NULL, 0)), RTNL_UNCLEAR);
	tells("-10.1.0.0/16#1\n");
}

static void test_refused(void **state)
{
	(void)state;
	load();
	answer = RIB_UNKNOWN_PATH;
	add_route(route_via(NEW, 0, "10.1.0.0/16", "10.9.0.9", D0, 0));
	commit(true, "+10.1.0.0/16#1 10.9.0.9 d0 0\n");
	load();
	add_route(route_via(NEW, 0, "10.1.0.0/16", "10.9.0.9", D0, 0));
	commit(false, "+again 10.1.0.0/16#1 10.9.0.9 d0 0\n");
	/* what the RIB never had is not withdrawn */
	assert_int_equal(add_route(route_via(DEL, 0, "10.1.0.0/16", "10.9.0.9", D0, 0)), 0);
	tells("");
	answer = RIB_OK;
	assert_int_equal(add_route(route_via(NEW, CREATE, "10.1.0.0/16", "10.9.0.9", D0, 5)), 0);
	tells("+10.1.0.0/16#1 10.9.0.9 d0 0\n");
	/* accepted, and refused when told again: it has to go */
	answer = RIB_UNKNOWN_PATH;
	assert_int_equal(add_route(route_via(NEW, CREATE, "10.1.0.0/16", "10.9.1.9", D1, 0)), 0);
	tells("+10.1.0.0/16#2 10.9.1.9 d1 0\n+10.1.0.0/16#1 10.9.0.9 d0 1\n-10.1.0.0/16#1\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_parse),	  T(test_not_ours),	 T(test_cut_short),  T(test_replace),
		T(test_metrics),  T(test_no_candidates), T(test_dump_again), T(test_multipath6),
		T(test_nexthops), T(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
