// SPDX-License-Identifier: GPL-3.0-or-later

#include <stdarg.h>
#include <stdint.h>

#include <libavutil/log.h>
#include <libavutil/mem.h>

#include "_cgo_export.h"

/* On whose behalf this thread is in libav, and which lines that session wants.
 * Lines of other threads, libav's own, belong to nobody. */
static _Thread_local uintptr_t owner;
static _Thread_local int wanted = AV_LOG_FATAL;

/* forward formats a log line, cut to the size of its buffer. libav calls it from
 * any thread. */
static void forward(void *class, int level, const char *format, va_list arguments)
{
	char line[4096];
	int print_prefix = 1, length;

	level &= 0xff; /* the rest is a colour */
	if (level > wanted)
		return;
	length = av_log_format_line2(class, level, format, arguments, line, sizeof(line), &print_prefix);
	moonfireLibavLog(owner, level, line, length >= (int)sizeof(line));
}

/* What libav may allocate at once: a server must not make it reserve gigabytes. An 8K picture
 * is less. */
#define MAX_ALLOCATION (64 << 20)

void moonfireDirectLibavLog(void)
{
	av_max_alloc(MAX_ALLOCATION);
	/* Never beyond debug: trace shows the Authorization header. */
	av_log_set_level(AV_LOG_DEBUG);
	av_log_set_callback(forward);
}

void moonfireEnterLibav(uintptr_t session, int level)
{
	owner = session;
	wanted = level;
}
