// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"context"
	"fmt"
	"sort"

	"github.com/moonfirefs/moonfirefs"
)

// Indexes provides the tables of recordings, which are named by their index in
// Spec.Recordings.
type Indexes interface {
	// VideoIndex returns the video index of a recording, which is neither
	// changed nor kept.
	VideoIndex(ctx context.Context, recording int) ([]byte, error)
	// AudioIndex returns the audio index of a recording with audio, likewise.
	AudioIndex(ctx context.Context, recording int) ([]byte, error)
}

// Source provides what a file is made of. It must be safe for concurrent use if the
// File is used so.
type Source interface {
	Indexes
	// ReadSamples fills all of p with the bytes at offset in the recording's
	// sample file, or fails.
	ReadSamples(ctx context.Context, recording int, p []byte, offset int64) error
}

// File is a virtual file, laid out. It is immutable and safe for concurrent use.
type File struct {
	spec     *Spec
	segments []segment // one for each recording
	slices   []slice
	fixed    []byte
}

// segment is where a recording lies in a file, and what the tables need to know of it
// besides its Summary.
type segment struct {
	place
	// samplesBefore counts the samples of the recordings before it.
	samplesBefore uint32
	// audio and what follows is for files with audio alone.
	audio audioPlace
	// videoChunksBefore and audioChunksBefore count the chunks before.
	videoChunksBefore, audioChunksBefore uint32
	// videoOffset is where in the file its sample file begins, silenceOffset where
	// the silence before it does.
	videoOffset, silenceOffset int64
}

// New lays the file out. It reads nothing and takes time in proportion to the
// number of recordings. The Spec must not be changed afterwards.
//
// It returns an error that wraps moonfirefs.ErrInvalid or moonfirefs.ErrCorrupt if
// no file can be made of the Spec.
func New(s *Spec) (*File, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("lay out mp4: %w", err)
	}
	w := newWriter(s)
	w.ftyp()
	w.moov()
	w.mdat()
	// Guards the formulas of size.go, on which the chunk offsets rest as well.
	if size := Size(s); w.end() != size {
		return nil, fmt.Errorf("lay out mp4: %d bytes where the counts say %d", w.end(), size)
	}
	return &File{spec: s, segments: w.segments, slices: w.slices, fixed: w.fixed}, nil
}

// Size returns the size of the file in bytes.
func (f *File) Size() int64 { return f.slices[len(f.slices)-1].end }

// SampleRange tells whether the n bytes at off all lie in the sample data of one
// recording, and where: such a read can be passed through without a copy.
// recording is an index into Spec.Recordings.
func (f *File) SampleRange(off int64, n int) (recording int, sampleOffset int64, ok bool) {
	recording, sampleOffset, there, ok := f.Samples(off)
	return recording, sampleOffset, ok && n >= 0 && int64(n) <= there
}

// Samples tells in the sample data of which recording the byte at off lies, and where; ok is
// false if it does not lie in any. So do the n bytes from that one on, which is 0 only at the
// end of the file.
func (f *File) Samples(off int64) (recording int, sampleOffset, n int64, ok bool) {
	if off < 0 || off >= f.Size() {
		return 0, 0, 0, false
	}
	i := f.find(off)
	s := f.slices[i]
	if s.kind != samplesSlice {
		return 0, 0, s.end - off, false
	}
	sampleOffset, there := f.spec.cuts[int(s.arg)].locate(off - f.start(i))
	return int(s.arg), sampleOffset, min(there, s.end-off), true
}

// ReadAt fills p with the bytes at off; off and off+len(p) must be within Size.
// It fails as a whole if any part of it fails, and what p holds then is
// undefined.
//
// It reads the video indexes of the recordings whose tables p overlaps, and no
// others. An error wraps what the Source returned, or moonfirefs.ErrCorrupt if a
// video index contradicts the recording's Summary, or moonfirefs.ErrInvalid.
func (f *File) ReadAt(ctx context.Context, src Source, p []byte, off int64) error {
	if off < 0 || off > f.Size() || int64(len(p)) > f.Size()-off {
		return moonfirefs.Errorf(moonfirefs.ErrInvalid, "read %d bytes at %d of an mp4 of %d", len(p), off, f.Size())
	}
	// What the tables share is done once, for all of them, afterwards.
	tables := make([]wanted, 0, usuallyWanted)
	for i := f.find(off); len(p) > 0; i++ {
		n := int(min(int64(len(p)), f.slices[i].end-off))
		start := f.start(i)
		if f.slices[i].kind.isTable() {
			tables = append(tables, wanted{f.slices[i], p[:n], off - start, f.slices[i].end - start})
		} else if err := f.readSlice(ctx, src, i, p[:n], off-start); err != nil {
			return fmt.Errorf("read mp4 at %d: %w", off, err)
		}
		p, off = p[n:], off+int64(n)
	}
	if err := f.readTables(ctx, src, tables); err != nil {
		return fmt.Errorf("read mp4: %w", err)
	}
	return nil
}

// find returns the index of the slice that holds the byte at off.
func (f *File) find(off int64) int {
	return sort.Search(len(f.slices), func(i int) bool { return f.slices[i].end > off })
}

// start returns the offset in the file at which slice i starts.
func (f *File) start(i int) int64 {
	if i == 0 {
		return 0
	}
	return f.slices[i-1].end
}
