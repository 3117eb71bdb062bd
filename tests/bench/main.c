/* SPDX-License-Identifier: GPL-2.0-only */
/* sameway-bench: what the data plane costs, beside what else does its work. */
#include "bench.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

static const struct options defaults = {
	.cpus = 1, .gate = "tests/bench/gate.json", .peers = "build/bench/peers.json"};
struct options options;

struct command {
	const char *name, *what, *help;
	int (*run)(void);
	int rounds;
	double seconds;
	uint32_t routes, flows[8];
};

static const struct command commands[] = {
	{.name = "forward",
	 .what = "Mpps between namespaces, beside the kernel and other forwarders",
	 .help = "  -s, --seconds S    of each measurement\n"
		 "  -o, --only KEY,..  these rows, with what they are compared with: noflow, tc,\n"
		 "                     marks, monitor, fib, lpm, kernel, conntrack\n"
		 "  -2, --two-cpus     two CPUs generate and forward\n"
		 "  -c, --cached       peers by the last --renew\n"
		 "      --renew        only the peers, kept for --cached\n"
		 "  -P, --peers FILE   where (build/bench/peers.json)\n"
		 "  -d, --data FILE    for plot.gp: row, median, min, max\n",
	 .run = bench_forward,
	 .rounds = 9,
	 .seconds = 0.3,
	 .routes = 10000,
	 .flows = {1, 8192, 524288}},
	{.name = "stages",
	 .what = "ns a packet by program and hook, without a device: the regression gate",
	 .help = "  -j, --json         the ratios alone, which --gate reads\n"
		 "  -g, --gate FILE    ratios to compare with (tests/bench/gate.json)\n",
	 .run = bench_stages,
	 .rounds = 15,
	 .routes = 10000,
	 .flows = {1, 8192, 524288}},
	{.name = "flows",
	 .what = "new flows into a full table, and reading all records",
	 .help = "",
	 .run = bench_flows,
	 .rounds = 9,
	 .routes = 10000,
	 .flows = {1 << 20}},
	{.name = "failover",
	 .what = "from a lost path, or a changed prefix, to the first packet that shows it",
	 .help = "",
	 .run = bench_failover,
	 .rounds = 100,
	 .routes = 1000000},
	{.name = "routes",
	 .what = "a table taken in by BGP, beside other routing daemons; changes in it",
	 .help = "  -o, --only KEY,..  sameway, bird, frr, gobgpd\n"
		 "  -s, --seconds S    of 10,000 changes a second\n",
	 .run = bench_routes,
	 .rounds = 3,
	 .seconds = 5,
	 .routes = 100000},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char common[] = "  -n, --rounds N     interleaved; the median counts\n"
			     "  -f, --flows N,..   powers of two: 8k is 8192\n"
			     "  -r, --routes N     prefixes; of failover, the most\n";

static void usage(FILE *out, const struct command *of)
{
	if (of) {
		fprintf(out, "sameway-bench %s: %s (Markdown)\n%s%s", of->name, of->what, common,
			of->help);
		return;
	}
	fprintf(out, "sameway-bench COMMAND [OPTIONS], as root; COMMAND --help has more\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].what);
	fprintf(out, "  %-9s %s\n", "all", "all of these, one after the other");
}

static void flows_parse(char *text)
{
	options.n_flows = 0;
	for (char *one = strtok(text, ","); one && options.n_flows < 8; one = strtok(NULL, ",")) {
		char *end;
		unsigned long n = strtoul(one, &end, 10);

		n *= *end == 'k' ? 1024 : *end == 'M' ? 1 << 20 : 1;
		if (!n || n & (n - 1) || n > 1 << 24)
			fail("--flows %s: a power of two is wanted, 8k for 8192", one);
		options.flows[options.n_flows++] = (uint32_t)n;
	}
}

static bool option_take(int c)
{
	switch (c) {
	case 'n':
		options.rounds = atoi(optarg);
		return options.rounds > 0 && options.rounds <= MAX_ROUNDS;
	case 's':
		options.seconds = atof(optarg);
		return options.seconds > 0;
	case 'r':
		options.routes = (uint32_t)atoi(optarg);
		return options.routes > 0 && options.routes <= 1000000;
	case 'f':
		flows_parse(optarg);
		return true;
	case 'o':
		options.only = optarg;
		return true;
	case 'j':
		options.json = true;
		return true;
	case 'g':
		options.gate = optarg;
		return true;
	case 'P':
		options.peers = optarg;
		return true;
	case 'd':
		options.data = optarg;
		return true;
	case 'c':
		options.cached = true;
		return true;
	case 'R':
		options.renew = true;
		return true;
	case '2':
		options.cpus = 2;
		return true;
	}
	return false;
}

static void options_parse(int argc, char **argv, const struct command *of)
{
	static const struct option longs[] = {
		{"rounds", 1, NULL, 'n'}, {"seconds", 1, NULL, 's'},  {"flows", 1, NULL, 'f'},
		{"routes", 1, NULL, 'r'}, {"only", 1, NULL, 'o'},     {"json", 0, NULL, 'j'},
		{"gate", 1, NULL, 'g'},	  {"two-cpus", 0, NULL, '2'}, {"cached", 0, NULL, 'c'},
		{"renew", 0, NULL, 'R'},  {"data", 1, NULL, 'd'},     {"peers", 1, NULL, 'P'},
		{"help", 0, NULL, 'h'},	  {NULL, 0, NULL, 0}};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "n:s:f:r:o:jg:2cd:P:h", longs, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout, of);
			exit(0);
		}
		if (c == '?' || !option_take(c)) {
			if (c != '?')
				fprintf(stderr, "sameway-bench: %s is out of range\n", optarg);
			usage(stderr, of);
			exit(2);
		}
	}
	if (optind < argc)
		fail("%s: not understood, see --help", argv[optind]);
	if (options.cpus > sysconf(_SC_NPROCESSORS_ONLN))
		fail("there is only one CPU here");
}

static void defaults_of(const struct command *command)
{
	options = defaults;
	options.rounds = command->rounds;
	options.seconds = command->seconds;
	options.routes = command->routes;
	for (; options.n_flows < 8 && command->flows[options.n_flows]; options.n_flows++)
		options.flows[options.n_flows] = command->flows[options.n_flows];
}

static void run_two_cpus(void)
{
	options.cpus = 2;
	options.flows[0] = 8192;
	options.n_flows = 1;
	options.data = NULL;
	putchar('\n');
	bench_forward();
}

/* With the options that mean the same to each. */
static int run_all(int argc, char **argv)
{
	machine_print();
	for (size_t i = 0; i < COMMANDS; i++) {
		defaults_of(&commands[i]);
		options_parse(argc, argv, NULL);
		if (!i)
			world_open();
		printf("\n### %s\n\n%s.\n\n", commands[i].name, commands[i].what);
		commands[i].run();
		if (!i && sysconf(_SC_NPROCESSORS_ONLN) > 1)
			run_two_cpus();
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	setlinebuf(stdout);
	if (!strcmp(name, "all")) {
		pin((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
		return run_all(argc - 1, argv + 1);
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i].name))
			continue;
		defaults_of(&commands[i]);
		options_parse(argc - 1, argv + 1, &commands[i]);
		pin((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
		world_open();
		return commands[i].run();
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		usage(stdout, NULL);
		return 0;
	}
	usage(stderr, NULL);
	return 2;
}
