// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"log/slog"
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

// spareEvents has footage with events outlive the rest, where that is wanted, until it is stopped;
// what there is, at once: before the recorder begins to delete.
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
	return func() {
		cancel()
		wg.Wait()
		closing(log, reader)
	}
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
