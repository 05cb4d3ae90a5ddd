// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// shadowInserter inserts the recordings of a shadow in one transaction.
type shadowInserter struct {
	t      *transaction
	insert *sql.Stmt
	// entries are the ids of configurations that the transaction has met.
	entries map[*moonfirefs.VideoSampleEntry]moonfirefs.VideoSampleEntryID
	// added is what came to each stream.
	added map[moonfirefs.StreamID]*addedRecordings
}

// addedRecordings sums up the recordings that came to a stream.
type addedRecordings struct {
	sizeBytes   int64
	duration90k moonfirefs.Duration90k
	// hours are those in which they start.
	hours map[utcHour]bool
}

// bulkRows is from how many recordings on a transaction does without the trigger: to take it
// away and bring it back makes all connections read the schema again.
const bulkRows = 1000

// insertShadows inserts recordings. The trigger keeps totals and summaries true row by row,
// which takes several times as long as the row. Where there are many, the transaction does what
// the trigger does, once for each stream and hour, and without it. Nobody else sees the schema
// without its trigger, since that is part of the transaction.
func (t *transaction) insertShadows(ctx context.Context, s *ShadowRecordings) (err error) {
	if len(s.Insert) < bulkRows {
		_, err = t.insertEachShadow(ctx, s)
		return err
	}
	return t.withoutTrigger(ctx, "recording_inserted", func() error {
		added, err := t.insertEachShadow(ctx, s)
		if err != nil {
			return err
		}
		return t.addUp(ctx, added)
	})
}

func (t *transaction) insertEachShadow(ctx context.Context, s *ShadowRecordings) (added map[moonfirefs.StreamID]*addedRecordings, err error) {
	statement, err := t.tx.PrepareContext(ctx, insertShadowSQL)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	inserter := &shadowInserter{
		t: t, insert: statement,
		entries: make(map[*moonfirefs.VideoSampleEntry]moonfirefs.VideoSampleEntryID), added: make(map[moonfirefs.StreamID]*addedRecordings),
	}
	for i, r := range s.Insert {
		if err := inserter.add(ctx, r, s.Entries[i]); err != nil {
			return nil, fmt.Errorf("recording %d: %w", r.ID, err)
		}
	}
	return inserter.added, nil
}

// withoutTrigger takes a trigger away while fn runs.
func (t *transaction) withoutTrigger(ctx context.Context, name string, fn func() error) error {
	var trigger string
	if err := t.tx.QueryRowContext(ctx, `select sql from sqlite_schema where type = 'trigger' and name = ?`, name).Scan(&trigger); err != nil {
		return fmt.Errorf("find trigger %s: %w", name, err)
	}
	if _, err := t.tx.ExecContext(ctx, `drop trigger `+name); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err // the transaction is rolled back, and has the trigger again
	}
	_, err := t.tx.ExecContext(ctx, trigger)
	return err
}

const insertShadowSQL = `
insert or ignore into recording (
  id, stream_id, open_id, run_offset, flags, start_time_90k, duration_90k,
  local_time_delta_90k, video_samples, video_sync_samples,
  video_sample_entry_id, sample_dir_id, sample_file_bytes, sample_file_uuid,
  sample_file_sha1, video_index)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, zeroblob(20), ?)`

// add inserts a recording, unless it is there.
func (s *shadowInserter) add(ctx context.Context, r *moonfirefs.Recording, entry *moonfirefs.VideoSampleEntry) (err error) {
	id, ok := s.entries[entry]
	if !ok {
		if id, err = storeSampleEntry(ctx, s.t.tx, entry); err != nil {
			return err
		}
		s.entries[entry] = id
	}
	result, err := s.insert.ExecContext(ctx,
		r.ID, r.Stream, r.Open, r.RunOffset, r.Flags, r.Start90k, r.Duration90k, r.LocalTimeDelta90k, r.VideoSamples, r.VideoSyncSamples,
		id, r.SampleDir, r.SampleFileBytes, r.SampleFile[:], r.VideoIndex)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	hour := hourOf(r.Start90k)
	s.t.changed[streamHour{r.Stream, hour}] = true
	added := s.added[r.Stream]
	if added == nil {
		added = &addedRecordings{hours: make(map[utcHour]bool)}
		s.added[r.Stream] = added
	}
	added.sizeBytes += r.SampleFileBytes
	added.duration90k += r.Duration90k
	added.hours[hour] = true
	return nil
}

// addUp does what trigger recording_inserted does, for all recordings that came: totals grow,
// and nothing is said any more of the hours and days that have changed.
func (t *transaction) addUp(ctx context.Context, added map[moonfirefs.StreamID]*addedRecordings) error {
	for stream, a := range added {
		if _, err := t.tx.ExecContext(ctx, `update stream set sample_file_bytes = sample_file_bytes + ?, duration_90k = duration_90k + ? where id = ?`,
			a.sizeBytes, a.duration90k, stream); err != nil {
			return err
		}
		for hour := range a.hours {
			if err := t.unpack(ctx, streamHour{stream, hour}); err != nil {
				return err
			}
		}
	}
	return nil
}

// unpack forgets what was packed of an hour, and of the days that it has a part in.
func (t *transaction) unpack(ctx context.Context, h streamHour) error {
	if _, err := t.tx.ExecContext(ctx, `insert into hour_summaries (id, stream_id, utc_hour) values (?, ?, ?)
		on conflict do update set summaries = null where summaries is not null`, h.id(), h.stream, h.hour); err != nil {
		return err
	}
	_, err := t.tx.ExecContext(ctx, `delete from day_stretches where id between ? and ? and start_time_90k < ? and end_time_90k > ?`,
		h.id()-maxDayHours, h.id(), (h.hour + 1).start(), h.hour.start())
	return err
}
