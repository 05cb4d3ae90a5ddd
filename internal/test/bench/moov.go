// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/mp4"
)

// buildingMoov is row 4.
func buildingMoov(ctx context.Context, b *bench) error {
	const repeats = 20
	spec, blobs := moovSpec()
	file, err := mp4.New(spec)
	if err != nil {
		return err
	}
	source := memory(blobs)
	head := make([]byte, headBytes(file))
	if err := file.ReadAt(ctx, source, head, 0); err != nil {
		return err
	}
	same := make([]byte, len(head))
	var sum uint64
	perSample := func(do func() error) func() (float64, error) {
		return func() (float64, error) {
			took, err := seconds(func() error {
				for range repeats {
					if err := do(); err != nil {
						return err
					}
				}
				return nil
			})
			return took * 1e9 / repeats / (60 * 60 * 30), err
		}
	}
	c, err := b.compete(
		perSample(func() error { return file.ReadAt(ctx, source, head, 0) }),
		perSample(func() error {
			copy(same, head)
			for _, blob := range blobs {
				sum += addVarints(blob)
			}
			return nil
		}))
	if err != nil {
		return err
	}
	b.report(4, "moov of an hour, against copying it and decoding the varints", "ns/sample", c)
	b.sink = sum
	return nil
}

// addVarints decodes varints, and does nothing else worth mentioning with them.
func addVarints(blob []byte) (sum uint64) {
	for len(blob) > 0 {
		value, n := binary.Uvarint(blob)
		sum, blob = sum+value, blob[n:]
	}
	return sum
}

// moovSpec is an hour of 60 recordings with 1800 samples each, and their video
// indexes.
func moovSpec() (*mp4.Spec, [][]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	spec := &mp4.Spec{
		Entry: moonfirefs.NewVideoSampleEntry([]byte("\x00\x00\x00\x0aavc1.."), 640, 360, 1, 1, "avc1.4d401e"),
		Zone:  time.UTC, Title: "driveway 2026-11-22 13:00", Timestamps: true,
	}
	var blobs [][]byte
	start90k := moonfirefs.FromTime(hourStart)
	for i := range 60 {
		var table moonfirefs.SampleTable
		for frame := range 1800 {
			table.AddVideo(moonfirefs.Sample{Duration90k: 2990 + random.Int32N(20), Bytes: 5000 + random.Int32N(3000), Sync: frame%60 == 0})
		}
		r := moonfirefs.Recording{Summary: moonfirefs.Summary{
			ID: moonfirefs.RecordingID(i + 1), Start90k: start90k, VideoSampleEntry: 1, RunOffset: int32(i),
		}}
		table.Fill(&r)
		spec.Recordings, blobs = append(spec.Recordings, r.Summary), append(blobs, r.VideoIndex)
		start90k = r.End90k()
	}
	return spec, blobs
}

// headBytes is where the samples begin.
func headBytes(file *mp4.File) int64 {
	head := file.Size()
	for off := int64(0); off < head; off += 4096 {
		if _, _, ok := file.SampleRange(off, 1); ok {
			return off
		}
	}
	return head
}

// memory is video indexes in memory, as the cache has them, and no samples.
type memory [][]byte

func (m memory) VideoIndex(_ context.Context, recording int) ([]byte, error) {
	return m[recording], nil
}

func (m memory) AudioIndex(context.Context, int) ([]byte, error) { panic("there is no audio") }

func (m memory) ReadSamples(context.Context, int, []byte, int64) error {
	panic("there are no samples in a moov")
}
