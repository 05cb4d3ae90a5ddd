// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirenvr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Options say which Moonfire NVR is shown, and how.
type Options struct {
	// Database is the directory with their file "db".
	Database string
	// Cache is a directory for the copy and the shadow, which is made if need be. Whatever
	// is in it can be made again. It takes about twice the size of their database.
	Cache string
	// Zone is the time zone whose civil hours the files are: theirs has none.
	Zone *time.Location
	// Show is told how far the first contact is, until Open returns; it is of one kind of work
	// at a time.
	Show   func(work Work, done, total int64)
	Logger *slog.Logger
}

// Work is something that takes a while.
type Work struct {
	// Name says what is done, such as "copying its database".
	Name string
	// InBytes says that it is counted in bytes, not in things.
	InBytes bool
}

// Names in the cache directory.
const (
	copyFolder = "copy"
	shadowName = "shadow.db"
	// wholeName is there if the shadow once had all recordings.
	wholeName    = "whole"
	cacheLock    = "lock"
	followEvery  = 2 * time.Second
	importFolder = "import"
)

// Store is the footage of a Moonfire NVR as a store of ours, which follows theirs until it is
// closed.
type Store struct {
	*store.Store
	teller
	options Options
	copier  copier
	// lock is held by the one process that follows; nil in others.
	lock *os.File
	// config is the text of what the shadow has taken over but for recordings.
	config string
	// openings are those of the source.
	openings map[moonfirefs.OpenID]uuid.UUID
	// compared says that this process has compared all of the shadow with theirs.
	compared bool

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Open makes the shadow, unless there is one, and goes on following. A shadow that is there
// shows what was known when somebody followed last, until it has been brought up to date: that
// can take a copy of gigabytes. Open returns an error that wraps moonfirefs.ErrNotFound if there
// is no database, and those of openSource if there is no shadow. A sample directory that is missing, or is not theirs, is not available: whoever watches the
// directories tells, and attaches it once it is there.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{options: o, teller: newTeller(o.Logger), cancel: func() {}}
	if err := s.open(ctx); err != nil {
		_ = s.Close() // the reason why it is useless matters more
		return nil, fmt.Errorf("open Moonfire NVR %s: %w", o.Database, err)
	}
	s.options.Show = func(Work, int64, int64) {}
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.running.Go(func() { s.follow(ctx) })
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.options.Database, err = databaseIn(s.options.Database); err != nil {
		return err
	}
	folder := s.cacheFolder()
	if err := os.MkdirAll(filepath.Join(folder, copyFolder), 0o700); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	s.copier = copier{theirs: s.options.Database, ours: filepath.Join(folder, copyFolder), show: func(done, total int64) { s.options.Show(Work{"copying its database", true}, done, total) }}
	if err := s.takeLock(); err != nil {
		return err
	}
	s.Store = &store.Store{Zone: s.options.Zone, Dirs: make(map[moonfirefs.SampleDirID]*sample.Dir)}
	if s.lock == nil {
		return s.openKnown(ctx)
	}
	if _, err := os.Stat(filepath.Join(folder, wholeName)); err == nil {
		if err = s.openKnown(ctx); err == nil {
			return nil
		}
		if err := s.closeShadow(); err != nil {
			return err
		}
	}
	return s.begin(ctx)
}

// openKnown opens the shadow as it is.
func (s *Store) openKnown(ctx context.Context) (err error) {
	if s.DB, err = index.Open(ctx, filepath.Join(s.cacheFolder(), shadowName), index.Options{Logger: s.log}); err != nil {
		return err
	}
	if s.lock != nil {
		if err := s.DB.SetShadowZone(ctx, s.options.Zone.String()); err != nil {
			return err
		}
	}
	return s.openDirs(ctx)
}

// closeShadow is for one that turned out to be useless.
func (s *Store) closeShadow() error {
	if s.DB == nil {
		return nil
	}
	err := s.DB.Close()
	s.DB = nil
	return err
}

// begin makes the shadow if need be, and brings it up to date.
func (s *Store) begin(ctx context.Context) error {
	if _, _, err := s.copier.refresh(ctx); err != nil {
		return fmt.Errorf("copy its database: %w", err)
	}
	source, err := s.copier.openSource(ctx)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := s.openShadow(ctx, source); err != nil {
		return err
	}
	if err := s.update(ctx, source, true); err != nil {
		return err
	}
	return s.openDirs(ctx)
}

// noteWhole notes that the shadow has all recordings.
func (s *Store) noteWhole() error {
	s.compared = true
	return os.WriteFile(filepath.Join(s.cacheFolder(), wholeName), nil, 0o600)
}

// cacheFolder is where the cache of this database is.
func (s *Store) cacheFolder() string { return cacheFolder(s.options.Cache, s.options.Database) }

// takeLock lets one process at a time follow.
func (s *Store) takeLock() (err error) {
	s.lock, err = lockCache(filepath.Join(s.cacheFolder(), cacheLock))
	return err
}

// openShadow opens the shadow. One of another database, whose place this one has taken, is
// made anew.
func (s *Store) openShadow(ctx context.Context, source *source) error {
	id, err := source.uuid(ctx)
	if err != nil {
		return err
	}
	created, err := source.firstOpened(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(s.cacheFolder(), shadowName)
	for range 2 {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			meta := index.Meta{Store: id, Created90k: created, TimeZone: s.options.Zone.String()}
			if err := index.Create(ctx, path, meta, index.SampleDir{UUID: id, Path: "none"}); err != nil {
				return err
			}
		}
		s.DB, err = index.Open(ctx, path, index.Options{Logger: s.log})
		if err == nil && s.DB.Meta().Store == id {
			return s.DB.SetShadowZone(ctx, s.options.Zone.String())
		}
		if err == nil {
			err = s.closeShadow()
		}
		s.log.Warn("the shadow of Moonfire NVR is made anew", "cache", s.cacheFolder(), "err", err)
		for _, name := range []string{wholeName, shadowName, shadowName + "-wal", shadowName + "-shm"} {
			if err := removeIfThere(filepath.Join(s.cacheFolder(), name)); err != nil {
				return err
			}
		}
	}
	return err
}

// openDirs attaches the sample directories that are there.
func (s *Store) openDirs(ctx context.Context) error {
	dirs, err := s.DB.SampleDirs(ctx)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if !filepath.IsAbs(d.Path) {
			continue // what Create needed
		}
		layout := layoutOf(dirMeta{s.DB.Meta().Store, d.UUID})
		layout.Deleted = func(name uuid.UUID) bool { return s.mayBeDeleted(d.Path, idOf(name)) }
		dir := sample.NewForeign(d.Path, layout)
		s.Dirs[d.ID] = dir
		_ = dir.Attach() // whoever watches the directories tells
	}
	return nil
}

// mayBeDeleted tells of a recording whose file is missing whether their retention may have
// taken it, of which the shadow does not know yet. Retention takes the oldest recordings of a
// stream: while the file of an older one is there, a missing one is lost.
func (s *Store) mayBeDeleted(dir string, id moonfirefs.RecordingID) bool {
	stream := moonfirefs.StreamID(id >> 32)
	oldest, err := s.DB.RecordingIDs(context.Background(), stream, firstID(stream)-1, 1)
	if err != nil || len(oldest) == 0 || oldest[0] == id {
		return true
	}
	_, err = os.Lstat(filepath.Join(dir, fileName(oldest[0])))
	return err != nil
}

// Close ends following and closes all parts. It is idempotent.
func (s *Store) Close() error {
	s.cancel()
	s.running.Wait()
	var errs []error
	if s.Store != nil {
		errs = append(errs, s.Store.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
		s.lock = nil
	}
	return errors.Join(errs...)
}
