/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon behind `sameway run`: loop, start and stop order, control socket. */
#ifndef SAMEWAY_DAEMON_DAEMON_H
#define SAMEWAY_DAEMON_DAEMON_H

/*
 * Runs the instance with the config in the foreground until a signal or `stop` ends it. Says on
 * stderr what went wrong. Returns the exit status of the program: 0, 1 (failed), 2 (config).
 */
int daemon_run(const char *instance, const char *config_file);

#endif
