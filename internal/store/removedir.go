// SPDX-License-Identifier: GPL-3.0-or-later

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/sample"
)

// RemoveDir takes a sample directory out of the store in the directory path, and removes it
// if nothing else is in it. It must not be recorded to, and hold no footage; it may be missing,
// since its disk is. Nobody may record meanwhile: the error wraps moonfirefs.ErrStoreLocked
// otherwise, and moonfirefs.ErrInvalid where the directory is needed.
func RemoveDir(ctx context.Context, path string, find func(*Store) (moonfirefs.SampleDirID, error), log *slog.Logger) (removed string, err error) {
	s, err := Open(ctx, path, Recording, log)
	if err != nil {
		return "", err
	}
	id, err := find(s)
	if err == nil {
		removed = s.Dirs[id].Path()
		err = s.removeDir(ctx, id)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return "", err
	}
	if sample.IsRemote(removed) {
		return removed, nil
	}
	return removed, forgetDir(removed)
}

func (s *Store) removeDir(ctx context.Context, id moonfirefs.SampleDirID) error {
	dir := s.Dirs[id]
	if len(s.Dirs) == 1 {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "remove sample directory %s: the store has no other", dir.Path())
	}
	if dir.Remote() {
		return s.removeRemoteDir(ctx, id)
	}
	if dir.Available() {
		if err := requireNoFiles(dir.Path()); err != nil {
			return err
		}
	}
	return s.DB.RemoveSampleDir(ctx, id)
}

// removeRemoteDir is removeDir for a directory elsewhere, which need not answer.
func (s *Store) removeRemoteDir(ctx context.Context, id moonfirefs.SampleDirID) error {
	dir := s.Dirs[id]
	if err := dir.Attach(); err == nil {
		if err := dir.RequireEmpty(); err != nil {
			return fmt.Errorf("remove sample directory: %w", err)
		}
	}
	if err := s.DB.RemoveSampleDir(ctx, id); err != nil {
		return err
	}
	return dir.Unmark()
}

// requireNoFiles refuses a directory with files that are not the store's own book-keeping.
func requireNoFiles(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("remove sample directory: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains(sample.OwnNames, e.Name()) {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "remove sample directory %s: it is not empty: there is %s", path, e.Name())
		}
	}
	return nil
}

// forgetDir removes what marks a directory as ours, and the directory if it is empty then.
func forgetDir(path string) error {
	if err := unmark(path); err != nil {
		return fmt.Errorf("remove sample directory: %w", err)
	}
	_ = os.Remove(path) // unless it is a mount point, or has something else in it
	return nil
}

// unmark removes what marks a directory as ours.
func unmark(path string) error {
	for _, name := range sample.OwnNames {
		if name == "lost+found" {
			continue
		}
		if err := os.Remove(filepath.Join(path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
