# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# An edge with two routing daemons that send BMP, sourced after lib.sh: FRR from 10.2.30.3, gobgpd from 127.0.0.1. Each has four
# sessions, with BIRD on msee (AS 12076, ExpressRoute) and on vpngw (AS 65515, VPN), by IPv4 and IPv6. No tunnel, no traffic.
# FRR opens its sessions, BIRD those with gobgpd, which takes its time.
#
#   edge er0 192.168.30.17 (FRR), .19 (gobgpd) -- .18, .20 msee
#        wan0 172.31.30.1 (FRR), .3 (gobgpd) -- .2, .4 vpngw

SITES='lan edge msee vpngw'
FRR=/usr/lib/frr
GOBGP=(gobgp -p 50051)

bmp_links() {
	make_link lan eth0 "$LAN4/25" edge lan0 10.2.30.3/25 &&
		make_link edge er0 "192.168.30.17/29 192.168.30.19/29 fd00:192:168:30::1/64 fd00:192:168:30::3/64" \
			msee ce0 "192.168.30.18/29 192.168.30.20/29 fd00:192:168:30::2/64 fd00:192:168:30::4/64" &&
		make_link edge wan0 "172.31.30.1/29 172.31.30.3/29 fd00:172:31:30::1/64 fd00:172:31:30::3/64" \
			vpngw ce0 "172.31.30.2/29 172.31.30.4/29 fd00:172:31:30::2/64 fd00:172:31:30::4/64"
}

# bmp_bird AS NET4 NET6 ROUTER-ID SITE ADDRESS...: last bytes of the edge's and its own IPv4 addresses, of the session with
# FRR and that with gobgpd. What it announces is in $RUN/SITE.routes4 and .routes6, `disabled;` of a session in $RUN/SITE.frr4 ...
bmp_bird() {
	local site=$5 name family passive neighbor source
	cat <<-X
		log stderr { warning, error, fatal, bug };
		router id $4;
		protocol device { scan time 1; }
		protocol static own4 { ipv4;
		include "$RUN/$site.routes4";
		}
		protocol static own6 { ipv6;
		include "$RUN/$site.routes6";
		}
		template bgp t_peer { local as $1; direct; $BGP_TIMERS }
	X
	while read -r name family passive neighbor source; do
		: >"$RUN/$site.$name"
		cat <<-X
			protocol bgp $name from t_peer {
			include "$RUN/$site.$name";
			passive $passive;
			neighbor $neighbor as 65021; source address $source;
			$family { import none; export where proto = "own${name#"${name%?}"}"; next hop self; }; }
		X
	done <<-X
		frr4 ipv4 on $2$6 $2$7
		go4 ipv4 off $2$8 $2$9
		frr6 ipv6 on ${3}1 ${3}2
		go6 ipv6 off ${3}3 ${3}4
	X
}

# PEER AS SOURCE FAMILY of the daemon's four sessions
frr_sessions() {
	cat <<-X
		192.168.30.18 12076 192.168.30.17 ipv4
		fd00:192:168:30::2 12076 fd00:192:168:30::1 ipv6
		172.31.30.2 65515 172.31.30.1 ipv4
		fd00:172:31:30::2 65515 fd00:172:31:30::1 ipv6
	X
}
gobgp_sessions() {
	cat <<-X
		192.168.30.20 12076 192.168.30.19 ipv4
		fd00:192:168:30::4 12076 fd00:192:168:30::3 ipv6
		172.31.30.4 65515 172.31.30.3 ipv4
		fd00:172:31:30::4 65515 fd00:172:31:30::3 ipv6
	X
}

frr_config() {
	local peer as source family
	cat <<-X
		router bgp 65021
		 bgp router-id 10.2.30.3
		 no bgp default ipv4-unicast
		 no bgp ebgp-requires-policy
		 no bgp network import-check
		 timers bgp 1 3
	X
	frr_sessions | while read -r peer as source family; do
		printf ' neighbor %s %s\n' "$peer" "remote-as $as" "$peer" "timers connect 1" "$peer" "advertisement-interval 0" \
			"$peer" "update-source $source"
		printf ' address-family %s unicast\n  neighbor %s activate\n  neighbor %s soft-reconfiguration inbound\n' \
			"$family" "$peer" "$peer"
		echo ' exit-address-family'
	done
	cat <<-X
		 address-family ipv4 unicast
		  network 10.2.30.0/25
		 exit-address-family
		 bmp targets sameway
		  bmp connect 10.2.30.3 port 11019 min-retry 100 max-retry 1000
		  bmp stats interval 1000
		  bmp monitor ipv4 unicast pre-policy
		  bmp monitor ipv4 unicast post-policy
		  bmp monitor ipv6 unicast pre-policy
		  bmp monitor ipv6 unicast post-policy
		 exit
	X
}

gobgp_config() {
	local peer as source family
	printf '[global.config]\n  as = 65021\n  router-id = "10.2.30.4"\n'
	gobgp_sessions | while read -r peer as source family; do
		cat <<-X
			[[neighbors]]
			  [neighbors.config]
			    neighbor-address = "$peer"
			    peer-as = $as
			  [neighbors.transport.config]
			    local-address = "$source"
			    passive-mode = true
			  [neighbors.timers.config]
			    hold-time = 3
			    keepalive-interval = 1
			    idle-hold-time-after-reset = 1
			  [[neighbors.afi-safis]]
			    [neighbors.afi-safis.config]
			      afi-safi-name = "$family-unicast"
		X
	done
	printf '[[bmp-servers]]\n  [bmp-servers.config]\n    address = "127.0.0.1"\n    port = 11019\n'
	printf '    route-monitoring-policy = "%s"\n' "${GOBGP_POLICY:-all}"
}

start_frr() {
	background edge frr-bgpd $FRR/bgpd -M bmp -p 0 -f "$RUN/frr/bgpd.conf" -i "$RUN/frr/bgpd.pid" -z "$RUN/frr/zserv.api" \
		--vty_socket "$RUN/frr" -A 127.0.0.1 -P 0
}
start_gobgp() {
	background edge gobgpd gobgpd -f "$RUN/gobgpd.toml" --api-hosts 127.0.0.1:50051 --pprof-disable
}
vty() { in_ns edge vtysh --vty_socket "$RUN/frr" -c "$1"; }
go() { in_ns edge "${GOBGP[@]}" "$@"; }

bmp_config() {
	cat >"$RUN/sameway.yaml" <<-X
		mode: monitor
		stale-time: ${BMP_STALE:-60s}
		paths:
		  - { name: er, class: expressroute, circuit: er1, interface: er0, gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2",
		      peers: [192.168.30.18, 192.168.30.20, "fd00:192:168:30::2", "fd00:192:168:30::4"] }
		  - { name: vpn, class: vpn, circuit: s2s, interface: wan0, gateway: 172.31.30.2, gateway6: "fd00:172:31:30::2",
		      peers: [172.31.30.2, 172.31.30.4, "fd00:172:31:30::2", "fd00:172:31:30::4"] }
		inside: [{ interface: lan0, networks: [10.2.30.0/25] }]
		feeds:
		  - { name: monitor, type: bmp, listen: 0.0.0.0:11019, peers: [10.2.30.3, 127.0.0.1] }
	X
}

# bmp_up: all but sameway
bmp_up() {
	local site
	LAB=sw$(printf '%04x%04x' $RANDOM $RANDOM)
	RUN=$(mktemp -d "/tmp/$LAB.XXXXXX") && chmod 755 "$RUN" || return 1
	: >"$RUN/pids"
	for site in $SITES; do make_site "$site" || return 1; done
	bmp_links || return 1
	bmp_bird 12076 192.168.30. fd00:192:168:30:: 192.168.30.18 msee 17 18 19 20 >"$RUN/msee.conf"
	bmp_bird 65515 172.31.30. fd00:172:31:30:: 172.31.30.2 vpngw 1 2 3 4 >"$RUN/vpngw.conf"
	for site in msee vpngw; do
		: >"$RUN/$site.routes4" && : >"$RUN/$site.routes6" && bird -p -c "$RUN/$site.conf" || return 1
		background "$site" "bird-$site" bird -f -c "$RUN/$site.conf" -s "$RUN/$site.ctl"
	done
	mkdir "$RUN/frr" && echo 'no zebra nexthop kernel enable' >"$RUN/frr/zebra.conf" && frr_config >"$RUN/frr/bgpd.conf" &&
		chown -R frr:frr "$RUN/frr" && gobgp_config >"$RUN/gobgpd.toml" || return 1
	background edge frr-zebra $FRR/zebra -f "$RUN/frr/zebra.conf" -i "$RUN/frr/zebra.pid" -z "$RUN/frr/zserv.api" \
		--vty_socket "$RUN/frr" -A 127.0.0.1 -P 0
	wait_for 5 test -S "$RUN/frr/zserv.api" && start_frr && start_gobgp
}
