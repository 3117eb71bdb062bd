#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Interfaces that are deleted and made anew under traffic in enforce: hooks are made anew, nothing of the old ones is left, packets
# go by policy again.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/churn.sh
. "$(dirname "$0")/churn.sh"

lab_start enforce
background lan traffic ping -q -i 0.01 -c 100000 -W 1 $CLOUD4
background lan branch ping -q -i 0.01 -c 100000 -W 1 $BRANCH4
check_within 10 "before: hooks whole, by policy" settled
churn_begin

for d in er0 tun30 lan0; do
	"delete_$d"
	check_within 5 "$d deleted: status waits for it" true_json ".waiting == [\"$d\"]" status
	check "$d made anew" "make_$d"
	check_within 20 "$d: hooks whole, by policy again" settled
done

churn_end
done_testing
