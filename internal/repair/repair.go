// SPDX-License-Identifier: GPL-3.0-or-later

package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// MoveOrphan moves a sample file that belongs to no recording aside and returns
// its new path.
func MoveOrphan(s *store.Store, dir moonfirefs.SampleDirID, name uuid.UUID) (path string, err error) {
	return s.Dirs[dir].MoveAside(name)
}

// DropMissing forgets a recording that has no sample file.
func DropMissing(ctx context.Context, s *store.Store, id moonfirefs.RecordingID) error {
	return s.DB.Forget(ctx, id)
}

// note is what is kept of a row whose recording is forgotten, so that the sample
// file that was moved aside can still be made sense of.
type note struct {
	Recording   *moonfirefs.Recording
	SampleEntry *moonfirefs.VideoSampleEntry
	// AudioSampleEntry is nil if there is no audio.
	AudioSampleEntry *moonfirefs.AudioSampleEntry `json:",omitempty"`
}

// unusable is true of the error for a configuration that cannot be noted.
func unusable(err error) bool {
	return errors.Is(err, moonfirefs.ErrNotFound) || errors.Is(err, moonfirefs.ErrCorrupt)
}

// MoveCorrupt moves the sample file of a recording aside, with its row beside it
// in a JSON file, and forgets the recording. It returns the file's new path.
func MoveCorrupt(ctx context.Context, s *store.Store, id moonfirefs.RecordingID) (path string, err error) {
	r, err := s.DB.Recording(ctx, id)
	if err != nil {
		return "", err
	}
	n := note{Recording: r}
	if n.SampleEntry, err = s.DB.VideoSampleEntry(ctx, r.VideoSampleEntry); err != nil && !unusable(err) {
		return "", err
	}
	if r.Audio.Samples > 0 {
		if n.AudioSampleEntry, err = s.DB.AudioSampleEntry(ctx, r.Audio.SampleEntry); err != nil && !unusable(err) {
			return "", err
		}
	}
	data, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return "", fmt.Errorf("note recording %d: %w", id, err)
	}
	dir := s.Dirs[r.SampleDir]
	if dir == nil {
		return "", s.DB.Forget(ctx, id) // nobody knows where its file could be
	}
	if err := dir.NoteAside(r.SampleFile, append(data, '\n')); err != nil {
		return "", err
	}
	// A crash after this leaves a recording without a file, for DropMissing.
	if path, err = dir.MoveAside(r.SampleFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return path, s.DB.Forget(ctx, id)
}

// Accept makes the present state of index and sample directories the one to go on
// with, although they are not of the same time. It returns how many names were
// reserved. Their files, if there are any, belong to nobody from now on: the index
// may be too old to know that they have become recordings, so no start may delete
// them.
func Accept(ctx context.Context, s *store.Store) (reserved int64, err error) {
	// First: once the directories match, a recorder may start.
	if reserved, err = s.DB.ForgetReserved(ctx); err != nil {
		return 0, err
	}
	last, _, err := s.DB.LastOpening(ctx)
	if err != nil {
		return reserved, err
	}
	for _, dir := range s.Dirs {
		if err := dir.SetLastOpening(last); err != nil {
			return reserved, err
		}
	}
	return reserved, nil
}
