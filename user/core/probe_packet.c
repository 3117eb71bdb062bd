/* SPDX-License-Identifier: GPL-2.0-only */
/* See probe_packet.h. */
#include "core/probe_packet.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>

#define HOPS 64

/* The Internet checksum's sum (RFC 1071), of big-endian words; an odd byte at the end only. */
static uint32_t sum_add(uint32_t sum, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	return sum;
}

static void sum_put(uint8_t *at, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	at[0] = (uint8_t)(~sum >> 8);
	at[1] = (uint8_t)~sum;
}

static size_t address_len(uint8_t family)
{
	return family == 6 ? 16 : 4;
}

/* Of the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1). */
static uint32_t sum_pseudo(const struct probe_packet *p, uint8_t proto, size_t len)
{
	uint32_t sum = sum_add(proto + (uint32_t)len, p->src.bytes, address_len(p->src.family));

	return sum_add(sum, p->dst.bytes, address_len(p->dst.family));
}

/* The IP header, before `len` bytes of proto. Its length. */
static size_t header_make(const struct probe_packet *p, uint8_t proto, size_t len, uint8_t *buf)
{
	if (p->dst.family == 6) {
		struct ip6_hdr ip6 = {.ip6_flow = htobe32(6U << 28),
				      .ip6_plen = htobe16((uint16_t)len),
				      .ip6_nxt = proto,
				      .ip6_hlim = HOPS};

		memcpy(&ip6.ip6_src, p->src.bytes, 16);
		memcpy(&ip6.ip6_dst, p->dst.bytes, 16);
		memcpy(buf, &ip6, sizeof(ip6));
		return sizeof(ip6);
	} else {
		struct iphdr ip = {.version = 4,
				   .ihl = 5,
				   .tot_len = htobe16((uint16_t)(sizeof(ip) + len)),
				   .frag_off = htobe16(IP_DF),
				   .ttl = HOPS,
				   .protocol = proto};

		memcpy(&ip.saddr, p->src.bytes, 4);
		memcpy(&ip.daddr, p->dst.bytes, 4);
		memcpy(buf, &ip, sizeof(ip));
		sum_put(buf + offsetof(struct iphdr, check), sum_add(0, buf, sizeof(ip)));
		return sizeof(ip);
	}
}

static size_t tcp_make(const struct probe_packet *p, uint32_t seq, uint8_t flags,
		       uint8_t buf[PROBE_PACKET_LEN])
{
	struct tcphdr tcp = {.th_sport = htobe16(p->ident),
			     .th_dport = htobe16(p->port),
			     .th_seq = htobe32(seq),
			     .th_off = sizeof(tcp) / 4,
			     .th_flags = flags,
			     .th_win = htobe16(flags & TH_RST ? 0 : 1024)};
	size_t head = header_make(p, IPPROTO_TCP, sizeof(tcp), buf);

	memcpy(buf + head, &tcp, sizeof(tcp));
	sum_put(buf + head + offsetof(struct tcphdr, th_sum),
		sum_add(sum_pseudo(p, IPPROTO_TCP, sizeof(tcp)), buf + head, sizeof(tcp)));
	return head + sizeof(tcp);
}

struct echo {
	uint8_t type, code;
	uint16_t sum, ident, seq;
	uint32_t cookie;
};

size_t probe_packet_make(const struct probe_packet *p, uint8_t buf[PROBE_PACKET_LEN])
{
	bool six = p->dst.family == 6;
	uint8_t proto = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	struct echo echo = {.type = six ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
			    .ident = htobe16(p->ident),
			    .seq = htobe16(p->seq),
			    .cookie = htobe32(p->cookie)};
	size_t head;

	if (p->port)
		return tcp_make(p, p->cookie, TH_SYN, buf);
	head = header_make(p, proto, sizeof(echo), buf);
	memcpy(buf + head, &echo, sizeof(echo));
	sum_put(buf + head + offsetof(struct echo, sum),
		sum_add(six ? sum_pseudo(p, proto, sizeof(echo)) : 0, buf + head, sizeof(echo)));
	return head + sizeof(echo);
}

size_t probe_packet_reset(const struct probe_packet *p, uint8_t buf[PROBE_PACKET_LEN])
{
	return tcp_make(p, p->cookie + 1, TH_RST, buf);
}

/* Addresses and protocol; the length of the header, 0: none that a probe's answer has. */
static size_t header_read(const uint8_t *data, size_t len, struct probe_packet *p, uint8_t *proto)
{
	struct ip6_hdr ip6;
	struct iphdr ip;

	if (len >= sizeof(ip6) && data[0] >> 4 == 6) {
		memcpy(&ip6, data, sizeof(ip6));
		p->src.family = p->dst.family = 6;
		memcpy(p->dst.bytes, &ip6.ip6_src, 16);
		memcpy(p->src.bytes, &ip6.ip6_dst, 16);
		*proto = ip6.ip6_nxt;
		return sizeof(ip6);
	}
	if (len < sizeof(ip) || data[0] >> 4 != 4)
		return 0;
	memcpy(&ip, data, sizeof(ip));
	if (ip.ihl < 5 || ip.ihl * 4U > len || ip.frag_off & htobe16(IP_MF | IP_OFFMASK))
		return 0;
	p->src.family = p->dst.family = 4;
	memcpy(p->dst.bytes, &ip.saddr, 4);
	memcpy(p->src.bytes, &ip.daddr, 4);
	*proto = ip.protocol;
	return ip.ihl * 4U;
}

static bool tcp_read(const uint8_t *data, size_t len, struct probe_packet *p, bool *half_open)
{
	struct tcphdr tcp;

	if (len < sizeof(tcp))
		return false;
	memcpy(&tcp, data, sizeof(tcp));
	if (!(tcp.th_flags & TH_ACK) || !(tcp.th_flags & (TH_SYN | TH_RST)))
		return false;
	p->ident = be16toh(tcp.th_dport);
	p->port = be16toh(tcp.th_sport);
	p->cookie = be32toh(tcp.th_ack) - 1;
	*half_open = !(tcp.th_flags & TH_RST);
	return p->port;
}

bool probe_packet_read(const uint8_t *data, size_t len, struct probe_packet *p, bool *half_open)
{
	struct echo echo;
	uint8_t proto;
	size_t head;
	bool six;

	*p = (struct probe_packet){0};
	*half_open = false;
	head = header_read(data, len, p, &proto);
	if (!head)
		return false;
	if (proto == IPPROTO_TCP)
		return tcp_read(data + head, len - head, p, half_open);
	six = p->dst.family == 6;
	if (proto != (six ? IPPROTO_ICMPV6 : IPPROTO_ICMP) || len - head < sizeof(echo))
		return false;
	memcpy(&echo, data + head, sizeof(echo));
	if (echo.type != (six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) || echo.code)
		return false;
	p->ident = be16toh(echo.ident);
	p->seq = be16toh(echo.seq);
	p->cookie = be32toh(echo.cookie);
	return true;
}
