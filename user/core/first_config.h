/* SPDX-License-Identifier: GPL-2.0-only */
/* The config that `init` begins with: what the box has, with words where a person must decide. */
#ifndef SAMEWAY_CORE_FIRST_CONFIG_H
#define SAMEWAY_CORE_FIRST_CONFIG_H

#include "core/host.h"
#include "core/sessions.h"

/*
 * in_the_way: what redirected packets would pass by, or NULL. Allocated; NULL: no memory.
 * *complete: it has a path and an inside network, check-config takes it.
 */
char *first_config(const struct host *host, const struct sessions *sessions, const char *in_the_way,
		   bool *complete);

#endif
