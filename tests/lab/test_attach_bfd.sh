#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A NIC that is away for longer than BFD's detection time whenever XDP is put on or taken off: what BFD says then is not the path's
# failure, and does not double its failback-delay; what it says of a cut is, and does.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/nics.sh
. "$(dirname "$0")/nics.sh"

# with_bfd SESSION: BIRD's config, with BFD in it
with_bfd() {
	sed "s/protocol bgp $1 { /&bfd on; /"
	echo 'protocol bfd { interface "*" { interval 300 ms; multiplier 3; idle tx interval 300 ms; }; }'
}
eval "$(declare -f bird_edge | sed '1s/bird_edge/plain_edge/')"
eval "$(declare -f bird_msee | sed '1s/bird_msee/plain_msee/')"
bird_edge() { plain_edge | with_bfd ER1; }
bird_msee() { plain_msee | with_bfd CE; }

# held: ms for which BFD holds er1-primary back, as of its last fall
held() {
	bpftool -j map dump pinned "/sys/fs/bpf/sameway/$LAB/bfd" |
		jq '[.. | objects | select(has("hold_ns")) | .hold_ns][0] / 1000000'
}
falls() { j '[.[0].bfd.sessions[] | .misses + .downs] | add' paths; }
bfd_up() { true_json '.[0].usable and .[0].bfd.state == "up"' paths; }
# shaken VERB: it is done, er0's NIC was away for that, and BFD fell by it
shaken() {
	local before
	before=$(falls)
	s "$1" >/dev/null && wait_for 10 eval "[ \"\$(falls)\" -gt $before ]" && wait_for 30 true_json '.waiting == []' status && wait_for 30 bfd_up
}

lab_edge
cat >"$RUN/nic" <<-X
	#!/bin/bash
	[ \$1 = er0 ] || exit 0
	ip -n $LAB-msee link set ce0 down
	(sleep 1.5; ip -n $LAB-msee link set ce0 up) &
X
chmod +x "$RUN/nic"
export EDGE_EXTRA="failback-delay: 200ms"
edge_config monitor
sed -i 's/as: 12076 }/as: 12076, bfd: true }/' "$RUN/sameway.yaml"
check "it runs, in monitor" run
check_within 20 "BFD is up" bfd_up
for verb in enforce monitor enforce; do check "$verb: away, BFD down, and back" shaken $verb; done
check_equal "ms held back after the third" "$(held)" 200
# of four cuts the first two may still be taken for what XDP did: what falls within three seconds of it
for i in 1 2 3 4; do
	ip -n "$LAB-msee" link set ce0 down
	check_within 5 "cut $i" true_json '.[0].bfd.state == "down"' paths
	ip -n "$LAB-msee" link set ce0 up
	check_within 30 "and back" bfd_up
done
check_at_least "cuts are held back for longer: ms" "$(held)" 400
done_testing
