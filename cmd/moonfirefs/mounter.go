// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs/fs"
)

const (
	// mountPatience is how long mounting takes on a machine that is well.
	mountPatience = 5 * time.Second
	// mountLastChance is how long the end waits for an attempt that is under way.
	mountLastChance = 2 * time.Second
	// Bounds of the pause before the next attempt, which is twice as long each time.
	minMountPause = 2 * time.Second
	maxMountPause = 30 * time.Second
)

var (
	errMountSilent = errors.New("the mount point does not answer")
	errMountGone   = errors.New("somebody has unmounted it")
)

// mounter keeps the footage mounted: it tries again when that fails, and when somebody
// has unmounted it. Nobody waits for it. A mount point can hang for ever, so each attempt
// has a goroutine of its own, and there is no other attempt while that hangs.
type mounter struct {
	options fs.Options
	log     *slog.Logger

	cancel context.CancelFunc
	// tried is closed once the first attempt has ended or takes too long; ended, once
	// nothing is mounted any more.
	tried, ended chan struct{}

	mu sync.Mutex // guards what follows
	// mount is nil while there is none, for the reason err.
	mount *fs.Mount
	err   error
}

// newMounter begins to mount.
func newMounter(options fs.Options, log *slog.Logger) *mounter {
	ctx, cancel := context.WithCancel(context.Background())
	m := &mounter{options: options, log: log, cancel: cancel, tried: make(chan struct{}), ended: make(chan struct{}), err: errMountSilent}
	go m.run(ctx)
	return m
}

// Close unmounts. It takes a few seconds at most, and is idempotent.
func (m *mounter) Close() error {
	m.cancel()
	<-m.ended
	return nil
}

// run keeps the footage mounted until ctx ends.
func (m *mounter) run(ctx context.Context) {
	defer close(m.ended)
	for pause := minMountPause; ; pause = min(2*pause, maxMountPause) {
		mount, err := m.attempt(ctx)
		if mount != nil {
			m.note(mount, nil)
			pause = minMountPause / 2
			select {
			case <-ctx.Done():
			case <-unmounted(mount):
				err = errMountGone
			}
			closing(m.log, mount)
		}
		if ctx.Err() != nil {
			return
		}
		m.note(nil, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// attempted is what has come of an attempt.
type attempted struct {
	mount *fs.Mount
	err   error
}

// attempt mounts. It gives up when ctx ends.
func (m *mounter) attempt(ctx context.Context) (*fs.Mount, error) {
	done := make(chan attempted, 1)
	go func() {
		mount, err := fs.Open(ctx, m.options)
		done <- attempted{mount, err}
	}()
	late := time.After(mountPatience)
	for {
		select {
		case a := <-done:
			return a.mount, a.err
		case <-late:
			m.note(nil, errMountSilent)
		case <-ctx.Done():
			select {
			case a := <-done:
				return a.mount, a.err
			case <-time.After(mountLastChance):
				return nil, ctx.Err()
			}
		}
	}
}

// note says how it is now, and logs it if it is news.
func (m *mounter) note(mount *fs.Mount, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := false
	select {
	case <-m.tried:
	default:
		close(m.tried)
		first = true
	}
	switch {
	case err != nil && (first || m.err == nil || m.err.Error() != err.Error()):
		m.log.Error("recording without the mount; will try again", "mountpoint", m.options.Mountpoint, "err", err)
	case err == nil && !first:
		m.log.Info("mounted", "mountpoint", m.options.Mountpoint)
	}
	m.mount, m.err = mount, err
}

// now returns the mount; nil if there is none, for the reason err.
func (m *mounter) now() (mount *fs.Mount, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mount, m.err
}

// served is the mount; nil if there is none.
func (m *mounter) served() *fs.Mount {
	mount, _ := m.now()
	return mount
}

// Err implements monitor.Mount.
func (m *mounter) Err() error {
	_, err := m.now()
	return err
}

// Alive implements monitor.Mount.
func (m *mounter) Alive(within time.Duration) bool {
	mount, _ := m.now()
	return mount == nil || mount.Alive(within)
}
