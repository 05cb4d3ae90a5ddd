// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// mark is a recording that is marked, or is to be.
type mark struct {
	id        moonfirefs.RecordingID
	sizeBytes int64
}

// notMarkedSQL is true of a row of recording that has no mark.
const notMarkedSQL = `not exists (select 1 from marked where recording_id = recording.id)`

// MarkedStream is a stream of which marked recordings are spared.
type MarkedStream struct {
	Stream moonfirefs.StreamID
	Camera uuid.UUID
	// RetainMarkedBytes is described at moonfirefs.Stream.
	RetainMarkedBytes int64
}

// MarkedStreams lists the streams of which marked recordings are spared.
func (db *DB) MarkedStreams(ctx context.Context) (streams []MarkedStream, err error) {
	rows, err := db.readers.QueryContext(ctx, `
		select s.id, c.uuid, s.retain_marked_bytes from stream s join camera c on c.id = s.camera_id
		 where s.retain_marked_bytes > 0 order by s.id`)
	if err != nil {
		return nil, fmt.Errorf("list streams with marked footage: %w", asOurs(err))
	}
	err = each(rows, func() error {
		var s MarkedStream
		if err := rows.Scan(&s.Stream, (*uuidBlob)(&s.Camera), &s.RetainMarkedBytes); err != nil {
			return err
		}
		streams = append(streams, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list streams with marked footage: %w", err)
	}
	return streams, nil
}

// committedSQL is answered by recording_order.
const committedSQL = `
select coalesce(max(id), 0), coalesce(min(start_time_90k), 0), coalesce(max(start_time_90k + duration_90k), 0)
  from recording where stream_id = ? and id > ?`

// CommittedAfter returns the newest of the recordings of a stream that were committed after
// one of them, or 0 if there are none, and an interval in which all of them are.
func (db *DB) CommittedAfter(ctx context.Context, stream moonfirefs.StreamID, after moonfirefs.RecordingID) (newest moonfirefs.RecordingID, i moonfirefs.Interval, err error) {
	if err = db.readers.QueryRowContext(ctx, committedSQL, stream, after).Scan(&newest, &i.Start90k, &i.End90k); err != nil {
		return 0, i, fmt.Errorf("find new recordings of stream %d: %w", stream, asOurs(err))
	}
	return newest, i, nil
}

// MarkedBytes adds up the marked recordings of a stream.
func (db *DB) MarkedBytes(ctx context.Context, stream moonfirefs.StreamID) (sizeBytes int64, err error) {
	if sizeBytes, err = markedBytes(ctx, db.readers, allPlaces(stream)); err != nil {
		return 0, fmt.Errorf("add up marked recordings of stream %d: %w", stream, asOurs(err))
	}
	return sizeBytes, nil
}

// markedBytes adds up the marked recordings of a place. It is answered by marked_order.
func markedBytes(ctx context.Context, db querier, p *place) (sizeBytes int64, err error) {
	err = db.QueryRowContext(ctx, `
		select cast(min(total(sample_file_bytes), ?) as integer) from marked
		 where stream_id = ? and recording_id > ? and recording_id <= ?`, maxTotal, p.stream, p.after, p.upTo).Scan(&sizeBytes)
	return sizeBytes, err
}

// marksOf lists the marks of a stream, the first one that was committed first.
func marksOf(ctx context.Context, db querier, stream moonfirefs.StreamID) (marks []mark, err error) {
	rows, err := db.QueryContext(ctx, `select recording_id, sample_file_bytes from marked where stream_id = ? order by recording_id`, stream)
	if err != nil {
		return nil, asOurs(err)
	}
	err = each(rows, func() error {
		var m mark
		if err := rows.Scan(&m.id, &m.sizeBytes); err != nil {
			return err
		}
		marks = append(marks, m)
		return nil
	})
	return marks, err
}

// withinBytes are the last of some marks, no more than have a size together.
func withinBytes(marks []mark, mostBytes int64) []mark {
	first := len(marks)
	for ; first > 0 && marks[first-1].sizeBytes <= mostBytes; first-- {
		mostBytes -= marks[first-1].sizeBytes
	}
	return marks[first:]
}

// maxMarks bounds the recordings that one transaction marks, as others wait for it.
const maxMarks = 500

// Mark marks the recordings of a stream that have footage in one of some intervals, in any
// order, as far as Stream.RetainMarkedBytes allows: the oldest ones lose their marks for
// others. It may go on in several transactions; each of them leaves no more than that.
func (db *DB) Mark(ctx context.Context, stream moonfirefs.StreamID, intervals []moonfirefs.Interval) error {
	unmarked, err := db.unmarked(ctx, stream, union(intervals))
	// The newest ones first: those that there is no room for need not be marked.
	slices.SortFunc(unmarked, func(a, b mark) int { return cmp.Compare(b.id, a.id) })
	for more := true; err == nil && more && len(unmarked) > 0; {
		some := unmarked[:min(maxMarks, len(unmarked))]
		unmarked = unmarked[len(some):]
		err = inTransaction(ctx, db.writer, func(tx *sql.Tx) (err error) {
			more, err = markSome(ctx, tx, stream, some)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("mark recordings of stream %d: %w", stream, asOurs(err))
	}
	return nil
}

// union is what some intervals cover: intervals that neither overlap nor touch, in order.
func union(intervals []moonfirefs.Interval) (all []moonfirefs.Interval) {
	sorted := slices.SortedFunc(slices.Values(intervals), func(a, b moonfirefs.Interval) int { return cmp.Compare(a.Start90k, b.Start90k) })
	for _, i := range sorted {
		if last := len(all) - 1; last >= 0 && i.Start90k <= all[last].End90k {
			all[last].End90k = max(all[last].End90k, i.End90k)
		} else {
			all = append(all, i)
		}
	}
	return all
}

// unmarkedSQL is answered by recording_cover.
const unmarkedSQL = `
select id, start_time_90k, duration_90k, sample_file_bytes from recording
 where stream_id = ? and start_time_90k >= ? and start_time_90k < ? and ` + notMarkedSQL

// unmarked lists the recordings that have footage in an interval and no mark, each once.
func (db *DB) unmarked(ctx context.Context, stream moonfirefs.StreamID, intervals []moonfirefs.Interval) (unmarked []mark, err error) {
	seen := make(map[moonfirefs.RecordingID]bool)
	for _, i := range intervals {
		rows, err := db.readers.QueryContext(ctx, unmarkedSQL, stream, i.EarliestStart90k(), i.End90k)
		if err != nil {
			return nil, err
		}
		err = each(rows, func() error {
			var s moonfirefs.Summary
			if err := rows.Scan(&s.ID, &s.Start90k, &s.Duration90k, &s.SampleFileBytes); err != nil {
				return err
			}
			if i.Touches(&s) && !seen[s.ID] {
				seen[s.ID] = true
				unmarked = append(unmarked, mark{s.ID, s.SampleFileBytes})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return unmarked, nil
}

// markSome marks recordings, the newest first. more is false if there is no room for any that
// is older than the last of them.
func markSome(ctx context.Context, tx *sql.Tx, stream moonfirefs.StreamID, some []mark) (more bool, err error) {
	var retainBytes int64
	if err := tx.QueryRowContext(ctx, `select retain_marked_bytes from stream where id = ?`, stream).Scan(&retainBytes); err != nil {
		return false, notFound(err)
	}
	for _, m := range some {
		// It may be gone meanwhile, or marked.
		if _, err := tx.ExecContext(ctx, `
			insert or ignore into marked (recording_id, stream_id, sample_file_bytes)
			select id, stream_id, sample_file_bytes from recording where id = ? and stream_id = ?`, m.id, stream); err != nil {
			return false, err
		}
	}
	all := allPlaces(stream)
	if sizeBytes, err := markedBytes(ctx, tx, all); err != nil || sizeBytes <= retainBytes {
		return true, err
	}
	if err := releaseMarks(ctx, tx, all, retainBytes); err != nil {
		return false, err
	}
	var oldest moonfirefs.RecordingID
	err = tx.QueryRowContext(ctx, `select recording_id from marked where stream_id = ? order by recording_id limit 1`, stream).Scan(&oldest)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return oldest <= some[len(some)-1].id, err
}

// releaseMarks removes marks of a place, the oldest first, until there are no more than have a
// size together. Their recordings stay until retention takes them.
func releaseMarks(ctx context.Context, tx *sql.Tx, p *place, mostBytes int64) error {
	excessBytes, err := markedBytes(ctx, tx, p)
	if excessBytes -= mostBytes; err != nil || excessBytes <= 0 {
		return err
	}
	rows, err := tx.QueryContext(ctx, `
		select recording_id, sample_file_bytes from marked
		 where stream_id = ? and recording_id > ? and recording_id <= ? order by recording_id`, p.stream, p.after, p.upTo)
	if err != nil {
		return err
	}
	var last moonfirefs.RecordingID
	err = each(rows, func() error {
		var sizeBytes int64
		if err := rows.Scan(&last, &sizeBytes); err != nil {
			return err
		}
		if excessBytes -= sizeBytes; excessBytes <= 0 {
			return errDone
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDone) {
		return err
	}
	_, err = tx.ExecContext(ctx, `delete from marked where stream_id = ? and recording_id > ? and recording_id <= ?`, p.stream, p.after, last)
	return err
}

// markableBytes is how much may be marked in a place: with what is kept, it leaves a tenth of
// the quota for the rest, as what is kept alone does not have to.
func markableBytes(retainBytes, keptBytes int64) int64 {
	return max(retainBytes-retainBytes/moonfirefs.UnkeptShare-keptBytes, 0)
}
