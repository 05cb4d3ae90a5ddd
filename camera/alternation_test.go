// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

// TestAlternatingConfigurations ensures that a configuration which changes with each key
// frame makes a few sample entries and not thousands, that samples have their parameter
// sets in them from then on, and that a change which somebody makes is still one.
func TestAlternatingConfigurations(t *testing.T) {
	begin := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	sets := [][]byte{smallSPS, largeSPS}
	tests := map[string]struct {
		every   time.Duration
		entries int
		inBand  bool
	}{
		"each second":      {time.Second, maxChanges + 1, true},
		"each ten minutes": {10 * time.Minute, maxChanges + 1, true},
		"twice an hour":    {30 * time.Minute, 200, false},
	}
	for name, test := range tests {
		var habits Habits
		var entries []*moonfirefs.VideoSampleEntry
		for session := range 2 { // the second knows what the first has learned
			stream := newH264Stream()
			stream.alternation = &habits.alternation
			for n := range 100 {
				stream.arrived = begin.Add(time.Duration(100*session+n) * test.every)
				frames, err := stream.byteStream(annexB(sets[n%2], pps0, idrSlice))
				if err != nil || len(frames) != 1 || !frames[0].Sync {
					t.Fatalf("%s: %v, %v", name, frames, err)
				}
				f := frames[0]
				if len(entries) == 0 || entries[len(entries)-1] != f.Entry {
					entries = append(entries, f.Entry)
				}
				inBand := strings.HasPrefix(f.Entry.RFC6381Codec, "avc3.")
				want := appendLengthPrefixed(nil, idrSlice)
				if inBand {
					want = appendLengthPrefixed(appendLengthPrefixed(appendLengthPrefixed(nil, sets[n%2]), pps0), idrSlice)
				}
				if !bytes.Equal(f.Data, want) {
					t.Fatalf("%s: sample %d of session %d with %s is %x", name, n, session, f.Entry.RFC6381Codec, f.Data)
				}
				if last := session == 1 && n == 99; last && inBand != test.inBand {
					t.Errorf("%s: %s", name, f.Entry.RFC6381Codec)
				}
			}
		}
		if len(entries) != test.entries {
			t.Errorf("%s: %d sample entries, want %d", name, len(entries), test.entries)
		}
	}
}

// TestAlternationEnds ensures that pictures of a new size make a sample entry of their own
// again.
func TestAlternationEnds(t *testing.T) {
	stream := newH264Stream()
	for n := range 20 {
		sps := smallSPS
		if n >= 10 {
			sps = largeSPS
		}
		if n < 10 && n%2 == 1 {
			sps = testAVCSPS{profile: 100, reorder: 2}.unit() // of the size of the first
		}
		frames, err := stream.byteStream(annexB(sps, pps0, idrSlice))
		if err != nil || len(frames) != 1 {
			t.Fatal(frames, err)
		}
		if inBand := frames[0].Entry.RFC6381Codec[:4] == "avc3"; inBand != (n >= maxChanges && n < 10) {
			t.Errorf("sample %d has %s of %d×%d", n, frames[0].Entry.RFC6381Codec, frames[0].Entry.Width, frames[0].Entry.Height)
		}
	}
}

// TestInBandSampleEntries ensures that those for samples with parameter sets are what
// ISO 14496-15 §5.4.2.1 and §8.3.3.1.2 want.
func TestInBandSampleEntries(t *testing.T) {
	avc, err := avcSampleEntry(smallSPS, [][]byte{pps0}, true)
	if err != nil || string(avc.Data[4:8]) != "avc3" || !strings.HasPrefix(avc.RFC6381Codec, "avc3.") {
		t.Errorf("%+v, %v", avc, err)
	}
	hevc, err := hevcSampleEntry(hevcVPS, hevcSmallSPS, [][]byte{hevcPPS0}, true)
	if err != nil || string(hevc.Data[4:8]) != "hev1" || !strings.HasPrefix(hevc.RFC6381Codec, "hev1.") {
		t.Errorf("%+v, %v", hevc, err)
	}
	for _, set := range [][]byte{hevcVPS, hevcSmallSPS, hevcPPS0} {
		// The type of the array without array_completeness, a count of 1, the length.
		array := append([]byte{byte(hevcType(set)), 0, 1, 0, byte(len(set))}, set...)
		if err == nil && !bytes.Contains(hevc.Data, array) {
			t.Errorf("no array of type %d that may be incomplete", hevcType(set))
		}
	}
}
