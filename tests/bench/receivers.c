/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who takes in a table by BGP, each at 127.0.0.1 port 1790 of the router's namespace, as AS 65000,
 * from 127.0.0.2 and 127.0.0.3, with files in a directory of its own.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXITS_WITHIN_S 20

__attribute__((format(printf, 3, 4))) static void file_write(const char *dir, const char *name,
							     const char *format, ...)
{
	char path[256];
	va_list args;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		fail("%s: %s", path, strerror(errno));
	va_start(args, format);
	vfprintf(f, format, args);
	va_end(args);
	fclose(f);
}

static void sameway_files(const char *dir)
{
	file_write(
		dir, "edge.yaml",
		"mode: monitor\n"
		"fib: { nodes4: 32768, nodes6: 262144 }\n"
		"paths:\n"
		"  - { name: er, class: expressroute, interface: r1, gateway: 10.254.1.2, "
		"gateway6: \"fd99:1::2\" }\n"
		"  - { name: vpn, class: vpn, interface: r2, gateway: 10.254.2.2, gateway6: "
		"\"fd99:2::2\" }\n"
		"inside:\n"
		"  - { interface: r0, networks: [10.1.0.0/16] }\n"
		"feeds:\n"
		"  - { name: table, type: bgp, listen: \"127.0.0.1:1790\", as: 65000, router-id: "
		"1.2.3.4, peers: [127.0.0.2, 127.0.0.3] }\n");
}

static void bird_files(const char *dir)
{
	static const char channels[] = "ipv4 { import all; export none; }; "
				       "ipv6 { import all; export none; };";

	file_write(dir, "bird.conf",
		   "router id 1.2.3.4;\nprotocol device {}\n"
		   "protocol bgp pa { local 127.0.0.1 port 1790 as 65000; neighbor 127.0.0.2 as "
		   "65000; multihop; passive; strict bind; %s }\n"
		   "protocol bgp pb { local 127.0.0.1 port 1790 as 65000; neighbor 127.0.0.3 as "
		   "65000; multihop; passive; strict bind; %s }\n",
		   channels, channels);
}

static void frr_files(const char *dir)
{
	file_write(dir, "bgpd.conf",
		   "router bgp 65000\n bgp router-id 1.2.3.4\n"
		   " neighbor 127.0.0.2 remote-as 65000\n neighbor 127.0.0.2 passive\n"
		   " neighbor 127.0.0.3 remote-as 65000\n neighbor 127.0.0.3 passive\n"
		   " address-family ipv6 unicast\n"
		   "  neighbor 127.0.0.2 activate\n  neighbor 127.0.0.3 activate\n");
}

static void gobgp_files(const char *dir)
{
	FILE *f;
	char path[256];

	file_write(dir, "gobgp.toml",
		   "[global.config]\n as = 65000\n router-id = \"1.2.3.4\"\n port = 1790\n"
		   " local-address-list = [\"127.0.0.1\"]\n");
	snprintf(path, sizeof(path), "%s/gobgp.toml", dir);
	f = fopen(path, "a");
	for (int peer = 2; f && peer < 4; peer++)
		fprintf(f,
			"[[neighbors]]\n [neighbors.config]\n  neighbor-address = \"127.0.0.%d\"\n"
			"  peer-as = 65000\n [neighbors.transport.config]\n  passive-mode = true\n"
			" [[neighbors.afi-safis]]\n  [neighbors.afi-safis.config]\n   "
			"afi-safi-name "
			"= \"ipv4-unicast\"\n"
			" [[neighbors.afi-safis]]\n  [neighbors.afi-safis.config]\n   "
			"afi-safi-name "
			"= \"ipv6-unicast\"\n",
			peer);
	if (f)
		fclose(f);
}

/* `%s`: the directory. count: prints the routes known, as numbers to be added up. */
const struct receiver receivers[] = {
	{.key = "sameway",
	 .name = "**sameway**, into RIB and maps",
	 .program = "build/sameway",
	 .files = sameway_files,
	 .start = "exec build/sameway -i bench run -c %s/edge.yaml",
	 .clean = "build/sameway -i bench detach >/dev/null",
	 .count = "build/sameway -i bench -j status | awk '/\"(prefixes4|prefixes6|refused)\":/ {p "
		  "+= $2} "
		  "/\"candidates\":/ {c = $2 + 0} END {print 2 * p < c ? 2 * p : c}'"},
	{.key = "bird",
	 .name = "BIRD 2",
	 .program = "/usr/sbin/bird",
	 .files = bird_files,
	 .start = "exec bird -f -c %s/bird.conf -s %s/ctl -P %s/pid",
	 /* its counters: `show route count` walks the table */
	 .count = "birdc -s %s/ctl show protocols all | sed -n 's/.*Routes: *\\([0-9]*\\) "
		  "imported.*/\\1/p'"},
	{.key = "frr",
	 .name = "FRR bgpd",
	 .program = "/usr/lib/frr/bgpd",
	 .files = frr_files,
	 .start = "exec /usr/lib/frr/bgpd -f %s/bgpd.conf -i %s/pid -p 1790 -l 127.0.0.1 -n -Z -S "
		  "-P "
		  "0 --vty_socket %s",
	 .count = "for f in ipv4 ipv6; do vtysh --vty_socket %s -c \"show bgp $f unicast summary "
		  "json\"; done | sed -n 's/.*\"pfxRcd\":\\([0-9]*\\).*/\\1/p'"},
	{.key = "gobgpd",
	 .name = "gobgpd",
	 .program = "/usr/bin/gobgpd",
	 .files = gobgp_files,
	 .start = "exec gobgpd -f %s/gobgp.toml --api-hosts 127.0.0.1:50051 -l error",
	 .count = "for f in ipv4 ipv6; do gobgp -u 127.0.0.1 global rib summary -a $f; done | sed "
		  "-n "
		  "'s/.*Path: *\\([0-9]*\\).*/\\1/p'"},
	{0},
};

/* The directory in place of each %s. */
static void command_make(char *out, size_t size, const char *format, const char *dir)
{
	size_t used = 0;

	for (; *format && used + 1 < size; format++) {
		if (format[0] == '%' && format[1] == 's') {
			used += (size_t)snprintf(out + used, size - used, "%s", dir);
			format++;
		} else {
			out[used++] = *format;
		}
	}
	out[used < size ? used : size - 1] = 0;
}

pid_t receiver_start(const struct receiver *r, const char *dir)
{
	char command[1024], log[256];
	pid_t pid;

	r->files(dir);
	command_make(command, sizeof(command), r->start, dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	fflush(NULL);
	world_enter(NS_ROUTER);
	pid = fork();
	if (!pid) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(fd, 1);
		dup2(fd, 2);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin_none();
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	world_leave();
	return pid;
}

size_t receiver_count(const struct receiver *r, const char *dir)
{
	char command[1024];
	size_t sum = 0, one;
	FILE *f;

	command_make(command, sizeof(command), r->count, dir);
	snprintf(command + strlen(command), sizeof(command) - strlen(command), " 2>/dev/null");
	world_enter(NS_ROUTER);
	f = popen(command, "r");
	world_leave();
	while (f && fscanf(f, "%zu", &one) == 1)
		sum += one;
	if (f)
		pclose(f);
	return sum;
}

/* Seconds of CPU so far, and bytes in memory that are its own. */
void receiver_use(pid_t pid, double *cpu, double *bytes)
{
	char path[64], line[1024];
	unsigned long long user = 0, kernel = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f && fgets(line, sizeof(line), f)) {
		const char *at = strrchr(line, ')');

		if (at)
			sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			       &user, &kernel);
	}
	if (f)
		fclose(f);
	*cpu = (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
	*bytes = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %lf", bytes) == 1)
			*bytes *= 1024;
	if (f)
		fclose(f);
}

/* Ours leaves its maps, which the next one would read. */
void receiver_stop(const struct receiver *r, pid_t pid)
{
	double give_up = now_s() + EXITS_WITHIN_S;

	kill(pid, SIGTERM);
	while (!waitpid(pid, NULL, WNOHANG)) {
		if (now_s() > give_up)
			kill(pid, SIGKILL);
		usleep(10000);
	}
	if (r->clean)
		world_run(NS_ROUTER, "%s", r->clean);
}
