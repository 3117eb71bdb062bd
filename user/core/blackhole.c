/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In two steps, as most flows are well: each record's counters are compared with what they were;
 * only where some flow of a path has been silent for long are the flows of that path unpacked and
 * put into cells, one for each inside network and path, and one for each destination prefix of it.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/blackhole_internal.h"
#include "core/cause_gather.h"
#include "core/incident_internal.h"

#define RECENT_MS   30000 /* a silent flow sends again within, though TCP waits ever longer */
#define FORGET_MIN  30000
#define PROOF	    4 /* packets each way: no repeated SYN, of a flow that the far side opened */
#define SCTP_OR_UDP 8 /* at least one packet of so many is answered where answers are usual */
#define RTO_LONG    60000 /* TCP's intervals grow no more from somewhere above */
#define REPEATS	    2	  /* that grew, before one that does not is taken for another */

struct blackholes *blackholes_new(void)
{
	struct blackholes *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	for (int i = 0; i < 2; i++) {
		b->seen[i] = calloc(BLACKHOLE_RECORDS, sizeof(struct seen));
		if (!b->seen[i]) {
			blackholes_free(b);
			return NULL;
		}
	}
	return b;
}

void blackholes_free(struct blackholes *b)
{
	if (!b)
		return;
	free(b->seen[0]);
	free(b->seen[1]);
	free(b);
}

void blackholes_forget(struct blackholes *b)
{
	for (int i = 0; i < 2; i++)
		memset(b->seen[i], 0, BLACKHOLE_RECORDS * sizeof(struct seen));
	memset(b->sizes, 0, sizeof(b->sizes));
}

void blackholes_begin(struct blackholes *b, const struct incident_context *ctx)
{
	if (!b->start_ns)
		b->start_ns = ctx->now;
	b->before = b->now;
	b->now = (uint32_t)((ctx->now - b->start_ns) / MS) + 1;
	b->suspects = b->suspects_next;
	b->suspects_next = 0;
	for (size_t i = 0; i < b->holes; i++)
		b->suspects |= 1ULL << b->hole[i].told.path;
	if (b->cells)
		memset(b->cell, 0, sizeof(b->cell));
	b->cells = 0;
}

/*
 * Whether what came answers what was sent: of a flow that the far side opened it may be its first
 * packet, over and over.
 */
static bool is_answer(const struct sw_flow_record *r, uint32_t in, uint32_t out)
{
	return r->about & SW_FLOW_OPENED_INSIDE || (in >= PROOF && out >= PROOF);
}

/*
 * What TCP at the far side sends when it hears nothing of ours: its last segment again, after twice
 * the time (RFC 6298, 5.5). Of that a scan sees one packet, later each time than the time before:
 * not what comes at a steady pace, as keepalives do, nor what comes after a rest.
 */
static bool far_repeats(const struct blackholes *b, struct seen *s, const struct sw_flow_record *r,
			uint32_t more_in)
{
	uint32_t gap = ms_since(b, s->came), last = s->gap;

	bool grew = last && gap >= last + last / 4 && gap <= 3 * last;

	s->gap = gap;
	s->came = b->now;
	if (r->proto != IPPROTO_TCP || more_in != 1 ||
	    !(grew || (s->repeats >= REPEATS && last >= RTO_LONG && gap <= 3 * last))) {
		s->repeats = 0;
		return false;
	}
	s->repeats += s->repeats < REPEATS;
	return true;
}

static uint64_t bytes_of(const struct sw_flow_record *r)
{
	return r->out_bytes & ((1ULL << SW_FLOW_BYTES_BITS) - 1);
}

static void seen_update(struct blackholes *b, struct seen *s, const struct sw_flow_record *r,
			uint8_t in_path)
{
	uint32_t in = r->in_packets, out = r->out_packets;
	uint64_t bytes = bytes_of(r);
	uint32_t more_in = in - s->in;

	s->grown = out - s->out;
	if (more_in && in_path < SW_MAX_PATHS)
		b->received_ns[in_path] = b->start_ns + (b->before - 1) * MS;
	if (more_in && far_repeats(b, s, r, more_in)) {
		more_in = 0;
		s->grown -= s->grown > 0; /* our ACK of it, again */
	}
	if (more_in) {
		blackhole_size_answered(s, out, bytes);
		s->silent = 0;
		if (is_answer(r, more_in, s->grown))
			s->answered = b->now;
	} else if (s->grown && (!s->silent || ms_since(b, s->sent) > RECENT_MS)) {
		s->silent = b->now;
		s->out_then = s->out;
		s->bytes_then = s->bytes;
	}
	if (s->grown)
		s->sent = b->now;
	s->in = in;
	s->out = out;
	s->bytes = bytes;
}

static void seen_begin(struct blackholes *b, struct seen *s, const struct sw_flow_record *r,
		       uint16_t reuse)
{
	*s = (struct seen){.known = true,
			   .reuse = reuse,
			   .in = r->in_packets,
			   .out = r->out_packets,
			   .bytes = bytes_of(r),
			   .sent = b->now,
			   .came = b->now};
	if (!s->in) {
		s->silent = b->now;
		return;
	}
	if (is_answer(r, s->in, s->out))
		s->answered = b->now;
	blackhole_size_answered(s, s->out, s->bytes);
}

static bool long_silent(const struct blackholes *b, const struct seen *s)
{
	return s->silent && ms_since(b, s->silent) >= BLACKHOLE_NS / MS &&
	       ms_since(b, s->sent) <= RECENT_MS;
}

bool blackholes_look(struct blackholes *b, uint8_t family, uint32_t record,
		     const struct sw_flow_record *r, union sw_flow_word state)
{
	struct seen *s;
	uint8_t out = state.s.out;

	if (record >= BLACKHOLE_RECORDS)
		return false;
	s = &b->seen[family == 6][record];
	if (!s->known || s->reuse != state.s.reuse)
		seen_begin(b, s, r, state.s.reuse);
	else
		seen_update(b, s, r, state.s.in);
	if (out >= SW_MAX_PATHS || !state.s.out_fresh)
		return false;
	if (long_silent(b, s))
		b->suspects_next |= 1ULL << out;
	return (s->answered && !s->noted) || b->suspects >> out & 1;
}

static uint32_t service_of(const struct sw_flow_key *key, bool inside_hi, uint32_t *host)
{
	const uint8_t *dst = inside_hi ? key->lo : key->hi;
	uint16_t port = inside_hi ? key->lo_port : key->hi_port;
	uint64_t hash = incident_hash(0xcbf29ce484222325ULL, dst, 16);

	*host = (uint32_t)hash | 1;
	if (key->proto == IPPROTO_ICMP || key->proto == IPPROTO_ICMPV6)
		port = 0;
	hash = incident_hash(hash, &port, sizeof(port));
	return (uint32_t)incident_hash(hash, &key->proto, 1) | 1;
}

static struct cell *cell_of(struct blackholes *b, uint8_t path, bool whole,
			    const struct prefix *src, const struct prefix *dst)
{
	uint64_t hash = incident_hash(path + 64 * whole, src, sizeof(*src));
	size_t at;

	if (!whole)
		hash = incident_hash(hash, dst, sizeof(*dst));
	for (at = hash % CELLS; b->cell[at].used; at = (at + 1) % CELLS) {
		struct cell *c = &b->cell[at];

		if (c->path == path && c->whole == whole && prefix_equal(&c->src, src) &&
		    (whole || prefix_equal(&c->dst, dst)))
			return c;
	}
	if (b->cells == CELLS / 2)
		return NULL;
	b->cells++;
	b->cell[at] =
		(struct cell){.used = true, .whole = whole, .path = path, .src = *src, .dst = *dst};
	return &b->cell[at];
}

/* Its kind is answered, and it or what it asks was: silence means something. */
static bool counts(const struct blackholes *b, const struct seen *s, const struct flow *flow,
		   uint8_t proto, uint32_t service)
{
	uint32_t sent = s->out - s->out_then;

	if (!s->in && b->service[service % SERVICES] != service)
		return false;
	if (proto == IPPROTO_TCP)
		return !flow->closing && sent >= 2;
	if (sent < 3)
		return false;
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 || !s->in ||
	       (uint64_t)s->in * SCTP_OR_UDP >= s->out_then;
}

static void host_add(struct cell *c, uint32_t host)
{
	for (size_t i = 0; i < c->hosts; i++)
		if (c->host[i] == host)
			return;
	if (c->hosts < CELL_HOSTS)
		c->host[c->hosts++] = host;
}

static void cell_add(struct cell *c, const struct finding *f)
{
	if (!c)
		return;
	c->silent += f->silent;
	c->answered += f->answered;
	c->elsewhere += f->elsewhere;
	c->moves += f->moves;
	blackhole_size_add(c, f);
	if (!f->silent)
		return;
	host_add(c, f->host);
	if (f->last_answer > c->last_answer)
		c->last_answer = f->last_answer;
	if (!c->since || f->since < c->since)
		c->since = f->since;
}

/* It last sent before an answer ended the hole it was in. */
static bool before_answer(const struct blackholes *b, uint8_t path, const struct prefix *src,
			  const struct prefix *dst, uint32_t sent)
{
	for (size_t i = 0; i < HOLES && i < b->n_ended; i++) {
		const struct ended *e = &b->ended[i];

		if (e->path == path && sent <= e->at && prefix_equal(&e->src, src) &&
		    (e->whole || prefix_equal(&e->dst, dst)))
			return true;
	}
	return false;
}

/* Where it belongs: the inside network, or what Azure knows of it by itself; and the routes'
 * prefix. */
static bool find_prefixes(const struct incident_context *ctx, const struct sw_flow_key *key,
			  bool inside_hi, struct prefix *src, struct prefix *dst)
{
	struct ip_addr inside = flow_address(key, inside_hi);
	struct ip_addr outside = flow_address(key, !inside_hi);
	const struct prefix host = prefix_host(&inside);
	const struct rib_node *node;

	if (!config_inside_of(ctx->cfg, &host, src))
		return false;
	node = rib_match(ctx->rib, VIEW_REMOTE, &inside);
	if (node && rib_node_prefix(node)->len > src->len &&
	    rib_node_prefix(node)->len < prefix_max_len(key->family))
		*src = *rib_node_prefix(node);
	node = rib_match(ctx->rib, VIEW_LOCAL, &outside);
	if (node)
		*dst = *rib_node_prefix(node);
	return node;
}

void blackholes_flow(struct blackholes *b, const struct incident_context *ctx,
		     const struct sw_flow_key *key, const struct flow *flow)
{
	bool inside_hi = flow->about & SW_FLOW_INSIDE_IS_HI;
	struct seen *s = &b->seen[key->family == 6][flow->record];
	uint32_t window = b->now - b->before;
	struct prefix src, dst;
	struct finding f = {0};
	uint32_t service;

	service = service_of(key, inside_hi, &f.host);
	if (s->answered && !s->noted) {
		s->noted = true;
		if (flow->about & SW_FLOW_OPENED_INSIDE)
			b->service[service % SERVICES] = service;
	}
	if (flow->state.out >= SW_MAX_PATHS || !(b->suspects >> flow->state.out & 1) ||
	    (flow->settle_ns && ctx->now < flow->settle_ns + ctx->cfg->grace_ns) ||
	    !find_prefixes(ctx, key, inside_hi, &src, &dst))
		return;
	f.answered = s->answered && ms_since(b, s->answered) < BLACKHOLE_NS / MS;
	f.elsewhere = flow->state.verdict == SW_VERDICT_ONE_WAY;
	if (!f.answered && long_silent(b, s) &&
	    !before_answer(b, flow->state.out, &src, &dst, s->sent)) {
		f.since = s->silent;
		f.silent = counts(b, s, flow, key->proto, service);
		f.last_answer = s->answered;
		f.moves = f.silent && key->proto == IPPROTO_TCP && s->in &&
			  s->grown > 4 + window / 500;
	}
	blackhole_size_find(b, s, flow->state.out, &f);
	cell_add(cell_of(b, flow->state.out, true, &src, &dst), &f);
	cell_add(cell_of(b, flow->state.out, false, &src, &dst), &f);
}

static struct cell *cell_find(struct blackholes *b, const struct blackhole *h)
{
	size_t n = b->cells;
	struct cell *c = cell_of(b, h->path, h->silent.whole, &h->src, &h->dst);

	return b->cells == n ? c : NULL; /* made just now: it has no flow */
}

bool blackhole_path_settled(const struct incident_context *ctx, unsigned int path, uint8_t family)
{
	const struct incident_path_state *p = &ctx->path[path];

	return p->configured && !cause_path_objects(p, family) &&
	       (!p->changed_ns || ctx->now >= p->changed_ns + ctx->cfg->grace_ns);
}

static bool is_hole(const struct incident_context *ctx, const struct cell *c)
{
	if (!c->used || c->answered || c->elsewhere ||
	    !blackhole_path_settled(ctx, c->path, c->src.family))
		return false;
	if (c->whole)
		return c->silent >= BLACKHOLE_FLOWS && c->hosts >= BLACKHOLE_HOSTS;
	return c->silent >= BLACKHOLE_PREFIX_FLOWS && c->hosts >= BLACKHOLE_PREFIX_HOSTS;
}

static void silent_of(const struct blackholes *b, const struct cell *c, struct cause_silent *s)
{
	s->flows = c->silent;
	s->hosts = c->hosts;
	s->whole = c->whole;
	s->moves = c->moves;
	s->for_ns = (uint64_t)ms_since(b, c->last_answer ? c->last_answer : c->since) * MS;
}

/* The destination with most silent flows, to name. */
static struct prefix worst_of(const struct blackholes *b, const struct cell *all)
{
	const struct cell *worst = all;
	size_t most = 0;

	for (size_t i = 0; all->whole && i < CELLS; i++) {
		const struct cell *c = &b->cell[i];

		if (c->used && !c->whole && c->path == all->path &&
		    prefix_equal(&c->src, &all->src) && c->silent > most) {
			worst = c;
			most = c->silent;
		}
	}
	return worst->dst;
}

static bool hole_known(const struct blackholes *b, const struct cell *c)
{
	for (size_t i = 0; i < b->holes; i++) {
		const struct blackhole *h = &b->hole[i].told;

		if (h->path == c->path && prefix_equal(&h->src, &c->src) &&
		    (h->silent.whole || (!c->whole && prefix_equal(&h->dst, &c->dst))))
			return true;
	}
	return false;
}

static void holes_open(struct blackholes *b, const struct incident_context *ctx, bool whole)
{
	for (size_t i = 0; b->cells && i < CELLS && b->holes < HOLES; i++) {
		const struct cell *c = &b->cell[i];
		struct hole *h = &b->hole[b->holes];

		if (c->whole != whole || !is_hole(ctx, c) || hole_known(b, c))
			continue;
		*h = (struct hole){.told = {.path = c->path, .src = c->src, .dst = worst_of(b, c)},
				   .last = b->now};
		silent_of(b, c, &h->told.silent);
		b->holes++;
	}
}

/* False: it is over, or nobody has sent into it for so long that nothing is known. */
static bool hole_lasts(struct blackholes *b, const struct incident_context *ctx, struct hole *h,
		       bool *answered)
{
	const struct cell *c = cell_find(b, &h->told);
	uint64_t wait = ctx->cfg->grace_ns / MS > FORGET_MIN ? ctx->cfg->grace_ns / MS : FORGET_MIN;

	h->told.silent.flows = c ? c->silent : 0;
	*answered = c && c->answered;
	if (*answered)
		return false;
	if (c && c->silent) {
		silent_of(b, c, &h->told.silent);
		h->last = b->now;
	}
	return ms_since(b, h->last) < wait;
}

static void hole_ended(struct blackholes *b, const struct blackhole *h)
{
	b->ended[b->n_ended++ % HOLES] = (struct ended){.path = h->path,
							.whole = h->silent.whole,
							.src = h->src,
							.dst = h->dst,
							.at = b->now};
}

void blackholes_end(struct blackholes *b, const struct incident_context *ctx, blackhole_cb cb,
		    void *arg)
{
	size_t kept = 0;

	b->dead = 0;
	for (size_t i = 0; i < b->holes; i++) {
		struct hole h = b->hole[i];
		bool answered, lasts = hole_lasts(b, ctx, &h, &answered);

		if (lasts) {
			b->hole[kept++] = h;
		} else if (answered) {
			hole_ended(b, &h.told);
			cb(arg, &h.told, true);
		}
	}
	b->holes = kept;
	holes_open(b, ctx, true);
	holes_open(b, ctx, false);
	blackhole_sizes_end(b, ctx);
	for (size_t i = 0; i < b->holes; i++) {
		const struct blackhole *h = &b->hole[i].told;

		if (h->silent.whole && !h->silent.moves)
			b->dead |= 1ULL << h->path;
		cb(arg, h, false);
	}
}

bool blackholes_dead(const struct blackholes *b, unsigned int path)
{
	return b->dead >> path & 1;
}

uint64_t blackholes_received(const struct blackholes *b, unsigned int path)
{
	return b->received_ns[path];
}
