/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own structs, as far as they are read here; libbpf puts in the offsets of the running
 * one. Read by bpf_probe_read_kernel, which never faults: what was freed meanwhile says something,
 * and who reads it looks whose it is.
 */
#ifndef SAMEWAY_BPF_DEVICE_H
#define SAMEWAY_BPF_DEVICE_H

struct hlist_node {
	struct hlist_node *next;
} __attribute__((preserve_access_index));
struct hlist_head {
	struct hlist_node *first;
} __attribute__((preserve_access_index));
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));
struct net {
	struct ns_common ns;
	struct hlist_head *dev_index_head; /* DEVICE_HEADS lists, by ifindex */
} __attribute__((preserve_access_index));
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	int ifindex;
	unsigned int flags;
	unsigned long state;
	possible_net_t nd_net;
	struct hlist_node index_hlist;
} __attribute__((preserve_access_index));
/* An anonymous enum of 8 bits until 6.8, a byte since: two kinds for CO-RE. */
struct net_device___byte {
	__u8 reg_state;
} __attribute__((preserve_access_index));
struct net_device___bits {
	enum { DEVICE_REGISTERED = 1 /* NETREG_REGISTERED */ } reg_state : 8;
} __attribute__((preserve_access_index));
struct nsproxy {
	struct net *net_ns;
} __attribute__((preserve_access_index));
struct task_struct {
	struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));
#define DEVICE_UP	  1   /* IFF_UP */
#define DEVICE_NO_CARRIER 2   /* __LINK_STATE_NOCARRIER, a bit's number */
#define DEVICE_HEADS	  256 /* NETDEV_HASHENTRIES */

/* Why the kernel sends nothing by the device, 0: it does. */
static __always_inline int device_silent(const struct net_device *dev)
{
	if (!(BPF_CORE_READ(dev, flags) & DEVICE_UP))
		return -ENETDOWN;
	return BPF_CORE_READ(dev, state) >> DEVICE_NO_CARRIER & 1 ? -ENXIO : 0;
}

/* It is there, and not on its way out: what was freed says so, until it is overwritten. */
static __always_inline bool device_registered(const struct net_device *dev)
{
	const struct net_device___byte *byte = (const void *)dev;
	const struct net_device___bits *bits = (const void *)dev;

	if (bpf_core_field_exists(byte->reg_state))
		return BPF_CORE_READ(byte, reg_state) == DEVICE_REGISTERED;
	return !bpf_core_field_exists(bits->reg_state) ||
	       BPF_CORE_READ_BITFIELD_PROBED(bits, reg_state) == DEVICE_REGISTERED;
}

#endif
