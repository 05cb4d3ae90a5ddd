// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"log/slog"
	"sync"

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
		stop:     make(chan struct{}),
	}
	e := &entries{dir: dir}
	s.checkpoints = newCheckpoints(dir, e, log)
	s.retention = &retention{id: id, dir: dir, names: s.names, clock: clock, log: log}
	s.saver = &saver{
		id: id, dir: dir, db: db, entries: e, names: s.names, checkpoints: s.checkpoints, retention: s.retention,
		clock: clock, log: log, status: saverStatus{clock: clock}, wake: make(chan struct{}, 1),
	}
	s.retention.wake = s.saver.signal
	return s
}

// open begins to record in an opening of the store.
func (s *syncer) open(ctx context.Context, opening moonfirefs.OpenID) error {
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
	var fresh []*finished
	failpoint.Do("salvage.4", func() { fresh = s.saver.syncFiles() })
	failpoint.Do("start.2", s.saver.unlink)
	if err := failpoint.Step("start.3", func() error { return s.saver.syncEntries(fresh) }); err != nil {
		return err
	}
	streams, err := s.db.OverQuota(ctx)
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
	s.retention.forget()
}

// start starts the goroutines. If the syncer could not begin yet, it tries to, by
// calling admit.
func (s *syncer) start(admit func(context.Context) error, path string) {
	s.wg.Go(func() {
		if s.admission.err() != nil && !s.await(admit, path) {
			return
		}
		s.wg.Go(s.makeCheckpoints)
		s.saver.run(s.stop)
	})
}

// makeCheckpoints makes one checkpoint after another until the syncer is stopped. It
// has a goroutine of its own, since a save may wait for the index, and nothing
// that reads a camera or writes frames may wait for fsync.
func (s *syncer) makeCheckpoints() {
	for {
		_, began := s.clock.Now()
		s.checkpoints.makeOne()
		s.saver.lookForDeletions()
		_, ended := s.clock.Now()
		select {
		case <-s.stop:
			return
		case <-s.clock.After(max(checkpointEvery-(ended-began), 0)):
		}
	}
}

// create makes a new sample file under a reserved name, and a journal (§ Create
// steps 1 and 2).
func (s *syncer) create(stream moonfirefs.StreamID, runOffset int32, entry *moonfirefs.VideoSampleEntry) (*pendingFile, error) {
	opening, err := s.admission.read()
	if err != nil {
		return nil, err
	}
	if err := s.space.check(); err != nil {
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
		return nil, err
	}
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
