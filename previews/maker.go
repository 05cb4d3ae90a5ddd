// SPDX-License-Identifier: GPL-3.0-or-later

package previews

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"sync"
	"time"

	"github.com/asticode/go-astiav"
	"golang.org/x/sys/unix"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/sidedb"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Index is what previews need of an index. *index.DB is one.
type Index interface {
	// Version returns another number whenever a commit has changed the index.
	Version(ctx context.Context) (int64, error)
	Cameras(ctx context.Context) ([]moonfirefs.Camera, error)
	Newest(ctx context.Context, stream moonfirefs.StreamID) (newest moonfirefs.Newest, ok bool, err error)
	FirstStart(ctx context.Context, stream moonfirefs.StreamID, from moonfirefs.Time90k) (start moonfirefs.Time90k, ok bool, err error)
	LastStart(ctx context.Context, stream moonfirefs.StreamID, to moonfirefs.Time90k) (start moonfirefs.Time90k, ok bool, err error)
	EachSummaryOrDamage(ctx context.Context, stream moonfirefs.StreamID, from, to moonfirefs.Time90k,
		fn func(*moonfirefs.Summary) error, damaged func(*moonfirefs.Damage) error) error
	VideoSampleEntry(ctx context.Context, id moonfirefs.VideoSampleEntryID) (*moonfirefs.VideoSampleEntry, error)
	VideoIndex(ctx context.Context, id moonfirefs.RecordingID) ([]byte, error)
	AudioIndex(ctx context.Context, id moonfirefs.RecordingID) ([]byte, error)
	SampleFiles(ctx context.Context, ids []moonfirefs.RecordingID) ([]moonfirefs.SampleFile, error)
}

// Options say what a Maker makes pictures of.
type Options struct {
	Database *Database
	Index    Index
	Dirs     map[moonfirefs.SampleDirID]sample.Directory
	// Wanted tells whether there are to be pictures of a stream.
	Wanted func(camera *moonfirefs.Camera, stream *moonfirefs.Stream) bool
	Logger *slog.Logger
}

const (
	// roundEvery is how often it is looked for new recordings.
	roundEvery = 2 * time.Second
	// sweepEvery is how often all footage is looked at.
	sweepEvery = 15 * time.Minute
	// restShare is how long it rests after each picture: so many times as long as that
	// took. So it uses a fifth of a core at most; what it does not get done by that is
	// made later, or not at all if it is deleted before.
	restShare = 4
)

// Maker makes pictures of what has been committed, until it is closed.
type Maker struct {
	Options
	cancel  context.CancelFunc
	running sync.WaitGroup
	// ending is done when the maker is to end. Statements do not wait for it: each of them would
	// have a goroutine that does, and with it a change of threads.
	ending context.Context

	converter converter

	// version is that of the index of which all that is new has been looked at, with the
	// database that was opened so many times.
	version, opened int64
	// noRoom says that the disk has no room for pictures.
	noRoom bool
	// seen is by stream.
	seen map[moonfirefs.StreamID]*seen
}

// seen is how far a maker has come with a stream.
type seen struct {
	// newest and oldest are those of the recordings when what is new was looked at.
	newest moonfirefs.Newest
	oldest moonfirefs.Time90k
	sweep
}

// sweep is a way through the hours of a stream, from the newest to the oldest.
type sweep struct {
	began time.Time
	// next is the hour that is looked at next; the sweep has ended where that is before the
	// oldest one.
	next moonfirefs.Time90k
}

// Start starts a maker. The database, the index and the directories must stay open until
// Close has returned.
func Start(o Options) *Maker {
	// libav would print a line for each picture that it does not like, to standard error.
	astiav.SetLogLevel(astiav.LogLevelFatal)
	ctx, cancel := context.WithCancel(context.Background())
	m := &Maker{Options: o, cancel: cancel, ending: ctx, seen: make(map[moonfirefs.StreamID]*seen)}
	m.running.Go(func() { m.run(context.WithoutCancel(ctx)) })
	return m
}

// Close ends the work, and waits for the picture in progress.
func (m *Maker) Close() error {
	m.cancel()
	m.running.Wait()
	return nil
}

func (m *Maker) run(ctx context.Context) {
	// The thread ends with the goroutine, which never unlocks it.
	runtime.LockOSThread()
	if err := yield(); err != nil {
		m.Logger.Warn("previews are made at normal priority", "err", err)
	}
	defer m.converter.close()
	var last string
	for {
		err := m.Database.replace(m.round(ctx))
		if m.ending.Err() != nil {
			return
		}
		if err != nil && err.Error() != last {
			m.Logger.Error("making previews failed; trying again", "err", err)
		}
		last = fmt.Sprint(err)
		if !m.rest(roundEvery) {
			return
		}
	}
}

// yield lets everything else come first that wants the processor. The thread keeps a share
// of some hundredths beside busy ones, unlike an idle one (SCHED_IDLE): it shares locks with
// threads that record, and those would wait for one that does not run.
func yield() error {
	const lowest = 19 // setpriority(2)
	return unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), lowest)
}

// rest returns false if the maker is to end.
func (m *Maker) rest(d time.Duration) bool {
	select {
	case <-m.ending.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// round looks at the newest footage of each stream that has changed since the last round, and
// at an hour of what is older, if a sweep goes on.
func (m *Maker) round(ctx context.Context) error {
	opened, err := m.Database.ready(ctx)
	if err != nil {
		return err
	}
	if opened != m.opened {
		m.opened, m.version = opened, 0
		clear(m.seen)
	}
	version, err := m.Index.Version(ctx)
	if err != nil || version == m.version && !m.sweeps() {
		return err
	}
	if err := m.lookForRoom(); err != nil {
		return err
	}
	cameras, err := m.Index.Cameras(ctx)
	if err != nil {
		return err
	}
	there := make(map[moonfirefs.StreamID]bool)
	for i := range cameras {
		for j := range cameras[i].Streams {
			s := &cameras[i].Streams[j]
			there[s.ID] = true
			if err := m.roundOf(ctx, &view{s.ID, smaller(&cameras[i], s), m.Wanted(&cameras[i], s)}); err != nil {
				return fmt.Errorf("stream %d: %w", s.ID, err)
			}
		}
	}
	if err := m.Database.dropOthers(ctx, there); err != nil {
		return err
	}
	maps.DeleteFunc(m.seen, func(id moonfirefs.StreamID, _ *seen) bool { return !there[id] })
	m.version = version
	return nil
}

// view is what there are pictures of.
type view struct {
	stream moonfirefs.StreamID
	// smaller is a stream of the same camera that costs less to decode; 0 if there is none.
	smaller moonfirefs.StreamID
	// wanted says that there are to be pictures of it.
	wanted bool
}

// smaller returns the sub stream of a main stream, 0 if there is none.
func smaller(camera *moonfirefs.Camera, of *moonfirefs.Stream) moonfirefs.StreamID {
	for i := range camera.Streams {
		if s := &camera.Streams[i]; of.Kind == moonfirefs.MainStream && s.Kind == moonfirefs.SubStream {
			return s.ID
		}
	}
	return 0
}

// lookForRoom finds out whether there is room for pictures, and tells when there is none any more.
func (m *Maker) lookForRoom() error {
	freeBytes, err := m.Database.freeBytes()
	if err != nil {
		return err
	}
	before := m.noRoom
	if m.noRoom = freeBytes < sidedb.LeastFreeBytes; m.noRoom && !before {
		m.Logger.Warn("no previews are made while so little is free on the disk of the index", "freeBytes", freeBytes, "neededBytes", sidedb.LeastFreeBytes)
	}
	return nil
}

// sweeps tells whether there is an older hour to be looked at now.
func (m *Maker) sweeps() bool {
	for _, s := range m.seen {
		if !s.swept() || s.due() {
			return true
		}
	}
	return false
}

func (s *seen) swept() bool { return s.next < s.oldest.Floor(moonfirefs.Hour90k) }

// due tells whether it is time for another sweep.
func (s *seen) due() bool { return time.Since(s.began) > sweepEvery }

// roundOf is what a round does for a stream. The newest recording need not be that which starts
// last: a clock may have been set back.
func (m *Maker) roundOf(ctx context.Context, v *view) error {
	newest, ok, err := m.Index.Newest(ctx, v.stream)
	if err != nil {
		return err
	}
	if !ok {
		delete(m.seen, v.stream)
		return m.Database.dropBefore(ctx, v.stream, moonfirefs.MaxTime90k)
	}
	oldest, _, err := m.Index.FirstStart(ctx, v.stream, moonfirefs.MinTime90k)
	if err != nil {
		return err
	}
	s := m.seen[v.stream]
	if s == nil {
		s = &seen{sweep: sweep{next: moonfirefs.MinTime90k}}
	}
	if s.oldest != oldest {
		if err := m.Database.dropBefore(ctx, v.stream, oldest); err != nil {
			return err
		}
	}
	if s.newest != newest {
		if err := m.match(ctx, v, s.unseen(newest)); err != nil {
			return err
		}
	}
	s.newest, s.oldest = newest, oldest
	m.seen[v.stream] = s
	if s.swept() && s.due() {
		last, _, err := m.Index.LastStart(ctx, v.stream, moonfirefs.MaxTime90k)
		if err == nil {
			err = m.Database.dropAfter(ctx, v.stream, last)
		}
		if err != nil {
			return err
		}
		s.sweep = sweep{began: time.Now(), next: last.Floor(moonfirefs.Hour90k)}
	}
	if s.swept() {
		return nil
	}
	err = m.match(ctx, v, moonfirefs.Interval{Start90k: s.next, End90k: s.next.Add(moonfirefs.Hour90k)})
	s.next = s.next.Add(-moonfirefs.Hour90k)
	return err
}

// unseen is where the recordings are that have come since the last time.
func (s *seen) unseen(newest moonfirefs.Newest) moonfirefs.Interval {
	end90k := newest.Start90k.Add(1)
	if from90k := s.newest.Start90k; from90k < newest.Start90k && newest.Start90k.Sub(from90k) < moonfirefs.Hour90k {
		return moonfirefs.Interval{Start90k: from90k, End90k: end90k}
	}
	// It is the first time, or the clock was set. The sweep finds the others.
	return moonfirefs.Interval{Start90k: newest.Start90k.Add(-moonfirefs.Hour90k), End90k: end90k}
}

// match makes the pictures of an interval what they should be: those of recordings that are
// gone go, those that are missing are made, the newest first.
func (m *Maker) match(ctx context.Context, v *view, interval moonfirefs.Interval) error {
	known, err := m.Database.known(ctx, v.stream, interval)
	if err != nil {
		return err
	}
	var missing []moonfirefs.Summary
	err = m.Index.EachSummaryOrDamage(ctx, v.stream, interval.Start90k, interval.End90k, func(r *moonfirefs.Summary) error {
		if !known[r.ID] {
			missing = append(missing, *r)
		}
		delete(known, r.ID)
		return nil
	}, func(*moonfirefs.Damage) error { return nil })
	if err != nil {
		return err
	}
	gone := make([]moonfirefs.RecordingID, 0, len(known))
	for id := range known {
		gone = append(gone, id)
	}
	if err := m.Database.drop(ctx, gone); err != nil || !v.wanted || m.noRoom {
		return err
	}
	for i := range missing {
		if err := m.make(ctx, v, &missing[len(missing)-1-i]); err != nil {
			return err
		}
	}
	return nil
}

// make makes the picture of a recording, then rests.
func (m *Maker) make(ctx context.Context, v *view, r *moonfirefs.Summary) error {
	began := processorTime()
	jpeg, err := m.picture(ctx, v, r)
	if err != nil {
		m.Logger.Debug("no preview", "recording", r.ID, "err", err)
	}
	if err != nil && !errors.Is(err, errUndecodable) {
		// It is gone, or its disk is away: nothing to make a note of.
		return m.ending.Err()
	}
	if err := m.Database.add(ctx, v.stream, r, jpeg); err != nil {
		return err
	}
	m.rest(restShare * (processorTime() - began))
	return m.ending.Err()
}

// errUndecodable says that there will never be a picture of a recording.
var errUndecodable = errors.New("it cannot be decoded")

// picture is the picture of a recording: of the smaller stream if there is one from that time.
func (m *Maker) picture(ctx context.Context, v *view, r *moonfirefs.Summary) (jpeg []byte, err error) {
	if v.smaller != 0 {
		k, err := m.nearestKeyFrame(ctx, v.smaller, r)
		if err == nil {
			jpeg, err = m.converter.picture(k)
		}
		if err == nil {
			return jpeg, nil
		}
		m.Logger.Debug("no preview of the sub stream", "recording", r.ID, "err", err)
	}
	k, err := m.firstKeyFrame(ctx, r)
	if err == nil {
		if jpeg, err = m.converter.picture(k); err == nil {
			return jpeg, nil
		}
	} else if !errors.Is(err, errNone) {
		return nil, err
	}
	return nil, fmt.Errorf("%w: %w", errUndecodable, err)
}

// processorTime is how long this thread has run so far. While it waits for a processor that
// others want, it costs them nothing.
func processorTime() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &usage) // fails for arguments that make no sense
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
