/* SPDX-License-Identifier: GPL-2.0-only */
/* The dumps of rtnetlink that describe the box. */
#include "kernel/inspect_internal.h"
#include "kernel/links.h"
#include "kernel/links_internal.h"
#include "kernel/steer_netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP (1 << 16)
#endif

#define DUMP_TRIES    10
#define REQUEST_BYTES 1024

/* One more element of an array of the host; NULL: no memory. */
static void *grow(void *array, size_t *n, size_t size)
{
	void **at = array, *more = realloc(*at, (*n + 1) * size);

	if (!more) {
		errno = ENOMEM;
		return NULL;
	}
	*at = more;
	return memset((char *)more + (*n)++ * size, 0, size);
}

int inspect_request(struct nlmsghdr *nlh, uint16_t flags, mnl_cb_t cb, void *arg)
{
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int more = 1, err = 0;
	ssize_t n;

	if (!socket)
		return -errno;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = 1;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		err = -errno;
	while (!err && more > 0) {
		n = mnl_socket_recvfrom(socket, buf, sizeof(buf));
		if (n >= 0)
			more = mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(socket), cb,
					  arg);
		if (n < 0 || more < 0)
			err = -errno;
		if (!(flags & (NLM_F_DUMP | NLM_F_ACK)))
			break; /* one answer */
	}
	mnl_socket_close(socket);
	return err;
}

static void text_copy(char *to, size_t size, const struct nlattr *attr)
{
	size_t len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));

	if (len >= size)
		len = size - 1;
	memcpy(to, mnl_attr_get_payload(attr), len);
	to[len] = '\0';
}

static uint32_t number_of(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(attr);
}

static void link_attr(struct host_link *link, const struct nlattr *attr)
{
	const struct nlattr *in;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		text_copy(link->name, sizeof(link->name), attr);
		break;
	case IFLA_MTU:
		link->mtu = number_of(attr);
		break;
	case IFLA_MASTER:
		link->master = number_of(attr);
		break;
	case IFLA_LINK:
		link->lower = number_of(attr);
		break;
	case IFLA_LINK_NETNSID:
		link->lower_elsewhere = true;
		link->nsid = (int32_t)number_of(attr);
		break;
	case IFLA_LINKINFO:
		mnl_attr_for_each_nested(in, attr)
		{
			if (mnl_attr_get_type(in) == IFLA_INFO_KIND)
				text_copy(link->kind, sizeof(link->kind), in);
		}
		break;
	}
}

static int link_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct host *host = arg;
	struct host_link *link;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return MNL_CB_OK;
	link = grow(&host->links, &host->n_links, sizeof(*link));
	if (!link)
		return MNL_CB_ERROR;
	link->ifindex = (uint32_t)ifi->ifi_index;
	link->nsid = -1;
	link->up = ifi->ifi_flags & IFF_UP;
	link->carrier = ifi->ifi_flags & IFF_LOWER_UP;
	link->loopback = ifi->ifi_flags & IFF_LOOPBACK;
	link->l3 = ifi->ifi_type != ARPHRD_ETHER;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) link_attr(link, attr);
	return MNL_CB_OK;
}

static int address_message(const struct nlmsghdr *nlh, void *arg)
{
	struct address_news news;
	struct host_address *address;
	struct host *host = arg;

	if (nlh->nlmsg_type != RTM_NEWADDR || links_parse_address(nlh, &news))
		return MNL_CB_OK;
	address = grow(&host->addresses, &host->n_addresses, sizeof(*address));
	if (!address)
		return MNL_CB_ERROR;
	*address = (struct host_address){news.ifindex, news.addr, news.len};
	return MNL_CB_OK;
}

static int neighbor_message(const struct nlmsghdr *nlh, void *arg)
{
	struct host_neighbor *neighbor;
	struct neighbor_news news;
	struct host *host = arg;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || links_parse_neighbor(nlh, &news))
		return MNL_CB_OK;
	neighbor = grow(&host->neighbors, &host->n_neighbors, sizeof(*neighbor));
	if (!neighbor)
		return MNL_CB_ERROR;
	*neighbor = (struct host_neighbor){news.ifindex, news.addr, news.valid};
	return MNL_CB_OK;
}

static void route_address(const struct nlattr *attr, uint8_t family, uint8_t bytes[16])
{
	size_t len = family == 4 ? 4 : 16;

	if (mnl_attr_get_payload_len(attr) == len)
		memcpy(bytes, mnl_attr_get_payload(attr), len);
}

/* Keeps that there are routes in the table. */
static int table_note(struct host *host, uint8_t family, uint32_t table)
{
	struct host_table *kept;

	for (size_t i = 0; i < host->n_tables; i++) {
		if (host->tables[i].family == family && host->tables[i].table == table)
			return MNL_CB_OK;
	}
	kept = grow(&host->tables, &host->n_tables, sizeof(*kept));
	if (!kept)
		return MNL_CB_ERROR;
	*kept = (struct host_table){family, table};
	return MNL_CB_OK;
}

static uint32_t route_table(const struct nlmsghdr *nlh, const struct rtmsg *rtm)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		if (mnl_attr_get_type(attr) == RTA_TABLE)
			return number_of(attr);
	}
	return rtm->rtm_table;
}

static int route_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct host_route *route;
	const struct nlattr *attr;
	struct host *host = arg;
	uint8_t family;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
	    rtm->rtm_table == RT_TABLE_LOCAL || (rtm->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	family = rtm->rtm_family == AF_INET ? 4 : 6;
	if (rtm->rtm_table != RT_TABLE_MAIN)
		return rtm->rtm_protocol == SW_RTPROT
			       ? MNL_CB_OK
			       : table_note(host, family, route_table(nlh, rtm));
	if (rtm->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	route = grow(&host->routes, &host->n_routes, sizeof(*route));
	if (!route)
		return MNL_CB_ERROR;
	route->dst = (struct prefix){.family = family, .len = rtm->rtm_dst_len};
	route->protocol = rtm->rtm_protocol;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			route_address(attr, family, route->dst.bytes);
			break;
		case RTA_GATEWAY:
			route->via.family = family;
			route_address(attr, family, route->via.bytes);
			break;
		case RTA_OIF:
			route->ifindex = number_of(attr);
			break;
		}
	}
	return MNL_CB_OK;
}

/* The three that each kernel begins with. */
static bool is_default_rule(const struct host_rule *rule)
{
	return !rule->mask && ((rule->priority == 0 && rule->table == RT_TABLE_LOCAL) ||
			       (rule->priority == 32766 && rule->table == RT_TABLE_MAIN) ||
			       (rule->priority == 32767 && rule->table == RT_TABLE_DEFAULT));
}

static int rule_message(const struct nlmsghdr *nlh, void *arg)
{
	struct host_rule rule, *kept;
	struct host *host = arg;

	if (!steer_rule_parse(nlh, &rule) || is_default_rule(&rule))
		return MNL_CB_OK;
	kept = grow(&host->rules, &host->n_rules, sizeof(*kept));
	if (!kept)
		return MNL_CB_ERROR;
	*kept = rule;
	return MNL_CB_OK;
}

/* What the kernel or sameway puts there, and what shapes nothing. */
static bool is_plain_qdisc(const char *kind)
{
	static const char *const plain[] = {"noqueue", "noop", "pfifo_fast", "pfifo",  "bfifo",
					    "mq",      "fq",   "fq_codel",   "clsact", "ingress"};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (!strcmp(kind, plain[i]))
			return true;
	return false;
}

static int qdisc_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct host *host = arg;
	char kind[HOST_NAME] = "";

	if (nlh->nlmsg_type != RTM_NEWQDISC || mnl_nlmsg_get_payload_len(nlh) < sizeof(*tcm))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*tcm))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND)
			text_copy(kind, sizeof(kind), attr);
	}
	if (is_plain_qdisc(kind))
		return MNL_CB_OK;
	for (size_t i = 0; i < host->n_links; i++) {
		struct host_link *link = &host->links[i];

		if (link->ifindex == (uint32_t)tcm->tcm_ifindex && !link->qdisc[0])
			memcpy(link->qdisc, kind, sizeof(kind));
	}
	return MNL_CB_OK;
}

/* A dump of a type; each begins with a header of 4 to 20 bytes whose first byte is the family. */
static int dump(struct host *host, uint16_t type, size_t header, uint8_t family, mnl_cb_t cb)
{
	char buf[REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	*(uint8_t *)mnl_nlmsg_put_extra_header(nlh, header) = family;
	return inspect_request(nlh, NLM_F_DUMP, cb, host);
}

static int dump_all(struct host *host)
{
	int err = dump(host, RTM_GETLINK, sizeof(struct ifinfomsg), AF_UNSPEC, link_message);

	if (!err)
		err = dump(host, RTM_GETADDR, sizeof(struct ifaddrmsg), AF_UNSPEC, address_message);
	if (!err)
		err = dump(host, RTM_GETNEIGH, sizeof(struct ndmsg), AF_UNSPEC, neighbor_message);
	if (!err)
		err = dump(host, RTM_GETROUTE, sizeof(struct rtmsg), AF_INET, route_message);
	if (!err)
		err = dump(host, RTM_GETROUTE, sizeof(struct rtmsg), AF_INET6, route_message);
	if (!err)
		err = dump(host, RTM_GETRULE, sizeof(struct fib_rule_hdr), AF_INET, rule_message);
	if (!err)
		err = dump(host, RTM_GETRULE, sizeof(struct fib_rule_hdr), AF_INET6, rule_message);
	if (!err)
		err = dump(host, RTM_GETQDISC, sizeof(struct tcmsg), AF_UNSPEC, qdisc_message);
	return err;
}

int inspect_host(struct host *out, const char *instance)
{
	int err = -EINTR;

	memset(out, 0, sizeof(*out));
	for (int try = 0; try < DUMP_TRIES && err == -EINTR; try++) {
		host_free(out);
		err = dump_all(out);
	}
	if (err) {
		host_free(out);
		return err;
	}
	out->forwarding4 = links_forwarding(4);
	out->forwarding6 = links_forwarding(6);
	out->mark_reflect = links_mark_reflect();
	for (size_t i = 0; i < out->n_links; i++)
		inspect_link_details(&out->links[i], instance);
	return 0;
}

int inspect_neighbors(struct host *host)
{
	struct host now = {0};
	int err = dump(&now, RTM_GETNEIGH, sizeof(struct ndmsg), AF_UNSPEC, neighbor_message);

	if (err) {
		host_free(&now);
		return err;
	}
	free(host->neighbors);
	host->neighbors = now.neighbors;
	host->n_neighbors = now.n_neighbors;
	return 0;
}

int inspect_ask_neighbor(uint32_t ifindex, const struct ip_addr *addr)
{
	char buf[REQUEST_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	nlh->nlmsg_type = RTM_NEWNEIGH;
	ndm->ndm_family = addr->family == 4 ? AF_INET : AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_flags = NTF_USE;
	mnl_attr_put(nlh, NDA_DST, addr->family == 4 ? 4 : 16, addr->bytes);
	return inspect_request(nlh, NLM_F_CREATE | NLM_F_ACK, NULL, NULL);
}
