/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BIRD's words are for people: a line a protocol that begins in the first column (or after a code
 * of four digits, on its socket), and indented lines "Key: value" below it. FRR's are JSON.
 */
#include "core/sessions.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct session *session_add(struct sessions *out)
{
	struct session *v = realloc(out->v, (out->n + 1) * sizeof(*v));

	if (!v)
		return NULL;
	out->v = v;
	memset(&v[out->n], 0, sizeof(*v));
	return &v[out->n++];
}

/* The value behind "key:" at the start of the text, else NULL. */
static const char *value_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(text, key, len) || text[len] != ':')
		return NULL;
	text += len + 1;
	return text + strspn(text, " \t");
}

/* An address, perhaps with %DEVICE behind it. */
static void read_address(const char *text, struct ip_addr *out)
{
	char word[IP_STRLEN];
	size_t len = strcspn(text, " \t%");

	if (len >= sizeof(word))
		return;
	memcpy(word, text, len);
	word[len] = '\0';
	ip_parse(word, out);
}

static void bird_detail(struct session *s, const char *text)
{
	const char *value;

	if ((value = value_of(text, "BGP state")))
		s->up = !strncmp(value, "Established", 11);
	else if ((value = value_of(text, "Neighbor address")))
		read_address(value, &s->neighbor);
	else if ((value = value_of(text, "Neighbor port")))
		s->port = (uint16_t)strtoul(value, NULL, 10);
	else if ((value = value_of(text, "Neighbor AS")))
		s->as = (uint32_t)strtoul(value, NULL, 10);
	else if ((value = value_of(text, "Local AS")))
		s->local_as = (uint32_t)strtoul(value, NULL, 10);
	else if ((value = value_of(text, "Source address")))
		read_address(value, &s->source);
}

/* "NAME BGP ..." begins a session, another protocol ends it. */
static int bird_heading(struct sessions *out, struct session **s, const char *line)
{
	char name[SESSION_NAME], proto[16];

	*s = NULL;
	if (sscanf(line, "%47s %15s", name, proto) != 2 || strcmp(proto, "BGP"))
		return 0;
	*s = session_add(out);
	if (!*s)
		return -ENOMEM;
	snprintf((*s)->name, sizeof((*s)->name), "%s", name);
	return 0;
}

int sessions_parse_bird(struct sessions *out, const char *text)
{
	struct session *s = NULL;
	int err = 0;

	out->bird = true;
	while (*text && !err) {
		size_t len = strcspn(text, "\n");
		char line[256];

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		text += len + (text[len] == '\n');
		if (strlen(line) > 5 && strspn(line, "0123456789") == 4 && strchr("- ", line[4]))
			memmove(line, line + 5, strlen(line + 5) + 1);
		if (line[0] && !isspace((unsigned char)line[0]))
			err = bird_heading(out, &s, line);
		else if (s)
			bird_detail(s, line + strspn(line, " \t"));
	}
	return err;
}

int sessions_parse_frr(struct sessions *out, const char *text)
{
	json_t *root = json_loads(text, 0, NULL), *row;
	const char *key;
	int err = 0;

	out->frr = true;
	if (!json_is_object(root)) {
		json_decref(root);
		return -EINVAL;
	}
	json_object_foreach (root, key, row) {
		struct session s = {0}, *kept;
		const char *state = json_string_value(json_object_get(row, "bgpState"));
		const char *source = json_string_value(json_object_get(row, "hostLocal"));

		if (ip_parse(key, &s.neighbor))
			continue;
		s.as = (uint32_t)json_integer_value(json_object_get(row, "remoteAs"));
		s.local_as = (uint32_t)json_integer_value(json_object_get(row, "localAs"));
		s.up = state && !strcmp(state, "Established");
		if (source)
			ip_parse(source, &s.source);
		if (s.up) /* else it is -1 */
			s.port = (uint16_t)json_integer_value(json_object_get(row, "portForeign"));
		kept = session_add(out);
		if (!kept) {
			err = -ENOMEM;
			break;
		}
		*kept = s;
	}
	json_decref(root);
	return err;
}

void sessions_free(struct sessions *sessions)
{
	free(sessions->v);
	memset(sessions, 0, sizeof(*sessions));
}
