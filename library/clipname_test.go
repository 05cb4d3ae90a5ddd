// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
)

// Ensures which interval the name of a clip stands for, and that nothing else is
// the name of one.
func TestClipName(t *testing.T) {
	zone, err := time.LoadLocation(newYork)
	if err != nil {
		t.Fatal(err)
	}
	c := civil.Calendar{Zone: zone}
	tests := map[string]struct{ start, end string }{
		"2026-11-22T13.05.00--13.07.30.mp4":               {"2026-11-22T13:05:00-05:00", "2026-11-22T13:07:30-05:00"},
		"2026-11-22T13.05.00--13.07.30-2.mp4":             {"2026-11-22T13:05:00-05:00", "2026-11-22T13:07:30-05:00"},
		"2026-11-22T13.05.00--13.07.30-999.mp4":           {"2026-11-22T13:05:00-05:00", "2026-11-22T13:07:30-05:00"},
		"2026-11-22T23.50.00--2026-11-23T00.10.00.mp4":    {"2026-11-22T23:50:00-05:00", "2026-11-23T00:10:00-05:00"},
		"2026-11-22T00.00.00--2026-11-23T00.00.00.mp4":    {"2026-11-22T00:00:00-05:00", "2026-11-23T00:00:00-05:00"},
		"2026-12-31T23.59.59--2027-01-01T00.00.00.mp4":    {"2026-12-31T23:59:59-05:00", "2027-01-01T00:00:00-05:00"},
		"2026-11-01T01.30.00--01.40.00.mp4":               {"2026-11-01T01:30:00-04:00", "2026-11-01T01:40:00-04:00"},
		"2026-11-01T01.30.00-0400--01.40.00-0400.mp4":     {"2026-11-01T01:30:00-04:00", "2026-11-01T01:40:00-04:00"},
		"2026-11-01T01.30.00-0500--01.40.00-0500.mp4":     {"2026-11-01T01:30:00-05:00", "2026-11-01T01:40:00-05:00"},
		"2026-11-01T01.30.00-0500--01.40.00-0500-2.mp4":   {"2026-11-01T01:30:00-05:00", "2026-11-01T01:40:00-05:00"},
		"2026-11-01T01.50.00--01.10.00-0500.mp4":          {"2026-11-01T01:50:00-04:00", "2026-11-01T01:10:00-05:00"},
		"2026-11-01T00.59.00--02.00.00.mp4":               {"2026-11-01T00:59:00-04:00", "2026-11-01T02:00:00-05:00"},
		"2026-11-01T00.00.00--2026-11-02T00.00.00.mp4":    {"2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"},
		"2026-03-08T01.59.59--03.00.00.mp4":               {"2026-03-08T01:59:59-05:00", "2026-03-08T03:00:00-04:00"},
		"2026-11-22T13.05.00--13.05.00.mp4":               {},
		"2026-11-22T13.05.01--13.05.00.mp4":               {},
		"2026-11-22T13.05.00--2026-11-21T13.06.00.mp4":    {},
		"2026-11-22T13.05.00--2026-11-22T13.07.30.mp4":    {}, // the same date twice
		"2026-11-22T13.05.00-0500--13.07.30.mp4":          {}, // an offset where there is no doubt
		"2026-11-01T01.30.00-0300--01.40.00.mp4":          {},
		"2026-11-01T01.30.00+0400--01.40.00.mp4":          {},
		"2026-11-01T01.30.00-0500--01.40.00.mp4":          {}, // ends before it starts
		"2026-03-08T02.30.00--03.30.00.mp4":               {}, // never on the clock
		"2026-11-22T13.05.00--13.07.30-1.mp4":             {},
		"2026-11-22T13.05.00--13.07.30-02.mp4":            {},
		"2026-11-22T13.05.00--13.07.30-0.mp4":             {},
		"2026-11-22T13.05.00--13.07.30-1000.mp4":          {}, // an offset
		"2026-11-22T13.05.00--13.07.30.MP4":               {},
		"2026-11-22T13.05.00--13.07.30":                   {},
		"2026-11-22t13.05.00--13.07.30.mp4":               {},
		"2026-11-22T13:05:00--13:07:30.mp4":               {},
		"2026-11-22T13.05--13.07.mp4":                     {},
		"2026-11-22T24.00.00--2026-11-23T00.00.01.mp4":    {},
		"2026-11-22T13.60.00--14.00.00.mp4":               {},
		"2026-02-29T13.05.00--13.07.30.mp4":               {},
		"2026-11-22T13.05.00--13.07.30.mp4.mp4":           {},
		"\t2026-11-22T13.05.00--13.07.30.mp4":             {},
		"2026-11-22T13.05.00--13.07.30.mp4\n":             {},
		"2026-11-22T１3.05.00--13.07.30.mp4":               {},
		"13.mp4":                                          {},
		"":                                                {},
		"desktop.ini":                                     {},
		"2026-11-22T13.05.00.5--13.07.30.mp4":             {},
		"2026-11-22T13.05.00--13.07.30--13.08.00.mp4":     {},
		"2026-11-01T01.30.00-040000--01.40.00-040000.mp4": {},
	}
	for name, want := range tests {
		n, ok := ParseClipName(name)
		s, exists := n.Interval(c)
		if !ok || !exists {
			if want.start != "" {
				t.Errorf("%q is not the name of a clip (form %v)", name, ok)
			}
			continue
		}
		if want.start == "" {
			t.Errorf("%q is the name of a clip from %v to %v", name, s.Start90k, s.End90k)
		} else if s != (moonfirefs.Interval{Start90k: teststore.At(want.start), End90k: teststore.At(want.end)}) {
			t.Errorf("%q is from %v to %v", name, s.Start90k, s.End90k)
		}
	}
}

// Ensures which intervals are too long.
func TestClipTooLong(t *testing.T) {
	for name, want := range map[string]bool{
		"2026-11-22T13.05.00--2026-11-23T13.05.00.mp4": false,
		"2026-11-22T13.05.00--2026-11-23T13.05.01.mp4": true,
		"2026-11-01T00.00.00--2026-11-02T00.00.00.mp4": false, // 25 hours
		"2026-03-08T00.00.00--2026-03-09T00.00.01.mp4": true,  // 23 hours and a second
		"0000-01-01T00.00.00--9999-12-31T23.59.59.mp4": true,
	} {
		if n, ok := ParseClipName(name); !ok || n.TooLong() != want {
			t.Errorf("%s: too long: %v, want %v", name, n.TooLong(), want)
		}
	}
}

// FuzzClipName ensures that a name that is accepted is the only spelling of what
// it says, and that none does harm.
func FuzzClipName(f *testing.F) {
	for _, name := range []string{
		"2026-11-22T13.05.00--13.07.30.mp4", "2026-11-22T23.50.00--2026-11-23T00.10.00.mp4",
		"2026-11-01T01.30.00-0400--01.40.00-0500-2.mp4", "0000-01-01T00.00.00--9999-12-31T23.59.59.mp4",
		"2010-11-07T00.00.10--00.00.40.mp4",
	} {
		f.Add(name)
	}
	var calendars []civil.Calendar
	for _, name := range []string{newYork, "America/St_Johns", "Pacific/Apia", "Asia/Manila"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			f.Fatal(err)
		}
		calendars = append(calendars, civil.Calendar{Zone: zone})
	}
	f.Fuzz(func(t *testing.T, name string) {
		n, ok := ParseClipName(name)
		if !ok {
			return
		}
		if n.String() != name {
			t.Fatalf("%q is another spelling of %q", name, n.String())
		}
		for _, c := range calendars {
			if s, ok := n.Interval(c); ok && s.Start90k >= s.End90k {
				t.Errorf("%q in %v is from %v to %v", name, c.Zone, s.Start90k, s.End90k)
			}
		}
	})
}
