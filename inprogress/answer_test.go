// SPDX-License-Identifier: GPL-3.0-or-later

package inprogress_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/sample"
)

// freezingDir answers nothing while somebody else has the lock.
type freezingDir struct {
	*sample.Dir
	frozen sync.RWMutex
}

func (d *freezingDir) answer() {
	d.frozen.RLock()
	defer d.frozen.RUnlock()
}

func (d *freezingDir) Changed() (time.Time, error) {
	d.answer()
	return d.Dir.Changed()
}

func (d *freezingDir) ReadJournal(name uuid.UUID, maxBytes int64) ([]byte, error) {
	d.answer()
	return d.Dir.ReadJournal(name, maxBytes)
}

// TestFrozenDirectory ensures that a directory that does not answer delays nobody who looks for a
// camera that records elsewhere, and that who looks for one that records there gets all that
// there is once it answers.
func TestFrozenDirectory(t *testing.T) {
	path := teststore.New(t, 0)
	if _, err := store.AddDir(t.Context(), path, filepath.Join(t.TempDir(), "other"), nil); err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, store: teststore.MustOpen(t, path), stream: 1}
	b.draft = b.begin(start)
	b.must(b.draft.Grow(6))
	_, err := b.store.DB.Reserve(t.Context(), 2, 1)
	b.must(err)
	home, other := &freezingDir{Dir: b.store.Dirs[1]}, &freezingDir{Dir: b.store.Dirs[2]}
	b.finder = inprogress.New(b.store.DB, map[moonfirefs.SampleDirID]sample.Directory{1: home, 2: other})
	b.has(5)

	other.frozen.Lock()
	b.lookWhile(20, func() {})
	home.frozen.Lock()
	b.lookWhile(1, home.frozen.Unlock)
	other.frozen.Unlock()
	b.lookWhile(1, func() {})
}

// lookWhile looks for the recording of six frames a number of times, while something happens.
func (b *bench) lookWhile(looks int, happens func()) {
	b.Helper()
	counts := make(chan int, looks)
	go func() {
		for range looks {
			found, _ := b.finder.Of(b.Context(), b.stream) // what is found tells
			counts <- len(found)
		}
	}()
	happens()
	for range looks {
		if n, ok := wait.Receive(counts); !ok || n != 1 {
			b.Fatalf("%d recordings are found, or a directory is waited for that does not answer", n)
		}
	}
}
