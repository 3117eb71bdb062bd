#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Rows of scenarios.md about two ways, one by ExpressRoute, one by VPN, each by its number: whose side is wrong, why, what to type.
# From the LAN a warning, from behind the stateful firewall critical.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/scenarios.sh
. "$(dirname "$0")/scenarios.sh"

# both DESTINATION PREFIX CAUSE SIDE FILTER: asymmetric from both hosts, with the severity of each
both() {
	judged "$HOST" "$1" asymmetric
	judged "$FWHOST" "$1" asymmetric
	told "$(incident asymmetric "$3" "$4" warning) and $(pair 10.2.30.0/25 "$2") and $5" "$3, a warning"
	told "$(incident asymmetric "$3" "$4" critical) and $(pair 10.2.31.0/25 "$2") and $5" "$3, critical where stateful"
}
# only DESTINATION-PREFIX...: what was told since the row began is about these
only() {
	check "$ROW: nothing else is told" true_json "[.[] | select(.id > $BASE and .verdict != \"route-change\") | .dst_prefix] | unique - $(jq -cn '$ARGS.positional' --args "$@") == []" alerts --all
}
# no_other CAUSE: nothing asymmetric is blamed on anything else
no_other() { silent 'no other cause' ".verdict == \"asymmetric\" and .cause != \"$1\""; }

s10_local_pref_missing() {
	row 'S10 local preference missing'
	announce tun30 10.10.10.0/24
	bgp_apply
	wait_for 5 explained '.path == "vpn30"' 10.10.10.4
	announce er0 10.10.10.0/24 # the younger of two equal ones
	bgp_apply
	check_within 5 "$ROW: ExpressRoute is there" explained '.path == "er1-primary"' 10.10.10.4
	talk "$HOST>10.10.10.4" "$FWHOST>10.10.10.4"
	both 10.10.10.4 10.10.10.0/24 local-pref-missing onprem "$(says 'local preference 100') and $(fix_says 'local preference 200 inbound on the neighbor of er1-primary') and
		.forward_path == \"vpn30\" and .reverse_path == \"er1-primary\" and $(says 'vpn30 10.10.10.0/24 as_path 65515 local_pref 100; er1-primary 10.10.10.0/24 as_path 12076 local_pref 100')"
	only 10.10.10.0/24
	over
}

s11_vpn_more_specific() {
	row 'S11 more specific from Azure on the VPN'
	announce tun30 10.11.11.0/27
	bgp_apply
	check_within 5 "$ROW: it is there" explained '.prefix == "10.11.11.0/27"' 10.11.11.4
	talk "$HOST>10.11.11.4" "$FWHOST>10.11.11.4" "$HOST>10.11.11.40"
	both 10.11.11.4 10.11.11.0/27 vpn-more-specific onprem "$(says '10.11.11.0/27 .*10.11.11.0/26') and $(fix_says 'filter 10.11.11.0/27 inbound on the VPN neighbor') and $(fix_says 'class-first')"
	judged "$HOST" 10.11.11.40 ok "$(by er1-primary er1-primary)"
	only 10.11.11.0/27
	over
}

s12_maintenance_without_local_pref() {
	row 'S12 maintenance without local preference'
	maintenance on 10.10.12.0/24
	talk "$HOST>10.10.12.4" "$FWHOST>10.10.12.4"
	both 10.10.12.4 10.10.12.0/24 maintenance-no-local-pref onprem "$(says '12076x9') and $(fix_says 'local preference 200') and $(fix_says 'secondary connection') and
		.forward_path == \"vpn30\" and .reverse_path == \"er1-primary\" and $(fix_says 'lasts as long as the maintenance')"
	silent 'nothing else but maintenance itself' '.verdict != "maintenance" and .cause != "maintenance-no-local-pref"'
	over
	maintenance off 10.10.12.0/24
}

# After a flap of ExpressRoute
s14_daemon() {
	row 'S14 the daemon does not choose by local preference'
	er_down er0
	wait_for 10 explained '.path == "vpn30"' 10.10.14.4
	check "$ROW: ExpressRoute is back" er_up er0 er1-primary 10.10.14.4
	check "$ROW: with the higher one" true_json '.[0].candidates | map([.path, .local_pref]) | sort == [["er1-primary", 200], ["vpn30", 100]]' routes 10.10.14.0/24
	answers ce0
	talk "$HOST>10.10.14.4" "$FWHOST>10.10.14.4"
	both 10.10.14.4 10.10.14.0/24 bgp-daemon onprem "$(says '200') and $(fix_says 'reload in all') and $(fix_says 'upgrade')"
	told "$(incident failback-stuck bgp-daemon onprem warning) and $(says 'er1-primary') and $(says '10.10.14.0/24') and $(fix_says 'reload in all') and $(fix_says 'upgrade')" 'failback-stuck, on-prem' 20
	over
}

s15_fib_override() {
	row 'S15 a static route over BGP'
	ip -n "$LAB-edge" route add 10.10.15.0/24 dev tun30 proto static
	talk "$HOST>10.10.15.4" "$FWHOST>10.10.15.4"
	both 10.10.15.4 10.10.15.0/24 fib-override onprem "$(says '10.10.15.0/24 dev tun30 proto static') and $(says 'er1-primary 10.10.15.0/24') and $(fix_says 'ip route del 10.10.15.0/24 dev tun30')"
	no_other fib-override
	ip -n "$LAB-edge" route del 10.10.15.0/24 dev tun30 proto static
	over
}

# The session at our end went, Azure has not noticed and goes on
s16_edge_first() {
	row 'S16 the edge switched first'
	talk "$HOST>10.10.16.4" "$FWHOST>10.10.16.4"
	judged "$HOST" 10.10.16.4 ok
	steady "$HOST" 10.10.16.4
	birdc_at edge disable p_er0 >/dev/null
	check_within 3 "$ROW: transition first" flows_are "$HOST" 10.10.16.4 transition "$(by vpn30 er1-primary)"
	both 10.10.16.4 10.10.16.0/24 convergence azure "$(fix_says 'BFD') and $(says "left er1-primary $AFTER_GRACE")"
	birdc_at edge enable p_er0 >/dev/null
	check_within 10 "$ROW: the session is back" bgp_up 5
	wait_for 10 explained '.path == "er1-primary"' 10.10.16.4
	over
}

s17_onprem_more_specific() {
	row 'S17 a more specific of ours on the VPN'
	azure_table "${STEADY[@]}" '10.2.30.0/26 65021' '10.2.31.0/26 65021'
	answers tun30 10.2.30.0/26
	answers tun30 10.2.31.0/26
	check_within 5 "$ROW: read" azure_returns "$HOST" vpn
	talk "$HOST>10.10.17.4" "$FWHOST>10.10.17.4" "$HOST2>10.10.17.4"
	both 10.10.17.4 10.10.17.0/24 onprem-more-specific azure "$(says '10.2.3[01].0/26') and $(says '10.2.3[01].0/25') and $(fix_says 'same prefixes|/26')"
	judged "$HOST2" 10.10.17.4 ok "$(by er1-primary er1-primary)"
	no_other onprem-more-specific
	over
	answers_no_more 10.2.30.0/26
	answers_no_more 10.2.31.0/26
	azure_steady
	wait_for 5 azure_returns "$HOST" expressroute
}

s18_not_advertised_on_er() {
	row 'S18 a network advertised on the VPN only'
	azure_table '10.2.30.0/25 12076-65021' '10.2.30.0/25 65021' '10.2.30.128/25 65021' '10.2.31.0/25 65021'
	answers tun30 10.2.30.128/25
	answers tun30 10.2.31.0/25
	check_within 5 "$ROW: read" azure_returns "$NEWHOST" vpn
	talk "$NEWHOST>10.10.18.4" "$FWHOST>10.10.18.4" "$HOST>10.10.18.4"
	judged "$NEWHOST" 10.10.18.4 asymmetric
	told "$(incident asymmetric not-advertised-on-er azure warning) and $(pair 10.2.30.128/25 10.10.18.0/24) and $(says '10.2.30.128/25') and $(fix_says 'add 10.2.30.128/25 to what is advertised') and $(fix_says compare)" 'not-advertised-on-er, a warning'
	told "$(incident asymmetric not-advertised-on-er azure critical) and $(pair 10.2.31.0/25 10.10.18.0/24)" 'critical where stateful'
	judged "$HOST" 10.10.18.4 ok
	no_other not-advertised-on-er
	over
	azure_steady
	wait_for 5 azure_returns "$NEWHOST" expressroute
}

# BGP stands, the circuit's connection to the gateway does not
s19_er_dataplane() {
	row 'S19 ExpressRoute cut behind the Microsoft edge'
	talk "$HOST>10.10.19.4" "$HOST>10.10.19.5" "$HOST2>10.10.19.6" "$HOST>10.10.16.4"
	judged "$HOST" 10.10.19.4 ok
	judged "$HOST" 10.10.19.5 ok
	judged "$HOST2" 10.10.19.6 ok
	steady "$HOST" 10.10.19.4
	discards ce0 10.10.19.0/24
	told ".verdict == \"one-way\" and .cause == \"er-dataplane\" and .severity == \"critical\" and .dst_prefix == \"10.10.19.0/24\" and $(fix_says 'drain')" 'er-dataplane' 60
	check "$ROW: BGP is up all the while" bgp_up 5
	discards_no_more
	told '.verdict == "one-way" and .dst_prefix == "10.10.19.0/24" and .state == "closed"' 'over with the first answer'
	over
}

# azure_opens SOURCE: what a host in Azure begins with ours. Slowly: its requests alone are no proof of a way.
azure_opens() { in_ns cloud ping -q -c 3 -i 0.5 -W 0.2 -I "$1" "$HOST" >/dev/null; }
dataplane() { # PREFIX WORDS
	told "$(incident asymmetric er-dataplane azure critical) and $(pair 10.2.30.0/25 "$1") and .forward_path == \"er1-primary\" and .reverse_path == \"vpn30\" and
		$(says "$2") and $(fix_says 'path er1-primary drain')" "asymmetric, er-dataplane: $2"
}

# The gateway has lost the circuit's connection, and takes the VPN, while ours still leaves by ExpressRoute
s19_back_by_vpn() {
	row 'S19 cut behind the Microsoft edge, and back by VPN'
	circuit_table 10.2.30.0/25
	azure_table '10.2.30.0/25 65021' '10.2.31.0/25 12076-65021' '10.2.31.0/25 65021'
	check_within 5 "$ROW: read" azure_returns "$HOST" vpn
	answers tun30
	discards ce0 10.11.19.0/26
	azure_opens 10.11.19.4
	dataplane 10.11.19.0/26 'their connection is down'
	rm "$RUN/azure/circuit.json"
	azure_steady
	discards_no_more
	check_within 5 "$ROW: read" azure_returns "$HOST" expressroute
	# no table tells, but nothing at all comes back by it
	answers ce0
	talk "$HOST>10.10.17.7" "$HOST>10.10.18.8" "$HOST2>10.10.20.9"
	judged "$HOST" 10.10.17.7 ok
	judged "$HOST" 10.10.18.8 ok
	judged "$HOST2" 10.10.20.9 ok
	steady "$HOST" 10.10.17.7
	discards ce0 10.0.0.0/8
	told ".verdict == \"one-way\" and .cause == \"er-dataplane\" and .severity == \"critical\" and .forward_path == \"er1-primary\" and $(says 'from anywhere')" 'one-way, er-dataplane' 60
	answers tun30
	azure_opens 10.11.12.4
	dataplane 10.11.12.0/26 'nothing comes back of what leaves by er1-primary'
	check "$ROW: BGP is up all the while" bgp_up 5
	discards_no_more
	over
}

# Azure has both, and takes the VPN
s20_azure_preference() {
	row 'S20 Azure prefers the VPN'
	answers tun30
	talk "$HOST>10.10.20.4" "$FWHOST>10.10.20.4"
	both 10.10.20.4 10.10.20.0/24 azure-preference azure "$(fix_says 'hubRoutingPreference') and $(fix_says 'mirror it here')"
	no_other azure-preference
	over
}

# Ours is the choice in enforce: what the daemon, a static route or an equal local preference would have sent by VPN goes by ExpressRoute
s10_mended() {
	row 'S10, S12, S14, S15 mended'
	ip -n "$LAB-edge" route add 10.10.15.0/24 dev tun30 proto static
	talk "$HOST>10.10.10.5" "$HOST>10.10.14.5" "$FWHOST>10.10.15.5"
	judged "$HOST" 10.10.10.5 ok "$(by er1-primary er1-primary)"
	judged "$HOST" 10.10.14.5 ok "$(by er1-primary er1-primary)"
	judged "$FWHOST" 10.10.15.5 ok "$(by er1-primary er1-primary)"
	silent
	hush
	maintenance on 10.10.12.0/24
	talk "$HOST>10.10.12.5" "$FWHOST>10.10.12.5"
	judged "$HOST" 10.10.12.5 ok "$(by er1-primary er1-primary)"
	judged "$FWHOST" 10.10.12.5 ok "$(by er1-primary er1-primary)"
	silent 'nothing but maintenance' '.verdict != "maintenance"'
	over
	maintenance off 10.10.12.0/24
	ip -n "$LAB-edge" route del 10.10.15.0/24 dev tun30 proto static
}

scene_start 11 12 14 15 16 17 18 19 20
rows s10_local_pref_missing s11_vpn_more_specific s12_maintenance_without_local_pref s15_fib_override s16_edge_first \
	s17_onprem_more_specific s18_not_advertised_on_er s19_er_dataplane s20_azure_preference s19_back_by_vpn s14_daemon
in_mode enforce
rows s10_mended
done_testing
