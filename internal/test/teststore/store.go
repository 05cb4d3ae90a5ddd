// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
)

// Store is a store that is open for recording. A mount may be beside it, in
// another process. It is not safe for concurrent use.
type Store struct {
	*store.Store
	open    moonfirefs.OpenID
	streams map[string]*moonfirefs.Stream // by name of their folders
	closed  bool
}

// Open opens a store that has been made by Create.
func Open(ctx context.Context, path string) (*Store, error) {
	opened, err := openUnlocked(ctx, path, store.Recording)
	if err != nil {
		return nil, err
	}
	s := &Store{Store: opened, streams: make(map[string]*moonfirefs.Stream)}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return s, nil
}

// openUnlocked opens a store. A process that another test is just starting has our
// locks until it runs its program: it waits for that.
func openUnlocked(ctx context.Context, path string, mode store.Mode) (s *store.Store, err error) {
	wait.Poll(func() bool {
		s, err = store.Open(ctx, path, mode, slog.New(slog.DiscardHandler))
		return !errors.Is(err, moonfirefs.ErrStoreLocked)
	})
	return s, err
}

func (s *Store) begin(ctx context.Context) (err error) {
	if s.open, err = s.DB.BeginOpen(ctx, 0); err != nil {
		return err
	}
	return s.tellDirs(ctx)
}

// tellDirs writes what the index knows of this opening to the sample directories.
func (s *Store) tellDirs(ctx context.Context) error {
	opening, err := s.DB.Opening(ctx, s.open)
	if err != nil {
		return err
	}
	for _, dir := range s.Dirs {
		if err := dir.SetLastOpening(opening); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the store in order. It does nothing the second time.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	ctx := context.Background()
	err := s.DB.EndOpen(ctx, s.open, moonfirefs.MaxTime90k)
	return errors.Join(err, s.tellDirs(ctx), s.Store.Close())
}

// save commits recordings whose files are written, and unlinks what retention has
// deleted, in the order of design/lifecycle.md.
func (s *Store) save(ctx context.Context, dir moonfirefs.SampleDirID, save *index.Change) error {
	if err := s.Dirs[dir].Sync(); err != nil {
		return err
	}
	saved, err := s.DB.Commit(ctx, save)
	if err != nil {
		return err
	}
	for _, r := range save.Insert {
		if err := s.Dirs[dir].UnlinkJournal(r.SampleFile); err != nil {
			return err
		}
	}
	if len(saved.Deleted) == 0 {
		return nil
	}
	release := &index.Change{Dir: dir}
	for _, file := range saved.Deleted {
		if err := s.Dirs[file.Dir].Unlink(file.UUID); err != nil {
			return err
		}
		release.Release = append(release.Release, file.UUID)
	}
	if err := s.Dirs[dir].Sync(); err != nil {
		return err
	}
	_, err = s.DB.Commit(ctx, release)
	return err
}

// stream finds a stream by the name of its folder.
func (s *Store) stream(ctx context.Context, folder string) (*moonfirefs.Stream, error) {
	if s.streams[folder] == nil { // the camera may be new
		if err := s.loadStreams(ctx); err != nil {
			return nil, err
		}
	}
	if stream := s.streams[folder]; stream != nil {
		return stream, nil
	}
	return nil, fmt.Errorf("record footage: stream %q: %w", folder, moonfirefs.ErrNotFound)
}

func (s *Store) loadStreams(ctx context.Context) error {
	cameras, err := s.DB.Cameras(ctx)
	if err != nil {
		return err
	}
	for i := range cameras {
		for j := range cameras[i].Streams {
			stream := &cameras[i].Streams[j]
			s.streams[stream.FolderName(&cameras[i])] = stream
		}
	}
	return nil
}
