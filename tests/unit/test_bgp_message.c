/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BGP messages: what real daemons sent, and every way a message can be wrong with the code, subcode
 * and data that RFC 4271 and 7606 ask for.
 */
#include "feed/bgp_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#ifndef TEST_DATA
#define TEST_DATA "tests/unit/data"
#endif

/* --- What the parser tells, as text. --- */

struct told {
	char text[16384];
};

static void __attribute__((format(printf, 2, 3))) tell(struct told *t, const char *fmt, ...)
{
	size_t n = strlen(t->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->text + n, sizeof(t->text) - n, fmt, ap);
	va_end(ap);
}

static void on_announce(void *arg, const struct prefix *p, uint32_t id,
			const struct bgp_attributes *attr)
{
	char text[PREFIX_STRLEN];

	tell(arg, "+%s#%u", prefix_format(p, text), id);
	tell(arg, " via %s", ip_format(&attr->nexthop, text));
	if (attr->nexthop_ll.family)
		tell(arg, " or %s", ip_format(&attr->nexthop_ll, text));
	tell(arg, " as");
	for (size_t i = 0; i < attr->n_as && i < 8; i++)
		tell(arg, " %u", attr->as_path[i]);
	if (attr->as_path_cut)
		tell(arg, " cut at %zu", attr->n_as);
	if (attr->has_local_pref)
		tell(arg, " lp %u", attr->local_pref);
	tell(arg, "\n");
}

static void on_withdraw(void *arg, const struct prefix *p, uint32_t id)
{
	char text[PREFIX_STRLEN];

	tell(arg, "-%s#%u\n", prefix_format(p, text), id);
}

static void on_end_of_rib(void *arg, uint8_t family)
{
	tell(arg, "end %u\n", family);
}

static void on_masked(void *arg, const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	tell(arg, "masked %s\n", prefix_format(p, text));
}

static void on_ignored(void *arg, uint16_t afi, uint8_t safi)
{
	tell(arg, "ignored %u/%u\n", afi, safi);
}

static struct bgp_update_ops told_ops(struct told *t)
{
	t->text[0] = '\0';
	return (struct bgp_update_ops){t,	  on_announce, on_withdraw, on_end_of_rib,
				       on_masked, on_ignored};
}

static size_t hex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned int byte;

	for (; *text; text += 2) {
		while (*text == ' ')
			text++;
		if (!*text)
			break;
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static size_t body_build(uint8_t *out, const char *withdrawn, const char *attrs, const char *nlri)
{
	size_t w = hex(withdrawn, out + 2), a = hex(attrs, out + 4 + w);

	out[0] = (uint8_t)(w >> 8);
	out[1] = (uint8_t)w;
	out[2 + w] = (uint8_t)(a >> 8);
	out[3 + w] = (uint8_t)a;
	return 4 + w + a + hex(nlri, out + 4 + w + a);
}

/* --- Streams of real daemons. --- */

static void stream_parse(const char *file, struct told *t)
{
	struct bgp_update_ops ops = told_ops(t);
	struct bgp_session s = {.ibgp = true};
	static uint8_t buf[65536];
	size_t n, len, at = 0;
	FILE *f = fopen(file, "rb");

	assert_non_null(f);
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	while (at < n) {
		struct bgp_error err;
		enum bgp_type type;
		struct bgp_open o;
		bool treated;

		assert_int_equal(bgp_header_parse(buf + at, &len, &type, &err), 0);
		assert_true(at + len <= n);
		if (type == BGP_OPEN) {
			assert_int_equal(bgp_open_parse(buf + at + 19, len - 19, &o, &err), 0);
			tell(t, "open as %u hold %u%s%s%s%s%s\n", o.as, o.hold_s,
			     o.as4 ? " as4" : "", o.mp4 ? " mp4" : "", o.mp6 ? " mp6" : "",
			     o.addpath4 ? " addpath4" : "", o.graceful_restart ? " gr" : "");
			s.as4 = o.as4;
			s.addpath4 = o.addpath4;
		}
		if (type == BGP_UPDATE) {
			assert_int_equal(
				bgp_update_parse(&s, buf + at + 19, len - 19, &ops, &treated, &err),
				0);
			assert_false(treated);
		}
		at += len;
	}
	assert_int_equal(at, n);
}

static void test_bird(void **state)
{
	struct told t;

	(void)state;
	stream_parse(TEST_DATA "/bird_addpath.bgp", &t);
	assert_string_equal(t.text, "open as 65021 hold 3 as4 mp4 addpath4 gr\n"
				    "end 4\n"
				    "+10.17.30.0/26#10 via 192.168.30.18 as 12076 65515 lp 200\n"
				    "+10.11.30.0/26#10 via 192.168.30.18 as 12076 65515 lp 200\n"
				    "+10.10.30.0/24#10 via 192.168.30.18 as 12076 65515 lp 200\n"
				    "+10.11.30.64/26#12 via 10.10.30.254 as 65515 65516 lp 100\n"
				    "+10.11.30.0/26#12 via 10.10.30.254 as 65515 lp 100\n"
				    "+10.10.30.0/24#12 via 10.10.30.254 as 65515 lp 100\n");
}

static void test_frr(void **state)
{
	struct told t;

	(void)state;
	stream_parse(TEST_DATA "/frr_addpath.bgp", &t);
	assert_non_null(strstr(t.text, "open as 65021 hold 3 as4 mp4 addpath4 gr\n"
				       "+10.2.30.0/25#2 via 169.254.77.1 as lp 100\n"
				       "+10.10.30.0/24#7 via 10.10.30.254 as 65515 lp 100\n"));
	assert_non_null(strstr(t.text, "-10.11.30.0/26#3\n"));
}

/* --- Header and OPEN. --- */

static void header_fails(const char *tail, uint8_t subcode, const char *data)
{
	uint8_t buf[19], want[8];
	struct bgp_error err;
	enum bgp_type type = BGP_OPEN;
	size_t len = 7;

	memset(buf, 0xff, 16);
	hex(tail, buf + 16);
	assert_int_equal(bgp_header_parse(buf, &len, &type, &err), -EBADMSG);
	assert_int_equal(err.code, 1);
	assert_int_equal(err.subcode, subcode);
	assert_int_equal(err.data_len, hex(data, want));
	assert_memory_equal(err.data, want, err.data_len);
	assert_int_equal(len, 7);
	assert_int_equal(type, BGP_OPEN);
}

static void test_header(void **state)
{
	uint8_t buf[BGP_MAX_LEN];
	struct bgp_error err;
	enum bgp_type type;
	size_t len;

	(void)state;
	header_fails("0012 04", 2, "0012"); /* shorter than a header */
	header_fails("1001 02", 2, "1001"); /* 4097 */
	header_fails("001c 01", 2, "001c"); /* an OPEN of 28 */
	header_fails("0016 02", 2, "0016");
	header_fails("0014 03", 2, "0014");
	header_fails("0014 04", 2, "0014"); /* a KEEPALIVE with a body */
	header_fails("0013 00", 3, "00");
	header_fails("0013 06", 3, "06");
	assert_int_equal(bgp_keepalive_build(buf), 19);
	assert_int_equal(bgp_header_parse(buf, &len, &type, &err), 0);
	assert_int_equal(len, 19);
	assert_int_equal(type, BGP_KEEPALIVE);
	buf[15] = 0xfe;
	assert_int_equal(bgp_header_parse(buf, &len, &type, &err), -EBADMSG);
	assert_int_equal(err.subcode, 1);
}

static void test_open_built(void **state)
{
	uint8_t buf[BGP_MAX_LEN];
	struct bgp_error err;
	enum bgp_type type;
	struct bgp_open o;
	size_t len = bgp_open_build(buf, 4200000000U, 90, 0x0a021efa), parsed;

	(void)state;
	assert_int_equal(bgp_header_parse(buf, &parsed, &type, &err), 0);
	assert_int_equal(parsed, len);
	assert_int_equal(buf[20] << 8 | buf[21], 23456); /* AS_TRANS */
	assert_int_equal(bgp_open_parse(buf + 19, len - 19, &o, &err), 0);
	assert_int_equal(o.as, 4200000000U);
	assert_int_equal(o.hold_s, 90);
	assert_int_equal(o.router_id, 0x0a021efa);
	assert_true(o.as4 && o.mp4 && o.mp6 && o.graceful_restart);
	assert_false(o.addpath4 || o.addpath6); /* we only receive */
}

static void open_fails(const char *text, uint8_t subcode, const char *data)
{
	uint8_t body[256], want[8];
	size_t n = hex(text, body);
	struct bgp_open o = {.as = 1};
	struct bgp_error err;

	assert_int_equal(bgp_open_parse(body, n, &o, &err), -EBADMSG);
	assert_int_equal(err.code, 2);
	assert_int_equal(err.subcode, subcode);
	assert_int_equal(err.data_len, hex(data, want));
	assert_memory_equal(err.data, want, err.data_len);
	assert_non_null(strchr(err.text, ':'));
	assert_int_equal(o.as, 1);
}

static void test_open_wrong(void **state)
{
	(void)state;
	open_fails("03 fdfd 005a 0a021e7d 00", 1, "0004");
	open_fails("04 0000 005a 0a021e7d 00", 2, "");
	open_fails("04 fdfd 005a 0a021e7d 08 0206 4104 00000000", 2, ""); /* AS 0 in four bytes */
	open_fails("04 fdfd 005a 00000000 00", 3, "");
	open_fails("04 fdfd 005a 0a021e7d 03 010100", 4, ""); /* authentication, RFC 1771 */
	open_fails("04 fdfd 0001 0a021e7d 00", 6, "");
	open_fails("04 fdfd 0002 0a021e7d 00", 6, "");
	open_fails("04 fdfd 005a 0a021e7d 01", 0, "");
	open_fails("04 fdfd 005a 0a021e7d 00 00", 0, "");
	open_fails("04 fdfd 005a 0a021e7d 03 020241", 0, "");
	open_fails("04 fdfd 005a 0a021e7d 04 02024104", 0, "");
	open_fails("04 fdfd 005a 0a021e7d 07 0205 4503000101", 0, ""); /* ADD-PATH of 3 bytes */
}

static void test_open_families(void **state)
{
	uint8_t body[256];
	struct bgp_error err;
	struct bgp_open o;

	(void)state;
	assert_int_equal(bgp_open_parse(body, hex("04 fdfd 0000 0a021e7d 00", body), &o, &err), 0);
	assert_true(o.mp4 && !o.mp6 && !o.as4 && o.hold_s == 0 && o.as == 65021);
	/* IPv6 alone; ADD-PATH sends (2), both (3), and for a family that is not there. */
	assert_int_equal(bgp_open_parse(body,
					hex("04 5ba0 0000 0a021e7d 18 0216"
					    "010400020001 4104fffffffe 4508 00020103 00010102",
					    body),
					&o, &err),
			 0);
	assert_true(!o.mp4 && o.mp6 && o.as4 && o.addpath6 && !o.addpath4);
	assert_int_equal(o.as, 0xfffffffe);
}

static void test_notification(void **state)
{
	struct bgp_error err = {.code = 2, .subcode = 1, .data = {0, 4}, .data_len = 2};
	uint8_t buf[BGP_MAX_LEN];

	(void)state;
	assert_int_equal(bgp_notification_build(buf, &err), 23);
	assert_memory_equal(buf + 16, "\0\x17\x03\x02\x01\0\x04", 7);
	assert_string_equal(bgp_error_name(6, 2), "administrative shutdown");
	assert_string_equal(bgp_error_name(6, 99), "cease");
	assert_string_equal(bgp_error_name(99, 1), "unknown error");
}

/* --- UPDATE: good ones. --- */

#define ORIGIN	"40010100 "
#define PATH4	"40020602010000ffeb " /* 65515, four bytes */
#define NEXTHOP "400304c0a81e12 "
#define LP	"400504000000c8 "
#define BASE	ORIGIN PATH4 NEXTHOP LP
#define VIA	" via 192.168.30.18 as 65515 lp 200\n"
#define NET	"180a0a1e" /* 10.10.30.0/24 */

static const struct bgp_session plain = {.as4 = true, .ibgp = true};
static const struct bgp_session addpath = {true, true, true, true};
static const struct bgp_session as2 = {.ibgp = true};

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

static void test_tolerated(void **state)
{
	(void)state;
	/* Unknown optional attributes, wrong AGGREGATOR and ATOMIC_AGGREGATE, a second ORIGIN. */
	update_is(&plain, "", BASE "c0630411223344 40060100 c0070200ff 40010107", NET,
		  "+10.10.30.0/24#0" VIA);
	update_is(&plain, "", BASE "c00804fde80001 800a0401010101 800904 01010101 80040400000001",
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
		cmocka_unit_test(test_bird),	     cmocka_unit_test(test_frr),
		cmocka_unit_test(test_header),	     cmocka_unit_test(test_open_built),
		cmocka_unit_test(test_open_wrong),   cmocka_unit_test(test_open_families),
		cmocka_unit_test(test_notification), cmocka_unit_test(test_update_ipv4),
		cmocka_unit_test(test_update_ipv6),  cmocka_unit_test(test_end_of_rib),
		cmocka_unit_test(test_as_paths),     cmocka_unit_test(test_tolerated),
		cmocka_unit_test(test_update_wrong), cmocka_unit_test(test_lengths_wrong),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
