// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"log/slog"
	"time"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
)

// AudioFrame is a sample of audio: an access unit of AAC (ISO 14496-3 §4.4.2.1), a packet
// of Opus (RFC 6716 §3), or the G.711 or linear PCM of a packet.
type AudioFrame struct {
	// Offset90k is when it begins, after the frame that it comes with; negative as a
	// rule.
	Offset90k moonfirefs.Duration90k
	// Duration90k is how long it lasts by its configuration.
	Duration90k moonfirefs.Duration90k
	// Data belongs to the caller.
	Data []byte
	// Entry is its configuration. The pointer stays the same while that and the session
	// do.
	Entry *moonfirefs.AudioSampleEntry
}

// sizeBytes is what it takes in memory.
func (f *AudioFrame) sizeBytes() int64 { return int64(unsafe.Sizeof(*f)) + int64(len(f.Data)) }

const (
	// maxAudioBytes and maxAudioFrames bound the audio that waits for a frame. That of
	// G.711 is 20 ms long as a rule, that of AAC longer.
	maxAudioBytes  = 2 << 20
	maxAudioFrames = 8192
)

// audioFeed keeps audio until a frame of the video takes it along. A nil feed has none.
type audioFeed struct {
	log *slog.Logger
	// share is that of the session; nil if nobody counts.
	share *share
	// delay is how long the first audio may be held back until it is known how its time
	// stamps relate to those of the video.
	delay     time.Duration
	alignment alignment
	// oneClock says that the time stamps of the audio are those of the video.
	oneClock bool
	// frames wait. The offsets are time stamps of the audio.
	frames []AudioFrame
	bytes  int64
	// taken and dropped count the frames that are gone from frames: with a frame of the
	// video, and because there was no room for them, of which reported have been told.
	taken, dropped, reported int64
}

// add keeps a frame, whose last bytes arrived at a time.
func (f *audioFeed) add(frame *AudioFrame, at time.Time) {
	f.alignment.audio.observe(int64(frame.Offset90k+frame.Duration90k), at)
	if f.share != nil && f.share.add(frame.sizeBytes()) != nil {
		f.dropped++
		return
	}
	f.frames = append(f.frames, *frame)
	f.bytes += int64(len(frame.Data))
	for f.bytes > maxAudioBytes || len(f.frames) > maxAudioFrames {
		if f.share != nil {
			_ = f.share.add(-f.frames[0].sizeBytes()) // which does not fail
		}
		f.drop(1)
		f.dropped++
	}
}

// drop removes frames from the front.
func (f *audioFeed) drop(n int) {
	for i := range n {
		f.bytes -= int64(len(f.frames[i].Data))
		f.frames[i] = AudioFrame{}
	}
	f.frames = f.frames[n:]
}

// align brings the alignment up to date, and tells by how much it has changed.
func (f *audioFeed) align() (change90k int64) {
	if f.oneClock {
		return 0
	}
	return f.alignment.update()
}

// received counts what has come so far.
func (f *audioFeed) received() int64 {
	if f == nil {
		return 0
	}
	return f.taken + f.dropped + int64(len(f.frames))
}

// attach lets a frame of the video take along what has come before it.
func (f *audioFeed) attach(frame *Frame) {
	if f == nil {
		return
	}
	n := int(frame.audioBefore - f.taken - f.dropped)
	if n <= 0 || !f.alignment.ready(time.Now(), f.delay) {
		return
	}
	if f.dropped > f.reported {
		f.log.Warn("audio is lost: no video arrived for too long", "samples", f.dropped-f.reported)
		f.reported = f.dropped
	}
	if change90k := f.align(); change90k != 0 {
		f.log.Debug("audio is put in step", "by", moonfirefs.Duration90k(change90k))
	}
	frame.Audio = append([]AudioFrame(nil), f.frames[:n]...)
	for i := range frame.Audio {
		frame.Audio[i].Offset90k += moonfirefs.Duration90k(f.alignment.offset90k - frame.PTS90k)
	}
	f.drop(n)
	f.taken += int64(n)
}
