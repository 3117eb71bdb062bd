/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forward: packets a second from the generator through the router to the sink, by live frames over
 * two veth pairs. The rows take turns within a round; for each number of flows the tables are made
 * anew and every flow has its record, both directions, before it begins.
 */
#include "bench.h"

#include <string.h>

enum kind { GENERATOR, XDP, NOFLOW, SAMEWAY_XDP, SAMEWAY_TC, MONITOR, KERNEL };

struct row {
	const char *name, *key; /* key: in files and for --only */
	enum kind kind;
	bool own; /* no peer: always measured */
	const char *program;
	const char *before, *after; /* commands in the router */
	struct series cpu, wall;
	double cached; /* ratio to bare, of an earlier run; 0: none */
};

#define TABLE(x) "nft 'add table ip b; add chain ip b c { type filter hook forward priority 0; }; " x

static struct row rows[] = {
	{.name = "generator and sink alone", .key = "generator", .kind = GENERATOR, .own = true},
	{.name = "bare redirect of one constant", .key = "bare", .kind = XDP, .own = true, .program = "bare"},
	{.name = "sameway, XDP, without the flow record", .key = "noflow", .kind = NOFLOW, .own = true},
	{.name = "**sameway, XDP, enforce**", .key = "xdp", .kind = SAMEWAY_XDP, .own = true},
	{.name = "sameway, TC ingress and egress, enforce", .key = "tc", .kind = SAMEWAY_TC, .own = true},
	{.name = "sameway, monitor: the kernel forwards", .key = "monitor", .kind = MONITOR, .own = true},
	{.name = "bpf_fib_lookup at XDP, as xdp-forward", .key = "fib", .kind = XDP, .program = "fib_forward"},
	{.name = "LPM trie at XDP, no flows", .key = "lpm", .kind = XDP, .program = "lpm_forward"},
	{.name = "the kernel's forwarding", .key = "kernel", .kind = KERNEL},
	{.name = "the same with conntrack", .key = "conntrack", .kind = KERNEL,
	 .before = TABLE("add rule ip b c ct state established,related,new accept'"),
	 .after = "nft delete table ip b"},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct row *row_of(const char *key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].key, key))
			return &rows[i];
	return NULL;
}

/* The median of what each round says; a round's rows have met the same machine. */
static double ratio(const struct row *a, const struct row *b)
{
	struct series s = {0};

	for (int i = 0; i < a->cpu.n && i < b->cpu.n; i++)
		series_add(&s, a->cpu.v[i] / b->cpu.v[i]);
	return series_median(&s);
}

static void tc_attach(bool on)
{
	edge_attach(DEV_LAN, HOOK_TC_INGRESS, on);
	edge_attach(DEV_ER, HOOK_TC_EGRESS, on);
}

static void row_set(const struct row *r, bool on)
{
	const char *command = on ? r->before : r->after;
	int fd = -1;

	switch (r->kind) {
	case GENERATOR:
		fd = program_of("take");
		break;
	case XDP:
		fd = program_of(r->program);
		break;
	case NOFLOW:
		fd = noflow_program();
		break;
	case SAMEWAY_XDP:
		edge_attach(DEV_LAN, HOOK_XDP, on);
		return;
	case MONITOR:
		edge_mode(on ? SW_MODE_MONITOR : SW_MODE_ENFORCE);
		tc_attach(on);
		return;
	case SAMEWAY_TC:
		tc_attach(on);
		return;
	case KERNEL:
		if (command)
			world_run(NS_ROUTER, "%s", command);
		return;
	}
	xdp_attach(NS_ROUTER, world.ifindex[DEV_LAN], on ? fd : -1);
}

static bool row_runs(const struct row *r)
{
	if (options.only && r->own && !strstr(options.only, r->key))
		return !strcmp(r->key, "bare") || !strcmp(r->key, "generator");
	if (options.only && !r->own)
		return strstr(options.only, r->key);
	return r->own || !options.cached;
}

static void row_measure(struct row *r)
{
	struct rate rate;

	row_set(r, true);
	rate = traffic_live(options.seconds);
	row_set(r, false);
	if (!rate.taken)
		fail("%s: nothing of %llu packets arrived", r->name, (unsigned long long)rate.sent);
	series_add(&r->cpu, rate.cpu);
	series_add(&r->wall, rate.wall);
	fprintf(stderr, "%-12s %6.3f Mpps by CPU time, %6.3f by the clock, %5.1f %% arrived\n", r->key,
		rate.cpu, rate.wall, 100.0 * (double)rate.taken / (double)rate.sent);
}

static void table_print(uint32_t flows)
{
	const struct row *bare = row_of("bare"), *alone = row_of("generator"), *own = row_of("xdp");
	double base = 1e3 / series_median(&alone->cpu);

	printf("\n%s flow%s:\n\n"
	       "| forwarder | Mpps by CPU time | min-max | by the clock | ns a packet | of them its own | "
	       "/ bare redirect | sameway XDP / it |\n"
	       "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
	       si(flows), flows == 1 ? "" : "s");
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];
		double m = series_median(&r->cpu);

		if (!r->cpu.n)
			continue;
		printf("| %s | %.3f | %.3f-%.3f | %.3f | %.0f | %.0f | %.2f | ", r->name, m,
		       series_min(&r->cpu), series_max(&r->cpu), series_median(&r->wall), 1e3 / m,
		       1e3 / m - base, ratio(r, bare));
		if (own->cpu.n)
			printf("%.2f |\n", ratio(own, r));
		else
			printf("|\n");
	}
	fflush(stdout);
}

static void flows_measure(uint32_t flows, const struct prefix *routes)
{
	edge_open(table_for(flows));
	edge_prefixes(routes, options.routes);
	traffic_open(1);
	traffic_routes(routes, options.routes);
	traffic_destinations(4, routes, options.routes);
	traffic_flows(flows, 0);
	traffic_prime(flows);
	xdp_attach(NS_SINK, world.sink[0], program_of("take"));
	for (size_t i = 0; i < ROWS; i++)
		rows[i].cpu.n = rows[i].wall.n = 0;
	for (int round = 0; round < options.rounds; round++)
		for (size_t i = 0; i < ROWS; i++)
			if (row_runs(&rows[i]))
				row_measure(&rows[i]);
	xdp_attach(NS_SINK, world.sink[0], -1);
	table_print(flows);
	traffic_close();
	edge_close();
}

int bench_forward(void)
{
	struct prefix *routes = routes_make(4, options.routes);

	world_open();
	world_routes(routes, options.routes);
	printf("%u routes, %d rounds of %.2f s, %d CPU%s, frames of 64 bytes, %s destinations at most.\n",
	       options.routes, options.rounds, options.seconds, options.cpus, options.cpus > 1 ? "s" : "",
	       si(DESTINATIONS));
	for (int i = 0; i < options.n_flows; i++)
		flows_measure(options.flows[i], routes);
	return 0;
}
