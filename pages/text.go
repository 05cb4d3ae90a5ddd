// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"fmt"
	"math"
	"strconv"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/status"
)

// durationText rounds a duration for people: "59 min 30 s", "23 h 58 min",
// "3 days".
func durationText(d moonfirefs.Duration90k) string {
	s := int64(math.Round(float64(d) / moonfirefs.UnitsPerSecond))
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min", s/60) + rest(s%60, "s")
	case s < 10*24*3600:
		minutes := (s + 30) / 60
		return fmt.Sprintf("%d h", minutes/60) + rest(minutes%60, "min")
	}
	return fmt.Sprintf("%d days", (s+12*3600)/(24*3600))
}

func rest(n int64, unit string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" %d %s", n, unit)
}

// bytesText rounds a size for people, in powers of 1000: "2.1 GB".
func bytesText(n int64) string { return status.BytesText(n) }

// frameRateText is in frames per second.
func frameRateText(s *stretch) string {
	if s.duration90k <= 0 {
		return "–"
	}
	rate := float64(s.videoSamples) * moonfirefs.UnitsPerSecond / float64(s.duration90k)
	return strconv.FormatFloat(math.Round(rate*10)/10, 'f', -1, 64) + " fps"
}

// bitRateText is that of the footage itself, without what the mp4 adds.
func bitRateText(s *stretch) string {
	if s.duration90k <= 0 {
		return "–"
	}
	return status.BitRateText(8 * float64(s.sampleFileBytes) * moonfirefs.UnitsPerSecond / float64(s.duration90k))
}

func audioText(e *moonfirefs.AudioSampleEntry) string {
	codec, channels := "AAC", fmt.Sprintf("%d channels", e.Channels)
	switch e.RFC6381Codec {
	case moonfirefs.CodecALaw:
		codec = "G.711 A-law"
	case moonfirefs.CodecULaw:
		codec = "G.711 µ-law"
	case moonfirefs.CodecPCM16:
		codec = "PCM, 16 bits"
	case moonfirefs.CodecOpus:
		codec = "Opus"
	}
	if e.Channels == 1 {
		channels = "mono"
	}
	return fmt.Sprintf("%s, %g kHz, %s", codec, float64(e.SampleRate)/1000, channels)
}

func resolutionText(e *moonfirefs.VideoSampleEntry) string {
	return fmt.Sprintf("%d×%d", e.Width, e.Height)
}
