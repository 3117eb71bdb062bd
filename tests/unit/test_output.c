/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a user reads: rows made from structs and from maps that a table here stands in for, and
 * their text and JSON against golden files. GOLDEN=write makes the files anew, to be looked at.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/cmd.h"
#include "core/state.h"
#include "output/render.h"
#include "output/rows_internal.h"
#include "output/table.h"

#include "fixture_maps.h"

#define GOLDEN_DIR "tests/unit/golden/"

/* Compares with, or writes, a golden file. */
static void assert_golden(const char *name, const char *text)
{
	const char *mode = getenv("GOLDEN");
	char path[200], *expected;
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), GOLDEN_DIR "%s", name);
	if (mode && !strcmp(mode, "write")) {
		file = fopen(path, "w");
		assert_non_null(file);
		fputs(text, file);
		assert_int_equal(fclose(file), 0);
		return;
	}
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s can't be read: run from the top of the checkout", path);
	expected = calloc(1, 1 << 20);
	n = fread(expected, 1, (1 << 20) - 1, file);
	expected[n] = '\0';
	fclose(file);
	assert_string_equal(text, expected);
	free(expected);
}

/* Shows rows as text and as JSON, against NAME.txt and NAME.json; takes rows. */
static void assert_shown(enum view_name view, const char *name, json_t *rows)
{
	char *text = NULL, file[80];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(rows);
	assert_int_equal(text_render(out, view, rows), 0);
	fclose(out);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= TABLE_WIDTH);
	snprintf(file, sizeof(file), "%s.txt", name);
	assert_golden(file, text);
	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	assert_int_equal(json_render(out, rows), 0);
	fclose(out);
	snprintf(file, sizeof(file), "%s.json", name);
	assert_golden(file, text);
	free(text);
	json_decref(rows);
}

static json_t *parsed(const char *text)
{
	json_error_t err;
	json_t *value = json_loads(text, 0, &err);

	if (!value)
		fail_msg("%s", err.text);
	return value;
}

/* vpn30's, of which an interval ago nothing could be sent. */
static const struct sw_probe blocked_probe = {.target = {10, 11, 30, 68},
					      .port = 443,
					      .family = 4,
					      .state = SW_PROBE_UP,
					      .block = SW_PROBE_BLOCK_LINK,
					      .misses = 3,
					      .known = 40,
					      .interval_ms = 1000,
					      .lost = 0xb,
					      .sent = 4000,
					      .answered = 3990,
					      .rtt_ns = 12500000,
					      .answered_ns = 1};

static void test_paths(void **state)
{
	(void)state;
	fake_usable.link &= ~(1ULL << 5);
	fake_usable.peers4 &= ~(1ULL << 5);
	fake_usable.peers6 &= ~(1ULL << 5);
	fake_probes[5] = blocked_probe;
	assert_shown(SHOW_PATHS, "paths", rows_paths(fake_maps()));
}

/* Where the answers come by, while that is news; and what is not known. */
static void test_probe_elsewhere(void **state)
{
	json_t *rows, *probe;

	(void)state;
	fake_probes[0] = (struct sw_probe){.family = 6, .interval_ms = 100, .elsewhere = 1};
	for (int news = 0; news < 2; news++) {
		fake_probes[0].elsewhere_ns = news ? rows_now() : 1;
		rows = rows_paths(fake_maps());
		probe = json_object_get(json_array_get(rows, 0), "probe");
		assert_int_equal(json_is_string(json_object_get(probe, "elsewhere")), news);
		assert_true(json_is_null(json_object_get(probe, "rtt_ms")));
		assert_string_equal(json_string_value(json_object_get(probe, "target")), "::");
		assert_string_equal(json_string_value(json_object_get(probe, "state")),
				    "never-answered");
		json_decref(rows);
	}
	fake_probes[0].family = 0;
}

/* A reason of a path that is usable, and of no other. */
static void test_maintenance(void **state)
{
	json_t *rows, *reasons;

	(void)state;
	fake_paths[0].maintenance = 1;
	rows = rows_paths(fake_maps());
	reasons = json_object_get(json_array_get(rows, 0), "reasons");
	assert_int_equal(json_array_size(reasons), 1);
	assert_string_equal(json_string_value(json_array_get(reasons, 0)), "maintenance");
	json_decref(rows);
	fake_usable.link = 0;
	rows = rows_paths(fake_maps());
	reasons = json_object_get(json_array_get(rows, 0), "reasons");
	assert_int_equal(json_array_size(reasons), 1);
	assert_string_equal(json_string_value(json_array_get(reasons, 0)), "interface-down");
	json_decref(rows);
}

static struct sw_bfd_session fake_session(uint8_t last, uint8_t state, uint64_t detect_ms)
{
	return (struct sw_bfd_session){.addr = {192, 168, 30, last},
				       .family = 4,
				       .heard_ns = rows_now(),
				       .heard = 70,
				       .said.s = {.tx_us = 300000, .mult = 3, .state = state},
				       .own_state = SW_BFD_UP + 1,
				       .detect_ns = detect_ms * 1000000,
				       .armed = 1};
}

static const char *string_at(const json_t *rows, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(rows, i), key));
}

/* The rows and text of `paths` with BFD: down, then held back; another with a session unheard. */
static void test_bfd(void **state)
{
	json_t *rows, *bfd, *sessions, *reasons;
	char *text = NULL;
	size_t size;
	FILE *out;

	(void)state;
	fake_watched = 1 << 0 | 1 << 5;
	fake_usable.bfd = ~1ULL;
	fake_bfd[0] = (struct sw_bfd){.hold.down = 1, .refused = {.ttl = 4, .source = 1}};
	fake_bfd[0].session[0] = fake_session(18, SW_BFD_UP, 900);
	fake_bfd[0].session[0].down = fake_bfd[0].session[0].misses = 1;
	fake_bfd[0].session[1] = fake_session(22, SW_BFD_DOWN, 3000);
	fake_bfd[0].session[1].down = fake_bfd[0].session[1].downs = 1;
	fake_bfd[5].session[3] = (struct sw_bfd_session){.addr = {10, 10, 30, 254}, .family = 4};
	rows = rows_paths(fake_maps());
	assert_true(json_is_false(json_object_get(json_array_get(rows, 0), "usable")));
	reasons = json_object_get(json_array_get(rows, 0), "reasons");
	assert_int_equal(json_array_size(reasons), 1);
	assert_string_equal(json_string_value(json_array_get(reasons, 0)), "bfd-down");
	bfd = json_object_get(json_array_get(rows, 0), "bfd");
	assert_string_equal(json_string_value(json_object_get(bfd, "state")), "down");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(bfd, "refused"), "ttl")), 4);
	sessions = json_object_get(bfd, "sessions");
	assert_int_equal(json_array_size(sessions), 2);
	assert_string_equal(string_at(sessions, 0, "peer"), "192.168.30.18");
	assert_string_equal(string_at(sessions, 0, "state"), "silent");
	assert_string_equal(string_at(sessions, 0, "own"), "up");
	assert_string_equal(string_at(sessions, 1, "state"), "down");
	assert_true(json_number_value(
			    json_object_get(json_array_get(sessions, 0), "interval_ms")) == 300);
	assert_true(json_number_value(json_object_get(json_array_get(sessions, 1), "detect_ms")) ==
		    3000);
	bfd = json_object_get(json_array_get(rows, 1), "bfd");
	assert_string_equal(json_string_value(json_object_get(bfd, "state")), "never-heard");
	assert_true(json_is_null(
		json_object_get(json_array_get(json_object_get(bfd, "sessions"), 0), "detect_ms")));
	out = open_memstream(&text, &size);
	assert_int_equal(text_render(out, SHOW_PATHS, rows), 0);
	fclose(out);
	assert_non_null(strstr(text, "not usable: bfd-down"));
	assert_non_null(strstr(text, "192.168.30.18  silent"));
	assert_non_null(strstr(text, "never-heard, not armed"));
	assert_non_null(strstr(text, "refused: 5 packets"));
	free(text);
	json_decref(rows);

	fake_bfd[0].hold.up_ns = 1; /* well again, and held back */
	rows = rows_paths(fake_maps());
	reasons = json_object_get(json_array_get(rows, 0), "reasons");
	assert_int_equal(json_array_size(reasons), 1);
	assert_string_equal(json_string_value(json_array_get(reasons, 0)), "failback-delay");
	assert_true(json_is_false(json_object_get(json_array_get(rows, 0), "usable")));
	json_decref(rows);
	memset(fake_bfd, 0, sizeof(fake_bfd));
	fake_watched = 0;
}

/* What the kernel's timer has taken away for its carrier, and holds back since it is there again.
 */
static void test_carrier(void **state)
{
	json_t *rows, *reasons;

	(void)state;
	for (int held = 0; held < 2; held++) {
		fake_usable.link = ~1ULL;
		fake_carrier[0].hold = (struct sw_hold){.down = 1, .up_ns = (uint64_t)held};
		rows = rows_paths(fake_maps());
		assert_true(json_is_false(json_object_get(json_array_get(rows, 0), "usable")));
		reasons = json_object_get(json_array_get(rows, 0), "reasons");
		assert_int_equal(json_array_size(reasons), 1);
		assert_string_equal(json_string_value(json_array_get(reasons, 0)),
				    held ? "failback-delay" : "interface-down");
		json_decref(rows);
	}
	memset(fake_carrier, 0, sizeof(fake_carrier));
}

/* One family's peers down is a reason, but the other family still carries traffic. */
static void test_objections(void **state)
{
	struct sw_ctl ctl = {.can4 = ~0ULL, .can6 = ~0ULL}, only6 = {.can6 = ~0ULL};
	bool can;
	json_t *reasons;

	(void)state;
	fake_usable.peers6 = 0;
	reasons = rows_objections(&fake_usable, &only6, 3, &can);
	assert_false(can); /* the family that is left has no gateway */
	json_decref(reasons);
	reasons = rows_objections(&fake_usable, &ctl, 3, &can);
	assert_true(can);
	assert_int_equal(json_array_size(reasons), 1);
	assert_string_equal(json_string_value(json_array_get(reasons, 0)), "peer-down");
	json_decref(reasons);
	fake_usable.peers4 = 0;
	reasons = rows_objections(&fake_usable, &ctl, 3, &can);
	assert_false(can);
	assert_int_equal(json_array_size(reasons), 1);
	json_decref(reasons);
#define OBJECT_ALONE(field, text)                                                                  \
	setup(NULL);                                                                               \
	fake_usable.field = ~(1ULL << 63);                                                         \
	reasons = rows_objections(&fake_usable, &ctl, 63, &can);                                   \
	assert_string_equal(json_string_value(json_array_get(reasons, 0)), text);                  \
	assert_int_equal(can, !strcmp(text, "peer-down"));                                         \
	json_decref(reasons);
	SW_LIVENESS(OBJECT_ALONE)
}

static void test_counters(void **state)
{
	(void)state;
	assert_shown(SHOW_COUNTERS, "counters", rows_counters(fake_maps()));
}

/* Flows of rules of before count by name; who is not in force any more counts nowhere. */
static void test_counters_rules(void **state)
{
	json_t *rows = rows_rules(fake_maps());

	(void)state;
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	fake_rules_word = 3U << SW_RULES_GEN_SHIFT | 1;
	fake_rules[0] = (struct sw_rule_names){.gen = 2, .name = {"gone", "secure"}};
	fake_rules[1] = (struct sw_rule_names){.gen = 3,
					       .name = {"bulk", "other", "secure"},
					       .before = {{7, 0}, {(uint64_t)-101, (uint64_t)-3}}};
	fake_flows[0].rule = 3;
	fake_flows[1].rule = 2;
	fake_flows[2].rule = 1;
	fake_flows[0].rules_gen = 3;
	fake_flows[1].rules_gen = fake_flows[2].rules_gen = 2;
	assert_shown(SHOW_COUNTERS, "counters-rules", rows_counters(fake_maps()));
	fake_flows[0].rule = fake_flows[1].rule = fake_flows[2].rule = 0;
	fake_rules_word = 0;
	memset(fake_rules, 0, sizeof(fake_rules));
}

/* Ages depend on now: told by rows_flow with a fixed clock. */
static json_t *flows_rows(void)
{
	json_t *rows = json_array();
	struct flow_words words;

	assert_int_equal(rows_flow_words(fake_maps(), &words), 0);
	words.now = 1300 * SECOND;
	for (size_t i = 0; i < 3; i++)
		json_array_append_new(rows, rows_flow(&fake_keys[i], &fake_flows[i], &words));
	return rows;
}

static void test_flows(void **state)
{
	(void)state;
	assert_shown(SHOW_FLOWS, "flows", flows_rows());
	fake_rules[1] = (struct sw_rule_names){.gen = 3, .name = {"bulk", "secure"}};
	fake_flows[0].rule = fake_flows[2].rule = 2;
	fake_flows[0].rules_gen = 3;
	fake_flows[2].rules_gen = 2;
	assert_shown(SHOW_FLOWS, "flows-rules", flows_rows());
	fake_flows[0].rule = fake_flows[2].rule = 0;
	memset(fake_rules, 0, sizeof(fake_rules));
}

static void test_flows_filters(void **state)
{
	static const struct {
		int verdict;
		const char *path;
		size_t n;
	} cases[] = {
		{-1, NULL, 3},	  {SW_VERDICT_ASYMMETRIC, NULL, 1}, {SW_VERDICT_BLIND, NULL, 0},
		{-1, "vpn30", 1}, {-1, "er1-primary", 3},	    {SW_VERDICT_OK, "vpn30", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *rows = rows_flows(fake_maps(), cases[i].verdict, cases[i].path);

		assert_int_equal(json_array_size(rows), cases[i].n);
		json_decref(rows);
	}
}

static void test_status(void **state)
{
	(void)state;
	fake_probes[5] = blocked_probe;
	assert_shown(SHOW_STATUS, "status-maps", rows_status_maps("ce1", fake_maps()));
	assert_shown(SHOW_STATUS, "status-nothing", rows_status_maps("ce1", NULL));
	assert_shown(
		SHOW_STATUS, "status",
		parsed("{\"instance\":\"ce1\",\"version\":\"0.1.0\",\"daemon\":true,\"mode\":"
		       "\"enforce\",\"forward\":\"fast\",\"waiting\":[\"router\",\"file\"],"
		       "\"uptime_s\":11045,\"hooks\":[{\"interface\":\"er0\",\"hook\":\"xdp\","
		       "\"attached\":true}],\"feeds\":[{\"name\":\"router\",\"type\":\"bgp\","
		       "\"state\":\"up\",\"sees\":\"all\",\"routes\":12000,\"stale\":0,"
		       "\"updates\":40,\"withdraws\":7,\"errors\":28,\"refused\":{"
		       "\"unknown-path\":25,\"malformed\":3,\"family\":0},"
		       "\"last_message_s\":61.5},{\"name\":\"file\",\"type\":\"jsonl\",\"state\":"
		       "\"down\",\"sees\":\"all\",\"routes\":0,\"stale\":0,\"updates\":0,"
		       "\"withdraws\":0,\"errors\":0,\"refused\":{\"unknown-path\":0},"
		       "\"last_message_s\":null,\"note\":\"replay over after 0.1 "
		       "s\"}],\"routes\":{\"prefixes4\":12,\"prefixes6\":3,"
		       "\"candidates\":27,\"groups\":6},\"flows\":{\"active\":123,\"max\":65536,"
		       "\"ipv4\":{\"active\":100,\"max\":65536},"
		       "\"ipv6\":{\"active\":23,\"max\":16384},\"full\":0,\"evicted\":0,"
		       "\"forgotten\":0,\"busy\":0,\"bytes\":7077888},"
		       "\"alerts\":{\"open\":1,\"lost\":0},"
		       "\"auto_hooks\":[{\"interface\":\"er0\",\"hook\":\"xdp\"},{"
		       "\"interface\":\"lan0\",\"hook\":\"tc\",\"gso_frames\":12345}],"
		       "\"silences\":[{\"prefix\":\"10.10.30.0/24\",\"until\":"
		       "\"2026-11-23T23:13:56.266Z\",\"left_s\":1800.5,\"incidents\":[2,7]}],"
		       "\"notify\":{\"command\":\"/usr/local/bin/page\",\"sent\":12,"
		       "\"failed\":3,\"dropped\":1,\"waiting\":2,\"last_error\":"
		       "\"exit status 3 (no way)\"},"
		       "\"probes\":[{\"path\":\"er1-primary\",\"target\":\"[fd00::4]:443\","
		       "\"state\":\"never-answered\",\"rtt_ms\":null,\"sent\":17,"
		       "\"answered\":0,\"lost\":17,\"last\":17,\"blocked\":null,"
		       "\"elsewhere\":\"tun30\"}],"
		       "\"redirects\":{\"counted\":true,\"lost\":17,\"last_s\":2.5}}"));
}

/* Feeds that read tables: a row a table, a row a session of the far side. */
static void test_status_tables(void **state)
{
	json_t *row = rows_status_maps("ce1", NULL);

	(void)state;
	json_object_set_new(
		row, "feeds",
		parsed("[{\"name\":\"azure\",\"type\":\"azure\",\"state\":\"stale\",\"sees\":"
		       "\"all\","
		       "\"routes\":9,\"updates\":40,\"errors\":0,\"tables\":["
		       "{\"name\":\"hub-ergw.json\",\"stale\":true,\"age_s\":1200,\"routes\":7},"
		       "{\"name\":\"hub-vpngw.json\",\"stale\":false,\"age_s\":9,\"routes\":2}],"
		       "\"peers\":[{\"gateway\":\"10.10.30.254\",\"peer\":\"10.2.30.125\",\"as\":"
		       "65021,\"state\":\"Connecting\",\"routes\":0}]}]"));
	assert_shown(SHOW_STATUS, "status-tables", row);
}

static const char *config_text =
	"prefer: [expressroute, vpn]\n"
	"paths:\n"
	"  - { name: er1-primary, class: expressroute, circuit: er1, interface: "
	"er0, gateway: 192.168.30.18, peers: [192.168.30.18] }\n"
	"  - { name: vpn30, class: vpn, interface: tun30, peers: "
	"[10.10.30.254] }\n"
	"  - { name: er1-secondary, class: expressroute, circuit: er1, interface: er1, weight: 3 "
	"}\n"
	"inside:\n"
	"  - { interface: lan0, networks: [10.2.30.0/25] }\n"
	"feeds:\n"
	"  - { name: file, type: jsonl, file: routes.jsonl }\n";

static struct config *config_made(void)
{
	struct config_errors errors = {0};
	struct config *cfg = NULL;
	int err = config_parse(config_text, strlen(config_text), &cfg, &errors);

	if (err && errors.n)
		fail_msg("line %d: %s", errors.v[0].line, errors.v[0].text);
	assert_int_equal(err, 0);
	config_errors_free(&errors);
	return cfg;
}

static void announce(struct rib *rib, const char *prefix, const char *path, const uint32_t *as_path,
		     size_t n_as, const char *nexthop)
{
	struct route route = {.as_path = as_path, .n_as = n_as, .has_as_path = as_path};

	assert_int_equal(prefix_parse(prefix, &route.prefix, NULL), 0);
	strcpy(route.path, path);
	if (nexthop)
		assert_int_equal(ip_parse(nexthop, &route.nexthop), 0);
	route.has_local_pref = nexthop;
	route.local_pref = 200;
	assert_int_equal(rib_announce(rib, 0, &route, 1), RIB_OK);
}

/* Every way to cut the rows in two prints what all of them at once are. */
static void assert_parts(const json_t *rows)
{
	char *whole, *text;
	size_t size, n = json_array_size(rows);
	FILE *out = open_memstream(&whole, &size);

	assert_int_equal(json_render(out, rows), 0);
	fclose(out);
	for (size_t cut = 1; cut < n; cut++) {
		json_t *part[2] = {json_array(), json_array()};

		out = open_memstream(&text, &size);
		for (size_t i = 0; i < n; i++)
			json_array_append(part[i >= cut], json_array_get(rows, i));
		assert_int_equal(json_render_part(out, part[0], true), 0);
		assert_int_equal(json_render_part(out, part[1], false), 0);
		fputs("\n]\n", out);
		fclose(out);
		assert_string_equal(text, whole);
		free(text);
		json_decref(part[0]);
		json_decref(part[1]);
	}
	free(whole);
}

static void test_routes(void **state)
{
	static const uint8_t path_ids[] = {7, 4, 2};
	static const uint32_t er[] = {12076}, vpn[] = {65515, 65516};
	struct config *cfg = config_made();
	struct rib *rib = rib_new(cfg, path_ids);
	json_t *rows = json_array();

	(void)state;
	announce(rib, "10.10.30.0/24", "er1-primary", er, 1, "192.168.30.18");
	announce(rib, "10.10.30.0/24", "er1-secondary", er, 1, "192.168.30.22");
	announce(rib, "10.10.0.0/16", "vpn30", vpn, 2, NULL);
	announce(rib, "fd10:30::/48", "vpn30", NULL, 0, NULL);
	for (struct rib_node *node = NULL; (node = rib_next(rib, VIEW_LOCAL, node));)
		json_array_append_new(rows, rows_route(cfg, path_ids, node, 1ULL << 4));
	assert_parts(rows);
	assert_shown(SHOW_ROUTES, "routes", rows);
	rib_free(rib);
	config_free(cfg);
}

static struct incident incident_made(void)
{
	struct incident inc = {
		.id = 12,
		.open = true,
		.verdict = SW_VERDICT_ASYMMETRIC,
		.cause = CAUSE_AZURE_PREFERENCE,
		.side = SIDE_AZURE,
		.severity = SEVERITY_WARNING,
		.forward_path = 7,
		.reverse_path = 4,
		.flows = 3,
		.duration_ms = -1,
		.first_wall = 1767434430123456789ULL,
		.last_wall = 1767434460000000000ULL,
		.message =
			"packets from 10.2.30.0/25 to 10.10.30.0/24 leave by er1-primary "
			"(expressroute) and come back by vpn30 (vpn), while both know the prefix",
		.fix = "compare what both sessions announce to Azure",
	};

	prefix_parse("10.2.30.0/25", &inc.src, NULL);
	prefix_parse("10.10.30.0/24", &inc.dst, NULL);
	return inc;
}

static void test_alerts(void **state)
{
	static const uint8_t path_ids[] = {7, 4, 2};
	struct config *cfg = config_made();
	struct incident inc = incident_made();
	json_t *rows = json_array();

	(void)state;
	inc.life.acked = true;
	json_array_append_new(rows, rows_incident(&inc, cfg, path_ids));
	inc.life.silenced = true;
	inc.id = 13;
	inc.open = false;
	inc.verdict = SW_VERDICT_FAILOVER;
	inc.cause = CAUSE_LINK_DOWN;
	inc.has_moved = true;
	inc.prefixes_moved = 4;
	inc.duration_ms = 88;
	inc.reverse_path = -1;
	inc.flows = 1;
	json_array_append_new(rows, rows_incident(&inc, cfg, path_ids));
	inc.verdict = NETWORK_NO_BACKUP; /* of the network: no flows, one prefix at most */
	inc.flows = 0;
	inc.src.family = 0;
	json_array_append_new(rows, rows_incident(&inc, cfg, path_ids));
	assert_shown(SHOW_ALERTS, "alerts", rows);
	assert_shown(SHOW_ALERTS, "alerts-none", json_array());
	config_free(cfg);
}

/* With no daemon: incidents from the state file, by names of paths, and never from a damaged one.
 */
static void test_alerts_state(void **state)
{
	static const uint8_t path_ids[] = {7, 4, 2};
	struct config *cfg = config_made();
	struct rib *rib = rib_new(cfg, path_ids);
	struct fib_ops ops = {0};
	struct fib *fib = fib_new(cfg, rib, &ops);
	struct incidents *set = incidents_new(NULL, NULL);
	struct state_context ctx = {
		.cfg = cfg, .path_ids = path_ids, .now = 1 << 30, .wall = 1767434470000000000ULL};
	struct incident inc = incident_made();
	json_t *rows = NULL;
	char *text;

	(void)state;
	assert_int_equal(incidents_restore(set, &inc), 0);
	inc.id++;
	inc.open = false;
	assert_int_equal(incidents_restore(set, &inc), 0);
	text = state_print(&ctx, set, fib);
	for (int all = 0; all < 2; all++) {
		const json_t *row;

		assert_int_equal(alerts_state_rows(cfg, path_ids, text, strlen(text), all, &rows),
				 0);
		assert_int_equal(json_array_size(rows), 1 + all);
		row = json_array_get(rows, 0);
		assert_string_equal(field_text(row, "forward_path"), "er1-primary");
		assert_string_equal(field_text(row, "first_seen"), "2026-01-03T10:00:30.123Z");
		json_decref(rows);
	}
	assert_int_equal(alerts_state_rows(cfg, path_ids, text, strlen(text) / 2, true, &rows),
			 -EBADMSG);
	assert_int_equal(alerts_state_rows(cfg, path_ids, NULL, 0, true, &rows), 0);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	free(text);
	incidents_free(set);
	fib_free(fib);
	rib_free(rib);
	config_free(cfg);
}

/* A line of `alerts -f` is one line, whatever a message holds. */
static void test_alert_line(void **state)
{
	static const uint8_t path_ids[] = {7, 4, 2};
	struct config *cfg = config_made();
	struct incident inc = incident_made();
	char *text = NULL;
	json_t *row;
	size_t size;
	FILE *out;

	(void)state;
	strcpy(inc.fix, "one\ntwo \033[31m");
	row = rows_incident(&inc, cfg, path_ids);
	json_object_set_new(row, "event", json_string("open"));
	out = open_memstream(&text, &size);
	assert_int_equal(text_render_alert(out, row), 0);
	assert_int_equal(json_render_line(out, row), 0);
	fclose(out);
	assert_null(strchr(text, '\033'));
	assert_golden("alert-line.txt", text);
	free(text);
	json_decref(row);
	config_free(cfg);
}

static void test_explain(void **state)
{
	(void)state;
	assert_shown(
		SHOW_EXPLAIN, "explain",
		parsed("{\"dst\":\"10.10.30.4\",\"src\":\"10.2.30.10\",\"prefix\":"
		       "\"10.10.30.0/24\",\"path\":\"er1-primary\",\"class\":\"expressroute\","
		       "\"why\":\"the longest prefix is 10.10.30.0/24, expressroute comes before "
		       "vpn in prefer, and er1-primary is its only usable "
		       "path\",\"step\":\"class\","
		       "\"tiers\":[{\"class\":\"expressroute\",\"paths\":[\"er1-primary\"],"
		       "\"via_prefix\":null},{\"class\":\"vpn\",\"paths\":[\"vpn30\"],"
		       "\"via_prefix\":\"10.10.0.0/16\"}],\"candidates\":[{\"path\":"
		       "\"er1-primary\",\"prefix\":\"10.10.30.0/24\",\"as_path\":[12076],"
		       "\"local_pref\":200,\"feed\":\"router\",\"stale\":false,\"step\":null},"
		       "{\"path\":\"vpn30\",\"prefix\":\"10.10.0.0/16\",\"as_path\":[65515],"
		       "\"local_pref\":null,\"feed\":\"router\",\"stale\":true,\"step\":"
		       "\"prefix-length\"}],\"if_down\":[{\"path\":\"er1-primary\","
		       "\"then\":\"vpn30\",\"step\":\"last-resort\",\"return\":{\"class\":\"vpn\","
		       "\"circuit\":\"s2s\"},\"verdict\":\"failover\"},{\"path\":\"vpn30\","
		       "\"then\":null,\"return\":{\"class\":null}}],\"return\":"
		       "{\"prefix\":\"10.2.30.0/25\",\"class\":\"vpn\",\"circuit\":null,"
		       "\"view_age_s\":12,\"view_stale\":true},\"verdict\":\"asymmetric\","
		       "\"cause\":\"onprem-more-specific\",\"side\":\"onprem\",\"message\":"
		       "\"it returns by VPN\",\"fix\":\"announce the same on both\",\"seen\":"
		       "{\"hosts\":[{}],\"prefixes\":[{\"forward_path\":\"er1-primary\","
		       "\"reverse_path\":null,\"verdict\":\"pending\",\"flows\":2,\"packets\":7}]}"
		       "}"));
	assert_shown(
		SHOW_EXPLAIN, "explain-local",
		parsed("{\"dst\":\"10.2.30.9\",\"src\":null,\"prefix\":null,\"path\":null,"
		       "\"class\":null,\"why\":\"10.2.30.9 is inside\",\"step\":null,\"tiers\":[],"
		       "\"if_down\":[],\"return\":null,\"verdict\":null}"));
}

static void test_audit(void **state)
{
	static const char rows[] =
		"[{\"src_prefix\":\"10.2.30.0/25\",\"dst_prefix\":\"10.10.30.0/24\",\"forward\":"
		"{\"class\":\"expressroute\",\"circuit\":\"er1\",\"paths\":[\"er1-primary\"]},"
		"\"reverse\":{\"class\":\"expressroute\",\"circuit\":\"er1\"},\"verdict\":\"ok\","
		"\"cause\":null,\"fix\":null,\"side\":null,\"message\":null,\"src_rest\":true},"
		"{\"src_prefix\":\"10.2.30.0/26\",\"dst_prefix\":\"10.10.30.0/24\",\"forward\":"
		"{\"class\":\"expressroute\",\"circuit\":\"er1\",\"paths\":[\"er1-primary\"]},"
		"\"reverse\":{\"class\":\"vpn\",\"circuit\":null},\"verdict\":\"asymmetric\","
		"\"cause\":\"onprem-more-specific\",\"side\":\"onprem\",\"message\":\"why\","
		"\"fix\":"
		"\"do this\",\"src_rest\":false,\"view_stale\":true},"
		"{\"src_prefix\":\"10.2.30.0/26\",\"dst_prefix\":\"10.17.30.0/26\",\"forward\":"
		"{\"class\":null,\"circuit\":null,\"paths\":[]},\"reverse\":{\"class\":null,"
		"\"circuit\":null},\"verdict\":null,\"cause\":\"unknown\",\"side\":\"unknown\","
		"\"message\":\"why\",\"fix\":\"do this\",\"src_rest\":false,\"moves\":false,"
		"\"lost\":true,\"was\":{\"forward\":{\"paths\":[\"er1-primary\"]},\"reverse\":{},"
		"\"verdict\":\"ok\"}}]";

	(void)state;
	assert_shown(SHOW_AUDIT, "audit", parsed(rows));
	assert_shown(SHOW_AUDIT, "audit-none", parsed("[]"));
}

static void test_deeds(void **state)
{
	(void)state;
	assert_shown(SHOW_PATH, "path",
		     parsed("{\"path\":\"er1\",\"usable\":false,\"prefixes_moved\":3,"
			    "\"prefixes_lost\":1,\"for_s\":300}"));
	assert_shown(SHOW_ACK, "ack", parsed("{\"id\":7,\"state\":\"open\",\"acked\":true}"));
	assert_shown(SHOW_SILENCE, "silence",
		     parsed("{\"prefix\":\"10.10.30.0/24\",\"until\":"
			    "\"2026-11-23T23:13:56.266Z\",\"left_s\":1800.5,\"incidents\":["
			    "1,2,3,4,5,6,7,8,9,10,11]}"));
	assert_shown(SHOW_SILENCE, "silence-ended",
		     parsed("{\"prefix\":\"10.10.30.0/24\",\"until\":null,\"left_s\":0,"
			    "\"incidents\":[]}"));
	assert_shown(SHOW_MODE, "mode", parsed("{\"mode\":\"enforce\",\"for_s\":600}"));
	assert_shown(SHOW_RELOAD, "reload",
		     parsed("{\"config\":\"/etc/x.yaml\",\"reloaded\":true,\"exit\":0,"
			    "\"error\":null,\"mistakes\":[]}"));
	assert_shown(SHOW_DETACH, "detach",
		     parsed("{\"instance\":\"ce1\",\"daemon_stopped\":true,\"pins\":21,\"files\":"
			    "[\"/run/sameway/ce1.state\"]}"));
	assert_shown(
		SHOW_DETACH, "detach-nothing",
		parsed("{\"instance\":\"ce1\",\"daemon_stopped\":false,\"pins\":0,\"files\":[]}"));
	assert_shown(SHOW_DOCTOR, "doctor",
		     parsed("[{\"check\":\"btf\",\"subject\":\"kernel\",\"ok\":true,\"message\":"
			    "\"has BTF\",\"fix\":null},{\"check\":\"link\",\"subject\":\"er0\","
			    "\"ok\":false,\"message\":\"path er1: it is down\",\"fix\":\"`ip link "
			    "set er0 up`\"}]"));
}

static void test_numbers(void **state)
{
	static const struct {
		uint64_t n;
		const char *count, *seconds;
	} cases[] = {
		{0, "0", "0s"},
		{59, "59", "59s"},
		{60, "60", "1m00s"},
		{9999, "9999", "2h46m"},
		{10000, "10.0k", "2h46m"},
		{99949, "99.9k", "1d03h"},
		{99999, "100k", "1d03h"},
		{999499, "999k", "11d13h"},
		{999999, "1.00M", "11d13h"},
		{1234567890, "1.23G", "14288d23h"},
		{UINT64_MAX, "18.4E", NULL},
	};
	char buf[NUMBER_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(number_format(cases[i].n, buf), cases[i].count);
		if (cases[i].seconds)
			assert_string_equal(seconds_format(cases[i].n, buf), cases[i].seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_paths, setup),
		cmocka_unit_test_setup(test_probe_elsewhere, setup),
		cmocka_unit_test_setup(test_maintenance, setup),
		cmocka_unit_test_setup(test_bfd, setup),
		cmocka_unit_test_setup(test_carrier, setup),
		cmocka_unit_test_setup(test_objections, setup),
		cmocka_unit_test_setup(test_counters, setup),
		cmocka_unit_test_setup(test_counters_rules, setup),
		cmocka_unit_test_setup(test_flows, setup),
		cmocka_unit_test_setup(test_flows_filters, setup),
		cmocka_unit_test_setup(test_status, setup),
		cmocka_unit_test_setup(test_status_tables, setup),
		cmocka_unit_test_setup(test_routes, setup),
		cmocka_unit_test_setup(test_alerts, setup),
		cmocka_unit_test_setup(test_alerts_state, setup),
		cmocka_unit_test_setup(test_alert_line, setup),
		cmocka_unit_test_setup(test_explain, setup),
		cmocka_unit_test_setup(test_audit, setup),
		cmocka_unit_test_setup(test_deeds, setup),
		cmocka_unit_test_setup(test_numbers, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
