// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"bytes"
	"slices"
	"testing"
)

func TestNALUnits(t *testing.T) {
	tests := map[string]struct {
		byteStream []byte
		want       [][]byte
	}{
		"nothing":               {nil, nil},
		"no start code":         {[]byte{1, 2, 3}, nil},
		"three bytes":           {[]byte{0, 0, 1, 9, 1}, [][]byte{{9, 1}}},
		"four bytes":            {[]byte{0, 0, 0, 1, 9, 1}, [][]byte{{9, 1}}},
		"mixed":                 {[]byte{0, 0, 0, 1, 9, 1, 0, 0, 1, 7, 2, 0, 0, 0, 1, 8}, [][]byte{{9, 1}, {7, 2}, {8}}},
		"trailing zeros":        {[]byte{0, 0, 1, 9, 1, 0, 0, 0, 0, 0, 0, 1, 7, 2, 0, 0, 0}, [][]byte{{9, 1}, {7, 2}}},
		"emulation prevention":  {[]byte{0, 0, 1, 5, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3}, [][]byte{{5, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3}}},
		"rest of a lost unit":   {[]byte{7, 7, 7, 0, 0, 1, 9}, [][]byte{{9}}},
		"empty units":           {[]byte{0, 0, 1, 0, 0, 1, 0, 0, 1, 9, 0, 0, 1}, [][]byte{{9}}},
		"zeros inside":          {[]byte{0, 0, 1, 5, 0, 4, 0, 0, 2, 1}, [][]byte{{5, 0, 4, 0, 0, 2, 1}}},
		"start code of the end": {[]byte{0, 0, 1}, nil},
	}
	for name, test := range tests {
		got := slices.Collect(nalUnits(test.byteStream))
		if !slices.EqualFunc(got, test.want, bytes.Equal) {
			t.Errorf("%s: got %x, want %x", name, got, test.want)
		}
	}
}

// naiveNALUnits splits byte by byte.
func naiveNALUnits(byteStream []byte) (units [][]byte) {
	var unit []byte
	inside := false
	flush := func() {
		for len(unit) > 0 && unit[len(unit)-1] == 0 {
			unit = unit[:len(unit)-1]
		}
		if inside && len(unit) > 0 {
			units = append(units, unit)
		}
		unit = nil
	}
	for i := 0; i < len(byteStream); i++ {
		if i+2 < len(byteStream) && byteStream[i] == 0 && byteStream[i+1] == 0 && byteStream[i+2] == 1 {
			flush()
			inside = true
			i += 2
			continue
		}
		unit = append(unit, byteStream[i])
	}
	flush()
	return units
}

// FuzzNALUnits: the splitter finds what a naive one finds.
func FuzzNALUnits(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 9, 1, 0, 0, 1, 7, 2, 0, 0, 0, 1, 8, 0, 0, 3, 1, 0})
	f.Add([]byte{7, 0, 0, 0, 0, 1, 0, 0, 1})
	f.Fuzz(func(t *testing.T, byteStream []byte) {
		got := slices.Collect(nalUnits(byteStream))
		if want := naiveNALUnits(byteStream); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("got %x, want %x", got, want)
		}
	})
}

// byteStream converts an access unit that has start codes before its NAL units.
func (s *stream) byteStream(b []byte) ([]Frame, error) { return s.samples([][]byte{b}) }
