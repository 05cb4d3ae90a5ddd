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

// AddDir makes samplesPath, which must not exist or be empty, a sample directory
// of the store in the directory path. Of the processes that have the store open, those
// know of it that have called AddSpareDirs.
func AddDir(ctx context.Context, path, samplesPath string, log *slog.Logger) (dir index.SampleDir, err error) {
	s, err := Open(ctx, path, Configuring, log)
	if err != nil {
		return index.SampleDir{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	dir = index.SampleDir{UUID: uuid.New()}
	if dir.Path, err = filepath.Abs(samplesPath); err != nil {
		return index.SampleDir{}, fmt.Errorf("add sample directory: %w", err)
	}
	if err := s.requireOther(dir.Path); err != nil {
		return index.SampleDir{}, err
	}
	owner, err := durable.OwnerOf(path)
	if err != nil {
		return index.SampleDir{}, fmt.Errorf("add sample directory: %w", err)
	}
	// The directory first: one that the index knows must be there.
	id := sample.Identity{Store: s.DB.Meta().Store, Dir: dir.UUID}
	if err := sample.CreateFor(dir.Path, id, owner); err != nil {
		return index.SampleDir{}, err
	}
	if err := s.DB.AddSampleDir(ctx, &dir); err != nil {
		return index.SampleDir{}, err
	}
	return dir, nil
}

// AddRemoteDir makes the place of a URL, which must be empty, a sample directory of the store
// in the directory path. Footage can move there.
func AddRemoteDir(ctx context.Context, path, url string, log *slog.Logger) (dir index.SampleDir, err error) {
	s, err := Open(ctx, path, Configuring, log)
	if err != nil {
		return index.SampleDir{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	dir = index.SampleDir{UUID: uuid.New(), Path: url}
	for _, d := range s.Dirs {
		if d.Path() == sample.ShownPath(url) {
			return index.SampleDir{}, moonfirefs.Errorf(moonfirefs.ErrExists, "add sample directory %s: the store already has it", d.Path())
		}
	}
	remote, err := sample.NewRemote(url)
	if err != nil {
		return index.SampleDir{}, fmt.Errorf("add sample directory: %w", err)
	}
	defer func() { err = errors.Join(err, remote.Close()) }()
	// The mark first: a directory that the index knows must be there.
	if err := sample.CreateRemote(remote, sample.Identity{Store: s.DB.Meta().Store, Dir: dir.UUID}); err != nil {
		return index.SampleDir{}, err
	}
	if err := s.DB.AddSampleDir(ctx, &dir); err != nil {
		return index.SampleDir{}, errors.Join(err, remote.Forget())
	}
	return dir, nil
}

// requireOther refuses a directory of the store, whatever it is called.
func (s *Store) requireOther(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("add sample directory: %w", err)
	}
	for _, d := range s.Dirs {
		if own, err := os.Stat(d.Path()); err == nil && os.SameFile(info, own) {
			return moonfirefs.Errorf(moonfirefs.ErrExists, "add sample directory %s: the store already has it", path)
		}
	}
	return nil
}
