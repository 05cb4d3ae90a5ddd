// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/sidedb"
)

const (
	// maxOngoing bounds how many events a source may have going on at a time.
	maxOngoing = 1024
	// maxOngoing90k is after how long something that is on is taken for over: whoever was to
	// say that it is off has gone.
	maxOngoing90k = moonfirefs.Hour90k
	// keepEvery is how often the end of what goes on is stored, so that a crash does not make
	// moments of long events.
	keepEvery = 10 * time.Second
)

// Tracker makes events of what a source tells: that something is on, and that it is off. It is
// safe for concurrent use.
type Tracker struct {
	database *Database
	source   string
	now      func() moonfirefs.Time90k

	// mu guards ongoing: what is on, by a key of the source's; and allowed, by camera.
	mu      sync.Mutex
	ongoing map[string]ongoing
	allowed map[uuid.UUID]*allowance
}

// ongoing is an event that has not ended.
type ongoing struct {
	id       int64
	start90k moonfirefs.Time90k
	// end90k is what is stored.
	end90k moonfirefs.Time90k
}

// NewTracker returns a tracker that adds to a database under the name of a source.
func NewTracker(d *Database, source string) *Tracker {
	return &Tracker{
		database: d, source: source, ongoing: make(map[string]ongoing), allowed: make(map[uuid.UUID]*allowance),
		now: func() moonfirefs.Time90k { return moonfirefs.FromTime(time.Now()) },
	}
}

// Ongoing says whether what has the key goes on.
func (t *Tracker) Ongoing(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.ongoing[key]
	return ok
}

// On says that something is on since a time: an event begins, unless what has the key goes on
// already. A time that is more than maxOngoing90k ago, or ahead of this machine's clock, is taken
// for now: clocks may be wrong. The error wraps moonfirefs.ErrInvalid if it has no label, or if
// there are too many.
func (t *Tracker) On(ctx context.Context, key string, camera uuid.UUID, label string, since90k moonfirefs.Time90k) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.ongoing[key]; ok {
		return nil
	}
	if len(t.ongoing) >= maxOngoing {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "more than %d events at a time", maxOngoing)
	}
	if err := t.admit(camera); err != nil {
		return err
	}
	now90k := t.now()
	if since90k > now90k || now90k.Sub(since90k) > maxOngoing90k {
		since90k = now90k
	}
	label, ok := CleanLabel(label)
	if !ok {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "the event has no label that a file can have")
	}
	id, err := t.database.Add(ctx, Event{Camera: camera, Interval: moonfirefs.Interval{Start90k: since90k, End90k: now90k}, Label: label, Source: t.source})
	if err != nil {
		return err
	}
	t.ongoing[key] = ongoing{id, since90k, now90k}
	return nil
}

// admit refuses events for which there is no room.
func (t *Tracker) admit(camera uuid.UUID) error {
	a := t.allowed[camera]
	if a == nil {
		a = new(allowance)
		t.allowed[camera] = a
	}
	if !a.take(time.Now()) {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "more events of a camera than one in %v", allowedEvery)
	}
	freeBytes, err := t.database.file.FreeBytes()
	if err == nil && freeBytes < sidedb.LeastFreeBytes {
		err = fmt.Errorf("add event: %d bytes are free on the disk of the index, which needs %d for itself", freeBytes, sidedb.LeastFreeBytes)
	}
	return err
}

// Off says that what has the key is off. It does nothing if that was not on.
func (t *Tracker) Off(ctx context.Context, key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, ok := t.ongoing[key]
	if !ok {
		return nil
	}
	delete(t.ongoing, key)
	return t.database.Extend(ctx, o.id, o.start90k, t.now())
}

// Interrupt ends all that goes on, as far as the source has told of it: it cannot be heard any
// more.
func (t *Tracker) Interrupt(ctx context.Context) (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, o := range t.ongoing {
		err = cmp.Or(err, t.database.Extend(ctx, o.id, o.start90k, t.now()))
		delete(t.ongoing, key)
	}
	return err
}

// keep stores how far events have come, and ends those that have gone on for too long.
func (t *Tracker) keep(ctx context.Context) (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, o := range t.ongoing {
		o.end90k = min(t.now(), o.start90k.Add(maxOngoing90k))
		err = cmp.Or(err, t.database.Extend(ctx, o.id, o.start90k, o.end90k))
		if t.ongoing[key] = o; o.end90k == o.start90k.Add(maxOngoing90k) {
			delete(t.ongoing, key)
		}
	}
	return err
}

// Run keeps what goes on until ctx ends, and tells failed of what could not be stored.
func (t *Tracker) Run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(keepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := t.keep(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
	}
}
