package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
)

// UpdateCamera stores what a person has changed about a camera, and streams that
// are new. Its name and UUID stay, and so do streams that are not listed. It
// returns an error that wraps moonfirefs.ErrInvalid or moonfirefs.ErrNotFound.
func (db *DB) UpdateCamera(ctx context.Context, c *moonfirefs.Camera) error {
	if err := checkCamera(c); err != nil {
		return err
	}
	if err := db.updateCamera(ctx, c); err != nil {
		return fmt.Errorf("edit camera %s: %w", c.ShortName, asOurs(err))
	}
	return nil
}

func (db *DB) updateCamera(ctx context.Context, c *moonfirefs.Camera) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	result, err := tx.ExecContext(ctx, `
		update camera set description = ?, retired = ?, record_audio = ?, username = ?, password = ? where id = ?`,
		c.Description, c.Retired, !c.NoAudio, c.Username, c.Password, c.ID)
	if err := requireOne(result, err); err != nil {
		return err
	}
	for i := range c.Streams {
		s := &c.Streams[i]
		if s.ID == 0 {
			err = addStream(ctx, tx, c.ID, s)
		} else {
			result, err = tx.ExecContext(ctx, `
				update stream set sample_dir_id = ?, url = ?, transport = ?, retain_bytes = ? where id = ? and camera_id = ?`,
				s.SampleDir, s.URL, s.Transport, s.RetainBytes, s.ID, c.ID)
			err = requireOne(result, err)
		}
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// requireOne makes an update that has found no row moonfirefs.ErrNotFound.
func requireOne(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = moonfirefs.ErrNotFound
	}
	return err
}

// RemoveCamera forgets a camera that has no footage. It returns an error that
// wraps moonfirefs.ErrInvalid if it has some, or if something is kept under a name
// although there is nothing.
func (db *DB) RemoveCamera(ctx context.Context, id moonfirefs.CameraID) error {
	err := db.removeCamera(ctx, id)
	if e := new(sqlite3.Error); errors.As(err, e) && e.ExtendedCode == sqlite3.ErrConstraintForeignKey {
		err = fmt.Errorf("it has footage, or kept intervals: %w", moonfirefs.ErrInvalid)
	}
	if err != nil {
		return fmt.Errorf("remove camera: %w", asOurs(err))
	}
	return nil
}

func (db *DB) removeCamera(ctx context.Context, id moonfirefs.CameraID) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	for _, query := range []string{
		`delete from rotated where stream_id in (select id from stream where camera_id = ?)`,
		`delete from hour_summaries where id in (
		   select h.id from stream s join hour_summaries h
		       on h.id between s.id * 68719476736 - 34359738368 and s.id * 68719476736 + 34359738367
		    where s.camera_id = ?)`,
		`delete from stream where camera_id = ?`,
	} {
		if _, err := tx.ExecContext(ctx, query, id); err != nil {
			return err
		}
	}
	result, err := tx.ExecContext(ctx, `delete from camera where id = ?`, id)
	if err := requireOne(result, err); err != nil {
		return err
	}
	return tx.Commit()
}
