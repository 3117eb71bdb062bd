/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 7, count. A packet that an interface received has one reason, counted once, by the hook
 * that has the last word on it. A path's packets are counted on the path's side only.
 */
#ifndef SAMEWAY_BPF_COUNT_H
#define SAMEWAY_BPF_COUNT_H

/* Packets and bytes of IP on the wire: a GSO frame counts its segments. */
struct amount {
	__u64 packets, bytes;
};

static __always_inline struct amount amount_of(const struct frame *frame, const struct packet *pkt)
{
	struct amount n = {.packets = 1, .bytes = pkt->len};

	if (frame->segments > 1) {
		n.packets = frame->segments;
		n.bytes += (frame->segments - 1) * pkt->headers;
	}
	return n;
}

static __always_inline struct sw_health *health_row(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&health, &zero);
}

static __always_inline void count_reason(__u32 slot, __u32 reason, __u32 action, __u64 packets)
{
	struct sw_reasons *row = bpf_map_lookup_elem(&reasons, &slot);
	__u64 *count;

	if (!row || reason >= SW_REASON_COUNT || action >= SW_ACTION_COUNT)
		return;
	/* three structs of named counters, in the order of enum sw_action: see the asserts */
	count = (__u64 *)row;
	count[action * SW_REASON_COUNT + reason] += packets;
}

_Static_assert(sizeof(struct sw_reason_counts) == SW_REASON_COUNT * 8, "a counter a reason");
_Static_assert(offsetof(struct sw_reasons, tc_frames) ==
		       SW_ACTION_COUNT * sizeof(struct sw_reason_counts),
	       "a row of counters an action");

/* A frame at TC ingress, besides the reason of its packets. */
static __always_inline void count_frame(__u32 slot, __u32 packets)
{
	struct sw_reasons *row = bpf_map_lookup_elem(&reasons, &slot);

	if (!row)
		return;
	row->tc_frames++;
	if (packets < 2)
		return;
	row->gso_frames++;
	row->gso_packets += packets;
}

/*
 * What a rule keeps from going on, or would in enforce; rule: as pkt->rule. (A function of its own,
 * so that the verifier sees it once.)
 */
__noinline int count_denied(__u32 rule, __u32 dropped, __u32 packets)
{
	__u32 at = rule >> RULE_ROW_SHIFT & 1;
	struct sw_rule_denied *row;

	if (!(rule & SW_FLOW_RULE_MASK))
		return 0;
	at = at * SW_MAX_RULES + (rule & SW_FLOW_RULE_MASK) - 1;
	row = bpf_map_lookup_elem(&rule_denied, &at);
	if (!row)
		return 0;
	if (dropped)
		row->dropped += packets;
	else
		row->passed += packets;
	return 0;
}

static __always_inline void count_rx(__u32 path, struct amount n)
{
	struct sw_path_stats *row = bpf_map_lookup_elem(&path_stats, &path);

	if (!row)
		return;
	row->rx_packets += n.packets;
	row->rx_bytes += n.bytes;
}

static __always_inline void count_tx(__u32 path, struct amount n)
{
	struct sw_path_stats *row = bpf_map_lookup_elem(&path_stats, &path);

	if (!row)
		return;
	row->tx_packets += n.packets;
	row->tx_bytes += n.bytes;
}

struct path_sum {
	struct sw_path_stats total;
	__u32 path;
};

static int path_sum_cpu(__u32 cpu, struct path_sum *sum)
{
	struct sw_path_stats *row = bpf_map_lookup_percpu_elem(&path_stats, &sum->path, cpu);

	if (!row)
		return 1; /* past the last possible CPU */
	sum->total.rx_packets += row->rx_packets;
	sum->total.rx_bytes += row->rx_bytes;
	sum->total.tx_packets += row->tx_packets;
	sum->total.tx_bytes += row->tx_bytes;
	return 0;
}

/* A path's packets and bytes, of all CPUs; sum->path is there, the rest is 0. */
#define MAX_CPUS 1024

static __always_inline void path_sum(struct path_sum *sum)
{
	bpf_loop(MAX_CPUS, path_sum_cpu, sum, 0);
}

static __always_inline void count_verdict(__u32 verdict)
{
	struct sw_verdict_row *row = bpf_map_lookup_elem(&verdicts, &verdict);

	if (row)
		__sync_fetch_and_add(&row->given, 1);
}

#endif
