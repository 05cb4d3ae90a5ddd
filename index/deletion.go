// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// deletableSQL finds recordings of a stream that start within some time and were committed
// up to one of them; see deletable.
const deletableSQL = `
select id, start_time_90k, duration_90k from recording
 where stream_id = ? and start_time_90k >= ? and start_time_90k < ? and id <= ?
 order by start_time_90k, id`

// deletable calls fn for each recording that a deletion is about, until fn returns errDone.
func deletable(ctx context.Context, db querier, d *moonfirefs.Deletion, fn func(*overlapping) error) error {
	i := moonfirefs.Interval{Start90k: max(d.Start90k, moonfirefs.MinTime90k), End90k: min(d.End90k, moonfirefs.MaxTime90k)}
	args := []any{d.Stream, i.EarliestStart90k(), i.End90k, d.LastRecording}
	return eachOverlapping(ctx, db, deletableSQL, args, func(r *overlapping) error {
		if !i.Touches(&moonfirefs.Summary{Start90k: r.start90k, Duration90k: r.duration90k}) {
			return nil
		}
		return fn(r)
	})
}

// RequestDeletion asks whoever records, or the next one who will, to carry out
// deletions, all or none, and fills in their ids. Nothing is deleted yet. It returns an
// error that wraps moonfirefs.ErrInvalid if some of the footage is kept.
func (db *DB) RequestDeletion(ctx context.Context, all ...*moonfirefs.Deletion) error {
	err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error {
		for _, d := range all {
			if err := requestDeletion(ctx, tx, d); err != nil {
				return fmt.Errorf("in %s: %w", d.Folder, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("request a deletion: %w", asOurs(err))
	}
	return nil
}

func requestDeletion(ctx context.Context, tx *sql.Tx, d *moonfirefs.Deletion) error {
	err := tx.QueryRowContext(ctx, `
		insert into deletion (stream_id, folder, start_time_90k, end_time_90k, last_recording_id, requested_time_90k, requested_by)
		values (?, ?, ?, ?, ?, ?, ?) returning id`,
		d.Stream, d.Folder, d.Start90k, d.End90k, d.LastRecording, d.Requested90k, d.RequestedBy).Scan(&d.ID)
	if err != nil {
		return err
	}
	return requireNotKept(ctx, tx, d)
}

// requireNotKept refuses to delete recordings that somebody keeps.
func requireNotKept(ctx context.Context, tx *sql.Tx, d *moonfirefs.Deletion) error {
	kept, err := loadKept(ctx, tx, d.Stream)
	if err != nil {
		return err
	}
	return deletable(ctx, tx, d, func(r *overlapping) error {
		if kept.has(r.start90k, r.duration90k) {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "some of it is kept, such as what begins at %v (see: moonfirefs keep --list)", r.start90k)
		}
		return nil
	})
}

var deletionsSQL = `
select id, stream_id, ` + bounded("folder", maxNameBytes) + `, start_time_90k, end_time_90k, last_recording_id, requested_time_90k,
       ` + bounded("requested_by", maxNameBytes) + `, coalesce(done_time_90k, 0), recordings, sample_file_bytes
  from deletion where id >= %d and id <= %d order by id`

// Deletions lists all that anybody has ever asked to delete, in that order.
func (db *DB) Deletions(ctx context.Context) ([]moonfirefs.Deletion, error) {
	return db.deletions(ctx, 0, math.MaxInt64)
}

// Deletion returns one of those, or an error that wraps moonfirefs.ErrNotFound.
func (db *DB) Deletion(ctx context.Context, id moonfirefs.DeletionID) (moonfirefs.Deletion, error) {
	found, err := db.deletions(ctx, id, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("look up deletion %d: %w", id, moonfirefs.ErrNotFound)
	}
	if err != nil {
		return moonfirefs.Deletion{}, err
	}
	return found[0], nil
}

func (db *DB) deletions(ctx context.Context, first, last moonfirefs.DeletionID) ([]moonfirefs.Deletion, error) {
	all, err := listDeletions(ctx, db.readers, first, last, db.leaveOut)
	if err != nil {
		return nil, fmt.Errorf("list deletions: %w", err)
	}
	return all, nil
}

func listDeletions(ctx context.Context, db querier, first, last moonfirefs.DeletionID, leaveOut func(BadRow)) (all []moonfirefs.Deletion, err error) {
	err = listRows(ctx, db, fmt.Sprintf(deletionsSQL, first, last), func(row scanner) (id int64, problem string) {
		var d moonfirefs.Deletion
		problem = rowProblem(row.Scan(&d.ID, &d.Stream, &d.Folder, &d.Start90k, &d.End90k, &d.LastRecording, &d.Requested90k,
			&d.RequestedBy, &d.Done90k, &d.Recordings, &d.SampleFileBytes), d.Problem)
		if problem == "" {
			all = append(all, d)
		}
		return int64(d.ID), problem
	}, leaveOut, "deletion")
	return all, err
}

// DeletionsPending tells whether something is to be deleted; see Change.Delete.
func (db *DB) DeletionsPending(ctx context.Context) (pending bool, err error) {
	err = db.readers.QueryRowContext(ctx, `select exists (select 1 from deletion where done_time_90k is null)`).Scan(&pending)
	if err != nil {
		return false, fmt.Errorf("look for deletions: %w", asOurs(err))
	}
	return pending, nil
}

// Undeleted counts, for deletions that are said to have been carried out, the
// recordings that they should have deleted and that nobody keeps. It compares each deletion
// with the recordings of its time, and with no more than maxCompared together: unchecked
// are the deletions that are left then.
func (db *DB) Undeleted(ctx context.Context) (undeleted map[moonfirefs.DeletionID]int64, unchecked int, err error) {
	undeleted = make(map[moonfirefs.DeletionID]int64)
	err = inTransaction(ctx, db.readers, func(tx *sql.Tx) error {
		all, err := listDeletions(ctx, tx, math.MinInt64, math.MaxInt64, func(BadRow) {})
		kept := make(map[moonfirefs.StreamID]keptSet)
		compared := 0
		for i := range all {
			d := &all[i]
			if d.Done90k == 0 {
				continue
			}
			if compared >= maxCompared {
				unchecked++
				continue
			}
			if _, ok := kept[d.Stream]; !ok && err == nil {
				kept[d.Stream], err = loadKept(ctx, tx, d.Stream)
			}
			if err != nil {
				return err
			}
			err = deletable(ctx, tx, d, func(r *overlapping) error {
				compared++
				if !kept[d.Stream].has(r.start90k, r.duration90k) {
					undeleted[d.ID]++
				}
				return nil
			})
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("check deletions: %w", asOurs(err))
	}
	return undeleted, unchecked, nil
}

// maxCompared bounds the comparisons of Undeleted, to some seconds.
const maxCompared = 5_000_000

const pendingSQL = `
select id, stream_id, start_time_90k, end_time_90k, last_recording_id
  from deletion where done_time_90k is null order by id limit 1`

// maxCarriedOut bounds the deletions that one transaction carries out.
const maxCarriedOut = 1000

// carryOut carries out what somebody has asked to delete, as much as one
// transaction may.
func (t *transaction) carryOut(ctx context.Context) error {
	trimmed := make(map[moonfirefs.StreamID]bool)
	for n := 0; ; n++ {
		if len(t.Deleted) >= maxDeletions || n == maxCarriedOut {
			t.more = true
			break
		}
		var d moonfirefs.Deletion
		err := t.tx.QueryRowContext(ctx, pendingSQL).Scan(&d.ID, &d.Stream, &d.Start90k, &d.End90k, &d.LastRecording)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err == nil {
			err = t.carryOutOne(ctx, &d)
		}
		if err != nil {
			return fmt.Errorf("deletion %d: %w", d.ID, err)
		}
		trimmed[d.Stream] = true
	}
	for stream := range trimmed {
		if err := t.forgetTrimmed(ctx, stream); err != nil {
			return err
		}
	}
	return nil
}

func (t *transaction) carryOutOne(ctx context.Context, d *moonfirefs.Deletion) error {
	victims, err := t.victims(ctx, d, maxDeletions-len(t.Deleted))
	if err != nil {
		return err
	}
	for _, id := range victims {
		if _, err := t.tx.ExecContext(ctx, `
			update deletion set recordings = recordings + 1,
			       sample_file_bytes = sample_file_bytes + (select sample_file_bytes from recording where id = ?)
			 where id = ?`, id, d.ID); err != nil {
			return err
		}
		if err := failpoint.Step("delete.1", func() error { return t.delete(ctx, id) }); err != nil {
			return err
		}
	}
	if len(t.Deleted) >= maxDeletions {
		return nil // there may be more
	}
	_, err = t.tx.ExecContext(ctx, `update deletion set done_time_90k = ? where id = ?`, moonfirefs.FromTime(time.Now()), d.ID)
	return err
}

// victims finds up to n recordings that a deletion is to delete, and that nobody keeps.
func (t *transaction) victims(ctx context.Context, d *moonfirefs.Deletion, n int) (ids []moonfirefs.RecordingID, err error) {
	kept, err := t.keptOf(ctx, d.Stream)
	if err != nil {
		return nil, err
	}
	err = deletable(ctx, t.tx, d, func(r *overlapping) error {
		if kept.has(r.start90k, r.duration90k) {
			return nil
		}
		if ids = append(ids, r.id); len(ids) == n {
			return errDone
		}
		return nil
	})
	return ids, err
}
