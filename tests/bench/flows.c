/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flows: what a new flow costs with the table full, and what it costs to read all records. The
 * first is a packet of a flow never seen, through the whole program; beside it the same packets
 * where no record is made, and the kernel's LRU_HASH filled alone.
 */
#include "bench.h"

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#define NEW_FLOWS (1u << 17) /* of a measurement */

enum new_row { NEW_OWN, NEW_NOFLOW, NEW_PUT, NEW_LRU, NEW_LINES, NEW_ROWS };
static const char *const new_name[NEW_ROWS] = {
	"sameway, XDP, a new flow a packet",
	"sameway, XDP, without the flow record",
	"sameway's flow table alone, a new flow a packet",
	"LRU_HASH alone, a new key a packet",
	"two lines of memory alone, found one by the other, written",
};

/* A row's time, of flows that it has not seen yet. */
static double new_row(int program, uint32_t *base, double alone)
{
	*base += NEW_FLOWS;
	traffic_flows(NEW_FLOWS, *base);
	return traffic_stage(STAGE_XDP, DEV_LAN, program, NEW_FLOWS, NULL) - alone;
}

static void new_print(uint32_t records, const struct series ns[NEW_ROWS],
		      const struct series *first, const struct series *table)
{
	printf("\nNew flows into a full table of %s records, %d rounds of %s:\n\n"
	       "| what | ns a packet | min-max | M/s |\n| --- | ---: | ---: | ---: |\n",
	       si(records), options.rounds, si(NEW_FLOWS));
	for (int i = 0; i < NEW_ROWS; i++)
		printf("| %s | %.0f | %.0f-%.0f | %.2f |\n", new_name[i], series_median(&ns[i]),
		       series_min(&ns[i]), series_max(&ns[i]), 1e3 / series_median(&ns[i]));
	printf("\nLRU_HASH's time / the flow table's: **%.2f**\n"
	       "LRU_HASH's time / all that a first packet costs more (the first row less the "
	       "second): **%.2f**\n",
	       series_median(table), series_median(first));
}

static void new_measure(uint32_t records)
{
	const int program[NEW_ROWS] = {edge_program(EDGE_XDP), noflow_program(), flowput_program(),
				       program_of("record_lru"), program_of("two_lines")};
	struct series ns[NEW_ROWS] = {0}, first = {0}, table = {0};
	uint32_t base = 2 * records;

	/* twice what it holds: it is full, and what is evicted is old */
	traffic_flows(2 * records, 0);
	traffic_stage(STAGE_XDP, DEV_LAN, program[NEW_OWN], 2 * records, NULL);
	traffic_stage(STAGE_XDP, DEV_LAN, program[NEW_LRU], 2 * records, NULL);
	for (int round = 0; round < options.rounds; round++) {
		double alone = new_row(-1, &base, 0), row[NEW_ROWS];

		for (int i = 0; i < NEW_ROWS; i++) {
			row[i] = new_row(program[i], &base, alone);
			series_add(&ns[i], row[i]);
		}
		series_add(&first, row[NEW_LRU] / (row[NEW_OWN] - row[NEW_NOFLOW]));
		series_add(&table, row[NEW_LRU] / row[NEW_PUT]);
	}
	new_print(records, ns, &first, &table);
}

/* ns a record. */
static double list_own(bool unpacked, uint64_t *records)
{
	struct edge_flows flows = edge_flows(unpacked);

	if (!flows.packets)
		fail("the flow records have no packets");
	*records = flows.records;
	return flows.seconds * 1e9 / (double)flows.records;
}

static double list_hash(uint64_t *records)
{
	enum { BATCH = 65536 };
	struct lru_key *keys = malloc(BATCH * sizeof(*keys)), place;
	struct lru_record *rows = malloc(BATCH * sizeof(*rows));
	uint64_t all = 0, packets = 0;
	bool begun = false, more = true;
	double from = thread_s(), took;

	while (keys && rows && more) {
		uint32_t n = BATCH;

		more = !bpf_map_lookup_batch(hash_map(), begun ? &place : NULL, &place, keys, rows,
					     &n, NULL);
		begun = true;
		for (uint32_t i = 0; i < n; i++)
			packets += rows[i].packets[0] + rows[i].packets[1];
		all += n;
	}
	took = thread_s() - from;
	free(keys);
	free(rows);
	if (!packets)
		fail("lookup_batch reads nothing");
	*records = all;
	return took * 1e9 / (double)all;
}

static void list_print(const char *what, uint64_t n, const struct series *s)
{
	printf("| %s | %llu | %.1f | %.1f-%.1f | %.2f |\n", what, (unsigned long long)n,
	       series_median(s), series_min(s), series_max(s), series_median(s) * (double)n / 1e6);
}

static void list_measure(uint32_t records)
{
	struct series own = {0}, unpacked = {0}, hash = {0}, times = {0}, less = {0};
	uint64_t own_n = 0, hash_n = 0;

	traffic_flows(records, 0);
	traffic_stage(STAGE_XDP, DEV_LAN, edge_program(EDGE_XDP), records, NULL);
	traffic_stage(STAGE_XDP, DEV_LAN, program_of("record_hash"), records, NULL);
	for (int round = 0; round < options.rounds; round++) {
		double a = list_own(false, &own_n), b = list_own(true, &own_n),
		       c = list_hash(&hash_n);

		series_add(&own, a);
		series_add(&unpacked, b);
		series_add(&hash, c);
		series_add(&times, c / a);
		series_add(&less, c / b);
	}
	printf("\nReading all records, %d rounds:\n\n"
	       "| what | records | ns of CPU time a record | min-max | ms in all |\n"
	       "| --- | ---: | ---: | ---: | ---: |\n",
	       options.rounds);
	list_print("sameway's (`maps_flow_rows`): packets of both directions", own_n, &own);
	list_print("the same, all of it unpacked (`maps_flow_each`)", own_n, &unpacked);
	list_print("lookup_batch on a HASH", hash_n, &hash);
	printf("\nlookup_batch's time a record / sameway's: **%.1f**, unpacked %.1f; by the least "
	       "%.1f, %.1f\n",
	       series_median(&times), series_median(&less), series_min(&hash) / series_min(&own),
	       series_min(&hash) / series_min(&unpacked));
}

int bench_flows(void)
{
	struct prefix *routes = routes_make(4, options.routes);
	uint32_t records = options.flows[0];

	edge_open(records);
	edge_prefixes(routes, options.routes);
	traffic_open(records);
	traffic_destinations(4, routes, options.routes);
	list_measure(records);
	new_measure(records);
	traffic_close();
	edge_close();
	return 0;
}
