/* SPDX-License-Identifier: GPL-2.0-only */
/* What of a config has nothing behind it on this box (inspect.h). */
#include "core/rules.h"
#include "kernel/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD_MAX 128

extern char **environ;

/* 0, or errno: why it can't be read as what it is to be. */
static int path_error(const char *name, const char *config_dir, bool dir)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s%s%s", name[0] != '/' && config_dir ? config_dir : "",
		     name[0] != '/' && config_dir ? "/" : "", name) >= (int)sizeof(path))
		return ENAMETOOLONG;
	if (stat(path, &st) || access(path, R_OK))
		return errno;
	if (dir)
		return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
	return S_ISDIR(st.st_mode) ? EISDIR : 0;
}

/* The first word of a command, if it is a plain one: what the shell would look for. */
static bool command_word(const char *command, char word[WORD_MAX])
{
	size_t len;

	command += strspn(command, " \t\n");
	len = strcspn(command, " \t\n");
	if (!len || len >= WORD_MAX ||
	    strspn(command, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "._/+-") < len)
		return false;
	memcpy(word, command, len);
	word[len] = '\0';
	return true;
}

/* Whether the shell knows it: a program, or a word of its own. Also where it can't be asked. */
static bool shell_knows(char *word)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)"command -v -- \"$0\"", word,
			      NULL};
	posix_spawn_file_actions_t files;
	int status = 0, ret;
	pid_t pid = 0;

	if (posix_spawn_file_actions_init(&files))
		return true;
	ret = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!ret)
		ret = posix_spawn(&pid, "/bin/sh", &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (ret)
		return true;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return true;
	return !WIFEXITED(status) || !WEXITSTATUS(status);
}

/* Why it will not run, and what to do; NULL: it will, as far as that can be seen from here. */
static const char *command_wrong(const char *command, char word[WORD_MAX])
{
	static const char *const missing = "no such command: mend it, or install what has it";
	struct stat st;

	if (!command_word(command, word))
		return NULL;
	if (!strchr(word, '/'))
		return shell_knows(word) ? NULL : missing;
	if (word[0] != '/')
		return "is looked for where `sameway run` was started: give its full path";
	if (stat(word, &st)) /* to who is not root a directory on the way may be closed */
		return errno == EACCES ? NULL : missing;
	if (S_ISDIR(st.st_mode))
		return "is a directory: name a program in it";
	/* root, who runs it, needs one of them */
	if (!(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return "is not executable: chmod +x it";
	return NULL;
}

static int feed_look(const struct config_feed *feed, const char *config_dir,
		     struct config_errors *out)
{
	char word[WORD_MAX];
	const char *wrong;
	int err = 0;

	if (feed->file && strcmp(feed->file, "-"))
		err = path_error(feed->file, config_dir, false);
	if (err)
		return config_errors_say(out, feed->line,
					 "feed %s: file: %.80s: %s: mend the name, or put it there",
					 feed->name, feed->file, strerror(err));
	err = feed->dir ? path_error(feed->dir, config_dir, true) : 0;
	if (err)
		return config_errors_say(
			out, feed->line,
			"feed %s: dir: %.80s: %s: mend the name, or make the directory", feed->name,
			feed->dir, strerror(err));
	wrong = feed->command ? command_wrong(feed->command, word) : NULL;
	return wrong ? config_errors_say(out, feed->line, "feed %s: command: %.80s: %s", feed->name,
					 word, wrong)
		     : 0;
}

static int notify_look(const struct config *cfg, struct config_errors *out)
{
	char word[WORD_MAX];
	const char *wrong = cfg->notify ? command_wrong(cfg->notify, word) : NULL;

	return wrong ? config_errors_say(out, cfg->notify_line, "notify: command: %.80s: %s", word,
					 wrong)
		     : 0;
}

static bool has_circuit(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->n_paths; i++) {
		const struct config_path *path = &cfg->paths[i];

		if (!strcmp(config_circuit_name(path), name))
			return true;
	}
	return false;
}

/* Another edge's circuit may be told, too: then it is right that no path here has it. */
static int circuits_look(const struct config *cfg, const struct config_feed *feed,
			 struct config_errors *out)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < feed->n_circuits; i++) {
		const struct config_circuit *c = &feed->circuits[i];

		if (!has_circuit(cfg, c->name))
			ret = config_errors_say(
				out, c->line,
				"feed %s: circuits: %s: no path has this circuit: mend the name, "
				"unless it is another edge's",
				feed->name, c->name);
	}
	return ret;
}

int inspect_config(const struct config *cfg, const char *config_dir, struct config_errors *out)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < cfg->n_feeds; i++) {
		ret = feed_look(&cfg->feeds[i], config_dir, out);
		if (!ret)
			ret = circuits_look(cfg, &cfg->feeds[i], out);
	}
	if (!ret)
		ret = notify_look(cfg, out);
	if (!ret)
		ret = config_paths_warn(cfg, out);
	return ret ? ret : rules_warn(cfg, out);
}
