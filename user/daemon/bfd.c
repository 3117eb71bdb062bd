/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BFD: tells the kernel whose sessions are to be watched on which path (map `bfd`, sw_ctl.bfd). It
 * decides nothing: bpf/liveness.h does, with this daemon dead, too.
 */
#include "daemon/daemon_impl.h"

#include <stdio.h>
#include <string.h>

static bool is_of(const struct sw_bfd_session *s, const struct ip_addr *ip)
{
	return s->family == ip->family && !memcmp(s->addr, ip->bytes, sizeof(s->addr));
}

/* Whom nobody names any more is heard no more. The family first: it makes a session of the row. */
static void session_end(struct sw_bfd_session *s)
{
	__atomic_store_n(&s->family, 0, __ATOMIC_SEQ_CST);
	memset(s, 0, sizeof(*s));
}

static bool is_gateway(const struct config_path *cfg, const struct ip_addr *ip)
{
	return ip_equal(&cfg->gateway, ip) || ip_equal(&cfg->gateway6, ip);
}

static void session_begin(struct sw_bfd_session *s, const struct ip_addr *ip, bool gateway)
{
	memcpy(s->addr, ip->bytes, sizeof(s->addr));
	s->gateway = gateway;
	__atomic_store_n(&s->family, ip->family, __ATOMIC_RELEASE);
}

/* The sessions that it has and wants stay as they are. */
static void row_write(struct sw_bfd *row, const struct config_path *cfg)
{
	struct ip_addr ends[SW_BFD_SESSIONS];
	size_t n = config_far_ends(cfg, ends, SW_BFD_SESSIONS);
	bool had[SW_BFD_SESSIONS] = {false};

	for (size_t s = 0; s < SW_BFD_SESSIONS; s++) {
		size_t e = 0;

		while (e < n && !is_of(&row->session[s], &ends[e]))
			e++;
		if (e < n) {
			had[e] = true;
			row->session[s].gateway = is_gateway(cfg, &ends[e]);
		} else {
			session_end(&row->session[s]);
		}
	}
	for (size_t e = 0, s = 0; e < n; e++) {
		if (had[e])
			continue;
		while (row->session[s].family)
			s++;
		session_begin(&row->session[s], &ends[e], is_gateway(cfg, &ends[e]));
	}
}

static void path_write(struct daemon *d, unsigned int id)
{
	const struct config_path *cfg = d->path[id].cfg;
	struct sw_bfd *row = &datapath_bfd(d->dp)[id];
	struct sw_ctl *c = datapath_ctl(d->dp);

	if (!cfg || !cfg->bfd || strcmp(datapath_paths(d->dp)[id].name, cfg->name)) {
		/* the objection ends: the timer's next look sees no such path */
		word_set(&c->bfd, id, false);
		memset(row, 0, sizeof(*row));
	}
	if (!cfg || !cfg->bfd)
		return;
	row->hold.delay_ns = d->cfg->failback_delay_ns;
	row_write(row, cfg);
	word_set(&c->bfd, id, true);
}

void bfd_start(struct daemon *d)
{
	for (unsigned int id = 0; id < SW_MAX_PATHS; id++)
		path_write(d, id);
}

bool bfd_is_up(struct daemon *d, unsigned int id)
{
	const struct sw_bfd *row = &datapath_bfd(d->dp)[id];

	for (size_t i = 0; datapath_ctl(d->dp)->bfd >> id & 1 && i < SW_BFD_SESSIONS; i++)
		if (row->session[i].family && row->session[i].armed && !row->session[i].down)
			return true;
	return false;
}

void bfd_why(struct daemon *d, unsigned int id, char *buf, size_t size)
{
	const struct sw_bfd *row = &datapath_bfd(d->dp)[id];
	char addr[IP_STRLEN];

	snprintf(buf, size, ": BFD is up again, or asks for nothing");
	for (size_t i = 0; row->hold.down && i < SW_BFD_SESSIONS; i++) {
		const struct sw_bfd_session *s = &row->session[i];
		struct ip_addr ip = {.family = (uint8_t)s->family};

		if (!s->family || !s->down)
			continue;
		memcpy(ip.bytes, s->addr, sizeof(ip.bytes));
		if (s->said.s.state == SW_BFD_UP)
			snprintf(buf, size, ": no BFD from %s for %llu ms", ip_format(&ip, addr),
				 (unsigned long long)(s->detect_ns / 1000000));
		else
			snprintf(buf, size, ": %s says that BFD is down", ip_format(&ip, addr));
		return;
	}
}
