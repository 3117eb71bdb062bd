/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 2, admit: what is not ours goes to the kernel untouched, with a reason. What depends on an
 * address of this box or an exempt one is said by the FIB (stage 4).
 */
#ifndef SAMEWAY_BPF_ADMIT_H
#define SAMEWAY_BPF_ADMIT_H

#define ADMITTED SW_REASON_COUNT

static __always_inline __u8 is_link_local(const struct packet *pkt, const union address *a)
{
	if (pkt->family == 4)
		return a->bytes[0] == 169 && a->bytes[1] == 254;
	return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

/* A reason to pass it, or ADMITTED. */
static __always_inline __u32 admit(enum parse_result parsed, const struct packet *pkt)
{
	switch (parsed) {
	case PARSE_IP:
		break;
	case PARSE_ARP:
		return SW_REASON_arp_nd;
	case PARSE_TAGGED:
		return SW_REASON_unknown_vlan;
	case PARSE_OTHER:
		return SW_REASON_unknown_ethertype;
	case PARSE_MULTICAST:
		return SW_REASON_multicast;
	case PARSE_OTHER_HOST:
		return SW_REASON_other_host;
	default:
		return SW_REASON_malformed;
	}
	if (pkt->nd)
		return SW_REASON_arp_nd;
	if (is_link_local(pkt, &pkt->dst) || is_link_local(pkt, &pkt->src))
		return SW_REASON_linklocal;
	return ADMITTED;
}

#endif
