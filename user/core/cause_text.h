/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files that tell causes share. */
#ifndef SAMEWAY_CORE_CAUSE_TEXT_H
#define SAMEWAY_CORE_CAUSE_TEXT_H

#include "core/cause.h"

/* A buffer of CAUSE_TEXT_LEN; what does not fit ends in "...". */
struct text {
	char *buf;
	size_t len;
};

void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* " as_path 12076x9 65021": repeats as one, as maintenance writes them. At most six. */
void text_as_path(struct text *t, const struct attributes *a);
/* Names, with commas between. */
void text_available(struct text *t, const struct cause_facts *f);
/* Of the paths (ids), likewise; how many. */
size_t text_path_names(struct text *t, const struct incident_context *ctx, uint64_t paths);

/*
 * Why our side goes by the forward path though a better class is there: adds to both texts and sets
 * the cause; false: that can't be told, and nothing was added.
 */
bool cause_own_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
		    struct text *fix);
/* The VPN's longer prefix wins over ExpressRoute's. */
void cause_more_specific_tell(const struct cause_facts *f, const struct prefix *vpn,
			      const struct prefix *er, struct text *msg, struct text *fix);
/* Our side follows its routes, they return by another class. */
void cause_azure_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
		      struct text *fix);
/* Both candidates of the way back, as the remote view has them. */
void cause_remote_add(const struct cause_facts *f, struct text *msg);
/* Which feed would say more of the way back, where there is none. */
void cause_feed_hint(const struct cause_facts *f, struct text *fix);
/* Both by a class that is not the best it had. */
void cause_failover_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			 struct text *fix);
/* One direction only: with evidence, or a black hole; and an inside host's packets that come by a
 * path. */
void cause_one_way_tell(const struct cause_facts *f, struct cause_told *told, struct text *msg,
			struct text *fix);
void cause_spoof_tell(const struct cause_facts *f, struct text *msg, struct text *fix);

/* cause_fix.c: lines for the router. `way` is the session's; `dir` is "in" or "out". */
void fix_local_pref(struct text *fix, const struct cause_facts *f, const struct cause_way *way,
		    uint32_t value);
void fix_deny(struct text *fix, const struct cause_facts *f, const struct cause_way *way,
	      const struct prefix *prefix, const char *dir);
/* Only into the list that is there: a new one would take all else away. */
void fix_permit_out(struct text *fix, const struct cause_facts *f, const struct cause_way *way,
		    const struct prefix *prefix);
/* Have it choose again among the session's routes. */
void fix_clear(struct text *fix, const struct cause_facts *f, const struct cause_way *way);
void fix_bfd(struct text *fix, const struct cause_facts *f, const struct cause_way *way);
/* What we advertise on the one session against the other. */
void fix_compare_advertised(struct text *fix, const struct cause_facts *f,
			    const struct cause_way *a, const struct cause_way *b);

#endif
