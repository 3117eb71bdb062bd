/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `audit` foresees against what the programs say of packets: random routes of both views, link
 * states, policies and policy rules, compiled into the maps by the compilers that the daemon uses;
 * a packet out where the programs send it, an answer back as the remote view has it. SEED=n;
 * SAMEWAY_LONG=1: ten times as many.
 */
#include "flows.h"
#include "rules.h"
#include "core/audit.h"

#define PATHS	(LAN0 - ER0)
#define MOST	40 /* local prefixes, with those of before */
#define NETWORK "10.2.30.0/25"

static struct {
	struct config cfg;
	struct config_path path[PATHS];
	struct config_inside inside;
	struct prefix network;
	uint8_t ids[PATHS];
	struct rib *rib;
	struct fib *fib;
	struct incident_context ctx;
	struct audit audit;
} w;
static uint64_t now;
static unsigned int compared, ruled, parts, dropped, seen[SW_VERDICT_COUNT];

static unsigned int upto(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p, NULL), 0);
	return p;
}

/* The compiler's writes, into the programs' maps. */
static int group_write(void *arg, uint32_t id, const struct sw_group *group)
{
	(void)arg;
	edge.groups[id] = *group;
	return 0;
}

static int prefix_write(void *arg, const struct prefix *prefix, uint32_t group, bool fresh)
{
	struct ip_addr ip = prefix_address(prefix);
	char text[INET6_ADDRSTRLEN];

	(void)arg;
	(void)fresh;
	assert_non_null(inet_ntop(AF_INET, ip.bytes, text, sizeof(text)));
	fib_write(text, prefix->len, group);
	return 0;
}

static int prefix_remove(void *arg, const struct prefix *prefix, uint8_t len, uint32_t group)
{
	(void)arg;
	(void)len;
	(void)group;
	fib_remove_at(fib_index(prefix));
	return 0;
}

static bool slice(void *arg)
{
	(void)arg;
	return false;
}

static void default_write(void *arg, uint8_t family, uint32_t group)
{
	(void)arg;
	if (family == 4)
		edge.ctl->default4 = group;
}

/* Random candidates of random prefixes that lie in each other. */
static struct prefix random_prefix(void)
{
	static const unsigned int lens[] = {16, 20, 22, 24, 24, 24, 27};
	unsigned int len = lens[upto(7)], host = upto(4) << 8 | upto(8) << 5;
	char text[40];

	if (!upto(8))
		return prefix_of("0.0.0.0/0");
	host &= ~0U << (32 - len);
	snprintf(text, sizeof(text), "10.40.%u.%u/%u", host >> 8 & 0xff, host & 0xff, len);
	return prefix_of(text);
}

static void announce(void)
{
	uint32_t as_path[10];
	struct route r = {.view = VIEW_LOCAL,
			  .prefix = random_prefix(),
			  .as_path = as_path,
			  .n_as = 1 + upto(3),
			  .has_as_path = true,
			  .has_local_pref = upto(2),
			  .local_pref = 100 * (1 + upto(2))};

	for (size_t i = 0; i < 10; i++)
		as_path[i] = 12076 + (uint32_t)(i && upto(2));
	if (!upto(6)) { /* maintenance */
		for (size_t i = 0; i < 10; i++)
			as_path[i] = 12076;
		r.n_as = 10;
	}
	snprintf(r.path, sizeof(r.path), "%s", device_name[upto(PATHS)]);
	rib_announce(w.rib, 0, &r, now);
}

static void withdraw(void)
{
	const struct rib_node *node = rib_next(w.rib, VIEW_LOCAL, NULL);

	for (unsigned int n = upto(8); node && n; n--)
		node = rib_next(w.rib, VIEW_LOCAL, node);
	if (node) {
		struct route r = {.view = VIEW_LOCAL, .prefix = *rib_node_prefix(node)};

		snprintf(r.path, sizeof(r.path), "%s", device_name[upto(PATHS)]);
		rib_withdraw(w.rib, 0, &r, false, now);
	}
}

static void learned(const char *prefix)
{
	static const char *const circuits[] = {"c1", "c2", ""};
	struct route r = {.view = VIEW_REMOTE, .prefix = prefix_of(prefix), .has_class = true};

	r.class = upto(2) ? SW_CLASS_EXPRESSROUTE : SW_CLASS_VPN;
	if (r.class == SW_CLASS_EXPRESSROUTE)
		snprintf(r.circuit, sizeof(r.circuit), "%s", circuits[upto(3)]);
	rib_announce(w.rib, 1, &r, now);
}

static void config_make(void)
{
	static const char *const circuit[] = {"c1", "c1", "c2", "c3", "c3"};
	static const uint16_t number[] = {0, 0, 1, 2, 2};
	bool vpn_first = !upto(3);

	memset(&w, 0, sizeof(w));
	for (int i = 0; i < PATHS; i++) {
		w.path[i] = (struct config_path){.class = i >= TUN ? SW_CLASS_VPN
								   : SW_CLASS_EXPRESSROUTE,
						 .circuit_id = number[i],
						 .weight = 1};
		snprintf(w.path[i].name, SW_NAME_LEN, "%s", device_name[i]);
		snprintf(w.path[i].circuit, SW_NAME_LEN, "%s", circuit[i]);
		w.ids[i] = (uint8_t)i;
		edge.paths[i].rank = (i >= TUN) != vpn_first;
	}
	w.network = prefix_of(NETWORK);
	w.inside = (struct config_inside){
		.interface = "lan0", .networks = &w.network, .n_networks = 1};
	w.cfg = (struct config){.mode = SW_MODE_ENFORCE,
				.prefer = {vpn_first ? SW_CLASS_VPN : SW_CLASS_EXPRESSROUTE,
					   vpn_first ? SW_CLASS_EXPRESSROUTE : SW_CLASS_VPN},
				.n_prefer = 2,
				.grace_ns = GRACE_NS,
				.class_first_min = 16,
				.match = upto(2) ? MATCH_LONGEST_PREFIX : MATCH_CLASS_FIRST,
				.multipath = upto(2) ? MULTIPATH_CIRCUIT : MULTIPATH_CIRCUITS,
				.default_route = upto(2) ? DEFAULT_ROUTE_NEVER : DEFAULT_ROUTE_LAST,
				.paths = w.path,
				.n_paths = PATHS,
				.inside = &w.inside,
				.n_inside = 1};
}

/* All paths but those of the masks: no link, or a link and no peer. */
static void liveness(uint64_t no_link, uint64_t no_peer)
{
	uint64_t all = BIT(PATHS) - 1;

	edge.usable->link = (BIT(DEVICES) - 1) & ~no_link;
	edge.usable->peers4 = (BIT(DEVICES) - 1) & ~no_peer;
	w.audit.last[0] = all & ~no_link;
	w.audit.usable[0] = all & ~no_link & ~no_peer;
}

static void compile(void)
{
	while (fib_compile(w.fib, now, w.audit.usable[0], 0))
		;
	edge.ctl->generation++;
	now += SECOND_NS;
}

/* A rule for some of the pairs, or of their packets, that lists anything. */
static struct config_rule random_rule(void)
{
	static const char *const lists[] = {
		"vpn",	    "tun0",	    "expressroute",    "vpn expressroute",
		"er1 tun0", "vpn1 er0 vpn", "expressroute vpn"};
	static const char *const from[] = {"10.2.30.0/25", "10.2.30.0/26", "10.2.30.64/27"};
	enum config_rule_action action = upto(8) ? RULE_PREFER + upto(2) : RULE_DENY;
	struct config_rule rule =
		rule_to(NULL, action, action == RULE_DENY ? NULL : lists[upto(7)]);

	if (!upto(10))
		rule = (struct config_rule){.name = "walls", .proto = -1, .dscp = -1};
	if (upto(2))
		rule.from = prefix_of(from[upto(3)]);
	if (upto(3))
		rule.to = random_prefix();
	if (!upto(4))
		rule.proto = upto(2) ? IPPROTO_UDP : IPPROTO_TCP;
	if (!upto(4))
		rule.port = upto(2) ? 443 : 80;
	return rule;
}

static void rules_make(void)
{
	w.cfg.rules = rule_list;
	w.cfg.n_rules = upto(3) ? upto(5) : 0;
	for (size_t i = 0; i < w.cfg.n_rules; i++)
		rule_list[i] = random_rule();
	rules_put(w.cfg.n_rules, 1 + upto(1000));
}

static void world_make(void)
{
	static const struct fib_ops ops = {.group_write = group_write,
					   .prefix_write = prefix_write,
					   .prefix_remove = prefix_remove,
					   .slice = slice,
					   .quiesce = fib_quiesce,
					   .default_write = default_write};
	struct fib_reserved inside = {.kind = SW_GROUP_INSIDE, .slot = SW_INSIDE_SLOT};

	edge_reset();
	now = now_ns();
	edge.clock_at = now;
	fib_clear();
	memset(edge.groups, 0, (G_NEW + 200) * sizeof(*edge.groups));
	config_make();
	rules_make();
	w.rib = rib_new(&w.cfg, w.ids);
	w.fib = fib_new(&w.cfg, w.rib, &ops);
	assert_non_null(w.fib);
	w.ctx = (struct incident_context){
		.cfg = &w.cfg, .rib = w.rib, .fib = w.fib, .path_ids = w.ids};
	w.audit = (struct audit){.ctx = &w.ctx, .down = -1};
	liveness(0, 0);
	inside.prefix = w.network;
	assert_int_equal(fib_set_reserved(w.fib, &inside, 1), 0);
	fib_sync_done(w.fib);
	for (unsigned int n = 4 + upto(MOST - 4); n; n--)
		announce();
	compile();
	for (unsigned int n = upto(12); n; n--)
		withdraw();
	compile();
	learned(NETWORK);
	learned(NETWORK);
	if (upto(2))
		learned("10.2.30.0/26");
	if (upto(3)) {
		uint64_t mask = BIT(upto(PATHS)) | (upto(2) ? BIT(upto(PATHS)) : 0);

		liveness(upto(2) ? mask : 0, upto(2) ? mask : 0);
		edge.ctl->generation++;
	}
	now += 10 * GRACE_NS; /* nothing settles */
	edge.clock_at = now;
	w.ctx.now = now;
}

static void world_free(void)
{
	fib_free(w.fib);
	rib_free(w.rib);
}

/* One of our paths by which Azure, as its tables say, answers; NO_DEVICE: none. */
static enum device answers_by(const struct audit_return *back)
{
	unsigned int first = upto(PATHS);

	for (unsigned int n = 0; n < PATHS; n++) {
		enum device dev = (first + n) % PATHS;

		if (w.path[dev].class == back->class &&
		    (!back->circuit[0] || !strcmp(back->circuit, w.path[dev].circuit)))
			return dev;
	}
	return NO_DEVICE;
}

static enum device goes(const struct packet *p)
{
	enum device dev = sent_by(TC_IN, p);

	if (dev != NO_DEVICE)
		packet_run(TC_OUT, dev, p);
	return dev;
}

/* The one says it of all packets of a pair, by what is told of circuits; the other of this one. */
static bool agree(int foreseen, uint8_t verdict, const struct audit_return *back, enum device out,
		  enum device in)
{
	bool same = !strcmp(w.path[out].circuit, w.path[in].circuit);

	if (verdict == SW_VERDICT_BENIGN_ECMP)
		verdict = SW_VERDICT_OK;
	if (foreseen == SW_VERDICT_INTER_CIRCUIT && verdict == SW_VERDICT_OK)
		return same; /* one of several paths out */
	if (foreseen == SW_VERDICT_OK && verdict == SW_VERDICT_INTER_CIRCUIT)
		return !same && !back->circuit[0];
	return foreseen == verdict;
}

/*
 * The rule of the packet's flow: what a pair does not tell of it is its own. The audit names a rule
 * for all that it says nothing of.
 */
static const struct config_rule *rule_for(const struct packet *p, const struct audit_source *from,
					  const struct audit_destination *to)
{
	const struct rule_flow flow = {
		.from = from->host, .to = to->host, .proto = p->proto, .port = p->dport};
	const struct config_rule *rule = rules_match(&w.cfg, &flow);
	uint64_t part[SW_RULE_WORDS];
	const struct config_rule *told = audit_rule(&w.audit, from, to, part);

	if (rule == told)
		return rule;
	parts++;
	CHECK(rule && (part[0] >> (rule - rule_list) & 1 || rule->action == RULE_NOTHING),
	      "%s -> %s: rule %d is not named by the audit", p->src, p->dst,
	      rule ? (int)(rule - rule_list) : -1);
	return rule;
}

/* Azure does not say which VPN it answers by, and the rule allows one of them. */
static bool either_way(const struct audit_forward *f, enum device in)
{
	uint64_t vpns = BIT(TUN) | BIT(VPN1);

	return f->must_encrypt && !(f->allowed >> in & 1) && in >= TUN && f->allowed & vpns;
}

static void not_sent(const struct packet *p, const struct audit_destination *to, int foreseen,
		     enum device out)
{
	bool none = foreseen == SW_VERDICT_NO_ROUTE || foreseen == AUDIT_DENIED;
	uint64_t denied = reason_count(LAN0, SW_ACTION_DROP, SW_REASON_rule_denied);

	CHECK(none && out == NO_DEVICE, "%s: audit foresees %s, and it goes by %s", p->dst,
	      audit_verdict_name(foreseen), out == NO_DEVICE ? "none" : device_name[out]);
	CHECK(to->forward.dropped == !!denied, "%s: audit foresees that it is %s", p->dst,
	      to->forward.dropped ? "dropped" : "not dropped");
	dropped += !!denied;
	seen[SW_VERDICT_NO_ROUTE]++;
}

static void pair(uint16_t port)
{
	static char src[20], dst[20];
	struct packet p = {
		.src = src, .dst = dst, .proto = IPPROTO_UDP, .sport = port, .dport = 443};
	struct audit_destination to;
	struct audit_source from;
	struct ip_addr s, d;
	const struct audit_return *back;
	const struct rib_node *node;
	enum device out, in;
	int foreseen;

	snprintf(src, sizeof(src), "10.2.30.%u", 2 + upto(120));
	snprintf(dst, sizeof(dst), "10.40.%u.%u", upto(4), 1 + upto(250));
	assert_int_equal(ip_parse(src, &s) | ip_parse(dst, &d), 0);
	node = rib_match(w.rib, VIEW_LOCAL, &d);
	if (!node || !audit_destination(&w.audit, node, &to))
		return;
	audit_source_of(&w.audit, &s, &from);
	from.host = s;
	audit_destination_of(&w.audit, &d, &to);
	audit_destination_by(&w.audit, &to, rule_for(&p, &from, &to));
	back = &from.back[audit_by(&from, &to)];
	foreseen = audit_verdict(&w.audit, &to.forward, back);
	counters_clear();
	out = goes(&p);
	if (foreseen == SW_VERDICT_NO_ROUTE || foreseen == AUDIT_DENIED || out == NO_DEVICE) {
		not_sent(&p, &to, foreseen, out);
		return;
	}
	CHECK(to.forward.paths >> out & 1, "%s goes by %s, not one that audit names", dst,
	      device_name[out]);
	in = foreseen == AUDIT_UNKNOWN ? NO_DEVICE : answers_by(back);
	if (in == NO_DEVICE || either_way(&to.forward, in))
		return;
	send_in(&p, in);
	compared++;
	ruled += to.forward.rule != NULL;
	seen[flow_state(&p).verdict]++;
	CHECK(agree(foreseen, flow_state(&p).verdict, back, out, in),
	      "%s -> %s out by %s, back by %s: %s, audit foresaw %s", src, dst, device_name[out],
	      device_name[in], verdict_text(flow_state(&p).verdict), audit_verdict_name(foreseen));
}

static void test_agrees(void **state)
{
	unsigned int worlds = test_long() ? 3000 : 300;

	(void)state;
	srand(test_seed());
	while (worlds-- && !edge.failures) {
		world_make();
		for (uint16_t i = 0; i < 60 && !edge.failures; i++)
			pair((uint16_t)(1000 + i));
		world_free();
	}
	print_message("%u pairs, %u by a rule, %u of them by one for a part; dropped %u; ok %u, "
		      "benign-ecmp %u, inter-circuit %u, asymmetric %u, policy-violation %u, "
		      "failover %u, no-route %u\n",
		      compared, ruled, parts, dropped, seen[SW_VERDICT_OK],
		      seen[SW_VERDICT_BENIGN_ECMP], seen[SW_VERDICT_INTER_CIRCUIT],
		      seen[SW_VERDICT_ASYMMETRIC], seen[SW_VERDICT_POLICY_VIOLATION],
		      seen[SW_VERDICT_FAILOVER], seen[SW_VERDICT_NO_ROUTE]);
	assert_int_equal(edge.failures, 0);
	assert_true(seen[SW_VERDICT_OK] && seen[SW_VERDICT_ASYMMETRIC] &&
		    seen[SW_VERDICT_FAILOVER] && seen[SW_VERDICT_INTER_CIRCUIT] &&
		    seen[SW_VERDICT_NO_ROUTE] && seen[SW_VERDICT_POLICY_VIOLATION] && ruled &&
		    parts && dropped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees)};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
