/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: the streams of two routers. The first byte of each piece says which router sends it
 * and how much time passes before; a piece is one message. What the sink is told must hang
 * together: a source begins before it has routes, ends once, and is free again when its peer is
 * down.
 */
#include "feed/bmp_router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES BMP_TABLES_MAX

enum state { FREE, LOADING, WHOLE, STALE };

struct sink {
	enum state state[SOURCES];
	uint64_t calls;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static enum state *of(void *arg, uint16_t source)
{
	struct sink *s = arg;

	s->calls++;
	require(source < SOURCES);
	return &s->state[source];
}

static enum rib_result on_announce(void *arg, feed_id feed, const struct route *r)
{
	enum state *state = of(arg, r->source);
	struct prefix copy = r->prefix;
	struct sink *s = arg;

	(void)feed;
	require(*state == LOADING || *state == WHOLE);
	require(r->view == VIEW_LOCAL && !r->path[0] && !r->interface[0] && !r->has_class);
	require(r->prefix.family == 4 || r->prefix.family == 6);
	require(r->prefix.len <= prefix_max_len(r->prefix.family) && !prefix_mask(&copy));
	require(r->n_as <= 256);
	for (size_t i = 0; i < r->n_as; i++)
		require(r->as_path[i] != 0);
	require(!(r->chosen && r->peer.family));
	return (enum rib_result)(s->calls % 64 ? s->calls % RIB_NO_MEMORY : RIB_NO_MEMORY);
}

static size_t on_withdraw(void *arg, feed_id feed, const struct route *r, bool by_sub)
{
	enum state *state = of(arg, r->source);

	(void)feed;
	require(*state == LOADING || *state == WHOLE);
	require(by_sub);
	return 0;
}

static void on_peer(void *arg, feed_id feed, const struct ip_addr *peer)
{
	(void)arg;
	(void)feed;
	require(peer->family == 4 || peer->family == 6);
}

static void on_begin(void *arg, feed_id feed, uint16_t source)
{
	(void)feed;
	*of(arg, source) = LOADING;
}

static void on_end_of_rib(void *arg, feed_id feed, uint16_t source)
{
	enum state *state = of(arg, source);

	(void)feed;
	require(*state == LOADING);
	*state = WHOLE;
}

static void on_lost(void *arg, feed_id feed, uint16_t source)
{
	enum state *state = of(arg, source);

	(void)feed;
	require(*state == LOADING || *state == WHOLE);
	*state = STALE;
}

static void on_dropped(void *arg, feed_id feed, uint16_t source)
{
	enum state *state = of(arg, source);

	(void)feed;
	require(*state != FREE);
	*state = FREE;
}

static void on_log(void *arg, feed_id feed, const char *text)
{
	(void)arg;
	(void)feed;
	for (; *text; text++)
		require(*text >= 0x20 && (unsigned char)*text < 0x7f);
}

/* A copy of its own, so that a read past the message is seen. False: the connection is closed. */
static bool message(struct bmp_router *r, uint8_t type, const uint8_t *p, size_t len, uint64_t now)
{
	uint8_t *body = malloc(len ? len : 1);
	char error[BMP_ERROR_LEN] = "";
	int ret;

	require(body != NULL);
	memcpy(body, p, len);
	ret = bmp_router_message(r, type, body, len, now, error);
	free(body);
	require(ret == 0 ||
		((ret == -EBADMSG || ret == -ENOMEM || ret == -ECONNRESET) && error[0]));
	return !ret;
}

static void ended(struct bmp_feed *feed, struct sink *sink, struct bmp_router *r)
{
	const struct bmp_peer *peer;

	bmp_router_end(r);
	TAILQ_FOREACH (peer, &r->peers, link)
		for (int k = 0; k < 2; k++)
			require(peer->table[k].state == TABLE_NONE ||
				sink->state[peer->table[k].source] == STALE);
	for (size_t i = 0; i < SOURCES; i++)
		require((sink->state[i] == FREE) == !(feed->sources[i / 64] >> i % 64 & 1));
}

static void stream(struct bmp_feed *feed, struct sink *sink, const uint8_t *data, size_t size)
{
	uint64_t now = 1000000000;

	while (size > BMP_HEADER_LEN) {
		struct bmp_router *r = &feed->routers[data[0] & 1];
		char error[BMP_ERROR_LEN] = "";
		uint8_t type;
		size_t len;

		now += (uint64_t)(data[0] >> 2) * 250000000;
		if (data[0] & 2)
			while (bmp_router_tick(r, now))
				;
		data++;
		size--;
		if (bmp_header_parse(data, &len, &type, error)) {
			require(error[0]);
			break;
		}
		if (len > size)
			break;
		if (!r->connected && type != BMP_INITIATION)
			break;
		if (!message(r, type, data + BMP_HEADER_LEN, len - BMP_HEADER_LEN, now))
			ended(feed, sink, r);
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip_addr address[2] = {{.family = 4, .bytes = {127, 0, 0, 1}},
				     {.family = 4, .bytes = {127, 0, 0, 3}}};
	const struct config_feed cfg = {.type = FEED_BMP, .peers = address, .n_peers = 2};
	static struct sink sink;
	const struct feed_sink to = {
		.arg = &sink,
		.announce = on_announce,
		.withdraw = on_withdraw,
		.peer_down = on_peer,
		.peer_up = on_peer,
		.begin = on_begin,
		.end_of_rib = on_end_of_rib,
		.lost = on_lost,
		.dropped = on_dropped,
		.log = on_log,
	};
	struct bmp_feed feed = {0};

	memset(&sink, 0, sizeof(sink));
	feed_report_init(&feed.report, 0, &to);
	require(!bmp_feed_init(&feed, &cfg));
	stream(&feed, &sink, data, size);
	for (size_t i = 0; i < 2; i++)
		ended(&feed, &sink, &feed.routers[i]);
	bmp_feed_free(&feed);
	return 0;
}
