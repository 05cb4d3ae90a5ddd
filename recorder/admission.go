// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
	"github.com/moonfirefs/moonfirefs/sample"
)

// admitEvery is how often it is tried again to begin in a sample directory.
const admitEvery = 5 * time.Second

// errWaiting is returned while nothing can be recorded to a sample directory.
var errWaiting = errors.New("waiting for the sample directory")

// admission says whether a syncer has begun to record.
type admission struct {
	mu sync.Mutex // guards what follows
	// opening is the opening of the store in which it has; 0 until then.
	opening moonfirefs.OpenID
	// absent is why it has not; nil before it has tried.
	absent error
}

// read returns the opening, or an error that wraps errWaiting.
func (a *admission) read() (moonfirefs.OpenID, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.opening != 0:
		return a.opening, nil
	case a.absent != nil:
		return 0, fmt.Errorf("%w: %w", errWaiting, a.absent)
	}
	return 0, errWaiting
}

// err is that of read.
func (a *admission) err() error {
	_, err := a.read()
	return err
}

// tried tells whether it has failed to.
func (a *admission) tried() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.absent != nil
}

// begun tells whether it has.
func (a *admission) begun() bool {
	return a.err() == nil
}

func (a *admission) succeeded(opening moonfirefs.OpenID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.opening, a.absent = opening, nil
}

// left says that the directory is gone.
func (a *admission) left(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.opening, a.absent = 0, err
}

// failed tells whether the reason is news.
func (a *admission) failed(err error) (news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	news = isNews(a.absent, err)
	a.absent = err
	return news
}

// admit begins in a sample directory, or does nothing of it (§ Start). A disk that is
// gone is let go of, lest it could not be unmounted.
func (r *Recorder) admit(ctx context.Context, s *syncer) error {
	if errors.Is(s.dir.Verify(), sample.ErrUnavailable) {
		s.detach()
	}
	opening, err := r.enter(ctx, s)
	if err != nil {
		if sample.IsLost(err) {
			s.detach()
		}
		return err
	}
	return s.open(ctx, opening.ID)
}

// enter makes the directory available, and tells it that it takes part in the opening of
// the store.
func (r *Recorder) enter(ctx context.Context, s *syncer) (moonfirefs.Opening, error) {
	attach := r.o.Attach
	if attach == nil {
		attach = func(_ context.Context, id moonfirefs.SampleDirID) error { return r.o.Dirs[id].Attach() }
	}
	if err := attach(ctx, s.id); err != nil {
		return moonfirefs.Opening{}, err
	}
	opening, err := r.beginOpen(ctx)
	if err != nil {
		return moonfirefs.Opening{}, err
	}
	tell := func() error { return r.o.Dirs[s.id].SetLastOpening(opening) }
	return opening, failpoint.Step("opening.2", tell)
}

// admitAll begins in all sample directories. Those in which it fails are tried
// again later: the cameras of the others are recorded meanwhile. Those that are elsewhere
// may not answer for long, so nobody waits for them. It fails if it has
// failed everywhere, and not for a reason that passes by itself.
func (r *Recorder) admitAll(ctx context.Context) error {
	var first error
	var hope bool
	for _, id := range slices.Sorted(maps.Keys(r.syncers)) {
		if r.o.Dirs[id].Spare() || r.o.Dirs[id].Remote() {
			continue
		}
		err := r.admit(ctx, r.syncers[id])
		if ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if err == nil || passes(err) {
			hope = true
		}
		if err != nil {
			r.syncers[id].admission.failed(err)
			first = errors.Join(first, err)
		}
	}
	if !hope {
		return first
	}
	for id, s := range r.syncers {
		if err := s.admission.err(); err != nil && !r.o.Dirs[id].Spare() && !r.o.Dirs[id].Remote() {
			s.logAbsent(err)
		}
	}
	return nil
}

// passes tells whether what is wrong may be over soon: a full disk, a lock.
func passes(err error) bool {
	for _, passing := range []error{syscall.ENOSPC, syscall.EDQUOT, moonfirefs.ErrNoSpace, moonfirefs.ErrBusy} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

func (s *syncer) logAbsent(err error) {
	if s.dir.Remote() {
		s.log.Error("nothing can be moved to a sample directory; footage stays where it is until then", "dir", s.dir.Path(), "err", err)
		return
	}
	s.log.Error("nothing can be recorded to a sample directory; its cameras wait for it", "dir", s.dir.Path(), "err", err)
}

func (s *syncer) logBegins() {
	if s.dir.Remote() { // nothing is recorded there
		s.log.Info("the sample directory can be moved to", "dir", s.dir.Path())
		return
	}
	s.log.Info("recording to the sample directory begins", "dir", s.dir.Path())
}

// await tries to begin in the directory until it succeeds. It returns false if the
// syncer is stopped before.
func (s *syncer) await(admit func(context.Context) error) bool {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.wg.Go(func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	wait := time.Duration(0) // a directory that was added is there
	if s.admission.tried() {
		wait = admitEvery
	}
	for ; ; wait = admitEvery {
		select {
		case <-ctx.Done():
			return false
		case <-s.clock.After(wait):
		}
		err := admit(ctx)
		if err == nil {
			s.logBegins()
			return true
		}
		if ctx.Err() == nil && s.admission.failed(err) {
			s.logAbsent(err)
		}
	}
}
