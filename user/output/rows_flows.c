/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `flows` from the pinned map. A record is ordered by address and knows which end is inside; a row
 * is told from who opened the flow: forward is the direction from src to dst.
 */
#include "output/rows_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct proto_name {
	uint8_t proto;
	const char *name;
};
/* The protocols that have names in answers; they are also those with ports (ICMP: identifier). */
static const struct proto_name proto_names[] = {
	{IPPROTO_TCP, "tcp"},	   {IPPROTO_UDP, "udp"},   {IPPROTO_ICMP, "icmp"},
	{IPPROTO_ICMPV6, "icmp6"}, {IPPROTO_SCTP, "sctp"},
};

static const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < sizeof(proto_names) / sizeof(proto_names[0]); i++) {
		if (proto_names[i].proto == proto)
			return proto_names[i].name;
	}
	return NULL;
}

static json_t *flow_direction(const struct sw_path *paths, uint8_t id, uint64_t packets,
			      uint64_t bytes)
{
	const struct sw_path *path = id < SW_MAX_PATHS && paths[id].name[0] ? &paths[id] : NULL;
	json_t *row = json_object();

	if (row && rows_set(row, "path", path ? rows_name(path->name, SW_NAME_LEN) : json_null()) &&
	    rows_set(row, "class", path ? json_string(class_text(path->class)) : json_null()) &&
	    rows_set(row, "packets", json_integer((json_int_t)packets)) &&
	    rows_set(row, "bytes", json_integer((json_int_t)bytes)))
		return row;
	json_decref(row);
	return NULL;
}

static json_t *flow_host(const struct sw_flow_key *key, bool hi)
{
	struct ip_addr ip = flow_address(key, hi);

	return rows_ip(&ip);
}

static json_t *flow_port(const struct sw_flow_key *key, bool hi)
{
	if (!proto_name(key->proto))
		return json_null();
	return json_integer(ntohs(hi ? key->hi_port : key->lo_port));
}

static json_t *flow_seconds(uint64_t now, uint64_t then)
{
	return json_integer(now > then ? (json_int_t)((now - then) / 1000000000ULL) : 0);
}

static json_t *flow_rule(const struct flow *flow, const struct flow_words *words)
{
	const char *name = flow_rule_name(flow, words->rules);

	return name ? rows_name(name, SW_NAME_LEN) : json_null();
}

json_t *rows_flow(const struct sw_flow_key *key, const struct flow *flow,
		  const struct flow_words *words)
{
	bool inside_hi = flow->about & SW_FLOW_INSIDE_IS_HI;
	bool outward = flow->about & SW_FLOW_OPENED_INSIDE;
	bool src_hi = outward ? inside_hi : !inside_hi;
	const char *proto = proto_name(key->proto);
	json_t *out, *in, *row = json_object();

	out = flow_direction(words->paths, flow->state.out, flow->out_packets, flow->out_bytes);
	in = flow_direction(words->paths, flow->state.in, flow->in_packets, flow->in_bytes);
	if (row && rows_set(row, "src", flow_host(key, src_hi)) &&
	    rows_set(row, "dst", flow_host(key, !src_hi)) &&
	    rows_set(row, "proto", proto ? json_string(proto) : json_integer(key->proto)) &&
	    rows_set(row, "sport", flow_port(key, src_hi)) &&
	    rows_set(row, "dport", flow_port(key, !src_hi)) &&
	    rows_set(row, "forward", json_incref(outward ? out : in)) &&
	    rows_set(row, "reverse", json_incref(outward ? in : out)) &&
	    rows_set(row, "verdict", json_string(verdict_text(flow->state.verdict))) &&
	    rows_set(row, "rule", flow_rule(flow, words)) &&
	    rows_set(row, "age_s", flow_seconds(words->now, flow->created_ns)) &&
	    rows_set(row, "idle_s", flow_seconds(words->now, flow->seen_ns))) {
		json_decref(out);
		json_decref(in);
		return row;
	}
	json_decref(out);
	json_decref(in);
	json_decref(row);
	return NULL;
}

int rows_flow_words(struct maps *maps, struct flow_words *out)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++) {
		if (maps_path(maps, id, &out->paths[id]))
			out->paths[id].name[0] = '\0';
	}
	out->now = rows_now();
	return maps_rule_names(maps, out->rules);
}

struct flow_list {
	json_t *rows;
	struct flow_words words;
	int verdict;	  /* -1: any */
	const char *path; /* NULL: any */
};

static bool flow_uses(const struct flow_list *list, uint8_t id)
{
	return id < SW_MAX_PATHS && !strncmp(list->words.paths[id].name, list->path, SW_NAME_LEN);
}

static int flow_add(void *arg, const struct sw_flow_key *key, const struct flow *flow)
{
	struct flow_list *list = arg;

	if (list->verdict >= 0 && flow->state.verdict != list->verdict)
		return 0;
	if (list->path && !flow_uses(list, flow->state.out) && !flow_uses(list, flow->state.in))
		return 0;
	return rows_append(list->rows, rows_flow(key, flow, &list->words)) ? 0 : -1;
}

json_t *rows_flows(struct maps *maps, int verdict, const char *path)
{
	struct flow_list list = {.rows = json_array(), .verdict = verdict, .path = path};

	if (list.rows && !rows_flow_words(maps, &list.words) &&
	    !maps_flow_each(maps, flow_add, &list))
		return list.rows;
	json_decref(list.rows);
	return NULL;
}
