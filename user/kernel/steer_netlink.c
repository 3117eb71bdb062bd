/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/steer_netlink.h"
#include "sameway/abi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#define MESSAGE_BYTES 1024
#define DUMP_BYTES    32768
#define METRIC_LAST   UINT32_MAX /* of a route behind all others */

static uint8_t kernel_family(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

static uint32_t number(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == sizeof(uint32_t) ? mnl_attr_get_u32(attr) : 0;
}

struct mnl_socket *steer_open(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int one = 1, err;

	if (!nl)
		return NULL;
	/* only then a dump of one table is not a walk over all of them */
	if (setsockopt(mnl_socket_get_fd(nl), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one,
		       sizeof(one)) < 0 ||
	    mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = errno;
		mnl_socket_close(nl);
		errno = err;
		return NULL;
	}
	return nl;
}

/* Sends it and hands each answer to cb. */
static int ask(struct mnl_socket *nl, struct nlmsghdr *nlh, uint16_t flags, mnl_cb_t cb, void *arg)
{
	static unsigned int seq;
	char buf[DUMP_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int portid = mnl_socket_get_portid(nl);
	int more = 1;

	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++seq;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (more > 0) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		more = mnl_cb_run(buf, (size_t)n, nlh->nlmsg_seq, portid, cb, arg);
	}
	return more < 0 ? -errno : 0;
}

struct dump {
	union {
		steer_rule_cb rule;
		steer_route_cb route;
	} cb;
	void *arg;
	uint8_t family;
	uint32_t table;
	int ret; /* of the callback */
};

static void rule_end(const struct nlattr *attr, uint8_t family, uint8_t len, struct prefix *out)
{
	size_t size = family == 4 ? 4 : 16;

	if (mnl_attr_get_payload_len(attr) != size)
		return;
	*out = (struct prefix){.family = family, .len = len};
	memcpy(out->bytes, mnl_attr_get_payload(attr), size);
}

static void rule_attr(const struct nlattr *attr, const struct fib_rule_hdr *hdr,
		      struct host_rule *out, bool *vrf)
{
	switch (mnl_attr_get_type(attr)) {
	case FRA_PRIORITY:
		out->priority = number(attr);
		break;
	case FRA_TABLE:
		out->table = number(attr);
		break;
	case FRA_FWMARK:
		out->mark = number(attr);
		break;
	case FRA_FWMASK:
		out->mask = number(attr);
		break;
	case FRA_PROTOCOL:
		if (mnl_attr_get_payload_len(attr) == 1)
			out->protocol = mnl_attr_get_u8(attr);
		break;
	case FRA_SRC:
		rule_end(attr, out->family, hdr->src_len, &out->from);
		break;
	case FRA_DST:
		rule_end(attr, out->family, hdr->dst_len, &out->to);
		break;
	case FRA_IIFNAME:
		snprintf(out->iif, sizeof(out->iif), "%.*s", (int)mnl_attr_get_payload_len(attr),
			 (const char *)mnl_attr_get_payload(attr));
		break;
	case FRA_L3MDEV:
		*vrf = mnl_attr_get_u8(attr);
		break;
	case FRA_GOTO:
	case FRA_FLOW:
	case FRA_PAD:
	case FRA_SUPPRESS_IFGROUP:
	case FRA_SUPPRESS_PREFIXLEN:
		break; /* say what becomes of a packet, not which */
	default:       /* or what is not known here */
		out->more = true;
	}
}

bool steer_rule_parse(const struct nlmsghdr *nlh, struct host_rule *out)
{
	const struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	bool vrf = false;

	if (nlh->nlmsg_type != RTM_NEWRULE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*hdr) ||
	    (hdr->family != AF_INET && hdr->family != AF_INET6))
		return false;
	*out = (struct host_rule){
		.family = hdr->family == AF_INET ? 4 : 6,
		.table = hdr->table,
		.inverted = hdr->flags & FIB_RULE_INVERT,
		.more = hdr->tos != 0,
	};
	mnl_attr_for_each(attr, nlh, sizeof(*hdr)) rule_attr(attr, hdr, out, &vrf);
	out->harmless = vrf || hdr->action == FR_ACT_NOP ||
			(hdr->action == FR_ACT_TO_TBL && out->table == RT_TABLE_LOCAL);
	return true;
}

static int rule_message(const struct nlmsghdr *nlh, void *arg)
{
	struct host_rule rule;
	struct dump *dump = arg;

	if (!steer_rule_parse(nlh, &rule) || rule.family != dump->family)
		return MNL_CB_OK;
	if (dump->ret >= 0)
		dump->ret = dump->cb.rule(dump->arg, &rule);
	return MNL_CB_OK;
}

static void metrics_parse(const struct nlattr *metrics, struct steer_route *route)
{
	const struct nlattr *attr;
	uint32_t mtu = 0, lock = 0;

	mnl_attr_for_each_nested(attr, metrics)
	{
		if (mnl_attr_get_type(attr) == RTAX_MTU)
			mtu = number(attr);
		else if (mnl_attr_get_type(attr) == RTAX_LOCK)
			lock = number(attr);
	}
	if (lock & 1 << RTAX_MTU)
		route->mtu = mtu;
}

static uint32_t route_metric(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	uint32_t metric = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attr) == RTA_PRIORITY)
			metric = number(attr);
	}
	return metric;
}

static void route_attr(const struct nlattr *attr, struct steer_route *route)
{
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case RTA_TABLE:
		route->table = number(attr);
		break;
	case RTA_OIF:
		route->ifindex = number(attr);
		break;
	case RTA_DST:
		if (len == (route->family == 4 ? 4 : 16))
			memcpy(route->dst.bytes, mnl_attr_get_payload(attr), len);
		break;
	case RTA_GATEWAY:
		if (len != (route->family == 4 ? 4 : 16))
			break;
		route->via.family = route->family;
		memcpy(route->via.bytes, mnl_attr_get_payload(attr), len);
		break;
	case RTA_METRICS:
		metrics_parse(attr, route);
		break;
	case RTA_MULTIPATH:
	case RTA_NH_ID:
	case RTA_VIA:
		route->plain = false;
		break;
	}
}

static int route_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct steer_route route = {0};
	const struct nlattr *attr;
	struct dump *dump = arg;
	bool is_default;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	/* without the family the kernel dumps those that it has */
	if (rtm->rtm_family != kernel_family(dump->family))
		return MNL_CB_OK;
	route.family = rtm->rtm_family == AF_INET ? 4 : 6;
	route.protocol = rtm->rtm_protocol;
	route.table = rtm->rtm_table;
	route.dst = (struct prefix){.family = route.family, .len = rtm->rtm_dst_len};
	is_default = !rtm->rtm_dst_len && !rtm->rtm_src_len && !rtm->rtm_tos;
	route.plain = is_default && rtm->rtm_type == RTN_UNICAST;
	route.unreachable =
		is_default && rtm->rtm_type == RTN_UNREACHABLE && route_metric(nlh) == METRIC_LAST;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) route_attr(attr, &route);
	if (dump->ret >= 0 && route.table == dump->table)
		dump->ret = dump->cb.route(dump->arg, &route);
	return MNL_CB_OK;
}

/* The kernel has no such table, or not the family. */
static bool is_nothing(int err)
{
	return err == -ENOENT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP;
}

int steer_rules(struct mnl_socket *nl, uint8_t family, steer_rule_cb cb, void *arg)
{
	char buf[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct fib_rule_hdr *hdr = mnl_nlmsg_put_extra_header(nlh, sizeof(*hdr));
	struct dump dump = {.cb.rule = cb, .arg = arg, .family = family};
	int err;

	nlh->nlmsg_type = RTM_GETRULE;
	hdr->family = kernel_family(family);
	err = ask(nl, nlh, NLM_F_DUMP, rule_message, &dump);
	return is_nothing(err) ? 0 : err ? err : dump.ret < 0 ? dump.ret : 0;
}

int steer_routes(struct mnl_socket *nl, uint8_t family, uint32_t table, steer_route_cb cb,
		 void *arg)
{
	char buf[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	struct dump dump = {.cb.route = cb, .arg = arg, .family = family, .table = table};
	int err;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm->rtm_family = kernel_family(family);
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	err = ask(nl, nlh, NLM_F_DUMP, route_message, &dump);
	return is_nothing(err) ? 0 : err ? err : dump.ret < 0 ? dump.ret : 0;
}

static int rule_send(struct mnl_socket *nl, const struct host_rule *rule, uint16_t type,
		     uint16_t flags)
{
	char buf[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct fib_rule_hdr *hdr = mnl_nlmsg_put_extra_header(nlh, sizeof(*hdr));

	nlh->nlmsg_type = type;
	hdr->family = kernel_family(rule->family);
	hdr->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(nlh, FRA_TABLE, rule->table);
	mnl_attr_put_u32(nlh, FRA_FWMARK, rule->mark);
	mnl_attr_put_u32(nlh, FRA_FWMASK, rule->mask);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, rule->protocol);
	return ask(nl, nlh, NLM_F_ACK | flags, NULL, NULL);
}

int steer_rule_put(struct mnl_socket *nl, const struct host_rule *rule)
{
	return rule_send(nl, rule, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
}

int steer_rule_drop(struct mnl_socket *nl, const struct host_rule *rule)
{
	return rule_send(nl, rule, RTM_DELRULE, 0);
}

static struct nlmsghdr *route_request(char *buf, const struct steer_route *route, uint16_t type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	nlh->nlmsg_type = type;
	rtm->rtm_family = kernel_family(route->family);
	rtm->rtm_protocol = route->protocol;
	rtm->rtm_scope = RT_SCOPE_NOWHERE;
	mnl_attr_put_u32(nlh, RTA_TABLE, route->table);
	if (route->unreachable) {
		rtm->rtm_type = RTN_UNREACHABLE;
		mnl_attr_put_u32(nlh, RTA_PRIORITY, METRIC_LAST);
	}
	return nlh;
}

static void route_hop(struct nlmsghdr *nlh, const struct steer_route *route)
{
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct nlattr *metrics;

	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = route->via.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	if (route->via.family) {
		rtm->rtm_flags = RTNH_F_ONLINK;
		mnl_attr_put(nlh, RTA_GATEWAY, route->family == 4 ? 4 : 16, route->via.bytes);
	}
	mnl_attr_put_u32(nlh, RTA_OIF, route->ifindex);
	if (route->mtu) {
		/* locked: IPv6 heeds it in forwarding only then */
		metrics = mnl_attr_nest_start(nlh, RTA_METRICS);
		mnl_attr_put_u32(nlh, RTAX_LOCK, 1 << RTAX_MTU);
		mnl_attr_put_u32(nlh, RTAX_MTU, route->mtu);
		mnl_attr_nest_end(nlh, metrics);
	}
}

int steer_route_put(struct mnl_socket *nl, const struct steer_route *route)
{
	char buf[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = route_request(buf, route, RTM_NEWROUTE);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	if (route->unreachable)
		rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	else
		route_hop(nlh, route);
	return ask(nl, nlh, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, NULL, NULL);
}

int steer_route_drop(struct mnl_socket *nl, const struct steer_route *route)
{
	char buf[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));

	return ask(nl, route_request(buf, route, RTM_DELROUTE), NLM_F_ACK, NULL, NULL);
}
