/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A clsact filter has no link: it lives as long as its qdisc, and whoever removes it must know
 * which one it is. Ours has a fixed handle and priority, and a program named sw_tc_*; its pin in
 * the instance's directory says that it should be there. An interface that got another name keeps
 * the filter: it is found by the program's id. The qdisc may be the user's, with the user's
 * filters: it is removed only when we made it on this very interface (by ifindex, since a new
 * interface may have an old name) and no filter is left in it.
 */
#include "kernel/clsact.h"

#include "kernel/pins.h"
#include "kernel/report.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum bpf_tc_attach_point clsact_point(enum hook hook)
{
	return hook == HOOK_TC_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

/* The id of the program in our place, 0: none; *ours by the program's name. */
static uint32_t clsact_find(uint32_t ifindex, enum hook hook, bool *ours)
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = (int)ifindex,
		    .attach_point = clsact_point(hook));
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int fd;

	*ours = false;
	if (bpf_tc_query(&where, &filter))
		return 0;
	fd = bpf_prog_get_fd_by_id(filter.prog_id);
	if (fd < 0)
		return filter.prog_id;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		*ours = !strncmp(info.name, "sw_tc_", 6);
	close(fd);
	return filter.prog_id;
}

static int filter_seen(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWTFILTER)
		*(bool *)arg = true;
	return MNL_CB_OK;
}

/* Whether any filter is left at one side of the qdisc. -errno: could not be asked. */
static int filters_left(uint32_t ifindex, uint32_t side, bool *left)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	struct tcmsg *tcm;
	ssize_t n;
	int ret = 1;

	if (!nl)
		return -errno;
	nlh->nlmsg_type = RTM_GETTFILTER;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_ifindex = (int)ifindex;
	tcm->tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		ret = -errno;
	while (ret > 0) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		ret = n < 0 ? -errno
			    : mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), filter_seen,
					 left);
		if (n >= 0 && ret < 0)
			ret = -errno;
	}
	mnl_socket_close(nl);
	return ret;
}

/* Whether we made the interface's qdisc. */
static bool qdisc_ours(const char *dir, uint32_t ifindex)
{
	char name[PINS_NAME];

	pins_qdisc_name(name, ifindex);
	return pins_have(dir, name);
}

static int qdisc_forget(const char *dir, uint32_t ifindex)
{
	char name[PINS_NAME];

	pins_qdisc_name(name, ifindex);
	return pins_drop(dir, name);
}

/* The record of an interface that is gone. */
static int qdisc_forget_gone(void *arg, const char *dir, const char *name)
{
	char ifname[IFNAMSIZ];

	(void)arg;
	if (if_indextoname((uint32_t)strtoul(name + strlen("qdisc_"), NULL, 10), ifname))
		return 0;
	return pins_drop(dir, name);
}

static int qdisc_destroy(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int err = bpf_tc_hook_destroy(&where);

	return err == -ENOENT || err == -ENODEV ? 0 : err;
}

/* Makes the qdisc and records it, unless there is one. */
static int qdisc_make(const char *dir, uint32_t ifindex, const char *ifname)
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	char name[PINS_NAME], path[PINS_PATH];
	int err = bpf_tc_hook_create(&where);

	if (err && err != -EEXIST)
		return err;
	pins_each(dir, "qdisc_", qdisc_forget_gone, NULL);
	if (err == -EEXIST)
		return 0;
	pins_qdisc_name(name, ifindex);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (symlink(ifname, path) && errno != EEXIST) {
		err = -errno;
		qdisc_destroy(ifindex);
		return err;
	}
	return 0;
}

/* Removes our qdisc, unless it is used by somebody or never was ours. */
static int qdisc_release(const char *dir, uint32_t ifindex)
{
	bool left = false;
	int err;

	if (!ifindex || !qdisc_ours(dir, ifindex))
		return 0;
	err = filters_left(ifindex, TC_H_MIN_INGRESS, &left);
	if (!err)
		err = filters_left(ifindex, TC_H_MIN_EGRESS, &left);
	if (!err && !left)
		err = qdisc_destroy(ifindex);
	return err ? err : qdisc_forget(dir, ifindex);
}

static bool filter_pinned(const char *dir, const char *ifname, enum hook hook)
{
	char name[PINS_NAME];

	pins_hook_name(name, "filter", ifname, hook);
	return pins_have(dir, name);
}

/* Whether the other direction of the interface has a filter of ours. */
static bool other_side(const char *dir, const char *ifname, enum hook hook)
{
	return filter_pinned(dir, ifname,
			     hook == HOOK_TC_INGRESS ? HOOK_TC_EGRESS : HOOK_TC_INGRESS);
}

/* The id of the program that is pinned for the filter, 0: none. */
static uint32_t filter_pinned_id(const char *dir, const char *ifname, enum hook hook)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	char name[PINS_NAME];
	int fd;

	pins_hook_name(name, "filter", ifname, hook);
	fd = pins_open(dir, name);
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.id = 0;
	close(fd);
	return info.id;
}

static int filter_detach(uint32_t ifindex, enum hook hook)
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = (int)ifindex,
		    .attach_point = clsact_point(hook));
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);
	int err = bpf_tc_detach(&where, &filter);

	return err == -ENOENT ? 0 : err;
}

/* Our filters on the interface, when they are of those programs and not pinned by its name. */
static int drop_unpinned(const char *dir, const struct if_nameindex *dev, const uint32_t id[2])
{
	static const enum hook hooks[2] = {HOOK_TC_INGRESS, HOOK_TC_EGRESS};
	bool ours, dropped = false, kept = false;
	int err;

	for (int i = 0; i < 2; i++) {
		if (filter_pinned(dir, dev->if_name, hooks[i])) {
			kept = true;
			continue;
		}
		if (!id[i] || clsact_find(dev->if_index, hooks[i], &ours) != id[i] || !ours)
			continue;
		err = filter_detach(dev->if_index, hooks[i]);
		if (err)
			return err;
		dropped = true;
	}
	return dropped && !kept ? qdisc_release(dir, dev->if_index) : 0;
}

/* Drops what is left of our filters on an interface that had this name before. */
static int drop_renamed(const char *dir, const char *ifname, uint32_t ifindex)
{
	const uint32_t id[2] = {filter_pinned_id(dir, ifname, HOOK_TC_INGRESS),
				filter_pinned_id(dir, ifname, HOOK_TC_EGRESS)};
	struct if_nameindex *all;
	int err = 0;

	if (!id[0] && !id[1])
		return 0;
	all = if_nameindex();
	if (!all)
		return -errno;
	for (const struct if_nameindex *dev = all; !err && dev->if_index; dev++)
		if (dev->if_index != ifindex)
			err = drop_unpinned(dir, dev, id);
	if_freenameindex(all);
	return err;
}

int clsact_attach(const char *dir, int prog_fd, uint32_t ifindex, const char *ifname,
		  enum hook hook, char err[DATAPATH_ERR])
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = (int)ifindex,
		    .attach_point = clsact_point(hook));
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY,
		    .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE);
	char name[PINS_NAME];
	bool ours, was_pinned;
	uint32_t id;
	int ret;

	ret = drop_renamed(dir, ifname, ifindex);
	if (!ret)
		ret = qdisc_make(dir, ifindex, ifname);
	if (ret)
		return report_fail(err, ret,
				   "%s: can't make the clsact qdisc (%s): see `tc qdisc "
				   "show dev %s`",
				   ifname, strerror(-ret), ifname);
	id = clsact_find(ifindex, hook, &ours);
	if (id && !ours)
		return report_fail(err, -EBUSY,
				   "%s: priority %d of its %s filters is taken by the "
				   "program with id %u: move that filter",
				   ifname, CLSACT_PRIORITY, hook_name(hook), id);
	/* The pin first: a filter that nothing tells of would never be removed. */
	pins_hook_name(name, "filter", ifname, hook);
	was_pinned = pins_have(dir, name);
	ret = pins_put(dir, name, prog_fd);
	if (!ret)
		ret = bpf_tc_attach(&where, &filter);
	if (!ret)
		return 0;
	if (!was_pinned)
		pins_drop(dir, name);
	if (!was_pinned && !other_side(dir, ifname, hook))
		qdisc_release(dir, ifindex);
	if (ret == -EINVAL || ret == -EEXIST) /* of another protocol, or no BPF filter */
		return report_fail(err, -EBUSY,
				   "%s: priority %d of its %s filters is taken: give that filter a "
				   "later one (`tc filter show dev %s`), as ours has to come first",
				   ifname, CLSACT_PRIORITY, hook_name(hook), ifname);
	return report_fail(err, ret,
			   "%s: can't attach to %s (%s): it needs a clsact qdisc, see "
			   "`tc qdisc show dev %s`",
			   ifname, hook_name(hook), strerror(-ret), ifname);
}

int clsact_remove(const char *dir, const char *ifname, enum hook hook)
{
	uint32_t ifindex = if_nametoindex(ifname);
	char name[PINS_NAME];
	bool ours = false;
	int err;

	err = drop_renamed(dir, ifname, ifindex);
	if (!err && ifindex)
		clsact_find(ifindex, hook, &ours);
	if (!err && ours)
		err = filter_detach(ifindex, hook);
	if (err)
		return err;
	pins_hook_name(name, "filter", ifname, hook);
	err = pins_drop(dir, name);
	if (err || other_side(dir, ifname, hook))
		return err;
	return qdisc_release(dir, ifindex);
}

bool clsact_attached(const char *ifname, enum hook hook)
{
	uint32_t ifindex = if_nametoindex(ifname);
	bool ours = false;

	if (ifindex)
		clsact_find(ifindex, hook, &ours);
	return ours;
}
