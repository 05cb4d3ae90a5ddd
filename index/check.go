package index

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// The queries of this file are those of a check of the whole store. They read
// beside a recorder: each answers from one state of the database, but not all
// from the same.

// maxIntegrityProblems bounds what IntegrityProblems reports: a page in the wrong
// place makes thousands.
const maxIntegrityProblems = 100

// IntegrityProblems is SQLite's own check of pages, indexes, types and of what
// must be unique or not null: a text for each problem. It takes as long as reading
// the whole database. Of check constraints, SQLite takes no notice where a
// connection is for reading only.
func (db *DB) IntegrityProblems(ctx context.Context) ([]string, error) {
	rows, err := db.readers.QueryContext(ctx, fmt.Sprintf(`pragma integrity_check(%d)`, maxIntegrityProblems))
	if err != nil {
		return corruptAsProblem(nil, fmt.Errorf("check integrity: %w", asOurs(err)))
	}
	var problems []string
	err = each(rows, func() error {
		var problem string
		if err := rows.Scan(&problem); err != nil {
			return err
		}
		if problem != "ok" {
			problems = append(problems, problem)
		}
		return nil
	})
	if err != nil {
		return corruptAsProblem(problems, fmt.Errorf("check integrity: %w", err))
	}
	return problems, nil
}

// corruptAsProblem makes damage that ends a query one of the problems that the
// query looks for.
func corruptAsProblem(problems []string, err error) ([]string, error) {
	if errors.Is(err, moonfirefs.ErrCorrupt) {
		return append(problems, err.Error()), nil
	}
	return problems, err
}

// ForeignKeyProblems lists rows that refer to rows which do not exist.
func (db *DB) ForeignKeyProblems(ctx context.Context) (problems []string, err error) {
	rows, err := db.readers.QueryContext(ctx, `pragma foreign_key_check`)
	if err != nil {
		return corruptAsProblem(nil, fmt.Errorf("check foreign keys: %w", asOurs(err)))
	}
	err = each(rows, func() error {
		var table, parent string
		var row sql.Null[int64]
		var key int
		if err := rows.Scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		problems = append(problems, fmt.Sprintf("row %d of table %s refers to a row of table %s that does not exist", row.V, table, parent))
		return nil
	})
	if err != nil {
		return corruptAsProblem(problems, fmt.Errorf("check foreign keys: %w", err))
	}
	return problems, nil
}

// SampleEntryProblems lists configurations of video and audio that differ from
// their digest.
func (db *DB) SampleEntryProblems(ctx context.Context) (damaged []string, err error) {
	for _, kind := range []string{"video", "audio"} {
		rows, err := db.readers.QueryContext(ctx, `select id, sha1, data from `+kind+`_sample_entry order by id`)
		if err != nil {
			return nil, fmt.Errorf("check %s sample entries: %w", kind, asOurs(err))
		}
		err = each(rows, func() error {
			var id int64
			var digest, data []byte
			if err := rows.Scan(&id, &digest, &data); err != nil {
				return err
			}
			if sum := sha1.Sum(data); string(sum[:]) != string(digest) {
				damaged = append(damaged, fmt.Sprintf("%s sample entry %d", kind, id))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("check %s sample entries: %w", kind, err)
		}
	}
	return damaged, nil
}

// Totals are those of all recordings.
type Totals struct {
	Recordings, SampleFileBytes int64
}

// Totals adds up what there is in a sample directory.
func (db *DB) Totals(ctx context.Context) (t Totals, err error) {
	err = db.readers.QueryRowContext(ctx, `select count(*), coalesce(sum(sample_file_bytes), 0) from recording`).
		Scan(&t.Recordings, &t.SampleFileBytes)
	if err != nil {
		return Totals{}, fmt.Errorf("count recordings: %w", asOurs(err))
	}
	return t, nil
}

// WrongTotal is a stream whose totals are not those of its recordings.
type WrongTotal struct {
	Stream moonfirefs.StreamID
	// SampleFileBytes and Duration90k are what the stream says, Actual… what its
	// recordings add up to.
	SampleFileBytes, ActualBytes   int64
	Duration90k, ActualDuration90k moonfirefs.Duration90k
}

const wrongTotalsSQL = `
select s.id, s.sample_file_bytes, coalesce(sum(r.sample_file_bytes), 0) as actual_bytes,
       s.duration_90k, coalesce(sum(r.duration_90k), 0) as actual_duration_90k
  from stream s left join recording r on r.stream_id = s.id
 group by s.id
having s.sample_file_bytes <> actual_bytes or s.duration_90k <> actual_duration_90k
 order by s.id`

// WrongTotals lists the streams whose totals are wrong. Retention goes by them.
func (db *DB) WrongTotals(ctx context.Context) (wrong []WrongTotal, err error) {
	rows, err := db.readers.QueryContext(ctx, wrongTotalsSQL)
	if err != nil {
		return nil, fmt.Errorf("check totals of streams: %w", asOurs(err))
	}
	err = each(rows, func() error {
		var w WrongTotal
		if err := rows.Scan(&w.Stream, &w.SampleFileBytes, &w.ActualBytes, &w.Duration90k, &w.ActualDuration90k); err != nil {
			return err
		}
		wrong = append(wrong, w)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("check totals of streams: %w", err)
	}
	return wrong, nil
}

// WrongSummaries lists the hours of which hour_summaries does not say what the
// covering index says.
func (db *DB) WrongSummaries(ctx context.Context) (problems []string, err error) {
	// One transaction, so that both are of one state.
	err = inTransaction(ctx, db.readers, func(tx *sql.Tx) error {
		problems, err = wrongSummaries(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check summaries: %w", asOurs(err))
	}
	return problems, nil
}

func wrongSummaries(ctx context.Context, tx *sql.Tx) (problems []string, err error) {
	hours, err := summarized(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, h := range hours {
		recordings, damaged, err := coveredHour(ctx, tx, h.streamHour)
		if err != nil {
			return nil, err
		}
		// What is damaged is told of otherwise, and not packed.
		if h.packed && (damaged || h.digest != sha256.Sum256(pack(h.hour, recordings))) || h.missing && (damaged || len(recordings) > 0) {
			problems = append(problems, fmt.Sprintf("the summaries of stream %d at %v are not those of its recordings", h.stream, h.hour.start()))
		}
	}
	return problems, nil
}

// summarizedHour is an hour that has recordings, or summaries.
type summarizedHour struct {
	streamHour
	// missing says that there is no row, packed that its value is not null. The
	// digest stands for the value, which there are too many of.
	missing, packed bool
	digest          [sha256.Size]byte
}

const summarizedSQL = `
select stream_id, utc_hour, false, summaries from hour_summaries
 union all
select distinct stream_id, utc_hour, true, null from recording_hour r
 where not exists (select 1 from hour_summaries h where h.id = r.hour_id)`

func summarized(ctx context.Context, tx *sql.Tx) (hours []summarizedHour, err error) {
	rows, err := tx.QueryContext(ctx, summarizedSQL)
	if err != nil {
		return nil, asOurs(err)
	}
	err = each(rows, func() error {
		var h summarizedHour
		var packed sql.RawBytes
		if err := rows.Scan(&h.stream, &h.hour, &h.missing, &packed); err != nil {
			return err
		}
		h.packed, h.digest = packed != nil, sha256.Sum256(packed)
		hours = append(hours, h)
		return nil
	})
	return hours, err
}

const storedRecordingsSQL = `
select id, stream_id, open_id, run_offset, flags, start_time_90k, duration_90k,
       local_time_delta_90k, video_samples, video_sync_samples, video_sample_entry_id,
       sample_dir_id, sample_file_bytes, sample_file_uuid, sample_file_sha1,
       case when ?4 then video_index end, case when ?4 then audio_index end,
       audio_samples, audio_chunks, audio_bytes, audio_start_90k, audio_duration_90k,
       coalesce(audio_sample_entry_id, 0)
  from recording
 where sample_dir_id = ?1 and id > ?2
 order by id limit ?3`

// Recordings returns up to n recordings whose files lie in dir, by id, from the
// first one after an id. Without videoIndexes, VideoIndex
// and AudioIndex are nil.
func (db *DB) Recordings(ctx context.Context, dir moonfirefs.SampleDirID, after moonfirefs.RecordingID, n int, videoIndexes bool) (all []moonfirefs.Recording, err error) {
	rows, err := db.readers.QueryContext(ctx, storedRecordingsSQL, dir, after, n, videoIndexes)
	if err != nil {
		return nil, fmt.Errorf("list recordings of sample directory %d: %w", dir, asOurs(err))
	}
	err = each(rows, func() error {
		var r moonfirefs.Recording
		var digest []byte
		if err := rows.Scan(&r.ID, &r.Stream, &r.Open, &r.RunOffset, &r.Flags, &r.Start90k, &r.Duration90k,
			&r.LocalTimeDelta90k, &r.VideoSamples, &r.VideoSyncSamples, &r.VideoSampleEntry,
			&r.SampleDir, &r.SampleFileBytes, &r.SampleFile, &digest, &r.VideoIndex, &r.AudioIndex,
			&r.Audio.Samples, &r.Audio.Chunks, &r.Audio.Bytes, &r.Audio.Start90k, &r.Audio.Duration90k,
			&r.Audio.SampleEntry); err != nil {
			// A column whose value is of another type or length than the schema
			// allows.
			return fmt.Errorf("after recording %d: %w: %w", after, err, moonfirefs.ErrCorrupt)
		}
		// A damaged tree can yield a row for ever.
		if r.ID <= after {
			return fmt.Errorf("recording %d comes after %d: %w", r.ID, after, moonfirefs.ErrCorrupt)
		}
		copy(r.SampleFileSHA1[:], digest)
		after = r.ID
		all = append(all, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list recordings of sample directory %d: %w", dir, err)
	}
	return all, nil
}

const isNamedSQL = `
select exists (select 1 from recording where sample_file_uuid = ?1 and sample_dir_id = ?2)
    or exists (select 1 from reserved_sample_files where uuid = ?1 and sample_dir_id = ?2)`

// Unnamed returns those of the names that neither a recording nor a reserved row
// has in dir.
func (db *DB) Unnamed(ctx context.Context, dir moonfirefs.SampleDirID, names []uuid.UUID) (unnamed []uuid.UUID, err error) {
	statement, err := db.readers.PrepareContext(ctx, isNamedSQL)
	if err != nil {
		return nil, fmt.Errorf("look up sample files: %w", asOurs(err))
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	for _, name := range names {
		var named bool
		if err := statement.QueryRowContext(ctx, name[:], dir).Scan(&named); err != nil {
			return nil, fmt.Errorf("look up sample file %s: %w", name, asOurs(err))
		}
		if !named {
			unnamed = append(unnamed, name)
		}
	}
	return unnamed, nil
}

// Reservation is a reserved name.
type Reservation struct {
	moonfirefs.SampleFile
	// Deleting says that the file is on its way out; otherwise it may be being
	// written.
	Deleting bool
	// Recorded says that a recording has the name as well, which must not be. Its
	// file is kept.
	Recorded bool
}

const reservationsSQL = `
select uuid, sample_dir_id, state = 'deleted',
       exists (select 1 from recording where sample_file_uuid = uuid)
  from reserved_sample_files`

// Reservations lists the reserved names, and tells whether the store was shut
// down in order, so that there should be none. It is not, while a recorder runs.
func (db *DB) Reservations(ctx context.Context) (all []Reservation, inOrder bool, err error) {
	// One transaction, so that both answers are of one state.
	err = inTransaction(ctx, db.readers, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `select coalesce((select end_time_90k is not null from open order by id desc limit 1), true)`).Scan(&inOrder)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, reservationsSQL)
		if err != nil {
			return err
		}
		all, err = scanReservations(rows)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list reserved sample files: %w", asOurs(err))
	}
	return all, inOrder, nil
}

func scanReservations(rows *sql.Rows) (all []Reservation, err error) {
	err = each(rows, func() error {
		var r Reservation
		if err := rows.Scan(&r.UUID, &r.Dir, &r.Deleting, &r.Recorded); err != nil {
			return err
		}
		all = append(all, r)
		return nil
	})
	return all, err
}

// IsReserved tells whether a name is reserved, in whatever state.
func (db *DB) IsReserved(ctx context.Context, name uuid.UUID) (reserved bool, err error) {
	err = db.readers.QueryRowContext(ctx, `select exists (select 1 from reserved_sample_files where uuid = ?)`, name[:]).Scan(&reserved)
	if err != nil {
		return false, fmt.Errorf("look up reserved name %s: %w", name, asOurs(err))
	}
	return reserved, nil
}
