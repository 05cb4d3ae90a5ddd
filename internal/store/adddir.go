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

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/sample"
)

// AddDir makes a sample directory of the store in the directory path: of a directory of this
// machine, which must not exist or be empty, or of the place of a URL, which must be empty and
// to which footage can move. Of the processes that have the store open, those know of it that
// have called AddSpareDirs.
func AddDir(ctx context.Context, path, location string, log *slog.Logger) (dir index.SampleDir, err error) {
	s, err := Open(ctx, path, Configuring, log)
	if err != nil {
		return index.SampleDir{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.AddDir(ctx, location)
}

// AddDir is AddDir for a store that is open for Configuring.
func (s *Store) AddDir(ctx context.Context, location string) (dir index.SampleDir, err error) {
	dir = index.SampleDir{UUID: uuid.New(), Path: location}
	if sample.IsRemote(location) {
		err = s.addRemoteDir(ctx, &dir)
	} else {
		err = s.addLocalDir(ctx, &dir)
	}
	return dir, err
}

// CheckNewDir returns an error for what AddDir would refuse, as far as that can be seen, and
// changes nothing.
func (s *Store) CheckNewDir(location string) error {
	if err := s.requireOther(location); err != nil {
		return err
	}
	if !sample.IsRemote(location) {
		return sample.CheckNew(location)
	}
	remote, err := sample.NewRemote(location)
	if err != nil {
		return fmt.Errorf("add sample directory: %w", err)
	}
	return errors.Join(sample.CheckNewRemote(remote), remote.Close())
}

func (s *Store) addLocalDir(ctx context.Context, dir *index.SampleDir) error {
	path, err := filepath.Abs(dir.Path)
	if err != nil {
		return fmt.Errorf("add sample directory: %w", err)
	}
	dir.Path = path
	if err := s.requireOther(path); err != nil {
		return err
	}
	owner, err := durable.OwnerOf(s.path)
	if err != nil {
		return fmt.Errorf("add sample directory: %w", err)
	}
	// The directory first: one that the index knows must be there.
	if err := sample.CreateFor(dir.Path, sample.Identity{Store: s.DB.Meta().Store, Dir: dir.UUID}, owner); err != nil {
		return err
	}
	return s.DB.AddSampleDir(ctx, dir)
}

func (s *Store) addRemoteDir(ctx context.Context, dir *index.SampleDir) error {
	if err := s.requireOther(dir.Path); err != nil {
		return err
	}
	remote, err := sample.NewRemote(dir.Path)
	if err != nil {
		return fmt.Errorf("add sample directory: %w", err)
	}
	// The mark first: a directory that the index knows must be there.
	err = sample.CreateRemote(remote, sample.Identity{Store: s.DB.Meta().Store, Dir: dir.UUID})
	if err == nil {
		if err = s.DB.AddSampleDir(ctx, dir); err != nil {
			err = errors.Join(err, remote.Forget())
		}
	}
	return errors.Join(err, remote.Close())
}

// requireOther refuses a directory of the store, whatever it is called.
func (s *Store) requireOther(location string) error {
	if sample.IsRemote(location) {
		for _, d := range s.Dirs {
			if d.Path() == sample.ShownPath(location) {
				return errOwn(d.Path())
			}
		}
		return nil
	}
	info, err := os.Stat(location)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("add sample directory: %w", err)
	}
	for _, d := range s.Dirs {
		if own, err := os.Stat(d.Path()); err == nil && os.SameFile(info, own) {
			return errOwn(location)
		}
	}
	return nil
}

func errOwn(path string) error {
	return moonfirefs.Errorf(moonfirefs.ErrExists, "add sample directory %s: the store already has it", path)
}
