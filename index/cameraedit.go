// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/moonfirefs/moonfirefs"
)

// ErrChanged is returned when a camera is not as whoever edits it has read it.
var ErrChanged = errors.New("somebody else has changed it meanwhile")

// UpdateCamera stores what a person has changed about a camera, and streams that are
// new: before is the camera as it was read, which may be minutes ago, after what it is to
// be. Its name and UUID stay, and so do streams that are not listed.
//
// It returns an error that wraps moonfirefs.ErrInvalid, moonfirefs.ErrNotFound, or
// ErrChanged if the settings in the index are no longer those of before: to store after
// would take back what somebody else has changed, and with a quota, footage.
func (db *DB) UpdateCamera(ctx context.Context, before, after *moonfirefs.Camera) error {
	return db.SetUpCamera(ctx, before, after, nil)
}

func updateCamera(ctx context.Context, tx *sql.Tx, before, c *moonfirefs.Camera) error {
	if err := requireUnchanged(ctx, tx, before); err != nil {
		return err
	}
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
				update stream set sample_dir_id = ?, url = ?, transport = ?, retain_bytes = ?, retain_for_90k = ?, retain_marked_bytes = ? where id = ? and camera_id = ?`,
				s.SampleDir, s.URL, s.Transport, s.RetainBytes, s.RetainFor90k, s.RetainMarkedBytes, s.ID, c.ID)
			if err = requireOne(result, err); err == nil {
				err = releaseMarks(ctx, tx, allPlaces(s.ID), s.RetainMarkedBytes)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// requireUnchanged compares a camera with what the index has.
func requireUnchanged(ctx context.Context, tx *sql.Tx, before *moonfirefs.Camera) error {
	cameras, err := listCameras(ctx, tx, func(BadRow) {})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(cameras, func(c moonfirefs.Camera) bool { return c.ID == before.ID })
	if i < 0 {
		return moonfirefs.ErrNotFound
	}
	if !reflect.DeepEqual(cameras[i].Settings(), before.Settings()) {
		return ErrChanged
	}
	return nil
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
	err := inTransaction(ctx, db.writer, func(tx *sql.Tx) error { return removeCamera(ctx, tx, id) })
	if e := new(sqlite3.Error); errors.As(err, e) && e.ExtendedCode == sqlite3.ErrConstraintForeignKey {
		err = moonfirefs.Errorf(moonfirefs.ErrInvalid, "it has footage, or kept intervals")
	}
	if err != nil {
		return fmt.Errorf("remove camera: %w", asOurs(err))
	}
	return nil
}

func removeCamera(ctx context.Context, tx *sql.Tx, id moonfirefs.CameraID) error {
	if _, err := tx.ExecContext(ctx, `
		delete from trimmed_quarter where stream_id in (select id from stream where camera_id = ?)`, id); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		delete from hour_summaries where id in (
		  select h.id from stream s join hour_summaries h on h.id between s.id * ?2 + ?3 and s.id * ?2 + ?4
		   where s.camera_id = ?1)`, id, int64(1)<<hourBits, minHour, maxHour); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		delete from day_stretches where id in (
		  select d.id from stream s join day_stretches d on d.id between s.id * ?2 + ?3 and s.id * ?2 + ?4
		   where s.camera_id = ?1)`, id, int64(1)<<hourBits, minHour, maxHour); err != nil {
		return err
	}
	for _, table := range []string{"tier", "imported_stream"} {
		if _, err := tx.ExecContext(ctx, `delete from `+table+` where stream_id in (select id from stream where camera_id = ?)`, id); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `delete from stream where camera_id = ?`, id); err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, `delete from camera where id = ?`, id)
	return requireOne(result, err)
}
