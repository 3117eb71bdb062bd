#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is changed while it runs: monitor and enforce, with a deadline that holds without the daemon too; drains that end by
# themselves; the config read again, by command and by SIGHUP, with what it adds in effect and what it leaves undisturbed.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

xdp_on() { in_ns edge ip link show "$1" | grep -q xdp; }
by_us() { moved_by_us lan0 ping_lost 40 0.005 "$CLOUD4"; }
forwards() { [ "$(by_us)" -ge 40 ]; }
observes() { [ "$(by_us)" = 0 ]; }
left() { j '.mode_left_s // 0 | floor' status; }
# lost NAME: packets that the ping of this name, which was interrupted, lost; the one in flight at its end aside
lost() { awk '/packets transmitted/ { n = $1 - $4; print n <= 1 ? 0 : n }' "$RUN/$1.log"; }
long_ping() {
	background lan "$1" ping -i 0.02 -c 5000 -W 1 $CLOUD4
	wait_for 5 lines_reach "$1" 'bytes from' 10
}
end_ping() { end_background "$1" INT; }
# without a daemon status exits 1 and answers all the same
true_json_dead() { jq -e "$1" <<<"$(s -j status)"; }
# ready, but for the interfaces named, whose other end nobody has
sameway_ready_but() { true_json '.daemon and ([.feeds[] | select(.state != "up")] == []) and (.waiting - ["'"$1"'"] == [])' status; }
reload() { s reload >"$RUN/out" 2>"$RUN/err"; }
# weighs WEIGHT WEIGHTED: what the data plane has of er1-primary's weight, and of who weighs more than 1
weighs() {
	local pins=/sys/fs/bpf/sameway/$LAB
	[ "$(bpftool -j map lookup pinned "$pins/paths" key 0 0 0 0 | jq .formatted.value.weight)" = "$1" ] &&
		[ "$(bpftool -j map lookup pinned "$pins/ctl" key 0 0 0 0 | jq .formatted.value.weighted)" = "$2" ]
}
edit() { sed -i "$1" "$RUN/sameway.yaml"; }

EDGE_VPN_PREF=50 lab_start monitor
in_ns edge nft 'add table ip t; add chain ip t f { type filter hook forward priority 0; }; add rule ip t f counter accept'
check "enforce is refused where rules would be passed by" eval 's enforce 2>"$RUN/err"; [ $? = 1 ] && grep -q "^sameway: enforce: forward: fast would pass by" "$RUN/err"'
check "and leaves it in monitor, without XDP" eval 'true_json ".mode == \"monitor\"" status && ! xdp_on lan0'
in_ns edge nft delete table ip t
# mode by command, under a ping: whoever sends, it goes by ExpressRoute
long_ping modes
check "enforce by command" eval 's enforce | grep -q "^enforce$"'
check "status says so, without an end" true_json '.mode == "enforce" and .mode_left_s == null' status
check_within 5 "XDP is on lan0 and er0" eval 'xdp_on lan0 && xdp_on er0'
check "packets are moved" forwards
check "monitor by command" s monitor
check "status says so" true_json '.mode == "monitor"' status
check_within 5 "XDP is off" eval '! xdp_on lan0 && ! xdp_on er0'
check "nothing is moved" observes
check "flows are recorded all the same" true_json "any(.[]; .dst == \"$CLOUD4\" and .idle_s < 3)" flows
end_ping modes
check_at_most "the ping through both changes lost at most one" "$(lost modes)" 1

# --for, with the daemon alive
check "enforce --for" eval 's enforce --for 6s | grep -q "for 6 s"'
check "moved meanwhile" forwards
check "status says how long" eval '[ "$(left)" -ge 0 ] && true_json ".mode_left_s > 0" status'
check_within 12 "it comes back by itself" true_json '.mode == "monitor" and .mode_left_s == null' status
check_within 5 "XDP is off again" eval '! xdp_on lan0'
check "nothing is moved again" observes
check "confirmed by a plain enforce" eval 's enforce --for 2s && s enforce'
check "no end any more" true_json '.mode == "enforce" and .mode_left_s == null' status
check "--for: not a duration: exit 2" eval 's enforce --for 10 2>"$RUN/err"; [ $? = 2 ] && grep -q "not a duration" "$RUN/err"'

# with the daemon killed: the programs themselves fall back
s enforce --for 4s >/dev/null
sameway_kill
check "killed: enforced to the end" forwards
check_within 8 "killed: monitor at the deadline" true_json_dead '.mode == "monitor"'
check "killed: nothing is moved" observes
check_equal "killed: no ping lost" "$(ping_lost 20 0.01 $CLOUD4)" 0
check "a new daemon: the config's mode counts" eval 'sameway_start && true_json ".mode == \"monitor\"" status && ! xdp_on lan0'
s enforce --for 60s >/dev/null
sameway_kill
check "an unexpired deadline stays over a restart" eval 'sameway_start && true_json ".mode == \"enforce\" and .mode_left_s > 1" status && forwards'

# drain --for: a restart of the daemon keeps its end (what it tells: test_drain.sh)
s enforce >/dev/null
background edge drain "$SAMEWAY" -i "$LAB" path er1-primary drain --for 12s
wait_for 5 true_json '.[0].reasons == ["drained"]' paths
sameway_kill
check "drained while the daemon dies: so it is under its successor" eval 'sameway_start && true_json ".[0].reasons == [\"drained\"]" paths'
check_within 30 "who ends it" true_json '.[0].usable' paths
check_at_least "by ExpressRoute" "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" 40

# reload
s enforce >/dev/null
in_ns edge ip link add er1 type veth peer name er1p
in_ns edge ip addr add 192.168.40.17/30 dev er1
in_ns edge ip link set er1 up && in_ns edge ip link set er1p up
cp "$RUN/sameway.yaml" "$RUN/good.yaml"
long_ping reloads
edit 's/^prefer.*//; s/class: vpn/class: vpm/; s/interface: lan0/interfaze: lan0/'
check "a config with mistakes: exit 2" eval 'reload; [ $? = 2 ]'
check "every mistake with its line" eval '[ "$(grep -cE "^$RUN/sameway.yaml:[0-9]+: .*: " "$RUN/err")" -ge 2 ] && grep -q "nothing has changed" "$RUN/err"'
cp "$RUN/good.yaml" "$RUN/sameway.yaml"
edit '1i flows: 131072'
rx=$(j '.[0].rx_packets' paths)
check "another size of the flow tables" eval 'reload && grep -q "flow tables: made anew for 131072 IPv4 and 16384 IPv6 records" "$RUN/sameway.log"'
check_within 10 "they have it" true_json '.flows.ipv4.max == 131072 and .flows.ipv6.max == 16384 and .waiting == []' status
check_within 5 "flows are recorded there" true_json 'any(.[]; .verdict == "ok" and .idle_s < 3)' flows
check_at_least "counters go on" "$(j '.[0].rx_packets' paths)" "$rx"
cp "$RUN/good.yaml" "$RUN/sameway.yaml"
check "and back" eval 'reload && [ "$(j .flows.ipv4.max status)" = 65536 ]'
check_within 10 "that is enforce again" true_json '.mode == "enforce" and (.feeds[0].state == "up") and .waiting == []' status
cp "$RUN/good.yaml" "$RUN/sameway.yaml"
edit 's/interface: er0/interface: er9/'
check "an interface that is not there: refused" eval 'reload; [ $? = 1 ] && grep -q "er9 does not exist" "$RUN/err"'
check_within 5 "all of it changed nothing" true_json '.mode == "enforce" and (.feeds[0].state == "up") and .waiting == []' status
cp "$RUN/good.yaml" "$RUN/sameway.yaml"
edit 's|^inside:|  - { name: er2-primary, class: expressroute, circuit: er2, interface: er1, gateway: 192.168.40.18 }\n&|; s/name: er1-primary,/& weight: 3,/; $a exempt: [{ to: 10.11.30.4/32 }]'
# What fails when all has been made anew goes back: somebody's XDP is on the new interface, and the flow tables are others.
printf '__attribute__((section("xdp"), used)) int somebody_else(void *ctx) { (void)ctx; return 2; }\nchar l[] __attribute__((section("license"), used)) = "GPL";\n' >"$RUN/other.c"
clang -O2 -target bpf -c "$RUN/other.c" -o "$RUN/other.o" && in_ns edge ip link set dev er1 xdp obj "$RUN/other.o" sec xdp
cp "$RUN/sameway.yaml" "$RUN/path.yaml"
edit '1i flows: 131072'
check "a path on an interface with somebody's XDP: refused" eval 'reload; [ $? = 1 ] && grep -q "er1" "$RUN/err"'
check_within 10 "and all is as it was" true_json '.mode == "enforce" and .flows.ipv4.max == 65536 and .waiting == [] and .feeds[0].state == "up"' status
in_ns edge ip link set dev er1 xdp off
cp "$RUN/path.yaml" "$RUN/sameway.yaml"
rx=$(j '.[0].rx_packets' paths)
check "reload adds a path and an exempt address" reload
check "a feed that was up is not called down meanwhile" true_json 'all(.feeds[]; .state != "down")' status
check "the path is there, ids are kept" true_json '.[0].name == "er1-primary" and .[0].id == 0 and .[2].name == "er2-primary" and .[2].interface == "er1"' paths
check "a weight is in effect" weighs 3 1
check "exempt at once" eval 's explain 10.11.30.4 | grep -q "exempt by its address"'
check_at_least "counters go on" "$(j '.[0].rx_packets' paths)" "$rx"
check "the command's mode goes on" true_json '.mode == "enforce"' status
check_within 20 "the feed is back" sameway_ready_but er1
check "packets are moved" forwards
check "routes say the weight" true_json ".[0].tiers[0].paths == [\"er1-primary\"] and .[0].tiers[0].weights == [3]" routes $CLOUD4
cp "$RUN/good.yaml" "$RUN/sameway.yaml"
edit 's/^mode: .*/mode: enforce/'
kill -HUP "$(cat "$RUN/sameway.pid")"
check_within 5 "SIGHUP takes both away again" true_json 'length == 2' paths
check "and the weight" weighs 1 0
check_within 20 "the feed is back" sameway_ready
check "moved by ExpressRoute" eval '[ "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" -ge 40 ]'
end_ping reloads
check_equal "the ping through all reloads lost nothing" "$(lost reloads)" 0
check "detach" s detach
check "nothing of it is left" eval '[ ! -e "/sys/fs/bpf/sameway/$LAB" ] && ! in_ns edge ip link show | grep -q xdp'
done_testing
