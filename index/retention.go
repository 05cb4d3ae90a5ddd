// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"fmt"
	"math"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// maxDeletions bounds the recordings that one transaction deletes.
const maxDeletions = 500

// oldestSQL finds the recordings of a stream that were committed after another one, the
// first one first: of those, the first that nobody keeps goes. That is not
// always the one with the earliest time: where this machine's clock has been
// wrong for a while, an order by time would keep the footage from the future for
// ever, or delete what is dated too early as soon as it is committed.
const oldestSQL = `
select id, start_time_90k, duration_90k from recording
 where stream_id = ? and id > ?
 order by id`

// limit is how much a stream may have: its quota, of which what is kept is a part.
// If that leaves less than a tenth of the quota for new footage, it has that tenth
// all the same: what is kept never goes, and recording goes on.
func (t *transaction) limit(ctx context.Context, stream moonfirefs.StreamID) (sizeBytes int64, err error) {
	var retainBytes, keptBytes int64
	if err := t.tx.QueryRowContext(ctx, `select retain_bytes from stream where id = ?`, stream).Scan(&retainBytes); err != nil {
		return 0, err
	}
	kept, err := t.keptOf(ctx, stream)
	if err == nil {
		keptBytes, err = kept.sizeBytes(ctx, t.tx, stream)
	}
	return limitBytes(retainBytes, keptBytes), err
}

// keptOf returns what is kept of a stream, which nobody can change meanwhile.
func (t *transaction) keptOf(ctx context.Context, stream moonfirefs.StreamID) (keptSet, error) {
	if set, ok := t.kept[stream]; ok {
		return set, nil
	}
	set, err := loadKept(ctx, t.tx, stream)
	if err == nil {
		t.kept[stream] = set
	}
	return set, err
}

// OverQuota lists the streams that have more than they may, those of retired cameras
// included: a quota was lowered, or what was kept has been released.
func (db *DB) OverQuota(ctx context.Context) (streams []moonfirefs.StreamID, err error) {
	large, err := db.aboveRetainBytes(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for exceeded quotas: %w", asOurs(err))
	}
	for _, s := range large {
		keptBytes, err := db.KeptBytes(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		if s.SampleFileBytes > limitBytes(s.RetainBytes, keptBytes) {
			streams = append(streams, s.ID)
		}
	}
	return streams, nil
}

// aboveRetainBytes lists the streams that exceed their quotas if nothing is kept of them:
// nearly always none, so that what is kept need not be added up.
func (db *DB) aboveRetainBytes(ctx context.Context) (large []moonfirefs.Stream, err error) {
	rows, err := db.readers.QueryContext(ctx, `
		select id, retain_bytes, sample_file_bytes from stream where sample_file_bytes > retain_bytes order by id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s moonfirefs.Stream
		if err := rows.Scan(&s.ID, &s.RetainBytes, &s.SampleFileBytes); err != nil {
			return nil, err
		}
		large = append(large, s)
	}
	return large, rows.Err()
}

// limitBytes is described at limit.
func limitBytes(retainBytes, keptBytes int64) int64 {
	return max(retainBytes, keptBytes+retainBytes/moonfirefs.UnkeptShare)
}

// enforceQuota deletes the oldest recordings of a stream that exceed its quota: as
// many as needed and no more.
func (t *transaction) enforceQuota(ctx context.Context, stream moonfirefs.StreamID) error {
	deleted := len(t.Deleted)
	defer func() { t.more = t.more || len(t.Deleted) >= maxDeletions }()
	limit, err := t.limit(ctx, stream)
	if err != nil {
		return err
	}
	for {
		if len(t.Deleted) >= maxDeletions {
			return t.forgetTrimmed(ctx, stream)
		}
		var excess int64
		err := t.tx.QueryRowContext(ctx, `select sample_file_bytes - ? from stream where id = ?`, limit, stream).Scan(&excess)
		if err == nil && excess <= 0 && len(t.Deleted) > deleted {
			err = t.forgetTrimmed(ctx, stream)
		}
		if err != nil || excess <= 0 {
			return err
		}
		if err := failpoint.Step("delete.1", func() error { return t.deleteOldest(ctx, stream) }); err != nil {
			return err
		}
	}
}

func (t *transaction) deleteOldest(ctx context.Context, stream moonfirefs.StreamID) error {
	kept, err := t.keptOf(ctx, stream)
	if err != nil {
		return err
	}
	id, _, ok, err := kept.firstUnkept(ctx, t.tx, oldestSQL, stream, t.passed[stream])
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("its total is not that of its recordings: %w", moonfirefs.ErrCorrupt)
	}
	t.passed[stream] = id
	return t.delete(ctx, id)
}

// delete replaces a recording row by a reserved row.
func (t *transaction) delete(ctx context.Context, id moonfirefs.RecordingID) error {
	var stream moonfirefs.StreamID
	var start90k moonfirefs.Time90k
	var file moonfirefs.SampleFile
	var blobs indexBlobs
	var sizeBytes int64
	err := t.tx.QueryRowContext(ctx, `
		select stream_id, start_time_90k, sample_file_uuid, sample_dir_id, `+indexesSQL+` from recording r where id = ?`, id).
		Scan(&stream, &start90k, &file.UUID, &file.Dir, &blobs.video, &blobs.audio, &sizeBytes)
	if err != nil {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, `delete from recording where id = ?`, id); err != nil {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, `insert into reserved_sample_files (uuid, sample_dir_id, state) values (?, ?, 'deleted')`,
		file.UUID[:], file.Dir); err != nil {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, `insert or ignore into trimmed_quarter (stream_id, quarter_hour) values (?, ?)`,
		stream, start90k.Count(moonfirefs.QuarterHour90k)); err != nil {
		return err
	}
	t.changed[streamHour{stream, hourOf(start90k)}] = true
	if t.blobBytes += sizeBytes; t.blobBytes <= maxHeldBytes && !blobs.lacks(sizeBytes) {
		t.blobs[id] = blobs
	}
	t.Deleted = append(t.Deleted, file)
	return nil
}

// nearQuarters is how many quarters an hour has: what is further away than that
// is in another hour.
const nearQuarters = 4

// forgetTrimmed forgets the quarters that no hour with footage can have: those
// before all recordings, but for the neighbours of kept ones.
func (t *transaction) forgetTrimmed(ctx context.Context, stream moonfirefs.StreamID) error {
	kept, err := t.keptOf(ctx, stream)
	if err != nil {
		return err
	}
	_, first90k, ok, err := kept.firstUnkept(ctx, t.tx, `
		select id, start_time_90k, duration_90k from recording where stream_id = ? order by start_time_90k`, stream)
	if err != nil {
		return err
	}
	before := int64(math.MaxInt64)
	if ok {
		before = first90k.Count(moonfirefs.QuarterHour90k) - nearQuarters
	}
	_, err = t.tx.ExecContext(ctx, `
		delete from trimmed_quarter
		 where stream_id = ?1 and quarter_hour < ?2
		   and not exists (select 1 from recording r where r.stream_id = ?1
		       and r.start_time_90k >= (quarter_hour - ?3) * ?4 and r.start_time_90k < (quarter_hour + ?3 + 1) * ?4)`,
		stream, before, nearQuarters, moonfirefs.QuarterHour90k)
	return err
}
