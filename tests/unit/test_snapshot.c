/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Feeds of whole tables as they live: a directory whose files come, change, go and get old; a
 * single file; a command that answers, fails, hangs, talks too much, is ended.
 */
#include "feed_recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define SECOND 1000000000ULL
#define ROW(prefix)                                                                                \
	"[{\"network\":\"" prefix "\",\"asPath\":\"12076\",\"sourcePeer\":\"10.10.30.132\"}]"
#define TOLD(prefix, source)                                                                       \
	"announce(remote) " prefix "@" source " peer 10.10.30.132 as 12076 class 0 circuit er1\n"
#define TABLE(prefix, source) "begin @" source "\n" TOLD(prefix, source) "end-of-rib @" source "\n"
#define FRR(prefix)                                                                                \
	"{\"routes\":{\"" prefix "\":[{\"valid\":true,\"peerId\":\"192.0.2.1\",\"path\":\"1\","    \
	"\"nexthops\":[{\"ip\":\"192.0.2.1\"}]}]}}\n"
#define FRR_TABLE(prefix)                                                                          \
	"begin\nannounce " prefix " peer 192.0.2.1 via 192.0.2.1 as 1\nend-of-rib\n"

static char dir[64];
static struct config_circuit circuit = {.name = "er1"};
static struct config_feed cfg;

static const char *in_dir(const char *name)
{
	static char path[2][160];
	static int at;

	at = !at;
	snprintf(path[at], sizeof(path[at]), "%s/%s", dir, name);
	return path[at];
}

static void file_put(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
}

static void dir_make(void)
{
	strcpy(dir, "/tmp/test_snapshot.XXXXXX");
	assert_non_null(mkdtemp(dir));
	memset(&cfg, 0, sizeof(cfg));
	cfg.interval_ns = 100 * SECOND; /* inotify alone, unless a test wants looks */
}

static struct recorder *feed_up(void)
{
	struct recorder *r = malloc(sizeof(*r));
	char error[200];

	ip_parse("10.10.30.132", &circuit.peer);
	cfg.circuits = &circuit;
	cfg.n_circuits = 1;
	recorder_init(r);
	assert_int_equal(
		feed_type(cfg.type)->start(&r->feed, 0, &cfg, dir, r->base, &r->sink, error), 0);
	return r;
}

static void feed_down(struct recorder *r)
{
	char command[100];

	if (r->feed)
		feed_type(cfg.type)->stop(r->feed);
	event_base_free(r->base);
	free(r);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static struct feed_status status(const struct recorder *r)
{
	struct feed_status st;

	feed_type(cfg.type)->status(r->feed, &st);
	return st;
}

/* What is told from now on is all that counts. */
static void forget(struct recorder *r)
{
	r->told[0] = r->log[0] = '\0';
}

static void run_ms(struct recorder *r, uint64_t ms)
{
	uint64_t end = recorder_now_ms() + ms;

	while (recorder_now_ms() < end)
		recorder_turn(r);
}

static void told_is(struct recorder *r, const char *want)
{
	assert_true(recorder_until(r, r->told, want));
	assert_string_equal(r->told, want);
	forget(r);
}

static struct recorder *azure_dir(void)
{
	cfg.type = FEED_AZURE;
	cfg.dir = (char *)"tables"; /* relative to the config */
	return feed_up();
}

static void file_old(const char *name, time_t seconds)
{
	struct timespec now, times[2];

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec -= seconds;
	times[0] = times[1] = now;
	assert_int_equal(utimensat(AT_FDCWD, in_dir(name), times, 0), 0);
}

static void test_dir(void **state)
{
	struct feed_table table;
	struct recorder *r;
	FILE *f;

	(void)state;
	dir_make();
	mkdir(in_dir("tables"), 0700);
	file_put("tables/a.json", ROW("10.1.0.0/16"));
	file_put("tables/README", "x");
	file_put("tables/.b.json", "x");
	r = azure_dir();
	assert_true(recorder_until(r, r->log, "a.json: a table of 1 routes\n"));
	told_is(r, TABLE("10.1.0.0/16", "1"));
	assert_int_equal(r->synced, 1);
	assert_int_equal(status(r).state, FEED_UP);
	/* a new one, in two halves: nothing before it is closed */
	f = fopen(in_dir("tables/b.json"), "w");
	fputs("[{\"network\":", f);
	fflush(f);
	run_ms(r, 200);
	assert_string_equal(r->told, "");
	assert_int_equal(status(r).errors, 0);
	fputs("\"10.2.0.0/16\",\"asPath\":\"12076\",\"sourcePeer\":\"10.10.30.132\"}]", f);
	fclose(f);
	told_is(r, TABLE("10.2.0.0/16", "2"));
	/* renamed into place: its own source still */
	file_put("tables/tmp", ROW("10.3.0.0/16"));
	rename(in_dir("tables/tmp"), in_dir("tables/a.json"));
	told_is(r, TABLE("10.3.0.0/16", "1"));
	/* the same again: said, no new table */
	file_put("tables/a.json", ROW("10.3.0.0/16"));
	told_is(r, TOLD("10.3.0.0/16", "1"));
	/* unknown, an error, a shape that is not known: the last table stays, each is told */
	file_put("tables/a.json", "{\"value\":[]}");
	assert_true(recorder_until(r, r->log, "a.json: empty: that is unknown, not \"no route\""));
	file_put("tables/a.json", "(InternalServerError) An error occurred.\n");
	assert_true(recorder_until(r, r->log, "a.json: not JSON, but \"(InternalServerError) "));
	file_put("tables/a.json", "[{\"vm\":1}]");
	assert_true(recorder_until(r, r->log, "a.json: its rows are of no table that is known"));
	assert_string_equal(r->told, "");
	assert_int_equal(status(r).errors, 3);
	assert_int_equal(status(r).state, FEED_UP);
	forget(r);
	file_put("tables/a.json", ROW("10.3.0.0/16"));
	told_is(r, TOLD("10.3.0.0/16", "1"));
	/* gone, and back */
	unlink(in_dir("tables/a.json"));
	told_is(r, "lost @1\n");
	assert_int_equal(status(r).state, FEED_UP);
	rename(in_dir("tables/b.json"), in_dir("tables/away"));
	told_is(r, "lost @2\n");
	assert_int_equal(status(r).state, FEED_STALE);
	file_put("tables/a.json", ROW("10.3.0.0/16"));
	told_is(r, TOLD("10.3.0.0/16", "1"));
	assert_int_equal(status(r).state, FEED_UP);
	assert_true(feed_type(FEED_AZURE)->table(r->feed, 0, &table));
	assert_string_equal(table.name, "a.json");
	assert_int_equal(table.routes, 1);
	assert_false(table.stale);
	feed_down(r);
}

/* Without news of inotify: a directory that comes, goes and comes again; links; old ones. */
static void test_looks(void **state)
{
	struct feed_table table;
	struct recorder *r;

	(void)state;
	dir_make();
	cfg.interval_ns = SECOND / 20;
	r = azure_dir();
	assert_true(recorder_until(r, r->log, "No such file or directory: make the directory"));
	assert_int_equal(status(r).state, FEED_DOWN);
	assert_int_equal(status(r).errors, 1);
	mkdir(in_dir("other"), 0700);
	file_put("other/a.json", ROW("10.1.0.0/16"));
	rename(in_dir("other"), in_dir("tables"));
	told_is(r, TABLE("10.1.0.0/16", "1"));
	/* a link is no news of inotify's that a file was closed */
	file_put("target", ROW("10.2.0.0/16"));
	assert_int_equal(symlink("../target", in_dir("tables/b.json")), 0);
	told_is(r, TABLE("10.2.0.0/16", "2"));
	file_put("target", ROW("10.22.0.0/16"));
	told_is(r, TABLE("10.22.0.0/16", "2"));
	rename(in_dir("tables"), in_dir("away"));
	told_is(r, "lost @1\nlost @2\n");
	rename(in_dir("away"), in_dir("tables"));
	told_is(r, TOLD("10.1.0.0/16", "1") TOLD("10.22.0.0/16", "2"));
	/* by its modification time: 14 minutes are not too old, 16 are; it is said which */
	file_old("tables/a.json", 14 * 60);
	told_is(r, TOLD("10.1.0.0/16", "1"));
	assert_true(feed_type(FEED_AZURE)->table(r->feed, 0, &table));
	assert_in_range(table.age_ns / SECOND, 14 * 60, 14 * 60 + 9);
	file_old("tables/a.json", 16 * 60);
	told_is(r, TOLD("10.1.0.0/16", "1") "lost @1\n");
	assert_non_null(
		strstr(status(r).last_error, "a.json: its table is 960 s old, more than 900 s"));
	assert_int_equal(status(r).state, FEED_STALE);
	assert_true(feed_type(FEED_AZURE)->table(r->feed, 0, &table));
	assert_true(table.stale);
	file_put("tables/a.json", ROW("10.1.0.0/16"));
	told_is(r, TOLD("10.1.0.0/16", "1"));
	assert_int_equal(status(r).state, FEED_UP);
	feed_down(r);
}

/* Some of a text is unknown: what is there is said, what is not stays. */
static void test_partial(void **state)
{
	struct recorder *r;

	(void)state;
	dir_make();
	mkdir(in_dir("tables"), 0700);
	file_put("tables/a.json", ROW("10.1.0.0/16") ROW("10.2.0.0/16"));
	r = azure_dir();
	told_is(r,
		"begin @1\n" TOLD("10.1.0.0/16", "1") TOLD("10.2.0.0/16", "1") "end-of-rib @1\n");
	file_put("tables/a.json", ROW("10.1.0.0/16") "{\"value\":[]}");
	told_is(r, TOLD("10.1.0.0/16", "1"));
	assert_non_null(strstr(status(r).last_error, "a.json: one of its tables is empty"));
	feed_down(r);
}

/* Names that come and go do not use the places up; too many at once are told, the others read. */
static void test_many_names(void **state)
{
	struct recorder *r;
	char name[40];

	(void)state;
	dir_make();
	mkdir(in_dir("tables"), 0700);
	r = azure_dir();
	run_ms(r, 50);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "tables/%d.json", i);
		file_put(name, i % 2 ? ROW("10.1.0.0/16") : ROW("10.2.0.0/16"));
		assert_true(recorder_until(r, r->told, "announce"));
		forget(r);
		unlink(in_dir(name));
		assert_true(recorder_until(r, r->told, "lost @1\n"));
		forget(r);
	}
	assert_int_equal(status(r).errors, 0);
	for (int i = 0; i < 258; i++) {
		snprintf(name, sizeof(name), "tables/%d.json", i);
		file_put(name, ROW("10.1.0.0/16"));
	}
	assert_true(recorder_until(r, r->told, "end-of-rib @256"));
	assert_int_equal(status(r).errors, 1);
	assert_non_null(strstr(status(r).last_error, "more than 256 files: remove some of "));
	/* one makes room for another, which is read; the next is too many again, and told again */
	unlink(in_dir("tables/0.json"));
	assert_true(recorder_until(r, r->told, "lost @1\n"));
	forget(r);
	file_put("tables/300.json", ROW("10.3.0.0/16"));
	assert_true(recorder_until(r, r->told, "end-of-rib @1\n"));
	file_put("tables/301.json", ROW("10.4.0.0/16"));
	file_put("tables/302.json", ROW("10.5.0.0/16"));
	file_put("tables/1.json", ROW("10.6.0.0/16"));
	assert_true(recorder_until(r, r->told, "10.6.0.0/16"));
	assert_int_equal(status(r).errors, 2);
	assert_non_null(strstr(status(r).last_error, "301.json: more than 256 files"));
	feed_down(r);
}

#define PEER(state, routes)                                                                        \
	"[{\"neighbor\":\"10.2.30.125\",\"localAddress\":\"10.10.30.254\",\"asn\":65021,"          \
	"\"state\":"                                                                               \
	"\"" state "\",\"routesReceived\":" routes "}]"

/* A directory that holds nothing is told, and is no error; a long name is shown whole. */
static void test_empty_dir(void **state)
{
	char name[100] = "tables/";
	struct feed_table table;
	struct recorder *r;

	(void)state;
	dir_make();
	mkdir(in_dir("tables"), 0700);
	r = azure_dir();
	assert_true(recorder_until(r, r->log, "tables: no file in it ends in .json: put tables"));
	assert_int_equal(status(r).state, FEED_DOWN);
	assert_int_equal(status(r).errors, 0);
	assert_non_null(strstr(status(r).last_error, "no file in it ends in .json"));
	memset(name + 7, 'n', 70);
	strcpy(name + 77, ".json");
	file_put(name, ROW("10.1.0.0/16"));
	told_is(r, TABLE("10.1.0.0/16", "1"));
	assert_true(feed_type(FEED_AZURE)->table(r->feed, 0, &table));
	assert_string_equal(table.name, name + 7);
	feed_down(r);
}

static void test_peers(void **state)
{
	struct feed_peer peer;
	struct recorder *r;

	(void)state;
	dir_make();
	mkdir(in_dir("tables"), 0700);
	file_put("tables/p.json", PEER("Connected", "1"));
	r = azure_dir();
	run_ms(r, 100);
	assert_string_equal(r->log, ""); /* as it should be */
	file_put("tables/p.json", PEER("Connected", "0"));
	assert_true(recorder_until(r, r->log,
				   "gateway 10.10.30.254: BGP peer 10.2.30.125 (AS 65021) is "
				   "Connected and sends no route: "));
	forget(r);
	file_put("tables/p.json", PEER("Connecting", "0"));
	assert_true(recorder_until(r, r->log, "is Connecting: look at that session"));
	assert_non_null(strstr(status(r).last_error, "is Connecting"));
	forget(r);
	file_put("tables/p.json", PEER("Connected", "2"));
	assert_true(recorder_until(r, r->log, "is Connected, 2 routes"));
	assert_true(feed_type(FEED_AZURE)->peer(r->feed, 0, &peer));
	assert_int_equal(peer.routes, 2);
	assert_false(feed_type(FEED_AZURE)->peer(r->feed, 1, &peer));
	assert_string_equal(r->told, ""); /* no table of routes */
	feed_down(r);
}

/* The command for the routes failed, the one for the sessions did not: the routes stay and age. */
static void test_peers_alone(void **state)
{
	struct feed_table table;
	struct recorder *r;

	(void)state;
	dir_make();
	mkdir(in_dir("tables"), 0700);
	file_put("tables/a.json", ROW("10.1.0.0/16") PEER("Connected", "1"));
	r = azure_dir();
	told_is(r, TABLE("10.1.0.0/16", "1"));
	for (int i = 0; i < 2; i++) {
		file_put("tables/a.json", i ? PEER("Connected", "3") : PEER("Connected", "2"));
		assert_true(recorder_until(r, r->log, "empty or missing") || i);
		run_ms(r, 50);
		assert_string_equal(r->told, "");
		assert_int_equal(status(r).errors, i + 1);
	}
	assert_true(feed_type(FEED_AZURE)->table(r->feed, 0, &table));
	file_put("tables/a.json", ROW("10.2.0.0/16"));
	told_is(r, TABLE("10.2.0.0/16", "1"));
	feed_down(r);
}

/* What others write may be no UTF-8, or be cut inside a letter: it is told all the same. */
static void test_no_utf8(void **state)
{
	struct feed_table table;
	struct feed_status st;
	struct recorder *r;

	(void)state;
	dir_make();
	mkdir(in_dir("tables"), 0700);
	file_put("tables/\xe4.json", ROW("10.1.0.0/16"));
	r = azure_dir();
	told_is(r, TABLE("10.1.0.0/16", "1"));
	assert_true(feed_type(FEED_AZURE)->table(r->feed, 0, &table));
	assert_string_equal(table.name, "?.json");
	for (int i = 0; i < 2; i++) { /* the second time is not news */
		file_put("tables/\xe4.json", "Fehler: Zugriff verweigert f\xfcr \"x\"");
		assert_true(recorder_until(r, r->log, "?.json: not JSON, but \"Fehler") || i);
		run_ms(r, 50);
		assert_int_equal(status(r).errors, i + 1);
		assert_non_null(strstr(status(r).last_error, "?.json: not JSON"));
		st = status(r);
		for (const char *c = st.last_error; *c; c++)
			assert_in_range(*c, 0x20, 0x7e);
	}
	feed_down(r);
}

static void test_file(void **state)
{
	struct feed_table table;
	struct recorder *r;

	(void)state;
	dir_make();
	cfg.type = FEED_FRR;
	cfg.file = (char *)"frr.json";
	r = feed_up();
	assert_true(recorder_until(r, r->log, "frr.json: no such file: put it there"));
	assert_int_equal(r->synced, 0);
	file_put("other.json", FRR("10.9.0.0/16"));
	file_put("frr.json", FRR("10.1.0.0/16"));
	told_is(r, FRR_TABLE("10.1.0.0/16"));
	assert_int_equal(r->synced, 1);
	/* a file is as true as its writer says: it gets no older */
	file_old("frr.json", 100000);
	file_put("frr.json", "{\"warning\":\"Default BGP instance not found\"}");
	assert_true(recorder_until(r, r->log, "FRR says: Default BGP instance not found"));
	assert_string_equal(r->told, "");
	r->answer = RIB_UNKNOWN_PATH;
	file_put("frr.json", FRR("10.2.0.0/16"));
	told_is(r, FRR_TABLE("10.2.0.0/16"));
	assert_int_equal(status(r).refused[FEED_UNKNOWN_PATH], 1);
	assert_int_equal(status(r).errors, 3);
	assert_non_null(strstr(status(r).last_error,
			       "unknown-path: 1 routes, the first 10.2.0.0/16 from 192.0.2.1"));
	file_put("frr.json", FRR("10.2.0.0/16")); /* the same again is not counted again */
	assert_true(recorder_until(r, r->told, "10.2.0.0/16"));
	assert_int_equal(status(r).errors, 3);
	/* FRR's best path is told twice, and is one route */
	file_put("frr.json", "{\"routes\":{\"10.4.0.0/16\":[{\"valid\":true,\"bestpath\":true,"
			     "\"peerId\":\"192.0.2.1\",\"path\":\"1\","
			     "\"nexthops\":[{\"ip\":\"192.0.2.1\"}]}]}}\n");
	assert_true(recorder_until(r, r->told, "chosen"));
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_int_equal(status(r).refused[FEED_UNKNOWN_PATH], 2);
	assert_true(feed_type(FEED_FRR)->table(r->feed, 0, &table));
	assert_int_equal(table.routes, 1);
	feed_down(r);
}

static struct recorder *frr_command(const char *command)
{
	static char text[400];

	cfg.type = FEED_FRR;
	snprintf(text, sizeof(text), "cd %s; %s", dir, command);
	cfg.command = text;
	return feed_up();
}

static void test_command(void **state)
{
	struct recorder *r;

	(void)state;
	dir_make();
	cfg.interval_ns = SECOND / 10;
	file_put("out", FRR("10.1.0.0/16"));
	/* never two at once, though it takes longer than the interval */
	r = frr_command("mkdir one || touch two; cat out; sleep 0.15; . ./status; rmdir one");
	file_put("status", "true\n");
	told_is(r, FRR_TABLE("10.1.0.0/16"));
	assert_int_equal(r->synced, 1);
	assert_true(recorder_until(r, r->told, "10.1.0.0/16")); /* run again: said again */
	assert_null(strstr(r->told, "begin"));
	file_put("status", "rmdir one; echo first >&2; echo 'bgpd is\tdead' >&2; exit 3\n");
	assert_true(recorder_until(
		r, r->log, "command: exit status 3 (bgpd is?dead): run it by hand: cd /tmp/test"));
	forget(r);
	run_ms(r, 500);
	assert_true(status(r).errors >= 2); /* counted each time, told once */
	assert_string_equal(r->log, "");
	assert_string_equal(r->told, "");
	file_put("out", FRR("10.2.0.0/16"));
	file_put("status", "true\n");
	assert_true(recorder_until(r, r->told, FRR_TABLE("10.2.0.0/16")));
	file_put("status", "kill -9 $$\n");
	assert_true(recorder_until(r, r->log, "command: ended by signal 9"));
	assert_int_not_equal(access(in_dir("two"), F_OK), 0);
	feed_down(r);
}

static int pid_of(const char *name)
{
	FILE *f = fopen(in_dir(name), "r");
	int pid = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%d\n", &pid) != 1)
		pid = 0;
	fclose(f);
	return pid;
}

/* Not running: gone, or dead and not yet taken by whoever inherited it. */
static bool is_over(int pid)
{
	char path[40], line[200] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return true;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return !line[0] || strstr(line, ") Z ");
}

static void wait_over(const char *name)
{
	uint64_t end = recorder_now_ms() + 10000;
	int pid = pid_of(name);

	assert_int_not_equal(pid, 0);
	while (!is_over(pid)) {
		assert_true(recorder_now_ms() < end);
		usleep(1000);
	}
}

/* A run is ended with all that it started: at its time-out, and when the feed stops. */
static void test_command_ended(void **state)
{
	static const char hang[] = "rm -f shell; sleep 1000 & echo $! >child; echo $$ >shell; "
				   "sleep 1000";
	struct recorder *r;
	uint64_t begin;

	(void)state;
	dir_make();
	cfg.interval_ns = SECOND / 10;
	begin = recorder_now_ms();
	r = frr_command(hang);
	assert_true(recorder_until(r, r->log, "command: still running after 5 s, ended: make it"));
	assert_true(recorder_now_ms() - begin >= 4900);
	while (!pid_of("shell"))
		recorder_turn(r); /* the next run */
	feed_type(FEED_FRR)->stop(r->feed);
	r->feed = NULL;
	wait_over("shell");
	wait_over("child");
	feed_down(r);
	/* what a run leaves behind, holding the pipe, neither delays nor outlives it */
	dir_make();
	cfg.interval_ns = 100 * SECOND;
	file_put("out", FRR("10.1.0.0/16"));
	r = frr_command("sleep 1000 & echo $! >child; cat out");
	told_is(r, FRR_TABLE("10.1.0.0/16"));
	wait_over("child");
	feed_down(r);
}

static void test_command_too_long(void **state)
{
	struct recorder *r;

	(void)state;
	dir_make();
	cfg.interval_ns = 100 * SECOND;
	r = frr_command("yes");
	assert_true(recorder_until(r, r->log, "command: writes more than 8 MiB, ended: "));
	assert_string_equal(r->told, "");
	feed_down(r);
}

/* Runs that fail leave the table as it is until it is too old. */
static void test_command_stale(void **state)
{
	struct recorder *r;
	uint64_t begin;

	(void)state;
	dir_make();
	cfg.interval_ns = SECOND / 2;
	file_put("out", FRR("10.1.0.0/16"));
	begin = recorder_now_ms();
	r = frr_command("cat out && rm out");
	told_is(r, FRR_TABLE("10.1.0.0/16"));
	while (!strstr(r->told, "lost") && recorder_now_ms() - begin < 60000)
		recorder_turn(r);
	assert_string_equal(r->told, "lost\n");
	assert_true(recorder_now_ms() - begin >= 29000);
	assert_int_equal(status(r).state, FEED_STALE);
	feed_down(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dir),	      cmocka_unit_test(test_looks),
		cmocka_unit_test(test_partial),	      cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_empty_dir),     cmocka_unit_test(test_peers),
		cmocka_unit_test(test_peers_alone),   cmocka_unit_test(test_no_utf8),
		cmocka_unit_test(test_file),	      cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_ended), cmocka_unit_test(test_command_too_long),
	};
	/* 30 s, the least age that is too old */
	const struct CMUnitTest slow[] = {cmocka_unit_test(test_command_stale)};
	const char *full = getenv("SAMEWAY_LONG");
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (full && atoi(full))
		failed += cmocka_run_group_tests(slow, NULL, NULL);
	return failed;
}
