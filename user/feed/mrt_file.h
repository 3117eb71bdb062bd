/* SPDX-License-Identifier: GPL-2.0-only */
/* A file of MRT records, plain or by gzip, read record by record. */
#ifndef SAMEWAY_FEED_MRT_FILE_H
#define SAMEWAY_FEED_MRT_FILE_H

#include "feed/mrt.h"

#include <sys/types.h>
#include <zlib.h>

/* A longer record is taken for a length that lies: a table's with 65535 peers is some 10 MiB. */
#define MRT_RECORD_MAX (16U << 20)

struct mrt_file {
	int fd;
	bool gzip;
	bool ended, broken; /* nothing more comes; because of `why` */
	z_stream z;
	unsigned int members; /* of the gzip file, that are whole */
	bool inside;	      /* a member */
	uint8_t *in;	      /* compressed, NULL: plain */
	uint8_t *buf;
	size_t size, at, have;	 /* of buf: where the next record begins, what was read */
	uint64_t record, offset; /* the last record's number, from 1, and its place, unpacked */
	uint64_t next;		 /* place of the next one */
	char why[MRT_ERROR_LEN];
};

/* 0, or -errno with "what is wrong: what to do" (without the file's name) in `error`. */
int mrt_file_open(struct mrt_file *f, const char *path, char error[MRT_ERROR_LEN]);
/* Back to the first record. 0 or -errno likewise. */
int mrt_file_rewind(struct mrt_file *f, char error[MRT_ERROR_LEN]);
/* Also of one that was only zeroed, with fd -1. */
void mrt_file_close(struct mrt_file *f);

enum mrt_read {
	MRT_RECORD, /* *body lives until the next call */
	MRT_END,
	MRT_BROKEN, /* f->why: cut short, damaged, or a length that lies; nothing comes after it */
	MRT_AGAIN,  /* a bounded piece of the file was read, no record is whole yet */
};
enum mrt_read mrt_file_next(struct mrt_file *f, struct mrt_header *header, struct bgp_span *body);

#endif
