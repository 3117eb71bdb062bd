/* SPDX-License-Identifier: GPL-2.0-only */
/* `ack`, `silence`: what people do about incidents. */
#include "cmd/cmd.h"
#include "core/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cmd_ack(const struct cmd_call *call)
{
	const char *text = call->argv[0];
	size_t len = strlen(text);
	json_t *rows;
	int status;

	if (!len || len > 18 || strspn(text, "0123456789") != len) {
		output_error("ack: %.40s: not a number: give the first one of an incident's line "
			     "in `sameway alerts`",
			     text);
		return CMD_WRONG;
	}
	status = cmd_ask(
		call,
		json_pack("{s:s, s:I}", "cmd", "ack", "id", (json_int_t)strtoull(text, NULL, 10)),
		&rows);
	return status ? status : cmd_show(call, SHOW_ACK, rows);
}

int cmd_silence(const struct cmd_call *call)
{
	const char *prefix = call->argv[0], *duration = call->argv[1];
	char text[PREFIX_STRLEN];
	struct prefix p;
	bool masked;
	json_t *rows;
	uint64_t ns = 0;
	int status;

	if (prefix_parse(prefix, &p, &masked)) {
		output_error("silence: %.60s: not a prefix: give one such as 10.10.30.0/24",
			     prefix);
		return CMD_WRONG;
	}
	if (masked) {
		output_error("silence: %.60s: has bits beyond its length: say %s", prefix,
			     prefix_format(&p, text));
		return CMD_WRONG;
	}
	if (strcmp(duration, "0") && duration_parse(duration, &ns)) {
		output_error("silence: %.40s: not a duration up to 24h: give one such as 30m or "
			     "2h, or 0 to end it",
			     duration);
		return CMD_WRONG;
	}
	status = cmd_ask(call,
			 json_pack("{s:s, s:s, s:I}", "cmd", "silence", "prefix",
				   prefix_format(&p, text), "for_ns", (json_int_t)ns),
			 &rows);
	return status ? status : cmd_show(call, SHOW_SILENCE, rows);
}
