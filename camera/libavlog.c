#include <stdarg.h>

#include <libavutil/log.h>

#include "_cgo_export.h"

/* forward formats a log line, cut to the size of its buffer. libav calls it from
 * any thread. */
static void forward(void *class, int level, const char *format, va_list arguments)
{
	char line[2048];
	int print_prefix = 1;

	level &= 0xff; /* the rest is a colour */
	if (level > av_log_get_level())
		return;
	av_log_format_line2(class, level, format, arguments, line, sizeof(line), &print_prefix);
	moonfireLibavLog(level, line);
}

void moonfireDirectLibavLog(int level)
{
	av_log_set_level(level);
	av_log_set_callback(forward);
}
