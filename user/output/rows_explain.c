/* SPDX-License-Identifier: GPL-2.0-only */
/* `explain`: the candidates as a ladder, and what the flow table has seen of the pair. */
#include "core/rules.h"
#include "output/rows_internal.h"

#include <stdlib.h>
#include <string.h>

#define LADDER_MAX 64 /* candidates that are told */
#define SEEN_HOSTS 20 /* flows that are told singly */
#define SEEN_KINDS 64 /* of (paths, verdict) between the prefixes */

struct rung {
	struct policy_candidate of;
	bool usable, listed;
	int place; /* in the order of a rule, 0: there is none */
};

/* What is not usable, or of no class in `prefer`, stands behind all that is, for that reason. */
static const char *rung_step(const struct config *cfg, const struct rung *taken,
			     const struct rung *r)
{
	enum policy_step step;

	if (r == taken)
		return NULL;
	if (r->usable && r->place > (taken ? taken->place : 0))
		return policy_step_name(POLICY_RULE);
	if (!r->listed)
		return "not-in-prefer";
	if (!r->usable)
		return "not-usable";
	if (!taken)
		return NULL;
	policy_compare(cfg, taken->of, r->of, &step);
	return policy_step_name(step);
}

/* In the order of the rule, then of the ladder; what `prefer` does not list last. */
static bool rung_before(const struct config *cfg, const struct rung *a, const struct rung *b)
{
	enum policy_step step;

	if (a->place != b->place)
		return a->place < b->place;
	if (a->listed != b->listed)
		return a->listed;
	return policy_compare(cfg, a->of, b->of, &step) < 0;
}

/* 1 and on: the step of the rule that has the path, behind all of them: none has. */
static int rung_place(const struct sw_rule *rule, int path)
{
	int i = 0;

	while (i < SW_RULE_STEPS && !(rule->step[i] >> path & 1))
		i++;
	return i + 1;
}

static size_t ladder_collect(const struct config *cfg, const struct rib_node *node, uint64_t usable,
			     const struct sw_rule *rule, struct rung rungs[LADDER_MAX])
{
	size_t n = 0;

	for (const struct rib_node *at = node; at; at = rib_parent(at)) {
		if (at != node && !rib_node_prefix(at)->len)
			break;
		for (const struct candidate *c = rib_node_candidates(at); c; c = c->next) {
			struct rung r = {.of = {c, at}};
			size_t place;

			if (!candidate_live(c) || c->attr->path < 0 || n == LADDER_MAX)
				continue;
			r.usable = usable >> c->attr->path & 1;
			r.place = rule ? rung_place(rule, c->attr->path) : 0;
			r.listed = config_rank(cfg, (enum sw_class)c->attr->class) != SW_NO_RANK;
			for (place = n++; place && rung_before(cfg, &r, &rungs[place - 1]); place--)
				rungs[place] = rungs[place - 1];
			rungs[place] = r;
		}
	}
	return n;
}

static json_t *ladder_row(const struct config *cfg, const uint8_t *path_ids, const struct rung *r,
			  const char *step)
{
	const struct rib_node *node = r->of.node;
	json_t *row = rows_candidate(cfg, path_ids, rib_node_candidates(node), r->of.c);

	if (row && rows_set(row, "prefix", rows_prefix(rib_node_prefix(node))) &&
	    rows_set(row, "class", json_string(class_text(r->of.c->attr->class))) &&
	    rows_set(row, "usable", json_boolean(r->usable)) &&
	    rows_set(row, "step", step ? json_string(step) : json_null()))
		return row;
	json_decref(row);
	return NULL;
}

json_t *rows_ladder(const struct config *cfg, const uint8_t *path_ids, const struct rib_node *node,
		    uint64_t usable, int taken, const struct config_rule *rule)
{
	struct rung rungs[LADDER_MAX];
	const struct rung *best = NULL;
	json_t *rows = json_array();
	struct sw_rule row;
	bool ok = rows;
	size_t n;

	if (rule)
		rule_compile(cfg, path_ids, UINT64_MAX, rule, &row);
	n = ladder_collect(cfg, node, usable, rule ? &row : NULL, rungs);
	for (size_t i = 0; i < n && !best; i++)
		if (taken >= 0 && rungs[i].of.c->attr->path == taken)
			best = &rungs[i];
	for (size_t i = 0; ok && i < n; i++)
		ok = rows_append(rows, ladder_row(cfg, path_ids, &rungs[i],
						  rung_step(cfg, best, &rungs[i])));
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

struct seen_kind {
	uint8_t out, in, verdict;
	uint64_t flows, packets;
};

struct seen {
	json_t *hosts;
	struct flow_words words;
	const struct ip_addr *src, *dst;
	const struct prefix *src_prefix, *dst_prefix;
	struct seen_kind kind[SEEN_KINDS];
	size_t n_kinds;
};

static void seen_count(struct seen *s, const struct flow *flow)
{
	const struct sw_flow_state *state = &flow->state;
	size_t i = 0;

	for (; i < s->n_kinds; i++)
		if (s->kind[i].out == state->out && s->kind[i].in == state->in &&
		    s->kind[i].verdict == state->verdict)
			break;
	if (i == SEEN_KINDS)
		return;
	if (i == s->n_kinds)
		s->kind[s->n_kinds++] = (struct seen_kind){
			.out = state->out, .in = state->in, .verdict = state->verdict};
	s->kind[i].flows++;
	s->kind[i].packets += flow->out_packets + flow->in_packets;
}

static int seen_flow(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	bool hi = flow->about & SW_FLOW_INSIDE_IS_HI;
	struct ip_addr in = flow_address(key, hi), out = flow_address(key, !hi);
	struct seen *s = arg;

	if (!prefix_has(s->src_prefix, &in) || !prefix_has(s->dst_prefix, &out))
		return 0;
	seen_count(s, flow);
	if (!ip_equal(&in, s->src) || !ip_equal(&out, s->dst) ||
	    json_array_size(s->hosts) == SEEN_HOSTS)
		return 0;
	return rows_append(s->hosts, rows_flow(key, flow, &s->words)) ? 0 : -1;
}

static json_t *seen_path(const struct seen *s, uint8_t id)
{
	return id < SW_MAX_PATHS ? rows_name(s->words.paths[id].name, SW_NAME_LEN) : json_null();
}

static json_t *seen_prefixes(const struct seen *s)
{
	json_t *rows = json_array();
	bool ok = rows;

	for (size_t i = 0; ok && i < s->n_kinds; i++) {
		const struct seen_kind *k = &s->kind[i];

		ok = rows_append(
			rows, json_pack("{s:o, s:o, s:s, s:I, s:I}", "forward_path",
					seen_path(s, k->out), "reverse_path", seen_path(s, k->in),
					"verdict", verdict_text(k->verdict), "flows",
					(json_int_t)k->flows, "packets", (json_int_t)k->packets));
	}
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

json_t *rows_seen(struct maps *maps, const struct ip_addr *src, const struct ip_addr *dst,
		  const struct prefix *src_prefix, const struct prefix *dst_prefix)
{
	struct seen *s = calloc(1, sizeof(*s));
	json_t *row = json_object();
	bool ok = s && row;

	if (ok) {
		s->hosts = json_array();
		s->src = src;
		s->dst = dst;
		s->src_prefix = src_prefix;
		s->dst_prefix = dst_prefix;
		ok = s->hosts && !rows_flow_words(maps, &s->words) &&
		     !maps_flow_each(maps, seen_flow, s) &&
		     rows_set(row, "hosts", json_incref(s->hosts)) &&
		     rows_set(row, "prefixes", seen_prefixes(s));
		json_decref(s->hosts);
	}
	free(s);
	if (ok)
		return row;
	json_decref(row);
	return NULL;
}
