/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Probes: the state, interval by interval, against an oracle that knows all events of a random
 * story and judges each interval anew from them; and the packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/probe.h"
#include "core/probe_packet.h"

#define MS	1000000ULL
#define STORIES 2000
#define TICKS	200

static unsigned int seed;

static unsigned int under(unsigned int n)
{
	return (unsigned int)rand() % n;
}

/* What happened in an interval. */
enum happened { ANSWERED, UNANSWERED, NOTHING, BLOCKED };

/*
 * The state after all of it. The first answer brings up; from then on the last `misses` intervals
 * that tell something, since the last change and the last block, must all say
 * the contrary.
 */
static enum sw_probe_state oracle(const enum happened *v, size_t n, unsigned int misses)
{
	enum sw_probe_state state = SW_PROBE_NEVER;
	size_t from = 0;

	for (size_t now = 0; now < n; now++) {
		enum happened contrary = state == SW_PROBE_UP ? UNANSWERED : ANSWERED;
		unsigned int found = 0;
		bool all = true;

		if (v[now] != ANSWERED && v[now] != UNANSWERED)
			continue;
		if (state == SW_PROBE_NEVER) {
			if (v[now] == ANSWERED) {
				state = SW_PROBE_UP;
				from = now + 1;
			}
			continue;
		}
		for (size_t i = now + 1; i > from && found < misses && all; i--) {
			if (v[i - 1] == BLOCKED)
				break;
			if (v[i - 1] == NOTHING)
				continue;
			all = v[i - 1] == contrary;
			found++;
		}
		if (all && found == misses) {
			state = state == SW_PROBE_UP ? SW_PROBE_DOWN : SW_PROBE_UP;
			from = now + 1;
		}
	}
	return state;
}

static void story(struct sw_probe *row, const struct config_probe *cfg)
{
	static enum happened v[TICKS];
	struct probe_interval in = {0};
	unsigned int lossy = under(101), asleep = under(20), down = under(10);
	uint64_t now = 5000 * MS, answered = 0, sent = 0;
	size_t n = 0;

	memset(row, 0, sizeof(*row));
	probe_adopt(row, cfg);
	while (n < TICKS) {
		uint64_t length = cfg->interval_ns + under(50) * MS, lost = 0;
		bool goes = under(100) >= down, slept = under(100) < asleep;
		bool heard = under(100) >= lossy && under(8);
		enum sw_probe_state before = row->state;
		bool changed;

		if (slept)
			length = cfg->interval_ns * 2 + under(5000) * MS;
		if (goes)
			probe_sent(row, &in, now);
		else
			probe_blocked(row, SW_PROBE_BLOCK_NEIGHBOR);
		sent += goes;
		if (!goes)
			v[n++] = BLOCKED;
		if (n == TICKS)
			break;
		now += length;
		if (heard) /* also one that answers an earlier probe */
			probe_heard(row, &in, 3 * MS, now);
		answered += heard;
		v[n++] = heard					   ? ANSWERED
			 : !goes || length >= 2 * cfg->interval_ns ? NOTHING
								   : UNANSWERED;
		changed = probe_judge(row, &in, now);
		if (row->state != oracle(v, n, cfg->misses) || changed != (before != row->state))
			fail_msg("seed %u: after %zu of a story of %u misses it is %u", seed, n,
				 cfg->misses, row->state);
		for (size_t i = n, k = 0; i-- > 0 && k < SW_PROBE_HISTORY;) {
			k += v[i] == ANSWERED || v[i] == UNANSWERED;
			lost += v[i] == UNANSWERED;
		}
		assert_int_equal(probe_lost(row), lost);
	}
	assert_int_equal(row->sent, sent);
	assert_int_equal(row->answered, answered);
}

static void test_random(void **state)
{
	struct sw_probe row;

	(void)state;
	for (int i = 0; i < STORIES; i++) {
		const struct config_probe cfg = {.target = {.family = 4, .bytes = {10, 1, 2, 3}},
						 .interval_ns = (100 + under(1000)) * MS,
						 .misses = 1 + under(SW_PROBE_MISSES)};

		story(&row, &cfg);
	}
}

static void interval(struct sw_probe *row, bool heard, uint64_t *now)
{
	struct probe_interval in = {0};

	probe_sent(row, &in, *now);
	*now += 1000 * MS;
	if (heard)
		probe_heard(row, &in, MS, *now);
	probe_judge(row, &in, *now);
}

/* The next daemon goes on with the state, where it is the same target; else it knows nothing. */
static void test_adopt(void **state)
{
	struct config_probe cfg = {.target = {.family = 6, .bytes = {0xfd, 1}},
				   .port = 443,
				   .interval_ns = 1000 * MS,
				   .misses = 2},
			    none = {0};
	struct sw_probe row = {0};
	uint64_t now = MS;

	(void)state;
	probe_adopt(&row, &cfg);
	interval(&row, false, &now);
	interval(&row, false, &now);
	interval(&row, false, &now);
	assert_int_equal(row.state, SW_PROBE_NEVER); /* objects to nothing */
	assert_int_equal(probe_missed(&row), 3);
	interval(&row, true, &now);
	interval(&row, false, &now);
	interval(&row, false, &now);
	assert_int_equal(row.state, SW_PROBE_DOWN);
	cfg.misses = 3;
	probe_adopt(&row, &cfg);
	assert_int_equal(row.state, SW_PROBE_DOWN);
	assert_int_equal(row.sent, 6);
	assert_int_equal(probe_missed(&row), 2);
	assert_int_equal(row.misses, 3);
	cfg.port = 80;
	probe_adopt(&row, &cfg);
	assert_int_equal(row.state, SW_PROBE_NEVER);
	assert_int_equal(row.sent, 0);
	assert_int_equal(row.port, 80);
	probe_adopt(&row, &none);
	assert_int_equal(row.family, 0);
}

/* The sum of big-endian words that RFC 1071 wants to be all ones. */
static uint32_t words(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += b[i] * 256U + b[i + 1];
	while (sum > 0xffff)
		sum = sum % 65536 + sum / 65536;
	return sum;
}

/* Of the transport header, with the pseudo header that is in front of it. */
static uint32_t transport_words(const uint8_t *packet, size_t len, bool six, uint8_t proto)
{
	uint8_t b[200] = {0};
	size_t n = six ? 32 : 8, head = six ? 40 : 20;

	memcpy(b, packet + (six ? 8 : 12), n);
	b[n + 1] = proto;
	b[n + 3] = (uint8_t)(len - head);
	memcpy(b + n + 4, packet + head, len - head);
	return words(b, n + 4 + len - head);
}

static struct probe_packet random_probe(void)
{
	struct probe_packet p = {.ident = (uint16_t)under(65536), .cookie = (uint32_t)rand()};

	p.src.family = p.dst.family = under(2) ? 4 : 6;
	for (int i = 0; i < (p.src.family == 4 ? 4 : 16); i++) {
		p.src.bytes[i] = (uint8_t)under(256);
		p.dst.bytes[i] = (uint8_t)under(256);
	}
	if (under(2))
		p.port = (uint16_t)(1 + under(65535));
	else
		p.seq = (uint16_t)under(65536);
	return p;
}

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
	while (len--) {
		uint8_t byte = *a;

		*a++ = *b;
		*b++ = byte;
	}
}

/* What a host makes of it; flags: TCP's. Checksums are nobody's business here. */
static void answer_make(uint8_t *packet, bool six, bool tcp, uint8_t flags)
{
	uint8_t *t = packet + (six ? 40 : 20);
	uint32_t seq;

	if (six)
		swap(packet + 8, packet + 24, 16);
	else
		swap(packet + 12, packet + 16, 4);
	if (!tcp) {
		t[0] = six ? 129 : 0;
		return;
	}
	swap(t, t + 2, 2);
	memcpy(&seq, t + 4, 4);
	seq = htobe32(be32toh(seq) + 1);
	memcpy(t + 8, &seq, 4);
	t[13] = flags;
}

static void test_packets(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct probe_packet p = random_probe(), q;
		bool six = p.dst.family == 6, half_open;
		uint8_t proto = p.port ? 6 : six ? 58 : 1, *buf = malloc(PROBE_PACKET_LEN);
		size_t len = probe_packet_make(&p, buf);
		uint8_t flags = under(2) ? 0x12 : 0x14;

		assert_int_equal(len, (six ? 40 : 20) + (p.port ? 20 : 12));
		if (!six)
			assert_int_equal(words(buf, 20), 0xffff);
		assert_int_equal(proto == 1 ? words(buf + 20, len - 20)
					    : transport_words(buf, len, six, proto),
				 0xffff);
		assert_false(probe_packet_read(buf, len, &q, &half_open)); /* is none itself */
		answer_make(buf, six, p.port, flags);
		assert_true(probe_packet_read(buf, len, &q, &half_open));
		assert_true(ip_equal(&p.src, &q.src) && ip_equal(&p.dst, &q.dst));
		assert_true(p.port == q.port && p.ident == q.ident && p.seq == q.seq);
		assert_int_equal(p.cookie, q.cookie);
		assert_int_equal(half_open, p.port && flags == 0x12);
		for (size_t cut = 0; cut < len; cut++) { /* at the end of its memory */
			uint8_t *part = malloc(cut + 1);

			memcpy(part + 1, buf, cut);
			assert_false(probe_packet_read(part + 1, cut, &q, &half_open));
			free(part);
		}
		if (!six) {
			buf[6] = 0x20; /* a fragment */
			assert_false(probe_packet_read(buf, len, &q, &half_open));
		}
		if (p.port) {
			len = probe_packet_reset(&p, buf);
			assert_int_equal(transport_words(buf, len, six, 6), 0xffff);
		}
		free(buf);
	}
}

/* IPv4 options before the answer; and any bytes at all. */
static void test_odd_packets(void **state)
{
	struct probe_packet p = random_probe(), q;
	uint8_t buf[PROBE_PACKET_LEN], longer[PROBE_PACKET_LEN + 8] = {0};
	bool half_open;
	size_t len;

	(void)state;
	p.port = 0;
	p.src.family = p.dst.family = 4;
	len = probe_packet_make(&p, buf);
	answer_make(buf, false, false, 0);
	memcpy(longer, buf, 20);
	longer[0] = 0x47;
	memcpy(longer + 28, buf + 20, len - 20);
	assert_true(probe_packet_read(longer, len + 8, &q, &half_open));
	assert_int_equal(q.cookie, p.cookie);
	for (int i = 0; i < 100000; i++) {
		size_t n = under(80);
		uint8_t *any = malloc(n + 1);

		for (size_t k = 0; k < n; k++)
			any[k] = (uint8_t)under(256);
		if (n && under(4))
			any[0] = under(2) ? 0x45 + (uint8_t)under(11) : 0x60;
		probe_packet_read(any, n, &q, &half_open);
		free(any);
	}
}

static void test_target(void **state)
{
	struct ip_addr four = {.family = 4, .bytes = {10, 0, 0, 1}};
	struct ip_addr six = {.family = 6, .bytes = {0xfd}};
	char buf[PROBE_TARGET_LEN];

	(void)state;
	assert_string_equal(probe_target_format(&four, 0, buf), "10.0.0.1");
	assert_string_equal(probe_target_format(&four, 443, buf), "10.0.0.1:443");
	assert_string_equal(probe_target_format(&six, 0, buf), "fd00::");
	assert_string_equal(probe_target_format(&six, 7, buf), "[fd00::]:7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_packets), cmocka_unit_test(test_odd_packets),
		cmocka_unit_test(test_target),
	};
	const char *given = getenv("SEED");

	seed = given ? (unsigned int)strtoul(given, NULL, 10) : (unsigned int)time(NULL);
	printf("test_probe: seed %u (SEED=%u runs the same again)\n", seed, seed);
	srand(seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
