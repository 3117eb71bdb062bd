/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * forward: packets a second from the generator through the router to the sink, by live frames over
 * two veth pairs. The rows take turns within a round; for each number of flows the tables are made
 * anew and every flow has its record, both directions, before it begins.
 */
#include "bench.h"

#include <string.h>

enum kind { GENERATOR, XDP, NOFLOW, SAMEWAY_XDP, SAMEWAY_TC, MONITOR, MARKS, KERNEL };

struct row {
	const char *name, *key; /* key: in files and for --only */
	enum kind kind;
	bool peer;
	const char *program;	    /* of traffic.bpf.c */
	const char *before, *after; /* commands in the router */
};

#define NFT "nft 'add table ip b; add chain ip b c { type filter hook forward priority 0; }; "

static const struct row rows[] = {
	{"generator and sink alone", "generator", GENERATOR, false, NULL, NULL, NULL},
	{"bare redirect of one constant", "bare", XDP, false, "bare", NULL, NULL},
	{"sameway, XDP, without the flow record", "noflow", NOFLOW, false, NULL, NULL, NULL},
	{"**sameway, XDP, enforce**", "xdp", SAMEWAY_XDP, false, NULL, NULL, NULL},
	{"sameway, TC ingress and egress, enforce", "tc", SAMEWAY_TC, false, NULL, NULL, NULL},
	{"sameway, `forward: kernel`: by marks", "marks", MARKS, false, NULL,
	 "ip rule add fwmark 0x10000/0xff0000 table 7000 && "
	 "ip route add default via 10.254.1.2 dev r1 table 7000",
	 "ip rule del fwmark 0x10000/0xff0000 && ip route flush table 7000"},
	{"sameway, monitor", "monitor", MONITOR, false, NULL, NULL, NULL},
	{"bpf_fib_lookup at XDP, as xdp-forward", "fib", XDP, true, "fib_forward", NULL, NULL},
	{"LPM trie at XDP, no flows", "lpm", XDP, true, "lpm_forward", NULL, NULL},
	{"the kernel's forwarding", "kernel", KERNEL, true, NULL, NULL, NULL},
	{"the same with conntrack", "conntrack", KERNEL, true, NULL,
	 NFT "add rule ip b c ct state established,related,new accept'", "nft delete table ip b"},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct measured {
	struct series cpu, wall;
	double cached; /* ratio to bare of an earlier run, 0: none */
} measured[ROWS];

static struct measured *measured_of(const char *key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].key, key))
			return &measured[i];
	return NULL;
}

/* The median of what each round says: a round's rows have met the same machine. */
static double ratio(const struct measured *a, const struct measured *b)
{
	struct series s = {0};

	for (int i = 0; i < a->cpu.n && i < b->cpu.n; i++)
		series_add(&s, a->cpu.v[i] / b->cpu.v[i]);
	return series_median(&s);
}

static double ratio_to_bare(const struct measured *m)
{
	return m->cpu.n ? ratio(m, measured_of("bare")) : m->cached;
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

	if (command)
		world_run(NS_ROUTER, "%s", command);
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
	case MARKS:
		edge_mode(r->kind == MONITOR && on ? SW_MODE_MONITOR : SW_MODE_ENFORCE,
			  r->kind == MARKS && on ? SW_FORWARD_KERNEL : SW_FORWARD_FAST);
		tc_attach(on);
		return;
	case SAMEWAY_TC:
		tc_attach(on);
		return;
	case KERNEL:
		return;
	}
	xdp_attach(NS_ROUTER, world.ifindex[DEV_LAN], on ? fd : -1);
}

/* conntrack with less room than flows is no equal. (Its size is the machine's, not ours to set.) */
static bool conntrack_holds(uint32_t flows)
{
	FILE *f = fopen("/proc/sys/net/netfilter/nf_conntrack_max", "r");
	unsigned int most = 0;

	if (f && fscanf(f, "%u", &most) != 1)
		most = 0;
	if (f)
		fclose(f);
	return most > flows;
}

static bool row_runs(const struct row *r, uint32_t flows)
{
	bool needed = r->kind == GENERATOR || !strcmp(r->key, "bare");

	if (!strcmp(r->key, "conntrack") && !conntrack_holds(flows))
		return false;
	if (needed || !strcmp(r->key, "xdp"))
		return needed || !options.renew;
	if (options.only)
		return list_has(options.only, r->key);
	return r->peer ? !options.cached : !options.renew;
}

/* What the kernel has forwarded tells whether the row's own program did, or only let it pass. */
static void row_check(const struct row *r, const struct rate *rate, uint64_t by_kernel)
{
	bool kernels = r->kind == MONITOR || r->kind == MARKS || r->kind == KERNEL;

	if (rate->taken < rate->sent / 2)
		fail("%s: of %llu packets %llu arrived", r->key, (unsigned long long)rate->sent,
		     (unsigned long long)rate->taken);
	if (kernels ? by_kernel < rate->taken / 2 : by_kernel > rate->taken / 100)
		fail("%s: of %llu packets the kernel has forwarded %llu: it is not what is to be "
		     "measured",
		     r->key, (unsigned long long)rate->taken, (unsigned long long)by_kernel);
}

static void row_measure(const struct row *r, struct measured *m)
{
	uint64_t before = world_forwarded();
	struct rate rate;

	row_set(r, true);
	rate = traffic_live(options.seconds);
	row_set(r, false);
	row_check(r, &rate, world_forwarded() - before);
	series_add(&m->cpu, rate.cpu);
	series_add(&m->wall, rate.wall);
}

static void row_print(const struct row *r, const struct measured *m, double base)
{
	const struct measured *own = measured_of("xdp");
	double ns = 1e3 / series_median(&m->cpu);

	if (m->cpu.n)
		printf("| %s | %.2f | %.2f-%.2f | %.2f | %.0f | %.0f | %.2f | ", r->name,
		       series_median(&m->cpu), series_min(&m->cpu), series_max(&m->cpu),
		       series_median(&m->wall), ns, ns - base, ratio_to_bare(m));
	else
		printf("| %s (cached) | | | | | | %.2f | ", r->name, m->cached);
	if (!own->cpu.n || r->kind == GENERATOR)
		printf("|\n");
	else
		printf("%.2f |\n", m->cpu.n ? ratio(own, m) : ratio_to_bare(own) / m->cached);
}

static void table_print(uint32_t flows)
{
	double base = 1e3 / series_median(&measured_of("generator")->cpu);

	printf("\n%s flow%s:\n\n"
	       "| forwarder | Mpps by CPU time | min-max | by the clock | ns a packet | without "
	       "the "
	       "generator's | / bare redirect | sameway XDP / it |\n"
	       "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
	       si(flows), flows == 1 ? "" : "s");
	for (size_t i = 0; i < ROWS; i++)
		if (measured[i].cpu.n || measured[i].cached > 0)
			row_print(&rows[i], &measured[i], base);
	if (!conntrack_holds(flows))
		printf("\nWithout conntrack: net.netfilter.nf_conntrack_max is below that.\n");
}

/* For plot.gp: a block a number of flows, its title and then a line a row. */
static void data_write(uint32_t flows, bool first)
{
	FILE *f = options.data ? fopen(options.data, first ? "w" : "a") : NULL;

	if (!options.data)
		return;
	if (!f)
		fail("%s can't be written", options.data);
	fprintf(f, "%s\"%s flow%s\"\n", first ? "" : "\n\n", si(flows), flows == 1 ? "" : "s");
	for (size_t i = 0; i < ROWS; i++) {
		const struct series *cpu = &measured[i].cpu;

		if (cpu->n && rows[i].kind != GENERATOR)
			fprintf(f, "%s\t%.3f\t%.3f\t%.3f\n", rows[i].key, series_median(cpu),
				series_min(cpu), series_max(cpu));
	}
	fclose(f);
}

static void peers_exchange(uint32_t flows)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (!rows[i].peer)
			continue;
		if (options.renew)
			peers_put(flows, rows[i].key, ratio_to_bare(&measured[i]));
		else if (options.cached && !measured[i].cpu.n)
			measured[i].cached = peers_get(flows, rows[i].key);
	}
}

static void flows_measure(uint32_t flows, const struct prefix *routes, bool first)
{
	edge_open(table_for(flows));
	edge_prefixes(routes, options.routes);
	traffic_open(1);
	traffic_routes(routes, options.routes);
	traffic_destinations(4, routes, options.routes);
	traffic_flows(flows, 0);
	traffic_prime(flows);
	xdp_attach(NS_SINK, world.sink[0], program_of("take"));
	memset(measured, 0, sizeof(measured));
	for (int round = 0; round < options.rounds; round++)
		for (size_t i = 0; i < ROWS; i++)
			if (row_runs(&rows[i], flows))
				row_measure(&rows[i], &measured[i]);
	xdp_attach(NS_SINK, world.sink[0], -1);
	peers_exchange(flows);
	table_print(flows);
	data_write(flows, first);
	traffic_close();
	edge_close();
}

int bench_forward(void)
{
	struct prefix *routes = routes_make(4, options.routes);

	world_routes(routes, options.routes);
	printf("%u routes, %d rounds of %.2f s, %d CPU%s, frames of 64 bytes.\n", options.routes,
	       options.rounds, options.seconds, options.cpus, options.cpus > 1 ? "s" : "");
	for (int i = 0; i < options.n_flows; i++)
		flows_measure(options.flows[i], routes, !i);
	peers_save();
	free(routes);
	return 0;
}
