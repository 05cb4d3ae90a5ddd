// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/mp4test"
)

type (
	frame      = mp4test.Frame
	audioChunk = mp4test.AudioChunk
)

const (
	framesPerSecond  = 25
	frameDuration90k = moonfirefs.UnitsPerSecond / framesPerSecond
)

// pictures are ten seconds of frames without pictures, with a sync sample each second.
// No two are the same.
func pictures() []frame {
	r := rand.New(rand.NewPCG(3, 4))
	frames := make([]frame, 10*framesPerSecond)
	for i := range frames {
		data := make([]byte, 40+r.IntN(300))
		for k := range data {
			data[k] = byte(r.Uint32())
		}
		frames[i] = frame{
			Sample: moonfirefs.Sample{Duration90k: frameDuration90k, Bytes: int32(len(data)), Sync: i%framesPerSecond == 0},
			Data:   data,
		}
	}
	return frames
}

// store holds the recordings of a file.
type store struct {
	*mp4test.Source
	// spec has rows of its own.
	spec Spec
}

// newStore starts with no recordings, in a zone that changes its offset.
func newStore(tb testing.TB) *store {
	tb.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		tb.Fatal(err)
	}
	return &store{spec: Spec{
		Entry: moonfirefs.NewVideoSampleEntry(bareEntry(), 320, 240, 1, 1, ""), Zone: zone, Title: "driveway 2026-11-22 13:00",
	}}
}

// noon is where the footage of most tests starts: 2026-11-22 12:00 in New York,
// and a third of a second.
const noon moonfirefs.Time90k = 1795366800*moonfirefs.UnitsPerSecond + 30_000

// add appends a recording of frames that starts at start90k.
func (s *store) add(start90k moonfirefs.Time90k, frames []frame) *moonfirefs.Summary {
	if s.Source == nil {
		s.Source = new(mp4test.Source)
	}
	return s.append(s.Add(start90k, frames))
}

// addTrailingZero is add for frames whose last one has lost its duration.
func (s *store) addTrailingZero(start90k moonfirefs.Time90k, frames []frame) {
	if s.Source == nil {
		s.Source = new(mp4test.Source)
	}
	s.append(s.AddTrailingZero(start90k, frames))
}

func (s *store) append(row *moonfirefs.Summary) *moonfirefs.Summary {
	s.spec.Recordings = append(s.spec.Recordings, *row)
	return &s.spec.Recordings[len(s.spec.Recordings)-1]
}

// end90k is where the last recording ends.
func (s *store) end90k() moonfirefs.Time90k {
	return s.spec.Recordings[len(s.spec.Recordings)-1].End90k()
}

// hour is a store of three adjacent recordings of three seconds and one of one.
func hour(tb testing.TB) *store {
	tb.Helper()
	s := newStore(tb)
	frames, start90k := pictures(), noon
	for i := 0; i < len(frames); i += 3 * framesPerSecond {
		r := s.add(start90k, frames[i:min(i+3*framesPerSecond, len(frames))])
		start90k = r.End90k()
	}
	return s
}

// layOut makes the file and checks that its size is what Size says.
func (s *store) layOut(tb testing.TB) *File {
	tb.Helper()
	f, err := New(&s.spec)
	if err != nil {
		tb.Fatal(err)
	}
	if f.Size() != Size(&s.spec) {
		tb.Fatalf("file has %d bytes, Size says %d", f.Size(), Size(&s.spec))
	}
	return f
}

// whole reads all of the file.
func (s *store) whole(tb testing.TB) []byte {
	tb.Helper()
	f := s.layOut(tb)
	data := make([]byte, f.Size())
	if err := f.ReadAt(context.Background(), s, data, 0); err != nil {
		tb.Fatal(err)
	}
	return data
}
