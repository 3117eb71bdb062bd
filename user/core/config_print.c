/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The normalised config: every supported key with the value in effect, in the order of
 * contract.md. It is YAML that config_parse() reads to the same struct, so a text that YAML or our
 * reader would take for something else is quoted.
 */
#include "core/config_yaml.h"
#include "core/probe.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether a text may stand without quotes: a word, no indicator of YAML, not null. */
static bool is_plain(const char *text)
{
	static const char *const words[] = {"null", "Null", "NULL", "true", "false"};

	if (!isalnum((unsigned char)text[0]))
		return false;
	for (const char *c = text; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("._-/", *c))
			return false;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(text, words[i]))
			return false;
	}
	return true;
}

/* The code point at *at, which moves on. The text came through YAML, so it is valid UTF-8. */
static unsigned int next_char(const unsigned char **at)
{
	const unsigned char *c = *at;
	int more = c[0] < 0x80 ? 0 : c[0] < 0xe0 ? 1 : c[0] < 0xf0 ? 2 : 3;
	unsigned int point = more ? c[0] & (0x3fU >> more) : c[0];

	for (int i = 1; i <= more && c[i]; i++) {
		point = point << 6 | (c[i] & 0x3f);
		++*at;
	}
	++*at;
	return point;
}

static void print_text(FILE *f, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	if (is_plain(text)) {
		fputs(text, f);
		return;
	}
	fputc('"', f);
	while (*at) {
		unsigned int point = next_char(&at);

		if (point == '"' || point == '\\')
			fprintf(f, "\\%c", (int)point);
		else if (point >= 0x20 && point < 0x7f)
			fputc((int)point, f);
		else
			fprintf(f, point > 0xffff ? "\\U%08X" : "\\u%04X", point);
	}
	fputc('"', f);
}

static void print_key_text(FILE *f, const char *key, const char *text)
{
	fprintf(f, "    %s: ", key);
	print_text(f, text);
	fputc('\n', f);
}

/* In the largest unit that divides it. */
static void print_duration(FILE *f, const char *key, uint64_t ns)
{
	static const char *const units[] = {"h", "m", "s", "ms"};
	static const uint64_t lengths[] = {3600000000000ULL, 60000000000ULL, 1000000000, 1000000};
	size_t i = ns ? 0 : 2;

	while (i < 3 && ns % lengths[i])
		i++;
	fprintf(f, "%s: %llu%s\n", key, (unsigned long long)(ns / lengths[i]), units[i]);
}

static void print_address(FILE *f, const char *key, const struct ip_addr *ip)
{
	char buf[IP_STRLEN];

	if (ip->family)
		print_key_text(f, key, ip_format(ip, buf));
}

static void print_addresses(FILE *f, const struct ip_addr *v, size_t n)
{
	char buf[IP_STRLEN];

	fputs("    peers: [", f);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", f);
		print_text(f, ip_format(&v[i], buf));
	}
	fputs("]\n", f);
}

static const char *truth(bool yes)
{
	return yes ? "true" : "false";
}

static void print_global(FILE *f, const struct config *cfg)
{
	fprintf(f, "mode: %s\nprefer: [", config_modes[cfg->mode]);
	for (size_t i = 0; i < cfg->n_prefer; i++)
		fprintf(f, "%s%s", i ? ", " : "", class_name(cfg->prefer[i]));
	fprintf(f, "]\nmatch: %s\nasymmetry:\n  scope: %s\n", config_matches[cfg->match],
		config_scopes[cfg->scope]);
	print_duration(f, "  grace", cfg->grace_ns);
	print_duration(f, "  confirm", cfg->confirm_ns);
	fprintf(f, "  action: %s\n", config_actions[cfg->asymmetry]);
	print_duration(f, "failback-delay", cfg->failback_delay_ns);
	print_duration(f, "stale-time", cfg->stale_ns);
	fprintf(f, "transit: %s\nforward: %s\nfwmark: %#x\ntables: %u\n",
		config_transits[cfg->transit], config_forwards[cfg->forward], cfg->fwmark,
		cfg->tables);
	fprintf(f, "bypass-netfilter: %s\ndefault-route: %s\n", truth(cfg->bypass_netfilter),
		config_default_routes[cfg->default_route]);
	fprintf(f, "class-first-min: %u\nmultipath: %s\nflows: %u\nflows6: %u\n",
		cfg->class_first_min, config_multipaths[cfg->multipath], cfg->flows, cfg->flows6);
	fprintf(f, "fib: { nodes4: %u, nodes6: %u }\n", cfg->nodes4, cfg->nodes6);
}

static void print_probe(FILE *f, const struct config_probe *probe)
{
	char text[PROBE_TARGET_LEN];

	if (!probe->target.family)
		return;
	fputs("    probe:\n      target: ", f);
	if (probe->target.family == 6 && !probe->port) { /* its end is no port */
		char buf[IP_STRLEN];

		snprintf(text, sizeof(text), "[%s]", ip_format(&probe->target, buf));
		print_text(f, text);
	} else {
		print_text(f, probe_target_format(&probe->target, probe->port, text));
	}
	fputc('\n', f);
	print_duration(f, "      interval", probe->interval_ns);
	fprintf(f, "      misses: %u\n", probe->misses);
}

static void print_path(FILE *f, const struct config_path *path)
{
	fputs("  - name: ", f);
	print_text(f, path->name);
	fprintf(f, "\n    class: %s\n", class_name(path->class));
	if (path->circuit[0])
		print_key_text(f, "circuit", path->circuit);
	print_key_text(f, "interface", path->interface);
	if (path->vlan.vid[1])
		fprintf(f, "    vlan: [%u, %u]\n", path->vlan.vid[0], path->vlan.vid[1]);
	else if (path->vlan.vid[0])
		fprintf(f, "    vlan: [%u]\n", path->vlan.vid[0]);
	if (strcmp(config_l3(path), path->interface))
		print_key_text(f, "l3", path->l3);
	print_address(f, "gateway", &path->gateway);
	print_address(f, "gateway6", &path->gateway6);
	print_addresses(f, path->peers, path->n_peers);
	if (path->as)
		fprintf(f, "    as: %u\n", path->as);
	if (path->mtu)
		fprintf(f, "    mtu: %u\n", path->mtu);
	if (path->mss == CONFIG_MSS_AUTO)
		fputs("    mss: auto\n", f);
	else if (path->mss)
		fprintf(f, "    mss: %u\n", path->mss);
	fprintf(f, "    weight: %u\n", path->weight);
	if (path->class == SW_CLASS_EXPRESSROUTE)
		fprintf(f, "    prefix-limit: { in: %u, in6: %u, out: %u }\n", path->limit.in,
			path->limit.in6, path->limit.out);
	print_probe(f, &path->probe);
	fprintf(f, "    encrypted: %s\n    bfd: %s\n    hook: %s\n", truth(path->encrypted),
		truth(path->bfd), config_hooks[path->hook]);
}

static void print_inside(FILE *f, const struct config_inside *inside)
{
	char buf[PREFIX_STRLEN];

	fputs("  - interface: ", f);
	print_text(f, inside->interface);
	fputs("\n    networks: [", f);
	for (size_t i = 0; i < inside->n_networks; i++) {
		fputs(i ? ", " : "", f);
		print_text(f, prefix_format(&inside->networks[i], buf));
	}
	fputs("]\n", f);
	print_address(f, "gateway", &inside->gateway);
	print_address(f, "gateway6", &inside->gateway6);
	fprintf(f, "    stateful: %s\n    hook: %s\n", truth(inside->stateful),
		config_hooks[inside->hook]);
}

static void print_exempts(FILE *f, const struct config *cfg)
{
	char buf[PREFIX_STRLEN];

	fputs(cfg->n_exempt ? "exempt:\n" : "exempt: []\n", f);
	for (size_t i = 0; i < cfg->n_exempt; i++) {
		fprintf(f, "  - %s: ", cfg->exempt[i].from ? "from" : "to");
		print_text(f, prefix_format(&cfg->exempt[i].prefix, buf));
		fputc('\n', f);
	}
}

static void print_picks(FILE *f, const struct config_rule *rule)
{
	fprintf(f, "    %s: [", rule->action == RULE_ONLY ? "only" : "prefer");
	for (size_t i = 0; i < rule->n_picks; i++) {
		const struct config_pick *pick = &rule->pick[i];

		fputs(i ? ", " : "", f);
		print_text(f, pick->path[0] ? pick->path : class_name(pick->class));
	}
	fputs("]\n", f);
}

static void print_rule(FILE *f, const struct config_rule *rule)
{
	const char *proto = config_proto_name(rule->proto);
	char buf[PREFIX_STRLEN];

	fputs("  - name: ", f);
	print_text(f, rule->name);
	fputc('\n', f);
	if (rule->from.family)
		print_key_text(f, "from", prefix_format(&rule->from, buf));
	if (rule->to.family)
		print_key_text(f, "to", prefix_format(&rule->to, buf));
	if (proto)
		print_key_text(f, "proto", proto);
	else if (rule->proto >= 0)
		fprintf(f, "    proto: %d\n", rule->proto);
	if (rule->port)
		fprintf(f, "    port: %u\n", rule->port);
	if (rule->dscp >= 0)
		fprintf(f, "    dscp: %d\n", rule->dscp);
	fprintf(f, "    stateful: %s\n", truth(rule->stateful));
	if (rule->action == RULE_DENY)
		fputs("    deny: true\n", f);
	else if (rule->action != RULE_NOTHING)
		print_picks(f, rule);
}

static void print_listen(FILE *f, const struct config_feed *feed)
{
	char buf[IP_STRLEN], listen[IP_STRLEN + 9];

	snprintf(listen, sizeof(listen), feed->listen.family == 4 ? "%s:%u" : "[%s]:%u",
		 ip_format(&feed->listen, buf), feed->port);
	print_key_text(f, "listen", listen);
}

static void print_input(FILE *f, const struct config_feed *feed)
{
	if (feed->file)
		print_key_text(f, "file", feed->file);
	if (feed->dir)
		print_key_text(f, "dir", feed->dir);
	if (feed->command)
		print_key_text(f, "command", feed->command);
	if (feed->interval_ns)
		print_duration(f, "    interval", feed->interval_ns);
}

static void print_circuits(FILE *f, const struct config_feed *feed)
{
	char buf[IP_STRLEN];

	fputs("    view: remote\n    circuits: {", f);
	for (size_t i = 0; i < feed->n_circuits; i++) {
		fputs(i ? ", " : " ", f);
		print_text(f, ip_format(&feed->circuits[i].peer, buf));
		fputs(": ", f);
		print_text(f, feed->circuits[i].name);
	}
	fputs(feed->n_circuits ? " }\n" : "}\n", f);
}

static void print_protocols(FILE *f, const struct config_feed *feed)
{
	const char *before = "    protocol: [";

	for (unsigned int i = 1; i < 256; i++) {
		const char *name = config_protocol_name((uint8_t)i);

		if (!(feed->protocols[i / 64] >> i % 64 & 1))
			continue;
		if (name)
			fprintf(f, "%s%s", before, name);
		else
			fprintf(f, "%s%u", before, i);
		before = ", ";
	}
	if (*before == ',')
		fputs("]\n", f);
}

static void print_feed(FILE *f, const struct config_feed *feed)
{
	struct in_addr addr = {.s_addr = htonl(feed->router_id)};
	char id[IP_STRLEN];

	fputs("  - name: ", f);
	print_text(f, feed->name);
	fprintf(f, "\n    type: %s\n", config_feed_types[feed->type]);
	switch (feed->type) {
	case FEED_BGP:
		print_listen(f, feed);
		fprintf(f, "    as: %u\n    router-id: %s\n", feed->as,
			inet_ntop(AF_INET, &addr, id, sizeof(id)));
		if (feed->password)
			print_key_text(f, "password", feed->password);
		fprintf(f, "    ttl-security: %s\n", truth(feed->ttl_security));
		print_addresses(f, feed->peers, feed->n_peers);
		break;
	case FEED_BMP:
		print_listen(f, feed);
		print_addresses(f, feed->peers, feed->n_peers);
		break;
	case FEED_JSONL:
		print_input(f, feed);
		fprintf(f, "    follow: %s\n", truth(feed->follow));
		break;
	case FEED_RTNETLINK:
		fprintf(f, "    table: %u\n", feed->table);
		print_protocols(f, feed);
		break;
	case FEED_FRR:
		print_input(f, feed);
		break;
	case FEED_AZURE:
		print_input(f, feed);
		print_circuits(f, feed);
		break;
	case FEED_MRT:
		print_input(f, feed);
		fprintf(f, "    speed: %s\n", config_speeds[feed->speed]);
		break;
	}
}

char *config_print(const struct config *cfg)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (!f)
		return NULL;
	print_global(f, cfg);
	fputs("paths:\n", f);
	for (size_t i = 0; i < cfg->n_paths; i++)
		print_path(f, &cfg->paths[i]);
	fputs("inside:\n", f);
	for (size_t i = 0; i < cfg->n_inside; i++)
		print_inside(f, &cfg->inside[i]);
	print_exempts(f, cfg);
	fputs(cfg->n_rules ? "rules:\n" : "rules: []\n", f);
	for (size_t i = 0; i < cfg->n_rules; i++)
		print_rule(f, &cfg->rules[i]);
	fputs(cfg->n_feeds ? "feeds:\n" : "feeds: []\n", f);
	for (size_t i = 0; i < cfg->n_feeds; i++)
		print_feed(f, &cfg->feeds[i]);
	if (cfg->notify) {
		fputs("notify:\n", f);
		print_key_text(f, "command", cfg->notify);
	}
	failed = ferror(f);
	if (fclose(f) || failed) {
		free(text);
		return NULL;
	}
	return text;
}
