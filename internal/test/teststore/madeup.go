// SPDX-License-Identifier: GPL-3.0-or-later

package teststore

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/moonfirefs/moonfirefs"
)

// MadeUp makes media for tests that nobody decodes: samples of so many bytes, no two of
// which are the same, with a key frame each second. It takes no time and needs no
// program.
func MadeUp(p Params, sampleBytes int) *Media {
	m := &Media{Params: p, Entry: moonfirefs.NewVideoSampleEntry(madeUpEntry(p), uint16(p.Width), uint16(p.Height), 1, 1, "avc1.4d401e")}
	random := rand.NewChaCha8([32]byte{1})
	for n := range p.FPS * p.Seconds {
		data := make([]byte, sampleBytes)
		_, _ = random.Read(data) // never fails
		m.Samples = append(m.Samples, Sample{Data: data, Sync: n%p.FPS == 0})
	}
	return m
}

// madeUpEntry is a sample entry without codec configuration (ISO 14496-12 §12.1.3).
func madeUpEntry(p Params) []byte {
	box := make([]byte, 86)
	binary.BigEndian.PutUint32(box, uint32(len(box)))
	copy(box[4:], "avc1")
	box[15] = 1 // data reference
	binary.BigEndian.PutUint16(box[32:], uint16(p.Width))
	binary.BigEndian.PutUint16(box[34:], uint16(p.Height))
	box[49] = 1 // frame count
	return box
}
