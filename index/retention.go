// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// maxDeletions bounds the recordings that one transaction deletes.
const maxDeletions = 500

// oldestSQL finds the recordings of a place that were committed after another one, the
// first one first, but for marked ones: of those, the first that nobody keeps goes. That is not
// always the one with the earliest time: where this machine's clock has been
// wrong for a while, an order by time would keep the footage from the future for
// ever, or delete what is dated too early as soon as it is committed.
const oldestSQL = `
select id, start_time_90k, duration_90k from recording
 where stream_id = ? and id > ? and id <= ? and ` + notMarkedSQL + `
 order by id`

// keptBytesIn adds up what is kept of a place.
func (t *transaction) keptBytesIn(ctx context.Context, p *place) (sizeBytes int64, err error) {
	kept, err := t.keptOf(ctx, p.stream)
	if err != nil {
		return 0, err
	}
	return kept.sizeBytes(ctx, t.tx, p)
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

// OverLimits lists the streams that have more, or older, footage at a time than they may,
// those of retired cameras included: time has passed, a quota was lowered, or what was kept
// has been released.
func (db *DB) OverLimits(ctx context.Context, now90k moonfirefs.Time90k) (streams []moonfirefs.StreamID, err error) {
	limited, err := db.maybeOverLimits(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for exceeded quotas: %w", asOurs(err))
	}
	for _, s := range limited {
		over, err := db.overLimits(ctx, &s, now90k)
		if err != nil {
			return nil, fmt.Errorf("look for exceeded quotas: %w", asOurs(err))
		}
		if over {
			streams = append(streams, s.ID)
		}
	}
	return streams, nil
}

// maybeOverLimits lists the streams that exceed their quotas if nothing is kept of them,
// nearly always none, and those whose footage has a limit in time.
func (db *DB) maybeOverLimits(ctx context.Context) (limited []moonfirefs.Stream, err error) {
	rows, err := db.readers.QueryContext(ctx, `
		select id, retain_bytes, retain_for_90k, s.sample_file_bytes from stream s
		 where s.sample_file_bytes > s.retain_bytes or s.retain_for_90k > 0
		    or exists (select 1 from tier t where t.stream_id = s.id and t.sample_file_bytes > t.retain_bytes) order by id`)
	if err != nil {
		return nil, err
	}
	err = each(rows, func() error {
		var s moonfirefs.Stream
		err := rows.Scan(&s.ID, &s.RetainBytes, &s.RetainFor90k, &s.SampleFileBytes)
		limited = append(limited, s)
		return err
	})
	return limited, err
}

func (db *DB) overLimits(ctx context.Context, s *moonfirefs.Stream, now90k moonfirefs.Time90k) (over bool, err error) {
	kept, err := loadKept(ctx, db.readers, s.ID)
	if err != nil {
		return false, err
	}
	places, err := placesOf(ctx, db.readers, s.ID)
	if err != nil {
		return false, err
	}
	for _, p := range places {
		if p.sizeBytes <= p.retainBytes {
			continue
		}
		keptBytes, err := kept.sizeBytes(ctx, db.readers, &p)
		if err != nil || p.sizeBytes > limitBytes(p.retainBytes, keptBytes) {
			return err == nil, err
		}
	}
	if s.RetainFor90k > 0 {
		err = eachExpired(ctx, db.readers, s, kept, now90k, func(moonfirefs.RecordingID) error {
			over = true
			return errDone
		})
	}
	return over, err
}

// expiredSQL finds recordings of a stream that started before a time and are not marked. The
// covering index answers it.
const expiredSQL = `
select id, start_time_90k, duration_90k from recording
 where stream_id = ? and start_time_90k < ? and ` + notMarkedSQL + ` order by start_time_90k`

// eachExpired calls fn for each recording that ended longer before a time than the stream's
// footage may stay, and that is neither kept nor marked, until fn returns errDone.
//
// Unlike the quota, this goes by the dates of recordings, not by the order in which they were
// committed: one that was salvaged late is as old as its date says.
func eachExpired(ctx context.Context, db querier, s *moonfirefs.Stream, kept keptSet, now90k moonfirefs.Time90k, fn func(moonfirefs.RecordingID) error) error {
	before90k := now90k.Add(-s.RetainFor90k)
	return eachOverlapping(ctx, db, expiredSQL, []any{s.ID, before90k}, func(r *overlapping) error {
		if r.start90k.Add(r.duration90k) > before90k || kept.has(r.start90k, r.duration90k) {
			return nil
		}
		return fn(r.id)
	})
}

// EachExcess calls fn for each recording that retention would delete at a time if a stream
// had the limits of s and this tier, or nil for none, and if what is kept under a name were
// released; the name may be empty. It changes nothing.
func (db *DB) EachExcess(ctx context.Context, s *moonfirefs.Stream, tier *moonfirefs.Tier, released string, now90k moonfirefs.Time90k, fn func(*moonfirefs.Summary)) error {
	kept, err := loadKeptBut(ctx, db.readers, s.ID, released)
	if err != nil {
		return fmt.Errorf("read what is kept of stream %d: %w", s.ID, err)
	}
	marks, err := marksOf(ctx, db.readers, s.ID)
	if err != nil {
		return fmt.Errorf("read what is marked of stream %d: %w", s.ID, err)
	}
	e := &excess{s, kept, withinBytes(marks, s.RetainMarkedBytes), now90k, fn}
	for _, p := range placesWith(s, tier) {
		if err := e.in(ctx, db, &p); err != nil {
			return err
		}
	}
	return nil
}

// excess is what retention would delete at a time if a stream had these limits.
type excess struct {
	*moonfirefs.Stream
	kept   keptSet
	marks  []mark
	now90k moonfirefs.Time90k
	fn     func(*moonfirefs.Summary)
}

// in calls fn for what is in a place.
func (e *excess) in(ctx context.Context, db *DB, p *place) error {
	marked := make(map[moonfirefs.RecordingID]bool)
	marks := slices.DeleteFunc(slices.Clone(e.marks), func(m mark) bool { return !p.has(m.id) })
	for _, m := range marks {
		marked[m.id] = true
	}
	var keptBytes, sizeBytes int64
	var deletable []moonfirefs.Summary
	err := db.EachSummary(ctx, e.ID, moonfirefs.MinTime90k, moonfirefs.MaxTime90k, func(r *moonfirefs.Summary) error {
		if !p.has(r.ID) {
			return nil
		}
		switch {
		case e.kept.has(r.Start90k, r.Duration90k):
			keptBytes += r.SampleFileBytes
			sizeBytes += r.SampleFileBytes
		case e.RetainFor90k > 0 && r.End90k() <= e.now90k.Add(-e.RetainFor90k) && !marked[r.ID]:
			e.fn(r)
		default:
			sizeBytes += r.SampleFileBytes
			deletable = append(deletable, *r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range marks[:len(marks)-len(withinBytes(marks, markableBytes(p.retainBytes, keptBytes)))] {
		delete(marked, m.id)
	}
	deletable = slices.DeleteFunc(deletable, func(r moonfirefs.Summary) bool { return marked[r.ID] })
	slices.SortFunc(deletable, func(a, b moonfirefs.Summary) int { return cmp.Compare(a.ID, b.ID) })
	limit := limitBytes(p.retainBytes, keptBytes)
	for i := 0; i < len(deletable) && sizeBytes > limit; i++ {
		sizeBytes -= deletable[i].SampleFileBytes
		e.fn(&deletable[i])
	}
	return nil
}

// enforceAge deletes the recordings of a stream that are older than they may be, if that is
// limited.
func (t *transaction) enforceAge(ctx context.Context, stream moonfirefs.StreamID) error {
	s := &moonfirefs.Stream{ID: stream}
	err := t.tx.QueryRowContext(ctx, `select retain_for_90k from stream where id = ?`, stream).Scan(&s.RetainFor90k)
	if err != nil || s.RetainFor90k == 0 || t.Now90k == 0 {
		return err
	}
	kept, err := t.keptOf(ctx, stream)
	if err != nil {
		return err
	}
	var expired []moonfirefs.RecordingID
	err = eachExpired(ctx, t.tx, s, kept, t.Now90k, func(id moonfirefs.RecordingID) error {
		if len(t.Deleted)+len(expired) >= maxDeletions {
			t.more = true
			return errDone
		}
		expired = append(expired, id)
		return nil
	})
	if err != nil || len(expired) == 0 {
		return err
	}
	for _, id := range expired {
		if err := failpoint.Step("delete.1", func() error { return t.delete(ctx, id) }); err != nil {
			return err
		}
	}
	return t.forgetTrimmed(ctx, stream)
}

// limitBytes is how much there may be in a place: its quota, of which what is kept is a part.
// If that leaves less than a tenth of the quota for new footage, it has that tenth
// all the same: what is kept never goes, and recording goes on.
func limitBytes(retainBytes, keptBytes int64) int64 {
	return max(retainBytes, keptBytes+retainBytes/moonfirefs.UnkeptShare)
}

// enforceQuotas deletes the oldest recordings of a stream that exceed its quota, and those in
// its tier that exceed the quota there: as many as needed and no more.
func (t *transaction) enforceQuotas(ctx context.Context, stream moonfirefs.StreamID) error {
	deleted := len(t.Deleted)
	defer func() { t.more = t.more || len(t.Deleted) >= maxDeletions }()
	places, err := placesOf(ctx, t.tx, stream)
	if err != nil {
		return err
	}
	for i := range places {
		if err := t.enforceQuota(ctx, &places[i]); err != nil {
			return err
		}
	}
	if len(t.Deleted) == deleted {
		return nil
	}
	return t.forgetTrimmed(ctx, stream)
}

func (t *transaction) enforceQuota(ctx context.Context, p *place) error {
	keptBytes, err := t.keptBytesIn(ctx, p)
	limit := limitBytes(p.retainBytes, keptBytes)
	if err == nil && p.sizeBytes > limit {
		err = releaseMarks(ctx, t.tx, p, markableBytes(p.retainBytes, keptBytes))
	}
	for err == nil && p.sizeBytes > limit && len(t.Deleted) < maxDeletions {
		err = failpoint.Step("delete.1", func() error { return t.deleteOldest(ctx, p) })
		if err == nil {
			err = p.readSize(ctx, t.tx)
		}
	}
	return err
}

// deleteOldest deletes the first recording of a place that is neither kept nor marked.
func (t *transaction) deleteOldest(ctx context.Context, p *place) error {
	kept, err := t.keptOf(ctx, p.stream)
	if err != nil {
		return err
	}
	id, _, ok, err := kept.firstUnkept(ctx, t.tx, oldestSQL, p.stream, p.after, p.upTo)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("its total is not that of its recordings: %w", moonfirefs.ErrCorrupt)
	}
	p.after = id
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
	quarter := start90k.Count(moonfirefs.QuarterHour90k)
	if _, err := t.tx.ExecContext(ctx, `insert or ignore into trimmed_quarter (stream_id, quarter_hour) values (?, ?)`, stream, quarter); err != nil {
		return err
	}
	t.trimmed[stream] = append(t.trimmed[stream], quarter)
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
// before all recordings, but for the neighbours of kept and of marked ones. Those that this
// transaction has noted stay until another one: they tell whoever compares two states of the
// stream what has gone in between.
func (t *transaction) forgetTrimmed(ctx context.Context, stream moonfirefs.StreamID) error {
	kept, err := t.keptOf(ctx, stream)
	if err != nil {
		return err
	}
	_, first90k, ok, err := kept.firstUnkept(ctx, t.tx, `
		select id, start_time_90k, duration_90k from recording where stream_id = ? and `+notMarkedSQL+` order by start_time_90k`, stream)
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
		       and r.start_time_90k >= (quarter_hour - ?3) * ?4 and r.start_time_90k < (quarter_hour + ?3 + 1) * ?4)
		   and quarter_hour not in (select value from json_each(?5))`,
		stream, before, nearQuarters, moonfirefs.QuarterHour90k, jsonArray(t.trimmed[stream]))
	return err
}
