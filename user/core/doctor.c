/* SPDX-License-Identifier: GPL-2.0-only */
/* The preflight of what is not an interface: kernel, firewall, rules, maps. */
#include "core/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_LATE_NS  (3 * 1000000000ULL) /* the timer runs each second */
#define CLOCK_LATE_NS 1000000000ULL	  /* and writes the time each 2 ms */
/* A line of the index can be full before the table is: so many of its room pushed out is little. */
#define FORGOTTEN_PART 16

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

/* Something that is obeyed, or passed by as the config allows. */
static void filter_add(struct doctor_report *report, const char *check, const char *subject,
		       const char *found, bool kernel_forwards, const struct config *cfg)
{
	if (kernel_forwards && cfg && cfg->forward == FORWARD_FAST && !cfg->bypass_netfilter)
		doctor_add(report, check, subject, false, "say `forward: auto` in the config",
			   "%.200s: obeyed now, since the kernel sends the packets; but the config "
			   "says `forward: fast`: the next `reload` or `run` is refused",
			   found);
	else
		doctor_add(report, check, subject, true, "",
			   kernel_forwards ? "%.200s: obeyed, since the kernel sends the packets"
					   : "%.200s: passed by, as `bypass-netfilter` allows",
			   found);
}

static void check_filters(struct doctor_report *report, const struct doctor_kernel *kernel,
			  bool kernel_forwards, const struct config *cfg)
{
	static const char *const checks[] = {"netfilter", "netfilter", "xfrm"};
	static const char *const subjects[] = {"nftables", "iptables", "xfrm"};
	static const char *const fixes[] = {
		"say `forward: auto` or `kernel`, or remove those rules (`nft list ruleset` shows "
		"them)",
		"say `forward: auto` or `kernel`, or remove those rules (`iptables-save`, "
		"`ip6tables-save` show them)",
		"say `forward: auto` or `kernel`, or use a route-based tunnel (an xfrm interface: "
		"`if_id`); `ip xfrm policy` shows them",
	};

	for (size_t i = 0; i < 3; i++) {
		const char *found = kernel->filters[i];

		if (kernel->filters_err[i])
			doctor_add(report, checks[i], subjects[i], false, "run it as root",
				   "can't be asked: %s", strerror(-kernel->filters_err[i]));
		else if (!found[0])
			doctor_add(report, checks[i], subjects[i], true, "",
				   "nothing that redirected packets would pass by");
		else if (kernel_forwards || (cfg && cfg->bypass_netfilter))
			filter_add(report, checks[i], subjects[i], found, kernel_forwards, cfg);
		else
			doctor_add(report, checks[i], subjects[i], false, fixes[i],
				   "%.200s: redirected packets pass by it%s", found,
				   i == 2 ? ", and would leave in clear" : "");
	}
}

/* Rules for what this box sends itself: TC egress leaves it where they saw it. */
static void check_output(struct doctor_report *report, const struct doctor_kernel *kernel,
			 bool kernel_forwards, bool bypass)
{
	if (!kernel->output[0] || kernel_forwards)
		return;
	doctor_add(report, "egress", "output rules", true, "",
		   bypass ? "%.200s: what this box sends is moved past it, as `bypass-netfilter` "
			    "allows"
			  : "%.200s: obeyed: what this box sends stays on the kernel's path",
		   kernel->output);
}

void doctor_kernel(struct doctor_report *report, const struct doctor_kernel *kernel,
		   bool kernel_forwards, const struct config *cfg)
{
	check_features(report, kernel);
	check_filters(report, kernel, kernel_forwards, cfg);
	check_output(report, kernel, kernel_forwards, cfg && cfg->bypass_netfilter);
}

static bool in_tables(const struct config *cfg, uint32_t number)
{
	return cfg && number >= cfg->tables && number < cfg->tables + SW_MAX_PATHS;
}

/* Whether all that is marked for a path comes to the rule before sameway's own. */
static bool takes_first(const struct host_rule *rule, const struct config *cfg)
{
	if (!cfg || rule->harmless || !host_rule_broad(rule) || rule->priority >= cfg->tables)
		return false;
	for (uint32_t id = 0; id < cfg->n_paths; id++) {
		if (host_rule_takes(rule, sw_mark(cfg->fwmark, id)))
			return true;
	}
	return false;
}

/* A rule of somebody else. */
static void check_rule(struct doctor_report *report, const struct host_rule *rule,
		       const struct config *cfg, bool kernel_forwards)
{
	bool taken = in_tables(cfg, rule->priority), marks = cfg && rule->mask & cfg->fwmark;
	bool first = takes_first(rule, cfg);
	char subject[32], fix[HOST_TEXT], mark[40] = "";

	snprintf(subject, sizeof(subject), "rule %u", rule->priority);
	if (rule->mask)
		snprintf(mark, sizeof(mark), ", fwmark %#x/%#x", rule->mark, rule->mask);
	snprintf(fix, sizeof(fix), "remove it: `ip -%u rule del priority %u`; or %s", rule->family,
		 rule->priority,
		 taken		   ? "write another `tables:`"
		 : marks	   ? "write another `fwmark:`"
		 : kernel_forwards ? "give it a priority behind those of `tables:`"
				   : "stay in `mode: monitor`");
	doctor_add(report, "ip-rule", subject, kernel_forwards && !taken && !marks && !first, fix,
		   "IPv%u rule %u (table %u%s): %s", rule->family, rule->priority, rule->table,
		   mark,
		   taken   ? "its priority is one of `tables:`"
		   : marks ? "it asks for bits that are sameway's (`fwmark:`)"
		   : kernel_forwards && first
			   ? "it takes all that sameway marks for its paths, before sameway's rules"
		   : kernel_forwards ? "asked in its place, since the kernel forwards"
				     : "redirected packets pass by it");
}

void doctor_rules(struct doctor_report *report, const struct host *host, const struct config *cfg,
		  bool kernel_forwards)
{
	size_t foreign = 0;

	for (size_t i = 0; i < host->n_rules; i++) {
		if (host->rules[i].protocol == SW_RTPROT)
			continue;
		foreign++;
		check_rule(report, &host->rules[i], cfg, kernel_forwards);
	}
	if (!foreign)
		doctor_add(report, "ip-rule", "rules", true, "",
			   "none but the kernel's and sameway's");
	for (size_t i = 0; i < host->n_tables; i++) {
		const struct host_table *table = &host->tables[i];
		char subject[32], fix[HOST_TEXT];

		if (!in_tables(cfg, table->table))
			continue;
		snprintf(subject, sizeof(subject), "table %u", table->table);
		snprintf(fix, sizeof(fix),
			 "remove them: `ip -%u route flush table %u`; or write another `tables:`",
			 table->family, table->table);
		doctor_add(report, "route-table", subject, false, fix,
			   "somebody else has IPv%u routes in it, and it is one of `tables:`",
			   table->family);
	}
}

void doctor_marks(struct doctor_report *report, const struct doctor_kernel *kernel,
		  const struct host *host, const struct config *cfg)
{
	if (kernel->marks[0])
		doctor_add(report, "fwmark", "nftables", false,
			   "write another `fwmark:`, or have the rule leave those bits as they are",
			   "%.200s: it writes bits that are sameway's (%#x)", kernel->marks,
			   cfg->fwmark);
	else
		doctor_add(report, "fwmark", "nftables", true, "",
			   "no rule was seen that writes the bits of %#x", cfg->fwmark);
	if (host->mark_reflect)
		doctor_add(report, "fwmark", "fwmark_reflect", false,
			   "`sysctl -w net.ipv4.fwmark_reflect=0 net.ipv6.fwmark_reflect=0`; and "
			   "in /etc/sysctl.d",
			   "on: the kernel's ICMP errors carry the mark of what they answer, and "
			   "leave by that path instead of going back");
}

/* What TC egress could not do, or another program undid. */
static void check_egress(struct doctor_report *report, const struct doctor_pins *pins)
{
	if (pins->egress_returned)
		doctor_add(report, "egress", pins->egress_path, false,
			   "look for a redirect in `tc filter show dev X egress` and `bpftool "
			   "link` of each path's interface, and take it off; `sameway detach` and "
			   "`run` begin the count anew",
			   "another program on this box moves packets: %llu that sameway had moved "
			   "came back",
			   (unsigned long long)pins->egress_returned);
	else
		doctor_add(report, "egress", "TC egress", true, "",
			   "nothing moved came back; %llu packets of the kernel's stayed on its "
			   "path (too big, or no neighbour)",
			   (unsigned long long)pins->egress_left);
}

/* In `flows` or `flows6`. Many pushed out while in use, or none to be had: it is too small. */
static void check_flows(struct doctor_report *report, const struct doctor_pins *pins, int family)
{
	const char *subject = family ? "IPv6 flow table" : "IPv4 flow table";
	unsigned long long n = pins->flows[family], max = pins->flows_max[family];
	char fix[HOST_TEXT];

	if (!max)
		return;
	snprintf(fix, sizeof(fix),
		 "write a bigger `%s:` (now %llu) in the config, then `sameway detach` and `run`",
		 family ? "flows6" : "flows", max);
	if (n >= max - max / 8)
		doctor_add(report, "flows", subject, false, fix, "full: %llu of %llu records", n,
			   max);
	else
		doctor_add(report, "flows", subject, true, "", "%llu of %llu records", n, max);
}

/* Of both tables: whose they were is not known. */
static void check_room(struct doctor_report *report, const struct doctor_pins *pins)
{
	uint64_t room = pins->flows_max[0] + pins->flows_max[1];

	if (pins->flows_full || pins->flows_forgotten > room / FORGOTTEN_PART)
		doctor_add(report, "flows", "flow records", false,
			   "write a bigger `flows:` (IPv4) or `flows6:` in the config, then "
			   "`sameway detach` and `run`",
			   "%llu flows in use were pushed out, %llu packets found no room",
			   (unsigned long long)pins->flows_forgotten,
			   (unsigned long long)pins->flows_full);
	else
		doctor_add(report, "flows", "flow records", true, "",
			   "%llu pushed out by newer ones, %llu of them in use",
			   (unsigned long long)pins->flows_evicted,
			   (unsigned long long)pins->flows_forgotten);
}

static void check_health(struct doctor_report *report, const struct doctor_pins *pins)
{
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
	if (pins->clock_ns && pins->now_ns > pins->clock_ns + CLOCK_LATE_NS)
		doctor_add(report, "timer", "packet clock", false,
			   "start `sameway run` again: it arms the timer",
			   "stands still for %llu s: no flow grows old, none is pushed out, and "
			   "what settles goes on settling",
			   (unsigned long long)((pins->now_ns - pins->clock_ns) / 1000000000ULL));
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
	for (int family = 0; family < 2; family++)
		check_flows(report, pins, family);
	check_room(report, pins);
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
	if (pins->health_known)
		check_egress(report, pins);
}
