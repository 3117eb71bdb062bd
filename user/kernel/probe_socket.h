/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packets of a probe, past the kernel's routes: sent by a device of our choosing to a MAC of
 * our choosing, received with the device that they came by (AF_PACKET; docs/decisions/047).
 */
#ifndef SAMEWAY_KERNEL_PROBE_SOCKET_H
#define SAMEWAY_KERNEL_PROBE_SOCKET_H

#include "core/prefix.h"
#include <sys/types.h>

/* The lowest six bits of an identifier, or of a port, are the caller's. */
#define PROBE_IDENTS 64
/*
 * A socket that receives, of all that comes up to the kernel by any device, echo replies with
 * identifiers from `icmp` on, and TCP's SYN and RST to ports from `tcp` on: PROBE_IDENTS of each,
 * multiples of it. Non-blocking; the caller closes it. -errno.
 */
int probe_socket_open(uint8_t family, uint16_t icmp, uint16_t tcp);
/* mac: NULL where the device has none. 0 or -errno. */
int probe_socket_send(int fd, uint8_t family, uint32_t ifindex, const uint8_t mac[6],
		      const void *packet, size_t len);
struct probe_from {
	uint32_t ifindex;
	bool has_mac;
	uint8_t mac[6];
	uint64_t wall_ns; /* CLOCK_REALTIME when the kernel got it, 0: not known */
};
/* The next packet from its IP header on; its length, or -errno: -EAGAIN: none. */
ssize_t probe_socket_read(int fd, void *packet, size_t size, struct probe_from *from);

#endif
