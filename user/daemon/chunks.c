/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory made ready by a thread of its own (chunks.h). */
#include "daemon/chunks.h"

#include "core/slab.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define READY 4u /* chunks */

static struct {
	bool running; /* the loop's alone */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool stop;
	void *chunk[READY];
	unsigned int n;
} chunks = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void touch(void *chunk)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!madvise(chunk, SLAB_CHUNK, MADV_POPULATE_WRITE))
		return;
	for (size_t at = 0; at < SLAB_CHUNK; at += page)
		((volatile char *)chunk)[at] = 0;
}

static void *run(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&chunks.lock);
	while (!chunks.stop) {
		void *chunk;

		if (chunks.n == READY) {
			pthread_cond_wait(&chunks.wake, &chunks.lock);
			continue;
		}
		pthread_mutex_unlock(&chunks.lock);
		chunk = slab_chunk_map();
		if (chunk)
			touch(chunk);
		pthread_mutex_lock(&chunks.lock);
		if (chunk)
			chunks.chunk[chunks.n++] = chunk;
		else
			chunks.stop = true;
	}
	pthread_mutex_unlock(&chunks.lock);
	return NULL;
}

/* Signals are the loop's. */
static bool start(void)
{
	sigset_t all, before;

	chunks.stop = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	chunks.running = !pthread_create(&chunks.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return chunks.running;
}

static void *take(void)
{
	void *chunk = NULL;

	if (!chunks.running && !start()) {
		slab_chunks_from(NULL);
		return NULL;
	}
	pthread_mutex_lock(&chunks.lock);
	if (chunks.n)
		chunk = chunks.chunk[--chunks.n];
	pthread_cond_signal(&chunks.wake);
	pthread_mutex_unlock(&chunks.lock);
	return chunk;
}

void chunks_begin(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		slab_chunks_from(take);
}

void chunks_end(void)
{
	slab_chunks_from(NULL);
	if (!chunks.running)
		return;
	pthread_mutex_lock(&chunks.lock);
	chunks.stop = true;
	pthread_cond_signal(&chunks.wake);
	pthread_mutex_unlock(&chunks.lock);
	pthread_join(chunks.thread, NULL);
	chunks.running = false;
	while (chunks.n)
		slab_chunk_unmap(chunks.chunk[--chunks.n]);
}
