# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Who reaches whom by what: what packets did, and what they should do. Sourced by scripts/lab.

CIRCUITS_OF='msee1p:ER1 msee1s:ER1 msee2p:ER2 msee2s:ER2'
# where packets are counted besides at the hosts
WIRES='msee1p msee1s msee2p msee2s vpngw'
# a probe is an echo request of this many bytes, which nobody else sends
PROBE=105

# make_counters: at each router that decides a class, and at each host, packets of probes by pair and by device
make_counters() {
	local site
	for site in $HOSTS $WIRES; do
		in_ns "$site" nft -f - <<-Y || return 1
			table ip lab {
				set seen { typeof ip saddr . ip daddr . iifname; flags dynamic; size 1024; }
				chain wire {
					type filter hook prerouting priority raw;
					icmp type echo-request ip length $PROBE add @seen { ip saddr . ip daddr . iifname counter }
				}
			}
		Y
	done
}

# failed WHAT: whether it is so now
failed() { [ -e "$RUN/failed-$1" ]; }
failures() {
	local what
	for what in er1-link er1-circuit er2-circuit vpn; do if failed $what; then echo $what; fi; done
}

# expect SRC DST: `CLASS CIRCUIT` as it should be with what has failed now
expect() {
	case "$1 $2" in
	'hub spoke' | 'spoke hub') echo PEERING - ;;
	'hub branch' | 'spoke branch' | 'branch hub' | 'branch spoke') echo VPN - ;;
	'loc1 branch' | 'branch loc1')
		if [ -e "$RUN/nva" ]; then
			# by ExpressRoute to the appliance, by its tunnel on
			if failed er1-link || failed er1-circuit; then echo NONE -; else echo ER+VPN ER1; fi
			return
		fi
		failed vpn && echo NONE - || echo VPN -
		;;
	'loc1 hub' | 'loc1 spoke' | 'hub loc1' | 'spoke loc1')
		if ! failed er1-link && ! failed er1-circuit; then
			echo ER ER1
		elif failed vpn; then
			echo NONE -
		else
			echo VPN -
		fi
		;;
	'loc1 remote' | 'remote loc1') if failed er1-link || failed er1-circuit; then echo NONE -; else echo ER ER1; fi ;;
	'hub remote' | 'spoke remote' | 'remote hub' | 'remote spoke') failed er1-circuit && echo NONE - || echo ER ER1 ;;
	'hub loc2' | 'spoke loc2' | 'loc2 hub' | 'loc2 spoke') failed er2-circuit && echo NONE - || echo ER ER2 ;;
	*) echo NONE - ;;
	esac
}

# probe: SENT packets from each host to each other
SENT=3
probe() {
	local src dst all pids=()
	for src in $HOSTS; do
		all=''
		for dst in $HOSTS; do
			[ "$src" = "$dst" ] || all+="ping -q -c $SENT -i 0.02 -W 1 -s $((PROBE - 28)) -I ${ADDRESS[$src]} ${ADDRESS[$dst]} & "
		done
		in_ns "$src" bash -c "$all wait" >/dev/null 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# seen: `SITE SRC-ADDRESS DST-ADDRESS DEVICE PACKETS` of the last probe
seen() {
	local site
	for site in $HOSTS $WIRES; do
		in_ns "$site" nft list set ip lab seen | tr ',' '\n' |
			sed -nE "s/(.*[^0-9.])?([0-9.]+) \. ([0-9.]+) \. \"([a-z0-9.]+)\" counter packets ([0-9]+) .*/$site \2 \3 \4 \5/p"
	done
}

# measure: `SRC DST CLASS CIRCUIT DELIVERED LINKS WANTED-CLASS WANTED-CIRCUIT` a pair; of what was lost the class is NONE.
# Each packet over both classes, one after the other: ER+VPN; some by the one and some by the other, or by two circuits: MIXED.
measure() {
	local site src dst
	exec 9>"$RUN/matrix.lock" && flock 9
	for site in $HOSTS $WIRES; do in_ns "$site" nft flush set ip lab seen; done
	probe
	{
		for site in $HOSTS; do echo "address $site ${ADDRESS[$site]}"; done
		for site in $CIRCUITS_OF; do echo "circuit ${site/:/ }"; done
		seen
		for src in $HOSTS; do
			for dst in $HOSTS; do [ "$src" = "$dst" ] || echo "want $src $dst $(expect "$src" "$dst")"; done
		done
	} | awk -v sent=$SENT '
		$1 == "address" { name[$3] = $2; next }
		$1 == "circuit" { circuit[$2] = $3; next }
		$1 == "want" {
			pair = $2 " " $3; class = "NONE"; by = "-"
			if (delivered[pair]) {
				by = ers[pair] ? ers[pair] : "-"
				class = er[pair] ? "ER" : vpn[pair] ? "VPN" : "PEERING"
				# counted more often than there were packets: in series
				if (er[pair] && vpn[pair]) class = er[pair] + vpn[pair] > sent ? "ER+VPN" : "MIXED"
				if (by ~ /,/) class = "MIXED"
			}
			print pair, class, by, delivered[pair] + 0, links[pair] ? links[pair] : "-", $4, $5
			next
		}
		{
			pair = name[$2] " " name[$3]
			if ($1 == name[$3]) { delivered[pair] += $5; next }
			links[pair] = links[pair] (links[pair] ? "," : "") $1 ":" $4
			if ($1 in circuit) {
				er[pair] += $5
				if (("," ers[pair] ",") !~ ("," circuit[$1] ","))
					ers[pair] = ers[pair] (ers[pair] ? "," : "") circuit[$1]
			} else vpn[pair] += $5
		}'
	flock -u 9
}

unequal() { awk '$3 != $7 || $4 != $8 { n++ } END { print n + 0 }'; }
# matrix_equal: measures and compares; what it measured is in $RUN/matrix
matrix_equal() {
	measure >"$RUN/matrix.new" && mv "$RUN/matrix.new" "$RUN/matrix" && [ "$(unequal <"$RUN/matrix")" = 0 ]
}

matrix_json() {
	jq -Rsc 'split("\n") | map(select(. != "") | split(" ") | {src: .[0], dst: .[1], class: .[2],
		circuit: (if .[3] == "-" then null else .[3] end), packets: (.[4] | tonumber), links: (if .[5] == "-" then [] else (.[5] | split(",")) end)})'
}

matrix_table() {
	local now
	now=$(failures | tr '\n' ' ')
	echo "failed: ${now:-nothing}"
	awk '
		BEGIN { printf "%-7s %-7s %-8s %-4s %-22s %s\n", "from", "to", "by", "", "links", "should be" }
		{
			same = $3 == $7 && $4 == $8; if (same) n++
			printf "%-7s %-7s %-8s %-4s %-22s %s%s\n", $1, $2, $3, $4 == "-" ? "" : $4, $6 == "-" ? "" : $6,
				$7 ($8 == "-" ? "" : " " $8), same ? "" : "   <-- not so"
		}
		END { printf "%d of %d equal\n", n, NR }'
}
