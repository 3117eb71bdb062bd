/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the plan wants against what the kernel has. The kernel forgets silently: routes go with
 * their link, without a word. So nothing is remembered here; each look asks for all of it.
 */
#include "kernel/steer_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 10 /* a dump that changes interrupt is begun again */

static const uint8_t families[] = {4, 6};

struct look {
	struct mnl_socket *nl;
	const struct steer_plan *plan;
	struct steer_report *report;
	struct host_rule rule[STEER_RULES]; /* of ours in the range */
	size_t n;
};

static bool in_range(uint32_t number, uint32_t tables)
{
	return number >= tables && number < tables + SW_MAX_PATHS;
}

static int rule_collect(void *arg, const struct host_rule *rule)
{
	struct look *look = arg;

	steer_foreign_rule(look->plan, rule, look->report);
	if (rule->protocol != SW_RTPROT || !in_range(rule->priority, look->plan->tables))
		return 0;
	if (look->n == STEER_RULES)
		return -E2BIG;
	look->rule[look->n++] = *rule;
	return 0;
}

static bool rule_equal(const struct host_rule *a, const struct host_rule *b)
{
	return a->family == b->family && a->priority == b->priority && a->table == b->table &&
	       a->mark == b->mark && a->mask == b->mask;
}

/* Notes what became of one. Its link is away: the next look after it is back puts it. */
static void note(const struct look *look, int err, const char *kind, uint8_t family,
		 uint32_t number)
{
	struct steer_report *report = look->report;
	char *text = err ? report->failed : report->what;

	if (err == -ENETDOWN || err == -ENODEV || err == -EEXIST)
		return;
	if (err && report->err)
		return;
	if (!err)
		report->paths |= 1ULL << (number - look->plan->tables);
	if (!err && report->put++)
		return;
	if (err)
		report->err = err;
	snprintf(text, STEER_TEXT, "IPv%u %s %u", family, kind, number);
}

static struct host_rule wanted_rule(const struct steer_plan *plan, uint8_t id, uint8_t family)
{
	return (struct host_rule){.family = family,
				  .protocol = SW_RTPROT,
				  .priority = plan->tables + id,
				  .table = plan->tables + id,
				  .mark = sw_mark(plan->mask, id),
				  .mask = plan->mask};
}

static void rule_want(struct look *look, const struct host_rule *want)
{
	for (size_t i = 0; i < look->n; i++) {
		if (rule_equal(&look->rule[i], want))
			return;
	}
	note(look, steer_rule_put(look->nl, want), "rule", want->family, want->priority);
}

struct route_look {
	const struct steer_route *want;
	struct steer_report *report;
	bool there, guarded;
};

static int route_compare(void *arg, const struct steer_route *route)
{
	struct route_look *look = arg;
	const struct steer_route *want = look->want;

	if (route->protocol != SW_RTPROT) {
		steer_foreign_route(route, look->report);
		return 0;
	}
	look->guarded |= route->unreachable;
	look->there |= route->plain && route->ifindex == want->ifindex &&
		       ip_equal(&route->via, &want->via) && route->mtu == want->mtu;
	return 0;
}

/* Keeps what is marked for a VPN from leaving by another route, in clear, when its device is away.
 */
static struct steer_route guard_of(uint8_t family, uint32_t table)
{
	return (struct steer_route){
		.family = family, .protocol = SW_RTPROT, .table = table, .unreachable = true};
}

static int route_want(struct look *look, const struct steer_path *path, uint8_t family, bool prune)
{
	struct steer_route want = {.family = family,
				   .protocol = SW_RTPROT,
				   .table = look->plan->tables + path->id,
				   .ifindex = path->ifindex,
				   .mtu = path->mtu};
	const struct steer_route guard = guard_of(family, want.table);
	struct route_look found = {.want = &want, .report = look->report};
	int err;

	if (!path->l3)
		want.via = path->via[family == 6];
	err = steer_routes(look->nl, family, want.table, route_compare, &found);
	if (err)
		return err;
	if (path->vpn && !found.guarded)
		note(look, steer_route_put(look->nl, &guard), "unreachable route of table", family,
		     want.table);
	if (!path->vpn && found.guarded && prune)
		err = steer_route_drop(look->nl, &guard);
	if (err || found.there || !path->ifindex)
		return err;
	note(look, steer_route_put(look->nl, &want), "route of table", family, want.table);
	return 0;
}

static bool carries(const struct steer_path *path, uint8_t family)
{
	/* whether a device that is away has an Ethernet header is not known */
	return path->l3 || path->via[family == 6].family || (path->vpn && !path->ifindex);
}

static const struct steer_path *path_of(const struct steer_plan *plan, uint8_t id, uint8_t family)
{
	for (size_t i = 0; i < plan->n; i++) {
		if (plan->path[i].id == id && carries(&plan->path[i], family))
			return &plan->path[i];
	}
	return NULL;
}

struct counted {
	size_t ours;
	struct steer_route other; /* the first of somebody else */
	bool others;
};

static int route_count(void *arg, const struct steer_route *route)
{
	struct counted *count = arg;

	if (route->protocol == SW_RTPROT) {
		count->ours++;
	} else if (!count->others) {
		count->others = true;
		count->other = *route;
	}
	return 0;
}

/* Ours in the table; more than one where an interrupted change left them. */
static int table_clear(struct mnl_socket *nl, uint8_t family, uint32_t table)
{
	const struct steer_route route = {.family = family, .protocol = SW_RTPROT, .table = table};
	struct counted count = {0};
	int err = steer_routes(nl, family, table, route_count, &count);

	while (!err && count.ours--)
		err = steer_route_drop(nl, &route);
	return err == -ESRCH ? 0 : err;
}

/* What is ours in the plan's range and not in the plan. */
static int prune_rest(struct look *look)
{
	int err = 0;

	for (size_t i = 0; i < look->n && !err; i++) {
		const struct host_rule *rule = &look->rule[i];
		uint8_t id = (uint8_t)(rule->priority - look->plan->tables);
		struct host_rule want = wanted_rule(look->plan, id, rule->family);

		if (!path_of(look->plan, id, rule->family) || !rule_equal(rule, &want))
			err = steer_rule_drop(look->nl, rule);
		if (err == -ENOENT)
			err = 0;
	}
	for (uint8_t id = 0; id < SW_MAX_PATHS && !err; id++) {
		for (int f = 0; f < 2 && !err; f++) {
			if (!path_of(look->plan, id, families[f]))
				err = table_clear(look->nl, families[f], look->plan->tables + id);
		}
	}
	return err;
}

static int sync_all(struct look *look, bool prune)
{
	int err = 0;

	for (int f = 0; f < 2 && !err; f++)
		err = steer_rules(look->nl, families[f], rule_collect, look);
	for (size_t i = 0; i < look->plan->n && !err; i++) {
		const struct steer_path *path = &look->plan->path[i];

		for (int f = 0; f < 2 && !err; f++) {
			struct host_rule want = wanted_rule(look->plan, path->id, families[f]);

			if (!carries(path, families[f]))
				continue;
			err = route_want(look, path, families[f], prune); /* before the rule */
			rule_want(look, &want);
		}
	}
	return !err && prune ? prune_rest(look) : err;
}

int steer_sync(const struct steer_plan *plan, bool prune, struct steer_report *report)
{
	struct look look = {.plan = plan, .report = report};
	int err = -EINTR;

	memset(report, 0, sizeof(*report));
	/* a new socket each time: the rest of an interrupted dump is still in the old one */
	for (int try = 0; try < TRIES && err == -EINTR; try++) {
		look.nl = steer_open();
		if (!look.nl)
			return -errno;
		look.n = report->n_foreign = 0;
		err = sync_all(&look, prune);
		mnl_socket_close(look.nl);
	}
	return err;
}

int steer_clear(uint32_t tables)
{
	const struct steer_plan nothing = {.tables = tables};
	struct steer_report report;

	return steer_sync(&nothing, true, &report);
}

struct taken {
	uint32_t tables;
	char *text;
	bool found;
};

static int rule_taken(void *arg, const struct host_rule *rule)
{
	struct taken *taken = arg;

	if (taken->found || rule->protocol == SW_RTPROT || !in_range(rule->priority, taken->tables))
		return 0;
	taken->found = true;
	snprintf(taken->text, STEER_TEXT, "IPv%u rule %u (table %u) is somebody else's",
		 rule->family, rule->priority, rule->table);
	return 0;
}

static int look_taken(struct mnl_socket *nl, struct taken *taken)
{
	int err = 0;

	for (int f = 0; f < 2 && !err; f++)
		err = steer_rules(nl, families[f], rule_taken, taken);
	for (uint32_t i = 0; i < 2 * SW_MAX_PATHS && !err && !taken->found; i++) {
		struct counted count = {0};
		uint32_t table = taken->tables + i / 2;

		err = steer_routes(nl, families[i & 1], table, route_count, &count);
		if (err || !count.others)
			continue;
		taken->found = true;
		snprintf(taken->text, STEER_TEXT,
			 "table %u has an IPv%u route of somebody else (proto %u)", table,
			 families[i & 1], count.other.protocol);
	}
	return err;
}

int steer_taken(uint32_t tables, char text[STEER_TEXT])
{
	struct taken taken = {.tables = tables, .text = text};
	int err = -EINTR;

	for (int try = 0; try < TRIES && err == -EINTR; try++) {
		struct mnl_socket *nl = steer_open();

		if (!nl)
			return -errno;
		err = look_taken(nl, &taken);
		mnl_socket_close(nl);
	}
	return err ? err : taken.found;
}
