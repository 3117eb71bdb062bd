/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The preflight: each thing that would keep packets from flowing or alerts from coming, with its
 * fix. Pure: facts in, findings out. What is fine is a finding too, so that a reader sees what was
 * looked at.
 */
#ifndef SAMEWAY_CORE_DOCTOR_H
#define SAMEWAY_CORE_DOCTOR_H

#include "core/config.h"
#include "core/host.h"

struct doctor_finding {
	const char *check; /* a word, see sameway(8) */
	char subject[64];
	bool ok;
	char message[HOST_TEXT];
	char fix[HOST_TEXT]; /* empty where ok */
};

struct doctor_report {
	struct doctor_finding *v;
	size_t n;
	bool no_memory; /* a finding was lost */
};

/* What else than the box was looked at. */
struct doctor_kernel {
	bool root, btf, tcx;
	bool bpffs;	   /* mounted where we are */
	bool mounts_apart; /* our mount namespace is not that of the box */
	char filters[3]
		    [HOST_TEXT]; /* nftables, iptables, xfrm: the first found of each, or empty */
	int filters_err[3];	 /* could not be asked: -errno */
	char output[HOST_TEXT];	 /* the first chain on the output hook with rules, or empty */
	char marks[HOST_TEXT];	 /* an nftables rule that writes bits of `fwmark`, or empty */
};

/* The instance, by its maps. */
struct doctor_pins {
	bool there, readable;
	char why[400]; /* not readable: "what is wrong: what to do" */
	bool health_known;
	uint64_t now_ns, beat_ns, clock_ns; /* CLOCK_MONOTONIC; beat, clock 0: not known */
	uint64_t events_lost, flows_full, flows_evicted, flows_forgotten;
	uint64_t flows[2], flows_max[2]; /* IPv4, IPv6; max 0: not known */
	/* came back after it was moved, and a path that it came back to; not there, or did not fit
	 */
	uint64_t egress_returned, egress_left;
	char egress_path[32];
};

void doctor_add(struct doctor_report *report, const char *check, const char *subject, bool ok,
		const char *fix, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void doctor_free(struct doctor_report *report);

/*
 * The kernel as such. kernel_forwards: filters are obeyed; bypass: they may be passed by, the
 * config says so.
 */
void doctor_kernel(struct doctor_report *report, const struct doctor_kernel *kernel,
		   bool kernel_forwards, const struct config *cfg);
/* ip rules and route tables, but for sameway's own: what passes them by, what is in their way. */
void doctor_rules(struct doctor_report *report, const struct host *host, const struct config *cfg,
		  bool kernel_forwards);
/* Who else writes the bits of `fwmark`. */
void doctor_marks(struct doctor_report *report, const struct doctor_kernel *kernel,
		  const struct host *host, const struct config *cfg);
/* The interfaces that the config names. */
void doctor_links(struct doctor_report *report, const struct config *cfg, const struct host *host);
/* Its paths with VLAN tags, or with their addresses on another device. */
void doctor_vlans(struct doctor_report *report, const struct config *cfg, const struct host *host);
/* The instance's maps. */
void doctor_pins(struct doctor_report *report, const char *instance,
		 const struct doctor_pins *pins);

#endif
