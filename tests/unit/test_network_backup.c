/* SPDX-License-Identifier: GPL-2.0-only */
/* The backup that nobody uses: gone, absent for some prefixes, or riding what it is to replace. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture_network.h"

static void vpn_link_down(struct net *n)
{
	net_path(n, VPN, WORD_LINK, true);
}
static void vpn_link_up(struct net *n)
{
	net_path(n, VPN, WORD_LINK, false);
}
static void vpn_drain(struct net *n)
{
	net_path(n, VPN, WORD_ADMIN, true);
}
static void vpn_undrain(struct net *n)
{
	net_path(n, VPN, WORD_ADMIN, false);
}
static void vpn_probe(struct net *n)
{
	net_path(n, VPN, WORD_PROBE, true);
}
static void er_link_down(struct net *n)
{
	net_path(n, ER1, WORD_LINK, true);
}
static void er_link_up(struct net *n)
{
	net_path(n, ER1, WORD_LINK, false);
}

static void vpn_routes(struct net *n, bool there)
{
	static const char *const prefix[] = {"10.10.30.0/24", "10.11.30.0/26", "10.11.30.64/26"};

	for (size_t i = 0; i < 3; i++)
		if (there)
			net_route(n, prefix[i], "vpn30", 65515);
		else
			net_withdraw(n, prefix[i], "vpn30");
}
static void vpn_bgp_down(struct net *n)
{
	vpn_routes(n, false);
}
static void vpn_bgp_up(struct net *n)
{
	vpn_routes(n, true);
}
static void er_bgp_down(struct net *n)
{
	net_withdraw(n, "10.10.30.0/24", "er1-primary");
	net_withdraw(n, "10.11.30.0/26", "er1-primary");
	net_withdraw(n, "10.17.30.0/26", "er1-primary");
}
static void er_bgp_up(struct net *n)
{
	net_route(n, "10.10.30.0/24", "er1-primary", 12076);
	net_route(n, "10.11.30.0/26", "er1-primary", 12076);
	net_route(n, "10.17.30.0/26", "er1-primary", 12076);
}
static void feed_gone(struct net *n)
{
	n->facts.routes_told = false;
	vpn_routes(n, false);
}
static void feed_back(struct net *n)
{
	vpn_routes(n, true);
	n->facts.routes_told = true;
}
static void second_vpn(struct net *n)
{
	n->w.e->paths[2].class = SW_CLASS_VPN;
	net_route(n, "10.10.30.0/24", "er2-primary", 65515);
}
static void attaching(struct net *n)
{
	n->facts.reset = 1ULL << VPN;
	vpn_link_down(n);
}
static void attached(struct net *n)
{
	n->facts.reset = 0;
	vpn_link_up(n);
}
static void hub_only_er(struct net *n)
{
	net_withdraw(n, "10.10.30.0/24", "vpn30");
}
static void hub_both(struct net *n)
{
	net_route(n, "10.10.30.0/24", "vpn30", 65515);
}
static void remote_withdrawn(struct net *n)
{
	net_withdraw(n, "10.17.30.0/26", "er1-primary");
}
static void end_to(struct net *n, const char *addr, const char *interface)
{
	n->facts.n_ends = 1;
	n->facts.end[0] = (struct network_end){0};
	assert_int_equal(ip_parse(addr, &n->facts.end[0].addr), 0);
	snprintf(n->facts.end[0].interface, 16, "%s", interface);
}
static void end_by_er(struct net *n)
{
	end_to(n, "52.168.162.84", "er0");
}
static void end_by_uplink(struct net *n)
{
	end_to(n, "52.168.162.84", "wan");
}

#define DOWN "backup-down vpn30 "

static const struct story stories[] = {
	{"steady: nothing", {{NULL, 600, ""}}},
	{"S30: VPN session gone while ER is fine",
	 {{vpn_bgp_down, 2, ""},
	  {NULL, 2, DOWN "warning bgp-down"},
	  {vpn_bgp_up, 9, DOWN "warning bgp-down"},
	  {NULL, 3, ""}}},
	{"S30: its device is down",
	 {{vpn_link_down, 4, DOWN "warning link-down"}, {vpn_link_up, 12, ""}}},
	{"S30: shorter than told", {{vpn_link_down, 2, ""}, {vpn_link_up, 60, ""}}},
	{"S30, S29: its probe", {{vpn_probe, 4, DOWN "warning backup-blackhole"}}},
	{"S30: drained by hand", {{vpn_drain, 4, DOWN "notice drained"}, {vpn_undrain, 12, ""}}},
	{"S30: one that comes and goes closes nothing",
	 {{vpn_link_down, 4, DOWN "warning link-down"},
	  {vpn_link_up, 5, DOWN "warning link-down"},
	  {vpn_link_down, 5, DOWN "warning link-down"},
	  {vpn_link_up, 12, ""}}},
	{"S30: another tunnel is left",
	 {{second_vpn, 5, ""}, {vpn_link_down, 4, DOWN "notice link-down"}}},
	{"S30: then ExpressRoute fails, too",
	 {{vpn_link_down, 4, DOWN "warning link-down"},
	  {er_link_down, 3, DOWN "critical link-down; no-backup expressroute critical link-down"},
	  {er_link_up, 5, DOWN "warning link-down"}}},
	{"S38: its feed is gone, which is told by feed-stale",
	 {{feed_gone, 60, ""}, {feed_back, 60, ""}}},
	{"our own attaching", {{attaching, 60, ""}, {attached, 60, ""}}},
	{"S25: the only path of a prefix fails, its link",
	 {{er_link_down, 3, "no-backup expressroute critical link-down"}, {er_link_up, 5, ""}}},
	{"S25: and BGP withdraws it",
	 {{er_link_down, 1, ""},
	  {er_bgp_down, 3, "no-backup expressroute critical link-down"},
	  {er_link_up, 3, "no-backup expressroute critical link-down"},
	  {er_bgp_up, 5, ""}}},
	{"S25: by BGP alone",
	 {{er_bgp_down, 3, "no-backup expressroute critical bgp-down"}, {er_bgp_up, 5, ""}}},
	{"a prefix that is withdrawn on a path that is well", {{remote_withdrawn, 120, ""}}},
	{"a prefix loses its backup, the VPN is well",
	 {{hub_only_er, 7, "no-backup expressroute warning unknown"}, {hub_both, 7, ""}}},
	{"the VPN returns without the hub's route",
	 {{vpn_bgp_down, 5, DOWN "warning bgp-down"},
	  {vpn_bgp_up, 5, DOWN "warning bgp-down"},
	  {hub_only_er, 30, ""},
	  {NULL, 40, "no-backup expressroute warning unknown"}}},
	{"S31: the tunnel's end by ExpressRoute",
	 {{end_by_uplink, 60, ""},
	  {end_by_er, 11, "backup-not-independent vpn warning unknown"},
	  {end_by_uplink, 11, ""}}},
};

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		net_story(&stories[i]);
}

/* What an engineer reads. */
static void test_words(void **state)
{
	struct net *n = net_new();
	const struct incident *inc;

	(void)state;
	vpn_bgp_down(n);
	net_wait(n, 5);
	inc = &n->last[NETWORK_BACKUP_DOWN];
	assert_string_equal(
		inc->message,
		"vpn30 (vpn, tun30) is no backup now: no route comes by it: its BGP "
		"session is down, or up and empty; er1-primary carries the rest, and nothing "
		"would take over; 1 prefix of it alone is without a path: 10.11.30.64/26");
	assert_int_equal(inc->prefixes_lost, 1);
	assert_int_equal(inc->forward_path, VPN);
	assert_non_null(strstr(inc->fix, "routesReceived 0"));
	vpn_bgp_up(n);
	net_wait(n, 70);
	er_link_down(n);
	net_wait(n, 3);
	inc = &n->last[NETWORK_NO_BACKUP];
	assert_int_equal(inc->prefixes_lost, 1);
	assert_true(prefix_equal(&inc->dst, &(struct prefix){4, 26, {10, 17, 30, 0}}));
	assert_string_equal(inc->message,
			    "1 prefix has no path: only expressroute had it, and er1-primary "
			    "failed: its link is down; no backup exists: "
			    "10.17.30.0/26");
	er_link_up(n);
	net_wait(n, 70);
	net_path(n, ER1, WORD_ADMIN, true);
	net_wait(n, 3);
	inc = &n->last[NETWORK_NO_BACKUP];
	assert_string_equal(inc->message,
			    "1 prefix has no path: only expressroute had it, and er1-primary is "
			    "drained; no backup exists: 10.17.30.0/26");
	assert_non_null(strstr(inc->fix, "`sameway path er1-primary undrain` when the work is"));
	net_path(n, ER1, WORD_ADMIN, false);
	net_wait(n, 10);
	end_by_er(n);
	net_wait(n, 12);
	inc = &n->last[NETWORK_BACKUP_NOT_INDEPENDENT];
	assert_int_equal(inc->side, SIDE_ONPREM);
	assert_non_null(strstr(inc->message, "52.168.162.84"));
	assert_non_null(strstr(inc->message, "out of er0, which is er1-primary"));
	assert_non_null(strstr(inc->fix, "ip route add 52.168.162.84 via"));
	net_free(n);
}

/* A daemon that starts meanwhile goes on with the incident, though it knows of fewer prefixes. */
static void test_restart(void **state)
{
	struct net *n = net_new();

	(void)state;
	edge_route(n->w.e, "10.18.30.0/26", "er1-primary", 12076, 100);
	net_tick(n);
	er_link_down(n);
	net_wait(n, 3);
	assert_int_equal(n->last[NETWORK_NO_BACKUP].prefixes_lost, 2);
	network_watch_free(n->watch);
	n->watch = network_watch_new();
	edge_withdraw(n->w.e, "10.18.30.0/26", "er1-primary");
	net_wait(n, 60);
	assert_int_equal(n->once[NETWORK_NO_BACKUP], 1);
	assert_true(n->last[NETWORK_NO_BACKUP].open);
	assert_int_equal(n->last[NETWORK_NO_BACKUP].prefixes_lost, 1);
	network_watch_free(n->watch); /* one that knows of none: over is what is over */
	n->watch = network_watch_new();
	edge_withdraw(n->w.e, "10.17.30.0/26", "er1-primary");
	net_wait(n, 60);
	assert_true(n->last[NETWORK_NO_BACKUP].open);
	er_link_up(n);
	net_wait(n, 10);
	assert_int_equal(n->once[NETWORK_NO_BACKUP], 1);
	assert_false(n->last[NETWORK_NO_BACKUP].open);
	net_free(n);
}

static struct config_rule bound[] = {
	{.name = "secure", .action = RULE_PREFER, .n_picks = 1, .pick = {{.class = SW_CLASS_VPN}}},
	{.name = "named", .action = RULE_ONLY, .n_picks = 1, .pick = {{.path = "vpn30"}}},
	{.name = "wish",
	 .action = RULE_PREFER,
	 .n_picks = 2,
	 .pick = {{.class = SW_CLASS_VPN}, {.class = SW_CLASS_EXPRESSROUTE}}},
};

/* What a rule binds to the VPN is dropped without it: more than a backup is gone. */
static void test_bound(void **state)
{
	struct net *n = net_new();
	const struct incident *inc = &n->last[NETWORK_BACKUP_DOWN];

	(void)state;
	n->w.e->cfg.rules = bound;
	n->w.e->cfg.n_rules = 3;
	vpn_link_down(n);
	net_wait(n, 5);
	assert_int_equal(inc->severity, SEVERITY_CRITICAL);
	assert_non_null(strstr(inc->message, "er1-primary carries the rest"));
	assert_non_null(strstr(inc->message, "; what is bound by rule secure, named has no path: "
					     "it is dropped (rule-denied)"));
	vpn_link_up(n);
	net_wait(n, 70);
	n->w.e->cfg.mode = SW_MODE_MONITOR;
	vpn_link_down(n);
	net_wait(n, 5);
	assert_int_equal(inc->severity, SEVERITY_WARNING);
	assert_non_null(strstr(inc->message, "enforce would drop it"));
	vpn_link_up(n);
	net_wait(n, 400); /* else it flaps */
	/* another VPN will do for the class, and not for the one that is named */
	n->w.e->cfg.mode = SW_MODE_ENFORCE;
	second_vpn(n);
	net_wait(n, 5);
	vpn_link_down(n);
	net_wait(n, 5);
	assert_int_equal(inc->severity, SEVERITY_CRITICAL);
	assert_non_null(strstr(inc->message, "er2-primary still is; what is bound by rule named "
					     "has no path"));
	net_free(n);
}

static void er_drain(struct net *n)
{
	net_path(n, ER1, WORD_ADMIN, true);
}
static void er_undrain(struct net *n)
{
	net_path(n, ER1, WORD_ADMIN, false);
}
static void er2_link_down(struct net *n)
{
	net_path(n, ER2, WORD_LINK, true);
}
static void er2_routes(struct net *n)
{
	net_route(n, "10.10.30.0/24", "er2-primary", 12076);
}
static struct config_rule only[] = {
	{.name = "bulk", .to = {4, 24, {10, 10, 30, 0}}, .action = RULE_ONLY, .n_picks = 1},
};
static void bind_one(struct net *n)
{
	only[0].pick[0] = (struct config_pick){.path = "er1-primary"};
	n->w.e->cfg.rules = only;
	n->w.e->cfg.n_rules = 1;
}
static void bind_class(struct net *n)
{
	bind_one(n);
	only[0].pick[0] = (struct config_pick){.class = SW_CLASS_EXPRESSROUTE};
}
static void bind_any(struct net *n)
{
	bind_one(n);
	only[0].n_picks = 2;
	only[0].pick[1] = (struct config_pick){.class = SW_CLASS_VPN};
}
static void bind_wish(struct net *n)
{
	bind_one(n);
	only[0].n_picks = 1;
	only[0].action = RULE_PREFER;
}
static void er_feed_gone(struct net *n)
{
	n->facts.routes_told = false;
	er_bgp_down(n);
}
static void monitor(struct net *n)
{
	n->w.e->cfg.mode = SW_MODE_MONITOR;
}

static void er_bfd_down(struct net *n)
{
	net_path(n, ER1, WORD_BFD, true);
}
static void er_bfd_gone(struct net *n)
{
	net_path(n, ER1, WORD_BFD, false);
}
/* BIRD ends the session, and by that BFD's: it asks for nothing any more. */
static void er_session_ends(struct net *n)
{
	er_bgp_down(n);
	net_path(n, ER1, WORD_BFD, false);
}
static void er_bfd_up(struct net *n)
{
	n->w.e->ctx.path[ER1].bfd_up = true;
	net_path(n, ER1, WORD_BFD, false);
}
static void vpn_bfd_down(struct net *n)
{
	net_path(n, VPN, WORD_BFD, true);
}
static void vpn_session_ends(struct net *n)
{
	vpn_bgp_down(n);
	net_path(n, VPN, WORD_BFD, false);
}
static void vpn_bfd_up(struct net *n)
{
	n->w.e->ctx.path[VPN].bfd_up = true;
	net_path(n, VPN, WORD_BFD, false);
}

/* One fall has one cause: BFD's word holds for the routes that it took along. */
static const struct story bfd_stories[] = {
	{"BFD, then the session and BFD with it",
	 {{er_bfd_down, 2, "no-backup expressroute critical bfd-down"},
	  {er_session_ends, 30, "no-backup expressroute critical bfd-down"},
	  {er_bgp_up, 5, ""}}},
	{"the session first, BFD a moment later",
	 {{er_bgp_down, 1, ""},
	  {er_bfd_down, 2, "no-backup expressroute critical bfd-down"},
	  {er_bfd_gone, 30, "no-backup expressroute critical bfd-down"}}},
	{"of a backup",
	 {{vpn_bfd_down, 5, DOWN "warning bfd-down"},
	  {vpn_session_ends, 30, DOWN "warning bfd-down"},
	  {vpn_bfd_up, 5, DOWN "warning bgp-down"}}},
	{"BGP alone while BFD is up",
	 {{er_bfd_up, 1, ""}, {er_bgp_down, 3, "no-backup expressroute critical bgp-down"}}},
};

static void test_bfd_took_along(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bfd_stories) / sizeof(bfd_stories[0]); i++)
		net_story(&bfd_stories[i]);
}

#define LOST "no-backup expressroute critical link-down"

/* What a rule binds to ExpressRoute's paths: nothing takes over when the last of them is gone. */
static const struct story bound_stories[] = {
	{"bound to a path, its link",
	 {{bind_one, 5, ""},
	  {er_link_down, 3, LOST "; no-backup bulk critical link-down"},
	  {er_link_up, 9, "no-backup bulk critical link-down"},
	  {NULL, 3, ""}}},
	{"bound to a path, drained",
	 {{bind_one, 5, ""},
	  {er_drain, 3, "no-backup expressroute critical drained; no-backup bulk critical drained"},
	  {er_undrain, 12, ""}}},
	{"bound to a path, its routes",
	 {{bind_one, 5, ""},
	  {er_bgp_down, 3,
	   "no-backup expressroute critical bgp-down; no-backup bulk critical bgp-down"},
	  {er_bgp_up, 12, ""}}},
	{"bound to a class, another path of it is well",
	 {{bind_class, 1, ""}, {er2_routes, 5, ""}, {er_link_down, 5, LOST}}},
	{"bound to a class, the last of it goes",
	 {{bind_class, 1, ""},
	  {er2_routes, 5, ""},
	  {er_link_down, 5, LOST},
	  {er2_link_down, 3, LOST "; no-backup bulk critical link-down"}}},
	{"bound, and the VPN may take over", {{bind_any, 5, ""}, {er_link_down, 5, LOST}}},
	{"bound with the VPN, all gone: backup-down says so",
	 {{bind_any, 5, ""},
	  {vpn_link_down, 5, DOWN "warning link-down"},
	  {er_link_down, 3, DOWN "critical link-down; " LOST}}},
	{"a preference binds nothing", {{bind_wish, 5, ""}, {er_link_down, 5, LOST}}},
	{"its feed is gone",
	 {{bind_one, 5, ""}, {er_feed_gone, 60, "no-backup expressroute critical bgp-down"}}},
	{"monitor: nothing is dropped",
	 {{bind_one, 1, ""},
	  {monitor, 5, ""},
	  {er_link_down, 3, LOST "; no-backup bulk warning link-down"}}},
};

static void test_bound_first(void **state)
{
	struct net *n = net_new();
	const struct incident *inc = &n->last[NETWORK_NO_BACKUP];

	(void)state;
	for (size_t i = 0; i < sizeof(bound_stories) / sizeof(bound_stories[0]); i++) {
		only[0].action = RULE_ONLY;
		only[0].n_picks = 1;
		net_story(&bound_stories[i]);
	}
	only[0].action = RULE_ONLY;
	bind_one(n);
	edge_withdraw(n->w.e, "10.17.30.0/26", "er1-primary");
	net_wait(n, 60);
	er_link_down(n);
	net_wait(n, 3);
	assert_string_equal(inc->subject, "bulk");
	assert_int_equal(inc->side, SIDE_ONPREM);
	assert_int_equal(inc->forward_path, ER1);
	assert_true(prefix_equal(&inc->dst, &only[0].to));
	assert_string_equal(inc->message,
			    "rule bulk binds its traffic to 10.10.30.0/24 to er1-primary: its link "
			    "is down; nothing takes over: it is dropped (rule-denied)");
	assert_string_equal(inc->fix,
			    "check cable, port and provider of er0; or let rule bulk list what may "
			    "take over: `only: [er1-primary, ...]`, or `prefer:` with what comes "
			    "after");
	network_watch_free(n->watch); /* a daemon that starts meanwhile goes on with it */
	n->watch = network_watch_new();
	net_wait(n, 60);
	assert_true(inc->open);
	assert_int_equal(n->once[NETWORK_NO_BACKUP], 1);
	er_link_up(n);
	net_wait(n, 15);
	assert_false(inc->open);
	net_free(n);
}

/* More prefixes than are kept one by one: counted as far as they go, and nothing is lost of the
 * rest. */
static void test_many(void **state)
{
	struct net *n = net_new();
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < NETWORK_KEPT + 100; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.0/24", 100 + i / 256, i % 256);
		edge_route(n->w.e, text, "er1-primary", 12076, 100);
	}
	net_tick(n);
	net_path(n, ER1, WORD_LINK, true);
	net_wait(n, 3);
	assert_int_equal(n->last[NETWORK_NO_BACKUP].prefixes_lost, NETWORK_KEPT + 101);
	for (unsigned int i = 0; i < NETWORK_KEPT + 100; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.0/24", 100 + i / 256, i % 256);
		edge_withdraw(n->w.e, text, "er1-primary");
	}
	net_wait(n, 15);
	assert_int_equal(n->once[NETWORK_NO_BACKUP], 1);
	assert_int_equal(n->last[NETWORK_NO_BACKUP].prefixes_lost, NETWORK_KEPT + 1);
	net_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),	    cmocka_unit_test(test_words),
		cmocka_unit_test(test_restart),	    cmocka_unit_test(test_bound),
		cmocka_unit_test(test_bound_first), cmocka_unit_test(test_bfd_took_along),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
