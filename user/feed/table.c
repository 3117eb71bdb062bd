/* SPDX-License-Identifier: GPL-2.0-only */
/* The feeds that this build has, one row each; a new feed is a new file and a new row. */
#include "feed/feed.h"

extern const struct feed_type feed_type_azure;	   /* azure.c */
extern const struct feed_type feed_type_bgp;	   /* bgp.c */
extern const struct feed_type feed_type_bmp;	   /* bmp.c */
extern const struct feed_type feed_type_frr;	   /* frr.c */
extern const struct feed_type feed_type_jsonl;	   /* jsonl.c */
extern const struct feed_type feed_type_mrt;	   /* mrt.c */
extern const struct feed_type feed_type_rtnetlink; /* rtnetlink.c */

const struct feed_type *feed_type(enum config_feed_type type)
{
	switch (type) {
	case FEED_BGP:
		return &feed_type_bgp;
	case FEED_BMP:
		return &feed_type_bmp;
	case FEED_JSONL:
		return &feed_type_jsonl;
	case FEED_FRR:
		return &feed_type_frr;
	case FEED_AZURE:
		return &feed_type_azure;
	case FEED_MRT:
		return &feed_type_mrt;
	case FEED_RTNETLINK:
		return &feed_type_rtnetlink;
	default: /* config_feeds.c has refused it */
		break;
	}
	return NULL;
}
