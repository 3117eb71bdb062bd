/* SPDX-License-Identifier: GPL-2.0-only */
/* `hook:`: when `auto` leaves a veth to TC, and what doctor says of each value. */
#include "fixture_box.h"

#include "core/gso.h"

/* `hook:` of lan0 and of er0. */
#define HOOKS(lan, er)                                                                             \
	"mode: enforce\n"                                                                          \
	"paths:\n"                                                                                 \
	"  - { name: er, class: expressroute, interface: er0, gateway: 192.168.30.18, hook: " er   \
	" }\n"                                                                                     \
	"inside: [{ interface: lan0, networks: [10.2.30.0/25], hook: " lan " }]\n"

static void test_hook(void **state)
{
	struct box box;

	(void)state;
	box_make(&box);
	judge(&box, HOOKS("tc", "xdp"), NULL, NULL, NULL, NULL);
	strcpy(box.links[0].driver, "e1000");
	judge(&box, HOOKS("tc", "auto"), NULL, NULL, NULL, NULL); /* TC, and said */
	judge(&box, HOOKS("tc", "xdp-generic"), NULL, NULL, NULL, NULL);
	judge(&box, HOOKS("tc", "xdp"), "xdp", "er0", "(e1000) is not known", "xdp-generic");
	box.links[0].xdp_ours = true; /* it took it */
	box.links[0].xdp_id = 7;
	judge(&box, HOOKS("tc", "xdp"), NULL, NULL, NULL, NULL);
	box.links[0].xdp_ours = false; /* another's, which is in nobody's way at TC */
	judge(&box, HOOKS("tc", "tc"), NULL, NULL, NULL, NULL);
	judge(&box, HOOKS("tc", "xdp-generic"), "xdp", "er0", "already carries", "xdp off");
	box_make(&box);
	box.links[2].l3 = true;
	judge(&box, HOOKS("tc", "auto"), NULL, NULL, NULL, NULL);
	judge(&box, HOOKS("xdp-generic", "auto"), "xdp", "lan0", "hook: xdp-generic", "hook: tc");
}

/* A finding that is fine has the words. */
static void told(const char *text, const char *subject, const char *words)
{
	struct doctor_report report = {0};
	json_t *status = json_loads(text, 0, NULL);
	bool found = false;

	assert_non_null(status);
	doctor_status(&report, "ce1", status);
	for (size_t i = 0; i < report.n; i++)
		found |= !strcmp(report.v[i].subject, subject) && report.v[i].ok &&
			 strstr(report.v[i].message, words);
	if (!found)
		fail_msg("%s: nothing says \"%s\"", subject, words);
	json_decref(status);
	doctor_free(&report);
}

static void test_auto_hook(void **state)
{
	(void)state;
	told("{\"auto_hooks\":[{\"interface\":\"v0\",\"hook\":\"tc\",\"tc_frames\":3000,"
	     "\"gso_frames\":2000,\"gso_packets\":90000}]}",
	     "v0", "91000 packets in 3000 frames, 2000 of them whole GSO frames; `hook: xdp`");
	told("{\"auto_hooks\":[{\"interface\":\"v0\",\"hook\":\"xdp\",\"tc_frames\":0,"
	     "\"gso_frames\":0,\"gso_packets\":0}]}",
	     "v0", "`hook: tc` keeps those");
}

/* Enough of it, and whole frames enough that few frames are many packets. */
static void test_gso(void **state)
{
	struct gso_seen seen = {0};

	(void)state;
	assert_false(gso_worth_tc(&seen));
	assert_true(gso_mean(&seen) < 0.1);
	seen = (struct gso_seen){GSO_FRAMES_LEAST - 1, GSO_FRAMES_LEAST - 1, 40000};
	assert_false(gso_worth_tc(&seen)); /* a download */
	seen = (struct gso_seen){GSO_FRAMES_LEAST, GSO_FRAMES_LEAST, GSO_MEAN_LEAST * 1000};
	assert_true(gso_worth_tc(&seen));
	seen.frames += 2;
	seen.gso_packets -= 2;
	assert_false(gso_worth_tc(&seen));
	seen = (struct gso_seen){1000000, 2000, 80000}; /* lost among small packets */
	assert_false(gso_worth_tc(&seen));
	seen = (struct gso_seen){10000, 20000, 40000}; /* read while they grew */
	assert_int_equal(gso_seen_packets(&seen), 40000);
}

/* What only XDP can't take is no fault where TC moves the packets. */
static void test_veth(void **state)
{
	struct host_peer right = {.seen = true, .name = "eth9", .gro = true};
	struct box box;

	(void)state;
	box_make(&box);
	strcpy(box.links[2].kind, "veth");
	strcpy(box.links[2].driver, "veth");
	box.links[2].peer = right;
	box.links[2].peer.tx_checksum = true;
	judge(&box, HOOKS("xdp", "tc"), "veth-checksum", "lan0", "checksums", "tx off");
	judge(&box, HOOKS("xdp-generic", "tc"), NULL, NULL, NULL, NULL);
	judge(&box, HOOKS("tc", "tc"), NULL, NULL, NULL, NULL);
	box.links[2].peer = right;
	box.links[2].peer.gro = false;
	judge(&box, HOOKS("tc", "tc"), NULL, NULL, NULL, NULL); /* nobody redirects to it */
	judge(&box, HOOKS("tc", "xdp"), "veth-gro", "lan0", "eth9", "gro on");
	box.links[2].peer = right;
	box.links[2].peer.tx_vlan = true;
	judge(&box, HOOKS("xdp-generic", "tc"), "veth-vlan", "lan0", "VLAN tags", "txvlan off");
	judge(&box, HOOKS("tc", "xdp"), NULL, NULL, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_auto_hook),
		cmocka_unit_test(test_gso),
		cmocka_unit_test(test_veth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
