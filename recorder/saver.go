// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// errBacklog is returned when so many recordings wait to be committed that no
// new one may begin.
var errBacklog = errors.New("the index cannot be written")

const (
	// maxBacklog bounds the memory that uncommitted recordings take: about 10 KiB
	// each.
	maxBacklog = 512
	// gatherFrom is how long recordings must be to wait for others, so that they share a
	// commit: from the first checkpoint when one has waited for as long as there is between
	// two of them. Shorter ones are made by people who want to see something soon.
	gatherFrom = time.Minute
	// tidyEvery is how soon the names of deleted files are released where no
	// recording is committed in the meantime.
	tidyEvery = time.Minute
)

// finished is a recording that has all of its samples. Its file is open until it
// is durable.
type finished struct {
	row   *moonfirefs.Recording // of which the index fills in the ids
	entry *moonfirefs.VideoSampleEntry
	// audioEntry is nil if there is no audio.
	audioEntry *moonfirefs.AudioSampleEntry
	file       sampleFile
	// since is when it was finished, by the monotonic clock.
	since  time.Duration
	status *status
	log    *slog.Logger
}

// committed is called when the recording is in the index.
func (f *finished) committed() {
	f.status.committed()
	f.log.Debug("saved", "recording", f.row.ID, "start", f.row.Start90k,
		"file", f.row.SampleFile, "bytes", f.row.SampleFileBytes)
}

// saver makes the finished recordings of one sample directory durable and commits them:
// one save after another, each of which takes all that waits (§ Save). In the same
// steps, it has files deleted and names reserved and released. Recordings are added by
// anybody; everything else is done by one goroutine.
type saver struct {
	id          moonfirefs.SampleDirID
	dir         directory
	db          database
	entries     *entries
	names       *reservedNames
	checkpoints *checkpoints
	retention   *retention
	presence    *presence
	clock       Clock
	ages        *ageClock
	log         *slog.Logger
	status      saverStatus
	// givenUp is told why recordings will never be committed, when no more may wait; nil
	// means nobody.
	givenUp func(error)
	// gathers says that finished recordings wait for others, to share a commit with them.
	gathers bool
	// wake holds a token when there is something to save.
	wake chan struct{}

	// uncommitted counts the recordings in waiting, fresh and durable.
	uncommitted atomic.Int64

	// syncing is held while files of recordings are made durable, by a save or a checkpoint,
	// lest those of a stream overtake each other; it guards fresh.
	syncing sync.Mutex
	// fresh are recordings whose files a checkpoint has made durable, and their names, unless
	// entries.sync says otherwise.
	fresh []*finished

	mu sync.Mutex // guards what follows
	// waiting are finished recordings, those of a stream in order.
	waiting []*finished
	// overLimits are streams that have more, or older, footage than they may.
	overLimits []moonfirefs.StreamID

	// What follows belongs to the goroutine that saves.

	// durable are recordings of which nothing but the row is missing, since an
	// earlier save failed.
	durable []*finished
	// outdated are the names of committed recordings whose journals are left.
	outdated []uuid.UUID
	// closing says that no name is needed any more.
	closing bool
}

// add takes on a finished recording; it does not wait. The recordings of a stream are
// committed in the order in which they are added.
func (s *saver) add(f *finished) {
	_, f.since = s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, f)
	s.uncommitted.Add(1)
	s.checkpoints.complete(f.row.SampleFile)
	if !s.gathers {
		s.signal()
	}
}

// take returns the recordings that wait.
func (s *saver) take() []*finished {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := s.waiting
	s.waiting = nil
	return waiting
}

// checkpoint makes a checkpoint, and with it the files of recordings that wait durable. If
// one of them has waited for long enough, it has a save made.
func (s *saver) checkpoint() {
	s.status.checkpointing.begin()
	defer s.status.checkpointing.end()
	s.syncing.Lock()
	defer s.syncing.Unlock()
	waiting := s.take()
	safe := s.believe(waiting, s.checkpoints.makeOne(waiting))
	s.fresh = append(s.fresh, safe...)
	if len(safe) < len(waiting) || s.isDue() {
		s.signal()
	}
}

// isDue tells whether one of the fresh recordings has waited for long enough, or so many
// wait that soon no other could begin. It is called with s.syncing held.
func (s *saver) isDue() bool {
	_, now := s.clock.Now()
	return len(s.fresh) > 0 && (now-s.fresh[0].since >= checkpointEvery || s.uncommitted.Load() >= maxBacklog/2)
}

// requireRoom fails if too many recordings wait to be committed.
func (s *saver) requireRoom() error {
	if s.uncommitted.Load() >= maxBacklog {
		return errBacklog
	}
	return nil
}

// hurry has finished recordings committed although others could come that share the commit.
func (s *saver) hurry() {
	if s.gathers && s.uncommitted.Load() > 0 {
		s.signal()
	}
}

func (s *saver) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// lookForDeletions has a save made if there is something to delete although nothing is
// inserted: somebody has asked for it, or has lowered a quota, or time has passed. So space is freed also
// while the disk is full, or the stream is down or retired. If that cannot be found out,
// the next save says why.
func (s *saver) lookForDeletions() {
	ctx := context.Background()
	streams, err := s.db.OverLimits(ctx, s.ages.now90k())
	if err != nil {
		return
	}
	pending, err := s.db.DeletionsPending(ctx)
	if err != nil || !pending && len(streams) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overLimits = streams
	s.signal()
}

// takeOverLimits returns what lookForDeletions has found since it was called last.
func (s *saver) takeOverLimits() []moonfirefs.StreamID {
	s.mu.Lock()
	defer s.mu.Unlock()
	streams := s.overLimits
	s.overLimits = nil
	return streams
}

// run saves whenever there is something to save, until stop is closed.
func (s *saver) run(stop <-chan struct{}) {
	var wait backoff
	var failed error
	for {
		wake, timer := s.wake, tidyEvery
		if failed != nil {
			wake, timer = nil, wait.next()
		}
		select {
		case <-stop:
			return
		case <-wake:
		case <-s.clock.After(timer):
		}
		err := s.status.observe(s.save)
		if err == nil {
			wait.reset()
		}
		s.logChange(failed, err)
		failed = err
		if s.givenUp != nil && isHopeless(err) && s.requireRoom() != nil {
			s.givenUp(err)
		}
	}
}

// isHopeless tells whether an error of the index will not pass by itself.
func isHopeless(err error) bool {
	return errors.Is(err, index.ErrDiskFailing) || errors.Is(err, moonfirefs.ErrCorrupt) || errors.Is(err, moonfirefs.ErrForeign)
}

// logChange logs the first of several failures, and that they are over.
func (s *saver) logChange(before, err error) {
	switch {
	case err != nil && isNews(before, err):
		s.log.Error("cannot save recordings; will try again", "err", err)
	case err == nil && before != nil:
		s.log.Info("recordings are saved again")
	}
}

// save makes one save of everything that waits (§ Save). On error, nothing is
// lost but what could not be made durable; the next save goes on where this one
// stopped.
func (s *saver) save() error {
	var fresh, own []*finished
	failpoint.Do("save.1", func() { fresh, own = s.syncFiles() })
	failpoint.Do("save.2", s.unlink)
	var err error
	failpoint.Do("save.3", func() { err = s.syncEntries(fresh, own) })
	if err != nil {
		return err
	}
	if err := failpoint.Step("save.4", func() error { return s.commit(s.takeOverLimits()) }); err != nil {
		return err
	}
	// What the commit has deleted. The names are released by the next save.
	failpoint.Do("save.5", s.unlink)
	return nil
}

// syncFiles makes the files of all recordings that wait durable (§ Create step 3). It returns
// the recordings that are safe so far: those of checkpoints, and its own. After a failed fsync, the kernel may have
// dropped the data and marked it clean: a second fsync would succeed and prove nothing,
// so that recording is lost.
func (s *saver) syncFiles() (fresh, own []*finished) {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	waiting := s.take()
	own = s.believe(waiting, syncEach(waiting))
	fresh, s.fresh = s.fresh, nil
	return fresh, own
}

// believe closes the files of recordings, and returns those that are durable. errs are why
// others are not; they are given up.
func (s *saver) believe(recordings []*finished, errs []error) (safe []*finished) {
	for i, f := range recordings {
		if err := errors.Join(errs[i], f.file.Close()); err != nil {
			s.discard(f, err)
			continue
		}
		safe = append(safe, f)
	}
	return safe
}

// discard gives up a recording that could not be made durable.
func (s *saver) discard(f *finished, err error) {
	s.presence.suspect(err)
	f.log.Error("a recording is lost: its file could not be made durable",
		"start", f.row.Start90k, "duration", f.row.Duration90k, "err", err)
	f.status.dropped(int(f.row.VideoSamples))
	s.uncommitted.Add(-1)
	s.checkpoints.done(f.row.SampleFile)
	s.retention.doom(doomedFile{name: f.row.SampleFile, expected: true})
}

// unlink removes the journals of recordings that are committed, and doomed files.
func (s *saver) unlink() {
	for _, name := range s.outdated {
		if err := s.dir.UnlinkJournal(name); err != nil {
			s.log.Warn("cannot delete a journal; the next start will try again", "file", name, "err", err)
		}
	}
	s.outdated = nil
	before := len(s.retention.unlinked)
	s.retention.unlink()
	if len(s.retention.unlinked) > before {
		s.entries.unlinked.Store(true)
	}
}

// syncEntries is § Create step 4 for the save's own recordings, of which no checkpoint has
// done it, and § Delete step 3 for what has been unlinked. If it fails, or that of a
// checkpoint has failed, all of them are lost, as after a failed fsync of their files.
func (s *saver) syncEntries(fresh, own []*finished) error {
	all := slices.Concat(fresh, own)
	if len(all) == 0 && len(s.retention.unlinked) == 0 {
		return nil
	}
	err := failpoint.Step("create.4", func() error { return s.entries.sync(len(own) > 0) })
	if err != nil {
		for _, f := range all {
			s.discard(f, err)
		}
		s.retention.again()
		return err
	}
	s.durable = append(s.durable, all...)
	return nil
}

// commit is one transaction: § Create step 5, § Delete steps 1 and 4, and § Create
// step 1 of recordings to come. It enforces the quotas of the given streams
// besides those of the new recordings, and carries out what somebody has asked to
// delete. If it fails, recordings that are durable keep waiting for it: the index makes
// sure that none of them is committed twice.
func (s *saver) commit(streams []moonfirefs.StreamID) error {
	for {
		err := s.commitOnce(streams)
		if refused := new(index.RefusedError); !errors.As(err, &refused) || !s.setAside(refused) {
			return err
		}
	}
}

// commitOnce is commit where no recording is refused.
func (s *saver) commitOnce(streams []moonfirefs.StreamID) error {
	change := s.change(streams)
	if len(change.Insert)+len(change.Retain)+len(change.Release)+change.Reserve == 0 {
		if pending, err := s.db.DeletionsPending(context.Background()); err != nil || !pending {
			return err
		}
	}
	done, err := s.db.Commit(context.Background(), change)
	if err != nil {
		return err
	}
	s.names.committed(change, done.Reserved)
	s.retention.released()
	for _, f := range s.durable {
		s.checkpoints.done(f.row.SampleFile)
		s.outdated = append(s.outdated, f.row.SampleFile)
		f.committed()
	}
	s.uncommitted.Add(-int64(len(s.durable)))
	s.durable = nil
	for _, file := range done.Deleted {
		s.retention.deleted(file)
	}
	return nil
}

// change is what the next transaction is to do.
func (s *saver) change(streams []moonfirefs.StreamID) *index.Change {
	change := &index.Change{Dir: s.id, Retain: streams, Now90k: s.ages.now90k(), Delete: true, Release: s.retention.releasable()}
	for _, f := range s.durable {
		change.Insert = append(change.Insert, f.row)
		change.SampleEntries = append(change.SampleEntries, f.entry)
		change.AudioSampleEntries = append(change.AudioSampleEntries, f.audioEntry)
	}
	if s.closing {
		change.Release = append(change.Release, s.names.left()...)
	} else {
		change.Reserve = s.names.missing()
	}
	return change
}

// setAside takes a recording out of the way of the others that the index will never
// take, and tells whether there was one. Its file stays, with the journal, for a
// person to look at.
func (s *saver) setAside(refused *index.RefusedError) bool {
	name := refused.SampleFile
	i := slices.IndexFunc(s.durable, func(f *finished) bool { return f.row.SampleFile == name })
	if i < 0 {
		return false
	}
	f := s.durable[i]
	s.durable = slices.Delete(s.durable, i, i+1)
	path, err := s.entries.moveAside(name)
	f.log.Error("the index refuses a recording; its file is set aside", "path", path, "err", errors.Join(refused, err))
	f.status.dropped(int(f.row.VideoSamples))
	s.uncommitted.Add(-1)
	s.checkpoints.done(name)
	if err == nil {
		s.retention.movedAside(name)
	}
	return true
}

// forget lets go of all recordings: the index still knows their names.
func (s *saver) forget() {
	closeAll(s.take())
	s.syncing.Lock()
	defer s.syncing.Unlock()
	s.fresh, s.durable, s.outdated = nil, nil, nil
	s.uncommitted.Store(0)
}

func closeAll(all []*finished) {
	for _, f := range all {
		_ = f.file.Close() // nothing that was promised
	}
}
