// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// transaction is a Commit under way.
type transaction struct {
	tx *sql.Tx
	*Change
	Committed
	// zone is that of the store.
	zone string
	// ids, entryIDs and audioIDs are of Insert, in parallel.
	ids      []moonfirefs.RecordingID
	entryIDs []moonfirefs.VideoSampleEntryID
	audioIDs []moonfirefs.AudioSampleEntryID
	// blobs are the indexes of the recordings that are deleted, as far as they are not
	// too long together; blobBytes is how long all are.
	blobs     blobsByID
	blobBytes int64
	// kept is what is kept of streams, as far as that had to be known.
	kept map[moonfirefs.StreamID]keptSet
	// more says that limits are still exceeded, or that there is more to delete.
	more bool
	// changed are the hours in which recordings came or went.
	changed map[streamHour]bool
	// trimmed are the quarters of an hour from which recordings were deleted.
	trimmed map[moonfirefs.StreamID][]int64
}

func (t *transaction) run(ctx context.Context) error {
	if err := t.releaseAndInsert(ctx); err != nil {
		return err
	}
	if t.Delete {
		if err := t.carryOut(ctx); err != nil {
			return err
		}
	}
	for _, stream := range t.streams() {
		if err := t.enforceAge(ctx, stream); err != nil {
			return fmt.Errorf("delete the old footage of stream %d: %w", stream, err)
		}
		if err := t.enforceQuotas(ctx, stream); err != nil {
			return fmt.Errorf("enforce the quota of stream %d: %w", stream, err)
		}
	}
	if err := t.packSummaries(ctx); err != nil {
		return fmt.Errorf("pack summaries: %w", err)
	}
	var err error
	t.Reserved, err = reserve(ctx, t.tx, t.Dir, t.Reserve)
	return err
}

// releaseAndInsert is what all transactions begin with.
func (t *transaction) releaseAndInsert(ctx context.Context) error {
	// Releasing first: the names that are released are none of those that the
	// other steps reserve.
	if err := t.releaseAll(ctx); err != nil {
		return err
	}
	if err := t.noteBounds(ctx); err != nil {
		return err
	}
	return t.insertAll(ctx)
}

// releaseAll releases the names of Release.
func (t *transaction) releaseAll(ctx context.Context) error {
	for _, name := range t.Release {
		if err := failpoint.Step("delete.4", func() error { return t.release(ctx, name) }); err != nil {
			return fmt.Errorf("release %s: %w", name, err)
		}
	}
	return nil
}

// insertAll inserts the recordings of Insert.
func (t *transaction) insertAll(ctx context.Context) error {
	t.ids = make([]moonfirefs.RecordingID, len(t.Insert))
	t.entryIDs = make([]moonfirefs.VideoSampleEntryID, len(t.Insert))
	t.audioIDs = make([]moonfirefs.AudioSampleEntryID, len(t.Insert))
	for i, r := range t.Insert {
		if err := failpoint.Step("create.5", func() error { return t.insert(ctx, i) }); err != nil {
			err = fmt.Errorf("insert recording %s of stream %d: %w", r.SampleFile, r.Stream, err)
			if isRefusal(err) {
				return &RefusedError{r.SampleFile, err}
			}
			return err
		}
	}
	return nil
}

// noteBounds notes the hours that the streams have been adding to and losing from:
// the change may be the one after which they are left alone.
func (t *transaction) noteBounds(ctx context.Context) error {
	for _, stream := range t.streams() {
		hours, err := boundaryHours(ctx, t.tx, stream)
		if err != nil {
			return fmt.Errorf("find the hours of stream %d: %w", stream, err)
		}
		for _, h := range hours {
			t.changed[h] = true
		}
	}
	return nil
}

// packSummaries packs the hours that have changed, but for those that the next
// transaction will change again: the newest of each stream, which grows, and the
// oldest, which retention takes away.
func (t *transaction) packSummaries(ctx context.Context) error {
	for _, stream := range t.streams() {
		hours, err := boundaryHours(ctx, t.tx, stream)
		if err != nil {
			return err
		}
		for _, h := range hours {
			delete(t.changed, h)
		}
	}
	for h := range t.changed {
		if err := packHour(ctx, t.tx, h); err != nil {
			return err
		}
	}
	return t.packDays(ctx)
}

// packDays packs the days of those hours likewise: not those of the newest and the oldest
// recording of each stream.
func (t *transaction) packDays(ctx context.Context) error {
	if len(t.changed) == 0 {
		return nil // as a rule
	}
	c, ok := calendarOf(t.zone)
	if !ok {
		return nil
	}
	days := make(map[streamDay]bool)
	for h := range t.changed {
		for _, d := range daysOf(c, h) {
			days[d] = true
		}
	}
	for _, stream := range t.streams() {
		open, err := openDays(ctx, t.tx, c, stream)
		if err != nil {
			return err
		}
		for _, d := range open {
			delete(days, d)
		}
	}
	for d := range days {
		if err := packDay(ctx, t.tx, d); err != nil {
			return err
		}
	}
	return nil
}

func (t *transaction) release(ctx context.Context, name uuid.UUID) error {
	_, err := t.tx.ExecContext(ctx, `delete from reserved_sample_files where uuid = ? and sample_dir_id = ?`, name[:], t.Dir)
	return err
}

// streams lists those whose quota may be exceeded, each once.
func (t *transaction) streams() []moonfirefs.StreamID {
	seen := make(map[moonfirefs.StreamID]bool)
	var streams []moonfirefs.StreamID
	add := func(stream moonfirefs.StreamID) {
		if !seen[stream] {
			seen[stream] = true
			streams = append(streams, stream)
		}
	}
	for _, r := range t.Insert {
		add(r.Stream)
	}
	for _, stream := range t.Retain {
		add(stream)
	}
	return streams
}
