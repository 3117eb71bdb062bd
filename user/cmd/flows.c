/* SPDX-License-Identifier: GPL-2.0-only */
/* `flows`: the records of the pinned map, all or those of a verdict or path. */
#include "cmd/cmd.h"
#include "kernel/maps.h"
#include "output/rows.h"

#include <stdio.h>
#include <string.h>

enum { FLOWS_VERDICT, FLOWS_PATH }; /* places in the table's options */

static int verdict_parse(const char *text)
{
#define VERDICT_NAME(id, name) name,
	static const char *const names[] = {SW_VERDICTS(VERDICT_NAME)};
	char list[300] = "";
	size_t used = 0;

	for (int v = 0; v < SW_VERDICT_COUNT; v++) {
		if (v == SW_VERDICT_NO_ROUTE) /* has no records */
			continue;
		if (!strcmp(names[v], text))
			return v;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
					 names[v]);
	}
	output_error("flows: no flow has the verdict %s: say one of %s", text, list);
	return -1;
}

static bool path_known(struct maps *maps, const char *name)
{
	if (cmd_path_id(maps, name) >= 0)
		return true;
	output_error("flows: there is no path %s: `sameway paths` lists them", name);
	return false;
}

int cmd_flows(const struct cmd_call *call)
{
	const char *path = call->value[FLOWS_PATH];
	struct maps *maps;
	int status, verdict = -1;

	if (call->value[FLOWS_VERDICT]) {
		verdict = verdict_parse(call->value[FLOWS_VERDICT]);
		if (verdict < 0)
			return CMD_WRONG;
	}
	status = cmd_maps(call, &maps);
	if (status)
		return status;
	if (path && !path_known(maps, path))
		status = CMD_WRONG;
	else
		status = cmd_show(call, SHOW_FLOWS, rows_flows(maps, verdict, path));
	maps_close(maps);
	return status;
}
