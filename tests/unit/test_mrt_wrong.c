/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `mrt` and what is wrong with a file: which record is refused, with what words, and that
 * all the others are taken where the records' lengths can be trusted.
 */
#include "fixture_mrt.h"

#include <sys/stat.h>
#include <zlib.h>

#define REST VPN("10.9.0.0/16")

struct mistake {
	uint16_t type, subtype;
	const char *body, *error; /* the end of the message */
	enum feed_refusal why;
};

/* What a bad record is put between: a table, and a route that must still come. */
static void put_rest(struct mrt_out *o)
{
	record_begin(o, 1000, 13, 2);
	put_hex(o, "00000009 10 0a09 0001");
	put_entry(o, 2, -1, ORIGIN AS_VPN VIA_VPN);
	record_end(o);
}

static void check_mistake(const struct mistake *m)
{
	struct mrt_fixture *x = fixture_new();
	char want[400];
	size_t at;

	put_table(&x->o);
	at = x->o.len;
	put_record(&x->o, 1000, m->type, m->subtype, m->body);
	put_rest(&x->o);
	replay(x);
	snprintf(want, sizeof(want), MRT_FILE ": record 3 (byte %zu): %s", at, m->error);
	if (strcmp(status(x).last_error, want) != 0 || status(x).errors != 1 ||
	    status(x).refused[m->why] != 1 || !strstr(x->r.told, REST))
		fail_msg("%s:\n%llu errors, \"%s\", want \"%s\"\n%s", m->body,
			 (unsigned long long)status(x).errors, status(x).last_error, want,
			 x->r.told);
	fixture_free(x);
}

#define ONE	 "00000001 18 0a0a1f 0001 0001 60000000 " /* a prefix, one route, of peer 1 */
#define V2_CUT	 "RIB record ends inside its prefix"
#define LEFT_OUT "route of 10.10.31.0/24 by peer 192.168.30.18 left out: "

static const struct mistake tables[] = {
	{13, 2, "", "RIB record of 0 bytes is cut short", FEED_MALFORMED},
	{13, 2, "000000", "RIB record of 3 bytes is cut short", FEED_MALFORMED},
	{13, 2, "00000001", V2_CUT, FEED_MALFORMED},
	{13, 2, "00000001 18 0a0a", V2_CUT, FEED_MALFORMED},
	{13, 2, "00000001 18 0a0a1f 00", V2_CUT, FEED_MALFORMED},
	{13, 2, "00000001 21 0a0a1f0000 0000", "prefix of 33 bits in an IPv4 table",
	 FEED_MALFORMED},
	{13, 4, "00000001 81 fd000000000000000000000000000000 00 0000",
	 "prefix of 129 bits in an IPv6 table", FEED_MALFORMED},
	{13, 2, "00000001 18 0a0a1f 0002 0001 60000000 0004 40010100",
	 "RIB record says 2 routes, and ends inside the 2th", FEED_MALFORMED},
	{13, 2, ONE "0008 40010100", "RIB record says 1 routes, and ends inside the 1th",
	 FEED_MALFORMED},
	{13, 2, ONE "0004 40010100 ff", "RIB record has 1 bytes behind its 1 routes",
	 FEED_MALFORMED},
	{13, 8, ONE "0004 40010100", "RIB record says 1 routes, and ends inside the 1th",
	 FEED_MALFORMED},
	{13, 2, "00000001 18 0a0a1f 0001 0003 60000000 0000",
	 "peer 3, and the index of peers has 3: left out", FEED_MALFORMED},
	{13, 2, ONE "0000", LEFT_OUT "well-known attribute 2 is missing", FEED_MALFORMED},
	{13, 2, ONE "0004 40010100", LEFT_OUT "well-known attribute 2 is missing", FEED_MALFORMED},
	{13, 2, ONE "0007 40010100 400200", LEFT_OUT "well-known attribute 3 is missing",
	 FEED_MALFORMED},
	{13, 2, ONE "0004 40010109", LEFT_OUT "attribute 1 (1 bytes): ORIGIN is none of 0, 1, 2",
	 FEED_MALFORMED},
	{13, 2, ONE "0006 40010100 4002", LEFT_OUT "the list of attributes is cut short",
	 FEED_MALFORMED},
	{13, 2, ONE "000e 40010100 400200 40030400000000",
	 LEFT_OUT "attribute 3 (4 bytes): NEXT_HOP is no host's address", FEED_MALFORMED},
	{13, 2, ONE "000b 40010100 400200 800e0100",
	 LEFT_OUT "attribute 14 (1 bytes): next hop in MP_REACH_NLRI has no length of an address",
	 FEED_MALFORMED},
	{13, 2, ONE "000d 40010100 400200 800e03100000",
	 LEFT_OUT "attribute 14 (3 bytes): next hop in MP_REACH_NLRI has no length of an address",
	 FEED_MALFORMED},
	{13, 2, ONE "000a 40010100 400200 800e00",
	 LEFT_OUT "attribute 14 (0 bytes): next hop in MP_REACH_NLRI has no length of an address",
	 FEED_MALFORMED},
	{13, 3, "", "multicast routes left out: only IPv4 and IPv6 unicast are taken", FEED_FAMILY},
	{13, 6, "", "RIB_GENERIC left out: only IPv4 and IPv6 unicast are taken", FEED_FAMILY},
	{13, 7, "", "GEO_PEER_TABLE left out: where peers are is not used", FEED_TYPE},
	{13, 13, "", "TABLE_DUMP_V2 of subtype 13 left out: RFC 6396 and 8050 are known here",
	 FEED_TYPE},
	{12, 1, "0000 0000 0a0a1f00 18 01 60000000 c0a81e12 2f", "TABLE_DUMP is cut short",
	 FEED_MALFORMED},
	{12, 1, "0000 0000 0a0a1f00 21 01 60000000 c0a81e12 2f2c 0000",
	 "prefix of 33 bits in an IPv4 table", FEED_MALFORMED},
	{12, 1, "0000 0000 0a0a1f00 18 01 60000000 c0a81e12 2f2c 0001",
	 "attributes do not fill the TABLE_DUMP", FEED_MALFORMED},
	{12, 3, "", "TABLE_DUMP of AFI 3 left out: only IPv4 and IPv6 are taken", FEED_FAMILY},
	{11, 0, "00", "of type 11 left out: TABLE_DUMP, TABLE_DUMP_V2 and BGP4MP are taken",
	 FEED_TYPE},
	{65535, 0, "", "of type 65535 left out: TABLE_DUMP, TABLE_DUMP_V2 and BGP4MP are taken",
	 FEED_TYPE},
};

static void test_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		check_mistake(&tables[i]);
}

#define MARKER "ffffffffffffffffffffffffffffffff "
static const struct mistake messages[] = {
	{16, 4, "00002f2c 0000fdfd 0001", "BGP4MP is cut short", FEED_MALFORMED},
	{17, 4, "0000", "BGP4MP is cut short", FEED_MALFORMED},
	{16, 4, "00002f2c 0000fdfd 0001 0003 c0a81e12 c0a81e11",
	 "peer's address of AFI 3: 1 and 2 are known", FEED_MALFORMED},
	{16, 4, "00002f2c 0000fdfd 0001 0002 c0a81e12 c0a81e11",
	 "BGP4MP ends inside the peers' addresses", FEED_MALFORMED},
	{16, 4, HEAD_ER, "BGP message does not fill its record", FEED_MALFORMED},
	{16, 4, HEAD_ER MARKER "0017 02 0000 00", "BGP message does not fill its record",
	 FEED_MALFORMED},
	{16, 4, HEAD_ER MARKER "0017 02 0000 0000 00", "BGP message does not fill its record",
	 FEED_MALFORMED},
	{16, 4, HEAD_ER "00" MARKER "0017 02 0000 00", "BGP message without its marker",
	 FEED_MALFORMED},
	{16, 4, HEAD_ER MARKER "0013 02",
	 "UPDATE of peer 192.168.30.18: lengths in the UPDATE exceed it: it is malformed (left "
	 "out)",
	 FEED_MALFORMED},
	{16, 4, HEAD_ER MARKER "0019 02 0000 0000 2100",
	 "UPDATE of peer 192.168.30.18: prefix among the routes is malformed (ADD-PATH is off) "
	 "(left out)",
	 FEED_MALFORMED},
	{16, 4, HEAD_ER MARKER "001b 02 0000 0000 180a0a1f",
	 "UPDATE of peer 192.168.30.18: well-known attribute 1 is missing (its routes count as "
	 "withdrawn)",
	 FEED_MALFORMED},
	{16, 4, HEAD_ER MARKER "001e 02 0000 0007 900f0003 000184",
	 "routes of AFI 1, SAFI 132 left out: only IPv4 and IPv6 unicast are taken", FEED_FAMILY},
	{16, 5, HEAD_ER "0006", "STATE_CHANGE with 2 bytes of states, not 4", FEED_MALFORMED},
	{16, 5, HEAD_ER "0006 0001 00", "STATE_CHANGE with 5 bytes of states, not 4",
	 FEED_MALFORMED},
	{16, 2, "", "BGP4MP of subtype 2 left out: messages and state changes are taken",
	 FEED_TYPE},
	{16, 12, "", "BGP4MP of subtype 12 left out: messages and state changes are taken",
	 FEED_TYPE},
};

static void test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		check_mistake(&messages[i]);
}

/* An index that is refused must not leave the old one to tell whose the routes are. */
static void test_index(void **state)
{
	static const char *const bodies[][2] = {
		{"0a021e03 00", "PEER_INDEX_TABLE is cut short"},
		{"0a021e03 0009 0001 00", "PEER_INDEX_TABLE is cut short"},
		{"0a021e03 0000 0002 " PEER_ER, "PEER_INDEX_TABLE says 2 peers and has 1"},
		{"0a021e03 0000 0001 02 0a0a1efe 0a0a", "PEER_INDEX_TABLE says 1 peers and has 0"},
		{"0a021e03 0000 0001 " PEER_ER "00",
		 "PEER_INDEX_TABLE has 1 bytes behind its 1 peers"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct mrt_fixture *x = fixture_new();

		put_table(&x->o);
		put_record(&x->o, 1000, 13, 1, bodies[i][0]);
		put_rest(&x->o);
		put_table(&x->o);
		replay(x);
		assert_int_equal(status(x).errors, 2);
		assert_non_null(strstr(x->r.log, bodies[i][1]));
		assert_non_null(strstr(status(x).last_error, MRT_FILE ": record 4 (byte "));
		assert_non_null(strstr(status(x).last_error,
				       "): routes without an index of peers before them: take the "
				       "file from its beginning"));
		fixture_free(x);
	}
}

/* A file cut at each of its bytes: whole records are taken, the one that is cut is told. */
static void test_cut(void **state)
{
	struct mrt_out whole = {0};
	size_t ends[3];

	(void)state;
	put_table(&whole);
	ends[0] = whole.record;
	ends[1] = whole.len;
	put_rest(&whole);
	ends[2] = whole.len;
	for (size_t len = 0; len <= whole.len; len++) {
		struct mrt_fixture *x = fixture_new();
		bool cut = len && len != ends[0] && len != ends[1] && len != ends[2];

		replay_bytes(x, whole.v, len);
		assert_int_equal(status(x).errors, cut);
		assert_int_equal(x->r.announced, len < ends[1] ? 0 : len < ends[2] ? 2 : 3);
		if (cut) {
			assert_non_null(strstr(status(x).last_error, "the file ends inside it, "));
			assert_non_null(strstr(status(x).last_error, "what came before it stays"));
		}
		fixture_free(x);
	}
	free(whole.v);
}

/* A length that cannot be: what is before it stays, and nothing is made of what is behind. */
static void test_length_lies(void **state)
{
	struct mrt_fixture *x = fixture_new();
	size_t at;

	(void)state;
	put_table(&x->o);
	at = x->o.len;
	put_rest(&x->o);
	put_rest(&x->o);
	memcpy(x->o.v + at + 8, "\x01\x00\x00\x01", 4);
	replay(x);
	assert_int_equal(status(x).errors, 1);
	assert_string_equal(x->r.told, BEGIN ER("10.10.30.0/24") VPN("10.10.30.0/24") END);
	assert_string_equal(status(x).last_error,
			    MRT_FILE ": record 3 (byte 148): a length of 16777217 bytes (type 13) "
				     "is not to be trusted: see whether this is an MRT file; what "
				     "came before it stays");
	fixture_free(x);
	/* no MRT file at all */
	x = fixture_new();
	replay_bytes(x, "{\"op\":\"end-of-rib\"}\n", 20);
	assert_int_equal(status(x).errors, 1);
	assert_non_null(strstr(status(x).last_error, "see whether this is an MRT file"));
	assert_string_equal(x->r.told, "");
	fixture_free(x);
}

/* Attributes as long as their length field allows, filled by one and by thousands; one too many. */
static void test_attributes_64k(void **state)
{
	struct mrt_fixture *x = fixture_new();
	size_t at;

	(void)state;
	put_record(&x->o, 1000, 13, 1, INDEX);
	for (int many = 0; many < 2; many++) {
		record_begin(&x->o, 1000, 13, 2);
		put_hex(&x->o, "00000001 10 0a09 0001 0002 60000000 ffff " ORIGIN AS_VPN VIA_VPN);
		at = x->o.len;
		while (many && x->o.len - at < 60000)
			put_hex(&x->o, "c06300");
		put_hex(&x->o, "d063");
		put_be(&x->o, 65535 - 20 - (x->o.len - at) - 2, 2);
		while (x->o.len - at < 65535 - 20)
			put_be(&x->o, 0, 1);
		record_end(&x->o);
	}
	replay(x);
	assert_int_equal(status(x).errors, 0);
	assert_string_equal(x->r.told, BEGIN REST REST END);
	fixture_free(x);
}

/* Records longer than the buffer are read whole. */
static void test_long_record(void **state)
{
	struct mrt_fixture *x = fixture_new();

	(void)state;
	put_record(&x->o, 1000, 13, 1, INDEX);
	record_begin(&x->o, 1000, 48, 0);
	for (int i = 0; i < 3 << 20; i++)
		put_be(&x->o, 0, 1);
	record_end(&x->o);
	put_rest(&x->o);
	replay(x);
	assert_int_equal(status(x).errors, 1);
	assert_string_equal(x->r.told, BEGIN REST END);
	fixture_free(x);
}

/* gzip: cut in the middle, a wrong checksum, what is none behind it. Whole records are taken. */
static void test_gzip(void **state)
{
	struct mrt_out o = {0};
	uint8_t gz[4096];
	z_stream z = {.next_out = gz, .avail_out = sizeof(gz)};
	size_t len;

	(void)state;
	put_table(&o);
	put_rest(&o);
	z.next_in = o.v;
	z.avail_in = (uInt)o.len;
	deflateInit2(&z, 0, Z_DEFLATED, 15 + 16, 8,
		     Z_DEFAULT_STRATEGY); /* stored: cuts are plain */
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	len = z.total_out;
	deflateEnd(&z);
	for (int i = 0; i < 4; i++) {
		static const char *const errors[] = {
			"record 3 (byte 148): gzip member 1: the file ends inside it: copy or pack "
			"the file again; what came before it stays",
			"record 4 (byte 197): gzip member 1: incorrect data check: ",
			"record 4 (byte 197): gzip member 2: incorrect header check: ",
			"record 1 (byte 0): gzip member 1: ",
		};
		static const char *const told[] = {
			BEGIN ER("10.10.30.0/24") VPN("10.10.30.0/24") END,
			BEGIN ER("10.10.30.0/24") VPN("10.10.30.0/24") REST END,
			BEGIN ER("10.10.30.0/24") VPN("10.10.30.0/24") REST END,
			"",
		};
		struct mrt_fixture *x = fixture_new();
		size_t n = i == 0 ? len - 20 : len;

		if (i == 1)
			gz[len - 5] ^= 1;
		if (i == 2) {
			gz[len - 5] ^= 1;
			memcpy(gz + len, "trailing garbage", 16);
			n += 16;
		}
		if (i == 3)
			gz[2] = 9;
		replay_bytes(x, gz, n);
		assert_int_equal(status(x).errors, 1);
		assert_non_null(strstr(status(x).last_error, errors[i]));
		assert_string_equal(x->r.told, told[i]);
		fixture_free(x);
	}
	free(o.v);
}

/* What can be told at once is refused at the start, with what to do. */
static void test_start(void **state)
{
	static const struct {
		const char *head, *error;
	} files[] = {
		{"BZh91AY", MRT_FILE ": packed by bzip2, which is not read here: unpack it with "
				     "bunzip2, or pack it with gzip"},
		{"\xfd"
		 "7zXZ",
		 MRT_FILE ": packed by xz, which is not read here: unpack it with unxz, or pack it "
			  "with gzip"},
		{"\x28\xb5\x2f\xfd", MRT_FILE ": packed by zstd, which is not read here: unpack it "
					      "with unzstd, or pack it with gzip"},
	};
	struct mrt_fixture *x = fixture_new();
	char error[200];

	(void)state;
	assert_int_equal(feed_start(x, error), -ENOENT);
	assert_string_equal(error, MRT_FILE ": No such file or directory: put the file there, or "
					    "change the feed's `file`");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		file_write(x, files[i].head, strlen(files[i].head));
		assert_int_equal(feed_start(x, error), -EINVAL);
		assert_string_equal(error, files[i].error);
	}
	x->cfg.file = ".";
	assert_int_equal(feed_start(x, error), -EINVAL);
	assert_string_equal(error, ".: no regular file: give a file, it may be by gzip");
	assert_null(x->r.feed);
	x->cfg.file = MRT_FILE;
	replay_bytes(x, "", 0); /* an empty file is a replay of nothing */
	assert_int_equal(status(x).errors, 0);
	fixture_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),	    cmocka_unit_test(test_messages),
		cmocka_unit_test(test_index),	    cmocka_unit_test(test_cut),
		cmocka_unit_test(test_length_lies), cmocka_unit_test(test_attributes_64k),
		cmocka_unit_test(test_long_record), cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
