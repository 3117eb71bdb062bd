# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The lab's systems and links: addresses and roles of the article. Sourced by scripts/lab after tests/lab/edge.sh.

# VMs and hosts, with the fabrics of two regions, their gateways, Microsoft's edge routers, the internet, and on-premises
SITES='hub spoke az1 ergw vpngw msee1p msee1s msee2p msee2s az2 ergw2 remote branchgw branch inet ce1 sw1 loc1 ce2 sw2 loc2'
# shellcheck disable=SC2034 # read by matrix.sh and verbs.sh
HOSTS='hub spoke branch loc1 loc2 remote'
# shellcheck disable=SC2034
declare -A ADDRESS=([hub]=10.10.30.4 [spoke]=10.11.30.4 [branch]=10.11.30.68 [loc1]=10.2.30.10 [loc2]=10.1.31.10 [remote]=10.17.30.4)

# of_lab SITE: whether it is one
of_lab() { [[ " $SITES " == *" $1 "* ]]; }

# make_fabric SITE: the virtual network's wire; what it is made of no traceroute shows
make_fabric() { ip -n "$LAB-$1" link add br0 type bridge && ip -n "$LAB-$1" link set br0 up; }
# attach FABRIC SITE DEVICE ADDRESS
attach() { make_link "$2" "$3" "$4" "$1" "$2-$3" '' && ip -n "$LAB-$1" link set "$2-$3" master br0; }
# route SITE ROUTE...
route() { ip -n "$LAB-$1" route add "${@:2}"; }

# Region 1. Peering puts hub and spoke on one wire. What a virtual network sends to ExpressRoute goes straight to Microsoft's
# edge router, whose addresses are .132 to .135; what comes back passes the gateway, .140.
make_region1() {
	local n
	make_fabric az1 && attach az1 hub eth0 10.10.30.4/24 && attach az1 spoke eth0 10.11.30.4/26 &&
		attach az1 ergw eth0 10.10.30.140/24 && attach az1 vpngw eth0 10.10.30.142/24 &&
		attach az1 msee1p gw0 10.10.30.132/25 && attach az1 msee1s gw0 10.10.30.133/25 &&
		attach az1 msee2p gw0 10.10.30.134/25 && attach az1 msee2s gw0 10.10.30.135/25 &&
		route spoke 10.10.30.0/24 dev eth0 || return 1
	for n in hub ergw vpngw; do route $n 10.11.30.0/26 dev eth0 || return 1; done
}

make_region2() {
	make_fabric az2 && attach az2 remote eth0 10.17.30.4/26 && attach az2 ergw2 eth0 10.17.30.44/26 &&
		attach az2 msee1p rem0 10.17.30.36/27 && attach az2 msee1s rem0 10.17.30.37/27
}

# Location 1: QinQ to ExpressRoute 1, outer tag 30, inner 300. The secondary's sub-interface at the CE is there, and disabled.
make_location1() {
	make_link loc1 eth0 10.2.30.10/25 sw1 lan0 10.2.30.3/25 && make_link sw1 up0 192.168.30.1/31 ce1 lan0 192.168.30.0/31 &&
		make_link ce1 er0 '' msee1p ce0 '' && make_subinterface ce1 er0 && make_subinterface msee1p ce0 &&
		make_link ce1 er1 '' msee1s ce0 '' && make_subinterface ce1 er1 subs && make_subinterface msee1s ce0 &&
		ip -n "$LAB-ce1" addr add 192.168.30.17/30 dev er0.300 && ip -n "$LAB-msee1p" addr add 192.168.30.18/30 dev ce0.300 &&
		ip -n "$LAB-ce1" addr add 192.168.30.21/30 dev er1.300 && ip -n "$LAB-msee1s" addr add 192.168.30.22/30 dev ce0.300 &&
		ip -n "$LAB-ce1" link set er1.300 down &&
		route loc1 default via 10.2.30.3 && route sw1 default via 192.168.30.0 && route ce1 10.2.30.0/25 via 192.168.30.1
}

make_location2() {
	make_link loc2 eth0 10.1.31.10/25 sw2 lan0 10.1.31.3/25 && make_link sw2 up0 192.168.31.1/31 ce2 lan0 192.168.31.0/31 &&
		make_link ce2 er0 192.168.31.17/30 msee2p ce0 192.168.31.18/30 &&
		make_link ce2 er1 192.168.31.21/30 msee2s ce0 192.168.31.22/30 &&
		route loc2 default via 10.1.31.3 && route sw2 default via 192.168.31.0 && route ce2 10.1.31.0/25 via 192.168.31.1
}

# The tunnels' own underlay, and the branch behind one of them
make_internet() {
	make_link ce1 wan 66.198.12.106/30 inet i0 66.198.12.105/30 && make_link vpngw wan 52.168.162.84/30 inet i1 52.168.162.85/30 &&
		make_link branchgw wan 203.0.113.2/30 inet i2 203.0.113.1/30 &&
		route ce1 52.168.162.84/32 via 66.198.12.105 && route branchgw 52.168.162.84/32 via 203.0.113.1 &&
		route vpngw 66.198.12.106/32 via 52.168.162.85 && route vpngw 203.0.113.2/32 via 52.168.162.85 &&
		make_link branch eth0 10.11.30.68/26 branchgw eth0 10.11.30.100/26 && route branch default via 10.11.30.100
}

# Microsoft peering beside the private one on the same trunk, inner tag 310, and Microsoft's own network behind it: what the
# internet between the tunnel's ends is otherwise
make_microsoft() {
	make_second ce1 er0 subm && make_second msee1p ce0 subm && ip -n "$LAB-ce1" addr add 66.198.12.113/30 dev er0.310 &&
		ip -n "$LAB-msee1p" addr add 66.198.12.114/30 dev ce0.310 &&
		make_link msee1p pub0 203.0.113.6/30 inet i3 203.0.113.5/30 &&
		ip -n "$LAB-ce1" route replace 52.168.162.84/32 via 66.198.12.105 metric 1000 &&
		ip -n "$LAB-ce1" route del 52.168.162.84/32 metric 0 && ip -n "$LAB-loc1" addr add 10.2.30.70/25 dev eth0
}

# A network virtual appliance: one NIC towards the gateways, one towards the VMs of the same network, the branch's tunnel
make_nva() {
	attach az1 nva er0 10.10.30.20/24 && attach az1 nva lan0 10.10.30.21/24 && route nva 10.11.30.0/26 dev lan0 &&
		in_ns nva sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 &&
		make_link nva wan 52.168.163.10/30 inet i4 52.168.163.9/30 && route nva 203.0.113.2/32 via 52.168.163.9 &&
		route branchgw 52.168.163.10/32 via 203.0.113.1
}

make_net() {
	local site
	for site in $SITES; do
		[ ! -e "/run/netns/$LAB-$site" ] || return 1
		echo "$site" >>"$RUN/made"
		make_site "$site" && in_ns "$site" sysctl -qw net.ipv4.fib_multipath_hash_policy=1 || return 1
	done
	make_region1 && make_region2 && make_location1 && make_location2 && make_internet || return 1
	[ "${microsoft:?}" = 0 ] || make_microsoft || return 1
	[ "${nva:?}" = 0 ] || make_nva
}

# end_all: ends every process in the namespaces that the lab has made, waits for it, and deletes them
end_all() {
	local site signal pids made
	made=$(cat "$RUN/made" 2>/dev/null)
	for signal in TERM KILL; do
		pids=$(for site in $made; do [ ! -e "/run/netns/$LAB-$site" ] || ip netns pids "$LAB-$site"; done)
		[ -n "$pids" ] || break
		# shellcheck disable=SC2086 # a word a process
		kill -$signal $pids 2>/dev/null
		# shellcheck disable=SC2086
		wait_for 5 eval "! kill -0 ${pids//$'\n'/ }" && break
	done
	for site in $made; do
		[ ! -e "/run/netns/$LAB-$site" ] || ip netns del "$LAB-$site"
	done
}
