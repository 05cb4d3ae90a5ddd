// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/moonfirefs/moonfirefs"
)

// wanted is a part of a recording's share of a sample table that a read asks for.
type wanted struct {
	slice
	// p is to be filled with the bytes from from on of the slice, which has the
	// given size.
	p          []byte
	from, size int64
}

// usuallyWanted is the number of slices of tables in the index of an hour.
const usuallyWanted = 180

// samplesPool holds decoded video indexes.
var samplesPool = sync.Pool{New: func() any { return new([]moonfirefs.Sample) }}

// readTables fills what is wanted, and decodes the video index of each recording
// once.
func (f *File) readTables(ctx context.Context, src Source, tables []wanted) error {
	slices.SortStableFunc(tables, func(a, b wanted) int { return cmp.Compare(a.arg, b.arg) })
	buf := samplesPool.Get().(*[]moonfirefs.Sample)
	defer samplesPool.Put(buf)
	for len(tables) > 0 {
		recording, n := tables[0].arg, 1
		for n < len(tables) && tables[n].arg == recording {
			n++
		}
		if err := f.decode(ctx, src, int(recording), buf); err != nil {
			return err
		}
		for _, w := range tables[:n] {
			err := readWhole(w.p, w.from, w.size, func(whole []byte) error {
				f.fill(whole, w.slice, *buf)
				return nil
			})
			if err != nil {
				return err
			}
		}
		tables = tables[n:]
	}
	return nil
}

// decode decodes the video index of a recording.
func (f *File) decode(ctx context.Context, src Source, recording int, dst *[]moonfirefs.Sample) error {
	index, err := f.videoIndex(ctx, src, recording)
	if err != nil {
		return err
	}
	return decodeSamples(&f.spec.Recordings[recording], index, dst)
}

// decodeSamples decodes a video index, and returns an error that wraps
// moonfirefs.ErrCorrupt unless it is what the Summary states, on which the layout
// rests.
func decodeSamples(r *moonfirefs.Summary, index []byte, dst *[]moonfirefs.Sample) error {
	// A sample takes at least two bytes. Found out before the counts of a
	// damaged row make us allocate gigabytes.
	if int64(len(index)) < 2*int64(r.VideoSamples) {
		return contradiction(r, fmt.Sprintf("its video index has %d bytes, its row says %d samples", len(index), r.VideoSamples))
	}
	// One more, so that it shows if there are more than the tables have room for.
	n := int(r.VideoSamples) + 1
	*dst = slices.Grow((*dst)[:0], n)[:n]
	d := moonfirefs.DecodeVideoIndex(index, r.Flags)
	*dst = (*dst)[:d.Read(*dst)]
	if err := d.Err(); err != nil {
		return fmt.Errorf("recording %d: %w", r.ID, err)
	}
	if problem := r.VideoProblem(*dst); problem != "" {
		return contradiction(r, problem)
	}
	return nil
}

// fill writes a recording's share of a table.
func (f *File) fill(dst []byte, s slice, samples []moonfirefs.Sample) {
	switch segment := f.segments[s.arg]; s.kind {
	case sttsSlice:
		fillStts(dst, samples, segment.hold90k)
	case stssSlice:
		fillStss(dst, samples, segment.samplesBefore)
	case cttsSlice:
		fillCtts(dst, samples)
	case stszSlice:
		fillStsz(dst, samples)
	case sbgpSlice:
		fillSbgp(dst, samples)
	}
}

// fillStts writes a recording's entries of the decoding time to sample box (ISO
// 14496-12 §8.6.1.2), one for each sample. The last sample is held for hold90k
// longer.
func fillStts(dst []byte, samples []moonfirefs.Sample, hold90k moonfirefs.Duration90k) {
	last := dst[8*(len(samples)-1):]
	for i := range samples {
		binary.BigEndian.PutUint64(dst, 1<<32|uint64(samples[i].Duration90k))
		dst = dst[8:]
	}
	binary.BigEndian.PutUint64(last, 1<<32|uint64(moonfirefs.Duration90k(samples[len(samples)-1].Duration90k)+hold90k))
}

// fillCtts writes a recording's entries of the composition time to sample box
// (§8.6.1.3), one for each sample. Recordings that are not reordered have them as
// well, all of them 0, if another one in the file is.
func fillCtts(dst []byte, samples []moonfirefs.Sample) {
	for i := range samples {
		binary.BigEndian.PutUint64(dst, 1<<32|uint64(uint32(samples[i].CompositionOffset90k)))
		dst = dst[8:]
	}
}

// fillStss writes a recording's entries of the sync sample box (§8.6.2), whose
// numbers count from 1 through the whole track.
func fillStss(dst []byte, samples []moonfirefs.Sample, samplesBefore uint32) {
	for i := range samples {
		if samples[i].Sync {
			binary.BigEndian.PutUint32(dst, samplesBefore+uint32(i)+1)
			dst = dst[4:]
		}
	}
}

// fillStsz writes a recording's entries of the sample size box (§8.7.3.2).
func fillStsz(dst []byte, samples []moonfirefs.Sample) {
	for i := range samples {
		binary.BigEndian.PutUint32(dst, uint32(samples[i].Bytes))
		dst = dst[4:]
	}
}

func contradiction(r *moonfirefs.Summary, problem string) error {
	return fmt.Errorf("recording %d: %s: %w", r.ID, problem, moonfirefs.ErrCorrupt)
}
