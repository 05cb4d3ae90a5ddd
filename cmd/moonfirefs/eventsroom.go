// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	iofs "io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/events"
	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/pages"
)

// A clip has so much before and after its event, and no more than maxEventMargin.
const (
	defaultEventMargin = 5 * time.Second
	maxEventMargin     = 5 * time.Minute
)

// showEvents makes a mount show what events there are, once there are some.
func showEvents(o *fs.Options, storePath string, zone *time.Location, margin time.Duration, log *slog.Logger) (stop func()) {
	r := events.NewReader(eventsPath(storePath), civil.Calendar{Zone: zone}, margin)
	o.Albums = append(o.Albums, r)
	o.Companions = append(o.Companions, r)
	o.Marks = &eventMarks{r, o.Catalog}
	return func() { closing(log, r) }
}

// marksOf returns what shows the events of a store as marks.
func marksOf(storePath string, zone *time.Location, catalog *library.Catalog, log *slog.Logger) (marks pages.Marks, stop func()) {
	r := events.NewReader(eventsPath(storePath), civil.Calendar{Zone: zone}, 0)
	return &eventMarks{r, catalog}, func() { closing(log, r) }
}

// spareEvents has footage with events outlive the rest, where that is wanted, until it is stopped;
// what there is, at once: before the recorder begins to delete. Events that have no footage any
// more go.
func spareEvents(ctx context.Context, s *store.Store, storePath string, margin time.Duration, log *slog.Logger) (stop func()) {
	reader := events.NewReader(eventsPath(storePath), civil.Calendar{Zone: s.Zone}, margin)
	m := events.NewMarker(&markedIndex{s.DB}, reader)
	failed := func(err error) {
		log.Error("footage with events cannot be marked; retention may delete it. Trying again", "err", err)
	}
	if err := m.Mark(ctx); err != nil {
		failed(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx, failed) })
	wg.Go(func() { pruneEvents(ctx, s, storePath, log) })
	return func() {
		cancel()
		wg.Wait()
		closing(log, reader)
	}
}

// backupEventsSuffix is behind the name of a backup of the index in that of the events.
const backupEventsSuffix = ".events"

// backUpEvents copies events, if anybody has ever added any.
func (o *opened) backUpEvents(ctx context.Context, path string) error {
	d, err := events.ReadDatabase(ctx, eventsPath(o.path))
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer closing(o.log, d)
	if err := d.Backup(ctx, path); err != nil {
		return err
	}
	return o.printf("Copied events to %s.", path)
}

const (
	// pruneEvery is how often events go that have no footage any more; pruneAfter90k is how long
	// they outlive it, so that a backup of the mount has time to fetch what it says of them.
	pruneEvery    = time.Hour
	pruneAfter90k = 24 * moonfirefs.Hour90k
)

// pruneEvents removes events whose footage retention has taken until ctx ends.
func pruneEvents(ctx context.Context, s *store.Store, storePath string, log *slog.Logger) {
	for {
		if err := pruneOnce(ctx, s, storePath); err != nil && ctx.Err() == nil {
			log.Warn("old events cannot be removed; trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pruneEvery):
		}
	}
}

// pruneOnce removes, of each camera that has footage, the events that ended before it begins.
func pruneOnce(ctx context.Context, s *store.Store, storePath string) (err error) {
	if _, err := os.Stat(eventsPath(storePath)); errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	cameras, err := s.DB.Cameras(ctx)
	if err != nil {
		return err
	}
	d, err := events.OpenDatabase(ctx, eventsPath(storePath), s.DB.Meta().Store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	for i := range cameras {
		first90k, any := moonfirefs.MaxTime90k, false
		for j := range cameras[i].Streams {
			start90k, ok, err := s.DB.FirstStart(ctx, cameras[i].Streams[j].ID, moonfirefs.MinTime90k)
			if err != nil {
				return err
			}
			if ok {
				first90k, any = min(first90k, start90k), true
			}
		}
		if !any {
			continue // it may begin any moment
		}
		if _, err := d.Prune(ctx, cameras[i].UUID, first90k.Add(-pruneAfter90k)); err != nil {
			return err
		}
	}
	return nil
}

// markedIndex is an index whose recordings are marked.
type markedIndex struct{ *index.DB }

var _ events.Index = (*markedIndex)(nil)

// Markings implements events.Index.
func (i *markedIndex) Markings(ctx context.Context) ([]events.Marking, error) {
	streams, err := i.MarkedStreams(ctx)
	markings := make([]events.Marking, len(streams))
	for n, s := range streams {
		markings[n] = events.Marking{Stream: s.Stream, Camera: s.Camera, SizeBytes: s.RetainMarkedBytes}
	}
	return markings, err
}

// eventMarks shows events as marks.
type eventMarks struct {
	reader  *events.Reader
	catalog *library.Catalog
}

var _ pages.Marks = (*eventMarks)(nil)

// MarksOf implements pages.Marks.
func (m *eventMarks) MarksOf(ctx context.Context, stream moonfirefs.StreamID, within moonfirefs.Interval) ([]pages.Mark, error) {
	now, err := m.catalog.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state, err := now.Stream(stream)
	if err != nil {
		return nil, err
	}
	all, err := m.reader.Within(ctx, state.Camera, within)
	marks := make([]pages.Mark, len(all))
	for i := range all {
		marks[i] = pages.Mark{Interval: all[i].Interval, Label: all[i].Label}
	}
	return marks, err
}

// MarksVersion implements pages.Marks.
func (m *eventMarks) MarksVersion(ctx context.Context, _ moonfirefs.StreamID) (int64, error) {
	return m.reader.Changes(ctx)
}
