/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control client against a server that misbehaves as a daemon could: answers in pieces, two
 * lines at once, an error, nonsense, an end in the middle, a socket left over.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/client.h"

static char dir[] = "/tmp/sameway-client-XXXXXX";
static char path[100];

/* A child that takes one connection, reads a line, writes the pieces, closes. */
static pid_t serve(const char *const *pieces)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	unlink(path);
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	if (!pid) {
		int conn = accept(fd, NULL, NULL);
		char c = 0;

		while (c != '\n' && read(conn, &c, 1) == 1)
			;
		for (; *pieces; pieces++) {
			if (write(conn, *pieces, strlen(*pieces)) < 0)
				_exit(1);
		}
		_exit(0);
	}
	close(fd);
	return pid;
}

static struct client *connected(void)
{
	struct client_error err;
	struct client *client;

	assert_int_equal(client_open(&client, path, "ce1", &err), 0);
	return client;
}

/* Asks a server with these pieces; the result of client_ask, and the text of rows in *rows. */
static int asked(const char *const *pieces, char **rows, struct client_error *err)
{
	pid_t pid = serve(pieces);
	struct client *client = connected();
	json_t *value = NULL;
	int code = client_ask(client, json_pack("{s:s}", "cmd", "status"), &value, err);

	*rows = value ? json_dumps(value, JSON_COMPACT) : NULL;
	json_decref(value);
	client_close(client);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return code;
}

static void test_answers(void **state)
{
	static const char *const pieces[] = {"{\"ok\":", "true,\"rows\":", "{\"a\":1}}", "\n",
					     NULL};
	struct client_error err;
	char *rows;

	(void)state;
	assert_int_equal(asked(pieces, &rows, &err), 0);
	assert_string_equal(rows, "{\"a\":1}");
	free(rows);
}

static void test_refusals(void **state)
{
	static const char *const no[] = {
		"{\"ok\":false,\"exit\":2,\"error\":\"no path x: see `sameway paths`\"}\n", NULL};
	static const char *const odd[] = {"hello\n", NULL};
	static const char *const odd_exit[] = {"{\"ok\":false,\"exit\":0,\"error\":\"e: f\"}\n",
					       NULL};
	static const char *const cut[] = {"{\"ok\":true,\"rows\":[", NULL};
	struct client_error err;
	char *rows;

	(void)state;
	assert_int_equal(asked(no, &rows, &err), -EREMOTEIO);
	assert_int_equal(err.exit, 2);
	assert_string_equal(err.text, "no path x: see `sameway paths`");
	assert_int_equal(asked(odd, &rows, &err), -EREMOTEIO);
	assert_int_equal(err.exit, 1);
	assert_non_null(strstr(err.text, "not understood"));
	assert_int_equal(asked(odd_exit, &rows, &err), -EREMOTEIO);
	assert_int_equal(err.exit, 1); /* an error never ends as success */
	assert_int_equal(asked(cut, &rows, &err), -ENODATA);
	assert_int_equal(err.exit, 1);
	assert_non_null(strstr(err.text, "the daemon ended"));
}

/* An answer longer than any buffer that the client starts with. */
static void test_long(void **state)
{
	size_t len = 300000;
	char *text = malloc(len + 40), *rows;
	const char *pieces[] = {text, NULL};
	struct client_error err;

	(void)state;
	strcpy(text, "{\"ok\":true,\"rows\":[\"");
	memset(text + strlen(text), 'x', len);
	strcpy(text + 20 + len, "\"]}\n");
	assert_int_equal(asked(pieces, &rows, &err), 0);
	assert_int_equal(strlen(rows), len + 4);
	free(rows);
	free(text);
}

static void test_follow(void **state)
{
	static const char *const pieces[] = {
		"{\"ok\":true,\"rows\":[]}\n{\"ok\":true,\"rows\":{\"id\":1}}\n{\"ok\":tr",
		"ue,\"rows\":{\"id\":2}}\n", NULL};
	pid_t pid = serve(pieces);
	struct client *client = connected();
	struct client_error err;
	json_t *rows;

	(void)state;
	assert_int_equal(client_ask(client, json_object(), &rows, &err), 0);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	for (int id = 1; id <= 2; id++) {
		assert_int_equal(client_next(client, 10000, &rows, &err), 0);
		assert_int_equal(json_integer_value(json_object_get(rows, "id")), id);
		json_decref(rows);
	}
	assert_int_equal(client_next(client, 10000, &rows, &err), -ENODATA);
	assert_int_equal(client_wait_closed(client, 10000), 0);
	client_close(client);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* An answer in parts says of each whether more follow. */
static void test_parts(void **state)
{
	static const char *const pieces[] = {"{\"ok\":true,\"more\":true,\"rows\":[1]}\n{\"ok\":"
					     "true,\"more\":false,\"rows\":[2]}\n",
					     NULL};
	pid_t pid = serve(pieces);
	struct client *client = connected();
	struct client_error err;
	json_t *rows;

	(void)state;
	assert_int_equal(client_ask(client, json_object(), &rows, &err), 0);
	assert_true(client_more(client));
	json_decref(rows);
	assert_int_equal(client_next(client, 10000, &rows, &err), 0);
	assert_false(client_more(client));
	json_decref(rows);
	client_close(client);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_no_daemon(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct client_error err;
	struct client *client;

	(void)state;
	unlink(path);
	assert_int_equal(client_open(&client, path, "ce1", &err), -ENOENT);
	assert_string_equal(err.text,
			    "no daemon runs for instance ce1: start it with `sameway -i ce1 "
			    "run`");
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd); /* its file stays: a daemon that was killed */
	assert_int_equal(client_open(&client, path, "ce1", &err), -ENOENT);
	assert_int_equal(err.exit, 1);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_long),	cmocka_unit_test(test_follow),
		cmocka_unit_test(test_parts),	cmocka_unit_test(test_no_daemon),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
