/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules and routes of others that are in the way of what sameway marks. */
#include "kernel/steer.h"
#include "kernel/steer_netlink.h"

#include <string.h>

struct ahead {
	struct prefix src, dst;
	const char *iif;
	uint32_t mark, table, before;
	uint32_t found;
};

static bool end_matches(const struct prefix *wanted, const struct prefix *host)
{
	return !wanted->family || prefix_contains(wanted, host);
}

/* Rules come in the order of their priorities: the first that leads there did it. */
static int rule_ahead(void *arg, const struct host_rule *rule)
{
	struct ahead *a = arg;
	bool matches = end_matches(&rule->from, &a->src) && end_matches(&rule->to, &a->dst) &&
		       (!rule->iif[0] || !strcmp(rule->iif, a->iif)) &&
		       !((a->mark ^ rule->mark) & rule->mask);

	if (!a->found && rule->protocol != SW_RTPROT && !rule->harmless &&
	    rule->table == a->table && rule->priority < a->before && matches != rule->inverted)
		a->found = rule->priority;
	return 0;
}

uint32_t steer_rule_ahead(const struct ip_addr *dst, const struct ip_addr *src, const char *iif,
			  uint32_t mark, uint32_t table, uint32_t before)
{
	struct ahead a = {.src = prefix_host(src),
			  .dst = prefix_host(dst),
			  .iif = iif,
			  .mark = mark,
			  .table = table,
			  .before = before};
	struct mnl_socket *nl = steer_open();

	if (!nl)
		return 0;
	if (steer_rules(nl, dst->family, rule_ahead, &a))
		a.found = 0;
	mnl_socket_close(nl);
	return a.found;
}
