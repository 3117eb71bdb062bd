/* SPDX-License-Identifier: GPL-2.0-only */
/* The instance's lock: flock on a file that its holder may remove, so the file is checked after. */
#include "kernel/instance.h"

#include "kernel/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_STEP_MS 20
#define LOCK_PATH    128

static void lock_path(const char *instance, char path[LOCK_PATH])
{
	snprintf(path, LOCK_PATH, "/run/sameway/%.63s.lock", instance);
}

/* 1: locked, 0: held by another, -1: the holder removed the file: open again. */
static int lock_try(const char *path, int fd)
{
	struct stat ours, there;

	if (flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	if (fstat(fd, &ours) || stat(path, &there) || ours.st_ino != there.st_ino)
		return -1;
	return 1;
}

int instance_lock(const char *instance, int timeout_ms, int *out, char err[DATAPATH_ERR])
{
	char path[LOCK_PATH];

	lock_path(instance, path);
	mkdir("/run/sameway", 0755);
	for (int waited = 0;; waited += LOCK_STEP_MS) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), got;

		if (fd < 0)
			return report_fail(err, -EPERM, "%s can't be made (%s): %s", path,
					   strerror(errno),
					   geteuid() ? "run as root" : "is /run writable?");
		got = lock_try(path, fd);
		if (got > 0) {
			*out = fd;
			return 0;
		}
		close(fd);
		if (got < 0)
			continue;
		if (waited >= timeout_ms)
			return report_fail(
				err, -EBUSY,
				"instance %s runs already: see `sameway -i %s status`, or "
				"give another one a name with -i",
				instance, instance);
		poll(NULL, 0, LOCK_STEP_MS);
	}
}

void instance_unlock(const char *instance, int fd, bool remove)
{
	char path[LOCK_PATH];

	if (fd < 0)
		return;
	lock_path(instance, path);
	if (remove)
		unlink(path);
	close(fd);
}

uint64_t instance_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}
