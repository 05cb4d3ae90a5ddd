// SPDX-License-Identifier: GPL-3.0-or-later

package mp4

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// varied is a collection of files of all kinds, of made-up samples.
func varied() map[string]*store {
	r := rand.New(rand.NewPCG(1, 2))
	stores := map[string]*store{
		"plain":         randomStore(r, 5),
		"timestamps":    randomStore(r, 5),
		"collapsed":     randomStore(r, 20),
		"excerpt":       randomStore(r, 10),
		"one recording": randomStore(r, 1),
		"tiny runs":     randomStore(r, 300),
		"reordered":     randomStore(r, 7),
	}
	for name, s := range stores {
		s.spec.Timestamps = name != "plain"
	}
	stores["reordered"].add(stores["reordered"].end90k(), reorderedFrames(40))
	stores["collapsed"].spec.Gaps = GapsCollapse
	first := stores["excerpt"].spec.Recordings[0]
	stores["excerpt"].spec.Excerpt = &moonfirefs.Interval{Start90k: first.Start90k + 1, End90k: first.End90k() + 5*moonfirefs.UnitsPerSecond}
	return stores
}

// randomStore holds n recordings of made-up samples with all oddities: gaps
// small and great, overlaps, trailing zeros, single samples, no sync samples.
func randomStore(r *rand.Rand, n int) *store {
	s := &store{spec: Spec{
		Entry: moonfirefs.NewVideoSampleEntry(bareEntry(), 640, 360, 4, 3, "avc1.4d401e"), Zone: time.FixedZone("", -5*3600),
		Title: "driveway 2026-11-22 13:00", Description: "Front door – “Ä”",
	}}
	start90k := noon
	for range n {
		frames := randomFrames(r)
		if r.IntN(3) == 0 {
			s.addTrailingZero(start90k, frames)
		} else {
			s.add(start90k, frames)
		}
		switch end90k := s.end90k(); r.IntN(5) {
		case 0:
			start90k = end90k.Add(moonfirefs.Duration90k(r.Int64N(300 * moonfirefs.UnitsPerSecond)))
		case 1:
			start90k = end90k.Add(moonfirefs.Duration90k(r.Int64N(2 * moonfirefs.UnitsPerSecond)))
		case 2:
			start90k += moonfirefs.Time90k(r.Int64N(int64(end90k-start90k) + 1))
		default:
			start90k = end90k
		}
	}
	return s
}

func randomFrames(r *rand.Rand) []frame {
	frames := make([]frame, 1+r.IntN(1<<r.IntN(9)))
	syncEvery := 1 + r.IntN(40)
	never, reordered := r.IntN(6) == 0, r.IntN(6) == 0
	for i := range frames {
		frames[i].Duration90k = 1 + r.Int32N(9000)
		frames[i].Sync = !never && i%syncEvery == 0
		frames[i].Data = bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(300))
		if reordered {
			frames[i].CompositionOffset90k = r.Int32N(50_000) - 25_000
		}
		frames[i].Bytes = int32(len(frames[i].Data))
	}
	return frames
}

// reorderedFrames are goldenFrames in the order I P B B P B B, of 3600 each.
func reorderedFrames(n int) []frame {
	frames := goldenFrames(n, n)
	for i := range frames {
		frames[i].Duration90k = 3600
	}
	return reorder(frames)
}

// reorder puts frames of 3600 each into the order I P B B P B B.
func reorder(frames []frame) []frame {
	frames = slices.Clone(frames)
	for i := range frames[1:] {
		frames[1+i].CompositionOffset90k = [3]int32{7200, -3600, -3600}[i%3]
	}
	return frames
}

// bareEntry is a sample entry without codec configuration (ISO 14496-12 §12.1.3).
func bareEntry() []byte {
	box := make([]byte, 86)
	box[3] = 86
	copy(box[4:], "avc1")
	box[15] = 1 // data reference
	binary.BigEndian.PutUint16(box[32:], 640)
	binary.BigEndian.PutUint16(box[34:], 360)
	box[49] = 1 // frame count
	return box
}
