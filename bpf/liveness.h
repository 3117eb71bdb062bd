/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Liveness: BFD (RFC 5880) without any userspace. TC sees the control packets of the routing
 * daemon's sessions, those of the far side at ingress, our own at egress, and notes what they say;
 * they go on unchanged. The kernel's timer (timer.h) makes of it which paths are down, and is the
 * only writer of word bfd in `usable`.
 *
 * A session objects once it was Up, when the far side says anything else or is silent for its
 * detection time; never after AdminDown of either side. All of a path's sessions of a family down
 * is the path down. A detection time is never taken too short: see bfd_own_us().
 */
#ifndef SAMEWAY_BPF_LIVENESS_H
#define SAMEWAY_BPF_LIVENESS_H

/* The mandatory section of a control packet, RFC 5880, 4.1; network order. */
struct bfd_control {
	__u8 version; /* in the top three bits */
	__u8 flags;   /* the state in the top two bits */
	__u8 mult;
	__u8 len;
	__u32 mine, yours;	     /* discriminators */
	__u32 tx_us, rx_us, echo_us; /* Desired Min TX, Required Min RX, Required Min Echo RX */
};
#define BFD_VERSION    1
#define BFD_AUTH       0x04
#define BFD_DEMAND     0x02
#define BFD_MULTIPOINT 0x01
#define BFD_AUTH_LEN   2   /* of the least authentication section */
#define BFD_HOP_TTL    255 /* RFC 5881, 5 */
#define BFD_GUESS      3   /* packets before a session is armed by the far side's alone */
/* Ours not seen for so long: its discriminator may be another by now, and leave elsewhere. */
#define BFD_OWN_NS 10000000000ULL

static __always_inline bool liveness_is(const struct packet *pkt)
{
	return pkt->proto == IPPROTO_UDP &&
	       (pkt->dport == bpf_htons(SW_BFD_PORT) || pkt->dport == bpf_htons(SW_BFD_MULTIHOP));
}

/* False: it is not to be heard, RFC 5880, 6.8.6. */
static __always_inline bool bfd_read(struct __sk_buff *ctx, const struct decision *d,
				     struct bfd_control *out)
{
	__u32 off = d->at.l3 ? 0 : ETH_HLEN_ + (d->at.tag_bytes & TAG_BYTES_MAX), least, state;

	if (bpf_skb_load_bytes(ctx, off + d->pkt.headers, out, sizeof(*out)))
		return false;
	least = sizeof(*out) + (out->flags & BFD_AUTH ? BFD_AUTH_LEN : 0);
	state = out->flags >> 6;
	return out->version >> 5 == BFD_VERSION && out->len >= least &&
	       d->pkt.headers + out->len <= d->pkt.len && out->mult &&
	       !(out->flags & BFD_MULTIPOINT) && out->mine &&
	       (out->yours || state == SW_BFD_DOWN || state == SW_BFD_ADMIN_DOWN);
}

/*
 * What parse has read to its end and the kernel takes: of a frame for another MAC, or of one whose
 * ports are Ethernet's padding, they may be known as well.
 */
static __always_inline bool liveness_read(__u32 reason)
{
	return reason == ADMITTED || reason == SW_REASON_local || reason == SW_REASON_linklocal;
}

/* An address of this box: what is link-local is of the link. */
static __always_inline bool bfd_local(const struct packet *pkt, const union address *a)
{
	struct sw_group *group;

	if (is_link_local(pkt, a))
		return true;
	group = fib_group(fib_find(pkt->family, a));
	return group && group->kind == SW_GROUP_LOCAL;
}

struct bfd_search {
	const struct packet *pkt;
	__u64 far[2];
	__u32 path;
	__u32 found; /* SW_BFD_SESSIONS: not */
};

static int bfd_is_session(__u32 i, struct bfd_search *s)
{
	struct sw_bfd *row = bpf_map_lookup_elem(&bfd, &s->path);
	struct sw_bfd_session *session;
	const __u64 *addr;

	if (!row || i >= SW_BFD_SESSIONS)
		return 1;
	session = &row->session[i];
	addr = (const __u64 *)session->addr;
	if (session->family != s->pkt->family || addr[0] != s->far[0] || addr[1] != s->far[1])
		return 0;
	s->found = i;
	return 1;
}

/* The path's session with that far end, NULL: none. */
static __always_inline struct sw_bfd_session *
bfd_session(const struct decision *d, const union address *far, struct sw_bfd *row)
{
	struct bfd_search s = {.pkt = &d->pkt, .path = d->at.slot, .found = SW_BFD_SESSIONS};

	s.far[0] = far->quad[0];
	s.far[1] = far->quad[1];
	bpf_loop(SW_BFD_SESSIONS, bfd_is_session, &s, 0);
	return s.found < SW_BFD_SESSIONS ? &row->session[NUMBER(s.found) & (SW_BFD_SESSIONS - 1)]
					 : NULL;
}

/*
 * Whether it is said to our side's session: by its port, which has the TTL asked for or not, and by
 * its discriminator, or none (who has just begun). A routing daemon that was started again has
 * another one, and the far side needs a while to know it. While ours is not known, what is on the
 * link is to say it from there.
 */
static __always_inline bool bfd_ours(const struct sw_bfd_session *s, __u16 port, __u32 yours,
				     __u64 now)
{
	union sw_bfd_name own = {.all = *(volatile __u64 *)&s->name[0].all};
	union sw_bfd_name before = {.all = *(volatile __u64 *)&s->name[1].all}, said = {};

	if (!own.s.port || now > s->own_heard_ns + BFD_OWN_NS) {
		if (port == bpf_htons(SW_BFD_PORT))
			return true;
		return own.s.port ? port == own.s.port : !s->gateway;
	}
	if (!yours)
		return port == own.s.port;
	said.s.mine = yours;
	said.s.port = port;
	return said.all == own.all || said.all == before.all;
}

/*
 * TC ingress has a control packet for this box, which came by a path. (It and the next are
 * functions of their own, so that the verifier sees them once.)
 */
__noinline int liveness_heard(struct __sk_buff *ctx, struct decision *d)
{
	struct bfd_control control = {};
	struct sw_bfd_session *s;
	union sw_bfd_said said = {};
	struct sw_bfd *row;
	__u64 now, gap;
	__u32 path;

	if (!d || d->at.role != SW_ROLE_PATH || !liveness_read(d->reason) ||
	    !bfd_local(&d->pkt, &d->pkt.dst))
		return 0;
	path = d->at.slot;
	row = bpf_map_lookup_elem(&bfd, &path);
	if (!row)
		return 0;
	s = bfd_session(d, &d->pkt.src, row);
	if (!s) {
		__sync_fetch_and_add(&row->refused.source, 1);
		return 0;
	}
	if (d->pkt.dport == bpf_htons(SW_BFD_PORT) && d->pkt.ttl != BFD_HOP_TTL) {
		__sync_fetch_and_add(&row->refused.ttl, 1);
		return 0;
	}
	if (!bfd_read(ctx, d, &control)) {
		__sync_fetch_and_add(&row->refused.malformed, 1);
		return 0;
	}
	now = bpf_ktime_get_ns();
	if (!bfd_ours(s, d->pkt.dport, control.yours, now)) {
		__sync_fetch_and_add(&row->refused.session, 1);
		return 0;
	}
	said.s.tx_us = bpf_ntohl(control.tx_us);
	said.s.mult = control.mult;
	said.s.state = control.flags >> 6;
	gap = now - s->heard_ns;
	if (s->heard_ns && !s->own_state && said.s.state == SW_BFD_UP &&
	    s->said.s.state == SW_BFD_UP && gap > s->gap_ns)
		s->gap_ns = gap;
	s->heard++;
	*(volatile __u64 *)&s->heard_ns = now;
	__sync_lock_test_and_set(&s->said.all, said.all); /* who finds it finds heard_ns */
	return 0;
}

/*
 * What our side wants to receive at the least, and the far side will send by: a longer interval
 * holds at once, a shorter one a detection time of the longer later, since by then the far side has
 * heard of it, or has called the session down. That is a Poll sequence's end or after it (RFC 5880,
 * 6.8.3). 0: it wants none.
 */
static __always_inline __u32 bfd_own_us(const struct sw_bfd_session *s, union sw_bfd_said said,
					__u64 now)
{
	union sw_bfd_own own = {.all = *(volatile __u64 *)&s->own.all};
	__u64 before = own.s.before_us;

	if (before <= own.s.rx_us)
		return own.s.rx_us;
	if (said.s.tx_us > before)
		before = said.s.tx_us;
	return now < s->own_ns + before * 1000 * said.s.mult ? own.s.before_us : own.s.rx_us;
}

/* TC egress has a control packet that leaves by a path. */
__noinline int liveness_own(struct __sk_buff *ctx, struct decision *d)
{
	struct bfd_control control = {};
	union sw_bfd_name name = {};
	union sw_bfd_own own = {};
	struct sw_bfd_session *s;
	struct sw_bfd *row;
	__u32 path, state;
	__u64 now;

	/* by its source: what sent it here may have given it another interface that it came by */
	if (!d || d->at.role != SW_ROLE_PATH || !liveness_read(d->reason) ||
	    !bfd_local(&d->pkt, &d->pkt.src))
		return 0;
	path = d->at.slot;
	row = bpf_map_lookup_elem(&bfd, &path);
	if (!row)
		return 0;
	s = bfd_session(d, &d->pkt.dst, row);
	if (!s || !bfd_read(ctx, d, &control))
		return 0;
	now = bpf_ktime_get_ns();
	name.s.mine = control.mine;
	name.s.port = d->pkt.dport;
	*(volatile __u64 *)&s->own_heard_ns = now;
	if (name.all != s->name[0].all) {
		*(volatile __u64 *)&s->name[1].all = s->name[0].all;
		__sync_lock_test_and_set(&s->name[0].all, name.all);
	}
	state = control.flags >> 6;
	/* in Demand mode nothing is asked for: RFC 5880, 6.6 */
	own.s.rx_us =
		control.flags & BFD_DEMAND && state == SW_BFD_UP ? 0 : bpf_ntohl(control.rx_us);
	if (own.s.rx_us != s->own.s.rx_us) {
		own.s.before_us = bfd_own_us(s, s->said, now);
		*(volatile __u64 *)&s->own_ns = now;
		__sync_lock_test_and_set(&s->own.all, own.all);
	}
	*(volatile __u64 *)&s->own_state = state + 1;
	return 0;
}

/* RFC 5880, 6.8.4; ns, 0: silence means nothing. */
static __always_inline __u64 bfd_detect_ns(const struct sw_bfd_session *s, union sw_bfd_said said,
					   __u64 now)
{
	__u64 us;

	/* ours not seen: as far apart as its packets come, which jitter takes a fourth off */
	us = s->own_state ? bfd_own_us(s, said, now) : (s->gap_ns + s->gap_ns / 3) / 1000;
	if (!us)
		return 0;
	if (us < said.s.tx_us)
		us = said.s.tx_us;
	return us * 1000 * said.s.mult;
}

/* The timer's look at all paths; the latter part at one of them. */
struct liveness {
	__u64 now;
	__u64 paths;	 /* still to be looked at */
	__u64 down;	 /* BFD objects, or holds back */
	__u64 link;	 /* word `link` as it was */
	__u64 cut, back; /* have lost their carrier; are given back */
	__u64 held;	 /* have it again */
	bool stalled;
	__u32 path;
	__u32 armed, alive; /* by family: some session is; a bit each */
	__u64 silent_ns;    /* the last packet of those that are silent */
};

enum session_is { SESSION_NONE, SESSION_UP, SESSION_DOWN, SESSION_SILENT };

/*
 * What a session says of its path: NONE, if it may not object; SILENT: DOWN since now, and nobody
 * said so. (A function of its own, so that the verifier sees it once.)
 */
__noinline int session_look(__u32 path, __u32 i, __u64 now, __u32 stalled)
{
	struct sw_bfd *row = bpf_map_lookup_elem(&bfd, &path);
	struct sw_bfd_session *s;
	union sw_bfd_said said;
	__u64 heard;

	if (!row || i >= SW_BFD_SESSIONS)
		return SESSION_NONE;
	s = &row->session[i];
	said.all = *(volatile __u64 *)&s->said.all; /* before heard_ns */
	heard = *(volatile __u64 *)&s->heard_ns;
	if (!s->family || !said.s.mult)
		return SESSION_NONE;
	s->detect_ns = bfd_detect_ns(s, said, now);
	if (said.s.state == SW_BFD_ADMIN_DOWN || s->own_state == SW_BFD_ADMIN_DOWN + 1)
		s->armed = 0;
	else if (said.s.state == SW_BFD_UP && (s->own_state || s->heard >= BFD_GUESS))
		s->armed = 1;
	if (!s->armed) {
		s->down = 0;
		return SESSION_NONE;
	}
	if (said.s.state != SW_BFD_UP) {
		if (!s->down)
			s->downs++;
		s->down = 1;
	} else if (!s->detect_ns || now <= heard + s->detect_ns) {
		s->down = 0;
	} else if (!s->down && !stalled) {
		s->misses++;
		s->down = 1;
		return SESSION_SILENT;
	}
	return s->down ? SESSION_DOWN : SESSION_UP;
}

static int liveness_session(__u32 i, struct liveness *l)
{
	struct sw_bfd *row = bpf_map_lookup_elem(&bfd, &l->path);
	__u32 family, is = session_look(l->path, i, l->now, l->stalled);

	if (!row || i >= SW_BFD_SESSIONS)
		return 1;
	if (is == SESSION_NONE)
		return 0;
	family = 1 << (row->session[i].family == 6);
	l->armed |= family;
	if (is == SESSION_UP)
		l->alive |= family;
	else if (is == SESSION_SILENT)
		l->silent_ns = row->session[i].heard_ns;
	return 0;
}

static int liveness_path(__u32 n __attribute__((unused)), struct liveness *l)
{
	__u32 path = lowest_bit(l->paths);
	struct sw_bfd *row = bpf_map_lookup_elem(&bfd, &path);

	if (!l->paths || !row)
		return 1;
	l->paths &= l->paths - 1;
	l->path = path;
	l->armed = l->alive = 0;
	l->silent_ns = 0;
	bpf_loop(SW_BFD_SESSIONS, liveness_session, l, 0);
	if (l->armed & ~l->alive) {
		if (!row->hold.down) {
			hold_begin(&row->hold, l->now);
			row->silent_ns = l->silent_ns;
		}
		row->hold.up_ns = 0;
	} else if (row->hold.down && hold_over(&row->hold, path, l->now)) {
		row->hold.down = row->hold.up_ns = 0;
	}
	if (row->hold.down)
		l->down |= 1ULL << (path & 63);
	return 0;
}

#endif
