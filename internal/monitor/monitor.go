// SPDX-License-Identifier: GPL-3.0-or-later

package monitor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs/internal/status"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// Options say what to watch and whom to tell.
type Options struct {
	// Store is open for recording, and stays open until the Monitor is closed.
	Store *store.Store
	// Socket is the path of the socket at which to answer. Where SocketGroup is not
	// empty, members of that group may ask as well as the owner.
	Socket, SocketGroup string
	// Hook is a command of the shell that is run on events; empty means none.
	Hook string
	// HookPause is the least time between two events about the same thing; 0 means
	// one minute. HookTimeout is how long the command may take; 0 means 30 s.
	HookPause, HookTimeout time.Duration
	// Logger is told what a person should know; nil means slog.Default().
	Logger *slog.Logger
}

// Mount is what a Monitor needs to know of the mount.
type Mount interface {
	// Err says why the footage is not mounted at present; nil if it is.
	Err() error
	// Alive tells whether the mount, if there is one, has done what it does all the
	// time within a while.
	Alive(within time.Duration) bool
}

const (
	// lookEvery is how often the recorder is looked at.
	lookEvery = 2 * time.Second
	// indexEvery is how often the index is read for that.
	indexEvery = time.Minute
	// askedEvery is how old what the index said may be when somebody asks.
	askedEvery = 2 * time.Second
)

// Monitor watches a recorder, from Open to Close.
type Monitor struct {
	*Collector
	o       Options
	board   board
	hook    *hook
	service *service
	socket  *socket

	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New returns a Monitor that has nothing to tell before Open.
func New(o Options) *Monitor {
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.HookPause, o.HookTimeout = cmp.Or(o.HookPause, time.Minute), cmp.Or(o.HookTimeout, 30*time.Second)
	return &Monitor{Collector: NewCollector(o.Store), o: o}
}

// Open begins to watch an open recorder, and the mount at path. Trouble with what a Monitor does is no reason not to record,
// so it is logged.
func (m *Monitor) Open(r *recorder.Recorder, path string, mount Mount) {
	m.recorder, m.since = r, time.Now()
	m.mount = mountpoint{path, mount}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	if m.o.Hook != "" {
		m.hook = newHook(ctx, &m.o)
	}
	m.service = newService(r, mount, m.o.Logger)
	m.wg.Go(func() { m.service.run(ctx) })
	m.wg.Go(func() { m.run(ctx) })
	var err error
	if m.socket, err = listen(&m.o, m.answer); err != nil {
		m.o.Logger.Error("status socket unavailable", "err", err)
	}
}

// Close ends everything, a hook that runs included. It must not be called before
// Open has returned; it is idempotent. Commands of the user's are killed.
func (m *Monitor) Close() error {
	if m.cancel == nil {
		return nil
	}
	m.service.stopping()
	err := m.socket.Close()
	m.cancel()
	m.wg.Wait()
	if m.hook != nil {
		m.hook.wait()
	}
	return err
}

// Shown is the report that the mount shows: another one only if there is something
// else to say in words, or a minute later. It is nil before there is one, and does
// not wait.
func (m *Monitor) Shown() *status.Report { return m.board.shown.Load() }

// run looks at the recorder all the time.
func (m *Monitor) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var failed bool
	for {
		r, err := m.Report(ctx, indexEvery)
		if err != nil && !errors.Is(err, context.Canceled) && !failed {
			m.o.Logger.Warn("the status is not up to date", "err", err)
		}
		failed = err != nil
		if err == nil {
			m.board.show(r)
			m.service.tell(r)
			if m.hook != nil {
				m.hook.observe(r)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// answer is for those who ask at the socket.
func (m *Monitor) answer() (*status.Report, error) {
	return m.Report(context.Background(), askedEvery)
}
