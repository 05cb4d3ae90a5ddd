// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/sample"
)

// spareNames are as many as a recorder keeps.
const spareNames = 512

// countingDir counts the journals that are looked for.
type countingDir struct {
	*sample.Dir
	journals int
}

func (d *countingDir) ReadJournal(name uuid.UUID, maxBytes int64) ([]byte, error) {
	d.journals++
	return d.Dir.ReadJournal(name, maxBytes)
}

// TestSpareNames ensures that the journals of names that are only spare are looked for once,
// and again once a file has come to the directory; which is noticed at once.
func TestSpareNames(t *testing.T) {
	b := newBench(t)
	_, err := b.store.DB.Reserve(t.Context(), 1, spareNames)
	b.must(err)
	b.must(b.draft.Grow(6))
	dir := &countingDir{Dir: b.store.Dirs[1]}
	b.finder = inprogress.New(b.store.DB, map[moonfirefs.SampleDirID]sample.Directory{1: dir})
	settle := func() { time.Sleep(50 * time.Millisecond) } // as far as the clock of the file system ticks
	settle()
	b.has(5)
	if dir.journals <= spareNames {
		t.Fatalf("%d journals are looked for at first", dir.journals)
	}
	// Unless the machine takes a second for a look, in which case all are looked for again.
	cheap := false
	for range 20 {
		dir.journals = 0
		b.has(5)
		cheap = cheap || dir.journals == 1
	}
	if !cheap {
		t.Errorf("%d journals are looked for where nothing has changed", dir.journals)
	}
	for n := range 5 {
		next := b.begin(start.Add(moonfirefs.Duration90k(n+1) * 2 * second))
		b.must(next.Grow(6))
		if counts := b.frames(); len(counts) != n+2 {
			t.Fatalf("%v, after %d more have begun", counts, n+1)
		}
		settle()
		b.frames()
	}
}

func BenchmarkLook(b *testing.B) {
	s := teststore.MustOpen(b, teststore.New(b, 0))
	if _, err := s.DB.Reserve(b.Context(), 1, spareNames); err != nil {
		b.Fatal(err)
	}
	f := inprogress.New(s.DB, s.Directories())
	for b.Loop() {
		if _, err := f.Of(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}
