// SPDX-License-Identifier: GPL-3.0-or-later

package main

// Go's monitor thread sleeps for 20 µs at a time while anything runs, to which the kernel
// adds 50 µs. With one camera, that was a fifth of all that recording took. So the kernel may
// add more, in all threads: they inherit it from the first one, which is why it is set before
// Go starts. A thread that waits for the kernel keeps others from running for that much
// longer, and a timer comes that much later.

/*
#include <sys/prctl.h>

enum { TIMER_SLACK_NANOSECONDS = 500000 };

__attribute__((constructor)) static void set_timer_slack(void) {
	prctl(PR_SET_TIMERSLACK, (unsigned long)TIMER_SLACK_NANOSECONDS, 0UL, 0UL, 0UL);
}
*/
import "C"
