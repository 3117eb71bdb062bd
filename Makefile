# SPDX-License-Identifier: GPL-2.0-only
# make: build/sameway. Others: install check lint sizes bench fuzz clean; see README.md, and docs/performance.md for
# bench-plot, bench-peers, bench-gate.
BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= gcc
CLANG  ?= clang
VERSION := 0.1.0

LIBS     := libbpf libelf zlib libevent libmnl yaml-0.1 jansson libsystemd
WARN     := -Wall -Wextra -Wshadow -Werror
CPPFLAGS += -Iinclude -Iuser -I$(BUILD) -DSAMEWAY_VERSION='"$(VERSION)"' -D_GNU_SOURCE
CFLAGS   ?= -O2 -g
LIB_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
# __u64 and uint64_t are two types to the compiler: no aliasing games, as in the kernel
ALL_CFLAGS  = -std=gnu17 -fno-strict-aliasing $(WARN) $(CPPFLAGS) $(LIB_CFLAGS) $(CFLAGS)
LDLIBS   := $(shell pkg-config --libs $(LIBS) 2>/dev/null)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 $(WARN) -Iinclude -I/usr/include/$(MULTIARCH)

USER_SRC := $(wildcard user/*/*.c)
USER_OBJ := $(USER_SRC:%.c=$(BUILD)/%.o)
ASAN_OBJ := $(USER_SRC:%.c=$(BUILD)/asan/%.o)
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
PROG     := $(patsubst tests/prog/%.c,$(BUILD)/prog/%,$(wildcard tests/prog/test_*.c))
LABTOOL  := $(patsubst tests/lab/%.c,$(BUILD)/lab/%,$(filter-out %/nic_reset.c %.bpf.c,$(wildcard tests/lab/*.c))) \
	$(patsubst tests/lab/%.bpf.c,$(BUILD)/lab/%.bpf.o,$(wildcard tests/lab/*.bpf.c)) $(BUILD)/lab/nic_reset.so
FUZZ     := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_OBJ := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(wildcard user/core/*.c user/feed/*.c))
BENCH    := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c))
BENCH_SRC := $(filter-out tests/bench/bench_%.c %.bpf.c %/peer_dpdk.c,$(wildcard tests/bench/*.c))
HEADERS  := $(wildcard include/*/*.h user/*/*.h)

.PHONY: all check unit prog labtools fuzz lint sizes bench bench-plot bench-peers bench-gate install clean tests
.DELETE_ON_ERROR:

all: $(BUILD)/sameway

$(BUILD)/sameway.bpf.o: bpf/sameway.bpf.c $(wildcard bpf/*.h include/sameway/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/sameway.skel.h: $(BUILD)/sameway.bpf.o
	bpftool gen skeleton $< name sameway > $@

$(BUILD)/user/%.o: user/%.c $(HEADERS) $(BUILD)/sameway.skel.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/asan/user/%.o: user/%.c $(HEADERS) $(BUILD)/sameway.skel.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -O1 $(SANITIZE) -c $< -o $@

$(BUILD)/libsameway.a: $(USER_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/libsameway-asan.a: $(ASAN_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/sameway: $(BUILD)/user/main.o $(BUILD)/libsameway.a
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libsameway-asan.a $(wildcard tests/unit/*.h)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/unit -O1 $(SANITIZE) $< $(BUILD)/libsameway-asan.a -lcmocka $(LDLIBS) -o $@

$(BUILD)/prog/test_fib_live: $(BUILD)/lookup.skel.h
$(BUILD)/bench/lookup.bpf.o: $(wildcard bpf/*.h include/sameway/*.h)

$(BUILD)/prog/%: tests/prog/%.c $(BUILD)/libsameway.a $(wildcard tests/prog/*.h) tests/unit/prefix_oracle.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/prog $< $(BUILD)/libsameway.a -lcmocka $(LDLIBS) -o $@

$(BUILD)/prog/%.bpf.o: tests/prog/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/race.skel.h: $(BUILD)/prog/race.bpf.o
	bpftool gen skeleton $< name race > $@

$(BUILD)/prog/test_flow_race: $(BUILD)/race.skel.h

$(BUILD)/lab/%.bpf.o: tests/lab/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/lab/%: tests/lab/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $< -o $@

$(BUILD)/lab/%.so: tests/lab/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -shared $< -o $@

$(BUILD)/bench/%.bpf.o: tests/bench/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(BUILD)/%.skel.h: $(BUILD)/bench/%.bpf.o
	bpftool gen skeleton $< name $* > $@

# DPDK's FIB beside ours, where libdpdk is installed
HAVE_DPDK := $(shell pkg-config --exists libdpdk 2>/dev/null && echo $(BUILD)/bench/peer_dpdk)
$(BUILD)/bench/peer_dpdk: tests/bench/peer_dpdk.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) -O3 $(shell pkg-config --cflags libdpdk) $< $(shell pkg-config --libs libdpdk) -o $@

$(BUILD)/bench/noflow.bpf.o $(BUILD)/bench/nofib.bpf.o $(BUILD)/bench/nojudge.bpf.o $(BUILD)/bench/flowput.bpf.o: bpf/sameway.bpf.c $(wildcard bpf/*.h include/sameway/*.h) \
		tests/bench/noflow.bpf.c
$(BUILD)/bench/traffic.bpf.o: tests/bench/traffic.h
BENCH_SKEL := $(patsubst tests/bench/%.bpf.c,$(BUILD)/%.skel.h,$(wildcard tests/bench/*.bpf.c))
.SECONDARY: $(BENCH_SKEL)

$(BUILD)/bench/%.o: tests/bench/%.c $(HEADERS) tests/bench/bench.h tests/bench/traffic.h $(BUILD)/sameway.skel.h \
		$(BENCH_SKEL)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/sameway-bench: $(BENCH_SRC:tests/%.c=$(BUILD)/%.o) $(BUILD)/libsameway.a
	$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

# a program of its own each
$(BUILD)/bench/bench_%: tests/bench/bench_%.c $(BUILD)/libsameway.a $(BENCH_SKEL) $(wildcard tests/prog/*.h) \
		tests/unit/prefix_oracle.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/prog $< $(BUILD)/libsameway.a -lcmocka $(LDLIBS) -o $@

# what is fuzzed is built once, for all targets
FUZZ_FLAGS = $(filter-out -O2,$(ALL_CFLAGS)) -O1 -fno-sanitize-recover=all
$(BUILD)/fuzz/user/%.o: user/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -c $< -o $@

$(BUILD)/libsameway-fuzz.a: $(FUZZ_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libsameway-fuzz.a
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $< $(BUILD)/libsameway-fuzz.a $(LDLIBS) -o $@

unit: $(UNIT)
prog: $(PROG)
labtools: $(LABTOOL) $(BUILD)/sameway-bench
fuzz: $(FUZZ)
tests: unit prog labtools fuzz

# The rings that need no lab: unit tests with sanitizers, then the programs by BPF_PROG_TEST_RUN.
check: all unit prog
	./scripts/run-tests $(UNIT) $(PROG)

lint:
	./scripts/lint

sizes: all
	./scripts/sizes $(BUILD)/sameway.bpf.o

# BENCH_ARGS: what every subcommand takes, as --rounds 5
bench: $(BUILD)/sameway-bench $(BENCH) $(HAVE_DPDK)
	@$(BUILD)/sameway-bench all --data $(BUILD)/bench/forward.dat $(BENCH_ARGS)
	@for b in $(BENCH); do PEER_DPDK=$(HAVE_DPDK) $$b || exit 1; done

# of the last `make bench`, or of one made for it
$(BUILD)/bench/forward.dat: | $(BUILD)/sameway-bench
	$(BUILD)/sameway-bench forward --data $@ $(BENCH_ARGS)

bench-plot: $(BUILD)/bench/forward.dat
	@command -v gnuplot >/dev/null || { echo 'bench-plot: no gnuplot: run ./scripts/deps --bench' >&2; exit 1; }
	gnuplot -e "data='$<'; picture='docs/bench.svg'" tests/bench/plot.gp

bench-peers: $(BUILD)/sameway-bench
	$(BUILD)/sameway-bench forward --renew $(BENCH_ARGS)

bench-gate: $(BUILD)/sameway-bench
	$(BUILD)/sameway-bench stages --json $(BENCH_ARGS) >$(BUILD)/bench/gate.json
	mv $(BUILD)/bench/gate.json tests/bench/gate.json

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/doc/sameway
	install -m 755 $(BUILD)/sameway $(DESTDIR)$(PREFIX)/sbin/sameway
	install -m 644 docs/man/sameway.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 docs/man/sameway.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 docs/examples/edge.yaml $(DESTDIR)$(PREFIX)/share/doc/sameway/

clean:
	rm -rf $(BUILD)
