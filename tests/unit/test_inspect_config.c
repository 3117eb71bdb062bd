/* SPDX-License-Identifier: GPL-2.0-only */
/* What a config names and is not on this box: told with its line, and not refused. */
#include "config_assert.h"
#include "kernel/inspect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/sameway-inspect-XXXXXX";

static int setup(void **state)
{
	char path[64];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/there", dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	snprintf(path, sizeof(path), "%s/page", dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700));
	snprintf(path, sizeof(path), "%s/tables", dir);
	return mkdir(path, 0700);
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/there", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/page", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/tables", dir);
	rmdir(path);
	return rmdir(dir);
}

/* The warnings of a config; "" for none, each on a line with its number. */
static const char *warnings_in(const char *text, const char *config_dir)
{
	static char told[1000];
	struct config_errors out = {0};
	struct config *cfg = parse_good(text);

	assert_int_equal(inspect_config(cfg, config_dir, &out), 0);
	told[0] = '\0';
	for (size_t i = 0; i < out.n; i++)
		snprintf(told + strlen(told), sizeof(told) - strlen(told), "%d: %s\n",
			 out.v[i].line, out.v[i].text);
	config_errors_free(&out);
	config_free(cfg);
	return told;
}

/* Of one with this feed on line 4. */
static const char *warnings_of(const char *feed, const char *config_dir)
{
	char text[1000];

	snprintf(text, sizeof(text), BASE "feeds:\n- { name: f, %s }\n", feed);
	return warnings_in(text, config_dir);
}

static void test_inputs(void **state)
{
	static const struct {
		const char *feed, *told; /* told NULL: nothing */
	} cases[] = {
		{"type: jsonl, file: there", NULL},
		{"type: jsonl, file: '-'", NULL},
		{"type: jsonl, file: /dev/null", NULL},
		{"type: azure, dir: tables/", NULL},
		{"type: azure, command: true", NULL},
		{"type: azure, command: '. ./anything.sh'", NULL},
		{"type: azure, command: 'if true; then true; fi'", NULL},
		{"type: azure, command: 'A=1 no-such-command'",
		 NULL}, /* not the shell's first word */
		{"type: azure, command: '(no-such-command)'", NULL},
		{"type: jsonl, file: their",
		 "4: feed f: file: their: No such file or directory: mend the name"},
		{"type: mrt, file: x/rib.mrt",
		 "4: feed f: file: x/rib.mrt: No such file or directory"},
		{"type: frr, file: /nowhere/x.json", "4: feed f: file: /nowhere/x.json: No such"},
		{"type: frr, file: tables", "4: feed f: file: tables: Is a directory"},
		{"type: azure, dir: table/", "4: feed f: dir: table/: No such file or directory"},
		{"type: azure, dir: there", "4: feed f: dir: there: Not a directory"},
		{"type: frr, command: no-such-command -c 'x'",
		 "4: feed f: command: no-such-command: no such command"},
		{"type: frr, command: /nowhere/vtysh",
		 "4: feed f: command: /nowhere/vtysh: no such command"},
		{"type: frr, command: ./vtysh", "4: feed f: command: ./vtysh: is looked for where"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *told = warnings_of(cases[i].feed, dir);

		if (!cases[i].told && told[0])
			fail_msg("%s: told: %s", cases[i].feed, told);
		if (cases[i].told && strncmp(told, cases[i].told, strlen(cases[i].told)) != 0)
			fail_msg("%s: not told: %s, but: %s", cases[i].feed, cases[i].told, told);
	}
	/* of a config from standard input: relative to where we are */
	assert_string_equal(warnings_of("type: jsonl, file: /dev/null", NULL), "");
	assert_non_null(
		strstr(warnings_of("type: jsonl, file: no-such-file", NULL), "4: feed f: file"));
}

/* %s: the directory of this test. What the daemon could not run is told before an incident is. */
static void test_notify(void **state)
{
	static const struct {
		const char *command, *told; /* told NULL: nothing */
	} cases[] = {
		{"true", NULL},
		{"%s/page", NULL},
		{"%s/page --quiet | logger", NULL},
		{"PAGER=x page", NULL}, /* not the shell's first word */
		{"no-such-pager",
		 "no-such-pager: no such command: mend it, or install what has it"},
		{"%s/none", "/none: no such command"},
		{"%s/there", "/there: is not executable: chmod +x it"},
		{"%s/tables", "/tables: is a directory: name a program in it"},
		{"./page",
		 "./page: is looked for where `sameway run` was started: give its full path"},
		{"bin/page", "bin/page: is looked for where"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char command[100], text[400];
		const char *told;

		snprintf(command, sizeof(command), "%s", cases[i].command);
		if (strstr(command, "%s"))
			snprintf(command, sizeof(command), "%s%s", dir, cases[i].command + 2);
		snprintf(text, sizeof(text), BASE "notify:\n  command: '%s'\n", command);
		told = warnings_in(text, "/etc/sameway");
		if (!cases[i].told && told[0])
			fail_msg("%s: told: %s", command, told);
		if (cases[i].told && (strncmp(told, "4: notify: command: ", 20) != 0 ||
				      !strstr(told, cases[i].told)))
			fail_msg("%s: not told: %s, but: %s", command, cases[i].told, told);
	}
	assert_string_equal(warnings_in(BASE "notify:\n", NULL), "");
}

/* The only path is a circuit of its own name. */
static void test_circuits(void **state)
{
	(void)state;
	assert_string_equal(
		warnings_of("type: azure, command: true, circuits: { 10.0.0.1: a }", dir), "");
	assert_non_null(
		strstr(warnings_of("type: azure, command: true, circuits: {\n 10.0.0.1: a,\n"
				   " 10.0.0.2: b }",
				   dir),
		       "6: feed f: circuits: b: no path has this circuit"));
}

/* Of a path with these keys on line 3: what may be written so, and is most likely not meant. */
static void test_paths(void **state)
{
	static const struct {
		const char *keys, *told; /* told NULL: nothing */
	} cases[] = {
		{"gateway: 192.0.2.9, probe: { target: 192.0.2.10 }", NULL},
		{"gateway: 192.0.2.9, probe: {\n target: 192.0.2.9 }",
		 "4: target: 192.0.2.9: is path b's own gateway, which proves the link alone: give "
		 "a host behind it\n"},
		{"gateway6: 'fd00::9', probe: { target: '[fd00::9]:443' }",
		 "3: target: fd00::9: is path b's own gateway"},
		{"probe: { target: 'fd00::4' }", NULL},
		{"probe: { target: 'fd00::4:ab' }", NULL},
		{"probe: { target: 'fd00::4:0' }", NULL},
		{"probe: { target: 'fd00:0:0:0:0:0:4:443' }", NULL}, /* eight parts */
		{"probe: { target: '[fd00::4]:443' }", NULL},
		{"probe: { target: '[fd00::4:443]' }", NULL},
		{"probe: { target: 'fd00::4:443' }",
		 "3: target: fd00::4:443: is read as an address without a port: write "
		 "\"[ADDRESS]:PORT\" if its end is a port, \"[fd00::4:443]\" if not\n"},
		{"probe: { target: '1::2:179' }", "3: target: 1::2:179: is read as"},
		{"mss: auto, mtu: 1400", NULL},
		{"mss: 1460", NULL},
		{"mss: 1360, mtu: 1400", NULL},
		{"mtu: 1400,\n mss: 1361",
		 "4: mss: 1361: more than the path's mtu of 1400 leaves, 1360 by IPv4 and 1340 by "
		 "IPv6, which TCP is held to: write less, or auto\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[600];
		const char *told;

		snprintf(text, sizeof(text),
			 "inside: [{ interface: l0, networks: [10.0.0.0/24] }]\npaths:\n"
			 "- { name: b, class: other, interface: t1, %s }\n",
			 cases[i].keys);
		told = warnings_in(text, dir);
		if (!cases[i].told && told[0])
			fail_msg("%s: told: %s", cases[i].keys, told);
		if (cases[i].told && strncmp(told, cases[i].told, strlen(cases[i].told)) != 0)
			fail_msg("%s: not told: %s, but: %s", cases[i].keys, cases[i].told, told);
	}
}

/* What is told of the rules (test_rules.c) is among these. */
static void test_rule(void **state)
{
	(void)state;
	assert_non_null(strstr(warnings_of("type: azure, command: true }\nrules:\n- { name: a, "
					   "from: 172.16.0.0/12, deny: true",
					   dir),
			       "6: rule a: matches nothing from inside"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inputs),	 cmocka_unit_test(test_notify),
		cmocka_unit_test(test_circuits), cmocka_unit_test(test_paths),
		cmocka_unit_test(test_rule),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
