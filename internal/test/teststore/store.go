package teststore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// Camera is a camera of a new store.
type Camera struct {
	Name string
	// URL is an address that nobody listens at, unless it is given.
	URL string
	// RetainBytes is the quota of its main stream.
	RetainBytes int64
	// SubRetainBytes is that of its sub stream; 0 means that there is none.
	SubRetainBytes int64
}

// Create makes a store in the directory path. The time zone is an IANA name.
func Create(ctx context.Context, path, timeZone string, cameras ...Camera) error {
	if err := store.Create(ctx, path, "", timeZone); err != nil {
		return err
	}
	s, err := store.Open(ctx, path, store.Configuring, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	for _, c := range cameras {
		if err := s.DB.AddCamera(ctx, c.stored(s)); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	return s.Close()
}

func (c *Camera) stored(s *store.Store) *moonfirefs.Camera {
	camera := &moonfirefs.Camera{UUID: uuid.New(), ShortName: c.Name, Description: "footage made for tests"}
	for id := range s.Dirs {
		stream := moonfirefs.Stream{SampleDir: id, URL: cmp.Or(c.URL, "rtsp://127.0.0.1:9/"), Transport: moonfirefs.TCP}
		stream.Kind, stream.RetainBytes = moonfirefs.MainStream, c.RetainBytes
		camera.Streams = append(camera.Streams, stream)
		if c.SubRetainBytes > 0 {
			stream.Kind, stream.RetainBytes = moonfirefs.SubStream, c.SubRetainBytes
			camera.Streams = append(camera.Streams, stream)
		}
	}
	return camera
}

// Store is a store that is open for recording. A mount may be beside it, in
// another process. It is not safe for concurrent use.
type Store struct {
	*store.Store
	open    moonfirefs.OpenID
	streams map[string]*moonfirefs.Stream // by name of their folders
}

// Open opens a store that has been made by Create.
func Open(ctx context.Context, path string) (*Store, error) {
	opened, err := store.Open(ctx, path, store.Recording, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	s := &Store{Store: opened, streams: make(map[string]*moonfirefs.Stream)}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return s, nil
}

func (s *Store) begin(ctx context.Context) error {
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
	s.open, err = s.DB.BeginOpen(ctx, 0)
	return err
}

// save commits recordings whose files are written, and unlinks what rotation has
// deleted, in the order of design/lifecycle.md.
func (s *Store) save(ctx context.Context, dir moonfirefs.SampleDirID, save *index.Change) error {
	if err := s.Dirs[dir].Sync(); err != nil {
		return err
	}
	saved, err := s.DB.Commit(ctx, save)
	if err != nil {
		return err
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
func (s *Store) stream(folder string) (*moonfirefs.Stream, error) {
	if stream := s.streams[folder]; stream != nil {
		return stream, nil
	}
	return nil, fmt.Errorf("record footage: stream %q: %w", folder, moonfirefs.ErrNotFound)
}
