// SPDX-License-Identifier: GPL-3.0-or-later

package stores

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// keep is a store that is to be open. One goroutine opens it, looks after it, and closes it.
type keep struct {
	keeper *Keeper
	place  Place
	// looked is closed once the first attempt to open it has ended.
	looked chan struct{}

	mu sync.Mutex // guards what follows
	// store and what belongs to it are nil while it is not open.
	store   *store.Store
	member  *fs.Member
	release func()
	// problem is empty while all is well.
	problem string
	// since is when a look began that has not ended; zero if none is under way.
	since time.Time
}

// standing tells how the store is doing. It does not wait for the store.
func (k *keep) standing() fs.Standing {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := fs.Standing{Name: k.place.Name, Member: k.member, Problem: k.problem}
	if !k.since.IsZero() && time.Since(k.since) > patience {
		s.Problem = "it does not answer"
	}
	return s
}

// run looks after the store until the keeper is closed.
func (k *keep) run() {
	ctx := k.keeper.context
	defer k.close()
	for first := true; ; first = false {
		k.look(ctx)
		if first {
			close(k.looked)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(k.keeper.options.LookEvery):
		}
	}
}

// look opens the store, or finds out whether it is still there and can be read.
func (k *keep) look(ctx context.Context) {
	k.mu.Lock()
	k.since = time.Now()
	opened, member := k.store, k.member
	k.mu.Unlock()
	var err error
	if opened == nil {
		err = k.open(ctx)
	} else {
		err = k.check(ctx, opened, member)
	}
	if ctx.Err() != nil {
		return
	}
	k.note(err)
	if opened != nil && err != nil {
		k.close() // afterwards: whoever is told that it is gone asks why
	}
}

func (k *keep) open(ctx context.Context) error {
	log := k.keeper.options.Logger.With("store", k.place.Name)
	s, err := store.Open(ctx, k.place.Path, store.Reading, log)
	if err != nil {
		return err
	}
	if owner := k.keeper.owner(s.DB.Meta().Store); owner != "" {
		return errors.Join(moonfirefs.Errorf(moonfirefs.ErrExists, "it is a copy of the store %s, which is shown", owner), s.Close())
	}
	m, release, err := k.keeper.options.Use(ctx, k.place, s)
	if err == nil {
		if err = k.check(ctx, s, m); err != nil {
			release()
		}
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.store, k.member, k.release = s, m, release
	return nil
}

// check fails if the index is not what was opened, or cannot be read.
func (k *keep) check(ctx context.Context, s *store.Store, m *fs.Member) error {
	if !s.Current() {
		return fmt.Errorf("store %s: %w", k.place.Path, errReplaced)
	}
	_, err := m.Catalog.Snapshot(ctx)
	return err
}

var errReplaced = errors.New("its index is gone, or another one than was opened")

// note says how it is now, and logs it if it is news.
func (k *keep) note(err error) {
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	k.mu.Lock()
	before := k.problem
	k.problem, k.since = problem, time.Time{}
	k.mu.Unlock()
	log := k.keeper.options.Logger
	switch problem {
	case before:
	case "":
		log.Info("a store is shown", "store", k.place.Name)
	default:
		log.Error("a store cannot be shown; will try again", "store", k.place.Name, "err", err)
	}
}

// close closes the store, after whoever shows it has been told.
func (k *keep) close() {
	k.mu.Lock()
	s, release := k.store, k.release
	k.store, k.member, k.release = nil, nil, nil
	k.mu.Unlock()
	if s == nil {
		return
	}
	if k.keeper.context.Err() == nil {
		k.keeper.tell()
	}
	release()
	if err := s.Close(); err != nil {
		k.keeper.options.Logger.Error("close", "what", "store", "store", k.place.Name, "err", err)
	}
}
