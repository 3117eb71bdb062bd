/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of links share: a network namespace a test and, where it needs one, a peer's, held
 * by a child process; devices are changed by ip(8). The listener keeps a model of what it was told,
 * and checks that the order makes sense; at any time the model must be what a second, fresh start
 * would be told. Waiting is polling with a deadline.
 */
#ifndef SAMEWAY_TESTS_LINKS_FIXTURE_H
#define SAMEWAY_TESTS_LINKS_FIXTURE_H

#include "kernel/links.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define MAX_TOLD    8192
#define DEADLINE_MS 5000

/* What one listener was told, as text lines: one a thing that is there now. */
struct model {
	char line[MAX_TOLD][128];
	size_t n;
	unsigned int link_calls, gone_calls, address_calls, neighbor_calls, resyncs;
	char last_gone[IFNAMSIZ];
	uint64_t link_up_us, resolved4_us, resolved6_us; /* when last told, of interface 10 */
};

static struct event_base *base;
static struct links *links;
static struct model seen, fresh;
static pid_t peer;

static inline uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline bool model_has(const struct model *m, const char *line)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->line[i], line))
			return true;
	return false;
}

static inline bool model_has_prefix(const struct model *m, const char *start)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strncmp(m->line[i], start, strlen(start)))
			return true;
	return false;
}

/* Removes the line that starts so; true: there was one. */
static inline bool model_remove(struct model *m, const char *start)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strncmp(m->line[i], start, strlen(start)))
			continue;
		m->n--;
		if (i != m->n)
			memcpy(m->line[i], m->line[m->n], sizeof(m->line[i]));
		return true;
	}
	return false;
}

static inline void model_add(struct model *m, const char *start, const char *rest)
{
	assert_true(m->n < MAX_TOLD);
	snprintf(m->line[m->n++], sizeof(m->line[0]), "%.80s%.40s", start, rest);
}

static inline void on_link(void *arg, const struct link_info *l)
{
	struct model *m = arg;
	char start[96], rest[40];

	m->link_calls++;
	if (l->ifindex == 10 && l->up)
		m->link_up_us = now_us();
	snprintf(start, sizeof(start), "link %u ", l->ifindex);
	model_remove(m, start);
	snprintf(start, sizeof(start), "link %u %s", l->ifindex, l->name);
	snprintf(rest, sizeof(rest), " %s %s mtu %u %02x", l->up ? "up" : "down",
		 l->l3 ? "l3" : "ether", l->mtu, l->mac[5]);
	model_add(m, start, rest);
}

static inline void on_link_gone(void *arg, uint32_t ifindex, const char *name)
{
	struct model *m = arg;
	char start[96];

	m->gone_calls++;
	snprintf(m->last_gone, sizeof(m->last_gone), "%s", name);
	snprintf(start, sizeof(start), "link %u %s ", ifindex, name);
	assert_true(model_remove(m, start)); /* it was told, by this name */
	snprintf(start, sizeof(start), "address %u ", ifindex);
	assert_false(model_has_prefix(m, start));
	snprintf(start, sizeof(start), "neighbor %u ", ifindex);
	assert_false(model_has_prefix(m, start));
}

static inline void on_address(void *arg, uint32_t ifindex, const struct ip_addr *addr, uint8_t len,
			      const struct ip_addr *broadcast, bool added)
{
	char start[96], rest[64], ip[IP_STRLEN];
	struct model *m = arg;

	m->address_calls++;
	snprintf(start, sizeof(start), "link %u ", ifindex);
	assert_true(model_has_prefix(m, start));
	snprintf(start, sizeof(start), "address %u %s/%u", ifindex, ip_format(addr, ip), len);
	snprintf(rest, sizeof(rest), " brd %s", broadcast->family ? ip_format(broadcast, ip) : "-");
	if (added) {
		assert_false(model_has_prefix(m, start));
		model_add(m, start, rest);
	} else {
		assert_true(model_remove(m, start));
	}
}

static inline void on_neighbor(void *arg, uint32_t ifindex, const struct ip_addr *addr, bool valid,
			       const uint8_t mac[6])
{
	char start[96], rest[32], ip[IP_STRLEN];
	struct model *m = arg;

	m->neighbor_calls++;
	if (ifindex == 10 && valid)
		*(addr->family == 4 ? &m->resolved4_us : &m->resolved6_us) = now_us();
	snprintf(start, sizeof(start), "link %u ", ifindex);
	assert_true(model_has_prefix(m, start));
	snprintf(start, sizeof(start), "neighbor %u %s ", ifindex, ip_format(addr, ip));
	snprintf(rest, sizeof(rest), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	model_remove(m, start);
	if (valid)
		model_add(m, start, rest);
	else
		assert_string_equal(rest, "00:00:00:00:00:00");
}

static inline void on_resynced(void *arg)
{
	((struct model *)arg)->resyncs++;
}

static inline struct links_ops ops_for(struct model *m)
{
	memset(m, 0, sizeof(*m));
	return (struct links_ops){m, on_link, on_link_gone, on_address, on_neighbor, on_resynced};
}

static inline void start(void)
{
	struct links_ops ops = ops_for(&seen);

	assert_int_equal(links_start(&links, base, &ops), 0);
}

static inline int compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What was told is what a fresh start is told. */
static inline bool model_is_true(void)
{
	struct links_ops ops = ops_for(&fresh);
	struct links *other;

	assert_int_equal(links_start(&other, base, &ops), 0);
	links_stop(other);
	if (fresh.n != seen.n)
		return false;
	qsort(fresh.line, fresh.n, sizeof(fresh.line[0]), compare_lines);
	qsort(seen.line, seen.n, sizeof(seen.line[0]), compare_lines);
	for (size_t i = 0; i < fresh.n; i++)
		if (strcmp(fresh.line[i], seen.line[i]))
			return false;
	return true;
}

static inline void beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Runs the loop until the condition holds; the test fails where it does not within ms. */
#define await_within(condition, ms)                                                                \
	do {                                                                                       \
		uint64_t until = now_us() + (uint64_t)(ms)*1000;                                   \
		while (!(condition) && now_us() < until)                                           \
			event_base_loop(base, EVLOOP_ONCE);                                        \
		assert_true(condition);                                                            \
	} while (0)
#define await(condition) await_within(condition, DEADLINE_MS)

__attribute__((format(printf, 1, 2))) static inline void sh(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

/* All that has happened so far is told once this is: the queue keeps the order. */
static inline void barrier(void)
{
	static unsigned int number;
	char start[64];

	number = number % 250 + 1;
	snprintf(start, sizeof(start), "address 1 127.99.0.%u/32", number);
	sh("ip addr add 127.99.0.%u/32 dev lo", number);
	await(model_has_prefix(&seen, start));
	sh("ip addr del 127.99.0.%u/32 dev lo", number);
	await(!model_has_prefix(&seen, start));
}

static struct event *heartbeat;

static inline int set_up(void **state)
{
	struct timeval period = {.tv_usec = 1000};

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		print_error("unshare: %s: run as root\n", strerror(errno));
		return -1;
	}
	base = event_base_new();
	heartbeat = event_new(base, -1, EV_PERSIST, beat, NULL);
	event_add(heartbeat, &period);
	sh("ip link set lo up");
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	links_stop(links);
	links = NULL;
	event_free(heartbeat);
	event_base_free(base);
	if (peer > 0) {
		kill(peer, SIGKILL);
		waitpid(peer, NULL, 0);
		peer = 0;
	}
	return 0;
}

/* A process in a network namespace of its own; `nsenter -t PID -n` enters it. */
static inline void peer_start(void)
{
	int ready[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	peer = fork();
	assert_true(peer >= 0);
	if (!peer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
}

/* va (10, here) and vb (11, at the peer), up, with addresses of both families; no DAD. */
static inline void pair_with_peer(void)
{
	peer_start();
	sh("ip link add va index 10 address 02:00:00:00:00:0a type veth "
	   "peer name vb index 11 address 02:00:00:00:00:0b");
	sh("ip link set vb netns %d", peer);
	sh("ip addr add 192.0.2.1/24 brd + dev va; ip -6 addr add fd00::1/64 dev va nodad;"
	   "ip link set va up");
	sh("nsenter -t %d -n sh -c 'ip addr add 192.0.2.2/24 dev vb;"
	   "ip -6 addr add fd00::2/64 dev vb nodad; ip link set vb up'",
	   peer);
}

static inline struct ip_addr ip(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_parse(text, &addr), 0);
	return addr;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
