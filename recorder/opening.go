// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"context"
	"errors"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/failpoint"
)

// beginOpen records in the index, the first time, that the store is open (§ Opening
// step 1).
func (r *Recorder) beginOpen(ctx context.Context) (moonfirefs.Opening, error) {
	r.opening.Lock()
	defer r.opening.Unlock()
	if r.open.ID != 0 {
		return r.open, nil
	}
	var opening moonfirefs.Opening
	err := failpoint.Step("opening.1", func() error {
		wall, _ := r.o.Clock.Now()
		id, err := r.o.DB.BeginOpen(ctx, moonfirefs.FromTime(wall))
		if err != nil {
			return err
		}
		opening, err = r.o.DB.Opening(ctx, id)
		return err
	})
	if err != nil {
		return moonfirefs.Opening{}, err
	}
	r.open = opening
	return opening, nil
}

// endOpen records that the store was closed in order (§ Opening steps 3 and 4).
func (r *Recorder) endOpen() error {
	ctx := context.Background()
	if r.open.ID == 0 {
		return nil // it never began
	}
	err := failpoint.Step("opening.3", func() error {
		wall, _ := r.o.Clock.Now()
		return r.o.DB.EndOpen(ctx, r.open.ID, moonfirefs.FromTime(wall))
	})
	if err != nil {
		return err
	}
	// All recordings are safe. What the directories lack now is one way of many to
	// notice a restored index.
	if err := failpoint.Step("opening.4", func() error { return r.tellDirs(ctx) }); err != nil {
		r.o.Logger.Warn("cannot record the closing of the store in its sample directories", "err", err)
	}
	return nil
}

// tellDirs writes what the index knows of this opening to each directory that took
// part in it.
func (r *Recorder) tellDirs(ctx context.Context) error {
	opening, err := r.o.DB.Opening(ctx, r.open.ID)
	if err != nil {
		return err
	}
	var errs []error
	for id, s := range r.syncers {
		if s.admission.err() == nil {
			errs = append(errs, r.o.Dirs[id].SetLastOpening(opening))
		}
	}
	return errors.Join(errs...)
}
