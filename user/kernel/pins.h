/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instance's directory in bpffs and what is pinned there, by name:
 *   MAP                    each map of bpf/maps.h
 *   sw_PROGRAM             each program
 *   link_IFNAME_HOOK       a hook's link (XDP, tcx)
 *   filter_IFNAME_HOOK     before Linux 6.6: the program of a clsact filter, which has no link
 *   trace_TRACEPOINT       the link of a program on a tracepoint of the kernel
 *   qdisc_IFINDEX          symbolic link, to no file: the interface's clsact qdisc is from us
 * bpffs takes no dots in names: an interface's dot is written as a colon, which no interface has.
 */
#ifndef SAMEWAY_KERNEL_PINS_H
#define SAMEWAY_KERNEL_PINS_H

#include "kernel/datapath.h"
#include <net/if.h>
#include <sys/types.h>

#define PINS_FS	  "/sys/fs/bpf"
#define PINS_BASE PINS_FS "/sameway"
#define PINS_DIR  96  /* size of a directory's path */
#define PINS_PATH 384 /* size of a pin's path */
#define PINS_NAME 64  /* size of a hook's pin name */

/*
 * The instance's directory. -EINVAL with a message: the name is empty, longer than 63 characters,
 * or has others than letters, digits, `-` and `_`.
 */
int pins_dir(char dir[PINS_DIR], const char *instance, char err[DATAPATH_ERR]);
/* True: there is a bpffs at PINS_FS in our mount namespace. */
bool pins_mounted(void);
/* Mounts it where it is not; *mounted: we did. -ENODEV with a message: it can't be. */
int pins_mount(bool *mounted, char err[DATAPATH_ERR]);
/* Makes the directory and the one above, mode 0700. 0 or -errno; one that is there is fine. */
int pins_make(const char *dir);

/* A pin's fd, the caller closes it; or -errno, -ENOENT: no such pin. */
int pins_open(const char *dir, const char *name);
/* Pins the fd's object; a pin of that name is replaced, without a moment of having none. */
int pins_put(const char *dir, const char *name, int fd);
/* Removes the name; 0 also where there was none. */
int pins_drop(const char *dir, const char *name);
bool pins_have(const char *dir, const char *name);

typedef int (*pins_cb)(void *arg, const char *dir, const char *name);
/*
 * Calls cb for the names that begin with prefix, as they were when it was called, so that cb may
 * remove them. Stops at the first non-zero and returns it; 0 where there is no directory.
 */
int pins_each(const char *dir, const char *prefix, pins_cb cb, void *arg);
/*
 * Removes programs and maps and the directory; hooks must be gone. `ctl` goes first, as without
 * it the rest counts as incomplete; `timers` last, as the kernel's timer ends with it. Adds to
 * *removed. 0 or -errno.
 */
int pins_clear(const char *dir, size_t *removed);

/* The pin name of a hook; kind "link" or "filter". */
void pins_hook_name(char out[PINS_NAME], const char *kind, const char *ifname, enum hook hook);
/* The reverse. -EINVAL: no such name. */
int pins_hook_parse(const char *name, char ifname[IFNAMSIZ], enum hook *hook);
/* The name of the record that the clsact qdisc of the interface is ours. */
void pins_qdisc_name(char out[PINS_NAME], uint32_t ifindex);

#endif
