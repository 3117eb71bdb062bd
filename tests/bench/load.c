/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends UDP packets into one namespace's device and counts what comes out of another's, on one CPU:
 * what lies between is what is measured.
 *
 *   load FROM-NETNS DEVICE TO-NETNS DEVICE SOURCE DESTINATION DMAC COUNT FLOWS
 *
 * prints "sent received ns": the time from the first packet to the last that arrived.
 */
#include "load.skel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QUIET_NS 50000000ULL /* nothing for so long: all that will come has come */
#define PAYLOAD	 36	     /* 64 bytes of IP */

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[PAYLOAD];
} __attribute__((packed));

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* Into the namespace; the device's number there. */
static int enter(const char *netns, const char *device)
{
	char path[128];
	int fd, ifindex;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
	ifindex = (int)if_nametoindex(device);
	if (!ifindex)
		die(device);
	return ifindex;
}

static uint16_t ip_checksum(struct iphdr ip)
{
	uint16_t word[sizeof(ip) / 2];
	uint32_t sum = 0;

	memcpy(word, &ip, sizeof(ip));
	for (size_t i = 0; i < sizeof(ip) / 2; i++)
		sum += word[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static struct frame frame_make(const char *src, const char *dst, const char *dmac)
{
	struct frame f = {
		.eth = {.h_proto = htons(ETH_P_IP), .h_source = {2, 0, 0, 0, 0, 1}},
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = 17},
		.udp = {.dest = htons(9)},
	};
	struct ether_addr mac;

	if (!ether_aton_r(dmac, &mac) || inet_pton(AF_INET, src, &f.ip.saddr) != 1 ||
	    inet_pton(AF_INET, dst, &f.ip.daddr) != 1)
		die("a MAC and two IPv4 addresses");
	memcpy(f.eth.h_dest, &mac, ETH_ALEN);
	f.ip.tot_len = htons(sizeof(f) - sizeof(f.eth));
	f.udp.len = htons(sizeof(f.udp) + PAYLOAD);
	f.ip.check = ip_checksum(f.ip);
	return f;
}

static uint64_t taken(const struct load *skel)
{
	uint64_t count[256] = {0}, sum = 0;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.taken), &zero, count))
		die("what was taken");
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += count[i];
	return sum;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct load *skel = load__open_and_load();
	struct frame frame;
	cpu_set_t cpu;
	uint64_t from, end, count, last;
	uint32_t repeat;

	if (argc != 10) {
		fprintf(stderr,
			"load: FROM-NETNS DEVICE TO-NETNS DEVICE SRC DST DMAC COUNT FLOWS\n");
		return 2;
	}
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (!skel || sched_setaffinity(0, sizeof(cpu), &cpu))
		die("the programs can't be loaded");
	if (!bpf_program__attach_xdp(skel->progs.take, enter(argv[3], argv[4])))
		die(argv[4]);
	skel->bss->out_ifindex = (uint32_t)enter(argv[1], argv[2]);
	skel->bss->flow_mask = (uint32_t)strtoul(argv[9], NULL, 10) - 1;
	frame = frame_make(argv[5], argv[6], argv[7]);
	memcpy(skel->bss->headers, &frame, sizeof(skel->bss->headers));
	repeat = (uint32_t)strtoul(argv[8], NULL, 10);
	opts.data_in = &frame;
	opts.data_size_in = sizeof(frame);
	opts.repeat = (int)repeat;
	opts.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	opts.batch_size = 64;
	from = now_ns();
	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.send), &opts))
		die("live frames");
	end = now_ns();
	for (last = taken(skel); now_ns() - end < QUIET_NS;) {
		count = taken(skel);
		if (count == last)
			continue;
		last = count;
		end = now_ns();
	}
	printf("%u %llu %llu\n", repeat, (unsigned long long)last,
	       (unsigned long long)(end - from));
	load__destroy(skel);
	return 0;
}
