// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// The worked example of design/video-index.md.
var exampleSamples = []Sample{
	{Duration90k: 10, Bytes: 1000, Sync: true},
	{Duration90k: 9, Bytes: 10},
	{Duration90k: 11, Bytes: 15},
	{Duration90k: 10, Bytes: 12},
	{Duration90k: 10, Bytes: 1050, Sync: true},
}

var exampleBlob = []byte{0x29, 0xd0, 0x0f, 0x02, 0x14, 0x08, 0x0a, 0x02, 0x05, 0x01, 0x64}

func encode(samples []Sample) *VideoIndexEncoder {
	var e VideoIndexEncoder
	for _, s := range samples {
		e.Add(s)
	}
	return &e
}

func decode(blob []byte) ([]Sample, error) { return decodeFlagged(blob, 0) }

func decodeFlagged(blob []byte, flags RecordingFlags) ([]Sample, error) {
	var samples []Sample
	d := DecodeVideoIndex(blob, flags)
	for d.Next() {
		samples = append(samples, d.Sample)
	}
	return samples, d.Err()
}

func equalSamples(t *testing.T, got, want []Sample) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d samples, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("sample %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestVideoIndexWorkedExample(t *testing.T) {
	e := encode(exampleSamples)
	if !bytes.Equal(e.Blob(), exampleBlob) {
		t.Errorf("encoded % x, want % x", e.Blob(), exampleBlob)
	}
	if e.Duration90k() != 50 || e.Bytes() != 2087 || e.Samples() != 5 || e.SyncSamples() != 2 {
		t.Errorf("totals %d, %d, %d, %d", e.Duration90k(), e.Bytes(), e.Samples(), e.SyncSamples())
	}
	got, err := decode(exampleBlob)
	if err != nil {
		t.Fatal(err)
	}
	equalSamples(t, got, exampleSamples)
}

func TestVideoIndexRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		samples := make([]Sample, 1+r.IntN(50))
		reordered := r.IntN(2) == 0
		for i := range samples {
			samples[i] = Sample{Duration90k: 1 + r.Int32N(1<<22), Bytes: 1 + r.Int32N(math.MaxInt32), Sync: r.IntN(3) == 0}
		}
		for i := range samples {
			if reordered && r.IntN(3) > 0 {
				samples[i].CompositionOffset90k = r.Int32N(2*int32(MaxRecordingDuration90k)-1) - int32(MaxRecordingDuration90k) + 1
			}
		}
		if r.IntN(2) == 0 {
			samples[len(samples)-1].Duration90k = 0
		}
		e := encode(samples)
		var flags RecordingFlags
		if e.Reordered() {
			flags = FlagReordered
		}
		got, err := decodeFlagged(e.Blob(), flags)
		if err != nil {
			t.Fatal(err)
		}
		equalSamples(t, got, samples)
	}
}

// reorderedSamples are the worked example of a recording with reordered samples:
// I P B B P B, of which the third is shown second.
var reorderedSamples = []Sample{
	{Duration90k: 10, Bytes: 1000, Sync: true},
	{Duration90k: 10, Bytes: 300, CompositionOffset90k: 20},
	{Duration90k: 10, Bytes: 50, CompositionOffset90k: -10},
	{Duration90k: 10, Bytes: 50, CompositionOffset90k: -10},
	{Duration90k: 10, Bytes: 290, CompositionOffset90k: 10},
	{Duration90k: 0, Bytes: 50, CompositionOffset90k: -10},
}

var reorderedBlob = []byte{
	0x29, 0xd0, 0x0f, 0x00, 0x00, 0xd8, 0x04, 0x28, 0x00, 0xf3, 0x03, 0x3b, 0x00, 0x00, 0x00,
	0x00, 0xe0, 0x03, 0x28, 0x26, 0xdf, 0x03, 0x27,
}

// Composition offsets take a varint for each sample, also for those that came
// before the first one that has one, and nothing where no sample has one.
func TestVideoIndexReordered(t *testing.T) {
	e := encode(reorderedSamples)
	if !bytes.Equal(e.Blob(), reorderedBlob) || !e.Reordered() {
		t.Errorf("encoded % x, want % x", e.Blob(), reorderedBlob)
	}
	got, err := decodeFlagged(reorderedBlob, FlagReordered|FlagTrailingZero)
	if err != nil {
		t.Fatal(err)
	}
	equalSamples(t, got, reorderedSamples)
	e.Reset()
	for _, s := range exampleSamples {
		e.Add(s)
	}
	if e.Reordered() || !bytes.Equal(e.Blob(), exampleBlob) {
		t.Errorf("after Reset: encoded % x", e.Blob())
	}
}

// The flag and the index must agree.
func TestVideoIndexRejectsDamageOfReordered(t *testing.T) {
	far := int32(MaxRecordingDuration90k)
	tests := map[string][]byte{
		"missing offset":    reorderedBlob[:3],
		"truncated offset":  {0x29, 0x02, 0x80},
		"no offset at all":  {0x29, 0x02, 0x00},
		"empty":             nil,
		"without offsets":   exampleBlob,
		"offset too late":   encode([]Sample{{Duration90k: 1, Bytes: 1, CompositionOffset90k: far}}).Blob(),
		"offset too early":  encode([]Sample{{Duration90k: 1, Bytes: 1, CompositionOffset90k: -far}}).Blob(),
		"offsets add up":    {0x05, 0x02, 0xfe, 0xff, 0xff, 0x0c, 0x00, 0x00, 0xfe, 0xff, 0xff, 0x0c},
		"zero duration too": {0x01, 0x02, 0x02, 0x28, 0x02, 0x00},
	}
	for name, blob := range tests {
		if _, err := decodeFlagged(blob, FlagReordered); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
	if samples, err := decode(reorderedBlob); err == nil && len(samples) == len(reorderedSamples) {
		t.Error("read without the flag")
	}
}

func TestVideoIndexRejectsDamage(t *testing.T) {
	tests := map[string][]byte{
		"truncated duration":   {0x80},
		"missing size":         {0x29},
		"truncated size":       {0x29, 0xd0},
		"over-long varint":     {0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x02},
		"padded varint":        {0xa9, 0x00, 0x02},
		"negative duration":    {0x02, 0x02},
		"zero size":            {0x29, 0x00},
		"negative size":        {0x29, 0x01},
		"zero duration inside": {0x01, 0x02, 0x28, 0x02},
		"size out of range":    {0x29, 0xfe, 0xff, 0xff, 0xff, 0x7f},
		"durations overflow":   append(encode([]Sample{{Duration90k: math.MaxInt32, Bytes: 1}}).Blob(), 0x00, 0x02),
	}
	for name, blob := range tests {
		if _, err := decode(blob); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
}

func TestVideoIndexDecodeDoesNotAllocate(t *testing.T) {
	blob := encode(exampleSamples).Blob()
	allocs := testing.AllocsPerRun(100, func() {
		d := DecodeVideoIndex(blob, 0)
		for d.Next() {
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzVideoIndex: whatever decodes must encode to the same bytes, so that a
// blob in the database has exactly one meaning.
func FuzzVideoIndex(f *testing.F) {
	f.Add(exampleBlob, false)
	f.Add(reorderedBlob, true)
	f.Add([]byte{0x29, 0xd0}, false)
	f.Add([]byte{0xa9, 0x00, 0x02}, false)
	f.Fuzz(func(t *testing.T, blob []byte, reordered bool) {
		var flags RecordingFlags
		if reordered {
			flags = FlagReordered
		}
		samples, err := decodeFlagged(blob, flags)
		if err != nil {
			return
		}
		if e := encode(samples); !bytes.Equal(e.Blob(), blob) || e.Reordered() != reordered {
			t.Fatalf("% x decodes to what encodes to % x", blob, e.Blob())
		}
	})
}

func BenchmarkVideoIndexDecode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	samples := make([]Sample, 1800)
	for i := range samples {
		samples[i] = Sample{Duration90k: 2990 + r.Int32N(20), Bytes: 5000 + r.Int32N(3000), Sync: i%60 == 0}
	}
	blob := encode(samples).Blob()
	b.SetBytes(int64(len(blob)))
	for b.Loop() {
		d := DecodeVideoIndex(blob, 0)
		for d.Next() {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(samples)), "ns/sample")
}
