// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"cmp"
	"context"
	"crypto/sha1"
	"errors"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
)

// present is what recordings in progress add to the footage of a clip. They have ids only
// among themselves: that of the first is −1, of the next −2. Likewise their codec
// configurations, where no committed recording of the clip has the same. It is immutable;
// nil is nothing.
type present struct {
	recordings []*inprogress.Recording
	video      map[moonfirefs.VideoSampleEntryID]*moonfirefs.VideoSampleEntry
	audio      map[moonfirefs.AudioSampleEntryID]*moonfirefs.AudioSampleEntry
}

// of returns the recording in progress with an id; nil if that is a committed one's.
func (p *present) of(id moonfirefs.RecordingID) *inprogress.Recording {
	if p == nil || id >= 0 {
		return nil
	}
	return p.recordings[-id-1]
}

// progress is where the recordings in progress of a version can be found again.
type progress struct{ marks []inprogress.Mark }

// progress is nil if there is nothing.
func (p *present) progress() *progress {
	if p == nil {
		return nil
	}
	marks := make([]inprogress.Mark, len(p.recordings))
	for i, r := range p.recordings {
		marks[i] = r.Mark()
	}
	return &progress{marks}
}

// maxGlances bounds how often footage is looked at anew because a recording was committed
// meanwhile.
const maxGlances = 10

// errRestless is returned when recordings are committed faster than anybody can look.
var errRestless = errors.New("the footage changes all the time")

// settled calls use with the recordings in progress that look finds, until none of them
// has been committed meanwhile: then what use finds of committed recordings and these are
// of one moment.
func (c *Catalog) settled(ctx context.Context, look func() ([]*inprogress.Recording, error), use func([]*inprogress.Recording) error) error {
	for range maxGlances {
		// First, so that what is committed in between is seen by use, twice and not missed.
		ahead, err := look()
		if err != nil {
			return err
		}
		if err := use(ahead); err != nil {
			return err
		}
		if still, err := c.inProgress.InProgress(ctx, ahead); err != nil || still {
			return err
		}
	}
	return errRestless
}

// footage finds what touches an interval: the committed recordings, and those ahead.
func (c *Catalog) footage(ctx context.Context, s *Stream, interval moonfirefs.Interval, ahead []*inprogress.Recording) ([]moonfirefs.Summary, *present, error) {
	found, err := c.overlapping(ctx, s, interval)
	if err != nil {
		return nil, nil, err
	}
	ahead = slices.DeleteFunc(slices.Clone(ahead), func(r *inprogress.Recording) bool { return !interval.Touches(&r.Summary) })
	all, p := c.join(ctx, found, ahead)
	return all, p, nil
}

// now finds the recordings in progress of a stream. One that cannot be read is none, but
// for want of descriptors or memory.
func (c *Catalog) now(ctx context.Context, s *Stream) ([]*inprogress.Recording, error) {
	found, err := c.inProgress.Of(ctx, s.ID)
	if _, short := Shortage(err); short || ctx.Err() != nil {
		return nil, err
	}
	return found, nil
}

// join puts committed recordings and those in progress into the order of their starts.
func (c *Catalog) join(ctx context.Context, committed []moonfirefs.Summary, ahead []*inprogress.Recording) ([]moonfirefs.Summary, *present) {
	strange := func(s moonfirefs.Summary) bool { return s.ID < 0 } // of a damaged index
	if len(ahead) == 0 || slices.ContainsFunc(committed, strange) {
		return committed, nil
	}
	p := &present{
		recordings: ahead,
		video:      make(map[moonfirefs.VideoSampleEntryID]*moonfirefs.VideoSampleEntry),
		audio:      make(map[moonfirefs.AudioSampleEntryID]*moonfirefs.AudioSampleEntry),
	}
	ids := c.entriesOf(ctx, committed)
	for i, r := range ahead {
		summary := r.Summary
		summary.ID = moonfirefs.RecordingID(-i - 1)
		summary.VideoSampleEntry = adopt(ids.video, r.Entry.SHA1)
		p.video[summary.VideoSampleEntry] = r.Entry
		if r.AudioEntry != nil {
			summary.Audio.SampleEntry = adopt(ids.audio, r.AudioEntry.SHA1)
			p.audio[summary.Audio.SampleEntry] = r.AudioEntry
		}
		committed = append(committed, summary)
	}
	slices.SortStableFunc(committed, func(a, b moonfirefs.Summary) int { return cmp.Compare(a.Start90k, b.Start90k) })
	return committed, p
}

// entryIDs finds the ids of codec configurations by their digests.
type entryIDs struct {
	video map[[sha1.Size]byte]moonfirefs.VideoSampleEntryID
	audio map[[sha1.Size]byte]moonfirefs.AudioSampleEntryID
}

// entriesOf finds the configurations of committed recordings. Of one that cannot be read
// whoever reads the recording will be told.
func (c *Catalog) entriesOf(ctx context.Context, committed []moonfirefs.Summary) entryIDs {
	ids := entryIDs{make(map[[sha1.Size]byte]moonfirefs.VideoSampleEntryID), make(map[[sha1.Size]byte]moonfirefs.AudioSampleEntryID)}
	var video moonfirefs.VideoSampleEntryID
	var audio moonfirefs.AudioSampleEntryID
	for i := range committed {
		if id := committed[i].VideoSampleEntry; id != video {
			video = id
			if entry, err := c.VideoSampleEntry(ctx, id); err == nil {
				ids.video[entry.SHA1] = id
			}
		}
		if id := committed[i].Audio.SampleEntry; id != 0 && id != audio {
			audio = id
			if entry, err := c.AudioSampleEntry(ctx, id); err == nil {
				ids.audio[entry.SHA1] = id
			}
		}
	}
	return ids
}

// adopt returns the id of a configuration, a new one if it has none.
func adopt[ID ~int64](ids map[[sha1.Size]byte]ID, digest [sha1.Size]byte) ID {
	id, ok := ids[digest]
	if !ok {
		id = ID(-len(ids) - 1)
		ids[digest] = id
	}
	return id
}

// videoEntry returns the configuration of recordings of a version.
func (c *Catalog) videoEntry(ctx context.Context, id moonfirefs.VideoSampleEntryID, p *present) (*moonfirefs.VideoSampleEntry, error) {
	if p != nil && p.video[id] != nil {
		return p.video[id], nil
	}
	return c.VideoSampleEntry(ctx, id)
}

// audioEntry is videoEntry of the audio.
func (c *Catalog) audioEntry(ctx context.Context, id moonfirefs.AudioSampleEntryID, p *present) (*moonfirefs.AudioSampleEntry, error) {
	if p != nil && p.audio[id] != nil {
		return p.audio[id], nil
	}
	return c.AudioSampleEntry(ctx, id)
}
