package recorder

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// saveAll makes one save of everything that waits (§ Save). On error, nothing is
// lost but what could not be made durable; the next save goes on where this one
// stopped.
func (s *syncer) saveAll() error {
	var fresh []*finished
	failpoint.Do("save.1", func() { fresh = s.syncFiles(s.take()) })
	failpoint.Do("save.2", s.unlinkDoomed)
	var err error
	failpoint.Do("save.3", func() { err = s.syncDir(fresh) })
	if err != nil {
		return err
	}
	if err := failpoint.Step("save.4", func() error { return s.commit(nil) }); err != nil {
		return err
	}
	// What the commit has deleted. The names are released by the next save.
	failpoint.Do("save.5", s.unlinkDoomed)
	return nil
}

// take returns the recordings that wait.
func (s *syncer) take() []*finished {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.waiting
	s.waiting = nil
	return waiting
}

// syncFiles is § Create step 3. It returns the recordings that are safe so far.
// After a failed fsync, the kernel may have dropped the data and marked it clean:
// a second fsync would succeed and prove nothing, so that recording is lost.
func (s *syncer) syncFiles(waiting []*finished) []*finished {
	return slices.DeleteFunc(waiting, func(f *finished) bool {
		err := syncFile(f.file)
		if err != nil {
			s.discard(f, err)
		}
		return err != nil
	})
}

func syncFile(f sampleFile) error {
	err := failpoint.Step("create.3", f.Sync)
	return errors.Join(err, f.Close())
}

func (s *syncer) discard(f *finished, err error) {
	f.log.Error("a recording is lost: its file could not be made durable",
		"start", f.row.Start90k, "duration", f.row.Duration90k, "err", err)
	f.status.dropped(int(f.row.VideoSamples))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncommitted.Add(-1)
	s.doom(deletion{name: f.row.SampleFile, expected: true})
}

// unlinkDoomed is § Delete step 2. It also removes journals that have served.
func (s *syncer) unlinkDoomed() {
	s.unlinkOutdated()
	s.mu.Lock()
	s.deletions.pending = append(s.deletions.pending, s.doomed...)
	s.doomed = nil
	s.mu.Unlock()
	s.deletions.unlink()
	s.saving.quarantined.Store(int64(len(s.deletions.quarantined)))
}

// unlinkOutdated removes the journals of recordings that are committed.
func (s *syncer) unlinkOutdated() {
	for _, name := range s.outdated {
		if err := s.dir.UnlinkJournal(name); err != nil {
			s.log.Warn("cannot delete a journal; the next start will try again", "file", name, "err", err)
		}
	}
	s.outdated = nil
}

// syncDir is § Create step 4 for fresh recordings, and § Delete step 3 for what
// has been unlinked. If it fails, the fresh recordings are lost, as after a
// failed fsync of their files.
func (s *syncer) syncDir(fresh []*finished) error {
	if len(fresh) == 0 && len(s.deletions.unlinked) == 0 {
		return nil
	}
	err := failpoint.Step("create.4", s.syncNames)
	if err != nil {
		for _, f := range fresh {
			s.discard(f, err)
		}
		s.deletions.again()
		return err
	}
	s.durable = append(s.durable, fresh...)
	return nil
}

// commit is one transaction: § Create step 5, § Delete steps 1 and 4, and § Create
// step 1 of recordings to come. It enforces the quotas of the given streams
// besides those of the new recordings, and carries out what somebody has asked to
// delete. Files that are durable keep waiting for it
// if it fails: Save makes sure that none of them is committed twice.
func (s *syncer) commit(streams []moonfirefs.StreamID) error {
	for {
		err := s.commitOnce(streams)
		if refused := new(index.RefusedError); !errors.As(err, &refused) || !s.setAside(refused) {
			return err
		}
	}
}

// setAside takes a recording out of the way of the others that the index will never
// take, and tells whether there was one. Its file stays, with the journal, for a
// person to look at.
func (s *syncer) setAside(refused *index.RefusedError) bool {
	i := slices.IndexFunc(s.durable, func(f *finished) bool { return f.row.SampleFile == refused.SampleFile })
	if i < 0 {
		return false
	}
	f := s.durable[i]
	s.durable = slices.Delete(s.durable, i, i+1)
	path, err := s.moveAside(refused.SampleFile)
	f.log.Error("the index refuses a recording; its file is set aside", "path", path, "err", errors.Join(refused, err))
	f.status.dropped(int(f.row.VideoSamples))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uncommitted.Add(-1)
	s.forgetDraft(refused.SampleFile)
	if err == nil {
		s.deletions.unlinked = append(s.deletions.unlinked, refused.SampleFile) // and that is durable
	}
	return true
}

// moveAside moves the file of a recording aside, durably.
func (s *syncer) moveAside(name uuid.UUID) (path string, err error) {
	s.naming.Lock()
	defer s.naming.Unlock()
	path, err = s.dir.MoveAside(name)
	if err != nil && path != "" {
		s.namesErr = err // the kernel may report it only once
	}
	return path, err
}

// commitOnce is commit where no recording is refused.
func (s *syncer) commitOnce(streams []moonfirefs.StreamID) error {
	change := s.change(streams)
	if len(change.Insert)+len(change.Retain)+len(change.Release)+change.Reserve == 0 {
		if pending, err := s.db.DeletionsPending(context.Background()); err != nil || !pending {
			return err
		}
	}
	saved, err := s.db.Commit(context.Background(), change)
	if err != nil {
		return err
	}
	s.settle(change, saved)
	for _, f := range s.durable {
		f.saved()
	}
	s.durable, s.deletions.unlinked = nil, nil
	return nil
}

func (s *syncer) change(streams []moonfirefs.StreamID) *index.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	change := &index.Change{Dir: s.id, Retain: streams, Delete: true, Release: slices.Clone(s.deletions.unlinked)}
	for _, f := range s.durable {
		change.Insert = append(change.Insert, f.row)
		change.SampleEntries = append(change.SampleEntries, f.entry)
		change.AudioSampleEntries = append(change.AudioSampleEntries, f.audioEntry)
	}
	if s.closing {
		change.Release = append(change.Release, s.names...)
	} else {
		change.Reserve = max(s.spares-len(s.names), 0)
	}
	return change
}

// settle brings the books up to date with a change that was committed.
func (s *syncer) settle(change *index.Change, saved *index.Committed) {
	s.mu.Lock()
	s.uncommitted.Add(-int64(len(change.Insert)))
	for _, r := range change.Insert {
		delete(s.known, r.SampleFile)
		s.forgetDraft(r.SampleFile)
		s.outdated = append(s.outdated, r.SampleFile)
	}
	for _, name := range change.Release {
		delete(s.known, name)
	}
	if s.closing {
		s.names = nil
	}
	for _, name := range saved.Reserved {
		s.known[name] = struct{}{}
	}
	s.names = append(s.names, saved.Reserved...)
	s.mu.Unlock()

	for _, file := range saved.Deleted {
		s.route(file)
	}
}

// route takes a deleted file to the syncer of its directory.
func (s *syncer) route(file moonfirefs.SampleFile) {
	d := deletion{name: file.UUID, expected: true}
	switch peer := s.peers[file.Dir]; peer {
	case s:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.doom(d) // this save will unlink it
	case nil:
		s.log.Warn("a deleted sample file lies in a directory that is not open", "file", file.UUID, "dir", file.Dir)
	default:
		peer.delete(d)
	}
}
