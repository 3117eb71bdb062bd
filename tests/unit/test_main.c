/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line as a user types it: verbs, prefixes, options in any place, what is refused and
 * how; and the requests that commands make of their operands.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/cmd.h"

#define ARGS_MAX 16

/* Splits at spaces: one call as typed. */
struct line {
	char text[200];
	char *argv[ARGS_MAX + 1];
	int argc;
	char err[CMD_ERR];
	struct cmd_call call;
};

static int typed(struct line *line, const char *text)
{
	memset(line, 0, sizeof(*line));
	strcpy(line->text, text);
	for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " "))
		line->argv[line->argc++] = word;
	return cmd_parse(line->argc, line->argv, &line->call, line->err);
}

static void assert_refused(const char *text, const char *message)
{
	struct line line;

	assert_int_equal(typed(&line, text), -EINVAL);
	if (!strstr(line.err, message))
		fail_msg("\"%s\" said \"%s\", not \"%s\"", text, line.err, message);
}

static void test_bare(void **state)
{
	struct line line;

	(void)state;
	assert_int_equal(typed(&line, "sameway"), 0);
	assert_string_equal(line.call.cmd->name, "status");
	assert_string_equal(line.call.instance, "default");
	assert_false(line.call.json);
	assert_int_equal(typed(&line, "sameway -j -i ce1"), 0);
	assert_string_equal(line.call.cmd->name, "status");
	assert_string_equal(line.call.instance, "ce1");
	assert_true(line.call.json);
}

static void test_options_anywhere(void **state)
{
	static const char *const texts[] = {
		"sameway -j -i ce1 flows --verdict ok --path er1",
		"sameway flows -j --verdict ok -i ce1 --path er1",
		"sameway -i ce1 flows --path=er1 --verdict=ok -j",
		"sameway flo --path er1 --verdict ok -ji ce1",
	};
	struct line line;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(typed(&line, texts[i]), 0);
		assert_string_equal(line.call.cmd->name, "flows");
		assert_string_equal(line.call.instance, "ce1");
		assert_true(line.call.json);
		assert_string_equal(line.call.value[0], "ok");
		assert_string_equal(line.call.value[1], "er1");
	}
	assert_int_equal(typed(&line, "sameway explain 10.0.0.1 from 10.2.30.10 -j"), 0);
	assert_int_equal(line.call.argc, 3);
	assert_string_equal(line.call.argv[0], "10.0.0.1");
	assert_string_equal(line.call.argv[2], "10.2.30.10");
	assert_true(line.call.json);
	assert_int_equal(typed(&line, "sameway check-config -"), 0);
	assert_string_equal(line.call.argv[0], "-");
	assert_int_equal(typed(&line, "sameway run -c a.yaml --foreground"), 0);
	assert_string_equal(line.call.value[0], "a.yaml");
	assert_int_equal(typed(&line, "sameway alerts -f --all"), 0);
	assert_non_null(line.call.value[0]);
	assert_non_null(line.call.value[1]);
	assert_int_equal(typed(&line, "sameway alerts --all"), 0);
	assert_null(line.call.value[0]);
}

/* Every prefix of every verb: taken when it fits one, refused with all that fit otherwise. */
static void test_prefixes(void **state)
{
	(void)state;
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		for (size_t len = 1; len <= strlen(cmd->name); len++) {
			char verb[32] = "", err[CMD_ERR] = "";
			const struct cmd *found, *only = NULL, *exact = NULL;
			size_t fits = 0;

			memcpy(verb, cmd->name, len);
			for (const struct cmd *c = cmd_table; c->name; c++) {
				if (strncmp(c->name, verb, len))
					continue;
				fits++;
				only = c;
				if (!c->name[len])
					exact = c;
			}
			found = cmd_find(verb, err);
			assert_ptr_equal(found, exact ? exact : fits == 1 ? only : NULL);
			if (!found)
				assert_non_null(strstr(err, cmd->name));
		}
	}
	assert_refused("sameway pat", "say one of paths, path");
	assert_refused("sameway a", "say one of audit, alerts, ack");
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("sameway frob", "unknown command \"frob\": see `sameway --help`");
	assert_refused("sameway -x", "-x is no option here");
	assert_refused("sameway -x", "see `sameway --help`");
	assert_refused("sameway status --all", "say sameway status");
	assert_refused("sameway flows -x", "say sameway flows [--verdict V] [--path P]");
	assert_refused("sameway -i", "-i needs an argument");
	assert_refused("sameway flows --path", "--path needs an argument");
	assert_refused("sameway alerts x", "too many arguments: say sameway alerts [-f] [--all]");
	assert_refused("sameway alerts --all=1", "--all=1 is no option here");
	assert_refused("sameway check-config", "too few arguments: say sameway check-config FILE");
	assert_refused("sameway status x", "too many arguments: say sameway status");
	assert_refused("sameway -j check-config a", "has no JSON answer");
	assert_refused("sameway -i a/b", "bad instance name");
	assert_refused("sameway -i ..", "bad instance name");
	assert_refused("sameway -i 12345678901234567890123456789012", "bad instance name");
	assert_refused("sameway enforce --for", "--for needs an argument");
	assert_refused("sameway monitor --for 5m", "--for is no option here");
	assert_refused("sameway reload now", "too many arguments: say sameway reload");
}

static void test_instance(void **state)
{
	(void)state;
	assert_true(cmd_instance_ok("ce1"));
	assert_true(cmd_instance_ok("Ab_c-9"));
	assert_false(cmd_instance_ok("a.b")); /* bpffs takes no dots */
	assert_true(cmd_instance_ok("1234567890123456789012345678901"));
	assert_false(cmd_instance_ok(""));
	assert_false(cmd_instance_ok("."));
	assert_false(cmd_instance_ok("a b"));
}

/* What the contract names and this version lacks is known, whatever its operands. */
static void test_later(void **state)
{
	static const char *const verbs[] = {"trace", "top", "fleet"};
	struct line line;
	char text[100];

	(void)state;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		snprintf(text, sizeof(text), "sameway %s --some 1 -z", verbs[i]);
		assert_int_equal(typed(&line, text), 0);
		assert_non_null(line.call.cmd->later);
		assert_false(line.call.help);
		assert_true(strlen(line.call.cmd->later) > 10);
	}
}

/* "[-c FILE]" */
static void assert_usage(const struct cmd_option *option, const char *help)
{
	char text[60];

	if (option->letter)
		snprintf(text, sizeof(text), "[-%c", option->letter);
	else
		snprintf(text, sizeof(text), "[--%s", option->name);
	if (option->arg)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", option->arg);
	strcat(text, "]");
	if (!strstr(help, text))
		fail_msg("%s is not in: %s", text, help);
}

static void test_help(void **state)
{
	char *all = cmd_help(NULL);
	struct line line;

	(void)state;
	assert_int_equal(typed(&line, "sameway --help"), 0);
	assert_true(line.call.help);
	assert_false(line.call.verb);
	assert_int_equal(typed(&line, "sameway check-config --help"), 0);
	assert_true(line.call.help);
	assert_int_equal(typed(&line, "sameway audit --help"), 0);
	assert_true(line.call.help);
	assert_int_equal(typed(&line, "sameway --version"), 0);
	assert_true(line.call.version);
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		char *one = cmd_help(cmd);

		assert_non_null(strstr(all, cmd->name));
		assert_non_null(strstr(one, cmd->name));
		for (int i = 0; i < CMD_OPTIONS_MAX && cmd->options[i].help; i++) {
			assert_non_null(strstr(one, cmd->options[i].help));
			assert_usage(&cmd->options[i], one);
			assert_usage(&cmd->options[i], all);
		}
		free(one);
	}
	free(all);
}

static void assert_request(json_t *(*make)(int, char **, char *), const char *text,
			   const char *expected)
{
	struct line line = {0};
	json_t *request;
	char *got;

	strcpy(line.text, text);
	for (char *word = strtok(line.text, " "); word; word = strtok(NULL, " "))
		line.argv[line.argc++] = word;
	request = make(line.argc, line.argv, line.err);
	if (*expected != '{') {
		assert_null(request);
		if (!strstr(line.err, expected))
			fail_msg("\"%s\" said \"%s\"", text, line.err);
		return;
	}
	assert_non_null(request);
	got = json_dumps(request, JSON_COMPACT);
	assert_string_equal(got, expected);
	free(got);
	json_decref(request);
}

static void test_requests(void **state)
{
	(void)state;
	assert_request(routes_request, "", "{\"cmd\":\"routes\"}");
	assert_request(routes_request, "10.10.30.7/24",
		       "{\"cmd\":\"routes\",\"prefix\":\"10.10.30.0/24\"}");
	assert_request(routes_request, "fd00::1", "{\"cmd\":\"routes\",\"address\":\"fd00::1\"}");
	assert_request(routes_request, "10.10.30", "10.10.30 is no prefix or address");
	assert_request(explain_request, "10.0.0.1", "{\"cmd\":\"explain\",\"dst\":\"10.0.0.1\"}");
	assert_request(explain_request, "10.0.0.1 port 443 from 10.2.30.10 proto tcp",
		       "{\"cmd\":\"explain\",\"dst\":\"10.0.0.1\",\"src\":\"10.2.30.10\","
		       "\"proto\":6,\"port\":443}");
	assert_request(explain_request, "fd00::1 proto 47",
		       "{\"cmd\":\"explain\",\"dst\":\"fd00::1\",\"proto\":47}");
	assert_request(explain_request, "10.0.0.1 proto icmp port 443",
		       "port 443: protocol 1 has no ports: leave the port out, or say proto tcp");
	assert_request(explain_request, "10.0.0.1 port 443",
		       "{\"cmd\":\"explain\",\"dst\":\"10.0.0.1\",\"proto\":6,\"port\":443}");
	assert_request(explain_request, "10.0.0.1 from fd00::1", "one is IPv4, one IPv6");
	assert_request(explain_request, "10.0.0.1 from", "from: too few arguments");
	assert_request(explain_request, "10.0.0.1 to 10.0.0.2", "to does not belong here");
	assert_request(explain_request, "10.0.0.1 port 80 port 81", "port does not belong here");
	assert_request(explain_request, "10.0.0.1 port 65536", "65536 is no port");
	assert_request(explain_request, "10.0.0.1 proto 256", "256 is no protocol");
	assert_request(explain_request, "10.0.0.0/24", "10.0.0.0/24 is no address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bare),	 cmocka_unit_test(test_options_anywhere),
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_instance), cmocka_unit_test(test_later),
		cmocka_unit_test(test_help),	 cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
