// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/moonfirefs/moonfirefs"
)

// Parameter sets of x264: SPS 0 for 320×180 and for 640×360, and PPS 0 and 1 for
// SPS 0.
var (
	smallSPS = unhex("6742c00cdc1419f9e1000003000100000300 1e8f142b80")
	largeSPS = unhex("6742c01edc0a02ff9610000003001000000301e8f162e480")
	pps0     = unhex("68ce3c80")
	pps1     = unhex("685371e4")
)

// Slices: the header is first_mb_in_slice 0, slice_type 7 or 5, PPS 0 or 1.
var (
	idrSlice     = []byte{0x65, 0b1_0001000, 0b1_1111111, 0xaa, 0, 0, 3, 1}
	secondSlice  = []byte{0x65, 0b010_00010, 0b00_1_11111, 0xaa, 0, 0, 3, 1} // first_mb_in_slice 1
	idrSlicePPS1 = []byte{0x65, 0b1_0001000, 0b010_11111, 0xbb}
	otherSlice   = []byte{0x41, 0b1_00110_1_1, 0xcc}
	sei          = []byte{0x06, 5, 1, 0xdd, 0x80}
	delimiter    = []byte{0x09, 0xf0}
	filler       = []byte{0x0c, 0xff, 0xff, 0x80}
	endOfStream  = []byte{0x0b}
	unknown      = []byte{0x18, 0xee}
)

func unhex(text string) []byte {
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(text), []byte(" "), nil)))
	if err != nil {
		panic(err)
	}
	return b
}

// annexB joins NAL units with start codes of both kinds.
func annexB(units ...[]byte) (byteStream []byte) {
	for i, unit := range units {
		if i%2 == 0 {
			byteStream = append(byteStream, 0)
		}
		byteStream = append(append(byteStream, 0, 0, 1), unit...)
	}
	return byteStream
}

// convert converts an access unit.
func convert(s *stream, byteStream []byte) (data []byte, sync bool, err error) {
	frames, err := s.byteStream(byteStream)
	if len(frames) == 0 {
		return nil, false, err
	}
	return frames[0].Data, frames[0].Sync, err
}

// lengthPrefixed joins NAL units with lengths.
func lengthPrefixed(units ...[]byte) (sample []byte) {
	for _, unit := range units {
		sample = append(binary.BigEndian.AppendUint32(sample, uint32(len(unit))), unit...)
	}
	return sample
}

// What is in a sample and what is not.
func TestSampleNALRule(t *testing.T) {
	stream := newH264Stream()
	data, sync, err := convert(stream, annexB(delimiter, smallSPS, pps0, sei, idrSlice, secondSlice, filler, endOfStream))
	if err != nil || !sync {
		t.Fatalf("sync %v, error %v", sync, err)
	}
	if want := lengthPrefixed(sei, idrSlice, secondSlice); !bytes.Equal(data, want) {
		t.Errorf("got %x, want %x", data, want)
	}
	data, sync, err = convert(stream, annexB(delimiter, pps0, otherSlice, unknown, filler))
	if err != nil || sync {
		t.Fatalf("sync %v, error %v", sync, err)
	}
	if want := lengthPrefixed(otherSlice, unknown); !bytes.Equal(data, want) {
		t.Errorf("got %x, want %x", data, want)
	}
}

// Nothing comes out of access units without a coded slice, or of IDR pictures
// that cannot be decoded.
func TestSampleNothingToRecord(t *testing.T) {
	tests := map[string][]byte{
		"empty":              nil,
		"no slice":           annexB(delimiter, smallSPS, pps0, sei),
		"no parameter sets":  annexB(delimiter, idrSlice),
		"no SPS":             annexB(pps0, idrSlice),
		"no PPS":             annexB(smallSPS, idrSlice),
		"another PPS":        annexB(smallSPS, pps0, idrSlicePPS1),
		"without beginning":  annexB(smallSPS, pps0, []byte{0x65, 0b010_00100, 0b01_111111}),
		"cut parameter sets": annexB(smallSPS[:4], pps0[:1], idrSlice),
		"cut slice":          annexB(smallSPS, pps0, idrSlice[:1]),
	}
	for name, byteStream := range tests {
		if data, sync, err := convert(newH264Stream(), byteStream); data != nil || sync || err != nil {
			t.Errorf("%s: got %x, %v, %v", name, data, sync, err)
		}
	}
}

// A sequence parameter set that does not make sense is an error: a stream that
// needs it cannot be recorded.
func TestSampleRejectsSPS(t *testing.T) {
	nonsense := append(slices.Clone(smallSPS[:6]), 0xff, 0xff)
	if _, _, err := convert(newH264Stream(), annexB(nonsense, pps0, idrSlice)); err == nil {
		t.Error("no error")
	}
}

// The sample entry changes with the parameter sets, when and only when they
// change, at a sync sample.
func TestParameterSetChanges(t *testing.T) {
	stream := newH264Stream()
	stream.learn([][]byte{smallSPS, pps0})
	next := func(units ...[]byte) *moonfirefs.VideoSampleEntry {
		t.Helper()
		if _, _, err := convert(stream, annexB(units...)); err != nil {
			t.Fatal(err)
		}
		return stream.entry
	}
	first := next(idrSlice)
	if first == nil || first.Width != 320 || first.Height != 180 {
		t.Fatalf("from the session description: %+v", first)
	}
	if next(smallSPS, pps0, idrSlice) != first {
		t.Error("the same sets in-band make another sample entry")
	}
	if next(largeSPS, otherSlice) != first {
		t.Error("the sample entry changes without an IDR picture")
	}
	large := next(pps0, idrSlice)
	if large == first || large.Width != 640 || large.Height != 360 {
		t.Errorf("after a new SPS: %+v", large)
	}
	if data, _, _ := convert(stream, annexB(pps1, otherSlice)); !bytes.Equal(data, lengthPrefixed(pps1, otherSlice)) {
		t.Errorf("a PPS that the sample entry does not have is missing from %x", data)
	}
	both := next(idrSlicePPS1)
	if both == large || len(parseSampleEntry(t, both).AvcC.PPSnalus) != 2 {
		t.Error("a PPS that came between IDR pictures is not in the next sample entry")
	}
	if data, _, _ := convert(stream, annexB(pps1, otherSlice)); !bytes.Equal(data, lengthPrefixed(otherSlice)) {
		t.Errorf("a PPS that the sample entry has is in %x", data)
	}
	back := newH264Stream()
	if _, _, err := convert(back, annexB(pps0, smallSPS, idrSlice)); err != nil || back.entry.SHA1 != first.SHA1 {
		t.Error("the same sets in another order make another sample entry")
	}
}

// FuzzH264: whatever a camera sends, a sample is well formed, the sample entry
// can be read back by another library, and it holds sets that were sent.
func FuzzH264(f *testing.F) {
	f.Add(annexB(smallSPS, pps0), annexB(delimiter, sei, idrSlice))
	f.Add([]byte(nil), annexB(largeSPS, pps0, pps1, idrSlicePPS1))
	f.Add(annexB(smallSPS), annexB(otherSlice, filler, unknown))
	f.Add(annexB(unhex("67640028acd940780227e5c044000003000400000300c03c60c658"), unhex("68ebe3cb22c0")), annexB(idrSlice))
	f.Fuzz(func(t *testing.T, description, accessUnit []byte) {
		stream := newH264Stream()
		stream.learn(slices.Collect(nalUnits(description)))
		data, sync, err := convert(stream, accessUnit)
		if err != nil && data != nil || sync && stream.entry == nil {
			t.Fatalf("data %x, sync %v, entry %v, error %v", data, sync, stream.entry, err)
		}
		for rest := data; len(rest) > 0; {
			size := binary.BigEndian.Uint32(rest)
			unit := rest[4:][:size]
			if !bytes.Contains(accessUnit, unit) || nalType(unit) == 9 {
				t.Fatalf("NAL unit %x in the sample", unit)
			}
			rest = rest[4+size:]
		}
		if stream.entry != nil {
			checkEntry(t, stream, slices.Concat(description, accessUnit))
		}
	})
}

// checkEntry reads a sample entry with another library. Each parameter set in it
// must have been sent.
func checkEntry(t *testing.T, stream *stream, sent []byte) {
	t.Helper()
	entry := stream.entry
	if entry.Width == 0 || entry.Height == 0 || entry.PixelAspectH == 0 || entry.PixelAspectV == 0 {
		t.Fatalf("entry %+v", entry)
	}
	parsed := parseSampleEntry(t, entry)
	var sets [][]byte
	switch {
	case parsed.AvcC != nil:
		sets = slices.Concat(parsed.AvcC.SPSnalus, parsed.AvcC.PPSnalus)
	case parsed.HvcC != nil:
		for _, array := range parsed.HvcC.NaluArrays {
			sets = append(sets, array.Nalus...)
		}
	}
	if len(sets) != len(stream.entrySets) {
		t.Fatalf("%d parameter sets, want %d", len(sets), len(stream.entrySets))
	}
	for _, set := range sets {
		if !bytes.Contains(sent, set) {
			t.Fatalf("parameter set %x was not sent", set)
		}
	}
}

// Ensures that a camera cannot fill the memory with parameter sets.
func TestLongParameterSetsAreNotKept(t *testing.T) {
	s := newH264Stream()
	s.learn([][]byte{smallSPS, append(slices.Clone(pps0), make([]byte, 10*maxParameterSetBytes)...)})
	for _, set := range s.codec.(*h264Codec).pps {
		if len(set.unit) > maxParameterSetBytes+1 {
			t.Errorf("a PPS of %d bytes is kept", len(set.unit))
		}
	}
}

// Ensures that a camera cannot fill the memory with sets of many ids.
func TestSetsAreBounded(t *testing.T) {
	s := newH264Stream()
	for id := range uint32(maxPPSID + 1) {
		var pps bitWriter
		pps.u(8, 0x68)
		pps.ue(id, 0)
		s.learn([][]byte{append(pps.bytes(), bytes.Repeat([]byte{1}, maxParameterSetBytes-10)...)})
	}
	kept := 0
	for _, set := range s.codec.(*h264Codec).pps {
		kept += len(set.unit)
	}
	if kept == 0 || kept > maxSetsBytes {
		t.Errorf("%d bytes are kept", kept)
	}
}

// Ensures that a configuration which nobody would read from the index is refused.
func TestLongConfigurationIsRefused(t *testing.T) {
	sets := [][]byte{smallSPS}
	for id := range uint32(40) {
		var pps bitWriter
		pps.u(8, 0x68)
		pps.ue(id, 0)
		sets = append(sets, append(pps.bytes(), bytes.Repeat([]byte{1}, maxParameterSetBytes-10)...))
	}
	s := newH264Stream()
	s.learn(sets)
	if _, _, err := convert(s, annexB(idrSlice)); err == nil || !strings.Contains(err.Error(), "more than 1048576") {
		t.Errorf("got %v", err)
	}
	s = newH264Stream()
	s.learn(sets[:10])
	if _, _, err := convert(s, annexB(idrSlice)); err != nil {
		t.Error(err)
	}
}
