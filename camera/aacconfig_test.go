// SPDX-License-Identifier: GPL-3.0-or-later

package camera

import (
	"encoding/hex"
	"errors"
	"testing"
)

// TestAACConfig ensures that configurations as cameras send them are understood.
func TestAACConfig(t *testing.T) {
	for text, want := range map[string]aacConfig{
		"1408":           {aacLC, 16000, 1, 1024},
		"1190":           {aacLC, 48000, 2, 1024},
		"1588":           {aacLC, 8000, 1, 1024},
		"140c":           {aacLC, 16000, 1, 960},
		"2b8a0800":       {aacSBR, 22050, 1, 1024}, // SBR to 44100
		"17800fa008":     {aacLC, 8000, 1, 1024},   // the rate as a number
		"f8e840":         {aacERELD, 44100, 2, 512},
		"bc08":           {aacERLD, 16000, 1, 512},
		"1408ffffffffff": {aacLC, 16000, 1, 1024},
	} {
		data, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseAACConfig(data); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "14", "1688", "1780", "1400", "3408", "f8"} {
		data, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseAACConfig(data); err == nil {
			t.Errorf("%s: %+v, want an error", text, got)
		}
	}
	if _, err := parseAACConfig([]byte{0x14}); !errors.Is(err, errAACConfig) {
		t.Errorf("a cut one: %v", err)
	}
}

// FuzzAACConfig ensures that no bytes make the parser panic, and that what it
// accepts can be put into a sample entry.
func FuzzAACConfig(f *testing.F) {
	for _, text := range []string{"1408", "1190", "2b8a0800", "17800fa008", "f8e840", "bc08"} {
		data, err := hex.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseAACConfig(data)
		if err != nil {
			return
		}
		if c.sampleRate == 0 || c.channels == 0 || c.channels > 8 || c.frameSamples == 0 {
			t.Errorf("%x: %+v", data, c)
		}
		entry, err := aacSampleEntry(data)
		if err == nil && (len(entry.Data) < len(data) || entry.Duration90k(1, 100) < 0) {
			t.Errorf("%x: entry %+v", data, entry)
		}
	})
}
