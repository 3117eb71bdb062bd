/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pieces of rows: times, addresses, names. Rows are built with keys in the order of
 * contract.md, and what is absent is null, never missing. A value that could not be made is NULL,
 * and the setters below turn it into the failure of the whole answer.
 */
#include "output/rows_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROWS_TEXT(id, text) text,
static const char *const class_texts[] = {SW_CLASSES(ROWS_TEXT)};
static const char *const verdict_texts[] = {SW_VERDICTS(ROWS_TEXT)};

const char *class_text(unsigned int class)
{
	return class < SW_CLASS_COUNT ? class_texts[class] : "unknown";
}

const char *verdict_text(unsigned int verdict)
{
	return verdict < SW_VERDICT_COUNT ? verdict_texts[verdict] : "unknown";
}

uint64_t rows_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

json_t *rows_name(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	return len ? json_stringn(name, len) : json_null();
}

bool rows_set(json_t *row, const char *key, json_t *value)
{
	return !json_object_set_new(row, key, value);
}

bool rows_append(json_t *array, json_t *value)
{
	return !json_array_append_new(array, value);
}

json_t *rows_time(uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000ULL);
	unsigned int ms = (unsigned int)(wall_ns / 1000000ULL % 1000);
	char day[32], text[48];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return json_null();
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", day, ms);
	return json_string(text);
}

json_t *rows_ip(const struct ip_addr *ip)
{
	char text[IP_STRLEN];

	return ip->family ? json_string(ip_format(ip, text)) : json_null();
}

json_t *rows_prefix(const struct prefix *prefix)
{
	char text[PREFIX_STRLEN];

	return prefix->family ? json_string(prefix_format(prefix, text)) : json_null();
}

static unsigned int path_id(const uint8_t *path_ids, size_t i)
{
	return path_ids ? path_ids[i] : (unsigned int)i;
}

json_t *rows_path_names(const struct config *cfg, const uint8_t *path_ids, uint64_t mask)
{
	json_t *names = json_array();
	bool ok = names;

	for (size_t i = 0; ok && i < cfg->n_paths; i++) {
		unsigned int id = path_id(path_ids, i);

		if (id < SW_MAX_PATHS && mask >> id & 1)
			ok = rows_append(names, json_string(cfg->paths[i].name));
	}
	if (ok)
		return names;
	json_decref(names);
	return NULL;
}

json_t *rows_path_name(const struct config *cfg, const uint8_t *path_ids, int id)
{
	for (size_t i = 0; id >= 0 && i < cfg->n_paths; i++) {
		if (path_id(path_ids, i) == (unsigned int)id)
			return json_string(cfg->paths[i].name);
	}
	return json_null();
}
