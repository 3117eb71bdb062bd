/* SPDX-License-Identifier: GPL-2.0-only */
/* What redirects would pass by: nftables and iptables rules of this namespace. */
#include "links_fixture.h"

#include <linux/netfilter_ipv4/ip_tables.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void no_chain_with_a_rule_is_none(void **state)
{
	char text[300] = "untouched";

	(void)state;
	assert_int_equal(links_netfilter_found(text), 0);
	sh("nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward "
	   "priority 0; }; add chain ip filter INPUT { type filter hook input priority 0; policy "
	   "drop; }; add rule ip filter INPUT counter; add chain ip filter unused; add rule ip "
	   "filter unused drop'");
	assert_int_equal(links_netfilter_found(text), 0);
	assert_string_equal(text, "untouched");
}

static void nft_chains_are_found(void **state)
{
	static const struct {
		const char *rules, *text;
	} cases[] = {
		{"add table ip filter; add chain ip filter FORWARD { type filter hook forward "
		 "priority 0; }; add rule ip filter FORWARD counter; add rule ip filter FORWARD "
		 "accept",
		 "nftables chain ip filter FORWARD (hook forward) has 2 rules"},
		{"add table inet f; add chain inet f c { type filter hook forward priority 0; "
		 "policy drop; }",
		 "nftables chain inet f c (hook forward) has policy drop"},
		{"add table ip6 nat; add chain ip6 nat post { type nat hook postrouting priority "
		 "100; }; add rule ip6 nat post masquerade",
		 "nftables chain ip6 nat post (hook postrouting) has 1 rule"},
		{"add table ip raw; add chain ip raw pre { type filter hook prerouting priority "
		 "-300; }; add rule ip raw pre ct state new counter",
		 "nftables chain ip raw pre (hook prerouting) has 1 rule"},
		{"add table netdev n; add chain netdev n in { type filter hook ingress device lo "
		 "priority 0; }; add rule netdev n in counter",
		 "nftables chain netdev n in (hook ingress) has 1 rule"},
		{"add table netdev n; add chain netdev n out { type filter hook egress device lo "
		 "priority 0; }; add rule netdev n out counter",
		 "nftables chain netdev n out (hook egress) has 1 rule"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[300] = "";

		sh("nft flush ruleset; nft '%s'", cases[i].rules);
		assert_int_equal(links_netfilter_found(text), 1);
		assert_string_equal(text, cases[i].text);
	}
}

static void output_rules_are_apart(void **state)
{
	char text[300] = "untouched";

	(void)state;
	assert_int_equal(links_netfilter_output(text), 0);
	sh("nft 'add table inet f; add chain inet f out { type filter hook output priority 0; }; "
	   "add chain inet f way { type filter hook forward priority 0; policy drop; }; add table "
	   "netdev n; add chain netdev n out { type filter hook egress device lo priority 0; }; "
	   "add rule netdev n out counter'");
	assert_int_equal(links_netfilter_output(text), 0);
	assert_string_equal(text, "untouched");
	sh("nft add rule inet f out counter; nft delete chain inet f way; nft delete table netdev "
	   "n");
	assert_int_equal(links_netfilter_output(text), 1);
	assert_string_equal(text, "nftables chain inet f out (hook output) has 1 rule");
	assert_int_equal(links_netfilter_found(text), 0);
	sh("nft flush chain inet f out; nft 'add chain inet f out { policy drop; }'");
	assert_int_equal(links_netfilter_output(text), 1);
	assert_string_equal(text, "nftables chain inet f out (hook output) has policy drop");
}

/* Sets the policy of a chain of iptables' filter table, as iptables-legacy would. */
static void iptables_policy(int hook, int verdict)
{
	struct ipt_getinfo info = {.name = "filter"};
	socklen_t len = sizeof(info);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	struct xt_standard_target *target;
	struct ipt_get_entries *get;
	struct ipt_replace *replace;
	struct ipt_entry *entry;

	if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &len) < 0) {
		close(fd);
		print_message("skipped: this kernel has no iptables filter table\n");
		skip();
	}
	len = (socklen_t)(sizeof(*get) + info.size);
	get = calloc(1, len);
	replace = calloc(1, sizeof(*replace) + info.size);
	strcpy(get->name, "filter");
	get->size = info.size;
	assert_int_equal(getsockopt(fd, IPPROTO_IP, IPT_SO_GET_ENTRIES, get, &len), 0);
	strcpy(replace->name, "filter");
	replace->valid_hooks = info.valid_hooks;
	replace->num_entries = replace->num_counters = info.num_entries;
	replace->size = info.size;
	memcpy(replace->hook_entry, info.hook_entry, sizeof(info.hook_entry));
	memcpy(replace->underflow, info.underflow, sizeof(info.underflow));
	replace->counters = calloc(info.num_entries, sizeof(*replace->counters));
	memcpy(replace->entries, get->entrytable, info.size);
	entry = (void *)((char *)replace->entries + info.underflow[hook]);
	target = (void *)((char *)entry + entry->target_offset);
	target->verdict = -verdict - 1;
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IPT_SO_SET_REPLACE, replace,
				    (socklen_t)(sizeof(*replace) + info.size)),
			 0);
	free(replace->counters);
	free(replace);
	free(get);
	close(fd);
}

static void iptables_policy_is_found(void **state)
{
	char text[300] = "";

	(void)state;
	iptables_policy(NF_INET_FORWARD, NF_ACCEPT);
	assert_int_equal(links_netfilter_found(text), 0);
	iptables_policy(NF_INET_FORWARD, NF_DROP);
	assert_int_equal(links_netfilter_found(text), 1);
	assert_string_equal(text, "iptables chain filter FORWARD has policy DROP");
	assert_int_equal(links_netfilter_output(text), 0);
	iptables_policy(NF_INET_LOCAL_OUT, NF_DROP);
	assert_int_equal(links_netfilter_output(text), 1);
	assert_string_equal(text, "iptables chain filter OUTPUT has policy DROP");
}

/* Which rules write bits of 0xff0000 before the kernel routes. */
static void writers_of_marks_are_found(void **state)
{
	static const struct {
		const char *rules;
		bool found;
	} cases[] = {
		{"add rule ip m pre counter", false},
		{"add rule ip m pre meta mark set 1", true},
		{"add rule ip m pre meta mark set meta mark and 0x00ff0000 or 0x1", false},
		{"add rule ip m pre meta mark set meta mark or 0x1", false},
		{"add rule ip m pre meta mark set meta mark or 0x10001", true},
		{"add rule ip m pre meta mark set meta mark and 0xff00", true},
		{"add rule ip m pre ip saddr 10.1.2.0/24 meta mark set 0x7", true},
		{"add rule ip m pre meta mark 0x5 accept", false},
		{"add rule ip m post meta mark set 1", false},
		{"add chain ip m sub; add rule ip m sub meta mark set 1", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[300] = "";

		sh("nft 'flush ruleset; add table ip m; add chain ip m pre { type filter hook "
		   "prerouting priority 0; }; add chain ip m post { type filter hook forward "
		   "priority 0; }; %s'",
		   cases[i].rules);
		if (links_netfilter_marks(0xff0000, text) != cases[i].found ||
		    !!text[0] != cases[i].found)
			fail_msg("%s: \"%s\"", cases[i].rules, text);
	}
	assert_int_equal(links_netfilter_marks(0xff0000, (char[300]){0}), 1);
}

static void forwarding_follows_the_sysctl(void **state)
{
	(void)state;
	sh("sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=1");
	assert_int_equal(links_forwarding(4), 0);
	assert_int_equal(links_forwarding(6), 1);
	sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=0");
	assert_int_equal(links_forwarding(4), 1);
	assert_int_equal(links_forwarding(6), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(no_chain_with_a_rule_is_none), T(nft_chains_are_found),
		T(output_rules_are_apart),	 T(iptables_policy_is_found),
		T(writers_of_marks_are_found),	 T(forwarding_follows_the_sysctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
