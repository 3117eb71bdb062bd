/* SPDX-License-Identifier: GPL-2.0-only */
/* `run`: hands over to the daemon. */
#include "cmd/cmd.h"
#include "daemon/daemon.h"

#define DEFAULT_CONFIG "/etc/sameway/sameway.yaml"

int cmd_run(const struct cmd_call *call)
{
	return daemon_run(call->instance, call->value[0] ? call->value[0] : DEFAULT_CONFIG);
}
