/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The config, and the config read again. A reload tries what can fail first: it reads the file,
 * looks at the interfaces, the rules on this box and the addresses to listen on, and changes
 * nothing when something is wrong. Then the daemon takes its own data plane over, as it would one
 * that an earlier daemon left: packets go on by the old tables until the feeds have sent theirs.
 * Where the start fails even so, it goes back to the config before.
 */
#include "daemon/daemon_impl.h"
#include "kernel/inspect.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX (1L << 20)

static char *text_read(const char *file, size_t *len)
{
	FILE *f = fopen(file, "re");
	char *text = malloc(SETTINGS_MAX);

	if (f && text)
		*len = fread(text, 1, SETTINGS_MAX, f);
	if (f)
		fclose(f);
	if (f && text && *len < SETTINGS_MAX)
		return text;
	if (f)
		daemon_log("%s: larger than 1 MiB: is this the config?", file);
	else
		daemon_log("%s: %s: write it, as sameway.yaml(5) says, or name another with -c",
			   file, strerror(errno));
	free(text);
	return NULL;
}

int daemon_config_read(const char *file, struct config **out, struct config_errors *errors)
{
	size_t len = 0;
	char *text;
	int ret;

	*errors = (struct config_errors){0};
	text = text_read(file, &len);
	if (!text)
		return -ENOENT;
	ret = config_parse(text, len, out, errors);
	free(text);
	for (size_t i = 0; i < errors->n; i++)
		fprintf(stderr, "sameway: %s:%d: %s\n", file, errors->v[i].line, errors->v[i].text);
	return ret;
}

/* A daemon that only looks: its ports, nothing of the maps. */

static void look_link(void *arg, const struct link_info *link)
{
	struct daemon *probe = arg;

	for (size_t i = 0; i < probe->n_ports; i++) {
		edge_port_look(&probe->port[i], link);
	}
}

static void look_gone(void *arg, uint32_t ifindex, const char *name)
{
	(void)arg;
	(void)ifindex;
	(void)name;
}

static void look_address(void *arg, uint32_t ifindex, const struct ip_addr *addr, uint8_t len,
			 const struct ip_addr *broadcast, bool added)
{
	(void)arg;
	(void)ifindex;
	(void)addr;
	(void)len;
	(void)broadcast;
	(void)added;
}

static void look_neighbor(void *arg, uint32_t ifindex, const struct ip_addr *addr, bool valid,
			  const uint8_t mac[6])
{
	(void)arg;
	(void)ifindex;
	(void)addr;
	(void)valid;
	(void)mac;
}

static void look_resynced(void *arg)
{
	(void)arg;
}

static int check_interfaces(struct daemon *probe, char err[DATAPATH_ERR])
{
	const struct links_ops ops = {
		.arg = probe,
		.link = look_link,
		.link_gone = look_gone,
		.address = look_address,
		.neighbor = look_neighbor,
		.resynced = look_resynced,
	};
	struct links *links = NULL;
	uint8_t ids[SW_MAX_PATHS];
	int ret;

	for (size_t i = 0; i < probe->cfg->n_paths; i++) {
		ids[i] = (uint8_t)i;
		probe->path[i].cfg = &probe->cfg->paths[i];
	}
	probe->path_ids = ids;
	ret = edge_ports_make(probe);
	if (!ret)
		ret = links_start(&links, probe->base, &ops);
	if (ret)
		snprintf(err, DATAPATH_ERR, "the interfaces can't be read: %s", strerror(-ret));
	else
		ret = edge_check(probe, err);
	if (!ret)
		ret = attach_check(probe, err);
	if (links)
		links_stop(links);
	free(probe->port);
	return ret;
}

/* Feeds: whether what is new can listen. What a feed of ours listens on now is free by then. */

static enum rib_result no_announce(void *arg, feed_id feed, const struct route *route)
{
	(void)arg;
	(void)feed;
	(void)route;
	return RIB_OK;
}

static size_t no_withdraw(void *arg, feed_id feed, const struct route *route, bool by_sub)
{
	(void)arg;
	(void)feed;
	(void)route;
	(void)by_sub;
	return 0;
}

static void no_peer(void *arg, feed_id feed, const struct ip_addr *peer)
{
	(void)arg;
	(void)feed;
	(void)peer;
}

static void no_news(void *arg, feed_id feed)
{
	(void)arg;
	(void)feed;
}

static void no_table_news(void *arg, feed_id feed, uint16_t source)
{
	(void)arg;
	(void)feed;
	(void)source;
}

static void no_log(void *arg, feed_id feed, const char *text)
{
	(void)arg;
	(void)feed;
	(void)text;
}

static bool listens(const struct config *cfg, const struct config_feed *feed)
{
	for (size_t i = 0; i < cfg->n_feeds; i++) {
		if (feed->listen.family && ip_equal(&cfg->feeds[i].listen, &feed->listen) &&
		    cfg->feeds[i].port == feed->port)
			return true;
	}
	return false;
}

static int check_feeds(const struct daemon *d, const struct config *cfg, char err[DATAPATH_ERR])
{
	const struct feed_sink sink = {
		.announce = no_announce,
		.withdraw = no_withdraw,
		.peer_down = no_peer,
		.peer_up = no_peer,
		.begin = no_table_news,
		.end_of_rib = no_table_news,
		.lost = no_table_news,
		.dropped = no_table_news,
		.synced = no_news,
		.log = no_log,
	};
	char text[200];

	for (size_t i = 0; i < cfg->n_feeds; i++) {
		const struct config_feed *feed = &cfg->feeds[i];
		const struct feed_type *type = feed_type(feed->type);
		struct feed *trial = NULL;
		int ret;

		if (feed->file && !strcmp(feed->file, "-")) {
			snprintf(err, DATAPATH_ERR,
				 "feed %s reads standard input, which can't be read again: give it "
				 "a file, or stop the daemon and start it",
				 feed->name);
			return -EINVAL;
		}
		if (listens(d->cfg, feed))
			continue;
		ret = type->start(&trial, (feed_id)i, feed, d->config_dir, d->base, &sink, text);
		if (ret) {
			snprintf(err, DATAPATH_ERR, "feed %s: %s", feed->name, text);
			return ret;
		}
		type->stop(trial);
	}
	return 0;
}

/* Everything that can be tried without a change. 0 or -errno with err. */
static int reload_check(struct daemon *d, struct config *cfg, char err[DATAPATH_ERR])
{
	struct daemon *probe;
	int ret;

	if (cfg->nodes4 != d->cfg->nodes4 || cfg->nodes6 != d->cfg->nodes6) {
		snprintf(
			err, DATAPATH_ERR,
			"fib: { nodes4: %u, nodes6: %u }: the tables are for %u and %u and are not "
			"made anew under way: leave it, or `sameway -i %s detach` and run again",
			cfg->nodes4, cfg->nodes6, d->cfg->nodes4, d->cfg->nodes6, d->instance);
		return -EINVAL;
	}
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return -ENOMEM;
	probe->instance = d->instance;
	probe->cfg = cfg;
	probe->base = d->base;
	probe->dp = d->dp;
	ret = forward_check(probe, err); /* says who would send: by that XDP is wanted, or not */
	if (!ret)
		ret = check_interfaces(probe, err);
	free(probe);
	return ret ? ret : check_feeds(d, cfg, err);
}

static bool has_gateway(const struct config *cfg, const char *interface, const struct ip_addr *ip)
{
	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *p = &cfg->paths[i];

		if (!strcmp(config_l3(p), interface) &&
		    (ip_equal(&p->gateway, ip) || ip_equal(&p->gateway6, ip)))
			return true;
	}
	for (size_t i = 0; i < cfg->n_inside; i++) {
		const struct config_inside *in = &cfg->inside[i];

		if (!strcmp(in->interface, interface) &&
		    (ip_equal(&in->gateway, ip) || ip_equal(&in->gateway6, ip)))
			return true;
	}
	return false;
}

static void release(const struct config *now, const char *interface, const struct ip_addr *ip)
{
	if (ip->family && !has_gateway(now, interface, ip))
		links_release_neighbor(if_nametoindex(interface), ip);
}

/* Gateways that no path has any more are ordinary neighbours again. */
static void release_gone(const struct config *old, const struct config *now)
{
	for (size_t i = 0; i < old->n_paths; i++) {
		release(now, config_l3(&old->paths[i]), &old->paths[i].gateway);
		release(now, config_l3(&old->paths[i]), &old->paths[i].gateway6);
	}
	for (size_t i = 0; i < old->n_inside; i++) {
		release(now, old->inside[i].interface, &old->inside[i].gateway);
		release(now, old->inside[i].interface, &old->inside[i].gateway6);
	}
}

/* Starts anew with cfg around the maps as they are. What was told of the paths is kept. */
static int restart(struct daemon *d, struct config *cfg, char err[DATAPATH_ERR])
{
	struct path_state earlier[SW_MAX_PATHS];
	int ret;

	memcpy(earlier, d->path, sizeof(earlier));
	memset(d->path, 0, sizeof(d->path));
	daemon_plane_stop(d);
	d->cfg = cfg;
	d->earlier = earlier;
	ret = daemon_plane_start(d, err);
	d->earlier = NULL;
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		free(earlier[id].peer_down);
	return ret;
}

struct feed_note {
	uint64_t up_ns;
	bool was_up;
};

/* Since when each feed is not up goes on. NULL: no memory, it begins anew. */
static struct feed_note *feeds_note(const struct daemon *d)
{
	struct feed_note *notes = calloc(d->cfg->n_feeds + 1, sizeof(*notes));

	for (size_t i = 0; notes && i < d->cfg->n_feeds; i++) {
		const struct feed_slot *slot = &d->feeds[i];
		struct feed_status st = {0};

		slot->type->status(slot->feed, &st);
		notes[i].up_ns = slot->up_ns ? slot->up_ns : d->cold_ns;
		notes[i].was_up = feed_slot_state(slot, &st) != FEED_DOWN;
	}
	return notes;
}

static void feeds_recall(struct daemon *d, const struct config *old, const struct feed_note *notes)
{
	for (size_t i = 0; notes && i < d->cfg->n_feeds; i++)
		for (size_t k = 0; k < old->n_feeds; k++)
			if (d->cfg->feeds[i].type == old->feeds[k].type &&
			    !strcmp(d->cfg->feeds[i].name, old->feeds[k].name)) {
				d->feeds[i].up_ns = notes[k].up_ns;
				d->feeds[i].was_up = notes[k].was_up;
			}
}

/* 0; -errno with err: the config before is in effect, or the daemon ends. */
static int reload_apply(struct daemon *d, struct config *cfg, enum sw_mode file_mode,
			char err[DATAPATH_ERR])
{
	struct config *old = d->cfg;
	uint64_t until = datapath_ctl(d->dp)->enforce_until_ns;
	struct feed_note *notes = feeds_note(d);
	char text[DATAPATH_ERR];
	int ret;

	if (file_mode != d->config_mode) /* the file's mode is news: it counts */
		datapath_ctl(d->dp)->enforce_until_ns = 0;
	ret = restart(d, cfg, err);
	if (!ret) {
		d->config_mode = file_mode;
		feeds_recall(d, old, notes);
		release_gone(old, cfg);
		config_free(old);
		free(notes);
		return 0;
	}
	datapath_ctl(d->dp)->enforce_until_ns = until;
	if (!restart(d, old, text)) {
		feeds_recall(d, old, notes);
	} else {
		daemon_log("reload: %s; and the config before can't be had back: %s: the daemon "
			   "ends, the data plane stays",
			   err, text);
		d->failed = true;
		event_base_loopbreak(d->base);
	}
	config_free(cfg);
	free(notes);
	return ret;
}

void daemon_config_warn(const struct daemon *d, struct config_errors *warnings)
{
	*warnings = (struct config_errors){0};
	inspect_config(d->cfg, d->config_dir, warnings);
	for (size_t i = 0; i < warnings->n; i++)
		daemon_log("%s:%d: warning: %s", d->config_file, warnings->v[i].line,
			   warnings->v[i].text);
}

static json_t *lines_rows(const struct config_errors *errors)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < errors->n; i++)
		json_array_append_new(rows, json_pack("{s:i, s:s}", "line", errors->v[i].line,
						      "text", errors->v[i].text));
	return rows;
}

static json_t *reload_rows(const struct daemon *d, int ret, const char *error,
			   const struct config_errors *errors, const struct config_errors *warnings)
{
	return json_pack("{s:s, s:b, s:i, s:s?, s:o, s:o}", "config", d->config_file, "reloaded",
			 !ret, "exit",
			 !ret		  ? 0
			 : ret == -EINVAL ? 2
					  : 1,
			 "error", ret && error[0] ? error : NULL, "mistakes", lines_rows(errors),
			 "warnings", lines_rows(warnings));
}

json_t *reload_run(struct daemon *d)
{
	struct config_errors errors, warnings = {0};
	struct config *cfg = NULL;
	char err[DATAPATH_ERR] = "";
	enum sw_mode file_mode;
	json_t *rows;
	int ret = daemon_config_read(d->config_file, &cfg, &errors);

	if (ret == -ENOENT) {
		snprintf(err, sizeof(err), "%.250s can't be read: see the daemon's log",
			 d->config_file);
		ret = -EINVAL;
	}
	if (!ret) {
		file_mode = cfg->mode;
		if (file_mode == d->config_mode) /* a command's mode goes on */
			cfg->mode = d->cfg->mode;
		ret = reload_check(d, cfg, err);
		if (ret)
			config_free(cfg);
		else
			ret = reload_apply(d, cfg, file_mode, err);
	}
	if (ret && !d->failed)
		daemon_log("reload: nothing has changed: %s",
			   err[0] ? err : "the config has the mistakes above");
	if (!ret) {
		daemon_log("reloaded %s: %zu paths, %zu feeds", d->config_file, d->cfg->n_paths,
			   d->cfg->n_feeds);
		daemon_config_warn(d, &warnings);
	}
	rows = reload_rows(d, ret, err, &errors, &warnings);
	config_errors_free(&errors);
	config_errors_free(&warnings);
	return rows;
}

json_t *answer_reload(struct daemon *d, const json_t *request, struct answer_error *err)
{
	(void)request;
	(void)err;
	return reload_run(d);
}
