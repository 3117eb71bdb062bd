/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: a stream from a BGP peer. The first byte chooses the session's capabilities (an OPEN
 * in the stream changes them); then messages, each header, OPEN and UPDATE parsed as the
 * session does. A body that is left over is tried as both.
 */
#include "feed/bgp_message.h"

#include <stdlib.h>
#include <string.h>

struct seen {
	const struct bgp_session *s;
	unsigned int calls;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_prefix(const struct seen *seen, const struct prefix *p, uint32_t id)
{
	struct prefix copy = *p;
	bool addpath = p->family == 4 ? seen->s->addpath4 : seen->s->addpath6;

	require(p->family == 4 || p->family == 6);
	require(p->len <= prefix_max_len(p->family));
	require(!prefix_mask(&copy));
	require(addpath || id == 0);
}

static void on_announce(void *arg, const struct prefix *p, uint32_t id,
			const struct bgp_attributes *attr)
{
	struct seen *seen = arg;

	seen->calls++;
	check_prefix(seen, p, id);
	require(attr->nexthop.family == 4 || attr->nexthop.family == 6 || seen->s->own);
	require(p->family == attr->nexthop.family || attr->nexthop.family != 4);
	require(!attr->nexthop_ll.family || ip_is_link_local(&attr->nexthop_ll));
	require(attr->n_as <= 256 && (attr->has_as_path || seen->s->own));
	for (size_t i = 0; i < attr->n_as; i++)
		require(attr->as_path[i] != 0);
}

static void on_withdraw(void *arg, const struct prefix *p, uint32_t id)
{
	struct seen *seen = arg;

	seen->calls++;
	check_prefix(seen, p, id);
}

static void on_end_of_rib(void *arg, uint8_t family)
{
	struct seen *seen = arg;

	seen->calls++;
	require(family == 4 || family == 6);
}

static void on_masked(void *arg, const struct prefix *p)
{
	(void)arg;
	require(p->len < prefix_max_len(p->family));
}

static void on_ignored(void *arg, uint16_t afi, uint8_t safi)
{
	(void)arg;
	require(safi != 1 || (afi != 1 && afi != 2));
}

static void check_error(const struct bgp_error *err, uint8_t code)
{
	uint8_t buf[BGP_MAX_LEN];
	size_t len;

	require(err->code == code && err->text[0]);
	len = bgp_notification_build(buf, err);
	require(len >= 21 && len <= 21 + sizeof(err->data));
}

static void update(const struct bgp_session *s, const uint8_t *body, size_t len)
{
	struct seen seen = {.s = s};
	const struct bgp_update_ops ops = {&seen,	  on_announce, on_withdraw,
					   on_end_of_rib, on_masked,   on_ignored};
	struct bgp_error err = {0};
	bool treated = false;

	if (bgp_update_parse(s, body, len, &ops, &treated, &err)) {
		require(seen.calls == 0);
		check_error(&err, 3);
	} else if (treated) {
		check_error(&err, 3);
	}
}

static void open_message(struct bgp_session *s, const uint8_t *body, size_t len)
{
	struct bgp_error err = {0};
	struct bgp_open o;

	if (bgp_open_parse(body, len, &o, &err)) {
		check_error(&err, 2);
		return;
	}
	require(o.as && o.router_id && o.hold_s != 1 && o.hold_s != 2);
	require((!o.addpath4 && !o.gr4) || o.mp4);
	require((!o.addpath6 && !o.gr6) || o.mp6);
	require(o.restart_s < 4096 && (o.graceful_restart || (!o.gr4 && !o.gr6)));
	s->as4 = o.as4;
	s->addpath4 = o.addpath4;
	s->addpath6 = o.addpath6;
}

/* A copy of its own, so that a read past the message is seen. */
static void body_parse(struct bgp_session *s, enum bgp_type type, const uint8_t *p, size_t len)
{
	uint8_t *body = malloc(len ? len : 1);

	require(body != NULL);
	memcpy(body, p, len);
	if (type == BGP_OPEN)
		open_message(s, body, len);
	else if (type == BGP_UPDATE)
		update(s, body, len);
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bgp_session s = {0};

	if (!size)
		return 0;
	s = (struct bgp_session){.as4 = data[0] & 1,
				 .addpath4 = data[0] & 2,
				 .addpath6 = data[0] & 4,
				 .ibgp = !(data[0] & 8),
				 .own = data[0] & 16};
	for (data++, size--; size >= BGP_HEADER_LEN;) {
		struct bgp_error err = {0};
		enum bgp_type type;
		size_t len;

		if (bgp_header_parse(data, &len, &type, &err)) {
			check_error(&err, 1);
			break;
		}
		if (len > size)
			break;
		body_parse(&s, type, data + BGP_HEADER_LEN, len - BGP_HEADER_LEN);
		data += len;
		size -= len;
	}
	body_parse(&s, BGP_UPDATE, data, size);
	body_parse(&s, BGP_OPEN, data, size);
	return 0;
}
