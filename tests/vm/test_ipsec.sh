#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A VPN of the policy-based kind: no interface, ESP made by xfrm policies of the WAN device from what is routed there. Redirected
# past them packets leave in clear. `fast` is refused by the policies' name, `auto` has the kernel send: nothing but ESP of it at
# the provider, also while ExpressRoute fails and returns. Real ESP: tests/vm/vm61 runs it where the kernel has none.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"

KEY=0x$(head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n')
# The lab's own, with the WAN where it has the tunnel's device. The VPN is IPv4's only: one session less at both ends.
for f in bird_edge bird_vpngw; do eval "$(declare -f $f | sed 's/tun30/wan/g; s/^protocol bgp [A-Z]*v6 .*multihop 5;/& disabled;/')"; done
eval "$(declare -f sessions_up | sed 's/edge:4/edge:3/; s/vpngw:4/vpngw:3/')"
routes_there() {
	[[ $(ip -n "$LAB-hub" route get "$LAN4") == *172.16.3.2* ]] && [[ $(ip -n "$LAB-hub" -6 route get "$LAN6") == *fd00:172:16:3::2* ]] &&
		[ "$(birdc_at edge show route 10.10.30.0/24 | grep -c unicast)" = 2 ] && ip -n "$LAB-edge" route get "$BRANCH4" | grep -q wan &&
		[ -n "$(ip -n "$LAB-vpngw" route show 10.2.30.0/25)" ] && ip -n "$LAB-edge" route get "$REMOTE4" | grep -q er0
}

# sa FROM TO SPI: at both ends
sa() {
	local site
	for site in edge vpngw; do
		in_ns "$site" ip xfrm state add src "$1" dst "$2" proto esp spi "$3" reqid 30 mode tunnel \
			aead 'rfc4106(gcm(aes))' "$KEY" 128 || return 1
	done
}

# policies SITE OWN-END FAR-END OWN FAR: of each pair of networks: what the WAN device sends must be ESP, what comes may be (by
# ExpressRoute it is not; for what comes out of ESP the kernel names no device)
policies() {
	local own far dir esp="proto esp reqid 30 mode tunnel"
	for own in $4; do
		for far in $5; do
			# shellcheck disable=SC2086
			in_ns "$1" ip xfrm policy add dev wan src "$own" dst "$far" dir out tmpl src "$2" dst "$3" $esp || return 1
			for dir in in fwd; do
				# shellcheck disable=SC2086
				in_ns "$1" ip xfrm policy add src "$far" dst "$own" dir $dir tmpl src "$3" dst "$2" $esp level use || return 1
			done
		done
	done
}

make_tunnel() {
	local edge=10.2.30.0/25 azure='10.10.30.0/24 10.11.30.0/24'
	sa 66.198.12.106 52.168.162.84 0x1001 && sa 52.168.162.84 66.198.12.106 0x1002 &&
		policies edge 66.198.12.106 52.168.162.84 "$edge" "$azure" &&
		policies vpngw 52.168.162.84 66.198.12.106 "$azure" "$edge" &&
		ip -n "$LAB-edge" addr add 10.2.30.125/32 dev wan &&
		ip -n "$LAB-vpngw" addr add $VPNPEER4/32 dev wan &&
		ip -n "$LAB-edge" route add $VPNPEER4/32 dev wan src 10.2.30.125 &&
		ip -n "$LAB-vpngw" route add 10.2.30.125/32 dev wan src $VPNPEER4
}

# ipsec_config FORWARD: the VPN is an Ethernet path, whose next hop is the provider
ipsec_config() {
	edge_config enforce 2s
	sed -i -E "s/^forward: .*/forward: $1/; s/interface: tun30,/interface: wan, gateway: 66.198.12.105, encrypted: true,/" "$RUN/sameway.yaml"
}

# At the provider, in a file each packet of the run: ESP as large as our pings (BGP's is not), and what is ours and not ESP.
at_provider() { tcpdump -nn -r "$RUN/provider.pcap" "$@" 2>/dev/null | grep ' IP'; }
esp() { at_provider ip proto 50 and src host 66.198.12.106 and greater 1000 | wc -l; }
esp_reaches() { [ "$(esp)" -ge "$1" ]; }
clear() { at_provider '(net 10.0.0.0/8 or net fd00::/8) and not ip proto 50' | wc -l; }
clear_reaches() { [ "$(clear)" -ge "$1" ]; }
no_clear() { ! clear_reaches 1 || ! at_provider 'net 10.0.0.0/8 or net fd00::/8' | tail -n 1; }
# ping_large COUNT DESTINATION: lost
ping_large() { in_ns lan ping -q -s 1000 -c "$1" -i 0.05 -W 2 "$2" | awk '/packets transmitted/ { print $1 - $4 }'; }

if ! modprobe -q esp4 || ! ip xfrm state count >/dev/null 2>&1; then
	skip "policy-based IPsec" "this kernel has no ESP: tests/vm/vm61 $0"
	done_testing
fi
lab_edge
background inet provider tcpdump -U -Z root -nn -i i0 -w "$RUN/provider.pcap"
wait_for 5 grep -q listening "$RUN/provider.log"
ping_large 10 $BRANCH4 >/dev/null
check_within 3 "the kernel alone: the VPN's prefix is sent as ESP" esp_reaches 10

ipsec_config fast
background edge refused "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"
check_within 10 "forward: fast ends" finished refused
check "and names the policies" grep -qE '^sameway: .*forward: fast would pass by.*xfrm polic' "$RUN/refused.log"
check "doctor names them" eval 's -j doctor -c "$RUN/sameway.yaml" | jq -e "any(.[]; .check == \"xfrm\" and (.ok | not))"'
check "nothing was attached" eval '! in_ns edge ip link show | grep -q xdp'

ipsec_config auto
check "forward: auto starts" sameway_start
check "the kernel sends" true_json '.forward == "kernel" and .mode == "enforce"' status
check "no XDP" eval '! in_ns edge ip link show | grep -q xdp'
check "sameway sends the branch by VPN" true_json '.path == "vpn30"' explain $BRANCH4 from $LAN4
check "and the hub by ExpressRoute" true_json '.path == "er1-primary"' explain $CLOUD4 from $LAN4
n=$(esp)
check_equal "the branch answers" "$(ping_large 20 $BRANCH4)" 0
check_within 3 "by ESP" esp_reaches $((n + 20))
check_at_least "the hub by ExpressRoute, in clear as ever" "$(moved edge er0 tx ping_lost 20 0.05 $CLOUD4)" 20
check "the paths counted both" true_json '[.[] | select(.tx_packets >= 20)] | length == 2' paths

background lan long ping -s 1000 -i 0.05 -c 100000 -W 1 $CLOUD4
wait_for 5 lines_reach long 'bytes from' 20
before=$(esp)
er_cut
check_within 5 "ExpressRoute fails: the VPN takes over" true_json '.[0].usable == false' paths
n=$(lines long 'bytes from')
check_within 10 "pings go on" lines_reach long 'bytes from' $((n + 40))
check_within 3 "as ESP" esp_reaches $((before + 40))
check "not one in clear" no_clear
er_restore
edge_wait_converged 20
check_within 20 "ExpressRoute returns" true_json 'all(.[]; .usable)' paths
check_within 10 "and has the hub's packets again" eval '[ "$(moved edge er0 tx ping_lost 20 0.02 $CLOUD4)" -ge 20 ]'
end_background long INT
sameway_kill
check_equal "the daemon dead: the branch answers" "$(ping_large 10 $BRANCH4)" 0
check "in all of it nothing left in clear" no_clear

# What the refusal is for, and that the measurement would have seen it.
s detach >/dev/null
ipsec_config fast
sed -i '1i bypass-netfilter: true' "$RUN/sameway.yaml"
check "fast with bypass-netfilter starts" sameway_start
ping_large 10 $BRANCH4 >/dev/null
check_within 3 "and lets it out in clear, as it says" clear_reaches 5
check "it says so" grep -q 'bypass-netfilter: packets pass by rules' "$RUN/sameway.log"

# Policies that come under a running `fast`: the kernel forwards from then on, and not one packet leaves in clear after that.
s detach >/dev/null
in_ns edge ip xfrm policy flush
ipsec_config fast
check "fast, with no policy on the box" eval 'sameway_start && true_json ".forward == \"fast\"" status'
policies edge 66.198.12.106 52.168.162.84 10.2.30.0/25 '10.10.30.0/24 10.11.30.0/24'
check_within 2 "policies installed under it: the kernel forwards" true_json '.forward == "kernel"' status
check "loudly" grep -q 'rules are new on this box: .*xfrm polic' "$RUN/sameway.log"
wait_for 3 eval 'n=$(clear); sleep 0.2; [ "$(clear)" = "$n" ]'
n=$(clear) before=$(esp)
check_equal "the branch answers" "$(ping_large 20 $BRANCH4)" 0
check_within 3 "by ESP" esp_reaches $((before + 20))
check_equal "and nothing in clear" "$(clear)" "$n"
done_testing
