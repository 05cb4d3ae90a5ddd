// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import "iter"

// Extent is a range of a file that has a range of the sample file of a recording.
type Extent struct {
	// Offset is where in the file it begins, and Bytes how long it is.
	Offset, Bytes int64
	// Recording is an index into Spec.Recordings, and SampleOffset where in the sample
	// file, the whole one where the file has only a part of it, the extent begins.
	Recording    int
	SampleOffset int64
}

// Extents lists where sample data lie, in the order of the file. All other bytes follow
// from the Spec and the indexes.
func (f *File) Extents() iter.Seq[Extent] {
	return func(yield func(Extent) bool) {
		for i, s := range f.slices {
			if s.kind != samplesSlice {
				continue
			}
			for offset := f.start(i); offset < s.end; {
				at, n := f.spec.cuts[int(s.arg)].locate(offset - f.start(i))
				n = min(n, s.end-offset)
				if !yield(Extent{offset, n, int(s.arg), at}) {
					return
				}
				offset += n
			}
		}
	}
}
