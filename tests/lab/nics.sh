# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What test_attach*.sh share: an edge with two members of an ExpressRoute circuit, on NICs that drop their carrier when XDP is
# attached or taken off (nic_reset.c). Sourced after lib.sh.

NIC=$(dirname "$TUNNEL")/nic_reset.so
xdp_on() { in_ns edge ip link show "$1" | grep -q xdp; }
hooks_all() { xdp_on er0 && xdp_on er1 && xdp_on lan0 && true_json '.waiting == []' status; }
hooks_none() { ! xdp_on er0 && ! xdp_on er1 && ! xdp_on lan0; }
# resets SECONDS-OF-ER1: what each NIC does; and what $RUN/nic.also says, if it is there. The test host has its default route
# again, which it loses with its link.
resets() {
	cat >"$RUN/nic" <<-X
		#!/bin/bash
		case \$1 in
		er0) site=$LAB-msee end=ce0 away=0.4 ;;
		er1) site=$LAB-msee end=ce1 away=$1 ;;
		lan0) site=$LAB-lan end=eth0 away=0.2 ;;
		esac
		up() { ip -n \$site link set \$end up; [ \$1 != lan0 ] || ip -n \$site route add default via 10.2.30.3; }
		if [ \$away != never ]; then
			ip -n \$site link set \$end down
			(sleep \$away; up \$1) &
		elif [ \$2 = on ]; then
			ip -n \$site link set \$end down
		else
			up \$1
		fi
		[ ! -e $RUN/nic.also ] || . $RUN/nic.also
	X
	chmod +x "$RUN/nic"
}
long_ping() {
	background lan "$1" ping -i 0.02 -c 5000 -W 1 "$CLOUD4"
	wait_for 5 lines_reach "$1" 'bytes from' 10
}
lost() {
	end_background "$1" INT
	awk '/packets transmitted/ { print $1 - $4 }' "$RUN/$1.log"
}
# watch NAME: the links' news from now on. order NAME: which lost carrier, in order; "both" where two were down at once.
watch() {
	background edge "$1" ip -o monitor link
	ip -n "$LAB-edge" link set wan alias "$1"
	wait_for 3 lines_reach "$1" ' wan@' 1
}
order() {
	end_background "$1"
	awk '{ split($2, n, /[@:]/); d = n[1] }
		d !~ /^(er0|er1|lan0)$/ { next }
		/NO-CARRIER/ && !down[d] { down[d] = 1; out = out d " "; if (down["er0"] + down["er1"] + down["lan0"] > 1) out = out "both " }
		/LOWER_UP/ { down[d] = 0 }
		END { print out }' "$RUN/$1.log"
}
run() {
	background edge sameway env LD_PRELOAD="$NIC" NIC_RESET="$RUN/nic" "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml"
	wait_for 20 sameway_ready || {
		tail -n 3 "$RUN/sameway.log" | tr '\n' ';'
		return 1
	}
}

# nics_start: such an edge, in monitor; ends the script when that can't be had.
nics_start() {
	lab_edge
	make_link edge er1 192.168.30.21/30 msee ce1 192.168.30.22/30
	resets 0.4
	export EDGE_EXTRA="failback-delay: 200ms"
	edge_config monitor
	sed -i 's|^inside:|  - { name: er1-secondary, class: expressroute, circuit: er1, interface: er1, gateway: 192.168.30.22 }\n&|' "$RUN/sameway.yaml"
	check "it runs, in monitor" run
	check_within 5 "both members are usable" true_json 'all(.[]; .usable)' paths
}
