/* SPDX-License-Identifier: GPL-2.0-only */
/* The preflight of a running daemon: its answer to `status`. */
#include "core/doctor_status.h"

#include "core/gso.h"

#include <stdio.h>
#include <string.h>

#define RECENT_S 10

const char *doctor_text(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));

	return text ? text : "";
}

static bool is_recent(const json_t *row, const char *key)
{
	const json_t *age = json_object_get(row, key);

	return json_is_number(age) && json_number_value(age) < RECENT_S;
}

/* A feed of several tables is up while one of them is; what the others told grows old. */
static void check_feed_tables(struct doctor_report *report, const char *feed, const json_t *tables)
{
	const json_t *row;
	size_t i;

	json_array_foreach (tables, i, row) {
		if (json_is_true(json_object_get(row, "stale")))
			doctor_add(report, "feed", feed, false,
				   "collect it again, or see why it can't be read in `sameway "
				   "status`; routes that no table confirms go after stale-time",
				   "table %.100s is stale, %lld s old", doctor_text(row, "name"),
				   (long long)json_integer_value(json_object_get(row, "age_s")));
	}
}

static void check_feeds(struct doctor_report *report, const json_t *status)
{
	const json_t *row;
	size_t i;

	if (!json_array_size(json_object_get(status, "feeds")))
		doctor_add(report, "feed", "feeds", false,
			   "add a feed to the config, see sameway.yaml(5)",
			   "there is none: no route will ever be known");
	json_array_foreach (json_object_get(status, "feeds"), i, row) {
		const char *name = doctor_text(row, "name"), *state = doctor_text(row, "state");
		const char *why = doctor_text(row, "last_error");

		check_feed_tables(report, name, json_object_get(row, "tables"));
		if (!strcmp(state, "up"))
			doctor_add(report, "feed", name, true, "", "up, %lld routes",
				   (long long)json_integer_value(json_object_get(row, "routes")));
		else
			doctor_add(
				report, "feed", name, false,
				!strcmp(doctor_text(row, "type"), "bgp")
					? "see whether the routing daemon's session to it is up: "
					  "`birdc show protocols`, `vtysh -c 'show bgp summary'`"
					: "see whether its source is there and can be read",
				"%s%s%.160s", state, why[0] ? ": " : "", why);
	}
}

static void check_hooks(struct doctor_report *report, const json_t *status)
{
	const json_t *row;
	bool all = true;
	size_t i;

	json_array_foreach (json_object_get(status, "hooks"), i, row) {
		if (json_is_true(json_object_get(row, "attached")))
			continue;
		all = false;
		doctor_add(report, "hook", doctor_text(row, "interface"), false,
			   "see `ip link` for the interface; it is attached again when it returns",
			   "%s is not attached", doctor_text(row, "hook"));
	}
	if (all)
		doctor_add(report, "hook", "hooks", true, "", "all attached");
}

/* What `auto` chose for the veths, and what the other hook would give. */
static void check_auto_hooks(struct doctor_report *report, const json_t *status)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(status, "auto_hooks"), i, row) {
		const struct gso_seen seen = {
			.frames = json_integer_value(json_object_get(row, "tc_frames")),
			.gso_frames = json_integer_value(json_object_get(row, "gso_frames")),
			.gso_packets = json_integer_value(json_object_get(row, "gso_packets")),
		};
		const char *name = doctor_text(row, "interface");

		if (!strcmp(doctor_text(row, "hook"), "tc"))
			doctor_add(
				report, "auto-hook", name, true, "",
				"a veth that stays at TC: it brought %llu packets in %llu frames, "
				"%llu of them whole GSO frames; `hook: xdp` would take packets one "
				"by one: TCP at about half, small packets two to three times as "
				"fast",
				(unsigned long long)gso_seen_packets(&seen),
				(unsigned long long)seen.frames,
				(unsigned long long)seen.gso_frames);
		else
			doctor_add(
				report, "auto-hook", name, true, "",
				"a veth with XDP: small packets go two to three times as fast as "
				"by TC, TCP at about half, since no whole GSO frame passes; "
				"`hook: tc` keeps those");
	}
}

static void check_waiting(struct doctor_report *report, const json_t *status)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(status, "waiting"), i, row) {
		const char *name = json_string_value(row);

		doctor_add(report, "waiting", name ? name : "", false,
			   "a feed is waited for 30 s at most, an interface until it is there",
			   "the start waits for it, enforce acts as monitor meanwhile");
	}
}

/* Of the FIB's tables: what prefixes longer than a /24, or a /16 of IPv6, need. */
static long long nodes_of(const json_t *routes, const char *table, const char *what)
{
	return json_integer_value(json_object_get(json_object_get(routes, table), what));
}

static bool nodes_short(const json_t *routes, const char *table)
{
	return nodes_of(routes, table, "used") * 10 > nodes_of(routes, table, "total") * 9;
}

static void check_tables(struct doctor_report *report, const json_t *status)
{
	const json_t *routes = json_object_get(status, "routes");
	long long refused = json_integer_value(json_object_get(routes, "refused"));
	long long groups = json_integer_value(json_object_get(routes, "groups"));

	if (refused)
		doctor_add(report, "tables", "routes", false,
			   "let fewer prefixes in: filter or aggregate on the routing daemon; or "
			   "give more nodes (`fib:` in the config, then detach and run)",
			   "full: %lld prefixes did not fit in", refused);
	else if (nodes_short(routes, "nodes4") || nodes_short(routes, "nodes6"))
		doctor_add(report, "tables", "routes", false,
			   "give more nodes (`fib:` in the config, then detach and run), or let "
			   "fewer long prefixes in",
			   "nearly full: %lld of %lld IPv4 and %lld of %lld IPv6 nodes are in use",
			   nodes_of(routes, "nodes4", "used"), nodes_of(routes, "nodes4", "total"),
			   nodes_of(routes, "nodes6", "used"), nodes_of(routes, "nodes6", "total"));
	else
		doctor_add(report, "tables", "routes", true, "",
			   "%lld IPv4 and %lld IPv6 prefixes, %lld groups of %d",
			   (long long)json_integer_value(json_object_get(routes, "prefixes4")),
			   (long long)json_integer_value(json_object_get(routes, "prefixes6")),
			   groups, SW_MAX_GROUPS);
}

/* What XDP redirected and was lost: a finding while it goes on, else only told. */
static void check_redirects(struct doctor_report *report, const json_t *status)
{
	const json_t *redirects = json_object_get(status, "redirects");
	const json_t *last = json_object_get(redirects, "last_s");
	long long lost = json_integer_value(json_object_get(redirects, "lost"));

	if (is_recent(redirects, "last_s"))
		doctor_add(report, "redirect", "XDP redirect", false,
			   "see `redirect_errors` of `sameway -j counters` for the interface and "
			   "why, and `ip -s link` for it",
			   "packets were lost, or found no device, after they were redirected, "
			   "%.0f s ago",
			   json_number_value(last));
	else if (json_is_true(json_object_get(redirects, "counted")))
		doctor_add(report, "redirect", "XDP redirect", true, "",
			   "%lld packets lost since the first start, none now", lost);
	else
		doctor_add(report, "redirect", "XDP redirect", true, "",
			   "what is lost after a redirect is not counted on this kernel");
}

/* What left by a path against policy: a finding while it goes on. */
static void check_egress(struct doctor_report *report, const json_t *status)
{
	const json_t *egress = json_object_get(status, "egress");
	long long stayed = json_integer_value(json_object_get(egress, "stayed"));
	long long back = json_integer_value(json_object_get(egress, "back"));

	if (!json_is_object(egress))
		return;
	if (is_recent(egress, "back_s"))
		doctor_add(
			report, "egress", "came by a path", false,
			"look for a rule of all before those of `tables:` (`ip rule`), and for a "
			"route of inside by a path; `sameway counters` has the interface (BACK)",
			"%lld packets that came by a path left by one, the last just now: a loop "
			"until their TTL ends",
			back);
	if (is_recent(egress, "stayed_s"))
		doctor_add(report, "egress", "this box's own", false,
			   "have the kernel's routes follow the policy (local preference in the "
			   "routing daemon), or give the sender an address of the path that it is "
			   "to use; `sameway counters` has the interface (STAYED)",
			   "%lld packets of this box left by another path than policy's, the last "
			   "just now: with `forward` %s what it sends goes by the kernel's routes",
			   stayed, doctor_text(status, "forward"));
	if (!is_recent(egress, "back_s") && !is_recent(egress, "stayed_s"))
		doctor_add(report, "egress", "kernel's routes", true, "",
			   "nothing leaves against policy now; since the first start %lld packets "
			   "of this box did, and %lld that had come by a path",
			   stayed, back);
}

/* A rule that binds its traffic to paths of which none is left: nobody else would say so. */
static void check_rules(struct doctor_report *report, const json_t *status)
{
	const json_t *rules = json_object_get(status, "rules"), *row;
	const json_t *list = json_object_get(rules, "list");
	bool all = true;
	size_t i;

	json_array_foreach (list, i, row) {
		if (!json_is_true(json_object_get(row, "dropping")))
			continue;
		all = false;
		doctor_add(report, "rule", doctor_text(row, "name"), false,
			   "see why its paths are not usable, or bring no route, with `sameway "
			   "paths` and `sameway routes`; or list one more in the rule",
			   "none of the paths that it lists is usable: what it matches is dropped "
			   "(rule-denied)%s",
			   is_recent(rules, "denied_s") ? ", packets just now" : "");
	}
	if (all && json_array_size(list))
		doctor_add(report, "rule", "rules", true, "", "%zu, none lacks a path",
			   json_array_size(list));
}

static void check_steering(struct doctor_report *report, const json_t *status)
{
	const json_t *tables = json_object_get(status, "tables");
	long long put_back = json_integer_value(json_object_get(tables, "put_back"));

	if (put_back)
		doctor_add(
			report, "put-back", "rules and routes", false,
			"see the daemon's log for which; a network manager that flushes `ip rule` "
			"or routes is to leave protocol 83 alone (systemd-networkd: "
			"ManageForeignRoutingPolicyRules=no, ManageForeignRoutes=no)",
			"%lld of kernel forwarding were gone and put back, since the daemon began",
			put_back);
	else if (json_is_integer(json_object_get(tables, "first")))
		doctor_add(report, "put-back", "rules and routes", true, "", "all are kept");
}

/* Alerts that nobody is told of. */
static void check_notify(struct doctor_report *report, const json_t *status)
{
	const json_t *notify = json_object_get(status, "notify");

	if (!json_is_object(notify))
		return;
	if (json_is_true(json_object_get(notify, "failing")))
		doctor_add(report, "notify", "notify", false,
			   "run the command by hand, with a line of `sameway -j alerts -f` on its "
			   "standard input",
			   "its last run failed: %.200s", doctor_text(notify, "last_error"));
	else
		doctor_add(report, "notify", "notify", true, "",
			   json_integer_value(json_object_get(notify, "sent"))
				   ? "its last run ended well"
				   : "no run yet");
}

void doctor_status(struct doctor_report *report, const char *instance, const json_t *status)
{
	doctor_add(report, "daemon", instance, true, "", "runs, version %s, mode %s, forward %s",
		   doctor_text(status, "version"), doctor_text(status, "mode"),
		   doctor_text(status, "forward"));
	check_feeds(report, status);
	check_hooks(report, status);
	check_auto_hooks(report, status);
	check_waiting(report, status);
	check_tables(report, status);
	check_redirects(report, status);
	check_egress(report, status);
	check_rules(report, status);
	check_steering(report, status);
	check_notify(report, status);
}

void doctor_no_daemon(struct doctor_report *report, const char *instance, bool pinned, bool socket)
{
	char fix[HOST_TEXT];

	snprintf(fix, sizeof(fix), "start it: `sameway -i %s run`%s", instance,
		 pinned ? "; or take everything away: `detach`" : "");
	if (socket)
		doctor_add(report, "daemon", instance, false, fix,
			   "its socket is there and nobody listens: it has died");
	else if (pinned)
		doctor_add(report, "daemon", instance, false, fix,
			   "not running: packets go on by the last state, no route and no alert is "
			   "followed");
	else
		doctor_add(report, "daemon", instance, true, "", "not started yet");
}
