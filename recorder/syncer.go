package recorder

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/journal"
	"github.com/moonfirefs/moonfirefs/sample"
)

// errBacklog is returned when so many recordings wait to be committed that no
// new one may begin.
var errBacklog = errors.New("the index cannot be written")

const (
	// maxBacklog bounds the memory that uncommitted recordings take: about 10 KiB
	// each.
	maxBacklog = 512
	// tidyEvery is how soon the names of deleted files are released where no
	// recording is saved in the meantime.
	tidyEvery = time.Minute
	// closeAttempts bounds how often the closing save is tried.
	closeAttempts = 3
)

// directory is what a syncer needs of a *sample.Dir; tests make it fail.
type directory interface {
	Create(uuid.UUID) (sampleFile, error)
	Reopen(uuid.UUID) (reopenedFile, error)
	Unlink(uuid.UUID) error
	CreateJournal(uuid.UUID) (journalFile, error)
	ReadJournal(name uuid.UUID, maxBytes int64) ([]byte, error)
	UnlinkJournal(uuid.UUID) error
	MoveAside(uuid.UUID) (path string, err error)
	Journals() ([]uuid.UUID, error)
	Sync() error
	Space() (sample.Space, error)
}

// sampleFile is what is needed of a *sample.NewFile; tests make it fail.
type sampleFile interface {
	io.WriteCloser
	Truncate(sizeBytes int64) error
	Sync() error
	// Datasync makes what was written so far durable.
	Datasync() error
}

// sampleDir makes a *sample.Dir a directory.
type sampleDir struct{ *sample.Dir }

func (d sampleDir) Create(name uuid.UUID) (sampleFile, error) { return d.Dir.Create(name) }

func (d sampleDir) Reopen(name uuid.UUID) (reopenedFile, error) { return d.Dir.Reopen(name) }

func (d sampleDir) CreateJournal(name uuid.UUID) (journalFile, error) {
	return d.Dir.CreateJournal(name)
}

// database is what a syncer needs of an *index.DB; tests make it fail.
type database interface {
	Commit(context.Context, *index.Change) (*index.Committed, error)
	Reserve(context.Context, moonfirefs.SampleDirID, int) ([]uuid.UUID, error)
	Reserved(context.Context, moonfirefs.SampleDirID) ([]index.Reservation, error)
	DeletionsPending(context.Context) (bool, error)
	CheckOrigin(context.Context, moonfirefs.StreamID, moonfirefs.OpenID) error
}

// finished is a recording that has all of its frames. Its file is open until it
// is durable.
type finished struct {
	row   *moonfirefs.Recording
	entry *moonfirefs.VideoSampleEntry
	// audioEntry is nil if there is no audio.
	audioEntry *moonfirefs.AudioSampleEntry
	file       sampleFile
	status     *status
	log        *slog.Logger
}

// saved is called when the recording is committed.
func (f *finished) saved() {
	f.status.saved()
	f.log.Debug("saved", "recording", f.row.ID, "start", f.row.Start90k,
		"file", f.row.SampleFile, "bytes", f.row.SampleFileBytes)
}

// syncer makes the recordings of one sample directory durable, commits them, and
// deletes what exceeds the quotas: one save after another, each of which takes
// all that waits. Between open and close, a goroutine of its own does so.
type syncer struct {
	id    moonfirefs.SampleDirID
	dir   directory
	db    database
	space *space
	clock Clock
	log   *slog.Logger
	// spares is the number of reserved names to keep ready for writers.
	spares int
	// peers are the syncers of all directories, this one included: recordings
	// that exceed a quota may lie in another directory than newer ones.
	peers map[moonfirefs.SampleDirID]*syncer
	// streamLogs have the keys of the streams that are recorded.
	streamLogs map[moonfirefs.StreamID]*slog.Logger

	// wake holds a token when there is something to save.
	wake chan struct{}
	stop chan struct{}
	wg   sync.WaitGroup

	admission      admission
	journalTrouble journalTrouble
	saving         savingStatus

	// uncommitted counts the recordings in waiting and durable. It changes with mu
	// held.
	uncommitted atomic.Int64

	// newNames says that files were created since the directory was last made
	// durable.
	newNames atomic.Bool
	naming   sync.Mutex // held while it is made durable; guards namesErr
	// namesErr is why a checkpoint could not, until a save has been told.
	namesErr error

	mu sync.Mutex // guards what follows
	// listening says that it has begun, or is about to and has not yet asked the
	// index what there is to do.
	listening bool
	// names are reserved, and no file has them.
	names []uuid.UUID
	// known has every reserved name of this directory that something here will
	// turn into a recording or release.
	known map[uuid.UUID]struct{}
	// drafts are the recordings of this run of the program that are not committed,
	// by their names.
	drafts map[uuid.UUID]*pendingFile
	// waiting are finished recordings, those of a stream in order.
	waiting []*finished
	// doomed are files to delete.
	doomed []deletion

	// What follows belongs to the goroutine, and before and after it to open and
	// flush.

	// durable are recordings of which nothing but the row is missing, since an
	// earlier save failed.
	durable   []*finished
	deletions deletions
	// outdated are the names of committed recordings whose journals are left.
	outdated []uuid.UUID
	closing  bool
}

func newSyncer(id moonfirefs.SampleDirID, dir directory, db database, minFreeBytes int64, clock Clock, log *slog.Logger) *syncer {
	return &syncer{
		id: id, dir: dir, db: db, clock: clock, log: log,
		space:          &space{dir: dir, minFreeBytes: minFreeBytes},
		wake:           make(chan struct{}, 1),
		stop:           make(chan struct{}),
		known:          make(map[uuid.UUID]struct{}),
		drafts:         make(map[uuid.UUID]*pendingFile),
		deletions:      deletions{dir: dir, clock: clock, log: log},
		journalTrouble: journalTrouble{log: log},
		saving:         savingStatus{clock: clock},
	}
}

// open begins to record in an opening of the store.
func (s *syncer) open(ctx context.Context, opening moonfirefs.OpenID, streams []moonfirefs.StreamID) error {
	s.mu.Lock()
	s.listening = true
	s.mu.Unlock()
	if err := s.cleanUp(ctx, streams); err != nil {
		s.forget()
		return err
	}
	s.admission.succeeded(opening)
	return nil
}

// cleanUp cleans up behind an earlier run of the program (§ Start), deletes what
// exceeds the quotas of the streams, and reserves the first names.
func (s *syncer) cleanUp(ctx context.Context, streams []moonfirefs.StreamID) error {
	if err := s.salvage(ctx); err != nil {
		return err
	}
	var fresh []*finished
	failpoint.Do("salvage.4", func() { fresh = s.syncFiles(s.take()) })
	failpoint.Do("start.2", s.unlinkDoomed)
	if err := failpoint.Step("start.3", func() error { return s.syncDir(fresh) }); err != nil {
		return err
	}
	if err := failpoint.Step("start.4", func() error { return s.commit(streams) }); err != nil {
		return err
	}
	failpoint.Do("start.5", s.unlinkDoomed)
	return nil
}

// adopt dooms every reserved name that nothing here knows of: left by a commit of
// which it never became known that it happened.
func (s *syncer) adopt(ctx context.Context) error {
	reserved, err := s.db.Reserved(ctx, s.id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range reserved {
		if _, ok := s.known[r.UUID]; !ok {
			s.doom(deletion{name: r.UUID})
		}
	}
	return nil
}

// start starts the goroutines. If the syncer could not begin yet, it tries to, by
// calling admit.
func (s *syncer) start(admit func(context.Context) error, path string) {
	s.wg.Go(func() {
		if s.admission.err() != nil && !s.await(admit, path) {
			return
		}
		s.wg.Go(s.checkpoints)
		s.run()
	})
}

// run saves whenever there is something to save, until stop is closed.
func (s *syncer) run() {
	var wait backoff
	var failed error
	for {
		wake, timer := s.wake, tidyEvery
		if failed != nil {
			wake, timer = nil, wait.next()
		}
		select {
		case <-s.stop:
			return
		case <-wake:
		case <-s.clock.After(timer):
		}
		err := s.saving.observe(s.saveAll)
		if err == nil {
			wait.reset()
		}
		s.logChange(failed, err)
		failed = err
	}
}

// logChange logs the first of several failures, and that they are over.
func (s *syncer) logChange(before, err error) {
	switch {
	case err != nil && isNews(before, err):
		s.log.Error("cannot save recordings; will try again", "err", err)
	case err == nil && before != nil:
		s.log.Info("recordings are saved again")
	}
}

// halt ends the goroutines. Writers must have been closed before.
func (s *syncer) halt() {
	close(s.stop)
	s.wg.Wait()
	for _, d := range s.openDrafts() {
		d.journal.close() // complete, since its writer is closed
	}
}

// flush saves what is left, without names for later recordings, and tries a few
// times. Only to be called after halt; twice, since the deletions of the first
// flush are released by the second.
func (s *syncer) flush() error {
	if !s.admission.begun() {
		return nil // what the index knows is for the next start
	}
	s.closing = true
	var wait backoff
	for attempt := 1; ; attempt++ {
		s.deletions.retry = 0 // quarantined files: now, or at the next start
		err := s.adopt(context.Background())
		if err == nil {
			err = s.saveAll()
		}
		if err == nil || attempt == closeAttempts {
			return err
		}
		<-s.clock.After(wait.next())
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
	name, err := s.takeName()
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
	header := &journal.Header{SampleFile: name, Stream: stream, Open: opening, RunOffset: runOffset, Entry: entry}
	d := &pendingFile{name: name, open: opening, file: file, journal: s.createJournal(header)}
	s.newNames.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drafts[name] = d
	return d, nil
}

// createJournal returns nil if it fails: that does the recording no harm.
func (s *syncer) createJournal(h *journal.Header) *journalWriter {
	file, err := s.dir.CreateJournal(h.SampleFile)
	if err != nil {
		s.journalTrouble.failed(err)
		return nil
	}
	j, err := newJournalWriter(file, h, s.journalTrouble.failed)
	if err != nil {
		s.journalTrouble.failed(errors.Join(err, file.Close()))
		return nil
	}
	return j
}

// takeName returns a reserved name: one that a save has reserved, as a rule.
func (s *syncer) takeName() (uuid.UUID, error) {
	s.mu.Lock()
	if s.uncommitted.Load() >= maxBacklog {
		s.mu.Unlock()
		return uuid.Nil, errBacklog
	}
	if n := len(s.names); n > 0 {
		name := s.names[n-1]
		s.names = s.names[:n-1]
		s.mu.Unlock()
		return name, nil
	}
	s.mu.Unlock()
	return s.reserve()
}

// reserve is § Create step 1 in a transaction of its own.
func (s *syncer) reserve() (uuid.UUID, error) {
	names, err := s.db.Reserve(context.Background(), s.id, 1)
	if err != nil {
		return uuid.Nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[names[0]] = struct{}{}
	return names[0], nil
}

// save hands over a finished recording; it does not wait. The recordings of a
// stream are committed in the order in which they are handed over.
func (s *syncer) save(f *finished) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, f)
	s.uncommitted.Add(1)
	s.signal()
}

// abandon gives up a reserved name whose file does not become a recording, if
// there is a file at all.
func (s *syncer) abandon(name uuid.UUID) { s.delete(deletion{name: name}) }

// delete takes on the file of a reserved name; it does not wait.
func (s *syncer) delete(d deletion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.listening {
		return // it will find the reserved name
	}
	s.doom(d)
	s.signal()
}

// doom takes on a file without hurry; it is called with s.mu held.
func (s *syncer) doom(d deletion) {
	s.known[d.name] = struct{}{}
	s.forgetDraft(d.name)
	s.doomed = append(s.doomed, d)
}

// forgetDraft is called with s.mu held.
func (s *syncer) forgetDraft(name uuid.UUID) {
	if d := s.drafts[name]; d != nil {
		if d.journal.close() {
			s.journalTrouble.over()
		}
		delete(s.drafts, name)
	}
}

// streamLog returns a logger that says which stream a recording is of.
func (s *syncer) streamLog(id moonfirefs.StreamID) *slog.Logger {
	if log := s.streamLogs[id]; log != nil {
		return log
	}
	return s.log.With("stream", id) // one that is no longer recorded
}

func (s *syncer) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
