/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A NIC that resets its rings when XDP is attached or taken off, for a daemon on veths, which
 * don't: loaded with LD_PRELOAD, it stands before libbpf's two calls, and runs `$NIC_RESET DEVICE
 * on|off`, which takes the far end down. So the carrier is away when they return, as with a real
 * driver.
 */
#include <bpf/bpf.h>
#include <dlfcn.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reset(unsigned int ifindex, const char *what)
{
	const char *script = getenv("NIC_RESET");
	char device[IFNAMSIZ], run[400];

	if (!script || !if_indextoname(ifindex, device))
		return;
	snprintf(run, sizeof(run), "%s %s %s", script, device, what);
	if (system(run))
		fprintf(stderr, "nic_reset: %s: it fails\n", run);
}

/* What the preloaded library stands before; the pointer comes as an object's. */
static void original(void *function, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(function, &found, sizeof(found));
}

int bpf_link_create(int prog, int target, enum bpf_attach_type type,
		    const struct bpf_link_create_opts *opts)
{
	int (*real)(int, int, enum bpf_attach_type, const struct bpf_link_create_opts *);
	int ret;

	original(&real, "bpf_link_create");
	ret = real(prog, target, type, opts);
	if (ret >= 0 && type == BPF_XDP)
		reset((unsigned int)target, "on");
	return ret;
}

int bpf_link_detach(int fd)
{
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);
	int (*real)(int), ret;

	original(&real, "bpf_link_detach");
	bpf_obj_get_info_by_fd(fd, &info, &len);
	ret = real(fd);
	if (!ret && info.type == BPF_LINK_TYPE_XDP)
		reset(info.xdp.ifindex, "off");
	return ret;
}
