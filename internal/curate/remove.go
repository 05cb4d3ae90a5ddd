// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"context"
	"errors"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// errStillRecorded is returned when a recorder does not let go of a camera in time.
var errStillRecorded = errors.New("the recorder still writes recordings of the camera: repeat the command")

// RemoveBesideRecorder is RemoveCamera while a recorder runs. The camera is retired first.
// Once the recorder has let go of it, which released tells, its footage is deleted, by the
// recorder, and the camera is forgotten. Where that is refused, the camera is recorded
// again; where it is interrupted, it stays retired, and the call can be repeated.
func RemoveBesideRecorder(ctx context.Context, open Opener, name string, removal Removal, released func() (bool, error)) (*moonfirefs.Camera, error) {
	var c *moonfirefs.Camera
	confirmed := false
	err := open(store.Configuring, func(s *store.Store) (err error) {
		if c, confirmed, err = removal.confirm(ctx, s, name); err != nil {
			return err
		}
		return setRetired(ctx, s, name, true)
	})
	if err != nil {
		return nil, err
	}
	wasRetired := c.Retired
	if err := awaitRelease(ctx, released); err != nil {
		return nil, err
	}
	var deletions []*moonfirefs.Deletion
	err = open(store.Configuring, func(s *store.Store) (err error) {
		if !confirmed { // what was being recorded may be the first that there is
			if c, _, err = removal.confirm(ctx, s, name); err != nil {
				return errors.Join(err, setRetired(context.WithoutCancel(ctx), s, name, wasRetired))
			}
		}
		deletions, err = removal.requestDeletions(ctx, s, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, d := range deletions {
		if _, err := CarryOut(ctx, open, d.ID, removal.Logger, func() {}); err != nil {
			return nil, err
		}
	}
	return c, open(store.Configuring, func(s *store.Store) error { return s.DB.RemoveCamera(ctx, c.ID) })
}

// confirm finds a camera that can be removed, and asks whether its footage may be deleted,
// if there is some.
func (r *Removal) confirm(ctx context.Context, s *store.Store, name string) (c *moonfirefs.Camera, asked bool, err error) {
	if c, err = FindCamera(ctx, s.DB, name); err != nil {
		return nil, false, err
	}
	if err := requireNoneInterrupted(ctx, s); err != nil {
		return nil, false, err
	}
	sizeBytes := footageBytes(c)
	switch {
	case sizeBytes == 0:
		return c, false, nil
	case r.ConfirmDeletion == nil:
		return nil, false, &HasFootageError{c.ShortName, sizeBytes}
	}
	if err := requireNothingKept(ctx, s.DB, c); err != nil {
		return nil, false, err
	}
	return c, true, r.ConfirmDeletion(c, sizeBytes)
}

// setRetired does not forget credentials, so that it can be undone.
func setRetired(ctx context.Context, s *store.Store, name string, retired bool) error {
	_, err := EditCamera(ctx, s.DB, name, func(c *moonfirefs.Camera) error {
		c.Retired = retired
		return nil
	})
	return err
}

func awaitRelease(ctx context.Context, released func() (bool, error)) error {
	for deadline := time.Now().Add(recorderWait); time.Now().Before(deadline); {
		done, err := released()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(askEvery):
		}
	}
	return errStillRecorded
}
