/* SPDX-License-Identifier: GPL-2.0-only */
/* The data plane's hooks: its programs on interfaces (hooks.c has the ways). */
#include "kernel/datapath_impl.h"

#include "kernel/hooks.h"
#include "kernel/report.h"

#include <errno.h>
#include <string.h>

static int hook_program(const struct datapath *dp, enum hook hook)
{
	switch (hook) {
	case HOOK_TC_INGRESS:
		return bpf_program__fd(dp->skel->progs.sw_tc_ingress);
	case HOOK_TC_EGRESS:
		return bpf_program__fd(dp->skel->progs.sw_tc_egress);
	default:
		return bpf_program__fd(dp->skel->progs.sw_xdp);
	}
}

int datapath_attach(struct datapath *dp, uint32_t ifindex, const char *ifname, enum hook hook,
		    char err[DATAPATH_ERR])
{
	report_start();
	return hooks_attach(dp->dir, hook_program(dp, hook), ifindex, ifname, hook, hooks_tc_way(),
			    err);
}

int datapath_xdp_check(struct datapath *dp, uint32_t ifindex, const char *ifname,
		       char err[DATAPATH_ERR])
{
	report_start();
	return hooks_xdp_check(dp->dir, ifindex, ifname, err);
}

bool datapath_runs(const struct datapath *dp, uint32_t ifindex, const char *ifname, enum hook hook)
{
	return hooks_runs(dp->dir, ifindex, ifname, hook);
}

int datapath_unattach(struct datapath *dp, const char *ifname, enum hook hook)
{
	return hooks_remove(dp->dir, ifname, hook);
}

bool datapath_attached(const struct datapath *dp, const char *ifname, enum hook hook)
{
	return hooks_attached(dp->dir, ifname, hook);
}

struct keep {
	const char *const *ifnames;
	size_t n;
};

static int prune_one(void *arg, const char *dir, const char *ifname, enum hook hook)
{
	const struct keep *keep = arg;

	for (size_t i = 0; i < keep->n; i++)
		if (!strcmp(keep->ifnames[i], ifname))
			return 0;
	return hooks_remove(dir, ifname, hook);
}

int datapath_prune(struct datapath *dp, const char *const *ifnames, size_t n)
{
	struct keep keep = {ifnames, n};

	return hooks_each(dp->dir, prune_one, &keep);
}
