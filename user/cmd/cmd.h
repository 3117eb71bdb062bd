/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands: one table of them (table.c), a verb a file. A command parses its operands, asks the
 * maps or the daemon, hands rows to output/ and returns the exit status of the program.
 */
#ifndef SAMEWAY_CMD_CMD_H
#define SAMEWAY_CMD_CMD_H

#include "output/output.h"

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CMD_OPTIONS_MAX 3
#define CMD_ERR		300 /* size of the `err` buffers: "what is wrong: what to do" */
#define CMD_RUN_DIR	"/run/sameway"

enum cmd_status { CMD_DONE, CMD_FAILED, CMD_WRONG, CMD_ASYMMETRIC };

struct cmd_option {
	char letter;	  /* '\0': long only */
	const char *name; /* without "--"; NULL: letter only */
	const char *arg;  /* of its argument; NULL: takes none */
	const char *help;
	const char *later; /* not yet in this version: what to do instead */
};

struct cmd_call;
struct cmd {
	const char *name;
	const char *args;    /* operands, as in help */
	const char *summary; /* one line */
	struct cmd_option options[CMD_OPTIONS_MAX];
	int min_args, max_args;
	bool no_json;	   /* its answer is not rows */
	const char *later; /* not yet in this version: what to do instead */
	int (*run)(const struct cmd_call *call);
};

/* A parsed command line; points into argv and the table. */
struct cmd_call {
	const struct cmd *cmd;
	const char *instance;
	bool json, help, version;
	bool verb;			    /* cmd was named, not taken as the default */
	const char *value[CMD_OPTIONS_MAX]; /* by place in cmd->options; NULL: not given */
	int argc;			    /* operands */
	char **argv;
};

/* The table, ended by a row without name. */
extern const struct cmd cmd_table[];

/* By name or unique prefix; NULL with a message in err. */
const struct cmd *cmd_find(const char *verb, char err[CMD_ERR]);
/*
 * Parses a command line; argv is permuted (getopt). Options of the program are taken before and
 * after the verb. 0, or -EINVAL with a message in err. `later` commands are parsed for --help only.
 */
int cmd_parse(int argc, char **argv, struct cmd_call *out, char err[CMD_ERR]);
/* True for what contract.md allows as the name of an instance, less "." and "..". */
bool cmd_instance_ok(const char *name);
/* Help, of the program (cmd NULL) or of a command. Allocated; NULL when out of memory. */
char *cmd_help(const struct cmd *cmd);

/* Shows rows, takes them. NULL rows are said as a failure. Returns CMD_DONE or CMD_FAILED. */
int cmd_show(const struct cmd_call *call, enum view_name view, json_t *rows);
/* A connection to the daemon; says what went wrong. CMD_DONE, or the exit status. */
struct client;
struct client_error;
int cmd_connect(const struct cmd_call *call, struct client **client, struct client_error *err);
/*
 * Asks the daemon, takes the request; says what went wrong. CMD_DONE with *rows, or the exit
 * status.
 */
int cmd_ask(const struct cmd_call *call, json_t *request, json_t **rows);
/* The value of --for, the verb's first option, in ns, 0: not given. CMD_DONE or CMD_WRONG. */
int cmd_for(const struct cmd_call *call, uint64_t *ns);
/* Opens the instance's maps or says why not. CMD_DONE or CMD_FAILED. */
struct maps;
int cmd_maps(const struct cmd_call *call, struct maps **out);
/* The number of the path of that name, -1: there is none. */
int cmd_path_id(struct maps *maps, const char *name);
/* ns */
uint64_t cmd_clock_ns(clockid_t clock);
/* CMD_RUN_DIR/INSTANCE + suffix. */
void cmd_run_path(const char *instance, const char *suffix, char *buf, size_t size);

int cmd_run(const struct cmd_call *call);
int cmd_check_config(const struct cmd_call *call);
int cmd_status(const struct cmd_call *call);
int cmd_paths(const struct cmd_call *call);
int cmd_counters(const struct cmd_call *call);
int cmd_flows(const struct cmd_call *call);
int cmd_routes(const struct cmd_call *call);
int cmd_explain(const struct cmd_call *call);
int cmd_audit(const struct cmd_call *call);
int cmd_alerts(const struct cmd_call *call);
int cmd_ack(const struct cmd_call *call);
int cmd_silence(const struct cmd_call *call);
int cmd_path(const struct cmd_call *call);
int cmd_detach(const struct cmd_call *call);
int cmd_doctor(const struct cmd_call *call);
int cmd_init(const struct cmd_call *call);
int cmd_enforce(const struct cmd_call *call);
int cmd_monitor(const struct cmd_call *call);
int cmd_reload(const struct cmd_call *call);

/* explain's request to the daemon from its operands; NULL with a message in err. Pure. */
json_t *explain_request(int argc, char **argv, char err[CMD_ERR]);
/* routes' likewise. */
json_t *routes_request(int argc, char **argv, char err[CMD_ERR]);
/*
 * Rows of a state file's text (NULL: there is none), to be freed by the caller; all: closed
 * incidents too. 0, or state_parse()'s error, or -ENOMEM.
 */
struct config;
int alerts_state_rows(const struct config *cfg, const uint8_t *path_ids, const char *text,
		      size_t len, bool all, json_t **rows);

#endif
