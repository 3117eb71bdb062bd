/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules and routes of others that are in the way of what sameway marks. */
#include "kernel/steer_internal.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
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
			  .table = table ? table : RT_TABLE_MAIN,
			  .before = before};
	struct mnl_socket *nl = steer_open();

	if (!nl)
		return 0;
	if (steer_rules(nl, dst->family, rule_ahead, &a))
		a.found = 0;
	mnl_socket_close(nl);
	return a.found;
}

__attribute__((format(printf, 2, 3))) static void foreign_add(struct steer_report *report,
							      const char *fmt, ...)
{
	va_list args;

	if (report->n_foreign == STEER_FOREIGN)
		return;
	va_start(args, fmt);
	vsnprintf(report->foreign[report->n_foreign++], STEER_LINE, fmt, args);
	va_end(args);
}

/* Whether all that is marked for some path of the plan comes to the rule before ours. */
static bool takes_all(const struct steer_plan *plan, const struct host_rule *rule)
{
	if (rule->harmless || !host_rule_broad(rule))
		return false;
	for (size_t i = 0; i < plan->n; i++) {
		uint8_t id = plan->path[i].id;

		if (rule->priority < plan->tables + id &&
		    host_rule_takes(rule, sw_mark(plan->mask, id)))
			return true;
	}
	return false;
}

void steer_foreign_rule(const struct steer_plan *plan, const struct host_rule *rule,
			struct steer_report *report)
{
	bool takes = takes_all(plan, rule), asks = rule->mask & plan->mask;
	char mark[40] = "";

	if (rule->protocol == SW_RTPROT || (!takes && !asks))
		return;
	if (rule->mask)
		snprintf(mark, sizeof(mark), ", fwmark %#x/%#x", rule->mark, rule->mask);
	foreign_add(report,
		    "IPv%u rule %u (table %u%s) is somebody else's and %s: `ip -%u rule del "
		    "priority %u`, or %s",
		    rule->family, rule->priority, rule->table, mark,
		    takes ? "takes what sameway marks for its paths, before sameway's own rules"
			  : "asks for bits that are sameway's",
		    rule->family, rule->priority,
		    asks ? "write another `fwmark:`" : "give it a priority behind those");
}

void steer_foreign_route(const struct steer_route *route, struct steer_report *report)
{
	char prefix[PREFIX_STRLEN], name[IF_NAMESIZE] = "-";

	if (route->ifindex)
		if_indextoname(route->ifindex, name);
	prefix_format(&route->dst, prefix);
	foreign_add(report,
		    "IPv%u route %s dev %s in table %u is somebody else's (proto %u) and takes "
		    "what sameway marks for that table's path: `ip -%u route del %s dev %s table "
		    "%u`, or write another `tables:`",
		    route->family, prefix, name, route->table, route->protocol, route->family,
		    prefix, name, route->table);
}
