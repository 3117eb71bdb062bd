/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel DEVICE LOCAL REMOTE PORT [MTU]: a TUN device whose packets travel in UDP to the same
 * program at the other end. It stands for the site-to-site VPN in the lab: a device without
 * Ethernet header, a smaller MTU, packets that pass through user space, an underlay that can be
 * cut while the device stays up. No keys, no ciphers. The device goes when the program ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void handle_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* Makes the device, sets its MTU (bytes) and takes it up. Returns its fd or -errno. */
static int tun_open(const char *name, int mtu)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd, ctl, err = 0;

	if (strlen(name) >= sizeof(ifr.ifr_name))
		return -ENAMETOOLONG;
	memcpy(ifr.ifr_name, name, strlen(name));
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ctl = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ctl < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0) {
		err = -errno;
		goto out;
	}
	ifr.ifr_mtu = mtu;
	if (ioctl(ctl, SIOCSIFMTU, &ifr) < 0 || ioctl(ctl, SIOCGIFFLAGS, &ifr) < 0) {
		err = -errno;
		goto out;
	}
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(ctl, SIOCSIFFLAGS, &ifr) < 0)
		err = -errno;
out:
	if (ctl >= 0)
		close(ctl);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/* A UDP socket from local:port to remote:port; returns its fd or -errno. */
static int underlay_open(const char *local, const char *remote, const char *port)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	int size = 4 << 20, fd, err;

	from.sin_port = to.sin_port = htons((uint16_t)atoi(port));
	if (inet_pton(AF_INET, local, &from.sin_addr) != 1 ||
	    inet_pton(AF_INET, remote, &to.sin_addr) != 1)
		return -EINVAL;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Moves what is there, at most 64 packets; what can't be sent is lost, as on a wire. */
static int move_packets(int from, int to)
{
	char buf[65536];
	ssize_t len;

	for (int i = 0; i < 64; i++) {
		len = read(from, buf, sizeof(buf));
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (len < 0 && (errno == ECONNREFUSED || errno == EHOSTUNREACH ||
				errno == ENETUNREACH || errno == EIO))
			continue; /* the far end is not there: an error of an earlier packet */
		if (len < 0)
			return -errno;
		if (len == 0 || (buf[0] >> 4 != 4 && buf[0] >> 4 != 6))
			continue;
		if (write(to, buf, (size_t)len) < 0 && errno == EBADF)
			return -errno;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = handle_stop};
	struct pollfd fds[2];
	int err = 0;

	if (argc < 5 || argc > 6) {
		fprintf(stderr, "usage: tunnel DEVICE LOCAL REMOTE PORT [MTU]\n");
		return 2;
	}
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	fds[0] = (struct pollfd){.fd = tun_open(argv[1], argc > 5 ? atoi(argv[5]) : 1400),
				 .events = POLLIN};
	if (fds[0].fd < 0) {
		fprintf(stderr, "tunnel: device %s: %s: is /dev/net/tun there, the name free?\n",
			argv[1], strerror(-fds[0].fd));
		return 1;
	}
	fds[1] = (struct pollfd){.fd = underlay_open(argv[2], argv[3], argv[4]), .events = POLLIN};
	if (fds[1].fd < 0) {
		fprintf(stderr, "tunnel: %s to %s: %s: is the local address this namespace's?\n",
			argv[2], argv[3], strerror(-fds[1].fd));
		return 1;
	}
	while (!stopped && !err) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			err = -errno;
		if (!err && fds[0].revents)
			err = move_packets(fds[0].fd, fds[1].fd);
		if (!err && fds[1].revents)
			err = move_packets(fds[1].fd, fds[0].fd);
	}
	if (err)
		fprintf(stderr, "tunnel: %s: %s: start it again\n", argv[1], strerror(-err));
	close(fds[0].fd);
	close(fds[1].fd);
	return err ? 1 : 0;
}
