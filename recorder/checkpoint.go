package recorder

import (
	"context"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// checkpointEvery bounds what a power cut can cost, with the time that a
// checkpoint takes: 10 s together, unless a disk needs more than 2 s for one. Each
// costs two fsyncs for each stream; see design/journal.md.
const checkpointEvery = 8 * time.Second

// checkpoints makes one checkpoint after another until the syncer is stopped. It
// has a goroutine of its own, since a save may wait for the index, and nothing
// that reads a camera or writes frames may wait for fsync.
func (s *syncer) checkpoints() {
	for {
		_, began := s.clock.Now()
		s.checkpoint()
		s.lookForDeletions()
		_, ended := s.clock.Now()
		select {
		case <-s.stop:
			return
		case <-s.clock.After(max(checkpointEvery-(ended-began), 0)):
		}
	}
}

// checkpoint makes durable what has been recorded so far, of all recordings at
// once (§ Checkpoint).
func (s *syncer) checkpoint() {
	drafts := s.openDrafts()
	for _, d := range drafts {
		failpoint.Do("checkpoint.1", d.journal.flush)
	}
	for _, d := range drafts {
		if err := d.Datasync(); err != nil {
			// The next write, or the save, says why. Until then nobody shall
			// salvage it: from the page cache it would look whole.
			s.dropJournal(d)
		}
	}
	for _, d := range drafts {
		d.journal.datasync()
	}
	s.syncNewNames()
}

// lookForDeletions has a save made if somebody has asked to delete something. If
// that cannot be found out, the next save says why.
func (s *syncer) lookForDeletions() {
	if pending, err := s.db.DeletionsPending(context.Background()); err == nil && pending {
		s.signal()
	}
}

// openDrafts lists the recordings that are not committed.
func (s *syncer) openDrafts() []*pendingFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	drafts := make([]*pendingFile, 0, len(s.drafts))
	for _, d := range s.drafts {
		drafts = append(drafts, d)
	}
	slices.SortFunc(drafts, func(a, b *pendingFile) int { return slices.Compare(a.name[:], b.name[:]) })
	return drafts
}

// dropJournal gives up a recording's journal.
func (s *syncer) dropJournal(d *pendingFile) {
	d.journal.close()
	if err := s.dir.UnlinkJournal(d.name); err != nil {
		s.log.Warn("cannot delete a journal; the next start will try again", "file", d.name, "err", err)
	}
}

// syncNewNames makes the names of new files durable, if there are any (§ Checkpoint
// step 4). Where that fails, the next save fails of it.
func (s *syncer) syncNewNames() {
	s.naming.Lock()
	defer s.naming.Unlock()
	if s.namesErr != nil || !s.newNames.Swap(false) {
		return
	}
	if err := failpoint.Step("checkpoint.4", s.dir.Sync); err != nil {
		s.namesErr = err
	}
}

// syncNames makes all creations and removals so far durable. The kernel may
// report a failure only once, so that of a checkpoint counts as well.
func (s *syncer) syncNames() error {
	s.naming.Lock()
	defer s.naming.Unlock()
	if err := s.namesErr; err != nil {
		s.namesErr = nil
		return err
	}
	s.newNames.Store(false)
	return failpoint.Step("delete.3", s.dir.Sync)
}
