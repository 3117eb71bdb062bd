#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Rows of scenarios.md that must stay silent, each by its number.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/scenarios.sh
. "$(dirname "$0")/scenarios.sh"

s1_steady_er() {
	row 'S1 steady ExpressRoute'
	talk "$HOST>10.10.1.4" "$HOST>10.11.1.4" "$HOST>10.17.1.4" "$FWHOST>10.10.1.4"
	judged "$HOST" 10.10.1.4 ok "$(by er1-primary er1-primary)"
	judged "$HOST" 10.11.1.4 ok "$(by er1-primary er1-primary)"
	judged "$HOST" 10.17.1.4 ok "$(by er1-primary er1-primary)"
	judged "$FWHOST" 10.10.1.4 ok "$(by er1-primary er1-primary)"
	silent
	over
}


s2_vpn_only_destination() {
	row 'S2 destination by VPN only'
	answers tun30
	talk "$HOST>10.11.2.68" "$FWHOST>10.11.2.68"
	judged "$HOST" 10.11.2.68 ok "$(by vpn30 vpn30)"
	judged "$FWHOST" 10.11.2.68 ok "$(by vpn30 vpn30)"
	check "$ROW: ExpressRoute is up and no candidate" true_json '[.[0].tiers[].paths] == [["vpn30"]]' routes 10.11.2.68
	silent
	over
}

s3_pinned_host() {
	row 'S3 pinned host inside an ExpressRoute prefix'
	check "$ROW: ExpressRoute has the prefix around it" true_json '.[0].tiers[0].paths == ["er1-primary"]' routes 10.10.30.4
	answers tun30
	check_at_least "$ROW: a LAN host's tcp/179 leaves by the tunnel" "$(moved edge tun30 tx in_ns lan timeout 1 bash -c "exec 3<>/dev/tcp/$VPNPEER/179")" 1
	check "$ROW: exempt both ways, counted" eval '[ "$(reason tun30 exempt)" -gt 0 ] && [ "$(reason lan0 exempt)" -gt 0 ]'
	answers ce0
	check "$ROW: explain says so" explained '.path == null and (.why | test("exempt|own"))' "$VPNPEER"
	check "$ROW: no record" true_json "[.[] | select(.dst == \"$VPNPEER\" or .src == \"$VPNPEER\")] == []" flows
	check "$ROW: its BGP stands" bgp_up 5
	silent
	over
}

# control_packets: the edge's own IKE and ESP to the gateway, BGP and BFD to the Microsoft edge and through the tunnel
control_packets() {
	in_ns edge /usr/bin/python3 - <<-'P'
		import socket
		for ports, dst in (((500, 4500), "52.168.162.84"), ((3784, 179), "192.168.30.18"), ((3784,), "10.10.30.254")):
		    for port in ports:
		        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		        for _ in range(3):
		            s.sendto(b"x" * 40, (dst, port))
		    esp = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
		    esp.sendto(b"\0\0\0\1" * 10, (dst, 0))
	P
}
s4_control_traffic() {
	row 'S4 control traffic'
	check_equal "$ROW: IKE and ESP by the Internet uplink" "$(arrives wan 'udp port 500 or (src 66.198.12.106 and ip proto 50)' control_packets)" 4
	check_equal "$ROW: BFD by the path that it is of" \
		"$(arrives ce0 'udp port 3784' control_packets),$(arrives tun30 'udp port 3784' control_packets)" 3,3
	check "$ROW: BGP stands" bgp_up 5
	check "$ROW: no record" true_json '[.[] | select(any(.src, .dst; test("^(52.168.162.84|192.168.3|10.10.30.25[34])"))) ] == []' flows
	check "$ROW: counted as ours" eval "[ \$((\$(reason er0 exempt) + \$(reason er0 local))) -gt 0 ]"
	# the inside's own to the gateway: exempt by its address
	local before
	before=$(reason lan0 exempt)
	in_ns lan bash -c "for _ in 1 2 3; do echo x >/dev/udp/52.168.162.84/4500; done"
	check_within 3 "$ROW: a LAN host's to the gateway is exempt" eval "[ \$(reason lan0 exempt) -ge $((before + 3)) ]"
	silent
	over
}

s5_ecmp_in_a_circuit() {
	row 'S5 ECMP inside one circuit'
	announce er1 10.10.5.0/24
	bgp_apply
	answers ce1
	talk "$HOST>10.10.5.4" "$FWHOST>10.10.5.4"
	judged "$HOST" 10.10.5.4 benign-ecmp "$(by er1-primary er1-secondary)"
	judged "$FWHOST" 10.10.5.4 benign-ecmp "$(by er1-primary er1-secondary)"
	check "$ROW: counted" true_json '[.verdicts[] | select(.verdict == "benign-ecmp")][0].flows >= 6' counters
	silent
	over
}

# In enforce sameway shares the flows among both
s5_shared() {
	row 'S5 shared inside one circuit'
	answers ce1
	local i pairs=()
	for i in 4 5 6 7 8 9; do pairs+=("$HOST>10.10.5.$i" "$FWHOST>10.10.5.$i"); done
	talk "${pairs[@]}"
	check_within 10 "$ROW: some leave by each, and return by the secondary: ok or benign-ecmp" true_json \
		'[.[] | select((.dst | test("^10.10.5.[4-9]$")) and .idle_s < 1) | "\(.verdict) \(.forward.path) \(.reverse.path)"] | unique ==
			["benign-ecmp er1-primary er1-secondary", "ok er1-secondary er1-secondary"]' flows
	silent
	over
}

s6_two_tunnels() {
	row 'S6 two VPN tunnels'
	answers tun31
	talk "$HOST>10.11.6.68"
	judged "$HOST" 10.11.6.68 benign-ecmp "$(by vpn30 vpn31)"
	silent
	over
}

# What the Microsoft edge itself says comes home by VPN, the flow by ExpressRoute
s7_icmp_errors() {
	row 'S7 traceroute, ICMP errors'
	ip -n "$LAB-azure" rule add iif lo to 10.2.30.0/25 lookup 77
	ip -n "$LAB-azure" route replace 10.2.30.0/25 dev tun30 table 77
	talk "$HOST>10.10.7.4"
	check_at_least "$ROW: errors come by VPN" "$(moved edge tun30 rx in_ns lan traceroute -n -U -p 7000 -w 1 -q 3 10.10.7.4)" 3
	check_equal "$ROW: hops" "$(in_ns lan traceroute -n -U -p 7000 -w 1 -q 1 10.10.7.4 | awk 'NR > 1 { print $2 }' | tr '\n' ' ')" "10.2.30.3 $VPNPEER 10.10.7.4 "
	judged "$HOST" 10.10.7.4 ok "$(by er1-primary er1-primary)"
	check "$ROW: nothing comes from VPN in any record" true_json '[.[] | select(.dst == "10.10.7.4" and .reverse.path == "vpn30")] == []' flows
	silent
	over
	ip -n "$LAB-azure" rule del iif lo to 10.2.30.0/25 lookup 77
}

s8_unroutable() {
	row 'S8 unroutable destination'
	before=$(reason lan0 no-route)
	talk "$HOST>10.1.31.10"
	check_within 4 "$ROW: counted" eval "[ \$(reason lan0 no-route) -ge $((before + 10)) ]"
	check_equal "$ROW: on no path" "$(arrives tun30 'host 10.1.31.10' wait_for 0.5 false),$(arrives ce0 'host 10.1.31.10' wait_for 0.5 false)" 0,0
	check "$ROW: no record" true_json '[.[] | select(.dst == "10.1.31.10")] == []' flows
	check "$ROW: explain" explained '.path == null and .prefix == null' 10.1.31.10
	silent
	over
}

# A VPN over ExpressRoute's private peering: a rule wants it encrypted
s9_vpn_first() {
	row 'S9 encrypted first'
	ip -n "$LAB-edge" route add 10.10.9.0/24 dev tun30 proto static
	answers tun30
	talk "$HOST>10.10.9.4"
	judged "$HOST" 10.10.9.4 ok "$(by vpn30 vpn30)"
	check "$ROW: by the rule" explained '.path == "vpn30" and .step == "rule"' 10.10.9.4
	silent
	over
	ip -n "$LAB-edge" route del 10.10.9.0/24 dev tun30 proto static
}
s9_in_clear() {
	row 'S9 found on plain ExpressRoute'
	talk "$HOST>10.10.9.5"
	judged "$HOST" 10.10.9.5 policy-violation "$(by er1-primary er1-primary)"
	told "$(incident policy-violation unencrypted onprem critical) and $(pair 10.2.30.0/25 10.10.9.0/24) and $(says 'in clear on er1-primary') and $(fix_says 'enforce')"
	silent 'nothing else' '.cause != "unencrypted"'
	over
}
s9_never_in_clear() {
	row 'S9 encrypted or not at all'
	answers tun30
	talk "$HOST>10.10.9.6"
	judged "$HOST" 10.10.9.6 ok "$(by vpn30 vpn30)"
	check_at_least "$ROW: seen at the tunnel's end" "$(arrives tun30 'host 10.10.9.6' wait_for 0.5 false)" 1
	s path vpn30 drain >/dev/null
	s path vpn31 drain >/dev/null
	check_equal "$ROW: no VPN, and none of it in clear" "$(arrives ce0 'host 10.10.9.6' wait_for 1 false)" 0
	s path vpn30 undrain >/dev/null
	s path vpn31 undrain >/dev/null
	judged "$HOST" 10.10.9.6 ok "$(by vpn30 vpn30)"
	silent 'nothing is told' '.verdict | IN("backup-down", "no-backup") | not'
	over
}

s34_default_route() {
	row 'S34 default route from the VPN'
	announce tun30 0.0.0.0/0
	bgp_apply
	ip -n "$LAB-cloud" route replace local 203.0.113.0/24 dev lo
	ip -n "$LAB-azure" route replace 203.0.113.0/24 via 172.16.3.2
	check_within 5 "$ROW: it is there" true_json '.[0].prefix == "0.0.0.0/0"' routes 203.0.113.4
	answers tun30
	talk "$HOST>203.0.113.4"
	judged "$HOST" 203.0.113.4 ok "$(by vpn30 vpn30)"
	check "$ROW: no backup of an ExpressRoute prefix" true_json '[.[0].tiers[].class] == ["expressroute"]' routes 10.17.34.4
	azure_table "${STEADY[@]}" '0.0.0.0/0 65021'
	check_within 5 "$ROW: Azure has ours, too (forced tunnelling)" true_json '.feeds[1].routes == 7' status
	steady "$HOST" 203.0.113.4
	judged "$HOST" 203.0.113.4 ok
	silent
	azure_steady
	over
	unannounce tun30 0.0.0.0/0
	bgp_apply
	wait_for 5 explained '.path == null' 203.0.113.4
}

s39_the_secondary() {
	row 'S39 the secondary interface'
	announce er1 10.10.39.0/24
	bgp_apply
	wait_for 5 explained '.path == "er1-secondary"' 10.10.39.4
	answers ce1
	talk "$HOST>10.10.39.4"
	judged "$HOST" 10.10.39.4 ok "$(by er1-secondary er1-secondary)"
	before=$(reason er0 unknown-vlan)
	in_ns azure /usr/bin/python3 - <<-'P'
		import socket
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("ce0", 0))
		ip = bytes.fromhex("4500001c00010000401100000a0a27040a021e0a1b581b5800080000")
		for _ in range(5):
		    s.send(b"\xff" * 6 + b"\2\0\0\0\0\1" + bytes.fromhex("8100012d0800") + ip)
	P
	check_within 3 "$ROW: on a tag that is nobody's: unknown-vlan" eval "[ \$(reason er0 unknown-vlan) -ge $((before + 5)) ]"
	silent
	over
}

s40_fragments() {
	row 'S40 fragments'
	answers tun30
	local before
	before=$(j '[.[] | select(.name == "er1-primary")][0].tx_packets' paths)
	check_equal "$ROW: they arrive, out by ExpressRoute, back by VPN" "$(in_ns lan ping -q -c 20 -i 0.02 -s 3000 -W 1 10.10.40.4 | awk '/packets transmitted/ { print $4 }')" 20
	check_at_least "$ROW: counted by path" $(($(j '[.[] | select(.name == "er1-primary")][0].tx_packets' paths) - before)) 60
	check "$ROW: no record" true_json '[.[] | select(.dst == "10.10.40.4")] == []' flows
	silent
	over
}

s35_maintenance() {
	row 'S35 maintenance with local preference'
	talk "$HOST>10.10.35.4" "$FWHOST>10.10.35.4"
	judged "$HOST" 10.10.35.4 ok
	maintenance on 10.10.35.0/24
	told ".verdict == \"maintenance\" and .severity == \"notice\" and $(says 'er1-primary')" 'maintenance, a notice' 10
	told ".verdict == \"maintenance\" and $(says 'NO-REDUNDANCY')" 'and that there is no redundancy'
	judged "$HOST" 10.10.35.4 ok "$(by er1-primary er1-primary)"
	judged "$FWHOST" 10.10.35.4 ok "$(by er1-primary er1-primary)"
	silent 'nothing else' '.verdict != "maintenance"'
	maintenance off 10.10.35.0/24
	over
}

# What is too big for the VPN vanishes on its way; what is small returns
s37_path_mtu() {
	row 'S37 path MTU'
	discards tun30 10.11.37.0/24 'ip length > 1300'
	answers tun30
	talk "$HOST>10.11.37.68"
	judged "$HOST" 10.11.37.68 ok "$(by vpn30 vpn30)"
	check_equal "$ROW: a DF packet vanishes" "$(df_pings 10.11.37.68)" 0
	large "$HOST>10.11.37.68"
	mtu_told 10.11.37.64/26
	judged "$HOST" 10.11.37.68 ok "$(by vpn30 vpn30)"
	silent 'nothing else' '.verdict != "limit"'
	end_background large
	over
	discards_no_more
}

# The router's feed ends, Azure's answers turn empty, then an error
s38_stale_feeds() {
	row 'S38 stale or empty feed'
	talk "$HOST>10.10.38.4"
	judged "$HOST" 10.10.38.4 ok
	echo '{"value": []}' >"$RUN/azure/ergw.json"
	check_within 5 "$ROW: an empty answer is told" true_json '.feeds[1].last_error | test("empty: that is unknown")' status
	echo '(InternalServerError) An error occurred.' >"$RUN/azure/ergw.json"
	check_within 5 "$ROW: an error of Azure is told" true_json '.feeds[1].last_error | test("InternalServerError")' status
	check "$ROW: the last good table stays" azure_returns "$HOST" expressroute
	azure_steady && touch -d '20 minutes ago' "$RUN/azure/ergw.json"
	told '.verdict == "feed-stale" and .severity == "warning" and .subject == "azure"' 'a table older than its limit: feed-stale, a warning' 15
	birdc_at edge disable MON >/dev/null
	told ".verdict == \"feed-stale\" and .severity == \"warning\" and .subject == \"router\"" "feed-stale of the edge's own routes" 12
	check "$ROW: its routes stay" true_json '.[0].candidates | length == 2 and all(.[]; .stale)' routes 10.10.38.4
	judged "$HOST" 10.10.38.4 ok "$(by er1-primary er1-primary)"
	silent 'nothing else' '.verdict != "feed-stale"'
	birdc_at edge enable MON >/dev/null
	azure_steady
	check_within 15 "$ROW: back, it closes" true_json '[.[] | select(.verdict == "feed-stale" and .state == "open")] == []' alerts
	over
}

export SCENE_EXTRA=$'stale-time: 8s\nrules: [{ name: secure, to: 10.10.9.0/24, prefer: [vpn] }]'
scene_start 1 2 5 6 7 9 30 34 35 37 38 40
announce tun31 10.11.6.64/26 65516 65516
bgp_apply
rows s1_steady_er s2_vpn_only_destination s3_pinned_host s4_control_traffic s35_maintenance s5_ecmp_in_a_circuit s6_two_tunnels \
	s7_icmp_errors s8_unroutable s9_vpn_first s9_in_clear s34_default_route s37_path_mtu s39_the_secondary s40_fragments
# The same where sameway moves the packets
in_mode enforce
rows s1_steady_er s2_vpn_only_destination s3_pinned_host s4_control_traffic s5_shared s6_two_tunnels s7_icmp_errors s8_unroutable \
	s9_never_in_clear s34_default_route s39_the_secondary s40_fragments s38_stale_feeds
all_rows
check_within 60 "maintenance is told as over" true_json '[.[] | select(.verdict == "maintenance")] == []' alerts
silent 'nothing was told later' '(.verdict | IN("maintenance", "feed-stale", "backup-down", "no-backup", "limit") | not) and (.cause != "unencrypted")'
done_testing
