#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the edge itself sends, by a kernel whose routes point the wrong way: it leaves by the policy's path all the same, with its
# header, size and checksums right; what is bound to a path stays there; another mover on the box makes no loop.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

OWN4=10.2.30.3 OWN6=fd00:2:30::3
lab_start enforce
tool=$ROOT/tests/lab/transfer.py

# The kernel's own routes: all of the cloud by VPN (BIRD's best, but here also for the spoke and ExpressRoute's region).
kernel_via_vpn() {
	ip -n "$LAB-edge" route replace 10.10.30.0/24 dev tun30 metric 1 && ip -n "$LAB-edge" route replace 10.17.30.0/26 dev tun30 metric 1 &&
		ip -n "$LAB-edge" -6 route replace fd00:10:10:30::/64 dev tun30 metric 1
}
# ... and by ExpressRoute, to which the VPN has to be preferred.
kernel_via_er() {
	ip -n "$LAB-edge" route del 10.10.30.0/24 dev tun30 metric 1
	ip -n "$LAB-edge" -6 route del fd00:10:10:30::/64 dev tun30 metric 1
	ip -n "$LAB-edge" route replace 10.10.30.0/24 via 192.168.30.18 dev er0 metric 1 &&
		ip -n "$LAB-edge" -6 route replace fd00:10:10:30::/64 via fd00:192:168:30::2 dev er0 metric 1
}
# pings COUNT FROM TO: how many were answered
pings() { in_ns edge ping -q -c "$1" -i 0.005 -W 1 -I "$2" "$3" | awk '/transmitted/ { print $4 }'; }
# Counters at the far ends of both paths: own4, own6 (lan0's addresses), er4, vpn4 (the paths' own), lan4 (a host's).
far_counters() {
	in_ns "$1" nft "table inet egr {
		counter own4 { }
		counter own6 { }
		counter er4 { }
		counter vpn4 { }
		counter lan4 { }
		chain pre {
			type filter hook prerouting priority -450;
			iifname != $2 return
			ip protocol icmp ip saddr $OWN4 counter name own4
			icmpv6 type echo-request ip6 saddr $OWN6 counter name own6
			ip protocol icmp ip saddr 192.168.30.17 counter name er4
			ip protocol icmp ip saddr 10.2.30.125 counter name vpn4
			ip protocol icmp ip saddr $LAN4 counter name lan4
		}
	}"
}
far() { in_ns "$1" nft list counter inet egr "$2" | awk '$1 == "packets" { print $2 }'; }
# at SITE COUNTER COMMAND...: packets that came in there while the command ran; what it wrote is in $RUN/at.out
at() {
	local before
	before=$(far "$1" "$2")
	"${@:3}" >"$RUN/at.out" 2>&1
	echo $(($(far "$1" "$2") - before))
}
# egress DEVICE FIELD: of `counters`
egress() { j "[.egress[] | select(.interface == \"$1\") | .$2] | add // 0" counters; }
# grown DEVICE FIELD COMMAND...: by how much while the command ran
grown() {
	local before
	before=$(egress "$1" "$2")
	"${@:3}" >/dev/null 2>&1
	echo $(($(egress "$1" "$2") - before))
}

check "the far ends count" eval 'far_counters msee ce0 && far_counters vpngw tun30'
kernel_via_vpn
check_equal "the kernel would take the VPN" "$(ip -n "$LAB-edge" -j route get $CLOUD4 from $OWN4 | jq -r '.[0].dev')" tun30
flap=$(birdc_at edge show protocols | awk '$2 == "BGP" { print $1, substr($5, 1, 8) }')
# The box's own address of lan0: moved, and no other of the same size seen at the other wire.
check_equal "pings from lan0's address arrive at the msee" "$(at msee own4 pings 40 $OWN4 $CLOUD4)" 40
check_at_least "and are answered" "$(tail -n 1 "$RUN/at.out")" 39
check_equal "none at the VPN's gateway" "$(at vpngw own4 pings 20 $OWN4 $CLOUD4)" 0
check_equal "IPv6 likewise" "$(at msee own6 pings 40 $OWN6 $CLOUD6)" 40
check_equal "fragments likewise: three of each ping" \
	"$(at msee own4 in_ns edge ping -q -c 5 -i 0.01 -W 1 -s 4000 -I $OWN4 $CLOUD4)" 15
check_at_least "counters: moved" "$(egress tun30 moved)" 95
check "counters as text: moved" eval 's counters | grep -Eq "^tun30 +[0-9]+ +0 +0 +0 +0 +0 +0 +0$"'
# Bound to a path: its own address, exempt.
check_equal "from the VPN's own address: by the VPN" "$(at vpngw vpn4 pings 20 10.2.30.125 $CLOUD4)" 20
check_equal "the VPN's peer: by the VPN" "$(at vpngw own4 pings 20 $OWN4 $VPNPEER4)" 20
ip -n "$LAB-edge" route replace 10.11.30.64/26 via 192.168.30.18 dev er0 metric 1
check_equal "from ExpressRoute's own address to the branch: by ExpressRoute" \
	"$(at msee er4 in_ns edge ping -q -c 20 -i 0.01 -W 0.1 -I 192.168.30.17 $BRANCH4)" 20
check_equal "from lan0's: to the branch by the VPN" "$(at vpngw own4 pings 20 $OWN4 $BRANCH4)" 20
check_at_least "answered" "$(tail -n 1 "$RUN/at.out")" 20
ip -n "$LAB-edge" route del 10.11.30.64/26 dev er0 metric 1
# What the kernel forwards for the LAN: IPv4 options are not for the programs to move at ingress.
check_equal "what the kernel forwards: options, by ExpressRoute" \
	"$(at msee lan4 in_ns lan ping -q -c 20 -i 0.01 -W 1 -T tsonly $CLOUD4)" 20

# TCP both ways, bytes compared.
serve() {
	background "$1" "$3" /usr/bin/python3 "$tool" serve "$2" 7000
	wait_for 5 lines_reach "$3" listening 1
}
start_iperf cloud
serve cloud $CLOUD4 echo4
serve cloud $CLOUD6 echo6
# rate DEVICE ADDRESS FROM ARGUMENT...: Mbit/s of 30 MB by iperf3, if the segments that the device sent were full ones
rate() {
	local before after
	before=$(device_bytes "$1")
	in_ns edge iperf3 -J -n 30M -c "$2" -B "$3" "${@:4}" >"$RUN/iperf.json"
	after=$(device_bytes "$1")
	if [[ " $* " != *" -R "* ]] && [ "$(average "$before" "$after")" -lt 1200 ]; then
		echo "0: $(average "$before" "$after") bytes a packet"
		return
	fi
	jq '.end.sum_received.bits_per_second / 1000000 | floor' "$RUN/iperf.json"
}
device_bytes() { ip -n "$LAB-edge" -s -j link show dev "$1" | jq -r '.[0].stats64.tx | "\(.bytes) \(.packets)"'; }
# average 'BYTES PACKETS' 'BYTES PACKETS': bytes a packet between the two
average() { awk -v a="$1" -v b="$2" 'BEGIN { split(a, x); split(b, y); print int((y[1] - x[1]) / (y[2] - x[2] + 1)) }'; }
send() { in_ns edge timeout 60 /usr/bin/python3 "$tool" send "$1" 7000 "$2" "$3"; }
check "10 MB there and back by ExpressRoute, as sent" send $CLOUD4 10 $OWN4
check "the same, IPv6" send $CLOUD6 10 $OWN6
out=$(packets edge tun30 tx) since=$SECONDS
check_at_least "iperf3 by ExpressRoute, Mbit/s, full segments" "$(rate er0 $CLOUD4 $OWN4)" 50
check_at_least "back" "$(rate er0 $CLOUD4 $OWN4 -R)" 50
check_at_least "IPv6" "$(rate er0 $CLOUD6 $OWN6)" 50
check_at_least "back" "$(rate er0 $CLOUD6 $OWN6 -R)" 50
check_at_most "none of it by the VPN" $(($(packets edge tun30 tx) - out)) "$(bgp_since "$since")"

# Another mover: what we send to ExpressRoute it sends back to the VPN.
in_ns edge tc qdisc add dev er0 clsact
in_ns edge tc filter add dev er0 egress prio 77 protocol ip u32 match ip dst $CLOUD4/32 action mirred egress redirect dev tun30
returned=$(grown tun30 returned pings 20 $OWN4 $CLOUD4)
check_equal "a second mover: each packet comes back once, and is left there" "$returned" 20
check_equal "it leaves by the VPN, once" "$(at vpngw own4 pings 20 $OWN4 $CLOUD4)" 20
check_within 5 "the log says it, once" eval '[ "$(lines sameway "another program on this box moves packets")" = 1 ]'
check "doctor names it" eval 's -j doctor -c "$RUN/sameway.yaml" | jq -e "any(.[]; .check == \"egress\" and (.ok | not))"'
check_equal "the box is alive: the LAN's pings pass" "$(ping_lost 20 0.01 $CLOUD4)" 0
in_ns edge tc filter del dev er0 egress prio 77
check_equal "it is gone: all is as before" "$(at msee own4 pings 20 $OWN4 $CLOUD4)" 20

# Output rules of this box saw the kernel's choice: what they let pass stays there, until they are gone.
in_ns edge nft 'add table inet guard; add chain inet guard out { type filter hook output priority 0; }; add rule inet guard out oifname "tun30" counter'
check_within 2 "output rules: seen, said" grep -q 'output rules are obeyed: nftables chain inet guard out (hook output) has 1 rule' "$RUN/sameway.log"
check_equal "nothing is moved past them" "$(at vpngw own4 pings 20 $OWN4 $CLOUD4)" 20
check "still fast" true_json '.forward == "fast"' status
check "doctor says it" eval 's -j doctor -c "$RUN/sameway.yaml" | jq -e "any(.[]; .check == \"egress\" and .subject == \"output rules\")"'
in_ns edge nft delete table inet guard
check_within 8 "they are gone: said" grep -q 'no output rules any more' "$RUN/sameway.log"
check_equal "moved again" "$(at msee own4 pings 20 $OWN4 $CLOUD4)" 20

# The daemon is not needed.
sameway_kill
check_equal "daemon dead: still moved" "$(at msee own4 pings 20 $OWN4 $CLOUD4)" 20
sameway_start

# The other way: ExpressRoute drained, the kernel's routes by it. The VPN takes 1400 bytes.
kernel_via_er
s path er1-primary drain >/dev/null
check_equal "drained: by the VPN" "$(at vpngw own4 pings 40 $OWN4 $CLOUD4)" 40
check_at_least "answered" "$(tail -n 1 "$RUN/at.out")" 39
check_equal "IPv6 likewise" "$(at vpngw own6 pings 40 $OWN6 $CLOUD6)" 40
for d in "10.10.30.0/24 via 192.168.30.18" "fd00:10:10:30::/64 via fd00:192:168:30::2"; do
	# shellcheck disable=SC2086 # words
	ip -n "$LAB-edge" route change $d dev er0 metric 1 advmss 1300
done
check "10 MB there and back by the VPN, as sent" send $CLOUD4 10 $OWN4
check "the same, IPv6" send $CLOUD6 10 $OWN6
out=$(packets edge er0 tx) since=$SECONDS
check_at_least "iperf3 by the VPN, Mbit/s, full segments" "$(rate tun30 $CLOUD4 $OWN4 -M 1300)" 20
check_at_least "back" "$(rate tun30 $CLOUD4 $OWN4 -R -M 1300)" 20
check_at_least "IPv6" "$(rate tun30 $CLOUD6 $OWN6 -M 1300)" 20
check_at_most "none of it by ExpressRoute" $(($(packets edge er0 tx) - out)) "$(bgp_since "$since")"
check_at_least "too big for the VPN: stays, counted" "$(grown er0 too_big in_ns edge ping -q -c 10 -i 0.01 -W 1 -s 1450 -M 'do' -I $OWN4 $CLOUD4)" 10
check_equal "and arrives" "$(in_ns edge ping -q -c 10 -i 0.01 -W 1 -s 1450 -M 'do' -I $OWN4 $CLOUD4 | awk '/transmitted/ { print $4 }')" 10

check_equal "BGP: no session has moved" "$(birdc_at edge show protocols | awk '$2 == "BGP" && $1 != "MON" { print $1, substr($5, 1, 8) }')" \
	"$(grep -v MON <<<"$flap")"
s path er1-primary undrain >/dev/null
kernel_via_vpn
s monitor >/dev/null
check_equal "monitor: nothing is moved" "$(at vpngw own4 pings 20 $OWN4 $CLOUD4)" 20
s enforce >/dev/null
check_equal "enforce: moved again" "$(at msee own4 pings 20 $OWN4 $CLOUD4)" 20
s detach >/dev/null
check_equal "detach: the kernel's way again" "$(at vpngw own4 pings 20 $OWN4 $CLOUD4)" 20
done_testing
