/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of scenarios.md whose verdict is of flows, each set up as routes of both views, path
 * states and one event.
 */
#include "fixture_scene.h"

static void test_s10_local_pref_missing(void **state)
{
	struct scene *s = *state;

	local(s, "10.10.30.0/24", "er1-primary", 100, AS(12076));
	local(s, "10.10.30.0/24", "vpn30", 100, AS(65515));
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	assert_told(s, CAUSE_LOCAL_PREF_MISSING, SIDE_ONPREM, SEVERITY_WARNING);
	message(s, "both have local preference 100");
	message(s, "the older path stays");
	message(s, "er1-primary 10.10.30.0/24 as_path 12076 local_pref 100");
	message(s, "vpn30 10.10.30.0/24 as_path 65515 local_pref 100");
	fix(s, "`set local-preference 200`");
	fix(s, "`neighbor 192.168.30.18 route-map ER-IN in`");
	fix(s, "`clear bgp ipv4 unicast 192.168.30.18 soft in`");
	fix(s, "bgp_local_pref = 200");
	s->e->inside.stateful = true;
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	assert_int_equal(s->t.severity, SEVERITY_CRITICAL);
}

static void test_s10_shorter_as_path(void **state)
{
	struct scene *s = *state;
	struct config_feed feed = {.type = FEED_FRR};

	s->e->cfg.feeds = &feed;
	s->e->cfg.n_feeds = 1;
	local(s, "10.10.30.0/24", "er1-primary", 100, AS(12076, 65515));
	local(s, "10.10.30.0/24", "vpn30", 100, AS(65515));
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	assert_told(s, CAUSE_LOCAL_PREF_MISSING, SIDE_ONPREM, SEVERITY_WARNING);
	message(s, "that of vpn30 is shorter (1 against 2)");
	assert_null(strstr(s->t.fix, "BIRD")); /* its router is FRR */
}

static void test_s11_vpn_more_specific(void **state)
{
	struct scene *s = *state;

	local(s, "10.11.30.0/26", "er1-primary", 200, AS(12076));
	local(s, "10.11.30.0/27", "vpn30", 100, AS(65515));
	tell(s, SW_VERDICT_ASYMMETRIC, OUT, "10.11.30.4", VPN, ER1);
	assert_told(s, CAUSE_VPN_MORE_SPECIFIC, SIDE_ONPREM, SEVERITY_WARNING);
	message(s, "10.11.30.0/27 from the VPN is more specific than 10.11.30.0/26");
	fix(s, "`ip prefix-list VPN-IN seq 5 deny 10.11.30.0/27`");
	fix(s, "`neighbor 10.10.30.254 prefix-list VPN-IN in`");
	/* class-first here: the routing daemon still goes by the longest prefix */
	s->e->cfg.match = MATCH_CLASS_FIRST;
	s->e->cfg.mode = SW_MODE_MONITOR;
	tell(s, SW_VERDICT_ASYMMETRIC, OUT, "10.11.30.4", VPN, ER1);
	assert_told(s, CAUSE_VPN_MORE_SPECIFIC, SIDE_ONPREM, SEVERITY_WARNING);
	fix(s, "`mode: enforce` mends it");
}

static void test_s12_maintenance_no_local_pref(void **state)
{
	struct scene *s = *state;

	local(s, "10.10.30.0/24", "er1-primary", 100,
	      AS(12076, 12076, 12076, 12076, 12076, 12076, 12076, 12076, 12076));
	local(s, "10.10.30.0/24", "vpn30", 100, AS(65515));
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	assert_told(s, CAUSE_MAINTENANCE_NO_LOCAL_PREF, SIDE_ONPREM, SEVERITY_WARNING);
	message(s, "under maintenance");
	message(s, "as_path 12076x9");
	fix(s, "`set local-preference 200`");
	fix(s, "then of the secondary connection");
}

/* S13 is S10 after a flap: the short cure is in the fix. */
static void test_s13_short_cure(void **state)
{
	struct scene *s = *state;

	local(s, "10.10.30.0/24", "er1-primary", 100, AS(12076));
	local(s, "10.10.30.0/24", "vpn30", 100, AS(65515));
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	fix(s, "a short cure: `clear bgp ipv4 unicast 10.10.30.254 soft in`");
}

static void test_s14_bgp_daemon(void **state)
{
	struct scene *s = *state;

	local(s, "10.10.30.0/24", "er1-primary", 200, AS(12076));
	local(s, "10.10.30.0/24", "vpn30", 100, AS(65515));
	chosen(s, "10.10.30.0/24", "vpn30");
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	assert_told(s, CAUSE_BGP_DAEMON, SIDE_ONPREM, SEVERITY_WARNING);
	message(s, "local preference is right (200 of er1-primary against 100)");
	message(s, "the routing daemon chose vpn30");
	fix(s, "`clear bgp ipv4 unicast 192.168.30.18 soft in`");
	fix(s, "upgrade");
}

static void test_s15_fib_override(void **state)
{
	struct scene *s = *state;

	local(s, "10.10.30.0/24", "er1-primary", 200, AS(12076));
	local(s, "10.10.30.0/24", "vpn30", 100, AS(65515));
	chosen(s, "10.10.30.0/24", "er1-primary");
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	assert_told(s, CAUSE_FIB_OVERRIDE, SIDE_ONPREM, SEVERITY_WARNING);
	message(s, "the routing daemon itself chose er1-primary");
	fix(s, "`ip rule`");
}

static void test_s16_convergence(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	edge_object(s->e, ER1, WORD_LINK, true);
	edge_wait(s->e, 75 * S);
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	assert_told(s, CAUSE_CONVERGENCE, SIDE_AZURE, SEVERITY_WARNING);
	message(s, "our routes left er1-primary 75 s ago");
	fix(s, "`neighbor 192.168.30.18 bfd`");
	edge_wait(s->e, CAUSE_NEAR_NS + s->e->cfg.grace_ns);
	tell_hub(s, SW_VERDICT_ASYMMETRIC, VPN, ER1);
	assert_told(s, CAUSE_UNKNOWN, SIDE_AZURE, SEVERITY_WARNING);
}

static void test_s17_onprem_more_specific(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	remote_steady(s);
	remote(s, "10.2.30.0/26", SW_CLASS_VPN, "", AS(65021));
	edge_wait(s->e, 12 * S);
	tell_hub(s, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_told(s, CAUSE_ONPREM_MORE_SPECIFIC, SIDE_AZURE, SEVERITY_WARNING);
	message(s, "advertises 10.2.30.0/26 on the VPN and 10.2.30.0/25 on ExpressRoute");
	message(s, "Azure's tables (12 s old): 10.2.30.0/25 expressroute er1 as_path 12076 65021; "
		   "10.2.30.0/26 vpn as_path 65021");
	fix(s, "`ip prefix-list VPN-OUT seq 5 deny 10.2.30.0/26`");
	fix(s, "`neighbor 10.10.30.254 prefix-list VPN-OUT out`");
	/* the other half of the network is not told the same */
	tell(s, SW_VERDICT_ASYMMETRIC, "10.2.30.100", "10.10.30.4", ER1, VPN);
	assert_told(s, CAUSE_AZURE_PREFERENCE, SIDE_AZURE, SEVERITY_WARNING);
}

static void test_s18_not_advertised_on_er(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	remote_steady(s);
	remote(s, "10.2.30.128/25", SW_CLASS_VPN, "", AS(65021));
	remote(s, "10.2.40.0/24", SW_CLASS_VPN, "", AS(65021));
	remote(s, "10.2.30.125/32", SW_CLASS_VPN, "", AS(0)); /* the tunnel's end */
	tell(s, SW_VERDICT_ASYMMETRIC, "10.2.30.130", "10.10.30.4", ER1, VPN);
	assert_told(s, CAUSE_NOT_ADVERTISED_ON_ER, SIDE_AZURE, SEVERITY_WARNING);
	message(s, "Azure has 10.2.30.128/25 by the VPN alone");
	message(s, "so are 10.2.40.0/24");
	assert_null(strstr(s->t.message, "10.2.30.125"));
	fix(s, "`ip prefix-list LIST permit 10.2.30.128/25`");
	fix(s, "`show bgp ipv4 unicast neighbors 192.168.30.18 advertised-routes`");
}

static void test_s19_er_dataplane(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	remote_steady(s);
	s->e->ctx.path[ER1].dead = true;
	tell_hub(s, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_told(s, CAUSE_ER_DATAPLANE, SIDE_AZURE, SEVERITY_CRITICAL);
	message(s, "nothing comes back of what leaves by er1-primary");
	fix(s, "`sameway path er1-primary drain`");
}

/* Without a black hole: the circuit's table has it, the VNet's gateway by VPN alone. */
static void test_s19_connection_down(void **state)
{
	struct scene *s = *state;
	struct route r = route_of(VIEW_REMOTE, "10.2.30.0/25", AS(65021));

	edge_hub(s->e);
	r.has_class = true;
	r.class = ER;
	r.second_hand = true;
	assert_int_equal(rib_announce(s->e->rib, 1, &r, s->e->ctx.now), RIB_OK);
	remote(s, "10.2.30.0/25", SW_CLASS_VPN, "", AS(65021));
	tell_hub(s, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_told(s, CAUSE_ER_DATAPLANE, SIDE_AZURE, SEVERITY_CRITICAL);
	message(s, "their connection is down");
}

static void test_s20_azure_preference(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	tell_hub(s, SW_VERDICT_ASYMMETRIC, ER1, VPN); /* no remote view: a hint, and what to feed */
	assert_told(s, CAUSE_AZURE_PREFERENCE, SIDE_AZURE, SEVERITY_WARNING);
	fix(s, "hubRoutingPreference");
	fix(s, "az network vnet-gateway list-learned-routes");
	remote_steady(s);
	tell_hub(s, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_told(s, CAUSE_AZURE_PREFERENCE, SIDE_AZURE, SEVERITY_WARNING);
	message(s, "Azure has 10.2.30.0/25 by both, and returns by VPN, whose AS path is shorter "
		   "(1 against 2)");
	fix(s, "hubRoutingPreference (Route Server, vWAN) to ExpressRoute");
	assert_null(strstr(s->t.fix, "list-learned-routes"));
}

static void test_s21_azure_slower(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	remote(s, "10.2.30.0/25", SW_CLASS_VPN, "", AS(65021)); /* a table of the outage */
	edge_wait(s->e, 60 * S);
	edge_object(s->e, ER1, WORD_LINK, false);
	edge_wait(s->e, 70 * S);
	tell_hub(s, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_told(s, CAUSE_CONVERGENCE, SIDE_AZURE, SEVERITY_WARNING);
	message(s, "er1-primary came back 70 s ago, and Azure still returns by vpn30");
	fix(s, "failback-stuck");
	/* it has answered by ExpressRoute since: it is not slow, it prefers the VPN */
	s->e->ctx.path[ER1].received_ns = s->e->ctx.now - 20 * S;
	tell_hub(s, SW_VERDICT_ASYMMETRIC, ER1, VPN);
	assert_told(s, CAUSE_NOT_ADVERTISED_ON_ER, SIDE_AZURE, SEVERITY_WARNING);
}

static void test_s22_prefix_limit(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	edge_withdraw(s->e, "10.10.30.0/24", "er1-primary");
	s->e->ctx.path[ER1].limit_near = true;
	tell_hub(s, SW_VERDICT_FAILOVER, VPN, VPN);
	assert_told(s, CAUSE_PREFIX_LIMIT, SIDE_UNKNOWN, SEVERITY_CRITICAL);
	fix(s, "summarise");
}

static void test_s23_er_unused(void **state)
{
	struct scene *s = *state;

	local(s, "10.10.30.0/24", "er1-primary", 100, AS(12076));
	local(s, "10.10.30.0/24", "vpn30", 100, AS(65515));
	remote_steady(s);
	tell_hub(s, SW_VERDICT_POLICY_VIOLATION, VPN, VPN);
	assert_told(s, CAUSE_LOCAL_PREF_MISSING, SIDE_ONPREM, SEVERITY_WARNING);
	message(s, "available: er1-primary");
	message(s, "Azure's tables");
	fix(s, "mind the VPN's bandwidth and cost");
}

static void test_s24_failover(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	edge_object(s->e, ER1, WORD_LINK, true);
	s->e->ctx.prefixes_moved = 2;
	tell_hub(s, SW_VERDICT_FAILOVER, VPN, VPN);
	assert_told(s, CAUSE_LINK_DOWN, SIDE_UNKNOWN, SEVERITY_NOTICE);
	message(s, "2 prefixes moved");
	edge_object(s->e, ER1, WORD_LINK, false);
	edge_object(s->e, ER1, WORD_BFD, true);
	tell_hub(s, SW_VERDICT_FAILOVER, VPN, VPN);
	assert_told(s, CAUSE_BFD_DOWN, SIDE_UNKNOWN, SEVERITY_NOTICE);
	assert_int_equal(s->f.duration_ms, 0);
	s->e->ctx.path[ER1].silent_ns = s->e->ctx.now - 6 * MS; /* from the last sign of life on */
	tell_hub(s, SW_VERDICT_FAILOVER, VPN, VPN);
	assert_int_equal(s->f.duration_ms, 6);
	s->e->ctx.path[ER1].silent_ns = s->e->ctx.now - 600 * MS; /* the flow is younger */
	tell_hub(s, SW_VERDICT_FAILOVER, VPN, VPN);
	assert_int_equal(s->f.duration_ms, 10);
	edge_object(s->e, ER1, WORD_BFD, false);
	edge_object(s->e, ER1, WORD_PROBE, true);
	tell_hub(s, SW_VERDICT_FAILOVER, VPN, VPN);
	assert_told(s, CAUSE_ER_DATAPLANE, SIDE_UNKNOWN, SEVERITY_NOTICE);
}

static void test_s25_no_backup(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	edge_object(s->e, ER1, WORD_LINK, true);
	s->e->ctx.prefixes_moved = 2;
	s->e->ctx.prefixes_lost = 2;
	s->e->ctx.lost = (struct incident_lost){{prefix_of("10.17.30.0/26")}, 1};
	tell_hub(s, SW_VERDICT_FAILOVER, VPN, VPN);
	assert_told(s, CAUSE_LINK_DOWN, SIDE_UNKNOWN, SEVERITY_CRITICAL);
	message(s, "2 prefixes lost the only path: no backup exists for 10.17.30.0/26 and others");
}

static void test_s9_unencrypted(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	for (int azure = 0; azure < 2; azure++) {
		struct sw_event ev = edge_hub_event(s->e, SW_VERDICT_POLICY_VIOLATION, 9,
						    azure ? VPN : ER1, ER1);

		cause_gather(&s->e->ctx, &ev, &s->f);
		s->f.must_encrypt = true;
		cause_tell(&s->f, &s->t);
		assert_told(s, CAUSE_UNENCRYPTED, azure ? SIDE_AZURE : SIDE_ONPREM,
			    SEVERITY_CRITICAL);
		message(s, "seen in clear on er1-primary");
		message(s, "expected vpn by a rule");
	}
	fix(s, "advertise more specific prefixes of 10.2.30.0/25 on the VPN");
}

static void test_s28_other_edge(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	tell_hub(s, SW_VERDICT_ONE_WAY, ER1, SW_NO_PATH);
	assert_told(s, CAUSE_UNKNOWN, SIDE_UNKNOWN, SEVERITY_WARNING);
	fix(s, "run sameway on the other edge too, or tap both");
	fix(s, "list-learned-routes"); /* the feed that would say more */
	remote(s, "10.2.30.0/25", ER, "er9", AS(12076, 65021));
	tell_hub(s, SW_VERDICT_ONE_WAY, ER1, SW_NO_PATH);
	assert_told(s, CAUSE_OTHER_EDGE, SIDE_UNKNOWN, SEVERITY_INFO);
	message(s, "Azure returns 10.2.30.0/25 by expressroute, circuit er9, which is not at this "
		   "edge");
	s->e->inside.stateful = true;
	tell_hub(s, SW_VERDICT_ONE_WAY, ER1, SW_NO_PATH);
	assert_int_equal(s->t.severity, SEVERITY_WARNING);
	remote(s, "10.2.30.0/26", ER, "er1", AS(12076, 65021)); /* ours: its other router? */
	tell_hub(s, SW_VERDICT_ONE_WAY, ER1, SW_NO_PATH);
	assert_told(s, CAUSE_UNKNOWN, SIDE_UNKNOWN, SEVERITY_WARNING);
	/* which way the inside host sends is not Azure's to say */
	tell_hub(s, SW_VERDICT_ONE_WAY, SW_NO_PATH, ER1);
	assert_told(s, CAUSE_UNKNOWN, SIDE_UNKNOWN, SEVERITY_WARNING);
	fix(s, "inside host's gateway");
}

static void hole(struct scene *s, const char *src, int path, bool whole, bool moves)
{
	const struct cause_pair pair = {.verdict = SW_VERDICT_ONE_WAY,
					.src = prefix_of(src),
					.dst = prefix_of("10.10.30.0/24"),
					.forward = path};

	cause_gather_pair(&s->e->ctx, &pair, &s->f);
	s->f.silent = (struct cause_silent){
		.flows = 12, .hosts = 4, .for_ns = 21 * S, .whole = whole, .moves = moves};
	cause_tell(&s->f, &s->t);
}

static void test_s29_backup_blackhole(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	remote_steady(s);
	hole(s, "10.2.30.0/25", VPN, true, false);
	assert_told(s, CAUSE_BACKUP_BLACKHOLE, SIDE_UNKNOWN, SEVERITY_CRITICAL);
	message(s, "12 flows to at least 4 hosts, answered before, send by vpn30, and for 21 s no "
		   "packet "
		   "has come back from anywhere");
	fix(s, "GatewaySubnet");
	hole(s, "10.2.30.0/25", ER1, false, false); /* S19, seen as one direction */
	assert_told(s, CAUSE_ER_DATAPLANE, SIDE_AZURE, SEVERITY_CRITICAL);
	message(s, "while others are answered");
	hole(s, "10.2.30.0/25", ER1, true, true);
	assert_told(s, CAUSE_UNKNOWN, SIDE_UNKNOWN, SEVERITY_WARNING);
	message(s, "the answers come home by another way");
}

static void test_s41_overlap(void **state)
{
	struct scene *s = *state;

	edge_hub(s->e);
	remote_steady(s);
	remote(s, "10.2.30.64/26", SW_CLASS_VPN, "", AS(65077));
	hole(s, "10.2.30.64/26", ER1, true, false);
	assert_told(s, CAUSE_OVERLAP, SIDE_AZURE, SEVERITY_CRITICAL);
	message(s, "another site announces 10.2.30.64/26, a part of ours, to Azure's VPN (AS "
		   "65077)");
	fix(s, "renumber");
	remote(s, "10.2.30.0/26", SW_CLASS_VPN, "", AS(65021)); /* our own: no overlap */
	hole(s, "10.2.30.0/26", ER1, true, false);
	assert_told(s, CAUSE_ER_DATAPLANE, SIDE_AZURE, SEVERITY_CRITICAL);
}

/* A pair for which Azure returns by what this edge has not got. */
static void test_pair_of_another_edge(void **state)
{
	struct scene *s = *state;
	const struct cause_pair pair = {.verdict = SW_VERDICT_ASYMMETRIC,
					.src = prefix_of("10.2.30.0/25"),
					.dst = prefix_of("10.10.30.0/24"),
					.forward = ER1,
					.has_reverse = true,
					.reverse_class = SW_CLASS_VPN};

	edge_hub(s->e);
	s->e->cfg.n_paths = 1; /* er1-primary alone */
	remote(s, "10.2.30.0/25", SW_CLASS_VPN, "", AS(65021));
	cause_gather_pair(&s->e->ctx, &pair, &s->f);
	cause_tell(&s->f, &s->t);
	assert_told(s, CAUSE_OTHER_EDGE, SIDE_UNKNOWN, SEVERITY_WARNING);
	message(s, "Azure returns by vpn, and no path of this edge is of that");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_s9_unencrypted),
		TEST(test_s10_local_pref_missing),
		TEST(test_s10_shorter_as_path),
		TEST(test_s11_vpn_more_specific),
		TEST(test_s12_maintenance_no_local_pref),
		TEST(test_s13_short_cure),
		TEST(test_s14_bgp_daemon),
		TEST(test_s15_fib_override),
		TEST(test_s16_convergence),
		TEST(test_s17_onprem_more_specific),
		TEST(test_s18_not_advertised_on_er),
		TEST(test_s19_er_dataplane),
		TEST(test_s19_connection_down),
		TEST(test_s20_azure_preference),
		TEST(test_s21_azure_slower),
		TEST(test_s22_prefix_limit),
		TEST(test_s23_er_unused),
		TEST(test_s24_failover),
		TEST(test_s25_no_backup),
		TEST(test_s28_other_edge),
		TEST(test_s29_backup_blackhole),
		TEST(test_s41_overlap),
		TEST(test_pair_of_another_edge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
