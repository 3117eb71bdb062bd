#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Rows of scenarios.md about failures and the way back, each by its number.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/scenarios.sh
. "$(dirname "$0")/scenarios.sh"

# Azure takes back all of them, the session with the Microsoft edge stands
s22_prefix_limits() {
	row 'S22 prefix limits'
	many() { for ((i = $1; i < $2; i++)); do announce er0 "10.18.$((i / 128)).$((i % 128 * 2))/31"; done; }
	talk "$HOST>10.10.22.4"
	judged "$HOST" 10.10.22.4 ok
	many 0 800
	bgp_apply
	told ".verdict == \"prefix-limit\" and .severity == \"warning\" and .side == \"azure\" and $(says '1000') and $(fix_says 'summarise')" 'a warning at four fifths'
	many 800 1001
	bgp_apply
	told '.verdict == "prefix-limit" and .severity == "critical"' 'critical at the limit'
	silent 'nothing else yet' '.verdict | IN("prefix-limit", "failback") | not'
	unannounce_all er0
	bgp_apply
	answers tun30
	judged "$HOST" 10.10.22.4 failover
	told ".verdict == \"failover\" and .cause == \"prefix-limit\" and .severity == \"critical\" and $(fix_says 'prefix-limit')" 'failover, its cause is the limit'
	check "$ROW: BGP is up all the while" bgp_up 5
	over
	s22_ours
	for row in "${ROWS[@]}"; do announce_row "$row"; done
	bgp_apply
	wait_for 5 explained '.path == "er1-primary"' 10.10.22.4
}

# What we announce has a limit of its own, by Azure's word of what it has learned
s22_ours() {
	local i more=()
	for ((i = 0; i < 4000; i++)); do more+=("10.$((64 + i / 128)).$((i % 128 * 2)).0/23 12076-65021"); done
	azure_table "${STEADY[@]}" "${more[@]:0:3200}"
	told ".verdict == \"prefix-limit\" and .severity == \"warning\" and .side == \"onprem\" and .subject == \"er1\" and $(says 'the 4000 that') and $(fix_says 'summarise')" 'of ours: a warning at four fifths' 15
	azure_table "${STEADY[@]}" "${more[@]}"
	told '.verdict == "prefix-limit" and .severity == "critical" and .side == "onprem"' 'of ours: critical at the limit' 15
	azure_steady
}

s24_failover() {
	row 'S24 failover'
	ip -n "$LAB-edge" route add 10.10.9.0/24 dev tun30 proto static
	talk "$HOST>10.10.24.4" "$HOST>10.11.24.4" "$HOST>10.10.9.4"
	judged "$HOST" 10.10.24.4 ok
	steady "$HOST" 10.10.24.4
	er_down er0
	judged "$HOST" 10.10.24.4 failover "$(by vpn30 vpn30)"
	judged "$HOST" 10.11.24.4 failover "$(by vpn30 vpn30)"
	told ".verdict == \"failover\" and .cause == \"link-down\" and .duration_ms != null and .prefixes_moved > 2 and $(says 'link of er1-primary') and $(says 'prefixes moved')"
	silent 'not called asymmetric' '.verdict == "asymmetric"'
}

# In the same failure
s25_no_backup() {
	ROW='S25 prefix by ExpressRoute only lost'
	told ".verdict == \"failover\" and .severity == \"critical\" and .prefixes_lost >= 1 and $(says 'no backup exists')" 'failover is critical, says that no backup exists'
	told ".verdict == \"no-backup\" and .severity == \"critical\" and .cause == \"link-down\" and .forward_path == \"er1-primary\" and .prefixes_lost >= 1 and
		$(says 'no backup exists: .*10.17.2[0-9].0/26') and $(fix_says 'announce them on the VPN')" 'no-backup'
	check "$ROW: audit has it as lost" eval 's -j audit | jq -e "any(.[]; .dst_prefix == \"10.17.25.0/26\" and .verdict == \"no-route\" and .cause == \"link-down\")"'
	check_equal "$ROW: never sent to the VPN" "$(arrives tun30 'host 10.17.25.4' in_ns lan ping -q -c 5 -i 0.1 -W 0.1 10.17.25.4)" 0
	check "$ROW: explain says so" explained '.path == null' 10.17.25.4
}

s26_azure_stays() {
	ROW='S26 Azure stays on the VPN'
	BASE=$(j 'map(.id) | max // 0' alerts --all)
	check "$ROW: ExpressRoute is back" er_up er0 er1-primary 10.10.24.4
	told ".verdict == \"failback-stuck\" and .side == \"azure\" and .severity == \"warning\" and $(says 'er1-primary') and $(says 'vpn30') and $(fix_says 'use BGP on the VPN')" 'failback-stuck, Azure' 20
	judged "$HOST" 10.10.9.4 ok "$(by vpn30 vpn30)"
	silent 'what a rule keeps on the VPN is not stuck' '.verdict == "failback-stuck" and .side == "onprem"'
	over
	ip -n "$LAB-edge" route del 10.10.9.0/24 dev tun30 proto static
}

s21_azure_slower() {
	row 'S21 Azure returns later than we'
	answers ce2
	talk "$HOST>10.10.21.4"
	judged "$HOST" 10.10.21.4 ok "$(by er2-primary er2-primary)"
	steady "$HOST" 10.10.21.4
	er_down er2
	judged "$HOST" 10.10.21.4 failover
	told ".verdict == \"failover\" and .cause == \"link-down\" and .severity == \"notice\" and .dst_prefix == \"10.10.21.0/24\" and .prefixes_lost == 0" 'S24: a notice where no prefix is lost'
	BASE=$(j 'map(.id) | max // 0' alerts --all)
	er_up er2 er2-primary 10.10.21.4
	check_within 3 "$ROW: transition first" flows_are "$HOST" 10.10.21.4 transition "$(by er2-primary vpn30)"
	told "$(incident asymmetric convergence azure warning) and $(says "er2-primary came back $AFTER_GRACE")" 'after grace: convergence' 10
	told '.verdict == "failback-stuck" and .side == "azure" and .severity == "warning"' 'and failback-stuck, Azure' 20
	answers ce2
	judged "$HOST" 10.10.21.4 ok
	over
}

# The local preference was forgotten, the VPN's path is the older one now, and stays
s13_failback_stuck_here() {
	row 'S13 failback stuck here'
	unannounce tun30 10.10.13.0/24
	bgp_apply
	wait_for 5 explained '.path == "er2-primary" and (.tiers | length) == 1' 10.10.13.4
	announce tun30 10.10.13.0/24 # ExpressRoute's is the older one for now
	bgp_apply
	answers ce2
	talk "$HOST>10.10.13.4" "$FWHOST>10.10.13.4"
	judged "$HOST" 10.10.13.4 ok
	er_down er2
	judged "$HOST" 10.10.13.4 failover
	check "$ROW: ExpressRoute is back" er_up er2 er2-primary 10.10.13.4
	answers ce2
	judged "$HOST" 10.10.13.4 asymmetric "$(by vpn30 er2-primary)"
	told "$(incident asymmetric local-pref-missing onprem warning) and $(pair 10.2.30.0/25 10.10.13.0/24) and $(fix_says 'local preference 200')" 'asymmetric, a warning' 10
	told "$(incident asymmetric local-pref-missing onprem critical) and $(pair 10.2.31.0/25 10.10.13.0/24)" 'critical where stateful' 10
	told "$(incident failback-stuck local-pref-missing onprem warning) and $(says 'er2-primary') and $(fix_says 'local preference 200') and $(fix_says 'short cure')" 'failback-stuck, on-prem' 20
	over
}

# In a failure the VPN takes what is sent, and nothing returns
s29_black_holed_backup() {
	row 'S29 black-holed backup'
	answers ce1
	talk "$HOST>10.10.29.4" "$HOST>10.10.29.5" "$HOST2>10.10.29.6"
	judged "$HOST" 10.10.29.4 ok "$(by er1-secondary er1-secondary)"
	judged "$HOST" 10.10.29.5 ok
	judged "$HOST2" 10.10.29.6 ok
	steady "$HOST" 10.10.29.4
	discards tun30 10.10.29.0/24
	er_down er1
	told ".verdict == \"one-way\" and .cause == \"backup-blackhole\" and .severity == \"critical\" and $(says 'vpn30') and $(fix_says 'GatewaySubnet') and $(fix_says 'test the backup')" 'backup-blackhole' 60
	check "$ROW: the VPN's BGP is up" eval 'birdc_at edge show protocols p_tun30 | grep -q Established'
	discards_no_more
	er_up er1 er1-secondary 10.10.29.4
	over
}

# The VPN that takes over carries less, and nobody says so
s37_path_mtu() {
	row 'S37 path MTU after a failover'
	answers ce1
	talk "$HOST>10.10.37.4" "$HOST2>10.10.37.5"
	judged "$HOST" 10.10.37.4 ok "$(by er1-secondary er1-secondary)"
	check_equal "$ROW: large packets by ExpressRoute" "$(df_pings 10.10.37.4)" 10
	discards tun30 10.10.37.0/24 'ip length > 1300'
	er_down er1
	judged "$HOST" 10.10.37.4 failover "$(by vpn30 vpn30)"
	check_equal "$ROW: they vanish by the VPN" "$(df_pings 10.10.37.4)" 0
	large "$HOST>10.10.37.4" "$HOST2>10.10.37.5"
	mtu_told 10.10.37.0/24
	judged "$HOST" 10.10.37.4 failover "$(by vpn30 vpn30)"
	judged "$HOST2" 10.10.37.5 failover "$(by vpn30 vpn30)"
	silent 'nothing else' '.verdict | IN("failover", "failback", "limit") | not' # of an earlier row's path
	end_background large
	discards_no_more
	er_up er1 er1-secondary 10.10.37.4
	over
}

s27_flapping() {
	row 'S27 flapping'
	talk "$HOST>10.10.27.4"
	judged "$HOST" 10.10.27.4 ok
	for _ in 1 2 3; do
		er_down er0
		wait_for 5 explained '.path == "vpn30"' 10.10.27.4
		ip -n "$LAB-azure" link set ce0 up
		held=$(wait_for 5 true_json '.[0].reasons == ["failback-delay"]' paths && echo held)
		er_up er0 er1-primary 10.10.27.4
		answers ce0
	done
	told ".verdict == \"flapping\" and .severity == \"warning\" and .subject == \"er1-primary\" and .cause == \"link-down\" and $(says 'hold-down') and $(fix_says 'failback-delay')" 'flapping'
	check_equal "$ROW: it is held down before it is used again" "$held" held
	check "$ROW: one alarm" true_json "[.[] | select(.id > $BASE and .verdict == \"flapping\")] | length == 1" alerts --all
	check "$ROW: one failover, not one each time" true_json "[.[] | select(.id > $BASE and .verdict == \"failover\")] | length <= 1" alerts --all
	over
}

# Each path fails twice at most before the row that counts them
export SCENE_EXTRA='rules: [{ name: secure, to: 10.10.9.0/24, prefer: [vpn] }]'
ROWS=(9 22 24 25 27)
scene_start "${ROWS[@]}"
for row in 13 21; do
	announce er2 "10.10.$row.0/24"
	announce tun30 "10.10.$row.0/24"
done
for row in 29 37; do
	announce er1 "10.10.$row.0/24"
	announce tun30 "10.10.$row.0/24"
done
bgp_apply
rows s24_failover s25_no_backup s26_azure_stays s21_azure_slower s13_failback_stuck_here s29_black_holed_backup s37_path_mtu s22_prefix_limits \
	s27_flapping
done_testing
