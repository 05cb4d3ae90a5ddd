// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// Ensures that any read gives what the same bytes of one great read do, and that
// SampleRange points at just the sample data.
func TestReadAtAnyOffset(t *testing.T) {
	for name, s := range varied() {
		t.Run(name, func(t *testing.T) {
			f, whole := s.layOut(t), s.whole(t)
			r := rand.New(rand.NewPCG(3, 4))
			for range 1000 {
				off := r.IntN(len(whole) + 1)
				n := min(len(whole)-off, r.IntN(1<<r.IntN(20)))
				checkRead(t, s, f, whole, off, n)
			}
			for _, slice := range f.slices {
				for _, off := range []int{int(slice.end) - 2, int(slice.end) - 1, int(slice.end)} {
					checkRead(t, s, f, whole, off, min(2, len(whole)-off))
				}
			}
		})
	}
}

// checkRead compares a read, and what SampleRange says of it, with the whole.
func checkRead(tb testing.TB, s *store, f *File, whole []byte, off, n int) {
	tb.Helper()
	p := bytes.Repeat([]byte{0xaa}, n)
	if err := f.ReadAt(context.Background(), s, p, int64(off)); err != nil {
		tb.Fatal(err)
	}
	if !bytes.Equal(p, whole[off:off+n]) {
		tb.Fatalf("%d bytes at %d differ from the same of the whole file", n, off)
	}
	recording, sampleOffset, ok := f.SampleRange(int64(off), n)
	if want := inSamples(f, off, n); ok != want {
		tb.Fatalf("SampleRange(%d, %d) says %v, want %v", off, n, ok, want)
	}
	if ok && !bytes.Equal(p, s.Files[recording][sampleOffset:sampleOffset+int64(n)]) {
		tb.Fatalf("SampleRange(%d, %d) points at other bytes", off, n)
	}
}

// inSamples finds out the slow way whether a read lies in one sample file.
func inSamples(f *File, off, n int) bool {
	var start int64
	for _, s := range f.slices {
		if s.kind == samplesSlice && int64(off) >= start && int64(off) < s.end && int64(off+n) <= s.end {
			return true
		}
		start = s.end
	}
	return false
}

// Ensures that sizes, layouts and sample data are served without any video
// index, and a recording's tables with only its own.
func TestVideoIndexesAreReadOnlyForTheirTables(t *testing.T) {
	s := hour(t)
	s.spec.Timestamps = true
	f := s.layOut(t)
	read := func(slice int) []int32 {
		p := make([]byte, f.slices[slice].end-f.start(slice))
		if err := f.ReadAt(context.Background(), s, p, f.start(slice)); err != nil {
			t.Fatal(err)
		}
		counts := make([]int32, len(s.IndexReads))
		for i := range counts {
			counts[i] = s.IndexReads[i].Swap(0)
		}
		return counts
	}
	tables := 0
	for i, slice := range f.slices {
		want := make([]int32, len(s.IndexReads))
		if slice.kind.isTable() {
			want[slice.arg] = 1
			tables++
		}
		if got := read(i); !equal(got, want) {
			t.Errorf("slice %d of kind %d reads indexes %v times, want %v", i, slice.kind, got, want)
		}
	}
	if tables != 3*len(s.Files) {
		t.Errorf("%d slices of tables", tables)
	}
}

func equal(a, b []int32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// Ensures that one File can serve many readers at once, as the race detector
// confirms.
func TestConcurrentReads(t *testing.T) {
	s := varied()["timestamps"]
	f, whole := s.layOut(t), s.whole(t)
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 0))
			for range 200 {
				off := r.IntN(len(whole))
				p := make([]byte, r.IntN(len(whole)-off))
				if err := f.ReadAt(context.Background(), s, p, int64(off)); err != nil || !bytes.Equal(p, whole[off:off+len(p)]) {
					t.Errorf("%d bytes at %d: %v, or other bytes", len(p), off, err)
				}
			}
		})
	}
	wg.Wait()
}

// Ensures that Size allocates nothing, since listings call it for every file.
func TestSizeDoesNotAllocate(t *testing.T) {
	for name, s := range varied() {
		if n := testing.AllocsPerRun(10, func() { Size(&s.spec) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Ensures that reads outside the file are refused, and an empty one at its end
// is not.
func TestReadAtBounds(t *testing.T) {
	s := hour(t)
	f := s.layOut(t)
	tests := []struct {
		off int64
		n   int
		ok  bool
	}{
		{0, 0, true}, {f.Size(), 0, true}, {f.Size() - 1, 1, true},
		{-1, 1, false}, {f.Size(), 1, false}, {f.Size() - 1, 2, false}, {f.Size() + 1, 0, false},
		{1<<63 - 1, 2, false},
	}
	for _, test := range tests {
		err := f.ReadAt(context.Background(), s, make([]byte, test.n), test.off)
		if (err == nil) != test.ok || err != nil && !errors.Is(err, moonfirefs.ErrInvalid) {
			t.Errorf("%d bytes at %d: %v", test.n, test.off, err)
		}
		if _, _, ok := f.SampleRange(test.off, test.n); ok && !test.ok {
			t.Errorf("%d bytes at %d are sample data", test.n, test.off)
		}
	}
}

// Ensures that a failing source fails every read that needs it.
func TestReadAtFailsWithItsSource(t *testing.T) {
	s := hour(t)
	f := s.layOut(t)
	s.Fail = errors.New("disk on fire")
	for i, slice := range f.slices {
		p := make([]byte, slice.end-f.start(i))
		err := f.ReadAt(context.Background(), s, p, f.start(i))
		if needed := slice.kind != fixedSlice && slice.kind != paddingSlice; errors.Is(err, s.Fail) != needed {
			t.Errorf("slice %d of kind %d: %v", i, slice.kind, err)
		}
	}
	if err := f.ReadAt(context.Background(), s, make([]byte, f.Size()), 0); !errors.Is(err, s.Fail) {
		t.Errorf("whole file: %v", err)
	}
}

// Ensures that a video index which contradicts its Summary fails each table,
// read in whole or in part.
func TestReadAtFindsContradictions(t *testing.T) {
	frames := pictures()
	tests := map[string]func(s *store){
		"sample too few":      func(s *store) { s.Indexes[1] = reencode(frames[75:149]) },
		"sample too many":     func(s *store) { s.Indexes[1] = reencode(frames[75:151]) },
		"other recording":     func(s *store) { s.Indexes[1] = s.Indexes[0] },
		"empty":               func(s *store) { s.Indexes[1] = nil },
		"truncated":           func(s *store) { s.Indexes[1] = s.Indexes[1][:len(s.Indexes[1])-1] },
		"sync samples, fewer": func(s *store) { s.spec.Recordings[1].VideoSyncSamples++ },
		"sync samples, more":  func(s *store) { s.spec.Recordings[1].VideoSyncSamples-- },
		"shorter":             func(s *store) { s.spec.Recordings[1].Duration90k++ },
		"longer":              func(s *store) { s.spec.Recordings[1].Duration90k-- },
		"bytes":               func(s *store) { s.spec.Recordings[1].SampleFileBytes++ },
		"unflagged zero":      func(s *store) { s.unflag(1) },
		"offsets, unflagged":  func(s *store) { s.Indexes[1] = reencode(reorder(frames[75:150])) },
		"flagged, no offsets": func(s *store) { s.spec.Recordings[1].Flags |= moonfirefs.FlagReordered },
		"counts beyond reason": func(s *store) {
			s.spec.Recordings[1].VideoSamples = 1 << 18
			s.spec.Recordings[1].SampleFileBytes = 1 << 25
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			s := hour(t)
			damage(s)
			f := s.layOut(t)
			for i, slice := range f.slices {
				if slice.arg != 1 || !slice.kind.isTable() {
					continue
				}
				for _, n := range []int64{slice.end - f.start(i), 1} {
					err := f.ReadAt(context.Background(), s, make([]byte, n), f.start(i))
					if !errors.Is(err, moonfirefs.ErrCorrupt) {
						t.Errorf("%d bytes of slice of kind %d: got %v, want ErrCorrupt", n, slice.kind, err)
					}
				}
			}
		})
	}
}

func reencode(frames []frame) []byte {
	var e moonfirefs.VideoIndexEncoder
	for _, f := range frames {
		e.Add(f.Sample)
	}
	return e.Blob()
}

// unflag makes recording i end with a zero that its flags do not tell of.
func (s *store) unflag(i int) {
	frames := append([]frame(nil), s.Frames[i]...)
	last := &frames[len(frames)-1]
	s.spec.Recordings[i].Duration90k -= moonfirefs.Duration90k(last.Duration90k)
	last.Duration90k = 0
	s.Indexes[i] = reencode(frames)
}

// Ensures that New refuses what it cannot lay out, and says whose fault it is.
func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		spoil func(s *Spec)
		want  error
	}{
		"no recordings": {func(s *Spec) { s.Recordings = nil }, moonfirefs.ErrInvalid},
		"no entry":      {func(s *Spec) { s.Entry = nil }, moonfirefs.ErrInvalid},
		"no zone":       {func(s *Spec) { s.Zone = nil }, moonfirefs.ErrInvalid},
		"disorder":      {func(s *Spec) { s.Recordings[0].Start90k++; s.Recordings[0].Start90k += 270000 }, moonfirefs.ErrInvalid},
		"empty excerpt": {func(s *Spec) { s.Excerpt = &moonfirefs.Interval{Start90k: noon + 1, End90k: noon + 1} }, moonfirefs.ErrInvalid},
		"early excerpt": {func(s *Spec) { s.Excerpt = &moonfirefs.Interval{Start90k: noon - 9, End90k: noon} }, moonfirefs.ErrInvalid},
		"cut entry": {func(s *Spec) {
			e := *s.Entry
			e.Data = e.Data[:len(e.Data)-1]
			s.Entry = &e
		}, moonfirefs.ErrCorrupt},
		"no samples":       {func(s *Spec) { s.Recordings[1].VideoSamples = 0 }, moonfirefs.ErrCorrupt},
		"no bytes":         {func(s *Spec) { s.Recordings[1].SampleFileBytes = 0 }, moonfirefs.ErrCorrupt},
		"all too sync":     {func(s *Spec) { s.Recordings[1].VideoSyncSamples = 76 }, moonfirefs.ErrCorrupt},
		"negative":         {func(s *Spec) { s.Recordings[1].Duration90k = -1 }, moonfirefs.ErrCorrupt},
		"too long":         {func(s *Spec) { s.Recordings[1].Duration90k = moonfirefs.MaxRecordingDuration90k }, moonfirefs.ErrCorrupt},
		"too many samples": {func(s *Spec) { s.Recordings[1].VideoSamples = 1 << 30; s.Recordings[1].SampleFileBytes = 1 << 40 }, moonfirefs.ErrCorrupt},
		"too many samples together": {func(s *Spec) {
			r := s.Recordings[1]
			r.VideoSamples, r.SampleFileBytes = 1<<18, 1<<30
			s.Recordings = append(s.Recordings[:1], slices.Repeat([]moonfirefs.Summary{r}, 1500)...)
		}, moonfirefs.ErrInvalid},
	}
	for name, test := range tests {
		s := hour(t)
		test.spoil(&s.spec)
		if _, err := New(&s.spec); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}
