// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"
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
	if days >= 3650 {
		return "over ten years"
	}
	return fmt.Sprintf("%.0f days", days)
}

// bitRates are those of the streams of a camera that was tested, in bits per second.
type bitRates map[moonfirefs.StreamKind]float64

// rate is the bit rate of a stream and where it is from.
type rate struct {
	mbits float64
	of    string
}

// mostBytes is how much footage a stream has at most.
func (r rate) mostBytes(s *moonfirefs.Stream) int64 {
	if s.RetainFor90k == 0 || r.mbits == 0 {
		return s.RetainBytes
	}
	return min(s.RetainBytes, int64(bytesPerDay(r.mbits)*s.RetainFor90k.Duration().Hours()/24))
}

// rate returns the bit rate that was just measured, or that of an hour of footage or more,
// or that of the newest recording; 0 if nothing is known.
func (o *opened) rate(s *moonfirefs.Stream, measured bitRates) (r rate, err error) {
	const enough90k = 3600 * moonfirefs.UnitsPerSecond
	if bits := measured[s.Kind]; bits > 0 {
		return rate{bits / 1e6, "just measured"}, nil
	}
	if s.Duration90k >= enough90k {
		return rate{float64(s.SampleFileBytes) * 8 / 1e6 / s.Duration90k.Duration().Seconds(), "of its footage"}, nil
	}
	newest, ok, err := o.DB.Newest(o.cmd.Context(), s.ID)
	if err != nil || !ok {
		return r, err
	}
	err = o.DB.EachSummary(o.cmd.Context(), s.ID, newest.Start90k, newest.Start90k+1, func(row *moonfirefs.Summary) error {
		if row.Duration90k > 0 {
			r = rate{float64(row.SampleFileBytes) * 8 / 1e6 / row.Duration90k.Duration().Seconds(), "of its newest footage"}
		}
		return nil
	})
	return r, err
}

// retentionText says what a stream's limits are good for, by its bit rate or, if that is
// not known, by usual ones.
func retentionText(s *moonfirefs.Stream, r rate) string {
	size := humanize.Bytes(uint64(s.RetainBytes))
	var text string
	if r.mbits > 0 {
		text = fmt.Sprintf("%s keeps %s at the %.2g Mbit/s %s", size, keepsText(s.RetainBytes, r.mbits), r.mbits, r.of)
	} else {
		text = fmt.Sprintf("%s keeps %s at 1 Mbit/s, %s at 4 Mbit/s, %s at 8 Mbit/s", size,
			keepsText(s.RetainBytes, usualMbits[0]), keepsText(s.RetainBytes, usualMbits[1]), keepsText(s.RetainBytes, usualMbits[2]))
	}
	if s.RetainMarkedBytes > 0 {
		text += "; " + humanize.Bytes(uint64(s.RetainMarkedBytes)) + " of that is for footage with events"
		if r.mbits > 0 {
			text += ", so the rest goes back " + keepsText(s.RetainBytes-s.RetainMarkedBytes, r.mbits) + " at least"
		}
	}
	if s.RetainFor90k > 0 {
		text += "; footage older than " + status.AgeText(s.RetainFor90k.Duration()) + " is deleted"
	}
	return text
}
