#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A NIC whose link does not come back after XDP was attached: it is taken off again, the others are not touched, all of it is
# told, and packets go by tc.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/nics.sh
. "$(dirname "$0")/nics.sh"

nics_start
resets never
watch bad
s enforce >/dev/null
wait_for 5 true_json 'any(.[]; .name == "er1-secondary" and (.usable | not))' paths
check_within 15 "er1 stays away: told, with what to do" grep -q 'er1: its link is not back 10 s after XDP was attached, which is taken off again: .* enforce' "$RUN/sameway.log"
check_within 5 "its XDP is off again, and it is usable" true_json 'all(.[]; .usable)' paths
check "the next ones were not touched" hooks_none
check_equal "only er1's link was shaken" "$(order bad)" "er1 "
check "status says what lacks" true_json '.mode == "enforce" and ([.hooks[] | select(.hook == "xdp" and (.attached | not)) | .interface] | sort) == ["er0", "er1", "lan0"]' status
check "tc moves the packets" eval '[ "$(moved_by_us lan0 ping_lost 20 0.005 $CLOUD4)" -ge 20 ]'
resets 0.4
check "enforce once more, with the driver mended" s enforce
check_within 15 "all of them" hooks_all

# what was asked for meanwhile
check "monitor" eval 's monitor && wait_for 15 hooks_none && wait_for 3 true_json "all(.[]; .usable)" paths'
resets never
s enforce >/dev/null
check_within 5 "er1 is away" true_json 'any(.[]; .name == "er1-secondary" and (.usable | not))' paths
check "monitor while it is waited for" s monitor
check_within 15 "it does not come back: its XDP is taken off all the same" hooks_none
check_within 5 "said, and not of the others" grep -q 'er1: its link is not back 10 s after XDP was attached, which nobody wants any more' "$RUN/sameway.log"

# sessions that fall with the link: it is not back before its path has routes again
resets 0.4
cat >"$RUN/nic.also" <<-X
	[ \$1 != er0 ] || birdc -s $RUN/edge.ctl disable '"ER1*"' >/dev/null
X
check "monitor with the driver mended, then enforce" eval 'wait_for 15 true_json "all(.[]; .usable)" paths && s enforce'
check_within 15 "er0 has XDP" xdp_on er0
sleep 2 # much longer than its link is away
check "usable, but its BGP is away: lan0 has to wait" eval 'true_json ".[0].usable" paths && ! xdp_on lan0'
check "status names it" true_json '.waiting | index("er0") and index("lan0")' status
birdc_at edge enable '"ER1*"' >/dev/null
check_within 20 "the routes are back: lan0 has XDP, too" hooks_all
check "nothing was given up" eval '[ "$(lines sameway "going on")" = 0 ]'

# detach waits for links, not for a failback-delay, be it the daemon's or, after BFD, the kernel's timer's
rm "$RUN/nic.also"
sed -i 's/^failback-delay: .*/failback-delay: 5m/; s/gateway: 192.168.30.22/&, bfd: true/' "$RUN/sameway.yaml"
check "reload with a long failback-delay" s reload
check_within 20 "the feed is back" sameway_ready
# bfd STATE...: er1's far end says these, 1 Down, 3 Up; long enough apart to be looked at
cat >"$RUN/bfd" <<-X
	#!/bin/bash
	exec nsenter --net=/run/netns/$LAB-msee python3 -c '
	import socket, struct, sys, time
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("192.168.30.22", 50123))
	s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
	for state in map(int, sys.argv[1:]):
	    s.sendto(struct.pack("!BBBBIIIII", 0x20, state << 6, 3, 24, 7, 9, 60000000, 1000000, 0), ("192.168.30.21", 3784))
	    time.sleep(0.1)
	' "\$@"
X
chmod +x "$RUN/bfd"
"$RUN/bfd" 3 3 3
check_within 5 "er1 has BFD, and is usable" true_json 'any(.[]; .name == "er1-secondary" and .usable and .bfd.state == "up")' paths
sed -i "s|^er1) .*|er1) exec $RUN/bfd 1 3 ;;|" "$RUN/nic" # the link stays up, BFD does not
check "detach: not held up by it" timeout 15 nsenter --net="/run/netns/$LAB-edge" "$SAMEWAY" -i "$LAB" detach
check "er1 was held back by BFD" grep -q 'er1-secondary is not usable: .*BFD' "$RUN/sameway.log"
check "and nothing was given up" eval '[ "$(lines sameway "going on")" = 0 ]'
done_testing
