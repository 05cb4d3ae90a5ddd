// SPDX-License-Identifier: GPL-3.0-or-later

package events

import (
	"slices"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// Ensures which clips events become: with a margin, joined with the same label where they
// touch, up to an hour, and with the offset where the clock shows a time twice.
func TestClipsOf(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	c := civil.Calendar{Zone: zone}
	event := func(label, start, end string) Event {
		return Event{Label: label, Interval: moonfirefs.Interval{Start90k: at(t, start), End90k: at(t, end)}}
	}
	type clip struct{ name, start, end string }
	for name, test := range map[string]struct {
		events []Event
		want   []clip
	}{
		"alone": {[]Event{event("person", "2026-11-22T13:05:22-05:00", "2026-11-22T13:05:30-05:00")},
			[]clip{{"13.05.22 person", "2026-11-22T13:05:17-05:00", "2026-11-22T13:05:35-05:00"}}},
		"joined": {[]Event{
			event("person", "2026-11-22T13:05:22-05:00", "2026-11-22T13:05:30-05:00"),
			event("car", "2026-11-22T13:05:23-05:00", "2026-11-22T13:05:23-05:00"),
			event("person", "2026-11-22T13:05:40-05:00", "2026-11-22T13:05:50-05:00"),
			event("person", "2026-11-22T13:06:01-05:00", "2026-11-22T13:06:02-05:00"),
		}, []clip{
			{"13.05.22 person", "2026-11-22T13:05:17-05:00", "2026-11-22T13:05:55-05:00"},
			{"13.05.23 car", "2026-11-22T13:05:18-05:00", "2026-11-22T13:05:28-05:00"},
			{"13.06.01 person", "2026-11-22T13:05:56-05:00", "2026-11-22T13:06:07-05:00"},
		}},
		"no longer than an hour": {[]Event{
			event("rain", "2026-11-22T13:00:00-05:00", "2026-11-22T13:40:00-05:00"),
			event("rain", "2026-11-22T13:40:00-05:00", "2026-11-22T14:20:00-05:00"),
		}, []clip{
			{"13.00.00 rain", "2026-11-22T12:59:55-05:00", "2026-11-22T13:40:05-05:00"},
			{"13.40.00 rain", "2026-11-22T13:39:55-05:00", "2026-11-22T14:20:05-05:00"},
		}},
		"clocks go back": {[]Event{
			event("cat", "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-04:00"),
			event("cat", "2026-11-01T01:30:00-05:00", "2026-11-01T01:30:00-05:00"),
		}, []clip{
			{"01.30.00-0400 cat", "2026-11-01T01:29:55-04:00", "2026-11-01T01:30:05-04:00"},
			{"01.30.00-0500 cat", "2026-11-01T01:29:55-05:00", "2026-11-01T01:30:05-05:00"},
		}},
		"of somebody else": {[]Event{
			event("a/b", "2026-11-22T13:00:00-05:00", "2026-11-22T13:40:00-05:00"),
			event("a\nb", "2026-11-22T13:00:00-05:00", "2026-11-22T13:40:00-05:00"),
			event("\u202e4pm.nosrep", "2026-11-22T13:00:00-05:00", "2026-11-22T13:40:00-05:00"),
			event("..", "2026-11-22T13:00:00-05:00", "2026-11-22T13:40:00-05:00"),
			event("", "2026-11-22T13:00:00-05:00", "2026-11-22T13:40:00-05:00"),
		}, nil},
		"of an earlier version": {[]Event{event("a: b?", "2026-11-22T13:00:00-05:00", "2026-11-22T13:00:00-05:00")},
			[]clip{{"13.00.00 a: b?", "2026-11-22T12:59:55-05:00", "2026-11-22T13:00:05-05:00"}}},
		// The second part of what is called "dog" is called "dog-2".
		"names of parts": {[]Event{
			event("dog", "2026-11-22T13:00:00-05:00", "2026-11-22T13:00:00-05:00"),
			event("dog-2", "2026-11-22T13:00:00-05:00", "2026-11-22T13:00:00-05:00"),
			event("cat-2", "2026-11-22T13:00:00-05:00", "2026-11-22T13:00:00-05:00"),
			event("cat-3", "2026-11-22T13:00:00-05:00", "2026-11-22T13:00:00-05:00"),
			event("cat", "2026-11-22T13:00:00-05:00", "2026-11-22T13:00:00-05:00"),
			event("dog-1", "2026-11-22T13:00:00-05:00", "2026-11-22T13:00:00-05:00"),
		}, []clip{
			{"13.00.00 dog", "2026-11-22T12:59:55-05:00", "2026-11-22T13:00:05-05:00"},
			{"13.00.00 dog-2 2", "2026-11-22T12:59:55-05:00", "2026-11-22T13:00:05-05:00"},
			{"13.00.00 cat-2", "2026-11-22T12:59:55-05:00", "2026-11-22T13:00:05-05:00"},
			{"13.00.00 cat-3", "2026-11-22T12:59:55-05:00", "2026-11-22T13:00:05-05:00"},
			{"13.00.00 cat 5", "2026-11-22T12:59:55-05:00", "2026-11-22T13:00:05-05:00"},
			{"13.00.00 dog-1", "2026-11-22T12:59:55-05:00", "2026-11-22T13:00:05-05:00"},
		}},
	} {
		for i := range test.events {
			test.events[i].ID = int64(i + 1)
		}
		first := test.events[0].Start90k.Time().In(zone)
		var got []clip
		for _, n := range clipsOf(c, c.Hours(civil.DateOf(first)), test.events, 5*moonfirefs.UnitsPerSecond) {
			got = append(got, clip{n.Name, c.Format(n.Start90k, time.RFC3339), c.Format(n.End90k, time.RFC3339)})
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
