/* SPDX-License-Identifier: GPL-2.0-only */
/* The hook with real children: what it reads, how it fails, that none is left. */
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/notify.h"

#define MS	 1000000ULL
#define S	 (1000 * MS)
#define PATIENCE (30 * S)

/* News 1 to n, of which each is told before the next. */
struct world {
	struct event_base *base;
	struct notify *n;
	char dir[64];
	uint64_t next, last; /* ids: due now, and the last there is */
	size_t told, logged, size;
	char log[600];
};

static int next(void *arg, struct incident_news *news, char **text)
{
	struct world *w = arg;

	*news = (struct incident_news){.change = INCIDENT_OPEN};
	if (w->next > w->last)
		return -ENOENT;
	news->inc.id = w->next;
	*text = malloc(w->size + 40);
	assert_non_null(*text);
	snprintf(*text, 40, "{\"id\": %d, \"x\": \"", (int)w->next);
	memset(*text + strlen(*text), 'x', w->size);
	strcpy(*text + strlen("{\"id\": 1, \"x\": \"") + w->size, "\"}\n");
	return 0;
}

static void told(void *arg, const struct incident_news *news)
{
	struct world *w = arg;

	assert_int_equal(news->inc.id, w->next);
	w->told++;
	w->next++;
}

static void logged(void *arg, const char *text)
{
	struct world *w = arg;

	w->logged++;
	snprintf(w->log, sizeof(w->log), "%s", text);
}

static int setup(void **state)
{
	static const struct notify_limits limits = {
		.timeout_ns = 300 * MS, .gap_ns = MS, .retry_ns = 20 * MS, .tries = 3};
	struct world *w = calloc(1, sizeof(*w));
	struct notify_ops ops = {.arg = w, .next = next, .told = told, .log = logged};

	assert_non_null(w);
	signal(SIGPIPE, SIG_IGN);
	w->base = event_base_new();
	w->n = notify_new(w->base, &ops, &limits);
	assert_non_null(w->n);
	w->next = 1;
	strcpy(w->dir, "/tmp/notify.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chdir(w->dir), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[100];

	notify_free(w->n);
	event_base_free(w->base);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, no zombie */
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

/* Runs the loop until so many were told or given up. */
static void turn(struct world *w, size_t n)
{
	uint64_t end = now() + PATIENCE;
	struct timeval tick = {.tv_usec = 5000};

	notify_kick(w->n);
	while (w->told < n) {
		assert_true(now() < end);
		event_base_loopexit(w->base, &tick);
		event_base_dispatch(w->base);
		notify_kick(w->n);
	}
}

static long size_of(const char *file)
{
	struct stat st;

	return stat(file, &st) ? -1 : (long)st.st_size;
}

static void assert_counts(const struct world *w, uint64_t sent, uint64_t failed, uint64_t dropped)
{
	const struct notify_counts *c = notify_counts(w->n);

	assert_int_equal(c->sent, sent);
	assert_int_equal(c->failed, failed);
	assert_int_equal(c->dropped, dropped);
}

static void test_reads_it(void **state)
{
	struct world *w = *state;
	char text[200] = "";
	FILE *f;

	w->last = 3;
	w->size = 10;
	assert_int_equal(notify_command(w->n, "cat >>got; echo many words"), 0);
	turn(w, 3);
	assert_counts(w, 3, 0, 0);
	f = fopen("got", "r");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	assert_string_equal(text, "{\"id\": 1, \"x\": \"xxxxxxxxxx\"}\n"
				  "{\"id\": 2, \"x\": \"xxxxxxxxxx\"}\n"
				  "{\"id\": 3, \"x\": \"xxxxxxxxxx\"}\n");
	assert_int_equal(w->logged, 0);
}

/* More than a pipe holds, and a command that reads none of it or only a part. */
static void test_need_not_read(void **state)
{
	struct world *w = *state;

	w->last = 1; /* the second comes when the other command is set */
	w->size = 1 << 20;
	assert_int_equal(notify_command(w->n, "head -c 3 >>got"), 0);
	turn(w, 1);
	assert_int_equal(notify_command(w->n, "true"), 0);
	w->last = 2;
	turn(w, 2);
	assert_counts(w, 2, 0, 0);
	assert_int_equal(size_of("got"), 3);
}

static void test_fails_and_gives_up(void **state)
{
	struct world *w = *state;

	w->last = 2;
	assert_int_equal(notify_command(w->n, "echo x >>ran; echo no way >&2; exit 3"), 0);
	turn(w, 2);
	assert_counts(w, 0, 6, 2);
	assert_true(notify_counts(w->n)->failing);
	assert_int_equal(size_of("ran"), 12);
	assert_int_equal(w->logged, 6);
	assert_string_equal(notify_counts(w->n)->last_error, "exit status 3 (no way)");
	assert_non_null(strstr(w->log, "incident 2"));
	assert_non_null(strstr(w->log, "given up"));
}

static void test_fails_once(void **state)
{
	struct world *w = *state;

	w->last = 1;
	assert_int_equal(notify_command(w->n, "cat >>got; test -e again || { >again; exit 1; }"),
			 0);
	turn(w, 1);
	assert_counts(w, 1, 1, 0);
	assert_false(notify_counts(w->n)->failing);
	assert_non_null(strstr(w->log, "tried again"));
	assert_int_equal(w->logged, 1);
}

static bool gone(pid_t pid)
{
	uint64_t end = now() + PATIENCE;

	while (!kill(pid, 0) && now() < end)
		;
	return kill(pid, 0);
}

static pid_t pid_in(const char *file)
{
	FILE *f = fopen(file, "r");
	int pid = 0;

	if (f) {
		if (fscanf(f, "%d", &pid) != 1)
			pid = 0;
		fclose(f);
	}
	return pid;
}

/* It hangs, with a child of its own: both are ended in time, and the next try comes. */
static void test_hangs(void **state)
{
	struct world *w = *state;

	w->last = 1;
	assert_int_equal(notify_command(w->n, "sleep 1000 & echo $! >pid; wait"), 0);
	turn(w, 1);
	assert_counts(w, 0, 3, 1);
	assert_non_null(strstr(notify_counts(w->n)->last_error, "still running after 0.3 s"));
	assert_true(pid_in("pid") > 0);
	assert_true(gone(pid_in("pid")));
}

/* What it left in the background goes with it. */
static void test_leaves_a_child(void **state)
{
	struct world *w = *state;

	w->last = 1;
	assert_int_equal(notify_command(w->n, "sleep 1000 & echo $! >pid"), 0);
	turn(w, 1);
	assert_counts(w, 1, 0, 0);
	assert_true(gone(pid_in("pid")));
}

/* It floods both outputs: bounded by time, nothing is kept but the last line. */
static void test_floods(void **state)
{
	struct world *w = *state;

	w->last = 1;
	assert_int_equal(notify_command(w->n, "yes out & yes err >&2"), 0);
	turn(w, 1);
	assert_counts(w, 0, 3, 1);
}

static void test_cannot_be_run(void **state)
{
	struct world *w = *state;

	w->last = 1;
	assert_int_equal(notify_command(w->n, "/no/such/page"), 0);
	turn(w, 1);
	assert_counts(w, 0, 3, 1);
	assert_non_null(strstr(notify_counts(w->n)->last_error, "exit status 127"));
	assert_non_null(strstr(notify_counts(w->n)->last_error, "not found"));
}

/* Another command, or none, while one hangs: that one goes, its news is told by the new one. */
static void test_command_changes(void **state)
{
	struct world *w = *state;
	uint64_t end = now() + PATIENCE;
	struct timeval tick = {.tv_usec = 5000};

	w->last = 1;
	assert_int_equal(notify_command(w->n, "echo $$ >pid; exec sleep 1000"), 0);
	while (pid_in("pid") <= 0) {
		assert_true(now() < end);
		event_base_loopexit(w->base, &tick);
		event_base_dispatch(w->base);
	}
	assert_int_equal(notify_command(w->n, NULL), 0);
	assert_true(gone(pid_in("pid")));
	notify_kick(w->n);
	event_base_loopexit(w->base, &tick);
	event_base_dispatch(w->base);
	assert_int_equal(w->told, 0);
	assert_int_equal(notify_command(w->n, "cat >got"), 0);
	turn(w, 1);
	assert_counts(w, 1, 0, 0);
	assert_true(size_of("got") > 0);
}

/* The daemon ends while it runs. */
static void test_ends_with_us(void **state)
{
	struct world *w = *state;
	uint64_t end = now() + PATIENCE;
	struct timeval tick = {.tv_usec = 5000};

	w->last = 1;
	assert_int_equal(notify_command(w->n, "sleep 1000 & echo $! >pid; wait"), 0);
	while (pid_in("pid") <= 0) {
		assert_true(now() < end);
		event_base_loopexit(w->base, &tick);
		event_base_dispatch(w->base);
	}
	notify_free(w->n);
	w->n = NULL;
	assert_true(gone(pid_in("pid")));
	assert_int_equal(w->told, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_it),	 TEST(test_need_not_read), TEST(test_fails_and_gives_up),
		TEST(test_fails_once),	 TEST(test_hangs),	   TEST(test_leaves_a_child),
		TEST(test_floods),	 TEST(test_cannot_be_run), TEST(test_command_changes),
		TEST(test_ends_with_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
