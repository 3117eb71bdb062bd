/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * failover: from the store that takes a path away to the first packet at the far end of the other
 * one, while packets pass on another CPU, one at a time, each to another destination. And the same
 * for one prefix that gets another answer. Both clocks are CLOCK_MONOTONIC.
 */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ER_PATH	   1ULL
#define BOTH_PATHS 3ULL
#define PACKETS	   256 /* of one call: how soon the sender sees that it is to stop */
#define SETTLE_US  300 /* packets are on the path again */
#define FRESH_NS   3000
#define DEADLINE_S 10

static atomic_bool stop;

static void *send_on(void *arg)
{
	(void)arg;
	pin(0);
	world_enter(NS_GENERATOR);
	while (!stop)
		traffic_send(PACKETS, 1);
	return NULL;
}

/* Microseconds from `from` to the first packet at the sink since the arming; below 0: in flight. */
static double arrival_us(int sink, uint64_t from)
{
	double give_up = now_s() + DEADLINE_S;
	uint64_t at;

	while (!(at = arrival_first(sink)))
		if (now_s() > give_up)
			fail("no packet on the other path after %d s", DEADLINE_S);
	return ((double)at - (double)from) / 1e3;
}

/* Back on the first path. */
static void settle(void)
{
	arrival_us(0, 0);
	usleep(SETTLE_US);
}

/*
 * Now: a packet has just come on the first path (neither its sender nor we wait for a CPU), and
 * none to the other sink since.
 */
static uint64_t now_with_packets(void)
{
	for (;;) {
		uint64_t now;

		arrival_arm();
		arrival_us(0, 0);
		now = now_ns();
		if (now - arrival_first(0) < FRESH_NS)
			return now;
	}
}

static double fail_over(void)
{
	uint64_t from = now_with_packets();
	double us;

	edge_usable(BOTH_PATHS & ~ER_PATH);
	us = arrival_us(1, from);
	edge_changed();
	arrival_arm();
	edge_usable(BOTH_PATHS);
	edge_changed();
	settle();
	return us;
}

/* One prefix gets another answer. *work: userspace's, till the call was back. */
static double prefix_turn(const struct prefix *p, double *work)
{
	uint64_t from = now_with_packets(), done;
	double us;

	edge_prefix(p, EDGE_TURNED, false);
	done = now_ns();
	us = arrival_us(1, from);
	*work = (double)(done - from) / 1e3;
	arrival_arm();
	edge_prefix(p, EDGE_GROUP, false);
	settle();
	return us;
}

/* A /24 of them, and a host in it that no longer prefix has. */
static const struct prefix *prefix_choose(const struct prefix *all, size_t n, uint8_t host[16])
{
	for (;;) {
		const struct prefix *p = &all[random_next() % n];
		struct ip_addr ip = {.family = 4};
		size_t i;

		routes_host(p, ip.bytes);
		memcpy(host, ip.bytes, 16);
		for (i = 0; i < n; i++)
			if (all[i].len > p->len && prefix_has(&all[i], &ip))
				break;
		if (i == n && (p->len == 24 || n == 1))
			return p;
	}
}

static void row_print(uint32_t prefixes, const char *what, const struct series *s)
{
	printf("| %s | %s | %.1f | %.1f | %.1f |\n", si(prefixes), what, series_median(s),
	       series_min(s), series_max(s));
}

static void rounds_measure(const struct prefix *routes, uint32_t n)
{
	struct series over = {0}, turn = {0}, work = {0};
	uint8_t host[16];

	while (over.n < options.rounds) {
		double us = fail_over();

		if (us > 0)
			series_add(&over, us);
	}
	while (turn.n < options.rounds) {
		const struct prefix *p = prefix_choose(routes, n, host);
		double us, work_us;

		traffic_one_destination(host);
		edge_prefix(p, EDGE_GROUP, false);
		usleep(SETTLE_US);
		us = prefix_turn(p, &work_us);
		if (us <= 0)
			continue;
		series_add(&turn, us);
		series_add(&work, work_us);
	}
	row_print(n, "a path lost: store to first packet on the other", &over);
	row_print(n, "a prefix changed: to first packet on the other", &turn);
	row_print(n, "the same: userspace's work", &work);
}

static void measure(uint32_t prefixes)
{
	struct prefix *routes = routes_make(4, prefixes);
	pthread_t sender;

	edge_open(table_for(DESTINATIONS));
	edge_prefixes(routes, prefixes);
	traffic_open(1);
	traffic_destinations(4, routes, prefixes);
	traffic_flows(DESTINATIONS, 0);
	traffic_prime(
		DESTINATIONS); /* flows that go on; else it is their first packets that take long */
	edge_attach(DEV_LAN, HOOK_XDP, true);
	xdp_attach(NS_SINK, world.sink[0], program_of("arrive_first"));
	xdp_attach(NS_SINK, world.sink[1], program_of("arrive_second"));
	arrival_arm();
	stop = false;
	if (pthread_create(&sender, NULL, send_on, NULL))
		fail("no thread to send");
	settle();
	rounds_measure(routes, prefixes);
	stop = true;
	pthread_join(sender, NULL);
	xdp_attach(NS_SINK, world.sink[0], -1);
	xdp_attach(NS_SINK, world.sink[1], -1);
	traffic_close();
	edge_close();
	free(routes);
}

int bench_failover(void)
{
	static const uint32_t sizes[] = {1, 1000, 100000, 1000000};

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		fail("failover wants two CPUs: packets on one, the change on the other");
	printf("\nMicroseconds, %d times each, packets one at a time on another CPU:\n\n"
	       "| prefixes | what | median | min | max |\n| ---: | --- | ---: | ---: | ---: |\n",
	       options.rounds);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i] <= options.routes)
			measure(sizes[i]);
	return 0;
}
