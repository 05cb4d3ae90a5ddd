// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"

	"github.com/moonfirefs/moonfirefs"
)

// usualMbits are bit rates, in Mbit/s, that cameras are set to: low bandwidth,
// 1080p, 4K.
var usualMbits = []float64{1, 4, 8}

// bytesPerDay is what a stream of a bit rate takes.
func bytesPerDay(mbits float64) float64 { return mbits * 1e6 / 8 * 24 * 3600 }

// keepsText says for how long a size keeps footage of a bit rate.
func keepsText(sizeBytes int64, mbits float64) string {
	days := float64(sizeBytes) / bytesPerDay(mbits)
	switch hours := days * 24; {
	case hours < 3:
		return counted(int(math.Round(hours*60)), "minute")
	case days < 3:
		return fmt.Sprintf("%.0f hours", hours)
	}
	return fmt.Sprintf("%.0f days", days)
}

// retentionText says what a stream's quota is good for: by the bit rate of its
// footage if there is an hour of it, or by usual ones.
func retentionText(s *moonfirefs.Stream) string {
	const enough90k = 3600 * moonfirefs.UnitsPerSecond
	size := humanize.Bytes(uint64(s.RetainBytes))
	if s.Duration90k >= enough90k {
		mbits := float64(s.SampleFileBytes) * 8 / 1e6 / s.Duration90k.Duration().Seconds()
		return fmt.Sprintf("%s keeps %s at the %.1f Mbit/s of its footage", size, keepsText(s.RetainBytes, mbits), mbits)
	}
	return fmt.Sprintf("%s keeps %s at 1 Mbit/s, %s at 4 Mbit/s, %s at 8 Mbit/s", size,
		keepsText(s.RetainBytes, usualMbits[0]), keepsText(s.RetainBytes, usualMbits[1]), keepsText(s.RetainBytes, usualMbits[2]))
}
