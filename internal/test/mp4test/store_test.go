// SPDX-License-Identifier: GPL-3.0-or-later

package mp4test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// store holds the recordings of a file.
type store struct {
	Source
	// spec has no rows before the file is laid out.
	spec mp4.Spec
}

// newStore starts with no recordings, in a zone that changes its offset.
func newStore(tb testing.TB, f *footage) *store {
	tb.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		tb.Fatal(err)
	}
	return &store{spec: mp4.Spec{Entry: f.entry, Zone: zone, Title: "driveway 2026-11-22 13:00"}}
}

// noon is where the footage of most tests starts: 2026-11-22 12:00 in New York,
// and a third of a second.
const noon moonfirefs.Time90k = 1795366800*moonfirefs.UnitsPerSecond + 30_000

// hour is a store of three adjacent recordings of three seconds and one of one.
func hour(tb testing.TB, made func() (*footage, error)) *store {
	tb.Helper()
	f := mustFootage(tb, made)
	s := newStore(tb, f)
	start90k := noon
	for i := 0; i < len(f.frames); i += 3 * framesPerSecond {
		r := s.Add(start90k, f.frames[i:min(i+3*framesPerSecond, len(f.frames))])
		start90k = r.End90k()
	}
	return s
}

// layOut makes the file.
func (s *store) layOut(tb testing.TB) *mp4.File {
	tb.Helper()
	if !s.spec.IsCut() {
		s.spec.Recordings = s.Recordings
	}
	f, err := mp4.New(&s.spec)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// cut leaves in an excerpt what it needs.
func (s *store) cut(tb testing.TB) {
	tb.Helper()
	s.spec.Recordings = s.Recordings
	if err := s.spec.Cut(tb.Context(), s); err != nil || !s.spec.IsCut() {
		tb.Fatalf("cut: %v, %v", err, s.spec.IsCut())
	}
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

// write writes the file to a temporary one for other programs to read.
func (s *store) write(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "virtual.mp4")
	if err := os.WriteFile(path, s.whole(tb), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// payloads are the packets that the store's samples should become, given where
// on the time line each recording lies.
func (s *store) payloads(positions90k ...int64) []packet {
	var want []packet
	for i, frames := range s.Frames {
		at90k := positions90k[i]
		for k, f := range frames {
			sum := md5.Sum(f.Data)
			p := packet{at90k, int64(f.Duration90k), hex.EncodeToString(sum[:])}
			if k == len(frames)-1 && i+1 < len(s.Frames) {
				p.duration90k = positions90k[i+1] - at90k
			}
			want = append(want, p)
			at90k += p.duration90k
		}
	}
	return want
}
