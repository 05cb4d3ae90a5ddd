// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"context"
	"sync"
)

// sliceKind says how the bytes of a slice are produced.
type sliceKind uint8

const (
	fixedSlice       sliceKind = iota // bytes that New made; arg is where in File.fixed
	paddingSlice                      // zeros
	samplesSlice                      // the sample file of recording arg, or a part of it
	sttsSlice                         // durations of its samples
	cttsSlice                         // their composition offsets
	stssSlice                         // numbers of its sync samples
	stszSlice                         // sizes of its samples
	sbgpSlice                         // which of them are recovery points
	cueSttsSlice                      // durations of the cues beside recording arg
	cueStszSlice                      // their sizes
	cueTextsSlice                     // the cues
	videoStscSlice                    // chunks of the video of recording arg, beside audio
	videoCo64Slice                    // their offsets
	audioSttsSlice                    // durations of the samples of its audio
	audioStszSlice                    // their sizes
	audioStscSlice                    // chunks of its audio
	audioCo64Slice                    // their offsets
	silenceSlice                      // the silence before its audio
	silenceSttsSlice                  // durations of the samples of that
	silenceStszSlice                  // their sizes
)

// slice is a part of a file. It starts where the one before it ends.
type slice struct {
	end  int64
	arg  int32
	kind sliceKind
}

// isTable tells whether a slice is made of a recording's video index; see readTables.
func (k sliceKind) isTable() bool {
	return k == sttsSlice || k == cttsSlice || k == stssSlice || k == stszSlice || k == sbgpSlice
}

// readSlice fills p with the bytes at from of slice i, which is not part of a table.
func (f *File) readSlice(ctx context.Context, src Source, i int, p []byte, from int64) error {
	s := f.slices[i]
	switch s.kind {
	case fixedSlice:
		copy(p, f.fixed[int64(s.arg)+from:])
		return nil
	case paddingSlice:
		clear(p)
		return nil
	case samplesSlice:
		return f.readSamples(ctx, src, int(s.arg), p, from)
	case silenceSlice:
		f.readSilence(p, from)
		return nil
	case silenceSttsSlice, silenceStszSlice:
		f.readSilenceTable(s, p, from)
		return nil
	case videoStscSlice, videoCo64Slice, audioSttsSlice, audioStszSlice, audioStscSlice, audioCo64Slice:
		return f.readAudioTable(ctx, src, s, p, from, s.end-f.start(i))
	default:
		return f.readCues(s, p, from, s.end-f.start(i))
	}
}

// scratch holds buffers for slices that are wanted in part. A table of an
// ordinary recording has some ten kilobytes, and many reads begin or end in one.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// readWhole fills p with the part that starts at from of a slice of the given
// size, which fill can produce as a whole only: directly if p is all of it.
func readWhole(p []byte, from, size int64, fill func(whole []byte) error) error {
	if int64(len(p)) == size {
		return fill(p)
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	if int64(cap(*buf)) < size {
		*buf = make([]byte, size)
	}
	whole := (*buf)[:size]
	if err := fill(whole); err != nil {
		return err
	}
	copy(p, whole[from:])
	return nil
}
