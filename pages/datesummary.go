// SPDX-License-Identifier: GPL-3.0-or-later

package pages

import (
	"unsafe"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/library"
)

// dateSummary is what is shown of a stream in the folder of a date. It is immutable once
// it has been loaded.
type dateSummary struct {
	date civil.Date
	// files are those that are sound; there are none where they need not be known.
	files []fileSummary
	// loaded are the stretches of a date whose files are known; facts is nil there, and has
	// the stretches of any other date.
	loaded []stretch
	facts  *library.DateFacts
	// damaged says that there are files of which nothing can be told.
	damaged bool
	// sampleFileBytes and duration90k are the sums over those recordings.
	sampleFileBytes int64
	duration90k     moonfirefs.Duration90k
	// active says when something moved, where there are files.
	active []activeCells
}

// newDateSummary tells of a date without its files.
func newDateSummary(f *library.DateFacts) *dateSummary {
	return &dateSummary{date: f.Date, facts: f, sampleFileBytes: f.SampleFileBytes, duration90k: f.Duration90k}
}

// stretches are made of the recordings that start on the date.
func (d *dateSummary) stretches() []stretch {
	if d.facts == nil {
		return d.loaded
	}
	known := d.facts.Stretches()
	all := make([]stretch, len(known))
	for i := range known {
		all[i] = stretchKnown(&known[i])
	}
	return all
}

// fileSummary is what the pages tell of a file.
type fileSummary struct {
	name      string
	sizeBytes int64
	stretch
}

// add adds a file and the recordings that it is made of.
func (d *dateSummary) add(v *library.Version, recordings []moonfirefs.Summary) {
	whole := stretchOf(&recordings[0])
	for i := range recordings {
		s := stretchOf(&recordings[i])
		d.loaded = appendStretch(d.loaded, s)
		d.sampleFileBytes += s.sampleFileBytes
		d.duration90k += s.duration90k
		if i > 0 {
			whole.add(s)
		}
	}
	d.files = append(d.files, fileSummary{name: v.Name, sizeBytes: v.SizeBytes, stretch: whole})
}

// memoryBytes is what it takes in memory, with its place in the stream's summary.
func (d *dateSummary) memoryBytes() int64 {
	n := int64(unsafe.Sizeof(*d)) + 8 + int64(cap(d.files))*int64(unsafe.Sizeof(fileSummary{})) +
		int64(cap(d.loaded))*int64(unsafe.Sizeof(stretch{})) +
		int64(cap(d.active))*int64(unsafe.Sizeof(activeCells{}))
	if d.facts != nil {
		n += d.facts.MemoryBytes()
	}
	return n
}
