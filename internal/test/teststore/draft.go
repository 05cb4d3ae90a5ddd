// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/journal"
	"github.com/moonfirefs/moonfirefs/sample"
)

// Draft is a recording in progress: it has a sample file and a journal, which grow, and
// no row. Its frames are those of a take, which has one recording without audio. Where
// the store is closed meanwhile, it is what a crash leaves.
type Draft struct {
	store         *Store
	take          Take
	row           moonfirefs.Recording
	file, journal *sample.NewFile
	table         moonfirefs.SampleTable
	data          []byte
}

// Begin begins a recording.
func (s *Store) Begin(ctx context.Context, t Take) (*Draft, error) {
	stream, err := s.stream(ctx, t.Folder)
	if err != nil {
		return nil, err
	}
	names, err := s.DB.Reserve(ctx, stream.SampleDir, 1)
	if err != nil {
		return nil, err
	}
	d := &Draft{store: s, take: t}
	d.row.Start90k, d.row.Stream, d.row.SampleDir, d.row.Open, d.row.SampleFile = t.Start, stream.ID, stream.SampleDir, s.open, names[0]
	if d.file, err = s.Dirs[stream.SampleDir].Create(names[0]); err != nil {
		return nil, err
	}
	if d.journal, err = s.Dirs[stream.SampleDir].CreateJournal(names[0]); err != nil {
		return nil, errors.Join(err, d.file.Close())
	}
	header, err := journal.AppendHeader(nil, &journal.Header{SampleFile: names[0], Stream: stream.ID, Open: s.open, Entry: t.Media.Entry})
	if err == nil {
		_, err = d.journal.Write(header)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Grow appends frames, and a record of them to the journal.
func (d *Draft) Grow(frames int) error {
	var group journal.Group
	var data []byte
	for range frames {
		s := &d.take.Media.Samples[d.take.Counter(int(d.table.VideoSamples()))]
		entry := moonfirefs.Sample{
			Duration90k: int32(d.take.Media.SampleDuration90k()), Bytes: int32(len(s.Data)), Sync: s.Sync, CompositionOffset90k: s.CompositionOffset90k,
		}
		d.table.AddVideo(entry)
		group.Add(entry, journal.Sum(s.Data))
		data = append(data, s.Data...)
	}
	d.data = append(d.data, data...)
	_, err := d.file.Write(data)
	if err == nil {
		_, err = d.journal.Write(group.AppendRecord(nil, journal.Dating{Start90k: d.row.Start90k}))
	}
	if err != nil {
		return fmt.Errorf("grow recording: %w", err)
	}
	return nil
}

// Redate moves the start, as of the next frame.
func (d *Draft) Redate(start moonfirefs.Time90k) { d.row.Start90k = start }

// Paths are those of the sample file and of the journal.
func (d *Draft) Paths() (file, journal string) {
	file = filepath.Join(d.store.Dirs[d.row.SampleDir].Path(), d.row.SampleFile.String())
	return file, file + ".journal"
}

// Commit ends the recording and commits it.
func (d *Draft) Commit(ctx context.Context) (*moonfirefs.Recording, error) {
	if err := errors.Join(d.file.Sync(), d.Close()); err != nil {
		return nil, err
	}
	d.table.Fill(&d.row)
	digest := moonfirefs.NewSampleFileDigest()
	_, _ = digest.Write(d.data) // never fails
	digest.Fill(&d.row)
	return &d.row, d.store.save(ctx, d.row.SampleDir, &index.Change{
		Dir: d.row.SampleDir, Insert: []*moonfirefs.Recording{&d.row}, SampleEntries: []*moonfirefs.VideoSampleEntry{d.take.Media.Entry},
	})
}

// Close leaves the recording as a crash does.
func (d *Draft) Close() error {
	return ignoreClosed(errors.Join(d.file.Close(), d.journal.Close()))
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
