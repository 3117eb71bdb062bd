/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a probe sends and what counts as its answer: an ICMP echo request (RFC 792, RFC 4443) and
 * its reply; or TCP's SYN, and the SYN-ACK or RST to it (RFC 9293). Pure: bytes from the IP header
 * on.
 */
#ifndef SAMEWAY_CORE_PROBE_PACKET_H
#define SAMEWAY_CORE_PROBE_PACKET_H

#include "core/prefix.h"

#define PROBE_PACKET_LEN 64 /* bytes; none is longer */

struct probe_packet {
	struct ip_addr src, dst; /* of one family */
	uint16_t port;		 /* of the target, host order; 0: ICMP */
	uint16_t ident;		 /* ICMP's identifier, or the TCP port that it comes from */
	uint16_t seq;		 /* ICMP only */
	uint32_t cookie;	 /* random: TCP's sequence number, the first bytes of the echo */
};

/* Both return the packet's length in bytes. */
size_t probe_packet_make(const struct probe_packet *p, uint8_t buf[PROBE_PACKET_LEN]);
/* What ends the connection that a SYN-ACK has half opened: a RST. */
size_t probe_packet_reset(const struct probe_packet *p, uint8_t buf[PROBE_PACKET_LEN]);
/*
 * Reads what may be an answer, as the probe that it is of: src, dst are that probe's. *half_open:
 * it is a SYN-ACK. False: it answers no probe. Checksums are not looked at: who has the cookie has
 * seen the probe.
 */
bool probe_packet_read(const uint8_t *data, size_t len, struct probe_packet *p, bool *half_open);

#endif
