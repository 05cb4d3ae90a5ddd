// SPDX-License-Identifier: GPL-3.0-or-later

//go:build failpoints

package main

import "time"

// leastSegmentEvery lets the crash tests make many recordings in a short time.
const leastSegmentEvery = time.Millisecond
