/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Raw tracepoints, each by a pinned link, so that they count with the daemon dead and end with
 * detach. Such a link has no update: a new daemon's comes before the old one goes, and an error
 * between the two is counted twice rather than not at all.
 */
#include "kernel/trace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#define TRACE_COUNT 3

static const struct {
	const char *tracepoint, *pin;
} traces[TRACE_COUNT] = {
	{"xdp_redirect_err", "trace_redirect_err"},
	{"xdp_devmap_xmit", "trace_devmap_xmit"},
	{"kfree_skb", "trace_kfree_skb"},
};

static void programs_of(struct sameway *skel, struct bpf_program *out[TRACE_COUNT])
{
	out[0] = skel->progs.sw_redirect_err;
	out[1] = skel->progs.sw_devmap_xmit;
	out[2] = skel->progs.sw_kfree_skb;
}

/* Whether a program that does nothing can be put on all of them. */
static bool traces_possible(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "sw_probe", "GPL", nothing, 2, NULL);
	bool possible = prog >= 0;

	for (int i = 0; i < TRACE_COUNT && possible; i++) {
		int link = bpf_raw_tracepoint_open(traces[i].tracepoint, prog);

		possible = link >= 0;
		if (possible)
			close(link);
	}
	if (prog >= 0)
		close(prog);
	return possible;
}

void trace_prepare(struct sameway *skel)
{
	struct bpf_program *progs[TRACE_COUNT];
	bool possible = traces_possible();

	programs_of(skel, progs);
	for (int i = 0; i < TRACE_COUNT; i++)
		bpf_program__set_autoload(progs[i], possible);
}

static int trace_put(const char *dir, int i, int prog)
{
	int link = bpf_raw_tracepoint_open(traces[i].tracepoint, prog), err;

	if (link < 0)
		return link;
	err = pins_put(dir, traces[i].pin, link);
	close(link);
	return err;
}

int trace_attach(const char *dir, struct sameway *skel)
{
	struct bpf_program *progs[TRACE_COUNT];
	int err = 0;

	programs_of(skel, progs);
	for (int i = 0; i < TRACE_COUNT && !err; i++)
		err = bpf_program__autoload(progs[i]) ? trace_put(dir, i, bpf_program__fd(progs[i]))
						      : -EOPNOTSUPP;
	for (int i = 0; i < TRACE_COUNT && err; i++)
		pins_drop(dir, traces[i].pin);
	return err;
}

bool trace_attached(const char *dir)
{
	for (int i = 0; i < TRACE_COUNT; i++)
		if (!pins_have(dir, traces[i].pin))
			return false;
	return true;
}
