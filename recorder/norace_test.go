// SPDX-License-Identifier: GPL-3.0-or-later

//go:build !race

package recorder

// raceEnabled says that the race detector is at work.
const raceEnabled = false
