/* SPDX-License-Identifier: GPL-2.0-only */
/* `audit`: part by part; as JSON the daemon's text is passed on as it is. */
#include "cmd/client.h"
#include "cmd/cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct audit_print {
	const char *down;
	struct output_parts parts;
	struct audit_text *text;
	bool asymmetric, failed;
};

static int print_part(void *arg, const char *rows, size_t len, const json_t *head)
{
	struct audit_print *p = arg;
	char *array;
	json_t *all;

	p->asymmetric |= json_integer_value(json_object_get(head, "asymmetric")) > 0;
	if (p->parts.json) {
		p->failed = output_part_text(&p->parts, rows, len);
		return p->failed ? -EIO : 0;
	}
	array = malloc(len + 2);
	if (array) {
		array[0] = '[';
		memcpy(array + 1, rows, len);
		array[len + 1] = ']';
	}
	all = array ? json_loadb(array, len + 2, 0, NULL) : NULL;
	free(array);
	if (!all)
		output_error("audit: out of memory: ask with -j, which needs none");
	p->failed = !all || output_audit(&p->text, p->down, all);
	json_decref(all);
	return p->failed ? -EIO : 0;
}

static int print_end(struct audit_print *p)
{
	if (p->parts.json)
		return output_parts_end(&p->parts);
	return output_audit_end(p->text);
}

int cmd_audit(const struct cmd_call *call)
{
	struct audit_print print = {.down = call->value[0],
				    .parts = {.view = SHOW_AUDIT, .json = call->json}};
	struct client_error err = {0};
	struct client *client;
	int code, status = cmd_connect(call, &client, &err);

	if (status)
		return status;
	code = client_text(client, json_pack("{s:s, s:s*}", "cmd", "audit", "if_down", print.down),
			   print_part, &print, &err);
	client_close(client);
	if (code && !print.failed && code != -EPIPE)
		output_error("%s: %s", call->cmd->name, err.text);
	if (code)
		return code == -EREMOTEIO ? err.exit : CMD_FAILED;
	if (print_end(&print))
		return CMD_FAILED;
	return print.asymmetric ? CMD_ASYMMETRIC : CMD_DONE;
}
