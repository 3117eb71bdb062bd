#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# ExpressRoute's link loses its carrier, without BFD, while sameway is stopped, or dead: the kernel's timer alone moves the traffic to
# the VPN, gives the path back when the link and its gateway's MAC are there again, and says so in `paths`. A device that is deleted
# and made anew, with the same name and number, is no carrier of the old one's. SAMEWAY_LONG=1: 20 cuts of each kind, else 2.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/churn.sh
. "$(dirname "$0")/churn.sh"

CUTS=$([ "${SAMEWAY_LONG:-}" = 1 ] && echo 20 || echo 2)
# BIRD's best is ExpressRoute: what were left to the kernel would follow the dead link.
export EDGE_VPN_PREF=50
lab_start enforce

healthy() { true_json 'all(.[]; .usable) and .[0].name == "er1-primary"' paths; }
# The pings: the far side's packets end what holds a path back.
all_well() {
	in_ns lan ping -q -c 1 -W 1 "$CLOUD4"
	healthy && edge_converged
}
by_er() { [ "$(moved edge er0 tx ping_lost 20 0.01 "$CLOUD4")" -ge 20 ]; }
by_vpn() { [ "$(moved edge tun30 tx ping_lost 20 0.01 "$CLOUD4")" -ge 20 ]; }
is_down() { true_json '.[0].usable == false and (.[0].reasons | index("interface-down"))' paths; }
signal() { kill "-$1" "$(cat "$RUN/sameway.pid")"; }

# event KIND OLD NEW: now
event() { echo "$1 ${EPOCHREALTIME/./}000 $2 $3" >>"$RUN/events"; }
# lose KIND, give_back KIND: under a stream of 1000 packets a second; how long it finds no path is measured at its end
lose() {
	event "link-loss-$1" er vpn
	er_cut
	check_within 5 "$1: traffic goes by VPN" by_vpn
	check "$1: paths says interface-down" is_down
}
give_back() {
	event "failback-$1" vpn er
	er_restore
	check_within 40 "$1: the kernel gives it back" healthy
	check_within 20 "$1: traffic goes by ExpressRoute" by_er
}

stream_start
check_within 20 "by ExpressRoute" by_er

# A daemon that goes on has much to read: BIRD's withdrawals, and what came after. It has, when it has answered twice and its
# routes are as they should be.
caught_up() {
	s status >/dev/null && s status >/dev/null && all_well &&
		true_json 'length == 1 and .[0].selected == ["er1-primary"]' routes "$CLOUD4" && by_er
}
for ((i = 1; i <= CUTS; i++)); do
	wait_for 40 caught_up || break
	signal STOP
	lose stopped
	give_back stopped
	signal CONT
done
wait_for 40 caught_up
check "the daemon says what was done without it" grep -q 'er1-primary is not usable' "$RUN/sameway.log"
sameway_kill
for ((i = 1; i <= CUTS; i++)); do
	wait_for 40 all_well || break
	lose killed
	give_back killed
done
for kind in stream at-er at-vpn at-cloud sink; do end_background $kind; done
"$steady" times "$RUN/events" "$RUN/at-cloud.log" er="$RUN/at-er.log" vpn="$RUN/at-vpn.log" >"$RUN/times"
echo "# load $(cut -d' ' -f1 /proc/loadavg): kind, rounds, moved, median ms, worst ms, lost, lost at worst"
sed 's/^/#   /' "$RUN/times"
figure() { awk -v kind="$1" -v n="$2" '$1 == kind { print $(n + 1) }' "$RUN/times"; }
for kind in stopped killed; do
	check_equal "$kind, link-loss: moves each time" "$(figure link-loss-$kind 2)" "$CUTS"
	check_at_most "$kind, link-loss: ms, median" "$(printf '%.0f' "$(figure link-loss-$kind 3)")" $((20 * ${LAB_SLOW:-1}))
	check_equal "$kind, failback: loses nothing" "$(figure failback-$kind 5)" 0
done

# A gateway that does not answer yet is no way back: its MAC went with the link.
er_cut
check_within 5 "down once more" is_down
in_ns msee nft 'add table netdev deaf { chain in { type filter hook ingress device ce0 priority -500; policy drop; }; }'
er_restore
check_within 5 "the link is back, held back" true_json '.[0].usable == false and .[0].reasons == ["failback-delay"]' paths
check_equal "while its gateway is not heard: nothing is lost" "$(ping_lost 300 0.01 $CLOUD4)" 0
check "and it is still held back" true_json '.[0].usable == false and .[0].reasons == ["failback-delay"]' paths
in_ns msee nft delete table netdev deaf
check_within 30 "heard: it is given back" healthy
check_within 20 "and traffic goes by it" by_er

# The next daemon finds it down, and goes on.
er_cut
check_within 5 "down, no daemon" is_down
sameway_start || done_testing
check "the next daemon starts with it down" is_down
check "traffic by VPN" by_vpn
er_restore
check_within 40 "and takes it back" all_well
check_within 20 "traffic goes by it" by_er

# With the daemon dead the device goes, and another has its name and number.
sameway_kill
delete_er0
check_within 5 "device deleted, daemon dead: down" is_down
check_within 5 "traffic goes by VPN" by_vpn
make_er0
check_within 5 "another of its name: not taken for it" is_down
check "traffic stays" by_vpn
sameway_start || done_testing
check_within 60 "the next daemon takes it up" all_well
check_within 20 "traffic goes by it" by_er

# And with the daemon alive the new one's carrier is read.
delete_er0
check_within 5 "deleted, daemon alive: down" is_down
make_er0
check_within 60 "made anew: usable" all_well
signal STOP
er_cut
check_within 5 "the new one's cut, daemon stopped: down" is_down
check_within 5 "traffic goes by VPN" by_vpn
er_restore
signal CONT
check_within 40 "all is well" all_well
done_testing
