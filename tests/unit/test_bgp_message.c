/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BGP messages but UPDATE: what real daemons sent, and every way a header or an OPEN can be wrong,
 * with the subcode and data that RFC 4271 asks for.
 */
#include "bgp_text.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/unit/data"
#endif

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
	header_fails("1001 01", 2, "1001"); /* an OPEN of 4097 (RFC 8654, 4) */
	header_fails("1001 04", 2, "1001");
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
	memcpy(buf + 16, "\xff\xff\x02", 3);
	assert_int_equal(bgp_header_parse(buf, &len, &type, &err), 0);
	assert_int_equal(len, BGP_EXT_LEN);
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
	assert_true(o.as4 && o.mp4 && o.mp6 && o.graceful_restart && o.refresh);
	assert_false(o.addpath4 || o.addpath6); /* we only receive */
	assert_false(o.gr4 || o.gr6);		/* we restart without grace */
	/* IPv4 by IPv6 next hops (RFC 8950), extended messages (RFC 8654). */
	assert_non_null(memmem(buf, len, "\x05\x06\0\1\0\1\0\2", 8));
	assert_non_null(memmem(buf, len, "\x06\0", 2));
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
	open_fails("04 fdfd 005a 0a021e7d 05 0203 400100", 0, "");     /* restart of 1, of 5 */
	open_fails("04 fdfd 005a 0a021e7d 09 0207 4005007800 0101", 0, "");
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

static void test_open_graceful(void **state)
{
	uint8_t body[256];
	struct bgp_error err;
	struct bgp_open o;

	(void)state;
	/* Restarting, 120 s; IPv4 unicast forwards, IPv4 multicast is nothing of ours. */
	assert_int_equal(bgp_open_parse(body,
					hex("04 fdfd 0000 0a021e7d 0e 020c 400a 8078"
					    "00010180 00010280",
					    body),
					&o, &err),
			 0);
	assert_true(o.graceful_restart && o.gr4 && !o.gr6 && o.forwards4);
	assert_int_equal(o.restart_s, 120);
	assert_false(o.refresh);
	/* Both families, none forwards; but IPv6 was not agreed on. Route refresh. */
	assert_int_equal(bgp_open_parse(body,
					hex("04 fdfd 0000 0a021e7d 10 020e 0200 400a 0fff"
					    "00010100 00020100",
					    body),
					&o, &err),
			 0);
	assert_true(o.gr4 && !o.gr6 && !o.forwards4 && o.refresh);
	assert_int_equal(o.restart_s, 4095);
}

/* The last one counts (RFC 4724, 3). */
static void test_open_graceful_twice(void **state)
{
	uint8_t body[256];
	struct bgp_error err;
	struct bgp_open o;

	(void)state;
	assert_int_equal(bgp_open_parse(body,
					hex("04 fdfd 0000 0a021e7d 0e 020c 4006 0078 00010180"
					    "4002 0000",
					    body),
					&o, &err),
			 0);
	assert_true(o.graceful_restart && !o.gr4 && o.restart_s == 0);
}

static void test_built(void **state)
{
	static const struct bgp_session plain = {.as4 = true, .ibgp = true};
	uint8_t buf[BGP_MAX_LEN];
	struct bgp_error err;
	struct told t;
	struct bgp_update_ops ops = told_ops(&t);
	bool treated;

	(void)state;
	for (uint8_t family = 4; family <= 6; family += 2) {
		size_t n = bgp_end_of_rib_build(buf, family);

		assert_int_equal(bgp_update_parse(&plain, buf + 19, n - 19, &ops, &treated, &err),
				 0);
	}
	assert_string_equal(t.text, "end 4\nend 6\n");
	assert_int_equal(bgp_refresh_build(buf, 6), 23);
	assert_memory_equal(buf + 16, "\0\x17\x05\0\x02\0\x01", 7);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bird),	      cmocka_unit_test(test_frr),
		cmocka_unit_test(test_header),	      cmocka_unit_test(test_open_built),
		cmocka_unit_test(test_open_wrong),    cmocka_unit_test(test_open_families),
		cmocka_unit_test(test_open_graceful), cmocka_unit_test(test_open_graceful_twice),
		cmocka_unit_test(test_built),	      cmocka_unit_test(test_notification),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
