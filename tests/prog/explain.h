/* SPDX-License-Identifier: GPL-2.0-only */
/* sw_explain for tests: a tuple in, the data path's answer out. */
#ifndef TESTS_PROG_EXPLAIN_H
#define TESTS_PROG_EXPLAIN_H

#include "edge.h"

/* Fills the question from a packet. */
static inline struct sw_explain explain_of(const struct packet *p, uint64_t down)
{
	struct sw_explain io = {.family = packet_family(p),
				.proto = packet_proto(p),
				.sport = htons(p->sport),
				.dport = htons(p->dport),
				.down = down};

	address_bytes(p->src, io.src);
	address_bytes(p->dst, io.dst);
	return io;
}

static inline void explain_run(struct sw_explain *io)
{
	struct sw_explain out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = io, .data_size_in = sizeof(*io),
		    .data_out = &out, .data_size_out = sizeof(out), .repeat = 1);

	if (bpf_prog_test_run_opts(bpf_program__fd(edge.skel->progs.sw_explain), &opts) ||
	    opts.retval != XDP_PASS || opts.data_size_out != sizeof(out))
		fail_msg("sw_explain does not answer");
	*io = out;
}

static inline struct sw_explain explain(const struct packet *p, uint64_t down)
{
	struct sw_explain io = explain_of(p, down);

	explain_run(&io);
	return io;
}

#endif
