/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a table costs the feed `mrt` before the RIB: a TABLE_DUMP_V2 of many prefixes, each by an
 * ExpressRoute and a VPN peer, replayed by the feed on its loop into a sink that does nothing,
 * beside the reading of the same file record by record. Rounds are interleaved, the least counts.
 *
 * bench_mrt write FILE PREFIXES makes such a file for other tests: peers 192.168.30.18 (12076) and
 * 10.10.30.254 (65515), as on the lab's edge.
 */
#include "feed/feed.h"
#include "feed/mrt_file.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define ROUNDS	 5
#define PREFIXES 1000000

static uint8_t *be(uint8_t *p, uint64_t v, int n)
{
	while (n--)
		*p++ = (uint8_t)(v >> 8 * n);
	return p;
}

static uint8_t *header(uint8_t *p, uint16_t type, uint16_t subtype)
{
	return be(be(be(be(p, 1700000000, 4), type, 2), subtype, 2), 0, 4);
}

static void finish(FILE *f, gzFile gz, uint8_t *record, const uint8_t *end)
{
	be(record + 8, (uint64_t)(end - record) - 12, 4);
	if (gz)
		gzwrite(gz, record, (unsigned int)(end - record));
	else
		fwrite(record, 1, (size_t)(end - record), f);
}

static uint8_t *peer(uint8_t *p, uint32_t address, uint32_t as)
{
	return be(be(be(be(p, 2, 1), address, 4), address, 4), as, 4);
}

/* ORIGIN, AS_PATH of the peer's and n more, NEXT_HOP, MED, LOCAL_PREF, two communities */
static uint8_t *route(uint8_t *p, uint16_t index, uint32_t address, uint32_t as, unsigned int n)
{
	uint8_t *length = be(be(p, index, 2), 1700000000, 4), *begin = length + 2;

	p = be(begin, 0x40010100, 4);
	p = be(be(be(be(p, 0x4002, 2), 2 + 4 * (n + 1), 1), 2, 1), n + 1, 1);
	p = be(p, as, 4);
	while (n--)
		p = be(p, (uint32_t)random() % 400000 + 1, 4);
	p = be(be(p, 0x400304, 3), address, 4);
	p = be(be(p, 0x800404, 3), 0, 4);
	p = be(be(p, 0x400504, 3), 100, 4);
	p = be(be(p, 0xc00808, 3), 0x3039000130390002, 8);
	be(length, (uint64_t)(p - begin), 2);
	return p;
}

/* Every second /24 and a /20 to each 16 of them, in order, as a router's table is. */
static bool write_table(const char *path, unsigned int prefixes, bool packed)
{
	FILE *f = packed ? NULL : fopen(path, "w");
	gzFile gz = packed ? gzopen(path, "w6") : NULL;
	uint8_t record[1024], *p;

	if (!f && !gz)
		return false;
	srandom(1);
	p = be(be(be(header(record, 13, 1), 0x0a021e03, 4), 0, 2), 2, 2);
	p = peer(p, 0xc0a81e12, 12076);
	p = peer(p, 0x0a0a1efe, 65515);
	finish(f, gz, record, p);
	for (unsigned int i = 0; i < prefixes; i++) {
		uint32_t net = 0x010000 + i / 17 * 32 + (i % 17 ? (i % 17 - 1) * 2 : 0);

		p = be(be(header(record, 13, 2), i, 4), i % 17 ? 24 : 20, 1);
		p = be(be(p, net, 3), 2, 2);
		p = route(p, 0, 0xc0a81e12, 12076, (unsigned int)random() % 5);
		p = route(p, 1, 0x0a0a1efe, 65515, (unsigned int)random() % 5);
		finish(f, gz, record, p);
	}
	return packed ? gzclose(gz) == Z_OK : fclose(f) == 0;
}

/* Of this process: others want the CPU, too. */
static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t announced;

static enum rib_result null_announce(void *arg, feed_id feed, const struct route *r)
{
	(void)arg;
	(void)feed;
	(void)r;
	announced++;
	return RIB_OK;
}

static void null_table(void *arg, feed_id feed, uint16_t source)
{
	(void)arg;
	(void)feed;
	(void)source;
}

static void null_synced(void *arg, feed_id feed)
{
	(void)arg;
	(void)feed;
}

static void log_line(void *arg, feed_id feed, const char *text)
{
	(void)arg;
	(void)feed;
	if (!strstr(text, ": replayed in "))
		fprintf(stderr, "bench_mrt: %s\n", text);
}

/* Seconds of a whole replay; 0: it is not what it should be. */
static double replay(char *path, size_t routes)
{
	const struct feed_sink sink = {
		.announce = null_announce,
		.begin = null_table,
		.end_of_rib = null_table,
		.synced = null_synced,
		.log = log_line,
	};
	const struct config_feed cfg = {.name = "bench", .type = FEED_MRT, .file = path};
	struct event_base *base = event_base_new();
	double begin = now_s();
	struct feed *feed;
	char error[200];

	announced = 0;
	if (!base || feed_type(FEED_MRT)->start(&feed, 0, &cfg, NULL, base, &sink, error))
		return 0;
	event_base_dispatch(base);
	begin = now_s() - begin;
	feed_type(FEED_MRT)->stop(feed);
	event_base_free(base);
	return announced == routes ? begin : 0;
}

/* The records alone. */
static double read_only(const char *path)
{
	char error[MRT_ERROR_LEN];
	struct mrt_header header;
	double begin = now_s();
	struct bgp_span body;
	enum mrt_read ret;
	struct mrt_file f;

	if (mrt_file_open(&f, path, error))
		return 0;
	do
		ret = mrt_file_next(&f, &header, &body);
	while (ret == MRT_RECORD || ret == MRT_AGAIN);
	mrt_file_close(&f);
	return ret == MRT_END ? now_s() - begin : 0;
}

static void least(double *to, double s)
{
	if (!*to || s < *to)
		*to = s;
}

static int bench(char *path, bool packed)
{
	const size_t routes = 2 * PREFIXES;
	double reading = 0, whole = 0;

	if (!write_table(path, PREFIXES, packed))
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		double r = read_only(path), w = replay(path, routes);

		if (!r || !w)
			return 1;
		least(&reading, r);
		least(&whole, w);
	}
	printf("mrt, %s: %zu routes of %d prefixes: %.0f ns a route (%.2f M routes/s), of them "
	       "reading %.0f ns\n",
	       packed ? "gzip" : "plain", routes, PREFIXES, whole * 1e9 / (double)routes,
	       (double)routes / whole / 1e6, reading * 1e9 / (double)routes);
	return 0;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/bench_mrt.XXXXXX";
	int fd, ret;

	if (argc == 4 && !strcmp(argv[1], "write")) {
		ret = !write_table(argv[2], (unsigned int)strtoul(argv[3], NULL, 10), false);
	} else {
		fd = mkstemp(path);
		if (fd < 0)
			return 1;
		close(fd);
		ret = bench(path, false) || bench(path, true);
		unlink(path);
	}
	if (ret)
		fprintf(stderr, "bench_mrt: it failed: is there room in /tmp?\n");
	return ret;
}
