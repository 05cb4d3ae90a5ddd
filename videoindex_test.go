package moonfire

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

func decode(blob []byte) ([]Sample, error) {
	var samples []Sample
	d := DecodeVideoIndex(blob)
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
		for i := range samples {
			samples[i] = Sample{Duration90k: 1 + r.Int32N(1<<22), Bytes: 1 + r.Int32N(math.MaxInt32), Sync: r.IntN(3) == 0}
		}
		if r.IntN(2) == 0 {
			samples[len(samples)-1].Duration90k = 0
		}
		got, err := decode(encode(samples).Blob())
		if err != nil {
			t.Fatal(err)
		}
		equalSamples(t, got, samples)
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
		d := DecodeVideoIndex(blob)
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
	f.Add(exampleBlob)
	f.Add([]byte{0x29, 0xd0})
	f.Add([]byte{0xa9, 0x00, 0x02})
	f.Fuzz(func(t *testing.T, blob []byte) {
		samples, err := decode(blob)
		if err != nil {
			return
		}
		if again := encode(samples).Blob(); !bytes.Equal(again, blob) {
			t.Fatalf("% x decodes to what encodes to % x", blob, again)
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
		d := DecodeVideoIndex(blob)
		for d.Next() {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(samples)), "ns/sample")
}
