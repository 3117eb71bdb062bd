/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pinned link keeps its program attached after the daemon's end, and lets the next daemon
 * replace the program between two packets. Two things undo it: the interface goes (the link stays,
 * bound to nothing, and can't be updated), or it returns as another one under the old name. So a
 * link is trusted only when its ifindex is the interface's and the interface, asked in our own
 * network namespace, says that it runs the link's program.
 */
#include "kernel/hooks.h"

#include "kernel/clsact.h"
#include "kernel/pins.h"
#include "kernel/report.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* enum bpf_attach_type of Linux 6.6, which Debian 12's headers don't have. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS  ((enum bpf_attach_type)47)

enum hooks_tc hooks_tc_way(void)
{
	static int known = -1;
	uint32_t n = 0;

	/* Of an interface that can't be: older kernels object to the attach type first. */
	if (known < 0)
		known = bpf_prog_query(INT_MAX, ATTACH_TCX_INGRESS, 0, NULL, NULL, &n) == -ENODEV
				? HOOKS_TCX
				: HOOKS_CLSACT;
	return (enum hooks_tc)known;
}

static bool hook_is_xdp(enum hook hook)
{
	return hook == HOOK_XDP || hook == HOOK_XDP_GENERIC;
}

static enum bpf_attach_type hook_attach_type(enum hook hook)
{
	if (hook_is_xdp(hook))
		return BPF_XDP;
	return hook == HOOK_TC_INGRESS ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS;
}

/* The XDP program on the interface, 0: none. */
static int xdp_program(uint32_t ifindex, uint32_t *id)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	int err = bpf_xdp_query((int)ifindex, 0, &opts);

	if (err)
		return err;
	*id = opts.drv_prog_id ? opts.drv_prog_id : opts.skb_prog_id;
	if (!*id)
		*id = opts.hw_prog_id ? opts.hw_prog_id : opts.prog_id;
	return 0;
}

/* Whether the interface of our namespace runs the program at the hook. */
static bool hook_runs(uint32_t ifindex, enum hook hook, uint32_t prog_id)
{
	uint32_t ids[64], n = 64, id = 0;

	if (hook_is_xdp(hook))
		return !xdp_program(ifindex, &id) && id == prog_id;
	if (bpf_prog_query((int)ifindex, hook_attach_type(hook), 0, NULL, ids, &n))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (ids[i] == prog_id)
			return true;
	return false;
}

/* The link's own state. xdp.ifindex lies where tcx.ifindex does; 0: the interface is gone. */
static int link_info(int fd, struct bpf_link_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

/* Detaches at once, whoever else holds the link, and unpins. */
static int link_drop(const char *dir, const char *name)
{
	int fd = pins_open(dir, name);

	if (fd >= 0) {
		bpf_link_detach(fd); /* -ENOLINK: had no interface any more */
		close(fd);
	}
	return pins_drop(dir, name);
}

/* 1: the pinned link runs our program now, 0: there is none that could, or -errno. */
static int link_adopt(const char *dir, const char *name, int prog_fd, uint32_t ifindex,
		      enum hook hook)
{
	struct bpf_link_info info;
	int fd = pins_open(dir, name), err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = link_info(fd, &info);
	if (!err && (info.xdp.ifindex != ifindex || !hook_runs(ifindex, hook, info.prog_id)))
		err = -ENOLINK;
	if (!err)
		err = bpf_link_update(fd, prog_fd, NULL);
	close(fd);
	if (!err)
		return 1;
	if (err != -ENOLINK && err != -ENODEV)
		return err;
	return link_drop(dir, name);
}

struct renamed {
	const char *ifname;
	uint32_t ifindex;
	enum hook hook;
};

/* Our link on this interface, pinned under a name that the interface had before. */
static int link_drop_renamed(void *arg, const char *dir, const char *ifname, enum hook hook)
{
	const struct renamed *now = arg;
	struct bpf_link_info info;
	char name[PINS_NAME];
	int fd, err;

	if (!strcmp(ifname, now->ifname) || hook_attach_type(hook) != hook_attach_type(now->hook))
		return 0;
	pins_hook_name(name, "link", ifname, hook);
	fd = pins_open(dir, name);
	if (fd < 0)
		return 0;
	err = link_info(fd, &info);
	close(fd);
	if (err || info.xdp.ifindex != now->ifindex || !hook_runs(now->ifindex, hook, info.prog_id))
		return err;
	return link_drop(dir, name);
}

static int link_make(const char *dir, const char *name, int prog_fd, uint32_t ifindex,
		     enum hook hook)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd, err;

	if (hook_is_xdp(hook))
		opts.flags = hook == HOOK_XDP ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(prog_fd, (int)ifindex, hook_attach_type(hook), &opts);
	if (fd < 0)
		return fd;
	err = pins_put(dir, name, fd);
	close(fd); /* not pinned: detaches it */
	return err;
}

static int xdp_foreign(uint32_t ifindex, const char *ifname, char err[DATAPATH_ERR])
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info), id = 0;
	int ret = xdp_program(ifindex, &id), fd;

	if (ret)
		return report_fail(err, ret,
				   "%s: can't ask for its XDP program (%s): see `ip link "
				   "show dev %s`",
				   ifname, strerror(-ret), ifname);
	if (!id)
		return 0;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &len);
		close(fd);
	}
	return report_fail(
		err, -EBUSY,
		"%s already carries the XDP program %s (id %u): remove it, "
		"`ip link set dev %s xdp off` or its owner's way, or stay in `mode: monitor`",
		ifname, info.name[0] ? info.name : "without a name", id, ifname);
}

static int attach_failed(const char *ifname, enum hook hook, int code, char err[DATAPATH_ERR])
{
	if (hook == HOOK_XDP && code == -EOPNOTSUPP)
		return report_fail(err, code,
				   "%s: its driver has no native XDP: stay in `mode: monitor`, "
				   "which needs none",
				   ifname);
	if (code == -ENODEV)
		return report_fail(err, code, "%s: no such interface here: see `ip link`", ifname);
	return report_fail(err, code, "%s: can't attach to %s (%s): see `dmesg`%s", ifname,
			   hook_name(hook), strerror(-code),
			   hook == HOOK_XDP ? " and the driver's limits for XDP (MTU, queues)"
					    : "");
}

int hooks_attach(const char *dir, int prog_fd, uint32_t ifindex, const char *ifname, enum hook hook,
		 enum hooks_tc tc, char err[DATAPATH_ERR])
{
	char name[PINS_NAME], now[IFNAMSIZ];
	int ret;

	if (!if_indextoname(ifindex, now))
		return attach_failed(ifname, hook, -ENODEV, err);
	if (!hook_is_xdp(hook) && tc == HOOKS_CLSACT)
		return clsact_attach(dir, prog_fd, ifindex, ifname, hook, err);
	pins_hook_name(name, "link", ifname, hook);
	ret = link_adopt(dir, name, prog_fd, ifindex, hook);
	if (ret > 0)
		return 0;
	if (!ret)
		ret = hooks_each(dir, link_drop_renamed, &(struct renamed){ifname, ifindex, hook});
	if (ret)
		return attach_failed(ifname, hook, ret, err);
	if (hook_is_xdp(hook)) {
		/* Native and generic exclude each other: the other one of ours makes room. */
		ret = hooks_remove(dir, ifname, hook == HOOK_XDP ? HOOK_XDP_GENERIC : HOOK_XDP);
		if (ret)
			return attach_failed(ifname, hook, ret, err);
		ret = xdp_foreign(ifindex, ifname, err);
		if (ret)
			return ret;
	}
	ret = link_make(dir, name, prog_fd, ifindex, hook);
	return ret ? attach_failed(ifname, hook, ret, err) : 0;
}

bool hooks_runs(const char *dir, uint32_t ifindex, const char *ifname, enum hook hook)
{
	struct bpf_link_info info;
	char name[PINS_NAME];
	bool runs;
	int fd;

	pins_hook_name(name, "link", ifname, hook);
	fd = pins_open(dir, name);
	if (fd < 0)
		return false;
	runs = !link_info(fd, &info) && info.xdp.ifindex == ifindex &&
	       hook_runs(ifindex, hook, info.prog_id);
	close(fd);
	return runs;
}

/* 1: this pinned link runs XDP on the interface, by whatever name. */
static int link_runs_xdp(void *arg, const char *dir, const char *ifname, enum hook hook)
{
	return hook_is_xdp(hook) && hooks_runs(dir, *(const uint32_t *)arg, ifname, hook);
}

int hooks_xdp_check(const char *dir, uint32_t ifindex, const char *ifname, char err[DATAPATH_ERR])
{
	if (hooks_each(dir, link_runs_xdp, &ifindex) == 1)
		return 0;
	return xdp_foreign(ifindex, ifname, err);
}

int hooks_remove(const char *dir, const char *ifname, enum hook hook)
{
	char name[PINS_NAME];
	int err;

	pins_hook_name(name, "link", ifname, hook);
	err = link_drop(dir, name);
	pins_hook_name(name, "filter", ifname, hook);
	if (err || !pins_have(dir, name))
		return err;
	return clsact_remove(dir, ifname, hook);
}

bool hooks_attached(const char *dir, const char *ifname, enum hook hook)
{
	struct bpf_link_info info;
	char name[PINS_NAME];
	bool attached;
	int fd;

	pins_hook_name(name, "filter", ifname, hook);
	if (pins_have(dir, name))
		return clsact_attached(ifname, hook);
	pins_hook_name(name, "link", ifname, hook);
	fd = pins_open(dir, name);
	if (fd < 0)
		return false;
	attached = !link_info(fd, &info) && info.xdp.ifindex;
	close(fd);
	return attached;
}

struct each {
	hooks_cb cb;
	void *arg;
};

static int each_one(void *arg, const char *dir, const char *name)
{
	const struct each *e = arg;
	char ifname[IFNAMSIZ];
	enum hook hook;

	if (pins_hook_parse(name, ifname, &hook))
		return 0;
	return e->cb(e->arg, dir, ifname, hook);
}

int hooks_each(const char *dir, hooks_cb cb, void *arg)
{
	struct each e = {cb, arg};
	int ret = pins_each(dir, "link_", each_one, &e);

	return ret ? ret : pins_each(dir, "filter_", each_one, &e);
}
