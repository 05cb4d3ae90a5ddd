// SPDX-License-Identifier: GPL-3.0-or-later

package curate

import (
	"context"
	"strings"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// Stream is a stream of a store and the name of its folder.
type Stream struct {
	moonfirefs.Stream
	Folder string
}

// Streams are all streams of a store.
type Streams []Stream

// ListStreams lists the streams by camera, main before sub.
func ListStreams(ctx context.Context, db *index.DB) (Streams, error) {
	cameras, err := db.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	var all Streams
	for i := range cameras {
		for _, s := range cameras[i].Streams {
			all = append(all, Stream{Stream: s, Folder: s.FolderName(&cameras[i])})
		}
	}
	return all, nil
}

// Find returns the stream of a folder, also if its name is written in another case. The
// error wraps moonfirefs.ErrNotFound and lists the folders that there are.
func (s Streams) Find(folder string) (*Stream, error) {
	var names []string
	for i := range s {
		if strings.EqualFold(s[i].Folder, folder) {
			return &s[i], nil
		}
		names = append(names, s[i].Folder)
	}
	return nil, moonfirefs.Errorf(moonfirefs.ErrNotFound, "there is no camera %s (there is: %s)", folder, strings.Join(names, ", "))
}

// byID returns the stream of an id, or nil.
func (s Streams) byID(id moonfirefs.StreamID) *Stream {
	for i := range s {
		if s[i].ID == id {
			return &s[i]
		}
	}
	return nil
}

// FindCamera returns the camera of a name, also if that is written in another case. The
// error wraps moonfirefs.ErrNotFound.
func FindCamera(ctx context.Context, db *index.DB, name string) (*moonfirefs.Camera, error) {
	cameras, err := db.Cameras(ctx)
	if err != nil {
		return nil, err
	}
	for i := range cameras {
		if strings.EqualFold(cameras[i].ShortName, name) {
			return &cameras[i], nil
		}
	}
	return nil, moonfirefs.Errorf(moonfirefs.ErrNotFound, "there is no camera %q (see: moonfirefs camera list)", name)
}
