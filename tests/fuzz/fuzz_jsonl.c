/* SPDX-License-Identifier: GPL-2.0-only */
/* Fuzz target: one line of the feed `jsonl`. */
#include "feed/jsonl.h"

#include <stdlib.h>
#include <string.h>

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_error(const char *error)
{
	require(error[0] && strlen(error) < 160 && strstr(error, ": "));
	for (; *error; error++)
		require((unsigned char)*error >= 0x20 && *error != 0x7f);
}

static void check_route(const struct jsonl_line *line)
{
	struct prefix copy = line->route.prefix;

	require(copy.family == 4 || copy.family == 6);
	require(copy.len <= prefix_max_len(copy.family));
	require(!prefix_mask(&copy));
	require(line->route.n_as <= JSONL_AS_MAX && line->route.as_path == line->as_path);
	require(memchr(line->route.path, '\0', sizeof(line->route.path)) != NULL);
	require(memchr(line->route.circuit, '\0', sizeof(line->route.circuit)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jsonl_line line;
	char error[160] = "", *text = malloc(size ? size : 1);

	require(text != NULL);
	memcpy(text, data, size);
	if (jsonl_line_parse(text, size, &line, error))
		check_error(error);
	else if (line.op == JSONL_ANNOUNCE || line.op == JSONL_WITHDRAW)
		check_route(&line);
	else if (line.op != JSONL_END_OF_RIB)
		require(line.route.peer.family == 4 || line.route.peer.family == 6);
	free(text);
	return 0;
}
