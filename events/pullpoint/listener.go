// SPDX-License-Identifier: GPL-3.0-or-later

package pullpoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
)

const (
	// source is that of the events.
	source = "onvif"
	// leastPause and mostPause bound the time until it is tried again.
	leastPause = 2 * time.Second
	mostPause  = time.Minute
	// settled is how long a subscription must have worked for the pause to be short again.
	settled = time.Minute
)

// Camera is where a camera is.
type Camera struct {
	// UUID is that of the camera in the index, and Name is for the log.
	UUID uuid.UUID
	Name string
	// Device is the URL of its device service.
	Device *url.URL
	// Username and Password are empty for none. They are never logged.
	Username, Password string
}

// Listener asks one camera until it is closed.
type Listener struct {
	name    string
	camera  func(context.Context) (Camera, error)
	tracker *events.Tracker
	// failures are told of what could not be stored.
	failures *events.Failures
	log      *slog.Logger

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Start begins to ask, and goes on trying while the camera cannot be reached. camera is asked
// before each attempt where it is, under the name that the log has. The database must stay open
// until Close has returned.
func Start(name string, camera func(context.Context) (Camera, error), d *events.Database, log *slog.Logger) *Listener {
	ctx, cancel := context.WithCancel(context.Background())
	log = log.With("camera", name)
	l := &Listener{
		name: name, camera: camera, tracker: events.NewTracker(d, source), failures: events.NewFailures(log, source),
		log: log, cancel: cancel,
	}
	l.running.Go(func() { l.run(ctx) })
	l.running.Go(func() { l.tracker.Run(ctx, l.failed) })
	return l
}

// Close ends the subscription, and what goes on.
func (l *Listener) Close() error {
	l.cancel()
	l.running.Wait()
	return l.tracker.Interrupt(context.Background())
}

func (l *Listener) run(ctx context.Context) {
	var told string
	for pause := leastPause; ctx.Err() == nil; pause = min(2*pause, mostPause) {
		began := time.Now()
		err := l.listen(ctx)
		// Nobody would say that what is on is off.
		if err := l.tracker.Interrupt(context.WithoutCancel(ctx)); err != nil {
			l.failed(err)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > settled {
			pause, told = leastPause, ""
		}
		if text := events.Told(err); text != told { // once, and not every minute
			l.log.Warn("no events from the camera; trying again", "err", text)
			told = text
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// listen subscribes and asks until something fails.
func (l *Listener) listen(ctx context.Context) error {
	camera, err := l.camera(ctx)
	if err != nil {
		return err
	}
	c := newClient(camera)
	defer c.http.CloseIdleConnections()
	var refused *fault
	if err := c.learnSkew(ctx); err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("ask for the time: %w", err)
	}
	service, err := c.eventService(ctx)
	if err != nil {
		return err
	}
	s, err := c.subscribe(ctx, service)
	if err != nil {
		return err
	}
	defer s.end(context.WithoutCancel(ctx))
	l.log.Info("taking events from the camera")
	for {
		before := s.readBytes
		all, err := s.pull(ctx)
		if err != nil {
			return err
		}
		for i := range all {
			if err := l.take(ctx, camera.UUID, &all[i]); err != nil {
				l.failed(err)
			}
		}
		if err := s.renew(ctx); err != nil {
			return err
		}
		// A camera that answers at once, whether there is something to tell or not, is not asked
		// all the time: to read what it says takes time that recording needs.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(atLeast + restPerMiB*time.Duration(s.readBytes-before)>>20):
		}
	}
}

const (
	// atLeast is the time between two questions, and restPerMiB what it is longer after a long
	// answer.
	atLeast    = 100 * time.Millisecond
	restPerMiB = 2 * time.Second
)

func (l *Listener) failed(err error) {
	if !errors.Is(err, context.Canceled) {
		l.failures.Failed(err)
	}
}

func (l *Listener) take(ctx context.Context, camera uuid.UUID, n *notification) error {
	label, ok := labelOf(n.Topic)
	if !ok {
		return nil
	}
	now90k, key := moonfirefs.FromTime(time.Now()), n.key()
	switch n.state() {
	case on:
		return l.tracker.On(ctx, key, camera, label, now90k)
	case off:
		return l.tracker.Off(ctx, key)
	}
	return cmp.Or(l.tracker.On(ctx, key, camera, label, now90k), l.tracker.Off(ctx, key))
}
