/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Paths by which large packets get no answer while small ones do (blackhole_size.c): a hint at an
 * MTU. The verdict of their flows is what it is.
 */
#include "core/blackhole.h"
#include "core/cause_text.h"
#include "core/network_watch.h"

#define OVER_NS 30000000000ULL /* or grace: TCP repeats itself ever more seldom */

static void size_words(const struct config_path *path, const struct blackhole_size *size,
		       struct network_state *s)
{
	struct text msg = {s->message, 0}, fix = {s->fix, 0};
	char src[PREFIX_STRLEN], dst[PREFIX_STRLEN];

	text_add(&msg,
		 "%s (%s, %s): large packets get no answer, small ones do: %zu flows from %s to %s "
		 "send packets of %u bytes and more in vain, while packets of %u bytes are "
		 "answered, and no larger ones: the MTU of the way is less than what is sent, and "
		 "no ICMP `fragmentation needed` (IPv6: `packet too big`) comes back to the sender",
		 path->name, class_name(path->class), path->interface, size->flows,
		 prefix_format(&size->src, src), prefix_format(&size->dst, dst), size->lost,
		 size->answered);
	text_add(&fix,
		 "clamp TCP's MSS to 1350 (IPv6: 1330), as Azure carries packets of 1400 bytes: ");
	if (path->mss && path->mss != CONFIG_MSS_AUTO)
		text_add(&fix, "its `mss:`, now %u, may be too large; ", path->mss);
	else
		text_add(&fix,
			 "`mss: 1350` of the path, in enforce mode, or `ip tcp adjust-mss 1350` on "
			 "the router before it; ");
	if (path->mtu)
		text_add(&fix, "its `mtu:`, now %u, may be too large", path->mtu);
	else
		text_add(&fix, "`mtu: 1400` of the path has this box answer larger ones itself, in "
			       "enforce mode");
	text_add(&fix, "; let ICMP type 3 code 4 (ICMPv6 type 2) pass the filters on the way");
}

void network_size_tell(struct network_watch *watch, const struct incident_context *ctx,
		       const struct network_facts *facts, struct incidents *set)
{
	uint64_t over = ctx->cfg->grace_ns > OVER_NS ? ctx->cfg->grace_ns : OVER_NS;

	for (size_t i = 0; i < ctx->cfg->n_paths; i++) {
		const struct config_path *path = &ctx->cfg->paths[i];
		int id = incident_path_id(ctx, i);
		const struct blackhole_size *size = facts->sizes ? &facts->sizes[id] : NULL;
		struct network_state s = network_state_of(NETWORK_LIMIT, path->name, id);
		bool on = size && size->flows;

		s.severity = SEVERITY_INFO;
		if (on)
			size_words(path, size, &s);
		network_held(set, ctx, &watch->path[id].size, &s, on, 0, over);
	}
}
