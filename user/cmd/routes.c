/* SPDX-License-Identifier: GPL-2.0-only */
/* `routes`, `explain`: questions that only the daemon answers. */
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "core/prefix.h"
#include "output/rows.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *routes_request(int argc, char **argv, char err[CMD_ERR])
{
	char text[PREFIX_STRLEN];
	struct prefix prefix;
	bool is_prefix = argc && strchr(argv[0], '/');

	if (!argc)
		return json_pack("{s:s}", "cmd", "routes");
	if (prefix_parse(argv[0], &prefix, NULL)) {
		snprintf(err, CMD_ERR,
			 "%.60s is no prefix or address: write it as 10.10.30.0/24 or 10.10.30.4",
			 argv[0]);
		return NULL;
	}
	if (is_prefix)
		prefix_format(&prefix, text);
	else
		snprintf(text, sizeof(text), "%s", argv[0]);
	return json_pack("{s:s, s:s}", "cmd", "routes", is_prefix ? "prefix" : "address", text);
}

/* A number of at most `max`, nothing else; -1: it is none. */
static long number_parse(const char *text, long max)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return *end || errno || n > max ? -1 : n;
}

static long proto_parse(const char *text)
{
	static const struct {
		const char *name;
		long proto;
	} names[] = {{"tcp", IPPROTO_TCP},
		     {"udp", IPPROTO_UDP},
		     {"icmp", IPPROTO_ICMP},
		     {"icmp6", IPPROTO_ICMPV6},
		     {"sctp", IPPROTO_SCTP}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i].name, text))
			return names[i].proto;
	}
	return number_parse(text, 255);
}

#define EXPLAIN_WORDS "DST [from SRC] [proto P] [port N] [dscp N]"

struct explain_args {
	const char *src;
	long proto, port, dscp; /* -1: not given */
};

/* One `word value` pair. */
static int explain_pair(struct explain_args *args, const char *word, const char *value,
			char err[CMD_ERR])
{
	struct ip_addr ip;

	if (!strcmp(word, "from") && !args->src) {
		args->src = value;
		if (!ip_parse(value, &ip))
			return 0;
		snprintf(err, CMD_ERR, "%.60s is no address: write it as 10.2.30.10", value);
	} else if (!strcmp(word, "proto") && args->proto < 0) {
		args->proto = proto_parse(value);
		if (args->proto >= 0)
			return 0;
		snprintf(err, CMD_ERR,
			 "%.60s is no protocol: say tcp, udp, icmp, icmp6, sctp or 0 to 255",
			 value);
	} else if (!strcmp(word, "port") && args->port < 0) {
		args->port = number_parse(value, 65535);
		if (args->port >= 0)
			return 0;
		snprintf(err, CMD_ERR, "%.60s is no port: say 0 to 65535", value);
	} else if (!strcmp(word, "dscp") && args->dscp < 0) {
		args->dscp = number_parse(value, 63);
		if (args->dscp >= 0)
			return 0;
		snprintf(err, CMD_ERR, "%.60s is no DSCP: say 0 to 63", value);
	} else {
		snprintf(err, CMD_ERR, "%.60s does not belong here: say " EXPLAIN_WORDS, word);
	}
	return -EINVAL;
}

static bool has_ports(long proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* What belongs together. A port alone is TCP's: no packet has a port and no protocol. */
static int explain_check(const char *dst_text, const struct ip_addr *dst, struct explain_args *args,
			 char err[CMD_ERR])
{
	struct ip_addr src;

	if (args->src && !ip_parse(args->src, &src) && src.family != dst->family) {
		snprintf(err, CMD_ERR, "%.60s and %.60s: one is IPv4, one IPv6: take one family",
			 dst_text, args->src);
		return -EINVAL;
	}
	if (args->port >= 0 && args->proto < 0)
		args->proto = IPPROTO_TCP;
	if (args->port >= 0 && !has_ports(args->proto)) {
		snprintf(err, CMD_ERR,
			 "port %ld: protocol %ld has no ports: leave the port out, or say proto "
			 "tcp, udp or sctp",
			 args->port, args->proto);
		return -EINVAL;
	}
	return 0;
}

json_t *explain_request(int argc, char **argv, char err[CMD_ERR])
{
	struct explain_args args = {.proto = -1, .port = -1, .dscp = -1};
	struct ip_addr dst;

	if (ip_parse(argv[0], &dst)) {
		snprintf(err, CMD_ERR, "%.60s is no address: write it as 10.10.30.4", argv[0]);
		return NULL;
	}
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc) {
			snprintf(err, CMD_ERR, "%.60s: too few arguments: say " EXPLAIN_WORDS,
				 argv[i]);
			return NULL;
		}
		if (explain_pair(&args, argv[i], argv[i + 1], err))
			return NULL;
	}
	if (explain_check(argv[0], &dst, &args, err))
		return NULL;
	return json_pack("{s:s, s:s, s:s*, s:o*, s:o*, s:o*}", "cmd", "explain", "dst", argv[0],
			 "src", args.src, "proto", args.proto < 0 ? NULL : json_integer(args.proto),
			 "port", args.port < 0 ? NULL : json_integer(args.port), "dscp",
			 args.dscp < 0 ? NULL : json_integer(args.dscp));
}

static int call_wrong(const struct cmd_call *call, const char *err)
{
	output_error("%s: %s", call->cmd->name, *err ? err : "out of memory: try again");
	return *err ? CMD_WRONG : CMD_FAILED;
}

/* Part by part, so that a table of any size needs no more memory than one of them. */
static int routes_print(const struct cmd_call *call, struct client *client, json_t *request,
			struct client_error *err)
{
	struct output_parts parts = {.view = SHOW_ROUTES, .json = call->json};
	json_t *rows;
	int code = client_ask(client, request, &rows, err);

	while (!code) {
		int failed = output_part(&parts, rows);

		json_decref(rows);
		if (failed)
			return CMD_FAILED;
		if (!client_more(client))
			return output_parts_end(&parts) ? CMD_FAILED : CMD_DONE;
		code = client_next(client, CLIENT_TIMEOUT_MS, &rows, err);
	}
	if (code == -EPIPE) /* who read our output has gone, and knows */
		return CMD_FAILED;
	output_error("%s: %s", call->cmd->name, err->text);
	return err->exit;
}

int cmd_routes(const struct cmd_call *call)
{
	char err[CMD_ERR] = "";
	json_t *request = routes_request(call->argc, call->argv, err);
	struct client_error error;
	struct client *client;
	int status;

	if (!request)
		return call_wrong(call, err);
	status = cmd_connect(call, &client, &error);
	if (status) {
		json_decref(request);
		return status;
	}
	status = routes_print(call, client, request, &error);
	client_close(client);
	return status;
}

/*
 * What the flow table has seen of the pair, from the maps: a large table costs the daemon nothing.
 * Without maps it is null.
 */
static json_t *explain_seen(const struct cmd_call *call, const json_t *rows)
{
	const char *src = json_string_value(json_object_get(rows, "src"));
	const char *dst = json_string_value(json_object_get(rows, "dst"));
	const char *from = json_string_value(json_object_get(rows, "src_prefix"));
	const char *to = json_string_value(json_object_get(rows, "prefix"));
	struct prefix src_prefix, dst_prefix;
	char err[DATAPATH_ERR];
	struct ip_addr s, t;
	struct maps *maps;
	json_t *seen;

	if (!src || !dst || !from || !to || ip_parse(src, &s) || ip_parse(dst, &t) ||
	    prefix_parse(from, &src_prefix, NULL) || prefix_parse(to, &dst_prefix, NULL) ||
	    maps_open(&maps, call->instance, err))
		return json_null();
	seen = rows_seen(maps, &s, &t, &src_prefix, &dst_prefix);
	maps_close(maps);
	return seen ? seen : json_null();
}

/* By the routes, or by what was seen of these two hosts. */
static bool explain_asymmetric(const json_t *rows)
{
	const char *verdict = json_string_value(json_object_get(rows, "verdict"));
	const json_t *flow;
	size_t i;

	if (verdict && !strcmp(verdict, "asymmetric"))
		return true;
	json_array_foreach (json_object_get(json_object_get(rows, "seen"), "hosts"), i, flow) {
		const char *seen = json_string_value(json_object_get(flow, "verdict"));

		if (seen && !strcmp(seen, "asymmetric"))
			return true;
	}
	return false;
}

int cmd_explain(const struct cmd_call *call)
{
	char err[CMD_ERR] = "";
	json_t *rows, *request = explain_request(call->argc, call->argv, err);
	bool asymmetric;
	int status;

	if (!request)
		return call_wrong(call, err);
	status = cmd_ask(call, request, &rows);
	if (status)
		return status;
	json_object_set_new(rows, "seen", explain_seen(call, rows));
	asymmetric = explain_asymmetric(rows);
	status = cmd_show(call, SHOW_EXPLAIN, rows);
	return !status && asymmetric ? CMD_ASYMMETRIC : status;
}
