/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of Azure's tables, by what their keys say that they are. */
#ifndef SAMEWAY_FEED_AZURE_H
#define SAMEWAY_FEED_AZURE_H

#include "feed/snapshot.h"

/* Of a row, by its key in any case (PowerShell writes AsPath); NULL: it has none. */
const json_t *azure_field(const json_t *row, const char *key);
const char *azure_text(const json_t *row, const char *key);

struct azure_kind;
/* What the table is, by its first row; NULL: nothing known. */
const struct azure_kind *azure_kind_of(const json_t *rows);
/* Takes all rows; those that are not as the first are refused one by one. */
void azure_rows(const struct azure_kind *kind, const struct config_feed *cfg, const json_t *rows,
		struct snapshot *out);

#endif
