/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads a config or state file whole: they are small, and a bound keeps /dev/zero from filling
 * memory. */
#include "cmd/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fd_read(int fd, char **text, size_t *len)
{
	size_t used = 0, room = 0;
	char *buf = NULL;

	for (;;) {
		ssize_t n;

		if (room - used < 2) {
			char *more = room < FILE_MAX_BYTES ? realloc(buf, room ? room * 2 : 65536)
							   : NULL;

			if (!more) {
				free(buf);
				return room < FILE_MAX_BYTES ? -ENOMEM : -EFBIG;
			}
			room = room ? room * 2 : 65536;
			buf = more;
		}
		n = read(fd, buf + used, room - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = -errno;

			free(buf);
			return err;
		}
		if (!n)
			break;
		used += (size_t)n;
	}
	buf[used] = '\0';
	*text = buf;
	*len = used;
	return 0;
}

int file_read(const char *name, char **text, size_t *len)
{
	bool std = !strcmp(name, "-");
	int fd = std ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = fd_read(fd, text, len);
	if (!std)
		close(fd);
	return err;
}
