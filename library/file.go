// SPDX-License-Identifier: GPL-3.0-or-later

package library

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/inprogress"
	"github.com/moonfirefs/moonfirefs/mp4"
	"github.com/moonfirefs/moonfirefs/sample"
)

// File is an open version of a file. It holds all that is needed to read it to the end,
// however the hour grows and whatever retention takes away meanwhile. It is safe for
// concurrent use.
type File struct {
	layout *mp4.File
	source source
	ahead  ahead

	// releases gives up what is held, once.
	releases    []func()
	releaseOnce sync.Once
}

// Open opens this very version of a file of a stream, which the file may have outgrown
// since. If it has lost a recording, the error wraps ErrStale.
func (c *Catalog) Open(ctx context.Context, s *Stream, v *Version) (*File, error) {
	spec, p, err := c.find(ctx, s, v)
	if err != nil {
		return nil, err
	}
	return c.open(ctx, spec, p)
}

func (c *Catalog) open(ctx context.Context, spec *mp4.Spec, p *present) (*File, error) {
	layout, err := mp4.New(spec)
	if err != nil {
		return nil, err
	}
	f := &File{layout: layout, source: source{tables: tables{c.index, spec.Recordings, p}, dirs: c.dirs, layout: layout}}
	err = f.hold(ctx)
	if err == nil {
		err = f.holdPresent(c.inProgress)
	}
	if err != nil {
		f.release()
		return nil, err
	}
	return f, nil
}

// hold secures the video indexes and the sample files of what is committed.
func (f *File) hold(ctx context.Context) error {
	s := &f.source
	ids, places := s.committed()
	if len(ids) == 0 {
		return nil
	}
	release, err := s.index.Hold(ctx, ids)
	if err != nil {
		return asStale(err)
	}
	f.releases = append(f.releases, release)
	files, err := f.holdNamed(ctx, ids)
	if err != nil {
		return err
	}
	s.files = make([]moonfirefs.SampleFile, len(s.recordings))
	for i, file := range files {
		s.files[places[i]] = file
	}
	return nil
}

// maxHoldAttempts is more than recordings can move while their files are held.
const maxHoldAttempts = 8

// holdNamed holds the sample files of recordings, and returns which ones those are.
func (f *File) holdNamed(ctx context.Context, ids []moonfirefs.RecordingID) ([]moonfirefs.SampleFile, error) {
	files, err := f.source.index.SampleFiles(ctx, ids)
	for range maxHoldAttempts {
		if err != nil {
			return nil, asStale(err)
		}
		if err := f.holdFiles(files); err != nil {
			return nil, err
		}
		// Rows change before files go: if all rows are still there and name the same
		// files, none was unlinked before it was held, by retention or since its recording
		// has moved. One that is missing all the same is damage, and costs only the bytes
		// that it held.
		before := files
		if files, err = f.source.index.SampleFiles(ctx, ids); err == nil && slices.Equal(before, files) {
			return files, nil
		}
	}
	if err != nil {
		return nil, asStale(err)
	}
	return nil, fmt.Errorf("%w: its recordings move", ErrStale)
}

// holdPresent opens the sample files of recordings in progress. One that is gone was
// committed and deleted, or given up.
func (f *File) holdPresent(in *inprogress.Finder) error {
	s := &f.source
	if s.present == nil {
		return nil
	}
	s.growing = make([]sample.GrowingFile, len(s.present.recordings))
	for i, r := range s.present.recordings {
		file, err := in.Open(r.File())
		if errors.Is(err, iofs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrStale, err)
		}
		if err != nil {
			return err
		}
		s.growing[i] = file
		f.releases = append(f.releases, file.Release)
	}
	return nil
}

// holdFiles holds the sample files that are there.
func (f *File) holdFiles(files []moonfirefs.SampleFile) error {
	names := make(map[moonfirefs.SampleDirID][]uuid.UUID)
	for _, file := range files {
		names[file.Dir] = append(names[file.Dir], file.UUID)
	}
	for id, names := range names {
		dir := f.source.dirs[id]
		if dir == nil {
			continue // reading will tell
		}
		if release, err := dir.Hold(names); err == nil {
			f.releases = append(f.releases, release)
			continue
		}
		if err := f.holdEach(dir, names); err != nil {
			return err
		}
	}
	return nil
}

// holdEach holds what it can of files of which one is damaged at least.
func (f *File) holdEach(dir sample.Directory, names []uuid.UUID) error {
	for i := range names {
		release, err := dir.Hold(names[i : i+1])
		if err == nil {
			f.releases = append(f.releases, release)
		} else if errors.Is(err, sample.ErrDeleted) {
			return fmt.Errorf("%w: %w", ErrStale, err)
		} else if _, short := Shortage(err); short {
			return err // the file itself may be sound
		}
	}
	return nil
}

func (f *File) release() {
	f.releaseOnce.Do(func() {
		for _, release := range f.releases {
			release()
		}
	})
}

// Close gives up what is held. It is idempotent.
func (f *File) Close() error {
	f.release()
	return nil
}

// Size is that of the whole file, in bytes.
func (f *File) Size() int64 { return f.layout.Size() }

// ReadAt reads exactly len(p) bytes at an offset, or fails.
func (f *File) ReadAt(ctx context.Context, p []byte, off int64) error {
	f.readAhead(off, len(p))
	return f.layout.ReadAt(ctx, &f.source, p, off)
}

// Samples is where a range of a file lies within one sample file.
type Samples struct {
	// File has the samples, at Offset. It must be released.
	File   sample.File
	Offset int64
	// Recording is the one whose samples they are.
	Recording moonfirefs.RecordingID
}

// Samples finds the one sample file that has all of the n bytes at an offset, so that
// they can be passed on without a copy; ok is false if there is none.
func (f *File) Samples(off int64, n int) (found Samples, ok bool, err error) {
	recording, offset, ok := f.layout.SampleRange(off, n)
	if !ok {
		return Samples{}, false, nil
	}
	f.readAhead(off, n)
	file, err := f.source.open(recording)
	return Samples{file, offset, f.source.recordings[recording].ID}, err == nil, err
}

// tables are the indexes of recordings.
type tables struct {
	index      Index
	recordings []moonfirefs.Summary
	// present has those of recordings in progress.
	present *present
}

var _ mp4.Indexes = (*tables)(nil)

// VideoIndex implements mp4.Indexes.
func (t *tables) VideoIndex(ctx context.Context, recording int) ([]byte, error) {
	id := t.recordings[recording].ID
	if r := t.present.of(id); r != nil {
		return r.VideoIndex, nil
	}
	return t.index.VideoIndex(ctx, id)
}

// AudioIndex implements mp4.Indexes.
func (t *tables) AudioIndex(ctx context.Context, recording int) ([]byte, error) {
	id := t.recordings[recording].ID
	if r := t.present.of(id); r != nil {
		return r.AudioIndex, nil
	}
	return t.index.AudioIndex(ctx, id)
}

// committed returns the ids of the recordings that are committed, and their places
// among all.
func (t *tables) committed() (ids []moonfirefs.RecordingID, places []int) {
	for i := range t.recordings {
		if id := t.recordings[i].ID; t.present.of(id) == nil {
			ids, places = append(ids, id), append(places, i)
		}
	}
	return ids, places
}

// source is what the bytes of a file are read from. Its errors are RecordingErrors.
type source struct {
	tables
	// files are those of the recordings, in parallel, where they are committed; growing
	// those of the recordings in progress.
	files   []moonfirefs.SampleFile
	growing []sample.GrowingFile
	dirs    map[moonfirefs.SampleDirID]sample.Directory
	layout  *mp4.File
}

var _ mp4.Source = (*source)(nil)

// open returns the sample file of a recording, to be released.
func (s *source) open(recording int) (sample.File, error) {
	if id := s.recordings[recording].ID; s.present.of(id) != nil {
		return s.growing[-id-1].Use(), nil
	}
	name := s.files[recording]
	dir := s.dirs[name.Dir]
	if dir == nil {
		return nil, s.broken(recording, fmt.Errorf("sample directory %d is not open", name.Dir))
	}
	file, err := dir.Open(name.UUID, s.layout.SampleFileBytes(recording))
	return file, s.broken(recording, err)
}

func (s *source) broken(recording int, err error) error {
	if err == nil {
		return nil
	}
	return &RecordingError{s.recordings[recording].ID, err}
}

// VideoIndex implements mp4.Source.
func (s *source) VideoIndex(ctx context.Context, recording int) ([]byte, error) {
	blob, err := s.tables.VideoIndex(ctx, recording)
	return blob, s.broken(recording, err)
}

// AudioIndex implements mp4.Source.
func (s *source) AudioIndex(ctx context.Context, recording int) ([]byte, error) {
	blob, err := s.tables.AudioIndex(ctx, recording)
	return blob, s.broken(recording, err)
}

// ReadSamples implements mp4.Source.
func (s *source) ReadSamples(_ context.Context, recording int, p []byte, offset int64) error {
	file, err := s.open(recording)
	if err != nil {
		return err
	}
	defer file.Release()
	return s.broken(recording, file.ReadAt(p, offset))
}
