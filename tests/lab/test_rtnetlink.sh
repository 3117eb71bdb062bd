#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The edge run by feed rtnetlink alone. One table: BIRD's best is all that is seen. Two tables, a class each: ExpressRoute first,
# whatever BIRD likes better; failover by link loss and back.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# BIRD at the edge as in docs/operations.md: each session has a table of its own, which goes to a table of the kernel.
# shellcheck disable=SC2317 # edge_up calls it
bird_edge() {
	cat <<-X
		log stderr { warning, error, fatal, bug };
		router id 10.2.30.3;
		protocol device { scan time 1; }
		ipv4 table er4; ipv4 table gw4; ipv6 table er6; ipv6 table gw6;
		protocol kernel k4 { ipv4 { import none; export where source = RTS_BGP; }; }
		protocol kernel k6 { ipv6 { import none; export where source = RTS_BGP; }; }
		protocol kernel ker4 { kernel table 101; ipv4 { table er4; import none; export where source = RTS_BGP; }; }
		protocol kernel ker6 { kernel table 101; ipv6 { table er6; import none; export where source = RTS_BGP; }; }
		protocol kernel kvpn4 { kernel table 102; ipv4 { table gw4; import none; export where source = RTS_BGP; }; }
		protocol kernel kvpn6 { kernel table 102; ipv6 { table gw6; import none; export where source = RTS_BGP; }; }
		protocol pipe per4 { table master4; peer table er4; import all; export where proto = "own4"; }
		protocol pipe per6 { table master6; peer table er6; import all; export where proto = "own6"; }
		protocol pipe pvpn4 { table master4; peer table gw4; import all; export where proto = "own4" || proto = "peer4"; }
		protocol pipe pvpn6 { table master6; peer table gw6; import all; export where proto = "own6" || proto = "peer6"; }
		protocol static peer4 { ipv4; route $VPNPEER4/32 via "tun30"; }
		protocol static peer6 { ipv6; route $VPNPEER6/128 via "tun30"; }
		protocol static own4 { ipv4; route 10.2.30.0/25 blackhole; }
		protocol static own6 { ipv6; route fd00:2:30::/64 blackhole; }
		protocol bgp ER1 { local 192.168.30.17 as 65021; neighbor 192.168.30.18 as 12076; $BGP_TIMERS
			ipv4 { table er4; import all; export where proto = "own4"; next hop self; }; }
		protocol bgp ER1v6 { local fd00:192:168:30::1 as 65021; neighbor fd00:192:168:30::2 as 12076; $BGP_TIMERS
			ipv6 { table er6; import all; export where proto = "own6"; next hop self; }; }
		protocol bgp VPN { local 10.2.30.125 as 65021; neighbor $VPNPEER4 as 65515; multihop 5; $BGP_TIMERS
			ipv4 { table gw4; import all; export where proto = "own4"; next hop self; }; }
		protocol bgp VPNv6 { local fd00:2:30::7d as 65021; neighbor $VPNPEER6 as 65515; multihop 5; $BGP_TIMERS
			ipv6 { table gw6; import all; export where proto = "own6"; next hop self; }; }
	X
}

# Both candidates are in BIRD's master table, as in the other labs: edge_converged holds for this BIRD too.
lab_edge
selected() { true_json ".[0].selected == [\"$2\"]" routes "$1"; }
candidates() { true_json "[.[0].candidates[].path] | sort == $2" routes "$1"; }

# One table, BIRD's best: the VPN (the shorter AS path). That there is an ExpressRoute can't be known.
export EDGE_FEED='{ name: kernel, type: rtnetlink }'
edge_config enforce
check "the main table alone: sameway runs" sameway_start || done_testing
check "status: best routes only" true_json '.feeds[0] | .type == "rtnetlink" and .state == "up" and .sees == "best" and .routes > 0' status
check "the hub by VPN, as BIRD has it" candidates 10.10.30.0/24 '["vpn30"]'
check "what only ExpressRoute has, by ExpressRoute" selected 10.17.30.0/26 er1-primary
check "IPv6 too" candidates fd00:10:10:30::/64 '["vpn30"]'
check "the inside network is own: kept, in no tier" true_json '[.[] | select(.prefix == "10.2.30.0/25")][0] | .tiers == [] and .candidates[0].path == null' routes
check_equal "one route of no path: the tunnel's underlay, told once" "$(j '.feeds[0].errors' status)" 1
check "by its name" grep -q 'unknown-path: 52.168.162.84/32 via 66.198.12.105 dev wan' "$RUN/sameway.log"
check_at_least "traffic goes by VPN" "$(moved edge tun30 tx ping_lost 40 0.005 $CLOUD4)" 40
ip -n "$LAB-edge" route add 10.99.0.0/24 via 192.168.30.18 metric 20
check_within 3 "a static route, a metric" selected 10.99.0.0/24 er1-primary
ip -n "$LAB-edge" route add 10.99.0.0/24 dev tun30 metric 10
check_within 3 "one of a lower metric: a candidate, and no more, of a worse class" candidates 10.99.0.0/24 '["er1-primary","vpn30"]'
check "ExpressRoute is still first" selected 10.99.0.0/24 er1-primary
ip -n "$LAB-edge" route flush 10.99.0.0/24
check_within 3 "gone" true_json '. == []' routes 10.99.0.0/24
s detach >/dev/null
wait_for 5 finished sameway

# A table a class.
edge_config enforce
sed -i '/^feeds:/,$d' "$RUN/sameway.yaml"
cat >>"$RUN/sameway.yaml" <<X
feeds:
  - { name: er, type: rtnetlink, table: 101 }
  - { name: vpn, type: rtnetlink, table: 102 }
X
check "a table a class: sameway runs" sameway_start || done_testing
both='["er1-primary","vpn30"]'
check_within 5 "both candidates" candidates 10.10.30.0/24 "$both"
check "ExpressRoute first, though BIRD's best is the VPN" selected 10.10.30.0/24 er1-primary
check "IPv6: both, by link-local or global next hop" candidates fd00:10:10:30::/64 "$both"
check "and ExpressRoute first" selected fd00:10:10:30::/64 er1-primary
check_at_least "traffic goes by ExpressRoute" "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" 40

# lost_over COMMAND...: pings lost of 150, one each 20 ms, with the command after 50 of them
lost_over() {
	background lan ping ping -i 0.02 -c 150 -W 1 $CLOUD4
	wait_for 5 lines_reach ping 'bytes from' 50
	"$@" >/dev/null
	wait_for 15 finished ping
	awk '/packets transmitted/ { print $1 - $4 }' "$RUN/ping.log"
}
check_at_most "cut: pings lost of 150" "$(lost_over er_cut)" 3
check_at_least "traffic goes by VPN" "$(moved edge tun30 tx ping_lost 40 0.005 $CLOUD4)" 40
check_within 10 "BIRD takes its routes back: one candidate" candidates 10.10.30.0/24 '["vpn30"]'
er_restore
check "BGP is back" edge_wait_converged 30
check_within 20 "both again" candidates 10.10.30.0/24 "$both"
check_within 20 "ExpressRoute again" selected 10.10.30.0/24 er1-primary
ip -n "$LAB-edge" link set er0 down
check_within 5 "interface down: the kernel flushes in silence, the candidates are gone" candidates 10.10.30.0/24 '["vpn30"]'
ip -n "$LAB-edge" link set er0 up
check_within 30 "up: both again" candidates 10.10.30.0/24 "$both"
check "no errors" true_json '[.feeds[].errors] | add == 0' status
end_background bird-edge KILL
check_within 5 "BIRD killed: the kernel keeps its routes, so does sameway" candidates 10.10.30.0/24 "$both"
done_testing
