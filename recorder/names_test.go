// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// TestNamesBridgeIndexFailure ensures that as many recordings can begin without the index
// as may wait to be committed, and that what is left of the names is released.
func TestNamesBridgeIndexFailure(t *testing.T) {
	f := newFixture(t, plenty)
	r := New(f.options(newScript()))
	f.must(r.Open(t.Context()))
	names := r.syncers[1].names
	names.db = &faults{db: f.store.DB, fail: map[string]int{"reserve": maxBacklog}}
	var taken []uuid.UUID
	for i := range maxBacklog + 1 { // one is that for the next recording
		name, ok := names.takeUnused()
		if !ok {
			t.Fatalf("recording %d finds no name", i)
		}
		taken = append(taken, name)
	}
	if _, err := names.take(); err == nil {
		t.Error("there are more names than are needed")
	}
	names.unused = taken
	f.must(r.Close())
	f.noneReserved()
}

// TestManyUnusedNames ensures that names of which there is no file cost no look at the
// disk each after a crash.
func TestManyUnusedNames(t *testing.T) {
	b := newBench(t, plenty)
	b.syncer.names.keepInStock(spareNames)
	b.must(b.syncer.saver.commit(nil))
	b.setUp() // as after a crash
	b.events = nil
	b.must(b.syncer.open(t.Context(), b.open))
	if n := b.times("unlink") + b.times("read journal"); n > 0 {
		t.Errorf("%d looks at names that were never used", n)
	}
	b.must(b.syncer.flush())
	b.must(b.syncer.flush())
	b.noneReserved()
}

// TestGivesUp ensures that the recorder tells when nothing can be recorded any more, since
// the index is damaged or its disk fails; a full disk it waits for.
func TestGivesUp(t *testing.T) {
	for _, tt := range []struct {
		err  error
		tell bool
	}{
		{index.ErrDiskFailing, true}, {moonfirefs.ErrCorrupt, true}, {moonfirefs.ErrNoSpace, false}, {moonfirefs.ErrBusy, false},
	} {
		b := newBench(t, plenty)
		r := New(b.options(newScript()))
		b.syncer.saver.givenUp = r.givenUp
		b.syncer.saver.db = brokenDatabase{b.faults, tt.err}
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.syncer.saver.run(stop)
		}()
		b.syncer.saver.uncommitted.Add(maxBacklog)
		b.syncer.saver.signal()
		wait.Until(t, "attempts to commit", func() bool { return b.syncer.dirStatus().FailedCommits > 2 })
		close(stop)
		<-done
		select {
		case err := <-r.Failed():
			if !tt.tell || !errors.Is(err, tt.err) {
				t.Errorf("%v: told %v", tt.err, err)
			}
		default:
			if tt.tell {
				t.Errorf("%v: told nothing", tt.err)
			}
		}
		if text := b.syncer.dirStatus().CommitError; text == "" {
			t.Errorf("%v: the status says nothing", tt.err)
		}
		b.syncer.saver.uncommitted.Store(0)
	}
}

// brokenDatabase commits nothing.
type brokenDatabase struct {
	database
	err error
}

func (d brokenDatabase) Commit(context.Context, *index.Change) (*index.Committed, error) {
	return nil, d.err
}

func (d brokenDatabase) DeletionsPending(context.Context) (bool, error) { return true, nil }
