/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a packet costs: the whole path of sameway's programs, parse to rewrite with the flow record
 * and its verdict, beside a program that only redirects, by BPF_PROG_TEST_RUN. Both run behind the
 * same first stage (redirect.bpf.c), which makes each run's packet anew. Rounds of all rows are
 * interleaved, so that a busy moment of the machine meets all of them.
 */
#include "edge.h"
#include "redirect.skel.h"

#define ROUNDS 9
#define REPEAT 100000
#define FLOWS  32768

struct row {
	const char *what;
	enum hook hook;
	enum device dev;
	const char *src, *dst;
	uint32_t flows;
	uint32_t ns[3][ROUNDS]; /* by enum measured */
};

enum measured { FIRST_STAGE, REDIRECT, SAMEWAY };

static struct redirect *base;

#define IP4_OUT LAN0, LAN_HOST, REMOTE
#define IP4_IN	ER0, REMOTE, LAN_HOST
#define IP6_OUT LAN0, LAN_HOST6, REMOTE6
#define IP6_IN	ER0, REMOTE6, LAN_HOST6

static struct row rows[] = {
	{"xdp, LAN to path, IPv4", XDP, IP4_OUT, 1, {{0}}},
	{"xdp, LAN to path, IPv4", XDP, IP4_OUT, FLOWS, {{0}}},
	{"xdp, LAN to path, IPv6", XDP, IP6_OUT, 1, {{0}}},
	{"xdp, LAN to path, IPv6", XDP, IP6_OUT, FLOWS, {{0}}},
	{"xdp, path to LAN, IPv4", XDP, IP4_IN, 1, {{0}}},
	{"xdp, path to LAN, IPv4", XDP, IP4_IN, FLOWS, {{0}}},
	{"xdp, path to LAN, IPv6", XDP, IP6_IN, 1, {{0}}},
	{"xdp, path to LAN, IPv6", XDP, IP6_IN, FLOWS, {{0}}},
	{"tc ingress, LAN to path, IPv4", TC_IN, IP4_OUT, 1, {{0}}},
	{"tc ingress, LAN to path, IPv4", TC_IN, IP4_OUT, FLOWS, {{0}}},
	{"tc egress, LAN to path, IPv4", TC_OUT, ER0, LAN_HOST, REMOTE, 1, {{0}}},
	{"tc egress, LAN to path, IPv4", TC_OUT, ER0, LAN_HOST, REMOTE, FLOWS, {{0}}},
	{"tc ingress, path to LAN, IPv4", TC_IN, IP4_IN, 1, {{0}}},
	{"tc ingress, path to LAN, IPv4", TC_IN, IP4_IN, FLOWS, {{0}}},
	{"tc ingress, path to LAN, IPv6", TC_IN, IP6_IN, 1, {{0}}},
	{"tc ingress, path to LAN, IPv6", TC_IN, IP6_IN, FLOWS, {{0}}},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* What the first stage goes on to. */
static void next_set(enum hook hook, enum measured what)
{
	int map = bpf_map__fd(hook == XDP ? base->maps.next_xdp : base->maps.next_tc);
	struct bpf_program *redirect =
		hook == XDP ? base->progs.redirect_xdp : base->progs.redirect_tc;
	int fd = what == SAMEWAY ? program_fd(hook) : bpf_program__fd(redirect);
	uint32_t zero = 0;

	if (what == FIRST_STAGE)
		bpf_map_delete_elem(map, &zero);
	else if (bpf_map_update_elem(map, &zero, &fd, BPF_ANY))
		fail_msg("no tail call to the program: %s", strerror(errno));
}

/* One long run; ns a packet. Says so where it did not do what is to be measured. */
static uint32_t measure(const struct row *r, enum measured what)
{
	struct packet p = {.src = r->src, .dst = r->dst, .dport = 443, .size = 64};
	struct frame f = frame_at(r->dev, &p);
	struct xdp_md xdp = {.data_end = (uint32_t)f.len, .ingress_ifindex = edge.ifindex[r->dev]};
	struct __sk_buff skb = {.ifindex = edge.ifindex[r->dev]};
	bool is_xdp = r->hook == XDP;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.data, .data_size_in = (uint32_t)f.len,
		    .repeat = REPEAT);
	uint32_t moved = is_xdp ? XDP_REDIRECT : TC_REDIRECT;

	opts.ctx_in = is_xdp ? (void *)&xdp : (void *)&skb;
	opts.ctx_size_in = is_xdp ? sizeof(xdp) : sizeof(skb);
	memcpy(base->bss->macs, f.data, sizeof(base->bss->macs));
	memcpy(&base->bss->check, f.data + ETH_HLEN + CHECK_OFFSET, 2);
	base->bss->flow_mask = r->flows - 1;
	next_set(r->hook, what);
	if (bpf_prog_test_run_opts(
		    bpf_program__fd(is_xdp ? base->progs.prepare_xdp : base->progs.prepare_tc),
		    &opts))
		fail_msg("%s: %s", r->what, strerror(errno));
	if (what == SAMEWAY && r->hook == TC_OUT)
		moved = (uint32_t)TC_UNSPEC;
	if (what != FIRST_STAGE && opts.retval != moved)
		fail_msg("%s: not forwarded (%d)", r->what, (int)opts.retval);
	return opts.duration;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t median(uint32_t *ns)
{
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	return ns[ROUNDS / 2];
}

static void print_table(void)
{
	printf("| hook, direction, family | flows | sameway ns | min-max | redirect ns | min-max | "
	       "first stage ns | sameway / redirect |\n"
	       "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
	for (size_t i = 0; i < N_ROWS; i++) {
		struct row *r = &rows[i];
		uint32_t first = median(r->ns[FIRST_STAGE]), redirect = median(r->ns[REDIRECT]);
		uint32_t own = median(r->ns[SAMEWAY]);

		printf("| %s | %u | %u | %u-%u | %u | %u-%u | %u | %.1f |\n", r->what, r->flows,
		       own, r->ns[SAMEWAY][0], r->ns[SAMEWAY][ROUNDS - 1], redirect,
		       r->ns[REDIRECT][0], r->ns[REDIRECT][ROUNDS - 1], first,
		       (double)own / redirect);
	}
}

int main(void)
{
	uint32_t zero = 0;

	edge_open(8 * FLOWS); /* of all rows, with room: nothing is evicted */
	edge_reset();
	base = redirect__open_and_load();
	if (!base ||
	    bpf_map_update_elem(bpf_map__fd(base->maps.out_device), &zero, &edge.ifindex[ER0], 0))
		fail_msg("the programs to compare with do not load");
	base->bss->out_ifindex = edge.ifindex[ER0];
	for (size_t i = 0; i < N_ROWS; i++)
		measure(&rows[i], SAMEWAY); /* makes the records */
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < N_ROWS; i++)
			for (enum measured what = FIRST_STAGE; what <= SAMEWAY; what++)
				rows[i].ns[what][round] = measure(&rows[i], what);
	print_table();
	redirect__destroy(base);
	sameway__destroy(edge.skel);
	return 0;
}
