/* SPDX-License-Identifier: GPL-2.0-only */
/* sameway-bench: what the data plane costs, beside what else does its work. */
#include "bench.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options options = {.cpus = 1, .routes = 10000, .gate = "tests/bench/gate.json"};

struct command {
	const char *name, *help;
	int (*run)(void);
	int rounds;
	double seconds;
	uint32_t flows[8];
};

static const struct command commands[] = {
	{"forward", "packets a second between namespaces, beside the kernel and other forwarders",
	 bench_forward, 9, 0.3, {1, 8192, 524288}},
	{"stages", "ns a packet by program and hook, without a device; the regression gate",
	 bench_stages, 15, 1, {1, 8192, 524288}},
	{"flows", "new flows into a full table, and reading all records", bench_flows, 9, 1, {1 << 20}},
	{"failover", "from a lost path, or a changed prefix, to the first packet that shows it",
	 bench_failover, 100, 1, {0}},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fprintf(out, "sameway-bench COMMAND [OPTIONS], as root: prints Markdown\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
	fprintf(out,
		"  -n, --rounds N      interleaved rounds\n"
		"  -s, --seconds S     of each measurement (forward)\n"
		"  -f, --flows N,N     powers of two\n"
		"  -r, --routes N      prefixes installed\n"
		"  -o, --only KEY,KEY  rows of forward, with what they are compared with\n"
		"  -j, --json          of stages: what --gate reads\n"
		"  -g, --gate FILE     of stages: compare with it (tests/bench/gate.json)\n"
		"  -2, --two-cpus      two CPUs generate and forward\n");
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

static void options_parse(int argc, char **argv)
{
	static const struct option longs[] = {{"rounds", 1, NULL, 'n'}, {"seconds", 1, NULL, 's'},
					      {"flows", 1, NULL, 'f'},	{"routes", 1, NULL, 'r'},
					      {"only", 1, NULL, 'o'},	{"two-cpus", 0, NULL, '2'},
					      {"json", 0, NULL, 'j'},	{"gate", 1, NULL, 'g'},
					      {"help", 0, NULL, 'h'},	{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "n:s:f:r:o:jg:2h", longs, NULL)) != -1) {
		if (c == 'n')
			options.rounds = atoi(optarg);
		else if (c == 's')
			options.seconds = atof(optarg);
		else if (c == 'f')
			flows_parse(optarg);
		else if (c == 'r')
			options.routes = (uint32_t)atoi(optarg);
		else if (c == 'o')
			options.only = optarg;
		else if (c == 'j')
			options.json = true;
		else if (c == 'g')
			options.gate = optarg;
		else if (c == '2')
			options.cpus = 2;
		else {
			usage(c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (options.rounds < 1 || options.rounds > MAX_ROUNDS || options.seconds <= 0 || !options.routes)
		fail("1 to %d rounds, some time, some routes", MAX_ROUNDS);
	if (options.cpus > sysconf(_SC_NPROCESSORS_ONLN))
		fail("there is only one CPU here");
}

int main(int argc, char **argv)
{
	const struct command *command = NULL;

	setlinebuf(stdout);
	pin((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
	for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			command = &commands[i];
	if (!command) {
		bool help = argc > 1 && !strcmp(argv[1], "--help");

		usage(help ? stdout : stderr);
		return help ? 0 : 2;
	}
	options.rounds = command->rounds;
	options.seconds = command->seconds;
	for (; options.n_flows < 8 && command->flows[options.n_flows]; options.n_flows++)
		options.flows[options.n_flows] = command->flows[options.n_flows];
	options_parse(argc - 1, argv + 1);
	if (optind < argc - 1)
		fail("%s: not understood, see --help", argv[optind + 1]);
	return command->run();
}
