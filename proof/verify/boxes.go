// SPDX-License-Identifier: GPL-3.0-or-later

package verify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The tables of a file whose bytes are not those of ours. It may be anything: each size is
// compared with what is there before it is used, and memory is bounded by maxMoovBytes and
// maxSamples.

const (
	// maxMoovBytes is several times what a clip of a day takes.
	maxMoovBytes = 512 << 20
	// maxSamples is likewise.
	maxSamples = 40_000_000
)

var errNoTrack = errors.New("it is not an mp4 file with a video track that this program can read")

// fileSample is where a sample lies.
type fileSample struct{ offset, bytes int64 }

// readVideoTrack finds the samples of the first video track, in the order in which they
// are decoded.
func readVideoTrack(file io.ReaderAt, sizeBytes int64) ([]fileSample, error) {
	moov, err := readMoov(file, sizeBytes)
	if err != nil {
		return nil, err
	}
	for trak := range boxes(moov, "trak") {
		mdia := box(trak, "mdia")
		hdlr := box(mdia, "hdlr")
		if len(hdlr) < 12 || string(hdlr[8:12]) != "vide" {
			continue
		}
		return trackSamples(box(box(mdia, "minf"), "stbl"), sizeBytes)
	}
	return nil, errNoTrack
}

// readMoov reads the movie box (ISO 14496-12 §8.2.1).
func readMoov(file io.ReaderAt, sizeBytes int64) ([]byte, error) {
	for offset := int64(0); offset+8 <= sizeBytes; {
		var head [16]byte
		if n, err := file.ReadAt(head[:], offset); n < 8 {
			return nil, fmt.Errorf("%w: %w", errNoTrack, err)
		}
		header, size := int64(8), int64(binary.BigEndian.Uint32(head[:]))
		switch size {
		case 0:
			size = sizeBytes - offset
		case 1:
			header, size = 16, int64(binary.BigEndian.Uint64(head[8:]))
		}
		if size < header || size > sizeBytes-offset {
			return nil, errNoTrack
		}
		if string(head[4:8]) == "moov" {
			if size > maxMoovBytes {
				return nil, errNoTrack
			}
			moov := make([]byte, size-header)
			if _, err := file.ReadAt(moov, offset+header); err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			return moov, nil
		}
		offset += size
	}
	return nil, errNoTrack
}

// boxes calls yield for the contents of each box of a kind in a box.
func boxes(in []byte, fourCC string) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(in) >= 8 {
			size := uint64(binary.BigEndian.Uint32(in))
			if size < 8 || size > uint64(len(in)) {
				return // those of 64 bits are no tables
			}
			if string(in[4:8]) == fourCC && !yield(in[8:size]) {
				return
			}
			in = in[size:]
		}
	}
}

// box is the first one of a kind; nil if there is none.
func box(in []byte, fourCC string) []byte {
	for b := range boxes(in, fourCC) {
		return b
	}
	return nil
}

// table is the entries of a full box behind skip bytes, the last four of which count them.
func table(b []byte, skip, entryBytes int) (entries []byte, ok bool) {
	if len(b) < skip {
		return nil, false
	}
	n := uint64(binary.BigEndian.Uint32(b[skip-4:]))
	b = b[skip:]
	if n*uint64(entryBytes) > uint64(len(b)) {
		return nil, false
	}
	return b[:n*uint64(entryBytes)], true
}

// trackSamples makes the list of stsz, stsc, and stco or co64 (§8.7).
func trackSamples(stbl []byte, sizeBytes int64) ([]fileSample, error) {
	stsz := box(stbl, "stsz")
	if len(stsz) < 12 {
		return nil, errNoTrack
	}
	same, count := binary.BigEndian.Uint32(stsz[4:]), binary.BigEndian.Uint32(stsz[8:])
	sizes, ok := table(stsz, 12, 4)
	if count > maxSamples || same == 0 && !ok {
		return nil, errNoTrack
	}
	if same > 0 && int64(count) > sizeBytes/int64(same) {
		return nil, errNoTrack // a number that the file cannot hold, and no table that bounds it
	}
	chunks, ok := chunkOffsets(stbl)
	runs, ok2 := table(box(stbl, "stsc"), 8, 12)
	if !ok || !ok2 || len(runs) == 0 {
		return nil, errNoTrack
	}
	samples := make([]fileSample, 0, min(count, 1<<16))
	for number, offset := range chunks {
		for len(runs) > 12 && uint64(binary.BigEndian.Uint32(runs[12:])) <= uint64(number)+1 {
			runs = runs[12:]
		}
		for n := binary.BigEndian.Uint32(runs[4:]); n > 0 && uint32(len(samples)) < count; n-- {
			bytes := int64(same)
			if same == 0 {
				bytes = int64(binary.BigEndian.Uint32(sizes[4*len(samples):]))
			}
			if offset < 0 || bytes > sizeBytes || offset > sizeBytes-bytes {
				bytes = -1 // not in the file, and of no group
			}
			samples = append(samples, fileSample{offset, bytes})
			offset += max(bytes, 0)
		}
	}
	return samples, nil
}

func chunkOffsets(stbl []byte) (offsets []int64, ok bool) {
	if entries, ok := table(box(stbl, "co64"), 8, 8); ok {
		for ; len(entries) > 0; entries = entries[8:] {
			offsets = append(offsets, int64(binary.BigEndian.Uint64(entries)))
		}
		return offsets, true
	}
	entries, ok := table(box(stbl, "stco"), 8, 4)
	for ; len(entries) > 0; entries = entries[4:] {
		offsets = append(offsets, int64(binary.BigEndian.Uint32(entries)))
	}
	return offsets, ok
}
