/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iptables and ip6tables of the old kind, without libiptc. Only tables that /proc lists are asked
 * for, since asking for another one makes it. A built-in chain is the stretch of the table's blob
 * from its first entry to its policy's entry (hook_entry, underflow): where the two are the same
 * the chain has no rule. The policy is the verdict in that last entry's target.
 */
#include "kernel/links_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

/* The two families' requests have one layout and the same numbers; entries differ in their head. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "one layout");
_Static_assert(offsetof(struct ipt_get_entries, entrytable) ==
		       offsetof(struct ip6t_get_entries, entrytable),
	       "one layout");
_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO && IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES,
	       "one number");

static const struct kind {
	const char *tool, *names;
	int family, level;
	size_t target_offset; /* of the u16 in an entry that says where its target is */
} kinds[] = {
	{"iptables", "/proc/thread-self/net/ip_tables_names", AF_INET, IPPROTO_IP,
	 offsetof(struct ipt_entry, target_offset)},
	{"ip6tables", "/proc/thread-self/net/ip6_tables_names", AF_INET6, IPPROTO_IPV6,
	 offsetof(struct ip6t_entry, target_offset)},
};

static const struct {
	unsigned int number;
	const char *name;
} hooks[] = {
	{NF_INET_PRE_ROUTING, "PREROUTING"},
	{NF_INET_FORWARD, "FORWARD"},
	{NF_INET_POST_ROUTING, "POSTROUTING"},
	{NF_INET_LOCAL_OUT, "OUTPUT"},
};

/* 1: the entry at the offset is a policy to drop, 0: not, or -errno. */
static int policy_drops(int fd, const struct kind *kind, const struct ipt_getinfo *info,
			unsigned int at)
{
	socklen_t len = (socklen_t)(sizeof(struct ipt_get_entries) + info->size);
	struct ipt_get_entries *get = calloc(1, len);
	const char *blob;
	uint16_t target;
	int verdict, err = 0;

	if (!get)
		return -ENOMEM;
	memcpy(get->name, info->name, sizeof(get->name));
	get->size = info->size;
	if (getsockopt(fd, kind->level, IPT_SO_GET_ENTRIES, get, &len) < 0) {
		err = -errno;
		goto out;
	}
	blob = (const char *)get->entrytable;
	if ((size_t)at + kind->target_offset + sizeof(target) > info->size)
		goto out;
	memcpy(&target, blob + at + kind->target_offset, sizeof(target));
	if ((size_t)at + target + sizeof(struct xt_standard_target) > info->size)
		goto out;
	memcpy(&verdict, blob + at + target + offsetof(struct xt_standard_target, verdict),
	       sizeof(verdict));
	err = verdict == -NF_DROP - 1;
out:
	free(get);
	return err;
}

static int table_found(int fd, const struct kind *kind, const char *table, bool output,
		       char text[LINKS_TEXT])
{
	struct ipt_getinfo info = {0};
	socklen_t len = sizeof(info);

	memcpy(info.name, table, strnlen(table, sizeof(info.name) - 1));
	if (getsockopt(fd, kind->level, IPT_SO_GET_INFO, &info, &len) < 0)
		return errno == ENOENT ? 0 : -errno;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		unsigned int hook = hooks[i].number;
		bool rules;
		int drops;

		if (!(info.valid_hooks & 1u << hook) || (hook == NF_INET_LOCAL_OUT) != output)
			continue;
		rules = info.hook_entry[hook] != info.underflow[hook];
		drops = rules ? 0 : policy_drops(fd, kind, &info, info.underflow[hook]);
		if (drops < 0)
			return drops;
		if (!rules && !drops)
			continue;
		snprintf(text, LINKS_TEXT, "%s chain %s %s has %s", kind->tool, table,
			 hooks[i].name, rules ? "rules" : "policy DROP");
		return 1;
	}
	return 0;
}

static int kind_found(const struct kind *kind, bool output, char text[LINKS_TEXT])
{
	FILE *names = fopen(kind->names, "re");
	char table[XT_TABLE_MAXNAMELEN + 2];
	int fd, found = 0;

	if (!names)
		return errno == ENOENT ? 0 : -errno;
	fd = socket(kind->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		found = -errno;
	while (!found && fgets(table, sizeof(table), names)) {
		table[strcspn(table, "\n")] = '\0';
		found = table_found(fd, kind, table, output, text);
	}
	if (fd >= 0)
		close(fd);
	fclose(names);
	return found;
}

int xtables_found(bool output, char text[LINKS_TEXT])
{
	int found = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !found; i++)
		found = kind_found(&kinds[i], output, text);
	return found;
}
