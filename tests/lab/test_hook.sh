#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `hook:`: each of its values, changed while it runs; `tc` keeps whole GSO frames; what `auto` chooses on veths, and by what.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/small.sh
. "$(dirname "$0")/small.sh"

reload() { s reload >"$RUN/out" 2>"$RUN/err"; }
# hook VALUE [OF-ER0]: by reload, until it is in effect
hook() { small_config enforce "$@" && reload && wait_for 10 ready; }
are() { xdp_is lan0 "$1" && xdp_is er0 "$1"; }
# both native|generic|none: taking off is behind what waits no more
both() { wait_for 5 are "$1"; }
tx_segments() { j '.[0].tx_packets' paths; }
finding() { # SUBJECT WORDS: doctor's auto-hook says so
	s -j doctor -c "$RUN/sameway.yaml" >"$RUN/doctor.json" 2>/dev/null
	jq -e --arg s "$1" --arg w "$2" 'any(.[]; .check == "auto-hook" and .subject == $s and (.message | contains($w)))' "$RUN/doctor.json"
}
auto_is() { true_json "any(.auto_hooks[]; .interface == \"$1\" and .hook == \"$2\")" status; }
stays() { lines sameway "$1 stays at tc"; }

small_start enforce tc
serve far $DST echo4
serve far $DST6 echo6

# tc alone
check "hook: tc: no XDP, in effect at once" eval 'both none && true_json ".waiting == [] and ([.hooks[].hook] | sort | unique) == [\"tc-egress\", \"tc-ingress\"]" status'
check_at_least "packets are moved" "$(moved_by_us lan0 ping_lost 20 0.01 $DST)" 20
before=$(tx_segments)
check_at_least "20 MB there and back: whole GSO frames arrive, some MTUs each" "$(frame_bytes far ce0 transfer $DST 20)" 4500
check_at_least "counted by segments" $(($(tx_segments) - before)) $((20 * 1048576 / 1460))
check_at_least "and back, whole, too" "$(frame_bytes lan eth0 transfer $DST 20)" 4500
check_at_least "IPv6 likewise" "$(frame_bytes far ce0 transfer $DST6 20)" 4500
check "the bytes are as sent" transfer $DST 5
check "tc: counted by what they are in" true_json '[.reasons[] | select(.action == "drop")] == []' counters

# generic, then native, then none, by reload
check "hook: xdp-generic" eval 'hook xdp-generic && both generic'
check "status names it" true_json '[.hooks[] | select(.hook == "xdp-generic" and .attached) | .interface] | sort == ["er0", "lan0"]' status
check_at_least "it moves packets" "$(moved_by_us lan0 ping_lost 20 0.01 $DST)" 20
check "and TCP" transfer $DST 10
check "IPv6 likewise" transfer $DST6 10
checksums off
check "hook: xdp" eval 'hook xdp && both native'
check_at_least "it moves packets" "$(moved_by_us lan0 ping_lost 20 0.01 $DST)" 20
check_at_most "TCP: no frame is larger than the MTU" "$(frame_bytes far ce0 transfer $DST 10)" 1514
check "as sent" transfer $DST 5
check "one of each" eval 'hook xdp tc && xdp_is lan0 native && wait_for 5 xdp_is er0 none'
check "as sent" transfer $DST 5
check "a daemon that adopts goes on as they were" eval 'sameway_stop; sameway_start && xdp_is lan0 native && xdp_is er0 none && ! grep -q "after XDP was attached" "$RUN/sameway.log"'
check "back to tc" eval 'hook tc && both none'

# what can't be
in_ns edge ip tuntap add mode tun dev tun9 && ip -n "$LAB-edge" link set tun9 up
SMALL_PATH='  - { name: vpn, class: vpn, interface: tun9, hook: xdp }'
small_config enforce tc
check "XDP of a device without Ethernet header: refused, exit 2" eval 'reload; [ $? = 2 ] && grep -q "tun9 has no Ethernet header" "$RUN/err"'
SMALL_PATH='  - { name: er2, class: expressroute, interface: br9, gateway: 192.168.40.2, hook: xdp }'
ip -n "$LAB-edge" link add br9 type bridge && ip -n "$LAB-edge" link set br9 up
small_config enforce tc
check "hook: xdp where the driver has none: said, and the rest works" eval 'reload && wait_for 5 lines_reach sameway "br9 has no native XDP, which .hook: xdp. asks for" 1 && transfer $DST 2'
check "status has it as not attached" true_json 'any(.hooks[]; .interface == "br9" and .hook == "xdp" and (.attached | not)) and .waiting == ["br9"]' status
check "so has doctor" eval 's -j doctor -c "$RUN/sameway.yaml" | jq -e "any(.[]; .check == \"xdp\" and .subject == \"br9\" and (.ok | not) and (.fix | contains(\"xdp-generic\")))"'
SMALL_PATH=${SMALL_PATH/hook: xdp/hook: xdp-generic}
check "xdp-generic there: on" eval 'small_config enforce tc && reload && wait_for 10 xdp_is br9 generic'
SMALL_PATH=''
ip -n "$LAB-edge" link del br9

# auto, without evidence: what `hook: tc` had moved is forgotten with the maps
s detach >/dev/null
small_config monitor auto
check "auto, in monitor: no XDP" eval 'sameway_start && both none'
check "auto, and no bulk TCP was seen: XDP on both" eval 's enforce && both native'
check "status says so" eval 'auto_is lan0 xdp && auto_is er0 xdp'
check "doctor says what it costs" finding lan0 'hook: tc'
transfer $DST 100 >/dev/null
check "what passes under XDP changes nothing" eval 's enforce && wait_for 10 ready && both native'
# with it: in monitor TC has whole frames
s monitor >/dev/null
both none
checksums on
transfer $DST 100 >/dev/null
check "auto, and whole GSO frames were seen in monitor: it stays at tc" eval 's enforce && wait_for 10 ready && both none'
check_equal "said once of each" "$(stays lan0) $(stays er0)" "1 1"
check "status says so" eval 'auto_is lan0 tc && auto_is er0 tc && true_json "all(.auto_hooks[]; .gso_frames >= 1000 and .gso_packets > .gso_frames * 3 and .tc_frames > .gso_frames)" status'
check "doctor tells it with figures" finding er0 'stays at TC: it brought'
check_at_least "and they are moved whole" "$(frame_bytes far ce0 transfer $DST 20)" 4500
s enforce >/dev/null
check_equal "asked again it is as it was, and not said again" "$(both none && stays lan0)" 1
check "a reload finds the same" eval 'reload && wait_for 10 ready && both none'
check "a new daemon, too" eval 'sameway_stop; sed -i "s/^mode: .*/mode: enforce/" "$RUN/sameway.yaml" && sameway_start && both none'
checksums off
check "hook: xdp has it even so" eval 'hook xdp && both native'
check "auto leaves on what is on" eval 'hook auto && both native'
s detach >/dev/null
check "detach leaves none" eval 'both none && [ ! -e /sys/fs/bpf/sameway/$LAB ]'
done_testing
