/* SPDX-License-Identifier: GPL-2.0-only */
/* The preflight of the paths: the rows of `paths`, with no daemon too. */
#include "core/doctor_status.h"

#include <stdio.h>
#include <string.h>

#define BFD_SLOW_MS  1000
#define PROBE_ENOUGH 20 /* intervals, to speak of loss */

static void check_bfd_refused(struct doctor_report *report, const char *name, const json_t *refused)
{
	static const struct {
		const char *why, *text, *fix;
	} rows[] = {
		{"ttl", "were not sent by a neighbour (TTL below 255)",
		 "a BFD session of one hop is expected of a far end on the link: use multihop BFD "
		 "there, or see who sends them"},
		{"source", "are of no gateway and no peer of the path",
		 "list the far end in `peers` of the path that its session is of"},
		{"session",
		 "are not of our side's session (another port or discriminator than it has)",
		 "both sides: multihop BFD, or neither; else see who sends them: `tcpdump`"},
		{"malformed", "can't be (RFC 5880, 6.8.6)", "see who sends them: `tcpdump`"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_int_t n = json_integer_value(json_object_get(refused, rows[i].why));

		if (n)
			doctor_add(report, "bfd", name, false, rows[i].fix,
				   "%lld BFD packets for this box %s: not heard", (long long)n,
				   rows[i].text);
	}
}

/* What keeps a path's BFD from telling, or from telling soon. */
static void check_bfd(struct doctor_report *report, const char *name, const json_t *bfd)
{
	const char *state = doctor_text(bfd, "state");
	const json_t *row;
	size_t i;

	if (!strcmp(state, "up"))
		doctor_add(report, "bfd", name, true, "", "up");
	if (!strcmp(state, "never-heard"))
		doctor_add(
			report, "bfd", name, false,
			"turn BFD on in the routing daemon's session by that path (BIRD: `bfd on;` "
			"and `protocol bfd`), or leave `bfd: true` out",
			"`bfd: true`, but no BFD session was ever heard");
	json_array_foreach (json_object_get(bfd, "sessions"), i, row) {
		const char *peer = doctor_text(row, "peer"), *says = doctor_text(row, "state");
		double ms = json_number_value(json_object_get(row, "interval_ms"));

		if (!strcmp(says, "admin-down"))
			doctor_add(
				report, "bfd", name, false,
				"bring the session up again there; till then the path's failure is "
				"told by link and routes alone",
				"the BFD session with %s is administratively down", peer);
		else if (!strcmp(state, "not-armed") && strcmp(says, "never-heard"))
			doctor_add(
				report, "bfd", name, false,
				"see why it does not come up: `birdc show bfd sessions`, `vtysh -c "
				"'show bfd peers'`",
				"the BFD session with %s has not been up yet", peer);
		else if (ms > BFD_SLOW_MS && json_is_true(json_object_get(row, "armed")))
			doctor_add(
				report, "bfd", name, false,
				"set its intervals to 300 ms on both sides, as Microsoft has them",
				"BFD with %s has an interval of %.0f ms: a silent cut is noticed "
				"after %.0f ms",
				peer, ms, json_number_value(json_object_get(row, "detect_ms")));
	}
	check_bfd_refused(report, name, json_object_get(bfd, "refused"));
}

/* A probe that says nothing, or not what was meant. */
static void check_probe(struct doctor_report *report, const char *path, const json_t *row,
			const json_t *probe)
{
	const char *target = doctor_text(probe, "target"), *state = doctor_text(probe, "state");
	long long sent = json_integer_value(json_object_get(probe, "sent"));
	long long lost = json_integer_value(json_object_get(probe, "lost"));
	long long last = json_integer_value(json_object_get(probe, "last"));
	const char *blocked = doctor_text(probe, "blocked"), *way = doctor_text(probe, "elsewhere");
	const char *gateway = doctor_text(row, "gateway");

	if (way[0])
		doctor_add(report, "probe", path, false,
			   "have the far side send them back by the path (its routes to the "
			   "address of this box on it), or give a target that does",
			   "answers of %s come by %s, and do not count for this path", target, way);
	else if (!strcmp(blocked, "no-address"))
		doctor_add(report, "probe", path, false,
			   "give the path's device (`l3:`, else its interface) an address of the "
			   "target's family",
			   "%s can't be probed: the device has no address to send from", target);
	else if (blocked[0])
		doctor_add(report, "probe", path, false,
			   "see the other findings of the path; `send-failed`: the daemon's log",
			   "%s is not probed now: %s", target, blocked);
	else if (!strcmp(state, "never-answered") &&
		 sent > json_integer_value(json_object_get(probe, "misses")))
		doctor_add(
			report, "probe", path, false,
			"it is sent from the path's own address: the target must have a route back "
			"to that by this path (announce the link's network, or give a target that "
			"has one; tcpdump on the path's device shows it); until it answers, it "
			"objects to nothing",
			"%s has never answered, %lld sent", target, sent);
	else if (!strcmp(state, "down"))
		doctor_add(report, "probe", path, false,
			   "see what is behind the path's far router, whatever its BGP says",
			   "%s does not answer: the path is not used until it does", target);
	else if (last >= PROBE_ENOUGH && lost * 10 >= last)
		doctor_add(report, "probe", path, false,
			   "look for loss on the path (the provider, the tunnel's underlay), or "
			   "for a limit on echo requests at the target",
			   "%s leaves %lld of the last %lld without an answer", target, lost, last);
	else
		doctor_add(report, "probe", path, true, "", "%s: %s, %lld of the last %lld lost%s",
			   target, state, lost, last,
			   gateway[0] && !strcmp(gateway, target)
				   ? "; it is the gateway: nothing behind it is proven"
				   : "");
}

/* Usable; without a route it is a backup of nothing, and nobody would see that. */
static void check_routes(struct doctor_report *report, const char *name, const json_t *row)
{
	long long n4 = json_integer_value(json_object_get(row, "routes4"));
	long long n6 = json_integer_value(json_object_get(row, "routes6"));

	if (n4 || n6)
		doctor_add(report, "path", name, true, "", "usable, %lld IPv4 and %lld IPv6 routes",
			   n4, n6);
	else
		doctor_add(report, "path", name, false,
			   "see whether the routing daemon's session by it is up and takes its "
			   "routes; where `status` has routes refused as unknown-path, list their "
			   "next hop in the path's `peers`",
			   "usable, and no feed has a route for it: nothing is sent by it, and it "
			   "is no backup");
}

/* By the reason that the others may come from; %s: the path. */
static const char *path_fix(const char *why)
{
	static const struct {
		const char *reason, *fix;
	} rows[] = {
		{"drained", "`sameway path %s undrain`"},
		{"interface-down", "see the findings of %s's interface"},
		{"no-neighbor", "see the findings of %s's gateway; `ip neigh`"},
		{"bfd-down", "look at the far router of %s and what is between: `birdc show bfd "
			     "sessions`, `vtysh -c 'show bfd peers'`"},
		{"peer-down", "see the BGP session by %s: `birdc show protocols`, `vtysh -c 'show "
			      "bgp summary'`"},
		{"probe-failed", "see what is behind the far router of %s, whatever its BGP says"},
		{"failback-delay", "wait: %s is back, and held for failback-delay; it ends at once "
				   "when the far side's packets come by it"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(why, rows[i].reason))
			return rows[i].fix;
	return "see `sameway paths` of %s";
}

void doctor_paths(struct doctor_report *report, const json_t *paths)
{
	const json_t *row, *reason;
	size_t i, k;

	json_array_foreach (paths, i, row) {
		bool usable = json_is_true(json_object_get(row, "usable"));
		const char *name = doctor_text(row, "name");
		char why[200] = "", fix[HOST_TEXT];
		const json_t *probe = json_object_get(row, "probe");
		size_t used = 0;

		check_bfd(report, name, json_object_get(row, "bfd"));
		if (json_is_object(probe))
			check_probe(report, name, row, probe);
		json_array_foreach (json_object_get(row, "reasons"), k, reason) {
			const char *text = json_string_value(reason);

			if (text && used + strlen(text) + 3 < sizeof(why))
				used += (size_t)snprintf(why + used, sizeof(why) - used, "%s%s",
							 used ? ", " : "", text);
		}
		if (usable) {
			check_routes(report, name, row);
			continue;
		}
		snprintf(fix, sizeof(fix), path_fix(why), name);
		doctor_add(report, "path", name, false, fix, "not usable: %s", why);
	}
}
