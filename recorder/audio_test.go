// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/camera"
)

var (
	alaw = moonfirefs.NewAudioSampleEntry([]byte("\x00\x00\x00\x0calawtest"), 8000, 1, 0, "alaw")
	ulaw = moonfirefs.NewAudioSampleEntry([]byte("\x00\x00\x00\x0culawtest"), 8000, 1, 0, "ulaw")
)

// speaker makes the audio that comes with a camera's frames: a sample of 40 ms
// after another, late by the given time.
type speaker struct {
	late  moonfirefs.Duration90k
	entry *moonfirefs.AudioSampleEntry
	// next is the number of the next sample.
	next int64
	sent []byte
}

const audioTime90k = 3600

// attach adds to a frame what has happened until it was shown, less what is late.
func (s *speaker) attach(pts90k int64, f *camera.Frame) {
	for ; s.next*audioTime90k <= f.PTS90k-pts90k-int64(s.late); s.next++ {
		data := fmt.Appendf(nil, "audio %d;", s.next)
		f.Audio = append(f.Audio, camera.AudioFrame{
			Offset90k: moonfirefs.Duration90k(pts90k + s.next*audioTime90k - f.PTS90k), Duration90k: audioTime90k, Data: data, Entry: s.entry,
		})
		s.sent = append(s.sent, data...)
	}
}

// split takes the samples of a recording apart, and ensures that each sample of
// audio is about sample number n of the speaker, and where that belongs.
func split(t *testing.T, r *stored) (video, audio []byte, startOf []moonfirefs.Time90k) {
	t.Helper()
	data, frames := r.data, decodeIndex(t, r.VideoIndex, r.Flags)
	take := func(n int32) (b []byte) {
		b, data = data[:n], data[n:]
		return b
	}
	at := r.Start90k.Add(r.Audio.Start90k)
	d := moonfirefs.DecodeAudioIndex(r.AudioIndex)
	for d.NextChunk() {
		for range d.VideoSamples {
			video = append(video, take(frames[0].Bytes)...)
			frames = frames[1:]
		}
		for d.Next() {
			audio = append(audio, take(d.Bytes)...)
			startOf = append(startOf, at)
			at = at.Add(moonfirefs.Duration90k(d.Duration90k))
		}
	}
	for _, f := range frames {
		video = append(video, take(f.Bytes)...)
	}
	if len(data) != 0 {
		t.Errorf("recording %d: %d bytes are left", r.ID, len(data))
	}
	return video, audio, startOf
}

// TestAudioOfRun ensures that no audio is lost or doubled where recordings meet,
// that each sample is in the recording in which it begins and at its time, however
// late it comes, and that the video is what it is without.
func TestAudioOfRun(t *testing.T) {
	for _, late := range []time.Duration{0, 30 * time.Millisecond, 700 * time.Millisecond, 1900 * time.Millisecond} {
		t.Run(late.String(), func(t *testing.T) {
			b := newBench(t, plenty)
			s := &speaker{entry: alaw, late: moonfirefs.FromDuration(late)}
			pts90k := b.fake.pts90k
			b.fake.alter = func(_ int, f *camera.Frame) { s.attach(pts90k, f) }
			frames := b.shoot(10 * 200)
			b.flush()
			all := b.recordings()
			if len(all) < 3 {
				t.Fatalf("%d recordings", len(all))
			}
			var video, audio []byte
			n := 0
			for i := range all {
				r := &all[i]
				v, a, starts := split(t, r)
				video, audio = append(video, v...), append(audio, a...)
				for _, at := range starts {
					want := all[0].Start90k + moonfirefs.Time90k(n*audioTime90k)
					if at != want {
						t.Fatalf("sample %d begins at %v, want %v", n, at, want)
					}
					if at < r.Start90k || i+1 < len(all) && at >= r.End90k() {
						t.Fatalf("sample %d begins at %v, but is in a recording from %v to %v", n, at, r.Start90k, r.End90k())
					}
					n++
				}
			}
			if !bytes.Equal(video, join(frames)) {
				t.Error("the video differs")
			}
			if !bytes.Equal(audio, s.sent) {
				t.Errorf("%d bytes of audio, %d sent, differ at %d", len(audio), len(s.sent), firstDifference(audio, s.sent))
			}
			b.noneReserved()
		})
	}
}

// TestAudioIsSalvaged ensures that a crash costs no more of the audio than a group
// of pictures, and none of the video.
func TestAudioIsSalvaged(t *testing.T) {
	b := newBench(t, plenty)
	s := &speaker{entry: alaw}
	pts90k := b.fake.pts90k
	b.fake.alter = func(_ int, f *camera.Frame) { s.attach(pts90k, f) }
	frames := b.shoot(35)
	b.crash()
	b.restart()
	all := b.recordings()
	if len(all) != 1 || all[0].Flags&moonfirefs.FlagAudio == 0 {
		t.Fatalf("salvaged %v", all)
	}
	video, audio, _ := split(t, &all[0])
	if !bytes.Equal(video, join(frames)) {
		t.Errorf("%d bytes of video", len(video))
	}
	// Three groups of a second; the last sample of each waits for the next one.
	if !bytes.HasPrefix(s.sent, audio) || all[0].Audio.Samples < 3*25-3 {
		t.Errorf("%d samples of audio: %q", all[0].Audio.Samples, audio)
	}
	b.flush()
	b.noneReserved()
}

// TestAudioChanges ensures that another configuration of the audio begins a new
// recording with the next key frame, and that none is mixed.
func TestAudioChanges(t *testing.T) {
	b := newBench(t, plenty)
	s := &speaker{entry: alaw}
	pts90k := b.fake.pts90k
	b.fake.alter = func(n int, f *camera.Frame) {
		if n == 24 {
			s.entry = ulaw
		}
		s.attach(pts90k, f)
	}
	frames := b.shoot(60)
	b.flush()
	all := b.recordings()
	if len(all) != 2 || all[0].VideoSamples != 30 || all[1].VideoSamples != 30 || all[0].Audio.SampleEntry == all[1].Audio.SampleEntry {
		t.Fatalf("recordings %v", all)
	}
	var video []byte
	for i := range all {
		v, _, _ := split(t, &all[i])
		video = append(video, v...)
	}
	if !bytes.Equal(video, join(frames)) {
		t.Error("the video differs")
	}
}

// TestAudioComesAndGoes ensures that audio may start late, pause and end.
func TestAudioComesAndGoes(t *testing.T) {
	b := newBench(t, plenty)
	s := &speaker{entry: alaw}
	pts90k := b.fake.pts90k
	b.fake.alter = func(n int, f *camera.Frame) {
		silent := n < 55 || n >= 100 && n < 2000
		s.attach(pts90k, f)
		if silent {
			f.Audio = nil
		}
	}
	frames := b.shoot(2100)
	b.flush()
	all := b.recordings()
	var video []byte
	withAudio := 0
	for i := range all {
		v, _, starts := split(t, &all[i])
		video = append(video, v...)
		if len(starts) > 0 {
			withAudio++
			if d := starts[0].Sub(all[0].Start90k) % audioTime90k; d != 0 {
				t.Errorf("recording %d: audio begins at %v", i, starts[0])
			}
		}
	}
	if !bytes.Equal(video, join(frames)) {
		t.Error("the video differs")
	}
	if withAudio == 0 || withAudio == len(all) {
		t.Errorf("%d of %d recordings have audio", withAudio, len(all))
	}
}

// TestAudioPausesAreFilled ensures that a pause within a recording is filled with silence,
// the last of which ends where the audio goes on, and that the sample before it lasts no
// longer than it does as a rule.
func TestAudioPausesAreFilled(t *testing.T) {
	for name, test := range map[string]struct {
		entry *moonfirefs.AudioSampleEntry
		// paused are the samples that are missing, silent what fills them.
		paused, silent int
	}{
		"G.711":         {alaw, 50, 100},
		"one sample":    {alaw, 1, 2},
		"AAC":           {moonfirefs.NewAudioSampleEntry(nil, 16000, 1, 1024, "mp4a.40.2"), 50, 31},
		"Opus":          {moonfirefs.NewAudioSampleEntry(nil, 48000, 2, 960, moonfirefs.CodecOpus), 50, 100},
		"L16":           {moonfirefs.NewAudioSampleEntry(nil, 16000, 2, 0, moonfirefs.CodecPCM16), 50, 100},
		"unknown":       {moonfirefs.NewAudioSampleEntry(nil, 16000, 1, 512, "mp4a.40.39"), 50, 0},
		"L16, too long": {moonfirefs.NewAudioSampleEntry(nil, 48000, 2, 0, moonfirefs.CodecPCM16), 600, 0},
	} {
		track := audioTrack{}
		add := func(n int) {
			track.add(&camera.AudioFrame{Duration90k: audioTime90k, Data: []byte("audio"), Entry: test.entry}, moonfirefs.Duration90k(n*audioTime90k))
		}
		add(0)
		add(1 + test.paused)
		add(2 + test.paused)
		silence, _ := test.entry.Silence()
		want := slices.Concat([]byte("audio"), bytes.Repeat(silence, test.silent), []byte("audio"))
		if len(track.samples) != 2+test.silent || !bytes.Equal(track.data, want) {
			t.Errorf("%s: %d samples of %d bytes, want %d of %d", name, len(track.samples), len(track.data), 2+test.silent, len(want))
		}
		if last := moonfirefs.Duration90k(2+test.paused) * audioTime90k; track.waiting90k != last {
			t.Errorf("%s: they last %v, want %v", name, track.waiting90k, last)
		}
		if first := track.samples[0].Duration90k; test.silent > 0 && first != audioTime90k {
			t.Errorf("%s: the first one lasts %d", name, first)
		}
		track.end(moonfirefs.Duration90k(100+test.paused) * audioTime90k)
		if last := track.samples[len(track.samples)-1].Duration90k; test.silent > 0 && last != audioTime90k {
			t.Errorf("%s: the last one lasts %d, and the audio of the next recording begins later", name, last)
		}
	}
}

// TestAudioBeginsBehindCut ensures that the first audio of a session, which is
// held back for some seconds, is not crowded into the beginning of a recording where
// it belongs to the one before, which has not waited for it.
func TestAudioBeginsBehindCut(t *testing.T) {
	b := newBench(t, plenty)
	s := &speaker{entry: alaw}
	pts90k := b.fake.pts90k
	b.fake.alter = func(n int, f *camera.Frame) {
		if n < 620 { // 2 s behind the first cut
			return
		}
		s.attach(pts90k, f)
		f.Audio = slices.DeleteFunc(f.Audio, func(a camera.AudioFrame) bool { return a.Offset90k < -5*moonfirefs.UnitsPerSecond })
	}
	b.shoot(700)
	b.flush()
	all := b.recordings()
	if len(all) != 2 || all[0].Audio.Samples != 0 {
		t.Fatalf("recordings %v", all)
	}
	_, audio, starts := split(t, &all[1])
	if !bytes.HasSuffix(s.sent, audio) {
		t.Errorf("audio %q", audio)
	}
	for i, at := range starts {
		if want := all[1].Start90k + moonfirefs.Time90k(i*audioTime90k); at != want {
			t.Fatalf("sample %d begins at %v, want %v", i, at, want)
		}
	}
}

// TestAudioOutOfPlace ensures that audio whose times make no sense, or whose
// configuration says that a sample lasts for minutes, costs no video and puts no
// later audio out of place.
func TestAudioOutOfPlace(t *testing.T) {
	const year90k = 365 * 24 * 3600 * moonfirefs.UnitsPerSecond
	b := newBench(t, plenty)
	s := &speaker{entry: alaw, late: moonfirefs.FromDuration(500 * time.Millisecond)}
	pts90k := b.fake.pts90k
	b.fake.alter = func(n int, f *camera.Frame) {
		s.attach(pts90k, f)
		if n%7 == 0 { // also while a recording waits for what is late
			for _, ahead90k := range []moonfirefs.Duration90k{year90k, 1 << 31, 30 * moonfirefs.UnitsPerSecond} {
				f.Audio = append(f.Audio, camera.AudioFrame{Offset90k: ahead90k, Duration90k: audioTime90k, Data: []byte("nonsense"), Entry: s.entry})
			}
		}
		for i := range f.Audio {
			f.Audio[i].Duration90k = year90k
		}
	}
	frames := b.shoot(10 * 200)
	b.flush()
	all := b.recordings()
	if len(all) < 3 {
		t.Fatalf("%d recordings", len(all))
	}
	var video, audio []byte
	for i := range all {
		v, a, starts := split(t, &all[i])
		video, audio = append(video, v...), append(audio, a...)
		for _, at := range starts {
			if at < all[i].Start90k || at >= all[i].End90k() {
				t.Fatalf("audio begins at %v in a recording from %v to %v", at, all[i].Start90k, all[i].End90k())
			}
		}
	}
	if !bytes.Equal(video, join(frames)) {
		t.Error("the video differs")
	}
	if !bytes.Equal(audio, s.sent) {
		t.Errorf("%d bytes of audio, %d sent", len(audio), len(s.sent))
	}
}
