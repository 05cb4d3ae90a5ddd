// SPDX-License-Identifier: GPL-3.0-or-later

#include <libavformat/avformat.h>

/* moonfireInterrupt is asked by libavformat, while it waits, whether to go on. */
typedef struct moonfireInterrupt {
	int interrupted; /* read and written atomically */
} moonfireInterrupt;

/* NULL if there is no memory. The context must be closed before it is freed. */
moonfireInterrupt *moonfireNewInterrupt(AVFormatContext *format);

/* Makes libavformat's calls return, or lets them be. */
void moonfireSetInterrupted(moonfireInterrupt *interrupt, int interrupted);
