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
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Names within a store's directory.
const (
	databaseName = "moonfire.db"
	samplesName  = "samples"
)

// OwnName tells whether a name in a store's directory is that of a file, or may become that
// of a file, that the store cannot do without.
func OwnName(name string) bool {
	suffix, ok := strings.CutPrefix(name, databaseName)
	return ok && slices.Contains([]string{"", "-wal", "-shm", "-journal", "-room", ".new"}, suffix)
}

// Path is the store's directory, absolute.
func (s *Store) Path() string { return s.path }

// Mode says what a Store may do.
type Mode int

// The modes of Open.
const (
	// Reading: the footage, beside any number of others and a recorder.
	Reading Mode = iota
	// Configuring: the index may be changed, also while another process records;
	// the sample files may not.
	Configuring
	// Recording: everything. One process at a time.
	Recording
	// Repairing: everything, while no other process uses the store.
	Repairing
)

// Store is an open store.
type Store struct {
	DB *index.DB
	// Dirs are all sample directories, some of which may not be available.
	Dirs map[moonfirefs.SampleDirID]*sample.Dir
	// Zone is the civil zone of the store.
	Zone *time.Location

	// path is the store's directory, absolute.
	path string
	// database is the index that was opened.
	database fs.FileInfo
}

// LoadZone finds a civil zone. The error wraps moonfirefs.ErrInvalid.
func LoadZone(name string) (*time.Location, error) {
	// Go takes "" for UTC and "Local" for whatever the machine is set to.
	if name == "" || name == "Local" {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "time zone %q: name it as in Europe/Zurich", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, moonfirefs.Errorf(moonfirefs.ErrInvalid, "time zone %q is not known", name)
	}
	return zone, nil
}

// Exists tells whether there is a store in the directory path, or may be one that this
// user cannot see.
func Exists(path string) bool {
	_, err := os.Stat(filepath.Join(path, databaseName))
	return !errors.Is(err, fs.ErrNotExist)
}

// Open opens the store in the directory path and locks it as mode says. The
// errors are those of sample.Dir.Attach and index.Open, and one that wraps
// moonfirefs.ErrNotFound if there is no store. A sample directory that is missing, or
// is not ours, is no error while there is another one, unless the mode is Repairing:
// see Attach.
func Open(ctx context.Context, path string, mode Mode, log *slog.Logger) (*Store, error) {
	s := &Store{Dirs: make(map[moonfirefs.SampleDirID]*sample.Dir)}
	if err := s.open(ctx, path, mode, log); err != nil {
		_ = s.Close() // the reason why it is useless matters more
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, mode Mode, log *slog.Logger) (err error) {
	// Absolute, so that a change of the working directory does no harm.
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	s.path = path
	database := filepath.Join(path, databaseName)
	switch s.database, err = os.Stat(database); {
	case errors.Is(err, syscall.ENOTDIR):
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "open store %s: it is not a folder, as a store is (the index is %s in it)", path, databaseName)
	case errors.Is(err, fs.ErrNotExist):
		return moonfirefs.Errorf(moonfirefs.ErrNotFound, "open store %s: it has no %s (create one with: moonfirefs init)", path, databaseName)
	}
	// First for reading: until the locks are held, another process may record.
	reader, err := index.OpenReadOnly(ctx, database, index.Options{Logger: log})
	if err != nil {
		return err
	}
	s.DB = reader
	if s.Zone, err = LoadZone(reader.Meta().TimeZone); err != nil {
		return err
	}
	if err := s.openDirs(ctx, path, mode); err != nil {
		return err
	}
	if mode == Reading {
		return nil
	}
	if mode == Recording {
		if err := s.requireMatch(ctx, path); err != nil {
			return err
		}
	}
	if err := reader.Close(); err != nil {
		return err
	}
	s.DB, err = index.Open(ctx, database, index.Options{Logger: log})
	return err
}

// assign says where a directory is.
func (s *Store) assign(d *index.SampleDir) {
	location := d.Path
	if !filepath.IsAbs(location) && !sample.IsRemote(location) {
		location = filepath.Join(s.path, location)
	}
	s.Dirs[d.ID].Assign(location, sample.Identity{Store: s.DB.Meta().Store, Dir: d.UUID})
}

func (s *Store) openDirs(ctx context.Context, path string, mode Mode) error {
	access := map[Mode]sample.Mode{Recording: sample.Recording, Repairing: sample.Repairing}[mode]
	dirs, err := s.DB.SampleDirs(ctx)
	if err != nil {
		return err
	}
	var remote int
	attached := make([]error, len(dirs))
	var wg sync.WaitGroup // several disks that do not answer are waited for together
	for i, d := range dirs {
		s.Dirs[d.ID] = sample.NewSpare(access)
		s.assign(&d)
		if mode == Recording && s.Dirs[d.ID].Remote() {
			remote++
			continue // it may not answer for long: the recorder attaches it beside recording
		}
		dir := s.Dirs[d.ID]
		wg.Go(func() { attached[i] = dir.Attach() })
	}
	wg.Wait()
	var absent []error
	for _, err := range attached {
		switch {
		case err == nil:
		case mode == Repairing || errors.Is(err, moonfirefs.ErrStoreLocked):
			return err
		default:
			absent = append(absent, err)
		}
	}
	if len(dirs) == 0 {
		return fmt.Errorf("open store %s: its index has no sample directory: %w", path, moonfirefs.ErrCorrupt)
	}
	if len(absent) > 0 && len(absent)+remote == len(dirs) {
		return absent[0] // one line says enough
	}
	return nil
}

// Current tells whether the index at the store's path is still the one that was opened: its
// disk may be gone, or somebody has put another copy in its place.
func (s *Store) Current() bool {
	now, err := os.Stat(filepath.Join(s.path, databaseName))
	return err == nil && os.SameFile(s.database, now)
}

// Attach makes a sample directory available that was not when the store was opened,
// or fails if it still is not, or if nothing may be recorded to it (design/lifecycle.md,
// § Opening). It does nothing if all is well.
func (s *Store) Attach(ctx context.Context, id moonfirefs.SampleDirID) error {
	dir := s.Dirs[id]
	if err := dir.Attach(); err != nil {
		return err
	}
	recorded, err := s.DB.LastRecordedTo(ctx)
	if err != nil {
		return err
	}
	problem, err := s.mismatch(ctx, dir, recorded[id])
	if err != nil {
		return err
	}
	if problem != "" {
		return fmt.Errorf("sample directory %s: %s: %w", dir.Path(), problem, moonfirefs.ErrMismatch)
	}
	return nil
}

// RequireAll fails if a sample directory is not available.
func (s *Store) RequireAll() error {
	for _, d := range s.Dirs {
		if err := d.Attach(); err != nil {
			return err
		}
	}
	return nil
}

// Directories are the sample directories as their readers see them.
func (s *Store) Directories() map[moonfirefs.SampleDirID]sample.Directory {
	all := make(map[moonfirefs.SampleDirID]sample.Directory, len(s.Dirs))
	for id, dir := range s.Dirs {
		all[id] = dir
	}
	return all
}

// Hurry has what is asked of directories elsewhere end soon, whether they answer or not: the
// program ends.
func (s *Store) Hurry() {
	for _, d := range s.Dirs {
		d.Hurry()
	}
}

// Close closes all parts and gives up the locks. It is idempotent.
func (s *Store) Close() error {
	var errs []error
	if s.DB != nil {
		errs = append(errs, s.DB.Close())
	}
	// The lock last: until then nobody else may record.
	for _, d := range s.Dirs {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}
