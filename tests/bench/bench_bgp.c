/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the UPDATE parser costs a prefix: generated streams of MESSAGES messages, as a routing
 * daemon sends a table, header and body parsed as a session does, with ops that only count. The
 * rows are interleaved; the best of the rounds stands for each, as other load only adds.
 */
#include "feed/bgp_message.h"
#include "feed/bgp_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS	 15
#define MESSAGES 20000

struct row {
	const char *what;
	uint8_t family;
	bool addpath;
	unsigned int prefixes; /* a message */
	unsigned int path;     /* ASes */
	double ns[ROUNDS];     /* a prefix */
	uint8_t *stream;
	size_t len;
};

static struct row rows[] = {
	{.what = "IPv4, 1 prefix", .family = 4, .prefixes = 1, .path = 4},
	{.what = "IPv4, ADD-PATH, 1", .family = 4, .addpath = true, .prefixes = 1, .path = 4},
	{.what = "IPv4, ADD-PATH, 4", .family = 4, .addpath = true, .prefixes = 4, .path = 4},
	{.what = "IPv4, ADD-PATH, 100", .family = 4, .addpath = true, .prefixes = 100, .path = 4},
	{.what = "IPv4, ADD-PATH, 400", .family = 4, .addpath = true, .prefixes = 400, .path = 4},
	{.what = "IPv6, ADD-PATH, 1", .family = 6, .addpath = true, .prefixes = 1, .path = 4},
	{.what = "IPv6, ADD-PATH, 100", .family = 6, .addpath = true, .prefixes = 100, .path = 4},
	{.what = "IPv4, 1, path of 200", .family = 4, .prefixes = 1, .path = 200},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static uint64_t seed = 1;

static uint32_t draw(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 32);
}

static uint8_t *put_bytes(uint8_t *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

static uint8_t *put_nlri(uint8_t *p, const struct row *r)
{
	for (unsigned int i = 0; i < r->prefixes; i++) {
		uint8_t len = (uint8_t)(r->family == 4 ? 16 + draw() % 9 : 32 + draw() % 17);

		if (r->addpath)
			p = bgp_put32(p, 1 + draw() % 4);
		*p++ = len;
		for (unsigned int b = 0; b < len; b += 8)
			*p++ = (uint8_t)(draw() & (len - b < 8 ? 0xff00 >> (len - b) : 0xff));
	}
	return p;
}

static uint8_t *put_attributes(uint8_t *p, const struct row *r)
{
	static const uint8_t next_hop[] = {0x40, 3, 4, 192, 168, 30, 18};
	uint8_t *mp;

	p = put_bytes(p, "\x40\x01\x01\x00\x50\x02", 6);
	p = bgp_put16(p, (uint16_t)(2 + 4 * r->path));
	*p++ = 2;
	*p++ = (uint8_t)r->path;
	for (unsigned int i = 0; i < r->path; i++)
		p = bgp_put32(p, 1 + draw() % 400000);
	if (r->family == 4)
		p = put_bytes(p, next_hop, sizeof(next_hop));
	p = put_bytes(p, "\x40\x05\x04\x00\x00\x00\xc8", 7);
	p = put_bytes(p, "\xc0\x08\x08\xfd\xed\x00\x01\xfd\xed\x00\x02", 11);
	if (r->family == 4)
		return p;
	p = put_bytes(p, "\x90\x0e", 2);
	mp = p;
	p = put_bytes(p + 2, "\x00\x02\x01\x10\xfd\x00\x01\x92\x01\x68\x00\x30", 12);
	p = put_bytes(p, "\0\0\0\0\0\0\0\x02\0", 9);
	p = put_nlri(p, r);
	bgp_put16(mp, (uint16_t)(p - mp - 2));
	return p;
}

static void build(struct row *r)
{
	uint8_t *p = malloc((size_t)MESSAGES * BGP_MAX_LEN);

	if (!p)
		exit(1);
	r->stream = p;
	for (int i = 0; i < MESSAGES; i++) {
		uint8_t *start = p, *attributes = p + BGP_HEADER_LEN + 4;

		memset(p, 0xff, 16);
		p[18] = BGP_UPDATE;
		bgp_put16(p + BGP_HEADER_LEN, 0);
		p = put_attributes(attributes, r);
		bgp_put16(attributes - 2, (uint16_t)(p - attributes));
		if (r->family == 4)
			p = put_nlri(p, r);
		bgp_put16(start + 16, (uint16_t)(p - start));
	}
	r->len = (size_t)(p - r->stream);
}

static void on_announce(void *arg, const struct prefix *p, uint32_t id,
			const struct bgp_attributes *attr)
{
	*(size_t *)arg += 1 + (p->len + id + attr->local_pref == 0);
}

static void on_withdraw(void *arg, const struct prefix *p, uint32_t id)
{
	(void)arg;
	(void)p;
	(void)id;
}

static void on_end_of_rib(void *arg, uint8_t family)
{
	(void)arg;
	(void)family;
}

static void on_masked(void *arg, const struct prefix *p)
{
	(void)arg;
	(void)p;
}

static void on_ignored(void *arg, uint16_t afi, uint8_t safi)
{
	(void)arg;
	(void)afi;
	(void)safi;
}

static double measure(const struct row *r)
{
	const struct bgp_session s = {
		.as4 = true, .addpath4 = r->addpath, .addpath6 = r->addpath, .ibgp = true};
	size_t told = 0, at = 0, len;
	const struct bgp_update_ops ops = {.arg = &told,
					   .announce = on_announce,
					   .withdraw = on_withdraw,
					   .end_of_rib = on_end_of_rib,
					   .masked = on_masked,
					   .ignored = on_ignored};
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (; at < r->len; at += len) {
		struct bgp_error err;
		enum bgp_type type;
		bool treated;

		if (bgp_header_parse(r->stream + at, &len, &type, &err) ||
		    bgp_update_parse(&s, r->stream + at + BGP_HEADER_LEN, len - BGP_HEADER_LEN,
				     &ops, &treated, &err) ||
		    treated) {
			fprintf(stderr, "%s: %s\n", r->what, err.text);
			exit(1);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (told != (size_t)MESSAGES * r->prefixes)
		exit(1);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       (double)told;
}

int main(void)
{
	for (size_t i = 0; i < N_ROWS; i++)
		build(&rows[i]);
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < N_ROWS; i++)
			rows[i].ns[round] = measure(&rows[i]);
	printf("| an UPDATE of | ASes | ns a prefix | ns a message |\n| --- | ---: | ---: | ---: "
	       "|\n");
	for (size_t i = 0; i < N_ROWS; i++) {
		double best = rows[i].ns[0];

		for (int round = 1; round < ROUNDS; round++)
			best = rows[i].ns[round] < best ? rows[i].ns[round] : best;
		printf("| %s | %u | %.1f | %.0f |\n", rows[i].what, rows[i].path, best,
		       best * rows[i].prefixes);
		free(rows[i].stream);
	}
	return 0;
}
