// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"

	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/live"
)

// showLive makes a mount show streams as they happen.
func showLive(o *fs.Options, s *store.Store) {
	now := live.New(s.DB, s.Directories())
	o.Live = func(ctx context.Context, stream *library.Stream, name string) (*fs.LiveFile, error) {
		f, err := now.File(ctx, stream, name)
		if err != nil {
			return nil, err
		}
		return &fs.LiveFile{Inode: f.Inode, SizeBytes: f.SizeBytes, Modified90k: f.Modified90k, Content: f.Content}, nil
	}
}
