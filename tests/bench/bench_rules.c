/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What it costs to find the rule of a flow that has none yet: sw_explain by BPF_PROG_TEST_RUN, with
 * 0 to 256 rules in force, the last of which matches. Each other has a prefix, a port and a
 * protocol of its own. The rows are interleaved; the least of all rounds counts, since others only
 * add.
 */
#include "rules.h"

#define ROUNDS 25
#define REPEAT 100000

static const size_t counts[] = {0, 1, 16, 64, 256};
#define ROWS (sizeof(counts) / sizeof(counts[0]))

static void rules_make(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char to[32];

		snprintf(to, sizeof(to), "10.10.%zu.0/24", i);
		rule_list[i] = rule_to(to, RULE_DENY, NULL);
		rule_list[i].proto = i % 2 ? IPPROTO_TCP : IPPROTO_UDP;
		rule_list[i].port = (uint32_t)i + 1;
	}
	if (n)
		rule_list[n - 1] = rule_to(NULL, RULE_PREFER, "expressroute vpn");
}

static uint32_t measure(const char *src, const char *dst)
{
	struct packet p = {.src = src, .dst = dst, .sport = 40000, .dport = 443};
	struct sw_explain io = explain_of(&p, 0);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &io, .data_size_in = sizeof(io),
		    .repeat = REPEAT);

	if (bpf_prog_test_run_opts(bpf_program__fd(edge.skel->progs.sw_explain), &opts))
		fail_msg("sw_explain: %s", strerror(errno));
	return opts.duration;
}

int main(void)
{
	uint32_t least[ROWS][2];

	memset(least, 0xff, sizeof(least));
	edge_open(1024);
	edge_reset();
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < ROWS; i++) {
			uint32_t ns[2];

			rules_make(counts[i]);
			rules_put(counts[i], round + 1);
			ns[0] = measure(LAN_HOST, HUB);
			ns[1] = measure(LAN_HOST6, HUB6);
			for (int f = 0; f < 2; f++)
				least[i][f] = ns[f] < least[i][f] ? ns[f] : least[i][f];
		}
	}
	printf("| rules | IPv4: ns, least of %d | over none | IPv6 | over none |\n"
	       "| ---: | ---: | ---: | ---: | ---: |\n",
	       ROUNDS);
	for (size_t i = 0; i < ROWS; i++)
		printf("| %zu | %u | %d | %u | %d |\n", counts[i], least[i][0],
		       (int)least[i][0] - (int)least[0][0], least[i][1],
		       (int)least[i][1] - (int)least[0][1]);
	sameway__destroy(edge.skel);
	return 0;
}
