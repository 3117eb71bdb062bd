// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "sameway/abi.h"
#include "maps.h"

SEC("xdp")
int sw_xdp(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int sw_tc_ingress(struct __sk_buff *ctx)
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int sw_tc_egress(struct __sk_buff *ctx)
{
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int sw_explain(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("syscall")
int sw_start(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
