/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The preflight of paths whose addresses are on another device than their packets, and of those
 * with VLAN tags: that the device is there and is named, that XDP sees the tags, that they have
 * room.
 */
#include "core/doctor.h"

#include <stdio.h>
#include <string.h>

static unsigned int tag_count(const struct config_path *path)
{
	return (path->vlan.vid[0] != 0) + (path->vlan.vid[1] != 0);
}

static void check_l3(struct doctor_report *report, const struct config_path *path,
		     const struct host_link *l3)
{
	char fix[HOST_TEXT];

	if (!l3) {
		snprintf(fix, sizeof(fix),
			 "make it, with the path's address on it (`ip link add link ... name %s "
			 "type "
			 "vlan id ...`), or mend `l3:` in the config",
			 path->l3);
		doctor_add(report, "l3", path->l3, false, fix,
			   "path %s: no such device here: it is to have the path's addresses and "
			   "neighbours",
			   path->name);
		return;
	}
	snprintf(fix, sizeof(fix), "`ip link set %s up`", path->l3);
	doctor_add(report, "l3", path->l3, l3->up, l3->up ? "" : fix,
		   "path %s: it has the path's addresses, and is %s", path->name,
		   l3->up ? "up" : "down");
}

/* A VLAN interface of as many tags on the link, NULL: none. */
static const struct host_link *vlan_on(const struct host *host, const struct host_link *trunk,
				       unsigned int tags)
{
	for (size_t i = 0; i < host->n_links; i++) {
		const struct host_link *at = &host->links[i];
		unsigned int n = 0;

		while (at && n < tags && !strcmp(at->kind, "vlan")) {
			at = at->lower ? host_link_by_index(host, at->lower) : NULL;
			n++;
		}
		if (at == trunk && n == tags)
			return &host->links[i];
	}
	return NULL;
}

/* Tags without `l3:`: the kernel asks for the gateway without tags. */
static void check_named(struct doctor_report *report, const struct config_path *path,
			const struct host *host, const struct host_link *trunk)
{
	const struct host_link *vlan = vlan_on(host, trunk, tag_count(path));
	char fix[HOST_TEXT];

	snprintf(fix, sizeof(fix), "write `l3: %s` for the path", vlan ? vlan->name : "DEVICE");
	doctor_add(report, "l3", path->interface, false, fix,
		   "path %s: it has `vlan:` and no `l3:`: %s asks for its gateway without tags%s%s",
		   path->name, path->interface, vlan ? "; there is " : "", vlan ? vlan->name : "");
}

static void check_offload(struct doctor_report *report, const struct config_path *path,
			  const struct host_link *trunk)
{
	char fix[HOST_TEXT];

	/* a veth takes none off: there it is the far end's (veth-vlan) */
	if (!trunk->rx_vlan || !strcmp(trunk->kind, "veth")) {
		doctor_add(report, "vlan-offload", path->interface, true, "",
			   "path %s: tags stay in the frame", path->name);
		return;
	}
	snprintf(fix, sizeof(fix), "`ethtool -K %s rxvlan off rx-vlan-stag-hw-parse off`",
		 path->interface);
	doctor_add(
		report, "vlan-offload", path->interface, false, fix,
		"path %s: the device takes VLAN tags off before XDP sees the frame: TC moves its "
		"packets, more slowly",
		path->name);
}

/* A device takes one tag beyond its MTU; the second needs room. */
static void check_room(struct doctor_report *report, const struct config_path *path,
		       const struct host_link *trunk, const struct host_link *l3)
{
	uint32_t mtu = path->mtu && path->mtu < l3->mtu ? path->mtu : l3->mtu;
	uint32_t want = mtu + (tag_count(path) - 1) * 4;
	char fix[HOST_TEXT];

	snprintf(fix, sizeof(fix), "`ip link set %s mtu %u`, or `ip link set %s mtu %u`",
		 path->interface, want, config_l3(path), trunk->mtu - (want - mtu));
	doctor_add(report, "vlan-mtu", path->interface, trunk->mtu >= want,
		   trunk->mtu >= want ? "" : fix,
		   "path %s: its MTU is %u, packets of %u with tags %s", path->name, trunk->mtu,
		   mtu, trunk->mtu >= want ? "fit" : "do not fit");
}

void doctor_vlans(struct doctor_report *report, const struct config *cfg, const struct host *host)
{
	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *path = &cfg->paths[i];
		const struct host_link *trunk = host_link(host, path->interface);
		const struct host_link *l3 = host_link(host, config_l3(path));
		bool apart = strcmp(config_l3(path), path->interface) != 0;

		if (apart)
			check_l3(report, path, l3);
		if (!path->vlan.all || !trunk)
			continue;
		if (!apart)
			check_named(report, path, host, trunk);
		check_offload(report, path, trunk);
		if (l3 && apart)
			check_room(report, path, trunk, l3);
	}
}
