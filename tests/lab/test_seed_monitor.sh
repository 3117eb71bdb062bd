#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# scripts/lab up --monitor: sameway at Location 1 observes, BIRD's routes move the packets; the same matrix, and flows as on
# the wire. And the tunnel dies and comes back.
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
# The tunnel: its underlay goes, silently for the far end
session() { lab status -j | jq -e --arg state "$1" 'any(.sessions[]; .site == "ce1" and .session == "VPN" and ((.state == "up") == ($state == "up")))'; }
check "fail vpn" lab fail vpn
check_within 30 "dead peer detection: the tunnel is gone" eval 'lab status | grep -q "ce1 *IPsec none"'
check_within 30 "BGP through it too" session down
check_within 15 "backup-down is told" true_at ce1 'any(.[]; .verdict == "backup-down")' alerts
check "restore vpn" lab restore vpn
check_within 30 "the tunnel is back" eval 'lab status | grep -q "ce1 *IPsec installed"'
check_within 30 "and BGP" session up
check "nothing was forwarded by the programs" true_at ce1 '[.reasons[] | select(.action == "forward")] == []' counters
check "down" lab down
check "nothing of it is left" nothing_left "$NAME"
done_testing
