#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What a reload makes of feeds: a name typed wrong is told at once, by all who could be asked; what a feed's absence opened stays
# open; a reload whose config before can't be had back either ends the daemon in order. And who asks for all routes and will say
# no more (half-closed) gets them all.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/small.sh
. "$(dirname "$0")/small.sh"

small_start monitor tc
config() { # FEED...
	local feed
	{
		sed '/^feeds:/d' "$RUN/good"
		echo 'stale-time: 2s'
		echo 'feeds:'
		for feed in "$@"; do echo "  - { $feed }"; done
	} >"$RUN/sameway.yaml"
}
cp "$RUN/sameway.yaml" "$RUN/good"
file="name: file, type: jsonl, file: $RUN/routes"
feed() { true_json ".feeds[] | select(.name == \"$1\") | $2" status; }

check_config_says() { s check-config "$RUN/sameway.yaml" 2>&1 >"$RUN/out" | grep -q "^$RUN/sameway.yaml:$1: warning: $2"; }
doctor_says() { s -j doctor -c "$RUN/sameway.yaml" | jq -e "any(.[]; .check == \"config\" and (.ok | not) and (.message | test(\"^line $1: $2\")) and .fix != \"\")"; }
told() { # NAME FEED-NAME FEED WORDS: check-config and doctor say WORDS, with the line
	local line
	config "$file" "$3"
	line=$(grep -n "name: $2," "$RUN/sameway.yaml" | cut -d: -f1)
	check "$1: check-config warns, with its line" check_config_says "$line" "feed $2: $4"
	check "$1: and writes the config" grep -q "name: $2" "$RUN/out"
	check "$1: doctor finds it" doctor_says "$line" "feed $2: $4"
}
reload_warns() { s reload 2>&1 >/dev/null | grep -q "warning: .*$1"; }
reload_warns_json() { s -j reload 2>/dev/null | jq -e ".reloaded and .exit == 0 and (.warnings | length == 1) and (.warnings[0].text | test(\"$1\"))"; }
reloaded() { # NAME WORDS: the config as it is
	check "$1: reload takes it, and warns" reload_warns "$2"
	check "$1: as JSON" reload_warns_json "$2"
}
told "a file typed wrong" f 'name: f, type: frr, file: typo.json' 'file: typo.json: No such file or directory'
reloaded "a file typed wrong" 'file: typo.json: No such file'
check_within 5 "a file typed wrong: status says it" feed f '.state == "down" and (.last_error | test("typo.json: no such file"))'
told "a directory typed wrong" a 'name: a, type: azure, dir: tabels/' 'dir: tabels/: No such file or directory'
reloaded "a directory typed wrong" 'dir: tabels/: No such file'
check_within 5 "a directory typed wrong: status says it" feed a '.state == "down" and (.last_error | test("tabels/: No such file"))'
told "a command typed wrong" c 'name: c, type: frr, command: "vtyshh -c x"' 'command: vtyshh: no such command'
reloaded "a command typed wrong" 'command: vtyshh: no such command'
check_within 5 "a command typed wrong: status says it" feed c '.last_error | test("command: exit status 127 .*vtyshh")'
told "an MRT file typed wrong" m 'name: m, type: mrt, file: typo.mrt' 'file: typo.mrt: No such file or directory'
check "an MRT file typed wrong: reload refuses it" eval 's reload 2>&1 | grep -q "nothing has changed: feed m: typo.mrt: No such file"'
check "and the feeds are as before" feed c '.state == "down"'
told "a file of lines typed wrong" l 'name: l, type: jsonl, file: typo, follow: true' 'file: typo: No such file or directory'
reloaded "a file of lines typed wrong" 'file: typo: No such file'
check_within 5 "a file of lines typed wrong: status says it" feed l '.state == "down" and (.last_error | test("typo: No such file"))'
printf '{"op":"end-of-rib"}\n' >"$RUN/typo"
check_within 5 "put there: it is read" feed l '.state == "up"'
printf '{"op":"announce","prefix":"10.99.0.0/16","path":"er"}\n{"op":"end-of-rib"}\n' >"$RUN/typo"
check_within 5 "a route in it" feed l '.routes == 1'
rm "$RUN/typo"
check_within 2 "taken away: it is stale while its route is kept" feed l '.state == "stale" and .routes == 1'
check_within 10 "down when that is gone" feed l '.state == "down" and .routes == 0'

mkdir "$RUN/empty"
config "$file" 'name: a, type: azure, dir: empty/'
check "an empty directory: reloaded without a word" eval '[ -z "$(s reload 2>&1 >/dev/null)" ]'
check_within 5 "an empty directory: status says it" feed a '.state == "down" and .errors == 0 and (.last_error | test("empty/: no file in it ends in .json"))'

# What is told of a feed that is not up goes on over a reload.
stale='[.[] | select(.verdict == "feed-stale" and .subject == "a")]'
check_within 20 "a feed without tables is told" true_json "$stale | length == 1" alerts
id=$(j "${stale}[0].id" alerts)
s reload >/dev/null
check_within 20 "reloaded" ready
check_within 10 "after a reload, too" true_json "$stale | length == 1" alerts
check_equal "the same incident goes on" "$(j "${stale}[0].id" alerts)" "$id"

# A table that is taken over is read back in parts, around each exempt host: explain names the prefix even so.
sed -i '1i exempt: [{ to: 10.10.30.9/32 }]' "$RUN/good"
config "$file, follow: true"
check "an exempt host" s reload
check_within 20 "in effect" ready
sed -i '/end-of-rib/d' "$RUN/routes"
check "taken over, with the feed's table not whole" s reload
check_within 5 "its routes are in" feed file '.routes == 2'
check "the feed is waited for" true_json '.waiting == ["file"]' status
check_within 5 "explain names the prefix" true_json '.prefix == "10.10.30.0/24" and .path == "er"' explain 10.10.30.4 from $LAN4
check "still waited for" true_json '.waiting == ["file"]' status
echo '{"op":"end-of-rib"}' >>"$RUN/routes"
check_within 5 "whole" ready

# All routes, to one who has said all that it has to say.
config "$file"
for i in $(seq 0 2999); do
	echo "{\"op\":\"announce\",\"prefix\":\"10.$((100 + i / 256)).$((i % 256)).0/24\",\"path\":\"er\"}"
done >>"$RUN/routes"
echo '{"op":"end-of-rib"}' >>"$RUN/routes"
s reload >/dev/null
check_within 20 "3000 prefixes" true_json 'length == 3002' routes
half_closed() { # REQUESTS TIMES: how many whole answers, and rows of lists, one gets who reads only when it has half-closed
	/usr/bin/python3 - "/run/sameway/$LAB.sock" "$1" "$2" <<-'P'
		import json, socket, sys
		def connect():
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(20)
		    s.connect(sys.argv[1])
		    return s
		with connect() as s:
		    s.sendall(sys.argv[2].encode() * int(sys.argv[3]))
		    s.shutdown(socket.SHUT_WR)
		    try:
		        for _ in range(3):  # the daemon has been at it meanwhile
		            with connect() as other:
		                other.sendall(b'{"cmd": "status"}\n')
		                other.makefile().readline()
		    except OSError:
		        pass
		    answers = [json.loads(line) for line in s.makefile()]
		    rows = [r for a in answers if isinstance(a["rows"], list) for r in a["rows"]]
		    print(sum(not a.get("more") for a in answers), len(rows))
	P
}
check_equal "half-closed: all routes" "$(half_closed $'{"cmd": "routes"}\n' 1)" '1 3002'
check_equal "half-closed: and what else was asked" "$(half_closed $'{"cmd": "routes"}\n{"cmd": "status"}\n' 2)" '4 6004'
check_equal "half-closed: more than the socket holds" "$(half_closed $'{"cmd": "status"}\n' 400)" '400 0'
check "the daemon lives" true_json '.daemon' status

# Neither the new config nor the one before can be had: the address to listen on went under the feed.
ip -n "$LAB-edge" addr add 169.254.77.9/32 dev lo
bgp='type: bgp, listen: 169.254.77.9:1790, as: 65021, router-id: 10.2.30.250, peers: [192.168.30.18]'
config "$file" "name: b, $bgp"
check "a feed that listens" s reload
ip -n "$LAB-edge" addr del 169.254.77.9/32 dev lo
config "$file" "name: other, $bgp"
# more than one question at once: what follows the reload finds no daemon to answer it
asked=$(half_closed $'{"cmd": "reload"}\n{"cmd": "status"}\n{"cmd": "routes"}\n{"cmd": "explain", "dst": "10.10.30.4"}\n' 1 2>&1)
check_within 10 "both refused: the daemon ends" finished sameway
check "and says why" grep -q "reload: feed other: 169.254.77.9:1790: .*; and the config before can't be had back: feed b: " "$RUN/sameway.log"
check "without a crash ($asked)" eval '! grep -qi "sanitizer\|segv" "$RUN/sameway.log"'
wait "$(cat "$RUN/sameway.pid")"
check_equal "its exit status" $? 1
check "the data plane stays" true_json 'length == 1' paths
config "$file"
check "and the next daemon takes it over" sameway_start
s detach >/dev/null
done_testing
