/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What select costs where no record decides: sw_explain by BPF_PROG_TEST_RUN, which looks the
 * prefix up and chooses as the data path does, over tiers of 1 to 64 members. What the members cost
 * is the difference to the row with one. Each round has another tuple, the rows are interleaved.
 */
#include "explain.h"

#define ROUNDS 15
#define REPEAT 200000

struct row {
	uint64_t members;
	unsigned int weight;
	uint32_t ns[ROUNDS];
};

static struct row rows[] = {
	{0x1, 1, {0}},
	{0x3, 1, {0}},
	{0xff, 1, {0}},
	{~0ULL, 1, {0}},
	{BIT(63) | BIT(31), 1, {0}},
	{0x3, 10, {0}},
	{0xff, 8, {0}},
	{~0ULL, 64, {0}},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static uint32_t measure(const struct row *r, uint16_t port)
{
	struct packet p = {.src = LAN_HOST, .dst = "10.40.1.1", .sport = port, .dport = 443};
	struct sw_explain io = explain_of(&p, 0);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &io, .data_size_in = sizeof(io),
		    .repeat = REPEAT);

	edge.groups[G_NEW].tier[0] = r->members;
	edge.ctl->weighted = r->weight > 1 ? r->members : 0;
	for (size_t i = 0; i < SW_MAX_PATHS; i++)
		edge.paths[i].weight = (uint8_t)r->weight;
	if (bpf_prog_test_run_opts(bpf_program__fd(edge.skel->progs.sw_explain), &opts))
		fail_msg("sw_explain: %s", strerror(errno));
	return opts.duration;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	edge_open(1024);
	edge_reset();
	edge.groups[G_NEW] = (struct sw_group){.kind = SW_GROUP_ROUTE, .tiers = 1};
	edge.ctl->can4 = ~0ULL;
	memset(edge.usable, 0xff, sizeof(*edge.usable));
	fib_write("10.40.0.0", 16, G_NEW);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < N_ROWS; i++)
			rows[i].ns[round] = measure(&rows[i], (uint16_t)round);
	printf("| members | their ids | weight of each | ns, median | min-max | over one member |\n"
	       "| ---: | --- | ---: | ---: | ---: | ---: |\n");
	for (size_t i = 0; i < N_ROWS; i++) {
		struct row *r = &rows[i];

		qsort(r->ns, ROUNDS, sizeof(r->ns[0]), compare);
		printf("| %d | %#llx | %u | %u | %u-%u | %d |\n", __builtin_popcountll(r->members),
		       (unsigned long long)r->members, r->weight, r->ns[ROUNDS / 2], r->ns[0],
		       r->ns[ROUNDS - 1], (int)r->ns[ROUNDS / 2] - (int)rows[0].ns[ROUNDS / 2]);
	}
	sameway__destroy(edge.skel);
	return 0;
}
