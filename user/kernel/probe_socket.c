/* SPDX-License-Identifier: GPL-2.0-only */
/* See probe_socket.h. */
#include "kernel/probe_socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint16_t ethertype(uint8_t family)
{
	return htobe16(family == 6 ? ETH_P_IPV6 : ETH_P_IP);
}

static int filter_attach(int fd, uint8_t family, uint16_t icmp, uint16_t tcp)
{
	bool six = family == 6;
	const struct sock_filter head =
		six ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, 40)
		    : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, six ? 6 : 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 0, 7),
		head,
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ, six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY, 0, 11),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		BPF_STMT(BPF_ALU | BPF_AND, 0xffff & ~(PROBE_IDENTS - 1)),
		BPF_JUMP(BPF_JMP | BPF_JEQ, icmp, 0, 8),
		BPF_STMT(BPF_RET, UINT32_MAX),
		BPF_JUMP(BPF_JMP | BPF_JEQ, IPPROTO_TCP, 0, 6),
		head,
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_STMT(BPF_ALU | BPF_AND, 0xffff & ~(PROBE_IDENTS - 1)),
		BPF_JUMP(BPF_JMP | BPF_JEQ, tcp, 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
		BPF_JUMP(BPF_JMP | BPF_JSET, TH_SYN | TH_RST, 1, 0),
		BPF_STMT(BPF_RET, 0),
		BPF_STMT(BPF_RET, UINT32_MAX),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

/* The filter before the bind: nothing comes in until then. */
int probe_socket_open(uint8_t family, uint16_t icmp, uint16_t tcp)
{
	struct sockaddr_ll any = {.sll_family = AF_PACKET, .sll_protocol = ethertype(family)};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1, err;

	if (fd < 0)
		return -errno;
	if (filter_attach(fd, family, icmp, tcp) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

int probe_socket_send(int fd, uint8_t family, uint32_t ifindex, const uint8_t mac[6],
		      const void *packet, size_t len)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = ethertype(family),
				 .sll_ifindex = (int)ifindex,
				 .sll_halen = mac ? ETH_ALEN : 0};

	if (mac)
		memcpy(to.sll_addr, mac, ETH_ALEN);
	return sendto(fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static uint64_t received_ns(struct msghdr *msg)
{
	struct timespec ts;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
	}
	return 0;
}

ssize_t probe_socket_read(int fd, void *packet, size_t size, struct probe_from *from)
{
	char control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec data = {packet, size};
	struct sockaddr_ll ll = {0};
	struct msghdr msg = {.msg_name = &ll,
			     .msg_namelen = sizeof(ll),
			     .msg_iov = &data,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return -errno;
	*from = (struct probe_from){.ifindex = (uint32_t)ll.sll_ifindex,
				    .has_mac = ll.sll_halen == ETH_ALEN,
				    .wall_ns = received_ns(&msg)};
	if (from->has_mac)
		memcpy(from->mac, ll.sll_addr, ETH_ALEN);
	return n;
}
