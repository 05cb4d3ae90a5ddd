// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// fakeIndex has a stream of the yard with recordings of a minute.
type fakeIndex struct {
	start90k   moonfirefs.Time90k
	recordings int
	sizeBytes  int64
	// marked are the numbers of those that were marked.
	marked []int
	// fails is what Mark returns.
	fails error
}

const minute90k = moonfirefs.Duration90k(60 * moonfirefs.UnitsPerSecond)

func (i *fakeIndex) Markings(context.Context) ([]Marking, error) {
	if i.sizeBytes == 0 {
		return nil, nil
	}
	return []Marking{{Stream: 1, Camera: yard, SizeBytes: i.sizeBytes}}, nil
}

func (i *fakeIndex) CommittedAfter(_ context.Context, _ moonfirefs.StreamID, after moonfirefs.RecordingID) (newest moonfirefs.RecordingID, within moonfirefs.Interval, _ error) {
	if int(after) >= i.recordings {
		return 0, within, nil
	}
	within = moonfirefs.Interval{Start90k: i.minute(int(after)), End90k: i.minute(i.recordings)}
	return moonfirefs.RecordingID(i.recordings), within, nil
}

func (i *fakeIndex) minute(n int) moonfirefs.Time90k {
	return i.start90k.Add(moonfirefs.Duration90k(n) * minute90k)
}

func (i *fakeIndex) Mark(_ context.Context, _ moonfirefs.StreamID, intervals []moonfirefs.Interval) error {
	for n := range i.recordings {
		r := moonfirefs.Interval{Start90k: i.minute(n), End90k: i.minute(n + 1)}
		if i.fails == nil && !slices.Contains(i.marked, n) && slices.ContainsFunc(intervals, r.Overlaps) {
			i.marked = append(i.marked, n)
		}
	}
	return i.fails
}

// Ensures that the recordings of events are marked, with those of the margin, whichever of the
// two comes first and however late: events of old footage, footage of old events, an event that
// becomes longer, what could not be marked, and all there is when marking is wanted, and after a
// restart.
func TestMarker(t *testing.T) {
	path, ctx := filepath.Join(t.TempDir(), FileName), t.Context()
	r := NewReader(path, civil.Calendar{Zone: time.UTC}, 5*time.Second)
	t.Cleanup(func() { _ = r.Close() })
	i := &fakeIndex{start90k: at(t, "2026-11-22T13:00:00Z"), recordings: 60, sizeBytes: 1}
	m := NewMarker(i, r)
	second := func(n int) moonfirefs.Time90k {
		return i.start90k.Add(moonfirefs.Duration90k(n) * moonfirefs.UnitsPerSecond)
	}
	require := func(when string, want ...int) {
		t.Helper()
		if err := m.Mark(ctx); !errors.Is(err, i.fails) {
			t.Errorf("%s: %v", when, err)
		}
		slices.Sort(i.marked)
		if !slices.Equal(i.marked, want) {
			t.Errorf("%s: %v are marked, want %v", when, i.marked, want)
		}
	}
	require("without a database")
	d := openTestDatabase(t, path)
	require("without events")
	add := func(start, end moonfirefs.Time90k) int64 {
		return mustAdd(t, d, Event{Camera: yard, Interval: moonfirefs.Interval{Start90k: start, End90k: end}, Label: "person"})
	}
	add(second(630), second(630))
	mustAdd(t, d, Event{Camera: garden, Interval: moonfirefs.Interval{Start90k: second(60), End90k: second(60)}, Label: "car"})
	require("a moment", 10)
	add(second(1202), second(1256))
	require("with the margins of neighbours", 10, 19, 20, 21)
	id := add(second(3599), second(3599))
	require("at the end", 10, 19, 20, 21, 59)
	i.recordings = 61
	require("more footage", 10, 19, 20, 21, 59, 60)
	i.recordings = 64
	if err := d.Extend(ctx, id, second(3599), second(3770)); err != nil {
		t.Fatal(err)
	}
	i.fails = errors.New("the index is locked")
	require("while it fails", 10, 19, 20, 21, 59, 60)
	i.fails = nil
	require("longer", 10, 19, 20, 21, 59, 60, 61, 62)
	i.marked = nil
	require("nothing new")
	i.sizeBytes = 2
	require("another size", 10, 19, 20, 21, 59, 60, 61, 62)
	i.marked, m = nil, NewMarker(i, r)
	require("a restart", 10, 19, 20, 21, 59, 60, 61, 62)
}
