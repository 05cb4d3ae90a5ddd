// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"slices"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// What somebody in another process has asked to delete goes the way of § Delete,
// also where nothing is recorded.
func TestDeletionOrder(t *testing.T) {
	b := newBench(t, plenty)
	b.recording(15)
	kept := b.recording(15)
	b.must(b.syncer.saver.save())
	first := b.recordings()[0]
	other, err := store.Open(t.Context(), b.path, store.Configuring, b.log)
	b.must(err)
	defer other.Close()
	d := &moonfirefs.Deletion{Stream: 1, Folder: "driveway", End90k: first.End90k(), LastRecording: first.ID}
	b.must(other.DB.RequestDeletion(t.Context(), d))
	b.unaccounted = true

	b.events = nil
	b.must(b.syncer.saver.save())
	b.must(b.syncer.saver.save())
	if want := []string{"save 0", "unlink", "fsync dir", "save 0"}; !slices.Equal(b.events, want) {
		t.Errorf("got  %q\nwant %q", b.events, want)
	}
	reserved, err := b.db.Reserved(t.Context(), 1)
	b.must(err)
	if slices.ContainsFunc(reserved, func(r index.Reservation) bool { return r.Deleting }) {
		t.Errorf("reserved: %v", reserved)
	}
	done, err := b.db.Deletion(t.Context(), d.ID)
	b.must(err)
	if done.Recordings != 1 || done.SampleFileBytes != first.SampleFileBytes || done.Done90k == 0 {
		t.Errorf("the line says %+v", done)
	}
	b.shot -= int(first.VideoSamples) // as if they had never been
	b.flush()
	hasBytes(t, b.recordings(), join(kept))
	b.noneReserved()
}

// A recorder that runs notices by itself.
func TestRunningRecorderDeletes(t *testing.T) {
	b := newBench(t, plenty)
	b.recording(15)
	b.must(b.syncer.saver.save())
	b.syncer.start(nil)
	d := &moonfirefs.Deletion{Stream: 1, End90k: moonfirefs.MaxTime90k, LastRecording: 1}
	b.must(b.db.RequestDeletion(t.Context(), d))
	b.unaccounted = true
	wait.Until(t, "the deletion", func() bool {
		done, err := b.db.Deletion(t.Context(), d.ID)
		b.must(err)
		return done.Done90k != 0
	})
	b.syncer.halt()
	b.shot = 0 // as if they had never been
	b.flush()
	if left := b.recordings(); len(left) != 0 {
		t.Errorf("%d recordings are left", len(left))
	}
	b.noneReserved()
}
