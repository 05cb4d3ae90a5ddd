// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/journal"
)

// closeAttempts bounds how often the closing save is tried.
const closeAttempts = 3

// syncer keeps the recordings of one sample directory: it creates their files, makes
// them durable, commits them, and deletes them. It holds together those who do so, and
// runs them: one goroutine saves, another makes checkpoints.
type syncer struct {
	id          moonfirefs.SampleDirID
	dir         directory
	db          database
	clock       Clock
	log         *slog.Logger
	space       *space
	names       *reservedNames
	checkpoints *checkpoints
	retention   *retention
	saver       *saver
	salvager    *salvager
	admission   admission
	presence    *presence
	claims      claims

	// creating counts the sample files that are being created.
	creating atomic.Int64

	// started says that the goroutines run; it belongs to the recorder.
	started bool
	// stop is closed to end the goroutines.
	stop chan struct{}
	wg   sync.WaitGroup
}

func newSyncer(id moonfirefs.SampleDirID, dir directory, db database, minFreeBytes int64, clock Clock, log *slog.Logger) *syncer {
	s := &syncer{
		id: id, dir: dir, db: db, clock: clock, log: log,
		space:    &space{dir: dir, minFreeBytes: minFreeBytes},
		names:    newReservedNames(id, db),
		salvager: &salvager{id: id, dir: dir, db: db, log: log, logOf: func(stream moonfirefs.StreamID) *slog.Logger { return log.With("stream", stream) }},
		presence: &presence{dir: dir, clock: clock},
		stop:     make(chan struct{}),
	}
	e := newEntries(dir)
	s.checkpoints = newCheckpoints(dir, e, log)
	s.retention = &retention{id: id, dir: dir, names: s.names, clock: clock, log: log}
	s.saver = &saver{
		id: id, dir: dir, db: db, entries: e, names: s.names, checkpoints: s.checkpoints, retention: s.retention,
		presence: s.presence, clock: clock, ages: newAgeClock(clock), log: log, status: saverStatus{saving: task{clock: clock}, checkpointing: task{clock: clock}}, wake: make(chan struct{}, 1),
	}
	s.retention.wake = s.saver.signal
	return s
}

// open begins to record in an opening of the store.
func (s *syncer) open(ctx context.Context, opening moonfirefs.OpenID) error {
	s.endClaims()
	s.space.stay()
	s.retention.listen()
	if err := s.cleanUp(ctx); err != nil {
		s.forget()
		return err
	}
	s.admission.succeeded(opening)
	return nil
}

// cleanUp cleans up behind an earlier process (§ Start), deletes what
// exceeds quotas, and reserves the first names.
func (s *syncer) cleanUp(ctx context.Context) error {
	if err := s.salvage(ctx); err != nil {
		return err
	}
	var own []*finished
	failpoint.Do("salvage.4", func() { _, own = s.saver.syncFiles() })
	failpoint.Do("start.2", s.saver.unlink)
	if err := failpoint.Step("start.3", func() error { return s.saver.syncEntries(nil, own) }); err != nil {
		return err
	}
	streams, err := s.db.OverLimits(ctx, s.saver.ages.now90k())
	if err != nil {
		return err
	}
	if err := failpoint.Step("start.4", func() error { return s.saver.commit(streams) }); err != nil {
		return err
	}
	failpoint.Do("start.5", s.saver.unlink)
	return nil
}

// salvage has what can be salvaged committed, and the other reserved names deleted but
// those that are kept for a person to look at (§ Salvage).
func (s *syncer) salvage(ctx context.Context) error {
	found, err := s.salvager.salvage(ctx)
	if err != nil {
		return err
	}
	for _, name := range found.unused {
		s.names.know(name)
		s.retention.movedAside(name) // gone; the directory is synchronized before it is released
	}
	for _, name := range found.worthless {
		s.retention.doom(doomedFile{name: name})
	}
	for _, name := range found.kept {
		s.names.know(name)
	}
	for _, f := range found.salvaged {
		s.names.know(f.row.SampleFile)
		s.saver.add(f)
	}
	return nil
}

// forget lets go of everything, after an attempt to begin has failed: the index
// still knows it all.
func (s *syncer) forget() {
	s.saver.forget()
	s.checkpoints.forget()
	s.checkpoints.entries.forget()
	s.retention.forget()
}

// start starts the goroutines. While the syncer has not begun, it tries to, by calling
// admit; and so it does again when its directory was gone.
func (s *syncer) start(admit func(context.Context) error) {
	s.wg.Go(func() {
		for s.admission.begun() || s.await(admit) {
			gone := s.attend()
			if gone == nil {
				return
			}
			s.leave(gone)
		}
	})
}

// attend saves and makes checkpoints until the syncer is stopped, or the directory is
// gone; then it returns why, once nobody writes there any more.
func (s *syncer) attend() (gone error) {
	over := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { s.makeCheckpoints(over) })
	wg.Go(func() { s.saver.run(over) })
	gone = s.presence.await(s.stop)
	if gone != nil && !s.settle(gone) {
		gone = nil
	}
	close(over)
	wg.Wait()
	return gone
}

// settle has recordings in progress end, and waits for them, and a while for their
// commits: what is mounted no longer can still be written to while files are open there.
// It returns false if the syncer is stopped before.
func (s *syncer) settle(gone error) bool {
	s.space.leave(gone)
	_, since := s.clock.Now()
	for {
		s.saver.hurry()
		_, now := s.clock.Now()
		settled := s.saver.uncommitted.Load() == 0 || s.saver.status.failing() || now-since > settleFor
		if settled && s.creating.Load() == 0 && !s.checkpoints.inProgress() {
			return true
		}
		select {
		case <-s.stop:
			return false
		case <-s.clock.After(settleEvery):
		}
	}
}

// leave lets go of a directory that is gone. What is reserved or not committed is for the
// next attempt to begin there, as after a crash.
func (s *syncer) leave(gone error) {
	s.saver.closing = true
	if err := s.saver.save(); err != nil {
		s.log.Warn("what was recorded last to a sample directory that is gone is committed when it is back", "dir", s.dir.Path(), "err", err)
	}
	s.saver.closing = false
	s.forget()
	s.admission.left(gone)
	s.detach()
	s.logAbsent(gone)
}

// detach lets go of the directory.
func (s *syncer) detach() {
	if err := s.dir.Detach(); err != nil {
		s.log.Debug("cannot close a sample directory that is gone", "err", err)
	}
}

// makeCheckpoints makes one checkpoint after another until over is closed. It
// has a goroutine of its own, since a save may wait for the index, and nothing
// that reads a camera or writes frames may wait for fsync.
func (s *syncer) makeCheckpoints(over <-chan struct{}) {
	for {
		_, began := s.clock.Now()
		s.saver.checkpoint()
		s.saver.lookForDeletions()
		_, ended := s.clock.Now()
		select {
		case <-over:
			return
		case <-s.clock.After(max(checkpointEvery-(ended-began), 0)):
		}
	}
}

// create makes a new sample file under a reserved name, and a journal (§ Create
// steps 1 and 2). likelyBytes is how large the file may become, 0 if nobody knows.
func (s *syncer) create(stream moonfirefs.StreamID, runOffset int32, entry *moonfirefs.VideoSampleEntry, likelyBytes int64) (*pendingFile, error) {
	// First: settle looks at this after it has had everything refused.
	s.creating.Add(1)
	defer s.creating.Add(-1)
	opening, err := s.admission.read()
	if err != nil {
		return nil, err
	}
	if err := s.space.check(); err != nil {
		s.presence.suspect(err)
		return nil, err
	}
	if err := s.saver.requireRoom(); err != nil {
		return nil, err
	}
	name, err := s.names.take()
	if err != nil {
		return nil, err
	}
	var file sampleFile
	err = failpoint.Step("create.2", func() (err error) {
		file, err = s.dir.Create(name)
		return err
	})
	if err != nil {
		s.abandon(name)
		s.presence.suspect(err)
		return nil, err
	}
	s.space.preallocate(file, likelyBytes)
	return s.checkpoints.begin(file, &journal.Header{
		SampleFile: name, Stream: stream, Open: opening, RunOffset: runOffset, Entry: entry,
	}), nil
}

// abandon gives up a reserved name whose file does not become a recording, if
// there is a file at all.
func (s *syncer) abandon(name uuid.UUID) {
	s.checkpoints.done(name)
	s.retention.doomSoon(doomedFile{name: name})
}

// halt ends the goroutines. No recording may be in progress any more.
func (s *syncer) halt() {
	close(s.stop)
	s.wg.Wait()
	s.checkpoints.halt()
}

// flush saves what is left, without names for later recordings, and tries a few
// times. Only to be called after halt; twice, since the deletions of the first
// flush are released by the second.
func (s *syncer) flush() error {
	if !s.admission.begun() {
		return nil // what the index knows is for the next start
	}
	s.saver.closing = true
	var wait backoff
	for attempt := 1; ; attempt++ {
		s.retention.retryNow() // or at the next start
		err := s.adopt(context.Background())
		if err == nil {
			err = s.saver.save()
		}
		if err == nil || attempt == closeAttempts {
			return err
		}
		<-s.clock.After(wait.next())
	}
}

// adopt dooms every reserved name that nothing here knows of: left by a commit of
// which it never became known that it happened.
func (s *syncer) adopt(ctx context.Context) error {
	reserved, err := s.db.Reserved(ctx, s.id)
	if err != nil {
		return err
	}
	for _, name := range s.names.unknown(reserved) {
		s.retention.doom(doomedFile{name: name})
	}
	return nil
}
