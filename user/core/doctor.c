/* SPDX-License-Identifier: GPL-2.0-only */
/* The preflight of what is not an interface: kernel, firewall, rules, maps. */
#include "core/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_LATE_NS   (3 * 1000000000ULL) /* the timer runs each second */
#define OWN_TABLES     7000		   /* `tables`: first table and priority of ours */
#define OWN_TABLES_MAX (OWN_TABLES + 2 * SW_MAX_PATHS)

void doctor_add(struct doctor_report *report, const char *check, const char *subject, bool ok,
		const char *fix, const char *fmt, ...)
{
	struct doctor_finding *v = realloc(report->v, (report->n + 1) * sizeof(*v)), *finding;
	va_list args;

	if (!v) {
		report->no_memory = true;
		return;
	}
	report->v = v;
	finding = &v[report->n++];
	memset(finding, 0, sizeof(*finding));
	finding->check = check;
	finding->ok = ok;
	snprintf(finding->subject, sizeof(finding->subject), "%s", subject);
	if (!ok)
		snprintf(finding->fix, sizeof(finding->fix), "%s", fix);
	va_start(args, fmt);
	vsnprintf(finding->message, sizeof(finding->message), fmt, args);
	va_end(args);
}

void doctor_free(struct doctor_report *report)
{
	free(report->v);
	memset(report, 0, sizeof(*report));
}

static void check_features(struct doctor_report *report, const struct doctor_kernel *kernel)
{
	if (!kernel->root)
		doctor_add(report, "root", "user", false, "run it as root, e.g. by sudo",
			   "not root: most of what follows can't be seen");
	if (kernel->btf)
		doctor_add(report, "btf", "kernel", true, "", "has BTF");
	else
		doctor_add(report, "btf", "kernel", false,
			   "use a kernel with CONFIG_DEBUG_INFO_BTF=y; Debian 12's has it",
			   "no BTF at /sys/kernel/btf/vmlinux: the programs can't be loaded");
	doctor_add(report, "tcx", "kernel", true, "",
		   kernel->tcx ? "has tcx for TC programs"
			       : "has no tcx (before Linux 6.6): clsact filters are used instead");
	if (kernel->bpffs)
		doctor_add(report, "bpffs", "/sys/fs/bpf", true, "", "is mounted");
	else if (!kernel->mounts_apart)
		doctor_add(report, "bpffs", "/sys/fs/bpf", true, "",
			   "is not mounted: `sameway run` mounts it");
	else
		doctor_add(report, "bpffs", "/sys/fs/bpf", false,
			   "enter the namespace by `nsenter --net=/run/netns/NAME`, or mount it: "
			   "`mount -t bpf bpf /sys/fs/bpf`",
			   "no bpffs here: `ip netns exec` hides it, and pins made here would be "
			   "gone with this mount namespace");
}

static void check_filters(struct doctor_report *report, const struct doctor_kernel *kernel,
			  bool kernel_forwards)
{
	static const char *const checks[] = {"netfilter", "netfilter", "xfrm"};
	static const char *const subjects[] = {"nftables", "iptables", "xfrm"};
	static const char *const fixes[] = {
		"remove those rules (`nft list ruleset` shows them), or let the kernel forward: "
		"stay in `mode: monitor`",
		"remove those rules (`iptables-save`, `ip6tables-save` show them), or let the "
		"kernel forward: stay in `mode: monitor`",
		"use a route-based tunnel (an xfrm interface: `if_id`), or stay in `mode: "
		"monitor`; `ip xfrm policy` shows them",
	};

	for (size_t i = 0; i < 3; i++) {
		const char *found = kernel->filters[i];

		if (kernel->filters_err[i])
			doctor_add(report, checks[i], subjects[i], false, "run it as root",
				   "can't be asked: %s", strerror(-kernel->filters_err[i]));
		else if (!found[0])
			doctor_add(report, checks[i], subjects[i], true, "",
				   "nothing that redirected packets would pass by");
		else if (kernel_forwards)
			doctor_add(report, checks[i], subjects[i], true, "",
				   "%.200s: obeyed, since the kernel forwards", found);
		else
			doctor_add(report, checks[i], subjects[i], false, fixes[i],
				   "%.200s: redirected packets pass by it%s", found,
				   i == 2 ? ", and would leave in clear" : "");
	}
}

void doctor_kernel(struct doctor_report *report, const struct doctor_kernel *kernel,
		   bool kernel_forwards)
{
	check_features(report, kernel);
	check_filters(report, kernel, kernel_forwards);
}

static bool rule_is_ours(const struct host_rule *rule)
{
	return rule->mask && rule->table >= OWN_TABLES && rule->table < OWN_TABLES_MAX &&
	       rule->priority >= OWN_TABLES && rule->priority < OWN_TABLES_MAX;
}

void doctor_rules(struct doctor_report *report, const struct host *host, bool kernel_forwards)
{
	size_t foreign = 0;

	for (size_t i = 0; i < host->n_rules; i++) {
		const struct host_rule *rule = &host->rules[i];
		char subject[32], fix[HOST_TEXT], mark[40] = "";

		if (rule_is_ours(rule))
			continue;
		foreign++;
		snprintf(subject, sizeof(subject), "rule %u", rule->priority);
		if (rule->mask)
			snprintf(mark, sizeof(mark), ", fwmark %#x/%#x", rule->mark, rule->mask);
		snprintf(fix, sizeof(fix),
			 "remove it: `ip -%u rule del priority %u`; or stay in `mode: monitor`",
			 rule->family, rule->priority);
		doctor_add(report, "ip-rule", subject, kernel_forwards, fix,
			   "IPv%u rule %u (table %u%s): %s", rule->family, rule->priority,
			   rule->table, mark,
			   kernel_forwards ? "asked in its place, since the kernel forwards"
					   : "redirected packets pass by it");
	}
	if (!foreign)
		doctor_add(report, "ip-rule", "rules", true, "", "none but the kernel's");
}

static void check_health(struct doctor_report *report, const struct doctor_pins *pins)
{
	char fix[HOST_TEXT];

	if (pins->beat_ns && pins->now_ns > pins->beat_ns + BEAT_LATE_NS)
		doctor_add(report, "timer", "kernel timer", false,
			   "start `sameway run` again: it arms the timer",
			   "has not run for %llu s: path_counters stand still",
			   (unsigned long long)((pins->now_ns - pins->beat_ns) / 1000000000ULL));
	else if (pins->beat_ns)
		doctor_add(report, "timer", "kernel timer", true, "", "runs");
	else
		doctor_add(report, "timer", "kernel timer", false,
			   "start `sameway run` again: it arms the timer",
			   "has never run: path_counters stand still");
	if (!pins->health_known)
		return;
	if (pins->events_lost)
		doctor_add(report, "events", "events", false,
			   "look at `sameway flows --verdict asymmetric`: the records are right; "
			   "`sameway detach` and `run` begin the count anew",
			   "%llu changes of verdict were replaced by newer ones before they could "
			   "be told",
			   (unsigned long long)pins->events_lost);
	else
		doctor_add(report, "events", "events", true, "", "none lost");
	snprintf(fix, sizeof(fix),
		 "write a bigger `flows:` (now %llu) in the config, then `sameway detach` and "
		 "`run`",
		 (unsigned long long)pins->flows_max);
	if (pins->flows_full || (pins->flows_max && pins->flows >= pins->flows_max))
		doctor_add(report, "flows", "flow table", false, fix,
			   "full: %llu of %llu records, %llu could not be made",
			   (unsigned long long)pins->flows, (unsigned long long)pins->flows_max,
			   (unsigned long long)pins->flows_full);
	else
		doctor_add(report, "flows", "flow table", true, "", "%llu of %llu records",
			   (unsigned long long)pins->flows, (unsigned long long)pins->flows_max);
}

void doctor_pins(struct doctor_report *report, const char *instance, const struct doctor_pins *pins)
{
	char fix[HOST_TEXT];

	if (!pins->there) {
		doctor_add(report, "pins", instance, true, "", "nothing is pinned yet");
		return;
	}
	if (!pins->readable) {
		snprintf(fix, sizeof(fix), "run `sameway -i %s detach`, then `run`", instance);
		doctor_add(report, "pins", instance, false, fix, "%.280s", pins->why);
		return;
	}
	doctor_add(report, "pins", instance, true, "", "of this version");
	check_health(report, pins);
}
