/* SPDX-License-Identifier: GPL-2.0-only */
/* A fix in the words of the user's router: lines that FRR and IOS share, and BIRD's. */
#include <stdio.h>
#include <string.h>

#include "core/cause_text.h"

/* The neighbour's address, or words that name it. */
static const char *neighbor(const struct cause_way *way, char buf[64])
{
	char ip[IP_STRLEN];

	if (way->neighbor.family)
		snprintf(buf, 64, "%s", ip_format(&way->neighbor, ip));
	else
		snprintf(buf, 64, "NEIGHBOR-OF-%.40s", way->name);
	return buf;
}

static unsigned int family_of(const struct cause_facts *f)
{
	return f->dst.family;
}

static enum cause_router router_of(const struct cause_facts *f)
{
	const char *wrote = f->kernel.known ? f->kernel.route.protocol : "";

	if (f->router != ROUTER_UNKNOWN)
		return f->router;
	if (!strcmp(wrote, "bird"))
		return ROUTER_BIRD;
	return strcmp(wrote, "zebra") ? ROUTER_UNKNOWN : ROUTER_FRR;
}

static bool says_frr(const struct cause_facts *f)
{
	return router_of(f) != ROUTER_BIRD;
}

static bool says_bird(const struct cause_facts *f)
{
	return router_of(f) != ROUTER_FRR;
}

/* "in" or "out", as soft reconfiguration names them. */
static void add_clear(struct text *fix, const struct cause_facts *f, const struct cause_way *way,
		      const char *dir)
{
	char buf[64];

	text_add(fix, "`clear bgp ipv%u unicast %s soft %s`", family_of(f), neighbor(way, buf),
		 dir);
}

void fix_local_pref(struct text *fix, const struct cause_facts *f, const struct cause_way *way,
		    uint32_t value)
{
	char buf[64];

	text_add(fix, "set local preference %u inbound on the neighbor of %s%s", value, way->name,
		 way->class == SW_CLASS_EXPRESSROUTE ? " (the Microsoft peer)" : "");
	if (says_frr(f)) {
		text_add(fix,
			 "; FRR, IOS: `route-map ER-IN permit 10`, `set local-preference %u`, then "
			 "`neighbor %s route-map ER-IN in` (or in the one that is there), ",
			 value, neighbor(way, buf));
		add_clear(fix, f, way, "in");
	}
	if (says_bird(f))
		text_add(fix,
			 "; BIRD: `import filter { bgp_local_pref = %u; accept; };` in the channel "
			 "of that session, `birdc reload in all`",
			 value);
}

void fix_deny(struct text *fix, const struct cause_facts *f, const struct cause_way *way,
	      const struct prefix *prefix, const char *dir)
{
	bool in = !strcmp(dir, "in");
	const char *name = in ? "VPN-IN" : "VPN-OUT";
	char buf[64], p[PREFIX_STRLEN];

	prefix_format(prefix, p);
	if (says_frr(f)) {
		text_add(fix,
			 "; FRR, IOS: `%s prefix-list %s seq 5 deny %s`, `seq 100 permit %s`, "
			 "`neighbor %s prefix-list %s %s` (or in the one that is there), ",
			 prefix->family == 4 ? "ip" : "ipv6", name, p,
			 prefix->family == 4 ? "0.0.0.0/0 le 32" : "::/0 le 128",
			 neighbor(way, buf), name, dir);
		add_clear(fix, f, way, dir);
	}
	if (says_bird(f))
		text_add(fix, "; BIRD: `if net = %s then reject;` in the %s filter of that session",
			 p, in ? "import" : "export");
}

void fix_permit_out(struct text *fix, const struct cause_facts *f, const struct cause_way *way,
		    const struct prefix *prefix)
{
	char buf[64], p[PREFIX_STRLEN];

	prefix_format(prefix, p);
	if (says_frr(f)) {
		text_add(fix,
			 "; FRR, IOS: `%s prefix-list LIST permit %s`, LIST being the one that is "
			 "out on %s, and `network %s`, ",
			 prefix->family == 4 ? "ip" : "ipv6", p, neighbor(way, buf), p);
		add_clear(fix, f, way, "out");
	}
	if (says_bird(f))
		text_add(fix,
			 "; BIRD: `if net = %s then accept;` in the export filter of that "
			 "session",
			 p);
}

void fix_clear(struct text *fix, const struct cause_facts *f, const struct cause_way *way)
{
	char buf[64];

	if (says_frr(f))
		add_clear(fix, f, way, "in");
	text_add(fix, says_frr(f) && says_bird(f) ? ", " : "");
	if (says_bird(f))
		text_add(fix, "BIRD: `birdc reload in all` (session with %s)", neighbor(way, buf));
}

void fix_bfd(struct text *fix, const struct cause_facts *f, const struct cause_way *way)
{
	char buf[64];

	neighbor(way, buf);
	if (says_frr(f))
		text_add(fix, "FRR, IOS: `neighbor %s bfd` (300 ms x 3)", buf);
	text_add(fix, says_frr(f) && says_bird(f) ? ", " : "");
	if (says_bird(f))
		text_add(fix, "BIRD: `bfd on;` in the session with %s", buf);
}

void fix_compare_advertised(struct text *fix, const struct cause_facts *f,
			    const struct cause_way *a, const struct cause_way *b)
{
	char one[64], other[64];

	neighbor(a, one);
	neighbor(b, other);
	if (says_frr(f))
		text_add(fix,
			 "`show bgp ipv%u unicast neighbors %s advertised-routes` against that of "
			 "%s",
			 family_of(f), one, other);
	text_add(fix, says_frr(f) && says_bird(f) ? ", " : "");
	if (says_bird(f))
		text_add(fix, "`birdc show route export NAME` of the sessions with %s and %s", one,
			 other);
}
