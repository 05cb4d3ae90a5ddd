// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"errors"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// Timelapse describes a time lapse of an interval, so many times as fast as life: a part,
// counted from 1, of its committed footage. It reads the video indexes of all recordings
// that may have a key frame to show: some 40 ms of a processor for a day, if none is in the
// cache. ok is false if there is no such footage.
func (c *Catalog) Timelapse(ctx context.Context, s *StreamState, interval moonfirefs.Interval, pace, part int) (v Version, ok bool, err error) {
	recordings, err := c.overlapping(ctx, s.Stream, interval)
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
	v = Version{Interval: interval, Part: int32(part), Growing: s.clipGrows(interval), clip: true, pace: int32(pace)}
	err = c.describe(ctx, s.Stream, &v, found[part-1], nil)
	if errors.Is(err, moonfirefs.ErrNotFound) && !errors.Is(err, ErrStale) {
		return Version{}, false, nil
	}
	return v, err == nil, err
}

// lapse makes a time lapse of what a file of whole recordings would be. Unlike a clip, one
// of which an index cannot be read is damaged: there is nothing else to show.
func (c *Catalog) lapse(ctx context.Context, s *Stream, v *Version, spec *mp4.Spec, p *present) error {
	spec.Title = TimelapseTitle(s.Folder, c.calendar, v.Interval, v.pace)
	return spec.Lapse(ctx, &staleTables{tables{c.index, spec.Recordings, p}}, v.Interval, v.pace)
}

// staleTables tells that a recording has gone from that there is no key frame.
type staleTables struct{ tables }

// VideoIndex implements mp4.Indexes.
func (t *staleTables) VideoIndex(ctx context.Context, recording int) ([]byte, error) {
	table, err := t.tables.VideoIndex(ctx, recording)
	return table, asStale(err)
}

// AudioIndex implements mp4.Indexes.
func (t *staleTables) AudioIndex(ctx context.Context, recording int) ([]byte, error) {
	table, err := t.tables.AudioIndex(ctx, recording)
	return table, asStale(err)
}
