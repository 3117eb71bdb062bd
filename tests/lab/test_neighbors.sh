#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Next hops: a gateway that falls silent behind a link that stays up, one that moved to another MAC, and an inside host that did,
# both with the daemon dead; a link-local IPv6 gateway. Routes come from a file: BGP would find out, too.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_edge
export EDGE_FEED='{ name: file, type: jsonl, file: routes.jsonl, follow: true }'
edge_config enforce
ll=$(ip -n "$LAB-msee" -j -6 addr show dev ce0 | jq -r '[.[].addr_info[]? | select(.scope == "link") | .local][0]')
sed -i "s/gateway6: \"fd00:192:168:30::2\"/gateway6: \"$ll\"/" "$RUN/sameway.yaml"
for p in 10.10.30.0/24 fd00:10:10:30::/64; do
	echo "{\"op\":\"announce\",\"prefix\":\"$p\",\"path\":\"er1-primary\",\"as_path\":[12076]}"
	echo "{\"op\":\"announce\",\"prefix\":\"$p\",\"path\":\"vpn30\",\"as_path\":[65515]}"
done >"$RUN/routes.jsonl"
echo '{"op":"end-of-rib"}' >>"$RUN/routes.jsonl"
# as an impatient owner would: the kernel's own probing takes about 20 s until it gives a neighbour up
for f in ipv4 ipv6; do
	in_ns edge sysctl -qw net.$f.neigh.er0.interval_probe_time_ms=500 net.$f.neigh.er0.delay_first_probe_time=1 \
		net.$f.neigh.er0.retrans_time_ms=200 net.$f.neigh.er0.base_reachable_time_ms=1000
done
ip -n "$LAB-edge" neigh flush dev er0
check "it runs with a link-local gateway" sameway_start || done_testing
by_er() { [ "$(moved_by_us lan0 ping_lost 20 0.01 "$1")" -ge 20 ] && [ "$(moved msee ce0 rx ping_lost 20 0.01 "$1")" -ge 20 ]; }
check_within 10 "IPv6 by the link-local gateway, moved by the programs" by_er $CLOUD6
check_within 10 "IPv4 too" by_er $CLOUD4

# Nothing answers behind a link that is up.
in_ns msee nft -f - <<-X
	table netdev silent {
		chain in { type filter hook ingress device ce0 priority 0; policy drop; }
	}
X
check_within 20 "gateway silent: its path says no-neighbor" true_json '.[0].usable == false and .[0].reasons == ["no-neighbor"]' paths
check_within 10 "IPv4 goes by VPN" eval "[ \"\$(moved edge tun30 tx ping_lost 20 0.01 $CLOUD4)\" -ge 20 ]"
check_within 10 "IPv6 goes by VPN" eval "[ \"\$(moved edge tun30 tx ping_lost 20 0.01 $CLOUD6)\" -ge 20 ]"
check_within 5 "an incident says it" true_json 'any(.[]; .verdict == "failover")' alerts
in_ns msee nft delete table netdev silent
check_within 20 "it answers again: usable" true_json '.[0].usable' paths
check_within 20 "and used" by_er $CLOUD4

# The gateway's router was replaced: same addresses, another MAC, no gratuitous ARP.
check "the far side answers by ExpressRoute again" edge_wait_converged 20
sameway_kill
in_ns msee sysctl -qw net.ipv4.conf.ce0.arp_notify=0 net.ipv6.conf.ce0.ndisc_notify=0
ip -n "$LAB-msee" link set ce0 address 02:00:00:00:77:01
check_within 20 "gateway moved, daemon dead: IPv4 follows" by_er $CLOUD4
check_within 20 "IPv6 follows" by_er $CLOUD6

# An inside host's NIC was replaced.
ip -n "$LAB-lan" link set eth0 down
ip -n "$LAB-lan" link set eth0 address 02:00:00:00:77:02
ip -n "$LAB-lan" link set eth0 up
ip -n "$LAB-lan" route replace default via 10.2.30.3
ip -n "$LAB-lan" -6 route replace default via fd00:2:30::3
check_within 20 "inside host moved, daemon dead: IPv4 follows" by_er $CLOUD4
check_within 20 "IPv6 follows" by_er $CLOUD6
back_by_us() { [ "$(moved_by_us er0 ping_lost 20 0.01 "$1")" -ge 20 ]; }
check_within 10 "its answers are moved by the programs" back_by_us $CLOUD4
done_testing
