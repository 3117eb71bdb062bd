# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What each router says and believes: BIRD 2 everywhere. Sourced by scripts/lab.
#
# Timers are Azure's: BGP 60/180 s, BFD 300 ms x 3 between Microsoft's edge routers and customers. --fast shortens the hold time
# of the sessions through the tunnels only: all others have a link, BFD or a message that tells.

BIRDS='hub spoke ergw vpngw msee1p msee1s msee2p msee2s ergw2 remote branchgw ce1 ce2'
retry='connect delay time 1; connect retry time 2; error wait time 1, 2;'
timers="hold time 180; keepalive time 60; $retry"

# head ROUTER-ID [KERNEL-FILTER]: what all share; the kernel gets what BGP brought and the filter takes
head_of() {
	cat <<-Y
		log stderr { warning, error, fatal, bug };
		router id $1;
		protocol device { scan time 5; }
		protocol bfd { interface "*" { interval 300 ms; multiplier 3; }; }
		protocol kernel { merge paths on limit 4; ipv4 { import none; export where source = RTS_BGP${2:+ && $2}; }; }
	Y
}

# What the host under a VM knows, its effective routes: the VNet's gateways tell it, ExpressRoute's with weight (here local
# preference) over VPN's. Next hops lie on the VNet's own wire.
# effective ADDRESS GATEWAYS-NETWORK EXPRESSROUTE-GATEWAY [VPN-GATEWAY]
effective() {
	head_of "$1"
	cat <<-Y
		protocol static { ipv4; route $2 via "eth0"; }
		protocol bgp ERGW { local $1 as 65515; neighbor $3 as 65515; $timers ipv4 { add paths rx; import all; export none; }; }
	Y
	[ -z "${4:-}" ] || echo "protocol bgp VPNGW { local $1 as 65515; neighbor $4 as 65515; $timers ipv4 { import all; export none; }; }"
}
bird_hub() { effective 10.10.30.4 10.10.30.0/24 10.10.30.140 10.10.30.142; }
bird_spoke() { effective 10.11.30.4 10.10.30.0/24 10.10.30.140 10.10.30.142; }
bird_remote() { effective 10.17.30.4 10.17.30.0/26 10.17.30.44; }

# tells NAME OWN VM: an ExpressRoute gateway's session with the host of a VM: all that it has from Microsoft's edge routers
tells() {
	echo "protocol bgp $1 { local $2 as 65515; neighbor $3 as 65515; passive; $timers
		ipv4 { add paths tx; import none; export filter { if source != RTS_BGP then reject; if proto = \"NVA\" then bgp_next_hop = 10.10.30.21; accept; }; next hop keep; }; }"
}
# learns NAME OWN MSEE [PROTOCOL]: an ExpressRoute gateway's session with an edge router, its routes before all others: weight 32769; PROTOCOL's
# are told on
learns() {
	echo "protocol bgp $1 { local $2 as 65515; neighbor $3 as 12076; $timers
		ipv4 { import filter { bgp_local_pref = 200; accept; }; export where proto = \"vnet\"${4:+ || proto = \"$4\"}; next hop self; }; }"
}
bird_ergw() {
	head_of 10.10.30.140 '(bgp_local_pref = 200 || proto = "NVA")'
	echo 'protocol static vnet { ipv4; route 10.10.30.0/24 blackhole; route 10.11.30.0/26 blackhole; }
		protocol static wire { ipv4; route 10.10.30.128/25 via "eth0"; }'
	learns ER1P 10.10.30.140 10.10.30.132 NVA
	learns ER1S 10.10.30.140 10.10.30.133 NVA
	learns ER2P 10.10.30.140 10.10.30.134
	learns ER2S 10.10.30.140 10.10.30.135
	tells HUB 10.10.30.140 10.10.30.4
	tells SPOKE 10.10.30.140 10.11.30.4
	# as a Route Server does for an appliance, here for the branch and Location 1 alone
	[ "${nva:?}" = 0 ] || echo "protocol bgp NVA { local 10.10.30.140 as 65515; neighbor 10.10.30.20 as 65010; $timers
		ipv4 { import where net = 10.11.30.64/26; export where net = 10.2.30.0/25 && bgp_local_pref = 200; next hop keep; }; }"
	echo "protocol bgp VPNGW { local 10.10.30.140 as 65515; neighbor 10.10.30.142 as 65515; $timers
		ipv4 { add paths on; import all; export where source = RTS_BGP; next hop keep; }; }"
}
bird_ergw2() {
	head_of 10.17.30.44
	echo 'protocol static vnet { ipv4; route 10.17.30.0/26 blackhole; }'
	learns ER1P 10.17.30.44 10.17.30.36
	learns ER1S 10.17.30.44 10.17.30.37
	tells REMOTE 10.17.30.44 10.17.30.4
}

# The VPN gateway shares its routes with the ExpressRoute gateway, whose own it lists (table shared) and neither sends by nor
# tells to a tunnel: no transit between VPN and ExpressRoute.
bird_vpngw() {
	head_of 10.10.30.254
	cat <<-Y
		ipv4 table shared;
		protocol static vnet { ipv4; route 10.10.30.0/24 blackhole; route 10.11.30.0/26 blackhole; }
		protocol static peers { ipv4; route 10.2.30.125/32 via "ipsec0"; route 10.11.30.126/32 via "ipsec0"; }
		protocol static wire { ipv4 { table shared; }; route 10.10.30.128/25 via "eth0"; }
		protocol pipe { table master4; peer table shared; import none; export where source = RTS_BGP; }
		filter f_site { if proto = "peers" then reject; if net ~ 10.10.30.0/24 || net ~ 10.11.30.0/26 || source = RTS_BGP then accept; reject; }
		filter f_own { if net ~ 10.10.30.0/24 || net ~ 10.11.30.0/26 then reject; accept; }
		protocol bgp CE1 { local 10.10.30.254 as 65515; neighbor 10.2.30.125 as 65021; multihop 5; $tunnel_timers
			ipv4 { import filter f_own; import limit 4000 action disable; export filter f_site; next hop self; }; }
		protocol bgp BRANCH { local 10.10.30.254 as 65515; neighbor 10.11.30.126 as 65516; multihop 5; $tunnel_timers
			ipv4 { import filter f_own; import limit 4000 action disable; export filter f_site; next hop self; }; }
		protocol bgp ERGW { local 10.10.30.142 as 65515; neighbor 10.10.30.140 as 65515; $timers
			ipv4 { table shared; add paths on; import all; export where source = RTS_BGP; next hop self; }; }
	Y
	local vm
	for vm in 10.10.30.4 10.11.30.4; do
		echo "protocol bgp VM${vm//./_} { local 10.10.30.142 as 65515; neighbor $vm as 65515; passive; $timers
			ipv4 { import none; export where source = RTS_BGP; next hop self; }; }"
	done
}

# Microsoft's edge router, AS 12076. Towards customers the private AS is stripped, towards another VNet it is Microsoft's.
# customer NAME OWN NEIGHBOR AS
customer() {
	echo "protocol bgp $1 { local $2 as 12076; neighbor $3 as $4; bfd on; $timers
		ipv4 { import limit 4000 action disable; import all; export filter { if source != RTS_BGP || net !~ [10.0.0.0/8+] then reject; bgp_path.delete(65515); accept; }; next hop self; }; }"
}
# vnet NAME OWN GATEWAY
vnet() {
	echo "protocol bgp $1 { local $2 as 12076; neighbor $3 as 65515; $timers
		ipv4 { import all; export filter { if source != RTS_BGP || net !~ [10.0.0.0/8+] || bgp_path ~ [= * 65010 * =] then reject; if bgp_path ~ [= * 65515 * =] then { bgp_path.delete(65515); bgp_path.prepend(12076); } accept; }; next hop self; }; }"
}
bird_msee1p() {
	head_of 192.168.30.18
	customer CE 192.168.30.18 192.168.30.17 65021
	vnet HUB 10.10.30.132 10.10.30.140
	vnet REMOTE 10.17.30.36 10.17.30.44
	[ "${microsoft:?}" = 0 ] || cat <<-Y
		protocol bgp CEM { local 66.198.12.114 as 12076; neighbor 66.198.12.113 as 65021; bfd on; $timers
			ipv4 { import where net = 66.198.12.106/32; export where net = 52.168.162.84/32; next hop self; }; }
		protocol bgp BACKBONE { local 203.0.113.6 as 12076; neighbor 203.0.113.5 as 8075; $timers
			ipv4 { import where net = 52.168.162.84/32; export where net = 66.198.12.106/32; next hop self; }; }
	Y
}
# Microsoft's network, where the VPN gateway's public address is
bird_inet() {
	head_of 203.0.113.5
	cat <<-Y
		protocol static vpn_gw { ipv4; route 52.168.162.84/32 blackhole; }
		protocol bgp MSEE { local 203.0.113.5 as 8075; neighbor 203.0.113.6 as 12076; $timers
			ipv4 { import all; export where proto = "vpn_gw"; next hop self; }; }
	Y
}
# its session with the customer never comes up: the sub-interface over there is disabled
bird_msee1s() {
	head_of 192.168.30.22
	customer CE 192.168.30.22 192.168.30.21 65021
	vnet HUB 10.10.30.133 10.10.30.140
	vnet REMOTE 10.17.30.37 10.17.30.44
}
bird_msee2p() {
	head_of 192.168.31.18
	customer CE 192.168.31.18 192.168.31.17 65020
	vnet HUB 10.10.30.134 10.10.30.140
}
bird_msee2s() {
	head_of 192.168.31.22
	customer CE 192.168.31.22 192.168.31.21 65020
	vnet HUB 10.10.30.135 10.10.30.140
}

bird_nva() {
	head_of 10.10.30.20
	cat <<-Y
		protocol static vnet { ipv4; route 10.10.30.0/24 blackhole; route 10.11.30.0/26 blackhole; }
		protocol static peer { ipv4; route 10.11.30.126/32 via "ipsec0"; }
		protocol bgp ERGW { local 10.10.30.20 as 65010; neighbor 10.10.30.140 as 65515; interface "er0"; $timers
			ipv4 { import all; export where net = 10.11.30.64/26; next hop self; }; }
		protocol bgp BRANCH { local 10.10.30.20 as 65010; neighbor 10.11.30.126 as 65516; multihop 5; $tunnel_timers
			ipv4 { import all; export where proto = "vnet" || net = 10.2.30.0/25; next hop self; }; }
	Y
	mon 65010
}

bird_branchgw() {
	local peer=10.10.30.254 as=65515
	[ "${nva:?}" = 0 ] || peer=10.10.30.20 as=65010
	head_of 10.11.30.126
	cat <<-Y
		protocol static vnet { ipv4; route 10.11.30.64/26 blackhole; }
		protocol static peer { ipv4; route $peer/32 via "ipsec0"; }
		protocol bgp HUB { local 10.11.30.126 as 65516; neighbor $peer as $as; multihop 5; $tunnel_timers
			ipv4 { import all; export where proto = "vnet"; next hop self; }; }
	Y
}

# mon AS: the feed to sameway on the same box: every candidate
mon() {
	echo "protocol bgp MON { local 127.0.0.1 as $1; neighbor 127.0.0.2 port 1790 as $1; multihop; rr client; $retry
		ipv4 { import none; add paths tx; export where source = RTS_BGP; next hop keep; }; }"
}

# Location 1's edge: local preference 200 for ExpressRoute, its own network only to both. (As printed in the article the VPN's
# neighbor has no filter, and the edge would lead the branch to Region 2: a route leak.)
bird_ce1() {
	head_of 10.2.30.253
	cat <<-Y
		protocol static own { ipv4; route 10.2.30.0/25 blackhole; }
		protocol static peer { ipv4; route 10.10.30.254/32 via "ipsec0"; }
		protocol bgp ER1 { local 192.168.30.17 as 65021; neighbor 192.168.30.18 as 12076; bfd on; $timers
			ipv4 { import table on; import filter { bgp_local_pref = 200; accept; }; export where proto = "own"; next hop self; }; }
		protocol bgp VPN { local 10.2.30.125 as 65021; neighbor 10.10.30.254 as 65515; multihop 5; $tunnel_timers
			ipv4 { import table on; import all; export where proto = "own" || proto = "secure"; next hop self; }; }
	Y
	[ "${microsoft:?}" = 0 ] || cat <<-Y
		protocol static secure { ipv4; route 10.2.30.64/26 blackhole; }
		protocol static internet { ipv4; route 66.198.12.106/32 blackhole; }
		protocol bgp ER1M { local 66.198.12.113 as 65021; neighbor 66.198.12.114 as 12076; bfd on; $timers
			ipv4 { import where net = 52.168.162.84/32; export where proto = "internet"; next hop self; }; }
	Y
	mon 65021
}

# Location 2's edge: both connections of its circuit
bird_ce2() {
	head_of 192.168.31.17
	cat <<-Y
		protocol static own { ipv4; route 10.1.31.0/25 blackhole; }
		protocol bgp ER2P { local 192.168.31.17 as 65020; neighbor 192.168.31.18 as 12076; bfd on; $timers
			ipv4 { import filter { bgp_local_pref = 200; accept; }; export where proto = "own"; next hop self; }; }
		protocol bgp ER2S { local 192.168.31.21 as 65020; neighbor 192.168.31.22 as 12076; bfd on; $timers
			ipv4 { import filter { bgp_local_pref = 200; accept; }; export where proto = "own"; next hop self; }; }
	Y
	mon 65020
}

# The same edge by FRR, which tells sameway by BMP
FRR=/usr/lib/frr
frr_ce1() {
	local tunnel='60 180'
	[ "${fast:?}" = 0 ] || tunnel='2 6'
	cat <<-Y
		ip prefix-list own seq 5 permit 10.2.30.0/25
		route-map expressroute permit 10
		 set local-preference 200
		router bgp 65021
		 bgp router-id 10.2.30.253
		 no bgp ebgp-requires-policy
		 no bgp network import-check
		 neighbor 192.168.30.18 remote-as 12076
		 neighbor 192.168.30.18 bfd 3 300 300
		 neighbor 192.168.30.18 timers connect 2
		 neighbor 10.10.30.254 remote-as 65515
		 neighbor 10.10.30.254 ebgp-multihop 5
		 neighbor 10.10.30.254 update-source 10.2.30.125
		 neighbor 10.10.30.254 timers $tunnel
		 neighbor 10.10.30.254 timers connect 2
		 address-family ipv4 unicast
		  network 10.2.30.0/25
		  neighbor 192.168.30.18 soft-reconfiguration inbound
		  neighbor 192.168.30.18 route-map expressroute in
		  neighbor 192.168.30.18 prefix-list own out
		  neighbor 10.10.30.254 soft-reconfiguration inbound
		  neighbor 10.10.30.254 prefix-list own out
		 exit-address-family
		 bmp targets sameway
		  bmp connect 127.0.0.1 port 11019 min-retry 100 max-retry 1000
		  bmp monitor ipv4 unicast pre-policy
		  bmp monitor ipv4 unicast post-policy
	Y
}

# frr DAEMON ARGUMENT...: at ce1. Its files are another user's.
frr() {
	background ce1 "frr-$1" "$FRR/$1" -f "$RUN/frr/$1.conf" -i "$RUN/frr/$1.pid" -z "$RUN/frr/zserv.api" --vty_socket "$RUN/frr" -A 127.0.0.1 -P 0 "${@:2}"
}
start_frr() {
	mkdir "$RUN/frr" && frr_ce1 >"$RUN/frr/bgpd.conf" && : >"$RUN/frr/bfdd.conf" &&
		echo 'no zebra nexthop kernel enable' >"$RUN/frr/zebra.conf" && chown -R frr:frr "$RUN/frr" && frr zebra &&
		wait_for 10 test -S "$RUN/frr/zserv.api" && frr bfdd --bfdctl "$RUN/frr/bfdd.sock" && wait_for 10 test -S "$RUN/frr/bfdd.sock" && frr bgpd -M bmp
}
vty() { vtysh --vty_socket "$RUN/frr" -c "$1"; }

start_routers() {
	local site
	tunnel_timers=$timers
	[ "${fast:?}" = 0 ] || tunnel_timers="hold time 6; keepalive time 2; $retry"
	[ "${frr:?}" = 0 ] || start_frr || {
		echo "lab: FRR of ce1 does not start: $(tail -n 1 "$RUN"/frr-*.log)" >&2
		return 1
	}
	for site in $BIRDS inet; do
		[ "$site" != inet ] || [ "$microsoft" = 1 ] || continue
		[ "$site" != ce1 ] || [ "$frr" = 0 ] || continue
		"bird_$site" >"$RUN/$site.conf" && bird -p -c "$RUN/$site.conf" || return 1
		background "$site" "bird-$site" bird -f -c "$RUN/$site.conf" -s "$RUN/$site.ctl" || return 1
	done
}

# sessions SITE: `NAME STATE` of each session, not counting that to sameway
sessions() {
	if [ "$1" = ce1 ] && [ -d "$RUN/frr" ]; then
		vty 'show bgp ipv4 unicast summary json' | jq -r '.peers | to_entries[] | "\(.key) \(if .value.state == "Established" then "up" else .value.state end)"'
		return
	fi
	birdc_at "$1" show protocols | awk '$2 == "BGP" && $1 != "MON" { print $1, ($0 ~ /Established/ ? "up" : $4) }'
}
