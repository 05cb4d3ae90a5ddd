package recorder

import (
	"context"
	"errors"

	moonfire "github.com/moonfirefs/moonfire"
	"github.com/moonfirefs/moonfire/internal/failpoint"
)

// beginOpen records that the store is open: in the index, then in each directory,
// and before anything is changed on behalf of this opening (§ Opening steps 1 and
// 2).
func (r *Recorder) beginOpen(ctx context.Context) error {
	err := failpoint.Step("opening.1", func() (err error) {
		wall, _ := r.o.Clock.Now()
		r.open, err = r.o.DB.BeginOpen(ctx, moonfire.FromTime(wall))
		return err
	})
	if err != nil {
		return err
	}
	return failpoint.Step("opening.2", func() error { return r.tellDirs(ctx) })
}

// endOpen records that the store was closed in order (§ Opening steps 3 and 4).
func (r *Recorder) endOpen() error {
	ctx := context.Background()
	err := failpoint.Step("opening.3", func() error {
		wall, _ := r.o.Clock.Now()
		return r.o.DB.EndOpen(ctx, r.open, moonfire.FromTime(wall))
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

// tellDirs writes what the index knows of this opening to each directory.
func (r *Recorder) tellDirs(ctx context.Context) error {
	opening, err := r.o.DB.Opening(ctx, r.open)
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range r.o.Dirs {
		errs = append(errs, dir.SetLastOpening(opening))
	}
	return errors.Join(errs...)
}
