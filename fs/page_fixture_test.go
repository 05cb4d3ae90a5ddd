package fs

import (
	"math/rand/v2"
	"testing"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
)

// rows are recordings without sample files: the index is all that pages are made
// of.
type rows struct {
	stream   int // 0 is main, 1 is sub
	start90k moonfirefs.Time90k
	gap90k   moonfirefs.Duration90k
	count    int
	seconds  int
	// width stands for the sample entry.
	width uint16
}

// bytesPerSecond is how much footage rows have, at most.
const bytesPerSecond = 500_000

// insertRows saves rows in batches, and returns what they become.
func (f *fixture) insertRows(t testing.TB, what rows) (inserted []moonfirefs.Summary) {
	t.Helper()
	entry := moonfirefs.NewVideoSampleEntry([]byte{0, 0, 0, 10, 'a', 'v', 'c', '1', byte(what.width >> 8), byte(what.width)},
		what.width, what.width*9/16, 1, 1, "avc1.64001f")
	for start := what.start90k; len(inserted) < what.count; {
		n := min(5000, what.count-len(inserted))
		names, err := f.DB.Reserve(t.Context(), f.dir, n)
		if err != nil {
			t.Fatal(err)
		}
		save := &index.Change{Dir: f.dir}
		for i, name := range names {
			r := &moonfirefs.Recording{
				Stream: f.streams[what.stream], SampleDir: f.dir, Open: f.open, SampleFile: name, VideoIndex: []byte{1, 2},
			}
			r.Start90k, r.Duration90k, r.RunOffset = start, seconds(what.seconds), int32(i)
			// As in life, hardly ever two of the same size.
			r.SampleFileBytes = int64(what.seconds)*bytesPerSecond - rand.Int64N(100_000)
			r.VideoSamples, r.VideoSyncSamples = int32(what.seconds*25), int32(what.seconds)
			start = r.End90k().Add(what.gap90k)
			save.Insert = append(save.Insert, r)
			save.SampleEntries = append(save.SampleEntries, entry)
		}
		if _, err := f.DB.Commit(t.Context(), save); err != nil {
			t.Fatal(err)
		}
		for _, r := range save.Insert {
			inserted = append(inserted, r.Summary)
		}
	}
	return inserted
}

// newTestTree makes a tree that nobody mounts.
func newTestTree(t testing.TB, f *fixture) *tree {
	t.Helper()
	tree, err := newTree(t.Context(), Options{DB: f.DB, Dirs: f.Dirs, Zone: f.Zone, Timestamps: true})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
