// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"slices"
	"sync"
	"unique"
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
)

// Day lists the files of the hours of a date. It is immutable, and true for as long as
// the state of the stream is the same: that names the recording which was committed last,
// and has the totals, from which deletions show.
type Day struct {
	state *StreamState
	// Versions are in the order of time.
	Versions []Version
}

// dayKey is under which a listing is remembered.
type dayKey struct {
	stream moonfirefs.StreamID
	date   civil.Date
}

// dayOverheadBytes is what a listing costs besides its files: struct, slice header and
// its place in the cache, roughly.
const dayOverheadBytes = 200

// MemoryBytes implements Cached.
func (d *Day) MemoryBytes() int64 {
	return dayOverheadBytes + int64(cap(d.Versions))*int64(unsafe.Sizeof(Version{}))
}

// Find returns the version that a name stands for; nil if there is none.
func (d *Day) Find(name string) *Version {
	for i := range d.Versions {
		if d.Versions[i].Name == name {
			return &d.Versions[i]
		}
	}
	return nil
}

// Equal tells whether both list the same files, with the same bytes.
func (d *Day) Equal(other *Day) bool { return d == other || slices.Equal(d.Versions, other.Versions) }

// Damaged tells whether a file of the date is damaged.
func (d *Day) Damaged() bool {
	return slices.ContainsFunc(d.Versions, func(v Version) bool { return v.Damaged })
}

// Modified90k is when the last recording of the date ends; ok is false if none is shown.
func (d *Day) Modified90k() (t moonfirefs.Time90k, ok bool) {
	if len(d.Versions) == 0 {
		return 0, false
	}
	return d.Versions[len(d.Versions)-1].Modified90k, true
}

// FirstStart90k is the least start of a recording of a stream; ok is false if there is none.
func (c *Catalog) FirstStart90k(ctx context.Context, s *Stream) (start90k moonfirefs.Time90k, ok bool, err error) {
	return c.index.FirstStart(ctx, s.ID, moonfirefs.MinTime90k)
}

// Day lists the files of a date, with one query for each piece of it unless the listing
// is remembered.
func (c *Catalog) Day(ctx context.Context, s *StreamState, d civil.Date) (*Day, error) {
	c.counters.Listings.Add(1)
	if known, ok := c.cache.Get(dayKey{s.ID, d}); ok && known.(*Day).state.Same(s) {
		c.counters.ListingHits.Add(1)
		return known.(*Day), nil
	}
	return c.LoadDay(ctx, s, d, func(*Version, []moonfirefs.Summary) {})
}

// LoadDay makes the listing of a date and remembers it. It calls fn for each file that is
// not damaged and the recordings that it is made of, which fn must not keep.
func (c *Catalog) LoadDay(ctx context.Context, s *StreamState, d civil.Date, fn func(*Version, []moonfirefs.Summary)) (*Day, error) {
	buffer := recordingsPool.Get().(*[]moonfirefs.Summary)
	defer recordingsPool.Put(buffer)
	var loaded *Day
	var recordings [][]moonfirefs.Summary
	err := c.ofOneMoment(ctx, s, func(s *StreamState) (err error) {
		loaded, recordings, err = c.loadVersions(ctx, s, d, buffer)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range loaded.Versions {
		if !loaded.Versions[i].Damaged {
			fn(&loaded.Versions[i], recordings[i])
		}
	}
	c.cache.Put(dayKey{s.ID, d}, loaded)
	return loaded, nil
}

// recordingsPool holds buffers for the recordings of a date: some hundred kilobytes each.
var recordingsPool = sync.Pool{New: func() any { return new([]moonfirefs.Summary) }}

// loadVersions lists the files of a date, and returns the recordings that each of them is
// made of, in the same order. They lie in the buffer.
func (c *Catalog) loadVersions(ctx context.Context, s *StreamState, d civil.Date, buffer *[]moonfirefs.Summary) (day *Day, recordings [][]moonfirefs.Summary, err error) {
	hours := c.calendar.Hours(d)
	twice := civil.Repeated(hours)
	day = &Day{state: s, Versions: make([]Version, 0, len(hours))}
	*buffer = (*buffer)[:0]
	var damaged []moonfirefs.Time90k
	for _, piece := range civil.Pieces(hours) {
		err := c.index.EachSummaryOrDamage(ctx, s.ID, piece.Start90k, piece.End90k, collect(buffer), func(d *moonfirefs.Damage) error {
			damaged = append(damaged, d.Start90k)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	rest := *buffer
	for _, h := range hours {
		n := 0
		for n < len(rest) && rest[n].Start90k < h.End90k {
			n++
		}
		all := rest[:n]
		rest = rest[n:]
		if s.hidden(h) {
			continue
		}
		parted := parts(all)
		isDamaged := slices.ContainsFunc(damaged, h.Contains)
		if isDamaged && len(parted) == 0 {
			parted = [][]moonfirefs.Summary{nil} // a name for what cannot be read
		}
		for i, part := range parted {
			v := Version{Interval: h.Interval, Part: int32(i + 1), Growing: s.growing(h)}
			if isDamaged {
				v.damage(s.Stream, part)
			} else if err := c.describe(ctx, s.Stream, &v, part, nil); err != nil {
				return nil, nil, err
			}
			// Millions of files share a few names.
			v.Name = unique.Make(hourName(h, twice[h.Clock], i+1)).Value()
			day.Versions, recordings = append(day.Versions, v), append(recordings, part)
		}
	}
	return day, recordings, nil
}
