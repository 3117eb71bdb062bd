#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Routes that come and go at a real BIRD: told once a burst, before and after; silent for a start, for a feed that goes and comes
# back (no write to the maps), for a failover and its return. And the incidents feed-stale and prefix-limit.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# static SITE PROTOCOL ROUTES: that static protocol of its BIRD has these besides, and no others of an earlier call
static() {
	local conf=$RUN/$1.conf
	[ -f "$conf.first" ] || cp "$conf" "$conf.first"
	sed "s|\(protocol static $2 {.*\) }$|\1 $3 }|" "$conf.first" >"$conf"
	birdc_at "$1" configure >/dev/null
}
blackholes() { printf 'route %s blackhole; ' "$@"; }
# told FILTER: of the incidents route-change, also closed ones
told() { true_json "[.[] | select(.verdict == \"route-change\")] | $1" alerts --all; }
incident() { true_json "[.[] | select(.verdict == \"$1\" and .subject == \"$2\")] | last | $3" alerts --all; }
routes_of() { true_json "[.feeds[] | .routes, .stale] == [$1, $2]" status; }

lab_edge
export EDGE_EXTRA='stale-time: 8s'
edge_config monitor
sed -i 's/as: 12076 }/as: 12076, prefix-limit: { in: 4 } }/' "$RUN/sameway.yaml"
check "sameway runs" sameway_start || done_testing
check "a start is silent" told 'length == 0'

burst=$(for i in $(seq 1 12); do blackholes "10.77.$i.0/24"; done)
static vpngw branch "$burst"
check_within 15 "a burst: one incident, info, closed at once" told 'length == 1 and .[0].severity == "info" and .[0].state == "closed"'
check "with its count and examples" told '.[0].message == "12 prefixes changed; 12 appeared, vpn (10.77.1.0/24, 10.77.2.0/24, 10.77.3.0/24, ...)"'
check "in numbers" told '.[0] | .prefixes_moved == 12 and .prefixes_lost == 0'

writes=$(j .routes.writes status)
n=$(j '.feeds[0].routes' status)
birdc_at edge disable MON >/dev/null
check_within 5 "the feed is gone: all its routes are stale" routes_of "$n" "$n"
check "routes shows it" true_json 'all(.[0].candidates[]; .stale)' routes 10.10.30.0/24
check_within 10 "feed-stale opens before stale-time is over" incident feed-stale router '.state == "open" and .severity == "warning"'
birdc_at edge enable MON >/dev/null
check_within 15 "it is back: none is stale" routes_of "$n" 0
check_within 5 "feed-stale closes" incident feed-stale router '.state == "closed"'
check_equal "nothing was written to the maps" "$(j .routes.writes status)" "$writes"

er_cut
check_within 10 "a circuit is cut: the hub by VPN" true_json '[.[0].candidates[].path] == ["vpn30"]' routes 10.10.30.0/24
er_restore
check "it returns" edge_wait_converged 30
check_within 10 "with all its routes" routes_of "$n" 0
static msee region "$(blackholes 10.77.1.0/24)"
check_within 30 "the next incident is of what came after the failover" told 'length == 2'
check "one prefix, by name, before and after" told '.[1] | .dst_prefix == "10.77.1.0/24" and
	.message == "10.77.1.0/24 changed class: before vpn by vpn30, now expressroute by er1-primary"'

check_within 5 "4 prefixes of 4: prefix-limit, critical" incident prefix-limit er1-primary \
	'.state == "open" and .severity == "critical" and .cause == "prefix-limit" and (.message | test("^4 IPv4 prefixes.*100 %"))'
static msee region ''
check_within 10 "3 of them: closed" incident prefix-limit er1-primary '.state == "closed"'
check "all of it as text" grep -q 'about    er1-primary' <(s alerts --all)
done_testing
