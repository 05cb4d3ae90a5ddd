// SPDX-License-Identifier: GPL-3.0-or-later

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/durable"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Create makes a new store in the directory path, which may exist, and to whose owner all of
// the store belongs, also if root makes it, with the sample files in samplesPath, or within
// path if that is empty. The time zone is an IANA name. If it fails, it leaves nothing that
// it has made.
func Create(ctx context.Context, path, samplesPath, timeZone string) error {
	return CreateWith(ctx, path, samplesPath, timeZone, nil)
}

// Part is something optional in a new store's directory.
type Part interface {
	// Make is called when the directory is there and the index is not. If it fails, the
	// store is not made.
	Make() error
	// Undo removes what Make has made: the index cannot be made.
	Undo()
}

// CreateWith is Create for a store with another part, unless that is nil.
func CreateWith(ctx context.Context, path, samplesPath, timeZone string, part Part) error {
	if err := requireNewPlace(path, timeZone); err != nil {
		return err
	}
	missing := durable.MissingOf(path)
	err := createIn(ctx, path, samplesPath, timeZone, part)
	if err != nil {
		missing.Remove()
	}
	return err
}

// requireNewPlace refuses what can be seen to be wrong before anything is made.
func requireNewPlace(path, timeZone string) error {
	if _, err := LoadZone(timeZone); err != nil {
		return err
	}
	if dir, found, err := sample.Enclosing(path); err != nil || found {
		if found {
			return moonfirefs.Errorf(moonfirefs.ErrInvalid, "create store: %s is in the sample directory %s", path, dir)
		}
		return fmt.Errorf("create store: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(path, databaseName)); err == nil {
		return moonfirefs.Errorf(moonfirefs.ErrExists, "create store: %s already holds one", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("create store: %w", err)
	}
	return nil
}

// createIn makes the directories, then the index: a directory without one can be told apart
// from a store.
func createIn(ctx context.Context, path, samplesPath, timeZone string, part Part) error {
	dir := index.SampleDir{UUID: uuid.New(), Path: samplesName}
	if samplesPath == "" {
		samplesPath = filepath.Join(path, samplesName)
	} else {
		absolute, err := filepath.Abs(samplesPath)
		if err != nil {
			return fmt.Errorf("create store: %w", err)
		}
		dir.Path = absolute
	}
	if err := durable.MkdirAll(path, durable.Owner{UID: os.Geteuid(), GID: os.Getegid()}); err != nil {
		return fmt.Errorf("create store: %w", err)
	}
	owner, err := durable.OwnerOf(path)
	if err != nil {
		return fmt.Errorf("create store: %w", err)
	}
	missing := durable.MissingOf(samplesPath)
	id := sample.Identity{Store: uuid.New(), Dir: dir.UUID}
	if err := sample.CreateFor(samplesPath, id, owner); err != nil {
		return err
	}
	made := false
	if part != nil {
		err = part.Make()
		made = err == nil
	}
	if err == nil {
		err = index.Create(ctx, filepath.Join(path, databaseName), index.Meta{
			Store: id.Store, Created90k: moonfirefs.FromTime(time.Now()), TimeZone: timeZone,
		}, dir)
	}
	if err != nil && !Exists(path) { // which may be there, but not durable
		if made {
			part.Undo()
		}
		err = errors.Join(err, unmark(samplesPath))
		missing.Remove()
	}
	return err
}
