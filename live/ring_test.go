// SPDX-License-Identifier: GPL-3.0-or-later

package live

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/journal"
)

const frame90k = moonfirefs.UnitsPerSecond / 10

var (
	video = moonfirefs.NewVideoSampleEntry([]byte{0, 0, 0, 9, 'a', 'v', 'c', '1', 1}, 640, 360, 1, 1, "avc1.42c00c")
	sound = moonfirefs.NewAudioSampleEntry([]byte{0, 0, 0, 9, 'm', 'p', '4', 'a', 3}, 16000, 1, 1024, "mp4a.40.2")
	other = moonfirefs.NewVideoSampleEntry([]byte{0, 0, 0, 9, 'a', 'v', 'c', '1', 2}, 640, 360, 1, 1, "avc1.42c00d")
)

// newTake makes a recording of frames of a tenth of a second; "K" is a key frame, "-"
// another one, "a" a chunk of audio.
func newTake(start90k moonfirefs.Time90k, frames string) *take {
	t := &take{file: moonfirefs.SampleFile{UUID: uuid.New(), Dir: 1}, start90k: start90k, config: config{video: video}}
	t.grow(frames)
	return t
}

func (t *take) grow(frames string) {
	for _, kind := range frames {
		if kind == 'a' {
			t.pieces = append(t.pieces, journal.Piece{SizeBytes: 3, Audio: &journal.Chunk{Bytes: 3, Samples: []moonfirefs.AudioSample{{Duration90k: frame90k, Bytes: 3}}}})
			continue
		}
		s := moonfirefs.Sample{Duration90k: frame90k, Bytes: 5, Sync: kind == 'K'}
		t.pieces = append(t.pieces, journal.Piece{SizeBytes: 5, Video: s})
		t.duration90k += frame90k
	}
}

// segmentsOf describes the segments of a ring: where each begins and how much it has, "!"
// for a key frame, "/" where it does not go on from the one before.
func segmentsOf(r *ring) string {
	var all []string
	for _, s := range r.segments {
		text := fmt.Sprintf("%d+%d", s.offset, s.sizeBytes)
		if s.sync {
			text += "!"
		}
		if s.discontinuous {
			text = "/" + text
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// A segment ends before a key frame, or after half a second, and not before it is
// complete.
func TestSegments(t *testing.T) {
	tests := map[string]struct {
		frames string
		ended  bool
		want   string
	}{
		"nothing":                      {"", false, ""},
		"not complete":                 {"K---", false, ""},
		"half a second":                {"K----", false, "0+25!"},
		"key frames":                   {"K--K--K", false, "0+15! 15+15!"},
		"a long group":                 {"K-----------K", false, "0+25! 25+25 50+10"},
		"ended":                        {"K-----", true, "0+25! 25+5"},
		"audio lies behind pictures":   {"K--aK--aK", false, "0+18! 18+18!"},
		"audio after half a second":    {"K----a-", false, "0+28!"},
		"key frames without an end":    {"KKKKKKK", false, "0+5! 5+5! 10+5! 15+5! 20+5! 25+5!"},
		"audio that comes at the end":  {"K-a", true, "0+13!"},
		"a recording of audio to come": {"K----K", false, "0+25!"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, only := newRing(), newTake(1000, test.frames)
			only.ended = test.ended
			_, err := r.playlist([]*take{only})
			if got := segmentsOf(r); got != test.want || errors.Is(err, moonfirefs.ErrNotFound) != (test.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// Segments go on across recordings of a run, also where audio of the first comes late, and
// do not across a gap or another configuration.
func TestSegmentsAcrossRecordings(t *testing.T) {
	first := newTake(1000, "K----K")
	r := newRing()
	r.advance([]*take{first})
	first.ended = true
	next := newTake(first.start90k.Add(first.duration90k), "K----")
	next.runOffset = 1
	r.advance([]*take{first, next})
	if got, want := segmentsOf(r), "0+25! 25+5! 0+25!"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	first.grow("a")
	r.advance([]*take{first, next})
	if got, want := segmentsOf(r), "0+25! 25+5! 0+25! 30+3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	next.ended = true
	gap := newTake(next.start90k+next.start90k, "K----")
	changed := newTake(gap.start90k.Add(gap.duration90k), "K----")
	changed.runOffset, changed.config.video = 1, other
	gap.ended = true
	r.advance([]*take{next, gap, changed})
	if got, want := segmentsOf(r), "0+25! 25+5! 0+25! 30+3 /0+25! /0+25!"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	text := string(r.text())
	if n := strings.Count(text, "#EXT-X-DISCONTINUITY\n"); n != 2 || strings.Count(text, "#EXT-X-MAP:") != 3 {
		t.Errorf("%d discontinuities in\n%s", n, text)
	}
}

// A playlist begins with a key frame and has the last seconds; what leaves it can still be
// opened for a while; numbers go on.
func TestRing(t *testing.T) {
	r, only := newRing(), newTake(1000, "")
	for range 3 * maxSegments {
		only.grow("K---------") // two segments
		before := r.sequence
		if _, err := r.playlist([]*take{only}); err != nil {
			t.Fatal(err)
		}
		if r.sequence != before+2 {
			t.Fatalf("%d segments are new", r.sequence-before)
		}
	}
	if len(r.segments) != maxSegments {
		t.Errorf("there are %d segments", len(r.segments))
	}
	listed := r.segments[r.listed():]
	if len(listed) != 6 || !listed[0].sync {
		t.Errorf("%d are listed", len(listed))
	}
	if _, err := r.file(nil, r.segments[0].name); err != nil {
		t.Errorf("the oldest segment: %v", err)
	}
	if _, err := r.file(nil, "1-00000000.m4s"); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("a segment that is none: %v", err)
	}
	init, err := r.file(nil, listed[0].config.initName())
	if err != nil {
		t.Fatal(err)
	}
	if content, err := init.Content(t.Context()); err != nil || !bytes.Contains(content, video.Data) {
		t.Errorf("what comes before all segments: %v", err)
	}
}

// Segments are described with the audio of their run before any of it is there, and anew
// when it begins or turns out to be missing.
func TestSegmentsBeforeTheirAudio(t *testing.T) {
	r, first := newRing(), newTake(1000, "K----")
	steps := []struct {
		name string
		do   func() []*take
		want string
	}{
		{"no audio yet", func() []*take { return []*take{first} }, "v"},
		{"the first audio", func() []*take {
			first.grow("aK----a")
			first.config.audio = sound
			return []*take{first}
		}, "v /va"},
		{"the next recording, without audio yet", func() []*take {
			first.ended = true
			return []*take{first, after(first)}
		}, "v /va va"},
	}
	for _, step := range steps {
		r.advance(step.do())
		if got := configsOf(r); got != step.want {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
	}
	next := after(first)
	r = newRing()
	r.advance([]*take{first, next})
	silent := after(next)
	next.ended = true
	r.advance([]*take{first, next, silent})
	next.grow("a")
	next.config.audio, next.committed = sound, true
	silent.ended, silent.committed = true, true
	r.advance([]*take{next, silent, after(silent)})
	if got, want := configsOf(r), "va va va va va /v"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Audio that comes when another session has begun is left out: it would be out of order.
func TestAudioAfterABreak(t *testing.T) {
	r, first := newRing(), newTake(1000, "K----a")
	first.config.audio = sound
	gap := newTake(first.start90k+first.start90k, "K----")
	gap.config.audio = sound
	r.advance([]*take{first, gap})
	first.grow("a")
	r.advance([]*take{first, gap})
	if got, want := segmentsOf(r), "0+28! /0+25!"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A session begins with the audio of the footage before it.
func TestSegmentsOfASessionBeforeItsAudio(t *testing.T) {
	r, first := newRing(), newTake(1000, "K----")
	first.like = config{video: video, audio: sound}
	gap := newTake(first.start90k+first.start90k, "K----")
	r.advance([]*take{first, gap})
	changed := newTake(gap.start90k+gap.start90k, "K----")
	changed.config.video = other
	r.advance([]*take{first, gap, changed})
	if got, want := configsOf(r), "va /va /v"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// after is a take of half a second that follows another one of its run.
func after(t *take) *take {
	next := newTake(t.start90k.Add(t.duration90k), "K----")
	next.runOffset = t.runOffset + 1
	return next
}

// configsOf tells which tracks the segments of a ring have, "/" where they are described anew.
func configsOf(r *ring) string {
	var all []string
	for _, s := range r.segments {
		text := "v"
		if s.config.audio != nil {
			text += "a"
		}
		if s.discontinuous {
			text = "/" + text
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}
