/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands in the kernel's forwarding path and would be passed by when packets are redirected by
 * XDP or TC: nftables chains, iptables of the old kind (xtables.c), xfrm policies. An empty chain
 * with policy accept does nothing and does not count. A kernel without one of them has none of it.
 */
#include "kernel/links_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>

struct chain {
	struct chain *next;
	uint8_t family;
	uint32_t hook;
	bool drops; /* policy */
	char table[NFT_TABLE_MAXNAMELEN], name[NFT_CHAIN_MAXNAMELEN];
};

struct chains {
	struct chain *first, **end;
	bool output; /* those of the output hook, and no other */
};

int netfilter_dump(int bus, struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int more = 1, err = 0;
	ssize_t n;

	if (!socket)
		return -errno;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
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
	}
	mnl_socket_close(socket);
	return err;
}

/* The kernel does not have the subsystem: there is nothing to pass by. */
static bool is_absent(int err)
{
	return err == -EPROTONOSUPPORT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ||
	       err == -EINVAL;
}

struct nlmsghdr *netfilter_request(char *buf, uint16_t type, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

const char *netfilter_family(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_NETDEV:
		return "netdev";
	default:
		return NULL;
	}
}

#define NETDEV_EGRESS 1 /* NF_NETDEV_EGRESS: an enumerator since Linux 5.16 */

/* The hook's name where redirected packets pass it by, or those moved at TC egress; else NULL. */
static const char *hook_of(uint8_t family, uint32_t hook)
{
	if (family == NFPROTO_NETDEV)
		return hook == NF_NETDEV_INGRESS ? "ingress"
		       : hook == NETDEV_EGRESS	 ? "egress"
						 : NULL;
	switch (hook) {
	case NF_INET_LOCAL_OUT:
		return "output";
	case NF_INET_PRE_ROUTING:
		return "prerouting";
	case NF_INET_FORWARD:
		return "forward";
	case NF_INET_POST_ROUTING:
		return "postrouting";
	case NF_INET_INGRESS:
		return family == NFPROTO_INET ? "ingress" : NULL;
	default:
		return NULL;
	}
}

static bool is_output(const struct chain *chain)
{
	return chain->family != NFPROTO_NETDEV && chain->hook == NF_INET_LOCAL_OUT;
}

static void name_copy(char *to, size_t size, const struct nlattr *attr)
{
	snprintf(to, size, "%.*s", (int)mnl_attr_get_payload_len(attr),
		 (const char *)mnl_attr_get_payload(attr));
}

static bool hook_number(const struct nlattr *hook, uint32_t *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, hook)
	{
		if (mnl_attr_get_type(attr) != NFTA_HOOK_HOOKNUM ||
		    mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			continue;
		*out = ntohl(mnl_attr_get_u32(attr));
		return true;
	}
	return false;
}

/* Collects the chains on hooks of ours; chains without a hook are reached from those. */
static int chain_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct chains *chains = arg;
	const struct nlattr *attr;
	struct chain chain = {0}, *kept;
	bool hooked = false;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return MNL_CB_OK;
	chain.family = nfg->nfgen_family;
	mnl_attr_for_each(attr, nlh, sizeof(*nfg))
	{
		switch (mnl_attr_get_type(attr)) {
		case NFTA_CHAIN_TABLE:
			name_copy(chain.table, sizeof(chain.table), attr);
			break;
		case NFTA_CHAIN_NAME:
			name_copy(chain.name, sizeof(chain.name), attr);
			break;
		case NFTA_CHAIN_HOOK:
			hooked = hook_number(attr, &chain.hook);
			break;
		case NFTA_CHAIN_POLICY:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				chain.drops = ntohl(mnl_attr_get_u32(attr)) == NF_DROP;
			break;
		}
	}
	if (!hooked || !netfilter_family(chain.family) || !hook_of(chain.family, chain.hook) ||
	    is_output(&chain) != chains->output)
		return MNL_CB_OK;
	kept = malloc(sizeof(*kept));
	if (!kept) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	*kept = chain;
	*chains->end = kept;
	chains->end = &kept->next;
	return MNL_CB_OK;
}

static void chains_free(struct chains *chains)
{
	struct chain *chain;

	while ((chain = chains->first)) {
		chains->first = chain->next;
		free(chain);
	}
	chains->end = &chains->first;
}

static int chains_dump(struct chains *chains)
{
	char buf[128] __attribute__((aligned(NLMSG_ALIGNTO)));
	int err = -EINTR;

	for (int try = 0; try < NETFILTER_TRIES && err == -EINTR; try++) {
		chains_free(chains);
		err = netfilter_dump(NETLINK_NETFILTER,
				     netfilter_request(buf, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC),
				     chain_message, chains);
	}
	return err;
}

static int rule_message(const struct nlmsghdr *nlh, void *arg)
{
	unsigned int *rules = arg;

	if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
		++*rules;
	return MNL_CB_OK;
}

static int rules_count(const struct chain *chain, unsigned int *out)
{
	char buf[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int rules = 0;
	int err = -EINTR;

	for (int try = 0; try < NETFILTER_TRIES && err == -EINTR; try++) {
		struct nlmsghdr *nlh = netfilter_request(buf, NFT_MSG_GETRULE, chain->family);

		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, chain->table);
		mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain->name);
		rules = 0;
		err = netfilter_dump(NETLINK_NETFILTER, nlh, rule_message, &rules);
	}
	if (err == -ENOENT) /* deleted meanwhile */
		rules = 0, err = 0;
	if (!err)
		*out = rules;
	return err;
}

static int nft_found(bool output, char text[LINKS_TEXT])
{
	struct chains chains = {.end = &chains.first, .output = output};
	int found = chains_dump(&chains);

	if (is_absent(found))
		found = 0;
	for (struct chain *c = chains.first; c && !found; c = c->next) {
		unsigned int rules = 0;
		int err = rules_count(c, &rules);

		if (err) {
			found = err;
			break;
		}
		if (!rules && !c->drops)
			continue;
		found = 1;
		if (rules)
			snprintf(text, LINKS_TEXT,
				 "nftables chain %s %.80s %.80s (hook %s) has %u rule%s",
				 netfilter_family(c->family), c->table, c->name,
				 hook_of(c->family, c->hook), rules, rules == 1 ? "" : "s");
		else
			snprintf(text, LINKS_TEXT,
				 "nftables chain %s %.80s %.80s (hook %s) has policy drop",
				 netfilter_family(c->family), c->table, c->name,
				 hook_of(c->family, c->hook));
	}
	chains_free(&chains);
	return found;
}

/*
 * Policies for what is forwarded or sent. Those of an xfrm interface do not count: their packets
 * are routed to that interface, which is a path like another. Nor do those of a single socket.
 */
static int policy_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct xfrm_userpolicy_info *policy = mnl_nlmsg_get_payload(nlh);
	unsigned int *policies = arg;
	const struct nlattr *attr;
	uint32_t if_id = 0;

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*policy))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*policy))
	{
		if (mnl_attr_get_type(attr) == XFRMA_IF_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			if_id = mnl_attr_get_u32(attr);
	}
	if (!if_id && (policy->dir == XFRM_POLICY_OUT || policy->dir == XFRM_POLICY_FWD))
		++*policies;
	return MNL_CB_OK;
}

static int xfrm_found(char text[LINKS_TEXT])
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int policies = 0;
	int err = -EINTR;

	for (int try = 0; try < NETFILTER_TRIES && err == -EINTR; try++) {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

		nlh->nlmsg_type = XFRM_MSG_GETPOLICY;
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct xfrm_userpolicy_id));
		policies = 0;
		err = netfilter_dump(NETLINK_XFRM, nlh, policy_message, &policies);
	}
	if (is_absent(err))
		return 0;
	if (err || !policies)
		return err;
	snprintf(text, LINKS_TEXT, "%u xfrm polic%s without an interface (forward or out)",
		 policies, policies == 1 ? "y" : "ies");
	return 1;
}

int links_netfilter_look(int what, char text[LINKS_TEXT])
{
	switch (what) {
	case 0:
		return nft_found(false, text);
	case 1:
		return xtables_found(false, text);
	default:
		return xfrm_found(text);
	}
}

int links_netfilter_output(char text[LINKS_TEXT])
{
	int nft = nft_found(true, text), xtables;

	if (nft > 0)
		return nft;
	xtables = xtables_found(true, text);
	return xtables > 0 || !nft ? xtables : nft;
}

int links_netfilter_found(char text[LINKS_TEXT])
{
	int first_err = 0;

	for (int what = 0; what < 3; what++) {
		int found = links_netfilter_look(what, text);

		if (found > 0)
			return found;
		if (!first_err)
			first_err = found;
	}
	return first_err;
}

static int sysctl_on(const char *path)
{
	FILE *file = fopen(path, "re");
	int value = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &value) != 1)
		value = 0;
	fclose(file);
	return value != 0;
}

int links_forwarding(uint8_t family)
{
	return sysctl_on(family == 4 ? "/proc/sys/net/ipv4/ip_forward"
				     : "/proc/sys/net/ipv6/conf/all/forwarding");
}

int links_mark_reflect(void)
{
	return sysctl_on("/proc/sys/net/ipv4/fwmark_reflect") ||
	       sysctl_on("/proc/sys/net/ipv6/fwmark_reflect");
}
