/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A made-up box that is right, for the tests of doctor's judgement: what is wrong on it is named
 * once, with a fix.
 */
#ifndef TESTS_UNIT_FIXTURE_BOX_H
#define TESTS_UNIT_FIXTURE_BOX_H

#include "config_assert.h"

#include "core/doctor.h"
#include "core/doctor_status.h"

#define CONFIG                                                                                     \
	"mode: enforce\n"                                                                          \
	"paths:\n"                                                                                 \
	"  - { name: er, class: expressroute, interface: er0, gateway: 192.168.30.18 }\n"          \
	"  - { name: vpn, class: vpn, interface: tun30 }\n"                                        \
	"inside: [{ interface: lan0, networks: [10.2.30.0/25, \"fd00:2::/64\"] }]\n"

struct box {
	struct host_link links[5];
	struct host_neighbor neighbors[1];
	struct host host;
};

static inline void box_make(struct box *box)
{
	static const struct host_link ether = {.up = true,
					       .carrier = true,
					       .mtu = 1500,
					       .nsid = -1,
					       .forwarding4 = true,
					       .forwarding6 = true,
					       .xdp_transmits = -95,
					       .driver = "ixgbe"};
	static const char *const names[] = {"er0", "tun30", "lan0", "bond0", "red"};

	memset(box, 0, sizeof(*box));
	for (uint32_t i = 0; i < 5; i++) {
		box->links[i] = ether;
		box->links[i].ifindex = i + 1;
		strcpy(box->links[i].name, names[i]);
	}
	box->links[1].l3 = true;
	box->links[1].mtu = 1400;
	strcpy(box->links[3].kind, "bond");
	strcpy(box->links[4].kind, "vrf");
	box->neighbors[0].ifindex = 1;
	box->neighbors[0].valid = true;
	ip_parse("192.168.30.18", &box->neighbors[0].addr);
	box->host = (struct host){.links = box->links,
				  .n_links = 5,
				  .neighbors = box->neighbors,
				  .n_neighbors = 1,
				  .forwarding4 = true,
				  .forwarding6 = true};
}

/* Exactly this is wrong: `check` of `subject`, with the words in message and fix. */
static inline void assert_wrong(struct doctor_report *report, const char *check,
				const char *subject, const char *words, const char *fix)
{
	const struct doctor_finding *found = NULL;

	assert_false(report->no_memory);
	for (size_t i = 0; i < report->n; i++) {
		if (report->v[i].ok) {
			assert_string_equal(report->v[i].fix, "");
			continue;
		}
		if (found)
			fail_msg("two are wrong: %s %s: %s", report->v[i].check,
				 report->v[i].subject, report->v[i].message);
		found = &report->v[i];
	}
	if (!check) {
		if (found)
			fail_msg("%s %s: %s", found->check, found->subject, found->message);
	} else {
		assert_non_null(found);
		assert_string_equal(found->check, check);
		assert_string_equal(found->subject, subject);
		if (!strstr(found->message, words) || !strstr(found->fix, fix))
			fail_msg("\"%s\": \"%s\" lacks \"%s\" or \"%s\"", found->message,
				 found->fix, words, fix);
	}
	doctor_free(report);
}

static inline void judge(struct box *box, const char *text, const char *check, const char *subject,
			 const char *words, const char *fix)
{
	struct config *cfg = parse_good(text);
	struct doctor_report report = {0};

	doctor_links(&report, cfg, &box->host);
	doctor_vlans(&report, cfg, &box->host);
	assert_true(report.n > 3);
	assert_wrong(&report, check, subject, words, fix);
	config_free(cfg);
}

#endif
