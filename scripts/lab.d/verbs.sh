# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# scripts/lab's verbs. Sourced by it.

# shellcheck disable=SC2034 # read by routers.sh, ipsec.sh, edges.sh
fast=0 mode=enforce frr=0 microsoft=0 nva=0

prepare() {
	local log
	./scripts/deps || exit 1
	log=$(mktemp)
	make -s -j "$(nproc)" all build/lab/vlan.bpf.o build/lab/hops.bpf.o >"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		rm -f "$log"
		die "make failed (above)"
	}
	rm -f "$log"
}

# seconds_since MS: with a tenth
seconds_since() {
	local ms=$(($(now_ms) - $1))
	echo "$((ms / 1000)).$((ms % 1000 / 100)) s"
}

take_down() {
	detach_edges
	end_all
	rm -rf "$RUN"
	rmdir /run/sameway-lab 2>/dev/null || :
}

# wrap SITE NAME COMMAND: what `exec SITE NAME` runs
wrap() {
	printf '#!/bin/sh\nexec %s\n' "$3" >"$RUN/bin-$1/$2" && chmod 755 "$RUN/bin-$1/$2"
}
# Each system's birdc and swanctl are those of its own daemon.
wrap_tools() {
	local site
	for site in $SITES; do
		mkdir -p "$RUN/bin-$site"
		[ ! -S "$RUN/$site.ctl" ] || wrap "$site" birdc "$(command -v birdc) -s $RUN/$site.ctl \"\$@\""
		[ ! -S "$RUN/$site.vici" ] ||
			wrap "$site" swanctl "env STRONGSWAN_CONF=$RUN/$site.strongswan $(command -v swanctl) \"\$@\" --uri unix://$RUN/$site.vici 2>/dev/null"
	done
}

bring_up() {
	[ $nva = 0 ] || { touch "$RUN/nva" && SITES+=' nva' BIRDS+=' nva' EDGES+=' nva' WIRES+=' branchgw'; }
	make_net && make_counters && make_tunnels && start_routers && start_edges && wrap_tools && wait_edges
}

verb_up() {
	local began site
	while [ $# -gt 0 ]; do
		case $1 in
		--fast) fast=1 ;;
		--monitor) mode=monitor ;;
		--frr) frr=1 ;;
		--microsoft-peering) microsoft=1 ;;
		--nva) nva=1 ;;
		*) bad "up: $1: not known" ;;
		esac
		shift
	done
	[ ! -e "$RUN" ] || die "lab '$LAB' is there already: scripts/lab down --name $LAB"
	[ $frr = 0 ] || [ $microsoft = 0 ] || bad "--microsoft-peering is BIRD's: leave out --frr"
	for site in $SITES nva; do
		[ ! -e "/run/netns/$LAB-$site" ] || die "a namespace $LAB-$site is there already: choose another --name"
	done
	prepare
	began=$(now_ms)
	mkdir -p "${RUN%/*}" || exit 1
	mkdir "$RUN" 2>/dev/null || die "can't make $RUN: is the lab coming up already?"
	: >"$RUN/pids"
	trap 'take_down; exit 130' INT TERM
	bring_up || {
		take_down
		die "it did not come up, see above"
	}
	touch "$RUN/up"
	settle || {
		matrix_table <"$RUN/matrix" | grep 'not so' >&2
		sessions_table | awk '$3 != "up"' >&2
		take_down
		die "up, but the network did not become what it should be within $SETTLE s: see above"
	}
	trap - INT TERM
	echo "lab '$LAB' is up after $(seconds_since "$began"): $(wc -w <<<"$SITES") namespaces, all 30 pairs as they should be"
}

SETTLE=40
# settle: until the packets go as they should
settle() { wait_for $SETTLE matrix_equal; }

sessions_table() {
	local site
	for site in $BIRDS; do sessions "$site" | awk -v site="$site" '{ print site, $1, $2 }'; done
}

# tunnels: `SITE installed|none` a line
tunnels() {
	local site
	for site in ce1 branchgw; do
		echo "$site $(swan $site --list-sas | grep -q INSTALLED && echo installed || echo none)"
	done
}
# edge_status EDGE: `{edge, mode, alerts}` of its sameway, null without a daemon
edge_status() {
	at_edge "$1" -j status 2>/dev/null | jq -c --arg edge "$1" \
		'{edge: $edge, mode: (if .daemon then .mode else null end), alerts: (if .daemon then .alerts.open else null end)}'
}

verb_status() {
	local edge
	case $* in
	-j)
		jq -nc --arg name "$LAB" --arg failed "$(failures)" --arg sessions "$(sessions_table)" --arg tunnels "$(tunnels)" \
			--argjson edges "$(for edge in $EDGES; do edge_status "$edge"; done | jq -sc .)" \
			'def rows: split("\n") | map(select(. != "") | split(" "));
			{name: $name, failed: ($failed | split("\n") | map(select(. != ""))), sessions: ($sessions | rows | map({site: .[0], session: .[1], state: .[2]})),
			tunnels: ($tunnels | rows | map({site: .[0], state: .[1]})), edges: $edges}'
		return
		;;
	'') ;;
	*) bad "status: $*: -j or nothing" ;;
	esac
	echo "lab $LAB, failed: $(failures | paste -sd ' ' | grep . || echo nothing)"
	sessions_table | awk '{ s[$1] = s[$1] " " $2 ($3 == "up" ? "" : "(" $3 ")"); if (!($1 in seen)) { seen[$1]; order[++n] = $1 } }
		END { for (i = 1; i <= n; i++) printf "  %-9s BGP%s%s\n", order[i], s[order[i]], order[i] == "msee1s" ? "   (its CE: disabled, as in the article)" : "" }'
	tunnels | awk '{ printf "  %-9s IPsec %s\n", $1, $2 }'
	for edge in $EDGES; do
		edge_status "$edge" | jq -r '"\(.edge) \(if .mode then "\(.mode), \(.alerts) alerts open" else "no daemon" end)"' |
			awk '{ edge = $1; $1 = ""; printf "  %-9s sameway%s\n", edge, $0 }'
	done
}

verb_matrix() {
	case $* in
	-j | '') ;;
	*) bad "matrix: $*: -j or nothing" ;;
	esac
	matrix_equal
	if [ "${1:-}" = -j ]; then matrix_json <"$RUN/matrix"; else matrix_table <"$RUN/matrix"; fi
	[ "$(unequal <"$RUN/matrix")" = 0 ]
}

# A sub-interface has no carrier without its trunk's: as 802.1Q devices do
er1_link() {
	local site
	ip -n "$LAB-msee1p" link set ce0 "$1" || return 1
	for site in msee1p ce1; do
		ip -n "$LAB-$site" link set subp "$1" || return 1
		! has_device "$site" subm || ip -n "$LAB-$site" link set subm "$1" || return 1
	done
}
has_device() { ip -n "$LAB-$1" link show dev "$2" >/dev/null 2>&1; }
# the tunnel's underlay, either of them
internet() {
	ip -n "$LAB-inet" link set i0 "$1" && { ! has_device inet i3 || ip -n "$LAB-inet" link set i3 "$1"; }
}
# does fail|restore WHAT
does() {
	case "$1 $2" in
	'fail er1-link') er1_link down ;;
	'restore er1-link') er1_link up ;;
	'fail er1-circuit') circuit disable msee1p msee1s ;;
	'restore er1-circuit') circuit enable msee1p msee1s ;;
	'fail er2-circuit') circuit disable msee2p msee2s ;;
	'restore er2-circuit') circuit enable msee2p msee2s ;;
	'fail vpn') internet down ;;
	'restore vpn') internet up ;;
	*) bad "$1 $2: not known: er1-link, er1-circuit, er2-circuit, vpn" ;;
	esac
}

# circuit enable|disable SITE...: the peerings of a circuit at Microsoft's edge routers
circuit() {
	local site name
	for site in "${@:2}"; do
		for name in CE HUB REMOTE; do
			grep -q "bgp $name " "$RUN/$site.conf" || continue
			birdc_at "$site" "$1" "$name" >/dev/null || return 1
		done
	done
}

change() {
	local began
	[ $# = 2 ] || bad "$1: one of er1-link, er1-circuit, er2-circuit, vpn"
	began=$(now_ms)
	does "$1" "$2" || die "$1 $2: it did not work"
	if [ "$1" = fail ]; then touch "$RUN/failed-$2"; else rm -f "$RUN/failed-$2"; fi
	settle || {
		matrix_table <"$RUN/matrix" >&2
		die "$1 $2: done, but packets do not go as they should after $SETTLE s: see above"
	}
	echo "$1 $2: all 30 pairs as they should be after $(seconds_since "$began")"
}
verb_fail() { change fail "$@"; }
verb_restore() { change restore "$@"; }

# names: `ADDRESS SITE` of each address in the lab
names() {
	local site
	for site in $SITES; do ip -n "$LAB-$site" -j -4 addr | jq -r --arg site "$site" '.[].addr_info[] | select(.local != "127.0.0.1") | .local + " " + $site'; done
}

verb_trace() {
	local src=${1:-} dst=${2:-}
	[ $# = 2 ] || bad "trace: two words: from which site, to which"
	of_lab "$src" || bad "trace: $src: no such site"
	dst=${ADDRESS[$dst]:-$dst}
	[[ $dst =~ ^[0-9.]+$ ]] || bad "trace: $2: no such site, no address"
	{
		names
		echo --
		in_ns "$src" traceroute -n -w 1 -q 1 -N 1 -m 10 ${ADDRESS[$src]:+-s "${ADDRESS[$src]}"} "$dst"
	} | awk '/^--$/ { hops = 1; next } !hops { name[$1] = $2; next } /^traceroute/ { print; next } { print $0 ($2 in name ? "  " name[$2] : "") }'
}

verb_exec() {
	local site=${1:-} path=$PATH
	[ $# -ge 2 ] || bad "exec: where, and what?"
	of_lab "$site" || bad "exec: $site: no such site: $SITES"
	[ ! -d "$RUN/bin-$site" ] || path=$RUN/bin-$site:$PATH
	shift
	exec nsenter --net="/run/netns/$LAB-$site" env PATH="$path" bash -c "$*"
}

verb_down() {
	[ $# = 0 ] || bad "down: $1: not known"
	[ -e "$RUN" ] || die "no lab '$LAB'"
	take_down
}
