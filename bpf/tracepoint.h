/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that XDP has redirected and the kernel then lost. The program that redirected them has
 * long returned; only the kernel's tracepoints tell:
 *
 *   xdp_redirect_err   the device can't be sent to at all (down, frame too long): once a packet.
 *                      It names the devmap and the slot in it, so only ours are counted (by
 *                      the map's id: a tracing program may not hold a devmap of XDP's)
 *   xdp_devmap_xmit    the device was handed up to 16 and took fewer. It names devices only, so
 *                      both have to be ours, and of our network namespace
 *   kfree_skb          for what TC redirected: the kernel drops it where the device is down, or
 *                      has no carrier. It comes with every packet that is
 *                      dropped on this box: two reads tell that its device is up. What
 *                      came by no interface is this box's own (ARP, BGP), and no loss of ours
 *
 * As raw tracepoints: their arguments are plain words, and kernels that refuse fentry take them.
 */
#ifndef SAMEWAY_BPF_TRACEPOINT_H
#define SAMEWAY_BPF_TRACEPOINT_H

struct sk_buff {
	struct net_device *dev;
	int skb_iif;
} __attribute__((preserve_access_index));

static __always_inline void redirect_lost(__u32 slot, int err, __u32 packets)
{
	struct sw_redirect_errors *row = bpf_map_lookup_elem(&redirect_errors, &slot);

	if (!row)
		return;
	switch (-err) {
	case ENETDOWN:
		row->device_down += packets;
		break;
	case EMSGSIZE:
		row->too_long += packets;
		break;
	case EOPNOTSUPP:
		row->not_supported += packets;
		break;
	case ENXIO:
		row->no_receiver += packets;
		break;
	case 0:
	case ENOSPC:
		row->queue_full += packets;
		break;
	default:
		row->other += packets;
	}
}

/* Our row of the device, NULL: it is of somebody else, or of another network namespace. */
static __always_inline struct sw_interface *traced_interface(const struct net_device *dev,
							     const struct sw_ctl *c)
{
	__u32 ifindex = (__u32)BPF_CORE_READ(dev, ifindex);
	struct sw_interface *row;

	if (BPF_CORE_READ(dev, nd_net.net, ns.inum) != c->netns)
		return NULL;
	row = bpf_map_lookup_elem(&interfaces, &ifindex);
	return row && !row->owner ? row : NULL;
}

#endif
