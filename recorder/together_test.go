// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// newOrderedBench is newBench with a directory that makes files durable together.
func newOrderedBench(t *testing.T) *bench {
	b := newBench(t, plenty)
	b.ordered = true
	return b
}

// syncs are the events that have to do with durability.
func (b *bench) syncs() []string {
	return slices.DeleteFunc(slices.Clone(b.events), func(e string) bool { return strings.HasSuffix(e, "write") || strings.HasPrefix(e, "create") })
}

// TestCheckpointTogether ensures that all files are with the disk before the one barrier,
// which is for names as well, and that nothing is done without need.
func TestCheckpointTogether(t *testing.T) {
	b := newOrderedBench(t)
	b.shoot(15)
	b.syncer.saver.checkpoint()
	b.syncer.saver.checkpoint() // nothing is new
	b.shoot(5)
	b.syncer.saver.checkpoint()
	want := []string{"await", "journal await", "barrier", "await", "journal await", "barrier"}
	if got := b.syncs(); !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
	b.flush()
	b.noneReserved()
}

// TestFinishedWithCheckpoint ensures that a checkpoint leaves the next save nothing to do
// but its transaction, and that recordings of a stream are committed in their order, also
// where only some of them have seen a checkpoint. So it is on file systems of any kind.
func TestFinishedWithCheckpoint(t *testing.T) {
	for name, test := range map[string]struct {
		ordered bool
		want    []string
	}{
		"together": {true, []string{"await", "await", "journal await", "journal await", "barrier", "save 2"}},
		"in turn":  {false, []string{"fsync file", "fsync file", "journal fdatasync", "journal fdatasync", "fsync dir", "save 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, plenty)
			b.ordered = test.ordered
			frames := b.recording(15)
			frames = append(frames, b.recording(15)...)
			b.syncer.saver.checkpoint()
			b.fake.next += 9 - (b.fake.next+9)%10
			frames = append(frames, b.shoot(5)...) // a new file, which is of no concern to the save
			b.must(b.syncer.saver.save())
			got := slices.DeleteFunc(b.syncs(), func(e string) bool { return e == "reserve" || strings.HasPrefix(e, "unlink") })
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(test.want, ", "))
			}
			frames = append(frames, b.recording(15)...)
			b.syncer.saver.checkpoint()
			frames = append(frames, b.recording(15)...)
			b.must(b.syncer.saver.save())
			hasBytes(t, b.recordings(), join(frames))
			b.flush()
			b.noneReserved()
		})
	}
}

// TestFailedBarrier ensures that nothing is believed of what a barrier stood for that has
// failed: recordings in progress are cut and not salvaged, finished ones are not committed,
// and the names of files that were unlinked are not released. Recording goes on.
func TestFailedBarrier(t *testing.T) {
	for name, crash := range map[string]bool{"then committed": false, "then crashed": true} {
		t.Run(name, func(t *testing.T) {
			b := newOrderedBench(t)
			b.recording(15)
			b.shoot(10)
			b.fail["barrier"] = 1
			b.syncer.saver.checkpoint()
			if n := b.syncer.saver.uncommitted.Load(); n != 0 {
				t.Errorf("%d recordings wait", n)
			}
			if crash {
				b.restart()
				b.ordered = true
				b.shoot(5)
			} else {
				b.shoot(5)
				if err := b.syncer.saver.save(); !errors.Is(err, errInjected) {
					t.Errorf("the save after it: %v", err)
				}
			}
			b.clock.pass(maxBackoff)
			kept := b.recording(10)
			b.syncer.saver.checkpoint()
			b.flush()
			hasBytes(t, b.recordings(), join(kept))
			b.noneReserved()
			if names, _ := b.dir.List(); len(names) != 1 {
				t.Errorf("%d files are left", len(names))
			}
		})
	}
}

// TestFailedWriting ensures that a file which the disk does not take is lost, and no other.
func TestFailedWriting(t *testing.T) {
	b := newOrderedBench(t)
	b.recording(15)
	kept := b.recording(20)
	b.fail["await"] = 1
	b.syncer.saver.checkpoint()
	b.must(b.syncer.saver.save())
	hasBytes(t, b.recordings(), join(kept))
	b.flush()
	b.noneReserved()
	if names, _ := b.dir.List(); len(names) != 1 {
		t.Errorf("%d files are left", len(names))
	}
}

// TestUnlinkedBeforeCheckpoint ensures that a checkpoint makes it durable that files are
// gone, and that the next save relies on that.
func TestUnlinkedBeforeCheckpoint(t *testing.T) {
	b := newBench(t, 1000)
	b.ordered = true
	for range 3 {
		b.recording(20)
		b.must(b.syncer.saver.save()) // what exceeds the quota is unlinked last
	}
	b.shoot(5)
	b.syncer.saver.checkpoint()
	b.events = nil
	b.must(b.syncer.saver.save())
	if n := b.times("fsync dir"); n != 0 || len(b.syncer.retention.unlinked) != 0 {
		t.Errorf("%d fsyncs of the directory, %d names to release", n, len(b.syncer.retention.unlinked))
	}
	b.flush()
	b.noneReserved()
}

// TestGathering ensures that finished recordings wait for others, until one has waited for
// as long as there is between two checkpoints; but not at the end of a run.
func TestGathering(t *testing.T) {
	b := newOrderedBench(t)
	s := b.syncer.saver
	s.gathers = true
	isWoken := func() bool {
		select {
		case <-s.wake:
			return true
		default:
			return false
		}
	}
	for s.uncommitted.Load() == 0 {
		b.shoot(1)
	}
	s.checkpoint()
	if isWoken() {
		t.Error("a recording that was just finished is committed")
	}
	b.clock.pass(checkpointEvery)
	s.checkpoint()
	if !isWoken() {
		t.Error("a recording that has waited is not committed")
	}
	b.streamer.endRun()
	if !isWoken() {
		t.Error("the end of a run is not committed")
	}
	b.flush()
	b.noneReserved()
}
