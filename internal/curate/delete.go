// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/recorder"
)

// ErrNotYet is returned when a running recorder has not carried out a deletion in the
// time that CarryOut waits. It still will.
var ErrNotYet = errors.New("the recorder has not deleted it yet, and will when it can")

const (
	// recorderWait is how long a running recorder may take for a deletion, which it
	// looks for every few seconds.
	recorderWait = 2 * time.Minute
	// askEvery is how long CarryOut waits before it looks again.
	askEvery = 500 * time.Millisecond
)

// Requester is who asks for a deletion, and when: for those who look into it later.
type Requester struct {
	Name  string
	At90k moonfirefs.Time90k
}

// deletion is one of all recordings of a stream that have footage in an interval and
// were committed no later than last.
func (r Requester) deletion(s *Stream, i moonfirefs.Interval, last moonfirefs.RecordingID) *moonfirefs.Deletion {
	return &moonfirefs.Deletion{
		Stream: s.ID, Folder: s.Folder, Start90k: i.Start90k, End90k: i.End90k, LastRecording: last,
		Requested90k: r.At90k, RequestedBy: r.Name,
	}
}

// RequestDeletion commits that the footage of an interval is to be deleted: the
// recordings up to last, since whoever was asked has seen no others. Nothing is deleted
// yet; see CarryOut. The error wraps moonfirefs.ErrInvalid if some of it is kept.
func RequestDeletion(ctx context.Context, db *index.DB, s *Stream, i moonfirefs.Interval, last moonfirefs.RecordingID, by Requester) (*moonfirefs.Deletion, error) {
	d := by.deletion(s, i, last)
	return d, db.RequestDeletion(ctx, d)
}

// Opener opens a store in a mode for the time of act.
type Opener func(mode store.Mode, act func(*store.Store) error) error

// CarryOut carries out a deletion that was requested, or waits until the recorder that
// runs has done it, and returns what was deleted. It calls waiting, once, when it begins
// to wait. However it ends, the request stands.
func CarryOut(ctx context.Context, open Opener, id moonfirefs.DeletionID, log *slog.Logger, waiting func()) (moonfirefs.Deletion, error) {
	told := false
	for deadline := time.Now().Add(recorderWait); ; {
		err := open(store.Recording, func(s *store.Store) error { return deletePending(ctx, s, log) })
		if err != nil && !errors.Is(err, moonfirefs.ErrStoreLocked) {
			return moonfirefs.Deletion{}, fmt.Errorf("the next recorder will delete it: %w", err)
		}
		d, lookErr := lookUp(ctx, open, id)
		if lookErr != nil || d.Done90k != 0 {
			return d, lookErr
		}
		if err != nil && !told {
			told = true
			waiting()
		}
		select {
		case <-ctx.Done():
			return d, context.Cause(ctx)
		case <-time.After(askEvery):
		}
		if time.Now().After(deadline) {
			return d, ErrNotYet
		}
	}
}

func lookUp(ctx context.Context, open Opener, id moonfirefs.DeletionID) (d moonfirefs.Deletion, err error) {
	err = open(store.Reading, func(s *store.Store) (err error) {
		d, err = s.DB.Deletion(ctx, id)
		return err
	})
	return d, err
}

// deletePending does what a recorder does about deletions, and about what a crash has
// interrupted, when it starts and ends, and records nothing.
func deletePending(ctx context.Context, s *store.Store, log *slog.Logger) error {
	r := recorder.New(recorder.Options{DB: s.DB, Dirs: s.Dirs, Attach: s.Attach, Logger: log})
	// What has been committed must be cleaned up behind, whatever was interrupted.
	return errors.Join(r.Open(context.WithoutCancel(ctx)), r.Close())
}
