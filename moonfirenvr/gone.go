// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// goneRows is how many recordings one transaction takes out of the shadow at the most.
const goneRows = 500

// forgetGone takes recordings out of the shadow that are not in the source any more: those
// before the oldest one there, or, where whole is asked for, all of them.
func (s *Store) forgetGone(ctx context.Context, source *source, stream moonfirefs.StreamID, whole bool) error {
	oldest, err := source.oldest(ctx, stream)
	if err != nil {
		return err
	}
	for after := firstID(stream) - 1; ; {
		ids, err := s.DB.RecordingIDs(ctx, stream, after, goneRows)
		if err != nil {
			return err
		}
		n := 0
		for n < len(ids) && ids[n] < oldest {
			n++
		}
		if n == 0 {
			break
		}
		if err := s.DB.FollowShadow(ctx, &index.ShadowRecordings{Gone: ids[:n]}); err != nil {
			return err
		}
		after = ids[n-1]
	}
	newest, ok, err := s.DB.Newest(ctx, stream)
	if err != nil || !ok || !whole {
		return err
	}
	return s.forgetBetween(ctx, source, stream, oldest, newest.ID+1)
}

// comparedIDs is how many ids are compared one by one.
const comparedIDs = 4096

// forgetBetween takes recordings out of the shadow that have ids in [from, to) and are not in
// the source. It counts first, since years have millions, and as a rule all of them are there;
// where counts differ, it looks at each half.
func (s *Store) forgetBetween(ctx context.Context, source *source, stream moonfirefs.StreamID, from, to moonfirefs.RecordingID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ours, ourSum, err := s.DB.RecordingsBetween(ctx, stream, from, to)
	if err != nil || ours == 0 {
		return err
	}
	theirs, theirSum, err := source.between(ctx, from, to)
	if err != nil || ours == theirs && ourSum == theirSum {
		return err
	}
	if to-from <= comparedIDs {
		return s.forgetOneByOne(ctx, source, stream, from, to)
	}
	middle := from + (to-from)/2
	if err := s.forgetBetween(ctx, source, stream, from, middle); err != nil {
		return err
	}
	return s.forgetBetween(ctx, source, stream, middle, to)
}

// forgetOneByOne is forgetBetween for few ids.
func (s *Store) forgetOneByOne(ctx context.Context, source *source, stream moonfirefs.StreamID, from, to moonfirefs.RecordingID) error {
	there := make(map[moonfirefs.RecordingID]bool)
	err := source.ids(ctx, stream, from, to, func(id moonfirefs.RecordingID) error {
		there[id] = true
		return nil
	})
	if err != nil {
		return err
	}
	known, err := s.DB.RecordingIDs(ctx, stream, from-1, comparedIDs)
	if err != nil {
		return err
	}
	var gone []moonfirefs.RecordingID
	for _, id := range known {
		if id < to && !there[id] {
			gone = append(gone, id)
		}
	}
	for len(gone) > 0 {
		n := min(len(gone), goneRows)
		if err := s.DB.FollowShadow(ctx, &index.ShadowRecordings{Gone: gone[:n]}); err != nil {
			return err
		}
		gone = gone[n:]
	}
	return nil
}
