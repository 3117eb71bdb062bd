/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which routing daemon runs in our network namespace is in /proc: its command line says where its
 * control socket is, when that is not the usual place. BIRD is asked on its socket, in the
 * read-only way of `birdc -r`; FRR by vtysh, which knows its ways in.
 */
#include "cmd/routers.h"

#include "output/output.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define BIRD_SOCKET  "/run/bird/bird.ctl"
#define ANSWER_BYTES (1024UL * 1024)
#define ANSWER_S     5

/* A command line of /proc: words that end with a 0 each. */
struct words {
	char text[4096];
	size_t len;
};

static bool in_our_namespace(const char *pid)
{
	char path[300], theirs[64] = "", ours[64] = "";

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	return readlink(path, theirs, sizeof(theirs) - 1) > 0 &&
	       readlink("/proc/self/ns/net", ours, sizeof(ours) - 1) > 0 && !strcmp(theirs, ours);
}

static bool words_read(struct words *words, const char *pid)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	words->len = fread(words->text, 1, sizeof(words->text) - 1, file);
	words->text[words->len] = '\0';
	fclose(file);
	return words->len > 0;
}

static const char *program_of(const struct words *words)
{
	const char *slash = strrchr(words->text, '/');

	return slash ? slash + 1 : words->text;
}

/* The argument of an option, as the next word or (short ones) in the same; NULL: not given. */
static const char *option_of(const struct words *words, const char *option)
{
	size_t len = strlen(option), at = strlen(words->text) + 1;

	while (at < words->len) {
		const char *word = words->text + at;

		at += strlen(word) + 1;
		if (!strcmp(word, option))
			return at < words->len ? words->text + at : NULL;
		if (!strncmp(word, option, len) && (option[1] != '-' || word[len] == '='))
			return word + len + (word[len] == '=');
	}
	return NULL;
}

/* Reads until the line that ends BIRD's answer ("0000 " or an error), or what has no end. */
static int bird_read(int fd, char *buf, size_t size)
{
	size_t used = 0;

	while (used < size - 1) {
		ssize_t n = read(fd, buf + used, size - 1 - used);
		const char *line;

		if (n <= 0)
			return n ? -errno : -EPIPE;
		used += (size_t)n;
		buf[used] = '\0';
		if (buf[used - 1] != '\n')
			continue;
		buf[used - 1] = '\0';
		line = strrchr(buf, '\n');
		line = line ? line + 1 : buf;
		buf[used - 1] = '\n';
		/* The last line of an answer has a blank behind its code, the others a dash. */
		if (isdigit((unsigned char)line[0]) && strlen(line) > 4 && line[4] == ' ')
			return 0;
	}
	return -EFBIG;
}

static int bird_connect(const char *path)
{
	const struct timeval limit = {.tv_sec = ANSWER_S};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int bird_ask(struct sessions *out, const char *path)
{
	static const char question[] = "show protocols all\n";
	char *buf = malloc(ANSWER_BYTES);
	int fd, err;

	if (!buf)
		return -ENOMEM;
	fd = bird_connect(path);
	err = fd < 0 ? fd : bird_read(fd, buf, ANSWER_BYTES); /* its greeting */
	if (!err && write(fd, question, sizeof(question) - 1) < 0)
		err = -errno;
	if (!err)
		err = bird_read(fd, buf, ANSWER_BYTES);
	if (!err)
		err = sessions_parse_bird(out, buf);
	if (fd >= 0)
		close(fd);
	free(buf);
	return err;
}

/* What may stand in a shell command without quotes. */
static bool is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-/", *c))
			return false;
	return *text;
}

static int frr_ask(struct sessions *out, const struct words *words)
{
	const char *space = option_of(words, "-N"), *dir = option_of(words, "--vty_socket");
	char *buf = calloc(1, ANSWER_BYTES), command[600];
	FILE *pipe;
	int err = 0;

	if (!buf)
		return -ENOMEM;
	snprintf(command, sizeof(command),
		 "timeout %d vtysh %s%.200s %s%.200s -c 'show bgp neighbors json' 2>/dev/null",
		 ANSWER_S, space && is_plain(space) ? "-N " : "",
		 space && is_plain(space) ? space : "", dir && is_plain(dir) ? "--vty_socket " : "",
		 dir && is_plain(dir) ? dir : "");
	pipe = popen(command, "re");
	if (!pipe)
		err = -errno;
	else if (!fread(buf, 1, ANSWER_BYTES - 1, pipe))
		err = -ENODATA;
	if (pipe)
		pclose(pipe);
	if (!err)
		err = sessions_parse_frr(out, buf);
	free(buf);
	return err;
}

static int router_look(struct sessions *out, const char *pid)
{
	struct words words;
	const char *program, *path;
	int err = 0;

	if (!words_read(&words, pid))
		return 0;
	program = program_of(&words);
	if ((strcmp(program, "bird") && strcmp(program, "bgpd")) || !in_our_namespace(pid))
		return 0;
	if (!strcmp(program, "bird")) {
		path = option_of(&words, "-s");
		path = path ? path : BIRD_SOCKET;
		err = bird_ask(out, path);
		if (err && err != -ENOMEM)
			output_error(
				"init: BIRD does not answer at %s: %s: run as root, or write its "
				"paths by hand",
				path, strerror(-err));
	} else {
		err = frr_ask(out, &words);
		if (err && err != -ENOMEM)
			output_error(
				"init: FRR does not answer to vtysh: %s: run as root, or write its "
				"paths by hand",
				strerror(-err));
	}
	return err == -ENOMEM ? err : 0;
}

int routers_ask(struct sessions *out)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int err = 0;

	if (!proc)
		return 0;
	while (!err && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			err = router_look(out, entry->d_name);
	closedir(proc);
	return err;
}
