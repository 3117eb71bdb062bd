/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `paths` from the pinned maps alone: whether a path can carry traffic is read from the words of
 * `usable`, as the data plane reads them, so the answer holds with the daemon dead.
 */
#include "output/rows_internal.h"

#include <net/if.h>
#include <string.h>

json_t *rows_objections(const struct sw_usable *usable, const struct sw_ctl *ctl, unsigned int id,
			bool *can)
{
#define OBJECTION(field, text) {text, !(usable->field >> id & 1)},
	const struct {
		const char *text;
		bool objects;
	} words[] = {SW_LIVENESS(OBJECTION)};
	bool peers = ((usable->peers4 & ctl->can4) | (usable->peers6 & ctl->can6)) >> id & 1;
	uint64_t both = usable->link & usable->bfd & usable->probe & usable->admin &
			usable->failback & usable->neighbor;
	json_t *reasons = json_array();
	bool ok = reasons;
	const char *last = "";

	*can = peers && both >> id & 1;
	for (size_t i = 0; ok && i < sizeof(words) / sizeof(words[0]); i++) {
		/* peers4 and peers6 are neighbours in the list and share their reason. */
		if (!words[i].objects || !strcmp(words[i].text, last))
			continue;
		last = words[i].text;
		ok = rows_append(reasons, json_string(last));
	}
	if (ok)
		return reasons;
	json_decref(reasons);
	return NULL;
}

struct interface_search {
	uint32_t ifindex;
	char name[IF_NAMESIZE + 1];
};

static int interface_is(void *arg, uint32_t ifindex, const struct sw_interface *row)
{
	struct interface_search *search = arg;

	if (ifindex != search->ifindex)
		return 0;
	memcpy(search->name, row->name, sizeof(row->name));
	return 1;
}

json_t *rows_interface(struct maps *maps, uint32_t ifindex)
{
	struct interface_search search = {.ifindex = ifindex};

	if (!ifindex)
		return json_null();
	maps_interface_each(maps, interface_is, &search);
	if (!search.name[0])
		if_indextoname(ifindex, search.name);
	return rows_name(search.name, sizeof(search.name));
}

static json_t *path_gateway(struct maps *maps, unsigned int id)
{
	static const uint8_t families[] = {4, 6};
	struct sw_nexthop nexthop;

	for (size_t i = 0; i < 2; i++) {
		struct ip_addr ip = {.family = families[i]};

		if (maps_nexthop(maps, id, families[i], &nexthop) || nexthop.family != families[i])
			continue;
		memcpy(ip.bytes, nexthop.addr, families[i] == 4 ? 4 : 16);
		return rows_ip(&ip);
	}
	return json_null();
}

/* Of IPv4; of IPv6 it is at most 60 bytes less than the MTU, not 40. */
static json_t *path_mss(const struct sw_path *path)
{
	return path->mss ? json_integer(sw_path_mss(path, 4)) : json_null();
}

json_t *rows_path(struct maps *maps, unsigned int id, const struct sw_path *path,
		  const struct sw_usable *usable, const struct sw_ctl *ctl)
{
	struct sw_usable words = *usable;
	struct sw_path_stats stats = {0};
	struct sw_carrier carrier = {0};
	struct sw_bfd bfd = {0};
	json_t *row = json_object();
	json_t *reasons;
	bool can, watched = ctl->bfd >> id & 1 && !maps_bfd(maps, id, &bfd);

	maps_path_stats(maps, id, &stats);
	maps_carrier(maps, id, &carrier);
	/* no objection any more, a delay */
	if (watched && bfd.hold.down && bfd.hold.up_ns) {
		words.bfd |= 1ULL << id;
		words.failback &= ~(1ULL << id);
	}
	if (carrier.hold.down && carrier.hold.up_ns) {
		words.link |= 1ULL << id;
		words.failback &= ~(1ULL << id);
	}
	reasons = rows_objections(&words, ctl, id, &can);
	if (can && path->maintenance && !rows_append(reasons, json_string("maintenance")))
		can = false;
	if (row && rows_set(row, "id", json_integer(id)) &&
	    rows_set(row, "name", rows_name(path->name, SW_NAME_LEN)) &&
	    rows_set(row, "class", json_string(class_text(path->class))) &&
	    rows_set(row, "circuit", rows_name(path->circuit_name, SW_NAME_LEN)) &&
	    rows_set(row, "interface", rows_interface(maps, path->ifindex)) &&
	    rows_set(row, "gateway", path_gateway(maps, id)) &&
	    rows_set(row, "usable", json_boolean(can)) &&
	    rows_set(row, "reasons", json_incref(reasons)) &&
	    rows_set(row, "mss", path_mss(path)) &&
	    rows_set(row, "routes4", json_integer(path->routes4)) &&
	    rows_set(row, "routes6", json_integer(path->routes6)) &&
	    rows_set(row, "rx_packets", json_integer((json_int_t)stats.rx_packets)) &&
	    rows_set(row, "rx_bytes", json_integer((json_int_t)stats.rx_bytes)) &&
	    rows_set(row, "tx_packets", json_integer((json_int_t)stats.tx_packets)) &&
	    rows_set(row, "tx_bytes", json_integer((json_int_t)stats.tx_bytes)) &&
	    rows_set(row, "bfd", watched ? rows_bfd(&bfd) : json_null()) &&
	    rows_set(row, "probe", rows_probe(maps, id))) {
		json_decref(reasons);
		return row;
	}
	json_decref(reasons);
	json_decref(row);
	return NULL;
}

json_t *rows_paths(struct maps *maps)
{
	struct sw_usable usable = {0};
	struct sw_ctl ctl = {0};
	json_t *rows = json_array();
	bool ok = rows;

	maps_usable(maps, &usable);
	maps_ctl(maps, &ctl);
	for (unsigned int id = 0; ok && id < SW_MAX_PATHS; id++) {
		struct sw_path path;

		if (!maps_path(maps, id, &path) && path.name[0])
			ok = rows_append(rows, rows_path(maps, id, &path, &usable, &ctl));
	}
	if (ok)
		return rows;
	json_decref(rows);
	return NULL;
}
