/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * News of the kernel that concern who forwards: rules of nftables, IPsec policies, `ip rule`. They
 * only say that it is time to look again.
 */
#ifndef SAMEWAY_KERNEL_WATCH_H
#define SAMEWAY_KERNEL_WATCH_H

struct event_base;

enum watch_news {
	WATCH_FILTERS, /* a chain, rule or policy is new */
	WATCH_RULES,   /* an `ip rule` is new or gone */
};

struct watch;
typedef void (*watch_cb)(void *arg, enum watch_news news);
/* What the kernel has no news of is not watched. cb must not stop it. 0 or -errno. */
int watch_start(struct watch **out, struct event_base *base, watch_cb cb, void *arg);
void watch_stop(struct watch *watch);

#endif
