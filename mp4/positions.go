// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import "github.com/moonfirefs/moonfirefs"

// Positions returns where each recording of a file begins on the file's time line.
func Positions(recordings []moonfirefs.Summary, gaps Gaps) []moonfirefs.Duration90k {
	spec := &Spec{Recordings: recordings, Gaps: gaps}
	positions := make([]moonfirefs.Duration90k, len(recordings))
	var line timeline
	for i := range recordings {
		positions[i] = line.append(spec, i).position90k
	}
	return positions
}
