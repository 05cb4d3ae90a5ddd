// SPDX-License-Identifier: GPL-3.0-or-later

#include <stdlib.h>

#include "interrupt.h"
#include "libavmemory.h"

static int is_interrupted(void *opaque)
{
	moonfireInterrupt *interrupt = opaque;

	return __atomic_load_n(&interrupt->interrupted, __ATOMIC_SEQ_CST) || moonfireMemoryExceeded();
}

moonfireInterrupt *moonfireNewInterrupt(AVFormatContext *format)
{
	moonfireInterrupt *interrupt = calloc(1, sizeof(*interrupt));

	if (interrupt) {
		format->interrupt_callback.callback = is_interrupted;
		format->interrupt_callback.opaque = interrupt;
	}
	return interrupt;
}

void moonfireSetInterrupted(moonfireInterrupt *interrupt, int interrupted)
{
	__atomic_store_n(&interrupt->interrupted, interrupted, __ATOMIC_SEQ_CST);
}
