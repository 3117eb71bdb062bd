/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * burst SOURCE SOURCE-PORT DESTINATION DESTINATION-PORT N WHICH: one UDP packet of each of N flows,
 * whose ports of the side WHICH (source or destination) count up from the one given, over 50,000 of
 * them and then the other side's next. By a raw socket, in bursts that the tunnel's program can
 * take.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define PORTS 50000u

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	char data[4];
} __attribute__((packed));

int main(int argc, char **argv)
{
	struct packet p = {.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP}};
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	unsigned int sport, dport, n;
	int by_source;

	if (argc != 7 || fd < 0 || inet_pton(AF_INET, argv[1], &p.ip.saddr) != 1 ||
	    inet_pton(AF_INET, argv[3], &p.ip.daddr) != 1) {
		fprintf(stderr, "burst: six arguments, as root: see its first lines\n");
		return 2;
	}
	sport = (unsigned int)atoi(argv[2]);
	dport = (unsigned int)atoi(argv[4]);
	n = (unsigned int)atoi(argv[5]);
	by_source = !strcmp(argv[6], "source");
	to.sin_addr.s_addr = p.ip.daddr;
	p.ip.tot_len = htons(sizeof(p));
	p.udp.len = htons(sizeof(p) - sizeof(p.ip));
	for (unsigned int i = 0; i < n; i++) {
		unsigned int low = i % PORTS, high = i / PORTS;

		p.udp.source = htons((unsigned short)(sport + (by_source ? low : high)));
		p.udp.dest = htons((unsigned short)(dport + (by_source ? high : low)));
		if (sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
			perror("burst: sendto");
			return 1;
		}
		if (i % 50 == 49)
			nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	}
	return 0;
}
