// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/hevc"

	"github.com/moonfirefs/moonfirefs"
)

// Parameter sets of x265: a VPS, SPS 0 for 320×180 and for 640×360, and PPS 0
// and 1 for SPS 0. The last ones have two temporal sub-layers.
var (
	hevcVPS      = unhex("40010c01ffff01600000030090000003000003003c959409")
	hevcOtherVPS = unhex("40010c01ffff01600000030090000003000003003f959409")
	hevcSmallSPS = unhex("42010101600000030090000003000003003ca00a080c1f3e595952930bc05a020000030002000003003210")
	hevcLargeSPS = unhex("42010101600000030090000003000003003fa005020171f2e595952930bc05a020000003000200000300321 0")
	hevcPPS0     = unhex("4401c073c189")
	hevcPPS1     = unhex("4401502cf06240") // the same, but for the id
	layersVPS    = unhex("40010c02ffff01600000030090000003000003003c00009598acc048")
	layersSPS    = unhex("42010201600000030090000003000003003c0000a00b080485965662b349265780b40400000300040000030064 20")
	layersPPS    = unhex("4401c172b42240")
)

// Slice segments. The header begins with first_slice_segment_in_pic_flag; where
// the picture is IRAP, no_output_of_prior_pics_flag; the PPS id, 0 or 1.
var (
	hevcIDR     = hevcSlice(20, 0b1_0_1_11111)
	hevcIDRPPS1 = hevcSlice(19, 0b1_0_010_111)
	hevcIDRNext = hevcSlice(20, 0b0_0_1_11111) // not the first segment
	hevcBLA     = hevcSlice(16, 0b1_0_1_11111)
	hevcCRA     = hevcSlice(21, 0b1_0_1_11111)
	hevcTrail   = hevcSlice(1, 0b1_1_111111)
	hevcRADL    = hevcSlice(7, 0b1_1_111111)
	hevcRASL    = hevcSlice(9, 0b1_1_111111)
	hevcRASLN   = hevcSlice(8, 0b1_1_111111)

	hevcDelimiter = []byte{35 << 1, 1, 0x50}
	hevcEnd       = []byte{36 << 1, 1}
	hevcFiller    = []byte{38 << 1, 1, 0xff, 0x80}
	hevcSEI       = []byte{39 << 1, 1, 5, 1, 0xdd, 0x80}
	hevcSuffixSEI = []byte{40 << 1, 1, 132, 1, 0xee, 0x80}
	hevcUnknown   = []byte{50 << 1, 1, 0xab}
	hevcLayer1    = []byte{1 << 1, 1<<3 | 1, 0xff}
)

func hevcSlice(nalType, header byte) []byte {
	return []byte{nalType << 1, 1, header, 0xaa, 0, 0, 3, 1, nalType}
}

// What is in a sample and what is not.
func TestHEVCSampleNALRule(t *testing.T) {
	stream := newH265Stream()
	data, sync, err := convert(stream, annexB(hevcDelimiter, hevcVPS, hevcSmallSPS, hevcPPS0, hevcSEI, hevcIDR, hevcIDRNext, hevcSuffixSEI, hevcFiller))
	if err != nil || !sync {
		t.Fatalf("sync %v, error %v", sync, err)
	}
	if want := lengthPrefixed(hevcSEI, hevcIDR, hevcIDRNext, hevcSuffixSEI); !bytes.Equal(data, want) {
		t.Errorf("got %x, want %x", data, want)
	}
	data, sync, err = convert(stream, annexB(hevcDelimiter, hevcPPS0, hevcTrail, hevcLayer1, hevcUnknown, []byte{40 << 1}, hevcEnd, hevcFiller))
	if err != nil || sync {
		t.Fatalf("sync %v, error %v", sync, err)
	}
	if want := lengthPrefixed(hevcTrail, hevcUnknown, hevcEnd); !bytes.Equal(data, want) {
		t.Errorf("got %x, want %x", data, want)
	}
}

// Nothing comes out of access units without a slice, or of IRAP pictures that
// cannot be decoded.
func TestHEVCSampleNothingToRecord(t *testing.T) {
	tests := map[string][]byte{
		"empty":              nil,
		"no slice":           annexB(hevcDelimiter, hevcVPS, hevcSmallSPS, hevcPPS0, hevcSEI),
		"no parameter sets":  annexB(hevcDelimiter, hevcIDR),
		"no VPS":             annexB(hevcSmallSPS, hevcPPS0, hevcIDR),
		"no SPS":             annexB(hevcVPS, hevcPPS0, hevcIDR),
		"no PPS":             annexB(hevcVPS, hevcSmallSPS, hevcIDR),
		"another PPS":        annexB(hevcVPS, hevcSmallSPS, hevcPPS0, hevcIDRPPS1),
		"without beginning":  annexB(hevcVPS, hevcSmallSPS, hevcPPS0, hevcIDRNext),
		"cut parameter sets": annexB(hevcVPS[:2], hevcSmallSPS[:14], hevcPPS0[:2], hevcIDR),
		"cut sub-layers":     annexB(layersVPS, layersSPS[:15], layersPPS, hevcIDR),
		"cut slice":          annexB(hevcVPS, hevcSmallSPS, hevcPPS0, hevcIDR[:2]),
		"reserved IRAP":      annexB(hevcVPS, hevcSmallSPS, hevcPPS0, hevcSlice(22, 0xff)),
		"another layer":      annexB(hevcVPS, hevcSmallSPS, hevcPPS0, append([]byte{20 << 1, 1<<3 | 1}, hevcIDR[2:]...)),
	}
	for name, byteStream := range tests {
		if data, sync, err := convert(newH265Stream(), byteStream); data != nil || sync || err != nil {
			t.Errorf("%s: got %x, %v, %v", name, data, sync, err)
		}
	}
}

// Recording starts at any IRAP picture. RASL pictures are left out where what
// they refer to is missing, and only there.
func TestHEVCSyncSamples(t *testing.T) {
	sets := [][]byte{hevcVPS, hevcSmallSPS, hevcPPS0}
	type step struct {
		units          [][]byte
		recorded, sync bool
	}
	tests := map[string][]step{
		"starts at IDR": {{[][]byte{hevcIDR}, true, true}, {[][]byte{hevcRADL}, true, false}, {[][]byte{hevcTrail}, true, false}},
		"starts at BLA": {{[][]byte{hevcBLA}, true, true}, {[][]byte{hevcRASL}, false, false}, {[][]byte{hevcTrail}, true, false}},
		"starts at CRA": {
			{[][]byte{hevcCRA}, true, true}, {[][]byte{hevcRASL}, false, false}, {[][]byte{hevcRASLN}, false, false}, {[][]byte{hevcRADL}, true, false},
			{[][]byte{hevcTrail}, true, false},
			{[][]byte{hevcCRA}, true, true}, {[][]byte{hevcRASL}, true, false}, {[][]byte{hevcRASLN}, true, false},
		},
		"BLA later":      {{[][]byte{hevcIDR}, true, true}, {[][]byte{hevcBLA}, true, true}, {[][]byte{hevcRASL}, false, false}},
		"CRA after IDR":  {{[][]byte{hevcIDR}, true, true}, {[][]byte{hevcCRA}, true, true}, {[][]byte{hevcRASL}, true, false}},
		"CRA after end":  {{[][]byte{hevcIDR, hevcEnd}, true, true}, {[][]byte{hevcCRA}, true, true}, {[][]byte{hevcRASL}, false, false}},
		"CRA after lost": {{[][]byte{hevcTrail}, true, false}, {[][]byte{hevcSlice(21, 0b1_0_010_111)}, false, false}, {[][]byte{hevcCRA}, true, true}, {[][]byte{hevcRASL}, false, false}},
	}
	for name, steps := range tests {
		stream := newH265Stream()
		stream.learn(sets)
		for i, step := range steps {
			data, sync, err := convert(stream, annexB(step.units...))
			if err != nil || (data != nil) != step.recorded || sync != step.sync {
				t.Errorf("%s, step %d: got %x, sync %v, %v", name, i, data, sync, err)
			}
		}
	}
}

// The sample entry changes with the parameter sets, when and only when they
// change, at a sync sample.
func TestHEVCParameterSetChanges(t *testing.T) {
	stream := newH265Stream()
	stream.learn([][]byte{hevcPPS0, hevcSmallSPS, hevcVPS})
	next := func(units ...[]byte) *moonfirefs.VideoSampleEntry {
		t.Helper()
		if _, _, err := convert(stream, annexB(units...)); err != nil {
			t.Fatal(err)
		}
		return stream.entry
	}
	first := next(hevcIDR)
	if first == nil || first.Width != 320 || first.Height != 180 {
		t.Fatalf("from the session description: %+v", first)
	}
	if next(hevcVPS, hevcSmallSPS, hevcPPS0, hevcIDR) != first {
		t.Error("the same sets in-band make another sample entry")
	}
	if next(hevcLargeSPS, hevcTrail) != first {
		t.Error("the sample entry changes without an IRAP picture")
	}
	large := next(hevcCRA)
	if large == first || large.Width != 640 || large.Height != 360 {
		t.Errorf("after a new SPS: %+v", large)
	}
	if data, _, _ := convert(stream, annexB(hevcPPS1, hevcTrail)); !bytes.Equal(data, lengthPrefixed(hevcPPS1, hevcTrail)) {
		t.Errorf("a PPS that the sample entry does not have is missing from %x", data)
	}
	both := next(hevcIDRPPS1)
	if sets := parseSampleEntry(t, both).HvcC.GetNalusForType(hevc.NALU_PPS); both == large || !slices.EqualFunc(sets, [][]byte{hevcPPS0, hevcPPS1}, bytes.Equal) {
		t.Errorf("the PPSs in the sample entry are %x", sets)
	}
	if data, _, _ := convert(stream, annexB(hevcPPS1, hevcTrail)); !bytes.Equal(data, lengthPrefixed(hevcTrail)) {
		t.Errorf("a PPS that the sample entry has is in %x", data)
	}
	if next(hevcOtherVPS, hevcIDR) == both {
		t.Error("a new VPS makes no new sample entry")
	}
}

// A stream of x265 with open groups of pictures can be joined at any access unit.
// What is recorded from there on decodes without complaint, to the pictures that
// the whole stream has from there on; none is missing and none is damaged.
func TestHEVCOpenGOP(t *testing.T) {
	byteStream, _ := testH265.encode(t, "-i", "testsrc=s=320x180:r=10:d=5", "-pix_fmt", "yuv420p", "-x265-params",
		quietX265+":keyint=10:min-keyint=10:bframes=3:open-gop=1:repeat-headers=1:aud=1")
	delimiter := []byte{0, 0, 0, 1, 35 << 1, 1}
	accessUnits := bytes.Split(byteStream, delimiter)[1:]
	if !bytes.Contains(byteStream, []byte{0, 0, 1, 21 << 1, 1}) || !bytes.Contains(byteStream, []byte{0, 0, 1, 8 << 1, 1}) {
		t.Fatal("the stream has no CRA and RASL pictures")
	}
	whole := decodedPictures(t, byteStream)
	if len(whole) != 50 {
		t.Fatalf("the stream has %d pictures", len(whole))
	}
	for start := 0; start < len(accessUnits)-10; start += 3 {
		stream := newH265Stream()
		var recorded []byte
		samples := 0
		for _, unit := range accessUnits[start:] {
			data, sync, err := convert(stream, slices.Concat(delimiter, unit))
			if err != nil {
				t.Fatal(err)
			}
			if data == nil || samples == 0 && !sync {
				continue
			}
			recorded = append(recorded, asByteStream(data)...)
			samples++
		}
		got := decodedPictures(t, append(annexB(stream.entrySets...), recorded...))
		if len(got) != samples || !slices.Equal(got, whole[len(whole)-len(got):]) {
			t.Errorf("joined at access unit %d: %d samples were recorded, %d pictures come out", start, samples, len(got))
		}
	}
}

// asByteStream replaces the lengths in a sample by start codes.
func asByteStream(sample []byte) (byteStream []byte) {
	for rest := sample; len(rest) > 0; {
		size := binary.BigEndian.Uint32(rest)
		byteStream = append(append(byteStream, 0, 0, 0, 1), rest[4:][:size]...)
		rest = rest[4+size:]
	}
	return byteStream
}

// decodedPictures returns the digests of the pictures in a byte stream, in the
// order of output.
func decodedPictures(t *testing.T, byteStream []byte) (digests []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.hevc")
	if err := os.WriteFile(path, byteStream, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "framemd5", "-")
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("ffmpeg: %v: %s", err, complaints.String())
	}
	for line := range strings.Lines(string(output)) {
		if !strings.HasPrefix(line, "#") {
			digests = append(digests, line[strings.LastIndex(line, ",")+1:])
		}
	}
	return digests
}

// Parameter sets that no box can hold are refused.
func TestHEVCRejectsLongParameterSets(t *testing.T) {
	long := slices.Concat(hevcPPS0, bytes.Repeat([]byte{0xff}, 1<<16))
	_, _, err := convert(newH265Stream(), annexB(hevcVPS, hevcSmallSPS, long, hevcIDR))
	if want := "parameter sets do not fit in an hvcC box"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// FuzzH265: whatever a camera sends, a sample is well formed, the sample entry
// can be read back by another library, and it holds sets that were sent.
func FuzzH265(f *testing.F) {
	f.Add(annexB(hevcVPS, hevcSmallSPS, hevcPPS0), annexB(hevcDelimiter, hevcSEI, hevcIDR))
	f.Add([]byte(nil), annexB(hevcVPS, hevcLargeSPS, hevcPPS0, hevcPPS1, hevcIDRPPS1))
	f.Add(annexB(layersVPS, layersSPS, layersPPS), annexB(hevcCRA, hevcEnd))
	f.Add(annexB(hevcVPS), annexB(hevcTrail, hevcFiller, hevcUnknown, hevcLayer1))
	f.Fuzz(func(t *testing.T, description, accessUnit []byte) {
		stream := newH265Stream()
		stream.learn(slices.Collect(nalUnits(description)))
		for range 2 {
			data, sync, err := convert(stream, accessUnit)
			if err != nil && data != nil || sync && stream.entry == nil {
				t.Fatalf("data %x, sync %v, entry %v, error %v", data, sync, stream.entry, err)
			}
			for unit := range nalUnits(asByteStream(data)) {
				if !bytes.Contains(accessUnit, unit) || slices.Contains([]byte{35, 38}, unit[0]>>1) {
					t.Fatalf("NAL unit %x in the sample", unit)
				}
			}
		}
		if stream.entry != nil {
			checkEntry(t, stream, slices.Concat(description, accessUnit))
		}
	})
}
