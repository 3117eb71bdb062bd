#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# scripts/lab up --monitor: sameway at Location 1 observes, BIRD's routes move the packets; the same matrix, and flows as on the wire.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/seed.sh
. "$(dirname "$0")/seed.sh"

seed_up --fast --monitor
check "it observes: TC alone" true_at ce1 '.mode == "monitor" and all(.hooks[]; .hook | startswith("tc-"))' status
check "as documented" as_documented steady
check "flows are what the wire has" flows_agree ce1 loc1
tour er1-link er1-circuit
check "nothing was forwarded by the programs" true_at ce1 '[.reasons[] | select(.action == "forward")] == []' counters
check "down" lab down
check "nothing of it is left" nothing_left "$NAME"
done_testing
