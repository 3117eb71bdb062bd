/* SPDX-License-Identifier: GPL-2.0-only */
#include "core/cause.h"

#include <string.h>

bool cause_key(const struct incident_context *ctx, const struct sw_event *ev, struct cause_key *key)
{
	bool inside_hi = ev->about & SW_FLOW_INSIDE_IS_HI;
	struct ip_addr src = flow_address(&ev->key, inside_hi);
	struct ip_addr dst = flow_address(&ev->key, !inside_hi);
	const struct prefix host = prefix_host(&src);
	const struct config_inside *inside;

	memset(key, 0, sizeof(*key));
	inside = config_inside_of(ctx->cfg, &host, &key->network);
	key->node[0] = rib_match(ctx->rib, VIEW_LOCAL, &dst);
	if (!inside || !key->node[0] || ev->state.verdict == SW_VERDICT_LOOP_OR_SPOOF)
		return false;
	key->node[1] = rib_match(ctx->rib, VIEW_LOCAL, &src);
	key->node[2] = rib_match(ctx->rib, VIEW_REMOTE, &src);
	key->state = ev->state;
	memset(key->state.pad, 0, sizeof(key->state.pad));
	key->state.flags &= (uint8_t)~SW_FLOW_EVENT;
	key->about = ev->about;
	key->proto = ev->key.proto;
	key->rule = cause_rule(ctx->cfg, ev);
	return true;
}
