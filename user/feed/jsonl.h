/* SPDX-License-Identifier: GPL-2.0-only */
/* One line of the feed `jsonl` (contract.md, "Feed: JSON lines"): pure, no files. */
#ifndef SAMEWAY_FEED_JSONL_H
#define SAMEWAY_FEED_JSONL_H

#include "core/rib.h"

#define JSONL_AS_MAX   256
#define JSONL_LINE_MAX (64 * 1024) /* bytes, without the newline */

enum jsonl_op {
	JSONL_ANNOUNCE,
	JSONL_WITHDRAW,
	JSONL_PEER_DOWN,
	JSONL_PEER_UP,
	JSONL_END_OF_RIB,
};

struct jsonl_line {
	enum jsonl_op op;
	struct route route;		/* ANNOUNCE, WITHDRAW; peer alone: PEER_DOWN, PEER_UP */
	uint32_t as_path[JSONL_AS_MAX]; /* route.as_path points here */
	bool masked;			/* the prefix had host bits */
};

/*
 * Parses a line without its newline. 0, or -EINVAL with "what is wrong: what to do" in `error` and
 * *out untouched. *out must not be copied: route.as_path points into it.
 */
int jsonl_line_parse(const char *text, size_t len, struct jsonl_line *out, char error[160]);

#endif
