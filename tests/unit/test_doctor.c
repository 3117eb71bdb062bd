/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doctor's judgement on made-up boxes: a box that is right has nothing to name, and each thing that
 * is wrong on it is named once, with a fix. What is gathered from a real kernel is the lab's.
 */
#include "fixture_box.h"

static void test_links(void **state)
{
	struct box box;

	(void)state;
	box_make(&box);
	judge(&box, CONFIG, NULL, NULL, NULL, NULL);
	box.links[0].up = false;
	judge(&box, CONFIG, "link", "er0", "down", "ip link set er0 up");
	box_make(&box);
	box.links[0].carrier = false;
	judge(&box, CONFIG, "link", "er0", "carrier", "cable");
	box_make(&box);
	strcpy(box.links[2].name, "lan1");
	judge(&box, CONFIG, "interface", "lan0", "no such", "ip link");
	box_make(&box);
	box.links[0].master = 4;
	judge(&box, CONFIG, "uplink", "er0", "port of bond0, a bond", "interface: bond0");
	box.links[0].master = 5; /* a VRF is no such master */
	judge(&box, CONFIG, NULL, NULL, NULL, NULL);
	box_make(&box);
	box.neighbors[0].valid = false;
	judge(&box, CONFIG, "neighbor", "er0", "192.168.30.18", "ip neigh");
	box.host.n_neighbors = 0;
	judge(&box, CONFIG, "neighbor", "er0", "192.168.30.18", "gateway:");
}

static void test_sysctls(void **state)
{
	struct box box;

	(void)state;
	box_make(&box);
	box.links[1].rp_filter = 1;
	judge(&box, CONFIG, "rp-filter", "tun30", "strict", "net.ipv4.conf.tun30.rp_filter=0");
	box.links[1].rp_filter = 2;
	judge(&box, CONFIG, NULL, NULL, NULL, NULL);
	box.links[2].forwarding4 = false;
	judge(&box, CONFIG, "forwarding", "lan0", "IPv4", "ip_forward=1");
	box_make(&box);
	box.links[2].forwarding6 = false;
	judge(&box, CONFIG, "forwarding", "lan0", "IPv6", "ipv6.conf.lan0.forwarding=1");
	/* nobody asks for IPv6 */
	judge(&box,
	      "paths: [{name: a, class: vpn, interface: tun30}]\n"
	      "inside: [{interface: lan0, networks: [10.0.0.0/24]}]\n",
	      NULL, NULL, NULL, NULL);
}

static void test_devices(void **state)
{
	struct box box;

	(void)state;
	box_make(&box);
	strcpy(box.links[0].qdisc, "htb");
	judge(&box, CONFIG, "qdisc", "er0", "htb", "tc qdisc del dev er0 root");
	box_make(&box);
	strcpy(box.links[1].qdisc, "htb"); /* what TC sends obeys it */
	judge(&box, CONFIG, NULL, NULL, NULL, NULL);
	box.links[0].xdp_id = 7;
	strcpy(box.links[0].xdp_name, "guard");
	judge(&box, CONFIG, "xdp", "er0", "guard (id 7)", "ip link set dev er0 xdp off");
	box.links[0].xdp_ours = true;
	judge(&box, CONFIG, NULL, NULL, NULL, NULL);
	box_make(&box);
	strcpy(box.links[0].driver, "e1000");
	judge(&box, CONFIG, NULL, NULL, NULL, NULL); /* TC will do */
	box_make(&box);
	judge(&box,
	      "mode: enforce\npaths: [{name: a, class: vpn, interface: er0}]\n"
	      "inside: [{interface: lan0, networks: [10.0.0.0/24]}]\n",
	      "encrypted", "er0", "clear", "encrypted: true");
	judge(&box,
	      "paths: [{name: a, class: vpn, interface: er0}]\n"
	      "inside: [{interface: lan0, networks: [10.0.0.0/24]}]\n",
	      "gateway", "er0", "no gateway", "`gateway:`");
}

/* Said, and no fault: the kernel's ICMP is there as well. */
static void test_mss(void **state)
{
	static const char *const mss[] = {"", ", mss: auto", ", mtu: 1400"};
	static const char *const says[] = {"`mss: auto` of the path", "by its `mss:`", NULL};
	static const char text[] = "mode: enforce\n"
				   "paths:\n"
				   "- { name: er, class: expressroute, interface: er0,\n"
				   "    gateway: 192.168.30.18%s }\n"
				   "- { name: vpn, class: vpn, interface: tun30%s }\n"
				   "inside: [{ interface: lan0, networks: [10.2.30.0/25] }]\n";

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct doctor_report report = {0};
		const struct doctor_finding *found = NULL;
		char yaml[1000];
		struct config *cfg;
		struct box box;

		box_make(&box);
		snprintf(yaml, sizeof(yaml), text, i == 2 ? mss[2] : "", i == 1 ? mss[1] : "");
		cfg = parse_good(yaml);
		doctor_links(&report, cfg, &box.host);
		for (size_t f = 0; f < report.n; f++) {
			assert_true(report.v[f].ok);
			if (!strcmp(report.v[f].check, "mss"))
				found = &report.v[f];
		}
		assert_true(!found == !says[i]);
		if (found) {
			assert_string_equal(found->subject, "tun30");
			assert_non_null(strstr(found->message, says[i]));
			assert_non_null(strstr(found->message, "path er 1500"));
		}
		doctor_free(&report);
		config_free(cfg);
	}
}

static void test_mtu(void **state)
{
	struct box box;

	(void)state;
	box_make(&box);
	box.links[1].mtu = 1399;
	judge(&box, CONFIG, "mtu", "tun30", "1399", "mtu 1400");
	box_make(&box);
	judge(&box,
	      "paths: [{name: a, class: vpn, interface: tun30, mtu: 1500}]\n"
	      "inside: [{interface: lan0, networks: [10.0.0.0/24]}]\n",
	      "mtu", "tun30", "less than the config's 1500", "mtu: 1400");
	judge(&box,
	      "paths: [{name: a, class: vpn, interface: tun30, mtu: 1300}]\n"
	      "inside: [{interface: lan0, networks: [10.0.0.0/24]}]\n",
	      "mtu", "tun30", "1300", "1400");
}

static void test_veth(void **state)
{
	struct host_peer right = {.seen = true, .name = "eth9", .gro = true};
	struct box box;

	(void)state;
	box_make(&box);
	strcpy(box.links[2].kind, "veth");
	strcpy(box.links[2].driver, "veth");
	judge(&box, CONFIG, NULL, NULL, NULL, NULL); /* can't be seen: said, not complained of */
	box.links[2].xdp_transmits = 0;		     /* but the kernel knows */
	judge(&box, CONFIG, "veth-gro", "lan0", "can't be entered", "gro on");
	box.links[2].peer = right;
	judge(&box, CONFIG, NULL, NULL, NULL, NULL);
	box.links[2].peer.gro = false;
	judge(&box, CONFIG, "veth-gro", "lan0", "eth9", "ethtool -K eth9 gro on");
	box.links[2].peer.xdp = true; /* XDP of its own polls as well */
	judge(&box, CONFIG, NULL, NULL, NULL, NULL);
	box.links[2].peer.tx_checksum = true;
	judge(&box, CONFIG, "veth-checksum", "lan0", "checksums", "ethtool -K eth9 tx off");
	box.links[2].peer = right;
	box.links[2].peer.tx_vlan = true;
	judge(&box, CONFIG, "veth-vlan", "lan0", "VLAN", "txvlan off");
}

#define VLAN_CONFIG(keys)                                                                          \
	"mode: enforce\n"                                                                          \
	"paths:\n"                                                                                 \
	"  - { name: er, class: expressroute, interface: er0, gateway: 192.168.30.18, " keys       \
	" }\n"                                                                                     \
	"inside: [{ interface: lan0, networks: [10.2.30.0/25] }]\n"

static void test_vlan(void **state)
{
	struct box box;

	(void)state;
	box_make(&box);
	/* red becomes er0.300 on er0, and has the neighbour */
	strcpy(box.links[4].name, "er0.300");
	strcpy(box.links[4].kind, "vlan");
	box.links[4].lower = 1;
	box.neighbors[0].ifindex = 5;
	judge(&box, VLAN_CONFIG("vlan: [300], l3: er0.300"), NULL, NULL, NULL, NULL);
	judge(&box, VLAN_CONFIG("vlan: [300], l3: er0.301"), "l3", "er0.301", "no such device",
	      "l3:");
	box.links[0].rx_vlan = true;
	judge(&box, VLAN_CONFIG("vlan: [300], l3: er0.300"), "vlan-offload", "er0", "before XDP",
	      "ethtool -K er0 rxvlan off");
	box.links[0].rx_vlan = false;
	judge(&box, VLAN_CONFIG("vlan: [30, 300], l3: er0.300"), "vlan-mtu", "er0", "do not fit",
	      "ip link set er0 mtu 1504");
	judge(&box, VLAN_CONFIG("vlan: [30, 300], l3: er0.300, mtu: 1496"), NULL, NULL, NULL, NULL);
	box.links[4].up = false;
	judge(&box, VLAN_CONFIG("vlan: [300], l3: er0.300"), "l3", "er0.300", "down",
	      "ip link set er0.300 up");
	box.links[4].up = true;
	box.neighbors[0].ifindex = 1;
	judge(&box, VLAN_CONFIG("vlan: [300]"), "l3", "er0", "without tags; there is er0.300",
	      "l3: er0.300");
}

static void test_kernel(void **state)
{
	const struct doctor_kernel good = {.root = true, .btf = true, .bpffs = true};
	const struct config fast = {.forward = FORWARD_FAST};
	const struct config bypass = {.forward = FORWARD_FAST, .bypass_netfilter = true};
	struct doctor_report report = {0};
	struct doctor_kernel k = good;

	(void)state;
	doctor_kernel(&report, &k, false, NULL);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	k.btf = false;
	doctor_kernel(&report, &k, false, NULL);
	assert_wrong(&report, "btf", "kernel", "BTF", "CONFIG_DEBUG_INFO_BTF");
	k = good;
	k.root = false;
	doctor_kernel(&report, &k, false, NULL);
	assert_wrong(&report, "root", "user", "not root", "sudo");
	k = good;
	k.bpffs = false; /* run mounts it */
	doctor_kernel(&report, &k, false, NULL);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	k.mounts_apart = true;
	doctor_kernel(&report, &k, false, NULL);
	assert_wrong(&report, "bpffs", "/sys/fs/bpf", "ip netns exec", "nsenter");
	k = good;
	strcpy(k.filters[1], "iptables chain filter FORWARD has rules");
	doctor_kernel(&report, &k, false, NULL);
	assert_wrong(&report, "netfilter", "iptables", "FORWARD has rules", "forward: auto");
	doctor_kernel(&report, &k, true, NULL); /* the kernel forwards: obeyed */
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	doctor_kernel(&report, &k, true, &fast); /* by rules that came later */
	assert_wrong(&report, "netfilter", "iptables", "refused", "forward: auto");
	doctor_kernel(&report, &k, false, &bypass); /* passed by, as it may */
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	k = good;
	strcpy(k.output, "nftables chain ip f out (hook output) has 1 rule"); /* obeyed */
	doctor_kernel(&report, &k, false, NULL);
	assert_string_equal(report.v[report.n - 1].check, "egress");
	assert_non_null(strstr(report.v[report.n - 1].message, "stays on the kernel's path"));
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	k = good;
	strcpy(k.filters[2], "2 xfrm policies");
	doctor_kernel(&report, &k, false, NULL);
	assert_wrong(&report, "xfrm", "xfrm", "clear", "if_id");
	k = good;
	k.filters_err[0] = -EPERM;
	doctor_kernel(&report, &k, false, NULL);
	assert_wrong(&report, "netfilter", "nftables", "can't be asked", "root");
}

static void test_rules(void **state)
{
	struct host_rule rules[] = {
		{.family = 4,
		 .priority = 7000,
		 .table = 7000,
		 .mark = 0x10000,
		 .mask = 0xff0000,
		 .protocol = SW_RTPROT},
		{.family = 6, .priority = 900, .table = 7001, .from = {.family = 6, .len = 64}},
	};
	struct host_table tables[] = {{4, 6999}, {6, 7064}, {6, 7063}};
	const struct config cfg = {.tables = 7000, .fwmark = 0xff0000, .n_paths = 2};
	struct host host = {.rules = rules, .n_rules = 1, .tables = tables, .n_tables = 2};
	struct doctor_report report = {0};

	(void)state;
	doctor_rules(&report, &host, &cfg, false); /* ours, and tables that are not */
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	host.n_rules = 2;
	doctor_rules(&report, &host, &cfg, false);
	assert_wrong(&report, "ip-rule", "rule 900", "IPv6", "ip -6 rule del priority 900");
	doctor_rules(&report, &host, &cfg, true);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	rules[1].from.family = 0; /* of all: before ours it takes all */
	doctor_rules(&report, &host, &cfg, true);
	assert_wrong(&report, "ip-rule", "rule 900", "before sameway's rules", "behind");
	rules[1].priority = 7064;
	doctor_rules(&report, &host, &cfg, true);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	rules[1].priority = 7063;
	doctor_rules(&report, &host, &cfg, true);
	assert_wrong(&report, "ip-rule", "rule 7063", "`tables:`", "another `tables:`");
	doctor_rules(&report, &host, NULL, true); /* no config to hold it against */
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	rules[1] = (struct host_rule){
		.family = 4, .priority = 100, .table = 100, .mark = 0x800000, .mask = 0x800001};
	doctor_rules(&report, &host, &cfg, true);
	assert_wrong(&report, "ip-rule", "rule 100", "bits that are sameway's", "`fwmark:`");
	rules[1].mask = 0x100;
	rules[1].from.family = 4;
	host.n_tables = 3;
	doctor_rules(&report, &host, &cfg, true);
	assert_wrong(&report, "route-table", "table 7063", "IPv6 routes", "`tables:`");
}

static void test_marks(void **state)
{
	const struct config cfg = {.fwmark = 0xff0000};
	struct doctor_report report = {0};
	struct doctor_kernel k = {0};
	struct host host = {0};

	(void)state;
	doctor_marks(&report, &k, &host, &cfg);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	strcpy(k.marks, "nftables chain ip m pre");
	doctor_marks(&report, &k, &host, &cfg);
	assert_wrong(&report, "fwmark", "nftables", "chain ip m pre", "another `fwmark:`");
	k.marks[0] = '\0';
	host.mark_reflect = true;
	doctor_marks(&report, &k, &host, &cfg);
	assert_wrong(&report, "fwmark", "fwmark_reflect", "ICMP errors", "fwmark_reflect=0");
}

static void test_pins(void **state)
{
	const struct doctor_pins good = {.there = true,
					 .readable = true,
					 .health_known = true,
					 .now_ns = 100000000000ULL,
					 .beat_ns = 99000000000ULL,
					 .clock_ns = 99990000000ULL,
					 .flows = {10, 20},
					 .flows_max = {100, 200},
					 .flows_evicted = 5000, /* by a flood */
					 .flows_forgotten = 18};
	struct doctor_report report = {0};
	struct doctor_pins p = {0};

	(void)state;
	doctor_pins(&report, "ce1", &p); /* nothing is pinned */
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	p.there = true;
	strcpy(p.why, "of another version");
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "pins", "ce1", "another version", "-i ce1 detach");
	p = good;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	p.beat_ns = 90000000000ULL;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "timer", "kernel timer", "10 s", "run");
	p.beat_ns = 0;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "timer", "kernel timer", "never", "run");
	p = good;
	p.clock_ns = 90000000000ULL;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "timer", "packet clock", "10 s", "run");
	p.clock_ns = 0; /* not begun: the programs ask the kernel */
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	p = good;
	p.events_lost = 3;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "events", "events", "3 changes", "flows");
	p = good;
	p.flows[0] = 88;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "flows", "IPv4 flow table", "88 of 100", "`flows:` (now 100)");
	p = good;
	p.flows[1] = 175;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "flows", "IPv6 flow table", "175 of 200", "`flows6:` (now 200)");
	p = good;
	p.flows_full = 1;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "flows", "flow records", "1 packets found no room", "`flows6:`");
	p = good;
	p.flows_forgotten = 19;
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "flows", "flow records", "19 flows in use were pushed out",
		     "`flows:`");
	p = good;
	p.egress_left = 9; /* is no fault of the box */
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	p.egress_returned = 4;
	strcpy(p.egress_path, "vpn30");
	doctor_pins(&report, "ce1", &p);
	assert_wrong(&report, "egress", "vpn30", "4 that sameway had moved came back", "tc filter");
}

static void judge_status(const char *text, const char *check, const char *subject,
			 const char *words, const char *fix)
{
	struct doctor_report report = {0};
	json_t *status = json_loads(text, 0, NULL);

	assert_non_null(status);
	doctor_status(&report, "ce1", status);
	assert_wrong(&report, check, subject, words, fix);
	json_decref(status);
}

#define FEED(state) "\"feeds\":[{\"name\":\"r\",\"type\":\"bgp\",\"state\":\"" state "\"}]"

static void test_status(void **state)
{
	(void)state;
	judge_status("{" FEED("up") "}", NULL, NULL, NULL, NULL);
	judge_status("{" FEED("up") ",\"redirects\":{\"counted\":true,\"lost\":9,\"last_s\":99.5}}",
		     NULL, NULL, NULL, NULL);
	judge_status("{" FEED("up") ",\"redirects\":{\"counted\":true,\"lost\":9,\"last_s\":1.5}}",
		     "redirect", "XDP redirect", "2 s ago", "redirect_errors");
	judge_status("{" FEED("up") ",\"tables\":{\"first\":7000,\"put_back\":0}}", NULL, NULL,
		     NULL, NULL);
	judge_status("{" FEED("up") ",\"tables\":{\"first\":7000,\"put_back\":3}}", "put-back",
		     "rules and routes", "3 of kernel forwarding", "protocol 83");
	judge_status("{" FEED("up") ",\"rules\":{\"list\":[{\"name\":\"secure\",\"dropping\":"
				    "false}]}}",
		     NULL, NULL, NULL, NULL);
	judge_status("{" FEED("up") ",\"rules\":{\"denied_s\":1.5,\"list\":[{\"name\":"
				    "\"secure\",\"dropping\":true}]}}",
		     "rule", "secure", "dropped (rule-denied), packets just now", "sameway paths");
	judge_status("{" FEED("stale") "}", "feed", "r", "stale", "birdc");
	judge_status("{\"feeds\":[]}", "feed", "feeds", "none", "sameway.yaml");
	judge_status("{\"feeds\":[{\"name\":\"az\",\"type\":\"azure\",\"state\":\"up\","
		     "\"tables\":[{\"name\":\"er.json\",\"stale\":true,\"age_s\":900}]}]}",
		     "feed", "az", "table er.json is stale, 900 s old", "collect it again");
	judge_status("{" FEED("up") ",\"waiting\":[\"r\"]}", "waiting", "r", "waits", "30 s");
	judge_status("{" FEED("up") ",\"hooks\":[{\"interface\":\"er0\",\"hook\":\"xdp\","
				    "\"attached\":false}]}",
		     "hook", "er0", "xdp is not attached", "ip link");
	judge_status("{" FEED("up") ",\"routes\":{\"nodes6\":{\"used\":91,\"total\":100}}}",
		     "tables", "routes", "91 of 100", "nodes");
	judge_status("{" FEED("up") ",\"routes\":{\"refused\":4}}", "tables", "routes",
		     "4 prefixes", "aggregate");
	judge_status("{" FEED("up") ",\"notify\":{\"failing\":false,\"failed\":3,"
				    "\"last_error\":\"exit status 1 (x)\"}}",
		     NULL, NULL, NULL, NULL);
	judge_status("{" FEED("up") ",\"notify\":{\"failing\":true,\"last_error\":"
				    "\"exit status 127 (page: not found)\"}}",
		     "notify", "notify", "page: not found", "by hand");
}

/* With `sent` probes, of which `lost` of the last 64 had no answer. */
static void judge_probe(const char *state, const char *blocked, const char *elsewhere, int sent,
			int lost, const char *words, const char *fix)
{
	struct doctor_report report = {0};
	json_t *paths = json_pack(
		"[{s:s, s:b, s:i, s:s, s:{s:s, s:s, s:s?, s:s?, s:i, s:i, s:i, s:i}}]", "name",
		"vpn30", "usable", 1, "routes4", 1, "gateway", "192.0.2.1", "probe", "target",
		"192.0.2.1", "state", state, "blocked", blocked, "elsewhere", elsewhere, "misses",
		3, "sent", sent, "lost", lost, "last", sent < 64 ? sent : 64);

	assert_non_null(paths);
	doctor_paths(&report, paths);
	assert_wrong(&report, words ? "probe" : NULL, "vpn30", words, fix);
	json_decref(paths);
}

static void test_probes(void **state)
{
	(void)state;
	judge_probe("up", NULL, NULL, 70, 6, NULL, NULL);
	judge_probe("up", NULL, NULL, 70, 7, "leaves 7 of the last 64", "for loss");
	judge_probe("up", NULL, NULL, 19, 9, NULL, NULL);	     /* too few to speak of loss */
	judge_probe("never-answered", NULL, NULL, 3, 3, NULL, NULL); /* too early to say */
	judge_probe("never-answered", NULL, NULL, 4, 4, "has never answered, 4 sent", "tcpdump");
	judge_probe("down", NULL, NULL, 90, 64, "does not answer", "whatever its BGP");
	judge_probe("never-answered", NULL, "er0", 90, 64, "come by er0", "send them back");
	judge_probe("up", "no-address", NULL, 90, 0, "no address to send from", "l3:");
	judge_probe("up", "no-neighbor", NULL, 90, 0, "not probed now: no-neighbor", "findings");
}

static void test_no_daemon(void **state)
{
	struct doctor_report report = {0};
	json_t *paths = json_loads("[{\"name\":\"a\",\"usable\":true,\"reasons\":[],"
				   "\"routes4\":0,\"routes6\":2},{\"name\":"
				   "\"b\",\"usable\":false,\"reasons\":[\"drained\",\"peer-down\"]"
				   "}]",
				   0, NULL);

	(void)state;
	doctor_no_daemon(&report, "ce1", false, false);
	assert_wrong(&report, NULL, NULL, NULL, NULL);
	doctor_no_daemon(&report, "ce1", true, false);
	assert_wrong(&report, "daemon", "ce1", "last state", "-i ce1 run");
	doctor_no_daemon(&report, "ce1", true, true);
	assert_wrong(&report, "daemon", "ce1", "died", "run");
	doctor_paths(&report, paths);
	assert_wrong(&report, "path", "b", "drained, peer-down", "path b undrain");
	json_decref(paths);
}

/* A usable path that nobody has a route for is no backup, whatever `usable` says. */
static void test_no_routes(void **state)
{
	static const struct {
		const char *row, *message, *fix;
	} cases[] = {
		{"\"usable\":true,\"reasons\":[],\"routes4\":0,\"routes6\":0",
		 "no feed has a route", "`peers`"},
		{"\"usable\":true,\"reasons\":[],\"routes4\":1,\"routes6\":0", NULL, ""},
		{"\"usable\":false,\"reasons\":[\"bfd-down\"],\"routes4\":0,\"routes6\":0",
		 "not usable: bfd-down", "show bfd"},
		{"\"usable\":false,\"reasons\":[\"interface-down\",\"bfd-down\"]",
		 "not usable: interface-down, bfd-down", "of vpn30's interface"},
		{"\"usable\":false,\"reasons\":[\"failback-delay\"]", "not usable: failback-delay",
		 "wait: vpn30"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct doctor_report report = {0};
		char text[200];
		json_t *paths;

		snprintf(text, sizeof(text), "[{\"name\":\"vpn30\",%s}]", cases[i].row);
		paths = json_loads(text, 0, NULL);
		assert_non_null(paths);
		doctor_paths(&report, paths);
		assert_wrong(&report, cases[i].message ? "path" : NULL, "vpn30", cases[i].message,
			     cases[i].fix);
		json_decref(paths);
	}
}

/* `doctor` of a path with this `bfd`; check NULL: nothing is wrong. */
static void judge_bfd(const char *bfd, const char *check, const char *message, const char *fix)
{
	struct doctor_report report = {0};
	char text[600];
	json_t *paths;

	snprintf(text, sizeof(text),
		 "[{\"name\":\"a\",\"usable\":true,\"reasons\":[],\"routes4\":1,\"routes6\":0,"
		 "\"bfd\":%s}]",
		 bfd);
	paths = json_loads(text, 0, NULL);
	assert_non_null(paths);
	doctor_paths(&report, paths);
	assert_wrong(&report, check, check ? "a" : NULL, message, fix);
	json_decref(paths);
}

#define SESSION(state, armed, ms)                                                                  \
	"[{\"peer\":\"192.168.30.18\",\"state\":\"" state "\",\"armed\":" armed                    \
	",\"interval_ms\":" ms ",\"detect_ms\":4500}]"
#define BFD(state, session, ttl, source) BFD_OTHERS(state, session, ttl, source, "0")
#define BFD_OTHERS(state, session, ttl, source, others)                                            \
	"{\"state\":\"" state "\",\"sessions\":" session                                           \
	",\"refused\":{\"malformed\":0,\"ttl\":" ttl ",\"source\":" source ",\"session\":" others  \
	"}}"

static void test_bfd(void **state)
{
	(void)state;
	judge_bfd("null", NULL, NULL, NULL);
	judge_bfd(BFD("up", SESSION("up", "true", "300"), "0", "0"), NULL, NULL, NULL);
	judge_bfd(BFD("down", SESSION("down", "true", "1000"), "0", "0"), NULL, NULL, NULL);
	judge_bfd(BFD("never-heard", SESSION("never-heard", "false", "null"), "0", "0"), "bfd",
		  "no BFD session was ever heard", "leave `bfd: true` out");
	judge_bfd(BFD("up", SESSION("up", "true", "1500"), "0", "0"), "bfd",
		  "interval of 1500 ms: a silent cut is noticed after 4500 ms", "300 ms");
	judge_bfd(BFD("not-armed", SESSION("admin-down", "false", "300"), "0", "0"), "bfd",
		  "192.168.30.18 is administratively down", "bring the session up");
	judge_bfd(BFD("not-armed", SESSION("down", "false", "1000"), "0", "0"), "bfd",
		  "has not been up yet", "show bfd");
	judge_bfd(BFD("up", SESSION("up", "true", "300"), "12", "0"), "bfd", "12 BFD packets",
		  "multihop");
	judge_bfd(BFD("up", SESSION("up", "true", "300"), "0", "3"), "bfd", "no peer of the path",
		  "`peers`");
	judge_bfd(BFD_OTHERS("up", SESSION("up", "true", "300"), "0", "0", "5"), "bfd",
		  "5 BFD packets for this box are not of our side's session", "multihop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bfd),	cmocka_unit_test(test_links),
		cmocka_unit_test(test_sysctls), cmocka_unit_test(test_devices),
		cmocka_unit_test(test_mtu),	cmocka_unit_test(test_mss),
		cmocka_unit_test(test_veth),	cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_kernel),	cmocka_unit_test(test_rules),
		cmocka_unit_test(test_marks),	cmocka_unit_test(test_pins),
		cmocka_unit_test(test_status),	cmocka_unit_test(test_no_daemon),
		cmocka_unit_test(test_probes),	cmocka_unit_test(test_no_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
