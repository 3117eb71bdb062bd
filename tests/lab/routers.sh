# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Five routing daemons on one edge, sourced after lib.sh: BIRD, FRR, gobgpd, OpenBGPD, each with two neighbours (ExpressRoute,
# VPN; both are one BIRD on `far`), and exabgp, which originates what it is told. Each feeds sameway as docs/operations.md says.
#
#   edge er0 192.168.30.0/27 ---- far 192.168.30.18 (AS 12076)     the daemons' own addresses: .1 BIRD, .2 FRR, .3 gobgpd,
#        vp0 192.168.40.0/27 ---- far 192.168.40.18 (AS 65515)     .4 OpenBGPD; feeds on 127.0.0.2 ... port 1790
#
# ${has[er PREFIX]}, ${has[vpn PREFIX]}: what the neighbour announces, and how often it prepends AS 64999.

# shellcheck disable=SC2034 # edge.sh reads it
SITES='edge far'
# shellcheck disable=SC2034 # for who sources this
ROUTERS='bird frr gobgp openbgpd exabgp'
FRR=/usr/lib/frr
FRRMON=169.254.77.2
SECRET=Kq7-secret
declare -A NEIGHBOR_AS=([er]=12076 [vpn]=65515) NET=([er]=30 [vpn]=40) has=()

make_routers_links() {
	local n net dev
	for n in er vpn; do
		net=${NET[$n]} dev=${n:0:2}0
		make_link edge "$dev" "192.168.$net.1/27 192.168.$net.2/27 192.168.$net.3/27 192.168.$net.4/27
			fd00:192:168:$net::11/64 fd00:192:168:$net::12/64 fd00:192:168:$net::13/64 fd00:192:168:$net::14/64" \
			far "$dev" "192.168.$net.18/27 fd00:192:168:$net::2/64" || return 1
	done
	ip -n "$LAB-edge" link add lan0 type veth peer name lan1 && ip -n "$LAB-edge" addr add 10.2.30.3/25 dev lan0 &&
		ip -n "$LAB-edge" link set lan0 up && ip -n "$LAB-edge" link set lan1 up &&
		ip -n "$LAB-edge" route add local $FRRMON/32 dev lo
}

# --- The neighbours. ---

# static_of er|vpn 4|6
static_of() {
	local key prefix
	echo "ipv$2 table t_$1$2; protocol static s_$1$2 { ipv$2 { table t_$1$2; };"
	for key in "${!has[@]}"; do
		prefix=${key#* }
		[ "${key% *}" = "$1" ] || continue
		if [[ $prefix == *:* ]]; then [ "$2" = 6 ]; else [ "$2" = 4 ]; fi || continue
		echo "	route $prefix blackhole { ospf_metric1 = ${has[$key]}; };"
	done
	echo '}'
}

far_conf() {
	local n i
	echo 'log stderr { warning, error, fatal, bug }; router id 192.168.30.18; protocol device {}'
	echo 'filter prepended { if ospf_metric1 >= 1 then bgp_path.prepend(64999);'
	echo '	if ospf_metric1 >= 2 then bgp_path.prepend(64999); accept; }'
	for n in er vpn; do
		static_of $n 4
		static_of $n 6
		for i in 1 2 3 4; do
			cat <<-X
				protocol bgp p_${n}4_$i { local 192.168.${NET[$n]}.18 as ${NEIGHBOR_AS[$n]}; neighbor 192.168.${NET[$n]}.$i as 65021;
					strict bind yes; passive yes; $BGP_TIMERS
					ipv4 { table t_${n}4; import none; export filter prepended; next hop self; }; }
				protocol bgp p_${n}6_$i { local fd00:192:168:${NET[$n]}::2 as ${NEIGHBOR_AS[$n]}; neighbor fd00:192:168:${NET[$n]}::1$i as 65021;
					strict bind yes; passive yes; $BGP_TIMERS
					ipv6 { table t_${n}6; import none; export filter prepended; next hop self; }; }
			X
		done
	done
}
far_apply() { far_conf >"$RUN/far.conf" && birdc_at far configure >/dev/null; }
far_start() {
	far_conf >"$RUN/far.conf"
	background far bird-far bird -f -c "$RUN/far.conf" -s "$RUN/far.ctl"
}

# --- BIRD. Two sessions, one with ADD-PATH and one without. ---

bird_conf() {
	local n
	echo 'log stderr { warning, error, fatal, bug }; router id 10.255.0.1; protocol device {} graceful restart wait 10;'
	for n in er vpn; do
		cat <<-X
			protocol bgp p_${n}4 { local 192.168.${NET[$n]}.1 as 65021; neighbor 192.168.${NET[$n]}.18 as ${NEIGHBOR_AS[$n]};
				strict bind yes; $BGP_TIMERS ipv4 { import all; export none; }; }
			protocol bgp p_${n}6 { local fd00:192:168:${NET[$n]}::11 as 65021; neighbor fd00:192:168:${NET[$n]}::2 as ${NEIGHBOR_AS[$n]};
				strict bind yes; $BGP_TIMERS ipv6 { import all; export none; }; }
		X
	done
	cat <<-X
		template bgp feed { local 127.0.0.1 as 65021; multihop; strict bind yes; graceful restart on; $BGP_TIMERS
			password "$SECRET"; ttl security on; }
		protocol bgp feed_all from feed { neighbor 127.0.0.2 port 1790 as 65021;
			ipv4 { import none; export where source = RTS_BGP; next hop keep; add paths tx; };
			ipv6 { import none; export where source = RTS_BGP; next hop keep; add paths tx; }; }
		protocol bgp feed_best from feed { neighbor 127.0.0.8 port 1790 as 65021;
			ipv4 { import none; export where source = RTS_BGP; next hop keep; };
			ipv6 { import none; export where source = RTS_BGP; next hop keep; }; }
	X
}
bird_start() {
	bird_conf >"$RUN/bird.conf"
	background edge bird bird -f -c "$RUN/bird.conf" -s "$RUN/bird.ctl"
}
# bird_says [primary]: PREFIX NEXT-HOP AS,PATH LOCAL-PREF, a line a candidate; so do they all
bird_says() {
	birdc_at bird show route "$@" all | awk '
		function put() { if (path != "-" && nh) print prefix, nh, path, lp; nh = "" }
		/ (unicast|unreachable|blackhole) \[/ { put(); if ($1 ~ /\//) prefix = $1; path = "" }
		/BGP.as_path:/ { path = ""; for (i = 2; i <= NF; i++) path = path (i > 2 ? "," : "") $i }
		/BGP.next_hop:/ { nh = $2 }
		/BGP.local_pref:/ { lp = $2 }
		END { put() }'
}
bird_best_says() { bird_says primary; }

# --- FRR. ---

frr_conf() {
	local n net
	echo 'router bgp 65021'
	printf ' %s\n' 'bgp router-id 10.255.0.2' 'no bgp default ipv4-unicast' 'no bgp ebgp-requires-policy' \
		'no bgp network import-check' 'timers bgp 1 3'
	for n in er vpn; do
		net=${NET[$n]}
		printf " neighbor 192.168.$net.18 %s\n" "remote-as ${NEIGHBOR_AS[$n]}" "update-source 192.168.$net.2" 'timers connect 1'
		printf " neighbor fd00:192:168:$net::2 %s\n" "remote-as ${NEIGHBOR_AS[$n]}" "update-source fd00:192:168:$net::12" 'timers connect 1'
	done
	printf " neighbor $FRRMON %s\n" 'remote-as 65021' 'port 1790' 'update-source 192.168.30.2' "password $SECRET" \
		'advertisement-interval 0' 'timers connect 1' 'ttl-security hops 1'
	for n in 4 6; do
		echo " address-family ipv$n unicast"
		[ $n = 4 ] && printf '  neighbor %s activate\n' 192.168.30.18 192.168.40.18
		[ $n = 6 ] && printf '  neighbor %s activate\n' fd00:192:168:30::2 fd00:192:168:40::2
		printf "  neighbor $FRRMON %s\n" activate addpath-tx-all-paths route-reflector-client
		echo ' exit-address-family'
	done
}
frr_daemon() { # NAME ARGUMENT...
	local d=$RUN/frr name=$1
	shift
	background edge "frr-$name" $FRR/"$name" -f "$d/$name.conf" -i "$d/$name.pid" -z "$d/zserv.api" --vty_socket "$d" -A 127.0.0.1 -P 0 "$@"
}
frr_start() {
	local d=$RUN/frr
	if [ ! -d "$d" ]; then
		mkdir "$d" && echo 'no zebra nexthop kernel enable' >"$d/zebra.conf" && echo "ip route $FRRMON/32 lo" >"$d/staticd.conf" &&
			frr_conf >"$d/bgpd.conf" && chown -R frr:frr "$d" || return 1
		frr_daemon zebra
		wait_for 5 test -S "$d/zserv.api" || return 1
		frr_daemon staticd
	fi
	frr_daemon bgpd -p 0
}
frr_says() {
	local n
	for n in 4 6; do
		in_ns edge vtysh --vty_socket "$RUN/frr" -c "show bgp ipv$n unicast json" | jq -r '.routes | to_entries[] | .key as $p | .value[] |
			"\($p) \(.nexthops[0].ip) \(.path | gsub(" "; ",")) \(.locPrf // 100)"'
	done
}

# --- gobgpd. ---

gobgp_neighbor() { # ADDRESS AS LOCAL-ADDRESS
	cat <<-X
		[[neighbors]]
		  [neighbors.config]
		    neighbor-address = "$1"
		    peer-as = $2
		    auth-password = "${4:-}"
		  [neighbors.transport.config]
		    local-address = "$3"
		    remote-port = ${5:-179}
		  [neighbors.timers.config]
		    connect-retry = 1
		    idle-hold-time-after-reset = 1
		    hold-time = 9
		    keepalive-interval = 3
	X
}
gobgp_family() { # FAMILY [SEND-MAX]
	cat <<-X
		  [[neighbors.afi-safis]]
		    [neighbors.afi-safis.config]
		      afi-safi-name = "$1"
		    [neighbors.afi-safis.add-paths.config]
		      send-max = ${2:-0}
		    [neighbors.afi-safis.mp-graceful-restart.config]
		      enabled = true
	X
}
gobgp_conf() {
	local n
	printf '[global.config]\n  as = 65021\n  router-id = "10.255.0.3"\n  port = -1\n'
	for n in er vpn; do
		gobgp_neighbor "192.168.${NET[$n]}.18" "${NEIGHBOR_AS[$n]}" "192.168.${NET[$n]}.3"
		gobgp_family ipv4-unicast
		gobgp_neighbor "fd00:192:168:${NET[$n]}::2" "${NEIGHBOR_AS[$n]}" "fd00:192:168:${NET[$n]}::13"
		gobgp_family ipv6-unicast
	done
	gobgp_neighbor 127.0.0.4 65021 127.0.0.14 "$SECRET" 1790
	printf '  [neighbors.graceful-restart.config]\n    enabled = true\n'
	printf '  [neighbors.ttl-security.config]\n    enabled = true\n    ttl-min = 255\n'
	gobgp_family ipv4-unicast 16
	gobgp_family ipv6-unicast 16
}
gobgp_start() {
	gobgp_conf >"$RUN/gobgp.toml"
	background edge gobgp gobgpd -f "$RUN/gobgp.toml" --api-hosts 127.0.0.14:50051 --pprof-disable
}
gobgp_says() {
	local n
	for n in 4 6; do
		in_ns edge gobgp -u 127.0.0.14 -j global rib -a ipv$n | jq -r 'to_entries[] | .key as $p | .value[] | (.attrs | map({(.type | tostring): .}) | add) as $a |
			"\($p) \($a["3"].nexthop // $a["14"].nexthop) \([$a["2"].as_paths[]?.asns[]] | map(tostring) | join(",")) \($a["5"].value // 100)"'
	done
}

# --- OpenBGPD. ---

openbgpd_neighbor() { # ADDRESS OPTION...
	echo "neighbor $1 {"
	printf '\t%s\n' "${@:2}" 'holdtime 9' '}'
}
openbgpd_conf() {
	local n net
	printf '%s\n' 'AS 65021' 'router-id 10.255.0.4' 'listen on 192.168.30.4' "socket \"$RUN/openbgpd.sock\"" 'fib-update no'
	for n in er vpn; do
		net=${NET[$n]}
		openbgpd_neighbor "192.168.$net.18" "remote-as ${NEIGHBOR_AS[$n]}" "local-address 192.168.$net.4"
		openbgpd_neighbor "fd00:192:168:$net::2" "remote-as ${NEIGHBOR_AS[$n]}" "local-address fd00:192:168:$net::14"
	done
	openbgpd_neighbor 127.0.0.5 'remote-as 65021' 'port 1790' 'local-address 127.0.0.15' 'announce IPv4 unicast' \
		'announce IPv6 unicast' 'announce add-path send all' "tcp md5sig password \"$SECRET\""
	printf '%s\n' 'allow from ebgp' 'allow to ibgp'
}
openbgpd_start() {
	# its processes' root, which its package leaves to systemd
	mkdir -p /run/openbgpd
	openbgpd_conf >"$RUN/openbgpd.conf" && chmod 600 "$RUN/openbgpd.conf"
	background edge openbgpd bgpd -d -f "$RUN/openbgpd.conf"
}
openbgpd_says() {
	in_ns edge bgpctl -j -s "$RUN/openbgpd.sock" show rib | jq -r '.rib[]? |
		"\(.prefix) \(.exit_nexthop) \(.aspath | gsub(" "; ",")) \(.localpref)"'
}

# --- exabgp: what the neighbours have is said to it. ---

exabgp_conf() {
	cat <<-X
		process api { run /usr/bin/python3 $ROOT/tests/lab/exabgp_api.py $RUN/exabgp.in $RUN/exabgp.out; encoder text; }
		neighbor 127.0.0.6 {
			router-id 10.255.0.5; local-address 127.0.0.16; local-as 65021; peer-as 65021; connect 1790; hold-time 9;
			md5-password "$SECRET"; outgoing-ttl 255;
			capability { add-path send; graceful-restart 120; }
			family { ipv4 unicast; ipv6 unicast; }
			add-path { ipv4 unicast; ipv6 unicast; }
			api { processes [ api ]; }
		}
	X
}
exabgp_start() {
	exabgp_conf >"$RUN/exabgp.conf" && rm -f "$RUN/exabgp.in" "$RUN/exabgp.out" && mkfifo "$RUN/exabgp.in" || return 1
	background edge exabgp env exabgp.daemon.user=root exabgp.api.cli=false exabgp.log.level=ERR exabgp "$RUN/exabgp.conf"
	wait_for 10 test -e "$RUN/exabgp.out" && exabgp_set ''
}
# exabgp_set KEYS-BEFORE: withdraws what is no more, announces what is
exabgp_set() {
	local key n id nh how
	{
		while read -r key; do
			[ -n "$key" ] || continue
			n=${key% *} id=1 nh=192.168.${NET[${key% *}]}.18 how=announce
			[ "$n" = er ] || id=2
			[[ $key != *:* ]] || nh=fd00:192:168:${NET[$n]}::2
			[ -n "${has[$key]+x}" ] || how=withdraw
			echo "$how route ${key#* } path-information 0.0.0.$id next-hop $nh local-preference 100" \
				"as-path [ ${NEIGHBOR_AS[$n]}$(prepends "${has[$key]:-0}") ]"
		done < <({
			echo "$1"
			printf '%s\n' "${!has[@]}"
		} | sort -u)
	} >"$RUN/exabgp.in"
}
prepends() { for ((i = 0; i < $1; i++)); do printf ' 64999'; done; }
exabgp_says() {
	: >"$RUN/exabgp.out"
	echo 'show adj-rib out extensive' >"$RUN/exabgp.in"
	wait_for 3 grep -q '^done' "$RUN/exabgp.out" || return 1
	sed -nE 's/^neighbor .* unicast ([^ ]+) .*next-hop ([^ ]+).* as-path \[ ([^]]*) \].*local-preference ([0-9]+).*/\1 \2 \3@\4/p' "$RUN/exabgp.out" |
		sed -E ':a; s/^([^ ]+ [^ ]+ [^@]*[0-9]) ([0-9][^@]*@)/\1,\2/; ta; s/ *@/ /'
}
