/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a path may be written so, and is most likely not what was meant. */
#include "core/config.h"

#include <stdio.h>

static int warn_probe(const struct config_path *path, struct config_errors *out)
{
	const struct config_probe *probe = &path->probe;
	char buf[IP_STRLEN];
	int ret = 0;

	if (!probe->target.family)
		return 0;
	ip_format(&probe->target, buf);
	if (probe->bare)
		ret = config_errors_say(out, probe->line,
					"target: %s: is read as an address without a port: write "
					"\"[ADDRESS]:PORT\" "
					"if its end is a port, \"[%s]\" if not",
					buf, buf);
	if (!ret &&
	    (ip_equal(&probe->target, &path->gateway) || ip_equal(&probe->target, &path->gateway6)))
		ret = config_errors_say(
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
	return config_errors_say(
		out, path->mss_line,
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
