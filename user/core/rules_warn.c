/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that no flow will ever have: most likely not what was meant. */
#include "core/rules.h"

#include <stdarg.h>
#include <stdio.h>

static int __attribute__((format(printf, 3, 4)))
warn(struct config_errors *out, const struct config_rule *rule, const char *fmt, ...)
{
	struct config_error e = {.line = rule->line};
	va_list args;
	int n;

	n = snprintf(e.text, sizeof(e.text), "rule %s: ", rule->name);
	va_start(args, fmt);
	vsnprintf(e.text + n, sizeof(e.text) - (size_t)n, fmt, args);
	va_end(args);
	return config_errors_add(out, &e);
}

static bool prefix_all(const struct prefix *a, const struct prefix *b)
{
	return !a->family || (b->family && prefix_contains(a, b));
}

/* Whether all that b matches a matches, too. */
static bool takes_all(const struct config_rule *a, const struct config_rule *b)
{
	return prefix_all(&a->from, &b->from) && prefix_all(&a->to, &b->to) &&
	       (a->proto < 0 || a->proto == b->proto) && (!a->port || a->port == b->port) &&
	       (a->dscp < 0 || a->dscp == b->dscp);
}

static const struct config_rule *shadow_of(const struct config *cfg, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (takes_all(&cfg->rules[i], &cfg->rules[at]))
			return &cfg->rules[i];
	return NULL;
}

/* Whether some of the prefix is inside. */
static bool meets_inside(const struct config *cfg, const struct prefix *p)
{
	for (size_t i = 0; i < cfg->n_inside; i++)
		for (size_t k = 0; k < cfg->inside[i].n_networks; k++) {
			const struct prefix *network = &cfg->inside[i].networks[k];

			if (prefix_contains(network, p) || prefix_contains(p, network))
				return true;
		}
	return false;
}

static bool has_family(const struct config *cfg, uint8_t family)
{
	for (size_t i = 0; i < cfg->n_inside; i++)
		for (size_t k = 0; k < cfg->inside[i].n_networks; k++)
			if (cfg->inside[i].networks[k].family == family)
				return true;
	return false;
}

static bool is_exempt(const struct config *cfg, const struct prefix *p)
{
	for (size_t i = 0; p->family && i < cfg->n_exempt; i++)
		if (prefix_contains(&cfg->exempt[i].prefix, p))
			return true;
	return false;
}

static int rule_warn(const struct config *cfg, size_t at, struct config_errors *out)
{
	const struct config_rule *rule = &cfg->rules[at], *shadow = shadow_of(cfg, at);
	bool to_exempt = is_exempt(cfg, &rule->to);
	char text[PREFIX_STRLEN];
	struct prefix network;

	if (shadow)
		return warn(out, rule,
			    "never matches: rule %s before it takes all that it would: put it "
			    "before that, or remove it",
			    shadow->name);
	if (to_exempt || is_exempt(cfg, &rule->from))
		return warn(out, rule, "never matches: `exempt` has %s: mend one of them",
			    prefix_format(to_exempt ? &rule->to : &rule->from, text));
	if (rule->to.family && config_inside_of(cfg, &rule->to, &network))
		return warn(out, rule,
			    "never matches: %s is inside, and a rule is read from inside to "
			    "outside: `to` is the far end",
			    prefix_format(&rule->to, text));
	if (cfg->transit == TRANSIT_ALLOW) /* rules hold for what comes by a path, too */
		return 0;
	if (rule->from.family && !meets_inside(cfg, &rule->from))
		return warn(out, rule,
			    "matches nothing from inside: no network of `inside` has any of %s: "
			    "mend it, unless this box's own traffic is meant",
			    prefix_format(&rule->from, text));
	if (rule_family(rule) && !has_family(cfg, rule_family(rule)))
		return warn(out, rule,
			    "matches nothing from inside: no network of `inside` is IPv%u: add "
			    "one, or remove the rule",
			    rule_family(rule));
	return 0;
}

int rules_warn(const struct config *cfg, struct config_errors *out)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < cfg->n_rules; i++)
		ret = rule_warn(cfg, i, out);
	return ret;
}
