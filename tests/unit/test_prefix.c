/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prefixes against an oracle that works bit by bit, and the texts that people and daemons write.
 * SEED=n repeats a run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/prefix.h"

#define ROUNDS 20000

static unsigned int seed_state;

static unsigned int seed_init(void)
{
	const char *text = getenv("SEED");

	seed_state = text ? (unsigned int)strtoul(text, NULL, 0) : 20260103;
	return seed_state;
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand_r(&seed_state) % n;
}

static int bit(const uint8_t *bytes, unsigned int i)
{
	return bytes[i / 8] >> (7 - i % 8) & 1;
}

static bool oracle_same(const uint8_t *a, const uint8_t *b, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++) {
		if (bit(a, i) != bit(b, i))
			return false;
	}
	return true;
}

/* A random prefix of few distinct bits, so that containment happens. */
static struct prefix random_prefix(void)
{
	struct prefix p = {.family = below(2) ? 4 : 6};
	unsigned int bytes = prefix_max_len(p.family) / 8;

	p.len = (uint8_t)below(prefix_max_len(p.family) + 1);
	for (unsigned int i = 0; i < bytes; i++)
		p.bytes[i] = below(3) ? 0 : (uint8_t)(1u << below(8));
	prefix_mask(&p);
	return p;
}

static void test_ip_text(void **state)
{
	static const char *const bad[] = {
		"",	     "1.2.3",	 "1.2.3.4.5", "01.2.3.4", "256.1.1.1",
		"fe80::1%e", "1.2.3.4 ", ":::",	      "12345::1", "10.0.0.0/8"};
	char buf[IP_STRLEN];
	struct ip_addr ip = {.family = 9};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ip_parse(bad[i], &ip), -EINVAL);
		assert_int_equal(ip.family, 9);
	}
	assert_int_equal(ip_parse("192.168.30.18", &ip), 0);
	assert_int_equal(ip.family, 4);
	assert_int_equal(ip.bytes[3], 18);
	assert_string_equal(ip_format(&ip, buf), "192.168.30.18");
	assert_int_equal(ip_parse("2001:DB8:0:0::1", &ip), 0);
	assert_string_equal(ip_format(&ip, buf), "2001:db8::1");
	ip = (struct ip_addr){0};
	assert_string_equal(ip_format(&ip, buf), "");
}

static void test_link_local(void **state)
{
	static const struct {
		const char *text;
		bool yes;
	} cases[] = {{"169.254.0.1", true}, {"169.253.255.255", false}, {"fe80::1", true},
		     {"febf::1", true},	    {"fec0::1", false},		{"fe00::", false}};
	struct ip_addr none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip_addr ip;

		assert_int_equal(ip_parse(cases[i].text, &ip), 0);
		assert_int_equal(ip_is_link_local(&ip), cases[i].yes);
	}
	assert_false(ip_is_link_local(&none));
}

static void test_prefix_text(void **state)
{
	static const char *const bad[] = {"10.0.0.0/33", "10.0.0.0/",	"10.0.0.0/-1",
					  "10.0.0.0/08", "::/129",	"10.0.0.0/8x",
					  "/8",		 "10.0.0.0/ 8", "10.0.0.0/8/8"};
	struct prefix p = {.family = 9};
	char buf[PREFIX_STRLEN];
	bool masked = false;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(prefix_parse(bad[i], &p, &masked), -EINVAL);
		assert_int_equal(p.family, 9);
	}
	assert_int_equal(prefix_parse("10.2.30.77/25", &p, &masked), 0);
	assert_true(masked);
	assert_string_equal(prefix_format(&p, buf), "10.2.30.0/25");
	assert_int_equal(prefix_parse("10.2.30.0/25", &p, &masked), 0);
	assert_false(masked);
	assert_int_equal(prefix_parse("10.10.30.254", &p, NULL), 0);
	assert_string_equal(prefix_format(&p, buf), "10.10.30.254/32");
	assert_int_equal(prefix_parse("0.0.0.0/0", &p, NULL), 0);
	assert_string_equal(prefix_format(&p, buf), "0.0.0.0/0");
	assert_int_equal(prefix_parse("fd00:30::/127", &p, NULL), 0);
	assert_string_equal(prefix_format(&p, buf), "fd00:30::/127");
	assert_int_equal(prefix_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", &p, NULL), 0);
	assert_string_equal(prefix_format(&p, buf), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static void test_prefix_random(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct prefix a = random_prefix(), b = random_prefix(), back, m;
		struct ip_addr ip = prefix_address(&b);
		struct prefix host = prefix_host(&ip);
		bool contains = a.family == b.family && a.len <= b.len &&
				oracle_same(a.bytes, b.bytes, a.len);
		char buf[PREFIX_STRLEN];

		assert_int_equal(prefix_contains(&a, &b), contains);
		assert_int_equal(prefix_has(&a, &ip),
				 a.family == b.family && oracle_same(a.bytes, b.bytes, a.len));
		assert_int_equal(prefix_has(&a, &ip), prefix_contains(&a, &host));
		assert_int_equal(prefix_cmp(&a, &b), -prefix_cmp(&b, &a));
		assert_int_equal(prefix_equal(&a, &b), contains && a.len == b.len);
		if (contains)
			assert_true(prefix_cmp(&a, &b) <= 0);
		assert_int_equal(prefix_parse(prefix_format(&a, buf), &back, NULL), 0);
		assert_true(prefix_equal(&a, &back));
		m = host;
		m.len = (uint8_t)below(prefix_max_len(host.family) + 1);
		bool had = false;
		for (unsigned int k = m.len; k < prefix_max_len(m.family); k++)
			had |= bit(m.bytes, k);
		assert_int_equal(prefix_mask(&m), had);
		assert_true(oracle_same(m.bytes, host.bytes, m.len));
		assert_false(prefix_mask(&m));
	}
}

static int cmp(const void *a, const void *b)
{
	return prefix_cmp(a, b);
}

/* Sorted, every prefix stands right before all that it covers: the compiler walks it so. */
static void test_prefix_order(void **state)
{
	struct prefix v[300];
	size_t n = sizeof(v) / sizeof(v[0]);

	(void)state;
	for (size_t i = 0; i < n; i++)
		v[i] = random_prefix();
	qsort(v, n, sizeof(v[0]), cmp);
	for (size_t i = 0; i < n; i++) {
		bool left = false;

		for (size_t k = i + 1; k < n; k++) {
			bool inside = prefix_contains(&v[i], &v[k]);

			assert_false(left && inside);
			left |= !inside;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip_text),	     cmocka_unit_test(test_link_local),
		cmocka_unit_test(test_prefix_text),  cmocka_unit_test(test_prefix_random),
		cmocka_unit_test(test_prefix_order),
	};

	printf("SEED=%u\n", seed_init());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
