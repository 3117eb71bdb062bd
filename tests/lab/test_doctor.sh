#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What doctor names, each provoked for real on the edge, and that a clean edge has nothing to name; then init: the config that it
# writes on this edge, run unchanged.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_edge
edge_config enforce
good=$(<"$RUN/sameway.yaml")
with() { sed -E "$1" <<<"$good" >"$RUN/sameway.yaml"; }
edge_ip() { ip -n "$LAB-edge" "$@"; }
doctor() { s -j doctor -c "$RUN/sameway.yaml" >"$RUN/doctor" 2>"$RUN/doctor.err"; }

# named CHECK SUBJECT [FIX [MESSAGE]]: doctor exits 1 and names it so, with that in its fix
named() {
	local rc
	doctor
	rc=$?
	[ "$rc" = 1 ] && jq -e --arg c "$1" --arg s "$2" --arg f "${3:-.}" --arg m "${4:-.}" 'any(.[];
		.check == $c and .subject == $s and .ok == false and (.fix | test($f)) and (.message | test($m)))' "$RUN/doctor" >"$RUN/out" && return
	echo "exit $rc: $(jq -c '.[] | select(.ok | not)' "$RUN/doctor" | tr '\n' ' ')"
	return 1
}
# clean: exits 0, every row with all fields and ok
clean() {
	doctor && jq -e 'length > 10 and all(.[]; .ok == true and .fix == null and (.check, .subject, .message | type == "string"))' "$RUN/doctor" >"$RUN/out" && return
	jq -c '.[] | select(.ok | not)' "$RUN/doctor" | tr '\n' ' '
	return 1
}

check "before the start: clean" clean
check "before the start: it says that no daemon runs" jq -e 'any(.[]; .check == "daemon" and (.message | test("not started")))' "$RUN/doctor"

# The firewall.
in_ns edge nft 'add table ip guard; add chain ip guard pass { type filter hook forward priority 0; }; add rule ip guard pass tcp dport 23 drop'
check "an nft forward rule" named netfilter nftables 'nft list ruleset' 'guard pass .*forward'
in_ns edge nft 'delete table ip guard; add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oif er0 masquerade'
check "an nft masquerade" named netfilter nftables . 'nat post .*postrouting'
in_ns edge nft delete table ip nat
edge_ip rule add from 10.2.30.10 table 100 pref 100
check "an ip rule" named ip-rule 'rule 100' 'ip -4 rule del priority 100' 'table 100'
edge_ip rule del pref 100
edge_ip -6 rule add fwmark 0x1 table 101 pref 101
check "an IPv6 rule by mark" named ip-rule 'rule 101' 'ip -6 rule del priority 101' 'fwmark 0x1'
edge_ip -6 rule del pref 101

# Sysctls.
in_ns edge sysctl -qw net.ipv4.conf.er0.rp_filter=1
check "a strict rp_filter" named rp-filter er0 'net.ipv4.conf.er0.rp_filter=0'
in_ns edge sysctl -qw net.ipv4.conf.er0.rp_filter=2
check "a loose rp_filter is fine" clean
in_ns edge sysctl -qw net.ipv4.conf.er0.rp_filter=0 net.ipv4.conf.all.rp_filter=1
check "rp_filter of all" named rp-filter tun30
in_ns edge sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.ip_forward=0
check "IPv4 forwarding off" named forwarding lan0 'net.ipv4.ip_forward=1'
in_ns edge sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=0
check "IPv6 forwarding off" named forwarding er0 'net.ipv6.conf.all.forwarding=1'
in_ns edge sysctl -qw net.ipv6.conf.all.forwarding=1
in_ns edge sysctl -qw net.ipv4.conf.lan0.forwarding=0
check "forwarding off on one interface" named forwarding lan0 'net.ipv4.conf.lan0.forwarding=1'
in_ns edge sysctl -qw net.ipv4.conf.lan0.forwarding=1

# Interfaces.
in_ns edge tc qdisc add dev er0 root tbf rate 100mbit burst 64k latency 50ms
check "a shaper" named qdisc er0 'tc qdisc del dev er0 root' tbf
in_ns edge tc qdisc del dev er0 root
printf '__attribute__((section("xdp"), used)) int somebody_else(void *ctx) { (void)ctx; return 2; }\nchar l[] __attribute__((section("license"), used)) = "GPL";\n' >"$RUN/other.c"
if clang -O2 -target bpf -c "$RUN/other.c" -o "$RUN/other.o" 2>/dev/null && in_ns edge ip link set dev er0 xdp obj "$RUN/other.o" sec xdp; then
	check "another's XDP program" named xdp er0 'ip link set dev er0 xdp off' somebody_else
	in_ns edge ip link set dev er0 xdp off
else
	skip "another's XDP program" "could not load one: iproute2 without libbpf?"
fi
in_ns msee ethtool -K ce0 gro off
check "a veth peer without GRO, in another namespace" named veth-gro er0 'ethtool -K ce0 gro on'
in_ns msee ethtool -K ce0 gro on
in_ns lan ethtool -K eth0 tx on >/dev/null
check "a veth peer that leaves checksums to a device" named veth-checksum lan0 'ethtool -K eth0 tx off'
in_ns lan ethtool -K eth0 tx off >/dev/null
in_ns lan ethtool -K eth0 txvlan on >/dev/null
check "a veth peer with VLAN offload" named veth-vlan lan0 'txvlan off'
in_ns lan ethtool -K eth0 txvlan off >/dev/null
edge_ip link set er0 mtu 1300
check "a small MTU" named mtu er0 'ip link set er0 mtu 1400' 1300
edge_ip link set er0 mtu 1500
edge_ip -6 addr add fd00:192:168:30::1/64 dev er0 2>/dev/null # gone if the MTU was below 1280
with 's/interface: er0,/interface: er0, mtu: 1600,/'
check "an MTU below the config's" named mtu er0 'mtu 1600' 1500
with 's/interface: lan0/interface: nosuch0/'
check "a missing interface" named interface nosuch0 'ip link'
with 's/networks: \[10.2.30.0\/25/gateway: 10.2.30.99, &/'
check "a gateway that does not answer" named neighbor lan0 'ip neigh' '10.2.30.99'
with ''
edge_ip link add br9 type bridge && edge_ip link set wan master br9
with 's/interface: er0/interface: wan/'
check "a port instead of its bridge" named uplink wan 'interface: br9'
with 's/interface: er0/interface: br9/'
check "a device without native XDP: said, and fine" eval 'doctor; jq -e "any(.[]; .check == \"xdp\" and .subject == \"br9\" and .ok and (.message | test(\"not known\")))" "$RUN/doctor"'
edge_ip link set wan nomaster && edge_ip link del br9
with 's/class: expressroute/class: vpn/; s/ gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2",//'
check "a VPN on Ethernet without encrypted" named encrypted er0 'encrypted: true'
with 's/ gateway: 192.168.30.18, gateway6: "fd00:192:168:30::2",//'
check "a path on Ethernet without gateway" named gateway er0 'gateway:'
with "s/as: 12076 }/as: 12076, probe: { target: 'fd00::4:443' } }/"
check "a probe's target whose end may be a port" named config "$RUN/sameway.yaml" '^write "\[ADDRESS\]:PORT" if' 'line [0-9]+: target: fd00::4:443: is read as'
with "s/as: 12076 }/as: 12076, probe: { target: 192.168.30.18 } }/"
check "a probe of the path's own gateway" named config "$RUN/sameway.yaml" '^give a host behind it' 'proves the link alone'
with 's/^mode: .*/mode: enforc/'
check "a mistake in the config, with its line" named config "$RUN/sameway.yaml" sameway.yaml 'line 1:'
rm "$RUN/sameway.yaml"
check "no config" named config "$RUN/sameway.yaml" 'sameway init'
with ''
check "ip netns exec hides bpffs" eval 'ip netns exec "$LAB-edge" "$SAMEWAY" -i "$LAB" -j doctor -c "$RUN/sameway.yaml" >"$RUN/out"; jq -e "any(.[]; .check == \"bpffs\" and (.ok | not) and (.fix | test(\"nsenter\")))" "$RUN/out"'
check "all undone: clean" clean

# With a daemon.
check "sameway runs" sameway_start
check "enforcing: clean" clean
check "as text: one line" eval '[ "$(s doctor -c "$RUN/sameway.yaml" | wc -l)" = 1 ]'
in_ns edge nft 'add table ip guard; add chain ip guard pass { type filter hook forward priority 0; policy drop; }'
check_within 2 "a firewall that came later: obeyed, and the config must follow" named netfilter nftables 'forward: auto' 'guard.*obeyed now'
in_ns edge nft delete table ip guard
in_ns edge nft 'add table ip m; add chain ip m pre { type filter hook prerouting priority 0; }; add rule ip m pre tcp dport 24 meta mark set 7'
check "as text with its fix: a rule that writes our bits" eval 's doctor -c "$RUN/sameway.yaml" | grep -q "^fwmark nftables: .*chain ip m pre.*: write another"'
in_ns edge nft delete table ip m
in_ns edge ip rule add priority 100 fwmark 0x10000 lookup main
check "a rule that asks for our bits" named ip-rule 'rule 100' 'ip -4 rule del priority 100' 'fwmark 0x10000'
in_ns edge ip rule del priority 100
in_ns edge ip rule del priority 7000
check_within 3 "a rule of ours that was deleted" named put-back 'rules and routes' 'protocol 83' 'put back'
sameway_stop
check "sameway runs anew" sameway_start
s path vpn30 drain >/dev/null
check "a drained path" named path vpn30 'path vpn30 undrain' drained
s path vpn30 undrain >/dev/null
er_cut
wait_for 5 true_json '[.[] | select(.name == "er1-primary")][0] | .usable == false' paths
check "a link without carrier" named link er0 cable
er_restore
check_within 10 "carrier back: clean" clean
birdc_at edge disable MON >/dev/null
check_within 5 "a feed whose session went" named feed router birdc stale
birdc_at edge enable MON >/dev/null
check_within 15 "its session back: clean" clean
for session in VPN VPNv6; do birdc_at edge disable $session; done >/dev/null
check_within 5 "a usable path without a route" named path vpn30 'peers' 'no feed has a route'
check "paths hints at it" eval 's paths | grep -A 1 "^vpn30 .* yes " | grep -q "no routes"'
check "paths -j has none of it" true_json '.[] | select(.name == "vpn30") | .usable and .routes4 == 0 and .routes6 == 0' paths
for session in VPN VPNv6; do birdc_at edge enable $session; done >/dev/null
check_within 30 "its routes back: clean" clean
sameway_kill
check "a daemon that died" named daemon "$LAB" 'run' 'has died'
check "sameway runs again" sameway_start
sameway_stop
check "no daemon, but its programs" named daemon "$LAB" 'run' 'not running'
s detach >/dev/null
check "detached: clean" clean

# init, on this edge, unchanged.
check "init" eval 's init >"$RUN/sameway.yaml"'
check "init: BIRD's session is in the comments" grep -q '^#.*neighbor 127.0.0.2 port 1790 as 65021' "$RUN/sameway.yaml"
check "init: nothing but the lan is inside" grep -q 'not wan: it has a public address' "$RUN/sameway.yaml"
check "init: check-config takes it" s check-config "$RUN/sameway.yaml"
check "init: doctor finds nothing wrong" clean
check "init: it runs" sameway_start
check_equal "init: two paths" "$(j '[.[] | .class + ":" + .interface] | join(" ")' paths)" "expressroute:er0 vpn:tun30"
check_equal "init: ExpressRoute first, IPv4" "$(moved_by_us lan0 in_ns lan ping -q -c 10 -i 0.02 $CLOUD4)" 10
check_at_least "init: on the wire" "$(moved edge er0 tx in_ns lan ping -q -c 10 -i 0.02 $CLOUD4)" 10
check_equal "init: ExpressRoute first, IPv6" "$(j '.class' explain $CLOUD6 from $LAN6)" expressroute
check_equal "init: VPN where nothing else leads" "$(j '.class' explain $BRANCH4 from $LAN4)" vpn
sameway_stop
s detach >/dev/null
in_ns edge nft 'add table ip guard; add chain ip guard pass { type filter hook forward priority 0; policy drop; }'
check "init beside a firewall: monitor, and says why" eval 's init >"$RUN/sameway.yaml" && grep -q "^mode: monitor" "$RUN/sameway.yaml" && grep -q "^# nftables chain ip guard" "$RUN/sameway.yaml"'
in_ns edge nft delete table ip guard
end_background bird-edge
check "init without a routing daemon: exit 1, says what is missing" eval '! s init >"$RUN/out" 2>"$RUN/err" && grep -q "not complete" "$RUN/err" && grep -q DECIDE "$RUN/out"'
done_testing
