// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"cmp"

	"github.com/moonfirefs/moonfirefs"
)

// stretch is what recordings with the same sample entry have in common. Where they do not
// touch, duration90k is less than the length of the interval.
type stretch struct {
	moonfirefs.Interval
	duration90k     moonfirefs.Duration90k
	sampleFileBytes int64
	videoSamples    int64
	entry           moonfirefs.VideoSampleEntryID
	// audio is 0 if there is none.
	audio moonfirefs.AudioSampleEntryID
}

func stretchOf(r *moonfirefs.Summary) stretch {
	return stretch{
		Interval:    moonfirefs.Interval{Start90k: r.Start90k, End90k: r.End90k()},
		duration90k: r.Duration90k, sampleFileBytes: r.SampleFileBytes, videoSamples: int64(r.VideoSamples),
		entry: r.VideoSampleEntry, audio: r.Audio.SampleEntry,
	}
}

// stretchKnown is what the index tells of recordings that touch.
func stretchKnown(s *moonfirefs.Stretch) stretch {
	return stretch{
		Interval: s.Interval, duration90k: s.Duration90k(), sampleFileBytes: s.SampleFileBytes, videoSamples: s.VideoSamples,
		entry: s.VideoEntry, audio: s.AudioEntry,
	}
}

func (s *stretch) add(next stretch) {
	s.End90k = max(s.End90k, next.End90k)
	s.duration90k += next.duration90k
	s.sampleFileBytes += next.sampleFileBytes
	s.videoSamples += next.videoSamples
	s.audio = cmp.Or(s.audio, next.audio)
}

// appendStretch appends a stretch, or lengthens the last one if that ends exactly where
// the other begins and has the same sample entries.
func appendStretch(all []stretch, next stretch) []stretch {
	last := len(all) - 1
	if last >= 0 && all[last].End90k == next.Start90k && all[last].entry == next.entry && all[last].audio == next.audio {
		all[last].add(next)
		return all
	}
	return append(all, next)
}
