/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory made ready while a table comes in. The first touch of a page costs more than all that is
 * then done with it, most where the host of a virtual machine has yet to find it; so a thread of
 * its own touches the chunks that the RIB takes next (core/slab.h). It does nothing else, and is
 * not started before the RIB takes the first large chunk.
 */
#ifndef SAMEWAY_DAEMON_CHUNKS_H
#define SAMEWAY_DAEMON_CHUNKS_H

/* Of the loop's thread, both; may be called twice. */
void chunks_begin(void);
/* The thread ends; what is ready and was not taken is given back. */
void chunks_end(void);

#endif
