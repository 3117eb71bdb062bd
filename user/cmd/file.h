/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading a whole file. */
#ifndef SAMEWAY_CMD_FILE_H
#define SAMEWAY_CMD_FILE_H

#include <stddef.h>

#define FILE_MAX_BYTES (64UL * 1024 * 1024)

/*
 * The file's bytes ("-": standard input), owned by the caller, ended by a 0 that *len does not
 * count. 0 or -errno; -EFBIG: more than FILE_MAX_BYTES.
 */
int file_read(const char *name, char **text, size_t *len);

#endif
