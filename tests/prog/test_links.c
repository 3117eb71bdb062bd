/* SPDX-License-Identifier: GPL-2.0-only */
/* Links, their carrier and addresses as their listener sees them, and news that get lost. */
#include "links_fixture.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void start_tells_what_is_there(void **state)
{
	(void)state;
	sh("ip link add va index 10 mtu 1400 type veth peer name vb index 11");
	sh("ip addr add 192.0.2.1/24 brd + dev va;"
	   "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev va");
	start();
	assert_true(model_has_prefix(&seen, "link 1 lo up l3"));
	assert_true(model_has_prefix(&seen, "link 10 va down ether mtu 1400"));
	assert_true(model_has(&seen, "address 10 192.0.2.1/24 brd 192.0.2.255"));
	assert_true(model_has(&seen, "neighbor 10 192.0.2.9 02:00:00:00:00:09"));
	assert_int_equal(seen.resyncs, 0);
}

static void link_is_up_with_carrier_only(void **state)
{
	unsigned int calls;

	(void)state;
	start();
	sh("ip link add va index 10 type veth peer name vb index 11");
	await(model_has_prefix(&seen, "link 10 va down ether"));
	sh("ip link set va up");
	barrier();
	assert_true(model_has_prefix(&seen, "link 10 va down"));
	sh("ip link set vb up");
	await(model_has_prefix(&seen, "link 10 va up"));
	sh("ip link set vb down");
	await(model_has_prefix(&seen, "link 10 va down"));
	sh("ip link set vb up");
	await(model_has_prefix(&seen, "link 10 va up"));
	barrier();
	calls = seen.link_calls;
	sh("ip link set va mtu 1300");
	await(model_has_prefix(&seen, "link 10 va up ether mtu 1300"));
	sh("ip link set va txqueuelen 77"); /* nobody's business */
	barrier();
	assert_int_equal(seen.link_calls, calls + 1);
	assert_int_equal(seen.gone_calls, 0);
}

static void rename_ends_one_and_starts_another(void **state)
{
	(void)state;
	sh("ip link add va index 10 type veth peer name vb index 11");
	sh("ip addr add 192.0.2.1/24 dev va;"
	   "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev va");
	start();
	sh("ip link set va name wan0");
	await(model_has_prefix(&seen, "link 10 wan0 down"));
	assert_string_equal(seen.last_gone, "va");
	assert_int_equal(seen.gone_calls, 1);
	assert_true(model_has(&seen, "address 10 192.0.2.1/24 brd -"));
	assert_true(model_has(&seen, "neighbor 10 192.0.2.9 02:00:00:00:00:09"));
	assert_true(model_is_true());
}

static void deleted_and_made_again(void **state)
{
	(void)state;
	sh("ip link add va index 10 type veth peer name vb index 11");
	sh("ip addr add 192.0.2.1/24 dev va;"
	   "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev va");
	start();
	sh("ip link del va");
	await(seen.gone_calls == 2);
	assert_false(model_has_prefix(&seen, "link 10 "));
	sh("ip link add va index 20 type veth peer name vb index 21");
	await(model_has_prefix(&seen, "link 20 va down"));
	barrier();
	assert_true(model_is_true());
}

/* A port that leaves its bridge is an RTM_DELLINK of family AF_BRIDGE, not the end of it. */
static void leaving_a_bridge_is_no_end(void **state)
{
	(void)state;
	sh("ip link add va index 10 type veth peer name vb index 11;"
	   "ip link add bridge0 index 12 type bridge; ip link set va master bridge0");
	start();
	sh("ip link set va nomaster");
	barrier();
	assert_int_equal(seen.gone_calls, 0);
	assert_true(model_has_prefix(&seen, "link 10 va"));
}

static int tun_open(const char *name, short flags)
{
	struct ifreq req = {.ifr_flags = (short)(flags | IFF_NO_PI)};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &req), 0);
	return fd;
}

static void tun_is_l3_and_tap_is_not(void **state)
{
	int tun = tun_open("t3", IFF_TUN), tap = tun_open("t2", IFF_TAP);
	char start3[32], start2[32];

	(void)state;
	sh("ip link set t3 up; ip link set t2 up");
	start();
	snprintf(start3, sizeof(start3), "link %u t3 up l3 mtu", if_nametoindex("t3"));
	snprintf(start2, sizeof(start2), "link %u t2 up ether", if_nametoindex("t2"));
	await(model_has_prefix(&seen, start3));
	await(model_has_prefix(&seen, start2));
	close(tun);
	close(tap);
	await(seen.gone_calls == 2);
}

/* The kernel reports the second loss within a second 0.9 s late; the watch must not be. */
static void watched_carrier_is_not_late(void **state)
{
	int tap = tun_open("t2", IFF_TAP), off = 0, on = 1;
	struct links_carrier watched = {.ifindex = if_nametoindex("t2")};
	uint32_t ifindex = watched.ifindex, word = 1;
	uint64_t worst = 0;
	char up[32], down[32];

	(void)state;
	sh("ip link set t2 up");
	start();
	snprintf(up, sizeof(up), "link %u t2 up", ifindex);
	snprintf(down, sizeof(down), "link %u t2 down", ifindex);
	await(model_has_prefix(&seen, up));
	assert_int_equal(links_watch_carrier(links, &watched, 1, 0), -EINVAL);
	assert_int_equal(links_watch_carrier(links, &watched, 1, 5), 0);
	for (int i = 0; i < 4; i++) {
		uint64_t from = now_us();

		assert_int_equal(ioctl(tap, TUNSETCARRIER, &off), 0);
		await_within(model_has_prefix(&seen, down), 400);
		worst = now_us() - from > worst ? now_us() - from : worst;
		assert_int_equal(ioctl(tap, TUNSETCARRIER, &on), 0);
		await(model_has_prefix(&seen, up));
	}
	print_message("carrier loss told after at most %.1f ms (read each 5 ms)\n",
		      (double)worst / 1000);
	/* Said by somebody else: then that alone counts, beside netlink. */
	watched.up = &word;
	assert_int_equal(links_watch_carrier(links, &watched, 1, 5), 0);
	__atomic_store_n(&word, 0, __ATOMIC_RELEASE);
	await(model_has_prefix(&seen, down));
	__atomic_store_n(&word, 1, __ATOMIC_RELEASE);
	await(model_has_prefix(&seen, up));
	/* Not watched any more: no timer, and what netlink says stands. */
	assert_int_equal(links_watch_carrier(links, NULL, 0, 0), 0);
	sh("ip link set t2 down");
	await(model_has_prefix(&seen, down));
	close(tap);
}

static void addresses_come_and_go(void **state)
{
	unsigned int calls;

	(void)state;
	sh("ip link add va index 10 type veth peer name vb index 11; ip link set va up;"
	   "ip link set vb up");
	start();
	sh("ip addr add 192.0.2.1/24 brd 192.0.2.255 dev va");
	await(model_has(&seen, "address 10 192.0.2.1/24 brd 192.0.2.255"));
	sh("ip addr add 198.51.100.1 peer 203.0.113.1/30 dev va");
	await(model_has(&seen, "address 10 198.51.100.1/32 brd -"));
	sh("ip -6 addr add fd00::1/64 dev va nodad");
	await(model_has(&seen, "address 10 fd00::1/64 brd -"));
	barrier();
	calls = seen.address_calls;
	sh("ip addr change 192.0.2.1/24 dev va valid_lft 1000 preferred_lft 500");
	barrier();
	assert_int_equal(seen.address_calls, calls + 2); /* the barrier's own */
	sh("ip addr del 192.0.2.1/24 dev va");
	await(!model_has_prefix(&seen, "address 10 192.0.2.1/24"));
	sh("ip link set va down"); /* takes the IPv6 ones along */
	await(!model_has_prefix(&seen, "address 10 fd00::1/64"));
	assert_true(model_is_true());
}

/* Makes the receive buffer of our group socket tiny; it is found among this process' own. */
static void shrink_news_socket(void)
{
	int found = 0;

	for (int fd = 3; fd < 256; fd++) {
		uint32_t groups[32] = {0};
		int domain = 0, bytes = 1;
		socklen_t len = sizeof(domain);

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
		    domain != AF_NETLINK)
			continue;
		len = sizeof(groups);
		if (getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len) < 0 ||
		    !groups[0])
			continue;
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
		found++;
	}
	assert_int_equal(found, 1);
}

static unsigned int seed_of_run(void)
{
	const char *text = getenv("SEED");

	return text ? (unsigned int)strtoul(text, NULL, 10) : 20261123u;
}

/* One random change of an interface's addresses, neighbours or MTU. */
static void random_change(FILE *batch, unsigned int *seed, const char *dev)
{
	unsigned int host = (unsigned int)rand_r(seed) % 60 + 2;
	unsigned int what = (unsigned int)rand_r(seed) % 6;

	switch (what) {
	case 0:
		fprintf(batch, "addr add 192.0.2.%u/24 brd + dev %s\n", host, dev);
		break;
	case 1:
		fprintf(batch, "addr del 192.0.2.%u/24 dev %s\n", host, dev);
		break;
	case 2:
		fprintf(batch, "link set %s mtu %u\n", dev, 1280 + host);
		break;
	default:
		fprintf(batch, "neigh replace 198.51.100.%u lladdr 02:00:00:00:%02x:%02x dev %s\n",
			host, host, (unsigned int)rand_r(seed) % 4, dev);
		/* ip(8) ends, -force or not, where there is none to delete. */
		if (what == 3)
			fprintf(batch, "neigh del 198.51.100.%u dev %s\n", host, dev);
		break;
	}
}

static void lost_news_are_dumped_again(void **state)
{
	unsigned int seed = seed_of_run();
	const char *names[] = {"va", "vc"};

	(void)state;
	print_message("seed %u\n", seed);
	sh("ip link add va index 10 type veth peer name vb; ip link set va up; ip link set vb up");
	sh("ip link add vc index 12 type veth peer name vd; ip link set vc up; ip link set vd up");
	start();
	shrink_news_socket();
	for (int round = 0; round < 5; round++) {
		unsigned int before = seen.resyncs;
		FILE *batch = popen("ip -force -batch - 2>/dev/null", "w");

		assert_non_null(batch);
		for (int i = 0; i < 400; i++) {
			random_change(batch, &seed, names[rand_r(&seed) % 2]);
		}
		if (round == 3) {
			fprintf(batch, "link set vc down\nlink set vc name vcc\n");
			names[1] = "vcc";
		}
		if (round == 4)
			fprintf(batch, "link del va\n");
		pclose(batch);
		await(seen.resyncs > before);
		await(model_is_true());
	}
	assert_false(model_has_prefix(&seen, "link 10 "));
	assert_true(model_has_prefix(&seen, "link 12 vcc"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(start_tells_what_is_there),	       T(link_is_up_with_carrier_only),
		T(rename_ends_one_and_starts_another), T(deleted_and_made_again),
		T(leaving_a_bridge_is_no_end),	       T(tun_is_l3_and_tap_is_not),
		T(watched_carrier_is_not_late),	       T(addresses_come_and_go),
		T(lost_news_are_dumped_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
