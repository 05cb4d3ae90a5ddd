// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/fs"
	"github.com/moonfirefs/moonfirefs/internal/store"
	"github.com/moonfirefs/moonfirefs/library"
	"github.com/moonfirefs/moonfirefs/previews"
)

// previewed names the folders of streams that there are to be previews of, or all main
// streams.
type previewed []string

const allPreviews = "all"

// wants tells whether there are to be previews of a stream.
func (p previewed) wants(camera *moonfirefs.Camera, s *moonfirefs.Stream) bool {
	if slices.Contains(p, s.FolderName(camera)) {
		return true
	}
	return slices.Contains(p, allPreviews) && s.Kind == moonfirefs.MainStream
}

// makePreviews makes previews beside the recorder until stop is called, and returns what the
// mount offers of them. Where there are to be none, those that were made before go with their
// footage. Footage is worth more than pictures: what fails is logged.
func makePreviews(s *store.Store, path string, of previewed, catalog *library.Catalog, log *slog.Logger) (offered []fs.Companions, stop func()) {
	stop = func() {}
	file := filepath.Join(path, previews.FileName)
	if _, err := os.Stat(file); len(of) == 0 && err != nil {
		return nil, stop
	}
	database := previews.NewDatabase(file, s.DB.Meta().Store)
	maker := previews.Start(previews.Options{Database: database, Index: s.DB, Dirs: s.Directories(), Wanted: of.wants, Logger: log})
	if len(of) > 0 {
		offered = offeredBy(database, catalog)
	}
	return offered, func() {
		if err := errors.Join(maker.Close(), database.Close()); err != nil {
			log.Warn("close previews", "err", err)
		}
	}
}

// showPreviews offers what a recorder has made, if it has made any.
func showPreviews(ctx context.Context, path string, catalog *library.Catalog, log *slog.Logger) (offered []fs.Companions, stop func()) {
	database, err := previews.ReadDatabase(ctx, filepath.Join(path, previews.FileName))
	if err != nil {
		if !errors.Is(err, moonfirefs.ErrNotFound) {
			log.Warn("mounting without previews", "err", err)
		}
		return nil, func() {}
	}
	return offeredBy(database, catalog), func() { _ = database.Close() } // it was only read
}

func offeredBy(database *previews.Database, catalog *library.Catalog) (offered []fs.Companions) {
	sheets := &previews.Sheets{Database: database, Cache: catalog.Cache(), Recordings: func(ctx context.Context, s *library.Stream, v *library.Version) ([]moonfirefs.Summary, error) {
		spec, err := catalog.Spec(ctx, s, v)
		if err != nil {
			return nil, fmt.Errorf("find recordings: %w", err)
		}
		return spec.Recordings, nil
	}}
	for _, c := range sheets.Companions() {
		offered = append(offered, c)
	}
	return offered
}
