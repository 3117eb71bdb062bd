/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stages: ns a packet of each program by BPF_PROG_TEST_RUN, without a device. Every program runs
 * behind the one that writes the packet; what that costs in the same round is taken off. The gate
 * is the least of the rounds, since others on the machine only add, against the least of a chain of
 * multiplications: a ratio to be compared with the committed one.
 */
#include "bench.h"

#include <jansson.h>
#include <string.h>

#define PACKETS	   (1u << 18)
#define WORK_RUNS  (1u << 16)
#define LEAST_GATE 0.05 /* below that it is the clock's noise */

enum program { BENCH, NOFIB, NOFLOW, NOJUDGE, REFUSED, XDP, TC_INGRESS, TC_EGRESS };

struct row {
	const char *name, *key;
	enum program program;
	const char *bench; /* of traffic.bpf.c */
	enum stage_hook hook;
	enum device dev;
	uint8_t family;
	bool inward;
	int answer; /* what it must say */
};

#define REDIRECTED 4  /* XDP_REDIRECT */
#define DROPPED	   1  /* XDP_DROP */
#define PASSED	   2  /* XDP_PASS */
#define GOES_ON	   -1 /* TC_ACT_UNSPEC */
#define TC_MOVED   7  /* TC_ACT_REDIRECT */

#define OUT4	   DEV_LAN, 4, false
#define IN4	   DEV_ER, 4, true
#define OUT6	   DEV_LAN, 6, false
#define IN6	   DEV_ER, 6, true

static const struct row rows[] = {
	{"bare redirect of one constant", "bare", BENCH, "bare", STAGE_XDP, OUT4, REDIRECTED},
	{"XDP, IPv4, not ours: the long way to admission", "refused", REFUSED, NULL, STAGE_XDP,
	 OUT4, PASSED},
	{"XDP out, IPv4, without look-up and record", "nofib", NOFIB, NULL, STAGE_XDP, OUT4,
	 REDIRECTED},
	{"XDP out, IPv4, without the flow record", "noflow", NOFLOW, NULL, STAGE_XDP, OUT4,
	 REDIRECTED},
	{"XDP out, IPv4, with the record, without the verdict", "nojudge", NOJUDGE, NULL, STAGE_XDP,
	 OUT4, REDIRECTED},
	{"**XDP out, IPv4**", "xdp_out4", XDP, NULL, STAGE_XDP, OUT4, REDIRECTED},
	{"XDP in, IPv4", "xdp_in4", XDP, NULL, STAGE_XDP, IN4, REDIRECTED},
	{"XDP out, IPv6", "xdp_out6", XDP, NULL, STAGE_XDP, OUT6, REDIRECTED},
	{"XDP in, IPv6", "xdp_in6", XDP, NULL, STAGE_XDP, IN6, REDIRECTED},
	{"TC ingress out, IPv4", "tc_out4", TC_INGRESS, NULL, STAGE_TC, OUT4, TC_MOVED},
	{"TC egress out, IPv4", "tc_egress4", TC_EGRESS, NULL, STAGE_TC, DEV_ER, 4, false, GOES_ON},
	{"TC ingress in, IPv4", "tc_in4", TC_INGRESS, NULL, STAGE_TC, IN4, TC_MOVED},
	{"TC ingress in, IPv6", "tc_in6", TC_INGRESS, NULL, STAGE_TC, IN6, TC_MOVED},
	{"XDP out, IPv4, by a rule of 1", "rule1", XDP, NULL, STAGE_XDP, OUT4, REDIRECTED},
	{"XDP out, IPv4, by a rule of 256", "rule256", XDP, NULL, STAGE_XDP, OUT4, REDIRECTED},
	{"bpf_fib_lookup, MACs, TTL", "fib", BENCH, "fib_forward", STAGE_XDP, OUT4, REDIRECTED},
	{"LPM trie, MACs, TTL, count", "lpm", BENCH, "lpm_forward", STAGE_XDP, OUT4, REDIRECTED},
	{"a record in an LRU_HASH", "lru", BENCH, "record_lru", STAGE_XDP, OUT4, DROPPED},
	{"a record in a HASH", "hash", BENCH, "record_hash", STAGE_XDP, OUT4, DROPPED},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Of a row: its program, and what it took without the writer. */
static struct measured {
	int fd;
	struct series net;
} measured[ROWS];

/* The packet writer alone, by hook and family; the loop around a program; the pace. */
static struct series writer[2][2], loop, work;

static void programs_find(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];
		int fd;

		if (r->program == BENCH)
			fd = program_of(r->bench);
		else if (r->program == NOFIB)
			fd = nofib_program();
		else if (r->program == NOJUDGE)
			fd = nojudge_program();
		else if (r->program == REFUSED)
			fd = edge_program(EDGE_XDP);
		else if (r->program == NOFLOW)
			fd = noflow_program();
		else
			fd = edge_program((enum edge_program)(r->program - XDP));
		measured[i] = (struct measured){.fd = fd};
	}
	memset(writer, 0, sizeof(writer));
	memset(&loop, 0, sizeof(loop));
	memset(&work, 0, sizeof(work));
}

static double writer_measure(enum stage_hook hook, uint8_t family)
{
	traffic_direction(family, false);
	return traffic_stage(hook, DEV_LAN, -1, PACKETS, NULL);
}

static double gate_of(const struct measured *m)
{
	return series_min(&m->net) / series_min(&work);
}

static void row_measure(const struct row *r, struct measured *m, double alone)
{
	static const uint8_t link_local[4] = {169, 254, 0, 1};
	size_t rules = strncmp(r->key, "rule", 4) ? 0 : strtoul(r->key + 4, NULL, 10);
	double ns;
	int answer;

	traffic_direction(r->family, r->inward);
	traffic_one_destination(r->program == REFUSED ? link_local : NULL);
	edge_rules(rules);
	if (rules) /* each flow is decided for, once */
		traffic_stage(r->hook, r->dev, m->fd, PACKETS, &answer);
	ns = traffic_stage(r->hook, r->dev, m->fd, PACKETS, &answer);
	if (answer != r->answer)
		fail("%s: it says %d where %d is to be measured", r->name, answer, r->answer);
	series_add(&m->net, ns - alone);
}

static void round_measure(void)
{
	double alone[2][2];

	series_add(&work, traffic_run(program_of("constant_work"), WORK_RUNS));
	series_add(&loop, traffic_run(program_of("nothing"), WORK_RUNS));
	for (int hook = 0; hook < 2; hook++)
		for (int v6 = 0; v6 < 2; v6++) {
			alone[hook][v6] = writer_measure(hook, v6 ? 6 : 4);
			series_add(&writer[hook][v6], alone[hook][v6]);
		}
	for (size_t i = 0; i < ROWS; i++)
		row_measure(&rows[i], &measured[i], alone[rows[i].hook][rows[i].family == 6]);
}

static void flows_measure(uint32_t flows, const struct prefix *p4, const struct prefix *p6)
{
	static const char *const tables[] = {"record_lru", "record_hash"};

	edge_open(table_for(2 * flows));
	edge_prefixes(p4, options.routes);
	edge_prefixes(p6, options.routes);
	traffic_open(table_for(flows));
	traffic_routes(p4, options.routes);
	traffic_destinations(4, p4, options.routes);
	traffic_destinations(6, p6, options.routes);
	traffic_flows(flows, 0);
	programs_find();
	traffic_prime(flows);
	for (size_t i = 0; i < 2; i++)
		traffic_stage(STAGE_XDP, DEV_LAN, program_of(tables[i]), flows, NULL);
	traffic_direction(6, false);
	traffic_prime(flows);
	for (int round = 0; round < options.rounds; round++)
		round_measure();
}

static void flows_done(void)
{
	traffic_close();
	edge_close();
}

/* The committed ratio, 0: none. */
static double committed(const json_t *gate, uint32_t flows, const char *key)
{
	return json_number_value(json_object_get(json_object_get(gate, si(flows)), key));
}

static void table_print(uint32_t flows, const json_t *gate)
{
	printf("\n%s flow%s. Writing the packet: XDP %.0f and %.0f ns (IPv4, IPv6), TC %.0f and "
	       "%.0f; an "
	       "empty program %.0f; the chain of multiplications %.0f.\n\n"
	       "| stage | ns, median | min-max | least / chain | committed |\n"
	       "| --- | ---: | ---: | ---: | ---: |\n",
	       si(flows), flows == 1 ? "" : "s", series_median(&writer[0][0]),
	       series_median(&writer[0][1]), series_median(&writer[1][0]),
	       series_median(&writer[1][1]), series_median(&loop), series_median(&work));
	for (size_t i = 0; i < ROWS; i++) {
		const struct series *net = &measured[i].net;
		double was = committed(gate, flows, rows[i].key);
		double is = gate_of(&measured[i]);

		printf("| %s | %.0f | %.0f-%.0f | %.2f | ", rows[i].name, series_median(net),
		       series_min(net), series_max(net), is);
		if (was > LEAST_GATE)
			printf("%.2f (%+.0f %%) |\n", was, 100 * (is / was - 1));
		else
			printf("- |\n");
	}
}

/* The least that a row took; "": nothing. */
static double least(const char *key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].key, key))
			return series_min(&measured[i].net);
	return 0;
}

static void spent_print(void)
{
	static const struct {
		const char *what, *more, *less;
	} parts[] = {
		{"parse, hash, selection, next hop, rewriting, counters, redirect", "nofib", ""},
		{"look-up of the destination", "noflow", "nofib"},
		{"flow record", "nojudge", "noflow"},
		{"whether a verdict is due", "xdp_out4", "nojudge"},
	};

	printf("\n| where the time of XDP out, IPv4, goes | ns, by the least |\n| --- | ---: |\n");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		printf("| %s | %.0f |\n", parts[i].what,
		       least(parts[i].more) - least(parts[i].less));
}

static void json_add(json_t *to, uint32_t flows)
{
	json_t *all = json_object();

	for (size_t i = 0; i < ROWS; i++) {
		/* what is rounded is short to read, and to diff */
		double is = (int)(gate_of(&measured[i]) * 100 + 0.5) / 100.0;

		if (is > LEAST_GATE)
			json_object_set_new(all, rows[i].key, json_real(is));
	}
	json_object_set_new(to, si(flows), all);
}

static void tables_print(uint32_t flows, const json_t *gate)
{
	table_print(flows, gate);
	spent_print();
}

int bench_stages(void)
{
	struct prefix *p4 = routes_make(4, options.routes), *p6 = routes_make(6, options.routes);
	json_t *gate = json_load_file(options.gate, 0, NULL), *out = json_object();

	world_routes(p4, options.routes);
	json_object_set_new(out, "machine", json_string(machine_model()));
	if (!options.json)
		printf("%u prefixes of each family, %d rounds of %u packets. Net of writing the "
		       "packet. "
		       "Committed: `%s`, of %s.\n",
		       options.routes, options.rounds, PACKETS, options.gate,
		       gate ? json_string_value(json_object_get(gate, "machine")) : "nobody yet");
	for (int i = 0; i < options.n_flows; i++) {
		flows_measure(options.flows[i], p4, p6);
		if (options.json)
			json_add(out, options.flows[i]);
		else
			tables_print(options.flows[i], gate);
		flows_done();
	}
	if (options.json) {
		json_dumpf(out, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(4));
		putchar('\n');
	}
	return 0;
}
