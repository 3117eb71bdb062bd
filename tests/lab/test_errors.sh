#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What goes wrong at the start: a message that says what to do, the right exit status, and nothing half attached.
set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_edge
edge_config enforce
good=$(<"$RUN/sameway.yaml")

nothing_attached() {
	! in_ns edge ip link show | grep -q xdp && [ ! -e "/sys/fs/bpf/sameway/$LAB" ] &&
		! in_ns edge tc filter show dev er0 ingress 2>/dev/null | grep -q bpf
}
# refused NAME STATUS PATTERN: `run` on $RUN/sameway.yaml ends with the status and says the pattern
refused() {
	local rc
	in_ns edge timeout 20 "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml" >"$RUN/out" 2>"$RUN/err" </dev/null
	rc=$?
	if [ $rc != "$2" ]; then
		fail "$1" "exit status $rc, want $2: $(tail -n 1 "$RUN/err")"
	elif ! grep -qiE "$3" "$RUN/err"; then
		fail "$1" "does not say '$3': $(tail -n 1 "$RUN/err")"
	elif [ -s "$RUN/out" ]; then
		fail "$1" "wrote to stdout: $(head -n 1 "$RUN/out")"
	else
		pass "$1"
	fi
	check "$1: nothing attached" nothing_attached
	in_ns edge "$SAMEWAY" -i "$LAB" detach >/dev/null 2>&1
}
with() { sed -E "$1" <<<"$good" >"$RUN/sameway.yaml"; }

with '1i frobnicate: yes'
refused "an unknown key" 2 'line 1.*frobnicate|frobnicate.*line 1|:1:'
with 's/^mode: .*/mode: [enforce]/'
refused "a wrong type" 2 'mode'
with 's/name: vpn30/name: er1-primary/'
refused "a name twice" 2 'er1-primary'
with 's/interface: tun30/interface: nosuch0/'
refused "a missing interface" 1 'nosuch0'
with '1i fwmark: 0x7e'
refused "fwmark without room for all paths" 2 'fwmark: 0x7e: 6 bits'
with '$a export: { prometheus: 127.0.0.1:9465 }'
refused "a key of a later issue" 2 'export'
rm "$RUN/sameway.yaml"
refused "no config file" 2 'sameway.yaml'
{
	echo 'paths:'
	for i in $(seq 65); do echo "  - { name: p$i, class: vpn, interface: tun$i }"; done
} >"$RUN/sameway.yaml"
refused "more than 64 paths" 2 '64'

with 's/^mode: .*/mode: enforc/; s/class: vpn/class: vpm/'
check "check-config: every mistake, exit 2" eval 's check-config "$RUN/sameway.yaml" >"$RUN/out" 2>"$RUN/err"; [ $? = 2 ] &&
	grep -q enforc "$RUN/err" && grep -q vpm "$RUN/err"'
with ''
check "check-config: the normalised config" eval 's check-config "$RUN/sameway.yaml" >"$RUN/normal" && s check-config "$RUN/normal" | diff - "$RUN/normal"'

# Someone else's XDP program.
printf '__attribute__((section("xdp"), used)) int somebody_else(void *ctx) { (void)ctx; return 2; }\nchar l[] __attribute__((section("license"), used)) = "GPL";\n' >"$RUN/other.c"
if clang -O2 -target bpf -c "$RUN/other.c" -o "$RUN/other.o" 2>/dev/null && in_ns edge ip link set dev er0 xdp obj "$RUN/other.o" sec xdp; then
	in_ns edge timeout 20 "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml" >/dev/null 2>"$RUN/err" </dev/null
	check_equal "another's XDP program: exit 1" $? 1
	check "it says whose" grep -qE 'er0.*somebody_else|somebody_else.*er0' "$RUN/err"
	check "theirs is still there" eval 'in_ns edge ip -d link show er0 | grep -q xdp'
	check "lan0 carries none" eval '! in_ns edge ip link show lan0 | grep -q xdp'
	check "no pin left" test ! -e "/sys/fs/bpf/sameway/$LAB"
	in_ns edge ip link set dev er0 xdp off
else
	skip "another's XDP program" "could not load one: iproute2 without libbpf?"
fi

# Firewall rules that a redirect would pass by.
in_ns edge nft 'add table ip guard; add chain ip guard pass { type filter hook forward priority 0; }; add rule ip guard pass tcp dport 23 drop'
in_ns edge timeout 20 "$SAMEWAY" -i "$LAB" run -c "$RUN/sameway.yaml" >/dev/null 2>"$RUN/err" </dev/null
check_equal "forward: fast beside nft forward rules: refused" $? 1
check "it says why" grep -qiE 'nft|netfilter|firewall|rules' "$RUN/err"
check "nothing attached" nothing_attached
in_ns edge nft delete table ip guard

# Not root.
if command -v setpriv >/dev/null; then
	cp "$SAMEWAY" "$RUN/sameway-bin" && chmod 755 "$RUN/sameway-bin"
	in_ns edge setpriv --reuid 65534 --regid 65534 --clear-groups timeout 20 "$RUN/sameway-bin" -i "$LAB" run -c "$RUN/sameway.yaml" >/dev/null 2>"$RUN/err" </dev/null
	check_equal "not root: exit 1" $? 1
	check "not root: says so" grep -qi root "$RUN/err"
else
	skip "not root" "setpriv (util-linux)"
fi

# bpffs not mounted: mounted, as bpftool does. In a mount namespace of its own, where it is not.
mounts_bpffs() {
	in_ns edge unshare -m bash -c 'umount /sys/fs/bpf
		"$1" -i "$2" run -c "$3" & pid=$!
		for _ in {1..100}; do
			[ ! -e "/sys/fs/bpf/sameway/$2/usable" ] || { found=1; break; }
			sleep 0.1
		done
		kill $pid; wait $pid
		"$1" -i "$2" detach
		[ -n "${found:-}" ]' mounts "$SAMEWAY" "$LAB" "$RUN/sameway.yaml"
}
check "bpffs not mounted: it mounts it" mounts_bpffs

# After all that: it runs.
check "the good config runs" sameway_start
# The VPN's device goes and comes while it runs.
end_background tunnel-edge
check_within 5 "a deleted interface: the path is down" true_json '[.[] | select(.name == "vpn30")][0] | .usable == false' paths
check_equal "ExpressRoute is not touched" "$(ping_lost 20 0.01 $CLOUD4)" 0
check "the daemon lives" true_json '.daemon' status
done_testing
