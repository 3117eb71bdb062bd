/* SPDX-License-Identifier: GPL-2.0-only */
/* The framing of BMP: what is taken out of good messages, and which bad ones are told as what. */
#include "bmp_build.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* A copy of its own, so that the sanitizer sees a read past it. */
static uint8_t *exact(const struct bytes *m)
{
	uint8_t *p = malloc(m->n ? m->n : 1);

	memcpy(p, m->b, m->n);
	return p;
}

static void test_header(void **state)
{
	static const struct {
		const char *bytes, *error;
		size_t len;
		uint8_t type;
	} cases[] = {
		{"03 00 00 00 06 04", "", 6, 4},
		{"03 00 04 00 00 00", "", 256 * 1024, 0},
		{"03 00 00 00 30 fe", "", 48, 0xfe}, /* the caller skips it */
		{"02 00 00 00 06 04", "version 2", 0, 0},
		{"ff ff ff ff ff ff", "version 255", 0, 0},
		{"47 45 54 20 2f 20", "does not speak BMP", 0, 0},
		{"03 00 00 00 05 04", "message of 5 bytes", 0, 0},
		{"03 00 00 00 00 04", "message of 0 bytes", 0, 0},
		{"03 00 04 00 01 00", "message of 262145 bytes", 0, 0},
		{"03 ff ff ff ff 00", "message of 4294967295 bytes", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes m = {.n = 0};
		char error[BMP_ERROR_LEN] = "";
		uint8_t type = 0, *p;
		size_t len = 0;
		int ret;

		p = exact(put_hex(&m, cases[i].bytes));
		ret = bmp_header_parse(p, &len, &type, error);
		free(p);
		assert_int_equal(ret, cases[i].error[0] ? -EBADMSG : 0);
		assert_non_null(strstr(error, cases[i].error));
		if (!ret) {
			assert_int_equal(len, cases[i].len);
			assert_int_equal(type, cases[i].type);
		}
	}
}

static void test_peer_header(void **state)
{
	struct bmp_peer_header h;
	struct bytes m = {.n = 0};
	char error[BMP_ERROR_LEN], ip[IP_STRLEN];

	(void)state;
	put_peer(&m, (struct of_peer){1, POST | AS2, "192.168.30.18", 7});
	assert_int_equal(bmp_peer_parse(m.b, m.n, &h, error), 0);
	assert_int_equal(h.type, BMP_PEER_RD);
	assert_int_equal(h.rd[7], 7);
	assert_string_equal(ip_format(&h.address, ip), "192.168.30.18");
	assert_true(h.post_policy && h.as2 && !h.adj_rib_out);
	for (size_t n = 0; n < BMP_PEER_LEN; n++) {
		struct bytes cut = {.n = 0};
		uint8_t *p = exact(put(&cut, m.b, n));

		assert_int_equal(bmp_peer_parse(p, n, &h, error), -EBADMSG);
		free(p);
	}
	m.n = 0;
	put_peer(&m, (struct of_peer){0, OUT, "fd00:192:168:30::2", 0});
	assert_int_equal(bmp_peer_parse(m.b, m.n, &h, error), 0);
	assert_string_equal(ip_format(&h.address, ip), "fd00:192:168:30::2");
	assert_true(!h.post_policy && !h.as2 && h.adj_rib_out);
	/* a loc-rib has one flag, F, where others say that the address is of IPv6 */
	m.n = 0;
	put_peer(&m, (struct of_peer){BMP_PEER_LOC_RIB, V6 | POST | AS2 | OUT, NULL, 0});
	assert_int_equal(bmp_peer_parse(m.b, m.n, &h, error), 0);
	assert_int_equal(h.address.family, 4);
	assert_true(!h.post_policy && !h.as2 && !h.adj_rib_out);
}

/* Who may send several paths, and who may take them: both must. */
static void test_addpath(void **state)
{
	static const struct {
		unsigned int sent, received;
		bool loc_rib, expect;
	} cases[] = {
		{0, 0, false, false}, {1, 2, false, true},  {3, 3, false, true},
		{2, 1, false, false}, {1, 1, false, false}, {2, 2, false, false},
		{0, 2, false, false}, {2, 2, true, true},   {1, 1, true, false},
		{4, 2, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes m = {.n = 0};
		char error[BMP_ERROR_LEN] = "";
		struct bmp_peer_up up;
		size_t skip = BMP_HEADER_LEN + BMP_PEER_LEN;

		put_peer_up(&m, (struct of_peer){0, 0, "192.168.30.18", 0}, 4200000001,
			    cases[i].sent, cases[i].received);
		assert_int_equal(
			bmp_peer_up_parse(m.b + skip, m.n - skip, cases[i].loc_rib, &up, error), 0);
		assert_int_equal(up.addpath4, cases[i].expect);
		assert_int_equal(up.addpath6, cases[i].expect);
		assert_int_equal(up.sent.as, 65021);
		assert_int_equal(up.received.as, 4200000001);
	}
}

/* Each byte that a peer up lacks is told; so is each length in it that is another. */
static void test_peer_up_wrong(void **state)
{
	size_t skip = BMP_HEADER_LEN + BMP_PEER_LEN;
	struct bytes m = {.n = 0};
	struct bmp_peer_up up;
	char error[BMP_ERROR_LEN];

	(void)state;
	put_peer_up(&m, (struct of_peer){0, 0, "192.168.30.18", 0}, 12076, 1, 2);
	for (size_t n = 0; n < m.n - skip; n++) {
		struct bytes cut = {.n = 0};
		uint8_t *p = exact(put(&cut, m.b + skip, n));

		error[0] = '\0';
		assert_int_equal(bmp_peer_up_parse(p, n, false, &up, error), -EBADMSG);
		assert_true(error[0]);
		free(p);
	}
	/* information after the OPENs (RFC 7854, 4.10) is no error */
	put_hex(&m, "00 00 00 03 61 62 63");
	assert_int_equal(bmp_peer_up_parse(m.b + skip, m.n - skip, false, &up, error), 0);
	m.b[skip + 20] = 0;
	assert_int_equal(bmp_peer_up_parse(m.b + skip, m.n - skip, false, &up, error), -EBADMSG);
	assert_non_null(strstr(error, "marker"));
	m.b[skip + 20] = 0xff;
	m.b[skip + 20 + 18] = BGP_UPDATE;
	assert_int_equal(bmp_peer_up_parse(m.b + skip, m.n - skip, false, &up, error), -EBADMSG);
	assert_non_null(strstr(error, "type 2 where 1 should be"));
}

static void test_peer_down(void **state)
{
	static const struct {
		const char *body, *error, *text;
	} cases[] = {
		{"01 ffffffffffffffffffffffffffffffff 0015 03 04 00", "",
		 "closed by the router, 4/0 hold timer expired"},
		{"02 00 00", "", "closed by the router without a notification"},
		{"02 00 12", "", "event 18"},
		{"03 ffffffffffffffffffffffffffffffff 0015 03 06 02", "",
		 "closed by the peer, 6/2 administrative shutdown"},
		{"04", "", "closed by the peer without a notification"},
		{"05", "", "not monitored any more"},
		{"06 00 03 00 01 61", "", "closed by the router"},
		{"c8 aa bb", "", "reason 200, not known here"},
		{"", "without a reason", ""},
		{"01", "cut short", ""},
		{"03 ffffffffffffffffffffffffffffffff 0013 03", "NOTIFICATION of 19 bytes", ""},
		{"03 ffffffffffffffffffffffffffffffff 0016 03 06 02",
		 "of 22 bytes in a place of 21", ""},
		{"03 ffffffffffffffffffffffffffffffff 0012 03 06 02", "of 18 bytes", ""},
		{"03 ffffffffffffffffffffffffffffffff 0015 02 06 02", "type 2 where 3", ""},
		{"03 00ffffffffffffffffffffffffffffff 0015 03 06 02", "marker", ""},
		{"02 00", "without its event", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[BMP_ERROR_LEN] = "", text[BMP_ERROR_LEN];
		struct bytes m = {.n = 0};
		struct bmp_peer_down down;
		uint8_t *p = exact(put_hex(&m, cases[i].body));
		int ret = bmp_peer_down_parse(p, m.n, &down, error);

		free(p);
		assert_int_equal(ret, cases[i].error[0] ? -EBADMSG : 0);
		assert_non_null(strstr(error, cases[i].error));
		if (!ret)
			assert_non_null(strstr(bmp_down_text(&down, text), cases[i].text));
	}
}

static void test_information(void **state)
{
	static const struct {
		const char *body, *error, *name, *description, *text;
		bool termination;
		const char *reason;
	} cases[] = {
		{"0001 0003 46 52 52 0002 0002 63 65", "", "ce", "FRR", "", false, "no reason"},
		{"", "", "", "", "", false, "no reason"},
		{"0000 0002 68 69 00ff 0001 00", "", "", "", "hi", false, "hi"},
		/* not fit for a log */
		{"0002 0005 61 0a 1b 80 62", "", "a???b", "", "", false, "no reason"},
		{"0001 0002 00 00", "", "", "", "", true, "closed by its administrator"},
		{"0001 0002 00 04", "", "", "", "", true, "closed for good"},
		{"0001 0002 00 09", "", "", "", "", true, "no reason"},
		{"0001 0001 00 0000 0003 62 79 65", "", "", "", "bye", true, "bye"},
		{"0002 0003 63 65", "information of 3 bytes in a place of 6", "", "", "", false,
		 ""},
		{"0002 ffff 63 65", "information of 65535 bytes", "", "", "", false, ""},
		{"0002 00", "in a place of 3", "", "", "", false, ""},
		{"0002 0000 00", "in a place of 1", "", "", "", false, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes m = {.n = 0};
		char error[BMP_ERROR_LEN] = "";
		struct bmp_info info;
		uint8_t *p = exact(put_hex(&m, cases[i].body));
		int ret = bmp_info_parse(p, m.n, cases[i].termination, &info, error);

		free(p);
		assert_int_equal(ret, cases[i].error[0] ? -EBADMSG : 0);
		assert_non_null(strstr(error, cases[i].error));
		if (ret)
			continue;
		assert_string_equal(info.name, cases[i].name);
		assert_string_equal(info.description, cases[i].description);
		assert_string_equal(info.text, cases[i].text);
		assert_non_null(strstr(bmp_termination_text(&info), cases[i].reason));
	}
}

/* A name of 64 KiB is cut. */
static void test_long_name(void **state)
{
	struct bytes *m = calloc(1, sizeof(*m));
	char error[BMP_ERROR_LEN];
	struct bmp_info info;

	(void)state;
	put16(put16(m, 2), 0xffff);
	memset(m->b + m->n, 'x', 0xffff);
	m->n += 0xffff;
	assert_int_equal(bmp_info_parse(m->b, m->n, false, &info, error), 0);
	assert_int_equal(strlen(info.name), BMP_TEXT_LEN - 1);
	free(m);
}

static void test_statistics(void **state)
{
	static const struct {
		const char *body;
		int ret;
	} cases[] = {
		{"00000000", 0},
		{"00000001 0000 0004 00000001", 0},
		{"00000002 0000 0004 00000001 0007 0008 0000000000000001", 0},
		{"00000001 0000 0000", 0},
		{"", -EBADMSG},
		{"000000", -EBADMSG},
		{"00000001", -EBADMSG},
		{"00000001 0000 0004 000000", -EBADMSG},
		{"00000001 0000 ffff 00000001", -EBADMSG},
		{"00000001 0000 0004 00000001 00", -EBADMSG},
		{"ffffffff 0000 0004 00000001", -EBADMSG},
		{"00000000 0000 0004 00000001", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes m = {.n = 0};
		char error[BMP_ERROR_LEN] = "";
		uint8_t *p = exact(put_hex(&m, cases[i].body));

		assert_int_equal(bmp_statistics_parse(p, m.n, error), cases[i].ret);
		free(p);
	}
}

static void test_update(void **state)
{
	static const struct {
		const char *bytes, *error;
	} cases[] = {
		{"ffffffffffffffffffffffffffffffff 0017 02 0000 0000", ""},
		{"ffffffffffffffffffffffffffffffff 0013 02", ""},
		{"", "cut short"},
		{"ffffffffffffffffffffffffffffffff 0013", "cut short"},
		{"ffffffffffffffffffffffffffffff00 0017 02 0000 0000", "marker"},
		{"ffffffffffffffffffffffffffffffff 0016 02 0000 0000", "22 bytes in a place of 23"},
		{"ffffffffffffffffffffffffffffffff 0018 02 0000 0000", "24 bytes in a place of 23"},
		{"ffffffffffffffffffffffffffffffff 0000 02 0000 0000", "0 bytes in a place of 23"},
		{"ffffffffffffffffffffffffffffffff ffff 02 0000 0000", "65535 bytes"},
		{"ffffffffffffffffffffffffffffffff 0013 04", "type 4 where 2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes m = {.n = 0};
		char error[BMP_ERROR_LEN] = "";
		const uint8_t *body = NULL;
		size_t len = 0;
		uint8_t *p = exact(put_hex(&m, cases[i].bytes));
		int ret = bmp_update_parse(p, m.n, &body, &len, error);

		assert_int_equal(ret, cases[i].error[0] ? -EBADMSG : 0);
		assert_non_null(strstr(error, cases[i].error));
		if (!ret) {
			assert_ptr_equal(body, p + BGP_HEADER_LEN);
			assert_int_equal(len, m.n - BGP_HEADER_LEN);
		}
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),	  cmocka_unit_test(test_peer_header),
		cmocka_unit_test(test_addpath),	  cmocka_unit_test(test_peer_up_wrong),
		cmocka_unit_test(test_peer_down), cmocka_unit_test(test_information),
		cmocka_unit_test(test_long_name), cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_update),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
