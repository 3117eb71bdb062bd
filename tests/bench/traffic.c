/* SPDX-License-Identifier: GPL-2.0-only */
/* The bench's programs: packets by live frames through the world, and runs without a device. */
#include "bench.h"
#include "flowput.skel.h"
#include "nofib.skel.h"
#include "noflow.skel.h"
#include "nojudge.skel.h"
#include "traffic.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIVE_BATCH 64
#define LIVE_TRY   (1u << 17) /* packets, to see how long one takes */
#define LIVE_MAX   40000000
#define QUIET_US   2000
#define MAX_CPUS   256

struct traffic *traffic;
static struct noflow *noflow;
static struct nofib *nofib;
static struct nojudge *nojudge;
static struct flowput *flowput;
static int cpus_possible;

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static void device_write(const struct bpf_map *map, enum ns ns, uint32_t ifindex)
{
	uint32_t zero = 0;

	world_enter(ns);
	if (bpf_map_update_elem(bpf_map__fd(map), &zero, &ifindex, BPF_ANY))
		fail("a devmap refuses its device: %s", strerror(errno));
	world_leave();
}

/* Who goes on by tail call must take the same frames as who is called. */
static void flags_as_edge(void)
{
	struct bpf_program *const progs[] = {
		traffic->progs.write_xdp,  traffic->progs.nothing,     traffic->progs.constant_work,
		traffic->progs.bare,	   traffic->progs.fib_forward, traffic->progs.lpm_forward,
		traffic->progs.record_lru, traffic->progs.record_hash, traffic->progs.two_lines,
	};

	for (size_t i = 0; i < sizeof(progs) / sizeof(progs[0]); i++)
		bpf_program__set_flags(progs[i], BPF_F_XDP_HAS_FRAGS);
}

/* Of an edge that is open. */
void traffic_open(uint32_t records)
{
	uint32_t lines = records >= 4 ? records / 4 : 1; /* four records a line */

	libbpf_set_print(print);
	cpus_possible = libbpf_num_possible_cpus();
	traffic = traffic__open();
	if (!traffic)
		fail("the bench's programs can't be opened: %s", strerror(errno));
	bpf_map__set_max_entries(traffic->maps.lru, records);
	bpf_map__set_max_entries(traffic->maps.hash, records);
	bpf_map__set_max_entries(traffic->maps.lines, lines);
	bpf_map__set_max_entries(traffic->maps.line_rows, records);
	traffic->bss->lines_mask = lines - 1;
	traffic->bss->rows_mask = records - 1;
	flags_as_edge();
	if (traffic__load(traffic))
		fail("the bench's programs can't be loaded");
	device_write(traffic->maps.to_router, NS_GENERATOR, world.generator);
	device_write(traffic->maps.to_sink, NS_ROUTER, world.ifindex[DEV_ER]);
	traffic->bss->out_ifindex = world.ifindex[DEV_ER];
	traffic->bss->writing.cpus = (uint32_t)options.cpus;
	traffic_direction(4, false);
}

void traffic_close(void)
{
	traffic__destroy(traffic);
	traffic = NULL;
}

void traffic_routes(const struct prefix *p, size_t n)
{
	struct lpm_hop hop = {0};

	memcpy(hop.macs, device_peer_mac[DEV_ER], 6);
	memcpy(hop.macs + 6, device_mac[DEV_ER], 6);
	for (uint32_t i = 0; i < EDGE_GROUPS; i++)
		bpf_map_update_elem(bpf_map__fd(traffic->maps.hops), &i, &hop, BPF_ANY);
	for (size_t i = 0; i < n; i++) {
		struct lpm_key key = {.len = p[i].len};
		uint32_t value = (uint32_t)i % EDGE_GROUPS;

		memcpy(&key.addr, p[i].bytes, 4);
		if (bpf_map_update_elem(bpf_map__fd(traffic->maps.lpm), &key, &value, BPF_ANY))
			fail("the LPM trie refuses a prefix: %s", strerror(errno));
	}
}

void traffic_destinations(uint8_t family, const struct prefix *p, size_t n)
{
	struct bpf_map *map =
		family == 4 ? traffic->maps.destinations4 : traffic->maps.destinations6;
	size_t row = bpf_map__value_size(map);
	uint8_t *rows = mmap(NULL, DESTINATIONS * row, PROT_READ | PROT_WRITE, MAP_SHARED,
			     bpf_map__fd(map), 0);
	uint8_t host[16];

	if (rows == MAP_FAILED)
		fail("the destinations can't be mapped: %s", strerror(errno));
	for (size_t i = 0; i < DESTINATIONS; i++) {
		routes_host(&p[random_next() % n], host);
		memcpy(rows + i * row, host, family == 4 ? 4 : 16);
	}
	munmap(rows, DESTINATIONS * row);
}

void traffic_flows(uint32_t n, uint32_t base)
{
	traffic->bss->writing.flow_mask = n - 1;
	traffic->bss->writing.flow_base = base;
}

void traffic_one_destination(const uint8_t host[4])
{
	uint32_t last = DESTINATIONS;
	uint64_t row = 0;

	if (host) {
		memcpy(&row, host, 4);
		if (bpf_map_update_elem(bpf_map__fd(traffic->maps.destinations4), &last, &row,
					BPF_ANY))
			fail("a destination can't be written: %s", strerror(errno));
	}
	traffic->bss->writing.one_destination = host != NULL;
}

void traffic_direction(uint8_t family, bool inward)
{
	enum device dev = inward ? DEV_ER : DEV_LAN;
	struct writing *w = &traffic->bss->writing;

	w->family = family;
	w->inward = inward;
	memcpy(w->dmac, device_mac[dev], 6);
	memcpy(w->smac, device_peer_mac[dev], 6);
}

int program_of(const char *name)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(traffic->obj, name);

	if (!p)
		fail("no program %s", name);
	return bpf_program__fd(p);
}

/* The map of the other object that has this one's name, or for .bss and .data its section. */
static const struct bpf_map *map_twin(const struct bpf_object *in, const struct bpf_map *map)
{
	const char *section = strchr(bpf_map__name(map), '.');
	const struct bpf_map *other;

	bpf_object__for_each_map(other, in)
	{
		const char *its = strchr(bpf_map__name(other), '.');

		if (bpf_map__is_internal(map) != bpf_map__is_internal(other) ||
		    bpf_map__value_size(map) != bpf_map__value_size(other))
			continue;
		if (bpf_map__is_internal(map) ? section && its && !strcmp(section, its)
					      : !strcmp(bpf_map__name(map), bpf_map__name(other)))
			return other;
	}
	return NULL;
}

/* Its XDP program, loaded on the edge's maps. */
static int variant_load(struct bpf_object *obj, const char *name)
{
	struct bpf_program *prog, *xdp;
	struct bpf_map *map;

	xdp = obj ? bpf_object__find_program_by_name(obj, "variant") : NULL;
	if (!xdp)
		fail("%s can't be opened: %s", name, strerror(errno));
	bpf_object__for_each_program(prog, obj) bpf_program__set_autoload(prog, prog == xdp);
	bpf_object__for_each_map(map, obj)
	{
		const struct bpf_map *twin = map_twin(edge_object(), map);

		if (twin && bpf_map__reuse_fd(map, bpf_map__fd(twin)))
			fail("%s can't have map %s", name, bpf_map__name(map));
	}
	if (bpf_object__load(obj))
		fail("%s can't be loaded", name);
	return bpf_program__fd(xdp);
}

int noflow_program(void)
{
	noflow__destroy(noflow);
	noflow = noflow__open();
	return variant_load(noflow ? noflow->obj : NULL, "noflow");
}

int nofib_program(void)
{
	nofib__destroy(nofib);
	nofib = nofib__open();
	return variant_load(nofib ? nofib->obj : NULL, "nofib");
}

int nojudge_program(void)
{
	nojudge__destroy(nojudge);
	nojudge = nojudge__open();
	return variant_load(nojudge ? nojudge->obj : NULL, "nojudge");
}

int flowput_program(void)
{
	flowput__destroy(flowput);
	flowput = flowput__open();
	return variant_load(flowput ? flowput->obj : NULL, "flowput");
}

void xdp_attach(enum ns ns, uint32_t ifindex, int fd)
{
	world_enter(ns);
	if (bpf_xdp_attach((int)ifindex, fd, fd < 0 ? 0 : XDP_FLAGS_DRV_MODE, NULL) && fd >= 0)
		fail("a device takes no XDP program: %s", strerror(errno));
	world_leave();
}

uint64_t traffic_taken(void)
{
	uint64_t count[MAX_CPUS] = {0}, sum = 0;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(traffic->maps.taken), &zero, count))
		fail("what was taken can't be read: %s", strerror(errno));
	for (int i = 0; i < cpus_possible && i < MAX_CPUS; i++)
		sum += count[i];
	return sum;
}

void traffic_send(uint32_t packets, uint32_t batch)
{
	uint8_t frame[FRAME4] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)packets, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = batch);

	if (bpf_prog_test_run_opts(bpf_program__fd(traffic->progs.generate), &opts))
		fail("live frames: %s", strerror(errno));
}

struct sender {
	int cpu;
	uint32_t packets;
	double cpu_s;
	pthread_t thread;
};

static void *sender_run(void *arg)
{
	struct sender *s = arg;
	double from;

	pin(s->cpu);
	world_enter(NS_GENERATOR);
	from = cpu_s(s->cpu);
	traffic_send(s->packets, LIVE_BATCH);
	usleep(QUIET_US);
	s->cpu_s = cpu_s(s->cpu) - from;
	return NULL;
}

/* CPU seconds of all; with one, its CPU is the last, where interrupts are the fewest. */
static double senders_run(uint32_t packets)
{
	struct sender senders[MAX_CPUS] = {0};
	int last = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	double sum = 0;

	for (int i = 0; i < options.cpus; i++) {
		senders[i].cpu = options.cpus == 1 ? last : i;
		senders[i].packets = packets;
		if (pthread_create(&senders[i].thread, NULL, sender_run, &senders[i]))
			fail("no thread to send");
	}
	for (int i = 0; i < options.cpus; i++) {
		pthread_join(senders[i].thread, NULL);
		sum += senders[i].cpu_s;
	}
	return sum;
}

struct rate traffic_live(double seconds)
{
	double each = senders_run(LIVE_TRY) / options.cpus / LIVE_TRY, from, cpu, clock;
	double want = seconds / each;
	uint32_t packets = want > LIVE_MAX ? LIVE_MAX : want < LIVE_TRY ? LIVE_TRY : (uint32_t)want;
	uint64_t before = traffic_taken(), got;

	from = now_s();
	cpu = senders_run(packets);
	clock = now_s() - from - QUIET_US * 1e-6;
	got = traffic_taken() - before;
	return (struct rate){.wall = (double)got / clock / 1e6,
			     .cpu = (double)got / cpu * options.cpus / 1e6,
			     .sent = (uint64_t)packets * (uint64_t)options.cpus,
			     .taken = got};
}

double traffic_run(int fd, uint32_t packets)
{
	uint8_t frame[FRAME6] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)packets);

	if (bpf_prog_test_run_opts(fd, &opts))
		fail("a test run: %s", strerror(errno));
	return opts.duration;
}

double traffic_stage(enum stage_hook hook, enum device dev, int fd, uint32_t packets, int *answer)
{
	bool xdp = hook == STAGE_XDP;
	struct bpf_map *map = xdp ? traffic->maps.next_xdp : traffic->maps.next_tc;
	struct bpf_program *writer = xdp ? traffic->progs.write_xdp : traffic->progs.write_tc;
	uint8_t frame[FRAME6] = {[12] = 8};
	uint32_t size = traffic->bss->writing.family == 4 ? FRAME4 : FRAME6, zero = 0;
	struct xdp_md md = {.data_end = size, .ingress_ifindex = world.ifindex[dev]};
	struct __sk_buff skb = {.ifindex = world.ifindex[dev]};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size,
		    .repeat = (int)packets);
	int err;

	opts.ctx_in = xdp ? (void *)&md : (void *)&skb;
	opts.ctx_size_in = xdp ? sizeof(md) : sizeof(skb);
	if (fd < 0)
		bpf_map_delete_elem(bpf_map__fd(map), &zero);
	else if (bpf_map_update_elem(bpf_map__fd(map), &zero, &fd, BPF_ANY))
		fail("no tail call to the program: %s", strerror(errno));
	world_enter(NS_ROUTER);
	err = bpf_prog_test_run_opts(bpf_program__fd(writer), &opts);
	world_leave();
	if (err)
		fail("a test run: %s", strerror(errno));
	if (answer)
		*answer = (int)opts.retval;
	return opts.duration;
}

void traffic_prime(uint32_t flows)
{
	uint8_t family = traffic->bss->writing.family;
	uint32_t cpus = traffic->bss->writing.cpus;
	uint64_t before = edge_flows(false).whole, made;

	traffic->bss->writing.cpus = 1;
	traffic_stage(STAGE_XDP, DEV_LAN, edge_program(EDGE_XDP), flows, NULL);
	traffic_direction(family, true);
	traffic_stage(STAGE_XDP, DEV_ER, edge_program(EDGE_XDP), flows, NULL);
	traffic_direction(family, false);
	traffic->bss->writing.cpus = cpus;
	made = edge_flows(false).whole - before;
	/* a table may lose some that hash badly; not more */
	if (made < flows - flows / 100 || made > flows)
		fail("of %u flows %llu have a record of both directions", flows,
		     (unsigned long long)made);
}

int hash_map(void)
{
	return bpf_map__fd(traffic->maps.hash);
}

void arrival_arm(void)
{
	volatile struct arrival *a = &traffic->bss->arrival;

	a->armed = 0;
	a->first_ns[0] = a->first_ns[1] = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	a->armed = 1;
}

uint64_t arrival_first(int sink)
{
	return __atomic_load_n(&traffic->bss->arrival.first_ns[sink], __ATOMIC_ACQUIRE);
}
