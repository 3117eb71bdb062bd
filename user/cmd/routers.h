/* SPDX-License-Identifier: GPL-2.0-only */
/* The routing daemons of this network namespace, asked for their BGP sessions. */
#ifndef SAMEWAY_CMD_ROUTERS_H
#define SAMEWAY_CMD_ROUTERS_H

#include "core/sessions.h"

/* Asks each BIRD and FRR that runs here; one that does not answer is said on stderr. 0 or -ENOMEM.
 */
int routers_ask(struct sessions *out);

#endif
