# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests of scripts/lab share. Sourced after lib.sh by tests/lab/test_seed*.sh.

LABTOOL=$ROOT/scripts/lab
NAME=t$(printf '%06x' $((RANDOM * 512 + RANDOM % 512)))
SEEDRUN=/run/sameway-lab/$NAME
declare -A HOST=([hub]=10.10.30.4 [spoke]=10.11.30.4 [branch]=10.11.30.68 [loc1]=10.2.30.10 [loc2]=10.1.31.10 [remote]=10.17.30.4)
# labs_down: the lab of this test, and others that it has brought up
LABS=("$NAME")
labs_down() {
	local name
	for name in "${LABS[@]}"; do "$LABTOOL" --name "$name" down 2>/dev/null; done
}
trap labs_down EXIT

lab() { "$LABTOOL" --name "$NAME" "$@"; }
# at EDGE FILTER COMMAND...: its sameway's JSON answer through jq -r
at() { "/run/sameway-lab/$NAME/bin-$1/sameway" -j "${@:3}" | jq -r "$2"; }
# true_at EDGE FILTER COMMAND...: whether the filter is true of the JSON answer; says the answer when it is not
true_at() {
	local out
	out=$("/run/sameway-lab/$NAME/bin-$1/sameway" -j "${@:3}")
	jq -e "$2" <<<"$out" >/dev/null && return
	jq -c . <<<"$out"
	return 1
}

# seed_up ARGUMENT...: ends the script when the lab does not come up
seed_up() {
	check "the lab comes up: all pairs as they should be" lab up "$@" || done_testing
	lab matrix -j >"$SEEDRUN/now"
}

# matrix_is COLUMN: whether the matrix is what tests/lab/seed_matrix.csv has in it; says the pairs that are not
matrix_is() {
	lab matrix -j >"$SEEDRUN/now"
	jq -r '.[] | [.src, .dst, .class, .circuit // "-"] | join(",")' "$SEEDRUN/now" |
		awk -F, -v column="$1" '
			NR == FNR { if (FNR == 1) { for (i = 1; i <= NF; i++) if ($i == column) c = i; next }
				want[$1 "," $2] = $c "," ($c == "ER" ? $4 : "-"); n++; next }
			{ seen++; if (want[$1 "," $2] != $3 "," $4) { bad = 1; print $0 ", not " want[$1 "," $2] } }
			END { exit bad || seen != n || n != 30 }' "$ROOT/tests/lab/seed_matrix.csv" -
}

# as_documented COLUMN: the same, or soon: a packet may be lost, the tunnel's two ends may make its keys anew
as_documented() { wait_for 10 matrix_is "$1" || matrix_is "$1"; }

# flows_agree EDGE SITE: the newest flow of each pair of SITE that packets of the last matrix connected has the classes that the
# wire has; pairs that it did not connect have none
flows_agree() {
	local address=${HOST[$2]}
	"/run/sameway-lab/$NAME/bin-$1/sameway" -j flows | jq -r --slurpfile now "$SEEDRUN/now" --arg site "$2" --arg own "$address" \
		--argjson hosts "$(for h in "${!HOST[@]}"; do echo "{\"$h\": \"${HOST[$h]}\"}"; done | jq -sc add)" '
		. as $flows | {ER: "expressroute", VPN: "vpn"} as $classes |
		($now[0] | map({key: (.src + " " + .dst), value: .}) | from_entries) as $wire |
		[$now[0][] | select(.src == $site or .dst == $site) | . as $pair |
			($flows | map(select(.proto == "icmp" and .src == $hosts[$pair.src] and .dst == $hosts[$pair.dst])) | sort_by(.idle_s)) as $f |
			$wire[$pair.dst + " " + $pair.src] as $back |
			if .class == "NONE" and $back.class == "NONE" then (if ($f | map(select(.idle_s < 2))) == [] then empty else "\(.src) \(.dst): a flow of no packets" end)
			elif $f == [] then "\(.src) \(.dst): no flow"
			elif $f[0].forward.class != $classes[.class] or $f[0].reverse.class != $classes[$back.class] then
				"\(.src) \(.dst): flow \($f[0].forward.class) and \($f[0].reverse.class), wire \(.class) and \($back.class)"
			else empty end] | if . == [] then empty else .[] end' | { ! grep .; }
}

# nothing_left NAME: of a lab that was taken down; says what is
nothing_left() {
	{
		ip netns list | grep "^$1-"
		ls -d "/run/sameway-lab/$1" "/sys/fs/bpf/sameway/$1-"* "/run/sameway/$1-"* 2>/dev/null
	} | { ! grep .; }
}

# tour WHAT...: each failure, and back; meanwhile WHAT in between
meanwhile() { :; }
tour() {
	local what
	for what in "$@"; do
		check "fail $what" lab fail "$what"
		check "$what: as documented" as_documented "$what"
		check "$what: flows at Location 1 are what the wire has" flows_agree ce1 loc1
		meanwhile "$what"
		check "restore $what" lab restore "$what"
		check "$what restored: as documented" as_documented steady
		check "$what restored: flows are what the wire has" flows_agree ce1 loc1
	done
}
