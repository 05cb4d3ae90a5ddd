// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/sample"
)

// HasFootageError is returned when a camera is to be removed that has footage, and
// nobody has said what is to become of that.
type HasFootageError struct {
	Camera          string
	SampleFileBytes int64
}

func (e *HasFootageError) Error() string {
	return fmt.Sprintf("camera %s has %d bytes of footage", e.Camera, e.SampleFileBytes)
}

// EditCamera stores what change makes of a camera, which may take minutes, and returns
// that. It does so only if nobody else has changed the camera meanwhile. The error wraps
// moonfirefs.ErrNotFound if there is no camera of that name; others are those of change
// and of index.DB.UpdateCamera.
func EditCamera(ctx context.Context, db *index.DB, name string, change func(*moonfirefs.Camera) error) (*moonfirefs.Camera, error) {
	before, err := FindCamera(ctx, db, name)
	if err != nil {
		return nil, err
	}
	after := *before
	after.Streams = slices.Clone(before.Streams)
	if err := change(&after); err != nil {
		return nil, err
	}
	err = db.UpdateCamera(ctx, before, &after)
	if errors.Is(err, index.ErrChanged) {
		err = fmt.Errorf("camera %s was changed by somebody else at the same time; nothing was changed: repeat the command", after.ShortName)
	}
	return &after, err
}

// RetireCamera ends the recording of a camera, whose footage stays, however old it gets, and
// forgets its credentials. Its errors are those of EditCamera.
func RetireCamera(ctx context.Context, db *index.DB, name string) (*moonfirefs.Camera, error) {
	return EditCamera(ctx, db, name, func(c *moonfirefs.Camera) error {
		c.Retired, c.Username, c.Password = true, "", ""
		for i := range c.Streams {
			c.Streams[i].RetainFor90k = 0
		}
		return nil
	})
}

// Removal is how a camera is removed.
type Removal struct {
	// ConfirmDeletion is called before footage is deleted, with its size; an error ends
	// the removal. If it is nil, footage is not deleted.
	ConfirmDeletion func(c *moonfirefs.Camera, sizeBytes int64) error
	By              Requester
	Logger          *slog.Logger
}

// RemoveCamera forgets a camera, and deletes its footage if that is confirmed. The store
// is open for Recording.
//
// It returns a HasFootageError if there is footage that it may not delete, an error that
// wraps moonfirefs.ErrInvalid if some of the footage is kept, sample.ErrUnavailable if
// there may be footage on a disk that is missing, and moonfirefs.ErrNotFound if there is
// no camera of that name.
func RemoveCamera(ctx context.Context, s *store.Store, name string, removal Removal) (*moonfirefs.Camera, error) {
	// Before anything is changed.
	if _, err := FindCamera(ctx, s.DB, name); err != nil {
		return nil, err
	}
	if err := salvageInterrupted(ctx, s, removal.Logger); err != nil {
		return nil, err
	}
	c, err := FindCamera(ctx, s.DB, name) // with what was salvaged
	if err != nil {
		return nil, err
	}
	if sizeBytes := footageBytes(c); sizeBytes > 0 {
		if removal.ConfirmDeletion == nil {
			return nil, &HasFootageError{c.ShortName, sizeBytes}
		}
		if err := removal.deleteFootage(ctx, s, c, sizeBytes); err != nil {
			return nil, err
		}
	}
	return c, s.DB.RemoveCamera(ctx, c.ID)
}

func footageBytes(c *moonfirefs.Camera) (sizeBytes int64) {
	for i := range c.Streams {
		sizeBytes += c.Streams[i].SampleFileBytes
	}
	return sizeBytes
}

// salvageInterrupted completes what a crash has interrupted, which is footage as well.
// Left for later, nobody would know whose it is.
func salvageInterrupted(ctx context.Context, s *store.Store, log *slog.Logger) error {
	reserved, _, err := s.DB.Reservations(ctx)
	if err != nil || len(reserved) == 0 {
		return err
	}
	if err := requireNoneInterrupted(ctx, s); err != nil {
		return err
	}
	return deletePending(ctx, s, log)
}

// requireNoneInterrupted refuses while a directory is missing in which a crash may have
// left recordings.
func requireNoneInterrupted(ctx context.Context, s *store.Store) error {
	reserved, _, err := s.DB.Reservations(ctx)
	if err != nil {
		return err
	}
	for _, r := range reserved {
		if dir := s.Dirs[r.Dir]; !r.Deleting && !r.Moving && !dir.Available() {
			return fmt.Errorf("a crash has interrupted recordings in %s, which may be of this camera (connect its disk, or use --keep-footage): %w",
				dir.Path(), sample.ErrUnavailable)
		}
	}
	return nil
}

// deleteFootage deletes the footage of a camera.
func (r *Removal) deleteFootage(ctx context.Context, s *store.Store, c *moonfirefs.Camera, sizeBytes int64) error {
	if err := requireNothingKept(ctx, s.DB, c); err != nil {
		return err
	}
	if err := r.ConfirmDeletion(c, sizeBytes); err != nil {
		return err
	}
	if _, err := r.requestDeletions(ctx, s, c); err != nil {
		return err
	}
	return deletePending(ctx, s, r.Logger)
}

// requestDeletions asks for the deletion of all footage of a camera.
func (r *Removal) requestDeletions(ctx context.Context, s *store.Store, c *moonfirefs.Camera) (deletions []*moonfirefs.Deletion, err error) {
	for _, stream := range c.Streams {
		newest, ok, err := s.DB.Newest(ctx, stream.ID)
		if err != nil {
			return nil, err
		}
		if ok {
			always := moonfirefs.Interval{Start90k: moonfirefs.MinTime90k, End90k: moonfirefs.MaxTime90k}
			deletions = append(deletions, r.By.deletion(&Stream{stream, stream.FolderName(c)}, always, newest.ID))
		}
	}
	// Somebody may have kept some of it since it was confirmed: then all stays.
	return deletions, s.DB.RequestDeletion(ctx, deletions...)
}

// requireNothingKept names what is kept of a camera.
func requireNothingKept(ctx context.Context, db *index.DB, c *moonfirefs.Camera) error {
	kept, err := db.Kept(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, k := range kept {
		if slices.ContainsFunc(c.Streams, func(s moonfirefs.Stream) bool { return s.ID == k.Stream }) {
			names = append(names, k.Name)
		}
	}
	if len(names) > 0 {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "footage of camera %s is kept: release %s first (moonfirefs keep --release NAME)",
			c.ShortName, strings.Join(names, ", "))
	}
	return nil
}
