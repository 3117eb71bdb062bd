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
done_testing
