/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The feed `jsonl`: each line of the contract, each mistake a line can have, and the ways a file
 * can grow, shrink, be replaced, vanish and come back.
 */
#include "feed/jsonl.h"
#include "feed_recorder.h"

#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* --- Lines. --- */

static void line_is(const char *text, enum jsonl_op op, const char *want)
{
	static struct recorder r;
	struct jsonl_line line;
	char error[160] = "";

	if (jsonl_line_parse(text, strlen(text), &line, error))
		fail_msg("%s: %s", text, error);
	assert_int_equal(line.op, op);
	r.told[0] = '\0';
	if (line.route.prefix.family)
		record_route(&r, "route", &line.route);
	else if (line.route.peer.family)
		ip_format(&line.route.peer, r.told);
	assert_string_equal(r.told, want);
}

static void test_lines(void **state)
{
	static const char host_bits[] = "{\"op\":\"withdraw\",\"prefix\":\"10.0.0.1/8\"}";
	struct jsonl_line line;
	char error[160];

	(void)state;
	line_is("{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",\"path\":\"er1-primary\","
		"\"nexthop\":\"192.168.30.18\",\"as_path\":[12076],\"local_pref\":200}",
		JSONL_ANNOUNCE,
		"route 10.10.30.0/24 path er1-primary via 192.168.30.18 as 12076 lp 200");
	line_is("{\"op\":\"announce\",\"prefix\":\"10.10.30.0/24\",\"peer\":\"10.10.30.254\","
		"\"as_path\":[65515]}",
		JSONL_ANNOUNCE, "route 10.10.30.0/24 peer 10.10.30.254 as 65515");
	line_is("{\"op\":\"withdraw\",\"prefix\":\"10.10.30.0/24\",\"path\":\"vpn30\"}",
		JSONL_WITHDRAW, "route 10.10.30.0/24 path vpn30");
	line_is("{\"op\":\"peer-down\",\"peer\":\"192.168.30.18\"}", JSONL_PEER_DOWN,
		"192.168.30.18");
	line_is("{\"op\":\"peer-up\",\"peer\":\"fe80::1\"}", JSONL_PEER_UP, "fe80::1");
	line_is("{\"op\":\"end-of-rib\"}", JSONL_END_OF_RIB, "");
	line_is("{\"op\":\"announce\",\"view\":\"remote\",\"prefix\":\"10.2.30.0/25\","
		"\"class\":\"expressroute\",\"circuit\":\"er1\",\"as_path\":[12076,65021]}",
		JSONL_ANNOUNCE, "route(remote) 10.2.30.0/25 as 12076 65021 class 0 circuit er1");
	line_is("{\"op\":\"withdraw\",\"view\":\"remote\",\"prefix\":\"10.2.30.0/25\","
		"\"class\":\"expressroute\",\"circuit\":\"er1\"}",
		JSONL_WITHDRAW, "route(remote) 10.2.30.0/25 class 0 circuit er1");
	/* Key order is the writer's; an empty AS path is one; the ends of the ranges. */
	line_is(" {\"local_pref\":0,\"as_path\":[],\"path\":\"x\",\"view\":\"local\",\"prefix\":"
		"\"2001:db8::/32\",\"op\":\"announce\"} \r",
		JSONL_ANNOUNCE, "route 2001:db8::/32 path x as lp 0");
	line_is("{\"op\":\"announce\",\"prefix\":\"0.0.0.0/0\",\"path\":\"x\",\"as_path\":"
		"[4294967295],\"local_pref\":4294967295}",
		JSONL_ANNOUNCE, "route 0.0.0.0/0 path x as 4294967295 lp 4294967295");
	assert_int_equal(jsonl_line_parse(host_bits, strlen(host_bits), &line, error), 0);
	assert_true(line.masked);
}

static const struct {
	const char *line, *error; /* NULL: begins with "not JSON" */
} mistakes[] = {
	{"", NULL},
	{"{", NULL},
	{"nonsense", NULL},
	{"{\"op\":\"end-of-rib\"} {\"op\":\"end-of-rib\"}", NULL},
	{"{\"op\":\"end-of-rib\",\"op\":\"end-of-rib\"}", NULL},
	{"[1]", "not an object: write {\"op\":...} on each line"},
	{"null", "not an object: write {\"op\":...} on each line"},
	{"{}", "key \"op\" is missing: add it"},
	{"{\"op\":\"flap\"}", "key \"op\" has a wrong value: give announce, withdraw, peer-down, "
			      "peer-up or end-of-rib"},
	{"{\"op\":1}", "key \"op\" has a wrong value: give announce, withdraw, peer-down, peer-up "
		       "or end-of-rib"},
	{"{\"op\":\"end-of-rib\",\"peer\":\"1.1.1.1\"}",
	 "key \"peer\" is not known to op \"end-of-rib\": remove it"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"med\":1}",
	 "key \"med\" is not known to op \"announce\": remove it"},
	{"{\"op\":\"withdraw\",\"prefix\":\"10.0.0.0/8\",\"local_pref\":1}",
	 "key \"local_pref\" is not known to op \"withdraw\": remove it"},
	{"{\"op\":\"announce\",\"path\":\"x\"}", "key \"prefix\" is missing: add it"},
	{"{\"op\":\"peer-up\"}", "key \"peer\" is missing: add it"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/33\",\"path\":\"x\"}",
	 "key \"prefix\" has a wrong value: give a prefix as \"10.1.0.0/16\" or "
	 "\"2001:db8::/32\""},
	{"{\"op\":\"announce\",\"prefix\":[\"10.0.0.0/8\"],\"path\":\"x\"}",
	 "key \"prefix\" has a wrong value: give a prefix as \"10.1.0.0/16\" or "
	 "\"2001:db8::/32\""},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":null}",
	 "key \"path\" has a wrong value: give a name of 1 to 31 letters, digits, '.', '_' or "
	 "'-'"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"peer\":\"er1\"}",
	 "key \"peer\" has a wrong value: give an IPv4 or IPv6 address"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"nexthop\":12}",
	 "key \"nexthop\" has a wrong value: give an IPv4 or IPv6 address"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"as_path\":12076}",
	 "key \"as_path\" has a wrong value: give an array of at most 256 AS numbers, 1 to "
	 "4294967295"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"as_path\":[0]}",
	 "key \"as_path\" has a wrong value: give an array of at most 256 AS numbers, 1 to "
	 "4294967295"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"as_path\":[\"1\"]}",
	 "key \"as_path\" has a wrong value: give an array of at most 256 AS numbers, 1 to "
	 "4294967295"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"local_pref\":-1}",
	 "key \"local_pref\" has a wrong value: give a number from 0 to 4294967295"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"local_pref\":1.5}",
	 "key \"local_pref\" has a wrong value: give a number from 0 to 4294967295"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"local_pref\":true}",
	 "key \"local_pref\" has a wrong value: give a number from 0 to 4294967295"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"view\":\"far\"}",
	 "key \"view\" has a wrong value: give local or remote"},
	{"{\"op\":\"announce\",\"view\":\"remote\",\"prefix\":\"10.0.0.0/8\",\"class\":\"er\"}",
	 "key \"class\" has a wrong value: give expressroute, vpn, peering or other"},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"class\":\"vpn\"}",
	 "key \"class\" is of the remote view: remove it, or add \"view\":\"remote\""},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\",\"path\":\"x\",\"circuit\":\"er1\"}",
	 "key \"circuit\" is of the remote view: remove it, or add \"view\":\"remote\""},
	{"{\"op\":\"announce\",\"prefix\":\"10.0.0.0/8\"}",
	 "nothing says which path it belongs to: add \"path\", \"peer\" or \"nexthop\""},
	{"{\"op\":\"end-of-rib\",\"a\\u001b[31m\":1}",
	 "key \"a?[31m\" is not known to op \"end-of-rib\": remove it"},
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct jsonl_line line = {.op = JSONL_PEER_UP};
		char error[160] = "";

		assert_int_equal(
			jsonl_line_parse(mistakes[i].line, strlen(mistakes[i].line), &line, error),
			-EINVAL);
		if (mistakes[i].error)
			assert_string_equal(error, mistakes[i].error);
		else
			assert_int_equal(strncmp(error, "not JSON (", 10), 0);
		assert_int_equal(line.op, JSONL_PEER_UP);
	}
}

/* --- Files. --- */

static char dir[64], file[96];
static struct config_feed cfg;

#define ANNOUNCE(prefix) "{\"op\":\"announce\",\"prefix\":\"" prefix "\",\"path\":\"vpn30\"}\n"
#define WITHDRAW(prefix) "{\"op\":\"withdraw\",\"prefix\":\"" prefix "\"}\n"
#define END		 "{\"op\":\"end-of-rib\"}\n"
#define TOLD(prefix)	 "announce " prefix " path vpn30\n"

static void file_write(const char *path, const char *mode, const char *text)
{
	FILE *f = fopen(path, mode);

	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	fclose(f);
}

static struct recorder *feed_up(const char *text, bool follow)
{
	struct recorder *r = malloc(sizeof(*r));
	char error[200];

	recorder_init(r);
	strcpy(dir, "/tmp/test_jsonl.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/routes.jsonl", dir);
	if (text)
		file_write(file, "w", text);
	cfg = (struct config_feed){.name = "file", .type = FEED_JSONL, .follow = follow};
	cfg.file = (char *)"routes.jsonl"; /* relative to the config */
	assert_int_equal(
		feed_type(FEED_JSONL)->start(&r->feed, 0, &cfg, dir, r->base, &r->sink, error), 0);
	return r;
}

static void feed_down(struct recorder *r)
{
	feed_type(FEED_JSONL)->stop(r->feed);
	event_base_free(r->base);
	unlink(file);
	rmdir(dir);
	free(r);
}

static struct feed_status status(const struct recorder *r)
{
	struct feed_status st;

	feed_type(FEED_JSONL)->status(r->feed, &st);
	return st;
}

static void turns(struct recorder *r, uint64_t ms)
{
	uint64_t end = recorder_now_ms() + ms;

	while (recorder_now_ms() < end)
		recorder_turn(r);
}

static void test_follow(void **state)
{
	struct recorder *r = feed_up(ANNOUNCE("10.0.0.0/8") "\n \t\r\n", true);

	(void)state;
	assert_true(recorder_until(r, r->told, "announce"));
	assert_int_equal(status(r).state, FEED_UP);
	assert_true(status(r).sees_all);
	/* A line in two parts is one. */
	file_write(file, "a", "{\"op\":\"announce\",\"prefix\":\"10.1.");
	turns(r, 250);
	file_write(file, "a", "0.0/16\",\"path\":\"vpn30\"}\r\n" END);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told,
			    "begin\n" TOLD("10.0.0.0/8") TOLD("10.1.0.0/16") "end-of-rib\n");
	file_write(file, "a",
		   WITHDRAW("10.1.0.0/16") "{\"op\":\"peer-down\",\"peer\":\"10.0.0.1\"}\n"
					   "{\"op\":\"peer-up\",\"peer\":\"10.0.0.1\"}\n");
	assert_true(recorder_until(r, r->told,
				   "withdraw 10.1.0.0/16\npeer-down 10.0.0.1\n"
				   "peer-up 10.0.0.1\n"));
	assert_int_equal(status(r).updates, 6);
	assert_int_equal(status(r).errors, 0);
	assert_string_equal(r->log, "");
	feed_down(r);
}

static void test_once(void **state)
{
	/* The last line has no newline, and nobody says end-of-rib: the end of the file does. */
	struct recorder *r = feed_up(ANNOUNCE("10.0.0.0/8") "{\"op\":\"withdraw\",\"prefix\":"
							    "\"10.0.0.7/8\",\"path\":\"vpn30\"}",
				     false);

	(void)state;
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	file_write(file, "a", "\n" ANNOUNCE("10.9.0.0/16"));
	turns(r, 250);
	assert_string_equal(r->told, "begin\n" TOLD("10.0.0.0/8") "withdraw 10.0.0.0/8 path vpn30\n"
								  "end-of-rib\n");
	assert_int_equal(status(r).state, FEED_UP);
	assert_int_equal(status(r).masked, 1);
	feed_down(r);
	r = feed_up(END, false);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	turns(r, 250);
	assert_string_equal(r->told, "begin\nend-of-rib\n");
	feed_down(r);
}

static void test_bad_lines(void **state)
{
	struct recorder *r =
		feed_up(ANNOUNCE("10.0.0.0/8") "oops\n\n{\"op\":\"flap\"}\n" END, true);

	(void)state;
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told, "begin\n" TOLD("10.0.0.0/8") "end-of-rib\n");
	assert_non_null(strstr(r->log, "routes.jsonl:2: not JSON ("));
	assert_non_null(strstr(r->log, "routes.jsonl:4: key \"op\" has a wrong value: give "));
	assert_int_equal(status(r).errors, 2);
	assert_int_equal(status(r).updates, 2);
	assert_int_equal(strncmp(status(r).last_error, "routes.jsonl:4: ", 16), 0);
	r->answer = RIB_UNKNOWN_PATH;
	file_write(file, "a", ANNOUNCE("10.2.0.0/16"));
	assert_true(recorder_until(r, r->log, "routes.jsonl:6: unknown-path: no path owns"));
	assert_int_equal(status(r).errors, 3);
	assert_int_equal(status(r).refused[FEED_MALFORMED], 2);
	assert_int_equal(status(r).refused[FEED_UNKNOWN_PATH], 1);
	feed_down(r);
}

static void test_long_line(void **state)
{
	struct recorder *r = feed_up("", true);
	char *line = malloc(JSONL_LINE_MAX + 64);

	(void)state;
	/* Spaces fill it up to the limit exactly: taken. One more: refused. */
	for (size_t extra = 0; extra < 2; extra++) {
		size_t n = strlen(END) - 1, len = JSONL_LINE_MAX + extra;

		memset(line, ' ', len);
		memcpy(line, END, n);
		strcpy(line + len, "\n");
		file_write(file, "a", line);
	}
	file_write(file, "a", ANNOUNCE("10.0.0.0/8"));
	assert_true(recorder_until(r, r->told, "announce"));
	assert_string_equal(r->told, "begin\nend-of-rib\n" TOLD("10.0.0.0/8"));
	assert_string_equal(r->log, "routes.jsonl:2: line of more than 65536 bytes: split it\n");
	assert_int_equal(status(r).refused[FEED_LIMIT], 1);
	free(line);
	feed_down(r);
}

static void test_truncated(void **state)
{
	struct recorder *r = feed_up(ANNOUNCE("10.0.0.0/8") END, true);

	(void)state;
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	turns(r, 150);
	r->told[0] = '\0';
	file_write(file, "w", END); /* shorter */
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told, "begin\nend-of-rib\n");
	assert_non_null(strstr(r->log, "routes.jsonl: it was truncated: "));
	feed_down(r);
}

/* Written anew between two looks, to the same length and to a greater one. */
static void test_overwritten(void **state)
{
	struct recorder *r = feed_up(ANNOUNCE("10.0.0.0/8") END, true);

	(void)state;
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	turns(r, 250);
	r->told[0] = '\0';
	file_write(file, "w", ANNOUNCE("10.0.0.0/9") END);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told, "begin\n" TOLD("10.0.0.0/9") "end-of-rib\n");
	turns(r, 250);
	r->told[0] = '\0';
	file_write(file, "w", ANNOUNCE("10.3.0.0/16") ANNOUNCE("10.4.0.0/16") END);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told,
			    "begin\n" TOLD("10.3.0.0/16") TOLD("10.4.0.0/16") "end-of-rib\n");
	assert_int_equal(status(r).errors, 0);
	feed_down(r);
}

/* A new file takes the name; what was appended to the old one before is still read. */
static void test_replaced(void **state)
{
	struct recorder *r = feed_up(ANNOUNCE("10.0.0.0/8"), true);
	char other[128];

	(void)state;
	assert_true(recorder_until(r, r->told, "announce"));
	r->told[0] = '\0';
	snprintf(other, sizeof(other), "%s/new", dir);
	file_write(other, "w", ANNOUNCE("10.5.0.0/16") END);
	file_write(file, "a", ANNOUNCE("10.4.0.0/16") "{\"op\"");
	assert_int_equal(rename(other, file), 0);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told,
			    TOLD("10.4.0.0/16") "begin\n" TOLD("10.5.0.0/16") "end-of-rib\n");
	assert_non_null(strstr(r->log, "routes.jsonl: it was replaced: "));
	assert_non_null(strstr(r->log, "routes.jsonl:3: line without its end"));
	feed_down(r);
}

/* Written anew without end-of-rib: nothing goes, and who wrote it is told so, once. */
static void test_unsure(void **state)
{
	struct recorder *r = feed_up(ANNOUNCE("10.0.0.0/8"), true);
	const char *said = "read anew, and no end-of-rib came";

	(void)state;
	assert_true(recorder_until(r, r->told, "announce"));
	r->told[0] = '\0';
	file_write(file, "w", ANNOUNCE("10.1.0.0/16"));
	assert_true(recorder_until(r, r->log, said));
	assert_non_null(strstr(status(r).last_error, said));
	assert_string_equal(r->told, "begin\n" TOLD("10.1.0.0/16"));
	assert_int_equal(status(r).errors, 0);
	/* with it there is nothing to say */
	r->told[0] = r->log[0] = '\0';
	file_write(file, "w", ANNOUNCE("10.2.0.0/16") END);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	turns(r, 3500);
	assert_null(strstr(r->log, said));
	feed_down(r);
}

static void test_missing(void **state)
{
	struct recorder *r = feed_up(NULL, true);

	(void)state;
	assert_true(recorder_until(r, r->log, "put the file there"));
	assert_int_equal(status(r).state, FEED_DOWN);
	turns(r, 350);
	assert_string_equal(r->told, "");
	assert_string_equal(r->log,
			    "routes.jsonl: No such file or directory: put the file there, it "
			    "is tried again\n"); /* said once */
	file_write(file, "w", ANNOUNCE("10.0.0.0/8"));
	assert_true(recorder_until(r, r->told, "announce"));
	assert_int_equal(status(r).state, FEED_UP);
	unlink(file);
	assert_true(recorder_until(r, r->told, "lost"));
	assert_int_equal(status(r).state, FEED_STALE);
	turns(r, 250);
	file_write(file, "w", ANNOUNCE("10.0.0.0/8") END);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_string_equal(r->told, "begin\n" TOLD("10.0.0.0/8") "lost\nbegin\n" TOLD(
					     "10.0.0.0/8") "end-of-rib\n");
	assert_int_equal(status(r).state, FEED_UP);
	feed_down(r);
}

static void test_directory(void **state)
{
	struct recorder *r = feed_up(NULL, true);

	(void)state;
	mkdir(file, 0700);
	assert_true(recorder_until(r, r->log, "routes.jsonl: "));
	assert_int_equal(status(r).state, FEED_DOWN);
	rmdir(file);
	file_write(file, "w", END);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	feed_down(r);
}

/* A whole table, more than one turn of reading, comes complete and in order. */
static void test_large(void **state)
{
	struct recorder *r = feed_up(NULL, true);
	const size_t count = 40000;
	uint64_t end;
	FILE *f;

	(void)state;
	f = fopen(file, "w");
	assert_non_null(f);
	for (size_t i = 0; i < count; i++)
		fprintf(f, "{\"op\":\"announce\",\"prefix\":\"10.%zu.%zu.0/24\",\"path\":\"x\"}\n",
			i >> 8 & 0xff, i & 0xff);
	fputs(END, f);
	fclose(f);
	end = recorder_now_ms() + 20000;
	while (status(r).updates < count + 1 && recorder_now_ms() < end)
		recorder_turn(r);
	assert_int_equal(r->announced, count);
	assert_int_equal(status(r).errors, 0);
	feed_down(r);
}

/* Standard input: a pipe, whose end is the end of the table. */
static void test_stdin(void **state)
{
	struct recorder *r = malloc(sizeof(*r));
	static const char lines[] = ANNOUNCE("10.0.0.0/8") "x";
	int saved = dup(STDIN_FILENO), ends[2];
	char error[200];

	(void)state;
	recorder_init(r);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	cfg = (struct config_feed){.name = "in", .type = FEED_JSONL, .file = (char *)"-"};
	assert_int_equal(
		feed_type(FEED_JSONL)->start(&r->feed, 0, &cfg, NULL, r->base, &r->sink, error), 0);
	assert_int_equal(write(ends[1], lines, sizeof(lines) - 1), sizeof(lines) - 1);
	assert_true(recorder_until(r, r->told, "announce"));
	close(ends[1]);
	assert_true(recorder_until(r, r->told, "end-of-rib"));
	assert_non_null(strstr(r->log, "<stdin>:2: not JSON"));
	assert_int_equal(status(r).state, FEED_UP);
	feed_type(FEED_JSONL)->stop(r->feed);
	dup2(saved, STDIN_FILENO);
	close(saved);
	event_base_free(r->base);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	  cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_follow),	  cmocka_unit_test(test_once),
		cmocka_unit_test(test_bad_lines), cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_overwritten),
		cmocka_unit_test(test_replaced),  cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_missing),	  cmocka_unit_test(test_directory),
		cmocka_unit_test(test_large),	  cmocka_unit_test(test_stdin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
