/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file of MRT records. One buffer holds what was read; records are given where they lie in it,
 * and it grows only for a record that is longer. gzip by zlib's inflate and not by its gzread,
 * which keeps silent about what follows a member and is none.
 */
#include "feed/mrt_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_LEN (256U << 10) /* about 1 ms to inflate */
#define IN_LEN	   (64U << 10)
#define GZIP_BITS  (15 + 16) /* inflateInit2: a gzip header and its checksum are wanted */

static const struct magic {
	uint8_t len, bytes[6];
	const char *what;
} packed[] = {
	{3, "BZh",
	 "packed by bzip2, which is not read here: unpack it with bunzip2, or pack it "
	 "with gzip"},
	{6,
	 "\xfd"
	 "7zXZ",
	 "packed by xz, which is not read here: unpack it with unxz, or pack it "
	 "with gzip"},
	{4, "\x28\xb5\x2f\xfd",
	 "packed by zstd, which is not read here: unpack it with unzstd, or "
	 "pack it with gzip"},
};

static int failed(char error[MRT_ERROR_LEN], int err, const char *what)
{
	snprintf(error, MRT_ERROR_LEN, "%s: %s", strerror(err), what);
	return -err;
}

/* What it is by its first bytes; the name's end tells nothing for sure. */
static int check_kind(struct mrt_file *f, char error[MRT_ERROR_LEN])
{
	uint8_t head[6] = {0};
	struct stat st;

	if (fstat(f->fd, &st))
		return failed(error, errno, "check the file's disk");
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, MRT_ERROR_LEN, "no regular file: give a file, it may be by gzip");
		return -EINVAL;
	}
	if (pread(f->fd, head, sizeof(head), 0) < 0)
		return failed(error, errno, "check the file's disk");
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		if (memcmp(head, packed[i].bytes, packed[i].len) != 0)
			continue;
		snprintf(error, MRT_ERROR_LEN, "%s", packed[i].what);
		return -EINVAL;
	}
	f->gzip = head[0] == 0x1f && head[1] == 0x8b;
	return 0;
}

int mrt_file_open(struct mrt_file *f, const char *path, char error[MRT_ERROR_LEN])
{
	int ret;

	memset(f, 0, sizeof(*f));
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0)
		return failed(error, errno, "put the file there, or change the feed's `file`");
	ret = check_kind(f, error);
	if (ret) {
		mrt_file_close(f);
		return ret;
	}
	f->size = BUFFER_LEN;
	f->buf = malloc(f->size);
	f->in = f->gzip ? malloc(IN_LEN) : NULL;
	if (!f->buf || (f->gzip && (!f->in || inflateInit2(&f->z, GZIP_BITS) != Z_OK))) {
		mrt_file_close(f);
		return failed(error, ENOMEM, "give this machine more");
	}
	return 0;
}

int mrt_file_rewind(struct mrt_file *f, char error[MRT_ERROR_LEN])
{
	if (lseek(f->fd, 0, SEEK_SET))
		return failed(error, errno, "check the file's disk");
	if (f->gzip)
		inflateReset(&f->z);
	f->z.avail_in = 0;
	f->ended = f->broken = f->inside = false;
	f->members = 0;
	f->at = f->have = 0;
	f->record = f->offset = f->next = 0;
	return 0;
}

void mrt_file_close(struct mrt_file *f)
{
	if (f->in)
		inflateEnd(&f->z);
	if (f->fd >= 0)
		close(f->fd);
	free(f->in);
	free(f->buf);
	f->in = f->buf = NULL;
	f->fd = -1;
}

/* Bytes read, 0: the file has ended or failed. */
static size_t read_plain(struct mrt_file *f, uint8_t *to, size_t len)
{
	ssize_t n = read(f->fd, to, len);

	if (n > 0)
		return (size_t)n;
	f->ended = true;
	if (n < 0) {
		f->broken = true;
		failed(f->why, errno, "check the file's disk");
	}
	return 0;
}

static void gzip_broken(struct mrt_file *f, const char *what)
{
	f->ended = f->broken = true;
	snprintf(f->why, sizeof(f->why), "gzip member %u: %s: copy or pack the file again",
		 f->members + 1, what);
}

static bool gzip_fill(struct mrt_file *f)
{
	if (f->z.avail_in)
		return true;
	f->z.next_in = f->in;
	f->z.avail_in = (uInt)read_plain(f, f->in, IN_LEN);
	if (f->z.avail_in)
		return true;
	if (f->inside && !f->broken)
		gzip_broken(f, "the file ends inside it");
	return false;
}

/* Bytes unpacked; 0 may also mean that none came yet. Members one after the other are one file (RFC
 * 1952, 2.2); anything else behind one is an error. */
static size_t read_gzip(struct mrt_file *f, uint8_t *to, size_t len)
{
	f->z.next_out = to;
	f->z.avail_out = (uInt)len;
	if (!gzip_fill(f))
		return 0;
	while (f->z.avail_out && f->z.avail_in) {
		int ret;

		f->inside = true;
		ret = inflate(&f->z, Z_NO_FLUSH);
		if (ret == Z_STREAM_END) {
			f->inside = false;
			f->members++;
			inflateReset(&f->z);
		} else if (ret != Z_OK) {
			gzip_broken(f, f->z.msg ? f->z.msg : "cannot be unpacked");
			break; /* what it gave before is given */
		}
	}
	return len - f->z.avail_out;
}

/* Room for `want` bytes of the record that begins at f->at; what is done with makes place. */
static bool make_room(struct mrt_file *f, size_t want)
{
	uint8_t *buf;

	memmove(f->buf, f->buf + f->at, f->have - f->at);
	f->have -= f->at;
	f->at = 0;
	if (want <= f->size)
		return true;
	buf = realloc(f->buf, want);
	if (!buf) {
		snprintf(f->why, sizeof(f->why), "out of memory: give this machine more");
		return false;
	}
	f->buf = buf;
	f->size = want;
	return true;
}

/* The next record is the last thing that is seen of the file. */
static enum mrt_read broken(struct mrt_file *f)
{
	f->ended = f->broken = true;
	f->record++;
	f->offset = f->next;
	return MRT_BROKEN;
}

/* The file has no more, and `wants` bytes are wanted for a record. */
static enum mrt_read ended(struct mrt_file *f, size_t wants)
{
	size_t left = f->have - f->at;

	if (f->broken)
		return broken(f);
	if (!left)
		return MRT_END;
	snprintf(f->why, sizeof(f->why),
		 "the file ends inside it, %zu of its bytes are missing: copy the file again",
		 wants - left);
	return broken(f);
}

enum mrt_read mrt_file_next(struct mrt_file *f, struct mrt_header *header, struct bgp_span *body)
{
	size_t left = f->have - f->at, wants = MRT_HEADER_LEN;

	if (left >= MRT_HEADER_LEN) {
		*header = mrt_header_parse(f->buf + f->at);
		if (header->len > MRT_RECORD_MAX) {
			snprintf(f->why, sizeof(f->why),
				 "a length of %u bytes (type %u) is not to be trusted: see whether "
				 "this is an MRT file",
				 header->len, header->type);
			return broken(f);
		}
		wants += header->len;
	}
	if (left >= wants) {
		*body = (struct bgp_span){f->buf + f->at + MRT_HEADER_LEN, header->len};
		f->record++;
		f->at += wants;
		f->offset = f->next;
		f->next += wants;
		return MRT_RECORD;
	}
	if (f->ended)
		return ended(f, wants);
	if (!make_room(f, wants))
		return broken(f);
	if (f->gzip)
		f->have += read_gzip(f, f->buf + f->have, f->size - f->have);
	else
		f->have += read_plain(f, f->buf + f->have, f->size - f->have);
	return MRT_AGAIN;
}
