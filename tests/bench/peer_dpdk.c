/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DPDK's FIB for bench_fib, in a process of its own: prefixes and addresses come on standard input,
 * each round's two figures and the sum of the answers go to standard output. In bulk 32 at a time,
 * and one after the other, each address made of the answer before.
 */
#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ADDRESSES (1u << 20)
#define BULK	  32

struct question {
	uint64_t high, low, allowed;
};

static struct rte_fib *fib4;
static struct rte_fib6 *fib6;
static uint32_t *address4;
static uint8_t (*address6)[16];

static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

static void fib_make(int family)
{
	struct rte_fib_conf conf4 = {.type = RTE_FIB_DIR24_8, .max_routes = 2000000};
	struct rte_fib6_conf conf6 = {.type = RTE_FIB6_TRIE, .max_routes = 1000000};

	conf4.dir24_8.nh_sz = RTE_FIB_DIR24_8_2B;
	conf4.dir24_8.num_tbl8 = 32767;
	conf6.trie.nh_sz = RTE_FIB6_TRIE_4B;
	conf6.trie.num_tbl8 = 400000;
	if (family == 4)
		fib4 = rte_fib_create("bench", 0, &conf4);
	else
		fib6 = rte_fib6_create("bench", 0, &conf6);
}

static void routes_read(size_t n)
{
	uint8_t len, bytes[16];
	uint32_t group;

	while (n--) {
		uint32_t ip;

		if (fread(&len, 1, 1, stdin) != 1 || fread(bytes, 16, 1, stdin) != 1 ||
		    fread(&group, 4, 1, stdin) != 1)
			exit(1);
		ip = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		     bytes[3];
		if (fib4 ? rte_fib_add(fib4, ip, len, group)
			 : rte_fib6_add(fib6, bytes, len, group)) {
			fprintf(stderr, "DPDK refuses a prefix of %u bits\n", len);
			exit(1);
		}
	}
}

static void questions_read(void)
{
	for (size_t i = 0; i < ADDRESSES; i++) {
		struct question q;

		if (fread(&q, sizeof(q), 1, stdin) != 1)
			exit(1);
		address4[i] = (uint32_t)q.high;
		for (int k = 0; k < 8; k++) {
			address6[i][k] = (uint8_t)(q.high >> (56 - 8 * k));
			address6[i][8 + k] = (uint8_t)(q.low >> (56 - 8 * k));
		}
	}
}

static uint64_t look_up(unsigned int n)
{
	uint64_t hops[BULK], sum = 0, last = 0;

	for (size_t i = 0; i < ADDRESSES; i += n) {
		__asm__ volatile("" : "+r"(last));
		if (n == 1 && fib4)
			address4[i] ^= (uint32_t)(last >> 20);
		else if (n == 1)
			address6[i][0] ^= (uint8_t)(last >> 20);
		if (fib4)
			rte_fib_lookup_bulk(fib4, &address4[i], hops, (int)n);
		else
			rte_fib6_lookup_bulk(fib6, &address6[i], hops, (int)n);
		for (unsigned int k = 0; k < n; k++)
			sum += hops[k];
		last = hops[0];
	}
	return sum;
}

int main(int argc, char **argv)
{
	char *args[] = {argv[0],
			(char *)"--no-huge",
			(char *)"--no-pci",
			(char *)"-m",
			(char *)"3000",
			(char *)"--no-shconf",
			(char *)"--no-telemetry",
			(char *)"--log-level=1",
			(char *)"-l",
			(char *)"1"};
	size_t n;
	int what;

	if (argc != 2 || rte_eal_init((int)(sizeof(args) / sizeof(args[0])), args) < 0)
		return 1;
	address4 = calloc(ADDRESSES, sizeof(*address4));
	address6 = calloc(ADDRESSES, sizeof(*address6));
	fib_make(atoi(argv[1]));
	if ((!fib4 && !fib6) || !address4 || !address6 || scanf("%zu", &n) != 1)
		return 1;
	getchar();
	routes_read(n);
	while ((what = getchar()) != EOF) {
		double at[3];
		uint64_t sum;

		if (what == 'q') {
			questions_read();
			continue;
		}
		at[0] = cpu_us();
		look_up(BULK);
		at[1] = cpu_us();
		sum = look_up(1);
		at[2] = cpu_us();
		printf("%f %f %llu\n", (at[1] - at[0]) * 1e3 / ADDRESSES,
		       (at[2] - at[1]) * 1e3 / ADDRESSES, (unsigned long long)sum);
		fflush(stdout);
	}
	return 0;
}
