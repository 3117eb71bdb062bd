/* SPDX-License-Identifier: GPL-2.0-only */
/* Clocks, medians, and which machine it is. */
#include "bench.h"

#include <ctype.h>
#include <dirent.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

void fail(const char *format, ...)
{
	va_list args;

	fputs("sameway-bench: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void series_add(struct series *s, double v)
{
	if (s->n < MAX_ROUNDS)
		s->v[s->n++] = v;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double at(const struct series *s, double where)
{
	double v[MAX_ROUNDS];

	if (!s->n)
		return 0;
	memcpy(v, s->v, (size_t)s->n * sizeof(*v));
	qsort(v, (size_t)s->n, sizeof(*v), compare);
	return v[(int)(where * (s->n - 1) + 0.5)];
}

double series_median(const struct series *s)
{
	return at(s, 0.5);
}

double series_min(const struct series *s)
{
	return at(s, 0);
}

double series_max(const struct series *s)
{
	return at(s, 1);
}

static double clock_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double now_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The process id of the CPU's softirq thread, 0: not found. */
static int softirq_thread(int cpu)
{
	static int found[256];
	char want[32], path[300], name[64];
	const struct dirent *entry;
	DIR *dir;

	if (cpu >= 256 || found[cpu])
		return cpu < 256 ? found[cpu] : 0;
	snprintf(want, sizeof(want), "ksoftirqd/%d\n", cpu);
	dir = opendir("/proc");
	while (dir && !found[cpu] && (entry = readdir(dir))) {
		FILE *f;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && !strcmp(name, want))
			found[cpu] = atoi(entry->d_name);
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return found[cpu];
}

static double softirq_s(int cpu)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", softirq_thread(cpu));
	f = fopen(path, "r");
	if (f && fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return (double)ns * 1e-9;
}

double thread_s(void)
{
	return clock_s(CLOCK_THREAD_CPUTIME_ID);
}

double cpu_s(int cpu)
{
	return thread_s() + softirq_s(cpu);
}

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("can't run on CPU %d alone: see `taskset -p %d`", cpu, getpid());
}

void pin_none(void)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	sched_setaffinity(0, sizeof(set), &set);
}

static void line_of(const char *path, const char *key, char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	char line[256];

	snprintf(out, size, "?");
	while (f && fgets(line, sizeof(line), f)) {
		const char *value = line;

		if (key && strncmp(line, key, strlen(key)))
			continue;
		if (key && (value = strchr(line, ':')))
			value += 2;
		if (value)
			snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
		break;
	}
	if (f)
		fclose(f);
}

const char *machine_model(void)
{
	static char text[256];
	char model[128];
	struct utsname un;

	line_of("/proc/cpuinfo", "model name", model, sizeof(model));
	uname(&un);
	snprintf(text, sizeof(text), "%s, Linux %s", model, un.release);
	return text;
}

void machine_print(void)
{
	char load[64];

	line_of("/proc/loadavg", NULL, load, sizeof(load));
	printf("%s, %ld CPUs; load average before: %.14s (what others do on the same CPUs shows as "
	       "spread).\n",
	       machine_model(), sysconf(_SC_NPROCESSORS_ONLN), load);
}

const char *machine_id(void)
{
	static char id[256];
	char machine[64];
	struct utsname un;

	line_of("/etc/machine-id", NULL, machine, sizeof(machine));
	uname(&un);
	snprintf(id, sizeof(id), "%s %.100s", machine, un.release);
	return id;
}

bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
		if (!strncmp(list, word, len) && (!list[len] || list[len] == ','))
			return true;
	return false;
}

const char *si(double n)
{
	static char text[8][24];
	static int next;
	char *out = text[next++ & 7];

	if (n >= 1 << 20 && (long long)n % (1 << 20) == 0)
		snprintf(out, 24, "%.0fM", n / (1 << 20));
	else if (n >= 1e6)
		snprintf(out, 24, "%.1fM", n / 1e6);
	else if (n >= 1024 && (long long)n % 1024 == 0)
		snprintf(out, 24, "%.0fk", n / 1024);
	else if (n >= 1000 && (long long)n % 1000 == 0)
		snprintf(out, 24, "%.0fk", n / 1000);
	else
		snprintf(out, 24, "%.0f", n);
	return out;
}
