# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# IPsec: strongSwan, IKEv2 with a pre-shared key, ESP in user space (kernel-libipsec: UDP 4500 over a TUN device, as the kernel
# here may have no ESP). Tunnel30 from Location 1, another from the branch, both to the VPN gateway. Sourced by scripts/lab.
#
# kernel-libipsec chooses the tunnel by its selectors, one TUN device for all of them: so the gateway names a network a site.

# charon SITE: runs it there. It brings a rule for all that routes to the tunnel, its own packets too: that goes.
charon() {
	local dpd='retransmit_timeout = 4.0
	retransmit_base = 1.8
	retransmit_tries = 5'
	[ "${fast:?}" = 0 ] || dpd='retransmit_timeout = 0.7
	retransmit_base = 1.2
	retransmit_tries = 3'
	cat >"$RUN/$1.strongswan" <<-Y
		charon-systemd {
			load = random drbg nonce gmp kdf sha2 sha1 aes hmac kernel-libipsec kernel-netlink socket-default vici updown
			install_routes = no
			$dpd
			journal { default = -1 }
			filelog { f { path = $RUN/$1.charon
				default = 1
				flush_line = yes } }
			plugins { vici { socket = unix://$RUN/$1.vici }
				kernel-libipsec { allow_peer_ts = yes } }
		}
	Y
	background "$1" "charon-$1" env STRONGSWAN_CONF="$RUN/$1.strongswan" charon-systemd
}

# connection NAME OWN PEER OWN-NETWORKS PEER-NETWORKS start|none
connection() {
	local delay=45s
	[ "${fast:?}" = 0 ] || delay=2s
	cat <<-Y
		$1 { version = 2
			mobike = no
			local_addrs = $2
			remote_addrs = $3
			proposals = aes256-sha1-modp1024
			dpd_delay = $delay
			keyingtries = 0
			local { auth = psk
				id = $2 }
			remote { auth = psk
				id = $3 }
			children { net { local_ts = $4
				remote_ts = $5
				esp_proposals = aes256-sha1
				dpd_action = ${6/none/clear}
				start_action = $6
				close_action = $6 } } }
	Y
}

# swan SITE ARGUMENT...
swan() { STRONGSWAN_CONF=$RUN/$1.strongswan swanctl "${@:2}" --uri "unix://$RUN/$1.vici" 2>/dev/null; }

load_connections() {
	{
		echo 'connections {'
		case $1 in
		ce1) connection tunnel30 66.198.12.106 52.168.162.84 10.2.0.0/16 0.0.0.0/0 start ;;
		branchgw) connection hub 203.0.113.2 "$branch_peer" 10.11.30.64/26 0.0.0.0/0 start ;;
		nva) connection branch 52.168.163.10 203.0.113.2 0.0.0.0/0 10.11.30.64/26 none ;;
		vpngw)
			connection tunnel30 52.168.162.84 66.198.12.106 0.0.0.0/0 10.2.0.0/16 none
			connection branch 52.168.162.84 203.0.113.2 0.0.0.0/0 10.11.30.64/26 none
			;;
		esac
		echo '}'
		echo 'secrets { ike-1 { secret = "a lab, not a secret" } }'
	} >"$RUN/$1.swanctl"
	swan "$1" --load-all --file "$RUN/$1.swanctl" >/dev/null
}

# keep_up SITE NAME: as a router does, asks for its tunnel again when it has none and asks for none. strongSwan gives up when the
# far end takes a new request of its own for the repetition of an old one, and refuses it: the underlay back after a while.
keep_up() {
	# shellcheck disable=SC2016 # for that shell
	background "$1" "keep-$1" env STRONGSWAN_CONF="$RUN/$1.strongswan" URI="unix://$RUN/$1.vici" NAME="$2" bash -c '
		while :; do
			swanctl --list-sas --uri "$URI" 2>/dev/null | grep -qE "INSTALLED|CONNECTING" ||
				swanctl --initiate --ike "$NAME" --child net --timeout 3 --uri "$URI" 2>/dev/null
			read -rt 2 <> <(:)
		done'
}

has_rule() { ip -n "$LAB-$1" rule show table 220 | grep -q . && ip -n "$LAB-$1" -6 rule show table 220 | grep -q .; }

make_tunnels() {
	local site sites='vpngw ce1 branchgw' branch_peer=52.168.162.84 peer=10.10.30.254
	[ "${nva:?}" = 0 ] || sites+=' nva' branch_peer=52.168.163.10 peer=10.10.30.20
	for site in $sites; do charon "$site" || return 1; done
	for site in $sites; do
		if ! wait_for 15 eval "test -S $RUN/$site.vici && has_rule $site" || ! ip -n "$LAB-$site" rule del table 220 || ! ip -n "$LAB-$site" -6 rule del table 220; then
			echo "lab: strongSwan of $site does not start: $(tail -n 1 "$RUN/$site.charon" 2>/dev/null)" >&2
			return 1
		fi
	done
	# Tunnel30 is a second name only: strongSwan wants to find its device by the first when a tunnel comes again
	ip -n "$LAB-ce1" link property add dev ipsec0 altname Tunnel30 &&
		ip -n "$LAB-ce1" addr add 10.2.30.125/32 dev ipsec0 && ip -n "$LAB-ce1" link set ipsec0 up mtu 1400 &&
		ip -n "$LAB-vpngw" addr add 10.10.30.254/32 dev ipsec0 && ip -n "$LAB-branchgw" addr add 10.11.30.126/32 dev ipsec0 &&
		ip -n "$LAB-vpngw" link set ipsec0 up mtu 1400 && ip -n "$LAB-branchgw" link set ipsec0 up mtu 1400 &&
		route ce1 10.10.30.254/32 dev ipsec0 src 10.2.30.125 && route branchgw $peer/32 dev ipsec0 src 10.11.30.126 &&
		route vpngw 10.2.30.125/32 dev ipsec0 src 10.10.30.254 && route vpngw 10.11.30.126/32 dev ipsec0 src 10.10.30.254 &&
		in_ns vpngw tc qdisc add dev ipsec0 clsact &&
		in_ns vpngw tc filter add dev ipsec0 ingress bpf direct-action obj "$ROOT/build/lab/hops.bpf.o" sec tc/hops || return 1
	if [ "$nva" = 1 ]; then
		ip -n "$LAB-nva" link set ipsec0 up mtu 1400 && route nva 10.11.30.126/32 dev ipsec0 src 10.10.30.20 || return 1
	fi
	for site in $sites; do
		load_connections "$site" || {
			echo "lab: strongSwan of $site does not take its connections: $RUN/$site.swanctl" >&2
			return 1
		}
	done
	keep_up ce1 tunnel30 && keep_up branchgw hub
}
