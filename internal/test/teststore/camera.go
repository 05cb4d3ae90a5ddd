// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// Camera is a camera of a new store.
type Camera struct {
	Name, Description string
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
	return AddCameras(ctx, path, cameras...)
}

// AddCameras adds cameras to a store, which are distributed among its sample
// directories.
func AddCameras(ctx context.Context, path string, cameras ...Camera) error {
	s, err := store.Open(ctx, path, store.Configuring, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	dirs := slices.Sorted(maps.Keys(s.Dirs))
	for i, c := range cameras {
		if err := s.DB.AddCamera(ctx, c.stored(dirs[i%len(dirs)])); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	return s.Close()
}

func (c *Camera) stored(dir moonfirefs.SampleDirID) *moonfirefs.Camera {
	camera := &moonfirefs.Camera{UUID: uuid.New(), ShortName: c.Name, Description: c.Description}
	stream := moonfirefs.Stream{SampleDir: dir, URL: cmp.Or(c.URL, "rtsp://127.0.0.1:9/"), Transport: moonfirefs.TCP}
	stream.Kind, stream.RetainBytes = moonfirefs.MainStream, c.RetainBytes
	camera.Streams = append(camera.Streams, stream)
	if c.SubRetainBytes > 0 {
		stream.Kind, stream.RetainBytes = moonfirefs.SubStream, c.SubRetainBytes
		camera.Streams = append(camera.Streams, stream)
	}
	return camera
}
