/* SPDX-License-Identifier: GPL-2.0-only */
/* A feed `mrt` on a file made of what a test has built, and what its sink is told. */
#ifndef SAMEWAY_TESTS_FIXTURE_MRT_H
#define SAMEWAY_TESTS_FIXTURE_MRT_H

#include "feed_recorder.h"
#include "mrt_build.h"

#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#define MRT_FILE "dump.mrt"

/* Attributes: ORIGIN, AS_PATH of 4-byte numbers, NEXT_HOP, LOCAL_PREF */
#define ORIGIN	"400101 00 "
#define AS_ER	"40020a 0202 00002f2c 0000ffeb " /* 12076 65515 */
#define AS_VPN	"400206 0201 0000ffeb "		 /* 65515 */
#define VIA_ER	"400304 c0a81e12 "
#define VIA_VPN "400304 0a0a1efe "
#define LP200	"400504 000000c8 "

/* Two peers and, as FRR writes it, the router itself before them. */
#define PEER_SELF "02 00000000 00000000 00000000 "
#define PEER_ER	  "02 c0a81e12 c0a81e12 00002f2c "
#define PEER_VPN  "02 0a0a1efe 0a0a1efe 0000ffeb "
#define INDEX	  "0a021e03 0000 0003 " PEER_SELF PEER_ER PEER_VPN

/* Before BGP's marker: peer's AS, ours, interface, AFI, addresses */
#define HEAD_ER	 "00002f2c 0000fdfd 0001 0001 c0a81e12 c0a81e11 "
#define HEAD_VPN "0000ffeb 0000fdfd 0001 0001 0a0a1efe 0a021e7d "

#define ER(prefix)                                                                                 \
	"announce " prefix "@1 peer 192.168.30.18 via 192.168.30.18 as 12076 65515 lp 200\n"
#define VPN(prefix) "announce " prefix "@2 peer 10.10.30.254 via 10.10.30.254 as 65515\n"
#define BEGIN	    "begin @1\nbegin @2\n"
#define END	    "end-of-rib @1\nend-of-rib @2\n"

struct mrt_fixture {
	struct mrt_out o;
	struct recorder r;
	struct config_feed cfg;
	char dir[64];
};

static inline struct mrt_fixture *fixture_new(void)
{
	struct mrt_fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	recorder_init(&x->r);
	snprintf(x->dir, sizeof(x->dir), "/tmp/test_mrt.XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	x->cfg = (struct config_feed){.name = "replay", .type = FEED_MRT, .file = MRT_FILE};
	return x;
}

static inline void fixture_free(struct mrt_fixture *x)
{
	char path[128];

	if (x->r.feed)
		feed_type(FEED_MRT)->stop(x->r.feed);
	event_base_free(x->r.base);
	snprintf(path, sizeof(path), "%s/" MRT_FILE, x->dir);
	unlink(path);
	assert_int_equal(rmdir(x->dir), 0);
	free(x->o.v);
	free(x);
}

static inline void file_write(const struct mrt_fixture *x, const void *p, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/" MRT_FILE, x->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline int feed_start(struct mrt_fixture *x, char error[200])
{
	return feed_type(FEED_MRT)->start(&x->r.feed, 7, &x->cfg, x->dir, x->r.base, &x->r.sink,
					  error);
}

static inline struct feed_status status(const struct mrt_fixture *x)
{
	struct feed_status st;

	feed_type(FEED_MRT)->status(x->r.feed, &st);
	return st;
}

/* Runs the loop until the replay is over. */
static inline void replay_over(struct mrt_fixture *x)
{
	uint64_t end = recorder_now_ms() + 20000;

	while (!strstr(status(x).note, "replay over") && recorder_now_ms() < end)
		recorder_turn(&x->r);
	assert_non_null(strstr(status(x).note, "its routes stay"));
	assert_int_equal(status(x).state, FEED_UP);
	assert_int_equal(x->r.synced, 1);
}

/* Replays these bytes as a file. */
static inline void replay_bytes(struct mrt_fixture *x, const void *p, size_t n)
{
	char error[200] = "";

	file_write(x, p, n);
	if (feed_start(x, error))
		fail_msg("%s", error);
	replay_over(x);
}

/* Replays what was built. */
static inline void replay(struct mrt_fixture *x)
{
	replay_bytes(x, x->o.v, x->o.len);
}

/* A table with a route of each of the two peers. */
static inline void put_table(struct mrt_out *o)
{
	put_record(o, 1000, 13, 1, INDEX);
	record_begin(o, 1000, 13, 2);
	put_hex(o, "00000000 18 0a0a1e 0002");
	put_entry(o, 1, -1, ORIGIN AS_ER VIA_ER LP200);
	put_entry(o, 2, -1, ORIGIN AS_VPN VIA_VPN);
	record_end(o);
}

#endif
