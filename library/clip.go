// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// Clip describes a part of an interval, counted from 1, as it is now: the footage of the
// interval, cut at groups of pictures. If the interval reaches into the present, it has
// what is being recorded as well. ok is false if there is none.
func (c *Catalog) Clip(ctx context.Context, s *StreamState, interval moonfirefs.Interval, part int) (v Version, ok bool, err error) {
	look := func() ([]*inprogress.Recording, error) { return c.ahead(ctx, s, interval) }
	err = c.settled(ctx, look, func(ahead []*inprogress.Recording) error {
		v, ok, err = c.clip(ctx, s, interval, part, ahead)
		return err
	})
	return v, ok && err == nil, err
}

// ahead finds the recordings in progress if an interval may have some.
func (c *Catalog) ahead(ctx context.Context, s *StreamState, interval moonfirefs.Interval) ([]*inprogress.Recording, error) {
	if s.Recorded && interval.End90k <= s.End90k {
		return nil, nil
	}
	return c.now(ctx, s.Stream)
}

// clip describes a part of an interval with recordings in progress.
func (c *Catalog) clip(ctx context.Context, s *StreamState, interval moonfirefs.Interval, part int, ahead []*inprogress.Recording) (v Version, ok bool, err error) {
	recordings, p, err := c.footage(ctx, s.Stream, interval, ahead)
	if errors.Is(err, moonfirefs.ErrCorrupt) {
		return s.damagedClip(interval), part == 1, nil
	}
	if err != nil {
		return Version{}, false, err
	}
	found := parts(recordings)
	if part < 1 || part > len(found) {
		return Version{}, false, nil
	}
	v = Version{Interval: interval, Part: int32(part), Growing: s.clipGrows(interval), clip: true, progress: p.progress()}
	err = c.describe(ctx, s.Stream, &v, found[part-1], p)
	return v, err == nil, err
}

// damagedClip stands for a clip of which something is damaged.
func (s *StreamState) damagedClip(interval moonfirefs.Interval) Version {
	v := Version{Interval: interval, Part: 1, Growing: s.clipGrows(interval), clip: true}
	v.damage(s.Stream, nil)
	return v
}

// clips describes all parts of an interval, and tells when the footage of each starts.
func (c *Catalog) clips(ctx context.Context, s *StreamState, interval moonfirefs.Interval) (all []Version, starts90k []moonfirefs.Time90k, err error) {
	recordings, err := c.overlapping(ctx, s.Stream, interval)
	if errors.Is(err, moonfirefs.ErrCorrupt) {
		return []Version{s.damagedClip(interval)}, []moonfirefs.Time90k{interval.Start90k}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for i, part := range parts(recordings) {
		v := Version{Interval: interval, Part: int32(i + 1), Growing: s.clipGrows(interval), clip: true}
		if err := c.describe(ctx, s.Stream, &v, part, nil); err != nil {
			return nil, nil, err
		}
		all, starts90k = append(all, v), append(starts90k, part[0].Start90k)
	}
	return all, starts90k, nil
}

// clipGrows tells whether a clip may be another one from one moment to the next:
// recordings may be added to its interval, or retention is about to be in it.
func (s *StreamState) clipGrows(interval moonfirefs.Interval) bool {
	return s.mayGetMore(interval) || interval.Start90k < s.trimmed.through()
}

// mayGetMore tells whether an interval may get more recordings.
func (s *StreamState) mayGetMore(interval moonfirefs.Interval) bool {
	return !s.Recorded || interval.End90k > s.Newest.Start90k
}

// maxClipRecordings is many times what a day has.
const maxClipRecordings = 4 * moonfirefs.MaxHourRecordings

// overlapping finds the recordings that touch an interval, with one query. What retention
// has begun to trim is included: a clip is asked for by name, and nobody takes it for a
// whole hour. It fails if something is damaged that may touch the interval.
func (c *Catalog) overlapping(ctx context.Context, s *Stream, interval moonfirefs.Interval) (found []moonfirefs.Summary, err error) {
	err = c.index.EachSummaryOrDamage(ctx, s.ID, interval.EarliestStart90k(), interval.End90k, func(r *moonfirefs.Summary) error {
		if len(found) == maxClipRecordings {
			return &moonfirefs.Damage{Start90k: interval.Start90k, Problem: fmt.Sprintf("there are more than %d recordings from then on", maxClipRecordings)}
		}
		if interval.Touches(r) {
			found = append(found, *r)
		}
		return nil
	}, failing)
	return found, err
}

// cut makes a clip of what a file of whole recordings would be. It reads the indexes of
// the first and the last one, through the cache of the index.
func (c *Catalog) cut(ctx context.Context, s *Stream, v *Version, spec *mp4.Spec, p *present) error {
	spec.Title = ClipTitle(s.Folder, c.calendar, v.Interval)
	interval := v.Interval
	spec.Excerpt = &interval
	if err := spec.Cut(ctx, &tables{c.index, spec.Recordings, p}); errors.Is(err, moonfirefs.ErrNotFound) {
		return asStale(err)
	}
	// If an index cannot be read or is damaged, the clip stays whole, which is another
	// version, and reading it will tell: nothing else, such as a listing of all that is
	// kept, shall suffer from it.
	return nil
}

// Clip is a part of an interval that is open.
type Clip struct {
	*File
	// Parts is the number of files that the interval takes: one for each codec
	// configuration in a row.
	Parts int
	// End90k is when the last footage in it ends: the file's time stamp in a mount.
	End90k moonfirefs.Time90k
}

// OpenClip opens a part, counted from 1, of an interval of the stream with a folder, and
// tells how many parts there are. The bytes are those of the clip of that name in a mount
// of the same catalog. It returns an error that wraps moonfirefs.ErrNotFound if there is
// no such footage.
func (c *Catalog) OpenClip(ctx context.Context, folder string, interval moonfirefs.Interval, part int) (*Clip, error) {
	opened, err := c.openClip(ctx, folder, interval, part)
	if err != nil {
		return nil, fmt.Errorf("open clip of %s: %w", folder, err)
	}
	return opened, nil
}

func (c *Catalog) openClip(ctx context.Context, folder string, interval moonfirefs.Interval, part int) (*Clip, error) {
	now, err := c.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	state := now.Folder(folder)
	if state == nil {
		return nil, moonfirefs.ErrNotFound
	}
	look := func() ([]*inprogress.Recording, error) { return c.ahead(ctx, state, interval) }
	var opened *Clip
	err = c.settled(ctx, look, func(ahead []*inprogress.Recording) error {
		if opened != nil {
			_ = opened.Close() // opened for reading: nothing can be lost
		}
		opened, err = c.openPart(ctx, state.Stream, interval, part, ahead)
		return err
	})
	if err != nil && opened != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, err
}

func (c *Catalog) openPart(ctx context.Context, s *Stream, interval moonfirefs.Interval, part int, ahead []*inprogress.Recording) (*Clip, error) {
	all, p, err := c.footage(ctx, s, interval, ahead)
	if err != nil {
		return nil, err
	}
	found := parts(all)
	if part < 1 || part > len(found) {
		return nil, fmt.Errorf("part %d of %d: %w", part, len(found), moonfirefs.ErrNotFound)
	}
	recordings := found[part-1]
	spec, err := c.spec(ctx, s, &Version{Interval: interval, clip: true}, recordings, p)
	if err != nil {
		return nil, err
	}
	opened, err := c.open(ctx, spec, p)
	if err != nil {
		return nil, err
	}
	return &Clip{opened, len(found), min(interval.End90k, recordings[len(recordings)-1].End90k())}, nil
}
