// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// markEvery is how often a Marker looks for something to do.
	markEvery = 2 * time.Second
	// markBack90k is how far before what is new a Marker looks at events again: one that goes on
	// becomes longer.
	markBack90k = moonfirefs.Hour90k
)

// Marking is a stream of which footage with events outlives the rest.
type Marking struct {
	Stream moonfirefs.StreamID
	// Camera is that of its events.
	Camera uuid.UUID
	// SizeBytes is how much that may be.
	SizeBytes int64
}

// Index is what a Marker asks of an index.
type Index interface {
	// Markings lists the streams of which footage with events outlives the rest.
	Markings(ctx context.Context) ([]Marking, error)
	// CommittedAfter returns the newest of the recordings of a stream that were committed
	// after one of them, 0 if there are none, and an interval in which all of them are.
	CommittedAfter(ctx context.Context, stream moonfirefs.StreamID, after moonfirefs.RecordingID) (moonfirefs.RecordingID, moonfirefs.Interval, error)
	// Mark has the recordings outlive the rest that have footage in one of the intervals.
	Mark(ctx context.Context, stream moonfirefs.StreamID, intervals []moonfirefs.Interval) error
}

// Marker has footage with events outlive the rest: all that a clip of an event has. What has been
// marked is known to the index, so that nothing is lost with the marker; and it begins with all
// events and all footage that there are. It is not safe for concurrent use.
type Marker struct {
	index     Index
	reader    *Reader
	margin90k moonfirefs.Duration90k
	streams   map[moonfirefs.StreamID]*marked
}

// marked is how far a Marker has come with a stream.
type marked struct {
	Marking
	// state is that of the events, event the newest one that was looked at.
	state state
	event int64
	// recording is the newest recording that was looked at, and end90k when it ended.
	recording moonfirefs.RecordingID
	end90k    moonfirefs.Time90k
}

// NewMarker returns a marker of what a reader's clips have.
func NewMarker(index Index, r *Reader) *Marker {
	return &Marker{index, r, moonfirefs.FromDuration(r.margin), make(map[moonfirefs.StreamID]*marked)}
}

// Mark marks what has come since the last call. It goes on with the other streams where one
// cannot be marked; that one is tried again with the next call.
func (m *Marker) Mark(ctx context.Context) error {
	markings, err := m.index.Markings(ctx)
	if err != nil || len(markings) == 0 {
		return err
	}
	now, err := m.reader.state(ctx)
	if err != nil || now == (state{}) {
		return err
	}
	var problems []error
	for _, marking := range markings {
		if known := m.streams[marking.Stream]; known == nil || known.Marking != marking || known.state.opened != now.opened {
			m.streams[marking.Stream] = &marked{Marking: marking, end90k: moonfirefs.MinTime90k, state: state{opened: now.opened, changes: -1}}
		}
		problems = append(problems, m.markStream(ctx, m.streams[marking.Stream], now))
	}
	return errors.Join(problems...)
}

func (m *Marker) markStream(ctx context.Context, s *marked, now state) error {
	newest, within, err := m.index.CommittedAfter(ctx, s.Stream, s.recording)
	if err != nil || newest == 0 && now == s.state {
		return err
	}
	from90k, next := s.end90k, *s
	next.state = now
	if newest > 0 {
		from90k, next.recording, next.end90k = min(from90k, within.Start90k), newest, within.End90k
	}
	all, err := m.reader.since(ctx, s.Camera, s.event, from90k.Add(-markBack90k-m.margin90k))
	if err != nil {
		return err
	}
	intervals := make([]moonfirefs.Interval, len(all))
	for i := range all {
		intervals[i] = clipOf(&all[i], m.margin90k)
		next.event = max(next.event, all[i].ID)
	}
	if err := m.index.Mark(ctx, s.Stream, intervals); err != nil {
		return err
	}
	*s = next
	return nil
}

// Run marks until ctx ends, and tells failed of what could not be marked, once until it can.
func (m *Marker) Run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(markEvery)
	defer ticker.Stop()
	for fails := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := m.Mark(ctx)
		if err != nil && !fails && ctx.Err() == nil {
			failed(err)
		}
		fails = err != nil
	}
}
