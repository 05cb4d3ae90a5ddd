// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures what people read.
func TestPageText(t *testing.T) {
	const minute = 60 * moonfirefs.UnitsPerSecond
	for want, d := range map[string]moonfirefs.Duration90k{
		"0 s": 0, "42 s": 42 * moonfirefs.UnitsPerSecond, "1 min": minute, "59 min 30 s": 59*minute + minute/2, "1 h": 60 * minute,
		"23 h 58 min": (23*60 + 58) * minute, "25 h": 25 * 60 * minute, "12 days": 12*24*60*minute + 5*60*minute,
	} {
		if got := durationText(d); got != want {
			t.Errorf("%d is %q, want %q", d, got, want)
		}
	}
	r := stretch{duration90k: 100 * moonfirefs.UnitsPerSecond, videoSamples: 2997, sampleFileBytes: 50_000_000}
	if got := frameRateText(&r) + ", " + bitRateText(&r); got != "30 fps, 4.0 Mbit/s" {
		t.Error(got)
	}
	r = stretch{duration90k: 100 * moonfirefs.UnitsPerSecond, videoSamples: 1250, sampleFileBytes: 5_000_000}
	if got := frameRateText(&r) + ", " + bitRateText(&r); got != "12.5 fps, 400 kbit/s" {
		t.Error(got)
	}
	r = stretch{videoSamples: 1, sampleFileBytes: 5_000}
	if got := frameRateText(&r) + ", " + bitRateText(&r); got != "–, –" {
		t.Error(got)
	}
}
