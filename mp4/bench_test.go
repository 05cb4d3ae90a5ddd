// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// fullHour is an hour of 30 frames a second, 108 000 in all, whose samples have
// sizes but no bytes.
func fullHour(timestamps bool) *store {
	r := rand.New(rand.NewPCG(1, 2))
	s := &store{spec: Spec{
		Entry: moonfirefs.NewVideoSampleEntry(bareEntry(), 640, 360, 1, 1, ""),
		Zone:  time.UTC, Title: "driveway 2026-11-22 13:00", Timestamps: timestamps,
	}}
	start90k := noon
	for range 60 {
		frames := make([]frame, 1800)
		for i := range frames {
			frames[i].Sample = moonfirefs.Sample{Duration90k: 2990 + r.Int32N(20), Bytes: 5000 + r.Int32N(3000), Sync: i%60 == 0}
		}
		s.add(start90k, frames)
		start90k = s.end90k()
	}
	return s
}

// BenchmarkMoov reads the whole index of an hour.
func BenchmarkMoov(b *testing.B) {
	s := fullHour(true)
	f := s.layOut(b)
	c := count(&s.spec)
	p := make([]byte, firstChunk(&s.spec, &c))
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if err := f.ReadAt(context.Background(), s, p, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.samples), "ns/sample")
}

// BenchmarkMoovInPieces reads it as the kernel does, in reads of 128 KiB.
func BenchmarkMoovInPieces(b *testing.B) {
	s := fullHour(true)
	f := s.layOut(b)
	c := count(&s.spec)
	head := firstChunk(&s.spec, &c)
	p := make([]byte, 128<<10)
	b.SetBytes(head)
	for b.Loop() {
		for off := int64(0); off < head; off += int64(len(p)) {
			if err := f.ReadAt(context.Background(), s, p[:min(int64(len(p)), head-off)], off); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.samples), "ns/sample")
}

// BenchmarkMoovCopy copies as many bytes, for comparison.
func BenchmarkMoovCopy(b *testing.B) {
	s := fullHour(true)
	c := count(&s.spec)
	src := make([]byte, firstChunk(&s.spec, &c))
	dst := make([]byte, len(src))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		copy(dst, src)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.samples), "ns/sample")
}

// BenchmarkSize is what a listing does for each file.
func BenchmarkSize(b *testing.B) {
	for name, timestamps := range map[string]bool{"video": false, "timestamps": true} {
		s := fullHour(timestamps)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Size(&s.spec)
			}
		})
	}
}

// BenchmarkNew is what opening a file does.
func BenchmarkNew(b *testing.B) {
	s := fullHour(true)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(&s.spec); err != nil {
			b.Fatal(err)
		}
	}
}
