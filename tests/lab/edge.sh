# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The lab's edge, sourced by scripts/demo and tests/lab/test_*.sh: one customer edge with an ExpressRoute and a VPN path to one
# Azure hub, as network namespaces of this machine. Addresses are those of Azure's article on interoperability.
#
#   lan 10.2.30.10 -- lan0 edge er0 ---- msee (AS 12076, ExpressRoute) ---- hub -- cloud 10.10.30.4, 10.11.30.4
#                          edge tun30 == inet == vpngw (AS 65515, VPN) ----/
#   only by VPN: 10.11.30.68 (a branch, on vpngw); only by ExpressRoute: 10.17.30.4 (another region, on msee)
#
# Everything a run makes carries its random name $LAB: namespaces $LAB-lan ..., instance $LAB, files under $RUN.
# Daemons are ended by the process ids kept in $RUN/pids.

ROOT=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
SAMEWAY=${SAMEWAY:-$ROOT/build/sameway}
TUNNEL=${TUNNEL:-$ROOT/build/lab/tunnel}
LAB=${LAB:-} RUN=${RUN:-}
SITES='lan edge msee inet vpngw hub cloud'
LAN4=10.2.30.10 LAN6=fd00:2:30::10
CLOUD4=10.10.30.4 CLOUD6=fd00:10:10:30::4
SPOKE4=10.11.30.4 BRANCH4=10.11.30.68 REMOTE4=10.17.30.4
VPNPEER4=10.10.30.254 VPNPEER6=fd00:10:10:30::fe

# in_ns SITE COMMAND...: in a namespace, with this machine's /sys (`ip netns exec` would hide bpffs).
in_ns() { nsenter --net="/run/netns/$LAB-$1" "${@:2}"; }

# s ARGUMENT...: the program in the edge's namespace, talking to this lab's instance.
s() { in_ns edge "$SAMEWAY" -i "$LAB" "$@"; }

# wait_for SECONDS COMMAND...: polls until the command succeeds; 1 when it did not in time. LAB_SLOW: a machine so many times
# slower than most has so many times the seconds. What a busy machine takes from us is not counted, up to 30 s: a look counts for
# 0.2 s at most, and a pause for what it should be. What did not come in two seconds is asked for more seldom: the asking is what
# a lab that waits costs, and others run beside it.
wait_for() {
	# their names are not those of a test's, which the command may ask for
	local wait_start=${EPOCHREALTIME/./} wait_left wait_end wait_before wait_took wait_pause=30 wait_nap=0.03
	wait_left=$(awk -v s="$1" -v slow="${LAB_SLOW:-1}" 'BEGIN { printf "%d", s * slow * 1000 }')
	wait_end=$((wait_start + wait_left * 1000 + 30000000))
	shift
	while wait_before=${EPOCHREALTIME/./} && ! "$@" >/dev/null 2>&1; do
		wait_took=$(((${EPOCHREALTIME/./} - wait_before) / 1000))
		[ "$wait_before" -lt $((wait_start + 2000000)) ] || wait_pause=200 wait_nap=0.2
		wait_left=$((wait_left - (wait_took < 200 ? wait_took : 200) - wait_pause))
		[ $wait_left -gt 0 ] && [ "${EPOCHREALTIME/./}" -lt $wait_end ] || return 1
		sleep $wait_nap
	done
}

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# background SITE NAME COMMAND...: starts it there, keeps its pid in $RUN/pids and $RUN/NAME.pid, output in $RUN/NAME.log. In a
# session of its own: Ctrl-C is for the script, which ends all of them in order.
background() {
	local site=$1 name=$2
	shift 2
	setsid nsenter --net="/run/netns/$LAB-$site" "$@" >"$RUN/$name.log" 2>&1 </dev/null &
	echo $! >"$RUN/$name.pid"
	echo $! >>"$RUN/pids"
}

# end_background NAME [SIGNAL]: ends it and waits until it is gone.
end_background() {
	local pid
	pid=$(cat "$RUN/$1.pid" 2>/dev/null) || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	kill -CONT "$pid" 2>/dev/null
	wait_for 5 eval "! kill -0 $pid" || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	rm -f "$RUN/$1.pid"
}

# finished NAME: whether it ended by itself
finished() { ! kill -0 "$(cat "$RUN/$1.pid")" 2>/dev/null; }

# lines NAME PATTERN: how many lines of its output match
lines() { grep -c -e "$2" "$RUN/$1.log"; }
lines_reach() { [ "$(lines "$1" "$2")" -ge "$3" ]; }

make_site() {
	local ns=$LAB-$1
	ip netns add "$ns" || return 1
	# keep_addr_on_down: a link that went down and came back has its IPv6 addresses again
	in_ns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.icmp_ratelimit=0 \
		net.ipv6.icmp.ratelimit=0 net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.default.keep_addr_on_down=1 \
		net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.router_solicitations=0 \
		net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 || return 1
	ip -n "$ns" link set lo up
}

# make_link SITE DEVICE 'ADDRESSES' SITE DEVICE 'ADDRESSES': both ends are made in one namespace, then moved: a pair whose ends
# have the same number reports carrier late. The offloads off are those that no wire has: checksums left to a device that
# XDP passes by, VLAN tags outside the frame. GRO on: only then does a veth take frames that XDP redirects to its peer.
make_link() {
	local a=$LAB-$1 b=$LAB-$4 addr
	ip -n "$a" link add "$2" type veth peer name "sw-peer" || return 1
	ip -n "$a" link set sw-peer netns "$b" name "$5" || return 1
	in_ns "$1" ethtool -K "$2" tx off txvlan off gro on >/dev/null 2>&1
	in_ns "$4" ethtool -K "$5" tx off txvlan off gro on >/dev/null 2>&1
	for addr in $3; do ip -n "$a" addr add "$addr" dev "$2" || return 1; done
	for addr in $6; do ip -n "$b" addr add "$addr" dev "$5" || return 1; done
	ip -n "$a" link set "$2" up && ip -n "$b" link set "$5" up
}

make_links() {
	make_link lan eth0 "$LAN4/25 $LAN6/64" edge lan0 "10.2.30.3/25 fd00:2:30::3/64" &&
		make_link edge er0 "192.168.30.17/30 fd00:192:168:30::1/64" msee ce0 "192.168.30.18/30 fd00:192:168:30::2/64" &&
		make_link edge wan 66.198.12.106/30 inet i0 66.198.12.105/30 &&
		make_link vpngw wan 52.168.162.84/30 inet i1 52.168.162.85/30 &&
		make_link msee hub0 "172.16.3.2/30 fd00:172:16:3::2/64" hub er0 "172.16.3.1/30 fd00:172:16:3::1/64" &&
		make_link vpngw hub0 "172.16.2.2/30 fd00:172:16:2::2/64" hub vp0 "172.16.2.1/30 fd00:172:16:2::1/64" &&
		make_link hub vnet0 "10.10.30.1/25 fd00:10:10:30::1/64" cloud eth0 "$CLOUD4/25 $CLOUD6/64" &&
		ip -n "$LAB-lan" route add default via 10.2.30.3 &&
		ip -n "$LAB-lan" -6 route add default via fd00:2:30::3 &&
		ip -n "$LAB-cloud" route add default via 10.10.30.1 &&
		ip -n "$LAB-cloud" -6 route add default via fd00:10:10:30::1 &&
		ip -n "$LAB-cloud" addr add $SPOKE4/32 dev lo &&
		ip -n "$LAB-hub" route add 10.11.30.0/26 via $CLOUD4 &&
		ip -n "$LAB-vpngw" addr add $BRANCH4/32 dev lo &&
		ip -n "$LAB-msee" addr add $REMOTE4/32 dev lo &&
		ip -n "$LAB-edge" route add 52.168.162.84/32 via 66.198.12.105 &&
		ip -n "$LAB-vpngw" route add 66.198.12.106/32 via 52.168.162.85
}

# The VPN: a TUN device at each end, a program between, and the /32s of the BGP peers, which lie inside prefixes that
# ExpressRoute brings.
make_tunnel() {
	background edge tunnel-edge "$TUNNEL" tun30 66.198.12.106 52.168.162.84 4500 &&
		background vpngw tunnel-vpngw "$TUNNEL" tun30 52.168.162.84 66.198.12.106 4500 || return 1
	wait_for 3 ip -n "$LAB-edge" link show tun30 up && wait_for 3 ip -n "$LAB-vpngw" link show tun30 up &&
		ip -n "$LAB-edge" addr add 10.2.30.125/32 dev tun30 &&
		ip -n "$LAB-edge" addr add fd00:2:30::7d/128 dev tun30 &&
		ip -n "$LAB-vpngw" addr add $VPNPEER4/32 dev tun30 &&
		ip -n "$LAB-vpngw" addr add $VPNPEER6/128 dev tun30 &&
		ip -n "$LAB-edge" route add $VPNPEER4/32 dev tun30 src 10.2.30.125 &&
		ip -n "$LAB-edge" -6 route add $VPNPEER6/128 dev tun30 src fd00:2:30::7d &&
		ip -n "$LAB-vpngw" route add 10.2.30.125/32 dev tun30 src $VPNPEER4 &&
		ip -n "$LAB-vpngw" -6 route add fd00:2:30::7d/128 dev tun30 src $VPNPEER6
}

BGP_TIMERS="hold time $((3 * ${LAB_SLOW:-1})); keepalive time 1; connect delay time 1; connect retry time 1; error wait time 1, 2;"

# bird_head ROUTER-ID: what all of them share
bird_head() {
	cat <<-X
		log stderr { warning, error, fatal, bug };
		router id $1;
		protocol device { scan time 1; }
		protocol kernel k4 { ipv4 { import none; export where source = RTS_BGP; }; }
		protocol kernel k6 { ipv6 { import none; export where source = RTS_BGP; }; }
	X
}

# The edge: no local preference anywhere unless EDGE_VPN_PREF gives the VPN one. MON is the feed to sameway: every candidate.
bird_edge() {
	local import=all
	[ -z "${EDGE_VPN_PREF:-}" ] || import="filter { bgp_local_pref = $EDGE_VPN_PREF; accept; }"
	bird_head 10.2.30.3
	cat <<-X
		protocol static peer4 { ipv4; route $VPNPEER4/32 via "tun30"; }
		protocol static peer6 { ipv6; route $VPNPEER6/128 via "tun30"; }
		protocol static own4 { ipv4; route 10.2.30.0/25 blackhole; }
		protocol static own6 { ipv6; route fd00:2:30::/64 blackhole; }
		protocol bgp ER1 { local 192.168.30.17 as 65021; neighbor 192.168.30.18 as 12076; $BGP_TIMERS
			ipv4 { import all; export where proto = "own4"; next hop self; }; }
		protocol bgp ER1v6 { local fd00:192:168:30::1 as 65021; neighbor fd00:192:168:30::2 as 12076; $BGP_TIMERS
			ipv6 { import all; export where proto = "own6"; next hop self; }; }
		protocol bgp VPN { local 10.2.30.125 as 65021; neighbor $VPNPEER4 as 65515; multihop 5; $BGP_TIMERS
			ipv4 { import $import; export where proto = "own4"; next hop self; }; }
		protocol bgp VPNv6 { local fd00:2:30::7d as 65021; neighbor $VPNPEER6 as 65515; multihop 5; $BGP_TIMERS
			ipv6 { import $import; export where proto = "own6"; next hop self; }; }
		protocol bgp MON { local 127.0.0.1 as 65021; neighbor 127.0.0.2 port 1790 as 65021; multihop; rr client; $BGP_TIMERS
			ipv4 { import none; add paths tx; export where source = RTS_BGP; next hop keep; };
			ipv6 { import none; add paths tx; export where source = RTS_BGP; next hop keep; }; }
	X
}

# The Microsoft edge router. What it announces has the longer AS path (12076 65515) than the VPN's (65515): without a local
# preference BIRD's best at the edge is the VPN, the very mistake that sameway is for.
bird_msee() {
	bird_head 192.168.30.18
	cat <<-X
		protocol static region { ipv4; route 10.17.30.0/26 blackhole; }
		protocol bgp CE { local 192.168.30.18 as 12076; neighbor 192.168.30.17 as 65021; $BGP_TIMERS
			ipv4 { import all; export where net !~ 10.2.30.0/25; next hop self; }; }
		protocol bgp CEv6 { local fd00:192:168:30::2 as 12076; neighbor fd00:192:168:30::1 as 65021; $BGP_TIMERS
			ipv6 { import all; export where net !~ fd00:2:30::/64; next hop self; }; }
		protocol bgp HUB { local 172.16.3.2 as 12076; neighbor 172.16.3.1 as 65515; $BGP_TIMERS
			ipv4 { import all; export where source = RTS_BGP; next hop self; }; }
		protocol bgp HUBv6 { local fd00:172:16:3::2 as 12076; neighbor fd00:172:16:3::1 as 65515; $BGP_TIMERS
			ipv6 { import all; export where source = RTS_BGP; next hop self; }; }
	X
}

# The VPN gateway: the hub's prefixes, and a branch behind another tunnel (AS 65516) that only it knows.
bird_vpngw() {
	bird_head $VPNPEER4
	cat <<-X
		protocol static peer4 { ipv4; route 10.2.30.125/32 via "tun30"; }
		protocol static peer6 { ipv6; route fd00:2:30::7d/128 via "tun30"; }
		protocol static branch { ipv4; route 10.11.30.64/26 blackhole; }
		filter f_ce { if net ~ 10.2.30.0/25 then reject; if proto = "peer4" then reject;
			if proto = "branch" then bgp_path.prepend(65516); accept; }
		filter f_ce6 { if net ~ fd00:2:30::/64 then reject; accept; }
		protocol bgp CE { local $VPNPEER4 as 65515; neighbor 10.2.30.125 as 65021; multihop 5; $BGP_TIMERS
			ipv4 { import all; export filter f_ce; next hop self; }; }
		protocol bgp CEv6 { local $VPNPEER6 as 65515; neighbor fd00:2:30::7d as 65021; multihop 5; $BGP_TIMERS
			ipv6 { import all; export filter f_ce6; next hop self; }; }
		protocol bgp HUB { local 172.16.2.2 as 65515; neighbor 172.16.2.1 as 65515; direct; $BGP_TIMERS
			ipv4 { gateway direct; import where net !~ 10.2.30.0/25; export where source = RTS_BGP || proto = "branch"; next hop self; }; }
		protocol bgp HUBv6 { local fd00:172:16:2::2 as 65515; neighbor fd00:172:16:2::1 as 65515; direct; $BGP_TIMERS
			ipv6 { gateway direct; import where net !~ fd00:2:30::/64; export where source = RTS_BGP; next hop self; }; }
	X
}

# The hub prefers ExpressRoute, as Azure does; AZURE_PREFERS_VPN is its hubRoutingPreference turned round.
bird_hub() {
	bird_head 10.10.30.1
	cat <<-X
		protocol static vnet4 { ipv4; route 10.10.30.0/24 blackhole; route 10.11.30.0/26 blackhole; }
		protocol static vnet6 { ipv6; route fd00:10:10:30::/64 blackhole; }
		filter f_er { bgp_local_pref = 200; accept; }
		protocol bgp ER { local 172.16.3.1 as 65515; neighbor 172.16.3.2 as 12076; $BGP_TIMERS
			ipv4 { import filter f_er; export where proto = "vnet4"; next hop self; }; }
		protocol bgp ERv6 { local fd00:172:16:3::1 as 65515; neighbor fd00:172:16:3::2 as 12076; $BGP_TIMERS
			ipv6 { import filter f_er; export where proto = "vnet6"; next hop self; }; }
		protocol bgp VPN { local 172.16.2.1 as 65515; neighbor 172.16.2.2 as 65515; direct; $BGP_TIMERS
			ipv4 { gateway direct; import all; export where proto = "vnet4"; next hop self; }; }
		protocol bgp VPNv6 { local fd00:172:16:2::1 as 65515; neighbor fd00:172:16:2::2 as 65515; direct; $BGP_TIMERS
			ipv6 { gateway direct; import all; export where proto = "vnet6"; next hop self; }; }
	X
}

birdc_at() { birdc -s "$RUN/$1.ctl" "${@:2}"; }

start_birds() {
	local site
	for site in edge msee vpngw hub; do
		"bird_$site" >"$RUN/$site.conf" && bird -p -c "$RUN/$site.conf" || return 1
		background "$site" "bird-$site" bird -f -c "$RUN/$site.conf" -s "$RUN/$site.ctl" || return 1
	done
}

# edge_up: makes all of it, up to the point where BGP starts; $LAB and $RUN are set.
edge_up() {
	local site
	[ -x "$TUNNEL" ] || {
		echo "lab: no $TUNNEL: run make all labtools" >&2
		return 1
	}
	LAB=sw$(printf '%04x%04x' $RANDOM $RANDOM)
	RUN=$(mktemp -d "/tmp/$LAB.XXXXXX") && chmod 755 "$RUN" || return 1
	: >"$RUN/pids"
	for site in $SITES; do make_site "$site" || return 1; done
	make_links && make_tunnel && start_birds
}

# edge_down: undoes edge_up and sameway_start, however far they came. Safe to call twice.
edge_down() {
	[ -n "$LAB" ] && [ -n "$RUN" ] || return 0
	local pid site
	if [ -e "/run/netns/$LAB-edge" ] && [ -x "$SAMEWAY" ]; then
		s detach >/dev/null 2>&1
	fi
	if [ -f "$RUN/pids" ]; then
		while read -r pid; do
			kill "$pid" 2>/dev/null
			kill -CONT "$pid" 2>/dev/null
		done <"$RUN/pids"
		while read -r pid; do
			wait_for 3 eval "! kill -0 $pid" || kill -KILL "$pid" 2>/dev/null
			wait "$pid" 2>/dev/null
		done <"$RUN/pids"
	fi
	for site in $SITES; do
		[ ! -e "/run/netns/$LAB-$site" ] || ip netns del "$LAB-$site"
	done
	rm -rf "/sys/fs/bpf/sameway/$LAB" "/run/sameway/$LAB.sock" "/run/sameway/$LAB.state" "$RUN"
	rmdir /sys/fs/bpf/sameway 2>/dev/null
	LAB='' RUN=''
}

sessions_up() {
	local site want n
	for site in edge:4 msee:4 vpngw:4 hub:4; do
		want=${site#*:}
		n=$(birdc_at "${site%:*}" show protocols | awk '$2 == "BGP" && $1 != "MON" && /Established/ { n++ } END { print n + 0 }')
		[ "$n" = "$want" ] || return 1
	done
}

routes_there() {
	local r4 r6
	r4=$(ip -n "$LAB-hub" route get $LAN4) && [[ $r4 == *172.16.3.2* ]] || return 1
	r6=$(ip -n "$LAB-hub" -6 route get $LAN6) && [[ $r6 == *fd00:172:16:3::2* ]] || return 1
	[ -n "$(ip -n "$LAB-vpngw" route show 10.10.30.0/24)" ] &&
		[ -n "$(ip -n "$LAB-vpngw" -6 route show fd00:10:10:30::/64)" ] || return 1
	[ "$(birdc_at edge show route 10.10.30.0/24 | grep -c unicast)" = 2 ] || return 1
	[ "$(birdc_at edge show route fd00:10:10:30::/64 | grep -c unicast)" = 2 ] || return 1
	ip -n "$LAB-edge" route get $BRANCH4 | grep -q tun30 &&
		[ -n "$(ip -n "$LAB-vpngw" route show 10.2.30.0/25)" ] &&
		[ -n "$(ip -n "$LAB-vpngw" -6 route show fd00:2:30::/64)" ] && ip -n "$LAB-edge" route get $REMOTE4 | grep -q er0
}

# All sessions up, both candidates at the edge, the far side answering by ExpressRoute.
edge_converged() { sessions_up && routes_there; }
edge_wait_converged() { wait_for "${1:-20}" edge_converged; }

# Link loss of ExpressRoute, from Microsoft's side; loss of the Internet under the VPN, whose device stays up.
er_cut() { ip -n "$LAB-msee" link set ce0 down; }
er_restore() { ip -n "$LAB-msee" link set ce0 up; }
vpn_cut() { ip -n "$LAB-inet" link set i0 down; }
vpn_restore() { ip -n "$LAB-inet" link set i0 up; }

# What the far side does with its answers: a route before those of BGP, as hubRoutingPreference or a user-defined route would.
far_side_via_vpn() {
	ip -n "$LAB-hub" route replace 10.2.30.0/25 via 172.16.2.2 metric 1 &&
		ip -n "$LAB-hub" -6 route replace fd00:2:30::/64 via fd00:172:16:2::2 metric 1
}
far_side_via_er() {
	ip -n "$LAB-hub" route del 10.2.30.0/25 via 172.16.2.2 metric 1
	ip -n "$LAB-hub" -6 route del fd00:2:30::/64 via fd00:172:16:2::2 metric 1
}

# packets SITE DEVICE rx|tx: counted by the device itself, not by sameway
packets() { ip -n "$LAB-$1" -s -j link show dev "$2" | jq ".[0].stats64.$3.packets"; }

# edge_config [MODE [GRACE]]: writes $RUN/sameway.yaml. EDGE_FEED, EDGE_FORWARD, EDGE_EXTRA: another feed, who sends, more keys.
edge_config() {
	local feed='{ name: router, type: bgp, listen: 127.0.0.2:1790, as: 65021, router-id: 10.2.30.250, peers: [127.0.0.1] }'
	cat >"$RUN/sameway.yaml" <<-X
		mode: ${1:-enforce}
		asymmetry: { grace: ${2:-60s} }
		forward: ${EDGE_FORWARD:-fast}
		${EDGE_EXTRA:-}
		paths:
		  - { name: er1-primary, class: expressroute, circuit: er1, interface: er0, gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2",
		      peers: [192.168.30.18, "fd00:192:168:30::2"], as: 12076 }
		  - { name: vpn30, class: vpn, circuit: s2s, interface: tun30, peers: [$VPNPEER4, "$VPNPEER6"] }
		inside:
		  - { interface: lan0, networks: [10.2.30.0/25, "fd00:2:30::/64"] }
		feeds:
		  - ${EDGE_FEED:-$feed}
	X
}

sameway_ready() {
	local out
	out=$(s -j status) && jq -e '.daemon and .waiting == [] and ([.feeds[] | select(.state != "up")] == [])' <<<"$out"
}

# sameway_start: runs it on $RUN/sameway.yaml; back when it does what its mode says with all the feeds in.
sameway_start() {
	background edge sameway "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"
	wait_for 20 sameway_ready || {
		echo "sameway did not get ready:" >&2
		cat "$RUN/sameway.log" >&2
		return 1
	}
}
sameway_stop() { end_background sameway TERM; }
sameway_kill() { end_background sameway KILL; }
