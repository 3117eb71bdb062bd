/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * generator g0 -- r0 router r1 -- s0 sink
 *                        r2 -- s1
 *
 * Network namespaces without a name, held by this process; a mount namespace with a bpffs of its
 * own. Interrupted or killed, all of it goes with the process.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define QUEUES 2 /* of each device: for as many CPUs */

struct world world;
static int home, ns_fd[NS_COUNT];

const char *const device_name[DEV_COUNT] = {"r0", "r1", "r2"};
const uint8_t device_mac[DEV_COUNT][6] = {
	{2, 0, 0, 0, 0, 0x30}, {2, 0, 0, 0, 0, 0x31}, {2, 0, 0, 0, 0, 0x32}};
const uint8_t device_peer_mac[DEV_COUNT][6] = {
	{2, 0, 0, 0, 0, 0x40}, {2, 0, 0, 0, 0, 0x41}, {2, 0, 0, 0, 0, 0x42}};

static void enter(int fd)
{
	if (setns(fd, CLONE_NEWNET))
		fail("can't enter a network namespace: %s", strerror(errno));
}

void world_enter(enum ns ns)
{
	enter(ns_fd[ns]);
}

void world_leave(void)
{
	enter(home);
}

static int own_namespace(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("no network namespaces: %s", strerror(errno));
	return fd;
}

void world_run(enum ns ns, const char *format, ...)
{
	char command[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	world_enter(ns);
	if (system(command))
		fail("this failed in namespace %d: %s", ns, command);
	world_leave();
}

/* dev of the router, its peer in another namespace. */
static void link_make(enum device dev, const char *peer, enum ns ns)
{
	world_run(NS_ROUTER,
		  "ip link add %s address 02:00:00:00:00:%02x numtxqueues %d numrxqueues %d type "
		  "veth peer name %s address 02:00:00:00:00:%02x numtxqueues %d numrxqueues %d && "
		  "ip link set %s netns /proc/%d/fd/%d && "
		  "ip link set %s up && ethtool -K %s gro on >/dev/null",
		  device_name[dev], device_mac[dev][5], QUEUES, QUEUES, peer,
		  device_peer_mac[dev][5], QUEUES, QUEUES, peer, getpid(), ns_fd[ns],
		  device_name[dev], device_name[dev]);
	world_run(ns,
		  "sysctl -qw net.ipv6.conf.%s.disable_ipv6=1 && ip link set %s up && "
		  "ethtool -K %s gro on >/dev/null",
		  peer, peer, peer);
}

static uint32_t index_of(enum ns ns, const char *name)
{
	uint32_t index;

	world_enter(ns);
	index = if_nametoindex(name);
	world_leave();
	return index;
}

/* Of the router: addresses, and who is behind each device. */
static void addresses(void)
{
	for (enum device dev = 0; dev < DEV_COUNT; dev++)
		world_run(NS_ROUTER,
			  "ip addr add 10.254.%d.1/24 dev %s && ip addr add fd99:%d::1/64 dev %s "
			  "nodad && ip neigh replace 10.254.%d.2 lladdr 02:00:00:00:00:%02x dev %s "
			  "&& ip neigh replace fd99:%d::2 lladdr 02:00:00:00:00:%02x dev %s",
			  dev, device_name[dev], dev, device_name[dev], dev,
			  device_peer_mac[dev][5], device_name[dev], dev, device_peer_mac[dev][5],
			  device_name[dev]);
	world_run(NS_ROUTER, "ip route add 10.1.0.0/16 via 10.254.0.2");
}

void world_open(void)
{
	if (geteuid())
		fail("not root: run it as root");
	home = own_namespace();
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		fail("no bpffs of its own (%s): see /proc/mounts", strerror(errno));
	for (int i = 0; i < NS_COUNT; i++) {
		if (unshare(CLONE_NEWNET))
			fail("no new network namespace: %s", strerror(errno));
		ns_fd[i] = own_namespace();
		world_leave();
		world_run(i, "ip link set lo up");
	}
	world_run(NS_ROUTER, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
			     "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0");
	link_make(DEV_LAN, "g0", NS_GENERATOR);
	link_make(DEV_ER, "s0", NS_SINK);
	link_make(DEV_VPN, "s1", NS_SINK);
	for (enum device dev = 0; dev < DEV_COUNT; dev++)
		world.ifindex[dev] = index_of(NS_ROUTER, device_name[dev]);
	world.generator = index_of(NS_GENERATOR, "g0");
	world.sink[0] = index_of(NS_SINK, "s0");
	world.sink[1] = index_of(NS_SINK, "s1");
	addresses();
}

uint64_t world_forwarded(void)
{
	unsigned long long n = 0;
	char line[1024];
	FILE *f;

	world_enter(NS_ROUTER);
	f = fopen("/proc/thread-self/net/snmp", "r");
	/* the second line that begins so has the numbers, forwarded datagrams the sixth */
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Ip: %*u %*u %*u %*u %*u %llu", &n) == 1)
			break;
	if (f)
		fclose(f);
	world_leave();
	return n;
}

void world_routes(const struct prefix *p, size_t n)
{
	char text[PREFIX_STRLEN];
	FILE *ip;

	world_enter(NS_ROUTER);
	ip = popen("ip -batch -", "w");
	for (size_t i = 0; ip && i < n; i++)
		fprintf(ip, "route replace %s via 10.254.1.2 dev r1\n", prefix_format(&p[i], text));
	if (!ip || pclose(ip))
		fail("the kernel did not take the routes");
	world_leave();
}
