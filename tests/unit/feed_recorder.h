/* SPDX-License-Identifier: GPL-2.0-only */
/* A feed's sink that writes down what it is told, a line each, and a loop that waits for it. */
#ifndef SAMEWAY_TESTS_FEED_RECORDER_H
#define SAMEWAY_TESTS_FEED_RECORDER_H

#include "feed/feed.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct recorder {
	struct event_base *base;
	struct feed *feed;
	struct feed_sink sink;
	enum rib_result answer; /* to announce */
	char told[1 << 16];	/* lines of news */
	char log[1 << 16];	/* lines of log */
	size_t announced, synced;
};

static inline void __attribute__((format(printf, 2, 3))) record(char *to, const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to + n, (1 << 16) - n, fmt, ap);
	va_end(ap);
}

static inline void record_route(struct recorder *r, const char *what, const struct route *route)
{
	char text[PREFIX_STRLEN];

	record(r->told, "%s%s %s", what, route->view == VIEW_REMOTE ? "(remote)" : "",
	       prefix_format(&route->prefix, text));
	if (route->source)
		record(r->told, "@%u", route->source);
	if (route->sub)
		record(r->told, "#%u", route->sub);
	if (route->chosen)
		record(r->told, " chosen");
	if (route->path[0])
		record(r->told, " path %s", route->path);
	if (route->peer.family)
		record(r->told, " peer %s", ip_format(&route->peer, text));
	if (route->nexthop.family)
		record(r->told, " via %s", ip_format(&route->nexthop, text));
	if (route->nexthop_ll.family)
		record(r->told, " or %s", ip_format(&route->nexthop_ll, text));
	if (route->has_as_path)
		record(r->told, " as");
	for (size_t i = 0; i < route->n_as; i++)
		record(r->told, " %u", route->as_path[i]);
	if (route->has_local_pref)
		record(r->told, " lp %u", route->local_pref);
	if (route->has_class)
		record(r->told, " class %d", route->class);
	if (route->circuit[0])
		record(r->told, " circuit %s", route->circuit);
}

static inline enum rib_result recorder_announce(void *arg, feed_id feed, const struct route *route)
{
	struct recorder *r = arg;

	(void)feed;
	r->announced++;
	record_route(r, "announce", route);
	record(r->told, "\n");
	return r->answer;
}

static inline size_t recorder_withdraw(void *arg, feed_id feed, const struct route *route,
				       bool by_sub)
{
	struct recorder *r = arg;

	(void)feed;
	record_route(r, "withdraw", route);
	record(r->told, "%s\n", by_sub ? " by sub" : "");
	return 1;
}

static inline void recorder_peer_down(void *arg, feed_id feed, const struct ip_addr *peer)
{
	char text[IP_STRLEN];

	(void)feed;
	record(((struct recorder *)arg)->told, "peer-down %s\n", ip_format(peer, text));
}

static inline void recorder_peer_up(void *arg, feed_id feed, const struct ip_addr *peer)
{
	char text[IP_STRLEN];

	(void)feed;
	record(((struct recorder *)arg)->told, "peer-up %s\n", ip_format(peer, text));
}

/* Source 0 is not written: most feeds have one. */
static inline void record_source(struct recorder *r, const char *what, uint16_t source)
{
	if (source)
		record(r->told, "%s @%u\n", what, source);
	else
		record(r->told, "%s\n", what);
}

static inline void recorder_begin(void *arg, feed_id feed, uint16_t source)
{
	(void)feed;
	record_source(arg, "begin", source);
}

static inline void recorder_end_of_rib(void *arg, feed_id feed, uint16_t source)
{
	(void)feed;
	record_source(arg, "end-of-rib", source);
}

static inline void recorder_lost(void *arg, feed_id feed, uint16_t source)
{
	(void)feed;
	record_source(arg, "lost", source);
}

static inline void recorder_dropped(void *arg, feed_id feed, uint16_t source)
{
	(void)feed;
	record_source(arg, "dropped", source);
}

static inline void recorder_synced(void *arg, feed_id feed)
{
	(void)feed;
	((struct recorder *)arg)->synced++;
}

static inline void recorder_log(void *arg, feed_id feed, const char *text)
{
	(void)feed;
	record(((struct recorder *)arg)->log, "%s\n", text);
}

static inline void recorder_init(struct recorder *r)
{
	memset(r, 0, sizeof(*r));
	r->base = event_base_new();
	r->sink = (struct feed_sink){
		.arg = r,
		.announce = recorder_announce,
		.withdraw = recorder_withdraw,
		.peer_down = recorder_peer_down,
		.peer_up = recorder_peer_up,
		.begin = recorder_begin,
		.end_of_rib = recorder_end_of_rib,
		.lost = recorder_lost,
		.dropped = recorder_dropped,
		.synced = recorder_synced,
		.log = recorder_log,
	};
}

static inline uint64_t recorder_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Runs the loop for at most 10 ms, or until something happened. */
static inline void recorder_turn(struct recorder *r)
{
	struct timeval tv = {.tv_usec = 10000};

	event_base_loopexit(r->base, &tv);
	event_base_loop(r->base, EVLOOP_ONCE);
}

/* Runs the loop until `text` holds `wanted`; false after 20 s. */
static inline bool recorder_until(struct recorder *r, const char *text, const char *wanted)
{
	uint64_t end = recorder_now_ms() + 20000; /* BGP without End-of-RIB: 10 s */

	while (!strstr(text, wanted)) {
		if (recorder_now_ms() > end) {
			fprintf(stderr, "waited for \"%s\" in:\n%s\nlog:\n%s\n", wanted, text,
				r->log);
			return false;
		}
		recorder_turn(r);
	}
	return true;
}

#endif
