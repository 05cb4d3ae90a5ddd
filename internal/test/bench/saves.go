// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/store"
)

// saves is row 12.
func (b *bench) saves(ctx context.Context, big, empty string) (err error) {
	var savers [2]*saver
	for i, path := range []string{big, empty} {
		if savers[i], err = newSaver(ctx, path); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, savers[i].Close()) }()
	}
	for _, what := range []string{"a save, against one in an empty store", "the same while retention deletes"} {
		// Many to a round: they wait for the disk.
		c, err := b.compete(
			timed(func() error { return savers[0].save(ctx, 50) }),
			timed(func() error { return savers[1].save(ctx, 50) }))
		if err != nil {
			return err
		}
		b.report(12, what, "s for 50", c)
		for _, s := range savers {
			if err := s.retainWhatThereIs(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// saver saves recordings as a syncer does, one at a time, without sample files.
type saver struct {
	*store.Store
	database string
	open     moonfirefs.OpenID
	stream   moonfirefs.Stream
	entry    *moonfirefs.VideoSampleEntry
	table    moonfirefs.SampleTable
	next90k  moonfirefs.Time90k
	names    []uuid.UUID
	release  []uuid.UUID
}

func newSaver(ctx context.Context, path string) (*saver, error) {
	opened, err := store.Open(ctx, path, store.Recording, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	s := &saver{
		Store: opened, database: filepath.Join(path, "moonfire.db"), next90k: moonfirefs.Time90k(20_500 * 24 * 60 * minute90k),
		entry: moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0aavc1.."), 640, 360, 1, 1, "avc1.4d401e"),
	}
	for i := range 1800 {
		s.table.AddVideo(moonfirefs.Sample{Duration90k: int32(3000 + i%3 - 1), Bytes: int32(8000 + i*7%1000), Sync: i%60 == 0})
	}
	cameras, err := s.DB.Cameras(ctx)
	if err == nil {
		s.stream = cameras[0].Streams[0]
		s.open, err = s.DB.BeginOpen(ctx, 0)
	}
	if err == nil {
		s.names, err = s.DB.Reserve(ctx, s.stream.SampleDir, 1)
	}
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return s, nil
}

// minute90k is how long a recording lasts.
const minute90k = 60 * moonfirefs.UnitsPerSecond

// save saves n recordings.
func (s *saver) save(ctx context.Context, n int) error {
	for range n {
		r := &moonfirefs.Recording{
			Stream: s.stream.ID, SampleDir: s.stream.SampleDir, Open: s.open,
			SampleFile: s.names[0], SampleFileSHA1: sha1.Sum(s.names[0][:]), SampleFileSHA256: sha256.Sum256(s.names[0][:]),
		}
		r.Start90k = s.next90k
		s.table.Fill(r)
		s.next90k = r.End90k()
		saved, err := s.DB.Commit(ctx, &index.Change{
			Dir: s.stream.SampleDir, Insert: []*moonfirefs.Recording{r}, SampleEntries: []*moonfirefs.VideoSampleEntry{s.entry},
			Release: s.release, Reserve: 1,
		})
		if err != nil {
			return err
		}
		s.names, s.release = saved.Reserved, nil
		for _, file := range saved.Deleted {
			s.release = append(s.release, file.UUID)
		}
	}
	return nil
}

// retainWhatThereIs lowers the quotas, so that each save deletes something.
func (s *saver) retainWhatThereIs(ctx context.Context) error {
	return command(ctx, "sqlite3", s.database, "update stream set retain_bytes = sample_file_bytes")
}
