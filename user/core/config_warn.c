/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a path may be written so, and is most likely not what was meant. */
#include "core/config.h"

#include <stdarg.h>
#include <stdio.h>

static int __attribute__((format(printf, 3, 4)))
warn(struct config_errors *out, int line, const char *fmt, ...)
{
	struct config_error e = {.line = line};
	va_list args;

	va_start(args, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, args);
	va_end(args);
	return config_errors_add(out, &e);
}

static int warn_probe(const struct config_path *path, struct config_errors *out)
{
	const struct config_probe *probe = &path->probe;
	char buf[IP_STRLEN];
	int ret = 0;

	if (!probe->target.family)
		return 0;
	ip_format(&probe->target, buf);
	if (probe->bare)
		ret = warn(out, probe->line,
			   "target: %s: is read as an address without a port: write "
			   "\"[ADDRESS]:PORT\" "
			   "if its end is a port, \"[%s]\" if not",
			   buf, buf);
	if (!ret &&
	    (ip_equal(&probe->target, &path->gateway) || ip_equal(&probe->target, &path->gateway6)))
		ret = warn(
			out, probe->line,
			"target: %s: is path %s's own gateway, which proves the link alone: give "
			"a host behind it",
			buf, path->name);
	return ret;
}

/* TCP is held to what the MTU leaves in any case: see sw_path_mss(). */
static int warn_mss(const struct config_path *path, struct config_errors *out)
{
	if (!path->mss || path->mss == CONFIG_MSS_AUTO || !path->mtu || path->mss <= path->mtu - 40)
		return 0;
	return warn(out, path->mss_line,
		    "mss: %u: more than the path's mtu of %u leaves, %u by IPv4 and %u by IPv6, "
		    "which TCP is held to: write less, or auto",
		    path->mss, path->mtu, path->mtu - 40, path->mtu - 60);
}

int config_paths_warn(const struct config *cfg, struct config_errors *out)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < cfg->n_paths; i++) {
		ret = warn_probe(&cfg->paths[i], out);
		if (!ret)
			ret = warn_mss(&cfg->paths[i], out);
	}
	return ret;
}
