/* SPDX-License-Identifier: GPL-2.0-only */
/* See probe.h. Up to down takes `misses` intervals in a row without an answer, and back as many
 * with one: a path that loses half of all packets is not to come and go.
 */
#include "core/probe.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_MS 1000000ULL

const char *probe_target_format(const struct ip_addr *target, uint16_t port,
				char buf[PROBE_TARGET_LEN])
{
	char ip[IP_STRLEN];

	ip_format(target, ip);
	if (!port)
		snprintf(buf, PROBE_TARGET_LEN, "%s", ip);
	else
		snprintf(buf, PROBE_TARGET_LEN, target->family == 6 ? "[%s]:%u" : "%s:%u", ip,
			 port);
	return buf;
}

void probe_adopt(struct sw_probe *row, const struct config_probe *probe)
{
	if (row->family != probe->target.family || row->port != probe->port ||
	    memcmp(row->target, probe->target.bytes, sizeof(row->target)) ||
	    row->state >= SW_PROBE_STATE_COUNT) {
		*row = (struct sw_probe){.family = probe->target.family, .port = probe->port};
		memcpy(row->target, probe->target.bytes, sizeof(row->target));
	}
	row->misses = (uint8_t)probe->misses;
	row->interval_ms = (uint32_t)(probe->interval_ns / NS_PER_MS);
	row->run = 0;
}

void probe_sent(struct sw_probe *row, struct probe_interval *in, uint64_t now)
{
	row->block = SW_PROBE_BLOCK_NONE;
	row->sent++;
	in->sent = true;
	in->begun_ns = now;
}

void probe_heard(struct sw_probe *row, struct probe_interval *in, uint64_t rtt_ns, uint64_t now)
{
	row->answered++;
	row->rtt_ns = rtt_ns;
	row->answered_ns = now;
	in->heard = true;
}

void probe_blocked(struct sw_probe *row, enum sw_probe_block block)
{
	row->block = (uint8_t)block;
	row->run = 0;
}

static void remember(struct sw_probe *row, bool lost)
{
	row->lost = row->lost << 1 | lost;
	if (row->known < SW_PROBE_HISTORY)
		row->known++;
}

bool probe_judge(struct sw_probe *row, struct probe_interval *in, uint64_t now)
{
	bool late = now >= in->begun_ns + 2 * NS_PER_MS * row->interval_ms;
	bool heard = in->heard, missed = in->sent && !late && !heard, against;

	*in = (struct probe_interval){0};
	if (!heard && !missed)
		return false;
	remember(row, missed);
	if (row->state == SW_PROBE_NEVER) {
		if (heard)
			row->state = SW_PROBE_UP;
		return heard;
	}
	against = row->state == SW_PROBE_UP ? missed : heard;
	row->run = against ? row->run + 1 : 0;
	if (row->run < row->misses)
		return false;
	row->state = row->state == SW_PROBE_UP ? SW_PROBE_DOWN : SW_PROBE_UP;
	row->run = 0;
	return true;
}

unsigned int probe_lost(const struct sw_probe *row)
{
	return (unsigned int)__builtin_popcountll(row->lost);
}

unsigned int probe_missed(const struct sw_probe *row)
{
	return ~row->lost ? (unsigned int)__builtin_ctzll(~row->lost) : SW_PROBE_HISTORY;
}
