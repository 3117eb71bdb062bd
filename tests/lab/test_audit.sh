#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `audit` and `explain` on a live edge, by the tables that FRR and Azure print: each scenario of routes gives its rows and its exit
# status, and no other row is blamed. Then 400,000 pairs while routes come and go, and the daemon answers others meanwhile.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/small.sh
. "$(dirname "$0")/small.sh"

FRR=$ROOT/tests/unit/data/frr AZURE=$ROOT/tests/unit/data/azure/vnet-gateway-list-learned-routes
HUB=10.10.30.0/24 SPOKE=10.11.30.0/26 BRANCH=10.11.30.64/26 REMOTE=10.17.30.0/26 LAN=10.2.30.0/25

config() { # MODE [NETWORKS]
	cat >"$RUN/sameway.yaml" <<-X
		mode: $1
		forward: fast
		stale-time: 2s
		paths:
		  - { name: er, class: expressroute, circuit: er1, interface: er0, gateway: 192.168.30.18 }
		  - { name: vpn30, class: vpn, interface: vpn0, gateway: 192.168.40.2, encrypted: true, peers: [10.10.30.254] }
		inside: [{ interface: lan0, networks: [${2:-$LAN}] }]
		feeds:
		  - { name: frr, type: frr, dir: frr/ }
		  - { name: azure, type: azure, dir: azure/, view: remote, circuits: { 10.10.30.132: er1, 10.10.30.133: er1 } }
		  - { name: file, type: jsonl, file: routes, follow: true }
	X
}
# tables FRR AZURE: what the router and the hub's gateway print now
tables() {
	cp "$FRR/$1.json" "$RUN/frr/ce1.json.new" && mv "$RUN/frr/ce1.json.new" "$RUN/frr/ce1.json" &&
		cp "$AZURE.$2.json" "$RUN/azure/ergw.json.new" && mv "$RUN/azure/ergw.json.new" "$RUN/azure/ergw.json"
}
# rows ARGUMENTS...: "SOURCE DESTINATION VERDICT" of each pair, sorted; and the exit status behind them
rows() {
	s -j audit "$@" >"$RUN/audit.json" 2>"$RUN/audit.err"
	local code=$?
	jq -r '.[] | "\(.src_prefix) \(.dst_prefix) \(.verdict)"' "$RUN/audit.json" | sort
	echo "exit $code"
}
rows_are() { [ "$(rows)" = "$1" ]; }
want() { # VERDICT-OF-HUB SPOKE REMOTE BRANCH EXIT
	printf '%s\n' "$LAN $HUB $1" "$LAN $SPOKE $2" "$LAN $BRANCH $4" "$LAN $REMOTE $3" | sort
	echo "exit $5"
}
cause_of() { jq -r ".[] | select(.dst_prefix == \"$1\" and .src_prefix == \"${2:-$LAN}\") | .cause" "$RUN/audit.json"; }

if ! { small_up >&2 && small_link edge vpn0 "192.168.40.1/30 10.2.30.125/32" far vp0 192.168.40.2/30 && mkdir "$RUN/azure" "$RUN/frr"; }; then
	fail "test_audit: the lab comes up" "see above"
	done_testing
fi
echo '{"op":"end-of-rib"}' >"$RUN/routes"
tables ce1-steady hub-ergw.steady
config monitor
background edge sameway "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"

# S1, S2, S8: all four are well, the branch by VPN and the remote VNet by the circuit; the tunnel's own address is no source
check_within 20 "steady: nothing to blame, exit 0" rows_are "$(want ok ok ok ok 0)" || rows >&2
check_equal "each field of each row is there" "$(jq -c '[.[] | [has("src_prefix", "dst_prefix", "forward", "reverse", "verdict", "cause", "fix", "view_age_s")]] | flatten | unique' "$RUN/audit.json")" '[true]'
check_equal "ways, as the contract has them" "$(jq -c --arg d $BRANCH '.[] | select(.dst_prefix == $d) | [.forward, .reverse, .cause, .fix]' "$RUN/audit.json")" \
	'[{"class":"vpn","circuit":"vpn30","paths":["vpn30"]},{"class":"vpn","circuit":null},null,null]'

tables ce1-no-localpref hub-ergw.steady
check_within 5 "S10, S13: FRR stays on the VPN, Azure returns by ExpressRoute" rows_are "$(want asymmetric asymmetric ok ok 3)" || rows >&2
check_equal "its cause" "$(cause_of $HUB)" local-pref-missing
tables ce1-maintenance-prepend8-no-localpref hub-ergw.er1-primary-maintenance
check_within 5 "S12: maintenance without local preference" rows_are "$(want asymmetric asymmetric ok ok 3)" || rows >&2
tables ce1-maintenance-prepend8 hub-ergw.er1-primary-maintenance
check_within 5 "S35: with it all is well" rows_are "$(want ok ok ok ok 0)" || rows >&2
tables ce1-er1-ce-link-down hub-ergw.er1-ce-link-down
check_within 5 "S24, S25: hub and spoke by VPN, both ways; the remote VNet is lost" rows_are "$(want failover failover no-route ok 0)" || rows >&2
check_equal "its cause" "$(cause_of $REMOTE)" bgp-down
check_equal "what it says" "$(jq -r --arg d $REMOTE '.[] | select(.dst_prefix == $d) | .message' "$RUN/audit.json")" \
	"$REMOTE has no route here any more, it came by er; er: no route comes by it: its BGP session is down, or up and empty; Azure still has it, by expressroute"
tables ce1-vpn-more-specific hub-ergw.steady
check_within 5 "S11: a more specific one by VPN" rows_are "$({ want ok ok ok ok 3 | grep -v exit && echo "$LAN 10.11.30.0/27 asymmetric"; } | sort && echo exit 3)" || rows >&2
check_equal "its cause" "$(cause_of 10.11.30.0/27)" vpn-more-specific
tables ce1-steady hub-ergw.onprem-more-specific-on-vpn
check_within 5 "S17: the half that the VPN has a more specific prefix of" rows_are "$({ want ok ok ok ok 3 | grep -v exit &&
	printf '10.2.30.0/26 %s\n' "$HUB asymmetric" "$SPOKE asymmetric" "$REMOTE ok" "$BRANCH ok"; } | sort && echo exit 3)" || rows >&2
s -j explain 10.10.30.4 from 10.2.30.10 >"$RUN/explain.json"
check_equal "explain: exit 3" $? 3
check_equal "the other half is well: exit 0" "$(s -j explain 10.10.30.4 from 10.2.30.100 >/dev/null && echo 0)" 0
check_equal "explain: both candidates, and what put the VPN behind" "$(jq -c '[.candidates[] | [.path, .step, .local_pref]]' "$RUN/explain.json")" '[["er",null,200],["vpn30","class",100]]'
check "explain: a cause and a fix" jq -e '.verdict == "asymmetric" and .cause != null and .fix != null and .return.class == "vpn"' "$RUN/explain.json"
tables ce1-steady hub-ergw.steady
check_within 5 "steady again" rows_are "$(want ok ok ok ok 0)"

check_equal "--if-down: hub and spoke fail over, the remote VNet is lost, the branch does not care" "$(rows --if-down er)" "$(want failover failover no-route ok 0)"
check_equal "what moves, what is lost" "$(jq -c '[.[] | select(.moves or .lost) | [.dst_prefix, .moves, .lost, .was.verdict]] | sort' "$RUN/audit.json")" \
	"[[\"$HUB\",true,false,\"ok\"],[\"$SPOKE\",true,false,\"ok\"],[\"$REMOTE\",false,true,\"ok\"]]"
s audit --if-down er >"$RUN/text"
check "and on the terminal" eval 'grep -q "if er is down: 2 prefixes move, 1 lost" "$RUN/text" && grep -q "^lost *10.17.30.0/26" "$RUN/text" && grep -q "4 pairs:.* 2 failover" "$RUN/text"'
check_equal "explain says the same" "$(s -j explain 10.10.30.4 from 10.2.30.10 | jq -c '[.if_down[] | [.path, .then, .return.class, .verdict]]')" '[["er","vpn30","vpn","failover"],["vpn30","er","expressroute","ok"]]'
s audit --if-down nosuch >/dev/null 2>"$RUN/err"
check_equal "an unknown path: exit 2" $? 2
check "and a clear message" grep -q 'nosuch: no such path' "$RUN/err"
in_ns lan ping -c 3 -i 0.2 10.10.30.4 >/dev/null
check "explain: what the flow table has seen" true_json '(.seen.hosts | length) >= 1 and .seen.hosts[0].forward.packets >= 3 and .seen.prefixes[0].flows >= 1' explain 10.10.30.4 from 10.2.30.10

check "reload: at once it knows as much as before" eval 's reload >/dev/null && rows_are "$(want ok ok ok ok 0)"' || rows >&2
check "and explain" eval 's reload >/dev/null && true_json ".verdict == \"ok\" and .tiers != [] and .return.class == \"expressroute\"" explain 10.10.30.4'
check "and routes" eval 's reload >/dev/null && true_json "length == 5" routes'

rm "$RUN/azure/ergw.json"
check_within 8 "no remote view: unknown, and what to feed" rows_are "$(want null null null null 0)" || rows >&2
check "as the fix" jq -e 'all(.[]; .cause == "unknown" and (.fix | test("view: remote")) and .view_age_s == null)' "$RUN/audit.json"

# 4,000 x 100 while some of it goes and comes; sources: 100 networks
for ((n = 0; n < 4000; n++)); do
	echo "{\"op\":\"announce\",\"prefix\":\"10.$((100 + n / 250)).$((n % 250)).0/24\",\"path\":\"er\"}"
done >>"$RUN/routes"
for ((n = 0; n < 100; n++)); do
	echo "{\"op\":\"announce\",\"view\":\"remote\",\"prefix\":\"172.16.$n.0/24\",\"class\":\"$([ $((n % 50)) = 0 ] && echo vpn || echo expressroute)\",\"circuit\":\"er1\"}"
done >>"$RUN/routes"
config monitor "$(seq -s, -f '172.16.%.0f.0/24' 0 99)"
sed -i '/name: frr/d; /name: azure/d' "$RUN/sameway.yaml"
s reload >/dev/null
check_within 20 "4,000 prefixes" true_json '[.feeds[] | select(.name == "file") | .routes] == [4100]' status
check_within 20 "only they are left" true_json '.routes.prefixes4 == 4000' status
big() { s -j audit >"$RUN/audit.json"; }
{
	for ((n = 0; n < 4000; n += 40)); do
		echo "{\"op\":\"withdraw\",\"prefix\":\"10.$((100 + n / 250)).$((n % 250)).0/24\",\"path\":\"er\"}"
		echo "{\"op\":\"announce\",\"prefix\":\"10.99.$((n / 40)).0/24\",\"path\":\"er\"}"
	done
} >"$RUN/more"
big &
audit=$!
cat "$RUN/more" >>"$RUN/routes"
worst=0
while kill -0 $audit 2>/dev/null; do
	t=$(date +%s%N)
	s status >/dev/null
	t=$((($(date +%s%N) - t) / 1000000))
	[ $t -le $worst ] || worst=$t
	sleep 0.1
done
wait $audit
check_equal "400,000 pairs: two sources return by VPN, exit 3" $? 3
echo "# status during the audit: $worst ms at most, with its start"
# too large for jq beside others: each row's text
texts() { tr , "\n" <"$RUN/audit.json" | LC_ALL=C grep -E "^$1"; }
# not those that went meanwhile, one of them perhaps while its row was told
sed -nE 's/.*"withdraw","prefix":("[^"]*").*/\1/p' "$RUN/more" >"$RUN/gone"
check_equal "each pair that was there all the time is told once" \
	"$(texts '"dst_prefix": *"[^"]*"' | grep -v '"10\.99\.' | grep -vFf "$RUN/gone" | sort | uniq -c | awk '{ print $1 }' | sort -u)" 100
check_within 20 "the changes are in" true_json '.routes.prefixes4 == 4000' status
big
check_equal "all pairs of the new table" "$(texts '"dst_prefix":' | wc -l)" 400000
check_equal "and those of them that are asymmetric" "$(texts '"verdict": *"asymmetric"' | wc -l)" 8000
s detach >/dev/null
done_testing
