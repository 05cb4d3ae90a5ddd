// SPDX-License-Identifier: GPL-3.0-or-later

#include <stdint.h>

/* moonfireAccount counts the memory that libav takes on behalf of one session. Only the
 * thread that is in libav touches it, but for left, which belongs to the camera. */
typedef struct moonfireAccount {
	int64_t *left; /* what the camera may still take; read and written atomically */
	int64_t used;  /* what was taken of it; less than 0 if more was given back */
	int exceeded;  /* there was not enough */
} moonfireAccount;

/* Whose memory this thread takes from now on; NULL for nobody's. */
void moonfireSetAccount(moonfireAccount *account);

/* Whether the session on whose behalf this thread is in libav has found too little. */
int moonfireMemoryExceeded(void);

/* Gives memory that is free back to the kernel. The C library keeps it for each thread, and
 * the next session will be another thread's. */
void moonfireTrimMemory(void);

/* Makes blocks that are large come from the kernel, and go back to it. */
void moonfireMapLargeMemory(void);
