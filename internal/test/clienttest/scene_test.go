// SPDX-License-Identifier: GPL-3.0-or-later

package clienttest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

const (
	timeZone = "America/New_York"
	// fps is low, since hours of footage are encoded.
	fps = 5
)

// newYork is the zone of the scene.
var newYork = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation(timeZone)
	if err != nil {
		panic(err)
	}
	return zone
})

// local is a time on the clock in New York, which is five hours behind UTC.
func local(day, hour, minute, second int) moonfirefs.Time90k {
	return moonfirefs.FromTime(time.Date(2026, 11, day, hour, minute, second, 0, newYork()))
}

// minutes is how much there is of the hour that is played.
func minutes() int {
	if *full {
		return 60
	}
	return 2
}

// Media are encoded once for all tests.
var (
	mainMedia = once(func() teststore.Params {
		return teststore.Params{Codec: teststore.H264, Width: 320, Height: 192, FPS: fps, Seconds: 60 * minutes()}
	})
	largeMedia = once(func() teststore.Params {
		return teststore.Params{Codec: teststore.H264, Width: 640, Height: 384, FPS: fps, Seconds: 60}
	})
	bFrameMedia = once(func() teststore.Params {
		return teststore.Params{Codec: teststore.H264, Width: 320, Height: 192, FPS: fps, Seconds: 60, BFrames: 3}
	})
	hevcMedia = once(func() teststore.Params {
		return teststore.Params{Codec: teststore.H265, Width: 320, Height: 192, FPS: fps, Seconds: 60 * min(minutes(), 5)}
	})
)

func once(params func() teststore.Params) func() (*teststore.Media, error) {
	return sync.OnceValues(func() (*teststore.Media, error) { return teststore.Encode(context.Background(), params()) })
}

func mustMedia(t *testing.T, made func() (*teststore.Media, error)) *teststore.Media {
	t.Helper()
	m, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// movie is a file that the mount must show, and what is in it.
type movie struct {
	path  string // in the mount
	takes []teststore.Take
	// clip is the interval that is presented, if that is not all.
	clip *interval
}

// interval is [from, to).
type interval struct{ from, to moonfirefs.Time90k }

// scene is a store, and the movies that its mount must show. It is the same for
// all tests that change nothing.
type scene struct {
	store string
	// movies are by property of the table of players.
	movies map[string][]movie
}

// sound is that of one camera.
var sound = sync.OnceValues(func() (*teststore.Audio, error) { return teststore.EncodeAudio(context.Background(), 20) })

// newScene records what the suite is about.
func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{store: filepath.Join(tempDir(t), "store"), movies: make(map[string][]movie)}
	err := teststore.Create(t.Context(), s.store, timeZone,
		teststore.Camera{Name: "driveway", RetainBytes: 1 << 40, SubRetainBytes: 1 << 40},
		teststore.Camera{Name: "garden", RetainBytes: 1 << 40},
		teststore.Camera{Name: "porch", RetainBytes: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	writer := open(t, s.store)
	for property, movies := range s.script(t) {
		for _, m := range movies {
			if m.clip != nil {
				continue // of footage that is recorded for another
			}
			for _, take := range m.takes {
				if err := writer.Record(t.Context(), take); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.movies[property] = movies
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// script says what there is. All that is told here apart are hours, so the order
// in which it is recorded does not matter.
func (s *scene) script(t *testing.T) map[string][]movie {
	t.Helper()
	small, large, hevc := mustMedia(t, mainMedia), mustMedia(t, largeMedia), mustMedia(t, hevcMedia)
	take := func(folder string, media *teststore.Media, start moonfirefs.Time90k, minutes int) teststore.Take {
		return teststore.Take{Folder: folder, Start: start, Recordings: minutes, Seconds: 60, Media: media}
	}
	broken := take("driveway", small, local(20, 14, 0, 0), 1)
	broken.TrailingZero = true
	again := take("driveway", small, local(20, 14, 1, 45), 1)
	again.First = 30 * fps
	before := take("driveway", small, local(20, 15, 0, 0), 1)
	after := take("driveway", large, local(20, 15, 1, 0), 1)
	// The hour from 13:00 on, of which a clip is opened by its name. The clip begins
	// and ends in the middle of a group of pictures, of which there is one each second.
	hour := take("driveway", small, local(20, 13, 0, 0).Add(2*moonfirefs.UnitsPerSecond/fps), minutes())
	clip := interval{local(20, 13, 0, 40), local(20, 13, 1, 20)}
	// When the clocks have gone back, it is an hour after the first 01:00.
	second := local(1, 0, 0, 0).Add(2 * 3600 * moonfirefs.UnitsPerSecond)
	return map[string][]movie{
		"sound":        {{path: "porch/2026-11-20/13.mp4", takes: talk(t, small)}},
		"hour":         {{path: "driveway/2026-11-20/13.mp4", takes: []teststore.Take{hour}}},
		"clip by name": {{path: clipPath("driveway", clip.from, clip.to), takes: []teststore.Take{hour}, clip: &clip}},
		"gap":          {{path: "driveway/2026-11-20/14.mp4", takes: []teststore.Take{broken, again}}},
		"codec change": {{path: "driveway/2026-11-20/15.mp4", takes: []teststore.Take{before}}, {path: "driveway/2026-11-20/15-2.mp4", takes: []teststore.Take{after}}},
		"clocks go back": {
			{path: "driveway/2026-11-01/01-0400.mp4", takes: []teststore.Take{take("driveway", small, local(1, 1, 10, 0), 2)}},
			{path: "driveway/2026-11-01/01-0500.mp4", takes: []teststore.Take{take("driveway", small, second.Add(600*moonfirefs.UnitsPerSecond), 1)}},
		},
		"sub stream": {{path: "driveway-sub/2026-11-22/09.mp4", takes: []teststore.Take{take("driveway-sub", small, local(22, 9, 30, 0), 2)}}},
		"B-frames": {{path: "garden/2026-11-20/14.mp4", takes: []teststore.Take{
			take("garden", mustMedia(t, bFrameMedia), local(20, 14, 0, 0), 1),
			take("garden", mustMedia(t, bFrameMedia), local(20, 14, 1, 30), 1),
		}}},
		"H.265": {{path: "garden/2026-11-20/13.mp4", takes: []teststore.Take{take("garden", hevc, local(20, 13, 0, 0), min(minutes(), 5))}}},
	}
}

// talk is footage with sound, and a gap in it. What lies there and the gap are as
// long as whole frames of sound, so that the sound ends where the picture does.
func talk(t *testing.T, media *teststore.Media) []teststore.Take {
	t.Helper()
	encoded, err := sound()
	if err != nil {
		t.Fatal(err)
	}
	first := teststore.Take{Folder: "porch", Start: local(20, 13, 0, 0), Recordings: 1, Seconds: 16, Media: media, Audio: encoded}
	second := first
	second.Start = first.End().Add(16 * moonfirefs.UnitsPerSecond)
	return []teststore.Take{first, second}
}

// soundSamples is how many samples of PCM there are, silence in gaps included.
func (m *movie) soundSamples() int { return int(m.duration().Seconds() * teststore.AudioRate) }

// open opens a store for recording.
func open(t *testing.T, path string) *teststore.Store {
	t.Helper()
	s, err := teststore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// start90k is where the time line of a movie begins.
func (m *movie) start90k() moonfirefs.Time90k {
	if m.clip != nil {
		return m.clip.from
	}
	return m.takes[0].Start
}

// duration is what a player must say.
func (m *movie) duration() time.Duration {
	end := m.takes[len(m.takes)-1].End()
	if m.clip != nil {
		end = m.clip.to
	}
	return end.Sub(m.start90k()).Duration()
}

// counters are the numbers of its pictures in order.
func (m *movie) counters() (counters []int) {
	for _, take := range m.takes {
		for n := range take.Frames() {
			at := take.Start.Add(moonfirefs.Duration90k(n) * take.Media.SampleDuration90k())
			if m.clip == nil || at >= m.clip.from && at < m.clip.to {
				counters = append(counters, take.Counter(n))
			}
		}
	}
	return counters
}

// leadIn are the numbers of the pictures in the file of a clip that it does not
// present: those from the last key frame at or before its start.
func (m *movie) leadIn() (counters []int) {
	if m.clip == nil {
		return nil
	}
	take := &m.takes[0]
	first := int((m.clip.from.Sub(take.Start) + take.Media.SampleDuration90k() - 1) / take.Media.SampleDuration90k())
	key := first
	for !take.Media.Samples[take.Counter(key)].Sync {
		key--
	}
	for n := key; n < first; n++ {
		counters = append(counters, take.Counter(n))
	}
	return counters
}

// frameAt is the number of the picture that is shown at a position, and whether
// it is one that is held through a gap.
func (m *movie) frameAt(position time.Duration) (counter int, held bool) {
	at := m.start90k().Add(moonfirefs.FromDuration(position))
	for _, take := range m.takes {
		if at < take.Start {
			break
		}
		n := int(at.Sub(take.Start) / take.Media.SampleDuration90k())
		counter, held = take.Counter(min(n, take.Frames()-1)), n >= take.Frames()
	}
	return counter, held
}

func (m *movie) counterAt(position time.Duration) int {
	counter, _ := m.frameAt(position)
	return counter
}

// counterAfterGap is the number of the first picture that begins after a position.
func (m *movie) counterAfterGap(position time.Duration) int {
	at := m.start90k().Add(moonfirefs.FromDuration(position))
	for _, take := range m.takes {
		if take.Start > at {
			return take.Counter(0)
		}
	}
	return -1
}

func (m *movie) inGap(position time.Duration) bool {
	_, held := m.frameAt(position)
	return held
}

// clipPath is the name by which an interval can be opened.
func clipPath(folder string, from, to moonfirefs.Time90k) string {
	const layout = "15.04.05"
	start, end := from.Time().In(newYork()), to.Time().In(newYork())
	return fmt.Sprintf("%s/clips/%s--%s.mp4", folder, start.Format("2006-01-02T"+layout), end.Format(layout))
}
