// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// FuzzReadAt: whatever is recorded, any read gives what the same bytes of a read
// of the whole do, and SampleRange agrees.
func FuzzReadAt(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(0), uint32(0), uint32(100))
	f.Add(uint64(2), uint8(10), uint8(7), uint32(4000), uint32(70000))
	f.Fuzz(func(t *testing.T, seed uint64, recordings, options uint8, off, n uint32) {
		s := randomStore(rand.New(rand.NewPCG(seed, 0)), 1+int(recordings%20))
		s.spec.Timestamps, s.spec.Gaps = options&1 != 0, Gaps(options>>1&1)
		if options&4 != 0 {
			first := s.spec.Recordings[0]
			start90k := first.Start90k + moonfirefs.Time90k(off)%moonfirefs.Time90k(first.Duration90k+1)
			s.spec.Excerpt = &moonfirefs.Interval{Start90k: start90k, End90k: max(start90k, s.end90k()) + 1}
		}
		checkBoxes(t, s)
		whole, file := s.whole(t), s.layOut(t)
		from := int(off) % len(whole)
		checkRead(t, s, file, whole, from, int(n)%(len(whole)-from+1))
	})
}

// FuzzCut: whatever is recorded, an excerpt that is cut presents what it did before.
func FuzzCut(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(0), uint32(0), uint32(100_000))
	f.Add(uint64(2), uint8(1), uint8(7), uint32(400_000), uint32(70_000))
	f.Fuzz(func(t *testing.T, seed uint64, recordings, options uint8, from, length uint32) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := randomStore(r, 1+int(recordings%5))
		if options&4 != 0 {
			s = randomAudioStore(r, 1+int(recordings%5))
		}
		s.spec.Timestamps, s.spec.Gaps = options&1 != 0, Gaps(options>>1&1)
		from90k := noon + moonfirefs.Time90k(from)
		if s.excerptOf(from90k, from90k+1+moonfirefs.Time90k(length)) {
			cutExcerpt(t, s)
		}
	})
}

// FuzzVideoIndex: no video index, however damaged, makes a read panic or yields
// bytes unless it tells the truth as far as the Summary does.
func FuzzVideoIndex(f *testing.F) {
	truth := reencode([]frame{
		{Sample: moonfirefs.Sample{Duration90k: 10, Bytes: 1000, Sync: true}},
		{Sample: moonfirefs.Sample{Duration90k: 9, Bytes: 10}},
		{Sample: moonfirefs.Sample{Duration90k: 11, Bytes: 20}},
	})
	f.Add(truth)
	f.Add(truth[:3])
	f.Add(append(bytes.Clone(truth), 0, 0))
	f.Fuzz(func(t *testing.T, index []byte) {
		s := &store{spec: randomStore(rand.New(rand.NewPCG(1, 1)), 1).spec}
		s.add(s.spec.Recordings[0].Start90k, []frame{
			{Sample: moonfirefs.Sample{Duration90k: 10, Bytes: 1000, Sync: true}},
			{Sample: moonfirefs.Sample{Duration90k: 9, Bytes: 10}},
			{Sample: moonfirefs.Sample{Duration90k: 11, Bytes: 20}},
		})
		s.spec.Recordings = s.spec.Recordings[1:]
		s.Indexes[0] = index
		file := s.layOut(t)
		for i, slice := range file.slices {
			if !slice.kind.isTable() {
				continue
			}
			err := file.ReadAt(context.Background(), s, make([]byte, slice.end-file.start(i)), file.start(i))
			if err == nil != consistent(index, &s.spec.Recordings[0]) || err != nil && !errors.Is(err, moonfirefs.ErrCorrupt) {
				t.Errorf("slice of kind %d: %v", slice.kind, err)
			}
		}
	})
}

// consistent finds out the slow way whether an index agrees with a Summary.
func consistent(index []byte, r *moonfirefs.Summary) bool {
	var e moonfirefs.VideoIndexEncoder
	d := moonfirefs.DecodeVideoIndex(index, r.Flags)
	lastZero := false
	for d.Next() {
		e.Add(d.Sample)
		lastZero = d.Duration90k == 0
	}
	return d.Err() == nil && e.Samples() == r.VideoSamples && e.SyncSamples() == r.VideoSyncSamples &&
		e.Duration90k() == r.Duration90k && e.Bytes() == r.SampleFileBytes && !lastZero
}

// FuzzSampleEntry: whatever is stored as a sample entry, it is refused, or it is in
// the file as it is, in boxes that add up.
func FuzzSampleEntry(f *testing.F) {
	f.Add(bareEntry(), uint16(1), uint16(1))
	f.Add([]byte("\x00\x00\x00\x0cavc1test"), uint16(4), uint16(3))
	f.Add([]byte("\x00\x00\x00\x09avc1"), uint16(0), uint16(65535))
	f.Fuzz(func(t *testing.T, data []byte, aspectH, aspectV uint16) {
		s := randomStore(rand.New(rand.NewPCG(1, 2)), 1)
		s.spec.Entry = moonfirefs.NewVideoSampleEntry(data, 640, 360, aspectH, aspectV, "")
		if _, err := New(&s.spec); err != nil {
			if !errors.Is(err, moonfirefs.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		whole := s.whole(t)
		if !bytes.Contains(whole, data) {
			t.Fatal("the sample entry is not in the file")
		}
		size := 0
		for size < len(whole) {
			n := int(binary.BigEndian.Uint32(whole[size:]))
			if n == 1 {
				n = int(binary.BigEndian.Uint64(whole[size+8:]))
			}
			if n < 8 || n > len(whole)-size {
				t.Fatalf("a box of %d bytes at %d of %d", n, size, len(whole))
			}
			size += n
		}
	})
}
