/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that outlives the daemon is a name in bpffs; this module knows the names and nothing
 * of what is behind them. The order of making and removing is what makes a crash harmless: `ctl`
 * is pinned last of the maps and removed first, so its presence says that the set is whole.
 */
#include "kernel/pins.h"

#include "kernel/report.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *const hook_names[HOOK_COUNT] = {
	[HOOK_XDP] = "xdp",
	[HOOK_XDP_GENERIC] = "xdp-generic",
	[HOOK_TC_INGRESS] = "tc-ingress",
	[HOOK_TC_EGRESS] = "tc-egress",
};

const char *hook_name(enum hook hook)
{
	return hook_names[hook];
}

int pins_dir(char dir[PINS_DIR], const char *instance, char err[DATAPATH_ERR])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_";
	size_t len = strlen(instance);

	if (!len || len > 63 || strspn(instance, allowed) != len)
		return report_fail(err, -EINVAL,
				   "\"%.80s\" can't be an instance's name: use 1 to 63 letters, "
				   "digits, - and _",
				   instance);
	snprintf(dir, PINS_DIR, PINS_BASE "/%s", instance);
	return 0;
}

bool pins_mounted(void)
{
	struct statfs fs;

	return !statfs(PINS_FS, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int pins_mount(bool *mounted, char err[DATAPATH_ERR])
{
	if (pins_mounted()) {
		*mounted = false;
		return 0;
	}
	if (mount("bpf", PINS_FS, "bpf", 0, "mode=0700"))
		return report_fail(err, -ENODEV,
				   "no bpffs at " PINS_FS " and it can't be mounted (%s): mount it "
				   "there, `mount -t bpf bpf " PINS_FS "`",
				   strerror(errno));
	*mounted = true;
	return 0;
}

int pins_make(const char *dir)
{
	/* The directory above may go between the two, with another instance's detach. */
	for (int i = 0; i < 10; i++) {
		if (mkdir(PINS_BASE, 0700) && errno != EEXIST)
			return -errno;
		if (!mkdir(dir, 0700) || errno == EEXIST)
			return 0;
		if (errno != ENOENT)
			return -errno;
	}
	return -ENOENT;
}

static void pins_path(char path[PINS_PATH], const char *dir, const char *name)
{
	snprintf(path, PINS_PATH, "%s/%s", dir, name);
}

int pins_open(const char *dir, const char *name)
{
	char path[PINS_PATH];

	pins_path(path, dir, name);
	return bpf_obj_get(path);
}

int pins_put(const char *dir, const char *name, int fd)
{
	char path[PINS_PATH], fresh[PINS_PATH];
	int err;

	pins_path(path, dir, name);
	snprintf(fresh, sizeof(fresh), "%s/new_%s", dir, name);
	unlink(fresh);
	err = bpf_obj_pin(fd, fresh);
	if (err)
		return err;
	if (rename(fresh, path)) {
		err = -errno;
		unlink(fresh);
	}
	return err;
}

int pins_drop(const char *dir, const char *name)
{
	char path[PINS_PATH];

	pins_path(path, dir, name);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

bool pins_have(const char *dir, const char *name)
{
	char path[PINS_PATH];
	struct stat st;

	pins_path(path, dir, name);
	return !lstat(path, &st);
}

static int not_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int pins_each(const char *dir, const char *prefix, pins_cb cb, void *arg)
{
	struct dirent **list;
	int n = scandir(dir, &list, not_dots, alphasort), ret = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		if (!ret && !strncmp(list[i]->d_name, prefix, strlen(prefix)))
			ret = cb(arg, dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return ret;
}

struct clearing {
	size_t removed;
	bool all; /* else the timers map stays */
};

static int clear_one(void *arg, const char *dir, const char *name)
{
	struct clearing *c = arg;
	int err;

	if (!c->all && !strcmp(name, "timers"))
		return 0;
	err = pins_drop(dir, name);
	if (!err)
		c->removed++;
	return err;
}

int pins_clear(const char *dir, size_t *removed)
{
	struct clearing c = {0};
	int err;

	if (pins_have(dir, "ctl")) {
		err = clear_one(&c, dir, "ctl");
		if (err)
			return err;
	}
	err = pins_each(dir, "", clear_one, &c);
	c.all = true;
	if (!err)
		err = pins_each(dir, "", clear_one, &c);
	*removed += c.removed;
	if (err)
		return err;
	if (rmdir(dir) && errno != ENOENT)
		return -errno;
	/* Other instances may be in there: then it stays. */
	return rmdir(PINS_BASE) && errno != ENOENT && errno != ENOTEMPTY ? -errno : 0;
}

void pins_hook_name(char out[PINS_NAME], const char *kind, const char *ifname, enum hook hook)
{
	snprintf(out, PINS_NAME, "%s_%.15s_%s", kind, ifname, hook_name(hook));
	for (char *dot = out; (dot = strchr(dot, '.'));)
		*dot = ':';
}

int pins_hook_parse(const char *name, char ifname[IFNAMSIZ], enum hook *hook)
{
	const char *from = strchr(name, '_'), *to = strrchr(name, '_');
	size_t len;

	if (!from || to == from || to - from - 1 >= IFNAMSIZ)
		return -EINVAL;
	len = (size_t)(to - from - 1);
	for (int i = 0; i < HOOK_COUNT; i++) {
		if (strcmp(to + 1, hook_names[i]))
			continue;
		memcpy(ifname, from + 1, len);
		ifname[len] = '\0';
		for (char *colon = ifname; (colon = strchr(colon, ':'));)
			*colon = '.';
		*hook = (enum hook)i;
		return 0;
	}
	return -EINVAL;
}

void pins_qdisc_name(char out[PINS_NAME], uint32_t ifindex)
{
	snprintf(out, PINS_NAME, "qdisc_%u", ifindex);
}
