#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The jsonl feed on a live edge: read at the start, followed, cut, replaced, end of RIB; bad lines; withdrawals; cold start.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_edge
export EDGE_FEED='{ name: file, type: jsonl, file: routes.jsonl, follow: true }'
edge_config enforce
feed=$RUN/routes.jsonl
er='"path":"er1-primary","nexthop":"192.168.30.18","as_path":[12076]'
vpn='"peer":"10.10.30.254","as_path":[65515]'
{
	echo "{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",$er,\"local_pref\":200}"
	echo "{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",$vpn}"
} >"$feed"
background edge sameway "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"
check_within 10 "cold start: enforce waits for the end of RIB" true_json '.mode == "enforce" and .waiting == ["file"]' status
check "and acts as monitor: nothing forwarded" true_json '[.reasons[] | select(.action == "forward" and .packets > 0)] == []' counters
echo '{"op":"end-of-rib"}' >>"$feed"
check_within 5 "end-of-rib: it enforces" true_json '.waiting == []' status
selected() { true_json ".[0].selected == [\"$2\"]" routes "$1"; }
check_within 3 "both candidates" true_json '[.[0].candidates[].path] | sort == ["er1-primary", "vpn30"]' routes 10.10.30.0/24
check "ExpressRoute is chosen" selected 10.10.30.0/24 er1-primary
check_at_least "and used" "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" 40

echo '{"op":"withdraw","prefix":"10.10.30.0/24","path":"er1-primary"}' >>"$feed"
check_within 3 "a followed line: withdrawn" selected 10.10.30.0/24 vpn30
check_at_least "by VPN now" "$(moved edge tun30 tx ping_lost 40 0.005 $CLOUD4)" 40
echo "{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",$er}" >>"$feed"
check_within 5 "announced again" selected 10.10.30.0/24 er1-primary

errors() { j '.feeds[0].errors' status; }
n=$(errors)
{
	echo 'this is not JSON'
	echo '{"op":"fly"}'
	echo '{"op":"announce","prefix":"10.10.30.0/99","path":"vpn30"}'
	echo '{"op":"announce","prefix":"10.10.31.0/24","nexthop":"203.0.113.9","as_path":[64999]}'
	echo "{\"op\":\"announce\",\"prefix\":\"10.11.30.0/26\",$er}"
} >>"$feed"
check_within 3 "the good line after bad ones is taken" selected 10.11.30.0/26 er1-primary
check_at_least "bad lines are counted" "$(errors)" $((n + 3))
check "and told with their number" grep -q 'routes.jsonl:6: ' "$RUN/sameway.log"
check_equal "a route of no path is not compiled" "$(j 'map(.prefix) | index("10.10.31.0/24")' routes)" null

echo "{\"op\":\"announce\",\"prefix\":\"10.10.30.7/24\",$vpn,\"local_pref\":77}" >>"$feed"
check_within 3 "host bits are masked" true_json 'any(.[0].candidates[]; .path == "vpn30" and .local_pref == 77)' routes 10.10.30.0/24

echo '{"op":"peer-down","peer":"192.168.30.18"}' >>"$feed"
check_within 3 "peer-down: IPv4 by VPN" selected 10.10.30.0/24 vpn30
# What a file said before a reload holds no longer than until it has been read again.
sed '/"peer-down"/d' "$feed" >"$feed.without"
cp "$feed" "$feed.with"
echo '{"op":"end-of-rib"}' >>"$feed.without"
cat "$feed.without" >"$feed"
s reload >/dev/null
check_within 10 "reload, and nothing says peer-down: it is not" selected 10.10.30.0/24 er1-primary
cat "$feed.with" >"$feed"
check_within 5 "said again" selected 10.10.30.0/24 vpn30
{
	echo '{"op":"peer-up","peer":"192.168.30.18"}'
	echo "{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",$er}"
	echo "{\"op\":\"announce\",\"prefix\":\"10.11.30.0/26\",$er}"
} >>"$feed"
check_within 10 "peer-up, announced: ExpressRoute" selected 10.10.30.0/24 er1-primary

# Cut short and written anew: what is not announced until end-of-rib goes.
{
	echo "{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",$er}"
	echo '{"op":"end-of-rib"}'
} >"$feed"
check_within 5 "truncated: what is gone is removed" true_json '[.[].prefix] | index("10.11.30.0/26") == null and index("10.10.30.0/24") != null' routes
{
	echo "{\"op\":\"announce\",\"prefix\":\"10.12.0.0/16\",$er}"
	echo "{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",$er}"
	echo '{"op":"end-of-rib"}'
} >"$feed.new"
mv "$feed.new" "$feed"
check_within 5 "replaced: read again" selected 10.12.0.0/16 er1-primary
check "and the old stays where announced" selected 10.10.30.0/24 er1-primary
rm "$feed"
check_within 5 "gone: its routes are kept, stale" true_json 'any(.[0].candidates[]; .stale)' routes 10.10.30.0/24
check_at_least "and still used" "$(moved edge er0 tx ping_lost 40 0.005 $CLOUD4)" 40
{
	echo "{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",$er}"
	echo '{"op":"end-of-rib"}'
} >"$feed"
check_within 5 "there again: fresh" true_json 'all(.[0].candidates[]; .stale | not)' routes 10.10.30.0/24
# All routes come in parts: who asks and does not read holds nobody up, and reads the rest as the table is then.
last=10.111.183.0/24
for i in $(seq 0 2999); do
	echo "{\"op\":\"announce\",\"prefix\":\"10.$((100 + i / 256)).$((i % 256)).0/24\",$er}"
done >>"$feed"
check_within 10 "3000 more prefixes" selected $last er1-primary
check_equal "routes has them all, in order" "$(j '[.[].prefix | select(startswith("10.1")) | select(endswith(".0/24"))] | length' routes)" 3001
coproc reader {
	/usr/bin/python3 - "/run/sameway/$LAB.sock" $last 2>&1 <<-'P'
		import json, socket, sys
		with socket.socket(socket.AF_UNIX) as s:
		    s.connect(sys.argv[1])
		    s.sendall(b'{"cmd": "routes"}\n')
		    lines, more, told = s.makefile(), True, []
		    print("asked", flush=True)
		    open("/dev/fd/3").readline()
		    while more:
		        part = json.loads(lines.readline())
		        more, told = part["more"], told + [row["prefix"] for row in part["rows"]]
		    print(len(told) == len(set(told)) and len(told) > 2990 and sys.argv[2] not in told)
	P
} 3<&0
read -r -t 10 -u "${reader[0]}" _
check "one that does not read: status answers" true_json '.daemon' status
echo "{\"op\":\"withdraw\",\"prefix\":\"$last\",\"path\":\"er1-primary\"}" >>"$feed"
check_within 5 "and the table changes" true_json '. == []' routes $last
echo go >&"${reader[1]}"
read -r -t 20 -u "${reader[0]}" whole
check_equal "then it reads all that is left" "$whole" True
check "the daemon lives" true_json '.daemon' status
s detach >/dev/null
wait_for 5 finished sameway

# BIRD's end: its routes go stale, the traffic goes on.
unset EDGE_FEED
edge_config enforce
check "the bgp feed comes up" sameway_start
end_background bird-edge KILL
check_within 6 "BIRD killed: the feed is down or stale" true_json '.feeds[0].state != "up"' status
check "its routes are stale, not gone" true_json '[.[0].candidates[] | select(.stale)] | length == 2' routes 10.10.30.0/24
done_testing
