/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * UPDATE messages: routes of both families, AS paths, End-of-RIB, and every way one can be wrong,
 * with what RFC 4271 and 7606 ask for: attribute left out, routes withdrawn, session reset.
 */
#include "bgp_text.h"

/* --- UPDATE: good ones. --- */

#define ORIGIN	"40010100 "
#define PATH4	"40020602010000ffeb " /* 65515, four bytes */
#define NEXTHOP "400304c0a81e12 "
#define LP	"400504000000c8 "
#define BASE	ORIGIN PATH4 NEXTHOP LP
#define VIA	" via 192.168.30.18 as 65515 lp 200\n"
#define NET	"180a0a1e" /* 10.10.30.0/24 */

static const struct bgp_session plain = {.as4 = true, .ibgp = true};
static const struct bgp_session addpath = {
	.as4 = true, .addpath4 = true, .addpath6 = true, .ibgp = true};
static const struct bgp_session as2 = {.ibgp = true};
static const struct bgp_session ebgp = {.as4 = true};

static void update_is(const struct bgp_session *s, const char *withdrawn, const char *attrs,
		      const char *nlri, const char *want)
{
	struct told t;
	struct bgp_update_ops ops = told_ops(&t);
	struct bgp_error err;
	uint8_t body[BGP_MAX_LEN];
	size_t n = body_build(body, withdrawn, attrs, nlri);
	bool treated = true;

	assert_int_equal(bgp_update_parse(s, body, n, &ops, &treated, &err), 0);
	assert_false(treated);
	assert_string_equal(t.text, want);
}

static void test_update_ipv4(void **state)
{
	(void)state;
	update_is(&plain, "", BASE, NET, "+10.10.30.0/24#0" VIA);
	update_is(&addpath, "", BASE, "00000007" NET "ffffffff 00",
		  "+10.10.30.0/24#7" VIA "+0.0.0.0/0#4294967295" VIA);
	update_is(&plain, NET "20 0a0a1efe", "", "", "-10.10.30.0/24#0\n-10.10.30.254/32#0\n");
	update_is(&addpath, "00000009" NET, "", "", "-10.10.30.0/24#9\n");
	/* Withdrawn and announced in one message: it is announced. */
	update_is(&plain, NET, BASE, NET, "-10.10.30.0/24#0\n+10.10.30.0/24#0" VIA);
	update_is(&plain, "", BASE, "180a0a1f 190a0a1eff",
		  "+10.10.31.0/24#0" VIA "masked 10.10.30.128/25\n+10.10.30.128/25#0" VIA);
	update_is(&plain, "", ORIGIN PATH4 NEXTHOP, NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 65515\n");
	/* A local daemon's own route: its session's address is a next hop like any other. */
	update_is(&plain, "", ORIGIN "400200 4003047f000001", NET,
		  "+10.10.30.0/24#0 via 127.0.0.1 as\n");
}

static void test_update_ipv6(void **state)
{
	static const char net6[] = "20 20010db8";
	char attrs[512];

	(void)state;
	snprintf(attrs, sizeof(attrs), "%s%s", ORIGIN PATH4 LP,
		 "800e1a 000201 10 20010db8000000000000000000000001 00 2020010db8");
	update_is(&plain, "", attrs, "", "+2001:db8::/32#0 via 2001:db8::1 as 65515 lp 200\n");
	snprintf(attrs, sizeof(attrs), "%s%s%s", ORIGIN PATH4 LP,
		 "800e2e 000201 20 20010db8000000000000000000000001"
		 "fe800000000000000000000000000002 00 00000005",
		 net6);
	update_is(&addpath, "", attrs, "",
		  "+2001:db8::/32#5 via 2001:db8::1 or fe80::2 as 65515 lp 200\n");
	/* BIRD, where it knows only the link-local next hop. */
	snprintf(attrs, sizeof(attrs), "%s%s%s", ORIGIN PATH4,
		 "800e2a 000201 20 00000000000000000000000000000000"
		 "fe800000000000000000000000000002 00 ",
		 net6);
	update_is(&plain, "", attrs, "", "+2001:db8::/32#0 via fe80::2 as 65515\n");
	update_is(&plain, "", "800f08 000201 2020010db8", "", "-2001:db8::/32#0\n");
	/* IPv4 in MP_REACH, beside the old field with its own next hop. */
	update_is(&plain, "", BASE "800e0d 000101 04 0a0a1efe 00 180a0b1e", NET,
		  "+10.10.30.0/24#0" VIA "+10.11.30.0/24#0 via 10.10.30.254 as 65515 lp 200\n");
	update_is(&plain, "", BASE "800e09 400447 00 00 01020304", NET,
		  "+10.10.30.0/24#0" VIA "ignored 16388/71\n");
}

/* RFC 8950. */
static void test_ipv4_by_ipv6(void **state)
{
	(void)state;
	update_is(&plain, "",
		  ORIGIN PATH4 LP "800e19 000101 10 fd000192016800300000000000000002 00" NET, "",
		  "+10.10.30.0/24#0 via fd00:192:168:30::2 as 65515 lp 200\n");
	update_is(&addpath, "",
		  ORIGIN PATH4 "800e2d 000101 20 fd000192016800300000000000000002"
			       "fe800000000000000000000000000002 00 00000007" NET,
		  "", "+10.10.30.0/24#7 via fd00:192:168:30::2 or fe80::2 as 65515\n");
	update_is(&plain, "", "800f07 000101 " NET, "", "-10.10.30.0/24#0\n");
}

static void test_end_of_rib(void **state)
{
	(void)state;
	update_is(&plain, "", "", "", "end 4\n");
	update_is(&plain, "", "800f03000201", "", "end 6\n");
	update_is(&plain, "", "900f0003000101", "", "end 4\n");
	update_is(&plain, "", "800f03000280", "", "ignored 2/128\n");
	update_is(&plain, "", ORIGIN, "", ""); /* attributes of nothing are no End-of-RIB */
}

static void test_as_paths(void **state)
{
	char attrs[4096];

	(void)state;
	/* SEQUENCE, SET as its first member, confederation segments skipped. */
	update_is(&plain, "",
		  ORIGIN NEXTHOP "400222 0301 0000fde8 0201 00002f2c 0102 00000001 00000002"
				 "0401 0000fde9 0201 00000003",
		  NET, "+10.10.30.0/24#0 via 192.168.30.18 as 12076 1 3\n");
	update_is(&as2, "", ORIGIN NEXTHOP "400206 0202 2f2c ffeb", NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 12076 65515\n");
	/* AS4_PATH: the tail is replaced (RFC 6793, 4.2.3) ... */
	update_is(&as2, "",
		  ORIGIN NEXTHOP "400208 0203 2f2c 5ba0 5ba0 c0110a 0202 00030d40 00030d41", NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 12076 200000 200001\n");
	/* ... not where it is the longer one, is malformed, or an old speaker aggregated. */
	update_is(&as2, "", ORIGIN NEXTHOP "400204 0201 5ba0 c0110a 0202 00030d40 00030d41", NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 23456\n");
	update_is(&as2, "", ORIGIN NEXTHOP "400204 0201 5ba0 c01105 0201 00030d", NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 23456\n");
	update_is(&as2, "",
		  ORIGIN NEXTHOP "400204 0201 5ba0 c01106 0201 00030d40 c00706 fde8 01010101"
				 "c01208 0000fde8 01010101",
		  NET, "+10.10.30.0/24#0 via 192.168.30.18 as 23456\n");
	/* From a speaker of four bytes AS4_PATH is ignored. */
	update_is(&plain, "", ORIGIN NEXTHOP "400206 0201 00005ba0 c01106 0201 00030d40", NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 23456\n");
	/* 257 AS numbers: the last is cut. */
	snprintf(attrs, sizeof(attrs), ORIGIN NEXTHOP "50020408 02ff");
	for (int i = 0; i < 255; i++)
		strcat(attrs, "00000005");
	strcat(attrs, "0202 0000000600000007");
	update_is(&plain, "", attrs, NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 5 5 5 5 5 5 5 5 cut at 256\n");
}

/* As long as an attribute can be: 16000 of them, in segments of 255. */
static void test_long_as_path(void **state)
{
	static uint8_t body[BGP_EXT_LEN - BGP_HEADER_LEN];
	size_t n = body_build(body, "", ORIGIN NEXTHOP "50020000", ""), from = n, len;
	struct bgp_error err;
	struct told t;
	struct bgp_update_ops ops = told_ops(&t);
	bool treated;

	(void)state;
	while (n + 2 + 4 * 255 + 4 <= sizeof(body)) {
		body[n++] = 2;
		body[n++] = 255;
		for (int i = 0; i < 255; i++, n += 4)
			memcpy(body + n, "\0\0\x2f\x2c", 4);
	}
	len = n - from;
	body[from - 2] = (uint8_t)(len >> 8);
	body[from - 1] = (uint8_t)len;
	body[2] = (uint8_t)((n - 4) >> 8);
	body[3] = (uint8_t)(n - 4);
	memcpy(body + n, "\x18\x0a\x0a\x1e", 4);
	assert_int_equal(bgp_update_parse(&plain, body, n + 4, &ops, &treated, &err), 0);
	assert_string_equal(t.text, "+10.10.30.0/24#0 via 192.168.30.18 as 12076 12076 12076 12076 "
				    "12076 12076 12076 12076 cut at 256\n");
}

static void test_tolerated(void **state)
{
	(void)state;
	/* Unknown optional attributes, wrong AGGREGATOR and ATOMIC_AGGREGATE, a second ORIGIN. */
	update_is(&plain, "", BASE "c0630411223344 40060100 c0070200ff 40010107", NET,
		  "+10.10.30.0/24#0" VIA);
	update_is(&plain, "", BASE "c00804fde80001 800a0401010101 800904 01010101 80040400000001",
		  NET, "+10.10.30.0/24#0" VIA);
	/* AGGREGATOR and AS4_PATH of AS 0 (RFC 7607), AS4_AGGREGATOR of a wrong length. */
	update_is(&plain, "", BASE "c00708 00000000 01010101", NET, "+10.10.30.0/24#0" VIA);
	update_is(&as2, "",
		  ORIGIN NEXTHOP "400204 0201 5ba0 c01106 0201 00000000 c0120701020304050607", NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 23456\n");
	/* Only of a neighbor of our own AS (RFC 7606, 7.5, 7.9, 7.10). */
	update_is(&ebgp, "", ORIGIN PATH4 NEXTHOP "40050100 800900 800a0101", NET,
		  "+10.10.30.0/24#0 via 192.168.30.18 as 65515\n");
	/* Who has several lengths of extended and large communities, and OTC. */
	update_is(&plain, "",
		  BASE "c010080001020304050607 c0200c000102030405060708090a0b"
		       "c019140001020304050607080900010203040506070809 c02304 0000ffeb",
		  NET, "+10.10.30.0/24#0" VIA);
	/* The partial bit of a well-known attribute is nobody's business. */
	update_is(&plain, "", "60010100" PATH4 NEXTHOP LP, NET, "+10.10.30.0/24#0" VIA);
}

/* --- UPDATE: wrong ones. --- */

static const struct wrong {
	const char *what, *withdrawn, *attrs, *nlri;
	uint8_t subcode;
	const char *told; /* NULL: the session is reset, nothing is told */
	const char *data;
} wrongs[] = {
	{"invalid ORIGIN", "", "40010103" PATH4 NEXTHOP, NET, 6, "-10.10.30.0/24#0\n", "40010103"},
	{"ORIGIN of two bytes", "", "4001020000" PATH4 NEXTHOP, NET, 5, "-10.10.30.0/24#0\n",
	 "4001020000"},
	{"AS_PATH with an unknown segment", "", ORIGIN "40020605010000ffeb" NEXTHOP, NET, 11,
	 "-10.10.30.0/24#0\n", "40020605010000ffeb"},
	{"AS_PATH with a short segment", "", ORIGIN "40020602020000ffeb" NEXTHOP, NET, 11,
	 "-10.10.30.0/24#0\n", NULL},
	{"AS_PATH with a byte over", "", ORIGIN "40020702010000ffeb02" NEXTHOP, NET, 11,
	 "-10.10.30.0/24#0\n", NULL},
	{"AS_PATH with an empty segment", "", ORIGIN "4002020200" NEXTHOP, NET, 11,
	 "-10.10.30.0/24#0\n", NULL},
	{"AS 0 in AS_PATH", "", ORIGIN "400206020100000000" NEXTHOP, NET, 11, "-10.10.30.0/24#0\n",
	 NULL},
	{"NEXT_HOP 0.0.0.0", "", ORIGIN PATH4 "40030400000000", NET, 8, "-10.10.30.0/24#0\n",
	 "40030400000000"},
	{"NEXT_HOP multicast", "", ORIGIN PATH4 "400304e0000001", NET, 8, "-10.10.30.0/24#0\n",
	 NULL},
	{"NEXT_HOP of 3 bytes", "", ORIGIN PATH4 "400303c0a81e", NET, 5, "-10.10.30.0/24#0\n",
	 NULL},
	{"LOCAL_PREF of 3 bytes", "", ORIGIN PATH4 NEXTHOP "4005030000c8", NET, 5,
	 "-10.10.30.0/24#0\n", NULL},
	{"MED of 2 bytes", "", BASE "8004020001", NET, 5, "-10.10.30.0/24#0\n", NULL},
	{"communities of 3 bytes", "", BASE "c00803000001", NET, 9, "-10.10.30.0/24#0\n", NULL},
	{"flags of ORIGIN", "", "c0010100" PATH4 NEXTHOP, NET, 4, "-10.10.30.0/24#0\n", "c0010100"},
	{"no ORIGIN", "", PATH4 NEXTHOP, NET, 3, "-10.10.30.0/24#0\n", "01"},
	{"no AS_PATH", "", ORIGIN NEXTHOP, NET, 3, "-10.10.30.0/24#0\n", "02"},
	{"no NEXT_HOP", "", ORIGIN PATH4, NET, 3, "-10.10.30.0/24#0\n", "03"},
	{"attribute longer than the list", "", BASE "c0080800000001", NET, 1, "-10.10.30.0/24#0\n",
	 NULL},
	{"header of an attribute cut", "", BASE "c008", NET, 1, "-10.10.30.0/24#0\n", NULL},
	{"IPv6 next hop ::", "",
	 ORIGIN PATH4 "800e1a 000201 10 00000000000000000000000000000000 00 2020010db8", "", 9,
	 "-2001:db8::/32#0\n", NULL},
	{"flags of MP_REACH", "",
	 ORIGIN PATH4 "c00e1a 000201 10 20010db8000000000000000000000001 00 2020010db8", "", 4,
	 "-2001:db8::/32#0\n", NULL},
	{"next hop :: of an IPv4 prefix", "",
	 ORIGIN PATH4 "800e19 000101 10 00000000000000000000000000000000 00" NET, "", 9,
	 "-10.10.30.0/24#0\n", NULL},
	{"AS 0 inside a set", "", ORIGIN "40020a 0102 0000ffeb 00000000" NEXTHOP, NET, 11,
	 "-10.10.30.0/24#0\n", NULL},
	{"ORIGINATOR_ID of 3 bytes", "", BASE "800903010101", NET, 5, "-10.10.30.0/24#0\n", NULL},
	{"CLUSTER_LIST of 0 bytes", "", BASE "800a00", NET, 5, "-10.10.30.0/24#0\n", NULL},
	{"extended communities of 4 bytes", "", BASE "c0100400010203", NET, 9, "-10.10.30.0/24#0\n",
	 NULL},
	{"IPv6 communities of 8 bytes", "", BASE "c019080001020304050607", NET, 9,
	 "-10.10.30.0/24#0\n", NULL},
	{"large communities of 8 bytes", "", BASE "c020080001020304050607", NET, 9,
	 "-10.10.30.0/24#0\n", NULL},
	{"no communities", "", BASE "c00800", NET, 9, "-10.10.30.0/24#0\n", NULL},
	{"ONLY_TO_CUSTOMER of 2 bytes", "", BASE "c02302ffeb", NET, 5, "-10.10.30.0/24#0\n", NULL},
	{"flags of LOCAL_PREF", "", ORIGIN PATH4 NEXTHOP "c00504000000c8", NET, 4,
	 "-10.10.30.0/24#0\n", NULL},
	{"the first error is told, the worst counts", "", "40010103 40020405010000" NEXTHOP, NET, 6,
	 "-10.10.30.0/24#0\n", "40010103"},
	{"a reset after a withdrawal", "", "40010103" PATH4 NEXTHOP "401e0100", NET, 2, NULL,
	 "401e0100"},
	{"withdrawn stays withdrawn", "180a0b1e", "40010103" PATH4 NEXTHOP, NET, 6,
	 "-10.11.30.0/24#0\n-10.10.30.0/24#0\n", NULL},
	/* Session resets. */
	{"unknown well-known attribute", "", BASE "401e0100", NET, 2, NULL, "401e0100"},
	{"prefix length 33", "", BASE, "210a0a1e0000", 10, NULL, ""},
	{"prefix cut short", "", BASE, "180a0a", 10, NULL, NULL},
	{"withdrawn prefix cut short", "180a0a", "", "", 10, NULL, NULL},
	{"malformed attribute of no route", "", "40010103", "", 6, NULL, NULL},
	{"MP_REACH cut short", "", ORIGIN PATH4 "800e0400020110", "", 9, NULL, "800e0400020110"},
	{"MP_REACH next hop of 8 bytes", "", ORIGIN PATH4 "800e0d 000201 08 0000000000000001 00",
	 "", 9, NULL, NULL},
	{"MP_REACH prefix length 129", "",
	 ORIGIN PATH4 "800e16 000201 10 20010db8000000000000000000000001 00 81", "", 9, NULL, NULL},
	{"MP_UNREACH of 2 bytes", "", "800f020002", "", 9, NULL, "800f020002"},
	{"MP_UNREACH prefix cut short", "", "800f05000201 20 20", "", 9, NULL, NULL},
	{"MP_REACH next hop longer than it", "", ORIGIN PATH4 "800e05 000201 10 20", "", 9, NULL,
	 NULL},
	{"MP_REACH of IPv6 with a next hop of 4 bytes", "",
	 ORIGIN PATH4 "800e0e 000201 04 0a0a1efe 00 2020010db8", "", 9, NULL, NULL},
	{"MP_REACH of no prefix with a next hop of 5 bytes", "",
	 ORIGIN PATH4 "800e0a 000101 05 0a0a1efe00 00", "", 9, NULL, NULL},
	{"two MP_REACH", "",
	 ORIGIN PATH4 "800e0d 000101 04 0a0a1efe 00 180a0b1e"
		      "800e0d 000101 04 0a0a1efe 00 180a0b1f",
	 "", 1, NULL, NULL},
	{"two MP_UNREACH", "", "800f03000201 800f03000201", "", 1, NULL, NULL},
};

static void test_update_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		struct told t;
		struct bgp_update_ops ops = told_ops(&t);
		struct bgp_error err = {0};
		uint8_t body[BGP_MAX_LEN], want[64];
		size_t n = body_build(body, w->withdrawn, w->attrs, w->nlri);
		bool treated = false;
		int ret = bgp_update_parse(&plain, body, n, &ops, &treated, &err);

		print_message("  %s\n", w->what);
		assert_int_equal(ret, w->told ? 0 : -EBADMSG);
		assert_int_equal(treated, w->told != NULL);
		assert_int_equal(err.code, 3);
		assert_int_equal(err.subcode, w->subcode);
		assert_string_equal(t.text, w->told ? w->told : "");
		assert_true(strlen(err.text) > 0);
		if (!w->data)
			continue;
		assert_int_equal(err.data_len, hex(w->data, want));
		assert_memory_equal(err.data, want, err.data_len);
	}
}

static void test_lengths_wrong(void **state)
{
	static const char *const bodies[] = {"0001 0000", "0000 0001", "ffff 0000", "0005 0000 00",
					     "0000 ffff 00"};
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct told t;
		struct bgp_update_ops ops = told_ops(&t);
		struct bgp_error err;
		uint8_t body[64];
		bool treated;

		assert_int_equal(
			bgp_update_parse(&plain, body, hex(bodies[i], body), &ops, &treated, &err),
			-EBADMSG);
		assert_int_equal(err.subcode, 1);
		assert_string_equal(t.text, "");
	}
}

/* 64 KiB (RFC 8654): all of its prefixes; cut short by a byte, none. */
static void test_extended(void **state)
{
	static uint8_t body[BGP_EXT_LEN - BGP_HEADER_LEN];
	size_t n = body_build(body, "", BASE, ""), routes = 0;
	struct bgp_error err;
	struct told t;
	struct bgp_update_ops ops = told_ops(&t);
	bool treated;

	(void)state;
	for (; n + 4 <= sizeof(body); n += 4, routes++)
		memcpy(body + n, (uint8_t[]){24, 10, (uint8_t)(routes >> 8), (uint8_t)routes}, 4);
	assert_int_equal(bgp_update_parse(&plain, body, n, &ops, &treated, &err), 0);
	assert_true(routes > 16000);
	assert_int_equal(strncmp(t.text, "+10.0.0.0/24#0" VIA, 20), 0);
	t.text[0] = '\0';
	assert_int_equal(bgp_update_parse(&plain, body, n - 1, &ops, &treated, &err), -EBADMSG);
	assert_string_equal(t.text, "");
}

/* The same of IPv6, over all lengths, with host bits: they are told, and gone. */
static void test_random_ipv6(void **state)
{
	unsigned int seed = getenv("SEED") ? (unsigned int)strtoul(getenv("SEED"), NULL, 0) : 1;

	(void)state;
	print_message("SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 300; round++) {
		uint8_t body[BGP_MAX_LEN], *mp;
		char text[PREFIX_STRLEN], want[16384] = "";
		struct told t;
		struct bgp_update_ops ops = told_ops(&t);
		struct bgp_error err;
		bool treated;
		size_t n = body_build(body, "",
				      ORIGIN PATH4 "900e0000 000201 10"
						   "20010db8000000000000000000000001 00",
				      ""),
		       count = (size_t)rand() % 40 + 1;

		mp = body + n - 23;
		for (size_t i = 0; i < count; i++) {
			struct prefix x = {.family = 6, .len = (uint8_t)(rand() % 129)};
			size_t bytes = (x.len + 7U) / 8;

			body[n++] = x.len;
			for (size_t b = 0; b < bytes; b++)
				x.bytes[b] = (uint8_t)rand();
			memcpy(body + n, x.bytes, bytes);
			n += bytes;
			if (prefix_mask(&x))
				snprintf(want + strlen(want), sizeof(want) - strlen(want),
					 "masked %s\n", prefix_format(&x, text));
			snprintf(want + strlen(want), sizeof(want) - strlen(want),
				 "+%s#0 via 2001:db8::1 as 65515\n", prefix_format(&x, text));
		}
		mp[0] = (uint8_t)((size_t)(body + n - mp - 2) >> 8);
		mp[1] = (uint8_t)(body + n - mp - 2);
		body[2] = (uint8_t)((n - 4) >> 8);
		body[3] = (uint8_t)(n - 4);
		assert_int_equal(bgp_update_parse(&plain, body, n, &ops, &treated, &err), 0);
		assert_string_equal(t.text, want);
	}
}

/* Random tables of prefixes with path ids come out as they went in; cut anywhere, nothing does. */
static void test_random(void **state)
{
	unsigned int seed = getenv("SEED") ? (unsigned int)strtoul(getenv("SEED"), NULL, 0) : 1;

	(void)state;
	print_message("SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 500; round++) {
		uint8_t body[BGP_MAX_LEN], *p;
		char text[PREFIX_STRLEN], want[16384] = "";
		struct told t;
		struct bgp_update_ops ops = told_ops(&t);
		struct bgp_error err;
		bool treated;
		size_t n = body_build(body, "", BASE, ""), count = (size_t)rand() % 60 + 1;

		p = body + n;
		for (size_t i = 0; i < count; i++) {
			struct prefix x = {.family = 4, .len = (uint8_t)(rand() % 33)};
			uint32_t id = (uint32_t)rand();

			for (int b = 0; b < 4; b++)
				x.bytes[b] = (uint8_t)rand();
			prefix_mask(&x);
			for (int b = 3; b >= 0; b--)
				*p++ = (uint8_t)(id >> 8 * b);
			*p++ = x.len;
			memcpy(p, x.bytes, (x.len + 7U) / 8);
			p += (x.len + 7U) / 8;
			snprintf(want + strlen(want), sizeof(want) - strlen(want), "+%s#%u" VIA,
				 prefix_format(&x, text), id);
		}
		n = (size_t)(p - body);
		assert_int_equal(bgp_update_parse(&addpath, body, n, &ops, &treated, &err), 0);
		assert_string_equal(t.text, want);
		ops = told_ops(&t);
		if (body[n - 1] == 0 && body[n - 2] == 0)
			continue; /* may be a default route, whole without its last byte */
		if (bgp_update_parse(&addpath, body, n - 1, &ops, &treated, &err))
			assert_string_equal(t.text, "");
		else
			assert_int_equal(strncmp(t.text, want, strlen(t.text)), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_update_ipv4),   cmocka_unit_test(test_update_ipv6),
		cmocka_unit_test(test_ipv4_by_ipv6),  cmocka_unit_test(test_end_of_rib),
		cmocka_unit_test(test_as_paths),      cmocka_unit_test(test_long_as_path),
		cmocka_unit_test(test_tolerated),     cmocka_unit_test(test_update_wrong),
		cmocka_unit_test(test_lengths_wrong), cmocka_unit_test(test_random),
		cmocka_unit_test(test_extended),      cmocka_unit_test(test_random_ipv6),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
