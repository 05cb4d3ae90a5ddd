// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

// Stretch is what recordings have in common that touch exactly and have the same sample
// entries.
type Stretch struct {
	Interval
	// SampleFileBytes and VideoSamples are the sums over the recordings.
	SampleFileBytes int64
	VideoSamples    int64
	VideoEntry      VideoSampleEntryID
	// AudioEntry is 0 if there is no audio.
	AudioEntry AudioSampleEntryID
}

// StretchOf is the stretch of one recording.
func StretchOf(r *Summary) Stretch {
	return Stretch{
		Interval:        Interval{Start90k: r.Start90k, End90k: r.End90k()},
		SampleFileBytes: r.SampleFileBytes, VideoSamples: int64(r.VideoSamples),
		VideoEntry: r.VideoSampleEntry, AudioEntry: r.Audio.SampleEntry,
	}
}

// AppendStretch appends a stretch, or lengthens the last one if the other begins where that
// ends, with the same sample entries.
func AppendStretch(all []Stretch, next Stretch) []Stretch {
	if len(all) > 0 {
		last := &all[len(all)-1]
		if last.End90k == next.Start90k && last.VideoEntry == next.VideoEntry && last.AudioEntry == next.AudioEntry {
			last.End90k = next.End90k
			last.SampleFileBytes += next.SampleFileBytes
			last.VideoSamples += next.VideoSamples
			return all
		}
	}
	return append(all, next)
}
