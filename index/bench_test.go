// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"crypto/sha1"
	"testing"

	"github.com/google/uuid"

	"github.com/moonfirefs/moonfirefs"
)

// BenchmarkCommit is what a recorder commits all day: a recording of a minute comes,
// and the oldest one goes. It is of the processor's time alone where the directory for
// temporary files is in memory (TMPDIR=/dev/shm).
func BenchmarkCommit(b *testing.B) {
	const recorded = 600
	f := newFixture(b, recorded*100)
	var e moonfirefs.VideoIndexEncoder
	e.Add(moonfirefs.Sample{Duration90k: moonfirefs.UnitsPerSecond, Bytes: 100, Sync: true})
	r := moonfirefs.Recording{
		Summary: moonfirefs.Summary{
			Duration90k: e.Duration90k(), SampleFileBytes: e.Bytes(), VideoSamples: 1, VideoSyncSamples: 1,
		},
		Stream: f.stream(), SampleDir: 1, Open: f.open, VideoIndex: e.Blob(),
	}
	names, err := f.db.Reserve(b.Context(), 1, 1)
	if err != nil {
		b.Fatal(err)
	}
	var gone []uuid.UUID
	for i := -recorded; i < b.N; i++ {
		if i == 0 {
			b.ResetTimer()
		}
		next := r
		next.SampleFile, next.SampleFileSHA1 = names[0], sha1.Sum(names[0][:])
		next.Start90k = moonfirefs.Time90k(i+recorded) * 60 * moonfirefs.UnitsPerSecond
		committed, err := f.db.Commit(b.Context(), &Change{
			Dir: 1, Insert: []*moonfirefs.Recording{&next}, SampleEntries: []*moonfirefs.VideoSampleEntry{testEntry},
			Reserve: 1, Release: gone,
		})
		if err != nil {
			b.Fatal(err)
		}
		names, gone = committed.Reserved, nil
		for _, file := range committed.Deleted {
			gone = append(gone, file.UUID)
		}
	}
}
