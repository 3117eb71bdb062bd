/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line: options of the program, the verb by name or unique prefix, then options and
 * operands of the verb in any order. All names and all help come from the table.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_INSTANCE "default"
#define INSTANCE_MAX	 31
#define LONG_HELP	 1000
#define LONG_VERSION	 1001
#define LONG_OPTION	 1100 /* + place in cmd->options */
#define OPTION_LEN	 40
#define USAGE_LEN	 160

bool cmd_instance_ok(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_-"; /* no dot: bpffs has none in names */
	size_t len = strlen(name);

	return len && len <= INSTANCE_MAX && strspn(name, allowed) == len;
}

const struct cmd *cmd_find(const char *verb, char err[CMD_ERR])
{
	const struct cmd *found = NULL;
	char list[CMD_ERR / 2] = "";
	size_t n = 0, used = 0;

	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		if (!strcmp(cmd->name, verb))
			return cmd;
		if (!*verb || strncmp(cmd->name, verb, strlen(verb)))
			continue;
		found = cmd;
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 n++ ? ", " : "", cmd->name);
	}
	if (n == 1)
		return found;
	if (n)
		snprintf(err, CMD_ERR, "%s is ambiguous: say one of %s", verb, list);
	else
		snprintf(err, CMD_ERR, "unknown command \"%.60s\": see `sameway --help`", verb);
	return NULL;
}

static void long_option(struct option *out, const char *name, bool arg, int val)
{
	*out = (struct option){name, arg ? required_argument : no_argument, NULL, val};
}

/* Options of the program and of cmd (NULL: no verb yet) for getopt_long(). */
static void options_make(const struct cmd *cmd, char shorts[20],
			 struct option longs[CMD_OPTIONS_MAX + 3])
{
	size_t s = (size_t)snprintf(shorts, 20, "%s:ji:", cmd ? "" : "+"), l = 0;

	long_option(&longs[l++], "help", false, LONG_HELP);
	long_option(&longs[l++], "version", false, LONG_VERSION);
	for (int i = 0; cmd && i < CMD_OPTIONS_MAX; i++) {
		const struct cmd_option *option = &cmd->options[i];

		if (option->name)
			long_option(&longs[l++], option->name, option->arg, LONG_OPTION + i);
		if (option->letter)
			s += (size_t)snprintf(shorts + s, 20 - s, "%c%s", option->letter,
					      option->arg ? ":" : "");
	}
	longs[l] = (struct option){0};
}

/* "-c FILE" */
static void option_text(const struct cmd_option *option, char text[OPTION_LEN])
{
	snprintf(text, OPTION_LEN, "%s%.1s%s%s%s%s", option->letter ? "-" : "", &option->letter,
		 option->name ? "--" : "", option->name ? option->name : "", option->arg ? " " : "",
		 option->arg ? option->arg : "");
}

/* "flows [--verdict V] [--path P]": the call with all that it takes. */
static void usage_text(const struct cmd *cmd, char text[USAGE_LEN])
{
	char option[OPTION_LEN];
	size_t len = (size_t)snprintf(text, USAGE_LEN, "%s%s%s", cmd->name, *cmd->args ? " " : "",
				      cmd->args);

	for (int i = 0; i < CMD_OPTIONS_MAX && cmd->options[i].help && len < USAGE_LEN; i++) {
		option_text(&cmd->options[i], option);
		len += (size_t)snprintf(text + len, USAGE_LEN - len, " [%s]", option);
	}
}

static int option_wrong(const struct cmd *cmd, int c, char **argv, char err[CMD_ERR])
{
	char letter[] = {'-', (char)optopt, '\0'};
	bool is_short = optopt > ' ' && optopt < 127;
	const char *text = is_short ? letter : argv[optind - 1];
	const char *wrong = c == ':' ? "needs an argument" : "is no option here, or not used so";
	char usage[USAGE_LEN];

	if (!cmd) {
		snprintf(err, CMD_ERR, "%.60s %s: see `sameway --help`", text, wrong);
		return -EINVAL;
	}
	usage_text(cmd, usage);
	snprintf(err, CMD_ERR, "%.60s %s: say sameway %s", text, wrong, usage);
	return -EINVAL;
}

/* One option of the verb: c is its letter or LONG_OPTION + place. */
static int option_take(const struct cmd *cmd, int c, struct cmd_call *call, char err[CMD_ERR])
{
	for (int i = 0; i < CMD_OPTIONS_MAX; i++) {
		const struct cmd_option *option = &cmd->options[i];

		if (c != LONG_OPTION + i && !(option->letter && c == option->letter))
			continue;
		if (option->later) {
			snprintf(err, CMD_ERR, "%s: --%s: not yet in this version: %s", cmd->name,
				 option->name, option->later);
			return -EINVAL;
		}
		call->value[i] = option->arg ? optarg : "";
	}
	return 0;
}

/* Options of argv; cmd NULL: those before the verb. Leaves optind at the first operand. */
static int options_parse(int argc, char **argv, const struct cmd *cmd, struct cmd_call *call,
			 char err[CMD_ERR])
{
	struct option longs[CMD_OPTIONS_MAX + 3];
	char shorts[20];
	int c;

	options_make(cmd, shorts, longs);
	optind = 0; /* getopt of glibc starts anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int code = 0;

		if (c == 'j')
			call->json = true;
		else if (c == 'i')
			call->instance = optarg;
		else if (c == LONG_HELP)
			call->help = true;
		else if (c == LONG_VERSION)
			call->version = true;
		else if (c == '?' || c == ':')
			code = option_wrong(cmd, c, argv, err);
		else if (cmd)
			code = option_take(cmd, c, call, err);
		if (code)
			return code;
	}
	return 0;
}

static bool args_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help"))
			return true;
	}
	return false;
}

/* What a call must fulfil besides its options. */
static int call_check(const struct cmd_call *call, char err[CMD_ERR])
{
	const struct cmd *cmd = call->cmd;
	char usage[USAGE_LEN];

	if (!cmd_instance_ok(call->instance)) {
		snprintf(err, CMD_ERR,
			 "bad instance name \"%.60s\": 1 to 31 of letters, digits, _ and -",
			 call->instance);
		return -EINVAL;
	}
	if (call->argc < cmd->min_args || call->argc > cmd->max_args) {
		usage_text(cmd, usage);
		snprintf(err, CMD_ERR, "%s: too %s arguments: say sameway %s", cmd->name,
			 call->argc < cmd->min_args ? "few" : "many", usage);
		return -EINVAL;
	}
	if (call->json && cmd->no_json) {
		snprintf(err, CMD_ERR, "%s: has no JSON answer: leave out -j", cmd->name);
		return -EINVAL;
	}
	return 0;
}

int cmd_parse(int argc, char **argv, struct cmd_call *out, char err[CMD_ERR])
{
	struct cmd_call call = {.instance = DEFAULT_INSTANCE};
	int code = options_parse(argc, argv, NULL, &call, err);
	int verb = optind;

	if (code)
		return code;
	call.verb = verb < argc;
	call.cmd = cmd_find(call.verb ? argv[verb] : "status", err);
	if (!call.cmd)
		return -EINVAL;
	if (call.verb && call.cmd->later) {
		call.help = call.help || args_help(argc - verb, argv + verb);
	} else if (call.verb) {
		code = options_parse(argc - verb, argv + verb, call.cmd, &call, err);
		if (code)
			return code;
		call.argc = argc - verb - optind;
		call.argv = argv + verb + optind;
	}
	if (!call.help && !call.version && !call.cmd->later)
		code = call_check(&call, err);
	if (code)
		return code;
	*out = call;
	return 0;
}

static void help_option(FILE *out, const struct cmd_option *option)
{
	char text[OPTION_LEN];

	option_text(option, text);
	fprintf(out, "  %-16s  %s\n", text, option->help);
}

static void help_command(FILE *out, const struct cmd *cmd)
{
	char usage[USAGE_LEN];

	if (cmd->later) {
		fprintf(out, "sameway %s: not yet in this version: %s\n", cmd->name, cmd->later);
		return;
	}
	usage_text(cmd, usage);
	fprintf(out, "Usage: sameway %s[-i INSTANCE] %s\n\n%s\n", cmd->no_json ? "" : "[-j] ",
		usage, cmd->summary);
	if (cmd->options[0].help)
		fputs("\nOptions:\n", out);
	for (int i = 0; i < CMD_OPTIONS_MAX && cmd->options[i].help; i++)
		help_option(out, &cmd->options[i]);
}

static void help_program(FILE *out)
{
	const char *comma = "";

	fputs("Usage: sameway [-j] [-i INSTANCE] COMMAND [ARGUMENTS]\n"
	      "ExpressRoute first, and back the same way: chooses the path of each packet, pairs\n"
	      "the two directions of each flow, and says when they differ.\n\n"
	      "Options:\n"
	      "  -j           JSON\n"
	      "  -i INSTANCE  default: default\n"
	      "  --help       of a command: sameway COMMAND --help\n"
	      "  --version\n\n"
	      "Commands, which may be shortened (none: status):\n",
	      out);
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		char call[USAGE_LEN];

		if (cmd->later)
			continue;
		usage_text(cmd, call);
		fprintf(out, strlen(call) > 26 ? "  %s\n%30s%s\n" : "  %-26s  %s%s\n", call,
			strlen(call) > 26 ? "" : cmd->summary,
			strlen(call) > 26 ? cmd->summary : "");
	}
	fputs("\nNot yet in this version: ", out);
	for (const struct cmd *cmd = cmd_table; cmd->name; cmd++) {
		if (!cmd->later)
			continue;
		fprintf(out, "%s%s", comma, cmd->name);
		comma = ", ";
	}
	fputs("\n\nExit status: 0 done, 1 failed, 2 the call or the config is wrong,\n"
	      "3 audit or explain found asymmetry. See sameway(8), sameway.yaml(5).\n",
	      out);
}

char *cmd_help(const struct cmd *cmd)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (cmd)
		help_command(out, cmd);
	else
		help_program(out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
