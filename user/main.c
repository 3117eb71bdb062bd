/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sameway: ExpressRoute first, and back the same way. The program's front door: command line,
 * help, version, exit status. What the commands are is in cmd/table.c.
 */
#include "cmd/cmd.h"

#include <signal.h>
#include <stdlib.h>

static int show_help(const struct cmd *cmd)
{
	char *text = cmd_help(cmd);
	int err;

	if (!text) {
		output_error("out of memory: free some and try again");
		return CMD_FAILED;
	}
	err = output_text(text);
	free(text);
	return err ? CMD_FAILED : CMD_DONE;
}

int main(int argc, char **argv)
{
	char err[CMD_ERR];
	struct cmd_call call;

	signal(SIGPIPE, SIG_IGN); /* a closed stdout is an error of write(), exit status 1 */
	if (cmd_parse(argc, argv, &call, err)) {
		output_error("%s", err);
		return CMD_WRONG;
	}
	if (call.version)
		return output_text("sameway " SAMEWAY_VERSION "\n") ? CMD_FAILED : CMD_DONE;
	if (call.help)
		return show_help(call.verb ? call.cmd : NULL);
	if (call.cmd->later) {
		output_error("%s: not yet in this version: %s", call.cmd->name, call.cmd->later);
		return CMD_WRONG;
	}
	return call.cmd->run(&call);
}
