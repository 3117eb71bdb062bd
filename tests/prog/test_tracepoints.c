/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs on the kernel's tracepoints, run with arguments made here: what they count, and what
 * of others they leave alone. Real losses: tests/lab/test_redirects.sh.
 */
#include "edge.h"
#include "harness.h"

#include <linux/errno.h>

/* The kernel's errors as the tracepoint has them, and where they are counted. */
static const struct {
	int err;
	size_t word;
} errors[] = {
#define WORD(field) (offsetof(struct sw_redirect_errors, field) / sizeof(__u64))
	{-ENETDOWN, WORD(device_down)},	    {-EMSGSIZE, WORD(too_long)},
	{-EOPNOTSUPP, WORD(not_supported)}, {-ENXIO, WORD(no_receiver)},
	{-ENOSPC, WORD(queue_full)},	    {-EINVAL, WORD(other)},
};

#define WORDS (sizeof(struct sw_redirect_errors) / sizeof(__u64))

static uint32_t devices_id(void)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(map_fd("devices"), &info, &len), 0);
	return info.id;
}

static uint64_t count_of(uint32_t slot, size_t word)
{
	uint64_t sum[WORDS];

	percpu_sum("redirect_errors", slot, sum, WORDS);
	return sum[word];
}

static uint64_t count_all(void)
{
	uint64_t sum = 0;

	for (uint32_t slot = 0; slot < SW_MAX_SLOTS; slot++)
		for (size_t word = 0; word < WORDS; word++)
			sum += count_of(slot, word);
	return sum;
}

static void run(const struct bpf_program *prog, const uint64_t args[8])
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = 8 * sizeof(*args));

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), 0);
}

/* dev, prog, target, err, map type, map id, index */
static void redirect_err(int err, uint32_t map, uint32_t slot)
{
	const uint64_t args[8] = {0, 0, 0, (uint64_t)(int64_t)err, BPF_MAP_TYPE_DEVMAP, map, slot};

	run(edge.skel->progs.sw_redirect_err, args);
}

static int setup(void **state)
{
	(void)state;
	edge_reset();
	edge.ctl->devices_map = devices_id();
	for (uint32_t slot = 0; slot < SW_MAX_SLOTS; slot++)
		percpu_zero("redirect_errors", slot, sizeof(struct sw_redirect_errors));
	return 0;
}

static void test_each_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		redirect_err(errors[i].err, devices_id(), ER0);
		redirect_err(errors[i].err, devices_id(), SW_INSIDE_SLOT);
		assert_int_equal(count_of(ER0, errors[i].word), 1);
		assert_int_equal(count_of(SW_INSIDE_SLOT, errors[i].word), 1);
	}
	assert_int_equal(count_all(), 2 * sizeof(errors) / sizeof(errors[0]));
}

static void test_of_others(void **state)
{
	(void)state;
	redirect_err(-ENETDOWN, devices_id() + 1, ER0); /* another instance's devmap */
	redirect_err(-ENETDOWN, 0, ER0);		/* bpf_redirect() of somebody else */
	redirect_err(-ENETDOWN, devices_id(), SW_MAX_SLOTS);
	assert_int_equal(count_all(), 0);
}

/* from, to, sent, lost, err: no device here is a real one, so none is ours. */
static void test_xmit_of_others(void **state)
{
	const uint64_t none_lost[8] = {0, 0, 16, 0, 0}, lost[8] = {0, 0, 0, 16, 0};

	(void)state;
	edge.ctl->netns = 4026531840;
	run(edge.skel->progs.sw_devmap_xmit, none_lost);
	run(edge.skel->progs.sw_devmap_xmit, lost);
	assert_int_equal(count_all(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_each_error, setup),
		cmocka_unit_test_setup(test_of_others, setup),
		cmocka_unit_test_setup(test_xmit_of_others, setup),
	};

	return cmocka_run_group_tests(tests, edge_setup, edge_teardown);
}
