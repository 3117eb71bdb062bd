/* SPDX-License-Identifier: GPL-2.0-only */
/* `init`: a first config from what is here, to stdout. It changes nothing. */
#include "cmd/cmd.h"
#include "cmd/routers.h"
#include "core/first_config.h"
#include "kernel/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int init_show(char *text, bool complete)
{
	int err;

	if (!text) {
		output_error("init: out of memory: free some and try again");
		return CMD_FAILED;
	}
	err = output_text(text);
	free(text);
	if (!complete)
		output_error("init: the config is not complete, no BGP neighbour or no private "
			     "network was found: fill in what DECIDE says");
	return err || !complete ? CMD_FAILED : CMD_DONE;
}

int cmd_init(const struct cmd_call *call)
{
	struct doctor_kernel kernel;
	struct sessions sessions = {0};
	const char *in_the_way = NULL;
	bool complete = false;
	char *text = NULL;
	struct host host;
	int err, status;

	err = inspect_host(&host, call->instance);
	if (err) {
		output_error("init: the interfaces can't be asked for: %s: run it as root",
			     strerror(-err));
		return CMD_FAILED;
	}
	inspect_kernel(&kernel, 0);
	for (size_t i = 0; i < 3 && !in_the_way; i++)
		if (kernel.filters[i][0])
			in_the_way = kernel.filters[i];
	err = routers_ask(&sessions);
	if (!err)
		text = first_config(&host, &sessions, in_the_way, &complete);
	status = init_show(text, complete);
	sessions_free(&sessions);
	host_free(&host);
	return status;
}
