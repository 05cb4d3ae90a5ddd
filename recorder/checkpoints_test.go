// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/camera"
	"github.com/moonfirefs/moonfirefs/journal"
	"github.com/moonfirefs/moonfirefs/sample"
)

// A checkpoint syncs the sample file before the journal, and both before the
// names, which only need it when they are new; and nothing without need.
func TestCheckpointOrder(t *testing.T) {
	b := newBench(t, plenty)
	b.shoot(15)
	b.syncer.checkpoints.makeOne(nil)
	b.syncer.checkpoints.makeOne(nil) // nothing is new
	b.shoot(5)
	b.syncer.checkpoints.makeOne(nil)
	got := slices.DeleteFunc(b.events, func(e string) bool { return strings.HasSuffix(e, "write") })
	want := []string{
		"create", "create journal", "fdatasync", "journal fdatasync", "fsync dir",
		"fdatasync", "journal fdatasync",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
	name := b.streamer.run.current.file.name
	data, err := b.dir.ReadJournal(name, journal.MaxBytes)
	b.must(err)
	if j, err := journal.Decode(data); err != nil || len(j.Samples) != 20 {
		t.Errorf("journal %+v, %v", j, err)
	}
	b.flush()
	b.events = nil
	b.syncer.checkpoints.makeOne(nil) // nothing is left
	if len(b.events) != 0 {
		t.Errorf("got %s", strings.Join(b.events, ", "))
	}
}

// A save leaves a checkpoint nothing to do, neither for the file nor for its name.
func TestCheckpointAfterSave(t *testing.T) {
	b := newBench(t, plenty)
	b.recording(15)
	b.fail["save 1"] = 1
	if err := b.syncer.saver.save(); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	b.events = nil
	b.syncer.checkpoints.makeOne(nil)
	if n := b.times("fdatasync") + b.times("fsync dir"); n != 0 {
		t.Errorf("got %s", strings.Join(b.events, ", "))
	}
	b.flush()
	b.noneReserved()
}

// When a checkpoint cannot make a sample file durable, its recording is lost: it
// is cut at once, is not committed however well later fsyncs go, and is not
// salvaged. Recording goes on.
func TestFailedCheckpoint(t *testing.T) {
	for name, crash := range map[string]bool{"then committed": false, "then crashed": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, plenty)
			b.shoot(15)
			b.fail["fdatasync"] = 1
			b.syncer.checkpoints.makeOne(nil)
			if n := b.journals(); n != 0 {
				t.Errorf("%d journals are left", n)
			}
			if crash {
				b.restart()
				b.shoot(5)
			} else {
				b.shoot(5)
				if err := b.streamer.status.read().LastError; !strings.Contains(err, errSpoiled.Error()) {
					t.Errorf("status says %q", err)
				}
			}
			b.clock.pass(maxBackoff)
			kept := b.shoot(10)
			b.flush()
			hasBytes(t, b.recordings(), join(kept))
			b.noneReserved()
			if names, _ := b.dir.List(); len(names) != 1 {
				t.Errorf("%d files are left", len(names))
			}
		})
	}
}

// When a checkpoint cannot make names durable, the next save does not believe
// that its own fsync of the directory could.
func TestFailedCheckpointOfNames(t *testing.T) {
	b := newBench(t, plenty)
	b.shoot(15)
	b.fail["fsync dir"] = 1
	b.syncer.checkpoints.makeOne(nil)
	b.syncer.checkpoints.makeOne(nil)
	b.streamer.endRun()
	if err := b.syncer.saver.save(); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	if n := b.times("fsync dir"); n != 1 {
		t.Errorf("%d fsyncs of the directory", n)
	}
	kept := b.recording(10)
	b.flush()
	hasBytes(t, b.recordings(), join(kept))
	b.noneReserved()
}

// Trouble with a journal does its recording no harm, is logged once for all of
// them, and what was written before can be salvaged.
func TestJournalTrouble(t *testing.T) {
	tests := map[string]struct {
		event    string
		salvaged int
	}{
		"cannot be created":      {"create journal", 0},
		"cannot be written":      {"journal write", 0},
		"cannot be made durable": {"journal fdatasync", 15},
	}
	for name, test := range tests {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crash %t", name, crash), func(t *testing.T) {
				b := newBench(t, plenty)
				var text strings.Builder
				log := slog.New(slog.NewTextHandler(&text, nil))
				b.syncer.checkpoints.trouble.log = log
				b.fail[test.event] = 2
				frames := b.shoot(15)
				b.syncer.checkpoints.makeOne(nil)
				frames = append(frames, b.shoot(15)...)
				if crash {
					b.restart()
					hasBytes(t, b.recordings(), join(frames[:test.salvaged]))
				} else {
					b.streamer.endRun()
					frames = append(frames, b.shoot(15)...)
					b.syncer.checkpoints.makeOne(nil)
					b.streamer.endRun()
					b.must(b.syncer.saver.save())
					frames = append(frames, b.recording(15)...)
					b.flush()
					hasBytes(t, b.recordings(), join(frames))
					if n := strings.Count(text.String(), "cannot be written"); n != 1 {
						t.Errorf("logged:\n%s", &text)
					}
				}
				b.flush()
				b.noneReserved()
				if n := b.journals(); n != 0 {
					t.Errorf("%d journals are left", n)
				}
			})
		}
	}
}

// A journal that cannot be deleted goes at the next start.
func TestJournalThatStays(t *testing.T) {
	b := newBench(t, plenty)
	kept := b.recording(15)
	b.fail["unlink journal"] = 1
	b.must(b.syncer.saver.save())
	b.flush()
	if n := b.journals(); n != 1 {
		t.Fatalf("%d journals are left", n)
	}
	b.restart()
	if n := b.journals(); n != 0 {
		t.Errorf("%d journals are left", n)
	}
	hasBytes(t, b.recordings(), join(kept))
}

// Appending a frame allocates nothing, with a journal as without.
func TestAppendDoesNotAllocate(t *testing.T) {
	r := newFileRecording(t, true)
	frame := camera.Frame{Data: make([]byte, 100)}
	n := 0
	step := func() {
		frame.Sync = n%30 == 0
		n++
		must(t, r.append(&item{frame: frame}, 3000))
		if r.isDue() {
			must(t, r.flush())
		}
	}
	for range 200_000 {
		step() // until the video index has grown for what follows
	}
	must(t, r.flush())
	if allocs := testing.AllocsPerRun(1000, step); allocs != 0 {
		t.Errorf("%v allocations per frame", allocs)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newFileRecording returns a recording in real files.
func newFileRecording(t testing.TB, withJournal bool) *recording {
	t.Helper()
	path, id, name := filepath.Join(t.TempDir(), "samples"), sample.Identity{Store: uuid.New(), Dir: uuid.New()}, uuid.New()
	must(t, sample.Create(path, id))
	dir := sample.New(path, id, sample.Recording)
	must(t, dir.Attach())
	t.Cleanup(func() { dir.Close() })
	file, err := dir.Create(name)
	must(t, err)
	t.Cleanup(func() { file.Close() })
	pending := &pendingFile{name: name, file: file}
	if withJournal {
		journalFile, err := dir.CreateJournal(name)
		must(t, err)
		header := &journal.Header{SampleFile: name, Stream: 1, Open: 1, Entry: testEntry}
		pending.journal, err = newJournalWriter(journalFile, header, func(err error) { t.Error(err) })
		must(t, err)
		t.Cleanup(func() { pending.journal.close() })
	}
	return newTestRecording(pending, &space{dir: sampleDir{dir}})
}

// BenchmarkAppend appends frames of 16 KiB, 4 Mbit/s at 30 a second, to real files.
func BenchmarkAppend(b *testing.B) {
	for name, withJournal := range map[string]bool{"with journal": true, "without": false} {
		b.Run(name, func(b *testing.B) {
			r := newFileRecording(b, withJournal)
			frame := camera.Frame{Data: make([]byte, 16<<10)}
			b.SetBytes(int64(len(frame.Data)))
			n := 0
			for b.Loop() {
				frame.Sync = n%60 == 0
				n++
				must(b, r.append(&item{frame: frame}, 3000))
				if r.isDue() {
					must(b, r.flush())
				}
				if n%1800 == 0 { // a minute
					must(b, r.file.Truncate(0))
				}
			}
		})
	}
}
