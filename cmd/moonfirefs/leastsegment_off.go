// SPDX-License-Identifier: GPL-3.0-or-later

//go:build !failpoints

package main

import "time"

// leastSegmentEvery is how often recordings may be cut.
const leastSegmentEvery = time.Second
