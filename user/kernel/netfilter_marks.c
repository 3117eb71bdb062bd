/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which nftables rule writes bits of skb->mark before the kernel routes by it. As far as a rule
 * shows: `meta mark set` of what a bitwise expression of the same rule leaves as it is does not
 * count, any other value does. Rules of chains behind the routing (forward, postrouting, input) do
 * not matter.
 */
#include "kernel/links_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#define WRITERS 16 /* rules that are looked at further */

struct place {
	uint8_t family;
	char table[NFT_TABLE_MAXNAMELEN], chain[NFT_CHAIN_MAXNAMELEN];
	bool behind; /* of the routing */
};

struct marks {
	uint32_t mask;
	struct place writer[WRITERS];
	size_t n;
};

static bool text_is(const struct nlattr *attr, const char *text)
{
	return mnl_attr_get_payload_len(attr) >= strlen(text) &&
	       !strncmp(mnl_attr_get_payload(attr), text, mnl_attr_get_payload_len(attr));
}

static uint32_t word_be(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == 4 ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

/* The first word of a value in a register, as the kernel has it. */
static uint32_t value_of(const struct nlattr *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data)
	{
		if (mnl_attr_get_type(attr) == NFTA_DATA_VALUE &&
		    mnl_attr_get_payload_len(attr) >= 4)
			return mnl_attr_get_u32(attr);
	}
	return 0;
}

/* The bits that a rule so far would leave: of a bitwise expression, mark = mark & keep ^ flip. */
struct written {
	uint32_t keep, flip;
	bool writes;
};

static void meta_look(const struct nlattr *data, struct written *out)
{
	const struct nlattr *attr;
	bool mark = false, set = false;

	mnl_attr_for_each_nested(attr, data)
	{
		if (mnl_attr_get_type(attr) == NFTA_META_KEY)
			mark = word_be(attr) == NFT_META_MARK;
		else if (mnl_attr_get_type(attr) == NFTA_META_SREG)
			set = true;
	}
	out->writes |= mark && set;
}

static void bitwise_look(const struct nlattr *data, struct written *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data)
	{
		if (mnl_attr_get_type(attr) == NFTA_BITWISE_MASK)
			out->keep = value_of(attr);
		else if (mnl_attr_get_type(attr) == NFTA_BITWISE_XOR)
			out->flip = value_of(attr);
	}
}

static void expression_look(const struct nlattr *expression, struct written *out)
{
	const struct nlattr *attr, *name = NULL, *data = NULL;

	mnl_attr_for_each_nested(attr, expression)
	{
		if (mnl_attr_get_type(attr) == NFTA_EXPR_NAME)
			name = attr;
		else if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA)
			data = attr;
	}
	if (!name || !data || out->writes)
		return;
	if (text_is(name, "bitwise")) {
		bitwise_look(data, out);
		return;
	}
	if (text_is(name, "meta"))
		meta_look(data, out);
	if (!out->writes) /* another value: nothing is known of it */
		out->keep = out->flip = 0;
}

static void text_copy(char *to, size_t size, const struct nlattr *attr)
{
	snprintf(to, size, "%.*s", (int)mnl_attr_get_payload_len(attr),
		 (const char *)mnl_attr_get_payload(attr));
}

static int rule_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *expression;
	struct place place = {0};
	struct written written = {0};
	struct marks *marks = arg;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg) || marks->n == WRITERS)
		return MNL_CB_OK;
	place.family = nfg->nfgen_family;
	mnl_attr_for_each(attr, nlh, sizeof(*nfg))
	{
		if (mnl_attr_get_type(attr) == NFTA_RULE_TABLE)
			text_copy(place.table, sizeof(place.table), attr);
		else if (mnl_attr_get_type(attr) == NFTA_RULE_CHAIN)
			text_copy(place.chain, sizeof(place.chain), attr);
		if (mnl_attr_get_type(attr) != NFTA_RULE_EXPRESSIONS)
			continue;
		mnl_attr_for_each_nested(expression, attr) expression_look(expression, &written);
	}
	if (written.writes && netfilter_family(place.family) &&
	    (~written.keep & marks->mask || written.flip & marks->mask))
		marks->writer[marks->n++] = place;
	return MNL_CB_OK;
}

static bool is_behind(uint8_t family, uint32_t hook)
{
	return family != NFPROTO_NETDEV && (hook == NF_INET_FORWARD || hook == NF_INET_LOCAL_IN ||
					    hook == NF_INET_POST_ROUTING);
}

static int chain_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *in;
	struct place place = {0};
	struct marks *marks = arg;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*nfg))
	{
		if (mnl_attr_get_type(attr) == NFTA_CHAIN_TABLE)
			text_copy(place.table, sizeof(place.table), attr);
		else if (mnl_attr_get_type(attr) == NFTA_CHAIN_NAME)
			text_copy(place.chain, sizeof(place.chain), attr);
		if (mnl_attr_get_type(attr) != NFTA_CHAIN_HOOK)
			continue;
		mnl_attr_for_each_nested(in, attr)
		{
			if (mnl_attr_get_type(in) == NFTA_HOOK_HOOKNUM)
				place.behind = is_behind(nfg->nfgen_family, word_be(in));
		}
	}
	for (size_t i = 0; i < marks->n; i++) {
		struct place *writer = &marks->writer[i];

		if (writer->family == nfg->nfgen_family && !strcmp(writer->table, place.table) &&
		    !strcmp(writer->chain, place.chain))
			writer->behind = place.behind;
	}
	return MNL_CB_OK;
}

int links_netfilter_marks(uint32_t mask, char text[LINKS_TEXT])
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct marks marks = {.mask = mask};
	int err = -EINTR;

	for (int try = 0; try < NETFILTER_TRIES && err == -EINTR; try++) {
		marks.n = 0;
		err = netfilter_dump(NETLINK_NETFILTER,
				     netfilter_request(buf, NFT_MSG_GETRULE, NFPROTO_UNSPEC),
				     rule_message, &marks);
		if (!err && marks.n)
			err = netfilter_dump(
				NETLINK_NETFILTER,
				netfilter_request(buf, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC),
				chain_message, &marks);
	}
	for (size_t i = 0; i < marks.n && !err; i++) {
		const struct place *writer = &marks.writer[i];

		if (writer->behind)
			continue;
		snprintf(text, LINKS_TEXT, "nftables chain %s %.80s %.80s: a rule writes the mark",
			 netfilter_family(writer->family), writer->table, writer->chain);
		return 1;
	}
	return err;
}
