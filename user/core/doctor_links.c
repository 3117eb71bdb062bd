/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The preflight of the config's interfaces, in the order of the config, and of what packets need of
 * each: that it is there and up, forwards, is not filtered by reverse path, takes XDP, has the
 * room.
 */
#include "core/doctor.h"

#include <stdio.h>
#include <string.h>

#define MTU_LEAST 1400 /* what Azure's VPN carries, and hosts there expect */

/* One interface of the config, with what the config says of it. */
struct port {
	const char *name, *what; /* the interface; "path NAME" or "inside" */
	const struct config_path *path;
	const struct ip_addr *gateway[2];
	enum config_hook hook;
	bool v6;
	bool xdp_sends; /* some interface may have XDP, which redirects to it */
};

/* Ethernet drivers that take native XDP and can be redirected to. */
static const char *const xdp_drivers[] = {
	"veth",	     "tun",	"virtio_net",  "i40e",	  "ixgbe", "ixgbevf", "ice",
	"igb",	     "igc",	"mlx5_core",   "mlx4_en", "ena",   "bnxt_en", "hv_netvsc",
	"vmxnet3",   "gve",	"mana",	       "qede",	  "nfp",   "sfc",     "fsl_dpaa2_eth",
	"fsl_enetc", "stmmac",	"st_gmac",     "mvneta",  "mvpp2", "bonding", "xen_netfront",
	"netsec",    "ti_cpsw", "thunder-nic", "nicvf",	  "tsnep", "enetc",   "fec",
};

/* What the kernel says, else (before Linux 6.3) what is known of the driver. */
static bool has_native_xdp(const struct host_link *link)
{
	if (link->xdp_transmits >= 0)
		return link->xdp_transmits;
	for (size_t i = 0; i < sizeof(xdp_drivers) / sizeof(xdp_drivers[0]); i++)
		if (!strcmp(link->driver, xdp_drivers[i]))
			return true;
	return false;
}

static void check_up(struct doctor_report *report, const struct port *port,
		     const struct host_link *link)
{
	char fix[HOST_TEXT];

	if (!link->up) {
		snprintf(fix, sizeof(fix), "`ip link set %s up`", port->name);
		doctor_add(report, "link", port->name, false, fix, "%s: it is down", port->what);
	} else if (!link->carrier) {
		doctor_add(report, "link", port->name, false,
			   "look at the cable, the port of the other side, the tunnel",
			   "%s: it has no carrier", port->what);
	} else {
		doctor_add(report, "link", port->name, true, "", "%s: it is up", port->what);
	}
}

static void check_master(struct doctor_report *report, const struct host *host,
			 const struct port *port, const struct host_link *link)
{
	const struct host_link *master =
		link->master ? host_link_by_index(host, link->master) : NULL;
	char fix[HOST_TEXT];

	if (!master || !strcmp(master->kind, "vrf"))
		return;
	snprintf(fix, sizeof(fix), "write `interface: %s` in the config", master->name);
	doctor_add(report, "uplink", port->name, false, fix,
		   "%s: it is a port of %s%s%s, which has the addresses and the packets",
		   port->what, master->name, master->kind[0] ? ", a " : "", master->kind);
}

static void check_reverse_path(struct doctor_report *report, const struct port *port,
			       const struct host_link *link)
{
	char fix[HOST_TEXT];

	snprintf(fix, sizeof(fix),
		 "`sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.%s.rp_filter=0`, or 2 "
		 "(loose); and in /etc/sysctl.d",
		 port->name);
	if (link->rp_filter == 1)
		doctor_add(
			report, "rp-filter", port->name, false, fix,
			"%s: rp_filter is strict (1): what comes back by another path is dropped "
			"before anything sees it",
			port->what);
	else
		doctor_add(report, "rp-filter", port->name, true, "", "%s: rp_filter is %d",
			   port->what, link->rp_filter);
}

static void check_forwarding(struct doctor_report *report, const struct host *host,
			     const struct port *port, const struct host_link *link)
{
	bool on4 = host->forwarding4 && link->forwarding4;
	bool on6 = !port->v6 || (host->forwarding6 && link->forwarding6);
	char fix[HOST_TEXT];

	if (!on4) {
		snprintf(fix, sizeof(fix),
			 "`sysctl -w net.ipv4.ip_forward=1 net.ipv4.conf.%s.forwarding=1`; and in "
			 "/etc/sysctl.d",
			 port->name);
		doctor_add(
			report, "forwarding", port->name, false, fix,
			"%s: IPv4 forwarding is off: what sameway leaves to the kernel is dropped",
			port->what);
	}
	if (!on6) {
		snprintf(fix, sizeof(fix),
			 "`sysctl -w net.ipv6.conf.all.forwarding=1 "
			 "net.ipv6.conf.%s.forwarding=1`; and in /etc/sysctl.d",
			 port->name);
		doctor_add(
			report, "forwarding", port->name, false, fix,
			"%s: IPv6 forwarding is off: what sameway leaves to the kernel is dropped",
			port->what);
	}
	if (on4 && on6)
		doctor_add(report, "forwarding", port->name, true, "", "%s: on", port->what);
}

static void check_shaper(struct doctor_report *report, const struct port *port,
			 const struct host_link *link)
{
	char fix[HOST_TEXT];

	snprintf(fix, sizeof(fix),
		 "shape on the next hop instead and remove it here (`tc qdisc del dev %s root`), "
		 "or stay in `mode: monitor`",
		 port->name);
	if (!link->qdisc[0])
		doctor_add(report, "qdisc", port->name, true, "", "%s: no shaper", port->what);
	else if (link->l3)
		doctor_add(report, "qdisc", port->name, true, "",
			   "%s: shaper %s: obeyed, since packets for it are sent by TC", port->what,
			   link->qdisc);
	else
		doctor_add(report, "qdisc", port->name, false, fix,
			   "%s: shaper %s: redirected packets pass by it", port->what, link->qdisc);
}

static const char *driver_of(const struct host_link *link)
{
	return link->driver[0] ? link->driver : link->kind[0] ? link->kind : "none";
}

static void check_xdp_l3(struct doctor_report *report, const struct port *port)
{
	if (port->hook == CONFIG_HOOK_XDP || port->hook == CONFIG_HOOK_XDP_GENERIC)
		doctor_add(report, "xdp", port->name, false,
			   "leave its `hook:` out, or write `hook: tc`",
			   "%s: `hook: %s` on a device without Ethernet header, which TC is for",
			   port->what, port->hook == CONFIG_HOOK_XDP ? "xdp" : "xdp-generic");
	else
		doctor_add(report, "xdp", port->name, true, "",
			   "%s: a device without Ethernet header: TC is used", port->what);
}

static void check_xdp(struct doctor_report *report, const struct port *port,
		      const struct host_link *link)
{
	char fix[HOST_TEXT];

	if (link->xdp_id && !link->xdp_ours && port->hook != CONFIG_HOOK_TC) {
		snprintf(fix, sizeof(fix),
			 "remove it, `ip link set dev %s xdp off` or its owner's way, or stay in "
			 "`mode: monitor`",
			 port->name);
		doctor_add(report, "xdp", port->name, false, fix,
			   "%s: it already carries the XDP program %s (id %u)", port->what,
			   link->xdp_name[0] ? link->xdp_name : "without a name", link->xdp_id);
		return;
	}
	if (link->l3) {
		check_xdp_l3(report, port);
		return;
	}
	if (port->hook == CONFIG_HOOK_TC)
		doctor_add(report, "xdp", port->name, true, "",
			   "%s: `hook: tc`: TC moves its packets, whole GSO frames at once",
			   port->what);
	else if (port->hook == CONFIG_HOOK_XDP_GENERIC)
		doctor_add(
			report, "xdp", port->name, true, "",
			"%s: `hook: xdp-generic`: on any driver, behind the kernel's own work on "
			"a packet",
			port->what);
	else if (has_native_xdp(link))
		doctor_add(report, "xdp", port->name, true, "", "%s: %s", port->what,
			   link->xdp_ours ? "carries our program, and XDP can send to it"
					  : "free, and XDP can send to it");
	else if (port->hook == CONFIG_HOOK_XDP && !link->xdp_ours)
		doctor_add(report, "xdp", port->name, false,
			   "write `hook: auto`, `tc` or `xdp-generic`, or use another NIC",
			   "%s: `hook: xdp`, and its driver (%s) is not known to have native XDP: "
			   "TC moves its packets",
			   port->what, driver_of(link));
	else
		doctor_add(
			report, "xdp", port->name, true, "",
			"%s: its driver (%s) is not known to take what XDP redirects: TC moves its "
			"packets, more slowly",
			port->what, driver_of(link));
}

/* Whether its peer takes what XDP redirects to it; a peer that can't be seen is told of, once. */
static bool check_veth_gro(struct doctor_report *report, const struct port *port,
			   const struct host_link *link)
{
	const struct host_peer *peer = &link->peer;
	char fix[HOST_TEXT];

	if (!port->xdp_sends || (peer->seen ? peer->gro || peer->xdp : link->xdp_transmits != 0))
		return true;
	if (peer->seen) {
		snprintf(fix, sizeof(fix), "at the other end: `ethtool -K %s gro on`", peer->name);
		doctor_add(report, "veth-gro", port->name, false, fix,
			   "%s: its peer %s has GRO off: it takes no packets that XDP redirects",
			   port->what, peer->name);
	} else {
		doctor_add(report, "veth-gro", port->name, false,
			   "at the other end: `ethtool -K PEER gro on`",
			   "%s: its peer, in a namespace that can't be entered from here, takes no "
			   "packets that XDP redirects",
			   port->what);
	}
	return false;
}

/* What the peer leaves to a device, and XDP on this end would send on as it is. */
static bool check_veth_offloads(struct doctor_report *report, const struct port *port,
				const struct host_peer *peer)
{
	char fix[HOST_TEXT];

	if (port->hook == CONFIG_HOOK_TC)
		return true;
	if (peer->tx_checksum && port->hook != CONFIG_HOOK_XDP_GENERIC) {
		snprintf(fix, sizeof(fix), "at the other end: `ethtool -K %s tx off`", peer->name);
		doctor_add(
			report, "veth-checksum", port->name, false, fix,
			"%s: its peer %s leaves checksums to a device: XDP would send them on as "
			"they are, wrong",
			port->what, peer->name);
	}
	if (peer->tx_vlan) {
		snprintf(fix, sizeof(fix),
			 "at the other end: `ethtool -K %s txvlan off tx-vlan-stag-hw-insert off`",
			 peer->name);
		doctor_add(report, "veth-vlan", port->name, false, fix,
			   "%s: its peer %s keeps VLAN tags outside the frame, where XDP can't see "
			   "them",
			   port->what, peer->name);
	}
	return !peer->tx_checksum && !peer->tx_vlan;
}

static void check_veth(struct doctor_report *report, const struct port *port,
		       const struct host_link *link)
{
	const struct host_peer *peer = &link->peer;
	bool right;

	if (strcmp(link->kind, "veth"))
		return;
	right = check_veth_gro(report, port, link);
	if (peer->seen) {
		right &= check_veth_offloads(report, port, peer);
		if (right)
			doctor_add(report, "veth", port->name, true, "",
				   "%s: its peer %s is set right", port->what, peer->name);
	} else if (right) {
		doctor_add(
			report, "veth", port->name, true, "",
			"%s: its peer is in a namespace that can't be entered from here: see there "
			"that it has `ethtool -K PEER gro on tx off txvlan off`",
			port->what);
	}
}

static void check_mtu(struct doctor_report *report, const struct port *port,
		      const struct host_link *link)
{
	uint32_t want = port->path ? port->path->mtu : 0, mtu = link->mtu;
	char fix[HOST_TEXT];

	if (want > mtu) {
		snprintf(fix, sizeof(fix),
			 "`ip link set %s mtu %u`, or write `mtu: %u` for the path", port->name,
			 want, mtu);
		doctor_add(report, "mtu", port->name, false, fix,
			   "%s: its MTU is %u, less than the config's %u", port->what, mtu, want);
		return;
	}
	if (want)
		mtu = want;
	if (mtu < MTU_LEAST) {
		snprintf(fix, sizeof(fix),
			 "`ip link set %s mtu %u` or more, unless what is under it takes less",
			 port->name, MTU_LEAST);
		doctor_add(report, "mtu", port->name, false, fix,
			   "%s: its MTU is %u, less than %u: bigger packets that may not be "
			   "fragmented are answered \"too big\"",
			   port->what, mtu, MTU_LEAST);
		return;
	}
	doctor_add(report, "mtu", port->name, true, "", "%s: %u", port->what, mtu);
}

static void check_gateways(struct doctor_report *report, const struct host *host,
			   const struct port *port, const struct host_link *link)
{
	for (size_t i = 0; i < 2; i++) {
		char text[IP_STRLEN], fix[HOST_TEXT];

		if (!port->gateway[i] || !port->gateway[i]->family || link->l3)
			continue;
		ip_format(port->gateway[i], text);
		snprintf(fix, sizeof(fix),
			 "see whether the gateway is up and in this segment: `ip neigh show dev "
			 "%s`, "
			 "`ping %s`; or mend `gateway%s:` in the config",
			 port->name, text, i ? "6" : "");
		if (host_neighbor_valid(host, link->ifindex, port->gateway[i]))
			doctor_add(report, "neighbor", port->name, true, "",
				   "%s: gateway %s answers", port->what, text);
		else
			doctor_add(report, "neighbor", port->name, false, fix,
				   "%s: gateway %s has no neighbour entry: nobody answers for it",
				   port->what, text);
	}
}

/* A path on Ethernet: it needs a gateway, and a VPN there has its ESP made elsewhere. */
static void check_ethernet(struct doctor_report *report, const struct config *cfg,
			   const struct port *port, const struct host_link *link)
{
	const struct config_path *path = port->path;

	if (!path || link->l3)
		return;
	if (path->class == SW_CLASS_VPN && !path->encrypted && cfg->mode == SW_MODE_ENFORCE) {
		doctor_add(
			report, "encrypted", port->name, false,
			"name the tunnel's own device, or write `encrypted: true` where ESP is "
			"made beyond it",
			"%s: a VPN on an Ethernet device without `encrypted: true`: packets would "
			"leave in clear",
			port->what);
		return;
	}
	if (!path->gateway.family && !path->gateway6.family)
		doctor_add(report, "gateway", port->name, false,
			   "write its `gateway:`, or name the tunnel's own device",
			   "%s: an Ethernet device, and the path has no gateway", port->what);
}

static void check_port(struct doctor_report *report, const struct config *cfg,
		       const struct host *host, const struct port *port)
{
	const struct host_link *link = host_link(host, port->name);
	const char *l3 = port->path ? config_l3(port->path) : port->name;
	const struct host_link *owner = host_link(host, l3);
	struct port at_l3 = *port; /* what the kernel receives comes by that device */

	if (!link) {
		doctor_add(report, "interface", port->name, false,
			   "mend `interface:` in the config, or make it; `ip link` shows what "
			   "there is",
			   "%s: no such interface here", port->what);
		return;
	}
	check_up(report, port, link);
	check_master(report, host, port, link);
	at_l3.name = l3;
	if (owner) {
		check_reverse_path(report, &at_l3, owner);
		check_forwarding(report, host, &at_l3, owner);
		check_gateways(report, host, &at_l3, owner);
	}
	check_shaper(report, port, link);
	check_xdp(report, port, link);
	check_veth(report, port, link);
	check_mtu(report, port, link);
	check_ethernet(report, cfg, port, link);
}

/* IPv6 is forwarded where an inside network is of it. */
static bool config_has_v6(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_inside; i++)
		for (size_t k = 0; k < cfg->inside[i].n_networks; k++)
			if (cfg->inside[i].networks[k].family == 6)
				return true;
	return false;
}

static bool config_has_xdp(const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_paths; i++)
		if (cfg->paths[i].hook != CONFIG_HOOK_TC)
			return true;
	for (size_t i = 0; i < cfg->n_inside; i++)
		if (cfg->inside[i].hook != CONFIG_HOOK_TC)
			return true;
	return false;
}

/* Bytes of the largest IP packet that it carries, 0: its device is not there, or it is not chosen.
 */
static uint32_t path_mtu(const struct config *cfg, const struct host *host,
			 const struct config_path *path)
{
	const struct host_link *link = host_link(host, path->interface);

	if (!link || config_rank(cfg, path->class) == SW_NO_RANK)
		return 0;
	return path->mtu && path->mtu < link->mtu ? path->mtu : link->mtu;
}

/* That it carries less than another that its flows may come from. That is no fault: ICMP says so.
 */
static void check_mss(struct doctor_report *report, const struct config *cfg,
		      const struct host *host, const struct config_path *path)
{
	const struct config_path *larger = NULL;
	uint32_t mtu = path_mtu(cfg, host, path), most = mtu;

	for (size_t i = 0; mtu && i < cfg->n_paths; i++) {
		uint32_t other = path_mtu(cfg, host, &cfg->paths[i]);

		if (other > most) {
			most = other;
			larger = &cfg->paths[i];
		}
	}
	if (!larger)
		return;
	if (path->mss)
		doctor_add(report, "mss", path->interface, true, "",
			   "path %s: it carries %u bytes, path %s %u: TCP is made to fit by its "
			   "`mss:`",
			   path->name, mtu, larger->name, most);
	else
		doctor_add(report, "mss", path->interface, true, "",
			   "path %s: it carries %u bytes, path %s %u: what fails over to it and is "
			   "larger depends on ICMP `fragmentation needed`; `mss: auto` of the path "
			   "has TCP fit both from its start",
			   path->name, mtu, larger->name, most);
}

void doctor_links(struct doctor_report *report, const struct config *cfg, const struct host *host)
{
	bool v6 = config_has_v6(cfg), xdp = config_has_xdp(cfg);
	char what[SW_NAME_LEN + 8];

	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *path = &cfg->paths[i];
		struct port port = {.name = path->interface,
				    .what = what,
				    .path = path,
				    .hook = path->hook,
				    .xdp_sends = xdp,
				    .gateway = {&path->gateway, &path->gateway6},
				    .v6 = v6};

		snprintf(what, sizeof(what), "path %s", path->name);
		check_port(report, cfg, host, &port);
		check_mss(report, cfg, host, path);
	}
	for (size_t i = 0; i < cfg->n_inside; i++) {
		const struct config_inside *inside = &cfg->inside[i];
		struct port port = {.name = inside->interface,
				    .what = "inside",
				    .hook = inside->hook,
				    .xdp_sends = xdp,
				    .gateway = {&inside->gateway, &inside->gateway6},
				    .v6 = v6};

		check_port(report, cfg, host, &port);
	}
}
