/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration as the rest of the program knows it: made from text, freed, asked. The reading
 * is a walk over the YAML document (config_yaml.c) by tables of keys (config_keys.c) with readers
 * of single values (config_value.c); then come the checks that need two values (config_check.c).
 */
#include "core/config_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct config *config_defaults(void)
{
	struct config *cfg = calloc(1, sizeof(*cfg));

	if (!cfg)
		return NULL;
	cfg->prefer[0] = SW_CLASS_EXPRESSROUTE;
	cfg->prefer[1] = SW_CLASS_VPN;
	cfg->n_prefer = 2;
	cfg->grace_ns = 60000000000ULL;
	cfg->confirm_ns = 15000000000ULL;
	cfg->failback_delay_ns = 1000000000ULL;
	cfg->stale_ns = 120000000000ULL;
	cfg->class_first_min = 16;
	cfg->flows = 65536;
	cfg->nodes4 = 8192;
	cfg->nodes6 = 16384;
	cfg->flows6 = 16384;
	cfg->fwmark = 0xff0000;
	cfg->tables = 7000;
	return cfg;
}

/* Numbers circuits by their first path; a path without one is a circuit of its own. */
static void number_circuits(struct config *cfg)
{
	unsigned int next = 0;

	for (size_t i = 0; i < cfg->n_paths; i++) {
		struct config_path *path = &cfg->paths[i];
		size_t k = 0;

		while (k < i &&
		       !(path->circuit[0] && !strcmp(cfg->paths[k].circuit, path->circuit)))
			k++;
		path->circuit_id = k < i ? cfg->paths[k].circuit_id : next++;
	}
}

int config_parse(const char *text, size_t len, struct config **out, struct config_errors *errors)
{
	struct config_reader r = {.errors = errors, .cfg = config_defaults()};
	const yaml_node_t *root;

	*errors = (struct config_errors){0};
	if (!r.cfg)
		return -ENOMEM;
	root = config_load(&r, text, len);
	if (root) {
		config_read(&r, root);
		config_check(&r);
		number_circuits(r.cfg);
		yaml_document_delete(&r.doc);
	}
	free(r.marks);
	if (!r.rc && !errors->n) {
		*out = r.cfg;
		return 0;
	}
	config_free(r.cfg);
	return r.rc ? r.rc : -EINVAL;
}

void config_free(struct config *cfg)
{
	if (!cfg)
		return;
	for (size_t i = 0; i < cfg->n_paths; i++)
		free(cfg->paths[i].peers);
	for (size_t i = 0; i < cfg->n_inside; i++)
		free(cfg->inside[i].networks);
	for (size_t i = 0; i < cfg->n_feeds; i++) {
		free(cfg->feeds[i].peers);
		free(cfg->feeds[i].password);
		free(cfg->feeds[i].file);
		free(cfg->feeds[i].dir);
		free(cfg->feeds[i].command);
		free(cfg->feeds[i].circuits);
	}
	free(cfg->notify);
	free(cfg->paths);
	free(cfg->inside);
	free(cfg->exempt);
	free(cfg->rules);
	free(cfg->feeds);
	free(cfg);
}

void config_errors_free(struct config_errors *errors)
{
	free(errors->v);
	*errors = (struct config_errors){0};
}

uint8_t config_rank(const struct config *cfg, enum sw_class class)
{
	for (size_t i = 0; i < cfg->n_prefer; i++) {
		if (cfg->prefer[i] == class)
			return (uint8_t)i;
	}
	return SW_NO_RANK;
}

const struct config_path *config_path_by_name(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->n_paths; i++) {
		if (!strcmp(cfg->paths[i].name, name))
			return &cfg->paths[i];
	}
	return NULL;
}

const char *config_l3(const struct config_path *path)
{
	return path->l3[0] ? path->l3 : path->interface;
}

static void far_end_add(const struct ip_addr *ip, struct ip_addr *v, size_t max, size_t *n)
{
	if (!ip->family)
		return;
	for (size_t i = 0; i < *n && i < max; i++) {
		if (ip_equal(&v[i], ip))
			return;
	}
	if (*n < max)
		v[*n] = *ip;
	++*n;
}

size_t config_far_ends(const struct config_path *path, struct ip_addr *v, size_t max)
{
	size_t n = 0;

	far_end_add(&path->gateway, v, max, &n);
	far_end_add(&path->gateway6, v, max, &n);
	for (size_t i = 0; i < path->n_peers; i++)
		far_end_add(&path->peers[i], v, max, &n);
	return n;
}

const char *config_circuit_name(const struct config_path *path)
{
	return path->circuit[0] ? path->circuit : path->name;
}

const struct config_inside *config_inside_of(const struct config *cfg, const struct prefix *prefix,
					     struct prefix *network)
{
	const struct config_inside *found = NULL;
	int len = -1;

	for (size_t i = 0; i < cfg->n_inside; i++)
		for (size_t k = 0; k < cfg->inside[i].n_networks; k++) {
			const struct prefix *net = &cfg->inside[i].networks[k];

			if (net->len > len && prefix_contains(net, prefix)) {
				found = &cfg->inside[i];
				*network = *net;
				len = net->len;
			}
		}
	return found;
}

const char *class_name(enum sw_class class)
{
	return config_classes[class];
}

int class_parse(const char *text, enum sw_class *out)
{
	for (unsigned int i = 0; i < SW_CLASS_COUNT; i++) {
		if (!strcmp(text, config_classes[i])) {
			*out = (enum sw_class)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool config_takes_protocol(const struct config_feed *feed, uint8_t protocol)
{
	const uint64_t *p = feed->protocols;

	return !(p[0] | p[1] | p[2] | p[3]) || p[protocol / 64] >> protocol % 64 & 1;
}
