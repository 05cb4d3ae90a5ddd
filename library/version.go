// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// Version is one state of a file: the first recordings of a part of its interval. It
// tells what the file is made of and does not have the recordings themselves: those are
// found again when it is opened. It is immutable, and small, since very many are in
// memory.
type Version struct {
	// Name is that of the file in its folder; it is empty in the folder of clips, where
	// names have been asked for.
	Name string
	// Interval is that of the hour or of the clip.
	Interval    moonfirefs.Interval
	Inode       uint64
	SizeBytes   int64
	Modified90k moonfirefs.Time90k
	// Part counts the files of the interval from 1, and recordings what is in this one.
	Part, recordings int32
	// Growing says that the name may stand for another version at any moment.
	Growing bool
	// Damaged says that it cannot be opened: of a recording, or of what is shared by
	// several, the index says what cannot be. It is listed nevertheless, since a name that
	// is missing would look as if nothing had ever been recorded. Size and time stamp tell
	// of what is sound.
	Damaged bool
	// clip says that it is a clip, or kept, which is the same: cut to its interval.
	clip bool
	// pace is how many times as fast a time lapse is, which is a clip; 0 for all else.
	pace int32
	// progress is what the clip has of recordings in progress; nil if nothing.
	progress *progress
}

// parts cuts the recordings of an interval where the sample entry of the video changes,
// or that of the audio to another one: each part is a file of its own, since players do
// not cope with a change within a file. A recording without audio fits anywhere.
func parts(recordings []moonfirefs.Summary) [][]moonfirefs.Summary {
	var parts [][]moonfirefs.Summary
	start, audio := 0, moonfirefs.AudioSampleEntryID(0)
	for i := range recordings {
		next := recordings[i].Audio.SampleEntry
		otherAudio := audio != 0 && next != 0 && next != audio
		if i > start && (otherAudio || recordings[i].VideoSampleEntry != recordings[start].VideoSampleEntry) {
			parts = append(parts, recordings[start:i])
			start, audio = i, 0
		}
		audio = cmp.Or(audio, next)
	}
	if start < len(recordings) {
		parts = append(parts, recordings[start:])
	}
	return parts
}

// describe fills in what follows from the recordings of a version: its inode number, its
// size and its time stamp.
func (c *Catalog) describe(ctx context.Context, s *Stream, v *Version, recordings []moonfirefs.Summary, p *present) error {
	spec, err := c.spec(ctx, s, v, recordings, p)
	if errors.Is(err, moonfirefs.ErrCorrupt) {
		v.damage(s, recordings)
		return nil
	}
	if err != nil {
		return err
	}
	v.recordings = int32(len(recordings))
	v.Inode, v.SizeBytes = versionInode(s, v, spec, p), mp4.Size(spec)
	v.Modified90k = recordings[len(recordings)-1].End90k()
	if v.clip {
		v.Modified90k = min(v.Modified90k, v.Interval.End90k)
	}
	return nil
}

// damage makes v a version that cannot be opened. recordings are those that are sound;
// there may be none.
func (v *Version) damage(s *Stream, recordings []moonfirefs.Summary) {
	// Programs do not open what is empty, and would not learn that it cannot be read.
	v.Damaged, v.SizeBytes, v.Modified90k = true, 1, v.Interval.Start90k
	for i := range recordings {
		v.SizeBytes += recordings[i].SampleFileBytes
		v.Modified90k = max(v.Modified90k, recordings[i].End90k())
	}
	v.Inode = damagedInode(s, v)
}

// spec says what a file made of recordings is. Nothing that a user can edit later goes
// into it except the camera's name, which is in the path as well: the bytes of a closed
// hour are promised to stay.
func (c *Catalog) spec(ctx context.Context, s *Stream, v *Version, recordings []moonfirefs.Summary, p *present) (*mp4.Spec, error) {
	entry, err := c.videoEntry(ctx, recordings[0].VideoSampleEntry, p)
	if err != nil {
		return nil, err
	}
	audio, err := c.audioOf(ctx, recordings, p)
	if err != nil {
		return nil, err
	}
	spec := &mp4.Spec{
		Recordings: recordings, Entry: entry, Audio: audio, Zone: c.calendar.Zone,
		Title: HourTitle(s.Folder, c.calendar, v.Interval), Description: FileDescription(s.Kind, entry),
		Gaps: c.render.Gaps, Timestamps: c.render.Timestamps,
	}
	switch {
	case v.pace > 0:
		return spec, c.lapse(ctx, s, v, spec, p)
	case v.clip:
		return spec, c.cut(ctx, s, v, spec, p)
	}
	return spec, nil
}

// audioOf returns the configuration of the audio of a part; nil if it has none.
func (c *Catalog) audioOf(ctx context.Context, recordings []moonfirefs.Summary, p *present) (*moonfirefs.AudioSampleEntry, error) {
	for i := range recordings {
		if id := recordings[i].Audio.SampleEntry; id != 0 {
			return c.audioEntry(ctx, id, p)
		}
	}
	return nil, nil
}

// Spec finds what a version is made of, as Open does. It returns an error that wraps
// moonfirefs.ErrNotFound if some of it is still being recorded.
func (c *Catalog) Spec(ctx context.Context, s *Stream, v *Version) (*mp4.Spec, error) {
	spec, p, err := c.find(ctx, s, v)
	if err == nil && p != nil {
		err = moonfirefs.Errorf(moonfirefs.ErrNotFound, "some of it is still being recorded")
	}
	return spec, err
}

// find finds what a version is made of, which the file may have outgrown since. If it
// has lost a recording instead, or one that was in progress has been committed, the error
// wraps ErrStale.
func (c *Catalog) find(ctx context.Context, s *Stream, v *Version) (spec *mp4.Spec, p *present, err error) {
	if v.progress == nil {
		recordings, err := c.recordings(ctx, s, v)
		if err != nil {
			return nil, nil, err
		}
		spec, err = c.made(ctx, s, v, recordings, nil)
		return spec, nil, err
	}
	look := func() ([]*inprogress.Recording, error) {
		found, err := c.inProgress.At(ctx, s.ID, v.progress.marks)
		return found, asStale(err)
	}
	err = c.settled(ctx, look, func(ahead []*inprogress.Recording) error {
		var recordings []moonfirefs.Summary
		if recordings, p, err = c.footage(ctx, s, v.Interval, ahead); err != nil {
			return err
		}
		spec, err = c.made(ctx, s, v, recordings, p)
		return err
	})
	return spec, p, err
}

// made says what a version is, of all recordings of its interval.
func (c *Catalog) made(ctx context.Context, s *Stream, v *Version, recordings []moonfirefs.Summary, p *present) (*mp4.Spec, error) {
	found := parts(recordings)
	if int(v.Part) > len(found) || int(v.recordings) > len(found[v.Part-1]) {
		return nil, v.stale(s)
	}
	made := found[v.Part-1]
	if !v.Damaged {
		made = made[:v.recordings]
	}
	spec, err := c.spec(ctx, s, v, made, p)
	if err != nil {
		return nil, err // the damage, where there is some
	}
	if versionInode(s, v, spec, p) != v.Inode {
		return nil, v.stale(s)
	}
	return spec, nil
}

// recordings lists those of all parts.
func (c *Catalog) recordings(ctx context.Context, s *Stream, v *Version) (all []moonfirefs.Summary, err error) {
	if v.clip {
		return c.overlapping(ctx, s, v.Interval)
	}
	err = c.index.EachSummaryOrDamage(ctx, s.ID, v.Interval.Start90k, v.Interval.End90k, collect(&all), failing)
	return all, err
}

// failing makes damage what it is to whoever wants to read: an error.
func failing(d *moonfirefs.Damage) error { return d }

func collect(recordings *[]moonfirefs.Summary) func(*moonfirefs.Summary) error {
	return func(r *moonfirefs.Summary) error {
		*recordings = append(*recordings, *r)
		return nil
	}
}

func (v *Version) stale(s *Stream) error {
	return fmt.Errorf("%s from %v to %v: %w", s.Folder, v.Interval.Start90k, v.Interval.End90k, ErrStale)
}

// Positions returns where each recording of a file of an hour begins on the file's time
// line. Where gaps are held, that is as long after the first one as on the clock, unless
// recordings overlap.
func (c *Catalog) Positions(recordings []moonfirefs.Summary) []moonfirefs.Duration90k {
	return mp4.Positions(recordings, c.render.Gaps)
}
