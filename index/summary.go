// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// The statements of this file are answered by hour_summaries and by covering
// indexes alone; TestQueryPlans ensures it.
const (
	// coveredSQL tells of the recordings that start in an interval.
	coveredSQL = `
select id, start_time_90k, duration_90k, sample_file_bytes, video_samples,
       video_sync_samples, video_sample_entry_id, run_offset, flags,
       audio_samples, audio_chunks, audio_bytes, audio_start_90k,
       audio_duration_90k, coalesce(audio_sample_entry_id, 0)
  from recording
 where stream_id = ? and start_time_90k >= ? and start_time_90k < ?
 order by start_time_90k, id`

	// A start that is no integer, which a damaged row may have, is passed over.
	firstStartSQL = `select min(start_time_90k) from recording
	 where stream_id = ? and start_time_90k >= ? and typeof(start_time_90k) = 'integer'`
	lastStartSQL = `select max(start_time_90k) from recording
	 where stream_id = ? and start_time_90k < ? and typeof(start_time_90k) = 'integer'`
)

// isPackedSQL is true of a row h of hour_summaries that has no more than pack makes of
// the recordings of an hour. The value is not read for that.
var isPackedSQL = fmt.Sprintf(`coalesce(octet_length(h.summaries) between 1 and %d, false)`, maxPackedBytes)

// summariesSQL tells of the recordings that start in a range of hours: a row
// for each hour that is packed, and for each recording of the others. It is one
// statement, so that the answer is of one state of the database. Nothing is
// looked for in the covering index where the stream is null. The hour follows from
// the id, by which the rows are found, whatever the other columns say. Its parameters
// are those of summariesArgs.
var summariesSQL = `
select h.id - ?2 as hour, iif(` + isPackedSQL + `, h.summaries, null), coalesce(r.id, 0), coalesce(r.start_time_90k, 0),
       coalesce(r.duration_90k, 0), coalesce(r.sample_file_bytes, 0), coalesce(r.video_samples, 0),
       coalesce(r.video_sync_samples, 0), coalesce(r.video_sample_entry_id, 0),
       coalesce(r.run_offset, 0), coalesce(r.flags, 0), coalesce(r.audio_samples, 0),
       coalesce(r.audio_chunks, 0), coalesce(r.audio_bytes, 0), coalesce(r.audio_start_90k, 0),
       coalesce(r.audio_duration_90k, 0), coalesce(r.audio_sample_entry_id, 0)
  from hour_summaries h
  left join recording r
    on r.stream_id = iif(` + isPackedSQL + `, null, ?1)
   and r.start_time_90k >= (h.id - ?2) * ?5 and r.start_time_90k < (h.id - ?2 + 1) * ?5
 where h.id between ?3 and ?4
 order by h.id, r.start_time_90k, r.id`

// summariesArgs are for the hours of a stream from one to another.
func summariesArgs(stream moonfirefs.StreamID, first, last utcHour) []any {
	id := func(hour utcHour) int64 { return streamHour{stream, hour}.id() }
	return []any{stream, id(0), id(first), id(last), moonfirefs.Hour90k}
}

// fieldsOf lists where the columns of coveredSQL go.
func fieldsOf(s *moonfirefs.Summary) []any {
	return []any{
		&s.ID, &s.Start90k, &s.Duration90k, &s.SampleFileBytes, &s.VideoSamples,
		&s.VideoSyncSamples, &s.VideoSampleEntry, &s.RunOffset, &s.Flags,
		&s.Audio.Samples, &s.Audio.Chunks, &s.Audio.Bytes, &s.Audio.Start90k,
		&s.Audio.Duration90k, &s.Audio.SampleEntry,
	}
}

// FirstStart returns the least start at or after from; ok is false if none. Starts that
// no recording can have do not count.
func (db *DB) FirstStart(ctx context.Context, stream moonfirefs.StreamID, from moonfirefs.Time90k) (start moonfirefs.Time90k, ok bool, err error) {
	start, ok, err = db.aStart(ctx, db.statements.firstStart, stream, max(from, moonfirefs.EarliestStart90k))
	return start, ok && moonfirefs.StartPossible(start), err
}

// newestSQL passes over what cannot be when a recording was made.
var newestSQL = fmt.Sprintf(`
select id, start_time_90k, start_time_90k + duration_90k
  from recording where stream_id = ? and start_time_90k >= %d and start_time_90k < %d and duration_90k between 0 and %d
 order by id desc limit 1`, moonfirefs.EarliestStart90k, moonfirefs.LatestStart90k, moonfirefs.MaxRecordingDuration90k-1)

// Newest returns the recording that was committed last; ok is false if there is
// none.
func (db *DB) Newest(ctx context.Context, stream moonfirefs.StreamID) (n moonfirefs.Newest, ok bool, err error) {
	err = db.statements.newest.QueryRowContext(ctx, stream).Scan(&n.ID, &n.Start90k, &n.End90k)
	if errors.Is(err, sql.ErrNoRows) {
		return moonfirefs.Newest{}, false, nil
	}
	if err != nil {
		return moonfirefs.Newest{}, false, fmt.Errorf("find the newest recording of stream %d: %w", stream, asOurs(err))
	}
	return n, true, nil
}

// LastStart returns the greatest start before to; ok is false if none. Starts that no
// recording can have do not count.
func (db *DB) LastStart(ctx context.Context, stream moonfirefs.StreamID, to moonfirefs.Time90k) (start moonfirefs.Time90k, ok bool, err error) {
	start, ok, err = db.aStart(ctx, db.statements.lastStart, stream, min(to, moonfirefs.LatestStart90k))
	return start, ok && moonfirefs.StartPossible(start), err
}

func (db *DB) aStart(ctx context.Context, statement *sql.Stmt, stream moonfirefs.StreamID, bound moonfirefs.Time90k) (start moonfirefs.Time90k, ok bool, err error) {
	var found sql.Null[moonfirefs.Time90k]
	if err := statement.QueryRowContext(ctx, stream, bound).Scan(&found); err != nil {
		return 0, false, fmt.Errorf("find recordings of stream %d: %w", stream, asOurs(err))
	}
	return found.V, found.Valid, nil
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return moonfirefs.ErrNotFound
	}
	return asOurs(err)
}
