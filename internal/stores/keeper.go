// SPDX-License-Identifier: GPL-3.0-or-later

package stores

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// Options say which stores to keep open, and what for.
type Options struct {
	// Places finds the stores. It is asked again and again; what it has named once is kept.
	Places func() ([]Place, error)
	// Use makes an open store what a mount shows. release is called before the store is
	// closed.
	Use func(ctx context.Context, p Place, s *store.Store) (m *fs.Member, release func(), err error)
	// LookEvery is how often stores are looked at; 0 means 2 s.
	LookEvery time.Duration
	Logger    *slog.Logger
}

// Keeper keeps stores open. It is safe for concurrent use.
type Keeper struct {
	options Options
	cancel  context.CancelFunc
	context context.Context
	running sync.WaitGroup

	// telling makes the calls of changed follow each other.
	telling sync.Mutex

	mu sync.Mutex // guards what follows
	// keeps are in the order in which their places were found.
	keeps []*keep
	// changed is nil until Run is called.
	changed func([]fs.Standing)
	// told is what changed was called with last.
	told []fs.Standing
}

const (
	defaultLookEvery = 2 * time.Second
	// patience is how long a store may take to answer.
	patience = 10 * time.Second
)

// New returns a keeper that has opened nothing yet.
func New(o Options) *Keeper {
	if o.LookEvery == 0 {
		o.LookEvery = defaultLookEvery
	}
	k := &Keeper{options: o}
	k.context, k.cancel = context.WithCancel(context.Background())
	return k
}

// Open opens all stores that there are, one after another: which of two copies is shown does
// not depend on which disk is faster. It waits ten seconds at most for each.
func (k *Keeper) Open() ([]fs.Standing, error) {
	places, err := k.options.Places()
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		kept := k.add(p)
		k.running.Go(kept.run)
		select {
		case <-kept.looked:
		case <-time.After(patience):
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = k.standings()
	return k.told, nil
}

// Run calls changed whenever something about the stores has changed since Open, from one
// goroutine at a time, until Close.
func (k *Keeper) Run(changed func([]fs.Standing)) {
	k.mu.Lock()
	k.changed = changed
	k.mu.Unlock()
	k.running.Go(func() {
		for {
			k.tell()
			select {
			case <-k.context.Done():
				return
			case <-time.After(k.options.LookEvery / 2):
			}
			k.rescan()
		}
	})
}

// rescan takes up stores that are new.
func (k *Keeper) rescan() {
	places, err := k.options.Places()
	if err != nil {
		return // what is known is kept
	}
	for _, p := range places {
		if !k.knows(p) {
			k.running.Go(k.add(p).run)
		}
	}
}

func (k *Keeper) knows(p Place) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.keeps, func(known *keep) bool { return strings.EqualFold(known.place.Name, p.Name) })
}

func (k *Keeper) add(p Place) *keep {
	kept := &keep{keeper: k, place: p, looked: make(chan struct{}), problem: "it has not answered yet"}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keeps = append(k.keeps, kept)
	return kept
}

// tell calls changed if there is something to tell, and somebody to tell it.
func (k *Keeper) tell() {
	k.telling.Lock()
	defer k.telling.Unlock()
	k.mu.Lock()
	now, changed := k.standings(), k.changed
	same := changed == nil || slices.Equal(k.told, now)
	if !same {
		k.told = now
	}
	k.mu.Unlock()
	if !same {
		changed(now)
	}
}

// standings is called with k.mu held.
func (k *Keeper) standings() []fs.Standing {
	all := make([]fs.Standing, 0, len(k.keeps))
	for _, kept := range k.keeps {
		all = append(all, kept.standing())
	}
	slices.SortStableFunc(all, func(a, b fs.Standing) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// owner returns the name of the place that has a store open; "" if none has.
func (k *Keeper) owner(id uuid.UUID) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, kept := range k.keeps {
		kept.mu.Lock()
		same := kept.store != nil && kept.store.DB.Meta().Store == id
		kept.mu.Unlock()
		if same {
			return kept.place.Name
		}
	}
	return ""
}

// Close closes all stores. Nothing may use them any more.
func (k *Keeper) Close() error {
	k.cancel()
	k.running.Wait()
	return nil
}
