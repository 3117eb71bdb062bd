// SPDX-License-Identifier: GPL-2.0-only
/*
 * Azure's VPN gateways don't show in a traceroute from Location 1: on the ingress of the tunnel of
 * scripts/lab's VPN gateway, what comes from there gets back the TTL that it takes, and the
 * branch's gateway behind it.
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NET(a, b, c, d) bpf_htonl((a) << 24 | (b) << 16 | (c) << 8 | (d))
#define GOES_ON		(-1)

SEC("tc/hops")
int hops(struct __sk_buff *ctx)
{
	union {
		__u8 byte[2]; /* TTL, protocol */
		__u16 word;
	} old, new;
	struct iphdr ip;

	/* a TUN device: no Ethernet header */
	if (bpf_skb_load_bytes(ctx, 0, &ip, sizeof(ip)) || ip.version != 4 || ip.ttl > 253 ||
	    (ip.saddr & NET(255, 255, 0, 0)) != NET(10, 2, 0, 0) ||
	    ip.daddr == NET(10, 10, 30, 254))
		return GOES_ON;
	old.byte[0] = ip.ttl;
	old.byte[1] = ip.protocol;
	new = old;
	new.byte[0] += (ip.daddr & NET(255, 255, 255, 192)) == NET(10, 11, 30, 64) ? 2 : 1;
	if (!bpf_l3_csum_replace(ctx, offsetof(struct iphdr, check), old.word, new.word, 2))
		bpf_skb_store_bytes(ctx, offsetof(struct iphdr, ttl), new.byte, 1, 0);
	return GOES_ON;
}

char LICENSE[] SEC("license") = "GPL";
