#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Policy rules on a real edge: what must be encrypted goes by the VPN or not at all, counted at the far end of the ExpressRoute
# wire, whatever the packets look like: with the VPN up, while it goes down, down, withdrawn; with redirects and with kernel
# forwarding. In monitor mode, where the kernel's routes decide, it is told. S9 of the scenarios.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=5432
secure() { echo "{ name: secure, to: 10.10.30.0/24, proto: tcp, port: $PORT, $1 }, { name: secure6, to: 'fd00:10:10:30::/64', proto: tcp, port: $PORT, $1 }"; }

# Counted at the other end of the wire, before anything of its IP stack: all packets of the LAN's or nobody's to the cloud that
# are not of the one flow that may be there.
wire_counters() {
	in_ns msee nft -f - <<-X
		table netdev wire {
			counter clear { }
			counter open { }
			chain in {
				type filter hook ingress device ce0 priority 0;
				ip daddr $CLOUD4 icmp type echo-request return
				ip daddr $CLOUD4 tcp dport 443 counter name open return
				ip daddr $CLOUD4 counter name clear
				ip6 daddr $CLOUD6 icmpv6 type echo-request return
				ip6 daddr $CLOUD6 counter name clear
			}
		}
	X
}
count_of() { in_ns msee nft -j list counter netdev wire "$1" | jq '.nftables[] | .counter? // empty | .packets'; }
MAC() { ip -n "$LAB-edge" -j link show lan0 | jq -r ".[0].address"; }
send4() { in_ns lan /usr/bin/python3 "$ROOT/tests/lab/disguise.py" eth0 "$mac" $LAN4 $CLOUD4 "$1" "$2" "${3:-0.002}"; }
send6() { in_ns lan /usr/bin/python3 "$ROOT/tests/lab/disguise.py" eth0 "$mac" $LAN6 $CLOUD6 "$1" "$2" "${3:-0.002}"; }
both() { send4 $PORT "$1" "${2:-0.002}" >/dev/null && send6 $PORT "$1" "${2:-0.002}" >/dev/null; }
# knock PORT TIMES: a SYN each, and the reset that comes back
knock() { in_ns lan bash -c "for i in {1..$2}; do timeout 1 bash -c ': >/dev/tcp/$CLOUD4/$1'; done" 2>/dev/null; }
reason() { j "[.reasons[] | select(.interface == \"lan0\" and .reason == \"$1\") | .packets] | add // 0" counters; }
denied_all() { j '([.reasons[] | select(.reason == "rule-denied" and .action == "drop") | .packets] | add // 0) + ([.egress[].denied] | add // 0)' counters; }
denied_rules() { j '[.rules[].denied] | add // 0' counters; }
by_vpn() { true_json '.path == "vpn30" and .step == "rule" and .rule == "secure"' explain "$CLOUD4" proto tcp port "$PORT"; }
no_way() { true_json '.path == null and .step == "rule" and (.why | test("rule-denied"))' explain "$CLOUD4" proto tcp port "$PORT"; }
vpn_usable() { true_json "[.[] | select(.name == \"vpn30\")][0].usable == $1" paths; }

lab_edge
mac=$(MAC)
wire_counters || { fail "nftables at the wire" "nft refuses" && done_testing; }
EDGE_EXTRA="rules: [ $(secure 'prefer: [vpn]') ]"
edge_config enforce 2s
sameway_start || { fail "sameway starts with rules" "see above" && done_testing; }

story() { # NAME
	local before tun all rules
	check_within 10 "$1: explain names the rule" by_vpn
	all=$(denied_all) rules=$(denied_rules)
	tun=$(packets edge tun30 tx)
	both 20
	check_equal "$1: none in clear" "$(count_of clear)" 0
	check_at_least "$1: they went by the VPN" $(($(packets edge tun30 tx) - tun)) 200
	before=$(count_of open)
	knock 443 5
	check_at_least "$1: what has no rule goes by ExpressRoute" $(($(count_of open) - before)) 5

	both 60 0.02 &
	ip -n "$LAB-edge" link set tun30 down
	wait $!
	check_equal "$1: none in clear while the VPN goes down" "$(count_of clear)" 0
	check_within 5 "$1: explain says that there is no way" no_way
	before=$(reason rule-denied)
	both 20
	check_equal "$1: none in clear with the VPN down" "$(count_of clear)" 0
	check_at_least "$1: counted as rule-denied" $(($(reason rule-denied) - before)) 200
	check_equal "$1: all that is denied is some rule's" $(($(denied_rules) - rules)) $(($(denied_all) - all))
	check_equal "$1: the rest has ExpressRoute" "$(ping_lost 10 0.01 $CLOUD4)" 0
	both 60 0.02 &
	ip -n "$LAB-edge" link set tun30 up
	ip -n "$LAB-edge" route replace $VPNPEER4/32 dev tun30 src 10.2.30.125
	ip -n "$LAB-edge" -6 route replace $VPNPEER6/128 dev tun30 src fd00:2:30::7d
	wait $!
	check_within 30 "$1: the VPN is back" by_vpn
	check_equal "$1: none in clear while it came back" "$(count_of clear)" 0
}

story "redirects"
birdc_at edge disable VPN >/dev/null
check_within 15 "withdrawn: no way" no_way
both 10
check_equal "withdrawn: none in clear" "$(count_of clear)" 0
birdc_at edge enable VPN >/dev/null
check_within 30 "announced again" by_vpn

# Which rule decided a flow, over reloads that number and name the rules anew, and with no daemon.
told() { true_json "any(.[]; .dport == $1 and .rule == $2)" flows; }
rules_are() {
	EDGE_EXTRA="rules: [ $1 ]" edge_config enforce 2s
	s reload && wait_for 20 true_json '.waiting == []' status
}
knock $PORT 3
knock 443 3
check "flows: the rule that decided" told $PORT '"secure"'
check "flows: no rule" told 443 null
check "counters: its flows, packets and bytes" true_json 'any(.rules[]; .name == "secure" and .flows >= 3 and .packets >= 6 and .bytes >= 240)' counters
denied_before=$(denied_rules)
check "flows: in the table" eval 's flows | grep -A 1 ":$PORT " | grep -q "by rule secure"'
check "reload: another rule before it" rules_are "{ name: none, to: 10.99.0.0/16, deny: true }, $(secure 'prefer: [vpn]')"
check "flows: of a flow that had no packet since, by the name of then" told $PORT '"secure"'
knock $PORT 3
check "flows: by its new number" told $PORT '"secure"'
check_equal "counters: a reload forgets nothing that a rule has denied" "$(denied_rules)" "$denied_before"
check "reload: another name alone" rules_are "{ name: none, to: 10.99.0.0/16, deny: true }, $(secure 'prefer: [vpn]' | sed 's/name: secure,/name: renamed,/')"
knock $PORT 3
check "flows: by its new name" told $PORT '"renamed"'
end_background sameway KILL
check "flows: with no daemon" told $PORT '"renamed"'
check "sameway starts again" sameway_start

# The same by marks, with `only`.
EDGE_EXTRA="rules: [ $(secure 'only: [vpn30]') ]" EDGE_FORWARD=kernel edge_config enforce 2s
check "reload: kernel forwarding, only" s reload
check_within 20 "it enforces" true_json '.mode == "enforce" and .forward == "kernel" and .waiting == []' status
story "marks"

# Without the rule it goes by ExpressRoute: the counter does count.
EDGE_EXTRA="" edge_config enforce 2s
check "reload without rules" s reload
check_within 20 "by ExpressRoute" true_json '.path == "er1-primary" and .rule == null' explain $CLOUD4 proto tcp port $PORT
send4 $PORT 5 >/dev/null
check "flows: no rule any more" true_json "all(.[]; .rule == null)" flows
check_at_least "the wire's counter counts" "$(count_of clear)" 20

# Bound to an ExpressRoute path that goes down: its traffic is dropped, though the VPN carries the rest, and that is an incident.
check "reload: bound to ExpressRoute" rules_are "{ name: bulk, to: $CLOUD4/32, only: [er1-primary] }"
bulk() { true_json "[.[] | select(.verdict == \"no-backup\" and .subject == \"bulk\")] | last | . != null and ($1)" alerts --all; }
check "nothing is told while it is up" true_json 'all(.[]; .subject != "bulk")' alerts --all
er_cut
check_within 10 "bound: no-backup names rule, cause and fix" bulk \
	".state == \"open\" and .severity == \"critical\" and .cause == \"link-down\" and .side == \"onprem\" and .dst_prefix == \"$CLOUD4/32\" and .forward_path == \"er1-primary\" and (.message | test(\"rule bulk.*rule-denied\")) and (.fix | test(\"only:\"))"
before=$(denied_rules)
ping_lost 5 0.01 $CLOUD4 >/dev/null
check_at_least "bound: dropped" $(($(denied_rules) - before)) 5
check_equal "bound: the rest goes by the VPN" "$(ping_lost 5 0.01 $SPOKE4)" 0
er_restore
check_within 60 "bound: closes when the path is back" bulk '.state == "closed"'

# Monitor: the kernel sends it by ExpressRoute, in clear; that is told.
birdc_at edge disable VPN >/dev/null
EDGE_EXTRA="rules: [ $(secure 'prefer: [vpn]') ]" edge_config monitor 2s
check "reload: monitor" s reload
check_within 20 "it observes" true_json '.mode == "monitor" and .waiting == []' status
wait_for 15 eval "ip -n $LAB-edge route get $CLOUD4 | grep -q er0"
background cloud server /usr/bin/python3 "$ROOT/tests/lab/transfer.py" serve $CLOUD4 $PORT
wait_for 5 lines_reach server listening 1
clear_one() {
	in_ns lan timeout 5 /usr/bin/python3 "$ROOT/tests/lab/transfer.py" send "$CLOUD4" "$PORT" 100 >/dev/null 2>&1
	true_json 'any(.[]; .verdict == "policy-violation" and .cause == "unencrypted" and .severity == "critical")' alerts
}
check_within 20 "monitor: in clear is policy-violation, unencrypted, critical" clear_one
EDGE_EXTRA="rules: [ { name: no443, to: 10.10.30.0/24, proto: tcp, port: 443, deny: true }, $(secure 'prefer: [vpn]') ]" edge_config monitor 2s
check "reload: deny, in monitor mode" s reload
knock 443 5
check "counters: what a rule would deny" true_json 'any(.rules[]; .name == "no443" and .would_deny >= 5 and .denied == 0)' counters
done_testing
