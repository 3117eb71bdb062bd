/* SPDX-License-Identifier: GPL-2.0-only */
/* Neighbours as they are told, and those that are managed, against a peer namespace. */
#include "links_fixture.h"

static void neighbor_is_told_when_it_changes(void **state)
{
	unsigned int calls;

	(void)state;
	sh("ip link add va index 10 type veth peer name vb index 11; ip link set va up;"
	   "ip link set vb up; ip addr add 192.0.2.1/24 dev va");
	start();
	sh("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 nud reachable dev va");
	await(model_has(&seen, "neighbor 10 192.0.2.9 02:00:00:00:00:09"));
	sh("ip neigh replace 192.0.2.9 lladdr 02:00:00:00:00:99 nud reachable dev va");
	await(model_has(&seen, "neighbor 10 192.0.2.9 02:00:00:00:00:99"));
	calls = seen.neighbor_calls;
	sh("ip neigh change 192.0.2.9 nud stale dev va"); /* still usable, same MAC */
	barrier();
	assert_int_equal(seen.neighbor_calls, calls);
	sh("ip neigh del 192.0.2.9 dev va");
	await(!model_has_prefix(&seen, "neighbor 10 192.0.2.9"));
	assert_int_equal(seen.neighbor_calls, calls + 1);
	sh("ip -6 neigh add fd00::9 lladdr 02:00:00:00:00:09 nud permanent dev va");
	await(model_has(&seen, "neighbor 10 fd00::9 02:00:00:00:00:09"));
}

static void neighbor_is_learned_from_traffic(void **state)
{
	(void)state;
	pair_with_peer();
	start();
	sh("nsenter -t %d -n ping -c1 -W2 192.0.2.1 >/dev/null", peer);
	await(model_has(&seen, "neighbor 10 192.0.2.2 02:00:00:00:00:0b"));
}

/* Prints how long after `from` (CLOCK_MONOTONIC, us) the neighbour was told. */
static void await_managed(const char *line, const char *what, uint64_t from)
{
	uint64_t told;

	await(model_has(&seen, line));
	told = strchr(line, ':') < strstr(line, "02:00") ? seen.resolved6_us : seen.resolved4_us;
	print_message("%s: resolved %.1f ms after\n", what, ((double)told - (double)from) / 1000);
}

static void managed_neighbor_resolves_by_itself(void **state)
{
	static const char *const v4 = "neighbor 10 192.0.2.2 02:00:00:00:00:0b";
	static const char *const v6 = "neighbor 10 fd00::2 02:00:00:00:00:0b";
	struct ip_addr gw4 = ip("192.0.2.2"), gw6 = ip("fd00::2");
	uint64_t from;

	(void)state;
	pair_with_peer();
	start();
	await(model_has_prefix(&seen, "link 10 va up"));
	assert_int_equal(links_manage_neighbor(links, 4711, &gw4), -ENODEV);
	from = now_us();
	assert_int_equal(links_manage_neighbor(links, 10, &gw4), 0);
	await_managed(v4, "asked for, IPv4", from);
	assert_int_equal(links_manage_neighbor(links, 10, &gw6), 0);
	await_managed(v6, "asked for, IPv6", from);
	sh("ip neigh show dev va | grep -q '192.0.2.2 .*managed'");
	for (int i = 0; i < 3; i++) {
		sh("nsenter -t %d -n ip link set vb down", peer);
		await(!model_has(&seen, v4));
		await(model_has_prefix(&seen, "link 10 va down"));
		/* Down for longer than the retries take: only the link's return can ask. */
		from = now_us();
		await(now_us() > from + 200000);
		sh("nsenter -t %d -n sh -c 'ip link set vb up; ip -6 addr add fd00::2/64 dev vb "
		   "nodad'",
		   peer);
		await(model_has_prefix(&seen, "link 10 va up"));
		await_managed(v4, "link up told, IPv4", seen.link_up_us);
		await_managed(v6, "link up told, IPv6", seen.link_up_us);
	}
	from = now_us();
	sh("ip neigh flush dev va");
	await(!model_has(&seen, v4) || seen.resolved4_us > from);
	await(!model_has(&seen, v6) || seen.resolved6_us > from);
	await_managed(v4, "flush, IPv4", from);
	await_managed(v6, "flush, IPv6", from);
	await(model_is_true());
}

/* A gateway that answers late: asked on after the kernel has given up. */
static void managed_neighbor_survives_failure(void **state)
{
	struct ip_addr gw = ip("192.0.2.7");
	uint64_t from;

	(void)state;
	pair_with_peer();
	sh("sysctl -qw net.ipv4.neigh.va.retrans_time_ms=20");
	start();
	await(model_has_prefix(&seen, "link 10 va up"));
	assert_int_equal(links_manage_neighbor(links, 10, &gw), 0);
	await(system("ip neigh show 192.0.2.7 dev va nud failed | grep -q 192.0.2.7") == 0);
	from = now_us();
	sh("nsenter -t %d -n ip addr add 192.0.2.7/24 dev vb", peer);
	await_managed("neighbor 10 192.0.2.7 02:00:00:00:00:0b", "late gateway's address", from);
}

static void unmanaged_is_ordinary_again(void **state)
{
	struct ip_addr gw = ip("192.0.2.2"), other = ip("192.0.2.3");
	uint64_t from = now_us();

	(void)state;
	pair_with_peer();
	start();
	await(model_has_prefix(&seen, "link 10 va up"));
	assert_int_equal(links_manage_neighbor(links, 10, &gw), 0);
	await_managed("neighbor 10 192.0.2.2 02:00:00:00:00:0b", "asked for", from);
	assert_int_equal(links_unmanage_neighbor(links, 10, &other), -ENOENT);
	assert_int_equal(links_unmanage_neighbor(links, 10, &gw), 0);
	sh("ip neigh show dev va | grep '192.0.2.2 ' | grep -qv managed");
	sh("ip neigh flush dev va");
	barrier();
	assert_false(model_has_prefix(&seen, "neighbor 10 192.0.2.2"));
}

/* As `detach` does it, with nothing known of who had it managed. */
static void what_was_left_managed_is_released(void **state)
{
	struct ip_addr gw = ip("192.0.2.2"), fixed = ip("192.0.2.9"), none = ip("192.0.2.10");

	(void)state;
	pair_with_peer();
	sh("ip neigh add 192.0.2.2 dev va use managed;"
	   "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 nud permanent dev va");
	assert_int_equal(links_release_neighbor(10, &gw), 0);
	sh("ip neigh show dev va | grep '192.0.2.2 ' | grep -qv managed");
	assert_int_equal(links_release_neighbor(10, &gw), -ENOENT);
	assert_int_equal(links_release_neighbor(10, &fixed), -ENOENT);
	assert_int_equal(links_release_neighbor(10, &none), -ENOENT);
	sh("ip neigh show dev va | grep -q '192.0.2.9 lladdr 02:00:00:00:00:09 PERMANENT'");
}

/* Set by hand to another MAC than the peer has: must stay. */
static void static_neighbor_is_left_alone(void **state)
{
	struct ip_addr gw = ip("192.0.2.2");

	(void)state;
	pair_with_peer();
	sh("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:55 nud permanent dev va");
	start();
	await(model_has_prefix(&seen, "link 10 va up"));
	assert_int_equal(links_manage_neighbor(links, 10, &gw), 0);
	barrier();
	sh("ip neigh show dev va | grep -q '192.0.2.2 lladdr 02:00:00:00:00:55 PERMANENT'");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(neighbor_is_told_when_it_changes),	T(neighbor_is_learned_from_traffic),
		T(managed_neighbor_resolves_by_itself), T(managed_neighbor_survives_failure),
		T(unmanaged_is_ordinary_again),		T(static_neighbor_is_left_alone),
		T(what_was_left_managed_is_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
