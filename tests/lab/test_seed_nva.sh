#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# scripts/lab up --nva: a network virtual appliance in the hub, sameway with `transit: allow`, ends the branch's tunnel and joins it
# to Location 1 by ExpressRoute, and to the hub and the spoke, which are its inside.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/seed.sh
. "$(dirname "$0")/seed.sh"

# pinged SITE DST: replies of 10
pinged() { lab exec "$1" "ping -q -c 10 -i 0.05 -W 1 ${HOST[$2]}" | sed -nE 's/.* ([0-9]+) received.*/\1/p'; }
# count INTERFACE REASON: packets at the appliance so far
count() { at nva "[.reasons[] | select(.interface == \"$1\" and .reason == \"$2\") | .packets] | add // 0" counters; }
# pair SRC DST: `CLASS CIRCUIT` of the last matrix
pair() { jq -r ".[] | select(.src == \"$1\" and .dst == \"$2\") | .class + \" \" + (.circuit // \"-\")" "$SEEDRUN/now"; }
# transit deny|allow: the appliance's config with that, reloaded
transit() { sed -i "s/^transit: .*/transit: $1/" "$SEEDRUN/nva.yaml" && lab exec nva 'sameway reload'; }

seed_up --fast --nva
check_equal "branch to Location 1: by its tunnel, then by ExpressRoute" "$(pair branch loc1)" "ER+VPN ER1"
check_equal "and back" "$(pair loc1 branch)" "ER+VPN ER1"
check_equal "branch to hub: by its tunnel" "$(pair branch hub)" "VPN -"
before=$(count ipsec0 forwarded) back=$(count er0 forwarded)
check_equal "it answers" "$(pinged branch loc1)" 10
check_at_least "moved by the appliance's programs" $(($(count ipsec0 forwarded) - before)) 10
check_at_least "both ways" $(($(count er0 forwarded) - back)) 10
check "no flow of transit is kept there" true_at nva "all(.[]; .src != \"${HOST[loc1]}\" and .dst != \"${HOST[loc1]}\")" flows
check "of the hub's and the spoke's there is, well" true_at nva 'length >= 4 and all(.[]; .verdict == "ok")' flows
check "Location 1 takes ExpressRoute to the branch" true_at ce1 '.[0].selected == ["er1-primary"]' routes 10.11.30.64/26

check "transit: deny" transit deny
before=$(count ipsec0 transit-denied)
check_equal "nothing comes through" "$(pinged branch loc1)" 0
check_equal "and is counted" $(($(count ipsec0 transit-denied) - before)) 10
check_equal "what is inside goes on" "$(pinged branch hub)" 10
check "transit: allow again" transit allow
check_equal "it answers again" "$(pinged loc1 branch)" 10

check "fail er1-circuit" lab fail er1-circuit
lab matrix -j >"$SEEDRUN/now"
check_equal "the branch has lost Location 1: never by a way round" "$(pair branch loc1)" "NONE -"
check_equal "not the hub" "$(pair branch hub)" "VPN -"
check "restore er1-circuit" lab restore er1-circuit
lab matrix -j >"$SEEDRUN/now"
check_equal "and has it back" "$(pair branch loc1)" "ER+VPN ER1"
check "no route-leak was told" true_at nva 'all(.[]; .verdict != "route-leak")' alerts --all
check "down" lab down
check "nothing of it is left" nothing_left "$NAME"
done_testing
