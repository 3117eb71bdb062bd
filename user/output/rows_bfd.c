/* SPDX-License-Identifier: GPL-2.0-only */
/* What `paths` says of a path's BFD, from map `bfd` alone. */
#include "output/rows_internal.h"

#include <string.h>

static const char *const states[] = {
#define STATE_TEXT(id, text) text,
	SW_BFD_STATES(STATE_TEXT)};

/* Of a session, as it is meant for the path. */
static const char *session_state(const struct sw_bfd_session *s)
{
	if (!s->said.s.mult)
		return "never-heard";
	if (s->own_state == SW_BFD_ADMIN_DOWN + 1)
		return states[SW_BFD_ADMIN_DOWN];
	if (s->down && s->said.s.state == SW_BFD_UP)
		return "silent";
	return states[s->said.s.state % SW_BFD_STATE_COUNT];
}

/* The interval that the far side sends at, us: what both agreed on. */
static uint64_t session_interval_us(const struct sw_bfd_session *s)
{
	return s->said.s.mult ? s->detect_ns / 1000 / s->said.s.mult : 0;
}

static json_t *session_row(const struct sw_bfd_session *s, uint64_t now)
{
	struct ip_addr ip = {.family = (uint8_t)s->family};
	bool heard = s->said.s.mult;
	json_t *row = json_object();

	memcpy(ip.bytes, s->addr, sizeof(ip.bytes));
	if (row && rows_set(row, "peer", rows_ip(&ip)) &&
	    rows_set(row, "state", json_string(session_state(s))) &&
	    rows_set(row, "armed", json_boolean(s->armed)) &&
	    rows_set(row, "own",
		     s->own_state ? json_string(states[(s->own_state - 1) % SW_BFD_STATE_COUNT])
				  : json_null()) &&
	    rows_set(row, "interval_ms",
		     heard ? json_real((double)session_interval_us(s) / 1e3) : json_null()) &&
	    rows_set(row, "detect_ms",
		     heard ? json_real((double)s->detect_ns / 1e6) : json_null()) &&
	    rows_set(row, "heard_ms",
		     heard ? json_integer((json_int_t)((now - s->heard_ns) / 1000000))
			   : json_null()) &&
	    rows_set(row, "packets", json_integer((json_int_t)s->heard)) &&
	    rows_set(row, "misses", json_integer((json_int_t)s->misses)) &&
	    rows_set(row, "downs", json_integer((json_int_t)s->downs)))
		return row;
	json_decref(row);
	return NULL;
}

static json_t *sessions_rows(const struct sw_bfd *bfd)
{
	json_t *rows = json_array();
	uint64_t now = rows_now();
	bool ok = rows;

	for (size_t i = 0; ok && i < SW_BFD_SESSIONS; i++)
		if (bfd->session[i].family)
			ok = rows_append(rows, session_row(&bfd->session[i], now));
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}

static json_t *refused_row(const struct sw_bfd *bfd)
{
	json_t *row = json_object();

#define REFUSED_SET(field, text)                                                                   \
	if (row && !rows_set(row, text, json_integer((json_int_t)bfd->refused.field))) {           \
		json_decref(row);                                                                  \
		row = NULL;                                                                        \
	}
	SW_BFD_REFUSALS(REFUSED_SET)
	return row;
}

/* Of the path: what its sessions come to. */
static const char *path_state(const struct sw_bfd *bfd)
{
	bool heard = false, armed = false;

	for (size_t i = 0; i < SW_BFD_SESSIONS; i++) {
		heard |= bfd->session[i].said.s.mult;
		armed |= bfd->session[i].armed;
	}
	if (bfd->hold.down)
		return bfd->hold.up_ns ? "held" : "down";
	return armed ? "up" : heard ? "not-armed" : "never-heard";
}

json_t *rows_bfd(const struct sw_bfd *bfd)
{
	json_t *row = json_object();

	if (row && rows_set(row, "state", json_string(path_state(bfd))) &&
	    rows_set(row, "sessions", sessions_rows(bfd)) &&
	    rows_set(row, "refused", refused_row(bfd)))
		return row;
	json_decref(row);
	return NULL;
}
