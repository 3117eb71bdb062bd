/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which prefixes the compiler looks at, in slices: a changed prefix and, since they inherit from
 * it, what it covers, in order of prefix, so that a covering prefix is right before what it covers
 * is compiled; all of them where very many have changed. A job holds its place by value: what it
 * walks may change between two slices. A dirty prefix that a job comes by is done with it.
 */
#include "core/fib_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MIN 1000 /* changed prefixes that are looked for by a walk */

static void rare_clean(struct fib *fib, struct fib_rare *rare)
{
	if (!rare || !rare->dirty)
		return;
	TAILQ_REMOVE(&fib->dirty, rare, dirty_link);
	rare->dirty = false;
	rare->range = false;
	fib->n_dirty--;
}

/* Most of the RIB changed: in order of prefix is faster than in order of change. */
static bool sweep_pays(const struct fib *fib)
{
	struct rib_counts counts = rib_counts(fib->rib);

	if (fib->rib->log.n || fib->loaded.family)
		return false; /* what the log changes is looked for where it was put */
	if (fib->rib->dirty.overflow)
		return true;
	return fib->rib->n_dirty >= SWEEP_MIN &&
	       fib->rib->n_dirty > (counts.prefixes4 + counts.prefixes6) / 2;
}

/* A walk through the range for what changed in it. */
static struct fib_job job_sweep(const struct prefix *range)
{
	return (struct fib_job){
		.active = true,
		.range = true,
		.sweep = true,
		.prefix = *range,
		.changed = {.family = range->family, .len = (uint8_t)prefix_max_len(range->family)},
	};
}

/*
 * What was put just now is compiled while it is in the cache: what covers it, which is the first in
 * the queue, then the rest in order of prefix.
 */
static bool job_loaded(struct fib *fib, const struct rib_node *first)
{
	if (!fib->loaded.family || (first && first->trie.prefix.len < fib->loaded.len))
		return false;
	fib->job = job_sweep(&fib->loaded);
	fib->loaded.family = 0;
	return true;
}

/* The next job: all of a family, what the compiler found, what the RIB says changed, what goes. */
static bool job_take(struct fib *fib)
{
	struct fib_rare *rare = TAILQ_FIRST(&fib->dirty);
	bool later = fib->hold || (fib->rib->dirty.overflow && fib->rib->log.n);
	struct rib_node *node = later ? NULL : rib_dirty_first(fib->rib);
	struct fib_job job = {.active = true};

	if (!rare && !fib->hold && !fib->sweep[0] && !fib->sweep[1] && sweep_pays(fib)) {
		fib->sweep[0] = fib->sweep[1] = true;
		fib->rib->dirty.overflow = false;
	}
	if (fib->full[0] || fib->full[1]) {
		job.prefix.family = fib->full[0] ? 4 : 6;
		job.range = true;
		fib->full[job.prefix.family == 6] = false;
	} else if (fib->sweep[0] || fib->sweep[1]) {
		job = job_sweep(&(struct prefix){.family = fib->sweep[0] ? 4 : 6});
		fib->sweep[job.prefix.family == 6] = false;
	} else if (!fib->hold && job_loaded(fib, node)) {
		return true;
	} else if (rare) {
		job.prefix = rare->node->trie.prefix;
		job.range = rare->range;
		rare_clean(fib, rare);
	} else if (node) {
		job.prefix = node->trie.prefix;
		job.range = job.prefix.len > 0; /* a default route lends nothing */
		rib_clean(fib->rib, node);
	} else if (fib->n_unwanted && !fib->rib->log.n) {
		node = TAILQ_FIRST(&fib->unwanted)->node;
		job.prefix = node->trie.prefix;
		job.adopted = true;
		fib_adopted_done(fib, node);
	} else {
		return false;
	}
	fib->job = job;
	return true;
}

/* The node after this one, if it is in the range. */
static struct trie_node *next_in(const struct trie *trie, const struct trie_node *node,
				 const struct prefix *range)
{
	struct trie_node *next = trie_next(trie, node);

	return next && prefix_contains(range, &next->prefix) ? next : NULL;
}

/*
 * Nodes are where they came to be, not in order: those that come are fetched some before their
 * turn, and what they say of their routes half as many before it.
 */
static void ahead_push(struct fib_walk *walk, struct trie_node *node)
{
	const struct rib_node *half;

	walk->last = node;
	if (!node)
		return;
	__builtin_prefetch(((struct rib_node *)node)->candidates);
	walk->ahead[(walk->first + walk->n_ahead++) % FIB_AHEAD] = node;
	half = (struct rib_node *)walk->ahead[(walk->first + walk->n_ahead / 2) % FIB_AHEAD];
	if (half->candidates) {
		__builtin_prefetch(half->candidates->attr);
		__builtin_prefetch(half->candidates->next);
	}
}

static struct trie_node *ahead_first(const struct fib_walk *walk)
{
	return walk->n_ahead ? walk->ahead[walk->first] : NULL;
}

static void ahead_next(const struct fib *fib, struct fib_walk *walk)
{
	walk->first = (walk->first + 1) % FIB_AHEAD;
	walk->n_ahead--;
	if (walk->last)
		ahead_push(walk,
			   next_in(&fib->rib->view[VIEW_LOCAL], walk->last, &fib->job.prefix));
}

static void walk_begin(const struct fib *fib, struct fib_walk *walk)
{
	const struct trie *routes = &fib->rib->view[VIEW_LOCAL];
	const struct fib_job *job = &fib->job;

	walk->ready = true;
	ahead_push(walk, trie_after(routes, &job->prefix, &job->cursor));
	while (walk->last && walk->n_ahead < FIB_AHEAD)
		ahead_push(walk, next_in(routes, walk->last, &job->prefix));
}

/* The job's next prefix, with its node (NULL: none); false: it is done. */
static bool job_next(const struct fib *fib, struct fib_walk *walk, struct prefix *next,
		     struct rib_node **node)
{
	const struct fib_job *job = &fib->job;
	struct trie_node *at;

	if (!job->started) {
		*next = job->prefix;
		*node = (struct rib_node *)trie_find(&fib->rib->view[VIEW_LOCAL], next);
		return true;
	}
	if (!job->range)
		return false;
	if (!walk->ready)
		walk_begin(fib, walk);
	at = ahead_first(walk);
	if (!at)
		return false;
	*next = at->prefix;
	*node = (struct rib_node *)at;
	/* before it is compiled, which may be its end; what it covers stays */
	ahead_next(fib, walk);
	return true;
}

/* A sweep comes by much that is as it was. */
static bool job_skips(struct fib_job *job, const struct prefix *prefix, const struct rib_node *node)
{
	if (!job->sweep)
		return false;
	if (node->trie.dirty) {
		if (prefix->len && !prefix_contains(&job->changed, prefix))
			job->changed = *prefix;
		return false;
	}
	return !prefix_contains(&job->changed, prefix);
}

/* Compiles the job's next prefix. 1: it has none any more; -ENOMEM: try again. */
static int job_step(struct fib *fib, struct fib_walk *walk)
{
	struct rib_node *node;
	struct prefix prefix;
	int err = 0;

	if (!job_next(fib, walk, &prefix, &node))
		return 1;
	if (node && !job_skips(&fib->job, &prefix, node)) {
		/* what else asked for the same is served */
		if (fib->job.range) {
			rib_clean(fib->rib, node);
			rare_clean(fib, fib_rare(fib, node));
		}
		err = fib_compile_node(fib, node);
	}
	if (err)
		return err;
	fib->job.started = true;
	fib->job.cursor = prefix;
	return 0;
}

void fib_slice(struct fib *fib, bool finish)
{
	do
		fib->unfinished = fib->ops.slice(fib->ops.arg);
	while (finish && fib->unfinished);
}

void fib_hold(struct fib *fib, bool hold)
{
	fib->hold = hold;
}

size_t fib_compile(struct fib *fib, uint64_t now, uint64_t usable, size_t budget)
{
	struct fib_walk walk = {0};
	size_t done = 0;
	int ret;

	fib->now = now;
	fib->usable = usable;
	fib_slice(fib, !budget);
	while (!fib->unfinished && (!budget || done < budget)) {
		if (!fib->job.active && !job_take(fib)) {
			ret = fib->hold ? 0 : (int)log_put(fib->rib, &fib->loaded);
			if (!ret)
				break;
			done += (size_t)ret;
			continue;
		}
		ret = job_step(fib, &walk);
		if (ret < 0)
			break;
		if (ret) {
			fib->job.active = false;
			walk = (struct fib_walk){0};
		}
		done += !ret;
		if (fib->unfinished && !budget)
			fib_slice(fib, true);
	}
	return fib_counts(fib).pending;
}
