#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# scripts/lab up --microsoft-peering: Tunnel30 rides on ExpressRoute 1's Microsoft peering. 10.2.30.64/26 is bound to the tunnel,
# both ways and also when it is away; the rest goes by private peering; sameway says that the backup is not independent.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/seed.sh
. "$(dirname "$0")/seed.sh"

SECURE=10.2.30.70
# secure_ping COUNT FROM: pings answered, from the secure host to the hub or the other way
secure_ping() {
	local out
	if [ "$2" = loc1 ]; then
		out=$(lab exec loc1 "ping -q -c $1 -i 0.05 -W 1 -s 77 -I $SECURE ${HOST[hub]}")
	else
		out=$(lab exec hub "ping -q -c $1 -i 0.05 -W 1 -s 77 $SECURE")
	fi
	sed -nE 's/.* ([0-9]+) received.*/\1/p' <<<"$out"
}
# in_clear: packets of the secure host that the private peering carried
in_clear() { lab exec msee1p "nft list set ip lab seen" | grep -c "$SECURE"; }
in_tunnel() { lab exec vpngw "nft list set ip lab seen" | grep -c "$SECURE"; }
# received SITE DEVICE: packets received there so far
received() { lab exec "$1" "ip -s -j link show dev $2" | jq '.[0].stats64.rx.packets'; }

seed_up --fast --microsoft-peering
check "all else as documented" as_documented steady
check "flows are what the wire has" flows_agree ce1 loc1
before=$(received msee1p ce0.310)
check_equal "the secure host reaches the hub" "$(secure_ping 10 loc1)" 10
check_equal "and the hub it" "$(secure_ping 10 hub)" 10
check_at_least "by the tunnel, both ways" "$(in_tunnel)" 2
check_equal "nothing of it in clear" "$(in_clear)" 0
check_at_least "the tunnel rides on Microsoft peering, tags 30 and 310" $(($(received msee1p ce0.310) - before)) 20
check "its flows are well" true_at ce1 "[.[] | select(.src == \"$SECURE\" or .dst == \"$SECURE\")] | length >= 2 and all(.[]; .verdict == \"ok\" and .forward.path == \"vpn30\" and .reverse.path == \"vpn30\")" flows
check_within 30 "the backup is not independent: it is said" true_at ce1 'any(.[]; .verdict == "backup-not-independent" and (.message | test("52.168.162.84.*er0.310.*er1-microsoft")))' alerts
check "and nothing else" true_at ce1 'all(.[]; .verdict == "backup-not-independent")' alerts
check "the tunnel drained" lab exec ce1 'sameway path vpn30 drain'
check_equal "what is bound to it is dropped" "$(secure_ping 5 loc1)" 0
check_equal "never in clear" "$(in_clear)" 0
check "and undrained" lab exec ce1 'sameway path vpn30 undrain'
check_within 10 "it reaches the hub again" eval '[ "$(secure_ping 3 loc1)" = 3 ]'
# the trunk has both paths; private peering is the one that the traffic went by
meanwhile() {
	check_within 10 "one failover tells of all that has moved, by private peering" true_at ce1 '[.[] | select(.verdict == "failover")] |
		length > 0 and all(.[]; .message | test("the link of er1-primary ")) and ([.[] | select(.prefixes_moved == 2 and .prefixes_lost == 1 and .severity == "critical")] | length) == 1' alerts
}
tour er1-link
check "down" lab down
check "nothing of it is left" nothing_left "$NAME"
done_testing
