/* SPDX-License-Identifier: GPL-2.0-only */
/* What the UPDATE parser tells, as text, and messages written as hexadecimal digits. */
#ifndef SAMEWAY_TESTS_BGP_TEXT_H
#define SAMEWAY_TESTS_BGP_TEXT_H

#include "feed/bgp_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct told {
	char text[16384];
};

static inline void __attribute__((format(printf, 2, 3))) tell(struct told *t, const char *fmt, ...)
{
	size_t n = strlen(t->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->text + n, sizeof(t->text) - n, fmt, ap);
	va_end(ap);
}

static inline void on_announce(void *arg, const struct prefix *p, uint32_t id,
			       const struct bgp_attributes *attr)
{
	char text[PREFIX_STRLEN];

	tell(arg, "+%s#%u", prefix_format(p, text), id);
	tell(arg, " via %s", ip_format(&attr->nexthop, text));
	if (attr->nexthop_ll.family)
		tell(arg, " or %s", ip_format(&attr->nexthop_ll, text));
	tell(arg, " as");
	for (size_t i = 0; i < attr->n_as && i < 8; i++)
		tell(arg, " %u", attr->as_path[i]);
	if (attr->as_path_cut)
		tell(arg, " cut at %zu", attr->n_as);
	if (attr->has_local_pref)
		tell(arg, " lp %u", attr->local_pref);
	tell(arg, "\n");
}

static inline void on_withdraw(void *arg, const struct prefix *p, uint32_t id)
{
	char text[PREFIX_STRLEN];

	tell(arg, "-%s#%u\n", prefix_format(p, text), id);
}

static inline void on_end_of_rib(void *arg, uint8_t family)
{
	tell(arg, "end %u\n", family);
}

static inline void on_masked(void *arg, const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	tell(arg, "masked %s\n", prefix_format(p, text));
}

static inline void on_ignored(void *arg, uint16_t afi, uint8_t safi)
{
	tell(arg, "ignored %u/%u\n", afi, safi);
}

static inline struct bgp_update_ops told_ops(struct told *t)
{
	t->text[0] = '\0';
	return (struct bgp_update_ops){t,	  on_announce, on_withdraw, on_end_of_rib,
				       on_masked, on_ignored};
}

static inline size_t hex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned int byte;

	for (; *text; text += 2) {
		while (*text == ' ')
			text++;
		if (!*text)
			break;
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static inline size_t body_build(uint8_t *out, const char *withdrawn, const char *attrs,
				const char *nlri)
{
	size_t w = hex(withdrawn, out + 2), a = hex(attrs, out + 4 + w);

	out[0] = (uint8_t)(w >> 8);
	out[1] = (uint8_t)w;
	out[2 + w] = (uint8_t)(a >> 8);
	out[3 + w] = (uint8_t)a;
	return 4 + w + a + hex(nlri, out + 4 + w + a);
}

#endif
