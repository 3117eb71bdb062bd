/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control protocol, on the Unix stream socket /run/sameway/INSTANCE.sock (mode 0600): the
 * client sends one line of JSON {"cmd": NAME, ...arguments}; the daemon answers one line {"ok":
 * true, "rows": ...} or {"ok": false, "exit": 1|2, "error": "what is wrong: what to do"}. `alerts`
 * with "follow": true answers one line, then a line {"ok": true, "rows": INCIDENT with `event`} at
 * each change until one side closes. `routes` without arguments answers as many lines as it takes,
 * {"ok": true, "more": true, "rows": [...]}, the last with "more": false, in order of prefix; the
 * table may change meanwhile.
 * After a reload, and after a start that adopts, what asks of routes (routes, audit, explain) is
 * answered when the feeds' tables are there, or two seconds later.
 *
 * cmd          arguments                                   rows
 * status       -                                           the object of contract.md
 * routes       [prefix: text | address: text]              array
 * audit        [if_down: name of a path]                   array, as `routes`; each line has
 *                                                           "asymmetric": rows of it that are
 * explain      dst, [src], [proto], [port]                 object
 * alerts       [all: bool], [follow: bool]                 array
 * ack          id                                          the incident
 * silence      prefix, for_ns (0: ends it)                 {prefix, until, left_s, incidents:
 *                                                           [ids]}
 * drain        path, undrain: bool, [for_ns],              {path, usable, prefixes_moved,
 *              [plan: bool, changes nothing]                prefixes_lost, for_s, lost_prefixes:
 *                                                           [the first few], lost_rules: [{name,
 *                                                           prefixes}]}
 * enforce      [for_ns]                                    {mode, for_s}
 * monitor      -                                           {mode, for_s: null}
 * reload       -                                           {config, reloaded: bool, error: null |
 *                                                           text, mistakes: [{line, text}]}
 * stop         -                                           {} then the daemon ends (for detach)
 */
#ifndef SAMEWAY_DAEMON_CONTROL_H
#define SAMEWAY_DAEMON_CONTROL_H

#define CONTROL_MAX_LINE (64 * 1024 * 1024) /* bytes of an answer at most */

#endif
