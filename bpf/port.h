/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a frame is on an interface that has VLAN tags or several paths: its tags tell the port, and
 * where several paths share that, the MAC of who sent it (at TC egress: of who is to get it) tells
 * which, as it is that of the path's gateway. Tags are looked for beside the data (TC) and in it;
 * 802.1Q and 802.1ad are taken for either. A tag of VLAN 0 has a priority only, and is no tag here.
 */
#ifndef SAMEWAY_BPF_PORT_H
#define SAMEWAY_BPF_PORT_H

#define VLAN_HLEN_   4
#define VLAN_ID_BITS 0x0fff

struct port_search {
	void *ctx;
	struct place *at;
};

static __always_inline bool nexthop_has(void *ctx, __u32 index, const struct place *at)
{
	struct sw_nexthop *nh = bpf_map_lookup_elem(&nexthops, &index);

	if (!nh || !nh->family)
		return false;
	nexthop_refresh(ctx, nh, at->now);
	return nh->valid && mac_number(nh->dmac) == at->mac;
}

static int port_path(__u32 i, struct port_search *s)
{
	struct place *at = s->at;

	if (i >= SW_MAX_PATHS || !(at->paths >> i))
		return 1;
	if (!(at->paths >> i & 1))
		return 0;
	if (!nexthop_has(s->ctx, i * 2, at) && !nexthop_has(s->ctx, i * 2 + 1, at))
		return 0;
	at->slot = i;
	at->role = SW_ROLE_PATH;
	return 1;
}

static __always_inline bool port_tag(struct place *at, __u16 vid)
{
	if (!vid)
		return true;
	if (at->count >= SW_MAX_TAGS)
		return false;
	at->tags.vid[at->count & 1] = vid;
	at->count++;
	return true;
}

/*
 * The frame's tags into at->tags. False: more of them than a port can have. (What is found goes
 * through memory, where the verifier forgets it: one way on from here for it, not one a case.)
 */
static __always_inline bool port_tags(struct place *at, void *data, void *end)
{
	__u8 bytes;

	port_tag(at, at->beside & VLAN_ID_BITS);
#pragma unroll
	for (bytes = 0; bytes <= TAG_BYTES_MAX; bytes += VLAN_HLEN_) {
		__u16 *tag = data + ETH_HLEN_ - 2 + bytes;

		if ((void *)(tag + 2) > end || !is_vlan(tag[0]))
			return true;
		if (!port_tag(at, bpf_ntohs(tag[1]) & VLAN_ID_BITS))
			return false;
		at->tag_bytes = bytes + VLAN_HLEN_;
	}
	return false;
}

/*
 * The frame's port: fills *at; at->tagged: it has tags that no port has. Without a tag, on an
 * interface whose paths all have some, it is nobody's: role 0 and no `paths`.
 */
static __noinline int port_find(void *ctx, struct place *at, void *data, void *end)
{
	struct port_search search = {.ctx = ctx, .at = at};
	struct sw_port_key key;
	struct sw_port *port;

	if (data + ETH_HLEN_ > end)
		return 0; /* parse says so */
	at->tagged = !port_tags(at, data, end);
	if (at->tagged)
		return 0;
	key.ifindex = at->ifindex;
	key.tags.all = at->tags.all;
	port = bpf_map_lookup_elem(&ports, &key);
	at->tagged = !port && at->count;
	at->role = 0;
	if (!port)
		return 0;
	at->own = mac_number(port->mac);
	at->slot = port->slot;
	at->paths = port->paths;
	if (!(at->paths & (at->paths - 1))) {
		at->role = SW_ROLE_PATH;
		return 0;
	}
	at->now = clock_now();
	at->mac = at->leaves ? mac_number(data) : mac_number(data + ETH_ALEN);
	bpf_loop(SW_MAX_PATHS, port_path, &search, 0);
	return 0;
}

/* Fills *at. `from` is the interface's row: one path without tags, or inside, and it is all. */
static __always_inline void port_place(void *ctx, struct place *at, const struct frame *frame,
				       const struct sw_interface *from)
{
	at->slot = from->slot;
	at->role = from->role;
	at->l3 = from->l3;
	at->own = mac_number(from->mac);
	if (from->ports) {
		at->ifindex = frame->ifindex;
		port_find(ctx, at, frame->data, frame->end);
	}
}

#endif
