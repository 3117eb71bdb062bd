/* SPDX-License-Identifier: GPL-2.0-only */
/* The instance's lock: flock on a file that its holder may remove, so the file is checked after. */
#include "kernel/instance.h"

#include "kernel/report.h"

#include <dirent.h>
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

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

uint64_t instance_netns(void)
{
	return inode_of("/proc/self/ns/net");
}

/* The first name in `dir` whose file, with `suffix`, is that namespace. */
static bool netns_search(const char *dir, const char *suffix, uint64_t netns, char *name,
			 size_t size)
{
	DIR *names = opendir(dir);
	const struct dirent *entry;
	bool found = false;
	char path[320];

	while (names && !found && (entry = readdir(names))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, entry->d_name, suffix);
		found = inode_of(path) == netns;
		if (found)
			snprintf(name, size, "%s", entry->d_name);
	}
	if (names)
		closedir(names);
	return found;
}

bool instance_netns_enter(uint64_t netns, char *call, size_t size)
{
	static const char *const dirs[] = {"/run/netns", "/run/docker/netns"};
	char name[256];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (!netns_search(dirs[i], "", netns, name, sizeof(name)))
			continue;
		snprintf(call, size, "nsenter --net=%s/%.200s", dirs[i], name);
		return true;
	}
	if (!netns_search("/proc", "/ns/net", netns, name, sizeof(name)))
		return false;
	snprintf(call, size, "nsenter --net=/proc/%.20s/ns/net", name);
	return true;
}
