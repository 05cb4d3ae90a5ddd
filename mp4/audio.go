// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"encoding/binary"

	"github.com/moonfirefs/moonfirefs"
)

// silence is what fills the time in which there is no audio, since some players
// count samples instead of reading their times: they would play what follows too
// early.
type silence struct {
	// sample is the bytes of a sample of silence; nil if we know of none.
	sample []byte
	// frame is how many PCM samples it stands for, rate their number in a second.
	frame, rate int64
}

// silenceOf returns the silence of a configuration.
func silenceOf(e *moonfirefs.AudioSampleEntry) silence {
	s := silence{rate: int64(e.SampleRate)}
	s.sample, s.frame = e.Silence()
	if s.frame <= 0 || s.rate <= 0 {
		return silence{}
	}
	return s
}

// end90k is how long n samples of silence last, rounded down.
func (s *silence) end90k(n int64) moonfirefs.Duration90k {
	return moonfirefs.Duration90k(n * s.frame * moonfirefs.UnitsPerSecond / s.rate)
}

// fitting is the number of samples whose length is nearest to a gap.
func (s *silence) fitting(gap90k moonfirefs.Duration90k) int64 {
	if s.sample == nil {
		return 0
	}
	unit := s.frame * moonfirefs.UnitsPerSecond
	return (int64(gap90k)*s.rate + unit/2) / unit
}

// audioPlace is where the audio of a recording lies on the time line of a file.
type audioPlace struct {
	// silent is the number of samples of silence before it, and silent90k how long
	// they last. At the beginning of a file there can be time without a sample: its
	// own first one lasts so much longer.
	silent    int64
	silent90k moonfirefs.Duration90k
	// hold90k is added to the duration of its last sample.
	hold90k moonfirefs.Duration90k
}

// audioline lays the audio of recordings one after another.
type audioline struct {
	silence silence
	// end90k is the length of the track so far; last is the recording that it ends
	// with, −1 for none.
	end90k moonfirefs.Duration90k
	last   int
}

func newAudioline(s *Spec) audioline {
	if s.Audio == nil {
		return audioline{}
	}
	return audioline{silence: silenceOf(s.Audio), last: -1}
}

// append places the audio of a recording that lies at p. If the audio before it
// lasts longer, it is pushed back. If there is a gap, as many samples of silence
// as are nearest to it fill it, the last of which is made to end exactly where the
// audio begins; if that is none, held is what the audio before is to be held for.
// At the beginning of a file nothing can be held: then the first sample begins
// too early, by less than half of a frame.
func (l *audioline) append(r *moonfirefs.Summary, p place, recording int) (at audioPlace, held90k moonfirefs.Duration90k) {
	if r.Audio.Samples == 0 {
		return audioPlace{}, 0
	}
	gap90k := max(0, p.position90k+r.Audio.Start90k-l.end90k)
	switch at.silent = l.silence.fitting(gap90k); {
	case at.silent > 0:
		at.silent90k = gap90k
	case l.last < 0:
		gap90k = min(gap90k, maxHold90k)
		at.silent90k = gap90k
	default:
		gap90k = min(gap90k, maxHold90k)
		held90k = gap90k
	}
	l.end90k += gap90k + r.Audio.Duration90k
	l.last = recording
	return at, held90k
}

// audioTables writes the sample tables of the audio track.
func (w *writer) audioTables() {
	w.stsd(func() { w.bytes(w.spec.Audio.Data) })
	w.table("stts", 0, w.counts.audioSamples, w.eachAudio(silenceSttsSlice, audioSttsSlice, 8))
	w.table("stsc", 0, w.counts.audioChunks, w.each(audioStscSlice, func(i int) int64 { return 12 * w.audioChunks(i) }))
	w.stsz(w.counts.audioSamples, w.eachAudio(silenceStszSlice, audioStszSlice, 4))
	w.table("co64", 0, w.counts.audioChunks, w.each(audioCo64Slice, func(i int) int64 { return 8 * w.audioChunks(i) }))
	if distance := rollDistance(w.spec.Audio); distance != 0 {
		w.rollGroup(distance, w.counts.audioSamples)
	}
}

// eachAudio reserves two slices for each recording: the entries of the silence before it
// and those of its own samples.
func (w *writer) eachAudio(silence, own sliceKind, entryBytes int64) (reserve func()) {
	return func() {
		for i := range w.segments {
			w.reserve(silence, i, entryBytes*w.segments[i].audio.silent)
			w.reserve(own, i, entryBytes*int64(w.spec.Recordings[i].Audio.Samples))
		}
	}
}

// audioChunks counts the chunks of the audio of recording i, with that of the
// silence before it.
func (w *writer) audioChunks(i int) int64 {
	n := int64(w.spec.Recordings[i].Audio.Chunks)
	if w.segments[i].audio.silent > 0 {
		n++
	}
	return n
}

// readSilence fills p with the part that starts at from of the silence before a
// recording.
func (f *File) readSilence(p []byte, from int64) {
	sample := silenceOf(f.spec.Audio).sample
	for skip := from % int64(len(sample)); len(p) > 0; skip = 0 {
		p = p[copy(p, sample[skip:]):]
	}
}

// readSilenceTable fills p with the part that starts at from of the entries, in the
// decoding time to sample box or the sample size box, of the silence before a
// recording. There can be hours of it.
func (f *File) readSilenceTable(s slice, p []byte, from int64) {
	at, silence := &f.segments[s.arg].audio, silenceOf(f.spec.Audio)
	var buf [8]byte
	entry := buf[:]
	if s.kind == silenceStszSlice {
		entry = buf[:4]
		binary.BigEndian.PutUint32(entry, uint32(len(silence.sample)))
	}
	skip := from % int64(len(entry))
	for n := from / int64(len(entry)); len(p) > 0; n++ {
		if s.kind == silenceSttsSlice {
			end90k := silence.end90k(n + 1)
			if n == at.silent-1 {
				end90k = at.silent90k
			}
			binary.BigEndian.PutUint64(entry, 1<<32|uint64(end90k-silence.end90k(n)))
		}
		p = p[copy(p, entry[skip:]):]
		skip = 0
	}
}

// fillAudioStts writes a recording's entries of the decoding time to sample box
// of the audio (ISO 14496-12 §8.6.1.2).
func (f *File) fillAudioStts(dst []byte, d *moonfirefs.AudioIndexDecoder, recording int) {
	at := &f.segments[recording].audio
	extra90k := moonfirefs.Duration90k(0)
	if at.silent == 0 {
		extra90k = at.silent90k
	}
	left := f.spec.Recordings[recording].Audio.Samples
	for d.NextChunk() {
		for left > 0 && d.Next() {
			left--
			duration90k := moonfirefs.Duration90k(d.Duration90k) + extra90k
			if left == 0 {
				duration90k += at.hold90k
			}
			binary.BigEndian.PutUint64(dst, 1<<32|uint64(duration90k))
			dst = dst[8:]
			extra90k = 0
		}
	}
}

// fillAudioStsz writes a recording's entries of the sample size box of the audio
// (§8.7.3.2).
func (f *File) fillAudioStsz(dst []byte, d *moonfirefs.AudioIndexDecoder, recording int) {
	left := f.spec.Recordings[recording].Audio.Samples
	for d.NextChunk() {
		for left > 0 && d.Next() {
			left--
			binary.BigEndian.PutUint32(dst, uint32(d.Bytes))
			dst = dst[4:]
		}
	}
}
