#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `explain` and `audit` with policy rules on a live edge: which rule decided, what it puts behind, what is dropped when its path
# fails, an answer that comes back in clear; whom a pair can't be asked of. Then the path does fail: status, doctor, the log and the
# incident name the rule that has none.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/small.sh
. "$(dirname "$0")/small.sh"

HUB=10.10.30.0/24
config() {
	cat >"$RUN/sameway.yaml" <<-X
		mode: enforce
		forward: fast
		failback-delay: 100ms
		paths:
		  - { name: er, class: expressroute, circuit: er1, interface: er0, gateway: 192.168.30.18 }
		  - { name: vpn30, class: vpn, interface: vpn0, gateway: 192.168.40.2, encrypted: true }
		inside: [{ interface: lan0, networks: [10.2.30.0/25] }]
		rules:
		  - { name: secure, to: $HUB, proto: tcp, port: 5432, prefer: [vpn] }
		  - { name: voice, to: $HUB, dscp: 46, prefer: [vpn, expressroute] }
		  - { name: no, to: 10.10.30.200/32, deny: true }
		  - { name: never, to: 10.10.30.200/32, only: [vpn] }
		feeds:
		  - { name: file, type: jsonl, file: routes, follow: true }
	X
}
ex() { s -j explain "$@" >"$RUN/explain.json"; }
is() { check "$1" jq -e "$2" "$RUN/explain.json"; }
asked() { jq -c "$1" "$RUN/explain.json"; }

if ! { small_up >&2 && small_link edge vpn0 192.168.40.1/30 far vp0 192.168.40.2/30; }; then
	fail "test_explain: the lab comes up" "see above"
	done_testing
fi
cat >"$RUN/routes" <<-X
	{"op":"announce","prefix":"$HUB","path":"er","local_pref":200}
	{"op":"announce","prefix":"$HUB","path":"vpn30"}
	{"op":"announce","prefix":"10.11.30.64/26","path":"vpn30"}
	{"op":"announce","view":"remote","prefix":"10.2.30.0/25","class":"expressroute","circuit":"er1"}
	{"op":"announce","view":"remote","prefix":"10.2.30.0/25","class":"vpn"}
	{"op":"end-of-rib"}
X
config
"$SAMEWAY" check-config "$RUN/sameway.yaml" >/dev/null 2>"$RUN/err"
check_equal "check-config: a warning is no mistake" $? 0
check "it names the rule that never matches, its line and the one before it" grep -q 'sameway.yaml:12: warning: rule never: never matches: rule no before it' "$RUN/err"
sameway_start || { fail "sameway starts" "see above" && done_testing; }
check_within 20 "both paths carry" true_json '[.[] | .usable] == [true, true]' paths

ex $DST from 10.2.30.10 proto tcp port 5432
check_equal "in clear on the way back: not asymmetric, exit 0" $? 0
is "the rule decided" '.rule == "secure" and .step == "rule" and .path == "vpn30" and (.why | test("rule secure, prefer vpn"))'
check_equal "what it put behind: by the rule" "$(asked '[.candidates[] | [.path, .step]]')" '[["vpn30",null],["er","rule"]]'
is "an answer by ExpressRoute is in clear" '.verdict == "policy-violation" and .cause == "unencrypted" and .side == "azure" and (.message | test("a rule wants it on the VPN"))'
check_equal "without the VPN it is dropped, not sent by ExpressRoute" "$(asked '[.if_down[] | [.path, .then, .dropped, .verdict]]')" \
	'[["er","vpn30",false,"ok"],["vpn30",null,true,"no-route"]]'
s explain $DST from 10.2.30.10 proto tcp port 5432 >"$RUN/text"
check "and on the terminal" eval 'grep -q "vpn30: dropped, by the rule" "$RUN/text" && grep -q "^ladder, rule secure comes before it" "$RUN/text"'
ex 10.1.31.10 from 10.2.30.10
check_equal "no route: exit 0" $? 0
is "the verdict says it" '.verdict == "no-route" and .path == null and .prefix == null and .tiers == [] and (.why | test("^no route"))'
ex $DST from 10.2.30.10 port 5432
is "a port alone is TCP's" '.rule == "secure"'
ex $DST from 10.2.30.10 proto tcp port 443
is "another port goes by the ladder" '.rule == null and .step == "class" and .verdict == "ok" and [.candidates[].step] == [null, "class"]'
ex $DST from 10.2.30.10 proto udp port 5060 dscp 46
check_equal "a rule by DSCP: the VPN out, ExpressRoute back, exit 3" $? 3
is "is named in the words" '.rule == "voice" and (.message | test("expected vpn by rule voice"))'
ex 10.10.30.200 from 10.2.30.10
is "a rule that denies" '.rule == "no" and .path == null and .verdict == null and (.message | test("rule no denies it")) and all(.if_down[]; .dropped)'

ex $DST from 172.16.9.9
is "from nowhere inside: said so, and no path" '.path == null and .step == null and .verdict == null and .if_down == [] and (.why | test("172.16.9.9 is not inside: no network of `inside` has it"))'
ex $DST from 10.11.30.65
is "from behind a path" '.path == null and (.why | test("behind a path \\(10.11.30.64/26\\): path to path is transit-denied"))'
check "then no candidate is taken" eval 's explain $DST from 10.11.30.65 >"$RUN/text" && grep -q "^candidates" "$RUN/text" && ! grep -q taken "$RUN/text"'
check "an address of no prefix: routes says so" eval '[ "$(s routes 192.0.2.1)" = "no routes" ] && [ "$(j length routes 192.0.2.1)" = 0 ]'
ex 10.2.30.10 from $DST
is "the two turned round" '.path == null and (.why | test("turn the two round"))'
ex $DST from 10.2.30.3
is "from this box itself" '.path == "er"'
s explain $DST proto icmp port 443 >/dev/null 2>"$RUN/err"
check_equal "a port of ICMP: exit 2" $? 2
check "and what to do" grep -q 'has no ports: leave the port out' "$RUN/err"

s -j audit >"$RUN/audit.json"
check_equal "audit: rows, their rules, and those for a part" "$(jq -c '[.[] | [.dst_prefix, .rule, .part_rules, .dropped, .verdict]]' "$RUN/audit.json")" \
	"[[\"$HUB\",null,[\"secure\",\"voice\"],false,\"ok\"],[\"10.10.30.200/32\",\"no\",[\"secure\",\"voice\"],true,null],[\"10.11.30.64/26\",null,[],false,\"ok\"]]"
s audit >"$RUN/text"
check "and on the terminal" eval 'grep -q "a part of it may go otherwise, by rule secure, voice" "$RUN/text" && grep -q "10.10.30.200/32 .* denied" "$RUN/text"'
s -j audit --if-down er >"$RUN/audit.json"
check "--if-down speaks of then" jq -e '.[0] | .verdict == "failover" and (.message | test("^if er fails: ")) and (.message + .fix | test("is down|check") | not)' "$RUN/audit.json"

# the VPN does fail
ip -n "$LAB-edge" link set vpn0 down
rule_is() { true_json "[.rules.list[] | select(.name == \"secure\")][0].dropping == $1" status; }
check_within 10 "status: secure has no path" rule_is true
check_within 15 "the incident says so, critical" true_json 'any(.[]; .verdict == "backup-down" and .severity == "critical" and (.message | test("bound by rule secure, never has no path: it is dropped")))' alerts
knock() { in_ns lan timeout 1 bash -c ": >/dev/tcp/$DST/5432" 2>/dev/null; }
dropped() { knock; true_json '.rules.denied > 0 and .rules.denied_s < 10' status; }
check_within 15 "packets are dropped, and counted in status" dropped
check_within 5 "the log names it" grep -q 'dropped by policy rules (rule-denied): no path is usable of what is listed by secure' "$RUN/sameway.log"
s doctor >"$RUN/text" 2>&1
check "so does doctor" grep -q 'secure.*none of the paths that it lists is usable' "$RUN/text"
s status >"$RUN/text"
check "and status on the terminal" grep -q 'rules .*4, .* denied; dropped, as no path of it is usable: secure' "$RUN/text"
ip -n "$LAB-edge" link set vpn0 up
check_within 20 "it is over" rule_is false
s detach >/dev/null
done_testing
