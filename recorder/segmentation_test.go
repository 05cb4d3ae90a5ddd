// SPDX-License-Identifier: GPL-3.0-or-later

package recorder

import (
	"testing"
	"time"

	"github.com/moonfirefs/moonfirefs"
)

func TestSegmentationDue(t *testing.T) {
	minute := time.Minute
	tests := map[string]struct {
		every  time.Duration
		i, n   int
		first  bool
		start  time.Duration // after 12:00:00
		wantAt time.Duration
	}{
		"next minute":                     {minute, 0, 1, false, 10 * time.Second, minute},
		"starts on an instant":            {minute, 0, 1, false, minute, 2 * minute},
		"staggered":                       {minute, 1, 4, false, 10 * time.Second, 15 * time.Second},
		"staggered, passed":               {minute, 1, 4, false, 15 * time.Second, 75 * time.Second},
		"quarter comes first":             {minute, 1, 4, false, 14*minute + 20*time.Second, 15 * minute},
		"starts on a quarter":             {minute, 1, 4, false, 15 * minute, 15*minute + 15*time.Second},
		"just before a quarter":           {minute, 1, 4, false, 15*minute - time.Second, 15 * minute},
		"first passes over":               {minute, 0, 1, true, 10 * time.Second, 2 * minute},
		"first passes over a quarter":     {minute, 1, 4, true, 14*minute + 30*time.Second, 16*minute + 15*time.Second},
		"first that rests on a minute":    {minute, 0, 1, true, 2 * minute, 3 * minute},
		"first, quarter after the minute": {minute, 3, 4, true, 13*minute + 50*time.Second, 15 * minute},
		"short":                           {2 * time.Second, 0, 1, false, time.Second, 2 * time.Second},
		"long: any key frame will do":     {10 * minute, 0, 1, false, minute, 5 * minute},
		"long and first":                  {10 * minute, 0, 1, true, minute, 5 * minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			every90k := moonfirefs.FromDuration(test.every)
			s := segmentation{every90k: every90k, offset90k: every90k * moonfirefs.Duration90k(test.i) / moonfirefs.Duration90k(test.n)}
			got := s.due90k(moonfirefs.FromTime(noon.Add(test.start)), test.first)
			if want := moonfirefs.FromTime(noon.Add(test.wantAt)); got != want {
				t.Errorf("due at %v, want %v", got, want)
			}
		})
	}
}

// Streams are spread over the interval, however many there are and whichever are gone.
func TestFreeOffset(t *testing.T) {
	used := make(map[moonfirefs.StreamID]moonfirefs.Duration90k)
	add := func(id moonfirefs.StreamID, want90k moonfirefs.Duration90k) {
		t.Helper()
		used[id] = freeOffset90k(used, 60)
		if used[id] != want90k {
			t.Errorf("stream %d gets %d, want %d", id, used[id], want90k)
		}
	}
	for i, want90k := range []moonfirefs.Duration90k{0, 30, 15, 45, 7} {
		add(moonfirefs.StreamID(i), want90k)
	}
	delete(used, 0)
	add(5, 56) // between 45 and 7
}

func TestCeil(t *testing.T) {
	tests := []struct {
		t             moonfirefs.Time90k
		every, offset moonfirefs.Duration90k
		want          moonfirefs.Time90k
	}{
		{0, 10, 0, 0}, {1, 10, 0, 10}, {9, 10, 0, 10}, {10, 10, 0, 10}, {11, 10, 0, 20},
		{0, 10, 3, 3}, {3, 10, 3, 3}, {4, 10, 3, 13},
		{-1, 10, 0, 0}, {-10, 10, 0, -10}, {-11, 10, 0, -10}, {-8, 10, 3, -7},
	}
	for _, test := range tests {
		if got := ceil90k(test.t, test.every, test.offset); got != test.want {
			t.Errorf("ceil90k(%d, %d, %d) is %d, want %d", test.t, test.every, test.offset, got, test.want)
		}
	}
}

// The longest recording stays under the limit: a frame that comes just before
// tooLong90k may last longestFrame90k, and be stretched by the correction.
func TestNoRecordingIsTooLong(t *testing.T) {
	for _, still90k := range []moonfirefs.Duration90k{0, 30 * second90k, 3 * 60 * second90k, 3600 * second90k} {
		s := segmentation{still90k: still90k}
		longest := s.tooLong90k() - 1 + s.longestFrame90k() + s.longestFrame90k()*501/1_000_000 + 1
		if longest >= moonfirefs.MaxRecordingDuration90k {
			t.Errorf("with pauses of %v, a recording may last %v", still90k, longest)
		}
	}
	if longEnough90k >= (segmentation{}).tooLong90k() {
		t.Error("no time is left to wait for a key frame")
	}
}
