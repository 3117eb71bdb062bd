/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 1, parse: from a frame to a struct packet. Ethernet or none (L3 devices), IPv4 with
 * options, IPv6 with extension headers, TCP, UDP, SCTP, ICMP. VLAN tags that a port of the
 * interface has were looked at before (port.h); any other tag, and the frame is not parsed further.
 *
 * Any fragment, the first too, has no ports: all of a packet's fragments take one path. An ICMP
 * error carries the tuple it quotes: it follows that flow.
 */
#ifndef SAMEWAY_BPF_PARSE_H
#define SAMEWAY_BPF_PARSE_H

#define ETH_HLEN_     14
#define TAG_BYTES_MAX 12 /* two tags, and one of priority */
#define PARSE_MAX_EXT 6	 /* IPv6 extension headers */
#define IP_FRAG_BITS  0x3fff
#define TCP_FLAG_FIN  0x01
#define TCP_FLAG_SYN  0x02
#define TCP_FLAG_RST  0x04
#define TCP_FLAG_ACK  0x10

/* The start of ICMP of both families; linux/icmp.h would pull in libc. */
struct icmp_head {
	__u8 type, code;
	__u16 check;
	__u16 id, sequence; /* of an echo */
};
/* Types of RFC 792 and RFC 4443. */
#define ICMP4_ECHO_REPLY    0
#define ICMP4_UNREACHABLE   3
#define ICMP4_SOURCE_QUENCH 4
#define ICMP4_REDIRECT	    5
#define ICMP4_ECHO	    8
#define ICMP4_TIME_EXCEEDED 11
#define ICMP4_PARAMETER	    12
#define ICMP6_ECHO	    128
#define ICMP6_ECHO_REPLY    129
#define ICMP6_ND_FIRST	    133 /* router solicitation ... */
#define ICMP6_ND_LAST	    137 /* ... redirect, RFC 4861 */

/* What a hook gives: the frame's linear head and what the kernel says of it. */
struct frame {
	void *data, *end;
	__u32 ifindex;
	__u32 len;	/* of the whole frame, bytes */
	__u32 gso_size; /* payload of a segment, 0: not a GSO frame */
	__u32 segments; /* packets on the wire, at least 1 */
};

/* Whose port a frame came by, or leaves by: filled in port.h. */
struct place {
	__u64 own;   /* MAC that it must be for, 0: any */
	__u64 paths; /* those that share the port, 0: no port */
	__u64 mac;   /* which tells them */
	__u64 now;
	union sw_tags tags; /* of the port */
	__u32 ifindex;
	__u16 beside;	/* TAG_BESIDE and the VLAN of the tag beside the data (TC), 0: none */
	__u8 tag_bytes; /* of tags in the data */
	__u8 count;	/* of tags in `tags` */
	__u8 slot;
	__u8 role;   /* enum sw_role; 0: no path's, see `paths` */
	__u8 leaves; /* it goes out there */
	__u8 l3;     /* no Ethernet header */
	__u8 tagged; /* with tags that are no port's */
};
#define TAG_BESIDE 0x1000

union address {
	__u8 bytes[16];
	__u32 word[4];
	__u64 quad[2];
};

/* What its flow's verdict is taken of: see flow.h. */
struct seen {
	__u64 now;
	__u32 group; /* of the outside address */
	__u32 dir;
	__u32 path; /* this packet's */
};

/* Addresses and ports in network order; IPv4 addresses in the first word, the rest 0. */
struct packet {
	union address src, dst;
	struct sw_flow_key key; /* of the flow: of the quoted one for an ICMP error */
	struct seen seen;
	__u64 hash;   /* flow_hash() of the key */
	__u32 record; /* that was found, NO_RECORD: none */
	__u16 reuse;  /* of it */
	__u16 rule;   /* of its flow, 0: none; see rule.h */
	__u32 rules;  /* sw_ctl.rules that it is of, 0: not asked */
	__u16 sport, dport;
	__u32 len;     /* of the IP packet (GSO: of the whole), bytes */
	__u32 headers; /* IP and transport header, bytes */
	__u32 l4;      /* of them before the transport header */
	__u32 ack;     /* TCP, host order */
	__u8 family;   /* 4 or 6 */
	__u8 proto;
	__u8 ttl;
	__u8 fragment;
	__u8 icmp_error;
	__u8 nd; /* neighbour or router discovery */
	__u8 options;
	__u8 tcp_flags;
	__u8 dscp;
	__u8 hidden;	/* what is behind the IP header could not be read */
	__u8 src_is_lo; /* the sender is key.lo; of an ICMP error: of what it quotes */
};

/* What parse says when there is no packet to go on with. */
enum parse_result {
	PARSE_IP,
	PARSE_ARP,
	PARSE_TAGGED,
	PARSE_OTHER,
	PARSE_MALFORMED,
	PARSE_MULTICAST,  /* Ethernet multicast or broadcast, and IP */
	PARSE_OTHER_HOST, /* destination MAC is not the interface's */
};

/* A MAC as a number, to compare; not 0 for any that a device has. */
static __always_inline __u64 mac_number(const __u8 *mac)
{
	return *(const __u32 *)mac | (__u64) * (const __u16 *)(mac + 4) << 32;
}

static __always_inline bool is_vlan(__u16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/* Orders the tuple: both directions give one key. Returns whether src became lo. */
static __always_inline __u8 flow_key(struct sw_flow_key *key, const union address *src,
				     const union address *dst, __u16 sport, __u16 dport)
{
	__u8 lo;

	if (src->quad[0] != dst->quad[0])
		lo = src->quad[0] < dst->quad[0];
	else if (src->quad[1] != dst->quad[1])
		lo = src->quad[1] < dst->quad[1];
	else
		lo = sport <= dport;

	if (lo) {
		__builtin_memcpy(key->lo, src, 16);
		__builtin_memcpy(key->hi, dst, 16);
		key->lo_port = sport;
		key->hi_port = dport;
	} else {
		__builtin_memcpy(key->lo, dst, 16);
		__builtin_memcpy(key->hi, src, 16);
		key->lo_port = dport;
		key->hi_port = sport;
	}
	return lo;
}

/* The tuple that an ICMP error quotes, at `quote`; what is cut off stays 0. */
static __always_inline int parse_quote(struct packet *pkt, void *quote, void *end)
{
	union address src = {}, dst = {};
	__u16 *l4;
	__u16 sport = 0, dport = 0, fragment = 0;
	__u8 proto;

	if (pkt->family == 4) {
		struct iphdr *ip = quote;

		if ((void *)(ip + 1) > end || ip->ihl < 5)
			return -1;
		src.word[0] = ip->saddr;
		dst.word[0] = ip->daddr;
		proto = ip->protocol;
		fragment = ip->frag_off & bpf_htons(IP_FRAG_BITS);
		l4 = quote + (ip->ihl & 15) * 4;
	} else {
		struct ipv6hdr *ip6 = quote;

		if ((void *)(ip6 + 1) > end)
			return -1;
		__builtin_memcpy(&src, &ip6->saddr, 16);
		__builtin_memcpy(&dst, &ip6->daddr, 16);
		proto = ip6->nexthdr;
		l4 = (void *)(ip6 + 1);
	}
	if (!fragment && (void *)(l4 + 4) <= end) {
		if (proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP) {
			sport = l4[0];
			dport = l4[1];
		} else if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
			sport = dport = l4[2]; /* echo identifier */
		}
	}
	pkt->key.proto = proto;
	pkt->src_is_lo = flow_key(&pkt->key, &src, &dst, sport, dport);
	return 0;
}

static __always_inline enum parse_result parse_icmp(struct packet *pkt, void *l4, void *end)
{
	struct icmp_head *icmp = l4;
	__u8 type;

	if ((void *)(icmp + 1) > end)
		return PARSE_MALFORMED;
	pkt->headers += sizeof(*icmp);
	type = icmp->type;
	if (pkt->family == 4) {
		if (type == ICMP4_ECHO || type == ICMP4_ECHO_REPLY)
			pkt->sport = pkt->dport = icmp->id;
		else if (type == ICMP4_UNREACHABLE || type == ICMP4_SOURCE_QUENCH ||
			 type == ICMP4_REDIRECT || type == ICMP4_TIME_EXCEEDED ||
			 type == ICMP4_PARAMETER)
			pkt->icmp_error = 1;
	} else {
		if (type == ICMP6_ECHO || type == ICMP6_ECHO_REPLY)
			pkt->sport = pkt->dport = icmp->id;
		else if (type >= ICMP6_ND_FIRST && type <= ICMP6_ND_LAST)
			pkt->nd = 1;
		else if (type && type < ICMP6_ECHO)
			pkt->icmp_error = 1;
	}
	if (pkt->icmp_error && parse_quote(pkt, icmp + 1, end))
		return PARSE_MALFORMED;
	return PARSE_IP;
}

static __always_inline enum parse_result parse_l4(struct packet *pkt, void *l4, void *end)
{
	enum parse_result ret = PARSE_IP;

	pkt->l4 = pkt->headers;
	if (!pkt->fragment) {
		if (pkt->proto == IPPROTO_TCP) {
			struct tcphdr *tcp = l4;

			if ((void *)(tcp + 1) > end || tcp->doff < 5)
				return PARSE_MALFORMED;
			pkt->sport = tcp->source;
			pkt->dport = tcp->dest;
			pkt->tcp_flags = ((__u8 *)l4)[13];
			pkt->ack = bpf_ntohl(tcp->ack_seq);
			pkt->headers += tcp->doff * 4;
		} else if (pkt->proto == IPPROTO_UDP || pkt->proto == IPPROTO_SCTP) {
			struct udphdr *udp = l4; /* SCTP's ports are in the same place */

			if ((void *)(udp + 1) > end)
				return PARSE_MALFORMED;
			pkt->sport = udp->source;
			pkt->dport = udp->dest;
			pkt->headers += sizeof(*udp);
		} else if (pkt->proto == (pkt->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
			ret = parse_icmp(pkt, l4, end);
			if (ret != PARSE_IP)
				return ret;
		}
	}
	if (pkt->headers > pkt->len)
		return PARSE_MALFORMED; /* what was read as headers is Ethernet's padding */
	if (!pkt->icmp_error) {
		pkt->key.proto = pkt->proto;
		pkt->src_is_lo = flow_key(&pkt->key, &pkt->src, &pkt->dst, pkt->sport, pkt->dport);
	}
	return PARSE_IP;
}

static __always_inline enum parse_result parse_ip4(struct packet *pkt, void *l3, void *end,
						   __u32 avail)
{
	struct iphdr *ip = l3;
	__u32 ihl;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return PARSE_MALFORMED;
	ihl = (ip->ihl & 15) * 4;
	pkt->family = pkt->key.family = 4;
	/* before what may be wrong: rules are asked of it all the same */
	pkt->src.word[0] = ip->saddr;
	pkt->dst.word[0] = ip->daddr;
	pkt->proto = ip->protocol;
	pkt->dscp = ip->tos >> 2;
	pkt->len = bpf_ntohs(ip->tot_len);
	if (pkt->len < ihl || pkt->len > avail)
		return PARSE_MALFORMED;
	pkt->ttl = ip->ttl;
	pkt->options = ihl > sizeof(*ip);
	pkt->fragment = (ip->frag_off & bpf_htons(IP_FRAG_BITS)) != 0;
	pkt->headers = ihl;
	if (pkt->dst.bytes[0] >= 224 || !pkt->dst.word[0])
		return PARSE_MULTICAST;
	return parse_l4(pkt, l3 + ihl, end);
}

static __always_inline enum parse_result parse_ip6(struct packet *pkt, void *l3, void *end,
						   __u32 avail)
{
	struct ipv6hdr *ip6 = l3;
	void *cur = l3 + sizeof(*ip6);
	__u8 next;
	int i;

	if ((void *)(ip6 + 1) > end || ip6->version != 6)
		return PARSE_MALFORMED;
	pkt->family = pkt->key.family = 6;
	__builtin_memcpy(&pkt->src, &ip6->saddr, 16);
	__builtin_memcpy(&pkt->dst, &ip6->daddr, 16);
	pkt->dscp = bpf_ntohs(*(__u16 *)ip6) >> 6 & 0x3f;
	pkt->len = bpf_ntohs(ip6->payload_len) + sizeof(*ip6);
	if (pkt->len > avail)
		return PARSE_MALFORMED;
	pkt->ttl = ip6->hop_limit;
	pkt->headers = sizeof(*ip6);
	next = ip6->nexthdr;
	for (i = 0; i <= PARSE_MAX_EXT; i++) {
		__u8 *ext = cur;
		__u32 size;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			break;
		if (i == PARSE_MAX_EXT) {
			pkt->options = 1; /* too many to look through: the kernel's */
			break;
		}
		if ((void *)(ext + 8) > end)
			return PARSE_MALFORMED;
		if (next == IPPROTO_HOPOPTS)
			pkt->options = 1; /* each router must look: the kernel does */
		pkt->fragment = next == IPPROTO_FRAGMENT;
		size = pkt->fragment ? 8 : (ext[1] + 1) * 8;
		next = ext[0];
		cur += size;
		pkt->headers += size;
		if (pkt->fragment)
			break; /* a later one has data behind it: all must get one hash */
	}
	pkt->proto = next;
	pkt->hidden = next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
		      next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT;
	if (pkt->dst.bytes[0] == 0xff && next != IPPROTO_ICMPV6)
		return PARSE_MULTICAST;
	return parse_l4(pkt, cur, end);
}

/*
 * On PARSE_IP the packet is filled. Lengths are checked against the frame's, so that nothing after
 * this stage needs to.
 */
static __always_inline enum parse_result parse(const struct frame *frame, const struct place *at,
					       struct packet *pkt)
{
	struct ethhdr *eth = frame->data;
	__u32 tags = at->tag_bytes & TAG_BYTES_MAX;
	void *net = frame->data + tags; /* ETH_HLEN_ before the IP header */
	__u8 first, group = 0, other = 0;
	__u32 off = 0;
	__u16 proto;

	if (at->tagged)
		return PARSE_TAGGED;
	if (at->l3) {
		if (frame->data + 1 > frame->end)
			return PARSE_MALFORMED;
		first = *(__u8 *)frame->data >> 4;
		proto = first == 4 ? bpf_htons(ETH_P_IP) : first == 6 ? bpf_htons(ETH_P_IPV6) : 0;
	} else {
		if ((void *)(eth + 1) > frame->end || net + ETH_HLEN_ > frame->end)
			return PARSE_MALFORMED;
		off = ETH_HLEN_;
		proto = *(__u16 *)(net + ETH_HLEN_ - 2);
		group = eth->h_dest[0] & 1;
		other = at->own && mac_number(eth->h_dest) != at->own;
		if (proto == bpf_htons(ETH_P_ARP))
			return PARSE_ARP;
		if (is_vlan(proto))
			return PARSE_TAGGED;
	}
	if (proto == bpf_htons(ETH_P_IP)) {
		if (group)
			return PARSE_MULTICAST;
		if (other)
			return PARSE_OTHER_HOST;
		return parse_ip4(pkt, net + off, frame->end, frame->len - tags - off);
	}
	if (proto == bpf_htons(ETH_P_IPV6)) {
		enum parse_result ret;

		/* own MAC after the parse: neighbour discovery goes to multicast MACs */
		ret = parse_ip6(pkt, net + off, frame->end, frame->len - tags - off);
		if (ret != PARSE_IP || pkt->nd)
			return ret;
		if (pkt->dst.bytes[0] == 0xff || group)
			return PARSE_MULTICAST;
		return other ? PARSE_OTHER_HOST : ret;
	}
	return PARSE_OTHER;
}

#endif
