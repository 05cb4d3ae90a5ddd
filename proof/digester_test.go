// SPDX-License-Identifier: GPL-3.0-or-later

package proof

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/moonfirefs/moonfirefs"
)

// interleaved makes a recording with audio, a key frame every 25 pictures, and what its
// sample file has. One picture is larger than two pieces, one has no bytes to speak of.
func interleaved(pictures int) (*moonfirefs.Recording, []byte) {
	random := rand.NewChaCha8([32]byte{1})
	var table moonfirefs.SampleTable
	var size int
	for i := range pictures {
		s := moonfirefs.Sample{Duration90k: 3600, Bytes: int32(1 + (i*7919)%9000), Sync: i%25 == 0}
		switch i {
		case 10:
			s.Bytes = 300 << 10
		case 11:
			s.Bytes = 1
		}
		table.AddVideo(s)
		size += int(s.Bytes)
		if i%5 == 4 {
			table.AddAudio(0, slices.Repeat([]moonfirefs.AudioSample{{Duration90k: 1920, Bytes: 341}}, 3))
			size += 3 * 341
		}
	}
	r := &moonfirefs.Recording{}
	table.Fill(r)
	data := make([]byte, size)
	_, _ = random.Read(data)
	return r, data
}

// oneByOne makes the digests from the definition (design/proof.md), sample by sample.
func oneByOne(r *moonfirefs.Recording, data []byte) *Groups {
	var video, audio [][]byte
	for p := range Places(r) {
		list := &video
		if p.Audio {
			list = &audio
		}
		for len(*list) <= p.Group {
			*list = append(*list, nil)
		}
		digest := p.Hash(data[p.Offset:][:p.Bytes])
		(*list)[p.Group] = append((*list)[p.Group], digest[:]...)
	}
	made := &Groups{}
	for _, hashes := range video {
		made.Video = append(made.Video, sha256.Sum256(hashes))
	}
	for _, hashes := range audio {
		made.Audio = append(made.Audio, sha256.Sum256(hashes))
	}
	return made
}

// Ensures that the digests are those of the samples, in whatever pieces they are read.
func TestDigestGroups(t *testing.T) {
	r, data := interleaved(500)
	want := oneByOne(r, data)
	if len(want.Video) != 20 || len(want.Audio) != 100 {
		t.Fatalf("%d groups of pictures, %d of audio", len(want.Video), len(want.Audio))
	}
	for name, contents := range map[string]io.Reader{
		"as asked for":   bytes.NewReader(data),
		"halves":         iotest.HalfReader(bytes.NewReader(data)),
		"bytes":          iotest.OneByteReader(bytes.NewReader(data)),
		"end with data":  iotest.DataErrReader(bytes.NewReader(data)),
		"more than that": io.MultiReader(bytes.NewReader(data), bytes.NewReader(data)),
	} {
		made, err := DigestGroups(r, contents)
		must(t, err)
		if !slices.Equal(made.Video, want.Video) || !slices.Equal(made.Audio, want.Audio) {
			t.Errorf("%s: other digests", name)
		}
	}
}

// Ensures that there are no digests of what cannot be read, or is not all there.
func TestDigestGroupsFails(t *testing.T) {
	r, data := interleaved(50)
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		contents io.Reader
		want     error
	}{
		"cut":         {bytes.NewReader(data[:len(data)-1]), io.ErrUnexpectedEOF},
		"empty":       {bytes.NewReader(nil), io.ErrUnexpectedEOF},
		"broken disk": {io.MultiReader(bytes.NewReader(data[:200<<10]), iotest.ErrReader(broken)), broken},
	} {
		if _, err := DigestGroups(r, test.contents); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	r.VideoSamples++
	if _, err := DigestGroups(r, bytes.NewReader(data)); !errors.Is(err, ErrIndexes) {
		t.Errorf("tables that contradict their row: %v", err)
	}
}

// Ensures that a sample file is read in large pieces, and that what is allocated does not
// depend on how many samples there are, but for the digests.
func TestDigestGroupsIsCheap(t *testing.T) {
	r, data := interleaved(1500)
	var reads countingReader
	allocations := testing.AllocsPerRun(5, func() {
		reads = countingReader{of: bytes.NewReader(data)}
		_, err := DigestGroups(r, &reads)
		must(t, err)
	})
	if most := len(data)/pieceBytes + 2; reads.n > most {
		t.Errorf("%d bytes took %d reads, want %d at most", len(data), reads.n, most)
	}
	if allocations > 50 { // of 2400 samples in 360 groups
		t.Errorf("%.0f allocations", allocations)
	}
}

// countingReader counts calls.
type countingReader struct {
	of io.Reader
	n  int
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	c.n++
	return c.of.Read(p)
}
