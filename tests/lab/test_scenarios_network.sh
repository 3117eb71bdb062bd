#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Rows of scenarios.md about backups, leaks, two circuits, and what is seen of one direction only, each by its number.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/scenarios.sh
. "$(dirname "$0")/scenarios.sh"

s23_er_unused() {
	row 'S23 ExpressRoute unused although up'
	ip -n "$LAB-edge" route add 10.10.23.0/24 dev tun30 proto static
	answers tun30
	talk "$HOST>10.10.23.4"
	judged "$HOST" 10.10.23.4 policy-violation "$(by vpn30 vpn30)"
	told "$(incident policy-violation fib-override onprem warning) and $(pair 10.2.30.0/25 10.10.23.0/24) and $(says 'available: er1-primary') and
		$(says '10.10.23.0/24 dev tun30 proto static') and $(fix_says 'bandwidth and cost')"
	ip -n "$LAB-edge" route del 10.10.23.0/24 dev tun30 proto static
	over
}

s28_other_edge() {
	row 'S28 return through another edge'
	ip -n "$LAB-cloud" route add "$HOST/32" via 10.77.0.1
	talk "$HOST>10.17.28.4" "$HOST2>10.17.28.4" # the second one's answers come here: the side is not idle
	check_within 8 "$ROW: TCP, of which only our half is seen, is one-way" one_way tcp "$HOST" 10.17.28.4 er1-primary null
	told ".verdict == \"one-way\" and .cause == \"unknown\" and .side == \"unknown\" and .severity == \"warning\" and .dst_prefix == \"10.17.28.0/26\" and .reverse_path == null and
		$(says 'ACK numbers grow') and $(fix_says 'run sameway on the other edge')"
	check_equal "$ROW: UDP and ICMP are no evidence" "$(j "[.[] | select(.src == \"$HOST\" and .dst == \"10.17.28.4\" and .proto != \"tcp\") | .verdict] | join(\" \")" flows)" 'pending pending'
	silent 'not called asymmetric' '.verdict == "asymmetric"'
	judged "$HOST2" 10.17.28.4 ok
	over
	ip -n "$LAB-cloud" route del "$HOST/32" via 10.77.0.1
	# Azure's tables name a circuit that is not here
	row 'S28 return through another edge, known to Azure'
	azure_table '10.2.30.0/25 12076-65021 10.10.30.133' '10.2.31.0/25 12076-65021 10.10.30.133'
	ip -n "$LAB-cloud" route add "$HOST/32" via 10.77.0.1
	ip -n "$LAB-cloud" route add "$FWHOST/32" via 10.77.0.1
	check_within 5 "$ROW: read" explained '.return.circuit == "er9"' 10.10.28.4 from "$HOST"
	talk "$HOST>10.10.28.4" "$FWHOST>10.10.28.4" "$HOST2>10.17.28.4"
	check_within 8 "$ROW: one-way" one_way tcp "$HOST" 10.10.28.4 er1-primary null
	told "$(incident one-way other-edge unknown info) and $(pair 10.2.30.0/25 10.10.28.0/24) and .reverse_path == null and
		$(says 'Azure returns 10.2.30.0/25 by expressroute, circuit er9, which is not at this edge') and $(fix_says 'run sameway on the other edge')" 'other-edge, info'
	told "$(incident one-way other-edge unknown warning) and $(pair 10.2.31.0/25 10.10.28.0/24)" 'a warning where stateful'
	silent 'not called asymmetric' '.verdict == "asymmetric"'
	over
	ip -n "$LAB-cloud" route del "$HOST/32" via 10.77.0.1
	ip -n "$LAB-cloud" route del "$FWHOST/32" via 10.77.0.1
	azure_steady
	# the other half
	row 'S28 leaves through another edge'
	ip -n "$LAB-lan" route add 10.17.36.5/32 via 10.77.0.2
	talk "$HOST>10.17.36.5" "$HOST2>10.17.36.4"
	check_within 8 "$ROW: TCP of which only their half is seen, is one-way" one_way tcp 10.17.36.5 "$HOST" null er1-primary
	told ".verdict == \"one-way\" and .severity == \"warning\" and .cause == \"unknown\" and .forward_path == null and .reverse_path == \"er1-primary\" and
		$(pair 10.2.30.0/25 10.17.36.0/26) and $(fix_says 'other edge')" 'one-way, of the other half'
	silent 'not called asymmetric' '.verdict == "asymmetric"'
	over
	ip -n "$LAB-lan" route del 10.17.36.5/32 via 10.77.0.2
}

# one_way PROTO SOURCE DESTINATION FORWARD REVERSE
one_way() {
	local path=null back=null out
	[ "$4" = null ] || path=\"$4\"
	[ "$5" = null ] || back=\"$5\"
	out=$(j "[.[] | select(.proto == \"$1\" and ([.src, .dst] | sort) == ([\"$2\", \"$3\"] | sort) and .idle_s < 1) | [.verdict, .forward.path, .reverse.path]]" flows)
	holds "length > 0 and all(.[]; . == [\"one-way\", $path, $back])" "$out" && return
	echo "$out"
	return 1
}

# One tunnel's session is down, the other's is up with no route
s30_backup_gone() {
	row 'S30 backup silently gone'
	unannounce_all tun31
	bgp_apply
	birdc_at azure disable p_tun30 >/dev/null # not before: it comes with a new config again
	told ".verdict == \"backup-down\" and .cause == \"bgp-down\" and .severity == \"warning\" and $(says 'vpn30') and $(fix_says 'routesReceived 0')" 'backup-down, without any packet' 15
	told ".verdict == \"backup-down\" and .severity == \"warning\" and $(says 'vpn31')" 'also where the session is up'
	check "$ROW: ExpressRoute is well" explained '.path == "er1-primary"' 10.10.24.4
	silent 'nothing else' '.verdict | IN("backup-down", "no-backup") | not'
	announce tun31 10.99.0.0/24
	bgp_apply
	wait_for 15 bgp_up 5
}

s31_backup_not_independent() {
	row 'S31 backup rides the primary'
	ip -n "$LAB-edge" route replace 52.168.162.84/32 via 192.168.30.18
	told ".verdict == \"backup-not-independent\" and .side == \"onprem\" and .severity == \"warning\" and $(says '52.168.162.84') and $(says 'er1-primary') and $(fix_says 'Internet uplink')" 'backup-not-independent' 20
	silent 'nothing else' '.verdict != "backup-not-independent"'
	ip -n "$LAB-edge" route replace 52.168.162.84/32 via 66.198.12.105
}

# Azure's VPN gateway has our ExpressRoute's prefixes by us, and sends their packets here
s32_route_leak() {
	row 'S32 route leak through this edge'
	azure_table "${STEADY[@]}" '10.17.32.0/26 65021-12076'
	told ".verdict == \"route-leak\" and .severity == \"warning\" and .side == \"onprem\" and $(says '10.17.32.0/26') and $(fix_says 'prefix-list|out')" 'route-leak' 10
	ip -n "$LAB-azure" addr add 10.11.32.68/32 dev lo
	ip -n "$LAB-azure" route add 10.17.32.0/26 dev tun30
	in_ns azure ping -q -c 10 -i 0.05 -W 0.2 -I 10.11.32.68 10.17.32.4 >/dev/null
	check "$ROW: its packets are counted" eval '[ "$(reason tun30 transit-denied)" -ge 10 ]'
	told '.verdict == "route-leak" and .severity == "critical"' 'critical: traffic is seen' 10
	ip -n "$LAB-azure" route del 10.17.32.0/26 dev tun30
	ip -n "$LAB-azure" addr del 10.11.32.68/32 dev lo
	azure_steady
	over
}

s33_own_source() {
	row 'S33 own source comes in'
	ip -n "$LAB-azure" addr add 10.2.30.77/32 dev lo
	in_ns azure ping -q -c 3 -i 0.05 -W 0.2 -I 10.2.30.77 "$HOST" >/dev/null
	in_ns azure ping -q -c 3 -i 0.05 -W 0.2 -I 10.2.30.77 10.2.30.71 >/dev/null
	told ".verdict == \"loop-or-spoof\" and .severity == \"warning\" and .reverse_path == \"er1-primary\" and $(says 'spoofed') and $(pair 10.2.30.0/25 10.2.30.0/25)" 'a spoofed source'
	ip -n "$LAB-azure" addr del 10.2.30.77/32 dev lo
	ip -n "$LAB-azure" route add 10.17.33.9/32 via 192.168.30.17
	in_ns lan ping -q -c 3 -i 0.05 -W 0.2 10.17.33.9 >/dev/null
	told ".verdict == \"loop-or-spoof\" and .severity == \"warning\" and .dst_prefix == \"10.17.33.0/26\" and $(says 'routing loop') and $(fix_says 'TTL')" 'a loop'
	ip -n "$LAB-azure" route del 10.17.33.9/32 via 192.168.30.17
	over
}

s36_two_circuits() {
	row 'S36 two circuits'
	answers ce2
	talk "$HOST>10.10.36.4" "$FWHOST>10.10.36.4"
	judged "$HOST" 10.10.36.4 inter-circuit "$(by er1-primary er2-primary)"
	judged "$FWHOST" 10.10.36.4 inter-circuit "$(by er1-primary er2-primary)"
	told ".verdict == \"inter-circuit\" and .severity == \"warning\" and $(pair 10.2.30.0/25 10.10.36.0/24) and $(says 'circuit er1') and $(says 'circuit er2') and $(fix_says 'connection weight') and $(fix_says 'local preference')"
	told ".verdict == \"inter-circuit\" and .severity == \"critical\" and $(pair 10.2.31.0/25 10.10.36.0/24)" 'critical where stateful'
	over
}

# A site on Azure's VPN has the upper half of our network
s41_overlap() {
	row 'S41 a site on the VPN overlaps ours'
	azure_table "${STEADY[@]}" '10.2.30.64/26 65516'
	talk "$HOST>10.10.41.4" "$HOST2>10.10.41.4" "$HOST2>10.10.41.5" "$HOST2>10.10.41.6"
	judged "$HOST2" 10.10.41.4 ok
	steady "$HOST2" 10.10.41.4
	answers nowhere 10.2.30.64/26
	told ".verdict == \"one-way\" and .cause == \"overlap\" and .severity == \"critical\" and $(says '10.2.30.64/26') and $(fix_says 'renumber') and $(fix_says 'filter') and $(fix_says 'use those outside of it')" 'overlap' 60
	judged "$HOST" 10.10.41.4 ok
	over
	answers_no_more 10.2.30.64/26
	azure_steady
}

# What was a state of the network is over, once its cause is
all_over() {
	check_within 60 "backups, leaks are told as over" true_json '[.[] | select(.verdict | IN("backup-down", "backup-not-independent", "route-leak", "no-backup"))] == []' alerts
}

scene_start 23 24 28 32 33 36 41
announce er2 10.10.36.0/24
bgp_apply
rows s30_backup_gone s23_er_unused s28_other_edge s33_own_source s36_two_circuits s31_backup_not_independent s32_route_leak s41_overlap
all_over
done_testing
