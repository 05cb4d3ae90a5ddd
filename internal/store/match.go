// SPDX-License-Identifier: GPL-3.0-or-later

package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Mismatch is a sample directory that is not of the same time as the index:
// one of them was restored from a backup, or is another copy.
type Mismatch struct {
	Dir  moonfirefs.SampleDirID
	Text string
}

// Mismatches compares the index with what each sample directory knows of the last
// opening of the store (design/lifecycle.md, § Opening).
func (s *Store) Mismatches(ctx context.Context) (all []Mismatch, err error) {
	// Each look is later than the one before, in the order of a recorder's steps
	// backwards: so a recorder that starts or stops meanwhile makes no mismatch.
	recorded, err := s.DB.LastRecordedTo(ctx)
	if err != nil {
		return nil, err
	}
	for id, dir := range s.Dirs {
		if !dir.Available() {
			continue // it is compared when it comes back
		}
		problem, err := s.mismatch(ctx, dir, recorded[id])
		if err != nil {
			return nil, err
		}
		if problem != "" {
			all = append(all, Mismatch{Dir: id, Text: fmt.Sprintf("sample directory %s: %s", dir.Path(), problem)})
		}
	}
	return all, nil
}

// mismatch compares a directory with the index, whose newest recording in it was
// made in the opening recorded, or 0 for none.
func (s *Store) mismatch(ctx context.Context, dir *sample.Dir, recorded moonfirefs.OpenID) (problem string, err error) {
	last, ok, err := dir.LastOpening()
	if err != nil || !ok {
		return "", err
	}
	known, err := s.DB.Opening(ctx, last.ID)
	unknown := errors.Is(err, moonfirefs.ErrNotFound)
	if err != nil && !unknown {
		return "", err
	}
	switch {
	case unknown || known.UUID != last.UUID:
		return fmt.Sprintf("it was recorded to in opening %d (%s), which the index does not know: the index is older, as after restoring a backup", last.ID, last.UUID), nil
	case last.Ended && !known.Ended:
		return fmt.Sprintf("opening %d has ended, which the index does not know: the index is older, as after restoring a backup", last.ID), nil
	case recorded > last.ID:
		return fmt.Sprintf("it was recorded to in opening %d last, the index knows of recordings in it from opening %d: the directory is older, as after restoring a copy", last.ID, recorded), nil
	}
	return "", nil
}

// requireMatch refuses to record where that could delete or hide footage.
func (s *Store) requireMatch(ctx context.Context, path string) error {
	mismatches, err := s.Mismatches(ctx)
	if err != nil {
		return fmt.Errorf("open store %s: %w", path, err)
	}
	if len(mismatches) > 0 {
		return fmt.Errorf("open store %s: %s; see what differs with \"moonfirefs check\", then accept it with \"moonfirefs repair accept\": %w",
			path, mismatches[0].Text, moonfirefs.ErrMismatch)
	}
	return nil
}
