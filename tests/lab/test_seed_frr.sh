#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# scripts/lab up --frr: Location 1's router is FRR, whose BMP feeds sameway; the same matrix, the same flows.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/seed.sh
. "$(dirname "$0")/seed.sh"

seed_up --fast --frr
check "its feed is BMP, with the candidates of both sessions" true_at ce1 '.feeds[0] | .type == "bmp" and .state == "up" and .sees == "all" and .routes >= 6' status
check "both are known" true_at ce1 '.[0].candidates | map(.path) | sort == ["er1-primary", "vpn30"]' routes 10.10.30.0/24
check "as documented" as_documented steady
check "flows are what the wire has" flows_agree ce1 loc1
tour er1-link er1-circuit
check "down" lab down
check "nothing of it is left" nothing_left "$NAME"
done_testing
