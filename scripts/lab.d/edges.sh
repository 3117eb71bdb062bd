# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# sameway at the customer edges: Location 1's in enforce mode, Location 2's in monitor mode. Sourced by scripts/lab.

EDGES='ce1 ce2'

# config_of EDGE
config_of() {
	local grace=60s feed='{ name: router, type: bgp, listen: 127.0.0.2:1790, as: 65021, router-id: 10.2.30.250, peers: [127.0.0.1] }'
	[ "${frr:?}" = 0 ] || feed='{ name: router, type: bmp, listen: 127.0.0.1:11019, peers: [127.0.0.1] }'
	[ "${fast:?}" = 0 ] || grace=5s
	local extra_path='' extra_rule='' circuits='10.10.30.132: er1, 10.10.30.133: er1'
	[ "$1" != ce2 ] || circuits='10.10.30.134: er2, 10.10.30.135: er2'
	if [ "${microsoft:?}" = 1 ]; then
		extra_path='  - { name: er1-microsoft, class: expressroute, circuit: er1, interface: er0, vlan: [30, 310], l3: er0.310, gateway: 66.198.12.114 }'
		extra_rule='rules: [{ name: secure, from: 10.2.30.64/26, only: [vpn] }]'
	fi
	case $1 in
	ce1)
		cat <<-Y
			mode: ${mode:?}
			asymmetry: { grace: $grace }
			paths:
			  - { name: er1-primary, class: expressroute, circuit: er1, interface: er0, vlan: [30, 300], l3: er0.300,
			      gateway: 192.168.30.18, peers: [192.168.30.18], as: 12076, bfd: true }
			  - { name: vpn30, class: vpn, circuit: s2s, interface: ipsec0, peers: [10.10.30.254] }
			$extra_path
			inside:
			  - { interface: lan0, networks: [10.2.30.0/25], gateway: 192.168.30.1 }
			exempt: [{ to: 52.168.162.84/32 }]
			$extra_rule
			feeds:
			  - $feed
		Y
		;;
	ce2)
		cat <<-Y
			mode: monitor
			asymmetry: { grace: $grace }
			paths:
			  - { name: er2-primary, class: expressroute, circuit: er2, interface: er0, gateway: 192.168.31.18,
			      peers: [192.168.31.18], bfd: true }
			  - { name: er2-secondary, class: expressroute, circuit: er2, interface: er1, gateway: 192.168.31.22,
			      peers: [192.168.31.22], bfd: true }
			inside:
			  - { interface: lan0, networks: [10.1.31.0/25], gateway: 192.168.31.1 }
			feeds:
			  - { name: router, type: bgp, listen: 127.0.0.2:1790, as: 65020, router-id: 192.168.31.250, peers: [127.0.0.1] }
		Y
		;;
	nva)
		cat <<-Y
			mode: enforce
			asymmetry: { grace: $grace }
			transit: allow
			paths:
			  - { name: er1, class: expressroute, circuit: er1, interface: er0, gateway: 10.10.30.132 }
			  - { name: branch, class: vpn, circuit: branch, interface: ipsec0, peers: [10.11.30.126] }
			inside:
			  - { interface: lan0, networks: [10.10.30.0/24, 10.11.30.0/26] }
			exempt: [{ to: 203.0.113.2/32 }]
			feeds:
			  - { name: router, type: bgp, listen: 127.0.0.2:1790, as: 65010, router-id: 10.10.30.251, peers: [127.0.0.1] }
		Y
		return
		;;
	esac
	cat <<-Y
		  - { name: azure, type: azure, dir: $RUN/azure/, view: remote, interval: 1s,
		      circuits: { $circuits } }
	Y
}

# at_edge EDGE ARGUMENT...: that edge's sameway
at_edge() { in_ns "$1" "$SAMEWAY" -i "$LAB-$1" "${@:2}"; }

edge_ready() { at_edge "$1" -j status | jq -e '.daemon and .waiting == [] and ([.feeds[] | select(.state != "up")] == [])'; }

start_edges() {
	local edge
	mkdir -p "$RUN/azure"
	background az1 azure /usr/bin/python3 "$ROOT/scripts/lab.d/azure.py" "$RUN" || return 1
	for edge in $EDGES; do
		config_of "$edge" >"$RUN/$edge.yaml"
		mkdir -p "$RUN/bin-$edge"
		# doctor looks for this edge's config, not this machine's
		cat >"$RUN/bin-$edge/sameway" <<-Y
			#!/bin/sh
			case " \$* " in *' -c '*) ;; *' doctor '*) set -- "\$@" -c "$RUN/$edge.yaml" ;; esac
			exec "$SAMEWAY" -i "$LAB-$edge" "\$@"
		Y
		chmod 755 "$RUN/bin-$edge/sameway"
		background "$edge" "sameway-$edge" "$SAMEWAY" -i "$LAB-$edge" run -c "$RUN/$edge.yaml" || return 1
	done
}

wait_edges() {
	local edge
	for edge in $EDGES; do
		wait_for 40 edge_ready "$edge" || {
			echo "lab: sameway at $edge does not get ready:" >&2
			tail -n 5 "$RUN/sameway-$edge.log" >&2
			at_edge "$edge" status >&2
			return 1
		}
	done
}

# detach_edges: no program, no pin is left
detach_edges() {
	local edge
	for edge in $EDGES; do
		if [ -e "/run/netns/$LAB-$edge" ] && [ -x "$SAMEWAY" ]; then at_edge "$edge" detach >/dev/null 2>&1; fi
		rm -rf "/sys/fs/bpf/sameway/$LAB-$edge" "/run/sameway/$LAB-$edge.sock" "/run/sameway/$LAB-$edge.state"
	done
	rmdir /sys/fs/bpf/sameway 2>/dev/null
}
