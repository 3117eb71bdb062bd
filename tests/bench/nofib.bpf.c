// SPDX-License-Identifier: GPL-2.0-only
/* noflow.bpf.c, and no look-up of the destination either. */
#define NO_FIB
#include "noflow.bpf.c"
