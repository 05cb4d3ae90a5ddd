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

// deletedSQL is true of a recording r that the deletion i is about.
var deletedSQL = `r.stream_id = i.stream_id and r.id <= i.last_recording_id and ` + overlapSQL

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
	var start90k moonfirefs.Time90k
	err := tx.QueryRowContext(ctx, `
		select r.start_time_90k from deletion i cross join recording r on `+deletedSQL+` and `+keptSQL+`
		 where i.id = ? limit 1`, d.ID).Scan(&start90k)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("some of it is kept, such as what begins at %v (see: moonfirefs keep --list): %w", start90k, moonfirefs.ErrInvalid)
	}
	return err
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

const undeletedSQL = `
select i.id, count(*) from deletion i cross join recording r on %s and not %s
 where i.done_time_90k is not null group by i.id order by i.id`

// Undeleted counts, for deletions that are said to have been carried out, the
// recordings that they should have deleted and that nobody keeps.
func (db *DB) Undeleted(ctx context.Context) (map[moonfirefs.DeletionID]int64, error) {
	rows, err := db.readers.QueryContext(ctx, fmt.Sprintf(undeletedSQL, deletedSQL, keptSQL))
	if err != nil {
		return nil, fmt.Errorf("check deletions: %w", asOurs(err))
	}
	undeleted := make(map[moonfirefs.DeletionID]int64)
	err = each(rows, func() error {
		var id moonfirefs.DeletionID
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return err
		}
		undeleted[id] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("check deletions: %w", err)
	}
	return undeleted, nil
}

const pendingSQL = `select id, stream_id from deletion where done_time_90k is null order by id limit 1`

// nextDeletedSQL finds a recording that a deletion is to delete, and that nobody
// keeps.
var nextDeletedSQL = `
select r.id from deletion i cross join recording r on ` + deletedSQL + ` and not ` + keptSQL + `
 where i.id = ? limit 1`

// carryOut carries out what somebody has asked to delete, as much as one
// transaction may.
func (t *transaction) carryOut(ctx context.Context) error {
	for len(t.Deleted) < maxDeletions {
		var id moonfirefs.DeletionID
		var stream moonfirefs.StreamID
		err := t.tx.QueryRowContext(ctx, pendingSQL).Scan(&id, &stream)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.carryOutOne(ctx, id, stream); err != nil {
			return fmt.Errorf("deletion %d: %w", id, err)
		}
	}
	t.more = true
	return nil
}

func (t *transaction) carryOutOne(ctx context.Context, id moonfirefs.DeletionID, stream moonfirefs.StreamID) error {
	for len(t.Deleted) < maxDeletions {
		var victim moonfirefs.RecordingID
		err := t.tx.QueryRowContext(ctx, nextDeletedSQL, id).Scan(&victim)
		if errors.Is(err, sql.ErrNoRows) {
			_, err := t.tx.ExecContext(ctx, `update deletion set done_time_90k = ? where id = ?`, moonfirefs.FromTime(time.Now()), id)
			return errors.Join(err, t.forgetTrimmed(ctx, stream))
		}
		if err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, `
			update deletion set recordings = recordings + 1,
			       sample_file_bytes = sample_file_bytes + (select sample_file_bytes from recording where id = ?)
			 where id = ?`, victim, id); err != nil {
			return err
		}
		if err := failpoint.Step("delete.1", func() error { return t.delete(ctx, victim) }); err != nil {
			return err
		}
	}
	return nil
}
