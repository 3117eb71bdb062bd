/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A BGP speaker that has a table to send, as a router has it: neighbouring prefixes share their
 * attributes, 6 of them in the middle, and those come in no order. All messages are made before the
 * session begins, so that sending costs no more than the socket.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER	  19
#define SET_LEAST 3 /* prefixes of one set of attributes: 3 to 9 */
#define SET_MORE  7
#define AS_MORE	  5 /* of an AS path: 2 to 6 */
#define AS_OURS	  65000
#define HOLD_S	  180
#define ALIVE_S	  20

struct speaker {
	int fd;
	double alive; /* when it last sent a KEEPALIVE */
	unsigned int peer;
	uint8_t *data;
	size_t len, sent;
};

static uint8_t *put16(uint8_t *p, uint32_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v);
}

static uint8_t *message_begin(uint8_t *p, uint8_t type)
{
	memset(p, 0xff, 16);
	p[18] = type;
	return p + HEADER;
}

static void message_end(uint8_t *begin, const uint8_t *end)
{
	put16(begin + 16, (uint32_t)(end - begin));
}

static uint8_t *put_prefixes(uint8_t *p, const struct prefix *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t bytes = (v[i].len + 7u) / 8;

		*p++ = v[i].len;
		memcpy(p, v[i].bytes, bytes);
		p += bytes;
	}
	return p;
}

/* IPv6's prefixes are an attribute of their own (RFC 4760). */
static uint8_t *put_reach6(uint8_t *p, unsigned int peer, const struct prefix *v, size_t n)
{
	uint8_t *begin = p;

	memcpy(p, (uint8_t[]){0x90, 14, 0, 0, 0, 2, 1, 16, 0xfd, 0x99, 0, 1, 0, 0}, 14);
	p[11] = (uint8_t)(1 + peer);
	memset(p + 12, 0, 12);
	p[23] = 2;
	p[24] = 0;
	p = put_prefixes(p + 25, v, n);
	put16(begin + 2, (uint32_t)(p - begin - 4));
	return p;
}

static uint8_t *put_update(uint8_t *p, unsigned int peer, const struct prefix *v, size_t n)
{
	unsigned int n_as = 2 + (unsigned int)(random_next() % AS_MORE);
	uint8_t *begin = p, *attributes;

	p = attributes = put16(message_begin(p, 2), 0);
	p += 2;
	memcpy(p, (uint8_t[]){0x40, 1, 1, 0, 0x40, 2}, 6);
	p += 6;
	*p++ = (uint8_t)(2 + 4 * n_as);
	*p++ = 2;
	*p++ = (uint8_t)n_as;
	p = put32(p, peer ? 65515 : 12076);
	for (unsigned int i = 1; i < n_as; i++)
		p = put32(p, 1000 + (uint32_t)(random_next() % 70000));
	if (v->family == 4) {
		memcpy(p, (uint8_t[]){0x40, 3, 4, 10, 254, 0, 2}, 7);
		p[5] = (uint8_t)(1 + peer);
		p += 7;
	}
	memcpy(p, (uint8_t[]){0x40, 5, 4, 0, 0, 0, 100, 0xc0, 8, 8}, 10);
	p = put32(put32(p + 10, (uint32_t)random_next()), (uint32_t)random_next());
	if (v->family == 6)
		p = put_reach6(p, peer, v, n);
	put16(attributes, (uint32_t)(p - attributes - 2));
	if (v->family == 4)
		p = put_prefixes(p, v, n);
	message_end(begin, p);
	return p;
}

static uint8_t *put_end_of_rib(uint8_t *p)
{
	uint8_t *begin = p;

	p = message_begin(p, 2);
	p = put32(p, 0);
	message_end(begin, p);
	begin = p;
	p = put32(message_begin(p, 2), 6);
	memcpy(p, (uint8_t[]){0x80, 15, 3, 0, 2, 1}, 6);
	message_end(begin, p + 6);
	return p + 6;
}

/* Where each set of attributes begins, in the order that they are sent; *n: how many. */
static uint32_t *sets_make(const struct prefix *p, size_t n, size_t *n_sets)
{
	uint32_t *set = calloc(n, sizeof(*set));

	if (!set)
		fail("out of memory for %zu prefixes", n);
	*n_sets = 0;
	for (size_t i = 0; i < n;) {
		size_t end = i + SET_LEAST + random_next() % SET_MORE;
		size_t from = i;

		set[(*n_sets)++] = (uint32_t)i;
		while (i < end && i < n && p[i].family == p[from].family)
			i++;
	}
	for (size_t i = *n_sets; i > 1; i--) {
		size_t other = random_next() % i;
		uint32_t one = set[i - 1];

		set[i - 1] = set[other];
		set[other] = one;
	}
	return set;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

struct speaker *speaker_new(const struct prefix *p, size_t n, unsigned int peer)
{
	struct speaker *s = calloc(1, sizeof(*s));
	size_t n_sets;
	uint32_t *set = sets_make(p, n, &n_sets), *sorted = calloc(n_sets + 1, sizeof(*sorted));
	uint8_t *at;

	if (!s || !sorted)
		fail("out of memory for %zu prefixes", n);
	s->fd = -1;
	s->peer = peer;
	memcpy(sorted, set, n_sets * sizeof(*set));
	qsort(sorted, n_sets, sizeof(*sorted), by_number);
	sorted[n_sets] = (uint32_t)n;
	at = s->data = malloc(n_sets * 128 + n * 17 + 128);
	if (!at)
		fail("out of memory for %zu prefixes", n);
	for (size_t i = 0; i < n_sets; i++) {
		const uint32_t *here = bsearch(&set[i], sorted, n_sets, sizeof(*set), by_number);

		at = put_update(at, peer, &p[set[i]], here[1] - here[0]);
	}
	at = put_end_of_rib(at);
	s->len = (size_t)(at - s->data);
	free(set);
	free(sorted);
	return s;
}

void speaker_close(struct speaker *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void speaker_free(struct speaker *s)
{
	speaker_close(s);
	free(s->data);
	free(s);
}

static void send_all(const struct speaker *s, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = send(s->fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			struct pollfd writable = {.fd = s->fd, .events = POLLOUT};

			poll(&writable, 1, 1000);
			continue;
		}
		if (n <= 0)
			fail("the BGP session was closed: %s", strerror(errno));
		data += n;
		len -= (size_t)n;
	}
}

/* MP for both families, four-octet AS numbers, graceful restart: FRR's end of RIB asks for it. */
static void open_send(const struct speaker *s)
{
	static const uint8_t rest[] = {2, 22, 1,  4, 0, 1, 0,	 1,    1,  4, 0, 2,
				       0, 1,  65, 4, 0, 0, 0xfd, 0xe8, 64, 2, 0, 0};
	uint8_t m[64], *p = message_begin(m, 1);

	*p++ = 4;
	p = put16(p, AS_OURS);
	p = put16(p, HOLD_S);
	p = put32(p, 0x0a000002 + s->peer);
	*p++ = sizeof(rest);
	memcpy(p, rest, sizeof(rest));
	message_end(m, p + sizeof(rest));
	send_all(s, m, (size_t)(p + sizeof(rest) - m));
}

static void keepalive_send(const struct speaker *s)
{
	uint8_t m[HEADER];

	message_end(m, message_begin(m, 4));
	send_all(s, m, sizeof(m));
}

/* One message, of which only the type counts; 0: the other side has closed. */
static uint8_t message_read(const struct speaker *s)
{
	uint8_t m[4096];
	size_t have = 0, want = HEADER;

	while (have < want) {
		ssize_t n = read(s->fd, m + have, want - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		have += (size_t)n;
		if (have >= HEADER)
			want = (size_t)(m[16] << 8 | m[17]);
		if (want < HEADER || want > sizeof(m))
			fail("no BGP session: a message of %zu bytes", want);
	}
	if (m[18] == 3)
		fail("no BGP session: NOTIFICATION %u/%u", m[19], m[20]);
	return m[18];
}

static bool connect_try(struct speaker *s, uint16_t port)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = from;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + s->peer);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(port);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&from, sizeof(from)))
		fail("no socket: %s", strerror(errno));
	if (!connect(s->fd, (struct sockaddr *)&to, sizeof(to)))
		return true;
	close(s->fd);
	s->fd = -1;
	return false;
}

static bool session_try(struct speaker *s, uint16_t port)
{
	if (!connect_try(s, port))
		return false;
	open_send(s);
	if (message_read(s) == 1) {
		keepalive_send(s);
		if (message_read(s) == 4)
			return true;
	}
	speaker_close(s);
	return false;
}

/* Who has just begun may listen before it knows its peers. */
void speaker_connect(struct speaker *s, uint16_t port)
{
	double give_up = now_s() + 20;

	s->sent = 0;
	while (!session_try(s, port)) {
		if (now_s() > give_up)
			fail("nobody takes BGP sessions at port %u", port);
		usleep(10000);
	}
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
}

void speaker_change(struct speaker *s, const struct prefix *p, size_t n, bool withdraw)
{
	uint8_t m[4096], *end = m;

	if (!withdraw) {
		end = put_update(m, s->peer, p, n);
	} else if (p->family == 4) {
		end = put_prefixes(message_begin(m, 2) + 2, p, n);
		put16(m + HEADER, (uint32_t)(end - m - HEADER - 2));
		end = put16(end, 0);
	} else {
		uint8_t *at = put16(message_begin(m, 2), 0);

		memcpy(at, (uint8_t[]){0, 0, 0x90, 15, 0, 0, 0, 2, 1}, 9);
		end = put_prefixes(at + 9, p, n);
		put16(at, (uint32_t)(end - at - 2));
		put16(at + 4, (uint32_t)(end - at - 6));
	}
	message_end(m, end);
	send_all(s, m, (size_t)(end - m));
}

/* As much as the sockets take now; what comes is not looked at. False: all is sent. */
bool speakers_send(struct speaker *const *v, int n, int wait_ms)
{
	struct pollfd polled[8];
	uint8_t ignored[65536];
	bool more = false;

	for (int i = 0; i < n; i++)
		polled[i] = (struct pollfd){
			.fd = v[i]->fd, .events = POLLIN | (v[i]->sent < v[i]->len ? POLLOUT : 0)};
	poll(polled, (nfds_t)n, wait_ms);
	for (int i = 0; i < n; i++) {
		struct speaker *s = v[i];

		if (polled[i].revents & POLLIN && !read(s->fd, ignored, sizeof(ignored)))
			fail("the BGP session was closed");
		if (s->sent == s->len && now_s() - s->alive > ALIVE_S) {
			keepalive_send(s);
			s->alive = now_s();
		}
		if (polled[i].revents & POLLOUT) {
			ssize_t sent = send(s->fd, s->data + s->sent, s->len - s->sent,
					    MSG_NOSIGNAL | MSG_DONTWAIT);

			s->sent += sent > 0 ? (size_t)sent : 0;
		}
		more |= s->sent < s->len;
	}
	return more;
}
