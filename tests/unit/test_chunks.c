/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory made ready by a thread (daemon/chunks.h): it is there before it is taken, is as any other
 * of a slab, and with the thread nothing of it is left.
 */
#include "core/slab.h"
#include "daemon/chunks.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define OBJECTS	   200000u /* of 64 bytes: some six chunks */
#define TAKEN	   ((size_t)OBJECTS * 64)
#define READY	   ((size_t)6 << 20) /* of the four that are kept so, less what is not exact */
#define MARGIN	   ((size_t)2 << 20)
#define DEADLINE_S 20

static size_t resident(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	size_t kib = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %zu", &kib) == 1)
			break;
	fclose(f);
	return kib * 1024;
}

static unsigned int threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;
	unsigned int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void take(struct slab *slab, uint64_t **object, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		object[i] = slab_take(slab);
		assert_non_null(object[i]);
		for (size_t k = 0; k < slab->size / sizeof(uint64_t); k++)
			assert_int_equal(object[i][k], 0);
		object[i][0] = object[i][7] = i;
	}
}

static void test_ready(void **state)
{
	uint64_t **object = calloc(2 * (size_t)OBJECTS, sizeof(*object));
	struct slab slab = {.size = 64};
	time_t give_up = time(NULL) + DEADLINE_S;
	unsigned int before = threads();
	size_t start;

	(void)state;
	assert_non_null(object);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		print_message("skipped: one CPU, which is never shared with such a thread\n");
		skip();
	}
	memset(object, 0, 2 * (size_t)OBJECTS * sizeof(*object));
	start = resident();
	chunks_begin();
	take(&slab, object, 0, 1000);
	assert_int_equal(threads(), before); /* a small table needs none */
	take(&slab, object, 1000, OBJECTS / 4);
	assert_int_equal(threads(), before + 1);
	take(&slab, object, OBJECTS / 4, OBJECTS);
	while (resident() < start + TAKEN + READY && time(NULL) < give_up)
		usleep(1000);
	assert_true(time(NULL) < give_up);
	chunks_end();
	assert_int_equal(threads(), before);
	assert_true(resident() < start + TAKEN + READY - MARGIN);
	chunks_end();
	take(&slab, object, OBJECTS, 2 * (size_t)OBJECTS);
	assert_int_equal(threads(), before);
	for (size_t i = 0; i < 2 * (size_t)OBJECTS; i++)
		assert_true(object[i][0] == i && object[i][7] == i);
	slab_clear(&slab);
	free(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ready)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
