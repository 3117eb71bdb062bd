/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * routes: a table of two peers taken in by BGP over loopback, beside other routing daemons; then,
 * in a daemon that holds it, how soon a packet sees one change, and what 10,000 changes a second
 * do.
 */
#include "bench.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEERS	     2
#define PORT	     1790
#define POLL_US	     20000
#define DEADLINE_S   300
#define CHANGES	     200
#define RATE	     10000 /* changes a second */
#define BATCH	     100
#define ENOUGH(n)    ((n) / 1000 * 999) /* some take no prefix of, say, 240/4 */
#define RECEIVERS    4
#define STATUS_EVERY 10 /* batches */

static struct speaker *speaker[PEERS];
static struct prefix *table;
static size_t n_prefixes;

static int by_prefix(const void *a, const void *b)
{
	return prefix_cmp(a, b);
}

/* A sixth as many of IPv6. */
static void table_make(void)
{
	size_t n4 = options.routes, n6 = options.routes / 5;
	struct prefix *six = routes_make(6, n6);

	table = realloc(routes_make(4, n4), (n4 + n6) * sizeof(*table));
	if (!table)
		fail("out of memory for %zu prefixes", n4 + n6);
	memcpy(table + n4, six, n6 * sizeof(*six));
	free(six);
	n_prefixes = n4 + n6;
	qsort(table, n_prefixes, sizeof(*table), by_prefix);
	for (unsigned int i = 0; i < PEERS; i++)
		speaker[i] = speaker_new(table, n_prefixes, i);
}

struct intake {
	struct series wall, cpu, bytes;
};

static void sessions_open(void)
{
	world_enter(NS_ROUTER);
	for (int i = 0; i < PEERS; i++)
		speaker_connect(speaker[i], PORT);
	world_leave();
}

/* All of the table is in. */
static void take_in(const struct receiver *r, const char *dir, pid_t pid, struct intake *t)
{
	double give_up = now_s() + DEADLINE_S, from, cpu0, cpu, empty, bytes;

	sessions_open();
	receiver_use(pid, &cpu0, &empty);
	from = now_s();
	while (speakers_send(speaker, PEERS, 1000))
		if (now_s() > give_up)
			fail("%s reads no more: see %s/log", r->key, dir);
	while (receiver_count(r, dir) < ENOUGH(PEERS * n_prefixes)) {
		if (now_s() > give_up)
			fail("%s has %zu of %zu routes: see %s/log", r->key, receiver_count(r, dir),
			     PEERS * n_prefixes, dir);
		speakers_send(speaker, PEERS, POLL_US / 1000);
	}
	series_add(&t->wall, now_s() - from);
	receiver_use(pid, &cpu, &bytes);
	series_add(&t->cpu, cpu - cpu0);
	series_add(&t->bytes, (bytes - empty) / (double)(PEERS * n_prefixes));
}

static void dir_make(char dir[64])
{
	snprintf(dir, 64, "/tmp/sameway-bench-XXXXXX");
	if (!mkdtemp(dir) || chmod(dir, 0755))
		fail("%s: %s", dir, strerror(errno));
}

static void dir_remove(const char *dir)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		fprintf(stderr, "%s is left\n", dir);
}

static void intake_round(const struct receiver *r, struct intake *t)
{
	char dir[64];
	pid_t pid;

	dir_make(dir);
	pid = receiver_start(r, dir);
	take_in(r, dir, pid, t);
	for (int i = 0; i < PEERS; i++)
		speaker_close(speaker[i]);
	receiver_stop(r, pid);
	dir_remove(dir);
}

static void intake_print(const struct receiver *r, const struct intake *t,
			 const struct intake *ours)
{
	if (!t->wall.n)
		return;
	printf("| %s | %.2f | %.2f-%.2f | %.2f | %.0f | %.1f | %.1f |\n", r->name,
	       series_min(&t->wall), series_min(&t->wall), series_max(&t->wall),
	       series_min(&t->cpu), series_median(&t->bytes),
	       series_min(&t->wall) / series_min(&ours->wall),
	       series_min(&t->cpu) / series_min(&ours->cpu));
}

static void intakes(void)
{
	static struct intake intake[RECEIVERS];

	for (int round = 0; round < options.rounds; round++)
		for (int i = 0; receivers[i].key; i++)
			if ((!options.only || list_has(options.only, receivers[i].key)) &&
			    !access(receivers[i].program, X_OK))
				intake_round(&receivers[i], &intake[i]);
	printf("%zu prefixes (%u IPv4) by %d peers, %d rounds, least of them.\n\n", n_prefixes,
	       options.routes, PEERS, options.rounds);
	printf("| who | s until all are in | min-max | CPU s | bytes a candidate | / sameway | by "
	       "CPU time |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
	for (int i = 0; receivers[i].key; i++)
		intake_print(&receivers[i], &intake[i], &intake[0]);
}

/* The table that packets are looked up in. */
static const volatile uint16_t *fib4_open(void)
{
	int fd = bpf_obj_get("/sys/fs/bpf/sameway/bench/fib4");
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, (size_t)2 << 24, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		fail("fib4 of the daemon: %s", strerror(errno));
	close(fd);
	return at;
}

/* A /24 with nothing longer in it. */
static const struct prefix *one_choose(const volatile uint16_t *fib4, size_t *at)
{
	for (;;) {
		const struct prefix *p = &table[random_next() % n_prefixes];

		if (p->family != 4 || p->len != 24)
			continue;
		*at = (size_t)p->bytes[0] << 16 | (size_t)p->bytes[1] << 8 | p->bytes[2];
		if (fib4[*at] && !(fib4[*at] & 0x8000))
			return p;
	}
}

/* Microseconds from the message to the entry. */
static double change_us(const volatile uint16_t *fib4, const struct prefix *p, size_t at,
			bool withdraw)
{
	uint16_t before = fib4[at];
	uint64_t from = now_ns();

	speaker_change(speaker[0], p, 1, withdraw);
	while (fib4[at] == before)
		if (now_ns() - from > 5000000000ULL)
			fail("a change was not seen for 5 s");
	return (double)(now_ns() - from) / 1e3;
}

static void changes(const volatile uint16_t *fib4)
{
	struct series us = {0};

	for (int i = 0; i < CHANGES / 2 && us.n + 2 <= MAX_ROUNDS; i++) {
		size_t at;
		const struct prefix *p = one_choose(fib4, &at);

		series_add(&us, change_us(fib4, p, at, true));
		usleep(2000);
		series_add(&us, change_us(fib4, p, at, false));
		usleep(2000);
	}
	printf("\nOne prefix changed, message to FIB entry: %.0f us median, %.0f-%.0f us of %d.\n",
	       series_median(&us), series_min(&us), series_max(&us), us.n);
}

/* Withdrawn, announced again, so many a second. */
static void churn(const volatile uint16_t *fib4, const struct receiver *r, const char *dir,
		  pid_t pid)
{
	double cpu0, cpu, before, after, slowest = 0, from = now_s(), late;
	size_t sent = 0, at;

	receiver_use(pid, &cpu0, &before);
	while (now_s() - from < options.seconds) {
		for (size_t i = 0; i < BATCH; i += 2) {
			const struct prefix *p = &table[random_next() % n_prefixes];

			speaker_change(speaker[0], p, 1, true);
			speaker_change(speaker[0], p, 1, false);
		}
		sent += BATCH;
		speakers_send(speaker, PEERS, 0);
		if (sent / BATCH % STATUS_EVERY == 0) {
			double asked = now_s();

			receiver_count(r, dir);
			if (now_s() - asked > slowest)
				slowest = now_s() - asked;
		}
		late = from + (double)sent / RATE - now_s();
		if (late > 0)
			usleep((unsigned int)(late * 1e6));
	}
	late = now_s() - from;
	{
		const struct prefix *p = one_choose(fib4, &at);
		double us = change_us(fib4, p, at, true);

		receiver_use(pid, &cpu, &after);
		printf("%zu changes in %.1f s: %.0f a second, %.0f %% of a CPU; the next change "
		       "after %.1f ms; "
		       "memory %+.2f MiB; `status` after %.0f ms at most.\n",
		       sent, late, (double)sent / late, (cpu - cpu0) / late * 100, us / 1e3,
		       (after - before) / (1 << 20), slowest * 1e3);
	}
}

/* In a daemon of its own. */
static void live(void)
{
	struct intake ignored = {0};
	char dir[64];
	pid_t pid;

	dir_make(dir);
	pid = receiver_start(&receivers[0], dir);
	take_in(&receivers[0], dir, pid, &ignored);
	usleep(1000000);
	changes(fib4_open());
	churn(fib4_open(), &receivers[0], dir, pid);
	for (int i = 0; i < PEERS; i++)
		speaker_close(speaker[i]);
	receiver_stop(&receivers[0], pid);
	dir_remove(dir);
}

int bench_routes(void)
{
	mkdir("/run/sameway", 0755);
	if (mount("tmpfs", "/run/sameway", "tmpfs", 0, NULL))
		fail("no /run/sameway of its own: %s", strerror(errno));
	table_make();
	intakes();
	if (!options.only || list_has(options.only, "sameway"))
		live();
	for (int i = 0; i < PEERS; i++)
		speaker_free(speaker[i]);
	free(table);
	return 0;
}
