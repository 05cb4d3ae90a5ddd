// SPDX-License-Identifier: GPL-3.0-or-later

package main

import "github.com/dustin/go-humanize/english"

// counted is a number of things, such as "1 frame" or "2 frames".
func counted[N int | int64](n N, thing string) string { return english.Plural(int(n), thing, "") }
