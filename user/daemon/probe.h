/* SPDX-License-Identifier: GPL-2.0-only */
/* The paths' probes: packets, timers, the word `probe`. Part of daemon_impl.h. */
#ifndef SAMEWAY_DAEMON_PROBE_H
#define SAMEWAY_DAEMON_PROBE_H

#include "kernel/datapath.h"

struct daemon;

/*
 * Makes the row of path `id` in map `probes` that of the config. True: its probe of now held it
 * down when an earlier daemon, or the config before, ended. The path's number may be free.
 */
bool probes_adopt(struct daemon *d, unsigned int id);
/* Begins to probe. 0 or -ENOMEM with err. */
int probes_start(struct daemon *d, char err[DATAPATH_ERR]);
/* What was known stays. */
void probes_stop(struct daemon *d);

#endif
