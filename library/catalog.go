// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/mp4"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Options say what a catalog is made from, and what its files are like.
type Options struct {
	Index Index
	// Dirs are the sample directories. Nothing but reading needs them.
	Dirs map[moonfirefs.SampleDirID]sample.Directory
	// Zone is the time zone whose civil hours the files are.
	Zone *time.Location
	// Created90k is when the store was made: the time stamp of what has no footage.
	Created90k moonfirefs.Time90k
	Render     RenderOptions
	// Cache is the memory for what can be made again: listings of dates, and what others
	// put into Catalog.Cache. No other catalog has the same one, but see Cache.Share; nil
	// means one of 16 MiB.
	Cache *Cache
}

// RenderOptions are choices about the bytes of files.
type RenderOptions struct {
	// Gaps says what a player shows where nothing was recorded.
	Gaps mp4.Gaps
	// Timestamps adds a subtitle track with the time of day.
	Timestamps bool
}

// Catalog answers what there is to show. It asks its index for summaries only, but for
// the first and the last recording of a clip, and remembers listings for as long as
// their stream has not changed. It is safe for concurrent use.
type Catalog struct {
	index      Index
	dirs       map[moonfirefs.SampleDirID]sample.Directory
	calendar   civil.Calendar
	created90k moonfirefs.Time90k
	render     RenderOptions
	cache      *Cache
	counters   Counters
	inProgress *inprogress.Finder

	// mu guards last. It is never held during a query.
	mu   sync.Mutex
	last *Snapshot
}

// Counters count what a catalog was asked for.
type Counters struct {
	// Listings counts the listings of dates that were asked for, ListingHits those
	// among them that were in memory.
	Listings, ListingHits atomic.Int64
}

// New returns a catalog. It returns an error that wraps moonfirefs.ErrInvalid if index
// or zone is missing.
func New(o Options) (*Catalog, error) {
	if o.Index == nil || o.Zone == nil {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "index or zone is missing")
	}
	if o.Cache == nil {
		o.Cache = NewCache(0)
	}
	return &Catalog{
		index: o.Index, dirs: o.Dirs, calendar: civil.Calendar{Zone: o.Zone}, created90k: o.Created90k, render: o.Render,
		cache: o.Cache, inProgress: inprogress.New(o.Index, o.Dirs),
	}, nil
}

// Calendar is that of the zone.
func (c *Catalog) Calendar() civil.Calendar { return c.calendar }

// Created90k is when the store was made.
func (c *Catalog) Created90k() moonfirefs.Time90k { return c.created90k }

// Dirs are the sample directories. Nobody changes the map.
func (c *Catalog) Dirs() map[moonfirefs.SampleDirID]sample.Directory { return c.dirs }

// Cache is the memory for what can be made again. It is shared with those who make
// something of what the catalog tells.
func (c *Catalog) Cache() *Cache { return c.cache }

// Counters returns the counters themselves: they go on counting.
func (c *Catalog) Counters() *Counters { return &c.counters }

// Version is that of the index; see Index.
func (c *Catalog) Version(ctx context.Context) (int64, error) { return c.index.Version(ctx) }

// Follow is that of the index.
func (c *Catalog) Follow(ctx context.Context, look func(context.Context) (changed bool, err error)) {
	c.index.Follow(ctx, look)
}

// VideoSampleEntry returns the sample entry of recordings that are there. One that is
// missing is damage, an error that wraps moonfirefs.ErrCorrupt: it must not look as if
// the recordings were not there.
func (c *Catalog) VideoSampleEntry(ctx context.Context, id moonfirefs.VideoSampleEntryID) (*moonfirefs.VideoSampleEntry, error) {
	entry, err := c.index.VideoSampleEntry(ctx, id)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		err = fmt.Errorf("%w: %s", moonfirefs.ErrCorrupt, err.Error())
	}
	return entry, err
}

// AudioSampleEntry is like VideoSampleEntry.
func (c *Catalog) AudioSampleEntry(ctx context.Context, id moonfirefs.AudioSampleEntryID) (*moonfirefs.AudioSampleEntry, error) {
	entry, err := c.index.AudioSampleEntry(ctx, id)
	if errors.Is(err, moonfirefs.ErrNotFound) {
		return nil, fmt.Errorf("audio sample entry %d is missing: %w", id, moonfirefs.ErrCorrupt)
	}
	return entry, err
}
