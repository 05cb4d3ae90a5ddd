// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

const (
	// chunk90k is how much audio may gather before it is written, where no key
	// frame comes.
	chunk90k moonfirefs.Duration90k = 2 * moonfirefs.UnitsPerSecond
	// maxChunkBytes likewise.
	maxChunkBytes = 1 << 20
	// maxPauseBytes bounds the silence that fills a pause: nine minutes of G.711, hours of
	// AAC or Opus, but 20 s of linear PCM at 48 kHz in stereo.
	maxPauseBytes = 4 << 20
	// roundingError90k is more than what conversions of time stamps can amount to.
	roundingError90k moonfirefs.Duration90k = 9
	// maxNominal90k bounds what a configuration says of how long a sample lasts, on
	// which that of the last one rests.
	maxNominal90k moonfirefs.Duration90k = maxJump90k
)

// audioTrack is the audio of a recording that is being written. Its samples gather in
// memory, and the recording appends them to its sample file in chunks. It is one
// sample behind: the next sample tells how long a sample lasts.
type audioTrack struct {
	// entry is nil before the first sample, which begins at start90k after the
	// recording does.
	entry    *moonfirefs.AudioSampleEntry
	start90k moonfirefs.Duration90k

	// samples wait to be written, and data are their bytes.
	samples []moonfirefs.AudioSample
	data    []byte
	// waiting90k is how long they last.
	waiting90k moonfirefs.Duration90k

	// last is the newest sample, nil if there is none; it begins at last90k, and as a
	// rule lasts nominal90k.
	last                []byte
	last90k, nominal90k moonfirefs.Duration90k
}

// add takes the next sample, which begins at90k after the recording does. One that
// claims to begin before the one before it has begun is put right behind that.
func (t *audioTrack) add(f *camera.AudioFrame, at90k moonfirefs.Duration90k) {
	if t.entry == nil {
		t.entry, t.start90k = f.Entry, max(at90k, 0)
		at90k = t.start90k
	} else {
		at90k = max(at90k, t.last90k+1)
	}
	t.settle(at90k)
	t.last, t.last90k, t.nominal90k = f.Data, at90k, min(max(f.Duration90k, 1), maxNominal90k)
}

// settle ends the newest sample at a time, at which another one begins. If there is a
// pause between the two, it is filled.
func (t *audioTrack) settle(at90k moonfirefs.Duration90k) {
	if t.last == nil {
		return
	}
	last := t.last
	t.last = nil
	sample, count := t.pause(at90k)
	if count == 0 {
		t.push(last, max(at90k-t.last90k, 1))
		return
	}
	t.push(last, t.nominal90k)
	from90k := t.last90k + t.nominal90k
	for n := range count {
		to90k := from90k + (at90k-from90k)/moonfirefs.Duration90k(count-n)
		t.push(sample, to90k-from90k)
		from90k = to90k
	}
}

// push adds a sample to those that wait to be written.
func (t *audioTrack) push(data []byte, duration90k moonfirefs.Duration90k) {
	t.samples = append(t.samples, moonfirefs.AudioSample{Duration90k: int32(duration90k), Bytes: int32(len(data))})
	t.data = append(t.data, data...)
	t.waiting90k += duration90k
}

// pause returns the silence that fills the time from the end of the newest sample to the
// next one, and how often; 0 if they are less than a sample of silence apart, or if it
// would take too much.
func (t *audioTrack) pause(at90k moonfirefs.Duration90k) (sample []byte, count int64) {
	sample, frameSamples := t.entry.Silence()
	gap90k := at90k - t.last90k - t.nominal90k + roundingError90k
	unit90k := moonfirefs.Duration90k(frameSamples * moonfirefs.UnitsPerSecond / int64(max(t.entry.SampleRate, 1)))
	if sample == nil || unit90k <= 0 || gap90k < unit90k {
		return nil, 0
	}
	count = int64((gap90k + unit90k/2) / unit90k)
	if count*int64(len(sample)) > maxPauseBytes {
		return nil, 0
	}
	return sample, count
}

// end says that the newest sample ends at a time, at which the audio of the next recording
// begins. A pause until then is none of this one.
func (t *audioTrack) end(at90k moonfirefs.Duration90k) {
	if t.last == nil {
		return
	}
	if _, count := t.pause(at90k); count > 0 {
		at90k = t.last90k + t.nominal90k
	}
	t.settle(at90k)
}

// settleNominally ends the newest sample where it would as a rule.
func (t *audioTrack) settleNominally() { t.settle(t.last90k + t.nominal90k) }

// due tells whether a chunk should be written before a frame.
func (t *audioTrack) due(sync bool) bool {
	return len(t.samples) > 0 && (sync || t.waiting90k >= chunk90k || len(t.data) >= maxChunkBytes)
}

// forget gives up what waits.
func (t *audioTrack) forget() {
	t.samples, t.data, t.waiting90k = t.samples[:0], t.data[:0], 0
}
