/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzz target: an MRT file, as it is read, plain or by gzip, through the feed itself with a sink
 * that looks at what it is told. A record's parser is tried on a copy of each body, too, so that a
 * read past it is seen.
 */
#include "feed/feed.h"
#include "feed/mrt.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void require(bool ok)
{
	if (!ok)
		abort();
}

struct seen {
	bool begun[65536];
	size_t n; /* of them that begin() was told of */
	bool synced;
};
static struct seen seen;

static enum rib_result on_announce(void *arg, feed_id feed, const struct route *r)
{
	struct prefix copy = r->prefix;

	(void)arg;
	(void)feed;
	require(r->view == VIEW_LOCAL && (r->prefix.family == 4 || r->prefix.family == 6));
	require(r->prefix.len <= prefix_max_len(r->prefix.family) && !prefix_mask(&copy));
	require(r->peer.family == 4 || r->peer.family == 6);
	require(r->nexthop.family == 4 || r->nexthop.family == 6);
	require(r->has_as_path && r->n_as <= 256);
	for (size_t i = 0; i < r->n_as; i++)
		require(r->as_path[i] != 0);
	return r->prefix.len % 3 ? RIB_OK : RIB_UNKNOWN_PATH;
}

static size_t on_withdraw(void *arg, feed_id feed, const struct route *r, bool by_sub)
{
	(void)arg;
	(void)feed;
	require(by_sub && (r->prefix.family == 4 || r->prefix.family == 6));
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
	(void)arg;
	(void)feed;
	require(!seen.begun[source]);
	seen.begun[source] = true;
	if (seen.n <= source)
		seen.n = source + 1U;
}

static void on_end(void *arg, feed_id feed, uint16_t source)
{
	(void)arg;
	(void)feed;
	require(seen.begun[source]);
	seen.begun[source] = false;
}

static void on_dropped(void *arg, feed_id feed, uint16_t source)
{
	(void)arg;
	(void)feed;
	require(!seen.begun[source]);
}

static void on_synced(void *arg, feed_id feed)
{
	(void)arg;
	(void)feed;
	require(!seen.synced);
	seen.synced = true;
}

static void on_log(void *arg, feed_id feed, const char *text)
{
	(void)arg;
	(void)feed;
	require(text[0] && !strchr(text, '\n'));
}

static const struct feed_sink sink = {
	.announce = on_announce,
	.withdraw = on_withdraw,
	.peer_down = on_peer,
	.peer_up = on_peer,
	.begin = on_begin,
	.end_of_rib = on_end,
	.lost = on_dropped,
	.dropped = on_dropped,
	.synced = on_synced,
	.log = on_log,
};

static void replay(const uint8_t *data, size_t size)
{
	const struct feed_type *type = feed_type(FEED_MRT);
	static struct event_base *base;
	struct feed_status status;
	char path[64], error[200];
	struct config_feed cfg = {.name = "replay", .type = FEED_MRT, .file = path};
	struct feed *feed;
	static int fd;

	if (!base) {
		base = event_base_new();
		fd = memfd_create("mrt", MFD_CLOEXEC);
	}
	require(base && fd >= 0 && !ftruncate(fd, 0));
	require(pwrite(fd, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(seen.begun, 0, seen.n);
	seen.n = 0;
	seen.synced = false;
	if (type->start(&feed, 0, &cfg, NULL, base, &sink, error))
		return;
	event_base_dispatch(base); /* it has no timer once it is over */
	type->status(feed, &status);
	require(seen.synced && status.state == FEED_UP && strstr(status.note, "over"));
	for (size_t i = 0; i < seen.n; i++)
		require(!seen.begun[i]);
	type->stop(feed);
}

static void parse(const struct mrt_header *h, struct bgp_span body)
{
	char error[MRT_ERROR_LEN] = "";
	struct mrt_entry entry;
	struct mrt_index index;
	struct mrt_peer peer;
	struct mrt_rib rib;
	struct mrt_bgp bgp;
	int ret = 0;

	if (h->type == MRT_TABLE_DUMP)
		ret = mrt_table_dump_parse(h->subtype, body, &rib, &entry, &peer, error);
	else if (h->type == MRT_TABLE_DUMP_V2 && h->subtype == MRT_PEER_INDEX_TABLE)
		ret = mrt_index_parse(body, &index, error);
	else if (h->type == MRT_TABLE_DUMP_V2)
		ret = mrt_rib_parse(h->subtype, body, &rib, error);
	else
		ret = mrt_bgp_parse(h, body, &bgp, error);
	require((ret != 0) == (error[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	replay(data, size);
	while (size >= MRT_HEADER_LEN) {
		struct mrt_header h = mrt_header_parse(data);
		size_t len = h.len < size - MRT_HEADER_LEN ? h.len : size - MRT_HEADER_LEN;
		uint8_t *copy = malloc(len ? len : 1);

		require(copy != NULL);
		memcpy(copy, data + MRT_HEADER_LEN, len);
		parse(&h, (struct bgp_span){copy, len});
		free(copy);
		data += MRT_HEADER_LEN + len;
		size -= MRT_HEADER_LEN + len;
	}
	return 0;
}
