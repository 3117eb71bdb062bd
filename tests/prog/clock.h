/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of what the kernel's timer does: it is armed, and waited for. */
#ifndef TESTS_PROG_CLOCK_H
#define TESTS_PROG_CLOCK_H

#include "edge.h"

#define MS	 1000000ULL
#define DEADLINE (20 * SECOND_NS)

static inline uint64_t precise_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static inline struct sw_beat beat_read(void)
{
	struct {
		uint64_t timer[2];
		struct sw_beat beat;
	} row = {0};
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(map_fd("timers"), &zero, &row), 0);
	return row.beat;
}

static inline void timer_arm(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(edge.skel->progs.sw_start), &opts),
			 0);
	assert_int_equal(opts.retval, 0);
}

/*
 * Two looks of the timer that began after this: the first is over when the second one's time is
 * there. None of them by a machine that had stood still, when silence would not count.
 */
static inline void timer_looks(void)
{
	uint64_t from = precise_ns(), seen = 0, end = from + DEADLINE;
	int n = 0;

	while (n < 3) {
		uint64_t clock = *(volatile uint64_t *)&edge.clock->now_ns;

		if (clock > from && clock != seen) {
			seen = clock;
			n = clock - beat_read().stalled_ns < SW_STALL_NS ? 0 : n + 1;
		}
		if (precise_ns() > end)
			fail_msg("the timer does not run");
		usleep(500);
	}
}

#endif
