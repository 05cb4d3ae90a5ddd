// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"context"
	"encoding/binary"

	"github.com/moonfirefs/moonfirefs"
)

// readAudioTable fills p with the part that starts at from of a recording's share
// of a table of which one index alone does not tell, which has the given size.
func (f *File) readAudioTable(ctx context.Context, src Source, s slice, p []byte, from, size int64) error {
	r := &f.spec.Recordings[s.arg]
	var audio []byte
	if r.Audio.Samples > 0 {
		var err error
		if audio, err = f.audioIndex(ctx, src, int(s.arg)); err != nil {
			return err
		}
		// The layout rests on the counts. Found out before those of a damaged row
		// make us allocate gigabytes.
		if problem := r.AudioIndexProblem(audio); problem != "" {
			return contradiction(r, problem)
		}
	}
	var video []byte
	if s.kind == videoCo64Slice || s.kind == audioCo64Slice {
		var err error
		if video, err = f.videoIndex(ctx, src, int(s.arg)); err != nil {
			return err
		}
	}
	return readWhole(p, from, size, func(whole []byte) error {
		d := moonfirefs.DecodeAudioIndex(audio)
		switch s.kind {
		case audioSttsSlice:
			f.fillAudioStts(whole, &d, int(s.arg))
		case audioStszSlice:
			f.fillAudioStsz(whole, &d, int(s.arg))
		case videoStscSlice, audioStscSlice:
			f.fillStsc(whole, &d, s)
		default:
			v := moonfirefs.DecodeVideoIndex(video, r.Flags)
			if !f.fillCo64(whole, &d, &v, s) {
				return contradiction(r, "its indexes do not add up to its sample file")
			}
			return v.Err()
		}
		return nil
	})
}

// fillStsc writes a recording's entries of the sample to chunk box (ISO 14496-12
// §8.7.4).
func (f *File) fillStsc(dst []byte, d *moonfirefs.AudioIndexDecoder, s slice) {
	r, segment := &f.spec.Recordings[s.arg], &f.segments[s.arg]
	number := segment.videoChunksBefore
	if s.kind == audioStscSlice {
		number = segment.audioChunksBefore
	}
	put := func(samples int32) {
		number++
		binary.BigEndian.PutUint32(dst, number)
		binary.BigEndian.PutUint32(dst[4:], uint32(samples))
		binary.BigEndian.PutUint32(dst[8:], 1) // sample description
		dst = dst[12:]
	}
	if s.kind == audioStscSlice && segment.audio.silent > 0 {
		put(int32(segment.audio.silent))
	}
	left := r.VideoSamples
	for d.NextChunk() {
		left -= d.VideoSamples
		if s.kind == audioStscSlice {
			put(d.Samples)
		} else {
			put(d.VideoSamples)
		}
	}
	if s.kind == videoStscSlice && left > 0 {
		put(left)
	}
}

// fillCo64 writes a recording's entries of the chunk offset box (§8.7.5). It
// returns false if the indexes do not add up to the sample file.
func (f *File) fillCo64(dst []byte, d *moonfirefs.AudioIndexDecoder, v *moonfirefs.VideoIndexDecoder, s slice) bool {
	r, segment := &f.spec.Recordings[s.arg], &f.segments[s.arg]
	put := func(kind sliceKind, offset int64) {
		if kind == s.kind {
			binary.BigEndian.PutUint64(dst, uint64(offset))
			dst = dst[8:]
		}
	}
	if segment.audio.silent > 0 {
		put(audioCo64Slice, segment.silenceOffset)
	}
	offset, left := segment.videoOffset, r.VideoSamples
	for d.NextChunk() {
		put(videoCo64Slice, offset)
		left -= d.VideoSamples
		for n := d.VideoSamples; n > 0; n-- {
			if !v.Next() {
				return false
			}
			offset += int64(v.Bytes)
		}
		put(audioCo64Slice, offset)
		for d.Next() {
			offset += int64(d.Bytes)
		}
	}
	if left > 0 {
		put(videoCo64Slice, offset)
	}
	for v.Next() {
		offset += int64(v.Bytes)
		left--
	}
	return left == 0 && offset == segment.videoOffset+r.SampleFileBytes
}
