# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The edge's interfaces deleted and made anew, for test_recreate.sh and test_soak.sh. Sourced after lib.sh.

make_er0() {
	make_link edge er0 "192.168.30.17/30 fd00:192:168:30::1/64" msee ce0 "192.168.30.18/30 fd00:192:168:30::2/64"
}
make_lan0() {
	make_link lan eth0 "$LAN4/25 $LAN6/64" edge lan0 "10.2.30.3/25 fd00:2:30::3/64" || return 1
	ip -n "$LAB-lan" route replace default via 10.2.30.3
	ip -n "$LAB-lan" -6 route replace default via fd00:2:30::3
}
make_tun30() {
	background edge tunnel-edge "$TUNNEL" tun30 66.198.12.106 52.168.162.84 4500
	wait_for 3 ip -n "$LAB-edge" link show tun30 up || return 1
	tun30_addresses
}
# what an interface loses when it goes down
tun30_addresses() {
	ip -n "$LAB-edge" addr replace 10.2.30.125/32 dev tun30
	ip -n "$LAB-edge" addr replace fd00:2:30::7d/128 dev tun30
	ip -n "$LAB-edge" route replace "$VPNPEER4/32" dev tun30 src 10.2.30.125
	ip -n "$LAB-edge" -6 route replace "$VPNPEER6/128" dev tun30 src fd00:2:30::7d
}
delete_er0() { ip -n "$LAB-edge" link del er0; }
delete_lan0() { ip -n "$LAB-edge" link del lan0; }
delete_tun30() { end_background tunnel-edge; }

edge_link() { ip -n "$LAB-edge" link "$@"; }
there() { edge_link show dev "$1"; }

# All our hooks run, and there is nothing that the daemon waits for.
hooks_whole() {
	local d
	for d in er0 lan0; do edge_link show dev "$d" | grep -q xdp || return 1; done
	true_json '.waiting == [] and all(.hooks[]; .attached) and (.hooks | length) == 7' status
}
by_er() { [ "$(moved edge er0 tx in_ns lan ping -q -c 20 -i 0.01 -W 1 "$CLOUD4")" -ge 20 ]; }
by_vpn() { [ "$(moved edge tun30 tx in_ns lan ping -q -c 20 -i 0.01 -W 1 "$BRANCH4")" -ge 20 ]; }
moved_whole() { [ "$(moved_by_us lan0 in_ns lan ping -q -c 20 -i 0.01 -W 1 "$CLOUD4")" -ge 20 ]; }
settled() { hooks_whole && edge_converged && true_json 'all(.[]; .usable)' paths && by_er && by_vpn && moved_whole; }

pins() { find "/sys/fs/bpf/sameway/$LAB" -mindepth 1 -printf '%f\n' | sort; }
# Links, of any kind, that run one of the instance's programs.
links_count() {
	local ids
	ids=$(for p in "/sys/fs/bpf/sameway/$LAB"/sw_*; do bpftool -j prog show pinned "$p" | jq .id; done | jq -cs .)
	bpftool -j link show | jq --argjson ids "$ids" '[.[] | select(.prog_id as $p | $ids | index($p))] | length'
}
filters_count() {
	local d
	for d in er0 tun30 lan0; do
		in_ns edge tc filter show dev "$d" ingress
		in_ns edge tc filter show dev "$d" egress
	done 2>/dev/null | grep -c bpf
}
doctor_result() { s -j doctor -c "$RUN/sameway.yaml" | jq -c '[.[] | [.check, .subject, .ok]] | sort'; }

# churn_begin: what is there before. churn_end: nothing less and nothing more is there after; then nothing at all.
churn_begin() {
	pins >"$RUN/pins.before"
	links_before=$(links_count) filters_before=$(filters_count)
}
churn_end() {
	check "the same pins as before" diff "$RUN/pins.before" <(pins)
	check_equal "as many links" "$(links_count)" "$links_before"
	check_equal "as many tc filters" "$(filters_count)" "$filters_before"
	check_equal "nothing in the log is an error" "$(grep -v ': incident [0-9]' "$RUN/sameway.log" | grep -ciE "error|can't|failed|start again")" 0
	check "detach" s detach
	check "no XDP left, no filter" eval '! in_ns edge ip link show | grep -q xdp && [ "$(filters_count)" = 0 ]'
}
