/* SPDX-License-Identifier: GPL-2.0-only */
/* Aligned columns of text, and the readable forms of numbers and times that go in them. */
#ifndef SAMEWAY_OUTPUT_TABLE_H
#define SAMEWAY_OUTPUT_TABLE_H

#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS 10
#define TABLE_WIDTH   100 /* columns of a terminal that wrapped text fits in */
#define NUMBER_STRLEN 24

struct table;

/*
 * spec: a letter a column, 'l' left or 'r' right aligned; at most TABLE_COLUMNS. indent: spaces
 * before each line. NULL when out of memory: all functions below take it and table_print says so.
 */
struct table *table_new(const char *spec, unsigned int indent);
void table_free(struct table *table);
/* The next cell, row by row; the empty text shows as "-". */
void table_cell(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line under the row that was begun last, and those that it has. */
void table_note(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints, frees. 0 or -ENOMEM; errors of `out` are its caller's to see. */
int table_print(struct table *table, FILE *out);

/* A count in at most six characters: 9999, 12.3k, 4.56M. */
const char *number_format(uint64_t n, char buf[NUMBER_STRLEN]);
/* Seconds as the two biggest units: 45s, 3m20s, 2h05m, 9d03h. */
const char *seconds_format(uint64_t seconds, char buf[NUMBER_STRLEN]);
/* Words of `text` in lines of TABLE_WIDTH, after `label`, following lines indented to it. */
void text_wrap(FILE *out, const char *label, const char *text);
/* One character for the terminal: a control character becomes '?'. */
char text_printable(char c);

#endif
