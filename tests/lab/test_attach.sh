#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# XDP is put on and taken off one interface at a time, the next when the last is back: on NICs that drop their carrier for it,
# as real ones do; with the daemon and without.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/nics.sh
. "$(dirname "$0")/nics.sh"

nics_start

# on
watch on
long_ping forth
check "enforce" s enforce
check "in effect at once: tc moves the packets" eval '[ "$(moved_by_us lan0 ping_lost 20 0.005 $CLOUD4)" -ge 20 ]'
check "status names what it waits for" true_json '.mode == "enforce" and (.waiting | index("lan0")) and
	any(.hooks[]; .interface == "lan0" and .hook == "xdp" and (.attached | not))' status
check_within 15 "XDP comes to be on all" hooks_all
check_equal "backup first, inside last, never two at once" "$(order on)" "er1 er0 lan0 "
check "said of each" eval '[ "$(lines sameway "er[01]: back [0-9.]* s after XDP was attached")" = 2 ]'
# lan0 is away for 0.2 s, which nothing can help; ER's reset goes by VPN
check_at_most "pings lost beyond the inside's own reset" "$(lost forth)" 25
check "off by monitor, and all are usable again" eval 's monitor && wait_for 15 hooks_none && wait_for 3 true_json "all(.[]; .usable)" paths'
check "and on again" eval 's enforce && wait_for 15 hooks_all'

# off, by detach: through the daemon, then with none
watch away
check "detach" s detach
check_equal "a live daemon's: in the same order" "$(order away)" "er1 er0 lan0 "
check "nothing is left" eval 'hooks_none && [ ! -e /sys/fs/bpf/sameway/$LAB ]'
sed -i 's/^mode: .*/mode: enforce/' "$RUN/sameway.yaml"
wait_for 5 in_ns lan ping -c 1 -W 1 $CLOUD4
check "it runs, in enforce" run
check "XDP went on when the feed had its table" awk '/enforcing:/ { on = 1 } /after XDP was attached/ { n++; bad += !on } END { exit !n || bad }' "$RUN/sameway.log"
sameway_kill
watch dead
check "detach with no daemon" in_ns edge env LD_PRELOAD="$NIC" NIC_RESET="$RUN/nic" "$SAMEWAY" -i "$LAB" detach
check_equal "in the same order" "$(order dead)" "er1 er0 lan0 "
done_testing
