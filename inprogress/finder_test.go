// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress_test

import (
	"errors"
	"os"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

const (
	fps    = 5
	start  = moonfirefs.Time90k(1_800_000_000 * moonfirefs.UnitsPerSecond)
	second = moonfirefs.Duration90k(moonfirefs.UnitsPerSecond)
)

var media = teststore.MadeUp(teststore.Params{Codec: teststore.H264, Width: 640, Height: 360, FPS: fps, Seconds: 60}, 1000)

// bench is a store with a recording in progress.
type bench struct {
	*testing.T
	store  *teststore.Store
	draft  *teststore.Draft
	stream moonfirefs.StreamID
	finder *inprogress.Finder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, store: teststore.MustOpen(t, teststore.New(t, 0))}
	b.stream = 1
	b.draft = b.begin(start)
	b.finder = inprogress.New(b.store.DB, b.store.Directories())
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) begin(at moonfirefs.Time90k) *teststore.Draft {
	b.Helper()
	d, err := b.store.Begin(b.Context(), teststore.Take{Folder: teststore.Driveway, Start: at, Recordings: 1, Media: media})
	b.must(err)
	b.Cleanup(func() { b.must(d.Close()) })
	return d
}

// frames looks, and returns how many frames each recording has.
func (b *bench) frames() (counts []int) {
	b.Helper()
	found, err := b.finder.Of(b.Context(), b.stream)
	b.must(err)
	for _, r := range found {
		if problem := r.IndexProblem(); problem != "" {
			b.Error(problem)
		}
		counts = append(counts, int(r.VideoSamples))
	}
	return counts
}

func (b *bench) has(want ...int) {
	b.Helper()
	got := b.frames()
	if len(got) != len(want) {
		b.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			b.Fatalf("got %v, want %v", got, want)
		}
	}
}

// Of a recording in progress, the groups of pictures are there that are complete, whoever
// looks and whenever.
func TestGroupsAppearWhenTheyAreComplete(t *testing.T) {
	b := newBench(t)
	b.has()
	for n, want := range []int{0, 0, 0, 0, 0, 5, 5, 5, 5, 5, 10} {
		b.must(b.draft.Grow(1))
		if want == 0 {
			b.has()
		} else {
			b.has(want)
		}
		if n == 7 {
			b.finder = inprogress.New(b.store.DB, b.store.Directories()) // another process
		}
	}
}

// Of a recording that another one follows, all is there; once it is committed, it is not in
// progress any more.
func TestRecordingsFollowEachOther(t *testing.T) {
	b := newBench(t)
	b.must(b.draft.Grow(9))
	b.has(5)
	found, err := b.finder.Of(t.Context(), b.stream)
	b.must(err)
	next := b.begin(start.Add(9 * second / fps))
	b.has(5)
	b.must(next.Grow(6))
	b.has(9, 5)
	_, err = b.draft.Commit(t.Context())
	b.must(err)
	b.has(5)
	if still, err := b.finder.InProgress(t.Context(), found); err != nil || still {
		t.Errorf("a recording that is committed is in progress: %v, %v", still, err)
	}
	if _, err := b.finder.At(t.Context(), b.stream, []inprogress.Mark{found[0].Mark()}); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("a recording that is committed is found: %v", err)
	}
}

// What was found once is found again, whatever has been added and however its start has
// moved.
func TestMarks(t *testing.T) {
	b := newBench(t)
	b.must(b.draft.Grow(6))
	found, err := b.finder.Of(t.Context(), b.stream)
	b.must(err)
	b.draft.Redate(start - 100)
	b.must(b.draft.Grow(20))
	b.has(25)
	again, err := b.finder.At(t.Context(), b.stream, []inprogress.Mark{found[0].Mark()})
	b.must(err)
	if again[0].Summary != found[0].Summary || string(again[0].VideoIndex) != string(found[0].VideoIndex) {
		t.Errorf("found %+v, then %+v", found[0].Summary, again[0].Summary)
	}
	now, err := b.finder.Of(t.Context(), b.stream)
	b.must(err)
	if now[0].Start90k != start-100 {
		t.Errorf("it starts at %v", now[0].Start90k)
	}
}

// TestCommittedMeanwhile ensures that a recording which is committed between a look at the
// names and one at its files is in progress no more, which is no error.
func TestCommittedMeanwhile(t *testing.T) {
	b := newBench(t)
	b.must(b.draft.Grow(11))
	found, err := b.finder.Of(t.Context(), b.stream)
	b.must(err)
	marks := []inprogress.Mark{found[0].Mark()}
	file, journal := b.draft.Paths()
	b.must(os.Chmod(file, 0o400)) // as a save does, and the name is still listed
	b.must(os.Remove(journal))
	b.has()
	if _, err := b.finder.At(t.Context(), b.stream, marks); !errors.Is(err, moonfirefs.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// Recordings of another stream are not found.
func TestOtherStreams(t *testing.T) {
	b := newBench(t)
	b.must(b.draft.Grow(6))
	b.stream = 2
	b.has()
	b.stream = 1
	b.has(5)
}

// An open file keeps its bytes, also when it is cut and unlinked.
func TestOpenFile(t *testing.T) {
	b := newBench(t)
	b.must(b.draft.Grow(6))
	found, err := b.finder.Of(t.Context(), b.stream)
	b.must(err)
	file, err := b.finder.Open(found[0].File())
	b.must(err)
	defer file.Release()
	path, _ := b.draft.Paths()
	before, err := os.ReadFile(path)
	b.must(err)
	b.must(b.draft.Grow(10))
	b.must(os.Truncate(path, found[0].SampleFileBytes))
	b.must(os.Remove(path))
	got := make([]byte, found[0].SampleFileBytes)
	b.must(file.Use().ReadAt(got, 0))
	file.Release()
	b.must(file.ReadAt(got, 0))
	if string(got) != string(before[:len(got)]) {
		t.Error("an open file has other bytes")
	}
}

// Damage costs what comes after it, and nothing more: of a journal, of a sample file, and
// where one of them is something else.
func TestDamage(t *testing.T) {
	tests := map[string]struct {
		spoil func(file, journal string) error
		want  int
	}{
		"sample file ends early": {func(file, _ string) error { return os.Truncate(file, 12_500) }, 10},
		"sample file is empty":   {func(file, _ string) error { return os.Truncate(file, 0) }, 0},
		"sample file is gone":    {func(file, _ string) error { return os.Remove(file) }, 0},
		"a byte is another one":  {func(file, _ string) error { return change(file, 7_500) }, 5},
		"journal is gone":        {func(_, journal string) error { return os.Remove(journal) }, 0},
		"journal is empty":       {func(_, journal string) error { return os.Truncate(journal, 0) }, 0},
		"journal ends early":     {func(_, journal string) error { return cutBack(journal, 1) }, 10},
		"header is damaged":      {func(_, journal string) error { return change(journal, 20) }, 0},
		"journal is of another file": {func(_, journal string) error {
			return change(journal, 12) // and its checksum is wrong
		}, 0},
		"journal is a folder": {func(_, journal string) error { return errors.Join(os.Remove(journal), os.Mkdir(journal, 0o700)) }, -1},
		"sample file is a link": {func(file, _ string) error {
			return errors.Join(os.Rename(file, file+"-other"), os.Symlink(file+"-other", file))
		}, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for range 3 {
				b.must(b.draft.Grow(5))
			}
			b.must(b.draft.Grow(1))
			b.must(test.spoil(b.draft.Paths()))
			found, err := b.finder.Of(t.Context(), b.stream)
			if (err != nil) != (test.want < 0) {
				t.Fatalf("got %v", err)
			}
			got := 0
			if len(found) > 0 {
				got = int(found[0].VideoSamples)
			}
			if got != max(0, test.want) {
				t.Errorf("found %d frames, want %d", got, test.want)
			}
		})
	}
}

func change(path string, at int64) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	var b [1]byte
	if _, err := file.ReadAt(b[:], at); err != nil {
		return err
	}
	b[0] ^= 0xff
	_, err = file.WriteAt(b[:], at)
	return err
}

func cutBack(path string, bytes int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Truncate(path, info.Size()-bytes)
}
