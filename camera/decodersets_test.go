// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"slices"
	"testing"
)

// variant is a parameter set with the same id and another content.
func variant(set []byte) []byte {
	changed := slices.Clone(set)
	changed[len(changed)-1] ^= 0x0c
	return changed
}

// TestSetsInSamples ensures that a decoder which plays a recording knows the latest parameter
// sets at each picture, wherever they change, and that it is told each of them once.
func TestSetsInSamples(t *testing.T) {
	sps, spsB, pps, ppsB, idr, other := smallSPS, variant(smallSPS), pps0, variant(pps0), idrSlice, otherSlice
	tests := map[string]struct {
		units, want [][][]byte // of each access unit, and of each sample
		entries     int
	}{
		"repeated": {
			[][][]byte{{sps, pps, idr}, {sps, pps, other}, {sps, pps, idr}},
			[][][]byte{{idr}, {other}, {idr}}, 1,
		},
		"changed and back between key frames": {
			[][][]byte{{sps, pps, idr}, {ppsB, other}, {ppsB, other}, {pps, other}, {idr}},
			[][][]byte{{idr}, {ppsB, other}, {other}, {pps, other}, {idr}}, 1,
		},
		"changed, and back at a key frame": {
			[][][]byte{{sps, pps, idr}, {ppsB, other}, {sps, pps, idr}, {pps, other}},
			[][][]byte{{idr}, {ppsB, other}, {pps, idr}, {other}}, 1,
		},
		"changed at a key frame": {
			[][][]byte{{sps, pps, idr}, {sps, ppsB, idr}, {ppsB, other}},
			[][][]byte{{idr}, {idr}, {other}}, 2,
		},
		"with a time stamp of their own": {
			[][][]byte{{sps, pps, idr}, {ppsB}, {other}, {pps}, {idr}},
			[][][]byte{{idr}, {ppsB, other}, {pps, idr}}, 1,
		},
		"a sequence parameter set at a picture that is no key frame": {
			[][][]byte{{sps, pps, idr}, {spsB, pps, other}, {spsB, pps, other}, {spsB, pps, idr}, {other}},
			[][][]byte{{idr}, {spsB, pps, other}, {other}, {idr}, {other}}, 2,
		},
		"a sequence parameter set alone, and back": {
			[][][]byte{{sps, pps, idr}, {spsB}, {other}, {sps}, {idr}, {pps, other}},
			[][][]byte{{idr}, {spsB, other}, {sps, idr}, {pps, other}}, 1,
		},
	}
	for name, test := range tests {
		s := newH264Stream()
		var got [][]byte
		entries := map[any]bool{}
		for _, units := range test.units {
			frames, err := s.byteStream(annexB(units...))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i := range frames {
				got = append(got, frames[i].Data)
				entries[frames[i].Entry] = true
			}
		}
		var want [][]byte
		for _, units := range test.want {
			want = append(want, lengthPrefixed(units...))
		}
		if !slices.EqualFunc(got, want, bytes.Equal) || len(entries) != test.entries {
			t.Errorf("%s: %d entries, samples\n%x, want\n%x", name, len(entries), got, want)
		}
	}
}

// TestSetsAcrossSessions ensures that a picture parameter set which alone has changed at the end of
// a session, behind the last picture, is in the sample entry of the next one, although the
// session description still has the one from before.
func TestSetsAcrossSessions(t *testing.T) {
	ppsB := variant(pps0)
	first := newH264Stream()
	first.learn([][]byte{smallSPS, pps0})
	frames, err := first.byteStream(annexB(idrSlice))
	if err != nil || len(frames) != 1 {
		t.Fatal(frames, err)
	}
	if last, err := first.byteStream(annexB(ppsB)); err != nil || len(last) != 0 {
		t.Errorf("a parameter set alone makes %d samples, %v", len(last), err)
	}
	second := newH264Stream()
	second.learn([][]byte{smallSPS, pps0})
	again, err := second.byteStream(annexB(ppsB, idrSlice))
	if err != nil || len(again) != 1 {
		t.Fatal(again, err)
	}
	if !bytes.Contains(frames[0].Entry.Data, pps0) || bytes.Contains(frames[0].Entry.Data, ppsB) {
		t.Errorf("the first session has the entry %x", frames[0].Entry.Data)
	}
	if !bytes.Contains(again[0].Entry.Data, ppsB) || bytes.Contains(again[0].Entry.Data, pps0) {
		t.Errorf("the second session has the entry %x", again[0].Entry.Data)
	}
	if !bytes.Equal(again[0].Data, lengthPrefixed(idrSlice)) {
		t.Errorf("its sample is %x", again[0].Data)
	}
}

// TestHEVCSetsInSamples ensures the same of H.265.
func TestHEVCSetsInSamples(t *testing.T) {
	s := newH265Stream()
	ppsB := variant(hevcPPS0)
	for i, step := range []struct{ units, want [][]byte }{
		{[][]byte{hevcVPS, hevcSmallSPS, hevcPPS0, hevcIDR}, [][]byte{hevcIDR}},
		{[][]byte{hevcVPS, hevcSmallSPS, hevcPPS0, hevcTrail}, [][]byte{hevcTrail}},
		{[][]byte{ppsB}, nil},
		{[][]byte{hevcTrail}, [][]byte{ppsB, hevcTrail}},
		{[][]byte{hevcVPS, hevcSmallSPS, hevcPPS0, hevcIDR}, [][]byte{hevcPPS0, hevcIDR}},
		{[][]byte{hevcOtherVPS, hevcSmallSPS, hevcPPS0, hevcTrail}, [][]byte{hevcOtherVPS, hevcSmallSPS, hevcPPS0, hevcTrail}},
		{[][]byte{hevcTrail}, [][]byte{hevcTrail}},
	} {
		frames, err := s.byteStream(annexB(step.units...))
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for i := range frames {
			got = append(got, frames[i].Data...)
		}
		if want := lengthPrefixed(step.want...); !bytes.Equal(got, want) {
			t.Errorf("sample %d is %x, want %x", i, got, want)
		}
	}
}
